/* The unpacking half of a pull. Second program only. */
#ifndef IMMURE_IMAGE_UNPACK_H
#define IMMURE_IMAGE_UNPACK_H

#include "image/storage.h"
#include "util/err.h"

/*
 * Unpacks what the fetching side sends over channel (channel.h), until that side has closed it.
 * channel stays the caller's. 0 when every layer of the image is unpacked; an exit code where the
 * fetching side has been told what failed; else -errno.
 */
int unpack_channel(const struct storage *storage, int channel, struct err *reterr);

#endif
