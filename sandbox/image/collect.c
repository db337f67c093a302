/* Removing what nothing refers to: see collect.h. */
#include "image/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "util/cleanup.h"

static int open_lock(const struct storage *storage)
{
	_cleanup_close_ int staging = storage_directory(storage, "staging");
	int fd;

	if (staging < 0)
		return staging;
	fd = openat(staging, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int collect_hold(const struct storage *storage, struct err *reterr)
{
	_cleanup_close_ int fd = open_lock(storage);
	int r = fd < 0 ? fd : 0;

	while (r == 0 && flock(fd, LOCK_SH))
		r = errno == EINTR ? 0 : -errno;
	if (r < 0)
		return err_set(
			reterr, r, storage->path, "cannot lock staging in it: %s", strerror(-r));
	return take_fd(&fd);
}
