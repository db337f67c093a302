/*
 * Entries of a layer's archive, one after the other, as files of a tree: see layer.h.
 *
 * libarchive says what an entry is; what may come of it is decided here, and layer_tree.c makes it.
 * What tar_check.h refuses never comes this far: it runs before us in the stream, and at the end
 * both must have counted the same number of entries.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "image/layer_parts.h"
#include "image/stream.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/tree.h"

#define LINK_BYTES ((size_t)32 << 20) /* of the names of hard links into layers below */
#define XATTR_BYTES ((size_t)64 * 1024)
#define WHITEOUT ".wh."
#define WHITEOUT_META ".wh..wh." /* aufs's own, but for the opaque marker */
#define WHITEOUT_OPAQUE ".wh..wh..opq"

const struct layer_limits layer_limits_default = {
	.bytes = LAYER_BYTES, .entries = 1000000, .ratio = 200, .depth = 256};

struct unpack {
	struct layer_staging *staging;
	struct layer_tree tree;
	struct stream *stream;
	struct archive *archive;
	uint64_t entries; /* as libarchive counts them */
	bool unreadable;  /* it was libarchive that failed */
	uint64_t bytes;   /* of files, holes counted as if they were none */
	struct layer_attributes attributes;
	char path[PATH_MAX], target[PATH_MAX];
};

/* ---- names ---- */

/*
 * An entry's name as a path below the root: "/a//b/./c/" is "a/b/c". ".." is refused wherever it
 * stands: what it means depends on links, and no tool that makes layers writes it.
 */
static int clean_path(const char *name, size_t depth, char ret[static PATH_MAX], const char *what,
	struct err *reterr)
{
	size_t used = 0, components = 0;

	if (strlen(name) >= PATH_MAX)
		return err_set(reterr, -ENAMETOOLONG, NULL, "%s is longer than %d bytes", what,
			PATH_MAX - 1);
	for (const char *part = name; *part;) {
		size_t length = strcspn(part, "/");

		if (length > NAME_MAX)
			return err_set(reterr, -ENAMETOOLONG, name,
				"%s has a component over %d bytes", what, NAME_MAX);
		if (length == 2 && memcmp(part, "..", 2) == 0 && !mutant(MUTANT_TAR_DOTDOT))
			return err_set(
				reterr, -EBADMSG, name, "%s has \"..\" for a component", what);
		if (length > 0 && !(length == 1 && *part == '.')) {
			if (++components > depth && !mutant(MUTANT_TAR_DEPTH))
				return err_set(reterr, -EFBIG, NULL,
					"%s has more than %zu components", what, depth);
			if (used)
				ret[used++] = '/';
			memcpy(ret + used, part, length);
			used += length;
		}
		part += length + (part[length] == '/');
	}
	ret[used] = '\0';
	return 0;
}

enum meaning { MEANS_ENTRY, MEANS_WHITEOUT, MEANS_OPAQUE, MEANS_NOTHING };

/* What the last component says; for a whiteout path becomes that of what it hides. */
static int read_meaning(char *path, mode_t type, enum meaning *ret, struct err *reterr)
{
	char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *hidden;
	const char *part = strstr(path, WHITEOUT);

	while (part && part != path && part[-1] != '/')
		part = strstr(part + 1, WHITEOUT);
	*ret = MEANS_ENTRY;
	if (!part)
		return 0;
	if (strncmp(part, WHITEOUT_META, strlen(WHITEOUT_META)) == 0 &&
		strcmp(part, WHITEOUT_OPAQUE) != 0) {
		*ret = MEANS_NOTHING;
		return 0;
	}
	if ((part != name || (type != AE_IFREG && type != 0)) &&
		!mutant(MUTANT_TAR_WHITEOUT_INSIDE))
		return err_set(reterr, -EBADMSG, path, "is a whiteout, and no empty file");
	hidden = name + strlen(WHITEOUT);
	if (strcmp(name, WHITEOUT_OPAQUE) == 0) {
		*ret = MEANS_OPAQUE;
		*(slash ? slash : path) = '\0';
		return 0;
	}
	if ((!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0) &&
		!mutant(MUTANT_TAR_WHITEOUT_NAME))
		return err_set(reterr, -EBADMSG, path, "is a whiteout of nothing that has a name");
	*ret = MEANS_WHITEOUT;
	memmove(name, hidden, strlen(hidden) + 1);
	return 0;
}

/* ---- attributes ---- */

static int read_xattrs(struct unpack *unpack, struct archive_entry *entry, struct err *reterr)
{
	struct layer_attributes *attributes = &unpack->attributes;
	const char *name;
	const void *value;
	size_t length, total = 0;

	attributes->xattr_count = 0;
	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &length) == ARCHIVE_OK) {
		if (!layer_xattr_is_kept(name, attributes->mode, unpack->staging->way))
			continue;
		total += length;
		if (attributes->xattr_count == LAYER_XATTRS || total > XATTR_BYTES)
			return err_set(reterr, -EFBIG, unpack->path,
				"has more extended attributes than %d, or than 64 KiB of them",
				LAYER_XATTRS);
		attributes->xattrs[attributes->xattr_count++] =
			(struct layer_xattr){.name = name, .value = value, .length = length};
	}
	return 0;
}

static int read_attributes(struct unpack *unpack, struct archive_entry *entry, struct err *reterr)
{
	struct layer_attributes *attributes = &unpack->attributes;
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	long nanoseconds = archive_entry_mtime_nsec(entry);

	if ((uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX) &&
		!mutant(MUTANT_TAR_OWNER))
		return err_set(reterr, -ERANGE, unpack->path, "has an owner that is no id");
	attributes->uid = (uint32_t)uid;
	attributes->gid = (uint32_t)gid;
	attributes->mode = archive_entry_filetype(entry) | (archive_entry_perm(entry) & 07777);
	attributes->mtime.tv_sec = archive_entry_mtime(entry);
	/* beyond what the file system can tell, the kernel takes the nearest it can */
	attributes->mtime.tv_nsec = nanoseconds < 0 || nanoseconds > 999999999 ? 0 : nanoseconds;
	return read_xattrs(unpack, entry, reterr);
}

/* ---- files ---- */

static int write_at(int fd, const void *data, size_t length, off_t offset)
{
	const char *rest = data;

	while (length > 0) {
		ssize_t put = pwrite(fd, rest, length, offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		rest += put;
		offset += put;
		length -= (size_t)put;
	}
	return 0;
}

static int archive_error(struct unpack *unpack, const char *where, struct err *reterr)
{
	unpack->unreadable = true;
	return err_set(reterr, -EBADMSG, where, "the archive cannot be read: %s",
		archive_error_string(unpack->archive));
}

/* Holes stay holes: libarchive says where each piece belongs. */
static int write_content(struct unpack *unpack, int fd, int64_t size, struct err *reterr)
{
	int64_t end = 0, offset;
	const void *data;
	size_t length;
	int r;

	for (;;) {
		r = archive_read_data_block(unpack->archive, &data, &length, &offset);
		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK)
			return archive_error(unpack, unpack->path, reterr);
		if (offset < end || offset > size || length > (uint64_t)(size - offset))
			return err_set(reterr, -EBADMSG, unpack->path,
				"has pieces that overlap, or lie beyond its end");
		end = offset + (int64_t)length;
		r = write_at(fd, data, length, offset);
		if (r < 0)
			return err_set(
				reterr, r, unpack->path, "cannot write it: %s", strerror(-r));
	}
	if (end < size && ftruncate(fd, size))
		return err_set(
			reterr, -errno, unpack->path, "cannot write it: %s", strerror(errno));
	return 0;
}

static int make_file(struct unpack *unpack, struct archive_entry *entry, struct err *reterr)
{
	int64_t size = archive_entry_size(entry);
	_cleanup_close_ int fd = -1;
	int r;

	if ((size < 0 || (uint64_t)size > unpack->staging->limits.bytes - unpack->bytes) &&
		!mutant(MUTANT_TAR_BYTES))
		return err_set(reterr, -EFBIG, unpack->path,
			"makes the layer larger than %llu bytes",
			(unsigned long long)unpack->staging->limits.bytes);
	unpack->bytes += (uint64_t)size;
	fd = layer_tree_file(&unpack->tree, unpack->path, reterr);
	if (fd < 0)
		return fd;
	r = write_content(unpack, fd, size, reterr);
	if (r == 0)
		r = layer_attributes_apply(
			fd, &unpack->attributes, unpack->staging->way, unpack->path, reterr);
	return r;
}

/* ---- links ---- */

/* What the link leads to lies in a layer below, or nowhere: layer_commit() will see. */
static int note_link(struct unpack *unpack, struct err *reterr)
{
	struct layer_staging *staging = unpack->staging;
	struct layer_link *link;
	int r = layer_tree_clear(&unpack->tree, unpack->path, reterr);

	if (r < 0)
		return r;
	staging->link_bytes += strlen(unpack->path) + strlen(unpack->target) + 2;
	if (staging->link_bytes > LINK_BYTES)
		return err_set(reterr, -EFBIG, unpack->path,
			"is one hard link into the layers below too many");
	link = ARENA_APPEND(&staging->arena, staging->links, staging->link_count);
	if (!link)
		return err_no_memory(reterr);
	link->path = arena_copy(&staging->arena, unpack->path);
	link->target = arena_copy(&staging->arena, unpack->target);
	return link->path && link->target ? 0 : err_no_memory(reterr);
}

static int make_link(struct unpack *unpack, const char *name, struct err *reterr)
{
	int r = clean_path(name, unpack->staging->limits.depth, unpack->target,
		"the target of a hard link", reterr);

	if (r < 0)
		return r;
	if (!unpack->target[0] || strcmp(unpack->path, unpack->target) == 0)
		return err_set(
			reterr, -EBADMSG, unpack->path, "is a hard link to itself, or to the root");
	r = layer_tree_link(&unpack->tree, unpack->path, unpack->target, reterr);
	if (r == -ENOENT && !reterr->code)
		r = note_link(unpack, reterr);
	return r;
}

static int make_symlink(struct unpack *unpack, const char *target, struct err *reterr)
{
	if (!target || !*target || strlen(target) >= PATH_MAX)
		return err_set(reterr, -EBADMSG, unpack->path,
			"is a symbolic link to nothing, or to more than %d bytes", PATH_MAX - 1);
	return layer_tree_special(&unpack->tree, unpack->path, target, &unpack->attributes, reterr);
}

/* ---- entries ---- */

/* No device comes out of a layer (R33), and none could be made without root: as podman has it then,
 * they are left out. */
static int skip_device(struct unpack *unpack)
{
	unpack->staging->skipped++;
	return 0;
}

static int make_entry(struct unpack *unpack, struct archive_entry *entry, struct err *reterr)
{
	const char *link = archive_entry_hardlink(entry);
	int r;

	if (!unpack->path[0] && (link || archive_entry_filetype(entry) != AE_IFDIR) &&
		!mutant(MUTANT_TAR_ROOT))
		return err_set(
			reterr, -EBADMSG, "/", "the root of a layer can only be a directory");
	if (link)
		return make_link(unpack, link, reterr);
	r = read_attributes(unpack, entry, reterr);
	if (r < 0)
		return r;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG: return make_file(unpack, entry, reterr);
	case AE_IFDIR:
		return layer_tree_directory(
			&unpack->tree, unpack->path, &unpack->attributes, reterr);
	case AE_IFLNK: return make_symlink(unpack, archive_entry_symlink(entry), reterr);
	case AE_IFCHR:
		return mutant(MUTANT_TAR_DEVICES)
			       ? layer_tree_whiteout(&unpack->tree, unpack->path, reterr)
			       : skip_device(unpack);
	case AE_IFBLK: return skip_device(unpack);
	case AE_IFIFO:
		return layer_tree_special(
			&unpack->tree, unpack->path, NULL, &unpack->attributes, reterr);
	default: return err_set(reterr, -EBADMSG, unpack->path, "is of no known type");
	}
}

static int unpack_entry(struct unpack *unpack, struct archive_entry *entry, struct err *reterr)
{
	const char *name = archive_entry_pathname(entry);
	enum meaning meaning = MEANS_NOTHING;
	int r;

	if (!name || !*name)
		return err_set(reterr, -EBADMSG, NULL, "an entry has no name");
	r = clean_path(
		name, unpack->staging->limits.depth, unpack->path, "the name of an entry", reterr);
	if (r == 0)
		r = read_meaning(unpack->path, archive_entry_filetype(entry), &meaning, reterr);
	if (r < 0)
		return r;
	switch (meaning) {
	case MEANS_ENTRY: return make_entry(unpack, entry, reterr);
	case MEANS_WHITEOUT: return layer_tree_whiteout(&unpack->tree, unpack->path, reterr);
	case MEANS_OPAQUE: return layer_tree_opaque(&unpack->tree, unpack->path, reterr);
	case MEANS_NOTHING: return 0;
	}
	return 0;
}

static int unpack_entries(struct unpack *unpack, struct err *reterr)
{
	struct archive_entry *entry;
	int r;

	for (;;) {
		r = archive_read_next_header(unpack->archive, &entry);
		if (r == ARCHIVE_EOF)
			return 0;
		/* a warning says that a name or an attribute is not what the archive has */
		if (r != ARCHIVE_OK)
			return archive_error(unpack, NULL, reterr);
		unpack->entries++;
		r = unpack_entry(unpack, entry, reterr);
		if (r < 0)
			return r;
	}
}

/* ---- libarchive ---- */

static la_ssize_t read_block(struct archive *archive, void *context, const void **ret)
{
	struct unpack *unpack = context;

	(void)archive;
	return (la_ssize_t)stream_read(unpack->stream, ret);
}

/* Tar and nothing else (R29, T-TAR-30, T-TAR-31): no other reader is registered, no filter at all.
 */
static int open_archive(struct unpack *unpack, struct err *reterr)
{
	unpack->archive = archive_read_new();
	if (!unpack->archive || archive_read_support_format_tar(unpack->archive) != ARCHIVE_OK)
		return err_set(reterr, -ENOMEM, NULL, "cannot set up libarchive");
	if (archive_read_open(unpack->archive, unpack, NULL, read_block, NULL) != ARCHIVE_OK)
		return archive_error(unpack, NULL, reterr);
	return 0;
}

/* ---- the end ---- */

static int finish(struct unpack *unpack, struct err *reterr)
{
	struct layer_staging *staging = unpack->staging;
	struct stream_result result;
	int r = stream_finish(unpack->stream, &result, reterr);

	if (r < 0)
		return r;
	if (result.entries != unpack->entries)
		return err_set(reterr, -EBADMSG, NULL,
			"the archive reads as %llu entries and as %llu: it is refused",
			(unsigned long long)result.entries, (unsigned long long)unpack->entries);
	staging->diff = result.diff;
	staging->size = unpack->bytes;
	staging->entries = unpack->entries;
	staging->implicit = unpack->tree.implicit;
	return layer_tree_set_times(&unpack->tree, reterr);
}

static int run(struct unpack *unpack, int fd, enum compression compression, struct err *reterr)
{
	struct err own = {0};
	int r = stream_start(fd, compression, &unpack->staging->limits, &unpack->stream, reterr);

	if (r < 0)
		return r;
	r = open_archive(unpack, &own);
	if (r == 0)
		r = unpack_entries(unpack, &own);
	if (r == 0)
		return finish(unpack, reterr);
	/* where the stream broke off, libarchive only saw it end too early */
	if (unpack->unreadable)
		stream_error(unpack->stream, &own);
	(void)err_set(reterr, own.code, own.where, "%s", own.message);
	if (own.hint[0])
		err_hint(reterr, "%s", own.hint);
	return own.code;
}

/* ---- staging ---- */

/* A directory that is locked from its first moment: what collects rubbish may have been there
 * between the two calls, and then there is another name. */
static int make_locked(struct layer_staging *staging, struct err *reterr)
{
	for (unsigned attempt = 0; attempt < 16; attempt++) {
		uint64_t random;
		struct stat status;
		int fd;

		if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return err_set(reterr, -EIO, NULL, "the kernel has no random numbers");
		(void)snprintf(staging->name, sizeof(staging->name), "layer-%016llx",
			(unsigned long long)random);
		if (mkdirat(staging->staging, staging->name, 0700)) {
			if (errno == EEXIST)
				continue;
			break;
		}
		fd = openat(staging->staging, staging->name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
			fstatat(staging->staging, staging->name, &status, AT_SYMLINK_NOFOLLOW) ==
				0) {
			staging->directory = fd;
			return 0;
		}
		if (fd >= 0)
			(void)close(fd);
	}
	return err_set(
		reterr, -errno, "staging", "cannot make a directory in it: %s", strerror(errno));
}

static int open_staging(struct layer_staging *staging, struct err *reterr)
{
	int r;

	staging->staging = storage_directory(staging->storage, "staging");
	if (staging->staging < 0)
		return err_set(reterr, staging->staging, "staging", "cannot open it: %s",
			strerror(-staging->staging));
	r = make_locked(staging, reterr);
	if (r < 0)
		return r;
	if (mkdirat(staging->directory, "tree", 0755))
		return err_set(reterr, -errno, "staging", "cannot make tree/: %s", strerror(errno));
	staging->tree =
		openat(staging->directory, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (staging->tree < 0)
		return err_set(reterr, -errno, "staging", "cannot open tree/: %s", strerror(errno));
	return 0;
}

void layer_abandon(struct layer_staging *staging)
{
	if (!staging)
		return;
	if (staging->tree >= 0)
		(void)close(staging->tree);
	if (staging->directory >= 0) {
		/* what cannot be removed stays as rubbish, which the next collection takes */
		if (staging->name[0])
			(void)tree_remove(staging->staging, staging->name);
		(void)close(staging->directory);
	}
	if (staging->staging >= 0)
		(void)close(staging->staging);
	free(staging->times.slots);
	arena_free(&staging->arena);
	free(staging);
}

int layer_staging_make(const struct storage *storage, enum layer_way way,
	const struct layer_limits *limits, struct layer_staging **ret, struct err *reterr)
{
	struct layer_staging *staging = calloc(1, sizeof(*staging));
	int r;

	if (!staging)
		return err_no_memory(reterr);
	*staging = (struct layer_staging){.storage = storage,
		.way = way,
		.limits = *limits,
		.staging = -1,
		.directory = -1,
		.tree = -1};
	r = open_staging(staging, reterr);
	if (r < 0) {
		layer_abandon(staging);
		return r;
	}
	*ret = staging;
	return 0;
}

static int unpack_into(
	struct layer_staging *staging, int fd, enum compression compression, struct err *reterr)
{
	static const struct layer_attributes root = {.mode = S_IFDIR | 0755};
	struct unpack *unpack = calloc(1, sizeof(*unpack));
	/* libarchive turns pax's UTF-8 into the locale's: in this one every name stays as it is */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before;
	int r;

	if (!unpack || !utf8) {
		free(unpack);
		return err_set(reterr, -ENOMEM, NULL, "out of memory, or no locale C.UTF-8");
	}
	before = uselocale(utf8);
	unpack->staging = staging;
	layer_tree_start(&unpack->tree, staging->tree, staging->way, &staging->limits);
	r = layer_attributes_apply(staging->tree, &root, staging->way, "/", reterr);
	if (r == 0)
		r = run(unpack, fd, compression, reterr);
	stream_free(unpack->stream);
	(void)archive_read_free(unpack->archive);
	staging->times = unpack->tree.times;
	unpack->tree.times = (struct layer_times){0};
	layer_tree_close(&unpack->tree);
	(void)uselocale(before);
	freelocale(utf8);
	free(unpack);
	return r;
}

int layer_unpack(const struct storage *storage, enum layer_way way, int fd,
	enum compression compression, const struct layer_limits *limits, struct layer_staging **ret,
	struct err *reterr)
{
	struct layer_staging *staging;
	int r = layer_staging_make(storage, way, limits, &staging, reterr);

	if (r < 0)
		return r;
	r = unpack_into(staging, fd, compression, reterr);
	if (r < 0) {
		layer_abandon(staging);
		return r;
	}
	*ret = staging;
	return 0;
}
