/*
 * What a process carries over fork and exec that is no mechanism of its own: dumpability, the
 * keyring, the parent-death signal, no_new_privs, signal state, umask, working directory, open
 * descriptors. Each step is one or two calls of prctl(2), sigaction(2) and the like.
 */
#ifndef IMMURE_ISOLATION_PROCESS_H
#define IMMURE_ISOLATION_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

struct process_plan {
	const char *hostname; /* NULL: keep (no uts namespace) */
	mode_t umask;
	const int *preserved; /* descriptors beyond 0, 1, 2 that the program gets, ascending */
	size_t preserved_count;
};

int process_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, const int *preserved, size_t preserved_count,
	struct process_plan *ret, struct err *reterr);
void process_explain(const struct process_plan *plan, struct report *out);

/*
 * Not dumpable: /proc/PID/{mem,fd,root,cwd,environ,…} of this process are closed to the same uid,
 * inside and outside (R13, T-LIFE-20). Must come after the id maps, which a non-dumpable process
 * cannot write.
 */
int process_hide(const struct process_plan *plan, struct child *child, uint16_t *reterr_item);

int process_hostname(const struct process_plan *plan, struct child *child, uint16_t *reterr_item);

/* An empty session keyring in place of the caller's (T-CRED-11). */
int process_keyring(const struct process_plan *plan, struct child *child, uint16_t *reterr_item);

/*
 * SIGKILL when the launcher dies, set after the last change of credentials, which would clear it
 * (T-LIFE-02); then a look at the control socket, in case the launcher died before (T-LIFE-04).
 */
int process_tie(const struct process_plan *plan, struct child *child, uint16_t *reterr_item);

/* no_new_privs: no exec gives anything any more. Needed by Landlock and seccomp. */
int process_no_new_privileges(
	const struct process_plan *plan, struct child *child, uint16_t *reterr_item);

/*
 * In the program's own process: default dispositions, empty mask, umask, a session of its own, and
 * no descriptor but 0, 1, 2, the preserved ones, and the close-on-exec rest.
 */
int process_signals(const struct process_plan *plan, struct child *child, uint16_t *reterr_item);
int process_descriptors(
	const struct process_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
