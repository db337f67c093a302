/*
 * What a jailed program may try on a terminal.
 *   tty push         TIOCSTI on every descriptor and /dev/tty, plain and with a high bit
 *   tty same D:I     is a descriptor the caller's terminal (device:inode)?
 *   tty session      is the session one that was made outside?
 *   tty steal        TIOCSCTTY on the inherited descriptors after setsid
 *   tty many N       makes up to N pseudo-terminals
 *   tty whole        honest: stdin is a terminal, it has a size, /dev/tty opens
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

#include "verdict.h"

static void push(void)
{
	static const unsigned long requests[] = {TIOCSTI, TIOCSTI | (1UL << 32), TIOCSTI | (1UL << 63)};
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	const int fds[] = {0, 1, 2, terminal};

	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 3; j++)
			if (fds[i] >= 0 && syscall(SYS_ioctl, fds[i], requests[j], "\n") == 0)
				escaped("TIOCSTI (%lx) on descriptor %d", requests[j], fds[i]);
	contained("nothing can be pushed");
}

static void same(const char *wanted)
{
	for (int fd = 0; fd < 3; fd++) {
		char name[64];
		struct stat st;

		if (fstat(fd, &st) < 0)
			continue;
		(void)snprintf(name, sizeof(name), "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
		if (strcmp(name, wanted) == 0)
			escaped("descriptor %d is the caller's terminal", fd);
	}
	contained("no descriptor is the caller's terminal");
}

static void steal(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)setsid();
		for (int fd = 0; fd < 3; fd++)
			if (ioctl(fd, TIOCSCTTY, 1) == 0)
				_exit(1);
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	if (status != 0)
		escaped("TIOCSCTTY succeeded");
	contained("TIOCSCTTY refused");
}

static void many(int wanted)
{
	for (int i = 0; i < wanted; i++)
		if (open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) < 0)
			contained("%d terminals: %s", i, strerror(errno));
	escaped("%d terminals", wanted);
}

static int whole(void)
{
	struct winsize size;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return perror("/dev/tty"), 1;
	return isatty(0) && ioctl(0, TIOCGWINSZ, &size) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "push") == 0)
		push();
	if (strcmp(argv[1], "same") == 0 && argc == 3)
		same(argv[2]);
	if (strcmp(argv[1], "session") == 0) {
		if (getsid(0) == 0)
			escaped("the session was made outside");
		contained("a session of its own: %d", getsid(0));
	}
	if (strcmp(argv[1], "steal") == 0)
		steal();
	if (strcmp(argv[1], "many") == 0 && argc == 3)
		many(atoi(argv[2]));
	return strcmp(argv[1], "whole") == 0 ? whole() : 2;
}
