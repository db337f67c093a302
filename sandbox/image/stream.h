/*
 * The compressed archive of a layer on its way in: a thread reads, decompresses, hashes and checks
 * it (tar_check.h) block by block, while the caller makes files of the blocks before. zlib and
 * libzstd do it, not libarchive's filters: of a gzip member those check neither sum nor length, and
 * what follows the last one they drop in silence, so that it would be hashed by nobody (T-TAR-28,
 * T-TAR-43). Second program only.
 */
#ifndef IMMURE_IMAGE_STREAM_H
#define IMMURE_IMAGE_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "image/digest.h"
#include "image/layer.h"
#include "image/manifest.h"
#include "util/err.h"

struct stream; /* opaque */

/* fd stays the caller's, and open until stream_free(). 0 or -errno. */
int stream_start(int fd, enum compression compression, const struct layer_limits *limits,
	struct stream **ret, struct err *reterr);

/* What the first bytes of an archive say it is; anything unknown is taken for a plain archive,
 * which the check of it will then refuse. */
enum compression stream_guess(const void *data, size_t length);

/* The same for an archive of which nobody has said how it is compressed: its first bytes tell. */
int stream_start_guessing(
	int fd, const struct layer_limits *limits, struct stream **ret, struct err *reterr);

/*
 * The next block of the archive: valid until the next call. Its length; 0 at the end, and where the
 * stream has failed (stream_finish() says so).
 */
size_t stream_read(struct stream *stream, const void **ret);

/* What came through, once it has all come: waits for the end. */
struct stream_result {
	struct digest diff; /* sha256 of the whole archive, decompressed */
	uint64_t size;      /* of it */
	uint64_t entries;   /* as the check counted them */
};
int stream_finish(struct stream *stream, struct stream_result *ret, struct err *reterr);

/* Puts what ended the stream into err, in place of what is there; nothing where nothing did. */
void stream_error(struct stream *stream, struct err *err);

/* Stops what is still going on. NULL is fine. */
void stream_free(struct stream *stream);

#endif
