/*
 * probe - single attempts and single loads, for the tests in the machines, where no compiler and no interpreter is at hand.
 *
 *   probe read FILE | write FILE | ptrace PID | signal PID | connect PORT | listen PORT | socket | jit | hold SECONDS
 *                           0 when the kernel let it happen; else 1, with the error on standard error
 *   probe label exec|fscreate|keycreate|sockcreate|current CONTEXT
 *   probe terminal SECONDS  opens a terminal of its own, prints its path and its label, stays that long
 *   probe as CONTEXT PROGRAM ...  runs it under that label and no_new_privs, as in every real jail
 *   probe level PROGRAM ...  gives standard output, a pipe, the level s0, as a launcher may for its jail; then runs PROGRAM
 *   probe memory MIB        touches that much, then prints "touched"
 *   probe spin MS           uses the CPU for MS of wall time, prints how many of them it got, in thousandths
 *   probe forks N           starts up to N sleeping children, prints how many there were
 *   probe birth CGROUP      has a child born into that cgroup, prints "lives" or "killed"
 *   probe stream MS FILE    writes into it for MS of wall time, past the page cache, prints how many KiB a second
 *   probe landlock          prints the ABI of Landlock
 *   probe clock             prints how many thousand ticks of the processor's clock make a second; for the host, too
 *   probe mounts            prints "new" where statmount(2) is there, else "old"
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int verdict(long result, const char *what)
{
	if (result >= 0)
		return 0;
	perror(what);
	return 1;
}

static int try_open(const char *path, int flags)
{
	char byte;
	int fd = open(path, flags | O_CLOEXEC);

	if (fd >= 0 && flags == O_RDONLY && read(fd, &byte, 1) < 0)
		return verdict(-1, path);
	return verdict(fd, path);
}

static int try_ptrace(const char *pid)
{
	long result = ptrace(PTRACE_SEIZE, atoi(pid), 0, 0);

	return verdict(result, "ptrace");
}

static int try_socket(const char *port, int listening)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !port)
		return verdict(fd, "socket");
	address.sin_port = htons((uint16_t)atoi(port));
	if (listening)
		return verdict(bind(fd, (struct sockaddr *)&address, sizeof(address)) ? -1 : listen(fd, 1), "listen");
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)) || errno == ECONNREFUSED)
		return 0; /* nobody listens there, but the kernel would have let us */
	return verdict(-1, "connect");
}

static int try_jit(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return verdict(page == MAP_FAILED ? -1 : 0, "mmap");
}

static int set_label(const char *attribute, const char *context)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/thread-self/attr/%s", attribute);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return verdict(fd < 0 || write(fd, context, strlen(context)) < 0 ? -1 : 0, path);
}

static int as(char **argv)
{
	if (!argv[1] || set_label("exec", argv[0]))
		return 1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return verdict(-1, "no_new_privs");
	execvp(argv[1], argv + 1);
	return verdict(-1, argv[1]);
}

static int terminal(const char *seconds)
{
	char path[64], label[256] = "";
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	if (master < 0 || unlockpt(master) || ptsname_r(master, path, sizeof(path)))
		return verdict(-1, "/dev/ptmx");
	slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || fgetxattr(slave, "security.selinux", label, sizeof(label) - 1) < 0)
		return verdict(-1, path);
	printf("%s %s\n", path, label);
	fflush(stdout);
	return (int)sleep((unsigned)atoi(seconds));
}

static int level(char **argv)
{
	char label[256];
	ssize_t length = fgetxattr(1, "security.selinux", label, sizeof(label) - 1);
	char *end = label;

	if (length < 0)
		return verdict(-1, "fgetxattr");
	label[length] = '\0';
	for (int colons = 0; *end && colons < 3; end++)
		colons += *end == ':';
	strcpy(end, "s0");
	if (fsetxattr(1, "security.selinux", label, strlen(label) + 1, 0))
		return verdict(-1, "fsetxattr");
	execvp(argv[0], argv);
	return verdict(-1, argv[0]);
}

static int use_memory(size_t mib)
{
	char *memory = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return verdict(-1, "mmap");
	for (size_t at = 0; at < mib << 20; at += 4096)
		memory[at] = 1;
	puts("touched");
	return 0;
}

static long milliseconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int spin(long wall)
{
	long start = milliseconds(CLOCK_MONOTONIC), used = milliseconds(CLOCK_PROCESS_CPUTIME_ID), elapsed;

	do
		elapsed = milliseconds(CLOCK_MONOTONIC) - start;
	while (elapsed < wall);
	printf("%ld\n", (milliseconds(CLOCK_PROCESS_CPUTIME_ID) - used) * 1000 / elapsed);
	return 0;
}

static int stream(long wall, const char *path)
{
	enum { BLOCK = 64 << 10, BLOCKS = 64 };
	long start = milliseconds(CLOCK_MONOTONIC), elapsed, written = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	void *block = aligned_alloc(4096, BLOCK);

	if (fd < 0 || !block)
		return verdict(-1, path);
	memset(block, 1, BLOCK);
	do {
		if (pwrite(fd, block, BLOCK, written % BLOCKS * BLOCK) != BLOCK)
			return verdict(-1, path);
		written++;
		elapsed = milliseconds(CLOCK_MONOTONIC) - start;
	} while (elapsed < wall);
	printf("%ld\n", written * (BLOCK >> 10) * 1000 / elapsed);
	return 0;
}

static int count_forks(int wanted)
{
	int made = 0;
	pid_t child;

	setpgid(0, 0); /* so that the signal below reaches nobody else */
	for (; made < wanted; made++) {
		child = fork();
		if (child < 0)
			break;
		if (!child) {
			pause();
			_exit(0);
		}
	}
	printf("%d\n", made);
	fflush(stdout);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		continue;
	return 0;
}

static int birth(const char *cgroup)
{
	struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	int directory = open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC), status;
	long child;

	if (directory < 0)
		return verdict(-1, cgroup);
	arguments.cgroup = (unsigned)directory;
	child = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (child == 0)
		_exit(0);
	if (child < 0 || waitpid((pid_t)child, &status, 0) < 0)
		return verdict(-1, "clone3");
	puts(WIFSIGNALED(status) ? "killed" : "lives");
	return 0;
}

static int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	printf("%ld\n", abi < 0 ? 0 : abi);
	return 0;
}

#if defined(__x86_64__)
static long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The ticks at a time; looked at again where somebody came between. */
static long ticks_at(long *ret_time)
{
	long before, ticks;

	do {
		before = nanoseconds();
		ticks = (long)__builtin_ia32_rdtsc();
		*ret_time = nanoseconds();
	} while (*ret_time - before > 5000);
	return ticks;
}

static int clock_rate(void)
{
	long start, end, ticks = ticks_at(&start);

	usleep(200000);
	ticks = ticks_at(&end) - ticks;
	printf("%ld\n", ticks * 1000000 / (end - start));
	return 0;
}
#endif

/* statmount(2), number 457, came with 6.8. */
static int mount_calls(void)
{
	puts(syscall(457, NULL, NULL, 0, 0) < 0 && errno == ENOSYS ? "old" : "new");
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : NULL;

	if (!strcmp(verb, "socket"))
		return try_socket(NULL, 0);
	if (!strcmp(verb, "jit"))
		return try_jit();
	if (!strcmp(verb, "landlock"))
		return landlock_abi();
#if defined(__x86_64__)
	if (!strcmp(verb, "clock"))
		return clock_rate();
#endif
	if (!strcmp(verb, "mounts"))
		return mount_calls();
	if (!argument) {
		fprintf(stderr, "probe: see the head of probe.c\n");
		return 2;
	}
	if (!strcmp(verb, "read"))
		return try_open(argument, O_RDONLY);
	if (!strcmp(verb, "write"))
		return try_open(argument, O_WRONLY);
	if (!strcmp(verb, "ptrace"))
		return try_ptrace(argument);
	if (!strcmp(verb, "signal"))
		return verdict(kill(atoi(argument), SIGCONT), "kill");
	if (!strcmp(verb, "connect") || !strcmp(verb, "listen"))
		return try_socket(argument, verb[0] == 'l');
	if (!strcmp(verb, "hold"))
		return (int)sleep((unsigned)atoi(argument));
	if (!strcmp(verb, "as"))
		return as(argv + 2);
	if (!strcmp(verb, "terminal"))
		return terminal(argument);
	if (!strcmp(verb, "level"))
		return level(argv + 2);
	if (!strcmp(verb, "label") && argc == 4)
		return set_label(argument, argv[3]);
	if (!strcmp(verb, "memory"))
		return use_memory((size_t)atoi(argument));
	if (!strcmp(verb, "spin"))
		return spin(atol(argument));
	if (!strcmp(verb, "stream") && argc == 4)
		return stream(atol(argument), argv[3]);
	if (!strcmp(verb, "birth"))
		return birth(argument);
	if (!strcmp(verb, "forks"))
		return count_forks(atoi(argument));
	fprintf(stderr, "probe: no such verb: %s\n", verb);
	return 2;
}
