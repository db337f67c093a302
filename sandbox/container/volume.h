/*
 * Volumes: directories of the storage that containers write and that outlive them.
 *
 *	volumes/NAME/data    what is mounted
 *	             new     its maker was the only run that it had
 *
 * The name of one that no name was given for is made like an id; it goes with its container.
 */
#ifndef IMMURE_CONTAINER_VOLUME_H
#define IMMURE_CONTAINER_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "container/container.h"
#include "host/host.h"
#include "profile/profile.h"

struct arena;

struct volume {
	const char *name;
	const char *path; /* of its data, absolute */
	int64_t created;  /* seconds of the epoch */
};

/* Makes it. -EEXIST with reterr where there is one of that name. */
int volume_create(const struct storage *storage, const char *name, struct err *reterr);

/* -ENOENT with reterr. Strings are the arena's. */
int volume_find(const struct storage *storage, const char *name, struct arena *arena,
	struct volume *ret, struct err *reterr);

/* All with a name of somebody's choice, sorted; and the others where all is true. */
int volume_list(const struct storage *storage, bool all, struct arena *arena, struct volume **ret,
	size_t *ret_count, struct err *reterr);

/*
 * Removes it with what is in it. -EBUSY with reterr where a container has it, or another process is
 * at it; a container that comes to it meanwhile keeps it, too.
 */
int volume_remove(const struct storage *storage, const char *name, struct err *reterr);

/* Removes one that volume_mount() made for a run that came to nothing, whose locks are closed; but
 * where another run has come to it since, what that one has written stays, even if it is over. */
void volume_take_back(const struct storage *storage, const char *name);

/* Removes at most so many of those that killed launchers left half made or half removed: silent. */
void volume_sweep(const struct storage *storage, unsigned most);

/* What is needed to mount volumes into a container. */
struct volume_use {
	const struct storage *storage;
	const struct host *host;
	const struct layers *layers; /* of the image: what a new volume is filled from */
	struct arena *arena;
	struct profile *profile;
	struct container *container; /* anonymous ones are noted here: "ID:TARGET" */
	const char **made;           /* the named ones that volume_mount() made; the arena's */
	size_t made_count;
	int *held; /* a lock on each, to the end of the process; the arena's */
	size_t held_count;
	bool mapped;
};

/* Chooses the anonymous volume that is to be at target, unless there is one, or something else: the
 * container's record is to tell of it before it is made. */
int volume_note(struct volume_use *use, const char *target, struct err *reterr);

/*
 * Mounts the volume name at target (canonical): made where it is missing, and then, as docker does,
 * filled with what the image has there. name NULL: the anonymous one that was noted. flag NULL: the
 * image asks for it, and something of the caller's at the same place stays.
 */
int volume_mount(struct volume_use *use, const char *flag, const char *name, const char *target,
	bool read_only, bool no_exec, struct err *reterr);

#endif
