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

#define RECORD_BYTES ((size_t)1024 * 1024) /* of the whole file */
#define RECORD_STRINGS 1024                /* of each array */
#define RECORD_STRING ((size_t)128 * 1024) /* bytes with the NUL: MAX_ARG_STRLEN of execve(2) */

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

/*
 * What a value must be, for whoever makes a record and whoever reads one: NULL, or what is wrong
 * with it, as the end of a sentence.
 */
const char *record_text_fault(const char *text); /* an argument: UTF-8, no control characters */
const char *record_word_fault(const char *word); /* an architecture, an operating system */
/* NAME=VALUE; a name is printable ASCII without space. "NAME" alone would ask for the host's
 * (CVE-2026-57231). */
const char *record_variable_fault(const char *variable);
/* "", "NAME", "NUMBER", or two of them joined by a colon. What could be taken for a number but is
 * none ("1e0", "00", "4294967296") is refused, so that nobody becomes 0 by accident (CVE-2016-3697,
 * CVE-2024-40635). */
const char *record_user_fault(const char *user);
/* Absolute, canonical, no control characters. */
const char *record_path_fault(const char *path);

/* Reads the record of manifest, and checks that it is that one's. Strings belong to arena. -ENOENT
 * without reterr's hint where there is none. */
int record_read(const struct storage *storage, const struct digest *manifest, struct arena *arena,
	struct image_record *ret, struct err *reterr);

/*
 * Takes a shared lock on the record, so that nobody collects its layers while the descriptor is
 * open. Fails with -ENOENT where the image has been removed meanwhile. A descriptor or -errno with
 * reterr.
 */
int record_hold(const struct storage *storage, const struct digest *manifest, struct err *reterr);

/* Locks it alone, at once: -EWOULDBLOCK where somebody holds it, -ENOENT where it is not there. For
 * whoever removes or replaces the file. */
int record_lock(const struct storage *storage, const struct digest *manifest);

/* The name of its file below the storage: "records/HEX.json". */
#define RECORD_PATH_ROOM 160
const char *record_path(const struct digest *manifest, char buffer[RECORD_PATH_ROOM]);

/* The text of a record: a pure pair, so that tests and fuzzers need no disk. text is malloc'd by
 * record_emit (the caller frees). */
int record_parse(const char *name, const char *text, size_t length, struct arena *arena,
	struct image_record *ret, struct err *reterr);
int record_emit(
	const struct image_record *record, char **ret_text, size_t *ret_length, struct err *reterr);

/*
 * Writes it, whole or not at all. One that is there and says something else is replaced only where
 * nobody holds it: a holder's lock must stay on the file that others look at.
 */
int record_write(
	const struct storage *storage, const struct image_record *record, struct err *reterr);

#endif
