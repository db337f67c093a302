/*
 * The record of an image: what a launch needs to know of it, taken from its manifest and
 * configuration when it was pulled, so that `run` reads one small file of our own making and no
 * document of a stranger's. Still data from a stranger: it is checked again when it is read, and
 * can never widen a jail (R35). Shared by both programs.
 */
#ifndef IMMURE_IMAGE_RECORD_H
#define IMMURE_IMAGE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/storage.h"
#include "util/err.h"

struct arena;

#define RECORD_LAYERS 128          /* overlayfs and R30 */
#define RECORD_BYTES (1024 * 1024) /* of the whole file */

struct image_record {
	struct digest manifest;      /* of the image's manifest: its name among the records */
	struct digest id;            /* of its configuration: what `images` shows as the image id */
	const struct digest *chains; /* of its layers, lowest first */
	size_t layer_count;
	const char *architecture, *os;
	/* the configuration, image-spec config.md; strings without control characters but tab and
	 * newline, arrays NULL-terminated, never NULL */
	const char *user;               /* "" : root */
	const char *const *environment; /* each NAME=VALUE with a sane name */
	const char *const *entrypoint, *const *command;
	const char *workdir;        /* canonical and absolute; "/" where none was given */
	const char *const *volumes; /* canonical and absolute, none of them "/" */
	int stop_signal;            /* 0: none given */
};

/* Reads the record of manifest. Strings belong to arena. -ENOENT without reterr's hint where there
 * is none. */
int record_read(const struct storage *storage, const struct digest *manifest, struct arena *arena,
	struct image_record *ret, struct err *reterr);

/*
 * Takes a shared lock on the record, so that nobody collects its layers while the descriptor is
 * open. Fails with -ENOENT where the image has been removed meanwhile. A descriptor or -errno with
 * reterr.
 */
int record_hold(const struct storage *storage, const struct digest *manifest, struct err *reterr);

/* The text of a record: a pure pair, so that tests and fuzzers need no disk. text is malloc'd by
 * record_emit (the caller frees). */
int record_parse(const char *name, const char *text, size_t length, struct arena *arena,
	struct image_record *ret, struct err *reterr);
int record_emit(
	const struct image_record *record, char **ret_text, size_t *ret_length, struct err *reterr);

/* Writes it, whole or not at all. */
int record_write(
	const struct storage *storage, const struct image_record *record, struct err *reterr);

#endif
