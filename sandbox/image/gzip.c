/* Compressing into the store: see gzip.h. */
#include "image/gzip.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "image/hash.h"
#include "util/cleanup.h"

struct gzip {
	z_stream deflate;
	bool deflating;
	struct hash *diff;
	struct blob_writer blob;
	unsigned char out[64 * 1024];
};

void gzip_abandon(struct gzip *gzip)
{
	if (!gzip)
		return;
	if (gzip->deflating)
		(void)deflateEnd(&gzip->deflate);
	hash_free(gzip->diff);
	blob_abandon(&gzip->blob, false);
	free(gzip);
}

/* Lets zlib go on with what it has; flush: Z_NO_FLUSH, or Z_FINISH at the end. */
static int pump(struct gzip *gzip, int flush, struct err *reterr)
{
	int r;

	do {
		gzip->deflate.next_out = gzip->out;
		gzip->deflate.avail_out = sizeof(gzip->out);
		if (deflate(&gzip->deflate, flush) == Z_STREAM_ERROR)
			return err_set(reterr, -EIO, NULL, "zlib cannot go on");
		r = blob_append(&gzip->blob, gzip->out, sizeof(gzip->out) - gzip->deflate.avail_out,
			reterr);
	} while (r == 0 && gzip->deflate.avail_out == 0);
	return r;
}

static int take(void *context, const void *data, size_t length, struct err *reterr)
{
	struct gzip *gzip = context;

	if (length > UINT_MAX)
		return err_set(reterr, -EFBIG, NULL, "too much at once");
	if (hash_add(gzip->diff, data, length) < 0)
		return err_set(reterr, -EIO, NULL, "cannot compute the layer's digest");
	gzip->deflate.next_in = (unsigned char *)(uintptr_t)data; /* zlib only reads it */
	gzip->deflate.avail_in = (unsigned)length;
	return pump(gzip, Z_NO_FLUSH, reterr);
}

int gzip_start(const struct storage *storage, struct gzip **ret, struct tar_sink *ret_sink,
	struct err *reterr)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));
	uint64_t offset;
	int r;

	if (!gzip)
		return err_no_memory(reterr);
	gzip->blob.fd = -1;
	gzip->diff = hash_start(NULL);
	/* 16: gzip's header, which zlib leaves without a time: the same bytes every time */
	gzip->deflating =
		deflateInit2(&gzip->deflate, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
	r = gzip->diff && gzip->deflating ? 0 : err_no_memory(reterr);
	if (r == 0)
		r = blob_begin(storage, NULL, UINT64_MAX, &gzip->blob, &offset, reterr);
	if (r < 0) {
		gzip_abandon(gzip);
		return r;
	}
	*ret = gzip;
	*ret_sink = (struct tar_sink){.data = take, .context = gzip};
	return 0;
}

int gzip_finish(
	struct gzip *gzip, struct make_layer *ret, struct digest *ret_diff, struct err *reterr)
{
	struct make_layer layer = {.compression = COMPRESSION_GZIP};
	int r = pump(gzip, Z_FINISH, reterr);

	if (r == 0 && hash_finish(take_pointer(&gzip->diff), ret_diff) < 0)
		r = err_set(reterr, -EIO, NULL, "cannot compute the layer's digest");
	layer.size = gzip->blob.written;
	if (r == 0)
		r = blob_finish(&gzip->blob, &layer.blob, reterr);
	gzip_abandon(gzip);
	if (r == 0)
		*ret = layer;
	return r;
}
