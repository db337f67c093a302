/*
 * Guards that the tests can take out. In the mutant build (`make mutant`, IMMURE_MUTANTS defined)
 * the environment variable IMMURE_MUTANT names the guards to leave out, and the escape tests must
 * then fail: a test that passes without its guard proves nothing (R40 of the threat catalogue). In
 * every other build mutant() is the constant false, and the compiler removes the branch.
 */
#ifndef IMMURE_UTIL_MUTANT_H
#define IMMURE_UTIL_MUTANT_H

#include <stdbool.h>

#define MUTANTS(X)                                                                                 \
	X(KEEP_FDS, "keep-fds")                   /* inherited descriptors stay open */            \
	X(KEEP_ENVIRONMENT, "keep-environment")   /* the caller's environment goes in */           \
	X(NO_NNP, "no-nnp")                       /* no_new_privs is not set */                    \
	X(KEEP_CAPABILITIES, "keep-capabilities") /* effective and permitted sets stay */          \
	X(KEEP_INHERITABLE, "keep-inheritable") /* the inheritable and ambient sets are filled */  \
	X(KEEP_BOUNDING, "keep-bounding")       /* the bounding set stays */                       \
	X(NO_SECUREBITS, "no-securebits")       /* securebits stay unlocked */                     \
	X(NO_SETGROUPS_DENY, "no-setgroups-deny") /* setgroups stays allowed */                    \
	X(NO_SECCOMP, "no-seccomp")               /* no filter */                                  \
	X(NO_BAD_ARCHITECTURE,                                                                     \
		"no-bad-architecture") /* foreign ABIs get the native table's default */           \
	X(COMPARE_64, "compare-64")    /* int arguments are compared with all 64 bits */           \
	X(CLONE3_ALLOWED, "clone3-allowed")                                                        \
	X(IO_URING_ALLOWED, "io-uring-allowed")                                                    \
	X(DEFAULT_EPERM, "default-eperm") /* unknown calls get EPERM, not ENOSYS */                \
	X(NO_LANDLOCK, "no-landlock")                                                              \
	X(NO_LANDLOCK_SCOPE, "no-landlock-scope")                                                  \
	X(WRONG_BIND, "wrong-bind") /* one bind too many: the invoking user's home, writable */    \
	X(NO_PRIVATE, "no-private") /* mounts keep their propagation */                            \
	X(SHALLOW_READONLY, "shallow-readonly") /* read-only without the submounts */              \
	X(NO_NOSUID, "no-nosuid")               /* binds keep suid and device rights */            \
	X(KEEP_OLD_ROOT, "keep-old-root")       /* the old root stays mounted below the new one */ \
	X(STRING_PATHS, "string-paths")         /* mount points are followed as plain paths */     \
	X(NO_SOURCE_CHECK,                                                                         \
		"no-source-check") /* the bind source is not compared with what was checked */     \
	X(NO_SHOWN_CHECK, "no-shown-check") /* a mount may come to hide another */                 \
	X(NO_DENY, "no-deny")               /* deny rules are not mounted */                       \
	X(NO_PIN, "no-pin")                 /* parents of denied paths can be renamed */           \
	X(FULL_PROC, "full-proc")           /* the whole of /proc */                               \
	X(HOST_NETWORK, "host-network")     /* no network namespace */                             \
	X(HOST_IPC, "host-ipc")                                                                    \
	X(HOST_UTS, "host-uts")                                                                    \
	X(HOST_PID, "host-pid-proc") /* the host's /proc is bound instead of an own one */         \
	X(NESTED_USER_NAMESPACES, "nested-user-namespaces")                                        \
	X(SHARE_TTY, "share-tty") /* the caller's terminal goes in */                              \
	X(NO_SETSID, "no-setsid")                                                                  \
	X(NO_PDEATHSIG, "no-pdeathsig")                                                            \
	X(NO_LIVENESS, "no-liveness") /* the launcher's death before PDEATHSIG goes unseen */      \
	X(DUMPABLE, "dumpable")       /* PID 1 stays dumpable */                                   \
	X(NO_LIMITS, "no-limits")     /* rlimits are not set */                                    \
	X(NO_TMPFS_SIZE, "no-tmpfs-size")                                                          \
	X(NO_CGROUP, "no-cgroup") /* the cgroup's limits are not written */                        \
	X(NO_WALL_TIME, "no-wall-time")                                                            \
	X(NO_ESCAPE, "no-escape")           /* messages print outside text raw */                  \
	X(NO_CWD_CHECK, "no-cwd-check")     /* a working directory outside the root is accepted */ \
	X(KEEP_SIGNALS, "keep-signals")     /* ignored and blocked signals go in */                \
	X(KEEP_KEYRING, "keep-keyring")     /* the caller's session keyring goes in */             \
	X(NO_LABEL, "no-label")             /* the SELinux label is not written */                 \
	X(PREFIX_COMPARE, "prefix-compare") /* paths are compared as strings, not by component */

enum mutant {
#define X(name, word) MUTANT_##name,
	MUTANTS(X)
#undef X
		MUTANT_COUNT
};

#ifdef IMMURE_MUTANTS
/* Reads IMMURE_MUTANT (names joined by commas) once, at the start of main; an unknown name aborts.
 */
void mutant_start(void);
bool mutant(enum mutant which);
#else
static inline void mutant_start(void)
{
}
#define mutant(which) ((void)(which), false)
#endif

#endif
