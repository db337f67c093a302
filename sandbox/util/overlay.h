/*
 * The marks of overlayfs in an unprivileged user namespace ("userxattr"): what a directory of a
 * layer or of an upper says of the layers below it. Documentation/filesystems/overlayfs.rst,
 * "whiteouts and opaque directories".
 */
#ifndef IMMURE_UTIL_OVERLAY_H
#define IMMURE_UTIL_OVERLAY_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/*
 * The layers that one image may have, wherever it is pulled, loaded, made, mounted or looked into
 * (R30). Docker's limit is about the same; each one is a descriptor at every launch, and the kernel
 * itself ends at 500 (fs/overlayfs/params.h, OVL_MAX_STACK).
 */
#define OVERLAY_LAYERS 128
#define OVERLAY_TREES (OVERLAY_LAYERS + 1) /* with what a container has made on top of them */

#define OVERLAY_OPAQUE \
	"user.overlay.opaque" /* "y" on a directory: nothing of the layers below is seen in it */
#define OVERLAY_WHITEOUT \
	makedev(0, 0) /* as a character device: nothing of the layers below has this name */

static inline bool overlay_is_whiteout(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == OVERLAY_WHITEOUT;
}

/* directory: open for reading. */
static inline bool overlay_is_opaque(int directory)
{
	char value;

	return fgetxattr(directory, OVERLAY_OPAQUE, &value, 1) == 1 && value == 'y';
}

#endif
