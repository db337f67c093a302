/*
 * Containers: what remains of a run, and what is at work. Each is a directory of the storage, and
 * nothing else: no daemon, no data base, no lock that two containers share.
 *
 *	containers/ID/   container.json  what it was made from; replaced as a whole
 *	                 image           a link whose text is the digest of the image's manifest:
 *what collection must keep upper, work     what the container changed, and overlayfs's own
 *	transient/ID/    the same for a container of `run --rm`, which goes with its launcher; and
 *	                 every other one while it is being made or removed
 *	names/NAME       a link whose text is the id
 *
 * A launcher holds an exclusive lock (flock) on the directory while the container runs. So whether
 * one runs is asked of the kernel, and a launcher that was killed leaves an exited container. Who
 * changes or removes one that does not run holds a shared lock there, so as not to be taken for its
 * launcher (container_kill()), and an exclusive one on the record; and one on work, where who
 *copies or commits it holds a shared one, whether it runs or not.
 */
#ifndef IMMURE_CONTAINER_CONTAINER_H
#define IMMURE_CONTAINER_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "container/names.h"
#include "host/host.h"
#include "image/digest.h"
#include "image/storage.h"
#include "util/err.h"
#include "util/janitor.h"

struct arena;

#define CONTAINER_BYTES ((size_t)4 * 1024 * 1024) /* of container.json: its words were an argv */
#define CONTAINER_WORDS 65536

/* container.json. Strings and arrays belong to an arena; arrays end with NULL. */
struct container {
	char id[CONTAINER_ID_ROOM];
	const char *name;
	const char *image;            /* as it is called: "docker.io/library/debian:12" */
	struct digest manifest;       /* of the image */
	struct digest image_id;       /* its configuration's */
	const char *const *options;   /* of `run`, one word each, for `start` */
	const char *const *arguments; /* after the image's name */
	const char *const *command;   /* what was executed */
	const char *const *volumes;   /* the anonymous ones, removed with it: "ID:PLACE" */
	const char *directory;        /* the caller's when it was made; "" where it had no name */
	bool transient;               /* --rm */
	bool mapped;                  /* its files belong to subordinate ids */
	int64_t created, started, finished; /* seconds of the epoch; 0: not yet */
	int exit_code;                      /* -1: not known */
	int stop_signal;                    /* what ends it kindly */
	bool running;                       /* not in the file: from the lock */
	const char *damage; /* not in the file: why its record tells nothing; NULL: it does */
};

/* A container that this process has to itself. */
struct container_hold {
	const struct storage *storage;
	int directory;    /* locked; -1: none */
	int record, work; /* of container_claim(): locked; -1: none */
	char id[CONTAINER_ID_ROOM];
	bool transient;
};
#define CONTAINER_HOLD_NONE ((struct container_hold){.directory = -1, .record = -1, .work = -1})

/*
 * Makes a new container, whole: id is chosen here and written to container; where container->name
 * is NULL a name is made (arena's). -EEXIST with reterr where the name is taken. 0 or -errno with
 * reterr, nothing left behind.
 */
int container_create(const struct storage *storage, struct arena *arena,
	struct container *container, struct container_hold *ret, struct err *reterr);

/* Gives it another name. -EEXIST with reterr where that is taken; 0 or -errno. */
int container_rename(const struct container_hold *hold, struct container *container,
	const char *name, struct err *reterr);

/* Takes an existing one to run it, by its whole id. -EBUSY with reterr where somebody has it. */
int container_hold(const struct storage *storage, const struct container *container,
	struct container_hold *ret, struct err *reterr);
/* Takes one that does not run, to change or remove it. -EBUSY with reterr where it runs, -EAGAIN
 * where somebody else has claimed it. Never waits. */
int container_claim(const struct storage *storage, const struct container *container,
	struct container_hold *ret, struct err *reterr);
/* To read what is in it: *ret is a lock, the caller's to close, against those who claim it. -EAGAIN
 * with reterr where somebody has claimed it, -ENOENT where somebody has removed it. */
int container_read(const struct storage *storage, const struct container *container, int *ret,
	struct err *reterr);
/* Whether it was there to the end: a launcher that ends with --rm asks nobody. */
bool container_was_there(int lock);
/* kill.c: claims it, and ends it first where it runs; ret stays CONTAINER_HOLD_NONE where it is
 * gone altogether. */
int container_kill(const struct storage *storage, const struct container *container,
	struct container_hold *ret, struct err *reterr);
/* kill.c: takes it and removes it; force: ends it first, where it runs. Else -EBUSY with reterr;
 * -ENOENT with reterr where another process has removed it since it was found. */
int container_end(const struct storage *storage, const struct container *container, bool force,
	struct err *reterr);
void container_release(struct container_hold *hold); /* NULL-safe on one that is none */
/* What the record says now that hold has it: since container was found, volumes may have come to it
 * and its name may have changed. room, filled with the arena's words; or container, where the
 * record cannot be read. */
const struct container *container_reread(const struct container_hold *hold,
	const struct container *container, struct arena *arena, struct container *room);

/* Replaces container.json. flush: it must outlive a power cut. 0 or -errno with reterr. */
int container_write(const struct container_hold *hold, const struct container *container,
	bool flush, struct err *reterr);

/*
 * Finds one by its name, its id or the beginning of an id that no other has. -ENOENT, -ENOTUNIQ;
 * -EBADMSG where its record is damaged. The second takes such a one, too: to be removed.
 */
int container_find(const struct storage *storage, const char *word, struct arena *arena,
	struct container *ret, struct err *reterr);
int container_find_any(const struct storage *storage, const char *word, struct arena *arena,
	struct container *ret, struct err *reterr);

/* -EBADMSG with reterr, which says what to do about one that is damaged. */
int container_tell_damage(const struct container *container, struct err *reterr);

/*
 * All there are, the newest first, the damaged ones last. Those that are just being made or removed
 * are left out.
 */
int container_list(const struct storage *storage, struct arena *arena, struct container **ret,
	size_t *ret_count, struct err *reterr);

/*
 * Removes what hold has, name and anonymous volumes included, and releases it. host is asked only
 * where files of subordinate ids are left (NULL: it is probed then). 0 or -errno with reterr.
 */
int container_remove(struct container_hold *hold, const struct container *container,
	const struct host *host, struct err *reterr);

/* sweep.c: removes what launchers that were killed left in transient/, among the first so many that
 * are there: silent, and without waiting for anybody. */
void container_sweep(const struct storage *storage, unsigned most);
/* sweep.c: and the names that lead to no container, of those that were killed on the way from one
 * to another. */
void container_sweep_names(const struct storage *storage);

/*
 * replace.c: gives container, which hold has, the name of other, and puts that one out of sight: to
 * be removed once container runs, or restored. -ENOENT with reterr where somebody else has taken
 * that one or its name away. 0 or -errno with reterr, and all is as before, the other one released.
 */
int container_replace(const struct container_hold *hold, struct container *container,
	struct container_hold *other_hold, const struct container *other, struct err *reterr);
/* Takes that back: other has its name and its place again, and is released. */
int container_restore(struct container_hold *other_hold, const struct container *other,
	const struct container *container, struct err *reterr);

/* text.c: pure; name is for messages. */
int container_parse(const char *name, const char *text, size_t length, struct arena *arena,
	struct container *ret, struct err *reterr);
int container_emit(
	const struct container *container, char **ret_text, size_t *ret_length, struct err *reterr);

/*
 * janitor.c: starts a process that outlives this one, only to remove the container of hold when
 * this one was killed; janitor_dismiss() ends it. 0 or -errno with reterr.
 */
int container_watch(const struct container_hold *hold, const struct container *container,
	const struct host *host, struct janitor *ret, struct err *reterr);

#endif
