/*
 * The system call filter: the policy of a profile (clauses, last match decides) compiled to classic
 * BPF for seccomp(2).
 *
 * The filter first checks the architecture (KILL_PROCESS for a foreign one), then finds the call's
 * number in a balanced tree of ranges that share one decision, then walks the argument checks of
 * that call. libseccomp knows the numbers of the calls per architecture, and is the oracle of the
 * tests; it does not make the filter, because its rules cannot say "all but these values" of one
 * argument, nor which errno a call gets whose conditions fail, because a linear filter costs three
 * times as much to load, and because a compiler that is quicker than opening a cache file needs no
 * cache that somebody could poison (T-SEC-22).
 *
 * What no clause can change: foreign architectures and the numbers of the x32 ABI (0x40000000 to
 * 0x4000FFFF) kill the process. With "architectures": ["native", "i386"] the clauses hold for the
 * 32-bit ABI too, its wider forms of a call included (fcntl64 with fcntl; seccomp_foreign.h), and a
 * call whose arguments lie behind a pointer there (socketcall, ipc, the old mmap and select) is
 * denied as soon as a clause looks at the arguments of what it would do (T-SEC-05).
 * namespaces.nested_user allows clone, unshare and setns whatever the groups say of them; clauses
 * after the last group still decide. It does not allow mount, chroot or pivot_root: a profile names
 * them.
 *
 * What no filter can change: Linux lets uretprobe and uprobe (335 and 336 on x86_64, since 6.14)
 * through without asking. They end a program with SIGILL that calls them other than from a probe's
 * trampoline.
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
	struct sock_filter *filter; /* NULL: none asked, or none possible and that accepted */
	unsigned short length;      /* instructions, at most 4096 */
	unsigned flags;             /* for seccomp(2) */
	unsigned
		allowed; /* calls of the native architecture that can succeed with some arguments */
	const struct profile *profile;
};

/*
 * The filter of a built-in profile that nothing has changed was compiled when the program was built
 * (profile/frozen.h).
 *
 * A name that no table knows is an error in a required clause and a row of the receipt in a
 * best-effort one; a name that this architecture lacks is passed over, since nothing can call it. A
 * clause in audit denies nothing and is logged instead; a section in audit denies nothing at all,
 * foreign architectures included.
 */
int seccomp_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct seccomp_plan *ret, struct err *reterr);

/* The same for a given architecture (AUDIT_ARCH_X86_64 or AUDIT_ARCH_AARCH64), compiled anew in
 * every case, as profiles/freeze.c and the tests need it. */
int seccomp_compile_for(uint32_t architecture, const struct profile *profile,
	const struct host *host, struct arena *arena, struct receipt *receipt,
	struct seccomp_plan *ret, struct err *reterr);

void seccomp_explain(const struct seccomp_plan *plan, struct report *out);

/*
 * Needs: no_new_privs or CAP_SYS_ADMIN in the own user namespace; one thread.
 * Drops: every call that the policy does not allow, for good. Must not be followed by anything but
 * execve.
 */
int seccomp_apply(const struct seccomp_plan *plan, struct child *child, uint16_t *reterr_item);

/* The filter that PID 1 of the jail lives under once the program runs: wait, read and write what is
 * open, kill, exit. */
int seccomp_compile_init(struct arena *arena, struct seccomp_plan *ret, struct err *reterr);
/* For a given architecture, and without what was compiled when the program was built. */
int seccomp_compile_init_for(
	uint32_t architecture, struct arena *arena, struct seccomp_plan *ret, struct err *reterr);

enum seccomp_decider {
	DECIDED_BY_CLAUSE,
	DECIDED_BY_DEFAULT,      /* no clause names the call, or none that does matches */
	DECIDED_BY_ARCHITECTURE, /* a foreign ABI */
	DECIDED_BY_POINTER,      /* i386: its arguments cannot be looked at */
	DECIDED_BY_NESTED_USER,  /* namespaces.nested_user */
	DECIDED_BY_COUNT
};

struct seccomp_verdict {
	enum syscall_action action;
	uint16_t error; /* ACTION_ERRNO */
	enum seccomp_decider decider;
	const struct syscall_clause *clause; /* DECIDED_BY_CLAUSE, else NULL */
};

/*
 * What the policy says of one call, read directly off its clauses, for messages and as the
 * reference that compiled filters are tested against. native: the architecture the filter is for.
 * arguments: six, or NULL where they are not known: then a clause that denies counts as matching.
 */
void seccomp_verdict(const struct profile *profile, uint32_t native, uint32_t architecture,
	int number, const uint64_t *arguments, struct seccomp_verdict *ret);

/* "setns is denied (EPERM) by untrusted@1, policies/…:30:3: /deny", for the message that explains a
 * refusal. Returns buffer. */
char *seccomp_explain_call(const struct profile *profile, uint32_t architecture, int number,
	const uint64_t *arguments, char *buffer, size_t size);

/* "ioctl, argument 1 of 0x5412 0x541c: errno EPERM": one clause in words. Returns buffer. */
char *seccomp_clause_text(const struct syscall_clause *clause, char *buffer, size_t size);

#endif
