/* Whole files, read once and bounded, and written without being half there. */
#ifndef IMMURE_UTIL_FILE_H
#define IMMURE_UTIL_FILE_H

#include <stddef.h>

/*
 * Reads the file open at fd to its end, at most maximum bytes, into malloc'd memory with a NUL
 * after it (the caller frees). 0, -EFBIG when there is more, -EISDIR, or -errno.
 */
int file_read_fd(int fd, size_t maximum, char **ret_text, size_t *ret_length);

/*
 * The same for the regular file at path relative to directory (AT_FDCWD). Anything else is refused
 * without waiting for it: -EISDIR for a directory, -EINVAL for a FIFO, socket or device. (For a
 * pipe or standard input there is file_read_fd().)
 */
int file_read(int directory, const char *path, size_t maximum, char **ret_text, size_t *ret_length);

/*
 * Reads a small kernel file (procfs, sysfs, cgroupfs) into buffer, NUL-terminated, without its last
 * newline. Length, -EFBIG when it does not fit whole, or -errno. Safe in the child.
 */
int file_read_line(int directory, const char *path, char *buffer, size_t size);

/*
 * Writes all of text into an existing kernel file in one write(2). 0 or -errno (-EIO for a short
 * write). Safe in the child.
 */
int file_write_kernel(int directory, const char *path, const char *text, size_t length);

/* Writes everything, over short writes and EINTR. 0 or -errno. Safe in the child. */
int file_write_all(int fd, const void *data, size_t length);

/*
 * Splits path into an open directory (the caller closes it) and the name in it (points into path):
 * looked up before somebody else could move it. 0 or -errno.
 */
int file_open_parent(const char *path, int *ret_directory, const char **ret_name);

/*
 * Replaces name with text: temporary file beside it (0600), fsync, rename. 0 or -errno. Never
 * follows a link at name.
 */
int file_replace_at(int directory, const char *name, const char *text, size_t length);

#endif
