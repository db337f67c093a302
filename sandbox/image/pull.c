/*
 * The verb pull: a name becomes a manifest, the manifest of this platform, its configuration, its
 * layers, and at last a name of the store. Nothing has a name there before all of it is checked.
 */
#include "image/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/blob.h"
#include "image/collect.h"
#include "image/hash.h"
#include "image/image.h"
#include "image/options.h"
#include "image/print.h"
#include "image/reference.h"
#include "image/short.h"
#include "image/tag.h"
#include "image/verbs.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/text.h"

enum policy { POLICY_ALWAYS, POLICY_MISSING, POLICY_NEWER, POLICY_COUNT };

struct pulling {
	struct verb_context *context;
	struct registry_options options;
	enum policy policy;
	const char *platform;
	bool quiet;
	struct pull pull;
	struct reference name;
	struct digest digest; /* of the image's manifest, as the store calls it */
	struct manifest manifest;
	struct image_config config;
};

/* ---- documents ---- */

/* Asks for a manifest or an index and parses the bytes that were hashed. */
static int get_document(struct pulling *pulling, const char *tag_or_digest,
	const struct descriptor *expected, struct manifest *ret, char **ret_text,
	size_t *ret_length, struct err *reterr)
{
	_cleanup_free_ char *text = NULL, *type = NULL;
	struct digest digest;
	char name[400];
	size_t length;
	int r = registry_manifest(
		pulling->pull.registry, tag_or_digest, &text, &length, &type, &digest, reterr);

	if (r)
		return r;
	(void)snprintf(name, sizeof(name), "manifest %s", tag_or_digest);
	if (expected && expected->size != length)
		return err_set(reterr, -EBADMSG, name,
			"it has %zu bytes, where the index says %llu", length,
			(unsigned long long)expected->size);
	r = manifest_parse(name, text, length, type, &pulling->context->arena, ret, reterr);
	if (!r && expected && strcmp(expected->media_type, ret->media_type) != 0)
		r = err_set(reterr, -EBADMSG, name, "it is of another kind than the index says");
	if (r)
		return r;
	*ret_text = take_pointer(&text);
	*ret_length = length;
	return 0;
}

/* From the name to the manifest of one image, which is put into the store. */
static int get_manifest(struct pulling *pulling, struct err *reterr)
{
	const struct reference *name = &pulling->name;
	const char *wanted = name->digest.text[0] ? name->digest.text : name->tag;
	_cleanup_free_ char *text = NULL, *below = NULL;
	const struct descriptor *chosen;
	size_t length;
	int r = get_document(pulling, wanted, NULL, &pulling->manifest, &text, &length, reterr);

	if (!r && pulling->manifest.kind == DOCUMENT_INDEX) {
		r = manifest_choose(&pulling->manifest, pulling->platform, &chosen, reterr);
		if (!r)
			r = get_document(pulling, chosen->digest.text, chosen, &pulling->manifest,
				&below, &length, reterr);
		if (!r && pulling->manifest.kind == DOCUMENT_INDEX)
			r = err_set(reterr, -EBADMSG, chosen->digest.text,
				"an index within an index: refused");
	}
	return r ? r
		 : blob_put(&pulling->context->storage, below ? below : text, length,
			   &pulling->digest, reterr);
}

struct memory {
	char *text;
	size_t length, size;
};

static int take(void *context, const void *data, size_t length, struct err *reterr)
{
	struct memory *memory = context;

	if (length > memory->size - memory->length)
		return err_set(reterr, -EBADMSG, NULL, "more than was announced");
	memcpy(memory->text + memory->length, data, length);
	memory->length += length;
	return 0;
}

static int restart(void *context, struct err *reterr)
{
	struct memory *memory = context;

	(void)reterr;
	memory->length = 0;
	return 0;
}

/* A blob that is a document, from the store or from the registry; in the store afterwards. */
static int get_blob(struct pulling *pulling, const struct descriptor *descriptor, char **ret_text,
	size_t *ret_length, struct err *reterr)
{
	const struct storage *storage = &pulling->context->storage;
	struct memory memory = {.size = (size_t)descriptor->size};
	const struct registry_sink sink = {.data = take, .restart = restart, .context = &memory};
	_cleanup_free_ char *text = NULL;
	struct digest digest;
	int r;

	if (descriptor->size > MANIFEST_BYTES)
		return err_set(reterr, -EFBIG, descriptor->digest.text,
			"the configuration is larger than is allowed");
	if (blob_exists(storage, &descriptor->digest) &&
		blob_read(storage, &descriptor->digest, MANIFEST_BYTES, ret_text, ret_length,
			NULL) == 0)
		return 0;
	memory.text = text = calloc(1, memory.size + 1);
	if (!text)
		return err_no_memory(reterr);
	r = registry_blob(pulling->pull.registry, descriptor, 0, &sink, reterr);
	if (!r)
		r = hash_memory(&descriptor->digest, text, memory.size, &digest);
	if (!r && !digest_equal(&digest, &descriptor->digest))
		r = err_set(reterr, -EBADMSG, descriptor->digest.text,
			"what was sent is not what was asked for: its digest is %s", digest.text);
	if (!r)
		r = blob_put(storage, text, memory.size, &digest, reterr);
	if (r)
		return r;
	*ret_text = take_pointer(&text);
	*ret_length = memory.size;
	return 0;
}

/* Whether the image is for the machine that was meant. A configuration that came without an index
 * has been chosen by nobody; what variant of an architecture it is for it does not say. */
static int check_platform(struct pulling *pulling, struct err *reterr)
{
	const struct image_record *record = &pulling->config.record;
	const struct descriptor own = {.media_type = pulling->manifest.media_type,
		.os = record->os,
		.architecture = record->architecture};
	const struct manifest index = {.kind = DOCUMENT_INDEX, .layers = &own, .layer_count = 1};
	const char *wanted = pulling->platform;
	const struct descriptor *chosen;
	char pair[256] = "";

	if (wanted) {
		size_t os = strcspn(wanted, "/"), rest = strcspn(wanted + os + !!wanted[os], "/");

		(void)snprintf(pair, sizeof(pair), "%.*s", (int)(os + !!wanted[os] + rest), wanted);
	}
	if (manifest_choose(&index, wanted ? pair : NULL, &chosen, NULL) == 0)
		return 0;
	if (wanted)
		return err_set(reterr, -ENOENT, "--platform",
			"this image is for %.100s/%.100s, and there is no other", record->os,
			record->architecture);
	print_note("%s: this image is for %s/%s, not for this machine", pulling->name.repository,
		record->os, record->architecture);
	return 0;
}

static int get_config(struct pulling *pulling, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = get_blob(pulling, &pulling->manifest.config, &text, &length, reterr);

	if (!r)
		r = config_parse(pulling->manifest.config.digest.text, text, length,
			pulling->manifest.layer_count, &pulling->context->arena, &pulling->config,
			reterr);
	if (r)
		return r;
	pulling->config.record.manifest = pulling->digest;
	pulling->config.record.id = pulling->manifest.config.digest;
	return check_platform(pulling, reterr);
}

/* ---- layers ---- */

static int get_layers(struct pulling *pulling, struct err *reterr)
{
	const struct manifest *manifest = &pulling->manifest;
	struct pull *pull = &pulling->pull;

	pull->storage = &pulling->context->storage;
	pull->count = manifest->layer_count;
	pull->layers = arena_zeroed(&pulling->context->arena, pull->count, sizeof(*pull->layers));
	if (pull->count && !pull->layers)
		return err_no_memory(reterr);
	for (size_t i = 0; i < pull->count; i++) {
		pull->layers[i].blob = &manifest->layers[i];
		pull->layers[i].diff = &pulling->config.diffs[i];
	}
	return pull_layers(pull, pulling->quiet, reterr);
}

/* ---- the whole ---- */

static int print_id(const struct digest *id)
{
	return printf("%s\n", digest_hex(id)) < 0 ? -EIO : 0;
}

/* What is in the store under this name: 0 with its id printed, or -ENOENT. */
static int print_present(struct pulling *pulling)
{
	struct image_record record;
	struct tag tag;
	int r = tag_read(
		&pulling->context->storage, &pulling->name, &pulling->context->arena, &tag, NULL);

	if (!r)
		r = record_read(&pulling->context->storage, &tag.meanings[0].manifest,
			&pulling->context->arena, &record, NULL);
	return r ? r : print_id(&record.id);
}

static int fetch_all(struct pulling *pulling, struct err *reterr)
{
	int r = registry_open(&pulling->name, &pulling->options, &pulling->pull.registry, reterr);

	if (!r)
		r = get_manifest(pulling, reterr);
	if (!r)
		r = get_config(pulling, reterr);
	if (!r)
		r = get_layers(pulling, reterr);
	if (!r)
		r = image_publish(&pulling->context->storage, &pulling->name,
			&pulling->config.record, reterr);
	registry_close(pulling->pull.registry);
	pulling->pull.registry = NULL;
	return r;
}

/* No answer at all, as opposed to a wrong one. */
static bool is_unreachable(int r)
{
	return r == -EHOSTUNREACH || r == -ECONNREFUSED || r == -ETIMEDOUT || r == -ECONNRESET;
}

static int pull_name(struct pulling *pulling, const char *text, struct err *reterr)
{
	_cleanup_close_ int hold = -1;
	char name[REFERENCE_ROOM];
	struct reference written;
	struct err err = {0};
	int r = reference_parse(text, &pulling->name, reterr);

	written = pulling->name;
	if (!r)
		r = registry_complete(&pulling->name, &pulling->options, reterr);
	if (r)
		return r;
	if (pulling->policy == POLICY_MISSING && print_present(pulling) == 0)
		return short_remember(&pulling->context->storage, &written, &pulling->name, reterr);
	hold = collect_hold(&pulling->context->storage, reterr);
	if (hold < 0)
		return hold;
	if (!pulling->quiet)
		print_note("pulling %s", reference_format(&pulling->name, name));
	r = fetch_all(pulling, &err);
	if (!r)
		r = short_remember(&pulling->context->storage, &written, &pulling->name, &err);
	if (!r)
		return print_id(&pulling->config.record.id);
	if (pulling->policy == POLICY_NEWER && is_unreachable(r) && print_present(pulling) == 0) {
		print_note("%s%s%s; the image of this name that is here stays", err.where,
			err.where[0] ? ": " : "", err.message);
		return 0;
	}
	if (reterr)
		*reterr = err;
	return r;
}

static int parse_policy(const char *text, enum policy *ret, struct err *reterr)
{
	static const char *const names[POLICY_COUNT] = {"always", "missing", "newer"};

	for (size_t i = 0; text && i < POLICY_COUNT; i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum policy)i;
			return 0;
		}
	return text ? err_set(reterr, -EINVAL, "--policy", "one of always, missing and newer") : 0;
}

static int parse_channel(const char *text, int *ret, struct err *reterr)
{
	uint64_t fd;

	if (!text)
		return 0;
	if (text_parse_u64(text, INT32_MAX, &fd) || fcntl((int)fd, F_GETFD) < 0)
		return err_set(reterr, -EINVAL, "--channel", "is no open descriptor");
	*ret = (int)fd;
	return 0;
}

int verb_pull(struct verb_context *context, int argc, char **argv)
{
	struct pulling pulling = {.context = context, .options = {.tls_verify = -1}};
	const char *policy = NULL, *channel = NULL, *verify = NULL;
	const struct option options[] = {{"platform", 0, OPTION_TEXT, &pulling.platform},
		{"policy", 0, OPTION_TEXT, &policy}, {"quiet", 'q', OPTION_FLAG, &pulling.quiet},
		{"channel", 0, OPTION_TEXT, &channel},
		{"authfile", 0, OPTION_TEXT, &pulling.options.auth_file},
		{"registries-conf", 0, OPTION_TEXT, &pulling.options.registries_file},
		{"tls-verify", 0, OPTION_TEXT, &verify}};
	struct err *err = &context->err;
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 1, 64, err);

	pulling.pull.channel = -1;
	pulling.options.stop = &pulling.pull.stop;
	if (!r)
		r = parse_policy(policy, &pulling.policy, err);
	if (!r)
		r = parse_channel(channel, &pulling.pull.channel, err);
	if (!r)
		r = registry_tls_option(verify, &pulling.options.tls_verify, err);
	if (!r && channel && argc > 2)
		r = err_set(err, -EINVAL, "--channel", "one image at a time");
	for (int i = 1; !r && i < argc; i++)
		r = pull_name(&pulling, argv[i], err);
	return r;
}
