/*
 * What a layer's archive must be before libarchive may say what it means (R32: one parse, one
 * meaning). libarchive is made to get something out of any archive; readers differ in what they get
 * out of a doubtful one, and what one of them checked another then unpacks. So this looks at every
 * header of the stream first and refuses what could be read in two ways: types that are no part of
 * POSIX or GNU tar, sizes where none belong, two long names for one file, keys written twice, NUL
 * inside a name, attributes for all files to come, and anything but zeros after the end
 * (CVE-2021-41190 is the same thought for manifests). POSIX.1-2017 pax, "ustar Interchange Format";
 * GNU tar manual, "Basic Tar Format". Pure; second program only.
 */
#ifndef IMMURE_IMAGE_TAR_CHECK_H
#define IMMURE_IMAGE_TAR_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define TAR_BLOCK 512

struct tar_check {
	int state;       /* what the next bytes are: private */
	uint64_t left;   /* bytes of that to come */
	uint64_t padded; /* of an extended header: its body with the padding */
	uint64_t offset; /* of the next byte in the archive */
	uint64_t
		entries; /* files, links, directories … so far: headers that are not about others */
	unsigned seen;   /* extended headers before the next entry: private */
	uint64_t size;   /* what a pax header says of the next entry; UINT64_MAX: nothing */
	char type;       /* of the extended header that is being collected */
	size_t filled;   /* of block or body */
	char *body;      /* owned */
	unsigned char block[TAR_BLOCK];
};

/* Zero it, then: */
void tar_check_start(struct tar_check *check);

/* The next bytes of the archive. 0, -EBADMSG with what is wrong and at which byte, or -ENOMEM. */
int tar_check_feed(struct tar_check *check, const void *data, size_t length, struct err *reterr);

/* The archive is over: refuses one that was cut off. Frees what check holds, in every case. */
int tar_check_finish(struct tar_check *check, struct err *reterr);

#endif
