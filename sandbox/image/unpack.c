/*
 * `unpack --channel FD`: the other side of a pull (channel.h). What comes from there is checked
 * like what comes from a registry: the program that fetches may have been taken over by what it
 * parsed. Layers are unpacked at the same time, one thread each, while they are still coming; they
 * are committed lowest first, once the fetcher has vouched for every byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/catalog.h"
#include "image/channel.h"
#include "image/collect.h"
#include "image/hash.h"
#include "image/layer.h"
#include "image/manifest.h"
#include "image/options.h"
#include "image/print.h"
#include "image/unpack.h"
#include "image/verbs.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/overlay.h"
#include "util/text.h"

struct job;

/* One layer. */
struct part {
	struct job *job;
	size_t index;
	struct digest diff, chain;
	enum compression compression;
	bool needed;
	int fd; /* the compressed layer; -1: not come yet */
	pthread_t thread;
	bool started;
	/* under the job's lock: */
	bool unpacked, verified, done;
	struct layer_staging *staging; /* once unpacked */
	struct err err;
};

struct job {
	const struct storage *storage;
	enum layer_way way;
	int channel;
	size_t count;
	struct part parts[OVERLAY_LAYERS];
	struct digest chains[OVERLAY_LAYERS];
	pthread_mutex_t lock; /* of the parts' state, and of what is sent */
	bool failed, told;    /* told: the other side prints it */
	struct err err;       /* the first failure */
};

/* ---- in the threads ---- */

/* The first that has failed is what is told; called with the lock held. */
static void note_failure(struct job *job, size_t index, const struct err *err)
{
	struct channel_message message = {.kind = CHANNEL_FAILED, .index = (uint32_t)index};
	char text[sizeof(err->where) + sizeof(err->message) + 4];
	int length;

	if (job->failed)
		return;
	job->failed = true;
	job->err = *err;
	length = snprintf(
		text, sizeof(text), "%s%s%s", err->where, err->where[0] ? ": " : "", err->message);
	(void)text_escape(text, (size_t)length, message.text, sizeof(message.text));
	length = channel_send(job->channel, &message, -1);
	/* one that is gone has told its own reason, or its launcher does: ours follows from it */
	job->told = length == 0 || length == -EPIPE;
}

/*
 * Commits what is ready, in order; whoever has just made something ready does it. A layer above one
 * that is still coming waits for it, unpacked.
 */
static void commit_ready(struct job *job)
{
	for (size_t i = 0; i < job->count && !job->failed; i++) {
		struct part *part = &job->parts[i];
		struct channel_message message = {.kind = CHANNEL_DONE, .index = (uint32_t)i};
		struct err err = {0};
		int r;

		if (part->done)
			continue;
		if (!part->unpacked || (!part->verified && !mutant(MUTANT_LAYER_VERIFIED)))
			return;
		r = layer_commit(take_pointer(&part->staging), &part->diff, job->chains, i,
			&part->chain, &err);
		if (r < 0) {
			note_failure(job, i, &err);
			return;
		}
		part->done = true;
		(void)channel_send(job->channel, &message, -1);
	}
}

static void *unpack_part(void *argument)
{
	struct part *part = argument;
	struct job *job = part->job;
	struct err err = {0};
	int r = layer_unpack(job->storage, job->way, part->fd, part->compression,
		&layer_limits_default, &part->staging, &err);

	(void)close(part->fd); /* where it is a pipe and we have failed: the writer sees it */
	part->fd = -1;
	(void)pthread_mutex_lock(&job->lock);
	part->unpacked = r == 0;
	if (r < 0)
		note_failure(job, part->index, &err);
	commit_ready(job);
	(void)pthread_mutex_unlock(&job->lock);
	return NULL;
}

/* ---- what is said ---- */

/* Not only silent: then it has told its own reason, or its launcher does, and ours follows from it.
 */
static bool is_gone(const struct job *job)
{
	struct pollfd poll_fd = {.fd = job->channel};

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP);
}

static int out_of_turn(struct err *reterr)
{
	return err_set(reterr, -EBADMSG, "--channel", "the fetching side broke the protocol");
}

static int receive(struct job *job, struct channel_message *ret, int *ret_fd, struct err *reterr)
{
	int r = channel_receive(job->channel, ret, ret_fd);

	if (r == -ECONNRESET) /* it went before it had read all that we said: an end as well */
		return 0;
	return r < 0 ? err_set(reterr, r, "--channel", "cannot receive: %s", strerror(-r)) : r;
}

static int receive_image(struct job *job, struct err *reterr)
{
	struct channel_message message;
	int fd = -1, r = receive(job, &message, &fd, reterr);

	if (r <= 0)
		return r; /* nothing to do: the other side has said why, or the image was there */
	if (message.kind != CHANNEL_IMAGE || message.index == 0 || message.index > OVERLAY_LAYERS)
		return out_of_turn(reterr);
	job->count = message.index;
	for (size_t i = 0; i < job->count; i++) {
		struct part *part = &job->parts[i];

		r = receive(job, &message, &fd, reterr);
		if (r <= 0)
			return r < 0 ? r : is_gone(job) ? EXIT_OWN_ERROR : out_of_turn(reterr);
		if (message.kind != CHANNEL_LAYER || message.index != i)
			return out_of_turn(reterr);
		*part = (struct part){.job = job,
			.index = i,
			.diff = message.diff,
			.compression = (enum compression)message.compression,
			.fd = -1};
		if (hash_chain(i ? &job->chains[i - 1] : NULL, &part->diff, &part->chain) < 0)
			return err_set(reterr, -EIO, NULL, "cannot compute a chain id");
		job->chains[i] = part->chain;
	}
	return 0;
}

static int send_need(struct job *job, struct err *reterr)
{
	struct channel_message message = {.kind = CHANNEL_NEED};
	int r;

	for (size_t i = 0; i < job->count; i++) {
		struct part *part = &job->parts[i];

		part->done = layer_exists(job->storage, job->way, &part->chain);
		part->needed = !part->done;
		message.need[i] = part->needed;
	}
	r = channel_send(job->channel, &message, -1);
	if (r == -EPIPE)
		return EXIT_OWN_ERROR; /* it has told why it went */
	return r < 0 ? err_set(reterr, r, "--channel", "cannot send: %s", strerror(-r)) : 0;
}

/* Takes over fd. */
static int start_part(struct job *job, size_t index, int fd, struct err *reterr)
{
	struct part *part = &job->parts[index];
	struct stat status;
	int r;

	/* a terminal, a device or a directory is nothing to read a layer from */
	if (index >= job->count || !part->needed || part->started || fstat(fd, &status) ||
		(!S_ISFIFO(status.st_mode) && !S_ISREG(status.st_mode) &&
			!S_ISSOCK(status.st_mode))) {
		(void)close(fd);
		return out_of_turn(reterr);
	}
	part->fd = fd;
	r = pthread_create(&part->thread, NULL, unpack_part, part);
	if (r) {
		(void)close(fd);
		part->fd = -1;
		return err_set(reterr, -r, NULL, "cannot make a thread: %s", strerror(r));
	}
	part->started = true;
	return 0;
}

static int verify_part(struct job *job, size_t index, struct err *reterr)
{
	struct part *part = &job->parts[index];

	if (index >= job->count || !part->started || part->verified)
		return out_of_turn(reterr);
	(void)pthread_mutex_lock(&job->lock);
	part->verified = true;
	commit_ready(job);
	(void)pthread_mutex_unlock(&job->lock);
	return 0;
}

/* Until the other side has no more to say. */
static int converse(struct job *job, struct err *reterr)
{
	struct channel_message message;
	int fd = -1, r;

	while ((r = receive(job, &message, &fd, reterr)) > 0) {
		if (message.kind == CHANNEL_STREAM)
			r = start_part(job, message.index, fd, reterr);
		else if (message.kind == CHANNEL_VERIFIED)
			r = verify_part(job, message.index, reterr);
		else
			r = out_of_turn(reterr);
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- the whole ---- */

static int tell(const struct job *job, struct err *reterr)
{
	(void)err_set(reterr, job->err.code, job->err.where, "%s", job->err.message);
	if (job->err.hint[0])
		err_hint(reterr, "%s", job->err.hint);
	return job->err.code;
}

static int check_done(const struct job *job, struct err *reterr)
{
	if (job->failed)
		return job->told ? EXIT_OWN_ERROR : tell(job, reterr);
	for (size_t i = 0; i < job->count; i++)
		if (!job->parts[i].done)
			return is_gone(job) ? EXIT_OWN_ERROR
					    : err_set(reterr, -ECANCELED, job->parts[i].diff.text,
						      "the layer did not come whole: nothing of it "
						      "is kept");
	return 0;
}

static int run(struct job *job, struct err *reterr)
{
	int r = receive_image(job, reterr);

	if (r == 0 && job->count)
		r = send_need(job, reterr);
	if (r == 0)
		r = converse(job, reterr);
	/* a pipe whose other end is gone ends by itself, and with it the thread */
	for (size_t i = 0; i < job->count; i++) {
		if (job->parts[i].started)
			(void)pthread_join(job->parts[i].thread, NULL);
		layer_abandon(job->parts[i].staging);
	}
	return r ? r : check_done(job, reterr);
}

static struct job *make_job(const struct storage *storage, int channel, struct err *reterr)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		(void)err_no_memory(reterr);
		return NULL;
	}
	job->storage = storage;
	job->way = layer_way_here();
	job->channel = channel;
	(void)pthread_mutex_init(&job->lock, NULL); /* cannot fail on Linux */
	(void)signal(SIGXFSZ, SIG_IGN); /* a file over the limit is an error like another */
	collect_cut_off(storage);
	return job;
}

static void free_job(struct job *job)
{
	(void)pthread_mutex_destroy(&job->lock);
	free(job);
}

int unpack_channel(const struct storage *storage, int channel, struct err *reterr)
{
	struct job *job = make_job(storage, channel, reterr);
	int r;

	if (!job)
		return -ENOMEM;
	r = run(job, reterr);
	free_job(job);
	return r;
}

/* ---- from blobs that are here ---- */

/* Two at a time: more threads than that have no processor. */
#define AT_ONCE 2

static void join_part(struct job *job, size_t index)
{
	struct part *part = &job->parts[index];

	if (!part->started)
		return;
	(void)pthread_join(part->thread, NULL);
	part->started = false;
	layer_abandon(take_pointer(&part->staging));
}

static int unpack_blobs(struct job *job, const struct image *image, struct err *reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->count; i++) {
		struct part *part = &job->parts[i];
		uint64_t size = 0;
		int fd;

		if (i >= AT_ONCE)
			join_part(job, i - AT_ONCE);
		if (!part->needed || job->failed)
			continue;
		fd = blob_open(job->storage, &image->manifest.layers[i].digest, &size, reterr);
		if (fd < 0)
			r = fd;
		else
			r = start_part(job, i, fd, reterr);
	}
	for (size_t i = 0; i < job->count; i++)
		join_part(job, i);
	return r < 0 ? r : check_done(job, reterr);
}

static int prepare_parts(struct job *job, const struct image *image, struct err *reterr)
{
	job->count = image->manifest.layer_count;
	if (job->count > OVERLAY_LAYERS)
		return err_set(reterr, -EFBIG, NULL, "more than %d layers", OVERLAY_LAYERS);
	for (size_t i = 0; i < job->count; i++) {
		struct part *part = &job->parts[i];

		*part = (struct part){.job = job,
			.index = i,
			.diff = image->config.diffs[i],
			.compression = image->manifest.layers[i].compression,
			.verified = true, /* blobs were when they were stored, and diff tells */
			.fd = -1};
		if (hash_chain(i ? &job->chains[i - 1] : NULL, &part->diff, &part->chain) < 0)
			return err_set(reterr, -EIO, NULL, "cannot compute a chain id");
		job->chains[i] = part->chain;
		part->done = layer_exists(job->storage, job->way, &part->chain);
		part->needed = !part->done;
	}
	return 0;
}

int unpack_image(const struct storage *storage, const struct image *image, struct err *reterr)
{
	struct job *job = make_job(storage, -1, reterr);
	int r;

	if (!job)
		return -ENOMEM;
	r = prepare_parts(job, image, reterr);
	if (r == 0)
		r = unpack_blobs(job, image, reterr);
	free_job(job);
	return r;
}

static int unpack_named(struct verb_context *context, const char *name)
{
	struct catalog_image *found;
	const struct reference *ignored;
	struct catalog catalog;
	struct digest manifest;
	struct image image = {0};
	_cleanup_close_ int hold = collect_hold(&context->storage, &context->err);
	int r = hold < 0 ? hold : 0;

	if (r == 0 && digest_parse(name, &manifest) < 0) {
		r = catalog_read(&context->storage, &context->arena, &catalog, &context->err);
		if (r == 0)
			r = catalog_find(&catalog, name, &found, &ignored, &context->err);
		if (r == 0)
			manifest = found->manifest;
	}
	if (r == 0)
		r = image_load(
			&context->storage, &manifest, &context->arena, &image, &context->err);
	return r < 0 ? r : unpack_image(&context->storage, &image, &context->err);
}

int verb_unpack(struct verb_context *context, int argc, char **argv)
{
	const char *channel = NULL;
	const struct option options[] = {{"channel", 0, OPTION_TEXT, &channel}};
	uint64_t fd;
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 0, 1, &context->err);

	if (r < 0)
		return r;
	if (!channel && argc == 2)
		return unpack_named(context, argv[1]);
	if (!channel || argc != 1)
		return err_set(&context->err, -EINVAL, "unpack",
			"expected the name of an image, or --channel");
	if (text_parse_u64(channel, INT32_MAX, &fd) < 0 || fcntl((int)fd, F_GETFD) < 0)
		return err_set(&context->err, -EINVAL, "--channel", "is no open descriptor");
	return unpack_channel(&context->storage, (int)fd, &context->err);
}
