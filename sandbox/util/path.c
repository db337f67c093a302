/*
 * Lexical helpers for the compiler of plans, and the one look-up that cannot leave its root: see
 * path.h.
 */
#include "util/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/mutant.h"

/* ---- lexical ---- */

char *path_canonical(struct arena *arena, const char *path)
{
	size_t length = path ? strnlen(path, PATH_MAX) : 0, used = 0;
	char *canonical;

	errno = EINVAL;
	if (length == 0 || length >= PATH_MAX || path[0] != '/')
		return NULL;
	canonical = arena_zeroed(arena, length + 1, 1);
	if (!canonical) {
		errno = ENOMEM;
		return NULL;
	}
	for (const char *part = path; *part;) {
		size_t size = strcspn(part, "/");

		if (size > NAME_MAX || (size == 2 && memcmp(part, "..", 2) == 0)) {
			errno = EINVAL;
			return NULL;
		}
		if (size > 0 && !(size == 1 && part[0] == '.')) {
			canonical[used++] = '/';
			memcpy(canonical + used, part, size);
			used += size;
		}
		part += size + (part[size] == '/');
	}
	if (used == 0)
		canonical[used++] = '/';
	canonical[used] = '\0';
	return canonical;
}

int path_real(const char *path, char *ret)
{
	if (!realpath(path, ret))
		return -errno;
	if (ret[1] == '/')
		memmove(ret, ret + 1, strlen(ret));
	return 0;
}

bool path_is_beneath(const char *path, const char *parent)
{
	size_t length = strlen(parent);

	if (length == 1) /* "/" */
		return true;
	if (strncmp(path, parent, length) != 0)
		return false;
	return mutant(MUTANT_PREFIX_COMPARE) || path[length] == '\0' || path[length] == '/';
}

size_t path_depth(const char *path)
{
	size_t depth = 0;

	for (const char *c = path; *c; c++)
		depth += *c == '/' && c[1] != '\0';
	return depth;
}

/* ---- the component walk ---- */

#define LINKS_MAXIMUM 40 /* MAXSYMLINKS of the kernel */
#define OPENS_MAXIMUM                                                                              \
	100000 /* what "a/../a/../…" below a deep place may cost; the kernel needs no such bound \
		*/
#define RETRIES_MAXIMUM \
	128 /* T-PATH-05: the kernel answers EAGAIN while somebody renames above us */
#define TEXT_MAXIMUM \
	((size_t)4 * PATH_MAX) /* of the text still to walk, and of the place reached */
#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define PROC_MAGIC 0x9fa0
#define APPARMOR_MAGIC 0x5a3c69f0
#define STATFS_NOSYMFOLLOW 0x2000

/*
 * A walk from root. The kernel's ".." is never used: a directory that somebody moves away while we
 * stand in it would lead outside. Instead the names walked so far are kept, and after a ".." the
 * place is reached anew from the root, by names that must not have become links.
 */
struct walk {
	int root;
	int here; /* the directory that place names; -1: to be reached anew from root */
	char place[TEXT_MAXIMUM]; /* "a/b/c": names below root, no links among them */
	size_t place_length;
	char rest[TEXT_MAXIMUM]; /* still to walk, at the end of the buffer, so that a link's text
				    can be put before it */
	size_t rest_start;
	unsigned links, opens;
};

static int open_step(struct walk *walk, int directory, const char *name, uint64_t flags)
{
	int fd;

	if (++walk->opens > OPENS_MAXIMUM)
		return -ELOOP;
	fd = openat(directory, name, (int)flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int stand(const struct walk *walk)
{
	return walk->here >= 0 ? walk->here : walk->root;
}

static void move_to(struct walk *walk, int fd)
{
	if (walk->here >= 0)
		(void)close(walk->here);
	walk->here = fd;
}

/*
 * After a "..": down again from the root. A link on the way was no link when we passed: somebody is
 * changing the tree under us.
 */
static int reach_place(struct walk *walk)
{
	char name[NAME_MAX + 1];

	if (walk->here >= 0)
		return 0;
	for (size_t at = 0; at < walk->place_length;) {
		size_t size = strcspn(walk->place + at, "/");
		struct stat status;
		int fd;

		memcpy(name, walk->place + at, size);
		name[size] = '\0';
		fd = open_step(walk, stand(walk), name, O_PATH | O_NOFOLLOW);
		if (fd < 0)
			return fd;
		move_to(walk, fd);
		if (fstat(fd, &status))
			return -errno;
		if (!S_ISDIR(status.st_mode))
			return -EAGAIN;
		at += size + 1;
	}
	return 0;
}

/* Puts text before what is left to walk. */
static int put_before(struct walk *walk, const char *text, size_t length)
{
	if (length > walk->rest_start)
		return -ENAMETOOLONG;
	walk->rest_start -= length;
	memcpy(walk->rest + walk->rest_start, text, length);
	return 0;
}

/*
 * True for the links of procfs that jump to a file instead of naming it: their text is absolute,
 * "type:[n]" or "type:name".
 */
static bool is_magic(const struct statfs *system, const char *text)
{
	if (system->f_type == APPARMOR_MAGIC)
		return true;
	return system->f_type == PROC_MAGIC &&
	       (text[0] == '/' || strchr(text, ':') || strchr(text, '('));
}

/* Replaces the link open at fd by its text, before the rest. */
static int follow(struct walk *walk, int fd)
{
	char text[PATH_MAX];
	struct statfs system;
	ssize_t length;

	if (walk->links++ >= LINKS_MAXIMUM)
		return -ELOOP;
	if (fstatfs(fd, &system))
		return -errno;
	length = readlinkat(fd, "", text, sizeof(text));
	if (length < 0)
		return -errno;
	if ((size_t)length == sizeof(text))
		return -ENAMETOOLONG;
	text[length] = '\0';
	if (length == 0)
		return -ENOENT;
	if (is_magic(&system, text) || (system.f_flags & STATFS_NOSYMFOLLOW))
		return -ELOOP;
	if (text[0] == '/') {
		move_to(walk, -1);
		walk->place_length = 0;
		walk->place[0] = '\0';
	}
	return put_before(walk, text, (size_t)length);
}

/*
 * Up by one name; at the root it stays there. As in the kernel, the directory must be searchable
 * even to leave it.
 */
static int step_up(struct walk *walk)
{
	char *slash;

	if (walk->here >= 0 || walk->place_length == 0) {
		int fd = open_step(walk, stand(walk), ".", O_PATH);

		if (fd < 0)
			return fd;
		(void)close(fd);
	}
	move_to(walk, -1);
	slash = memrchr(walk->place, '/', walk->place_length);
	walk->place_length = slash ? (size_t)(slash - walk->place) : 0;
	walk->place[walk->place_length] = '\0';
	return 0;
}

static int step_down(struct walk *walk, int fd, const char *name)
{
	size_t size = strlen(name), separator = walk->place_length > 0;

	if (size > NAME_MAX || walk->place_length + separator + size >= sizeof(walk->place))
		return -ENAMETOOLONG;
	if (separator)
		walk->place[walk->place_length++] = '/';
	memcpy(walk->place + walk->place_length, name, size + 1);
	walk->place_length += size;
	move_to(walk, fd);
	return 0;
}

/* A name that more follows: a directory, or a link to one. */
static int step_through(struct walk *walk, const char *name)
{
	_cleanup_close_ int fd = -1;
	struct stat status;
	int r = reach_place(walk);

	if (r < 0)
		return r;
	fd = open_step(walk, stand(walk), name, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status))
		return -errno;
	if (S_ISLNK(status.st_mode))
		return follow(walk, fd);
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	r = step_down(walk, fd, name);
	if (r == 0)
		(void)take_fd(&fd); /* the walk's now */
	return r;
}

/*
 * The last name: opened into ret_fd; or, where it was a link, put before the rest, and ret_fd stays
 * -1.
 */
static int open_last(
	struct walk *walk, const char *name, bool directory_wanted, uint64_t flags, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	struct stat status;
	int r = reach_place(walk);

	if (r < 0)
		return r;
	if (directory_wanted)
		flags = (flags & ~(uint64_t)O_NOFOLLOW) | O_DIRECTORY;
	fd = open_step(walk, stand(walk), name, flags & O_NOFOLLOW ? flags : O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	if (!(flags & O_NOFOLLOW)) {
		if (fstat(fd, &status))
			return -errno;
		if (S_ISLNK(status.st_mode))
			return follow(walk, fd);
		if ((flags & O_DIRECTORY) && !S_ISDIR(status.st_mode))
			return -ENOTDIR;
		if (!(flags & O_PATH)) {
			*ret_fd = open_step(walk, stand(walk), name, flags | O_NOFOLLOW);
			return *ret_fd == -ELOOP ? -EAGAIN
						 : *ret_fd; /* ELOOP: it has become a link since */
		}
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

#define NAME_ROOM (NAME_MAX + 2)

/*
 * Takes the next name off the rest, but not the slashes behind it; false at the end. A name that is
 * too long comes cut, but still too long: the kernel then says so, unless the directory is closed
 * to us, which it says first.
 */
static bool next_name(
	struct walk *walk, char name[static NAME_ROOM], bool *ret_more, bool *ret_slash)
{
	const char *start = walk->rest + walk->rest_start;
	size_t size;

	start += strspn(start, "/");
	size = strcspn(start, "/");
	if (size == 0)
		return false;
	memcpy(name, start, size < NAME_ROOM ? size : NAME_ROOM - 1);
	name[size < NAME_ROOM ? size : NAME_ROOM - 1] = '\0';
	start += size;
	walk->rest_start = (size_t)(start - walk->rest);
	*ret_slash = *start == '/';
	*ret_more = start[strspn(start, "/")] != '\0';
	return true;
}

/* "." and "..": true when name was one of them, with the outcome in ret_error. */
static bool step_dots(struct walk *walk, const char *name, int *ret_error)
{
	if (strcmp(name, "..") == 0) {
		*ret_error = step_up(walk);
		return true;
	}
	if (strcmp(name, ".") != 0)
		return false;
	*ret_error = reach_place(walk);
	if (*ret_error == 0) {
		int fd = open_step(walk, stand(walk), ".", O_PATH); /* searchable? */

		*ret_error = fd < 0 ? fd : 0;
		if (fd >= 0)
			(void)close(fd);
	}
	return true;
}

static int walk_to_end(struct walk *walk, uint64_t flags, int *ret_fd)
{
	char name[NAME_ROOM];
	bool more, slash;
	int r;

	while (next_name(walk, name, &more, &slash)) {
		if (!step_dots(walk, name, &r))
			r = more ? step_through(walk, name)
				 : open_last(walk, name, slash, flags, ret_fd);
		if (r < 0 || *ret_fd >= 0)
			return r;
	}
	r = reach_place(walk);
	if (r == 0) /* the way ended in ".", ".." or was but slashes: where we stand is what was
		       meant */
		*ret_fd = r = open_step(walk, stand(walk), ".", flags & ~(uint64_t)O_NOFOLLOW);
	return r;
}

static int walk_once(int directory, const char *path, size_t length, uint64_t flags)
{
	struct walk walk = {.root = directory, .here = -1, .rest_start = TEXT_MAXIMUM};
	int r, fd = -1;

	walk.rest[--walk.rest_start] = '\0';
	r = put_before(&walk, path, length);
	if (r < 0)
		return r;
	r = walk_to_end(&walk, flags, &fd);
	move_to(&walk, -1);
	return r < 0 ? r : fd;
}

static int check_flags(uint64_t flags)
{
	if (flags > INT_MAX || (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
		return -EINVAL; /* a look-up never makes anything (R9) */
	if ((flags & O_PATH) && (flags & ~(uint64_t)PATH_FLAGS))
		return -EINVAL; /* as openat2(2) has it */
	return 0;
}

int path_open_in_root_walk(int directory, const char *path, uint64_t flags)
{
	size_t length = strnlen(path, PATH_MAX);
	int r = check_flags(flags);

	if (r < 0)
		return r;
	if (length == 0)
		return -ENOENT;
	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	for (unsigned attempt = 0; attempt < RETRIES_MAXIMUM; attempt++) {
		r = walk_once(directory, path, length, flags);
		if (r != -EAGAIN)
			break;
	}
	return r;
}

int path_open_in_root(int directory, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int r = check_flags(flags);

	if (r < 0)
		return r;
	for (unsigned attempt = 0; attempt < RETRIES_MAXIMUM; attempt++) {
		long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		r = -errno;
		if (r != -EAGAIN)
			break;
	}
	/*
	 * ENOSYS, EPERM: an old kernel, or a filter around us; a true EPERM comes out of the walk
	 * again. EAGAIN: one rename anywhere in the system is enough, and a long way under a storm
	 * of them never gets through; the walk, which does without "..", does not mind them.
	 */
	if (r == -ENOSYS || r == -EPERM || r == -EAGAIN)
		return path_open_in_root_walk(directory, path, flags);
	return r;
}

/* Without openat2: each component by itself, none of them a link. */
static int walk_no_links(int directory, const char *path, uint64_t flags)
{
	_cleanup_close_ int at = -1;
	int next;

	for (const char *name = path; *name;) {
		size_t length = strcspn(name, "/");
		bool last = !name[length + strspn(name + length, "/")];
		char component[NAME_MAX + 1];
		struct stat status;

		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(component, name, length);
		component[length] = '\0';
		if (strcmp(component, "..") == 0)
			return -EXDEV;
		next = openat(at < 0 ? directory : at, component,
			(last ? (int)flags : O_PATH) | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		if (at >= 0)
			(void)close(at);
		at = next;
		if (fstat(at, &status))
			return -errno;
		if (S_ISLNK(status.st_mode)) /* O_PATH opens the link itself */
			return -ELOOP;
		name += length + strspn(name + length, "/");
	}
	return at < 0 ? -ENOENT : take_fd(&at);
}

int path_open_no_links(int directory, const char *path, uint64_t flags)
{
	struct open_how how = {.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EAGAIN))
		return walk_no_links(directory, path, flags);
	return fd < 0 ? -errno : (int)fd;
}
