/*
 * What stands around a program on an ordinary machine, for the rogue of the demonstration to go for: a service on the loopback interface, a
 * socket like that of a container engine, an abstract one like that of a session bus. Prints its port and stays until it is killed.
 *
 *	victim SOCKET-PATH ABSTRACT-NAME
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <signal.h>
#include <unistd.h>

static int listen_on(int family, const void *address, socklen_t length)
{
	int handle = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (handle < 0 || bind(handle, address, length) || listen(handle, 16)) {
		perror("victim");
		_exit(1);
	}
	return handle;
}

/* With abstract, the name goes behind a zero byte and is no path. */
static int listen_local(const char *name, int abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);

	if (length + 2 > sizeof(address.sun_path)) {
		fprintf(stderr, "victim: %s is too long for a socket\n", name);
		_exit(1);
	}
	memcpy(address.sun_path + abstract, name, length);
	return listen_on(AF_UNIX, &address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (size_t)abstract));
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	struct pollfd polls[3];

	if (argc != 3)
		return 2;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	polls[0].fd = listen_on(AF_INET, &address, sizeof(address));
	polls[1].fd = listen_local(argv[1], 0);
	polls[2].fd = listen_local(argv[2], 1);
	if (getsockname(polls[0].fd, (struct sockaddr *)&address, &length))
		return 1;
	printf("%u\n", (unsigned)ntohs(address.sin_port));
	fflush(stdout);
	for (;;) {
		for (int i = 0; i < 3; i++)
			polls[i].events = POLLIN;
		if (poll(polls, 3, -1) < 0 && errno != EINTR)
			return 1;
		for (int i = 0; i < 3; i++)
			if (polls[i].revents & POLLIN)
				(void)close(accept(polls[i].fd, NULL, NULL));
	}
}
