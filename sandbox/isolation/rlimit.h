/*
 * Limits that a process carries itself: setrlimit(2), the OOM score, the nice value. They stand in
 * for the cgroup where there is none: a RLIMIT_NPROC that is set inside a fresh user namespace
 * counts that namespace alone (T-RES-26), so it is a true limit of the jail.
 */
#ifndef IMMURE_ISOLATION_RLIMIT_H
#define IMMURE_ISOLATION_RLIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

struct rlimit_entry {
	int resource; /* RLIMIT_* */
	const char *name;
	uint64_t value;
	const struct rule *rule;
};

struct rlimit_plan {
	struct rlimit_entry *entries;
	size_t count;
	const char *oom_score; /* text for /proc/self/oom_score_adj, or NULL */
	int nice;              /* 0: leave it */
};

/* pids_done, memory_done: a cgroup already holds these. */
int rlimit_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, bool pids_done, bool memory_done, struct rlimit_plan *ret,
	struct err *reterr);
void rlimit_explain(const struct rlimit_plan *plan, struct report *out);

/* Needs: the host's /proc, a dumpable process. */
int rlimit_apply_oom_score(
	const struct rlimit_plan *plan, struct child *child, uint16_t *reterr_item);

/* The program's alone: whoever makes the jail, and PID 1, which waits only, need not stand behind
 * others. */
int rlimit_apply_nice(const struct rlimit_plan *plan, struct child *child, uint16_t *reterr_item);

/* Needs: to be in the jail's user namespace already. reterr_item: index into entries. */
int rlimit_apply(const struct rlimit_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
