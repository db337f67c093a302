/*
 * Mount points in a root that was put together from layers: what an image lacks is made in it. The
 * image is hostile: its links may lead anywhere ("proc -> /", "/etc/hosts -> /dev/x"), and they are
 * followed as a program in the container would follow them, name by name, never by the kernel's own
 * look-up (CVE-2021-30465, CVE-2026-87766). Nobody else changes the tree meanwhile: its upper
 * directory serves one launch at a time. See child.h.
 */
#include "isolation/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/kernel_calls.h"
#include "util/mutant.h"
#include "util/path.h"

#define LINKS_MAXIMUM 40 /* as the kernel's */
#define REST_SIZE ((size_t)2 * PATH_MAX)

struct way {
	const struct child *child;
	int here;       /* -1: still at the root */
	uint64_t mount; /* the root's */
	unsigned links;
	size_t length;
	char place[PATH_MAX]; /* the way to here, free of links and relative to the root */
	size_t start;
	char rest[REST_SIZE]; /* what is left to go, at the end of the buffer */
};

static void move_to(struct way *way, int fd)
{
	if (way->here >= 0)
		(void)close(way->here);
	way->here = fd;
}

static int stand(const struct way *way)
{
	return way->here >= 0 ? way->here : way->child->root;
}

int child_mount_id(int fd, uint64_t *ret)
{
	struct statx status;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status))
		return -errno;
	if (!(status.stx_mask & STATX_MNT_ID))
		return -ENOTSUP;
	*ret = status.stx_mnt_id;
	return 0;
}

static int put_before(struct way *way, const char *text, size_t length)
{
	if (length > way->start)
		return -ENAMETOOLONG;
	way->start -= length;
	memcpy(way->rest + way->start, text, length);
	return 0;
}

static int follow(struct way *way, int link)
{
	char text[PATH_MAX];
	ssize_t length = readlinkat(link, "", text, sizeof(text));

	if (length < 0)
		return -errno;
	if (length == 0 || way->links++ >= LINKS_MAXIMUM)
		return length ? -ELOOP : -ENOENT;
	if ((size_t)length == sizeof(text))
		return -ENAMETOOLONG;
	if (text[0] == '/') {
		move_to(way, -1);
		way->length = 0;
		way->place[0] = '\0';
	}
	return put_before(way, text, (size_t)length);
}

/* ".." is taken off the text and not asked of the kernel; above the root there is nothing. */
static int step_up(struct way *way)
{
	const char *slash = memrchr(way->place, '/', way->length);
	int fd;

	way->length = slash ? (size_t)(slash - way->place) : 0;
	way->place[way->length] = '\0';
	fd = way->length ? path_open_no_links(way->child->root, way->place, O_PATH | O_CLOEXEC)
			 : -1;
	if (way->length && fd < 0)
		return fd;
	move_to(way, fd);
	return 0;
}

/* What the engine mounts afterwards would hide whatever is put there. */
static bool is_reserved(const char *name)
{
	return strcmp(name, "dev") == 0 || strcmp(name, "proc") == 0 || strcmp(name, "sys") == 0;
}

/* Nothing is made, or even looked for, in a mount of somebody else's. */
static bool is_ours(const struct way *way, uint64_t mount)
{
	bool ours = mount == way->mount;

	for (unsigned i = 0; i < way->child->own_count; i++)
		ours |= mount == way->child->own[i];
	return ours;
}

static int step_into(struct way *way, int fd, const char *name)
{
	size_t size = strlen(name), separator = way->length > 0;
	uint64_t mount = 0;
	int r = child_mount_id(fd, &mount);

	if (r < 0)
		return r;
	if (!is_ours(way, mount) || (way->length == 0 && is_reserved(name)))
		return -EXDEV;
	if (way->length + separator + size >= sizeof(way->place))
		return -ENAMETOOLONG;
	if (separator)
		way->place[way->length++] = '/';
	memcpy(way->place + way->length, name, size + 1);
	way->length += size;
	return 0;
}

static int open_or_make(const struct way *way, const char *name, bool file)
{
	int fd = openat(stand(way), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	if (way->length == 0 && is_reserved(name))
		return -EXDEV;
	if (file ? mknodat(stand(way), name, S_IFREG | 0644, 0) : mkdirat(stand(way), name, 0755))
		return -errno;
	fd = openat(stand(way), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int step(struct way *way, const char *name, bool file)
{
	_cleanup_close_ int fd = -1;
	struct stat status;
	int r;

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return step_up(way);
	fd = open_or_make(way, name, file);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status))
		return -errno;
	if (S_ISLNK(status.st_mode))
		return follow(way, fd);
	r = step_into(way, fd, name);
	if (r == 0)
		move_to(way, take_fd(&fd));
	return r;
}

/* Takes the next name off the rest, but not the slashes behind it, before which a link's text may
 * have to go; 0 at the end. */
static int next_name(struct way *way, char name[static NAME_MAX + 1])
{
	const char *start = way->rest + way->start + strspn(way->rest + way->start, "/");
	size_t size = strcspn(start, "/");

	if (size > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, start, size);
	name[size] = '\0';
	start += size;
	way->start = (size_t)(start - way->rest);
	return size > 0;
}

static bool is_last(const struct way *way)
{
	const char *rest = way->rest + way->start;

	return !rest[strspn(rest, "/")];
}

static int go(struct way *way, bool directory)
{
	char name[NAME_MAX + 1];
	struct stat status;
	int r;

	while ((r = next_name(way, name)) > 0) {
		r = step(way, name, !directory && is_last(way));
		if (r < 0)
			break;
	}
	if (r < 0)
		return r;
	if (way->length == 0) /* a link to the root itself: all that is mounted there would hide */
		return -EXDEV;
	if (fstat(way->here, &status))
		return -errno;
	if (directory != S_ISDIR(status.st_mode))
		return directory ? -ENOTDIR : -EISDIR;
	return 0;
}

/* What the tests take the walk's place with: the kernel's own look-up, from the host's root. */
static int make_plainly(const struct child *child, const char *target, bool directory)
{
	int fd = directory ? -1 : openat(child->root, target, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	if (fd >= 0)
		(void)close(fd);
	if (directory)
		(void)mkdirat(child->root, target, 0755); /* it may be there */
	fd = openat(child->root, target, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int child_make_place(const struct child *child, const char *target, bool directory)
{
	struct way way = {.child = child, .here = -1, .start = REST_SIZE};
	int r = child_mount_id(child->root, &way.mount);

	if (mutant(MUTANT_STRING_PATHS))
		return make_plainly(child, target, directory);
	way.rest[--way.start] = '\0';
	if (r == 0)
		r = put_before(&way, target, strlen(target));
	if (r == 0)
		r = go(&way, directory);
	if (r < 0)
		move_to(&way, -1);
	return r < 0 ? r : way.here;
}
