/*
 * The floor: how fast a launch could be at all. Makes the system calls that `immure jail ./true`
 * makes under the default profile from clone3 on, in its child and in its parent, one for one and
 * in the same order, out of constant tables: nothing is parsed, looked up, planned or explained.
 * What the launcher does before that to know what to do is what it may cost more. tests/bench/run
 * compares the two traces and says where they differ.
 *
 *	floor PROGRAM-FILTER INIT-FILTER PROGRAM
 *
 * Filters are as build/bench/filter writes them; PROGRAM is /tmp/DIRECTORY/NAME.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/kernel_calls.h"

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))
#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define SHUT (SAFE | MOUNT_ATTR_NOEXEC)
#define STACK ((size_t)64 * 1024)

/* ---- what the jail is made of: profiles/untrusted.json, as its plan has it ---- */

enum kind { DIRECTORY, LINK, TEXT, TMPFS, BIND, BIND_FILE, PROGRAM };

static const struct entry {
	enum kind kind;
	const char *target, *source; /* target: relative to the new root; source: link and file:
					their text; tmpfs: its mode */
} furniture[] = {
	{LINK, "bin", "usr/bin"},
	{DIRECTORY, "etc", NULL},
	{BIND, "etc/alternatives", "/etc/alternatives"},
	{TEXT, "etc/group", "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"},
	{TEXT, "etc/hostname", "jail\n"},
	{TEXT, "etc/hosts", "127.0.0.1 localhost jail\n::1 localhost jail\n"},
	{BIND_FILE, "etc/ld.so.cache", "/etc/ld.so.cache"},
	{LINK, "etc/localtime", "/usr/share/zoneinfo/Etc/UTC"},
	{TEXT, "etc/machine-id", "6a61696c6a61696c6a61696c6a61696c\n"},
	{TEXT, "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"},
	{TEXT, "etc/passwd",
		"root:x:0:0:root:/root:/usr/sbin/nologin\nuser:x:1000:1000:user:/home/user:/bin/"
		"sh\n"
		"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
	{BIND, "etc/ssl", "/etc/ssl"},
	{DIRECTORY, "home", NULL},
	{TMPFS, "home/user", "0700"},
	{LINK, "lib", "usr/lib"},
	{LINK, "lib32", "usr/lib32"},
	{LINK, "lib64", "usr/lib64"},
	{DIRECTORY, "run", NULL},
	{LINK, "sbin", "usr/sbin"},
	{TMPFS, "tmp", "1777"},
	{PROGRAM, NULL, NULL},
	{BIND, "usr", "/usr"},
	{DIRECTORY, "var", NULL},
	{LINK, "var/run", "../run"},
	{LINK, "var/tmp", "../tmp"},
};

static const char *const nodes[] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};

static const struct entry device_links[] = {
	{LINK, "dev/ptmx", "pts/ptmx"},
	{LINK, "dev/fd", "/proc/self/fd"},
	{LINK, "dev/stdin", "/proc/self/fd/0"},
	{LINK, "dev/stdout", "/proc/self/fd/1"},
	{LINK, "dev/stderr", "/proc/self/fd/2"},
};

static const struct {
	int resource;
	rlim_t value;
} limits[] = {
	{RLIMIT_NOFILE, 1024},
	{RLIMIT_FSIZE, 1 << 30},
	{RLIMIT_CORE, 1},
	{RLIMIT_MEMLOCK, 64 << 10},
	{RLIMIT_SIGPENDING, 256},
	{RLIMIT_MSGQUEUE, 0},
	{RLIMIT_NPROC, 256},
	{RLIMIT_DATA, 1 << 30},
};

/* Landlock's bits: execute 1, write 2, read 4, list 8, the makings and removals between,
 * truncate 0x4000, device ioctls 0x8000 */
static const struct {
	const char *path; /* NULL: the program */
	uint64_t access;
} grants[] = {
	{"/", 0x8},
	{"/usr", 0xd},
	{"/etc/ld.so.cache", 0xd},
	{"/etc/alternatives", 0xd},
	{"/etc/ssl", 0xd},
	{"/etc", 0x4},
	{"/tmp", 0x77be},
	{NULL, 0xd},
	{"/home/user", 0x77be},
	{"/proc", 0x400e},
	{"/dev", 0xc00e},
	{"/dev/shm", 0x77be},
};

static char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/home/user",
	"USER=user", "LOGNAME=user", "LANG=C.UTF-8", NULL};

/* ---- what differs from run to run, ready before the clone ---- */

struct job {
	char uid_map[32], gid_map[32];
	char directory[256], place[256]; /* of the program, relative to the new root */
	char *const *arguments;
	struct sock_fprog program, init;
};

static void must(bool done, const char *what)
{
	if (done)
		return;
	(void)dprintf(STDERR_FILENO, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

/* For a wall time that is not over yet. */
static void ask_time(void)
{
	struct timespec now;

	must(syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now) == 0, "clock_gettime");
}

static void read_filter(const char *path, struct sock_filter *room, struct sock_fprog *ret)
{
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, room, BPF_MAXINSNS * sizeof(*room));

	must(length > 0, path);
	(void)close(fd);
	*ret = (struct sock_fprog){
		.len = (unsigned short)((size_t)length / sizeof(*room)), .filter = room};
}

/* ---- the network namespace ---- */

struct maker {
	pid_t process;
	int network;
};

static int make_network(void *argument)
{
	struct maker *maker = argument;
	int handle;

	must(unshare(CLONE_NEWNET) == 0, "unshare");
	handle = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	maker->network = ioctl(handle, SIOCGSKNS);
	(void)close(handle);
	return 0;
}

static void begin_network(struct maker *maker, char *stack)
{
	maker->process = clone(make_network, stack + STACK, CLONE_VM | CLONE_FILES, maker);
	must(maker->process > 0, "clone");
}

static void enter_network(const struct maker *maker)
{
	int status;

	must(syscall(SYS_wait4, maker->process, &status, __WALL, NULL) == maker->process &&
			status == 0 && setns(maker->network, CLONE_NEWNET) == 0,
		"network namespace");
	(void)close(maker->network);
}

/* ---- the new root ---- */

static void write_kernel(const char *path, const char *text)
{
	int fd = openat(AT_FDCWD, path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	(void)close(fd);
}

static int new_mount(const char *type, const char *const *options, unsigned attributes)
{
	int context = fsopen(type, FSOPEN_CLOEXEC), tree;

	must(context >= 0, type);
	for (; *options; options += 2)
		must(fsconfig(context, FSCONFIG_SET_STRING, options[0], options[1], 0) == 0,
			options[0]);
	must(fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0, type);
	tree = fsmount(context, FSMOUNT_CLOEXEC, attributes);
	must(tree >= 0, type);
	(void)close(context);
	return tree;
}

static void attach(int tree, int root, const char *target)
{
	must(move_mount(tree, "", root, target, MOVE_MOUNT_F_EMPTY_PATH) == 0, target);
	(void)close(tree);
}

static void attach_tmpfs(int root, const char *target, const char *mode)
{
	const char *const options[] = {
		"mode", mode, "size", "268435456", "nr_inodes", "65536", NULL};

	must(mkdirat(root, target, 0755) == 0, target);
	attach(new_mount("tmpfs", options, SHUT), root, target);
}

/* Whether the host has it: a bind that it lacks is left out, as the profile's best-effort ones are.
 */
static void bind_here(int root, const char *source, const char *target, bool directory,
	unsigned deep, uint64_t attributes)
{
	struct mount_attr change = {.attr_set = attributes, .propagation = MS_PRIVATE};
	struct stat status;
	unsigned how = AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | deep;
	int tree = kernel_open_tree_attr(AT_FDCWD, source, how, &change, sizeof(change));

	if (tree < 0 && errno == ENOENT)
		return;
	if (tree < 0) { /* before Linux 6.15 */
		tree = open_tree(AT_FDCWD, source, how);
		must(mount_setattr(tree, "", AT_EMPTY_PATH | deep, &change, sizeof(change)) == 0,
			source);
	}
	must(tree >= 0 && fstat(tree, &status) == 0, source);
	must((directory ? mkdirat(root, target, 0755) : mknodat(root, target, S_IFREG | 0444, 0)) ==
			0,
		target);
	attach(tree, root, target);
}

static void put_text(int root, const struct entry *entry)
{
	int fd = openat(
		root, entry->target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);

	must(fd >= 0 && write(fd, entry->source, strlen(entry->source)) > 0, entry->target);
	(void)close(fd);
}

static void put(int root, const struct entry *entry, const struct job *job)
{
	if (entry->kind == DIRECTORY)
		must(mkdirat(root, entry->target, 0755) == 0, entry->target);
	else if (entry->kind == LINK)
		must(symlinkat(entry->source, root, entry->target) == 0, entry->target);
	else if (entry->kind == TEXT)
		put_text(root, entry);
	else if (entry->kind == TMPFS)
		attach_tmpfs(root, entry->target, entry->source);
	else if (entry->kind == PROGRAM)
		must(mkdirat(root, job->directory, 0755) == 0, job->directory);
	if (entry->kind == PROGRAM)
		bind_here(root, job->arguments[0], job->place, false, AT_RECURSIVE,
			SAFE | MOUNT_ATTR_RDONLY);
	if (entry->kind == BIND || entry->kind == BIND_FILE)
		bind_here(root, entry->source, entry->target, entry->kind == BIND, AT_RECURSIVE,
			SAFE | MOUNT_ATTR_RDONLY);
}

static void furnish(int root, const struct job *job)
{
	static const char *const pts[] = {"mode", "0620", "ptmxmode", "0666", "max", "64", NULL};
	static const char *const proc[] = {"subset", "pid", "hidepid", "ptraceable", NULL};
	int tree, place;

	for (size_t i = 0; i < LENGTH(furniture); i++)
		put(root, &furniture[i], job);
	must(mkdirat(root, "dev", 0755) == 0, "dev");
	for (size_t i = 0; i < LENGTH(nodes); i++)
		bind_here(root, nodes[i], nodes[i] + 1, false, 0,
			MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	must(mkdirat(root, "dev/pts", 0755) == 0, "dev/pts");
	attach(new_mount("devpts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC), root, "dev/pts");
	attach_tmpfs(root, "dev/shm", "1777");
	for (size_t i = 0; i < LENGTH(device_links); i++)
		put(root, &device_links[i], job);
	tree = new_mount("proc", proc, SHUT);
	must(mkdirat(root, "proc", 0555) == 0, "proc");
	place = openat(root, "proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	must(move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) ==
			0,
		"proc");
	(void)close(place);
	(void)close(tree);
}

static void enter_root(const struct job *job)
{
	static const char *const options[] = {
		"mode", "0755", "size", "16m", "nr_inodes", "4264", NULL};
	struct mount_attr private = {.propagation = MS_PRIVATE},
			  shut = {.attr_set = SAFE | MOUNT_ATTR_RDONLY};
	struct statx status;
	int root;

	must(mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)) == 0, "private");
	root = new_mount("tmpfs", options, SAFE);
	must(move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0, "root");
	furnish(root, job);
	must(mount_setattr(root, "", AT_EMPTY_PATH, &shut, sizeof(shut)) == 0, "read-only root");
	must(fchdir(root) == 0 && syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
	must(umount2(".", MNT_DETACH) == 0 && chdir("/") == 0, "old root");
	must(statx(root, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) == 0 &&
			statx(AT_FDCWD, "/..", 0, STATX_MNT_ID, &status) == 0,
		"what is below the root");
	(void)close(root);
}

/* ---- privileges ---- */

static void set_limits(void)
{
	for (size_t i = 0; i < LENGTH(limits); i++) {
		struct rlimit limit = {limits[i].value, limits[i].value};

		must(syscall(SYS_prlimit64, 0, limits[i].resource, &limit, NULL) == 0, "prlimit");
	}
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	for (int i = 0; i <= CAP_LAST_CAP; i++)
		must(prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0, "bounding set");
	must(prctl(PR_SET_SECUREBITS,
		     SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
			     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
		     0, 0, 0) == 0,
		"securebits");
	must(syscall(SYS_capset, &header, none) == 0, "capset");
	must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0, "ambient set");
}

static void restrict_files(const struct job *job)
{
	static const uint64_t ruleset_attributes[] = {
		0xffff, 0x3, 0x3}; /* all rights on files; TCP; abstract sockets and signals */
	int ruleset = (int)syscall(
		SYS_landlock_create_ruleset, ruleset_attributes, sizeof(ruleset_attributes), 0);

	must(ruleset >= 0, "landlock: this floor wants Landlock's ABI 6");
	for (size_t i = 0; i < LENGTH(grants); i++) {
		struct {
			uint64_t access;
			int32_t parent;
		} __attribute__((packed)) rule = {.access = grants[i].access};
		struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
		const char *path = grants[i].path ? grants[i].path : job->arguments[0];

		rule.parent = (int)syscall(
			SYS_openat2, AT_FDCWD, path[1] ? path + 1 : ".", &how, sizeof(how));
		if (rule.parent < 0 && errno == ENOENT)
			continue;
		must(rule.parent >= 0, "grant");
		if (syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0)) {
			rule.access &= 0x5; /* a file cannot be listed */
			must(errno == EINVAL &&
					syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0) == 0,
				"landlock_add_rule");
		}
		(void)close(rule.parent);
	}
	must(syscall(SYS_landlock_restrict_self, ruleset, 0) == 0, "landlock_restrict_self");
	(void)close(ruleset);
}

static void settle(void)
{
	extern const char __executable_start[];
	const ElfW(Ehdr) *header = (const void *)__executable_start;
	const ElfW(Phdr) *segments = (const void *)(__executable_start + header->e_phoff);

	for (size_t i = 0; i < header->e_phnum; i++) {
		uintptr_t start = (uintptr_t)__executable_start + segments[i].p_vaddr;

		if (segments[i].p_type == PT_LOAD && !(segments[i].p_flags & PF_W))
			(void)madvise((void *)(start & ~(uintptr_t)4095),
				(start & 4095) + segments[i].p_filesz, MADV_DONTNEED);
	}
}

/* ---- the child: PID 1, and the program ---- */

static int become_program(void *argument)
{
	const struct job *job = argument;
	static const uint64_t standard[4]; /* SIG_DFL */
	char path[4096];
	sigset_t none;

	for (int number = 1; number <= 64; number++)
		if (number != SIGKILL && number != SIGSTOP)
			must(syscall(SYS_rt_sigaction, number, standard, NULL, sizeof(uint64_t)) ==
					0,
				"signal");
	(void)sigemptyset(&none);
	must(sigprocmask(SIG_SETMASK, &none, NULL) == 0, "sigprocmask");
	(void)umask(022);
	must(personality(PER_LINUX) >= 0, "personality");
	must(setsid() >= 0 && syscall(SYS_setpriority, PRIO_PROCESS, 0, 5) == 0 &&
			chdir("/home/user") == 0 && syscall(SYS_getcwd, path, sizeof(path)) > 0,
		"session");
	must(syscall(SYS_close_range, 3, ~0u, 0) == 0, "close_range");
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &job->program) == 0, "filter");
	(void)execve(job->arguments[0], job->arguments, environment);
	_exit(126); /* under the filter and without a descriptor there is no more to say */
}

_Noreturn static void reap(const struct job *job, int control, pid_t program)
{
	uint64_t every = UINT64_MAX;
	const struct timespec settled = {.tv_nsec = 100000000};
	int32_t message[3] = {0};
	siginfo_t info;

	ask_time();
	must(syscall(SYS_close_range, 0, control - 1, 0) == 0 &&
			syscall(SYS_close_range, control + 1, ~0u, 0) == 0,
		"close_range");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &job->init))
		_exit(125);
	ask_time();
	while (syscall(SYS_rt_sigtimedwait, &every, &info, &settled, sizeof(every)) != SIGCHLD ||
		syscall(SYS_wait4, -1, &message[2], WNOHANG, NULL) != program)
		;
	/* nobody is left: each wait fails */
	(void)syscall(SYS_wait4, -1, NULL, WNOHANG, NULL);
	while (syscall(SYS_wait4, -1, NULL, 0, NULL) > 0)
		;
	_exit(write(control, message, sizeof(message)) != sizeof(message));
}

_Noreturn static void be_init(struct job *job, int control, char *stack)
{
	struct pollfd launcher = {.fd = control, .events = POLLRDHUP};
	struct maker maker;
	pid_t program;

	write_kernel("/proc/self/oom_score_adj", "500");
	begin_network(&maker, stack);
	write_kernel("/proc/self/setgroups", "deny");
	write_kernel("/proc/self/uid_map", job->uid_map);
	write_kernel("/proc/self/gid_map", job->gid_map);
	must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "dumpable");
	write_kernel("/proc/sys/user/max_user_namespaces", "0");
	enter_root(job);
	must(sethostname("jail", 4) == 0, "sethostname");
	set_limits();
	must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0, "keyctl");
	enter_network(&maker);
	must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0,
		"prctl");
	must(poll(&launcher, 1, 0) == 0, "launcher");
	drop_capabilities();
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
	restrict_files(job);
	program = clone(become_program, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, job);
	must(program > 0, "clone");
	reap(job, control, program);
}

/* ---- the parent ---- */

static int supervise(int control, pid_t child)
{
	static const int taken[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM,
		SIGCHLD, SIGCONT, SIGTSTP, SIGWINCH};
	int32_t message[3];
	struct iovec data = {message, sizeof(message)};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
	struct pollfd polls[2] = {{.fd = control, .events = POLLIN}, {.events = POLLIN}};
	struct rusage usage;
	sigset_t set;
	int status;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < LENGTH(taken); i++)
		(void)sigaddset(&set, taken[i]);
	polls[1].fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	ask_time();
	must(polls[1].fd >= 0 && poll(polls, 2, 3600 * 1000) > 0, "poll");
	ask_time();
	must(recvmsg(control, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) == sizeof(message),
		"the child said nothing");
	(void)close(polls[1].fd);
	settle();
	must(wait4(child, &status, 0, &usage) == child, "wait4");
	ask_time();
	status = message[2];
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int launch(struct job *job)
{
	int pair[2], pidfd = -1, status;
	sigset_t every;
	struct clone_args arguments = {
		.flags = (uint64_t)(CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
				    CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID),
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD};
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t child;

	must(stack != MAP_FAILED &&
			socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0,
		"socketpair");
	(void)sigfillset(&every);
	must(sigprocmask(SIG_SETMASK, &every, NULL) == 0, "sigprocmask");
	child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
	must(child >= 0, "clone3");
	if (child == 0) {
		(void)close(pair[0]);
		be_init(job, pair[1], stack);
	}
	(void)close(pair[1]);
	status = supervise(pair[0], child);
	(void)close(pidfd);
	(void)close(pair[0]);
	return status;
}

int main(int count, char **arguments)
{
	static struct sock_filter rooms[2][BPF_MAXINSNS];
	static struct job job;
	const char *slash = count == 4 ? strrchr(arguments[3], '/') : NULL;

	if (!slash || strncmp(arguments[3], "/tmp/", 5) != 0 ||
		strlen(arguments[3]) >= sizeof(job.place)) {
		(void)dprintf(STDERR_FILENO,
			"usage: floor PROGRAM-FILTER INIT-FILTER /tmp/DIRECTORY/PROGRAM\n");
		return 2;
	}
	read_filter(arguments[1], rooms[0], &job.program);
	read_filter(arguments[2], rooms[1], &job.init);
	job.arguments = arguments + 3;
	(void)snprintf(job.directory, sizeof(job.directory), "%.*s",
		(int)(slash - arguments[3] - 1), arguments[3] + 1);
	(void)snprintf(job.place, sizeof(job.place), "%s", arguments[3] + 1);
	(void)snprintf(job.uid_map, sizeof(job.uid_map), "1000 %u 1\n", getuid());
	(void)snprintf(job.gid_map, sizeof(job.gid_map), "1000 %u 1\n", getgid());
	(void)umask(0);
	return launch(&job);
}
