/* What the files of the cgroup mechanism share; for isolation/cgroup*.c alone. */
#ifndef IMMURE_ISOLATION_CGROUP_PARTS_H
#define IMMURE_ISOLATION_CGROUP_PARTS_H

#include "isolation/cgroup.h"

/*
 * Writes cgroup.kill of parent/name, waits (at most milliseconds) until nothing lives in it, and
 * removes it with all below. 0 or -errno.
 */
int cgroup_remove(int parent, const char *name, int milliseconds);

/* Starts the janitor for parent/name. Fills cgroup->janitor. 0 or -errno. */
int cgroup_janitor_start(struct cgroup *cgroup);

/*
 * Has the user's systemd, over the bus at socket, put this process into a new delegated scope
 * called NAME.scope. On success ret_path is the scope's directory below mount (of size bytes). The
 * process ends up in a child of it ("launcher"), so that the scope can hand controllers down.
 */
int cgroup_scope_enter(const char *socket, const char *mount, const char *name, char *ret_path,
	size_t size, struct err *reterr);

#endif
