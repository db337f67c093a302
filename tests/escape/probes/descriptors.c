/* descriptors [ALLOWED…]: held, where no descriptor but 0, 1, 2 and the allowed ones is open (O3). Says where each of the others leads. */
#include <fcntl.h>
#include <sys/stat.h>

#include "verdict.h"

int main(int argc, char **argv)
{
	for (int fd = 3; fd < 65536; fd++) {
		char path[64], link[256];
		struct stat st;
		ssize_t length;
		bool allowed = false;

		if (fstat(fd, &st) < 0)
			continue;
		for (int i = 1; i < argc; i++)
			allowed = allowed || atoi(argv[i]) == fd;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, link, sizeof(link) - 1);
		link[length > 0 ? length : 0] = '\0';
		if (!allowed)
			escaped("descriptor %d is open: %s, mode %o", fd, link, st.st_mode);
	}
	for (int i = 1; i < argc; i++)
		if (fcntl(atoi(argv[i]), F_GETFD) < 0)
			unclear(argv[i]);
	contained("no other descriptor is open");
}
