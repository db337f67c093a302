/* Layers: their limits (T-TAR-20, T-TAR-22), made small, and the check of headers in pieces of any size. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "image/layer.h"
#include "image/storage.h"
#include "image/tar_check.h"
#include "util/tree.h"

static uint8_t archive[1024 * TAR_BLOCK];
static size_t used;

static void put_octal(uint8_t *field, size_t size, unsigned long value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%0*lo", (int)size - 1, value);
	memcpy(field, text, size - 1);
}

static void put_entry(const char *name, char type, unsigned long size)
{
	uint8_t *block = archive + used;
	unsigned long sum = 0;

	memset(block, 0, TAR_BLOCK);
	(void)snprintf((char *)block, 100, "%s", name);
	put_octal(block + 100, 8, 0755);
	put_octal(block + 108, 8, 0);
	put_octal(block + 116, 8, 0);
	put_octal(block + 124, 12, size);
	put_octal(block + 136, 12, 0);
	memset(block + 148, ' ', 8);
	block[156] = (uint8_t)type;
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	put_octal(block + 148, 7, sum);
	used += TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

static void put_end(void)
{
	memset(archive + used, 0, (size_t)2 * TAR_BLOCK);
	used += (size_t)2 * TAR_BLOCK;
}

/* ---- the check ---- */

static int check_in_pieces(size_t piece, struct tar_check *ret)
{
	struct err err = {0};
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	tar_check_start(ret);
	for (size_t at = 0; r == 0 && at < used; at += piece)
		r = tar_check_feed(ret, archive + at, used - at < piece ? used - at : piece, &err);
	r = r < 0 ? (free(ret->body), r) : tar_check_finish(ret, &err);
	return r;
}

static void test_pieces(void)
{
	static const size_t pieces[] = {1, 7, 511, 512, 513, 1000, 4096, sizeof(archive)};
	struct tar_check whole;
	uint64_t offset = 0;

	used = 0;
	put_entry("a", '0', 1000);
	put_entry("PaxHeader", 'x', 12);
	memcpy(archive + used - TAR_BLOCK, "12 path=abc\n", 12);
	put_entry("b", '0', 0);
	put_entry("d/", '5', 0);
	put_entry("long", 'L', 600);
	memset(archive + used - 2 * TAR_BLOCK, 'n', 599);
	archive[used - 2 * TAR_BLOCK + 599] = '\0';
	put_entry("c", '2', 0);
	put_end();
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		check_int(check_in_pieces(pieces[i], &whole), 0, "an archive in pieces of %zu", pieces[i]);
		check_int((long long)whole.entries, 4, "has four entries");
		check_int((long long)whole.offset, (long long)used, "and is seen to its end");
	}
	archive[used - 3 * TAR_BLOCK + 148] ^= 1; /* the last header's checksum */
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		check_int(check_in_pieces(pieces[i], &whole), -EBADMSG, "damaged, in pieces of %zu", pieces[i]);
		offset = offset ? offset : whole.offset;
		check_int((long long)whole.offset, (long long)offset, "it is refused at the same byte");
	}
}

/* ---- limits ---- */

static struct storage storage;

static int unpack(const struct layer_limits *limits, struct err *ret)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);
	struct layer_staging *staging = NULL;
	int r = -errno;

	if (fd >= 0 && write(fd, archive, used) == (ssize_t)used && lseek(fd, 0, SEEK_SET) == 0)
		r = layer_unpack(&storage, LAYER_SINGLE, fd, COMPRESSION_NONE, limits, &staging, ret);
	if (fd >= 0)
		(void)close(fd);
	layer_abandon(staging);
	return r;
}

static void test_limits(void)
{
	const struct layer_limits base = {.bytes = 4000, .entries = 20, .ratio = 200, .depth = 4};
	struct layer_limits limits;
	struct err err = {0};
	char name[64];

	used = 0;
	put_entry("a/b/c/d", '0', 1000);
	put_entry("x", '0', 3000);
	put_end();
	check_int(unpack(&base, &err), 0, "a layer within its limits");
	limits = base;
	limits.bytes = 3999;
	check_int(unpack(&limits, &err), -EFBIG, "a byte more than allowed");
	check(strstr(err.message, "larger than 3999") != NULL, "says so: %s", err.message);
	limits = base;
	limits.depth = 3;
	err = (struct err){0};
	check_int(unpack(&limits, &err), -EFBIG, "a level more than allowed");
	used = 0;
	for (unsigned i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		put_entry(name, '0', 0);
	}
	put_end();
	err = (struct err){0};
	check_int(unpack(&base, &err), 0, "as many entries as allowed");
	limits = base;
	limits.entries = 19;
	check_int(unpack(&limits, &err), -EFBIG, "one more");
	used = 0;
	put_entry("a/b/c/d", '5', 0);
	put_end();
	limits.entries = 3;
	err = (struct err){0};
	check_int(unpack(&limits, &err), -EFBIG, "directories that no entry names count as well");
	used = 0;
	for (unsigned i = 0; i < 30; i++)
		put_entry("same", '5', 0);
	put_end();
	err = (struct err){0};
	check_int(unpack(&base, &err), -EFBIG, "and so does the same name again");
}

static void test_waiting(void)
{
	struct layer_staging *staging = NULL;
	struct err err = {0};
	int pipe_fds[2];

	/* the writer stays open and silent: who has failed must not wait for it */
	used = 0;
	put_entry("../x", '0', 0);
	if (!check(pipe2(pipe_fds, O_CLOEXEC) == 0, "a pipe"))
		return;
	check(write(pipe_fds[1], archive, used) == (ssize_t)used, "half a layer");
	(void)alarm(60);
	check_int(layer_unpack(&storage, LAYER_SINGLE, pipe_fds[0], COMPRESSION_NONE, &layer_limits_default, &staging, &err),
		-EBADMSG, "is refused at once");
	(void)alarm(0);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
}

int main(void)
{
	char place[] = "/tmp/immure-test-layer-XXXXXX";
	struct err err = {0};

	test_pieces();
	if (!check(mkdtemp(place) != NULL, "a place") || !check(storage_open(place, true, &storage, &err) == 0, "a storage"))
		return check_done();
	test_limits();
	test_waiting();
	{
		int staging = storage_directory(&storage, "staging");
		struct stat status;

		check(staging >= 0 && fstat(staging, &status) == 0 && status.st_nlink == 2, "nothing is left in staging");
		if (staging >= 0)
			(void)close(staging);
	}
	storage_close(&storage);
	check_int(tree_remove(AT_FDCWD, place), 0, "all of it goes");
	return check_done();
}
