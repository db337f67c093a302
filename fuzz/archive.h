/*
 * Headers of tar archives, for the targets that make their own: ustar, with checksums that hold. A
 * header of definitions, for one file.
 */
#ifndef IMMURE_FUZZ_ARCHIVE_H
#define IMMURE_FUZZ_ARCHIVE_H

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"
#include "image/tar_check.h"

static inline void put_octal(uint8_t *field, size_t size, unsigned long value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%0*lo", (int)size - 1, value);
	memcpy(field, text, size - 1);
}

static inline void put_checksum(uint8_t *block)
{
	unsigned long sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	put_octal(block + 148, 7, sum);
	block[154] = 0;
}

/* Names that are too long are cut. */
static inline size_t put_header(
	uint8_t *block, const char *name, char type, const char *link, unsigned mode, size_t length)
{
	memset(block, 0, TAR_BLOCK);
	(void)snprintf((char *)block, 100, "%s", name);
	put_octal(block + 100, 8, mode);
	put_octal(block + 108, 8, 0);
	put_octal(block + 116, 8, 0);
	put_octal(block + 124, 12, length);
	put_octal(block + 136, 12, 1);
	block[156] = (uint8_t)type;
	(void)snprintf((char *)block + 157, 100, "%s", link);
	memcpy(block + 257, "ustar\00000", 8);
	put_checksum(block);
	return TAR_BLOCK;
}

static inline int as_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);

	HOLDS(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* A new directory, in memory where that keeps user xattrs (Linux 6.6): a layer is flushed to disk.
 */
static inline void make_place(char place[64], const char *name)
{
	(void)snprintf(place, 64, "/dev/shm/immure-fuzz-%s-XXXXXX", name);
	if (mkdtemp(place) && setxattr(place, "user.try", "y", 1, 0)) {
		(void)rmdir(place);
		place[0] = '\0';
	}
	if (place[0] == '/' && access(place, W_OK) == 0)
		return;
	(void)snprintf(place, 64, "/tmp/immure-fuzz-%s-XXXXXX", name);
	HOLDS(mkdtemp(place));
}

#endif
