/*
 * reaper SECONDS COMMAND…: runs a command as its subreaper, so that whatever it leaves behind comes to us. Passes its status on; says
 * SURVIVORS where something still lives two seconds after the command's end (O7), and TIMEOUT where the command itself had to be killed.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "verdict.h"

#define TURN 0.1 /* seconds */

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Waits for `pid` (or, with -1, for there to be no child at all). True when that came about within so many seconds. They are counted in turns,
 * and none counts for more than it was to take: while the whole machine stands still, nobody below us could have ended either. */
static bool wait_for(pid_t pid, double seconds, int *status)
{
	sigset_t ends;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGCHLD);
	for (;;) {
		double began, took;
		pid_t ended;
		int each;

		while ((ended = waitpid(-1, &each, WNOHANG)) > 0)
			if (ended == pid) {
				*status = each;
				return true;
			}
		if (ended < 0 && errno == ECHILD)
			return true;
		if (seconds <= 0)
			return false;
		began = now();
		(void)sigtimedwait(&ends, NULL, &(struct timespec){.tv_nsec = (long)(TURN * 1e9)});
		took = now() - began;
		seconds -= took < TURN ? took : TURN;
	}
}

/* Kills every child we have, again and again as their orphans come to us; prints their names the first time. */
static int kill_children(bool say)
{
	pid_t self = getpid();
	DIR *proc = opendir("/proc");
	int count = 0;

	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		char path[64], text[512], name[64] = "?";
		int parent = 0;
		FILE *file;

		if (atoi(entry->d_name) <= 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%.10s/stat", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(text, sizeof(text), file) && strrchr(text, ')'))
			(void)sscanf(text, "%*d (%60[^)]", name), (void)sscanf(strrchr(text, ')'), ") %*c %d", &parent);
		(void)fclose(file);
		if (parent != self)
			continue;
		if (say)
			(void)printf("SURVIVORS: %s (%s)\n", name, entry->d_name);
		(void)kill(atoi(entry->d_name), SIGKILL);
		count++;
	}
	if (proc)
		(void)closedir(proc);
	(void)fflush(stdout);
	return count;
}

int main(int argc, char **argv)
{
	int status = 0;
	bool late;
	pid_t pid;
	sigset_t ends, before;

	if (argc < 3)
		return 2;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &ends, &before); /* it is waited for; see wait_for() */
	pid = fork();
	if (pid == 0) {
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		(void)execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	late = !wait_for(pid, atof(argv[1]), &status);
	if (late)
		(void)printf("TIMEOUT: %s\n", argv[2]);
	if (late || !wait_for(-1, 2, &(int){0}))
		for (bool say = !late; kill_children(say) > 0; say = false)
			(void)wait_for(-1, TURN, &(int){0});
	if (late)
		return 124;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
