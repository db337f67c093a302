/* Scope-bound ownership: a variable that carries one of these marks is released when its block ends. */
#ifndef IMMURE_UTIL_CLEANUP_H
#define IMMURE_UTIL_CLEANUP_H

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

/* Text that must not stay in memory; NULL afterwards. */
static inline void cleanup_secret(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing was written through these: an error has nobody to go to */
}

static inline void cleanup_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_secret_ _cleanup_(cleanup_secret)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_closedir_ _cleanup_(cleanup_closedir)

/* Moves a descriptor out of a scope-bound variable: the caller owns what it returns. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void *take_pointer(void *address)
{
	void *taken = *(void **)address;

	*(void **)address = NULL;
	return taken;
}

#endif
