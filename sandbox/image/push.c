/*
 * The verb push: the blobs of an image as they are, those that the registry has not yet, four at a
 * time; its manifest at last.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/catalog.h"
#include "image/collect.h"
#include "image/image.h"
#include "image/options.h"
#include "image/print.h"
#include "image/pull.h"
#include "image/verbs.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/text.h"

#define THREADS 4

struct pushing {
	struct verb_context *context;
	struct registry_options options;
	struct catalog catalog;
	const struct catalog_image *image;
	struct reference destination;
	const char *
		*from; /* for each layer, a repository of the registry that may have it; or NULL */
	bool quiet;
	struct pull pull; /* its layers are what goes up */
};

/* ---- in the threads ---- */

static void sent(void *context, uint64_t bytes)
{
	struct pull_layer *layer = context;

	atomic_store(&layer->bytes, bytes);
}

static int push_layer(
	struct pushing *pushing, struct registry *registry, size_t index, struct err *reterr)
{
	struct pull_layer *layer = &pushing->pull.layers[index];
	const struct digest *digest = &layer->blob->digest;
	_cleanup_close_ int fd = -1;
	uint64_t size;
	int r = registry_has_blob(registry, digest, &layer->had, reterr);

	if (!r && !layer->had && pushing->from[index])
		r = registry_mount_blob(
			registry, digest, pushing->from[index], &layer->had, reterr);
	if (r || layer->had)
		return r;
	fd = blob_open(pushing->pull.storage, digest, &size, reterr);
	if (fd < 0)
		return fd;
	if (size != layer->blob->size)
		return err_set(reterr, -EBADMSG, digest->text,
			"what is in the store has not the size that the manifest says");
	atomic_store(&layer->state, PULL_COPYING);
	return registry_put_blob(registry, fd, size, digest, sent, layer, reterr);
}

static void fail(struct pull *pull, const struct err *err)
{
	(void)pthread_mutex_lock(&pull->lock);
	if (!pull->err.code)
		pull->err = *err;
	(void)pthread_mutex_unlock(&pull->lock);
	atomic_store(&pull->stop, true);
}

static void *work(void *argument)
{
	struct pushing *pushing = argument;
	struct pull *pull = &pushing->pull;
	struct registry *registry = NULL;
	struct err err = {0};
	int r = registry_clone(pull->registry, &registry, &err);

	while (!r && !atomic_load(&pull->stop)) {
		size_t index = atomic_fetch_add(&pull->next, 1);

		if (index >= pull->count)
			break;
		r = push_layer(pushing, registry, index, &err);
		atomic_store(&pull->layers[index].state, r ? PULL_FAILED : PULL_DONE);
		(void)eventfd_write(pull->wake, 1);
	}
	if (r)
		fail(pull, &err);
	registry_close(registry);
	(void)eventfd_write(pull->wake, 1);
	return NULL;
}

/* ---- what goes up ---- */

/* The configuration is a blob like another; a layer that is there twice goes up once. */
static int list_blobs(struct pushing *pushing, struct err *reterr)
{
	const struct manifest *manifest = &pushing->image->image.manifest;
	struct pull *pull = &pushing->pull;
	struct arena *arena = &pushing->context->arena;

	pull->layers = arena_zeroed(arena, manifest->layer_count + 1, sizeof(*pull->layers));
	pushing->from = arena_zeroed(arena, manifest->layer_count + 1, sizeof(*pushing->from));
	if (!pull->layers || !pushing->from)
		return err_no_memory(reterr);
	for (size_t i = 0; i <= manifest->layer_count; i++) {
		const struct descriptor *blob =
			i < manifest->layer_count ? &manifest->layers[i] : &manifest->config;
		bool twin = false;

		for (size_t k = 0; k < pull->count; k++)
			twin |= digest_equal(&pull->layers[k].blob->digest, &blob->digest);
		if (!twin)
			pull->layers[pull->count++].blob = blob;
	}
	return 0;
}

/* Whether a token for it can be asked for. */
static bool is_source(struct registry_options *options, const char *repository)
{
	for (size_t i = 0; i < options->source_count; i++)
		if (strcmp(options->sources[i], repository) == 0)
			return true;
	if (options->source_count == REGISTRY_SOURCES)
		return false;
	options->sources[options->source_count++] = repository;
	return true;
}

/* Where another image of the same registry has one of our blobs, it need not travel. */
static void note_sources(
	struct pushing *pushing, const struct reference *name, const struct manifest *manifest)
{
	for (size_t i = 0; i < pushing->pull.count; i++)
		for (size_t k = 0; !pushing->from[i] && k < manifest->layer_count; k++)
			if (digest_equal(&pushing->pull.layers[i].blob->digest,
				    &manifest->layers[k].digest) &&
				is_source(&pushing->options, name->repository))
				pushing->from[i] = name->repository;
}

static void find_sources(struct pushing *pushing)
{
	const struct reference *to = &pushing->destination;

	for (size_t i = 0; i < pushing->catalog.count; i++) {
		const struct catalog_image *other = &pushing->catalog.images[i];

		for (size_t k = 0; !other->fault && k < other->name_count; k++)
			if (strcmp(other->names[k].registry, to->registry) == 0 &&
				strcmp(other->names[k].repository, to->repository) != 0)
				note_sources(pushing, &other->names[k], &other->image.manifest);
	}
}

static int push_blobs(struct pushing *pushing, struct err *reterr)
{
	struct pull *pull = &pushing->pull;
	struct pull_progress *progress = pull_progress_start(pull, pushing->quiet);
	pthread_t threads[THREADS];
	size_t started = 0, done = 0;
	int r = 0;

	while (!r && started < THREADS && started < pull->count) {
		r = pthread_create(&threads[started], NULL, work, pushing);
		started += r == 0;
	}
	if (!started)
		(void)err_set(&pull->err, -r, NULL, "cannot make a thread: %s", strerror(r));
	while (started && done < pull->count && !atomic_load(&pull->stop)) {
		struct pollfd wake = {.fd = pull->wake, .events = POLLIN};
		eventfd_t value;

		if (poll(&wake, 1, 100) > 0)
			(void)eventfd_read(pull->wake, &value);
		pull_progress_draw(progress);
		done = 0;
		for (size_t i = 0; i < pull->count; i++)
			done += atomic_load(&pull->layers[i].state) == PULL_DONE;
	}
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	pull_progress_end(progress);
	if (pull->err.code && reterr)
		*reterr = pull->err;
	return pull->err.code;
}

static int push_manifest(struct pushing *pushing, struct err *reterr)
{
	const struct reference *to = &pushing->destination;
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = blob_read(pushing->pull.storage, &pushing->image->manifest, MANIFEST_BYTES, &text,
		&length, reterr);

	if (r)
		return r;
	return registry_put_manifest(pushing->pull.registry,
		to->digest.text[0] ? to->digest.text : to->tag, text, length,
		pushing->image->image.manifest.media_type, reterr);
}

/* ---- the verb ---- */

static int push(struct pushing *pushing, struct err *reterr)
{
	struct pull *pull = &pushing->pull;
	int r;

	pull->storage = &pushing->context->storage;
	pull->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pull->wake < 0)
		return err_set(reterr, -errno, NULL, "cannot make an event: %s", strerror(errno));
	(void)pthread_mutex_init(&pull->lock, NULL);
	r = list_blobs(pushing, reterr);
	if (!r)
		find_sources(pushing);
	if (!r)
		r = registry_open(
			&pushing->destination, &pushing->options, &pull->registry, reterr);
	if (!r)
		r = push_blobs(pushing, reterr);
	if (!r)
		r = push_manifest(pushing, reterr);
	registry_close(pull->registry);
	(void)pthread_mutex_destroy(&pull->lock);
	(void)close(pull->wake);
	return r;
}

/* "docker://quay.io/org/app:1" as well, as podman writes it. */
static int parse_destination(struct pushing *pushing, const char *text, struct err *reterr)
{
	static const char transport[] = "docker://";
	int r = reference_parse(
		text_starts_with(text, transport) ? text + sizeof(transport) - 1 : text,
		&pushing->destination, reterr);

	return r ? r : registry_complete(&pushing->destination, &pushing->options, reterr);
}

static int find_image(
	struct pushing *pushing, const char *text, const char *destination, struct err *reterr)
{
	const struct reference *name = NULL;
	struct catalog_image *image;
	int r = catalog_read(
		&pushing->context->storage, &pushing->context->arena, &pushing->catalog, reterr);

	if (!r)
		r = catalog_find(&pushing->catalog, text, &image, &name, reterr);
	if (r)
		return r;
	if (image->fault) {
		if (reterr)
			*reterr = image->err;
		return image->fault;
	}
	pushing->image = image;
	if (destination)
		return parse_destination(pushing, destination, reterr);
	if (!name)
		return err_set(
			reterr, -EINVAL, text, "an id does not say where to: give a name after it");
	pushing->destination = *name;
	return 0;
}

int verb_push(struct verb_context *context, int argc, char **argv)
{
	struct pushing pushing = {.context = context, .options = {.push = true, .tls_verify = -1}};
	_cleanup_close_ int hold = -1;
	const char *verify = NULL;
	const struct option options[] = {{"quiet", 'q', OPTION_FLAG, &pushing.quiet},
		{"authfile", 0, OPTION_TEXT, &pushing.options.auth_file},
		{"registries-conf", 0, OPTION_TEXT, &pushing.options.registries_file},
		{"tls-verify", 0, OPTION_TEXT, &verify}};
	struct err *err = &context->err;
	char name[REFERENCE_ROOM];
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 1, 2, err);

	pushing.options.stop = &pushing.pull.stop;
	if (!r)
		r = registry_tls_option(verify, &pushing.options.tls_verify, err);
	if (!r) {
		hold = collect_hold(&context->storage, err);
		r = hold < 0 ? hold : 0;
	}
	if (!r)
		r = find_image(&pushing, argv[1], argc > 2 ? argv[2] : NULL, err);
	if (!r && pushing.destination.digest.text[0] &&
		!digest_equal(&pushing.destination.digest, &pushing.image->manifest))
		r = err_set(err, -EINVAL, argv[argc - 1], "the digest of this image is %s",
			pushing.image->manifest.text);
	if (r)
		return r;
	if (!pushing.quiet)
		print_note("pushing to %s", reference_format(&pushing.destination, name));
	r = push(&pushing, err);
	if (!r && printf("%s\n", pushing.image->manifest.text) < 0)
		r = err_set(err, -EIO, NULL, "cannot write");
	return r;
}
