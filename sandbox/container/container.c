/* The directories of containers: see container.h. */
#include "container/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "container/parts.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/text.h"
#include "util/tree.h"

#define RECORD "container.json"
#define WORK "work"
#define NAME "name" /* a link on its way to names/: here it goes with its container */
#define PATIENCE \
	1000 /* milliseconds that are spent on a lock which is mostly held for an instant */

static const char *const kinds[] = {"containers", "transient"};

static const char *kind_name(bool transient)
{
	return kinds[transient ? 1 : 0];
}

/* True where at, which was opened by this name, still has it: else it was removed meanwhile. */
static bool is_still_there(int kind, const char *id, int at)
{
	struct stat opened, named;

	return fstat(at, &opened) == 0 && fstatat(kind, id, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

/* ---- making one ---- */

/* The directory that new ones of the kind are made in; made itself where it is missing. */
static int open_kind(const struct storage *storage, bool transient)
{
	int fd = storage_directory(storage, kind_name(transient));

	if (fd != -ENOENT)
		return fd;
	if (mkdirat(storage->directory, kind_name(transient), 0700) && errno != EEXIST)
		return -errno;
	return storage_directory(storage, kind_name(transient));
}

/* 0, or -EBUSY where somebody holds it to the end of that time. */
static int lock_within(int fd, int lock, unsigned milliseconds)
{
	for (unsigned attempt = 0; flock(fd, lock | LOCK_NB); attempt++) {
		if (errno != EWOULDBLOCK || attempt == milliseconds)
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return 0;
}

/*
 * Opens and locks: LOCK_EX or LOCK_SH. 0; -EBUSY where somebody has it; -ENOENT where it was
 * removed between the two: a lock on what has no name any more protects nothing.
 */
static int open_locked(int kind, const char *id, int lock, int *ret)
{
	_cleanup_close_ int fd = openat(kind, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	int r;

	if (fd < 0)
		return -errno;
	/* `ps` holds a shared lock for an instant, to ask whether the container runs; on a busy
	 * machine that is as long as somebody else's turn */
	r = lock_within(fd, lock, lock == LOCK_SH ? 0 : PATIENCE);
	if (r < 0)
		return r;
	if (fstat(fd, &status))
		return -errno;
	if (status.st_nlink == 0)
		return -ENOENT;
	*ret = take_fd(&fd);
	return 0;
}

/* Takes the name: its link is made, or somebody has it (-EEXIST). */
static int link_name(const struct storage *storage, const char *name, const char *id)
{
	_cleanup_close_ int names = storage_directory(storage, "names");

	if (names < 0)
		return names;
	return symlinkat(id, names, name) ? -errno : 0;
}

int read_name_link(const struct storage *storage, const char *name, char ret[CONTAINER_ID_ROOM])
{
	_cleanup_close_ int names = storage_directory(storage, "names");
	char id[CONTAINER_ID_ROOM + 1] = "";

	if (names < 0)
		return names;
	if (readlinkat(names, name, id, sizeof(id) - 1) < 0)
		return -errno;
	if (!id_is_valid(id))
		return -EBADMSG;
	memcpy(ret, id, CONTAINER_ID_ROOM);
	return 0;
}

bool container_exists(const struct storage *storage, const char *id)
{
	char path[96];

	/* the first place again at last: one that is moved from or to it meanwhile is there, too */
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", kind_name(i != 1), id);
		if (faccessat(storage->directory, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

/* A link that a killed launcher left leads to no container: it goes, if it is still the same one.
 * The lock: of two that see the old link, the second would take away what a third has made since.
 */
void unlink_name(const struct storage *storage, const char *name, const char *id)
{
	_cleanup_close_ int names = storage_directory(storage, "names");
	char found[CONTAINER_ID_ROOM];

	if (names >= 0 && lock_within(names, LOCK_EX, PATIENCE) == 0 &&
		read_name_link(storage, name, found) == 0 && strcmp(found, id) == 0)
		(void)unlinkat(names, name, 0); /* a name that stays is found dangling later */
}

int move_name(const struct container_hold *to, const char *name, const char *from)
{
	_cleanup_close_ int names = storage_directory(to->storage, "names");
	char found[CONTAINER_ID_ROOM];
	int r;

	if (names < 0)
		return names;
	r = read_name_link(to->storage, name, found);
	if (r < 0 || strcmp(found, from) != 0)
		return r < 0 ? r : -ENOENT;
	(void)unlinkat(to->directory, NAME, 0); /* of one that was killed here */
	if (symlinkat(to->id, to->directory, NAME) || renameat(to->directory, NAME, names, name))
		return -errno;
	return 0;
}

static int take_given_name(
	const struct storage *storage, const struct container *container, struct err *reterr)
{
	char other[CONTAINER_ID_ROOM];
	int r = -EEXIST;

	for (unsigned attempt = 0; attempt < 4 && r == -EEXIST; attempt++) {
		r = link_name(storage, container->name, container->id);
		if (r != -EEXIST)
			break;
		if (read_name_link(storage, container->name, other) < 0)
			continue;
		if (container_exists(storage, other))
			break;
		unlink_name(storage, container->name, other);
	}
	if (r == 0)
		return 0;
	err_set(reterr, r, container->name,
		r == -EEXIST ? "another container has this name" : "cannot be taken as a name");
	if (r == -EEXIST)
		err_hint(reterr, "`immure rm %s` removes that one", container->name);
	return r;
}

static int take_made_name(const struct storage *storage, struct arena *arena,
	struct container *container, struct err *reterr)
{
	char name[64];
	int r = -EEXIST;

	for (unsigned attempt = 0; attempt < 32 && r == -EEXIST; attempt++)
		r = link_name(storage, name_make(container->id, attempt, name), container->id);
	if (r < 0)
		return err_set(
			reterr, r, storage->path, "cannot name a container: %s", strerror(-r));
	container->name = arena_copy(arena, name);
	return container->name ? 0 : err_no_memory(reterr);
}

static int make_directory(int kind, struct container *container, int *ret)
{
	int r = -EEXIST;

	/* between mkdir and the lock another process may have swept it away: then another id */
	for (unsigned attempt = 0; attempt < 8; attempt++) {
		r = id_make(container->id);
		if (r < 0)
			return r;
		if (mkdirat(kind, container->id, 0700)) {
			r = -errno;
			if (r == -EEXIST)
				continue;
			return r;
		}
		r = open_locked(kind, container->id, LOCK_EX, ret);
		if (r != -EBUSY && r != -ENOENT)
			return r;
	}
	return r;
}

static int furnish(const struct container_hold *hold, const struct container *container)
{
	/* the root of the container's tree: overlayfs takes its owner and mode from here */
	if (mkdirat(hold->directory, "upper", 0755) || mkdirat(hold->directory, "work", 0700) ||
		symlinkat(container->manifest.text, hold->directory, "image"))
		return -errno;
	/* an odd umask of the caller's must not close the root to the container's other users */
	return fchmodat(hold->directory, "upper", 0755, 0) ? -errno : 0;
}

int container_write(const struct container_hold *hold, const struct container *container,
	bool flush, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t length;
	int r = container_emit(container, &text, &length, reterr);

	if (r < 0)
		return r;
	if (flush) {
		r = file_replace_at(hold->directory, RECORD, text, length);
	} else {
		/* only this process writes here: the lock is its own */
		fd = openat(hold->directory, RECORD ".new",
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
		r = fd < 0 ? -errno : file_write_all(fd, text, length);
		if (r == 0 && renameat(hold->directory, RECORD ".new", hold->directory, RECORD))
			r = -errno;
	}
	return r < 0 ? err_set(reterr, r, container->name, "cannot write its record: %s",
			       strerror(-r))
		     : 0;
}

/* From transient/ to containers/ or back, in one step: what was cut short on the way is swept. */
int move_container(const struct storage *storage, const char *id, bool out_of_sight)
{
	_cleanup_close_ int transient = open_kind(storage, true),
			    containers = open_kind(storage, false);
	int from = out_of_sight ? containers : transient;

	if (transient < 0 || containers < 0)
		return transient < 0 ? transient : containers;
	return renameat(from, id, out_of_sight ? transient : containers, id) ? -errno : 0;
}

int container_create(const struct storage *storage, struct arena *arena,
	struct container *container, struct container_hold *ret, struct err *reterr)
{
	struct container_hold hold = {.storage = storage,
		.directory = -1,
		.record = -1,
		.work = -1,
		.transient = container->transient};
	_cleanup_close_ int kind = open_kind(storage, true);
	int r = kind < 0 ? kind : make_directory(kind, container, &hold.directory);
	bool named;

	if (r < 0)
		return err_set(reterr, r, storage->path, "cannot make a container in it: %s",
			strerror(-r));
	memcpy(hold.id, container->id, sizeof(hold.id));
	r = furnish(&hold, container);
	if (r < 0)
		r = err_set(reterr, r, storage->path, "cannot make a container in it: %s",
			strerror(-r));
	if (r == 0)
		r = container->name ? take_given_name(storage, container, reterr)
				    : take_made_name(storage, arena, container, reterr);
	named = r == 0;
	if (r == 0)
		r = container_write(&hold, container, false, reterr);
	if (r == 0 && !container->transient) {
		r = move_container(storage, hold.id, false);
		if (r < 0)
			r = err_set(reterr, r, storage->path, "cannot make a container in it: %s",
				strerror(-r));
	}
	if (r < 0) {
		if (named)
			unlink_name(storage, container->name, hold.id);
		(void)tree_remove(kind, hold.id); /* the first error is the one to tell */
		container_release(&hold);
		return r;
	}
	*ret = hold;
	return 0;
}

int container_rename(const struct container_hold *hold, struct container *container,
	const char *name, struct err *reterr)
{
	struct container renamed = *container;
	int r;

	renamed.name = name;
	r = take_given_name(hold->storage, &renamed, reterr);
	if (r < 0)
		return r;
	r = container_write(hold, &renamed, false, reterr);
	unlink_name(hold->storage, r < 0 ? name : container->name, hold->id);
	if (r == 0)
		container->name = name;
	return r;
}

static int open_hold(const struct storage *storage, const struct container *container, int lock,
	struct container_hold *ret, struct err *reterr)
{
	struct container_hold hold = {.storage = storage,
		.directory = -1,
		.record = -1,
		.work = -1,
		.transient = container->transient};
	_cleanup_close_ int kind = storage_directory(storage, kind_name(container->transient));
	int r = kind < 0 ? kind : open_locked(kind, container->id, lock, &hold.directory);

	if (r == -EBUSY)
		return err_set(reterr, r, container->name,
			lock == LOCK_SH ? "is running" : "is in use by another process");
	if (r < 0)
		return err_set(reterr, r, container->name, "cannot be taken: %s", strerror(-r));
	memcpy(hold.id, container->id, sizeof(hold.id));
	*ret = hold;
	return 0;
}

int container_hold(const struct storage *storage, const struct container *container,
	struct container_hold *ret, struct err *reterr)
{
	return open_hold(storage, container, LOCK_EX, ret, reterr);
}

/* False where somebody has it. What is not there, or closed, nobody can have. */
static bool lock_part(int directory, const char *name, int flags, int *ret)
{
	*ret = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
	return *ret < 0 || flock(*ret, LOCK_EX | LOCK_NB) == 0;
}

int container_claim(const struct storage *storage, const struct container *container,
	struct container_hold *ret, struct err *reterr)
{
	struct container_hold hold;
	const char *fault = NULL;
	int r = open_hold(storage, container, LOCK_SH, &hold, reterr);

	if (r < 0)
		return r;
	/* a damaged one may have no record: two that remove it then do not hurt each other */
	if (!lock_part(hold.directory, RECORD, O_NONBLOCK, &hold.record))
		fault = "is being changed or removed by another process";
	else if (!lock_part(hold.directory, WORK, O_DIRECTORY, &hold.work))
		fault = "is being read by another process";
	if (fault) {
		container_release(&hold);
		return err_set(reterr, -EAGAIN, container->name, "%s", fault);
	}
	*ret = hold;
	return 0;
}

void container_release(struct container_hold *hold)
{
	int *const all[] = {&hold->directory, &hold->record, &hold->work};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] >= 0)
			(void)close(*all[i]); /* nothing was written through it */
		*all[i] = -1;
	}
}

int container_read(const struct storage *storage, const struct container *container, int *ret,
	struct err *reterr)
{
	_cleanup_close_ int kind = storage_directory(storage, kind_name(container->transient)),
			    fd = -1;
	char path[CONTAINER_ID_ROOM + sizeof(WORK)];
	int r = kind < 0 ? kind : 0;

	(void)snprintf(path, sizeof(path), "%s/" WORK, container->id);
	fd = kind < 0 ? -1 : openat(kind, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r == 0 && (fd < 0 || flock(fd, LOCK_SH | LOCK_NB)))
		r = -errno;
	if (r == 0 && !is_still_there(kind, path, fd))
		r = -ENOENT;
	if (r == 0)
		*ret = take_fd(&fd);
	return r == 0              ? 0
	       : r == -EWOULDBLOCK ? err_set(reterr, r, container->name,
					     "is being changed or removed by another process")
	       : r == -ENOENT
		       ? err_set(reterr, r, container->name,
				 "is gone: another process has removed it")
		       : err_set(reterr, r, container->name, "cannot be read: %s", strerror(-r));
}

bool container_was_there(int lock)
{
	struct stat status;

	return fstat(lock, &status) == 0 && status.st_nlink > 0;
}

/* ---- finding ---- */

static bool is_locked(int directory)
{
	if (flock(directory, LOCK_SH | LOCK_NB))
		return true;
	(void)flock(directory, LOCK_UN); /* cannot fail on a lock that we hold */
	return false;
}

static int read_record(
	int at, const char *id, struct arena *arena, struct container *ret, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = file_read(at, RECORD, CONTAINER_BYTES, &text, &length);

	if (r < 0)
		return err_set(reterr, r, id, "its record cannot be read: %s", strerror(-r));
	r = container_parse(id, text, length, arena, ret, reterr);
	if (r == 0 && strcmp(ret->id, id) != 0)
		r = err_set(reterr, -EBADMSG, id, "its record tells of another container");
	return r;
}

const char *find_name(const struct storage *storage, const char *id, struct arena *arena)
{
	_cleanup_closedir_ DIR *directory = open_listing(storage, "names");
	const struct dirent *entry;
	char found[CONTAINER_ID_ROOM];

	while (directory && (entry = readdir(directory)))
		if (name_is_valid(entry->d_name) &&
			read_name_link(storage, entry->d_name, found) == 0 &&
			strcmp(found, id) == 0)
			return arena_copy(arena, entry->d_name);
	return NULL;
}

/* One whose record tells nothing: as much as its place tells, for lists and for its removal. */
static int describe_damaged(const struct storage *storage, bool transient, const char *id,
	struct arena *arena, struct container *ret, const struct err *err)
{
	static const char *const none[] = {NULL};
	const char *name = find_name(storage, id, arena);

	*ret = (struct container){.name = name ? name : arena_copy_range(arena, id, 12),
		.image = "",
		.options = none,
		.arguments = none,
		.command = none,
		.volumes = none,
		.directory = "",
		.transient = transient,
		.exit_code = -1,
		.damage = arena_copy(arena, err->message)};
	memcpy(ret->id, id, sizeof(ret->id));
	return ret->name && ret->damage ? 0 : -ENOMEM;
}

static int read_one(const struct storage *storage, bool transient, const char *id,
	struct arena *arena, struct container *ret, struct err *reterr)
{
	_cleanup_close_ int kind = storage_directory(storage, kind_name(transient)), at = -1;
	struct err said = {0};
	int r;

	if (kind < 0)
		return kind;
	at = openat(kind, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0 && (errno == ENOTDIR || errno == ELOOP))
		return -ENOENT; /* none of ours */
	if (at < 0 && errno != EACCES)
		return -errno;
	r = at < 0 ? err_set(&said, -EACCES, id, "its directory is closed")
		   : read_record(at, id, arena, ret, &said);
	if (r == 0 && transient && !ret->transient)
		return -ENOENT; /* on its way in or out */
	if (r == 0 && !transient && ret->transient)
		r = err_set(&said, -EBADMSG, id, "it tells of one of --rm, which cannot be here");
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE) { /* no fault of the container's */
		*reterr = said;
		return r;
	}
	if (r < 0) {
		/* none yet, or none any more: it is being made or removed */
		if ((transient && r == -ENOENT) || (at >= 0 && !is_still_there(kind, id, at)))
			return -ENOENT;
		r = describe_damaged(storage, transient, id, arena, ret, &said);
	}
	if (r == 0 && at >= 0)
		ret->running = is_locked(at);
	return r;
}

/* Either kind. -ENOENT where it is neither. */
static int read_either(const struct storage *storage, const char *id, struct arena *arena,
	struct container *ret, struct err *reterr)
{
	int r = read_one(storage, false, id, arena, ret, reterr);

	return r == -ENOENT ? read_one(storage, true, id, arena, ret, reterr) : r;
}

/* The ids of a kind that begin with prefix, into a growing array. */
static int collect_ids(const struct storage *storage, bool transient, const char *prefix,
	struct arena *arena, const char ***ids, size_t *count)
{
	_cleanup_closedir_ DIR *directory = NULL;
	int fd = storage_directory(storage, kind_name(transient));
	const struct dirent *entry;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	directory = fdopendir(fd);
	if (!directory) {
		(void)close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(directory))) {
		const char **place;

		if (!id_is_valid(entry->d_name) || !text_starts_with(entry->d_name, prefix))
			continue;
		place = arena_append(arena, ids, count, sizeof(**ids));
		if (!place || !(*place = arena_copy(arena, entry->d_name)))
			return -ENOMEM;
	}
	return 0;
}

static int find_by_prefix(const struct storage *storage, const char *word, struct arena *arena,
	char ret[CONTAINER_ID_ROOM])
{
	const char **ids = NULL;
	size_t count = 0;
	int r = collect_ids(storage, false, word, arena, &ids, &count);

	if (r == 0)
		r = collect_ids(storage, true, word, arena, &ids, &count);
	if (r < 0)
		return r;
	if (count != 1)
		return count ? -ENOTUNIQ : -ENOENT;
	memcpy(ret, ids[0], CONTAINER_ID_ROOM);
	return 0;
}

int container_find_any(const struct storage *storage, const char *word, struct arena *arena,
	struct container *ret, struct err *reterr)
{
	char id[CONTAINER_ID_ROOM];
	int r = name_is_valid(word) ? read_name_link(storage, word, id) : -ENOENT;

	if (r == 0)
		r = read_either(storage, id, arena, ret, reterr);
	if (r == -ENOENT && id_is_prefix(word)) {
		r = find_by_prefix(storage, word, arena, id);
		if (r == -ENOTUNIQ)
			return err_set(reterr, r, word, "is the beginning of more than one id");
		if (r == 0)
			r = read_either(storage, id, arena, ret, reterr);
	}
	if (r == -ENOENT) {
		err_set(reterr, r, word, "there is no container of this name or id");
		err_hint(reterr, "`immure ps -a` lists them");
	}
	return r < 0 ? err_set(reterr, r, word, "cannot be read: %s", strerror(-r)) : 0;
}

int container_tell_damage(const struct container *container, struct err *reterr)
{
	return err_set(reterr, -EBADMSG, container->name,
		"its record is damaged: %s; `immure rm %.12s` removes the container",
		container->damage, container->id);
}

int container_find(const struct storage *storage, const char *word, struct arena *arena,
	struct container *ret, struct err *reterr)
{
	int r = container_find_any(storage, word, arena, ret, reterr);

	return r == 0 && ret->damage ? container_tell_damage(ret, reterr) : r;
}

static int compare_age(const void *a, const void *b)
{
	const struct container *one = a, *other = b;

	if (one->created != other->created)
		return one->created > other->created ? -1 : 1;
	return strcmp(one->id, other->id);
}

int container_list(const struct storage *storage, struct arena *arena, struct container **ret,
	size_t *ret_count, struct err *reterr)
{
	struct container *list = NULL;
	size_t count = 0;

	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		const char **ids = NULL;
		size_t id_count = 0;
		int r = collect_ids(storage, kind == 1, "", arena, &ids, &id_count);

		if (r < 0)
			return err_set(reterr, r, storage->path, "cannot list containers: %s",
				strerror(-r));
		for (size_t i = 0; i < id_count; i++) {
			struct container one, *place;

			r = read_one(storage, kind == 1, ids[i], arena, &one, reterr);
			if (r == -ENOENT)
				continue; /* being made, or gone since */
			if (r < 0)
				return err_set(
					reterr, r, ids[i], "cannot be read: %s", strerror(-r));
			place = ARENA_APPEND(arena, list, count);
			if (!place)
				return err_no_memory(reterr);
			*place = one;
		}
	}
	if (count)
		qsort(list, count, sizeof(*list), compare_age);
	*ret = list;
	*ret_count = count;
	return 0;
}

/* ---- removing ---- */

/* Many files are of one id: ours. Only what resists is worth a namespace. */
struct removal {
	int directory;
	const char *name;
};

static int remove_inside(void *context)
{
	const struct removal *removal = context;

	return tree_remove(removal->directory, removal->name);
}

int remove_tree(int directory, const char *name, const struct host *host, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {NULL};
	struct removal removal = {directory, name};
	struct host probed;
	int r = tree_remove(directory, name);

	if (r != -EACCES && r != -EPERM)
		return r < 0 ? err_set(reterr, r, name, "cannot be removed: %s", strerror(-r)) : 0;
	if (!host) {
		r = host_probe(HOST_SUBORDINATE, &arena, &probed, reterr);
		if (r < 0)
			return r;
		host = &probed;
	}
	if (!inside_is_mapped(host))
		return err_set(reterr, -EPERM, name,
			"files in it belong to other ids, and this user has no subordinate ids any "
			"more");
	r = inside_run(host, remove_inside, &removal, reterr);
	return r < 0 ? err_set(reterr, r, name, "cannot be removed: %s", strerror(-r)) : 0;
}

/*
 * Of a container that wrote nothing only these are there: removed by their names, without looking
 * for what there is. False where something stays, which remove_tree() finds.
 */
static bool remove_expected(const struct container_hold *hold)
{
	/* overlayfs leaves these closed to everybody; a program never sees this place, so no link
	 * can stand there */
	static const char *const closed[] = {
		"work/work", "work/work/incompat", "work/work/incompat/volatile"};
	static const struct {
		const char *path;
		int flags;
	} expected[] = {{"work/work/incompat/volatile/dirty", 0},
		{"work/work/incompat/volatile", AT_REMOVEDIR}, {"work/work/incompat", AT_REMOVEDIR},
		{"work/work", AT_REMOVEDIR}, {"work", AT_REMOVEDIR}, {"upper", AT_REMOVEDIR},
		{"image", 0}, {RECORD, 0}};

	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		if (fchmodat(hold->directory, closed[i], 0700, 0))
			break;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (unlinkat(hold->directory, expected[i].path, expected[i].flags) &&
			errno != ENOENT)
			return false;
	return true;
}

int container_remove(struct container_hold *hold, const struct container *container,
	const struct host *host, struct err *reterr)
{
	_cleanup_close_ int kind = open_kind(hold->storage, true);
	int r = kind < 0 ? err_set(reterr, kind, hold->storage->path, "cannot be opened: %s",
				   strerror(-kind))
			 : 0;

	/* out of sight first: a removal that is cut short is then taken up by a sweep */
	if (r == 0 && !hold->transient) {
		r = move_container(hold->storage, hold->id, true);
		if (r == -ENOENT) /* by another one, who had its record until that was gone */
			r = 0;
		if (r < 0)
			r = err_set(
				reterr, r, container->name, "cannot be removed: %s", strerror(-r));
	}
	for (size_t i = 0; r == 0 && container->volumes && container->volumes[i]; i++) {
		_cleanup_close_ int volumes = storage_directory(hold->storage, "volumes");
		char id[CONTAINER_ID_ROOM];

		(void)snprintf(id, sizeof(id), "%s", container->volumes[i]);
		r = volumes < 0 ? 0 : remove_tree(volumes, id, host, reterr);
	}
	if (r == 0)
		unlink_name(hold->storage, container->name, hold->id);
	/* what it wrote before its record, by which others see that somebody is at it: a directory
	 * is read in its file system's own order */
	if (r == 0 && !remove_expected(hold))
		r = remove_tree(hold->directory, "upper", host, reterr);
	if (r == 0)
		r = remove_tree(kind, hold->id, host, reterr);
	container_release(hold);
	return r;
}

const struct container *container_reread(const struct container_hold *hold,
	const struct container *container, struct arena *arena, struct container *room)
{
	struct err ignored = {0}; /* a damaged one: as it was found */

	*room = (struct container){.transient = container->transient};
	return read_record(hold->directory, hold->id, arena, room, &ignored) < 0 ? container : room;
}
