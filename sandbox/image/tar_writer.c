/* Tar archives on their way out: see tar_writer.h. */
#include "image/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/file.h"

static int put_on_stdout(void *context, const void *data, size_t length, struct err *reterr)
{
	int r = file_write_all(STDOUT_FILENO, data, length);

	(void)context;
	return r < 0 ? err_set(reterr, r, "standard output", "cannot write the archive: %s",
			       strerror(-r))
		     : 0;
}

const struct tar_sink tar_to_stdout = {.data = put_on_stdout};

/* What the sink has said already stands. */
static int fault(struct tar_writer *writer, const char *path, struct err *reterr)
{
	return err_set(reterr, -EIO, path, "cannot be written into the archive: %s",
		archive_error_string(writer->archive));
}

static la_ssize_t put_bytes(struct archive *archive, void *context, const void *data, size_t length)
{
	struct tar_writer *writer = context;
	int r = writer->broken
			? 0
			: writer->sink->data(writer->sink->context, data, length, writer->err);

	if (r < 0)
		archive_set_error(archive, -r, "%s", strerror(-r));
	return r < 0 ? -1 : (la_ssize_t)length;
}

static int set_form(struct archive *archive, enum tar_form form)
{
	int r;

	if (form == TAR_USTAR)
		return archive_write_set_format_ustar(archive);
	r = archive_write_set_format_pax_restricted(archive);
	return r == ARCHIVE_OK
		       ? archive_write_set_format_option(archive, NULL, "xattrheader", "SCHILY")
		       : r;
}

int tar_writer_open(
	struct tar_writer *ret, enum tar_form form, const struct tar_sink *sink, struct err *reterr)
{
	*ret = (struct tar_writer){.archive = archive_write_new(),
		.entry = archive_entry_new(),
		.sink = sink,
		.err = reterr};
	if (!ret->archive || !ret->entry)
		return err_no_memory(reterr);
	if (set_form(ret->archive, form) != ARCHIVE_OK ||
		archive_write_set_bytes_per_block(ret->archive, 64 * 1024) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(ret->archive, 512) != ARCHIVE_OK ||
		archive_write_open(ret->archive, ret, NULL, put_bytes, NULL) != ARCHIVE_OK)
		return fault(ret, NULL, reterr);
	return 0;
}

/* A warning says that a name is not UTF-8: it is written as it is, and marked. */
int tar_writer_header(struct tar_writer *writer, const char *path, struct err *reterr)
{
	int r;

	writer->err = reterr;
	r = archive_write_header(writer->archive, writer->entry);
	return r == ARCHIVE_OK || r == ARCHIVE_WARN ? 0 : fault(writer, path, reterr);
}

int tar_writer_data(struct tar_writer *writer, const void *data, size_t length, const char *path,
	struct err *reterr)
{
	const char *rest = data;

	writer->err = reterr;
	while (length > 0) {
		la_ssize_t put = archive_write_data(writer->archive, rest, length);

		if (put <= 0)
			return fault(writer, path, reterr);
		rest += put;
		length -= (size_t)put;
	}
	return 0;
}

int tar_writer_close(struct tar_writer *writer, bool whole, struct err *reterr)
{
	int r = 0;

	writer->err = reterr;
	if (whole && archive_write_close(writer->archive) != ARCHIVE_OK)
		r = fault(writer, NULL, reterr);
	writer->broken = !whole || r < 0; /* freeing closes it */
	(void)archive_write_free(writer->archive);
	archive_entry_free(writer->entry);
	*writer = (struct tar_writer){0};
	return r;
}
