/* The entries of a directory, where an error is no end: what was not read must not count as gone.
 */
#ifndef IMMURE_UTIL_DIRECTORY_H
#define IMMURE_UTIL_DIRECTORY_H

#include <dirent.h>

/*
 * A stream of the directory open at fd, which it takes over in every case; a negative fd is the
 * error of opening it, and comes back. 0 or -errno. The caller closes the stream with closedir(3).
 */
int directory_start(int fd, DIR **ret);

/* The next entry but "." and "..", valid until the next call: 1, 0 at the end, or -errno. */
int directory_next(DIR *stream, const struct dirent **ret);

#endif
