/* What a file of a layer looks like, and to whom it belongs: see layer_parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "image/layer_parts.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/proc.h"
#include "util/text.h"

#define XATTR_CAPABILITY "security.capability"

/* overlayfs with userxattr, fuse-overlayfs and containers/storage take orders from these: an
 * archive must not give them (T-TAR-15, T-TAR-18). */
static const char *const reserved[] = {"user.overlay.", "user.fuseoverlayfs.", "user.containers."};

bool layer_xattr_is_kept(const char *name, mode_t mode, enum layer_way way)
{
	if (strcmp(name, XATTR_CAPABILITY) == 0)
		return S_ISREG(mode) && way == LAYER_MAPPED;
	if (!text_starts_with(name, "user.") || name[strlen("user.")] == '\0' ||
		strlen(name) > 255 || (!S_ISREG(mode) && !S_ISDIR(mode)))
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (text_starts_with(name, reserved[i]) && !mutant(MUTANT_TAR_XATTRS))
			return false;
	return true;
}

/* ---- owners ---- */

static int owner_error(
	int code, const struct layer_attributes *attributes, const char *where, struct err *reterr)
{
	if (code != -EINVAL)
		return err_set(reterr, code, where, "cannot give it to %u:%u: %s", attributes->uid,
			attributes->gid, strerror(-code));
	(void)err_set(reterr, code, where,
		"belongs to %u:%u in the image, and you have no subordinate id for that",
		attributes->uid, attributes->gid);
	err_hint(reterr,
		"more of them are given with `usermod --add-subuids FIRST-LAST --add-subgids "
		"FIRST-LAST YOU`, as root; `immure doctor` shows what you have");
	return code;
}

/* "0:0:0755": what containers/storage and fuse-overlayfs read and write where all files belong to
 * one id (storage/pkg/idtools, "ContainersOverrideXattr"). */
static int write_override(
	int fd, const struct layer_attributes *attributes, const char *where, struct err *reterr)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "%u:%u:0%o", attributes->uid, attributes->gid,
		(unsigned)(attributes->mode & 07777));

	if (fsetxattr(fd, XATTR_OVERRIDE, text, (size_t)length, 0))
		return err_set(reterr, -errno, where, "cannot note its owner in a user xattr: %s",
			strerror(errno));
	return 0;
}

/* What the file's real mode is where everything belongs to the caller: never closed to them, and
 * never setuid for them. */
static mode_t single_mode(mode_t mode)
{
	return (mode & (mutant(MUTANT_TAR_SETUID) ? 07777 : 0777)) | (S_ISDIR(mode) ? 0700 : 0600);
}

static int set_xattrs(
	int fd, const struct layer_attributes *attributes, const char *where, struct err *reterr)
{
	for (size_t i = 0; i < attributes->xattr_count; i++) {
		const struct layer_xattr *xattr = &attributes->xattrs[i];

		if (fsetxattr(fd, xattr->name, xattr->value, xattr->length, 0) == 0)
			continue;
		return err_set(reterr, -errno, where, "cannot set its extended attribute %s: %s",
			xattr->name, strerror(errno));
	}
	return 0;
}

int layer_attributes_apply(int fd, const struct layer_attributes *attributes, enum layer_way way,
	const char *where, struct err *reterr)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, attributes->mtime};
	mode_t mode = attributes->mode & 07777;
	int r;

	if (way == LAYER_MAPPED) {
		if (fchown(fd, attributes->uid, attributes->gid))
			return owner_error(-errno, attributes, where, reterr);
	} else {
		r = write_override(fd, attributes, where, reterr);
		if (r < 0)
			return r;
		mode = single_mode(attributes->mode);
	}
	/* capabilities after the owner, whose change would drop them; the mode for the same reason
	 */
	r = set_xattrs(fd, attributes, where, reterr);
	if (r < 0)
		return r;
	if (fchmod(fd, mode))
		return err_set(reterr, -errno, where, "cannot set its mode: %s", strerror(errno));
	if (!S_ISDIR(attributes->mode) && futimens(fd, times))
		return err_set(reterr, -errno, where, "cannot set its time: %s", strerror(errno));
	return 0;
}

int layer_attributes_apply_at(int directory, const char *name,
	const struct layer_attributes *attributes, enum layer_way way, const char *where,
	struct err *reterr)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, attributes->mtime};

	if (way == LAYER_MAPPED &&
		fchownat(directory, name, attributes->uid, attributes->gid, AT_SYMLINK_NOFOLLOW))
		return owner_error(-errno, attributes, where, reterr);
	/* by its name: a link has no mode, and only ours are in a tree that is being made */
	if (!S_ISLNK(attributes->mode) && fchmodat(directory, name, attributes->mode & 0777, 0))
		return err_set(reterr, -errno, where, "cannot set its mode: %s", strerror(errno));
	if (utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW))
		return err_set(reterr, -errno, where, "cannot set its time: %s", strerror(errno));
	return 0;
}

/* ---- reading them back ---- */

/* "UID:GID:MODE", and whatever containers/storage may have added after another colon. */
static bool parse_override(char *text, struct layer_attributes *ret)
{
	char *gid = strchr(text, ':'), *mode = gid ? strchr(gid + 1, ':') : NULL, *end;
	uint64_t numbers[2];
	unsigned long bits;

	if (!mode)
		return false;
	*gid++ = '\0';
	*mode++ = '\0';
	if (text_parse_u64(text, UINT32_MAX - 1, &numbers[0]) < 0 ||
		text_parse_u64(gid, UINT32_MAX - 1, &numbers[1]) < 0)
		return false;
	bits = strtoul(mode, &end, 8);
	if (end == mode || (*end != '\0' && *end != ':') || bits > 0177777)
		return false;
	ret->uid = (uint32_t)numbers[0];
	ret->gid = (uint32_t)numbers[1];
	ret->mode = (ret->mode & S_IFMT) | (bits & 07777);
	return true;
}

int layer_attributes_read(
	int fd, enum layer_way way, struct layer_attributes *ret, struct err *reterr)
{
	struct layer_attributes attributes = {0};
	char text[64];
	struct stat status;
	ssize_t length;

	if (fstat(fd, &status))
		return err_set(reterr, -errno, NULL, "cannot read a file's attributes: %s",
			strerror(errno));
	attributes.uid = status.st_uid;
	attributes.gid = status.st_gid;
	attributes.mode = status.st_mode;
	attributes.mtime = status.st_mtim;
	if (way == LAYER_SINGLE) {
		length = fgetxattr(fd, XATTR_OVERRIDE, text, sizeof(text) - 1);
		/* a link (O_PATH) has none; one that is too long is not ours */
		if (length < 0 && errno != ENODATA && errno != ENOTSUP && errno != EBADF &&
			errno != ERANGE)
			return err_set(reterr, -errno, NULL, "cannot read a file's owner: %s",
				strerror(errno));
		text[length > 0 ? length : 0] = '\0';
		/* a file without the note: made by who runs it, root to those inside */
		if (length <= 0 || !parse_override(text, &attributes))
			attributes.uid = attributes.gid = 0;
	}
	*ret = attributes;
	return 0;
}

/* ---- which way ---- */

enum layer_way layer_way_here(void)
{
	_cleanup_free_ char *text = NULL;
	char *cursor, *line;
	uint64_t ids = 0;
	size_t length;

	if (file_read(AT_FDCWD, "/proc/self/uid_map", (size_t)64 * 1024, &text, &length) < 0)
		return LAYER_SINGLE;
	cursor = text;
	while (proc_next_line(&cursor, &line) > 0) {
		struct proc_id_map map;

		if (proc_id_map_parse(line, &map) == 0)
			ids += map.count;
	}
	return ids > 1 && geteuid() == 0 ? LAYER_MAPPED : LAYER_SINGLE;
}
