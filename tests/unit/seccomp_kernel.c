/*
 * The untrusted filter in the kernel: loaded by an unprivileged process, and tried call by call.
 * What the simulator says is thereby checked against the thing itself; so is that a filter binds
 * threads made later, and that loading fails where it must (T-SEC-20, -21, -41).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "host/host.h"
#include "isolation/seccomp.h"
#include "profile/load.h"
#include "profile/receipt.h"
#include "util/arena.h"

enum { CANNOT_LOAD = 200 };

static struct seccomp_plan plan;

/* ---- one call in a child of its own ---- */

struct attempt {
	const char *what;
	long (*make)(const uint64_t *arguments); /* NULL: the call `number` by syscall(2) */
	long number;
	uint64_t arguments[6];
	int want; /* positive: errno; 0: success; negative: the signal that kills */
};

#ifdef __x86_64__
/* Through the 32-bit gate, with a 32-bit number. */
static long gate(const uint64_t *a)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3])
			 : "memory", "r8", "r9", "r10", "r11");
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}
#endif

static long in_thread;

static void *thread(void *arguments)
{
	(void)arguments;
	errno = 0;
	in_thread = syscall(SYS_unshare, 0x10000000) < 0 ? errno : 0;
	return NULL;
}

/* The C library makes threads although clone3 is ENOSYS, and they live under the filter. */
static long threads(const uint64_t *a)
{
	pthread_t id;
	int r = pthread_create(&id, NULL, thread, NULL);

	(void)a;
	if (r == 0)
		r = pthread_join(id, NULL);
	errno = r ? r : (int)in_thread;
	return -1;
}

static void drop_privilege(void)
{
	if (getuid() == 0 &&
		(setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
		_exit(CANNOT_LOAD);
}

static void attempt_in_child(const struct attempt *attempt)
{
	struct rlimit none = {0, 0};
	long result;

	(void)setrlimit(RLIMIT_CORE, &none);
	drop_privilege();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_apply(&plan, NULL, NULL) < 0)
		_exit(CANNOT_LOAD);
	errno = 0;
	if (!attempt->make)
		result = syscall(attempt->number, attempt->arguments[0], attempt->arguments[1],
			attempt->arguments[2], attempt->arguments[3], attempt->arguments[4],
			attempt->arguments[5]);
	else
		result = attempt->make(attempt->arguments);
	syscall(SYS_exit_group, result < 0 ? errno : 0);
}

static void check_attempt(const struct attempt *attempt)
{
	pid_t pid = fork();
	int status = 0, is;

	if (pid == 0)
		attempt_in_child(attempt);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		abort();
	is = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
	check_int(is, attempt->want, "%s", attempt->what);
}

#define HIGH 0xDEAD00000000ULL

static const struct attempt attempts[] = {
	{"getppid passes", NULL, SYS_getppid, {0}, 0},
	{"a local socket passes", NULL, SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0}, 0},
	{"a socket pair passes", NULL, SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, 0}, EFAULT},
	{"AF_ALG", NULL, SYS_socket, {38, SOCK_SEQPACKET, 0}, EAFNOSUPPORT},
	{"AF_VSOCK", NULL, SYS_socket, {40, SOCK_STREAM, 0}, EAFNOSUPPORT},
	{"AF_ALG, high word set", NULL, SYS_socket, {HIGH | 38, SOCK_SEQPACKET, 0}, EAFNOSUPPORT},
	{"NETLINK_ROUTE passes", NULL, SYS_socket, {16, SOCK_RAW, 0}, 0},
	{"NETLINK_NETFILTER", NULL, SYS_socket, {16, SOCK_RAW, 12}, EAFNOSUPPORT},
	{"a raw internet socket", NULL, SYS_socket, {AF_INET, SOCK_RAW, 1}, EPERM},
	{"mount", NULL, SYS_mount, {0}, EPERM},
	{"unshare", NULL, SYS_unshare, {0x10000000}, EPERM},
	{"setns", NULL, SYS_setns, {0, 0}, EPERM},
	{"clone with NEWUSER", NULL, SYS_clone, {0x10000000 | SIGCHLD}, EPERM},
	{"clone with NEWNS, high word set", NULL, SYS_clone, {HIGH | 0x00020000 | SIGCHLD}, EPERM},
	{"clone3", NULL, SYS_clone3, {0, 0}, ENOSYS},
	{"io_uring_setup", NULL, SYS_io_uring_setup, {1, 0}, ENOSYS},
	{"userfaultfd", NULL, SYS_userfaultfd, {0}, ENOSYS},
	{"splice", NULL, SYS_splice, {0}, ENOSYS},
	{"ptrace", NULL, SYS_ptrace, {0}, EPERM},
	{"bpf", NULL, SYS_bpf, {0}, EPERM},
	{"number 1000", NULL, 1000, {0}, ENOSYS},
	{"number -1", NULL, -1, {0}, ENOSYS},
	{"number 0x80000000", NULL, 0x80000000L, {0}, ENOSYS},
	{"TIOCSTI", NULL, SYS_ioctl, {0, 0x5412, 0}, EPERM},
	{"TIOCSTI, high word set", NULL, SYS_ioctl, {0, HIGH | 0x5412, 0}, EPERM},
	{"FIONREAD passes the filter", NULL, SYS_ioctl, {999, 0x541B, 0}, EBADF},
	{"futex, WAIT_REQUEUE_PI", NULL, SYS_futex, {0, 11 | 128, 0}, ENOSYS},
	{"prctl, SYSCALL_USER_DISPATCH", NULL, SYS_prctl, {59, 0}, EINVAL},
	{"prctl, PR_GET_DUMPABLE passes", NULL, SYS_prctl, {3}, 0},
	{"personality, the question passes", NULL, SYS_personality, {0xFFFFFFFF}, 0},
	{"personality, ADDR_NO_RANDOMIZE", NULL, SYS_personality, {0x40000}, EPERM},
	{"open_by_handle_at kills", NULL, SYS_open_by_handle_at, {0}, -SIGSYS},
	{"a second filter without listener passes the first", NULL, SYS_seccomp,
		{SECCOMP_SET_MODE_FILTER, 0, 0}, EFAULT},
	{"a listener", NULL, SYS_seccomp, {SECCOMP_SET_MODE_FILTER, 8, 0}, EPERM},
	{"threads are made, and cannot unshare", threads, 0, {0}, EPERM},
#ifdef __x86_64__
	{"getpid by int 0x80 kills", gate, 0, {20}, -SIGSYS},
	{"ptrace by int 0x80 kills", gate, 0, {26}, -SIGSYS},
	{"number 1000 by int 0x80 kills", gate, 0, {1000}, -SIGSYS},
	{"getpid with the x32 bit kills", NULL, 0x40000000L | SYS_getpid, {0}, -SIGSYS},
	{"ioctl of x32 kills", NULL, 0x40000000L | 514, {0}, -SIGSYS},
#endif
};

/* ---- loading ---- */

static void check_without_nnp(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		drop_privilege();
		_exit(seccomp_apply(&plan, NULL, NULL) == -EACCES ? 0 : 1);
	}
	(void)waitpid(pid, &status, 0);
	check_int(status, 0, "without no_new_privs, loading says EACCES");
}

/* A kernel (or an outer sandbox) without seccomp(2). */
static void check_refused(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		struct sock_filter outer[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
		struct sock_fprog program = {4, outer};

		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
			_exit(2);
		_exit(seccomp_apply(&plan, NULL, NULL) == -ENOSYS ? 0 : 1);
	}
	(void)waitpid(pid, &status, 0);
	check_int(status, 0, "where seccomp(2) is refused, loading says so");
}

static void check_none(void)
{
	struct seccomp_plan none = {0};

	check_int(seccomp_apply(&none, NULL, NULL), 0, "no filter, nothing to load");
	check_int(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0, "and none is there");
}

int main(void)
{
	static const char text[] =
		"{\"version\": 1, \"syscalls\": {\"groups\": [\"untrusted@1\"]}}";
	static const struct host host = {.seccomp = true};
	struct profile_variables variables = {.cwd = "/", .home = "/", .user = "nobody"};
	struct profile_library library = {0};
	struct arena arena = {0};
	struct receipt receipt = {.arena = &arena};
	struct profile profile;
	struct err err = {0};

	if (profile_load_text("test", strdup(text), strlen(text), &variables, &arena, &library,
		    &profile, &err) < 0 ||
		seccomp_compile(&profile, &host, &arena, &receipt, &plan, &err) < 0) {
		check(false, "%s: %s", err.where, err.message);
		return check_done();
	}
	check_none();
	check_without_nnp();
	check_refused();
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		check_attempt(&attempts[i]);
	profile_library_free(&library);
	arena_free(&arena);
	return check_done();
}
