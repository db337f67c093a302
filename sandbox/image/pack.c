/* Trees into archives: see pack.h. */
#include "image/pack.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "image/layer_parts.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/overlay.h"

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

/* Files with more than one name, by inode. */
struct seen {
	dev_t device;
	ino_t inode;
	const char *path; /* NULL: free */
};

struct pack {
	enum layer_way way;
	enum pack_kind kind;
	const struct layer_below *below;
	const struct pack_without *without;
	const struct tar_sink *sink;
	struct pack_result *result;
	struct tar_writer writer;
	uint64_t bytes;     /* of files, so far */
	struct arena arena; /* of the paths of seen */
	struct seen *seen;
	size_t seen_room, seen_count;
	char name[PATH_MAX + 16]; /* of an entry */
	char target[PATH_MAX];
	char buffer[256 * 1024];
};

static const char zeros[64 * 1024];

static int fail(const char *path, const char *what, struct err *reterr)
{
	int code = -errno;

	return err_set(reterr, code, path, "cannot %s: %s", what, strerror(-code));
}

static int put_header(struct pack *pack, const char *path, struct err *reterr)
{
	pack->result->entries++;
	return tar_writer_header(&pack->writer, path, reterr);
}

/* ---- files with many names ---- */

static struct seen *find_seen(struct seen *table, size_t room, const struct stat *status)
{
	size_t i = (size_t)(status->st_ino * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (room - 1);

	while (table[i].path &&
		(table[i].inode != status->st_ino || table[i].device != status->st_dev))
		i = (i + 1) & (room - 1);
	return &table[i];
}

static int grow_seen(struct pack *pack)
{
	size_t room = pack->seen_room ? pack->seen_room * 2 : 256;
	struct seen *table = calloc(room, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < pack->seen_room; i++) {
		struct stat status = {
			.st_dev = pack->seen[i].device, .st_ino = pack->seen[i].inode};

		if (pack->seen[i].path)
			*find_seen(table, room, &status) = pack->seen[i];
	}
	free(pack->seen);
	pack->seen = table;
	pack->seen_room = room;
	return 0;
}

/* The path that the file came under before, or NULL: then it is known from now on. */
static int first_path(struct pack *pack, const struct stat *status, const char *path,
	const char **ret, struct err *reterr)
{
	struct seen *seen;

	*ret = NULL;
	if (status->st_nlink < 2)
		return 0;
	if (pack->seen_count * 2 >= pack->seen_room && grow_seen(pack) < 0)
		return err_no_memory(reterr);
	seen = find_seen(pack->seen, pack->seen_room, status);
	*ret = seen->path;
	if (seen->path)
		return 0;
	*seen = (struct seen){.device = status->st_dev,
		.inode = status->st_ino,
		.path = arena_copy(&pack->arena, path)};
	pack->seen_count++;
	return seen->path ? 0 : err_no_memory(reterr);
}

/* ---- entries ---- */

static void begin_entry(struct pack *pack, const char *path, const char *after,
	const struct layer_attributes *attributes)
{
	archive_entry_clear(pack->writer.entry);
	(void)snprintf(pack->name, sizeof(pack->name), "%s%s", path, after);
	archive_entry_set_pathname(pack->writer.entry, pack->name);
	archive_entry_set_mode(pack->writer.entry, attributes->mode);
	archive_entry_set_uid(pack->writer.entry, attributes->uid);
	archive_entry_set_gid(pack->writer.entry, attributes->gid);
	archive_entry_set_size(pack->writer.entry, 0);
	/* whole seconds, as docker has it: fractions cost a header of their own for every file */
	archive_entry_set_mtime(pack->writer.entry, attributes->mtime.tv_sec, 0);
}

static int add_xattrs(struct pack *pack, int fd, mode_t mode, const char *path, struct err *reterr)
{
	char names[64 * 1024], value[64 * 1024];
	ssize_t length = flistxattr(fd, names, sizeof(names)), size;

	if (length < 0)
		return errno == ENOTSUP ? 0 : fail(path, "read its extended attributes", reterr);
	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		if (!layer_xattr_is_kept(name, mode, LAYER_MAPPED))
			continue;
		size = fgetxattr(fd, name, value, sizeof(value));
		if (size < 0)
			return fail(path, "read its extended attributes", reterr);
		archive_entry_xattr_add_entry(pack->writer.entry, name, value, (size_t)size);
	}
	return 0;
}

/* An empty file whose name says something to whoever unpacks the layer. */
static int put_sign(struct pack *pack, const char *directory, const char *prefix, const char *name,
	struct err *reterr)
{
	static const struct layer_attributes plain = {.mode = S_IFREG | 0644};
	char path[PATH_MAX + 16];
	int length = snprintf(
		path, sizeof(path), "%s%s%s%s", directory, *directory ? "/" : "", prefix, name);

	if (length < 0 || (size_t)length >= PATH_MAX)
		return err_set(reterr, -ENAMETOOLONG, name, "lies too deep");
	begin_entry(pack, path, "", &plain);
	return put_header(pack, path, reterr);
}

static int put_whiteout(struct pack *pack, const char *path, const char *name, struct err *reterr)
{
	size_t length = strlen(path) - strlen(name);
	char directory[PATH_MAX];

	memcpy(directory, path, length);
	directory[length ? length - 1 : 0] = '\0';
	return put_sign(pack, directory, WHITEOUT, name, reterr);
}

/* ---- content ---- */

/* The pieces that are no holes, where there are holes. */
static int add_pieces(struct pack *pack, int fd, off_t size)
{
	off_t data = 0, hole;

	if (lseek(fd, 0, SEEK_HOLE) >= size)
		return 0;
	while (data < size) {
		data = lseek(fd, data, SEEK_DATA);
		if (data < 0)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		if (hole > size)
			hole = size;
		if (hole > data)
			archive_entry_sparse_add_entry(pack->writer.entry, data, hole - data);
		data = hole;
	}
	/* all of it a hole: one piece of nothing at the end says so */
	if (archive_entry_sparse_count(pack->writer.entry) == 0)
		archive_entry_sparse_add_entry(pack->writer.entry, size, 0);
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* As many bytes as the header says, whatever happens to the file meanwhile. */
static int put_content(struct pack *pack, int fd, off_t size, const char *path, struct err *reterr)
{
	off_t at = 0, data;
	int r = 0;

	while (r == 0 && at < size) {
		size_t want = sizeof(pack->buffer);
		ssize_t got;

		data = lseek(fd, at, SEEK_DATA);
		if (data < 0 || data > size)
			data = size;
		while (r == 0 && at < data) { /* the writer leaves these out, but wants them */
			size_t hole = (uint64_t)(data - at) < sizeof(zeros) ? (size_t)(data - at)
									    : sizeof(zeros);

			r = tar_writer_data(&pack->writer, zeros, hole, path, reterr);
			at += (off_t)hole;
		}
		if (r < 0 || at == size)
			break;
		if ((uint64_t)(size - at) < want)
			want = (size_t)(size - at);
		got = pread(fd, pack->buffer, want, at);
		if (got < 0)
			return fail(path, "read it", reterr);
		if (got == 0)
			return err_set(reterr, -EAGAIN, path, "changed while it was read");
		r = tar_writer_data(&pack->writer, pack->buffer, (size_t)got, path, reterr);
		at += got;
	}
	return r;
}

/* Opens what was looked at, and nothing that has come in its place. */
static int open_same(int directory, const char *name, int flags, const struct stat *status,
	const char *path, struct err *reterr)
{
	int fd = openat(
		directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
	struct stat now;

	if (fd < 0)
		return fail(path, "open it", reterr);
	if (fstat(fd, &now) || now.st_ino != status->st_ino || now.st_dev != status->st_dev) {
		(void)close(fd);
		return err_set(reterr, -EAGAIN, path, "changed while it was read");
	}
	return fd;
}

static int put_file(struct pack *pack, int directory, const char *name, const char *path,
	const struct stat *status, struct err *reterr)
{
	_cleanup_close_ int fd = open_same(directory, name, 0, status, path, reterr);
	struct layer_attributes attributes;
	const char *before = NULL;
	int r = fd < 0 ? fd : layer_attributes_read(fd, pack->way, &attributes, reterr);

	if (r == 0)
		r = first_path(pack, status, path, &before, reterr);
	if (r < 0)
		return r;
	begin_entry(pack, path, "", &attributes);
	if (before) {
		archive_entry_set_hardlink(pack->writer.entry, before);
		return put_header(pack, path, reterr);
	}
	if ((uint64_t)status->st_size > layer_limits_default.bytes - pack->bytes)
		return err_set(reterr, -EFBIG, path, "makes the archive larger than %llu bytes",
			(unsigned long long)layer_limits_default.bytes);
	pack->bytes += (uint64_t)status->st_size;
	archive_entry_set_size(pack->writer.entry, status->st_size);
	if (add_pieces(pack, fd, status->st_size) < 0)
		return fail(path, "find its holes", reterr);
	r = add_xattrs(pack, fd, status->st_mode, path, reterr);
	if (r == 0)
		r = put_header(pack, path, reterr);
	return r < 0 ? r : put_content(pack, fd, status->st_size, path, reterr);
}

/* ---- directories ---- */

static bool same_attributes(const struct layer_attributes *a, const struct layer_attributes *b)
{
	return a->uid == b->uid && a->gid == b->gid && a->mode == b->mode;
}

/* Whether the layers below have the directory with the same owner and mode. */
static int same_below(struct pack *pack, const char *path,
	const struct layer_attributes *attributes, bool *ret, struct err *reterr)
{
	struct layer_attributes theirs;
	struct layer_found found = {.fd = -1};
	char place[PATH_MAX];
	int r = layer_below_resolve(pack->below, path, false, place, &found, reterr);

	*ret = false;
	if (r == 0 && found.kind == LAYER_DIRECTORY && strcmp(place, path) == 0) {
		r = layer_attributes_read(found.fd, pack->way, &theirs, reterr);
		*ret = r == 0 && same_attributes(attributes, &theirs);
	}
	if (found.fd >= 0)
		(void)close(found.fd);
	return r;
}

static int put_directory(struct pack *pack, int directory, const char *name, const char *path,
	const struct stat *status, bool empty, struct err *reterr)
{
	_cleanup_close_ int fd = open_same(directory, name, O_DIRECTORY, status, path, reterr);
	struct layer_attributes attributes;
	bool same = false, opaque;
	int r = fd < 0 ? fd : layer_attributes_read(fd, pack->way, &attributes, reterr);

	if (r < 0)
		return r;
	opaque = pack->kind == PACK_LAYER && overlay_is_opaque(fd);
	if (pack->kind == PACK_LAYER && (empty || !*path) && !opaque)
		r = same_below(pack, path, &attributes, &same, reterr);
	if (r < 0 || same)
		return r;
	begin_entry(pack, *path ? path : ".", "/", &attributes);
	r = add_xattrs(pack, fd, status->st_mode, path, reterr);
	if (r == 0)
		r = put_header(pack, path, reterr);
	if (r == 0 && opaque)
		r = put_sign(pack, path, "", OPAQUE, reterr);
	return r;
}

/* ---- the rest ---- */

/* A symbolic link or a FIFO, by its name alone. */
static int put_special(struct pack *pack, int directory, const char *name, const char *path,
	const struct stat *status, struct err *reterr)
{
	struct layer_attributes attributes = {.uid = pack->way == LAYER_MAPPED ? status->st_uid : 0,
		.gid = pack->way == LAYER_MAPPED ? status->st_gid : 0,
		.mode = status->st_mode,
		.mtime = status->st_mtim};
	const char *before;
	ssize_t length = 0;
	int r;

	if (S_ISLNK(status->st_mode))
		length = readlinkat(directory, name, pack->target, sizeof(pack->target) - 1);
	if (length < 0)
		return fail(path, "read the link", reterr);
	pack->target[length] = '\0';
	r = first_path(pack, status, path, &before, reterr);
	if (r < 0)
		return r;
	begin_entry(pack, path, "", &attributes);
	if (before)
		archive_entry_set_hardlink(pack->writer.entry, before);
	else if (S_ISLNK(status->st_mode))
		archive_entry_set_symlink(pack->writer.entry, pack->target);
	return put_header(pack, path, reterr);
}

static int visit(void *context, int directory, const char *name, const char *path,
	const struct stat *status, bool empty, struct err *reterr)
{
	struct pack *pack = context;
	bool layer = pack->kind == PACK_LAYER;

	if (layer && overlay_is_whiteout(status))
		return put_whiteout(pack, path, name, reterr);
	if (layer && strncmp(name, WHITEOUT, strlen(WHITEOUT)) == 0) {
		pack->result->skipped++; /* in a layer that name would remove something */
		return 1;
	}
	switch (status->st_mode & S_IFMT) {
	case S_IFDIR: return put_directory(pack, directory, name, path, status, empty, reterr);
	case S_IFREG: return put_file(pack, directory, name, path, status, reterr);
	case S_IFLNK:
	case S_IFIFO: return put_special(pack, directory, name, path, status, reterr);
	default: pack->result->skipped++; return 0;
	}
}

static int write_tree(struct pack *pack, int root, struct err *reterr)
{
	struct pack_walk walk = {.visit = visit, .context = pack, .without = pack->without};
	int closed, r = tar_writer_open(&pack->writer, TAR_PAX, pack->sink, reterr);

	if (r == 0)
		r = pack_walk(root, &walk, reterr);
	closed = tar_writer_close(&pack->writer, r == 0, reterr);
	return r < 0 ? r : closed;
}

int pack_tree(int root, enum layer_way way, enum pack_kind kind, const struct layer_below *below,
	const struct pack_without *without, const struct tar_sink *sink, struct pack_result *ret,
	struct err *reterr)
{
	struct pack *pack = calloc(1, sizeof(*pack));
	/* as in layer_unpack.c: names stay as they are */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before;
	int r;

	if (!pack || !utf8) {
		free(pack);
		return err_set(reterr, -ENOMEM, NULL, "out of memory, or no locale C.UTF-8");
	}
	pack->way = way;
	pack->kind = kind;
	pack->below = below;
	pack->without = without;
	pack->sink = sink;
	pack->result = ret;
	*ret = (struct pack_result){0};
	before = uselocale(utf8);
	r = write_tree(pack, root, reterr);
	arena_free(&pack->arena);
	free(pack->seen);
	(void)uselocale(before);
	freelocale(utf8);
	free(pack);
	return r;
}
