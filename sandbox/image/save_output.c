/* Saved images on their way out: see save_output.h. */
#include "image/save_output.h"

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

static bool is_archive(const struct save_output *output)
{
	return output->directory < 0;
}

static int put_header(struct save_output *output, const char *name, mode_t mode, uint64_t size,
	struct err *reterr)
{
	struct archive_entry *entry = output->writer.entry;

	archive_entry_clear(entry);
	archive_entry_set_pathname(entry, name);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, 0, 0);
	return tar_writer_header(&output->writer, name, reterr);
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
		return tar_writer_open(&ret->writer, TAR_USTAR, &tar_to_stdout, reterr);
	ret->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret->directory < 0 ? directory_fault("--output", "open it", reterr)
				  : check_empty(ret->directory, reterr);
}

int save_output_make_directory(struct save_output *output, const char *name, struct err *reterr)
{
	if (is_archive(output))
		return put_header(output, name, S_IFDIR | 0755, 0, reterr);
	return mkdirat(output->directory, name, 0777) ? directory_fault(name, "make it", reterr)
						      : 0;
}

int save_output_begin(
	struct save_output *output, const char *name, uint64_t size, struct err *reterr)
{
	int r;

	if (is_archive(output))
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

	if (is_archive(output))
		return tar_writer_data(&output->writer, data, length, NULL, reterr);
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
	int r = is_archive(output) ? tar_writer_close(&output->writer, whole, reterr)
		: whole            ? end_file(output, reterr)
				   : 0;

	if (output->file >= 0)
		(void)close(output->file); /* of what failed: the reason is told */
	if (output->directory >= 0)
		(void)close(output->directory);
	return r;
}
