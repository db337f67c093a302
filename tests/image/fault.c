/*
 * fault: runs one program, or two that share a SOCK_SEQPACKET pair as their descriptor 3, and lets something happen at one of their
 * system calls: SIGKILL before it, or an error in its place. Only calls that change a file system count, and what one program tells the
 * other; with -R also those that read a file system, and with -a all. A program that is killed at any other call leaves what it would
 * leave before the next of these. A call is known by its label, whatever order the threads run in:
 *
 *	ROLE CALL PATH…		0 renameat /s/staging/layer-* /s/layers/single/9f86…
 *
 * with the role of a process (which of the two it descends from) and each random part of a name as "*".
 *
 *	fault [-l LOG] [-a | -R] [-r] [-n NUMBER | -c LABEL [-o OCCURRENCE]] [-k one|all | -e ERRNO] PROGRAM… [+ PROGRAM…]
 *
 * -r leaves random names as they are. LOG takes a label a line; then "met", where the call came that was meant; and last how the
 * programs ended. The exit status is the first program's, but 137 where it was killed, as in a shell.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 4096
#define CHANNEL 3
#define OPTIONS \
	(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

/* What a call's arguments are: d a directory, p a path in the one before it (or in none), f a descriptor of a file, c one that is the
 * channel, - nothing of interest. */
static const struct call {
	long number;
	const char *name, *form;
	int flags; /* which argument has O_CREAT in it, or -1 */
	bool reads;
} calls[] = {
	{SYS_open, "open", "p", 1, false},
	{SYS_creat, "creat", "p", -1, false},
	{SYS_openat, "openat", "dp", 2, false},
	{SYS_openat2, "openat2", "dp", 2, false},
	{SYS_write, "write", "f", -1, false},
	{SYS_pwrite64, "pwrite64", "f", -1, false},
	{SYS_writev, "writev", "f", -1, false},
	{SYS_pwritev, "pwritev", "f", -1, false},
	{SYS_copy_file_range, "copy_file_range", "--f", -1, false},
	{SYS_sendfile, "sendfile", "f", -1, false},
	{SYS_rename, "rename", "pp", -1, false},
	{SYS_renameat, "renameat", "dpdp", -1, false},
	{SYS_renameat2, "renameat2", "dpdp", -1, false},
	{SYS_link, "link", "pp", -1, false},
	{SYS_linkat, "linkat", "dpdp", -1, false},
	{SYS_unlink, "unlink", "p", -1, false},
	{SYS_unlinkat, "unlinkat", "dp", -1, false},
	{SYS_rmdir, "rmdir", "p", -1, false},
	{SYS_mkdir, "mkdir", "p", -1, false},
	{SYS_mkdirat, "mkdirat", "dp", -1, false},
	{SYS_mknod, "mknod", "p", -1, false},
	{SYS_mknodat, "mknodat", "dp", -1, false},
	{SYS_symlink, "symlink", "-p", -1, false},
	{SYS_symlinkat, "symlinkat", "-dp", -1, false},
	{SYS_fsync, "fsync", "f", -1, false},
	{SYS_fdatasync, "fdatasync", "f", -1, false},
	{SYS_syncfs, "syncfs", "f", -1, false},
	{SYS_truncate, "truncate", "p", -1, false},
	{SYS_ftruncate, "ftruncate", "f", -1, false},
	{SYS_fallocate, "fallocate", "f", -1, false},
	{SYS_flock, "flock", "f", -1, false},
	{SYS_chmod, "chmod", "p", -1, false},
	{SYS_fchmod, "fchmod", "f", -1, false},
	{SYS_fchmodat, "fchmodat", "dp", -1, false},
	{SYS_chown, "chown", "p", -1, false},
	{SYS_lchown, "lchown", "p", -1, false},
	{SYS_fchown, "fchown", "f", -1, false},
	{SYS_fchownat, "fchownat", "dp", -1, false},
	{SYS_utimensat, "utimensat", "dp", -1, false},
	{SYS_setxattr, "setxattr", "p", -1, false},
	{SYS_lsetxattr, "lsetxattr", "p", -1, false},
	{SYS_fsetxattr, "fsetxattr", "f", -1, false},
	{SYS_removexattr, "removexattr", "p", -1, false},
	{SYS_lremovexattr, "lremovexattr", "p", -1, false},
	{SYS_fremovexattr, "fremovexattr", "f", -1, false},
	{SYS_sendmsg, "sendmsg", "c", -1, false},
	{SYS_read, "read", "f", -1, true},
	{SYS_pread64, "pread64", "f", -1, true},
	{SYS_getdents64, "getdents64", "f", -1, true},
	{SYS_fstat, "fstat", "f", -1, true},
	{SYS_newfstatat, "newfstatat", "dp", -1, true},
	{SYS_statx, "statx", "dp", -1, true},
	{SYS_faccessat, "faccessat", "dp", -1, true},
	{SYS_faccessat2, "faccessat2", "dp", -1, true},
	{SYS_readlinkat, "readlinkat", "dp", -1, true},
	{SYS_fgetxattr, "fgetxattr", "f", -1, true},
	{SYS_flistxattr, "flistxattr", "f", -1, true},
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static struct {
	FILE *log;
	bool everything, reads, raw, kill_all, met;
	long number;       /* -1: by label */
	const char *label; /* NULL: none */
	long occurrence;
	int error; /* 0: kill */
	bool harmless;
	long counted;
	struct {
		pid_t thread, process;
		int role;
	} known[PROCESSES];
	size_t known_count;
	pid_t mains[2];
	int statuses[2];
} state = {.number = -1, .occurrence = 1, .harmless = true};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- which calls stop ---- */

static void install_filter(void)
{
	struct sock_filter code[CALLS + 4];
	struct sock_fprog program = {.filter = code};
	size_t at = 0;

	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	/* one that is not asked for has a number that no call has */
	for (size_t i = 0; !state.everything && i < CALLS; i++)
		code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			calls[i].reads && !state.reads ? UINT32_MAX : (uint32_t)calls[i].number, (uint8_t)(CALLS - i), 0);
	if (!state.everything)
		code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	program.len = (unsigned short)at;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("seccomp");
}

static pid_t start(char **words, int channel)
{
	int gate[2];
	pid_t pid;
	char byte = 0;

	if (pipe2(gate, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (read(gate[0], &byte, 1) != 1)
			_exit(2);
		if (channel >= 0 && dup2(channel, CHANNEL) < 0)
			_exit(2);
		install_filter();
		execvp(words[0], words);
		perror(words[0]);
		_exit(2);
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS))
		die("PTRACE_SEIZE");
	if (write(gate[1], &byte, 1) != 1)
		die("write");
	(void)close(gate[0]);
	(void)close(gate[1]);
	return pid;
}

/* ---- who is who ---- */

static pid_t process_of(pid_t thread)
{
	char path[64], line[128];
	pid_t process = thread;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", thread);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %d", &process) == 1)
			break;
	if (file)
		(void)fclose(file);
	return process;
}

static size_t find(pid_t thread)
{
	for (size_t i = 0; i < state.known_count; i++)
		if (state.known[i].thread == thread)
			return i;
	if (state.known_count == PROCESSES) {
		fprintf(stderr, "fault: too many processes\n");
		exit(2);
	}
	state.known[state.known_count].thread = thread;
	state.known[state.known_count].process = process_of(thread);
	state.known[state.known_count].role = -1;
	return state.known_count++;
}

static void learn(pid_t thread, int role)
{
	state.known[find(thread)].role = role;
}

/* A thread may stop before its maker tells of it: then its process says whose it is. */
static int role_of(pid_t thread)
{
	size_t at = find(thread);

	for (size_t i = 0; state.known[at].role < 0 && i < state.known_count; i++)
		if (state.known[i].process == state.known[at].process && state.known[i].role >= 0)
			state.known[at].role = state.known[i].role;
	return state.known[at].role;
}

/* ---- what a call is ---- */

static bool read_memory(pid_t thread, uint64_t address, void *buffer, size_t size)
{
	struct iovec here = {buffer, size}, there = {(void *)(uintptr_t)address, size};

	return process_vm_readv(thread, &here, 1, &there, 1, 0) == (ssize_t)size;
}

static void read_text(pid_t thread, uint64_t address, char *buffer, size_t size)
{
	size_t length = 0;

	/* page by page: what follows the last one need not be there */
	while (length + 1 < size) {
		size_t piece = 4096 - (address + length) % 4096;

		if (piece > size - 1 - length)
			piece = size - 1 - length;
		if (!read_memory(thread, address + length, buffer + length, piece))
			break;
		if (memchr(buffer + length, '\0', piece))
			return;
		length += piece;
	}
	buffer[length] = '\0';
}

static void read_link(pid_t thread, long fd, char *buffer, size_t size)
{
	char path[64];
	ssize_t length;

	(void)snprintf(path, sizeof(path), fd == AT_FDCWD ? "/proc/%d/cwd" : "/proc/%d/fd/%ld", thread, fd);
	length = readlink(path, buffer, size - 1);
	buffer[length > 0 ? length : 0] = '\0';
}

static bool is_file(pid_t thread, long fd)
{
	struct stat status;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%ld", thread, fd);
	return stat(path, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

/* Sixteen digits in a row, no more and no fewer, are random. */
static void hide_random(char *text)
{
	static const char digits[] = "0123456789abcdef";
	char *to = text;

	while (*text) {
		size_t run = strspn(text, digits);

		if (run == 16) {
			*to++ = '*';
		} else {
			memmove(to, text, run ? run : 1);
			to += run ? run : 1;
		}
		text += run ? run : 1;
	}
	*to = '\0';
}

static void describe(pid_t thread, const struct call *call, const struct __ptrace_syscall_info *info, char *label, size_t size)
{
	char directory[PATH_MAX], path[PATH_MAX];
	size_t length = (size_t)snprintf(label, size, "%d %s", role_of(thread), call->name);

	directory[0] = '\0';
	for (size_t i = 0; call->form[i] && length < size; i++) {
		uint64_t value = info->seccomp.args[i];
		const char *slash = "";

		path[0] = '\0';
		if (call->form[i] == 'd') {
			read_link(thread, (int)value, directory, sizeof(directory));
			continue;
		}
		if (call->form[i] == '-' || call->form[i] == 'c')
			continue;
		if (call->form[i] == 'f')
			read_link(thread, (int)value, path, sizeof(path));
		else if (value) /* utimensat(fd, NULL …) is about the descriptor itself */
			read_text(thread, value, path, sizeof(path));
		if (path[0] == '/')
			directory[0] = '\0';
		else if (directory[0] && path[0])
			slash = "/";
		length += (size_t)snprintf(label + length, size - length, " %s%s%s", directory, slash, path);
		directory[0] = '\0';
	}
	for (char *at = label; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = '?';
	if (!state.raw)
		hide_random(label);
}

/* mkdir(2) of a directory that is there: every program begins with a dozen of them, and they change nothing. */
static bool is_made_already(pid_t thread, const struct call *call, const struct __ptrace_syscall_info *info)
{
	char directory[PATH_MAX], name[PATH_MAX], path[2 * PATH_MAX + 1];
	bool at = call->number == SYS_mkdirat;

	if (!at && call->number != SYS_mkdir)
		return false;
	read_link(thread, at ? (int)info->seccomp.args[0] : AT_FDCWD, directory, sizeof(directory));
	read_text(thread, info->seccomp.args[at], name, sizeof(name));
	(void)snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : directory, name[0] == '/' ? "" : "/", name);
	return access(path, F_OK) == 0;
}

/* Whether the call can change something. */
static bool counts(pid_t thread, const struct call *call, const struct __ptrace_syscall_info *info)
{
	uint64_t flags;

	if (call->reads && !state.reads)
		return false;
	if (call->flags >= 0 && state.reads)
		return true;
	if (call->number == SYS_openat2)
		return read_memory(thread, info->seccomp.args[2], &flags, sizeof(flags)) && (flags & O_CREAT);
	if (call->flags >= 0)
		return info->seccomp.args[call->flags] & O_CREAT;
	if (is_made_already(thread, call, info))
		return false;
	if (call->form[0] == 'c')
		return info->seccomp.args[0] == CHANNEL;
	for (size_t i = 0; call->form[i]; i++)
		if (call->form[i] == 'f')
			return is_file(thread, (int)info->seccomp.args[i]);
	return true;
}

/* ---- what happens ---- */

static void kill_role(int role)
{
	for (size_t i = 0; i < state.known_count; i++)
		if (state.known[i].thread == state.known[i].process && state.known[i].role == role)
			(void)kill(state.known[i].process, SIGKILL);
}

static void strike(pid_t thread)
{
	struct user_regs_struct registers;

	if (state.harmless)
		return;
	if (!state.error) {
		kill_role(role_of(thread));
		if (state.kill_all)
			kill_role(!role_of(thread));
		return;
	}
	if (ptrace(PTRACE_GETREGS, thread, 0, &registers))
		return;
	registers.orig_rax = (unsigned long long)-1;
	registers.rax = (unsigned long long)-state.error;
	(void)ptrace(PTRACE_SETREGS, thread, 0, &registers);
}

static void look(pid_t thread)
{
	struct __ptrace_syscall_info info;
	const struct call *call = NULL;
	char label[4 * PATH_MAX];
	struct call other = {.form = "", .flags = -1};
	char name[32];

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_SECCOMP)
		return;
	for (size_t i = 0; i < CALLS && !call; i++)
		if (calls[i].number == (long)info.seccomp.nr)
			call = &calls[i];
	if (state.everything && !call) {
		(void)snprintf(name, sizeof(name), "call-%ld", (long)info.seccomp.nr);
		other.number = (long)info.seccomp.nr;
		other.name = name;
		call = &other;
	}
	if (!call || (!state.everything && !counts(thread, call, &info)))
		return;
	describe(thread, call, &info, label, sizeof(label));
	if (state.log)
		fprintf(state.log, "%s\n", label);
	state.counted++;
	if (state.met)
		return;
	if (state.number >= 0 ? state.counted == state.number
			      : state.label && strcmp(state.label, label) == 0 && --state.occurrence == 0) {
		state.met = true;
		strike(thread);
	}
}

/* ---- following ---- */

static void follow_event(pid_t thread, int event)
{
	unsigned long message = 0;

	if (event == PTRACE_EVENT_SECCOMP) {
		look(thread);
		return;
	}
	if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK)
		if (ptrace(PTRACE_GETEVENTMSG, thread, 0, &message) == 0)
			learn((pid_t)message, role_of(thread));
}

static void follow(void)
{
	for (;;) {
		int status, event;
		pid_t thread = waitpid(-1, &status, __WALL);

		if (thread < 0 && errno == EINTR)
			continue;
		if (thread < 0)
			return;
		if (!WIFSTOPPED(status)) {
			for (size_t i = 0; i < 2; i++)
				if (state.mains[i] == thread)
					state.statuses[i] = status;
			continue;
		}
		event = status >> 16;
		if (event) {
			follow_event(thread, event);
			(void)ptrace(PTRACE_CONT, thread, 0, 0);
		} else {
			(void)ptrace(PTRACE_CONT, thread, 0, WSTOPSIG(status));
		}
	}
}

static int parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+l:aRrn:c:o:k:e:")) >= 0) {
		if (option == 'l') {
			state.log = fopen(optarg, "we");
			if (!state.log)
				die(optarg);
		} else if (option == 'a')
			state.everything = true;
		else if (option == 'R')
			state.reads = true;
		else if (option == 'r')
			state.raw = true;
		else if (option == 'n')
			state.number = strtol(optarg, NULL, 10);
		else if (option == 'c')
			state.label = optarg;
		else if (option == 'o')
			state.occurrence = strtol(optarg, NULL, 10);
		else if (option == 'k')
			state.kill_all = strcmp(optarg, "all") == 0, state.harmless = false;
		else if (option == 'e')
			state.error = (int)strtol(optarg, NULL, 10), state.harmless = false;
		else
			exit(2);
	}
	if (optind >= argc) {
		fprintf(stderr, "fault: no program\n");
		exit(2);
	}
	return optind;
}

int main(int argc, char **argv)
{
	int first = parse(argc, argv), second = 0, pair[2] = {-1, -1};

	for (int i = first; i < argc; i++)
		if (strcmp(argv[i], "+") == 0) {
			argv[i] = NULL;
			second = i + 1;
			break;
		}
	if (second && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	/* the first of the two numbers could be the channel's own: then dup2() would leave it close-on-exec */
	for (int i = 0; second && i < 2; i++) {
		int high = fcntl(pair[i], F_DUPFD_CLOEXEC, 100);

		(void)close(pair[i]);
		pair[i] = high;
	}
	state.mains[0] = start(argv + first, pair[0]);
	learn(state.mains[0], 0);
	if (second) {
		state.mains[1] = start(argv + second, pair[1]);
		learn(state.mains[1], 1);
		(void)close(pair[0]);
		(void)close(pair[1]);
	}
	follow();
	if (state.log) {
		fprintf(state.log, "%s", state.met ? "met\n" : "");
		fprintf(state.log, "ended %d %d\n", state.statuses[0], state.statuses[1]);
		if (fclose(state.log))
			die("log");
	}
	if (WIFSIGNALED(state.statuses[0]))
		return 128 + WTERMSIG(state.statuses[0]);
	return WEXITSTATUS(state.statuses[0]);
}
