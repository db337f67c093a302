/*
 * The doctor's trials: each makes, in a process that ends at once, just what a launch would make,
 * and leaves nothing behind. See doctor_parts.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/doctor_parts.h"
#include "util/cleanup.h"
#include "util/file.h"

#define TRIAL_MILLISECONDS 10000
#define TIME_NAMESPACE 0x00000080 /* CLONE_NEWTIME, which the C library knows only of late */

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif

/* For `return stop(…)` in a trial: the errno, and where it came up. */
static int stop(char *detail, size_t size, const char *where)
{
	int error = errno;

	(void)snprintf(detail, size, "%s: %s", where, strerror(error));
	return error ? error : EIO;
}

/*
 * Root of a fresh user namespace with only ourselves mapped, and of a mount namespace that nothing
 * gets out of.
 */
static int enter_user_namespace(char *detail, size_t size)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];
	int length;

	if (unshare(CLONE_NEWUSER))
		return stop(detail, size, "unshare(CLONE_NEWUSER)");
	errno = -file_write_kernel(AT_FDCWD, "/proc/self/setgroups", "deny", 4);
	if (errno)
		return stop(detail, size, "/proc/self/setgroups");
	length = snprintf(map, sizeof(map), "0 %u 1\n", uid);
	errno = -file_write_kernel(AT_FDCWD, "/proc/self/uid_map", map, (size_t)length);
	if (errno)
		return stop(detail, size, "/proc/self/uid_map");
	length = snprintf(map, sizeof(map), "0 %u 1\n", gid);
	errno = -file_write_kernel(AT_FDCWD, "/proc/self/gid_map", map, (size_t)length);
	if (errno)
		return stop(detail, size, "/proc/self/gid_map");
	if (unshare(CLONE_NEWNS)) /* AppArmor's restriction lets the namespace be made, and takes
				     its rights */
		return stop(detail, size, "unshare(CLONE_NEWNS) in the new user namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return stop(detail, size, "making mounts private");
	return 0;
}

static int try_user_namespace(char *detail, size_t size)
{
	(void)snprintf(detail, size, "made, mapped, and with rights in it");
	return 0; /* trial_run() has entered it already */
}

static int try_unshare(int flags, const char *name, char *detail, size_t size)
{
	return unshare(flags) ? stop(detail, size, name) : 0;
}

static int try_pid(char *detail, size_t size)
{
	return try_unshare(CLONE_NEWPID, "unshare(CLONE_NEWPID)", detail, size);
}

static int try_ipc(char *detail, size_t size)
{
	return try_unshare(CLONE_NEWIPC, "unshare(CLONE_NEWIPC)", detail, size);
}

static int try_uts(char *detail, size_t size)
{
	return try_unshare(CLONE_NEWUTS, "unshare(CLONE_NEWUTS)", detail, size);
}

static int try_cgroup_namespace(char *detail, size_t size)
{
	return try_unshare(CLONE_NEWCGROUP, "unshare(CLONE_NEWCGROUP)", detail, size);
}

static int try_network(char *detail, size_t size)
{
	return try_unshare(CLONE_NEWNET, "unshare(CLONE_NEWNET)", detail, size);
}

static int try_time(char *detail, size_t size)
{
	return try_unshare(TIME_NAMESPACE, "unshare(CLONE_NEWTIME)", detail, size);
}

/* Where the trials mount in their own mount namespace: a directory that even the barest image has,
 * since the trials before have read it. */
#define PLACE "/proc"

/* A new file system by the new mount calls. */
static int attach_new(
	const char *type, const char *key, const char *value, char *detail, size_t size)
{
	_cleanup_close_ int context = (int)syscall(SYS_fsopen, type, 1U /* FSOPEN_CLOEXEC */);
	_cleanup_close_ int tree = -1;

	if (context < 0)
		return stop(detail, size, "fsopen");
	if (key && syscall(SYS_fsconfig, context,
			   value ? 1U /* FSCONFIG_SET_STRING */ : 0U /* FSCONFIG_SET_FLAG */, key,
			   value, 0))
		return stop(detail, size, "fsconfig");
	if (syscall(SYS_fsconfig, context, 6U /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0))
		return stop(detail, size, "making it (fsconfig)");
	tree = (int)syscall(SYS_fsmount, context, 1U /* FSMOUNT_CLOEXEC */,
		0x0EU /* MOUNT_ATTR_NOSUID, NODEV, NOEXEC */);
	if (tree < 0)
		return stop(detail, size, "fsmount");
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, PLACE, 4U /* MOVE_MOUNT_F_EMPTY_PATH */))
		return stop(detail, size, "move_mount");
	return 0;
}

static int try_mount_api(char *detail, size_t size)
{
	_cleanup_close_ int tree = (int)syscall(
		SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE | O_CLOEXEC);
	struct {
		uint64_t set, clear, propagation, user_namespace;
	} attributes = {.set = 0x07 /* read-only, nosuid, nodev */};

	if (tree < 0)
		return stop(detail, size, "open_tree");
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
		    sizeof(attributes)))
		return stop(detail, size, "mount_setattr, recursive and read-only");
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, PLACE, 4U))
		return stop(detail, size, "move_mount");
	return 0;
}

static int try_tmpfs(char *detail, size_t size)
{
	return attach_new("tmpfs", "size", "65536", detail, size);
}

static int try_devpts(char *detail, size_t size)
{
	return attach_new("devpts", "ptmxmode", "0666", detail, size);
}

/* A fresh procfs belongs to a pid namespace, so it takes a process born in a new one. */
static int try_proc_with(const char *key, const char *value, char *detail, size_t size)
{
	int status = 0;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWIPC))
		return stop(detail, size, "unshare(CLONE_NEWPID)");
	pid = fork();
	if (pid < 0)
		return stop(detail, size, "fork in a new pid namespace");
	if (pid == 0)
		_exit(attach_new("proc", key, value, detail, size));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return stop(detail, size, "waiting");
	errno = WEXITSTATUS(status);
	return errno ? stop(detail, size, "a fresh procfs") : 0;
}

static int try_proc(char *detail, size_t size)
{
	return try_proc_with("subset", "pid", detail, size);
}

static int try_proc_full(char *detail, size_t size)
{
	return try_proc_with(NULL, NULL, detail, size);
}

static int try_sysfs(char *detail, size_t size)
{
	if (unshare(CLONE_NEWNET))
		return stop(detail, size, "unshare(CLONE_NEWNET)");
	return attach_new("sysfs", NULL, NULL, detail, size);
}

static int try_overlay(char *detail, size_t size)
{
	if (mount("tmpfs", PLACE, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m"))
		return stop(detail, size, "a tmpfs to lay over");
	if (mkdir(PLACE "/lower", 0755) || mkdir(PLACE "/upper", 0755) ||
		mkdir(PLACE "/work", 0755) || mkdir(PLACE "/all", 0755))
		return stop(detail, size, "mkdir");
	if (mount("overlay", PLACE "/all", "overlay", 0,
		    "lowerdir=" PLACE "/lower,upperdir=" PLACE "/upper,workdir=" PLACE
		    "/work,userxattr"))
		return stop(detail, size, "mount of overlay");
	return 0;
}

static int try_clone3(char *detail, size_t size)
{
	int pidfd = -1;
	struct clone_args arguments = {
		.flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd, .exit_signal = SIGCHLD};
	struct pollfd wait = {.events = POLLIN};
	siginfo_t info;
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid < 0)
		return stop(detail, size, "clone3(CLONE_PIDFD)");
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	wait.fd = pidfd;
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0))
		return stop(detail, size, "pidfd_send_signal");
	if (poll(&wait, 1, 1000) != 1 || waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED))
		return stop(detail, size, "waiting by pidfd");
	return 0;
}

static int try_openat2(char *detail, size_t size)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	if (fd < 0)
		return stop(detail, size, "openat2(RESOLVE_IN_ROOT)");
	(void)close((int)fd);
	return 0;
}

static int try_close_range(char *detail, size_t size)
{
	return syscall(SYS_close_range, 1000U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */)
		       ? stop(detail, size, "close_range")
		       : 0;
}

/* A filter that allows everything: loading it is what is tried. */
static int try_seccomp(char *detail, size_t size)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = 1, .filter = &allow};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return stop(detail, size, "no_new_privs");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return stop(detail, size, "seccomp(SECCOMP_SET_MODE_FILTER)");
	return 0;
}

static int try_pty(char *detail, size_t size)
{
	_cleanup_close_ int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave = -1;

	if (master < 0)
		return stop(detail, size, "posix_openpt");
	if (unlockpt(master))
		return stop(detail, size, "unlockpt");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return slave < 0 ? stop(detail, size, "ioctl(TIOCGPTPEER)") : 0;
}

const struct trial trials[] = {
	{"user-namespaces", "user namespaces",
		"nothing can be walled in: immure does not start any program", true,
		FIX_USERNS_SYSCTL, try_user_namespace, true},
	{"namespace.pid", "pid namespace", "the program would see and signal the host's processes",
		true, FIX_KERNEL, try_pid, true},
	{"namespace.ipc", "ipc namespace",
		"System V and POSIX queues would be shared with the host", true, FIX_KERNEL,
		try_ipc, true},
	{"namespace.uts", "uts namespace", "the jail could not have a host name of its own", true,
		FIX_KERNEL, try_uts, true},
	{"namespace.cgroup", "cgroup namespace", "the host's cgroup paths would be seen", true,
		FIX_KERNEL, try_cgroup_namespace, true},
	{"namespace.network", "network namespace",
		"profiles without network cannot be kept off the network", true, FIX_KERNEL,
		try_network, true},
	{"namespace.time", "time namespace",
		"profiles that ask for one do not start (none of the shipped ones does)", false,
		FIX_KERNEL, try_time, true},
	{"mount-api", "mount API (open_tree, mount_setattr, move_mount)",
		"no root can be built: Linux 5.12 is the oldest that will do", true, FIX_KERNEL,
		try_mount_api, true},
	{"tmpfs", "own tmpfs", "no root can be built", true, FIX_KERNEL, try_tmpfs, true},
	{"proc", "fresh /proc, processes only",
		"profiles need \"proc\": \"none\", and many programs miss it", true, FIX_PROC,
		try_proc, true},
	{"proc.full", "fresh /proc, all of it", "profiles with \"proc\": \"full\" do not start",
		false, FIX_PROC, try_proc_full, true},
	{"sysfs", "fresh /sys", "profiles with \"sys\" do not start", false, FIX_PROC, try_sysfs,
		true},
	{"devpts", "own devpts", "the jail has no terminals of its own", true, FIX_KERNEL,
		try_devpts, true},
	{"overlayfs", "overlayfs in a user namespace",
		"image layers have to be copied instead of stacked", false, FIX_OVERLAY,
		try_overlay, true},
	{"clone3", "clone3, pidfd", "no process can be watched without races", true,
		FIX_OUTER_FILTER, try_clone3, false},
	{"openat2", "openat2", "paths are walked component by component: slower, as safe", false,
		FIX_OUTER_FILTER, try_openat2, false},
	{"close-range", "close_range", "descriptors cannot be closed for sure", true, FIX_KERNEL,
		try_close_range, false},
	{"seccomp", "system call filter", "the kernel's whole surface is open to the program", true,
		FIX_OUTER_FILTER, try_seccomp, false},
	{"pty", "pseudo-terminals", "no terminal can be given to a program", false, FIX_PTY,
		try_pty, false},
};
const size_t trial_count = sizeof(trials) / sizeof(trials[0]);

__attribute__((noreturn)) static void run_child(const struct trial *trial, int out)
{
	struct trial_result result = {0};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (trial->in_user_namespace)
		result.error = enter_user_namespace(result.detail, sizeof(result.detail));
	if (!result.error)
		result.error = trial->attempt(result.detail, sizeof(result.detail));
	_exit(file_write_all(out, &result, sizeof(result)) < 0);
}

void trial_run(const struct trial *trial, struct trial_result *ret)
{
	_cleanup_close_ int in = -1, out = -1;
	struct pollfd wait = {.events = POLLIN};
	struct trial_result result = {.error = EIO, .detail = "the trial gave no answer"};
	int ends[2];
	pid_t pid;

	*ret = result;
	if (pipe2(ends, O_CLOEXEC))
		return;
	in = ends[0];
	out = ends[1];
	pid = fork();
	if (pid < 0)
		return;
	if (pid == 0)
		run_child(trial, out);
	(void)close(take_fd(&out));
	wait.fd = in;
	if (poll(&wait, 1, TRIAL_MILLISECONDS) == 1 &&
		read(in, &result, sizeof(result)) == (ssize_t)sizeof(result))
		*ret = result;
	ret->detail[sizeof(ret->detail) - 1] = '\0';
	(void)kill(pid, SIGKILL); /* our own child, not yet waited for: the pid is surely its */
	(void)waitpid(pid, NULL, 0);
}

/*
 * newuidmap PID 0 OWN 1 1 START COUNT, in a process whose environment is empty. 0 or a positive
 * errno.
 */
static int run_helper(const char *helper, pid_t target, uint32_t own, const struct id_range *range)
{
	char pid[16], mine[16], start[16], count[16];
	char *const arguments[] = {(char *)helper, pid, "0", mine, "1", "1", start, count, NULL};
	char *const environment[] = {NULL};
	int status = 0, null;
	pid_t child;

	(void)snprintf(pid, sizeof(pid), "%d", (int)target);
	(void)snprintf(mine, sizeof(mine), "%u", own);
	(void)snprintf(start, sizeof(start), "%u", range->start);
	(void)snprintf(count, sizeof(count), "%u", range->count);
	child = fork();
	if (child < 0)
		return errno;
	if (child == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(127);
		(void)execve(helper, arguments, environment);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child)
		return errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EPERM;
}

int trial_subordinate(const struct host *host)
{
	int ends[2], r;
	char byte = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (unshare(CLONE_NEWUSER) || write(ends[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ends[1]);
	r = pid < 0 ? errno : read(ends[0], &byte, 1) == 1 ? 0 : EPERM;
	if (r == 0)
		r = run_helper(host->newuidmap, pid, host->uid, &host->uid_ranges[0]);
	if (r == 0)
		r = run_helper(host->newgidmap, pid, host->gid, &host->gid_ranges[0]);
	(void)close(ends[0]);
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return r;
}
