/*
 * What the walk of the step table carries along in the child: descriptors and identities that exist only once the child does. The plan
 * itself is read-only by then. Only system calls happen around it: no malloc, no stdio.
 */
#ifndef IMMURE_ISOLATION_CHILD_H
#define IMMURE_ISOLATION_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	int control;  /* socket to the supervisor (SOCK_SEQPACKET); never -1 */
	int error;    /* close-on-exec pipe for struct child_error; never -1 */
	int root;     /* the new root (a mount), from STEP_ROOT until the pivot; else -1 */
	int label;    /* /proc/thread-self/attr/exec, open while the host's /proc is reachable; else -1 */
	int terminal; /* slave of the jail's own pty; else -1 */
};

#endif
