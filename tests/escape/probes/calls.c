/*
 * calls SET: makes every system call of a set, each in a child of its own, with arguments that the kernel itself would answer in another way
 * than the filter does. An escape is any call that the filter did not stop. `calls sets` lists the sets.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "verdict.h"

#define BAD (-1L)	   /* a descriptor, pointer or flag word that no call accepts */
#define HIGH 0x100000000L  /* a bit that the kernel drops from an int argument, and a careless filter does not (T-SEC-10) */
#define NEW_THREAD 0x10000 /* CLONE_THREAD without CLONE_SIGHAND: EINVAL of the kernel, before it looks at namespaces */

struct attempt {
	const char *set, *name;
	long number, arguments[6];
};

static long scratch[64];
#define SCRATCH ((long)scratch)

static const struct attempt attempts[] = {
	{"T-SEC-06", "first unused", 480, {0}},
	{"T-SEC-06", "1023", 1023, {0}},
	{"T-SEC-06", "2^29", 0x20000000, {0}},
	{"T-SEC-06", "2^30-1", 0x3fffffff, {0}},

	{"T-SEC-07", "clone NEWNS", SYS_clone, {CLONE_NEWNS | NEW_THREAD}},
	{"T-SEC-07", "clone NEWCGROUP", SYS_clone, {0x02000000 | NEW_THREAD}},
	{"T-SEC-07", "clone NEWUTS", SYS_clone, {CLONE_NEWUTS | NEW_THREAD}},
	{"T-SEC-07", "clone NEWIPC", SYS_clone, {CLONE_NEWIPC | NEW_THREAD}},
	{"T-SEC-07", "clone NEWUSER", SYS_clone, {CLONE_NEWUSER | NEW_THREAD}},
	{"T-SEC-07", "clone NEWPID", SYS_clone, {CLONE_NEWPID | NEW_THREAD}},
	{"T-SEC-07", "clone NEWNET", SYS_clone, {CLONE_NEWNET | NEW_THREAD}},
	{"T-SEC-07", "clone all", SYS_clone, {0x7e020000 | NEW_THREAD}},
	{"T-SEC-07", "clone high", SYS_clone, {CLONE_NEWUSER | NEW_THREAD | HIGH}},

	{"T-SEC-08", "clone3", SYS_clone3, {0, 0}},
	{"mount-api", "open_tree", SYS_open_tree, {BAD, BAD, BAD}},
	{"mount-api", "fsconfig", SYS_fsconfig, {BAD, 0}},
	{"mount-api", "mount_setattr", SYS_mount_setattr, {BAD, 0, BAD}},
	{"mount-api", "statmount", 457, {BAD, 0}},
	{"mount-api", "listmount", 458, {BAD, 0}},
	{"mount-api", "open_tree_attr", 467, {BAD, BAD, BAD}},
	{"mount-api", "mount", SYS_mount, {0, 0, 0, 0}},
	{"mount-api", "umount2", SYS_umount2, {0, BAD}},

	{"T-SEC-09", "unshare", SYS_unshare, {1}},
	{"T-SEC-09", "unshare NEWUSER", SYS_unshare, {CLONE_NEWUSER | 1}},
	{"T-SEC-09", "unshare NEWTIME", SYS_unshare, {0x80 | 1}},
	{"T-SEC-09", "setns", SYS_setns, {BAD, 0}},
	{"T-SEC-09", "setns user", SYS_setns, {BAD, CLONE_NEWUSER}},

	{"T-SEC-10", "TIOCSTI", SYS_ioctl, {1, 0x5412}},
	{"T-SEC-10", "TIOCLINUX", SYS_ioctl, {1, 0x541c}},
	{"T-SEC-10", "TIOCSETD", SYS_ioctl, {1, 0x5423}},
	{"T-SEC-10", "TIOCCONS", SYS_ioctl, {1, 0x541d}},
	{"ioctl-high", "TIOCSTI", SYS_ioctl, {1, 0x5412 | HIGH}},
	{"ioctl-high", "TIOCSTI bit 63", SYS_ioctl, {1, 0x5412 | (1L << 63)}},
	{"ioctl-high", "TIOCSTI all high bits", SYS_ioctl, {1, (long)0xffffffff00005412UL}},
	{"ioctl-high", "TIOCLINUX", SYS_ioctl, {1, 0x541c | HIGH}},
	{"ioctl-high", "TIOCSETD", SYS_ioctl, {1, 0x5423 | HIGH}},
	{"ioctl-high", "TIOCCONS", SYS_ioctl, {1, 0x541d | HIGH}},

	{"T-SEC-13", "io_uring_setup", SYS_io_uring_setup, {1, SCRATCH}},
	{"T-SEC-13", "io_uring_enter", SYS_io_uring_enter, {BAD, 1}},
	{"T-SEC-13", "io_uring_register", SYS_io_uring_register, {BAD, 0}},
	{"T-SEC-14", "userfaultfd", SYS_userfaultfd, {1 /* UFFD_USER_MODE_ONLY */}},
	{"T-SEC-15", "perf_event_open", SYS_perf_event_open, {0, 0, 0, BAD, BAD}},
	{"T-SEC-15", "keyctl", SYS_keyctl, {0x7fffffff}},
	{"T-SEC-15", "add_key", SYS_add_key, {BAD}},
	{"T-SEC-15", "request_key", SYS_request_key, {BAD}},
	{"T-SEC-15", "fanotify_init", SYS_fanotify_init, {0x200, 0}},
	{"T-SEC-15", "name_to_handle_at", SYS_name_to_handle_at, {BAD, 0, 0, 0, BAD}},
	{"T-SEC-15", "quotactl", SYS_quotactl, {BAD, BAD}},
	{"T-SEC-16", "no randomisation", SYS_personality, {0x40000}},
	{"T-SEC-16", "read implies exec", SYS_personality, {0x400000}},
	{"T-SEC-16", "high bit", SYS_personality, {0x40000 | HIGH}},

	{"T-SEC-17", "user dispatch", SYS_prctl, {59, 0, 0, 0, 0}},
	{"T-SEC-17", "PR_SET_TSC", SYS_prctl, {26, 1}},
	{"T-SEC-17", "PR_MCE_KILL", SYS_prctl, {33, 0, 0, 0, 0}},
	{"T-SEC-17", "PR_GET_SECUREBITS", SYS_prctl, {27}},
	{"T-SEC-17", "PR_SET_TSC high", SYS_prctl, {26 | HIGH, 1}},
#ifdef SYS_arch_prctl
	{"T-SEC-17", "cpuid faulting", SYS_arch_prctl, {0x1011}},
#endif

	{"T-SEC-18", "PTRACE_TRACEME", SYS_ptrace, {0}},
	{"T-SEC-19", "process_vm_readv", SYS_process_vm_readv, {BAD, 0, 0, 0, 0, 0}},
	{"T-SEC-19", "process_vm_writev", SYS_process_vm_writev, {BAD, 0, 0, 0, 0, BAD}},
	{"T-SEC-19", "pidfd_getfd", SYS_pidfd_getfd, {BAD}},
	{"T-SEC-19", "process_madvise", SYS_process_madvise, {BAD, 0, 0, 0, BAD}},
	{"T-SEC-19", "kcmp", SYS_kcmp, {BAD, BAD}},

	{"T-SEC-30", "WAIT_REQUEUE_PI", SYS_futex, {SCRATCH, FUTEX_WAIT_REQUEUE_PI, 1, 0, SCRATCH}},
	{"T-SEC-30", "CMP_REQUEUE_PI", SYS_futex, {SCRATCH, FUTEX_CMP_REQUEUE_PI, 2, 0, SCRATCH}},
	{"T-SEC-30", "private", SYS_futex, {SCRATCH, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 2, 0, SCRATCH}},
	{"T-SEC-30", "futex_requeue", 456, {0, BAD}},
	{"T-SEC-32", "F_SETOWN", SYS_fcntl, {1, F_SETOWN, 0}},
	{"T-SEC-32", "F_SETSIG", SYS_fcntl, {1, F_SETSIG, 0}},
	{"T-SEC-32", "F_SETOWN high", SYS_fcntl, {1, F_SETOWN | HIGH, 0}},
	{"T-SEC-33", "nsfs", SYS_ioctl, {1, 0xb701}},
	{"T-SEC-33", "nsfs owner", SYS_ioctl, {1, 0xb702}},
	{"T-SEC-33", "pidfd", SYS_ioctl, {1, 0xff01}},
	{"T-SEC-34", "splice", SYS_splice, {BAD, 0, BAD, 0, 1, 0}},
	{"T-SEC-34", "tee", SYS_tee, {BAD, BAD, 1, 0}},
	{"T-SEC-34", "vmsplice", SYS_vmsplice, {BAD, 0, 0, BAD}},
	{"T-SEC-36", "listener", SYS_seccomp, {1, 8, 0}},
#ifdef SYS_iopl
	{"T-SEC-40", "modify_ldt", SYS_modify_ldt, {0, 0, 0}},
	{"T-SEC-40", "iopl", SYS_iopl, {0}},
#endif
	{"T-SEC-40", "settimeofday", SYS_settimeofday, {BAD, 0}},
	{"T-SEC-40", "clock_settime", SYS_clock_settime, {0, BAD}},
	{"T-SEC-40", "adjtimex", SYS_adjtimex, {BAD}},
	{"T-LSM-19", "lsm_set_self_attr", 460, {0, 0, 0, 1}},
	{"T-RES-10", "SCHED_IDLE", SYS_sched_setscheduler, {0, SCHED_IDLE, SCRATCH}},
	{"T-PATH-39", "chroot", SYS_chroot, {BAD}},
	{"T-PATH-39", "pivot_root", SYS_pivot_root, {BAD, BAD}},
};

/* What a filter of ours answers a call it stops with. */
static bool is_denial(const char *set, int error)
{
	if (strcmp(set, "T-SEC-06") == 0 || strcmp(set, "T-SEC-08") == 0 || strcmp(set, "T-SEC-30") == 0)
		return error == ENOSYS; /* anything else breaks the fall-backs of C libraries */
	if (strcmp(set, "T-SEC-17") == 0)
		return error == EINVAL || error == EPERM;
	return error == EPERM || error == ENOSYS;
}

/* The errno of one attempt (0: it succeeded, -1: a signal). */
static int outcome(const struct attempt *attempt)
{
	const long *a = attempt->arguments;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)alarm(2);
		_exit(syscall(attempt->number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		unclear("fork");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
	char through[1024] = "";
	int tried = 0;

	if (argc != 2)
		return 2;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		size_t used = strlen(through);
		int error;

		if (strcmp(attempts[i].set, argv[1]) != 0)
			continue;
		tried++;
		error = outcome(&attempts[i]);
		if (error != -1 && !is_denial(argv[1], error))
			(void)snprintf(through + used, sizeof(through) - used, " %s (%s);", attempts[i].name, strerror(error));
	}
	if (!tried)
		return 2;
	if (through[0])
		escaped("of %d:%s", tried, through);
	contained("%d calls of %s stopped", tried, argv[1]);
}
