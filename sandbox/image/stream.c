/* Decompressing, hashing and checking, in a thread of its own: see stream.h. */
#include "image/stream.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "image/hash.h"
#include "image/tar_check.h"
#include "util/cleanup.h"
#include "util/mutant.h"

#define INPUT_BYTES ((size_t)128 * 1024)
#define BLOCK_BYTES ((size_t)256 * 1024)
#define BLOCKS 6                         /* decompressed, and not yet unpacked */
#define WINDOW_LOG 27                    /* 128 MiB: what a zstd frame may make us keep (R30) */
#define RATIO_FROM (UINT64_C(64) << 20)  /* below it nobody counts the ratio */
#define HEADERS_ROOM (UINT64_C(1) << 30) /* of headers and padding beside the files' content */

struct block {
	size_t length;
	unsigned char data[BLOCK_BYTES];
};

struct stream {
	/* the thread's own */
	int fd, stop; /* stop: readable once nobody wants any more */
	enum compression compression;
	struct layer_limits limits;
	struct hash *hash;
	struct tar_check check;
	z_stream inflate;
	bool inflating;
	ZSTD_DCtx *zstd;
	uint64_t in, out;
	size_t used, filled; /* of input */
	bool whole;          /* at the end of a gzip member or zstd frame */
	pthread_t thread;
	bool started, joined;

	/* shared, under lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned head, count; /* of blocks: the oldest full one, how many are full */
	bool ended, unwanted;
	struct err err;

	bool holding; /* the caller still reads block head */
	unsigned char input[INPUT_BYTES];
	struct block blocks[BLOCKS];
};

/* ---- the ring ---- */

/* A block to fill, or NULL where nobody wants one any more. */
static struct block *next_empty(struct stream *stream)
{
	struct block *block = NULL;

	(void)pthread_mutex_lock(&stream->lock);
	while (stream->count == BLOCKS && !stream->unwanted)
		(void)pthread_cond_wait(&stream->changed, &stream->lock);
	if (!stream->unwanted)
		block = &stream->blocks[(stream->head + stream->count) % BLOCKS];
	(void)pthread_mutex_unlock(&stream->lock);
	return block;
}

static void put_full(struct stream *stream)
{
	(void)pthread_mutex_lock(&stream->lock);
	stream->count++;
	(void)pthread_cond_broadcast(&stream->changed);
	(void)pthread_mutex_unlock(&stream->lock);
}

static void put_end(struct stream *stream, const struct err *err)
{
	(void)pthread_mutex_lock(&stream->lock);
	stream->ended = true;
	stream->err = *err;
	(void)pthread_cond_broadcast(&stream->changed);
	(void)pthread_mutex_unlock(&stream->lock);
}

size_t stream_read(struct stream *stream, const void **ret)
{
	size_t length = 0;

	(void)pthread_mutex_lock(&stream->lock);
	if (stream->holding) {
		stream->head = (stream->head + 1) % BLOCKS;
		stream->count--;
		stream->holding = false;
		(void)pthread_cond_broadcast(&stream->changed);
	}
	while (stream->count == 0 && !stream->ended)
		(void)pthread_cond_wait(&stream->changed, &stream->lock);
	if (stream->count > 0) {
		stream->holding = true;
		length = stream->blocks[stream->head].length;
		*ret = stream->blocks[stream->head].data;
	}
	(void)pthread_mutex_unlock(&stream->lock);
	return length;
}

/* ---- reading and decompressing ---- */

/*
 * Bytes read, 0 at the end, or -errno. A pipe that a stalled download feeds must not hold up the
 * caller who has given up: hence the second descriptor.
 */
static ssize_t read_input(struct stream *stream, void *buffer, size_t size, struct err *reterr)
{
	struct pollfd fds[] = {{stream->fd, POLLIN, 0}, {stream->stop, POLLIN, 0}};
	ssize_t got;

	do {
		if (poll(fds, 2, -1) > 0 && fds[1].revents)
			return err_set(reterr, -ECANCELED, NULL, "no longer wanted");
		got = read(stream->fd, buffer, size);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got < 0)
		return err_set(reterr, -errno, NULL, "cannot read the layer: %s", strerror(errno));
	stream->in += (uint64_t)got;
	return got;
}

/* Sees to it that there is input; 0 at its end. */
static ssize_t fill_input(struct stream *stream, struct err *reterr)
{
	ssize_t got;

	if (stream->used < stream->filled)
		return 1;
	got = read_input(stream, stream->input, sizeof(stream->input), reterr);
	stream->used = 0;
	stream->filled = got > 0 ? (size_t)got : 0;
	return got;
}

static ssize_t read_plain(
	struct stream *stream, unsigned char *out, size_t size, struct err *reterr)
{
	size_t ready = stream->filled - stream->used;

	stream->whole = true;
	if (ready == 0)
		return read_input(stream, out, size, reterr);
	if (ready > size)
		ready = size;
	memcpy(out, stream->input + stream->used, ready); /* what was read for a guess */
	stream->used += ready;
	return (ssize_t)ready;
}

/*
 * RFC 1952: members follow one another, and zlib checks each one's sum and length; anything but a
 * member after a member is an error, where others stop reading.
 */
static ssize_t read_gzip(struct stream *stream, unsigned char *out, size_t size, struct err *reterr)
{
	z_stream *z = &stream->inflate;
	ssize_t got;
	int r = Z_OK;

	z->next_out = out;
	z->avail_out = (unsigned)size;
	while (z->avail_out > 0) {
		got = fill_input(stream, reterr);
		if (got < 0)
			return got;
		/* at the end of input zlib may still hold output: it is asked until it has none */
		if (got == 0 && (stream->whole || r == Z_BUF_ERROR))
			break;
		if (stream->whole && inflateReset(z) != Z_OK)
			return err_set(reterr, -EIO, NULL, "zlib cannot begin another member");
		z->next_in = stream->input + stream->used;
		z->avail_in = (unsigned)(stream->filled - stream->used);
		r = inflate(z, Z_NO_FLUSH);
		stream->used = stream->filled - z->avail_in;
		stream->whole = r == Z_STREAM_END;
		if (r == Z_MEM_ERROR)
			return err_no_memory(reterr);
		if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
			return err_set(reterr, -EBADMSG, NULL, "not the gzip data it should be: %s",
				z->msg ? z->msg : "damaged");
	}
	return (ssize_t)(size - z->avail_out);
}

/* RFC 8878. Skippable frames are passed over; each frame's sum is checked where it has one. */
static ssize_t read_zstd(struct stream *stream, unsigned char *out, size_t size, struct err *reterr)
{
	ZSTD_outBuffer output = {out, size, 0};
	bool drained = false; /* the decoder may hold more than it had room for */

	while (output.pos < size) {
		ssize_t got = fill_input(stream, reterr);
		ZSTD_inBuffer input = {stream->input, stream->filled, stream->used};
		size_t before = output.pos, r;

		if (got < 0)
			return got;
		if (got == 0 && (stream->whole || drained))
			break;
		r = ZSTD_decompressStream(stream->zstd, &output, &input);
		stream->used = input.pos;
		if (ZSTD_isError(r))
			return err_set(reterr, -EBADMSG, NULL, "not the zstd data it should be: %s",
				ZSTD_getErrorName(r));
		stream->whole = r == 0;
		drained = got == 0 && output.pos == before;
	}
	return (ssize_t)output.pos;
}

static ssize_t decompress(
	struct stream *stream, unsigned char *out, size_t size, struct err *reterr)
{
	switch (stream->compression) {
	case COMPRESSION_NONE: return read_plain(stream, out, size, reterr);
	case COMPRESSION_GZIP: return read_gzip(stream, out, size, reterr);
	case COMPRESSION_ZSTD: return read_zstd(stream, out, size, reterr);
	}
	return err_set(reterr, -EINVAL, NULL, "no such compression");
}

/* ---- the thread ---- */

static int check_limits(const struct stream *stream, struct err *reterr)
{
	if (stream->out > stream->limits.bytes + HEADERS_ROOM && !mutant(MUTANT_TAR_BYTES))
		return err_set(reterr, -EFBIG, NULL, "the layer is larger than %llu bytes",
			(unsigned long long)stream->limits.bytes);
	if (stream->out > RATIO_FROM && stream->out / stream->limits.ratio > stream->in &&
		!mutant(MUTANT_TAR_RATIO))
		return err_set(reterr, -EFBIG, NULL,
			"the layer expands more than %u times: no honest archive does",
			stream->limits.ratio);
	return 0;
}

/* One block through it all: 1, 0 at the end, or -errno. */
static int pump(struct stream *stream, struct block *block, struct err *reterr)
{
	ssize_t got = decompress(stream, block->data, sizeof(block->data), reterr);
	int r;

	if (got < 0)
		return (int)got;
	if (got == 0 && !stream->whole)
		return err_set(reterr, -EBADMSG, NULL, "the compressed layer ends in the middle");
	if (got == 0)
		return 0;
	block->length = (size_t)got;
	stream->out += (uint64_t)got;
	r = check_limits(stream, reterr);
	if (r == 0 && hash_add(stream->hash, block->data, block->length) < 0)
		r = err_set(reterr, -EIO, NULL, "cannot compute the layer's digest");
	if (r == 0)
		r = tar_check_feed(&stream->check, block->data, block->length, reterr);
	return r < 0 ? r : 1;
}

static void *run(void *argument)
{
	struct stream *stream = argument;
	struct err err = {0};
	struct block *block;
	int r = 0;

	while ((block = next_empty(stream))) {
		r = pump(stream, block, &err);
		if (r <= 0)
			break;
		put_full(stream);
	}
	if (!block)
		r = err_set(&err, -ECANCELED, NULL, "no longer wanted");
	if (r == 0)
		(void)tar_check_finish(&stream->check, &err);
	put_end(stream, &err);
	return NULL;
}

/* ---- beginning and end ---- */

static int prepare(struct stream *stream, struct err *reterr)
{
	stream->hash = hash_start(NULL);
	if (!stream->hash)
		return err_no_memory(reterr);
	if (stream->compression == COMPRESSION_GZIP) {
		stream->whole = false;
		stream->inflating = inflateInit2(&stream->inflate, 15 + 16) == Z_OK;
		if (!stream->inflating)
			return err_no_memory(reterr);
	}
	if (stream->compression == COMPRESSION_ZSTD) {
		stream->zstd = ZSTD_createDCtx();
		if (!stream->zstd ||
			ZSTD_isError(ZSTD_DCtx_setParameter(stream->zstd, ZSTD_d_windowLogMax,
				mutant(MUTANT_ZSTD_WINDOW) ? 31 : WINDOW_LOG)))
			return err_no_memory(reterr);
	}
	return 0;
}

/* Signals are for the thread that main runs in. */
static int start_thread(struct stream *stream, struct err *reterr)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&stream->thread, NULL, run, stream);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return err_set(reterr, -r, NULL, "cannot make a thread: %s", strerror(r));
	stream->started = true;
	return 0;
}

static struct stream *make_stream(int fd, const struct layer_limits *limits, struct err *reterr)
{
	struct stream *stream = malloc(sizeof(*stream));

	if (!stream) {
		(void)err_no_memory(reterr);
		return NULL;
	}
	memset(stream, 0, offsetof(struct stream, input)); /* the buffers stay untouched pages */
	stream->fd = fd;
	stream->limits = *limits;
	(void)pthread_mutex_init(&stream->lock, NULL); /* neither can fail on Linux */
	(void)pthread_cond_init(&stream->changed, NULL);
	tar_check_start(&stream->check);
	stream->stop = eventfd(0, EFD_CLOEXEC);
	if (stream->stop >= 0)
		return stream;
	(void)err_set(reterr, -errno, NULL, "cannot make an event: %s", strerror(errno));
	stream_free(stream);
	return NULL;
}

static int begin(struct stream *stream, struct stream **ret, struct err *reterr)
{
	int r = prepare(stream, reterr);

	if (r == 0)
		r = start_thread(stream, reterr);
	if (r < 0) {
		stream_free(stream);
		return r;
	}
	*ret = stream;
	return 0;
}

int stream_start(int fd, enum compression compression, const struct layer_limits *limits,
	struct stream **ret, struct err *reterr)
{
	struct stream *stream = make_stream(fd, limits, reterr);

	if (!stream)
		return -ENOMEM;
	stream->compression = compression;
	return begin(stream, ret, reterr);
}

enum compression stream_guess(const void *data, size_t length)
{
	if (length >= 2 && memcmp(data, "\x1f\x8b", 2) == 0)
		return COMPRESSION_GZIP;
	if (length >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0)
		return COMPRESSION_ZSTD;
	return COMPRESSION_NONE;
}

int stream_start_guessing(
	int fd, const struct layer_limits *limits, struct stream **ret, struct err *reterr)
{
	struct stream *stream = make_stream(fd, limits, reterr);
	ssize_t got = 1;

	if (!stream)
		return -ENOMEM;
	while (got > 0 && stream->filled < 4) { /* a pipe may give less at once */
		got = read_input(stream, stream->input + stream->filled,
			sizeof(stream->input) - stream->filled, reterr);
		stream->filled += got > 0 ? (size_t)got : 0;
	}
	if (got < 0) {
		stream_free(stream);
		return (int)got;
	}
	stream->compression = stream_guess(stream->input, stream->filled);
	return begin(stream, ret, reterr);
}

int stream_finish(struct stream *stream, struct stream_result *ret, struct err *reterr)
{
	const void *rest;

	while (stream_read(stream, &rest) > 0)
		; /* zeros after the archive's end, or what is left after a failure */
	(void)pthread_join(stream->thread, NULL);
	stream->joined = true;
	if (stream->err.code)
		return err_set(reterr, stream->err.code, NULL, "%s", stream->err.message);
	ret->size = stream->out;
	ret->entries = stream->check.entries;
	if (hash_finish(take_pointer(&stream->hash), &ret->diff) < 0)
		return err_set(reterr, -EIO, NULL, "cannot compute the layer's digest");
	return 0;
}

void stream_error(struct stream *stream, struct err *err)
{
	(void)pthread_mutex_lock(&stream->lock);
	if (stream->ended && stream->err.code)
		*err = stream->err;
	(void)pthread_mutex_unlock(&stream->lock);
}

void stream_free(struct stream *stream)
{
	uint64_t one = 1;

	if (!stream)
		return;
	if (stream->started && !stream->joined) {
		(void)pthread_mutex_lock(&stream->lock);
		stream->unwanted = true;
		(void)pthread_cond_broadcast(&stream->changed);
		(void)pthread_mutex_unlock(&stream->lock);
		if (write(stream->stop, &one, sizeof(one)) == (ssize_t)sizeof(one))
			(void)pthread_join(stream->thread, NULL);
	}
	if (stream->stop >= 0)
		(void)close(stream->stop);
	if (stream->inflating)
		(void)inflateEnd(&stream->inflate);
	(void)ZSTD_freeDCtx(stream->zstd);
	hash_free(stream->hash);
	free(stream->check.body);
	(void)pthread_mutex_destroy(&stream->lock);
	(void)pthread_cond_destroy(&stream->changed);
	free(stream);
}
