/*
 * The layers of a pull: each is downloaded, hashed, written to the store and fed to the unpacker in
 * one go, by a thread of its own, four of them at a time. A blob that is in the store already is
 * fed from there.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/channel.h"
#include "image/print.h"
#include "image/pull.h"
#include "util/cleanup.h"
#include "util/file.h"

#define THREADS 4
#define PIPE_BYTES \
	((size_t)1024 * 1024) /* /proc/sys/fs/pipe-max-size, where nobody has changed it */
#define CHUNK ((size_t)64 * 1024)
#define LAST_WORDS_MS 5000 /* for the unpacker to say why it stopped */

/* One layer in the hands of a thread. */
struct copy {
	struct pull *pull;
	struct pull_layer *layer;
	struct registry *registry;
	struct blob_writer *writer;
	uint64_t fed; /* bytes that the unpacker has */
	int pipe;     /* to it; -1: none */
};

/* ---- telling the others ---- */

static void wake(struct pull *pull)
{
	(void)eventfd_write(pull->wake, 1);
}

static void set_state(struct pull *pull, struct pull_layer *layer, enum pull_state state)
{
	(void)pthread_mutex_lock(&pull->lock);
	atomic_store(&layer->state, (int)state);
	(void)pthread_cond_broadcast(&pull->changed);
	(void)pthread_mutex_unlock(&pull->lock);
	wake(pull);
}

/* The first one counts; what follows from our stopping the others does not. But that the unpacker
 * would take no more is not the reason: that is what it says of itself, soon after. */
static void note_failure(struct pull *pull, const struct err *err)
{
	(void)pthread_mutex_lock(&pull->lock);
	if (!pull->err.code || (pull->err.code == -EPIPE && err->code == -EIO))
		pull->err = *err;
	(void)pthread_cond_broadcast(&pull->changed);
	(void)pthread_mutex_unlock(&pull->lock);
	atomic_store(&pull->stop, true);
	wake(pull);
}

static int tell(struct copy *copy, enum channel_kind kind, int fd, struct err *reterr)
{
	const struct channel_message message = {
		.kind = kind, .index = (uint32_t)(copy->layer - copy->pull->layers)};
	int r = channel_send(copy->pull->channel, &message, fd);

	return r ? err_set(reterr, r, "--channel", "cannot send: %s", strerror(-r)) : 0;
}

/* ---- feeding the unpacker ---- */

/* Opens the pipe and hands its reading end over. */
static int open_pipe(struct copy *copy, struct err *reterr)
{
	int ends[2], r;

	if (!copy->layer->needed)
		return 0;
	if (pipe2(ends, O_CLOEXEC))
		return err_set(reterr, -errno, NULL, "cannot make a pipe: %s", strerror(errno));
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* a smaller one will do as well */
	r = tell(copy, CHANNEL_STREAM, ends[0], reterr);
	(void)close(ends[0]);
	copy->pipe = ends[1];
	return r;
}

static int feed_bytes(struct copy *copy, const void *data, size_t length, struct err *reterr)
{
	int r = copy->pipe >= 0 ? file_write_all(copy->pipe, data, length) : 0;

	if (r)
		return err_set(reterr, r, copy->layer->blob->digest.text,
			"the unpacker takes no more of it");
	copy->fed += length;
	return 0;
}

/* What an earlier try has left in the partial file. */
static int feed_partial(struct copy *copy, uint64_t length, struct err *reterr)
{
	_cleanup_free_ char *buffer = malloc(CHUNK);

	if (!buffer)
		return err_no_memory(reterr);
	while (copy->pipe >= 0 && copy->fed < length) {
		ssize_t got = blob_reread(copy->writer, copy->fed, buffer, CHUNK);
		int r;

		if (got <= 0)
			return err_set(reterr, got < 0 ? (int)got : -EIO,
				copy->layer->blob->digest.text, "cannot read back what was there");
		r = feed_bytes(copy, buffer, (size_t)got, reterr);
		if (r)
			return r;
	}
	return 0;
}

static int feed_file(struct copy *copy, struct err *reterr)
{
	uint64_t size;
	_cleanup_close_ int fd =
		blob_open(copy->pull->storage, &copy->layer->blob->digest, &size, reterr);

	if (fd < 0)
		return fd;
	if (size != copy->layer->blob->size)
		return err_set(reterr, -EBADMSG, copy->layer->blob->digest.text,
			"what is in the store has not the size that the manifest says");
	while (copy->fed < size) {
		ssize_t got = splice(fd, NULL, copy->pipe, NULL, PIPE_BYTES, SPLICE_F_MOVE);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(reterr, got < 0 ? -errno : -EIO,
				copy->layer->blob->digest.text, "the unpacker takes no more of it");
		copy->fed += (uint64_t)got;
		atomic_store(&copy->layer->bytes, copy->fed);
		if (atomic_load(&copy->pull->stop))
			return err_set(reterr, -ECANCELED, NULL, "given up");
	}
	return 0;
}

/* The unpacker sees the end of it; then it may keep what it made. */
static int end_feed(struct copy *copy, struct err *reterr)
{
	if (copy->pipe < 0)
		return 0;
	(void)close(copy->pipe);
	copy->pipe = -1;
	return tell(copy, CHANNEL_VERIFIED, -1, reterr);
}

/* ---- downloading ---- */

static int take(void *context, const void *data, size_t length, struct err *reterr)
{
	struct copy *copy = context;
	uint64_t before = copy->writer->written;
	size_t known = 0;
	int r = blob_append(copy->writer, data, length, reterr);

	if (r)
		return r;
	atomic_store(&copy->layer->bytes, copy->writer->written);
	/* after a restart the unpacker has the first of it already; if the two did not agree, the
	 * digest of what it unpacked will tell */
	if (before < copy->fed)
		known = copy->fed - before < length ? (size_t)(copy->fed - before) : length;
	return feed_bytes(copy, (const char *)data + known, length - known, reterr);
}

static int restart(void *context, struct err *reterr)
{
	struct copy *copy = context;

	return blob_restart(copy->writer, reterr);
}

static int download(
	struct copy *copy, struct blob_writer *writer, uint64_t offset, struct err *reterr)
{
	const struct descriptor *blob = copy->layer->blob;
	const struct registry_sink sink = {.data = take, .restart = restart, .context = copy};
	struct digest digest;
	int r;

	copy->writer = writer;
	atomic_store(&copy->layer->bytes, offset);
	set_state(copy->pull, copy->layer, PULL_COPYING);
	r = open_pipe(copy, reterr);
	if (!r)
		r = feed_partial(copy, offset, reterr);
	if (!r)
		r = registry_blob(copy->registry, blob, offset, &sink, reterr);
	if (r) {
		/* more than was announced, or another length: nothing of it is worth keeping */
		blob_abandon(writer, r != -EBADMSG && r != -EFBIG);
		return r;
	}
	return blob_finish(writer, &digest, reterr);
}

/* Waits for another process that is fetching the same blob. */
static int begin(
	struct copy *copy, struct blob_writer *writer, uint64_t *ret_offset, struct err *reterr)
{
	const struct timespec pause = {.tv_nsec = 200L * 1000 * 1000};
	const struct descriptor *blob = copy->layer->blob;

	for (;;) {
		struct err err = {0};
		int r = blob_begin(
			copy->pull->storage, &blob->digest, blob->size, writer, ret_offset, &err);

		if (r != -EBUSY) {
			if (r < 0 && reterr)
				*reterr = err;
			return r < 0 ? r : 0;
		}
		if (atomic_load(&copy->pull->stop))
			return err_set(reterr, -ECANCELED, NULL, "given up");
		(void)nanosleep(&pause, NULL);
		if (blob_exists(copy->pull->storage, &blob->digest))
			return 1;
	}
}

static int fetch(struct copy *copy, struct err *reterr)
{
	struct pull *pull = copy->pull;
	struct pull_layer *layer = copy->layer;
	struct blob_writer writer = {.fd = -1};
	uint64_t offset = 0;
	int r;

	layer->had = blob_exists(pull->storage, &layer->blob->digest);
	if (!layer->had) {
		r = begin(copy, &writer, &offset, reterr);
		if (r < 0)
			return r;
		layer->had = r == 1;
	}
	if (!layer->had) {
		r = download(copy, &writer, offset, reterr);
		copy->writer = NULL; /* it is ours, and ends here */
		return r;
	}
	if (!layer->needed)
		return 0;
	set_state(pull, layer, PULL_FEEDING);
	r = open_pipe(copy, reterr);
	return r ? r : feed_file(copy, reterr);
}

/* ---- the threads ---- */

/* The same blob may be there twice; the second one waits, and finds it in the store. */
static bool wait_for_twin(struct pull *pull, size_t index)
{
	const struct digest *digest = &pull->layers[index].blob->digest;

	(void)pthread_mutex_lock(&pull->lock);
	for (size_t i = 0; i < index; i++) {
		const struct pull_layer *twin = &pull->layers[i];

		if (!digest_equal(&twin->blob->digest, digest))
			continue;
		while (atomic_load(&twin->state) < PULL_UNPACKING && !atomic_load(&pull->stop))
			(void)pthread_cond_wait(&pull->changed, &pull->lock);
	}
	(void)pthread_mutex_unlock(&pull->lock);
	return !atomic_load(&pull->stop);
}

static int work_on(struct pull *pull, struct registry *registry, size_t index, struct err *reterr)
{
	struct pull_layer *layer = &pull->layers[index];
	struct copy copy = {.pull = pull, .layer = layer, .registry = registry, .pipe = -1};
	int r = fetch(&copy, reterr);

	if (!r)
		r = end_feed(&copy, reterr);
	if (r) /* before the unpacker meets the end of the pipe, and tells of that */
		note_failure(pull, reterr);
	if (copy.pipe >= 0)
		(void)close(copy.pipe);
	if (r)
		set_state(pull, layer, PULL_FAILED);
	else if (!layer->needed)
		set_state(pull, layer, PULL_DONE);
	else {
		/* the unpacker's DONE may have come before we are here */
		int expected = PULL_COPYING;

		if (!atomic_compare_exchange_strong(&layer->state, &expected, PULL_UNPACKING)) {
			expected = PULL_FEEDING;
			(void)atomic_compare_exchange_strong(
				&layer->state, &expected, PULL_UNPACKING);
		}
		(void)pthread_mutex_lock(&pull->lock);
		(void)pthread_cond_broadcast(&pull->changed);
		(void)pthread_mutex_unlock(&pull->lock);
		wake(pull);
	}
	return r;
}

static void *work(void *argument)
{
	struct pull *pull = argument;
	struct registry *registry = NULL;
	struct err err = {0};
	int r = registry_clone(pull->registry, &registry, &err);

	while (!r && !atomic_load(&pull->stop)) {
		size_t index = atomic_fetch_add(&pull->next, 1);

		if (index >= pull->count || !wait_for_twin(pull, index))
			break;
		r = work_on(pull, registry, index, &err);
	}
	if (r)
		note_failure(pull, &err);
	registry_close(registry);
	wake(pull);
	return NULL;
}

/* ---- the conversation with the unpacker ---- */

static int ask_need(struct pull *pull, struct err *reterr)
{
	struct channel_message message = {.kind = CHANNEL_IMAGE, .index = (uint32_t)pull->count};
	int fd = -1, r = channel_send(pull->channel, &message, -1);

	for (size_t i = 0; !r && i < pull->count; i++) {
		message = (struct channel_message){.kind = CHANNEL_LAYER,
			.index = (uint32_t)i,
			.compression = pull->layers[i].blob->compression,
			.diff = *pull->layers[i].diff};
		r = channel_send(pull->channel, &message, -1);
	}
	if (!r || r == -EPIPE) /* one that is gone may have said why */
		r = channel_receive(pull->channel, &message, &fd);
	if (r == 0 || r == -ECONNRESET)
		return EXIT_OWN_ERROR;
	if (r < 0)
		return err_set(
			reterr, r, "--channel", "cannot speak to the unpacker: %s", strerror(-r));
	if (message.kind == CHANNEL_FAILED)
		return err_set(reterr, -EIO, NULL, "%s", message.text);
	if (message.kind != CHANNEL_NEED)
		return err_set(reterr, -EPROTO, "--channel", "the unpacker broke the protocol");
	for (size_t i = 0; i < pull->count; i++)
		pull->layers[i].needed = message.need[i];
	return 0;
}

/* One message; 0 when the unpacker is gone. */
static int hear(struct pull *pull, struct err *reterr)
{
	struct channel_message message;
	int fd = -1, r = channel_receive(pull->channel, &message, &fd);

	if (r <= 0)
		return r < 0 && r != -ECONNRESET
			       ? err_set(reterr, r, "--channel", "cannot speak to the unpacker: %s",
					 strerror(-r))
			       : 0;
	if (message.kind == CHANNEL_FAILED)
		return err_set(reterr, -EIO, NULL, "%s", message.text);
	if (message.kind != CHANNEL_DONE || message.index >= pull->count ||
		!pull->layers[message.index].needed)
		return err_set(reterr, -EPROTO, "--channel", "the unpacker broke the protocol");
	set_state(pull, &pull->layers[message.index], PULL_DONE);
	return 1;
}

static bool all_done(const struct pull *pull)
{
	for (size_t i = 0; i < pull->count; i++)
		if (atomic_load(&pull->layers[i].state) != PULL_DONE)
			return false;
	return true;
}

/* 1 when something came, 0 when the time is over. */
static int await(struct pull *pull, int channel, int milliseconds)
{
	struct pollfd fds[] = {
		{.fd = pull->wake, .events = POLLIN}, {.fd = channel, .events = POLLIN}};
	eventfd_t value;

	if (poll(fds, 2, milliseconds) <= 0)
		return 0;
	if (fds[0].revents)
		(void)eventfd_read(pull->wake, &value);
	return fds[1].revents != 0;
}

/* A thread could not go on because the unpacker would not: it says why in a moment. */
static void hear_last_words(struct pull *pull)
{
	for (int waited = 0; waited < LAST_WORDS_MS; waited += 100) {
		struct err err = {0};
		int r;

		if (!await(pull, pull->channel, 100))
			continue;
		r = hear(pull, &err);
		if (r > 0)
			continue;
		if (r == -EIO)
			pull->err = err;
		return;
	}
}

static void watch(struct pull *pull, struct pull_progress *progress)
{
	int channel = pull->channel;

	while (!all_done(pull) && !atomic_load(&pull->stop)) {
		struct err err = {0};
		int r = 1;

		pull_progress_draw(progress);
		if (await(pull, channel, 100) && channel >= 0)
			r = hear(pull, &err);
		if (r == 0)
			(void)err_set(&err, -EPIPE, "--channel", "the unpacker is gone");
		if (r <= 0)
			note_failure(pull, &err);
	}
}

static int run(struct pull *pull, bool quiet, struct err *reterr)
{
	struct pull_progress *progress = pull_progress_start(pull, quiet);
	pthread_t threads[THREADS];
	size_t count = 0;
	int r = 0;

	while (!r && count < THREADS && count < pull->count) {
		r = pthread_create(&threads[count], NULL, work, pull);
		count += r == 0;
	}
	if (count == 0) {
		struct err err = {0};

		(void)err_set(&err, -r, NULL, "cannot make a thread: %s", strerror(r));
		note_failure(pull, &err);
	}
	watch(pull, progress);
	for (size_t i = 0; i < count; i++)
		(void)pthread_join(threads[i], NULL);
	if (pull->channel >= 0 && pull->err.code == -EPIPE)
		hear_last_words(pull);
	pull_progress_end(progress);
	/* it went without a word to us: it has told its reason itself, or its launcher does */
	if (pull->channel >= 0 && pull->err.code == -EPIPE)
		return EXIT_OWN_ERROR;
	if (pull->err.code && reterr)
		*reterr = pull->err;
	return pull->err.code;
}

int pull_layers(struct pull *pull, bool quiet, struct err *reterr)
{
	int r = 0;

	if (pull->count == 0)
		return 0;
	/* the same structure serves one image after the other */
	atomic_store(&pull->next, 0);
	atomic_store(&pull->stop, false);
	pull->err = (struct err){0};
	(void)signal(SIGPIPE, SIG_IGN); /* an unpacker that is gone is an error like another */
	pull->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pull->wake < 0)
		return err_set(reterr, -errno, NULL, "cannot make an event: %s", strerror(errno));
	(void)pthread_mutex_init(&pull->lock, NULL);
	(void)pthread_cond_init(&pull->changed, NULL);
	if (pull->channel >= 0)
		r = ask_need(pull, reterr);
	if (!r)
		r = run(pull, quiet, reterr);
	(void)pthread_cond_destroy(&pull->changed);
	(void)pthread_mutex_destroy(&pull->lock);
	(void)close(pull->wake);
	return r;
}
