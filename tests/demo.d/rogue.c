/*
 * A program that nobody should trust, for the demonstration. Whatever it gets at was made for it: its targets are canaries in the
 * demonstration's own folder and a listener of its own (victim.c); the number of processes and the size of files are bounded.
 *
 *	rogue attack HOME PORT ABSTRACT-NAME VICTIM-PID HOST-NAME    everything it should not be able to do
 *	rogue honest                                                 what any decent program does
 *	rogue bomb COUNT                                             starts COUNT processes at once
 *	rogue eat MEGABYTES                                          takes so much memory
 *	rogue linger WORD                                            stays for a minute
 *
 * attack and honest print a line for each try: what, "yes" or "no", how it went, and which wall should stand there; by tabs.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 5   /* for one try, then SIGALRM */
#define BOMB 300    /* processes of the fork bomb */
#define DESCRIPTOR 9 /* left open by a careless caller */

struct target {
	const char *home, *abstract, *host;
	int port;
	pid_t pid;
};

/* How a try went, in the parent's reach. */
struct outcome {
	bool through;
	char detail[64];
};

static void say(struct outcome *ret, bool through, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(ret->detail, sizeof(ret->detail), format, arguments);
	va_end(arguments);
	ret->through = through;
}

/* errno in a word or two: a column has no room for more. */
static void stopped(struct outcome *ret)
{
	static const struct {
		int code;
		const char *words;
	} known[] = {
		{ENOENT, "not there"}, {EACCES, "no access"}, {EPERM, "not permitted"}, {EROFS, "read-only"}, {ENOSYS, "no such call"},
		{ECONNREFUSED, "nobody answers"}, {ENETUNREACH, "no network"}, {EAFNOSUPPORT, "no such socket"}, {ESRCH, "no such process"},
		{EBADF, "closed"}, {EFBIG, "too large"}, {EIO, "switched off"}, {EAGAIN, "no more"}, {ENOMEM, "no memory"},
	};
	int code = errno;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].code == code) {
			say(ret, false, "%s", known[i].words);
			return;
		}
	say(ret, false, "%s", strerror(code));
}

static const char *below(const char *directory, const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

/* ---- reading ---- */

static void read_it(int handle, struct outcome *ret)
{
	char buffer[256];
	ssize_t length = handle < 0 ? -1 : read(handle, buffer, sizeof(buffer));

	if (length < 0)
		stopped(ret);
	else
		say(ret, true, "read %zd bytes", length);
}

static void read_key(const struct target *t, struct outcome *ret)
{
	read_it(open(below(t->home, ".ssh/id_rsa"), O_RDONLY), ret);
}

static void read_shadow(const struct target *t, struct outcome *ret)
{
	(void)t;
	read_it(open("/etc/shadow", O_RDONLY), ret);
}

static void read_token(const struct target *t, struct outcome *ret)
{
	const char *token = getenv("DEMO_TOKEN");

	(void)t;
	say(ret, token, token ? "has the token" : "not set");
}

static void read_descriptor(const struct target *t, struct outcome *ret)
{
	(void)t;
	read_it(lseek(DESCRIPTOR, 0, SEEK_SET) < 0 ? -1 : DESCRIPTOR, ret);
}

static bool is_victim(const char *pid)
{
	char path[300], line[512] = "";
	int handle;

	(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	handle = open(path, O_RDONLY | O_CLOEXEC);
	if (handle >= 0) {
		(void)!read(handle, line, sizeof(line) - 1);
		(void)close(handle);
	}
	return strstr(line, "/victim");
}

static void list_processes(const struct target *t, struct outcome *ret)
{
	DIR *directory = opendir("/proc");
	bool victim = false;
	int count = 0;

	(void)t;
	for (struct dirent *entry; directory && (entry = readdir(directory));)
		if (isdigit((unsigned char)entry->d_name[0])) {
			count++;
			victim |= is_victim(entry->d_name);
		}
	say(ret, victim, victim ? "sees %d of them" : "sees its own %d", count);
}

static void learn_name(const struct target *t, struct outcome *ret)
{
	struct utsname name;

	if (uname(&name))
		stopped(ret);
	else
		say(ret, strcmp(name.nodename, t->host) == 0, "\"%.32s\"", name.nodename);
}

static void use_keyring(const struct target *t, struct outcome *ret)
{
	/* the keyring of this process: gone with it */
	long key = syscall(SYS_add_key, "user", "immure-demo", "x", 1, KEY_SPEC_PROCESS_KEYRING);

	(void)t;
	if (key < 0)
		stopped(ret);
	else
		say(ret, true, "stored a key");
}

/* ---- writing ---- */

static void write_it(const char *path, int flags, struct outcome *ret)
{
	int handle = open(path, O_WRONLY | flags, 0644);

	if (handle < 0 || write(handle, "# rogue was here\n", 17) != 17)
		stopped(ret);
	else
		say(ret, true, "written");
}

static void write_startup(const struct target *t, struct outcome *ret)
{
	write_it(below(t->home, ".bashrc"), O_APPEND, ret);
}

static void write_system(const struct target *t, struct outcome *ret)
{
	(void)t;
	write_it("/usr/bin/immure-demo-rogue", O_CREAT | O_EXCL, ret);
}

static void delete_file(const struct target *t, struct outcome *ret)
{
	if (unlink(below(t->home, "thesis.txt")))
		stopped(ret);
	else
		say(ret, true, "deleted");
}

/* ---- reaching out ---- */

static void connect_it(int family, const void *address, socklen_t length, struct outcome *ret)
{
	int handle = socket(family, SOCK_STREAM, 0);

	if (handle < 0 || connect(handle, address, length))
		stopped(ret);
	else
		say(ret, true, "connected");
}

static void connect_network(const struct target *t, struct outcome *ret)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)t->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	connect_it(AF_INET, &address, sizeof(address), ret);
}

static void connect_engine(const struct target *t, struct outcome *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/docker.sock", t->home);
	connect_it(AF_UNIX, &address, sizeof(address), ret);
}

static void connect_bus(const struct target *t, struct outcome *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(t->abstract);

	memcpy(address.sun_path + 1, t->abstract, length < 100 ? length : 100);
	connect_it(AF_UNIX, &address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length), ret);
}

static void signal_victim(const struct target *t, struct outcome *ret)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)t->pid);
	if (kill(t->pid, 0))
		stopped(ret);
	else if (!is_victim(pid)) /* a process of our own that happens to have this number */
		say(ret, false, "no such process");
	else
		say(ret, true, "could kill it");
}

/* ---- becoming more ---- */

static void make_namespace(const struct target *t, struct outcome *ret)
{
	(void)t;
	if (unshare(CLONE_NEWUSER))
		stopped(ret);
	else
		say(ret, true, "root in a new one");
}

static void mount_it(const struct target *t, struct outcome *ret)
{
	(void)t;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		stopped(ret);
	else if (mount("none", "/tmp", "tmpfs", 0, NULL))
		stopped(ret);
	else
		say(ret, true, "mounted a tmpfs");
}

static void trace_child(const struct target *t, struct outcome *ret)
{
	pid_t child = fork();

	(void)t;
	if (child == 0) {
		pause();
		_exit(0);
	}
	if (ptrace(PTRACE_ATTACH, child, NULL, NULL))
		stopped(ret);
	else
		say(ret, true, "attached");
	(void)kill(child, SIGKILL);
}

static void fix_addresses(const struct target *t, struct outcome *ret)
{
	(void)t;
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		stopped(ret);
	else
		say(ret, true, "switched off");
}

static void type_ahead(const struct target *t, struct outcome *ret)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), terminal;
	char line[] = "x";

	(void)t;
	(void)setsid(); /* so that the terminal opened next becomes the controlling one */
	terminal = master < 0 || grantpt(master) || unlockpt(master) ? -1 : open(ptsname(master), O_RDWR);
	if (terminal < 0 || ioctl(terminal, TIOCSTI, line))
		stopped(ret);
	else
		say(ret, true, "typed a key");
}

/* ---- past the filter ---- */

static void use_ring(const struct target *t, struct outcome *ret)
{
	char parameters[120] = {0};

	(void)t;
	if (syscall(SYS_io_uring_setup, 4, parameters) < 0)
		stopped(ret);
	else
		say(ret, true, "has a ring");
}

#ifdef __x86_64__
static void call_foreign(const struct target *t, struct outcome *ret)
{
	long result;

	(void)t;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "r8", "r9", "r10", "r11", "memory"); /* 20: getpid of i386 */
	if (result == (long)getpid())
		say(ret, true, "answered");
	else
		say(ret, false, "no answer");
}
#endif

/* ---- using everything up ---- */

static int start_many(int wanted)
{
	int started = 0;

	(void)setpgid(0, 0); /* so that they can be ended together */
	while (started < wanted) {
		pid_t child = fork();

		if (child < 0)
			break;
		if (child == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			pause();
			_exit(0);
		}
		started++;
	}
	return started;
}

static void fork_bomb(const struct target *t, struct outcome *ret)
{
	int started;

	(void)t;
	started = start_many(BOMB);
	say(ret, started == BOMB, "%d processes", started);
	(void)signal(SIGTERM, SIG_IGN);
	(void)kill(0, SIGTERM);
}

static void fill_disk(const struct target *t, struct outcome *ret)
{
	char name[4096];
	int handle;

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)snprintf(name, sizeof(name), "%s/big", access(t->home, W_OK) == 0 ? t->home : "/tmp");
	handle = open(name, O_CREAT | O_RDWR, 0600);
	(void)unlink(name);
	if (handle < 0 || ftruncate(handle, (off_t)4 << 30)) /* a hole: no block is taken */
		stopped(ret);
	else
		say(ret, true, "4 GB");
}

/* ---- what any decent program does ---- */

static int run_program(const char *line)
{
	int status = system(line);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void do_shell(const struct target *t, struct outcome *ret)
{
	(void)t;
	say(ret, run_program("test \"$(printf 'b\\na\\n' | sort | head -n 1)\" = a") == 0, "a shell, sort, head");
}

static void do_files(const struct target *t, struct outcome *ret)
{
	static const char *const places[] = {"/tmp", "/dev/shm", NULL};
	const char *home = getenv("HOME");
	char text[8] = "";
	bool good = true;

	(void)t;
	for (size_t i = 0; i < 3 && good; i++) {
		int handle = open(below(places[i] ? places[i] : home ? home : "/", "note"), O_RDWR | O_CREAT | O_TRUNC, 0600);

		good = handle >= 0 && write(handle, "note", 4) == 4 && pread(handle, text, 4, 0) == 4 && memcmp(text, "note", 4) == 0;
	}
	if (good)
		say(ret, true, "/tmp, /dev/shm, ~");
	else
		stopped(ret);
}

static void *add_one(void *number)
{
	__atomic_add_fetch((int *)number, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void do_threads(const struct target *t, struct outcome *ret)
{
	pthread_t threads[8];
	int number = 0;

	(void)t;
	for (int i = 0; i < 8; i++)
		if (pthread_create(&threads[i], NULL, add_one, &number)) {
			say(ret, false, "not started");
			return;
		}
	for (int i = 0; i < 8; i++)
		(void)pthread_join(threads[i], NULL);
	say(ret, number == 8, "%d threads", number);
}

static void do_pipe(const struct target *t, struct outcome *ret)
{
	int ends[2], status = -1;
	char word[3] = "";
	pid_t child = pipe(ends) ? -1 : fork();

	(void)t;
	if (child == 0)
		_exit(write(ends[1], "ok", 2) != 2);
	if (child < 0 || read(ends[0], word, 2) != 2 || waitpid(child, &status, 0) != child)
		stopped(ret);
	else
		say(ret, status == 0 && strcmp(word, "ok") == 0, "parent and child");
}

static void do_random(const struct target *t, struct outcome *ret)
{
	char bytes[16];
	int handle = open("/dev/urandom", O_RDONLY);

	(void)t;
	say(ret, getrandom(bytes, sizeof(bytes), 0) == 16 && read(handle, bytes, 16) == 16, "call and device");
}

static void do_time(const struct target *t, struct outcome *ret)
{
	struct timespec rest = {.tv_nsec = 1000000}, now;

	(void)t;
	say(ret, nanosleep(&rest, NULL) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0 && now.tv_sec > 1700000000, "sleep, clock");
}

static void do_local_socket(const struct target *t, struct outcome *ret)
{
	char word[3] = "";
	int ends[2];

	(void)t;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || write(ends[0], "ok", 2) != 2 || read(ends[1], word, 2) != 2)
		stopped(ret);
	else
		say(ret, strcmp(word, "ok") == 0, "two ends");
}

static void do_interpreter(const struct target *t, struct outcome *ret)
{
	(void)t;
	say(ret, run_program("perl -e 'exit 42'") == 42, "perl");
}

/* ---- the table ---- */

struct attempt {
	const char *what, *wall;
	void (*act)(const struct target *t, struct outcome *ret);
};

static const struct attempt attacks[] = {
	{"read ~/.ssh/id_rsa", "mounts", read_key},
	{"read /etc/shadow", "mounts", read_shadow},
	{"read a token from the environment", "environment", read_token},
	{"read a file somebody left open", "descriptors", read_descriptor},
	{"see other people's processes", "pid", list_processes},
	{"learn the name of this machine", "uts", learn_name},
	{"use the kernel's keyrings", "seccomp", use_keyring},
	{"add a line to ~/.bashrc", "mounts", write_startup},
	{"put a program into /usr/bin", "mounts", write_system},
	{"delete a document", "mounts", delete_file},
	{"connect to the network", "Landlock, net", connect_network},
	{"connect to docker.sock", "mounts", connect_engine},
	{"connect to an abstract socket", "Landlock, net", connect_bus},
	{"signal a process outside", "pid", signal_victim},
	{"make a user namespace", "seccomp", make_namespace},
	{"mount a file system", "seccomp", mount_it},
	{"trace a process (ptrace)", "seccomp", trace_child},
	{"switch off address randomisation", "seccomp", fix_addresses},
	{"type into a terminal (TIOCSTI)", "seccomp", type_ahead},
	{"get around the filter by io_uring", "seccomp", use_ring},
#ifdef __x86_64__
	{"get around it by 32-bit calls", "seccomp", call_foreign},
#endif
	{"start 300 processes at once", "limits", fork_bomb},
	{"make a file of 4 GB", "limits", fill_disk},
};
static const struct attempt honest[] = {
	{"run other programs", "", do_shell},
	{"run an interpreter", "", do_interpreter},
	{"write files of its own", "", do_files},
	{"start threads", "", do_threads},
	{"talk through a pipe", "", do_pipe},
	{"talk through a local socket", "", do_local_socket},
	{"get random numbers", "", do_random},
	{"sleep, and know the time", "", do_time},
};

/* In a process of its own: a try may be answered with a kill. */
static void try_it(const struct attempt *attempt, const struct target *t, struct outcome *shared)
{
	int status;
	pid_t child;

	*shared = (struct outcome){0};
	child = fork();
	if (child == 0) {
		(void)alarm(SECONDS);
		attempt->act(t, shared);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		say(shared, false, "not tried");
	else if (WIFSIGNALED(status))
		say(shared, false, WTERMSIG(status) == SIGSYS ? "killed at once" : "killed: %s", strsignal(WTERMSIG(status)));
	(void)printf("%s\t%s\t%s\t%s\n", attempt->what, shared->through ? "yes" : "no", shared->detail, attempt->wall);
	(void)fflush(stdout);
}

static int try_all(const struct attempt *attempts, size_t count, const struct target *t)
{
	struct outcome *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < count; i++)
		try_it(&attempts[i], t, shared);
	return 0;
}

static int eat(long megabytes)
{
	const size_t step = (size_t)1 << 20;

	for (long taken = 0; taken < megabytes; taken++) {
		char *piece = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (piece == MAP_FAILED) {
			(void)printf("got %ld MB, then: %s\n", taken, strerror(errno));
			return 1;
		}
		memset(piece, 1, step);
	}
	(void)printf("got all %ld MB\n", megabytes);
	return 0;
}

static int bomb(int count)
{
	int started = start_many(count);

	(void)printf("started %d of %d processes\n", started, count);
	(void)fflush(stdout);
	(void)signal(SIGTERM, SIG_IGN);
	(void)kill(0, SIGTERM);
	return started == count ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct target target = {0};

	if (strcmp(verb, "attack") == 0 && argc == 7) {
		target = (struct target){.home = argv[2], .port = atoi(argv[3]), .abstract = argv[4], .pid = atoi(argv[5]), .host = argv[6]};
		return try_all(attacks, sizeof(attacks) / sizeof(attacks[0]), &target);
	}
	if (strcmp(verb, "honest") == 0)
		return try_all(honest, sizeof(honest) / sizeof(honest[0]), &target);
	if (strcmp(verb, "bomb") == 0 && argc == 3)
		return bomb(atoi(argv[2]));
	if (strcmp(verb, "eat") == 0 && argc == 3)
		return eat(atol(argv[2]));
	if (strcmp(verb, "linger") == 0)
		return (int)sleep(60);
	(void)fprintf(stderr, "rogue: attack, honest, bomb, eat or linger\n");
	return 2;
}
