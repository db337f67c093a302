/* What the files of container/ share with one another and with nobody else. */
#ifndef IMMURE_CONTAINER_PARTS_H
#define IMMURE_CONTAINER_PARTS_H

#include <dirent.h>

#include "container/container.h"
#include "container/inside.h"
#include "host/host.h"
#include "util/err.h"

/*
 * Removes name in directory with all below it: as the caller, and where something belongs to a
 * subordinate id, from inside a user namespace. host NULL: probed where it is needed. 0 or -errno
 * with reterr.
 */
int remove_tree(int directory, const char *name, const struct host *host, struct err *reterr);

/* sweep.c: the directory of that name in the storage, to be read through; NULL: it cannot be. */
DIR *open_listing(const struct storage *storage, const char *name);

/* Between containers/ and transient/, in one step. */
int move_container(const struct storage *storage, const char *id, bool out_of_sight);

/* Makes the name of one container that of another, in one step. -ENOENT where it is not that of
 * the first. */
int move_name(const struct container_hold *to, const char *name, const char *from);
/* The id that a name leads to: 0, -ENOENT; -EBADMSG where it is none. */
int read_name_link(const struct storage *storage, const char *name, char ret[CONTAINER_ID_ROOM]);
/* The name whose link leads to id, where there is one; the arena's. */
const char *find_name(const struct storage *storage, const char *id, struct arena *arena);
/* Whether there is such a container, of whichever kind. */
bool container_exists(const struct storage *storage, const char *id);
/* Removes the name, if it is still this container's. */
void unlink_name(const struct storage *storage, const char *name, const char *id);

#endif
