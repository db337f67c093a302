/* Every directory of a tree, by descriptors and without recursion: see layer_parts.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/layer_parts.h"
#include "util/directory.h"

struct level {
	DIR *stream;
	struct stat status;
	size_t path_length; /* of the directory itself */
};

struct stack {
	struct level levels[LAYER_WALK_DEPTH];
	size_t depth;
	char path[PATH_MAX];
};

/* Goes into name in parent (takes nothing over); path is already its own. */
static int push(struct stack *stack, int parent, const char *name, const struct layer_walk *walk,
	struct err *reterr)
{
	struct level *level = &stack->levels[stack->depth];
	int fd, r;

	if (stack->depth == LAYER_WALK_DEPTH)
		return err_set(reterr, -EFBIG, NULL, "directories lie more than %d deep",
			LAYER_WALK_DEPTH);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = directory_start(fd < 0 ? -errno : fd, &level->stream);
	if (r == 0 && fstat(fd, &level->status)) {
		r = -errno;
		(void)closedir(level->stream);
	}
	if (r < 0)
		return err_set(
			reterr, r, stack->path, "cannot open the directory: %s", strerror(-r));
	level->path_length = strlen(stack->path);
	stack->depth++;
	return walk->visit ? walk->visit(walk->context, fd, stack->path, &level->status, reterr)
			   : 0;
}

static int pop(struct stack *stack, const struct layer_walk *walk, struct err *reterr)
{
	struct level *level = &stack->levels[--stack->depth];
	int r = 0;

	stack->path[level->path_length] = '\0';
	if (walk->leave)
		r = walk->leave(
			walk->context, dirfd(level->stream), stack->path, &level->status, reterr);
	(void)closedir(level->stream);
	return r;
}

static bool is_directory(int directory, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

/* One step: into the next directory of the topmost one, or out of it. */
static int step(struct stack *stack, const struct layer_walk *walk, struct err *reterr)
{
	struct level *level = &stack->levels[stack->depth - 1];
	const struct dirent *entry;
	int r;

	while ((r = directory_next(level->stream, &entry)) > 0) {
		if (!is_directory(dirfd(level->stream), entry))
			continue;
		r = layer_walk_name(stack->path, level->path_length, entry->d_name, reterr);
		if (r == 0)
			r = push(stack, dirfd(level->stream), entry->d_name, walk, reterr);
		return r;
	}
	if (r < 0)
		return err_set(
			reterr, r, stack->path, "cannot read the directory: %s", strerror(-r));
	return pop(stack, walk, reterr);
}

int layer_walk_name(char path[static PATH_MAX], size_t length, const char *name, struct err *reterr)
{
	size_t size = strlen(name);

	if (length + size + 2 > PATH_MAX)
		return err_set(reterr, -ENAMETOOLONG, name, "lies too deep");
	if (length)
		path[length++] = '/';
	memcpy(path + length, name, size + 1);
	return 0;
}

const char *layer_split_path(const char *path, char parent[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (!slash) {
		memcpy(parent, ".", 2);
		return path;
	}
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	return slash + 1;
}

int layer_walk_directories(int root, const struct layer_walk *walk, struct err *reterr)
{
	struct stack *stack = calloc(1, sizeof(*stack));
	int r;

	if (!stack)
		return err_no_memory(reterr);
	r = push(stack, root, ".", walk, reterr);
	while (r == 0 && stack->depth > 0)
		r = step(stack, walk, reterr);
	while (stack->depth > 0)
		(void)closedir(stack->levels[--stack->depth].stream);
	free(stack);
	return r;
}
