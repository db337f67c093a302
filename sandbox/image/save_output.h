/*
 * Where saved images go: one archive on standard output, or a directory. Files come one after the
 * other, each with its size told before. Inside of the verb save.
 */
#ifndef IMMURE_IMAGE_SAVE_OUTPUT_H
#define IMMURE_IMAGE_SAVE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/tar_writer.h"
#include "util/err.h"

struct save_output {
	struct tar_writer writer; /* where there is no directory */
	int directory;            /* -1: the archive */
	int file;                 /* in it, being written; -1: none */
};

/* directory: the path of one that is there and empty; NULL: standard output. 0 or -errno; the
 * caller ends it with save_output_close() in every case. */
int save_output_open(const char *directory, struct save_output *ret, struct err *reterr);

int save_output_make_directory(struct save_output *output, const char *name, struct err *reterr);
int save_output_begin(
	struct save_output *output, const char *name, uint64_t size, struct err *reterr);
int save_output_put(
	struct save_output *output, const void *data, size_t length, struct err *reterr);
/* Both of them. */
int save_output_text(struct save_output *output, const char *name, const char *text, size_t length,
	struct err *reterr);

/* Writes the end, unless whole says that there is none. */
int save_output_close(struct save_output *output, bool whole, struct err *reterr);

#endif
