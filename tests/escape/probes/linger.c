/*
 * linger stay      ignores every signal, starts descendants that do the same in sessions of their own, and stays for 60 s
 * linger leave     the same, but the first process ends at once
 * linger stopped   stops itself
 * linger orphans N makes N orphans that end; an escape is any that stays a zombie
 * linger ready FILE  creates FILE (in a writable place) and then stays, so that others know that the program has started
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "verdict.h"

static void ignore_all(void)
{
	for (int i = 1; i < 65; i++)
		if (i != SIGKILL && i != SIGSTOP && i != SIGCHLD)
			(void)signal(i, SIG_IGN);
}

static void descend(void)
{
	for (int i = 0; i < 3; i++)
		if (fork() == 0) {
			(void)setsid();
			if (fork() != 0)
				_exit(0);
			if (i == 2)
				(void)raise(SIGSTOP);
			(void)sleep(60);
			_exit(0);
		}
}

static int count_zombies(void)
{
	DIR *proc = opendir("/proc");
	int zombies = 0;

	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		char path[64], text[256] = "", state = '?';
		FILE *file;

		if (atoi(entry->d_name) <= 1)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%.10s/stat", entry->d_name);
		file = fopen(path, "re");
		if (file && fgets(text, sizeof(text), file) && strrchr(text, ')'))
			(void)sscanf(strrchr(text, ')'), ") %c", &state);
		if (file)
			(void)fclose(file);
		zombies += state == 'Z';
	}
	return zombies;
}

static void make_orphans(long count)
{
	int zombies = 0;

	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			unclear("fork");
		if (pid == 0) {
			if (fork() == 0)
				(void)usleep(1000);
			_exit(0);
		}
		(void)waitpid(pid, NULL, 0);
	}
	for (int tries = 0; tries < 200; tries++) {
		zombies = count_zombies();
		if (zombies == 0)
			contained("%ld orphans, no zombie", count);
		(void)usleep(25000);
	}
	escaped("%d zombies stay", zombies);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "orphans") == 0)
		make_orphans(atol(argv[2]));
	if (argc == 3 && strcmp(argv[1], "ready") == 0) {
		(void)close(open(argv[2], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	} else if (argc == 2 && strcmp(argv[1], "stopped") == 0) {
		ignore_all();
		(void)raise(SIGSTOP);
	} else if (argc == 2) {
		ignore_all();
		descend();
		if (strcmp(argv[1], "leave") == 0)
			return 0;
	}
	(void)sleep(60);
	return 0;
}
