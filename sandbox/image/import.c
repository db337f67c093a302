/* The verb import: a tree in a tar archive becomes an image of one layer. */
#include "image/import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/collect.h"
#include "image/options.h"
#include "image/short.h"
#include "image/stream.h"
#include "image/verbs.h"
#include "util/cleanup.h"

static int copy_all(struct blob_writer *blob, int fd, enum compression *ret, struct err *reterr)
{
	char buffer[128 * 1024];
	bool first = true;
	ssize_t got;
	int r;

	for (;;) {
		got = read(fd, buffer, sizeof(buffer));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(reterr, -errno, NULL, "cannot read the archive: %s",
				strerror(errno));
		if (got == 0)
			return 0;
		if (first)
			*ret = stream_guess(buffer, (size_t)got);
		first = false;
		if (blob->written + (uint64_t)got > LAYER_BYTES)
			return err_set(reterr, -EFBIG, NULL,
				"the archive is larger than %llu bytes",
				(unsigned long long)LAYER_BYTES);
		r = blob_append(blob, buffer, (size_t)got, reterr);
		if (r < 0)
			return r;
	}
}

int import_blob(const struct storage *storage, int fd, struct make_layer *ret, struct err *reterr)
{
	struct make_layer layer = {.compression = COMPRESSION_NONE};
	struct blob_writer blob = {.fd = -1};
	uint64_t offset;
	int r = blob_begin(storage, NULL, UINT64_MAX, &blob, &offset, reterr);

	if (r < 0)
		return r;
	r = copy_all(&blob, fd, &layer.compression, reterr);
	layer.size = blob.written;
	if (r < 0)
		blob_abandon(&blob, false);
	else
		r = blob_finish(&blob, &layer.blob, reterr);
	if (r == 0)
		*ret = layer;
	return r;
}

int import_diff(const struct storage *storage, const struct make_layer *layer,
	struct digest *ret_diff, uint64_t *ret_size, struct err *reterr)
{
	uint64_t size;
	_cleanup_close_ int fd = blob_open(storage, &layer->blob, &size, reterr);
	struct stream_result result;
	struct stream *stream;
	int r = fd < 0 ? fd
		       : stream_start(
				 fd, layer->compression, &layer_limits_default, &stream, reterr);

	if (r < 0)
		return r;
	r = stream_finish(stream, &result, reterr);
	stream_free(stream);
	if (r < 0)
		return r;
	*ret_diff = result.diff;
	*ret_size = result.size;
	return 0;
}

json_t *import_new_config(struct err *reterr)
{
#ifdef __x86_64__
	static const char architecture[] = "amd64";
#elif defined(__aarch64__)
	static const char architecture[] = "arm64";
#else
#error "the name that image-spec has for this machine is wanted here"
#endif
	json_t *config = json_pack(
		"{s:s, s:s, s:{}}", "architecture", architecture, "os", "linux", "config");

	if (!config)
		(void)err_no_memory(reterr);
	return config;
}

/* ---- the verb ---- */

struct import {
	struct verb_context *context;
	const char *message;
	struct option_texts changes;
	bool quiet;
};

static int make_config(const struct import *import, const struct digest *diff, char **ret,
	size_t *ret_length, struct err *reterr)
{
	json_t *config = import_new_config(reterr);
	int r = config ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < import->changes.count; i++)
		r = make_change(
			json_object_get(config, "config"), import->changes.items[i], reterr);
	if (r == 0)
		r = make_add_layer(config, diff, "immure import", import->message, NULL, reterr);
	if (r == 0) {
		*ret = make_text(config, ret_length, reterr);
		r = *ret ? 0 : -ENOMEM;
	}
	json_decref(config);
	return r;
}

static int import_all(const struct import *import, const char *name)
{
	struct verb_context *context = import->context;
	_cleanup_close_ int hold = collect_hold(&context->storage, &context->err);
	_cleanup_free_ char *text = NULL;
	struct reference reference = {0};
	struct make_layer layer;
	struct digest diff, id;
	uint64_t size;
	size_t length = 0;
	int r = hold < 0 ? hold : 0;

	if (r == 0 && name)
		r = short_complete(&context->storage, name, &reference, &context->err);
	if (r == 0)
		r = import_blob(&context->storage, STDIN_FILENO, &layer, &context->err);
	if (r == 0)
		r = import_diff(&context->storage, &layer, &diff, &size, &context->err);
	if (r == 0)
		r = make_config(import, &diff, &text, &length, &context->err);
	if (r < 0)
		return r;
	r = make_image(&context->storage, &context->arena, text, length, &layer, 1,
		name ? &reference : NULL, &id, &context->err);
	if (r == 0 && printf("%s\n", digest_hex(&id)) < 0)
		r = -EIO;
	return r;
}

int verb_import(struct verb_context *context, int argc, char **argv)
{
	struct import import = {.context = context};
	const struct option options[] = {{"message", 'm', OPTION_TEXT, &import.message},
		{"change", 'c', OPTION_TEXTS, &import.changes},
		{"quiet", 'q', OPTION_FLAG, &import.quiet}};
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 1, 2, &context->err);

	if (r == 0 && strcmp(argv[1], "-") != 0)
		r = err_set(&context->err, -EINVAL, argv[1], "expected - for standard input");
	return r < 0 ? r : import_all(&import, argc > 2 ? argv[2] : NULL);
}
