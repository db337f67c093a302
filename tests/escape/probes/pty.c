/*
 * pty [hangup|pause|flood] COMMAND…: runs a command on a terminal of its own and looks, when it has ended, whether anything was pushed into that
 * terminal's input, where the user's shell would read it (T-TTY-01). The argument %TTY becomes DEVICE:INODE of the terminal. hangup: the
 * terminal goes away after 0.3 s. pause: nobody reads its output for 1 s. flood: 100,000 changes of its size.
 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>
#include <time.h>

#include "verdict.h"

static void start(char **command, int slave)
{
	static char name[64];
	struct stat st;

	(void)fstat(slave, &st);
	(void)snprintf(name, sizeof(name), "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	(void)login_tty(slave);
	for (int fd = 3; fd < 64; fd++)
		(void)close(fd);
	for (char **word = command; *word; word++)
		if (strcmp(*word, "%TTY") == 0)
			*word = name;
	(void)execvp(command[0], command);
	_exit(127);
}

static void copy(int master)
{
	char block[4096];
	ssize_t length = read(master, block, sizeof(block));

	if (length > 0)
		(void)!write(1, block, (size_t)length);
}

static void flood(int master)
{
	for (int i = 0; i < 100000; i++) {
		struct winsize size = {.ws_row = (unsigned short)(20 + i % 50), .ws_col = 80};

		(void)ioctl(master, TIOCSWINSZ, &size);
	}
}

int main(int argc, char **argv)
{
	int master, slave, status = 0, waiting = 0, skip;
	struct termios raw;
	const char *mode;
	pid_t pid;

	if (argc < 2 || openpty(&master, &slave, NULL, NULL, NULL) < 0)
		return 2;
	mode = argv[1];
	skip = strcmp(mode, "hangup") == 0 || strcmp(mode, "pause") == 0 || strcmp(mode, "flood") == 0;
	pid = fork();
	if (pid == 0)
		start(argv + 1 + skip, slave);
	if (strcmp(mode, "hangup") == 0) {
		(void)close(slave);
		(void)usleep(300000);
		(void)close(master);
		for (int i = 0; i < 30 && waitpid(pid, &status, WNOHANG) == 0; i++)
			(void)usleep(100000);
		contained("hung up"); /* who is still there now is a survivor */
	}
	if (strcmp(mode, "pause") == 0)
		(void)sleep(1);
	if (strcmp(mode, "flood") == 0)
		flood(master);
	do {
		struct pollfd polled = {.fd = master, .events = POLLIN};

		if (poll(&polled, 1, 10) > 0)
			copy(master);
	} while (waitpid(pid, &status, WNOHANG) == 0);
	while (poll(&(struct pollfd){.fd = master, .events = POLLIN}, 1, 20) > 0)
		copy(master);
	if (tcgetattr(slave, &raw) == 0) {
		cfmakeraw(&raw);
		(void)tcsetattr(slave, TCSANOW, &raw);
	}
	if (ioctl(slave, FIONREAD, &waiting) == 0 && waiting > 0)
		escaped("%d bytes wait in the terminal's input", waiting);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
