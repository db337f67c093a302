/*
 * From a plan to a program that ran: clone3, the child that walks the steps, PID 1 that reaps, the
 *supervisor that relays, forwards and counts.
 *
 *	supervisor (this process) ── clone3 ── PID 1: steps up to landlock ── vfork ── the program:
 *the last steps, execve └── control socket, pty master ──┘  waits, forwards signals, reports the
 *status
 */
#ifndef IMMURE_LAUNCH_LAUNCH_H
#define IMMURE_LAUNCH_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "plan/plan.h"
#include "util/err.h"

struct arena;
struct forerunner;

struct launch_result {
	int status; /* as wait(2) gives it */
	uint64_t wall_microseconds;
	struct rusage usage;         /* of everything in the jail that was waited for */
	struct cgroup_counts counts; /* zero without a cgroup */
	const char *limit; /* which limit ended it ("wall_time", "memory", "cpu_time", "file_size"),
			      or NULL; static */
};

/*
 * Runs plan to its end. ahead: sent on its way before the plan was made, and used up here if it
 * serves; NULL: none. The arena that holds the plan is made read-only first. Blocks and takes
 * over SIGCHLD and the forwarded signals of this process, which must have one thread;
 * restores nothing: the caller is about to exit. 0 when the program started (ret is filled), else
 * -errno with reterr: -ENOENT and -EACCES of the program itself come with ret->started false and
 * *ret_exec_failed true, so that the caller can exit as shells do (127, 126).
 */
int launch_run(const struct plan *plan, struct arena *arena, struct forerunner *ahead,
	struct launch_result *ret, bool *ret_exec_failed, struct err *reterr);

#endif
