/*
 * sockets families: every family and kind of socket; an escape is one that can be made and is neither UNIX nor of the ALLOWED ones.
 * sockets allow FAMILY…: as above, with more families allowed.   sockets netlink: every netlink protocol but ROUTE.
 * sockets raw: packets made by hand.   sockets pair: socketpair of any family but UNIX.   sockets options: setsockopt calls that reach deep into the kernel.
 */
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "verdict.h"

static void try_families(int allowed_count, char **allowed)
{
	static const int kinds[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_RDM, 10 /* SOCK_PACKET */};

	for (int family = 0; family < 64; family++) {
		bool fine = family == AF_UNIX;

		for (int i = 0; i < allowed_count; i++)
			fine = fine || atoi(allowed[i]) == family;
		for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
			for (int protocol = 0; protocol < 4; protocol++)
				if (!fine && socket(family, kinds[kind] | SOCK_CLOEXEC, protocol) >= 0)
					escaped("socket(%d, %d, %d)", family, kinds[kind], protocol);
	}
}

static void try_netlink(void)
{
	for (int protocol = 1; protocol < 32; protocol++)
		if (socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol) >= 0)
			escaped("netlink protocol %d", protocol);
}

static void try_raw(void)
{
	static const int kinds[][3] = {{AF_INET, SOCK_RAW, IPPROTO_ICMP}, {AF_INET, SOCK_RAW, IPPROTO_RAW}, {AF_INET6, SOCK_RAW, IPPROTO_RAW},
		{AF_INET, 10 /* SOCK_PACKET */, 0}, {17 /* AF_PACKET */, SOCK_RAW, 0}, {17, SOCK_DGRAM, 0}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (socket(kinds[i][0], kinds[i][1] | SOCK_CLOEXEC, kinds[i][2]) >= 0)
			escaped("socket(%d, %d, %d)", kinds[i][0], kinds[i][1], kinds[i][2]);
}

static void try_pairs(void)
{
	int pair[2];

	for (int family = 0; family < 64; family++)
		if (family != AF_UNIX && (socketpair(family, SOCK_STREAM, 0, pair) == 0 || errno == EOPNOTSUPP))
			escaped("socketpair of family %d: %s", family, strerror(errno));
}

static void try_options(void)
{
	static const struct {
		const char *name;
		int level, option;
	} options[] = {
		{"TCP_ULP", IPPROTO_TCP, 31}, {"TCP_REPAIR", IPPROTO_TCP, TCP_REPAIR}, {"SO_ATTACH_BPF", SOL_SOCKET, SO_ATTACH_BPF},
		{"SO_ATTACH_REUSEPORT_EBPF", SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF}, {"IPT_SO_SET_REPLACE", IPPROTO_IP, 64},
	};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		unclear("socket");
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) /* the kernel itself answers EOPNOTSUPP, EINVAL or EFAULT */
		if (setsockopt(fd, options[i].level, options[i].option, NULL, 0) == 0 || (errno != EPERM && errno != ENOPROTOOPT))
			escaped("%s: %s", options[i].name, strerror(errno));
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "families") == 0 || strcmp(argv[1], "allow") == 0)
		try_families(argc - 2, argv + 2);
	else if (strcmp(argv[1], "netlink") == 0)
		try_netlink();
	else if (strcmp(argv[1], "raw") == 0)
		try_raw();
	else if (strcmp(argv[1], "pair") == 0)
		try_pairs();
	else if (strcmp(argv[1], "options") == 0)
		try_options();
	else
		return 2;
	contained("%s", argv[1]);
}
