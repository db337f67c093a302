/* The verb diff: what a container added (A), changed (C) and removed (D), one path a line. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/image.h"
#include "image/layer_parts.h"
#include "image/options.h"
#include "image/pack.h"
#include "image/print.h"
#include "image/verbs.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/overlay.h"
#include "util/path.h"

struct diff {
	const struct layer_below *below;
	struct arena *arena;
	struct line {
		const char *path;
		char letter;
	} * lines;
	size_t count;
};

static int add_line(struct diff *diff, char letter, const char *path, struct err *reterr)
{
	struct line *line = ARENA_APPEND(diff->arena, diff->lines, diff->count);

	if (line) {
		line->letter = letter;
		line->path = arena_join(diff->arena, "/", path);
	}
	return line && line->path ? 0 : err_no_memory(reterr);
}

/* What is there below, without following a link. */
static int look_below(
	struct diff *diff, const char *path, struct layer_found *ret, struct err *reterr)
{
	char place[PATH_MAX];
	int r = layer_below_resolve(diff->below, path, false, place, ret, reterr);

	if (r == 0 && strcmp(place, path) != 0) { /* only by a link: not this one */
		if (ret->fd >= 0)
			(void)close(ret->fd);
		*ret = (struct layer_found){.kind = LAYER_NOTHING, .fd = -1};
	}
	return r;
}

/* ---- opaque directories: what they hide is gone ---- */

static int add_hidden(
	struct diff *diff, int upper, const char *name, const char *path, struct err *reterr)
{
	char inside[PATH_MAX];
	struct layer_found found = {.fd = -1};
	struct stat status;
	int r;

	if (fstatat(upper, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return 0; /* it shows as added or changed */
	if ((size_t)snprintf(inside, sizeof(inside), "%s%s%s", path, *path ? "/" : "", name) >=
		sizeof(inside))
		return err_set(reterr, -ENAMETOOLONG, name, "lies too deep");
	for (size_t i = 0; i < diff->count; i++)
		if (diff->lines[i].letter == 'D' && strcmp(diff->lines[i].path + 1, inside) == 0)
			return 0; /* more than one layer has it */
	r = look_below(diff, inside, &found, reterr);
	if (found.fd >= 0)
		(void)close(found.fd);
	return r < 0 || found.kind == LAYER_NOTHING ? r : add_line(diff, 'D', inside, reterr);
}

static int add_all_hidden(struct diff *diff, int upper, const char *path,
	const struct layer_set *set, struct err *reterr)
{
	for (size_t i = 0; i < diff->below->count; i++) {
		_cleanup_closedir_ DIR *stream = NULL;
		const struct dirent *entry;
		int r;

		if (!(set->bits[i / 64] >> i % 64 & 1))
			continue;
		r = directory_start(path_open_no_links(diff->below->trees[i], *path ? path : ".",
					    O_RDONLY | O_DIRECTORY),
			&stream);
		while (r == 0 && (r = directory_next(stream, &entry)) > 0) {
			r = add_hidden(diff, upper, entry->d_name, path, reterr);
			if (r < 0)
				return r;
		}
		if (r < 0)
			return err_set(reterr, r, path, "cannot read it in a layer below: %s",
				strerror(-r));
	}
	return 0;
}

static int visit_directory(struct diff *diff, int directory, const char *name, const char *path,
	const struct layer_found *found, struct err *reterr)
{
	_cleanup_close_ int fd =
		openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_set(reterr, -errno, path, "cannot open it: %s", strerror(errno));
	if (found->kind != LAYER_DIRECTORY || !overlay_is_opaque(fd))
		return 0;
	return add_all_hidden(diff, fd, path, &found->set, reterr);
}

static int visit(void *context, int directory, const char *name, const char *path,
	const struct stat *status, bool empty, struct err *reterr)
{
	struct diff *diff = context;
	struct layer_found found = {.fd = -1};
	int r = look_below(diff, path, &found, reterr);

	(void)empty;
	if (r < 0)
		return r;
	if (overlay_is_whiteout(status))
		r = found.kind == LAYER_NOTHING ? 0 : add_line(diff, 'D', path, reterr);
	else if (*path)
		r = add_line(diff, found.kind == LAYER_NOTHING ? 'A' : 'C', path, reterr);
	if (r == 0 && S_ISDIR(status->st_mode))
		r = visit_directory(diff, directory, name, path, &found, reterr);
	if (found.fd >= 0)
		(void)close(found.fd);
	return r;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->path, ((const struct line *)b)->path);
}

static int print_lines(struct diff *diff)
{
	if (diff->count)
		qsort(diff->lines, diff->count, sizeof(*diff->lines), compare_lines);
	for (size_t i = 0; i < diff->count; i++) {
		if (printf("%c ", diff->lines[i].letter) < 0)
			return -EIO;
		print_text(stdout, diff->lines[i].path);
		if (putchar('\n') == EOF)
			return -EIO;
	}
	return 0;
}

static int compare(struct verb_context *context, int upper, const struct digest *manifest,
	const struct pack_without *without)
{
	struct layer_below below = {.count = 0};
	struct diff diff = {.below = &below, .arena = &context->arena};
	struct pack_walk walk = {.visit = visit, .context = &diff, .without = without};
	struct image_record record;
	int r = record_read(&context->storage, manifest, &context->arena, &record, &context->err);

	if (r == 0)
		r = layer_below_open(&context->storage, layer_way_here(), record.chains,
			record.layer_count, &below, &context->err);
	if (r == 0)
		r = pack_walk(upper, &walk, &context->err);
	layer_below_close(&below);
	return r < 0 ? r : print_lines(&diff);
}

int verb_diff(struct verb_context *context, int argc, char **argv)
{
	const char *path = NULL;
	struct option_texts without = {NULL, 0};
	const struct option options[] = {
		{"upper", 0, OPTION_TEXT, &path}, {"without", 0, OPTION_TEXTS, &without}};
	_cleanup_close_ int upper = -1;
	struct digest manifest;
	int r = options_take(options, 2, &context->arena, &argc, argv, 1, 1, &context->err);

	if (r < 0)
		return r;
	if (!path || digest_parse(argv[1], &manifest) < 0)
		return err_set(&context->err, -EINVAL, "diff",
			"expected --upper DIR and the digest of a manifest");
	upper = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (upper < 0)
		return err_set(&context->err, -errno, path, "cannot open it: %s", strerror(errno));
	return compare(
		context, upper, &manifest, &(struct pack_without){without.items, without.count});
}
