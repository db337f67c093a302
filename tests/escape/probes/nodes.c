/*
 * nodes DIRECTORY: makes every kind of special file in a writable directory (T-LSM-08, T-HAND-09); an escape is the first that can be made.
 * nodes ordinary DIRECTORY: honest: file, directory, rename, unlink work there.
 * nodes nest: makes a user namespace in every way there is (T-NS-02).
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "verdict.h"

static void special(void)
{
	const struct {
		const char *name;
		mode_t mode;
		dev_t device;
	} kinds[] = {
		{"fifo", S_IFIFO, 0}, {"socket", S_IFSOCK, 0}, {"whiteout", S_IFCHR, 0}, {"null", S_IFCHR, makedev(1, 3)},
		{"disk", S_IFBLK, makedev(8, 0)},
	};
	const struct sockaddr_un address = {AF_UNIX, "bound"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (mknod(kinds[i].name, kinds[i].mode | 0600, kinds[i].device) == 0)
			escaped("a %s can be made", kinds[i].name);
	if (bind(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (const struct sockaddr *)&address, sizeof(address)) == 0)
		escaped("a socket can be bound");
	contained("no special file can be made");
}

static int ordinary(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 || write(fd, "x", 1) != 1 || mkdir("below", 0700) < 0 || rename("file", "below/file") < 0 || unlink("below/file") < 0 ||
		rmdir("below") < 0;
}

static void nest(void)
{
	int status;
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0 && waitpid((pid_t)pid, &status, 0) > 0)
		escaped("clone(CLONE_NEWUSER)");
	if (unshare(CLONE_NEWUSER) == 0)
		escaped("unshare(CLONE_NEWUSER)");
	contained("no user namespace below this one: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "nest") == 0)
		nest();
	if (argc < 2 || chdir(argv[argc - 1]) < 0)
		unclear(argv[argc - 1]);
	if (argc == 3)
		return ordinary();
	special();
}
