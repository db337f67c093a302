/*
 * Processes of the launcher's own beside a jail. A janitor outlives the launcher, only to remove
 * what a launcher that was killed leaves: PID 1 of the jail cannot reach it, and a later launch may
 * never come.
 */
#ifndef IMMURE_UTIL_JANITOR_H
#define IMMURE_UTIL_JANITOR_H

#include <stddef.h>
#include <sys/types.h>

struct janitor {
	int alive; /* its other end tells of our death: no other process may keep it; -1: none */
	int pidfd; /* -1: none */
};
#define JANITOR_NONE ((struct janitor){-1, -1})

/*
 * As fork(2), without our signal handlers, and without a signal at its end: no waitpid(-1) for the
 * program sees it. 0 in the child, the pid and *ret_pidfd in the parent, or -errno.
 */
pid_t janitor_clone(int *ret_pidfd);
/* Waits for its end, and closes the descriptor. */
void janitor_wait(int *pidfd);

/*
 * In such a child: of our descriptors only those that kept (count, at most JANITOR_KEPT) points to
 * stay, at other numbers, which are stored there; /dev/null comes in the place of the first three.
 * All from 3 on to begin with. 0 or -errno.
 */
#define JANITOR_KEPT 6
int janitor_keep_only(int *const *kept, size_t count);

/*
 * Starts a process that calls work(context) once this one is gone, and ends. It is in a session of
 * its own, with all signals blocked and the root as its directory, so that neither a kill of our
 * group nor a terminal's hang-up nor an unmount has to do with it. kept, as in janitor_keep_only():
 * one less, since it has a pipe to us. work: what a child of fork(2) may do. 0 or -errno.
 */
int janitor_start(int *const *kept, size_t count, void (*work)(void *context), void *context,
	struct janitor *ret);

/* Ends it without its work. On one that is none: nothing. */
void janitor_dismiss(struct janitor *janitor);
/* Lets it do its work now: closes our ends. */
void janitor_release(struct janitor *janitor);

#endif
