/*
 * resources KIND COUNT [PATH]: takes COUNT of something; an escape is getting them all. Everything is given back at the end.
 *   forks threads descriptors memory (MiB) locked (KiB) signals queues fill (MiB, in PATH) files (in PATH) size (KiB, one file at PATH)
 *   stack (MiB) core (is a core dump possible?)
 */
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "verdict.h"

static char block[1 << 20];

static long take_forks(long count, const char *path)
{
	pid_t *pids = calloc((size_t)count, sizeof(*pids));
	long i;

	(void)path;
	for (i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			break;
		if (pids[i] == 0) {
			(void)pause();
			_exit(0);
		}
	}
	for (long j = 0; j < i; j++) {
		(void)kill(pids[j], SIGKILL);
		(void)waitpid(pids[j], NULL, 0);
	}
	free(pids);
	return i;
}

static void *rest(void *nothing)
{
	(void)pause();
	return nothing;
}

static long take_threads(long count, const char *path)
{
	pthread_attr_t attributes;
	pthread_t thread;
	long i = 0;

	(void)path;
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, 65536);
	while (i < count && pthread_create(&thread, &attributes, rest, NULL) == 0)
		i++;
	return i;
}

static long take_descriptors(long count, const char *path)
{
	long i = 0;

	(void)path;
	while (i < count && dup(0) >= 0)
		i++;
	return i;
}

static long take_memory(long count, const char *path)
{
	long i;

	(void)path;
	for (i = 0; i < count; i++) {
		void *p = mmap(NULL, sizeof(block), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			break;
		(void)memset(p, 1, sizeof(block));
	}
	return i;
}

static long take_locked(long count, const char *path)
{
	long i;

	(void)path;
	for (i = 0; i < count; i += 4)
		if (mlock(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096) < 0)
			break;
	return i;
}

static long take_signals(long count, const char *path)
{
	sigset_t set;
	long i = 0;

	(void)path;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGRTMIN);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	while (i < count && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0)
		i++;
	return i;
}

static long take_queues(long count, const char *path)
{
	long i;
	char name[32];

	(void)path;
	for (i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "/queue-%d-%ld", (int)getpid(), i);
		if (mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL) < 0)
			break;
		(void)mq_unlink(name); /* it lives as long as we do, and no longer */
	}
	return i;
}

static long take_fill(long count, const char *path)
{
	char name[4096];
	long i = 0;
	int fd;

	(void)snprintf(name, sizeof(name), "%s/filling", path);
	(void)memset(block, 1, sizeof(block));
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		unclear(name);
	while (i < count && write(fd, block, sizeof(block)) == (ssize_t)sizeof(block))
		i++;
	(void)close(fd);
	(void)unlink(name);
	return i;
}

static long take_files(long count, const char *path)
{
	char name[4096];
	long i;

	for (i = 0; i < count; i++) {
		int fd;

		(void)snprintf(name, sizeof(name), "%s/f%ld", path, i);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd < 0)
			break;
		(void)close(fd);
	}
	for (long j = 0; j < i; j++) {
		(void)snprintf(name, sizeof(name), "%s/f%ld", path, j);
		(void)unlink(name);
	}
	return i;
}

static long take_size(long count, const char *path)
{
	long i = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	(void)signal(SIGXFSZ, SIG_IGN);
	if (fd < 0)
		unclear(path);
	while (i < count && write(fd, block, 1024) == 1024)
		i++;
	(void)close(fd);
	(void)unlink(path);
	return i;
}

/* A limit of exactly 1 is the one that stops both a core file and a pipe handler (core(5)); who may raise it has none. */
static long take_core(long count, const char *path)
{
	struct rlimit limit;

	(void)path;
	(void)getrlimit(RLIMIT_CORE, &limit);
	return limit.rlim_cur == 1 && limit.rlim_max == 1 ? 0 : count;
}

static const struct {
	const char *name;
	long (*take)(long count, const char *path);
} kinds[] = {
	{"forks", take_forks}, {"threads", take_threads}, {"descriptors", take_descriptors}, {"memory", take_memory},
	{"locked", take_locked}, {"signals", take_signals}, {"queues", take_queues}, {"fill", take_fill}, {"files", take_files},
	{"size", take_size}, {"core", take_core},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc >= 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(argv[1], kinds[i].name) == 0) {
			long wanted = atol(argv[2]), got = kinds[i].take(wanted, argc > 3 ? argv[3] : "/tmp");

			if (got >= wanted)
				escaped("%s: all %ld", argv[1], wanted);
			contained("%s: %ld of %ld", argv[1], got, wanted);
		}
	return 2;
}
