/* Unpacking images: as one half of a pull, and from blobs that are here. Second program only. */
#ifndef IMMURE_IMAGE_UNPACK_H
#define IMMURE_IMAGE_UNPACK_H

#include "image/image.h"
#include "image/storage.h"
#include "util/err.h"

/*
 * Unpacks what the fetching side sends over channel (channel.h), until that side has closed it.
 * channel stays the caller's. 0 when every layer of the image is unpacked; an exit code where the
 * fetching side has been told what failed; else -errno.
 */
int unpack_channel(const struct storage *storage, int channel, struct err *reterr);

/*
 * Unpacks those of image's layers that are not unpacked yet in this process's way (layer.h), from
 * their blobs, and checks them against the diff ids. The caller holds the collector off.
 */
int unpack_image(const struct storage *storage, const struct image *image, struct err *reterr);

#endif
