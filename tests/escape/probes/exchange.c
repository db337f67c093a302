/* exchange A B COMMAND…: swaps two paths as fast as the kernel can, from a second CPU where there is one, as long as the command runs. */
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "verdict.h"

int main(int argc, char **argv)
{
	unsigned long swaps = 0;
	int status;
	pid_t pid;

	if (argc < 4)
		return 2;
	pid = fork();
	if (pid == 0) {
		(void)execvp(argv[3], argv + 3);
		_exit(127);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		for (int i = 0; i < 100; i++, swaps++)
			if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0)
				unclear("renameat2");
		(void)usleep(20);
	}
	if (swaps & 1)
		(void)syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE);
	(void)printf("swaps %lu\n", swaps);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
