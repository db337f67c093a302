/*
 * A tar archive being written, by libarchive, into whatever takes its bytes. Second program only.
 */
#ifndef IMMURE_IMAGE_TAR_WRITER_H
#define IMMURE_IMAGE_TAR_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

struct archive;
struct archive_entry;

struct tar_sink {
	int (*data)(void *context, const void *data, size_t length, struct err *reterr);
	void *context;
};
extern const struct tar_sink tar_to_stdout;

enum tar_form {
	TAR_USTAR, /* for plain files with short names */
	TAR_PAX
};

struct tar_writer {
	struct archive *archive;     /* NULL: not open */
	struct archive_entry *entry; /* for the caller to fill in, then tar_writer_header() */
	const struct tar_sink *sink;
	struct err *err; /* that the sink tells */
	bool broken;     /* nothing more is written: not even an end, which would look whole */
};

/* sink is borrowed, and ret stays where it is. 0 or -errno; tar_writer_close() in every case. */
int tar_writer_open(struct tar_writer *ret, enum tar_form form, const struct tar_sink *sink,
	struct err *reterr);

/* Writes what entry says; path is for messages. */
int tar_writer_header(struct tar_writer *writer, const char *path, struct err *reterr);
int tar_writer_data(struct tar_writer *writer, const void *data, size_t length, const char *path,
	struct err *reterr);

/* Writes the end, unless whole says that there is none. */
int tar_writer_close(struct tar_writer *writer, bool whole, struct err *reterr);

#endif
