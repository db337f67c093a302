/* Saved images on their way out: see save_output.h. */
#include "image/save_output.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/directory.h"
#include "util/file.h"

/* ---- an archive ---- */

static int archive_fault(struct save_output *output, struct err *reterr)
{
	return err_set(reterr, -EIO, "standard output", "cannot write the archive: %s",
		archive_error_string(output->archive));
}

static la_ssize_t put_bytes(struct archive *archive, void *context, const void *data, size_t length)
{
	struct save_output *output = context;
	int r = output->broken ? 0 : file_write_all(STDOUT_FILENO, data, length);

	if (r < 0)
		archive_set_error(archive, -r, "%s", strerror(-r));
	return r < 0 ? -1 : (la_ssize_t)length;
}

static int open_archive(struct save_output *output, struct err *reterr)
{
	output->archive = archive_write_new();
	output->entry = archive_entry_new();
	if (!output->archive || !output->entry)
		return err_no_memory(reterr);
	if (archive_write_set_format_ustar(output->archive) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(output->archive, 512) != ARCHIVE_OK ||
		archive_write_open(output->archive, output, NULL, put_bytes, NULL) != ARCHIVE_OK)
		return archive_fault(output, reterr);
	return 0;
}

static int put_header(struct save_output *output, const char *name, mode_t mode, uint64_t size,
	struct err *reterr)
{
	archive_entry_clear(output->entry);
	archive_entry_set_pathname(output->entry, name);
	archive_entry_set_mode(output->entry, mode);
	archive_entry_set_size(output->entry, (la_int64_t)size);
	archive_entry_set_mtime(output->entry, 0, 0);
	return archive_write_header(output->archive, output->entry) == ARCHIVE_OK
		       ? 0
		       : archive_fault(output, reterr);
}

/* ---- a directory ---- */

static int directory_fault(const char *name, const char *what, struct err *reterr)
{
	int code = -errno;

	return err_set(reterr, code, name, "cannot %s: %s", what, strerror(-code));
}

static int check_empty(int directory, struct err *reterr)
{
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry;
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = directory_start(fd < 0 ? -errno : fd, &stream);

	if (r == 0)
		r = directory_next(stream, &entry);
	if (r < 0)
		return err_set(reterr, r, "--output", "cannot read it: %s", strerror(-r));
	return r ? err_set(reterr, -ENOTEMPTY, "--output", "this directory is not empty") : 0;
}

static int end_file(struct save_output *output, struct err *reterr)
{
	int fd = take_fd(&output->file);

	return fd >= 0 && close(fd) ? directory_fault("--output", "write a file", reterr) : 0;
}

/* ---- both ---- */

int save_output_open(const char *directory, struct save_output *ret, struct err *reterr)
{
	*ret = (struct save_output){.directory = -1, .file = -1};
	if (!directory)
		return open_archive(ret, reterr);
	ret->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret->directory < 0 ? directory_fault("--output", "open it", reterr)
				  : check_empty(ret->directory, reterr);
}

int save_output_make_directory(struct save_output *output, const char *name, struct err *reterr)
{
	if (output->archive)
		return put_header(output, name, S_IFDIR | 0755, 0, reterr);
	return mkdirat(output->directory, name, 0777) ? directory_fault(name, "make it", reterr)
						      : 0;
}

int save_output_begin(
	struct save_output *output, const char *name, uint64_t size, struct err *reterr)
{
	int r;

	if (output->archive)
		return put_header(output, name, S_IFREG | 0644, size, reterr);
	r = end_file(output, reterr);
	if (r < 0)
		return r;
	output->file = openat(output->directory, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	return output->file < 0 ? directory_fault(name, "make it", reterr) : 0;
}

int save_output_put(struct save_output *output, const void *data, size_t length, struct err *reterr)
{
	int r;

	if (output->archive)
		return archive_write_data(output->archive, data, length) == (la_ssize_t)length
			       ? 0
			       : archive_fault(output, reterr);
	r = file_write_all(output->file, data, length);
	return r < 0 ? err_set(reterr, r, "--output", "cannot write a file: %s", strerror(-r)) : 0;
}

int save_output_text(struct save_output *output, const char *name, const char *text, size_t length,
	struct err *reterr)
{
	int r = save_output_begin(output, name, length, reterr);

	return r < 0 ? r : save_output_put(output, text, length, reterr);
}

int save_output_close(struct save_output *output, bool whole, struct err *reterr)
{
	int r = 0;

	if (whole && output->archive && archive_write_close(output->archive) != ARCHIVE_OK)
		r = archive_fault(output, reterr);
	else if (whole)
		r = end_file(output, reterr);
	output->broken = !whole || r < 0; /* freeing closes it */
	(void)archive_write_free(output->archive);
	archive_entry_free(output->entry);
	if (output->file >= 0)
		(void)close(output->file); /* of what failed: the reason is told */
	if (output->directory >= 0)
		(void)close(output->directory);
	return r;
}
