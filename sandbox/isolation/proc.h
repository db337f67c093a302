/*
 * /proc and /sys: fresh instances of the jail's own namespaces, with what still shows the host
 * masked (threats of procfs: T-INFO, T-PATH-52). "pid" mounts procfs with subset=pid and
 * hidepid=ptraceable, so that there is nothing to mask; "full" masks.
 */
#ifndef IMMURE_ISOLATION_PROC_H
#define IMMURE_ISOLATION_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

struct proc_plan {
	enum proc_kind proc;
	enum sys_kind sys;
	bool make; /* the mount points are made where they are missing: in an empty root, and in one
		      of layers */
	const struct rule *rule;
};

int proc_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct proc_plan *ret, struct err *reterr);
void proc_explain(const struct proc_plan *plan, struct report *out);

/* Needs: CAP_SYS_ADMIN; to be in the jail's pid (and for /sys network) namespace; a /proc of the
 * host without masks below "/". */
int proc_apply(const struct proc_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
