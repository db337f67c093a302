/* Volumes: see volume.h. */
#include "container/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "container/copy.h"
#include "container/parts.h"
#include "isolation/selinux.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/path.h"
#include "util/text.h"

#define DATA "data"
#define NEW "new" /* beside it, until a second run comes to the volume that a run has made */

static int bad_name(const char *name, struct err *reterr)
{
	char shown[160];

	return err_set(reterr, -EINVAL, text_escape(name, strlen(name), shown, sizeof(shown)),
		"is no name of a volume: 1 to 128 letters, digits, \"_\", \".\" and \"-\", a "
		"letter or digit first");
}

static int open_all(const struct storage *storage, struct err *reterr)
{
	int fd = storage_directory(storage, "volumes");

	return fd < 0 ? err_set(reterr, fd, storage->path, "cannot open volumes in it: %s",
				strerror(-fd))
		      : fd;
}

/* One that is half made or half removed has a name that no volume can have, and is locked by
 * whoever is at it: what nobody holds was left by one that was killed. */
#define HIDDEN ".new-"
#define HIDDEN_ROOM (CONTAINER_ID_ROOM + sizeof(HIDDEN))
#define ATTEMPTS 8
#define SWEPT 8           /* by a run that makes a new one */
#define TAKE_ATTEMPTS 100 /* 20 ms apart: whoever has it locked alone is about to let go of it */

static int hidden_name(char ret[HIDDEN_ROOM])
{
	char id[CONTAINER_ID_ROOM];
	int r = id_make(id);

	if (r == 0)
		(void)snprintf(ret, HIDDEN_ROOM, HIDDEN "%s", id);
	return r;
}

/* Takes it: a descriptor that holds the lock. -EWOULDBLOCK, or -ENOENT where it is gone by then:
 * another one may have its name. */
static int hold(int volumes, const char *name, int lock)
{
	_cleanup_close_ int fd =
		openat(volumes, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat ours, named;

	if (fd < 0 || flock(fd, lock | LOCK_NB) || fstat(fd, &ours) ||
		fstatat(volumes, name, &named, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return ours.st_ino == named.st_ino && ours.st_dev == named.st_dev ? take_fd(&fd) : -ENOENT;
}

void volume_sweep(const struct storage *storage, unsigned most)
{
	_cleanup_closedir_ DIR *directory = open_listing(storage, "volumes");
	int fd = directory ? dirfd(directory) : -1;
	const struct dirent *entry;

	while (directory && most > 0 && (entry = readdir(directory))) {
		_cleanup_close_ int held = -1;
		struct err ignored = {0}; /* another sweep will come */

		if (!text_starts_with(entry->d_name, HIDDEN) ||
			!id_is_valid(entry->d_name + strlen(HIDDEN)))
			continue;
		held = hold(fd, entry->d_name, LOCK_EX);
		if (held < 0)
			continue;
		most--;
		(void)remove_tree(fd, entry->d_name, NULL, &ignored);
	}
}

static int rename_new(int volumes, const char *from, const char *to)
{
	return syscall(SYS_renameat2, volumes, from, volumes, to, 1U /* RENAME_NOREPLACE */)
		       ? -errno
		       : 0;
}

/* Between mkdir and the lock another process may have swept it away: then another one. */
static int make_hidden(int volumes, char ret[HIDDEN_ROOM], int *ret_held)
{
	int r = -EWOULDBLOCK;

	for (unsigned attempt = 0; attempt < ATTEMPTS && (r == -EWOULDBLOCK || r == -ENOENT);
		attempt++) {
		r = hidden_name(ret);
		if (r < 0)
			return r;
		if (mkdirat(volumes, ret, 0700))
			return -errno;
		r = hold(volumes, ret, LOCK_EX);
	}
	*ret_held = r;
	return r < 0 ? r : 0;
}

static int furnish(int made, int *ret_data)
{
	if (mkdirat(made, DATA, 0755) || fchmodat(made, DATA, 0755, 0))
		return -errno;
	*ret_data = openat(made, DATA, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_data < 0)
		return -errno;
	selinux_share_new(*ret_data);
	return 0;
}

/* fill NULL: empty. -EEXIST where there is one by the end, which is then the one that counts. */
static int make_volume(const struct storage *storage, const char *name, struct copy *fill,
	const struct host *host, struct err *reterr)
{
	_cleanup_close_ int volumes = open_all(storage, reterr), held = -1, data = -1;
	char hidden[HIDDEN_ROOM] = "";
	struct err ignored = {0};
	int r = volumes < 0 ? volumes : make_hidden(volumes, hidden, &held);

	if (r == 0)
		r = furnish(held, &data);
	if (r == 0 && fill && mknodat(held, NEW, S_IFREG | 0600, 0))
		r = -errno;
	if (r == 0 && fill) {
		fill->directory = data;
		r = inside_run(host, copy_fill, fill, reterr);
	}
	/* from now on others come to it; who sweeps and removes wants it alone */
	if (r == 0 && flock(held, LOCK_SH | LOCK_NB))
		r = -errno;
	if (r == 0)
		r = rename_new(volumes, hidden, name);
	if (r < 0 && held >= 0)
		(void)remove_tree(volumes, hidden, host, &ignored);
	return r < 0 && r != -EEXIST
		       ? err_set(reterr, r, name, "the volume cannot be made: %s",
				 r == -E2BIG ? "what the image has there lies too deep"
					     : strerror(-r))
		       : r;
}

int volume_create(const struct storage *storage, const char *name, struct err *reterr)
{
	int r;

	if (!name_is_valid(name))
		return bad_name(name, reterr);
	r = make_volume(storage, name, NULL, NULL, reterr);
	return r == -EEXIST ? err_set(reterr, r, name, "there is a volume of this name") : r;
}

static int set_missing(const char *name, struct err *reterr)
{
	err_set(reterr, -ENOENT, name, "there is no volume of this name");
	err_hint(reterr, "`immure volume ls` lists them");
	return -ENOENT;
}

static int read_volume(const struct storage *storage, int volumes, const char *name,
	struct arena *arena, struct volume *ret)
{
	_cleanup_close_ int at =
		openat(volumes, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status, data;

	if (at < 0 || fstat(at, &status) || fstatat(at, DATA, &data, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISDIR(data.st_mode))
		return -ENOTDIR;
	*ret = (struct volume){.name = arena_copy(arena, name),
		.path = arena_format(arena, "%s/volumes/%s/" DATA, storage->path, name),
		.created = status.st_ctim.tv_sec};
	return ret->name && ret->path ? 0 : -ENOMEM;
}

int volume_find(const struct storage *storage, const char *name, struct arena *arena,
	struct volume *ret, struct err *reterr)
{
	_cleanup_close_ int volumes = -1;
	int r;

	if (!name_is_valid(name))
		return bad_name(name, reterr);
	volumes = open_all(storage, reterr);
	if (volumes < 0)
		return volumes;
	r = read_volume(storage, volumes, name, arena, ret);
	if (r == -ENOENT)
		return set_missing(name, reterr);
	return r < 0 ? err_set(reterr, r, name, "%s", strerror(-r)) : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct volume *)a)->name, ((const struct volume *)b)->name);
}

int volume_list(const struct storage *storage, bool all, struct arena *arena, struct volume **ret,
	size_t *ret_count, struct err *reterr)
{
	_cleanup_closedir_ DIR *directory = NULL;
	int fd = open_all(storage, reterr);
	struct volume *list = NULL;
	const struct dirent *entry;
	size_t count = 0;

	if (fd < 0)
		return fd;
	directory = fdopendir(fd);
	if (!directory) {
		(void)close(fd);
		return err_no_memory(reterr);
	}
	while ((entry = readdir(directory))) {
		struct volume one, *place;

		if (!name_is_valid(entry->d_name) || (!all && id_is_valid(entry->d_name)) ||
			read_volume(storage, dirfd(directory), entry->d_name, arena, &one) < 0)
			continue; /* gone since, or none of ours */
		place = ARENA_APPEND(arena, list, count);
		if (!place)
			return err_no_memory(reterr);
		*place = one;
	}
	if (count)
		qsort(list, count, sizeof(*list), compare_names);
	*ret = list;
	*ret_count = count;
	return 0;
}

/* "ID:PLACE", "--volume=NAME:PLACE…": what is before the colon, where there is one. */
static bool is_before_colon(const char *text, const char *name)
{
	size_t length = strlen(name);

	return strncmp(text, name, length) == 0 && text[length] == ':';
}

/* "--mount=KEY=VALUE,…": the type and the source, whatever else holds such words. */
static bool mount_names(const char *value, const char *name, struct arena *arena)
{
	char *rest = arena_copy(arena, value), *word;
	const char *type = "", *source = "";

	while (rest && (word = strsep(&rest, ","))) {
		if (text_starts_with(word, "type="))
			type = word + 5;
		else if (text_starts_with(word, "src="))
			source = word + 4;
		else if (text_starts_with(word, "source="))
			source = word + 7;
	}
	return strcmp(type, "volume") == 0 && strcmp(source, name) == 0;
}

static bool option_names(const char *word, const char *name, struct arena *arena)
{
	return text_starts_with(word, "--volume=")  ? is_before_colon(word + 9, name)
	       : text_starts_with(word, "--mount=") ? mount_names(word + 8, name, arena)
						    : false;
}

static bool uses(const struct container *container, const char *name, struct arena *arena)
{
	for (const char *const *word = container->options; *word; word++)
		if (option_names(*word, name, arena))
			return true;
	for (const char *const *word = container->volumes; *word; word++)
		if (is_before_colon(*word, name))
			return true;
	return false;
}

/* 0; -EBUSY with reterr where a container has it, or may have it. */
static int check_container(const struct container *container, const char *name, struct arena *arena,
	struct err *reterr)
{
	if (container->damage) {
		err_set(reterr, -EBUSY, name,
			"the container %s may use it: its record is damaged (%s)", container->name,
			container->damage);
		err_hint(reterr, "`immure rm %.12s` removes that container", container->id);
		return -EBUSY;
	}
	return uses(container, name, arena)
		       ? err_set(reterr, -EBUSY, name, "is in use by the container %s",
				 container->name)
		       : 0;
}

static int check_free(const struct storage *storage, const char *name, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {NULL};
	struct container *list = NULL;
	size_t count = 0;
	int r = container_list(storage, &arena, &list, &count, reterr);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = check_container(&list[i], name, &arena, reterr);
	return r;
}

/* A container is recorded before it looks for its volumes: one that found this by its name is seen
 * once the name is gone, and gets it back. */
static int hide(const struct storage *storage, int volumes, const char *name, char ret[HIDDEN_ROOM],
	int *ret_held, struct err *reterr)
{
	int r = hidden_name(ret);

	if (r == 0)
		r = *ret_held = hold(volumes, name, LOCK_EX);
	if (r >= 0)
		r = renameat(volumes, name, volumes, ret) ? -errno : 0;
	if (r == -ENOENT)
		return set_missing(name, reterr);
	if (r == -EWOULDBLOCK)
		return err_set(reterr, -EBUSY, name, "another process is at it");
	if (r < 0)
		return err_set(reterr, r, name, "cannot be removed: %s", strerror(-r));
	r = check_free(storage, name, reterr);
	if (r < 0 && rename_new(volumes, ret, name) == 0)
		return r;
	if (r < 0 && reterr) /* it has a new one already, and no use for this */
		*reterr = (struct err){0};
	return 0;
}

int volume_remove(const struct storage *storage, const char *name, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {NULL};
	_cleanup_close_ int volumes = -1, held = -1;
	char hidden[HIDDEN_ROOM];
	struct volume volume;
	int r = volume_find(storage, name, &arena, &volume, reterr);

	if (r == 0)
		r = check_free(storage, name, reterr);
	if (r < 0)
		return r;
	volumes = open_all(storage, reterr);
	r = volumes < 0 ? volumes : hide(storage, volumes, name, hidden, &held, reterr);
	return r < 0 ? r : remove_tree(volumes, hidden, NULL, reterr);
}

/* Whether it was marked: of two, one is told so. */
static bool unmark(int volumes, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/" NEW, name);
	return unlinkat(volumes, path, 0) == 0;
}

void volume_take_back(const struct storage *storage, const char *name)
{
	_cleanup_close_ int volumes = storage_directory(storage, "volumes");
	struct err ignored = {0};

	if (volumes >= 0 && unmark(volumes, name))
		(void)volume_remove(storage, name, &ignored);
}

/* ---- mounting ---- */

static bool is_taken(const struct profile *profile, const char *target)
{
	for (size_t i = 0; i < profile->files.mount_count; i++)
		if (strcmp(profile->files.mounts[i].target, target) == 0)
			return true;
	return false;
}

/* The anonymous volume that this container has had at target from its first run on. */
static const char *known(const struct volume_use *use, const char *target)
{
	const char *const *word = use->container->volumes;

	for (; word && *word; word++)
		if (strlen(*word) > CONTAINER_ID_ROOM - 1 &&
			strcmp(*word + CONTAINER_ID_ROOM, target) == 0)
			return arena_copy_range(use->arena, *word, CONTAINER_ID_ROOM - 1);
	return NULL;
}

static int note(const struct volume_use *use, const char *id, const char *target)
{
	const char *const *had = use->container->volumes;
	size_t count = 0;
	const char **words;

	while (had && had[count])
		count++;
	words = arena_zeroed(use->arena, count + 2, sizeof(*words));
	if (!words)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		words[i] = had[i];
	words[count] = arena_format(use->arena, "%s:%s", id, target);
	use->container->volumes = words;
	return words[count] ? 0 : -ENOMEM;
}

/* Another run's: it keeps what is in it now, whatever becomes of that one. */
static void share(const struct volume_use *use, int volumes, const char *name)
{
	for (size_t i = 0; i < use->made_count; i++)
		if (strcmp(use->made[i], name) == 0)
			return;
	(void)unmark(volumes, name);
}

/* Takes one that is there, to the end of this process: nobody removes it from under the launch.
 * -ENOENT where there is none. */
static int take(struct volume_use *use, int volumes, const char *name)
{
	int fd = hold(volumes, name, LOCK_SH), *place;

	for (unsigned attempt = 0; fd == -EWOULDBLOCK && attempt < TAKE_ATTEMPTS; attempt++) {
		(void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
		fd = hold(volumes, name, LOCK_SH);
	}
	if (fd < 0)
		return fd == -EWOULDBLOCK ? -EBUSY : fd;
	place = ARENA_APPEND(use->arena, use->held, use->held_count);
	if (!place) {
		(void)close(fd); /* a lock: nothing was written through it */
		return -ENOMEM;
	}
	*place = fd;
	return 0;
}

/* -EEXIST where another one has made it meanwhile. */
static int make_filled(
	struct volume_use *use, const char *name, const char *target, struct err *reterr)
{
	struct copy fill = {.layers = use->layers, .path = target, .directory = -1};
	const char **place;
	int r;

	volume_sweep(use->storage, SWEPT);
	r = make_volume(use->storage, name, &fill, use->host, reterr);
	if (r < 0 || id_is_valid(name))
		return r;
	place = ARENA_APPEND(use->arena, use->made, use->made_count);
	if (!place)
		return err_no_memory(reterr);
	*place = name;
	return 0;
}

static int provide(struct volume_use *use, const char *name, const char *target, struct err *reterr)
{
	_cleanup_close_ int volumes = open_all(use->storage, reterr);
	int r = volumes < 0 ? volumes : take(use, volumes, name);

	for (unsigned attempt = 0; volumes >= 0 && r == -ENOENT && attempt < ATTEMPTS; attempt++) {
		r = make_filled(use, name, target, reterr);
		if (r < 0 && r != -EEXIST)
			return r;
		r = take(use, volumes, name);
	}
	if (r == 0)
		share(use, volumes, name);
	return r == -EBUSY ? err_set(reterr, r, name, "another process is at it") : r;
}

int volume_note(struct volume_use *use, const char *target, struct err *reterr)
{
	char id[CONTAINER_ID_ROOM];
	int r;

	if (is_taken(use->profile, target) || known(use, target))
		return 0;
	r = id_make(id);
	if (r == 0)
		r = note(use, id, target);
	return r < 0 ? err_set(reterr, r, target, "a volume for it: %s", strerror(-r)) : 0;
}

int volume_mount(struct volume_use *use, const char *flag, const char *name, const char *target,
	bool read_only, bool no_exec, struct err *reterr)
{
	struct mount_rule rule = {.kind = MOUNT_BIND,
		.rule = {.origin = {NULL, flag ? flag : "the image"}, .set = true},
		.target = target,
		.writable = !read_only,
		.no_exec = no_exec,
		.special_files = true,
		.relabel = RELABEL_SHARED,
		.handed_in = true};
	struct volume volume = {0};
	int r;

	if (is_taken(use->profile, target))
		return flag ? err_set(reterr, -EEXIST, flag, "two mounts at %s", target) : 0;
	if (!name)
		name = known(use, target);
	if (!name)
		return err_no_memory(reterr);
	r = provide(use, name, target, reterr);
	if (r == 0)
		r = volume_find(use->storage, name, use->arena, &volume, reterr);
	if (r < 0)
		return err_set(reterr, r, name, "%s", strerror(-r));
	rule.source = volume.path;
	return profile_set_mount(use->profile, use->arena, &rule, reterr);
}
