/* An image as a whole: see image.h. */
#include "image/image.h"

#include <errno.h>
#include <string.h>

#include "image/blob.h"
#include "image/index.h"
#include "image/tag.h"
#include "util/arena.h"
#include "util/cleanup.h"

static int read_manifest(const struct storage *storage, const struct digest *digest,
	struct arena *arena, struct image *image, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	int r = blob_read(storage, digest, MANIFEST_BYTES, &text, &image->manifest_size, reterr);

	if (r == 0)
		r = manifest_parse(digest->text, text, image->manifest_size, NULL, arena,
			&image->manifest, reterr);
	if (r == 0 && image->manifest.kind != DOCUMENT_MANIFEST)
		r = err_set(reterr, -EBADMSG, digest->text,
			"is an index of images, not the manifest of one");
	return r;
}

static int read_config(
	const struct storage *storage, struct arena *arena, struct image *image, struct err *reterr)
{
	const struct descriptor *descriptor = &image->manifest.config;
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = blob_read(storage, &descriptor->digest, MANIFEST_BYTES, &text, &length, reterr);

	if (r == 0 && length != descriptor->size)
		r = err_set(reterr, -EBADMSG, descriptor->digest.text,
			"is not as long as the manifest says");
	if (r == 0)
		r = config_parse(descriptor->digest.text, text, length, image->manifest.layer_count,
			arena, &image->config, reterr);
	return r;
}

int image_load(const struct storage *storage, const struct digest *digest, struct arena *arena,
	struct image *ret, struct err *reterr)
{
	struct image image = {0};
	int r = read_manifest(storage, digest, arena, &image, reterr);

	if (r == 0)
		r = read_config(storage, arena, &image, reterr);
	if (r < 0)
		return r;
	image.config.record.manifest = *digest;
	/* no overflow: 128 layers of at most 8 GiB */
	image.size = image.manifest_size + image.manifest.config.size;
	for (size_t i = 0; i < image.manifest.layer_count; i++)
		image.size += image.manifest.layers[i].size;
	*ret = image;
	return 0;
}

/* changed: it meant something else before, or nothing. */
static int set_name(const struct storage *storage, const struct reference *name,
	const struct digest *manifest, bool *ret_changed, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {0};
	struct tag tag;

	*ret_changed = tag_read(storage, name, &arena, &tag, NULL) < 0 ||
		       !digest_equal(&tag.meanings[0].manifest, manifest);
	return tag_set(storage, name, manifest, reterr);
}

int image_publish(const struct storage *storage, const struct reference *name,
	const struct image_record *record, struct err *reterr)
{
	bool changed = false;
	int r = record_write(storage, record, reterr);

	if (r == 0)
		r = set_name(storage, name, &record->manifest, &changed, reterr);
	if (r < 0)
		return r;
	r = index_update(storage, reterr);
	/* what failed has not happened: others would not see what we do */
	if (r < 0 && changed)
		(void)tag_take_back(storage, name, &record->manifest, NULL);
	return r;
}
