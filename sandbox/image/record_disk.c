/* Records on disk, and who holds them: see record.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/record.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/path.h"

const char *record_path(const struct digest *manifest, char buffer[RECORD_PATH_ROOM])
{
	(void)snprintf(buffer, RECORD_PATH_ROOM, "records/%s.json", digest_hex(manifest));
	return buffer;
}

static int set_missing(const struct digest *manifest, struct err *reterr)
{
	return err_set(reterr, -ENOENT, manifest->text, "there is no such image here");
}

int record_read(const struct storage *storage, const struct digest *manifest, struct arena *arena,
	struct image_record *ret, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	struct image_record record = {0};
	char path[RECORD_PATH_ROOM];
	size_t length = 0;
	int r;

	if (!digest_is_valid(manifest->text))
		return err_set(reterr, -EINVAL, manifest->text, "is no digest");
	fd = path_open_no_links(
		storage->directory, record_path(manifest, path), O_RDONLY | O_NONBLOCK);
	if (fd == -ENOENT)
		return set_missing(manifest, reterr);
	r = fd < 0 ? fd : file_read_fd(fd, RECORD_BYTES, &text, &length);
	if (r < 0)
		return err_set(reterr, r, path, "%s", strerror(-r));
	r = record_parse(path, text, length, arena, &record, reterr);
	if (r == 0 && !digest_equal(&record.manifest, manifest))
		r = err_set(reterr, -EBADMSG, path, "is the record of another image");
	if (r == 0)
		*ret = record;
	else if (r == -EBADMSG)
		err_hint(reterr, "`immure image verify` makes it anew");
	return r;
}

/*
 * The lock counts only while the file is the one that others find by its name: whoever removes or
 * replaces it has had it locked alone.
 */
static int lock_record(int directory, const char *path, int operation)
{
	for (;;) {
		_cleanup_close_ int fd = path_open_no_links(directory, path, O_RDONLY | O_NONBLOCK);
		struct stat ours, named;

		if (fd < 0)
			return fd;
		while (!mutant(MUTANT_RECORD_LOCK) && flock(fd, operation))
			if (errno != EINTR)
				return -errno;
		if (fstat(fd, &ours))
			return -errno;
		if (fstatat(directory, path, &named, AT_SYMLINK_NOFOLLOW))
			return -errno;
		if (ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
			return take_fd(&fd);
	}
}

int record_hold(const struct storage *storage, const struct digest *manifest, struct err *reterr)
{
	char path[RECORD_PATH_ROOM];
	int fd;

	if (!digest_is_valid(manifest->text))
		return err_set(reterr, -EINVAL, manifest->text, "is no digest");
	fd = lock_record(storage->directory, record_path(manifest, path), LOCK_SH);
	if (fd == -ENOENT)
		return set_missing(manifest, reterr);
	if (fd < 0)
		return err_set(reterr, fd, path, "cannot lock it: %s", strerror(-fd));
	return fd;
}

int record_lock(const struct storage *storage, const struct digest *manifest)
{
	char path[RECORD_PATH_ROOM];

	return lock_record(storage->directory, record_path(manifest, path), LOCK_EX | LOCK_NB);
}

static bool is_there(
	const struct storage *storage, const char *path, const char *text, size_t length)
{
	_cleanup_close_ int fd =
		path_open_no_links(storage->directory, path, O_RDONLY | O_NONBLOCK);
	_cleanup_free_ char *old = NULL;
	size_t old_length = 0;

	return fd >= 0 && file_read_fd(fd, RECORD_BYTES, &old, &old_length) == 0 &&
	       old_length == length && memcmp(old, text, length) == 0;
}

int record_write(
	const struct storage *storage, const struct image_record *record, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int directory = -1, lock = -1;
	char path[RECORD_PATH_ROOM];
	size_t length = 0;
	int r = record_emit(record, &text, &length, reterr);

	if (r < 0)
		return r;
	if (is_there(storage, record_path(&record->manifest, path), text, length))
		return 0;
	lock = record_lock(storage, &record->manifest);
	if (lock == -EWOULDBLOCK)
		return 0; /* of the same manifest: it says the same, in an older way */
	if (lock < 0 && lock != -ENOENT)
		return err_set(reterr, lock, path, "cannot lock it: %s", strerror(-lock));
	directory = storage_directory(storage, "records");
	if (directory < 0)
		r = directory;
	else if (lock < 0)
		r = storage_add_file(directory, path + strlen("records/"), text, length);
	else
		r = file_replace_at(directory, path + strlen("records/"), text, length);
	return r < 0 ? err_set(reterr, r, path, "cannot write it: %s", strerror(-r)) : 0;
}
