/* A tree's entries in order: see pack.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/layer_parts.h"
#include "image/pack.h"
#include "util/cleanup.h"
#include "util/directory.h"

struct level {
	int fd;
	char **names; /* sorted; each owned */
	size_t count, next;
	size_t path_length; /* of the directory itself */
};

struct stack {
	struct level levels[LAYER_WALK_DEPTH];
	size_t depth;
	char path[PATH_MAX];
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void close_level(struct level *level)
{
	for (size_t i = 0; i < level->count; i++)
		free(level->names[i]);
	free(level->names);
	if (level->fd >= 0)
		(void)close(level->fd);
}

static int add_name(struct level *level, const char *name)
{
	if ((level->count & (level->count - 1)) == 0) { /* full: a power of two, or none */
		size_t room = level->count ? level->count * 2 : 1;
		char **grown = realloc(level->names, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		level->names = grown;
	}
	level->names[level->count] = strdup(name);
	return level->names[level->count] ? (level->count++, 0) : -ENOMEM;
}

static bool is_left_out(const struct pack_without *without, const char *path, const char *name)
{
	size_t length = strlen(path);

	for (size_t i = 0; without && i < without->count; i++) {
		const char *other = without->paths[i] + 1; /* of their root: path has no slash */

		if (strncmp(other, path, length) == 0 && (!length || other[length] == '/') &&
			strcmp(other + length + (length > 0), name) == 0)
			return true;
	}
	return false;
}

static int read_names(struct level *level, const struct pack_without *without, const char *path,
	struct err *reterr)
{
	int fd = openat(level->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry;
	int r = directory_start(fd < 0 ? -errno : fd, &stream);

	while (r == 0 && (r = directory_next(stream, &entry)) > 0)
		r = is_left_out(without, path, entry->d_name) ? 0 : add_name(level, entry->d_name);
	if (r < 0)
		return err_set(reterr, r, path, "cannot read the directory: %s", strerror(-r));
	if (level->count)
		qsort(level->names, level->count, sizeof(*level->names), compare_names);
	return 0;
}

/* Reads a directory, shows it, and makes it the next to walk, where it is wanted. */
static int enter(struct stack *stack, const struct pack_walk *walk, int parent, const char *name,
	const struct stat *status, struct err *reterr)
{
	struct level *level = &stack->levels[stack->depth];
	struct stat now;
	int r;

	if (stack->depth == LAYER_WALK_DEPTH)
		return err_set(reterr, -EFBIG, NULL, "directories lie more than %d deep",
			LAYER_WALK_DEPTH);
	*level = (struct level){.path_length = strlen(stack->path)};
	level->fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (level->fd < 0 || fstat(level->fd, &now))
		r = err_set(reterr, -errno, stack->path, "cannot open the directory: %s",
			strerror(errno));
	else if (now.st_ino != status->st_ino && stack->depth > 0)
		r = err_set(reterr, -EAGAIN, stack->path, "changed while it was read");
	else
		r = read_names(level, walk->without, stack->path, reterr);
	if (r == 0)
		r = walk->visit(
			walk->context, parent, name, stack->path, &now, level->count == 0, reterr);
	if (r != 0)
		close_level(level);
	else
		stack->depth++;
	return r < 0 ? r : 0;
}

static int step(struct stack *stack, const struct pack_walk *walk, struct err *reterr)
{
	struct level *level = &stack->levels[stack->depth - 1];
	struct stat status;
	const char *name;
	int r;

	if (level->next == level->count) {
		close_level(level);
		stack->depth--;
		return 0;
	}
	name = level->names[level->next++];
	r = layer_walk_name(stack->path, level->path_length, name, reterr);
	if (r < 0)
		return r;
	if (fstatat(level->fd, name, &status, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT
			       ? 0 /* gone meanwhile */
			       : err_set(reterr, -errno, stack->path, "%s", strerror(errno));
	if (S_ISDIR(status.st_mode))
		return enter(stack, walk, level->fd, name, &status, reterr);
	r = walk->visit(walk->context, level->fd, name, stack->path, &status, false, reterr);
	return r < 0 ? r : 0;
}

int pack_walk(int root, const struct pack_walk *walk, struct err *reterr)
{
	struct stack *stack = calloc(1, sizeof(*stack));
	struct stat status = {0};
	int r;

	if (!stack)
		return err_no_memory(reterr);
	r = enter(stack, walk, root, ".", &status, reterr);
	while (r == 0 && stack->depth > 0)
		r = step(stack, walk, reterr);
	while (stack->depth > 0)
		close_level(&stack->levels[--stack->depth]);
	free(stack);
	return r;
}
