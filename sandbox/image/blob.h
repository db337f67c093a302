/*
 * Blobs: content by digest in images/blobs/. What is there has been checked, byte for byte, before
 * it got its name. Second program only.
 */
#ifndef IMMURE_IMAGE_BLOB_H
#define IMMURE_IMAGE_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "image/digest.h"
#include "image/storage.h"
#include "util/err.h"

struct hash;

/* Whether it is there; not whether it is whole. */
bool blob_exists(const struct storage *storage, const struct digest *digest);

/* A descriptor open for reading, and its size; -ENOENT where it is not there. Not verified again:
 * see blob_verify(). */
int blob_open(const struct storage *storage, const struct digest *digest, uint64_t *ret_size,
	struct err *reterr);

/* The whole of a small one, malloc'd, NUL after it, and verified: the bytes that were hashed are
 * the bytes returned (R32). */
int blob_read(const struct storage *storage, const struct digest *digest, size_t maximum,
	char **ret_text, size_t *ret_length, struct err *reterr);

/* -EBADMSG where the bytes are not what the name says. */
int blob_verify(const struct storage *storage, const struct digest *digest, struct err *reterr);

int blob_remove(const struct storage *storage, const struct digest *digest); /* 0 or -errno */

/*
 * Writing one. With an expected digest the bytes go to staging/HEX.partial, which is locked and is
 * taken up again where an earlier try was cut off: *ret_offset of blob_begin() says how many bytes
 * are there already (they have been hashed again; read them back with blob_reread() to feed them
 * on). -EBUSY where another process is writing the same blob at this moment. Without one (NULL) the
 * file is new.
 */
struct blob_writer {
	const struct storage *storage;
	struct hash *hash;
	struct digest expected; /* "" : whatever it comes to */
	uint64_t size;          /* expected; UINT64_MAX: unknown */
	uint64_t written;
	int fd;         /* -1: closed */
	char name[160]; /* in staging/ */
};
int blob_begin(const struct storage *storage, const struct digest *expected, uint64_t size,
	struct blob_writer *ret, uint64_t *ret_offset, struct err *reterr);
/* Reads back what is written already, from offset on: bytes (0: no more) or -errno. */
ssize_t blob_reread(const struct blob_writer *writer, uint64_t offset, void *buffer, size_t size);
/* Refuses the byte after the expected size (-EFBIG). */
int blob_append(struct blob_writer *writer, const void *data, size_t length, struct err *reterr);
/* Starts again from nothing: what was written was not what the server now says. */
int blob_restart(struct blob_writer *writer, struct err *reterr);
/* Size and digest checked (-EBADMSG), flushed, linked under its name; the writer is closed in every
 * case. A blob that is there already is no error. */
int blob_finish(struct blob_writer *writer, struct digest *ret, struct err *reterr);
/* Closes; keep: leaves the partial file for a later try, where it has an expected digest to be
 * found by. Nothing on a writer that is zero or finished. */
void blob_abandon(struct blob_writer *writer, bool keep);

/* A small document as a blob. */
int blob_put(const struct storage *storage, const void *data, size_t length, struct digest *ret,
	struct err *reterr);

#endif
