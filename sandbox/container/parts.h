/* What the files of container/ share with one another and with nobody else. */
#ifndef IMMURE_CONTAINER_PARTS_H
#define IMMURE_CONTAINER_PARTS_H

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

#endif
