/* See directory.h. */
#include "util/directory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int directory_start(int fd, DIR **ret)
{
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	int r = fd < 0 ? fd : -errno;

	if (!stream) {
		if (fd >= 0)
			(void)close(fd); /* nothing was written through it */
		return r;
	}
	*ret = stream;
	return 0;
}

int directory_next(DIR *stream, const struct dirent **ret)
{
	const struct dirent *entry;

	do {
		errno = 0; /* the only way to tell an error from the end: readdir(3) */
		entry = readdir(stream);
		if (!entry)
			return -errno;
	} while (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
	*ret = entry;
	return 1;
}
