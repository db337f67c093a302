/*
 * hostile STATE[,STATE…] COMMAND…: starts a command in a state that a careless or hostile caller may leave it in (T-RT-08, -10, -12, -14).
 *   sigchld-ignored signals-ignored signals-blocked umask0 umask777 personality alarm-later nofile8 nofile20 fsize0 nproc1 stack-small as-small
 *   nice19 closed0 closed1 closed2 dir0 opath0 pidfd0 socket0 fds1000 argc0
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "verdict.h"

static void limit(int resource, rlim_t value)
{
	const struct rlimit rlimit = {value, value};

	if (setrlimit(resource, &rlimit) < 0)
		unclear("setrlimit");
}

static void place(int fd, int at)
{
	if (fd < 0 || (fd != at && dup2(fd, at) < 0))
		unclear("descriptor");
}

static void ignore_signals(void)
{
	for (int i = 1; i < 65; i++)
		if (i != SIGKILL && i != SIGSTOP)
			(void)signal(i, SIG_IGN);
}

static void block_signals(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

static void enter(const char *state)
{
	int pair[2];

	if (strcmp(state, "sigchld-ignored") == 0)
		(void)signal(SIGCHLD, SIG_IGN);
	else if (strcmp(state, "signals-ignored") == 0)
		ignore_signals();
	else if (strcmp(state, "signals-blocked") == 0)
		block_signals();
	else if (strncmp(state, "umask", 5) == 0)
		(void)umask((mode_t)strtol(state + 5, NULL, 8));
	else if (strcmp(state, "personality") == 0)
		(void)personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC);
	else if (strcmp(state, "alarm-later") == 0)
		(void)alarm(600);
	else if (strncmp(state, "nofile", 6) == 0)
		limit(RLIMIT_NOFILE, (rlim_t)atoi(state + 6));
	else if (strcmp(state, "fsize0") == 0)
		limit(RLIMIT_FSIZE, 0);
	else if (strcmp(state, "nproc1") == 0)
		limit(RLIMIT_NPROC, 1);
	else if (strcmp(state, "stack-small") == 0)
		limit(RLIMIT_STACK, 128 * 1024);
	else if (strcmp(state, "as-small") == 0)
		limit(RLIMIT_AS, 4 << 20);
	else if (strcmp(state, "nice19") == 0)
		(void)setpriority(PRIO_PROCESS, 0, 19);
	else if (strncmp(state, "closed", 6) == 0)
		(void)close(atoi(state + 6));
	else if (strcmp(state, "dir0") == 0)
		place(open("/", O_RDONLY | O_DIRECTORY), 0);
	else if (strcmp(state, "opath0") == 0)
		place(open("/", O_PATH | O_DIRECTORY), 0);
	else if (strcmp(state, "pidfd0") == 0)
		place((int)syscall(SYS_pidfd_open, getppid(), 0), 0);
	else if (strcmp(state, "socket0") == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
		place(pair[0], 0);
	else if (strcmp(state, "fds1000") == 0)
		for (int fd = 3; fd < 1000; fd += 7)
			place(open("/", O_RDONLY | O_DIRECTORY), fd);
	else if (strcmp(state, "argc0") != 0) {
		errno = EINVAL;
		unclear(state);
	}
}

int main(int argc, char **argv)
{
	bool no_arguments;

	if (argc < 3)
		return 2;
	no_arguments = strstr(argv[1], "argc0") != NULL;
	for (char *state = strtok(argv[1], ","); state; state = strtok(NULL, ","))
		enter(state);
	(void)execvp(argv[2], no_arguments ? (char *[]){NULL} : argv + 2);
	return 127;
}
