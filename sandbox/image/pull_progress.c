/*
 * The progress of a pull on standard error. On a terminal the layers under way have a line each,
 * drawn over and over; what is finished is left standing above them. Elsewhere there is one line
 * for each finished layer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "image/print.h"
#include "image/pull.h"
#include "util/overlay.h"

#define LINES 8
#define PERIOD_MS 100
#define BAR 30

struct pull_progress {
	const struct pull *pull;
	bool quiet, terminal;
	unsigned drawn;  /* lines below the finished ones */
	int64_t last_ms; /* of the last drawing */
	bool said[OVERLAY_LAYERS];
};

static int64_t now_ms(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct pull_progress *pull_progress_start(const struct pull *pull, bool quiet)
{
	struct pull_progress *progress = calloc(1, sizeof(*progress));
	const char *kind = getenv("TERM");

	if (!progress)
		return NULL;
	progress->pull = pull;
	progress->quiet = quiet;
	progress->terminal = isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb") != 0;
	return progress;
}

/* The first twelve digits, as images are called everywhere. */
static void print_name(const struct pull_layer *layer)
{
	(void)fprintf(stderr, "%.12s  ", digest_hex(&layer->blob->digest));
}

static void print_finished(const struct pull_layer *layer)
{
	char size[PRINT_SIZE_ROOM];

	print_name(layer);
	(void)fprintf(stderr, "%s\n", layer->had ? "exists" : print_size(layer->blob->size, size));
}

static void print_bar(const struct pull_layer *layer, unsigned width)
{
	uint64_t bytes = atomic_load(&layer->bytes), size = layer->blob->size;
	char so_far[PRINT_SIZE_ROOM], whole[PRINT_SIZE_ROOM], bar[BAR + 1];
	unsigned full = size && bytes < size ? (unsigned)(bytes * width / size) : width;

	if (atomic_load(&layer->state) == PULL_UNPACKING) {
		(void)fputs("unpacking", stderr);
		return;
	}
	for (unsigned i = 0; i < width; i++)
		bar[i] = (char)(i < full ? '=' : i == full ? '>' : ' ');
	bar[width] = '\0';
	if (width > 4)
		(void)fprintf(stderr, "[%s] ", bar);
	(void)fprintf(stderr, "%s / %s", print_size(bytes, so_far), print_size(size, whole));
}

static unsigned bar_width(void)
{
	struct winsize window = {0};
	unsigned others = 45; /* the name and the two sizes */

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) || window.ws_col < others + 5)
		return 0;
	return window.ws_col - others < BAR ? window.ws_col - others : BAR;
}

static void draw_terminal(struct pull_progress *progress)
{
	const struct pull *pull = progress->pull;
	unsigned width = bar_width(), drawn = 0;

	if (progress->drawn)
		(void)fprintf(stderr, "\033[%uA", progress->drawn);
	(void)fputs("\r\033[J", stderr);
	for (size_t i = 0; i < pull->count; i++) {
		if (progress->said[i] || atomic_load(&pull->layers[i].state) != PULL_DONE)
			continue;
		print_finished(&pull->layers[i]);
		progress->said[i] = true;
	}
	for (size_t i = 0; i < pull->count && drawn < LINES; i++) {
		int state = atomic_load(&pull->layers[i].state);

		if (state != PULL_COPYING && state != PULL_FEEDING && state != PULL_UNPACKING)
			continue;
		print_name(&pull->layers[i]);
		print_bar(&pull->layers[i], width);
		(void)fputc('\n', stderr);
		drawn++;
	}
	progress->drawn = drawn;
	(void)fflush(stderr);
}

static void draw(struct pull_progress *progress)
{
	const struct pull *pull = progress->pull;

	if (progress->terminal) {
		draw_terminal(progress);
		return;
	}
	for (size_t i = 0; i < pull->count; i++) {
		if (progress->said[i] || atomic_load(&pull->layers[i].state) != PULL_DONE)
			continue;
		print_finished(&pull->layers[i]);
		progress->said[i] = true;
	}
}

void pull_progress_draw(struct pull_progress *progress)
{
	int64_t now = now_ms();

	if (!progress || progress->quiet || now - progress->last_ms < PERIOD_MS)
		return;
	progress->last_ms = now;
	draw(progress);
}

void pull_progress_end(struct pull_progress *progress)
{
	if (progress && !progress->quiet)
		draw(progress);
	free(progress);
}
