/*
 * cgroup v2: a directory of our own per launch, with the limits written before the program starts
 * in it (CLONE_INTO_CGROUP) and cgroup.kill at its end. The parent does everything; the child is
 * born inside. cgroups(7), kernel Documentation/admin-guide/cgroup-v2.
 */
#ifndef IMMURE_ISOLATION_CGROUP_H
#define IMMURE_ISOLATION_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/host.h"
#include "profile/profile.h"
#include "profile/receipt.h"
#include "util/err.h"
#include "util/janitor.h"

struct arena;
struct report;

struct cgroup_write {
	const char *file;  /* "memory.max" */
	const char *value; /* "1073741824" */
	const struct rule *rule;
	bool optional; /* a kernel without this file has nothing to limit there (swap) */
};

struct cgroup_plan {
	enum cgroup_way way;         /* CGROUP_NONE: no cgroup is made */
	const char *parent;          /* as host->cgroup_parent: a directory, or the bus's socket */
	const char *mount;           /* where cgroup2 is mounted */
	unsigned controllers;        /* CONTROLLER_*: what the writes need */
	struct cgroup_write *writes; /* in order; each must succeed and read back */
	size_t write_count;
	bool pids_limited, memory_limited; /* so that rlimit_compile() need not stand in */
};

/* Whether the profile has limits that want a cgroup: only then the host is asked for one. */
bool cgroup_is_wanted(const struct limits_section *limits);

/*
 * Which limits become which files. Adds receipt rows for what a cgroup enforces, and for what only
 * a cgroup could enforce here; where it cannot hold memory or pids, rlimit_compile() stands in for
 * it, and reports. No cgroup is made for a profile without such limits.
 */
int cgroup_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct cgroup_plan *ret, struct err *reterr);
void cgroup_explain(const struct cgroup_plan *plan, struct report *out);

struct cgroup {
	int directory; /* descriptor of the leaf that the jail is born in, for CLONE_INTO_CGROUP;
			  -1: none */
	int limits;    /* descriptor of the cgroup around it, which has the limits; -1: none */
	char name[64]; /* the latter's name below the parent */
	int parent;    /* descriptor of the parent; -1: none */
	struct janitor janitor;
};

/*
 * Makes the cgroup (mode 0755, name "immure-<pid>-<random>") below plan->parent, or in a transient
 * scope of the user's systemd, and writes the limits, each read back. On failure everything made is
 * removed. 0 or -errno with reterr naming file, value and rule.
 *
 * It is two directories: the outer one has the limits and hands every controller on to the inner
 * one ("jail"), where the processes are. While it does so, the kernel lets nobody take a controller
 * from it: systemd, which may own the parent, does just that when the last unit that needed one
 * ends, and the limits would be gone without a word. Nor can a jail with a cgroup file system of
 * its own reach its limits.
 *
 * A janitor process, a child that no waitpid(-1) sees, then waits for our death: should we not come
 * to cgroup_close(), it kills what is left in the cgroup and removes it. For a scope the calling
 * process itself is moved (see cgroup_scope.c). Call before any thread is made.
 */
int cgroup_open(const struct cgroup_plan *plan, struct cgroup *ret, struct err *reterr);

/*
 * Moves process pid, which waits and has no thread, into the cgroup: for a child that could not be
 * born in it. 0 or -errno.
 */
int cgroup_move(const struct cgroup *cgroup, pid_t pid);

/* What the kernel counted, read before cgroup_close(). Zero where a file is absent. */
struct cgroup_counts {
	uint64_t memory_peak, cpu_microseconds, oom_kills, pids_refused;
};
void cgroup_read(const struct cgroup *cgroup, struct cgroup_counts *ret);

/*
 * Kills what is left (cgroup.kill), waits until it is empty (at most two seconds), removes the
 * directory and dismisses the janitor (which stays, and goes on trying, where this fails). 0 or
 * -errno. Harmless for a cgroup that was never opened (directory -1).
 */
int cgroup_close(struct cgroup *cgroup);

/*
 * Removes cgroups that launchers which were killed have left below parent: directories of our name
 * pattern, empty, whose launcher's pid (in the name) is gone and whose lock nobody holds (a pid of
 * another pid namespace looks gone). cgroup_open() calls it; errors are ignored.
 */
void cgroup_sweep(int parent);

#endif
