/*
 * witness DIRECTORY SECRET: stands outside the jail and tells SECRET to whoever reaches it: TCP on 127.0.0.1 and ::1, an abstract socket, a
 * socket in DIRECTORY, SysV shared memory, a POSIX message queue. Writes "PORT ABSTRACT SHMKEY QUEUE" to DIRECTORY/witness and serves until killed.
 * witness reach KIND ADDRESS…: tries to reach it from inside. KIND: tcp, tcp6, udp, abstract, path, shm, queue.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "verdict.h"

static int unix_address(struct sockaddr_un *address, const char *name, bool abstract)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	(void)snprintf(address->sun_path + abstract, sizeof(address->sun_path) - 1, "%s", name);
	return (int)(offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name));
}

static int listen_unix(const char *name, bool abstract)
{
	struct sockaddr_un address;
	int length = unix_address(&address, name, abstract);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, (socklen_t)length) < 0 || listen(fd, 8) < 0)
		unclear("unix socket");
	return fd;
}

static int listen_tcp(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 8) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		unclear("tcp socket");
	*port = ntohs(address.sin_port);
	return fd;
}

static int listen_tcp6(int port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons((uint16_t)port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static volatile sig_atomic_t ending;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static int serve(const char *directory, const char *secret)
{
	char path[256], abstract[64], queue[64];
	struct pollfd fds[4];
	int port, shm, key = (int)(0x494d0000 | (getpid() & 0xffff));
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 256};
	mqd_t q;
	FILE *file;

	(void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(abstract, sizeof(abstract), "immure-witness-%d", getpid());
	(void)snprintf(queue, sizeof(queue), "/immure-witness-%d", getpid());
	(void)snprintf(path, sizeof(path), "%s/socket", directory);
	fds[0] = (struct pollfd){.fd = listen_tcp(&port), .events = POLLIN};
	fds[1] = (struct pollfd){.fd = listen_tcp6(port), .events = POLLIN};
	fds[2] = (struct pollfd){.fd = listen_unix(abstract, true), .events = POLLIN};
	fds[3] = (struct pollfd){.fd = listen_unix(path, false), .events = POLLIN};
	shm = shmget(key, 4096, IPC_CREAT | 0666);
	if (shm >= 0)
		(void)strcpy(shmat(shm, NULL, 0), secret);
	q = mq_open(queue, O_CREAT | O_RDWR, 0666, &attributes);
	if (q >= 0)
		(void)mq_send(q, secret, strlen(secret), 0);

	(void)snprintf(path, sizeof(path), "%s/witness", directory);
	file = fopen(path, "we");
	if (!file || fprintf(file, "%d %s %d %s\n", port, abstract, key, queue) < 0 || fclose(file) != 0)
		unclear(path);
	while (!ending && poll(fds, 4, -1) >= 0)
		for (int i = 0; i < 4; i++) {
			int client = fds[i].revents ? accept4(fds[i].fd, NULL, NULL, SOCK_CLOEXEC) : -1;

			if (client >= 0)
				(void)!write(client, secret, strlen(secret));
			(void)close(client);
		}
	(void)shmctl(shm, IPC_RMID, NULL);
	(void)mq_unlink(queue);
	return 0;
}

static void hear(int fd, const struct sockaddr *address, socklen_t length, const char *what)
{
	char text[256] = "";

	if (fd < 0 || connect(fd, address, length) < 0)
		return;
	(void)!read(fd, text, sizeof(text) - 1);
	escaped("connected to %s: %s", what, text);
}

static void try(const char *kind, const char *name)
{
	int port = atoi(name);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_un un;

	if (strcmp(kind, "tcp") == 0)
		hear(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&in, sizeof(in), "127.0.0.1");
	else if (strcmp(kind, "tcp6") == 0)
		hear(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&in6, sizeof(in6), "::1");
	else if (strcmp(kind, "udp") == 0) {
		if (inet_pton(AF_INET, "127.255.255.255", &in.sin_addr) == 1)
			hear(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&in, sizeof(in), "a UDP route");
	} else if (strcmp(kind, "abstract") == 0 || strcmp(kind, "path") == 0) {
		int length = unix_address(&un, name, kind[0] == 'a');

		hear(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, (socklen_t)length, kind);
	} else if (strcmp(kind, "shm") == 0) {
		int id = shmget(port, 0, 0);

		if (id >= 0)
			escaped("shared memory %d: %s", port, (char *)shmat(id, NULL, SHM_RDONLY));
	} else if (mq_open(name, O_RDONLY | O_NONBLOCK) >= 0) {
		escaped("message queue %s", name);
	}
}

int main(int argc, char **argv)
{
	if (argc >= 4 && strcmp(argv[1], "reach") == 0) {
		for (int i = 3; i < argc; i++)
			try(argv[2], argv[i]);
		contained("%s out of reach", argv[2]);
	}
	return argc == 3 ? serve(argv[1], argv[2]) : 2;
}
