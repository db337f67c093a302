/*
 * Content by digest: see blob.h. A blob is written in staging/, checked and flushed there, and
 * appears under its name by one rename: what has the name is whole, whenever we are killed.
 */
#include "image/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/hash.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/path.h"

#define CHUNK ((size_t)256 * 1024)
#define PATH_ROOM 192

static const char *blob_path(const struct digest *digest, char buffer[PATH_ROOM])
{
	(void)snprintf(buffer, PATH_ROOM, "images/blobs/%.*s/%s",
		(int)digest_algorithm_length(digest), digest->text, digest_hex(digest));
	return buffer;
}

/* ---- reading ---- */

static int open_file(const struct storage *storage, const struct digest *digest, uint64_t *ret_size)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_ROOM];
	struct stat status;

	if (!digest_is_valid(digest->text))
		return -EINVAL;
	fd = path_open_no_links(storage->directory, blob_path(digest, path), O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADMSG;
	*ret_size = (uint64_t)status.st_size;
	return take_fd(&fd);
}

bool blob_exists(const struct storage *storage, const struct digest *digest)
{
	uint64_t size;
	_cleanup_close_ int fd = open_file(storage, digest, &size);

	return fd >= 0;
}

int blob_open(const struct storage *storage, const struct digest *digest, uint64_t *ret_size,
	struct err *reterr)
{
	int fd = open_file(storage, digest, ret_size);

	if (fd == -ENOENT)
		return err_set(reterr, fd, digest->text, "this blob is not here");
	return fd < 0 ? err_set(reterr, fd, digest->text, "%s", strerror(-fd)) : fd;
}

static int set_mismatch(
	const struct digest *wanted, const struct digest *is, const char *what, struct err *reterr)
{
	return err_set(reterr, -EBADMSG, wanted->text, "%s comes to %s", what, is->text);
}

int blob_read(const struct storage *storage, const struct digest *digest, size_t maximum,
	char **ret_text, size_t *ret_length, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	struct digest is;
	uint64_t size;
	_cleanup_close_ int fd = blob_open(storage, digest, &size, reterr);
	size_t length = 0;
	int r;

	if (fd < 0)
		return fd;
	r = file_read_fd(fd, maximum, &text, &length);
	if (r == -EFBIG)
		return err_set(
			reterr, r, digest->text, "is a document of more than %zu bytes", maximum);
	if (r == 0)
		r = hash_memory(digest, text, length, &is);
	if (r < 0)
		return err_set(reterr, r, digest->text, "cannot read it: %s", strerror(-r));
	if (!digest_equal(&is, digest))
		return set_mismatch(digest, &is, "what is stored under this name", reterr);
	*ret_text = take_pointer(&text);
	*ret_length = length;
	return 0;
}

/* Adds what fd holds, from offset on, to hash; ret_length: how much it was. */
static int hash_file(int fd, struct hash *hash, uint64_t *ret_length)
{
	_cleanup_free_ char *buffer = malloc(CHUNK);
	uint64_t length = 0;
	ssize_t got;

	if (!buffer)
		return -ENOMEM;
	for (;;) {
		got = pread(fd, buffer, CHUNK, (off_t)length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		if (hash_add(hash, buffer, (size_t)got) < 0)
			return -EIO;
		length += (uint64_t)got;
	}
	*ret_length = length;
	return 0;
}

int blob_verify(const struct storage *storage, const struct digest *digest, struct err *reterr)
{
	struct hash *hash;
	struct digest is;
	uint64_t size;
	_cleanup_close_ int fd = blob_open(storage, digest, &size, reterr);
	int r;

	if (fd < 0)
		return fd;
	hash = hash_start(digest);
	if (!hash)
		return err_set(reterr, -ENOMEM, digest->text, "out of memory");
	r = hash_file(fd, hash, &size);
	if (r < 0) {
		hash_free(hash);
		return err_set(reterr, r, digest->text, "cannot read it: %s", strerror(-r));
	}
	r = hash_finish(hash, &is);
	if (r < 0)
		return err_set(reterr, r, digest->text, "cannot hash it: %s", strerror(-r));
	return digest_equal(&is, digest) || mutant(MUTANT_BLOB_VERIFY)
		       ? 0
		       : set_mismatch(digest, &is, "what is stored under this name", reterr);
}

int blob_remove(const struct storage *storage, const struct digest *digest)
{
	char path[PATH_ROOM];

	if (!digest_is_valid(digest->text))
		return -EINVAL;
	return unlinkat(storage->directory, blob_path(digest, path), 0) ? -errno : 0;
}

/* ---- writing ---- */

static int set_failed(
	const struct blob_writer *writer, const char *what, int code, struct err *reterr)
{
	return err_set(reterr, code,
		writer->expected.text[0] ? writer->expected.text : writer->name, "cannot %s: %s",
		what, strerror(-code));
}

/*
 * Opens and locks the partial file. The lock counts only while the file still has its name:
 * somebody who finishes or throws away renames or removes it, under the lock.
 */
static int open_partial(int staging, const char *name)
{
	for (;;) {
		_cleanup_close_ int fd = openat(staging, name,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		struct stat ours, named;

		if (fd < 0)
			return -errno;
		if (!mutant(MUTANT_BLOB_LOCK) && flock(fd, LOCK_EX | LOCK_NB))
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
		if (fstat(fd, &ours) || fchmod(fd, 0600)) /* whatever the umask left */
			return -errno;
		if (!S_ISREG(ours.st_mode))
			return -EINVAL;
		if (fstatat(staging, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
			ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
			return take_fd(&fd);
	}
}

static int name_writer(struct blob_writer *writer)
{
	uint64_t random;

	if (writer->expected.text[0]) {
		(void)snprintf(writer->name, sizeof(writer->name), "%s.partial",
			digest_hex(&writer->expected));
		return 0;
	}
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(
		writer->name, sizeof(writer->name), "blob-%016llx", (unsigned long long)random);
	return 0;
}

static int start_again(struct blob_writer *writer)
{
	hash_free(writer->hash);
	writer->written = 0;
	writer->hash = hash_start(writer->expected.text[0] ? &writer->expected : NULL);
	if (!writer->hash)
		return -ENOMEM;
	if (ftruncate(writer->fd, 0) || lseek(writer->fd, 0, SEEK_SET) < 0)
		return -errno;
	return 0;
}

/* Hashes what an earlier try left, and goes on behind it; from nothing where it is too much. */
static int take_up(struct blob_writer *writer)
{
	struct stat status;
	int r;

	if (fstat(writer->fd, &status))
		return -errno;
	if (status.st_size == 0 || (uint64_t)status.st_size > writer->size)
		return start_again(writer);
	writer->hash = hash_start(writer->expected.text[0] ? &writer->expected : NULL);
	if (!writer->hash)
		return -ENOMEM;
	r = hash_file(writer->fd, writer->hash, &writer->written);
	if (r < 0)
		return r;
	return lseek(writer->fd, (off_t)writer->written, SEEK_SET) < 0 ? -errno : 0;
}

int blob_begin(const struct storage *storage, const struct digest *expected, uint64_t size,
	struct blob_writer *ret, uint64_t *ret_offset, struct err *reterr)
{
	struct blob_writer writer = {.storage = storage, .size = size, .fd = -1};
	_cleanup_close_ int staging = -1;
	int r;

	if (expected && !digest_is_valid(expected->text))
		return err_set(reterr, -EINVAL, expected->text, "is no digest");
	if (expected)
		writer.expected = *expected;
	staging = storage_directory(storage, "staging");
	r = staging < 0 ? staging : name_writer(&writer);
	if (r < 0)
		return set_failed(&writer, "make a file in staging/", r, reterr);
	writer.fd = open_partial(staging, writer.name);
	if (writer.fd == -EBUSY)
		return err_set(reterr, -EBUSY, writer.expected.text,
			"another process is writing this blob at the moment");
	if (writer.fd < 0)
		return set_failed(&writer, "make a file in staging/", writer.fd, reterr);
	r = take_up(&writer);
	if (r < 0) {
		(void)set_failed(&writer, "write it", r, reterr);
		blob_abandon(&writer, true);
		return r;
	}
	*ret = writer;
	*ret_offset = writer.written;
	return 0;
}

ssize_t blob_reread(const struct blob_writer *writer, uint64_t offset, void *buffer, size_t size)
{
	ssize_t got;

	if (offset >= writer->written)
		return 0;
	if (size > writer->written - offset)
		size = (size_t)(writer->written - offset);
	do
		got = pread(writer->fd, buffer, size, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

int blob_append(struct blob_writer *writer, const void *data, size_t length, struct err *reterr)
{
	int r;

	if (length > writer->size - writer->written && !mutant(MUTANT_BLOB_SIZE))
		return err_set(reterr, -EFBIG, writer->expected.text,
			"is longer than the %" PRIu64 " bytes that its descriptor says",
			writer->size);
	r = file_write_all(writer->fd, data, length);
	if (r == 0)
		r = hash_add(writer->hash, data, length);
	if (r < 0)
		return set_failed(writer, "write it", r, reterr);
	writer->written += length;
	return 0;
}

int blob_restart(struct blob_writer *writer, struct err *reterr)
{
	int r = start_again(writer);

	return r < 0 ? set_failed(writer, "write it", r, reterr) : 0;
}

void blob_abandon(struct blob_writer *writer, bool keep)
{
	/* a writer that is zero has no storage, one that is finished no descriptor */
	if (!writer->storage || writer->fd < 0)
		return;
	if (!keep || !writer->expected.text[0]) { /* one without a digest nobody would find again */
		_cleanup_close_ int staging = storage_directory(writer->storage, "staging");

		if (staging >= 0) /* what cannot be removed is rubbish for the collector */
			(void)unlinkat(staging, writer->name, 0);
	}
	hash_free(writer->hash);
	writer->hash = NULL;
	(void)close(writer->fd); /* abandoned: its content no longer matters */
	writer->fd = -1;
}

/* A folder for the algorithm; that of sha256 has been there from the beginning. */
static int open_blobs(const struct storage *storage, const struct digest *digest)
{
	char path[PATH_ROOM];

	(void)blob_path(digest, path);
	*strrchr(path, '/') = '\0';
	if (mkdirat(storage->directory, path, 0700) && errno != EEXIST)
		return -errno;
	return storage_directory(storage, path);
}

static int publish(struct blob_writer *writer, const struct digest *digest)
{
	_cleanup_close_ int staging = storage_directory(writer->storage, "staging");
	_cleanup_close_ int blobs = staging < 0 ? -1 : open_blobs(writer->storage, digest);

	if (staging < 0 || blobs < 0)
		return staging < 0 ? staging : blobs;
	if (!mutant(MUTANT_BLOB_FLUSH) && fsync(writer->fd))
		return -errno;
	/* over one that is there: this one has just been checked */
	if (renameat(staging, writer->name, blobs, digest_hex(digest)))
		return -errno;
	(void)fsync(blobs); /* the name's durability; some file systems refuse it on directories */
	return 0;
}

static int check_written(struct blob_writer *writer, struct digest *ret, struct err *reterr)
{
	struct hash *hash = take_pointer(&writer->hash);
	struct digest digest;
	int r = hash_finish(hash, &digest);

	if (r < 0)
		return set_failed(writer, "hash it", r, reterr);
	if (writer->size != UINT64_MAX && writer->written != writer->size &&
		!mutant(MUTANT_BLOB_SIZE))
		return err_set(reterr, -EBADMSG, writer->expected.text,
			"is %" PRIu64 " bytes long, not the %" PRIu64 " that its descriptor says",
			writer->written, writer->size);
	if (writer->expected.text[0] && !digest_equal(&digest, &writer->expected) &&
		!mutant(MUTANT_BLOB_DIGEST))
		return set_mismatch(&writer->expected, &digest, "what was received", reterr);
	*ret = digest;
	return 0;
}

int blob_finish(struct blob_writer *writer, struct digest *ret, struct err *reterr)
{
	struct digest digest;
	int r = check_written(writer, &digest, reterr);

	if (r == 0) {
		r = publish(writer, &digest);
		if (r < 0)
			(void)set_failed(writer, "store it", r, reterr);
	}
	if (r < 0) {
		/* what turned out wrong must not be taken up again */
		blob_abandon(writer, r != -EBADMSG);
		return r;
	}
	(void)close(writer->fd); /* flushed before */
	writer->fd = -1;
	*ret = digest;
	return 0;
}

int blob_put(const struct storage *storage, const void *data, size_t length, struct digest *ret,
	struct err *reterr)
{
	struct blob_writer writer;
	uint64_t offset;
	int r = blob_begin(storage, NULL, length, &writer, &offset, reterr);

	if (r < 0)
		return r;
	r = blob_append(&writer, data, length, reterr);
	if (r < 0) {
		blob_abandon(&writer, false);
		return r;
	}
	return blob_finish(&writer, ret, reterr);
}
