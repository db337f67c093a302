/*
 * Work among files that belong to the user's subordinate ids: in a user namespace of its own, where
 * those ids are the caller's to act for. Files of a container never trap their user.
 */
#ifndef IMMURE_CONTAINER_INSIDE_H
#define IMMURE_CONTAINER_INSIDE_H

#include <stdbool.h>

#include "host/host.h"
#include "util/err.h"

/* True where the host gives this user subordinate ids (HOST_SUBORDINATE was probed). */
bool inside_is_mapped(const struct host *host);

/*
 * Calls work in a child that is root in such a namespace (with its one id where there are no
 * others), and waits for it. work answers 0 or
 * -errno; system calls and plain C only, no terminal. Returns its answer, or -errno with reterr
 * where it could not be started. The process may have one thread.
 */
int inside_run(
	const struct host *host, int (*work)(void *context), void *context, struct err *reterr);

#endif
