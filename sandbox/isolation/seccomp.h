/*
 * The system call filter: the policy of a profile (clauses, last match decides) compiled to classic BPF for seccomp(2).
 *
 * The filter first checks the architecture and the x32 bit (KILL_PROCESS), then finds the call's number in a balanced tree of ranges
 * that share one verdict, then walks the argument checks of that call. libseccomp knows the numbers of the calls per architecture, and
 * is the oracle of the tests; it does not make the filter, because its rules cannot say "all but these values" of one argument, nor which
 * errno a call gets whose conditions fail, because a linear filter costs three times as much to load, and because a compiler that is
 * quicker than opening a cache file needs no cache that somebody could poison (T-SEC-22).
 */
#ifndef IMMURE_ISOLATION_SECCOMP_H
#define IMMURE_ISOLATION_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"
#include "util/err.h"

struct arena;
struct child;
struct host;
struct receipt;
struct report;

struct seccomp_plan {
	struct sock_filter *filter; /* NULL: none asked */
	unsigned short length;	    /* instructions, at most 4096 */
	unsigned flags;		    /* for seccomp(2) */
	const struct profile *profile;
};

int seccomp_compile(const struct profile *profile, const struct host *host, struct arena *arena, struct receipt *receipt,
	struct seccomp_plan *ret, struct err *reterr);
void seccomp_explain(const struct seccomp_plan *plan, struct report *out);

/*
 * Needs: no_new_privs or CAP_SYS_ADMIN in the own user namespace; one thread.
 * Drops: every call that the policy does not allow, for good. Must not be followed by anything but execve.
 */
int seccomp_apply(const struct seccomp_plan *plan, struct child *child, uint16_t *reterr_item);

/* The filter that PID 1 of the jail lives under once the program runs: wait, read and write what is open, kill, exit. */
int seccomp_compile_init(struct arena *arena, struct seccomp_plan *ret, struct err *reterr);

#endif
