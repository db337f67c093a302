/* Files of image archives into blobs: see load_files.h.
 *
 * No file is made under a name that the archive gives. Every regular file of it becomes a blob, by
 * what is in it, and the names stay in a table in memory; so there is no path for "../" or a link
 * to lead along (CVE-2014-9357, CVE-2025-11395, T-TAR-39).
 */
#include "image/load_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/blob.h"
#include "image/digest_set.h"
#include "image/import.h"
#include "image/layer.h"
#include "image/stream.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/path.h"

#define FILES 50000
#define NAME_BYTES ((size_t)16 << 20) /* of all names together */
#define LINKS 8                       /* of links to links */
#define ARCHIVE_BYTES (UINT64_C(256) << 30)

/* ---- the table ---- */

const char *load_files_name(struct load_files *files, const char *name)
{
	char whole[PATH_MAX + 1];

	if (!name || strlen(name) + 1 >= sizeof(whole))
		return NULL;
	(void)snprintf(whole, sizeof(whole), "/%s", name);
	return path_canonical(files->arena, whole);
}

static int compare_files(const void *a, const void *b)
{
	const struct load_file *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	return order ? order : (one->order > other->order) - (one->order < other->order);
}

/* An archive can ask for as many names as it has: each must be found at once. */
static void sort_files(struct load_files *files)
{
	if (files->count)
		qsort(files->items, files->count, sizeof(*files->items), compare_files);
}

/* The last of those that have the name, or NULL. */
static const struct load_file *find_last(const struct load_files *files, const char *name)
{
	size_t low = 0, high = files->count; /* before low: none after name; from high on: all */

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(files->items[middle].name, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && strcmp(files->items[low - 1].name, name) == 0 ? &files->items[low - 1] : NULL;
}

const struct make_layer *load_files_find(const struct load_files *files, const char *name)
{
	for (unsigned links = 0; name && links <= LINKS; links++) {
		const struct load_file *found = find_last(files, name);

		if (!found || !found->target)
			return found ? &found->blob : NULL;
		name = found->target;
	}
	return NULL;
}

static int add_file(struct load_files *files, const struct load_file *file, struct err *reterr)
{
	struct load_file *added;

	if (files->count >= FILES)
		return err_set(reterr, -EFBIG, NULL, "more than %d files", FILES);
	added = ARENA_APPEND(files->arena, files->items, files->count);
	if (!added)
		return err_no_memory(reterr);
	*added = *file;
	added->order = files->count - 1;
	return 0;
}

/* ---- an archive ---- */

struct reading {
	struct load_files *files;
	struct stream *stream;
	struct archive *archive;
};

static la_ssize_t read_block(struct archive *archive, void *context, const void **ret)
{
	struct reading *reading = context;

	(void)archive;
	return (la_ssize_t)stream_read(reading->stream, ret);
}

static int archive_fault(struct reading *reading, struct err *reterr)
{
	stream_error(reading->stream, reterr);
	return err_set(reterr, -EBADMSG, "standard input", "the archive cannot be read: %s",
		archive_error_string(reading->archive));
}

static int holes(const char *name, struct err *reterr)
{
	return err_set(reterr, -EBADMSG, name, "is a sparse file: no image archive has any");
}

static int store_file(struct reading *reading, struct archive_entry *entry, const char *name,
	struct make_layer *ret, struct err *reterr)
{
	struct make_layer layer = {.compression = COMPRESSION_NONE};
	struct blob_writer blob = {.fd = -1};
	const void *data;
	uint64_t offset;
	size_t length;
	int64_t at;
	int r = blob_begin(reading->files->storage, NULL, UINT64_MAX, &blob, &offset, reterr);

	while (r == 0) {
		int read = archive_read_data_block(reading->archive, &data, &length, &at);

		if (read == ARCHIVE_EOF)
			break;
		if (read != ARCHIVE_OK)
			r = archive_fault(reading, reterr);
		else if (at != (int64_t)blob.written)
			r = holes(name, reterr);
		else if (blob.written + length > LAYER_BYTES)
			r = err_set(reterr, -EFBIG, NULL, "a file in it is over %llu bytes",
				(unsigned long long)LAYER_BYTES);
		if (r == 0 && blob.written == 0)
			layer.compression = stream_guess(data, length);
		if (r == 0)
			r = blob_append(&blob, data, length, reterr);
	}
	layer.size = blob.written;
	if (r == 0 && archive_entry_size(entry) != (int64_t)blob.written)
		r = holes(name, reterr); /* one at the end */
	if (r < 0) {
		blob_abandon(&blob, false);
		return r;
	}
	r = blob_finish(&blob, &layer.blob, reterr);
	if (r == 0)
		*ret = layer;
	return r;
}

/* Where a link leads, by names alone: there is no file system in this. */
static const char *link_target(struct reading *reading, const char *name, const char *target)
{
	char whole[2 * PATH_MAX], *end;
	const char *slash = strrchr(name, '/');

	if (!target || strlen(target) >= PATH_MAX)
		return NULL;
	(void)snprintf(whole, sizeof(whole), "%.*s", (int)(slash - name), name);
	while (strncmp(target, "../", 3) == 0) { /* docker's way to share a layer of two images */
		target += 3;
		end = strrchr(whole, '/');
		if (!end)
			return NULL;
		*end = '\0';
	}
	end = whole + strlen(whole);
	(void)snprintf(end, sizeof(whole) - (size_t)(end - whole), "/%s", target);
	return path_canonical(reading->files->arena, whole);
}

/* Counted as they are written: what is folded of a name takes its room all the same. */
static int count_names(struct load_files *files, struct archive_entry *entry, struct err *reterr)
{
	const char *names[] = {archive_entry_pathname(entry), archive_entry_hardlink(entry),
		archive_entry_symlink(entry)};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		files->name_bytes += names[i] ? strlen(names[i]) : 0;
	return files->name_bytes <= NAME_BYTES
		       ? 0
		       : err_set(reterr, -EFBIG, NULL, "more than %zu bytes of names", NAME_BYTES);
}

static int read_entry(struct reading *reading, struct archive_entry *entry, struct err *reterr)
{
	const char *hard = archive_entry_hardlink(entry);
	mode_t type = archive_entry_filetype(entry);
	struct load_file file = {0};
	int r;

	if (type == AE_IFDIR && !hard)
		return 0;
	r = count_names(reading->files, entry, reterr);
	if (r < 0)
		return r;
	file.name = load_files_name(reading->files, archive_entry_pathname(entry));
	if (!file.name)
		return err_set(reterr, -EBADMSG, archive_entry_pathname(entry),
			"is no name for a file of an image archive");
	if (!hard && type != AE_IFREG && type != AE_IFLNK)
		return err_set(reterr, -EBADMSG, file.name, "is neither a file nor a link");
	if (!hard && type == AE_IFREG) {
		r = store_file(reading, entry, file.name, &file.blob, reterr);
		return r < 0 ? r : add_file(reading->files, &file, reterr);
	}
	file.target = hard ? load_files_name(reading->files, hard)
			   : link_target(reading, file.name, archive_entry_symlink(entry));
	if (!file.target)
		return err_set(reterr, -EBADMSG, file.name, "is a link out of the archive");
	return add_file(reading->files, &file, reterr);
}

static int read_entries(struct reading *reading, struct err *reterr)
{
	struct archive_entry *entry;
	int r;

	reading->archive = archive_read_new();
	if (!reading->archive || archive_read_support_format_tar(reading->archive) != ARCHIVE_OK)
		return err_no_memory(reterr);
	if (archive_read_open(reading->archive, reading, NULL, read_block, NULL) != ARCHIVE_OK)
		return archive_fault(reading, reterr);
	while ((r = archive_read_next_header(reading->archive, &entry)) == ARCHIVE_OK) {
		r = read_entry(reading, entry, reterr);
		if (r < 0)
			return r;
	}
	return r == ARCHIVE_EOF ? 0 : archive_fault(reading, reterr);
}

int load_files_of_archive(struct load_files *files, int fd, struct err *reterr)
{
	struct layer_limits wide = layer_limits_default;
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before;
	struct reading reading = {.files = files};
	struct stream_result ignored;
	int r;

	if (!utf8)
		return err_no_memory(reterr);
	before = uselocale(utf8);
	wide.bytes = ARCHIVE_BYTES;
	r = stream_start_guessing(fd, &wide, &reading.stream, reterr);
	if (r == 0)
		r = read_entries(&reading, reterr);
	if (r == 0)
		r = stream_finish(reading.stream, &ignored, reterr);
	sort_files(files);
	(void)archive_read_free(reading.archive);
	stream_free(reading.stream);
	(void)uselocale(before);
	freelocale(utf8);
	return r;
}

/* ---- a directory ---- */

/* Whether a file of a layout is one that says which images there are, or a blob by its name; "dir:"
 * has manifests of an index as HEX.manifest.json. */
static bool is_wanted(const char *name)
{
	static const char *const documents[] = {"index.json", "manifest.json"};
	static const char suffix[] = ".manifest.json";
	size_t length = strlen(name);
	struct digest ignored;

	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		if (strcmp(name, documents[i]) == 0)
			return true;
	if (length > strlen(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0)
		length -= strlen(suffix);
	return digest_from_hex(name, length, &ignored) == 0;
}

static int take_file(struct load_files *files, int directory, const char *below, const char *name,
	struct err *reterr)
{
	struct load_file file = {
		.name = arena_format(files->arena, "/%s%s%s", below, *below ? "/" : "", name)};
	_cleanup_close_ int fd =
		openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	int r;

	if (!file.name)
		return err_no_memory(reterr);
	if (fd < 0 || fstat(fd, &status))
		return err_set(reterr, -errno, file.name + 1, "cannot open it: %s",
			errno == ELOOP ? "it is a link" : strerror(errno));
	if (!S_ISREG(status.st_mode))
		return err_set(reterr, -EBADMSG, file.name + 1, "is no file");
	if ((uint64_t)status.st_size > LAYER_BYTES) /* which may be a hole: no reason to fill it */
		return err_set(reterr, -EFBIG, file.name + 1, "is larger than %llu bytes",
			(unsigned long long)LAYER_BYTES);
	r = import_blob(files->storage, fd, &file.blob, reterr);
	return r < 0 ? r : add_file(files, &file, reterr);
}

/* One that is not there holds nothing: the two forms have different ones. */
static int take_directory(struct load_files *files, int root, const char *below, struct err *reterr)
{
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry;
	int r = directory_start(
		path_open_no_links(root, *below ? below : ".", O_RDONLY | O_DIRECTORY), &stream);

	if (r == -ENOENT)
		return 0;
	while (r == 0 && (r = directory_next(stream, &entry)) > 0) {
		r = is_wanted(entry->d_name)
			    ? take_file(files, dirfd(stream), below, entry->d_name, reterr)
			    : 0;
		if (r < 0)
			return r;
	}
	return r < 0 ? err_set(reterr, r, *below ? below : "--directory", "cannot read it: %s",
			       strerror(-r))
		     : 0;
}

int load_files_of_directory(struct load_files *files, const char *path, struct err *reterr)
{
	static const char *const places[] = {"", "blobs/sha256", "blobs/sha512"};
	_cleanup_close_ int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (root < 0)
		return err_set(
			reterr, -errno, "--directory", "cannot open it: %s", strerror(errno));
	for (size_t i = 0; r == 0 && i < sizeof(places) / sizeof(places[0]); i++)
		r = take_directory(files, root, places[i], reterr);
	sort_files(files);
	return r;
}
