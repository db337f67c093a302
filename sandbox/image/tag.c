/* What names mean: see tag.h. */
#include "image/tag.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/file.h"
#include "util/path.h"
#include "util/text.h"

/*
 * The file of a tag: a first line that names the format, then a line a meaning, newest first. The
 * launcher reads one at every start, so it is no JSON.
 */
#define FIRST_LINE "immure tag 1\n"
#define FILE_BYTES ((size_t)32 * 1024)
#define LEAF_ROOM 160 /* ":" and a tag of 128, or "@" and a digest */
#define DEPTH 130     /* of a repository's components: two bytes each of 255, and the registry */

/* ---- where a tag's file lies ---- */

struct place {
	char directory[REFERENCE_ROOM]; /* "tags/docker.io/library/debian" */
	char leaf[LEAF_ROOM];
};

/* References are checked where they are parsed; what becomes a path is checked again, here. */
static bool is_component(const char *text, size_t length)
{
	if (length == 0 || length > NAME_MAX || strchr(".:@", text[0]))
		return false;
	return !memchr(text, '/', length);
}

static bool are_components(const char *text)
{
	for (;;) {
		size_t length = strcspn(text, "/");

		if (!is_component(text, length))
			return false;
		if (!text[length])
			return true;
		text += length + 1;
	}
}

static int place_of(const struct reference *name, struct place *ret, struct err *reterr)
{
	char text[REFERENCE_ROOM];
	int length;

	if (!is_component(name->registry, strlen(name->registry)) ||
		!are_components(name->repository) || (!name->tag[0] && !name->digest.text[0]) ||
		strchr(name->tag, '/'))
		return err_set(reterr, -EINVAL, reference_format(name, text),
			"is no complete name of an image");
	length = snprintf(ret->directory, sizeof(ret->directory), "tags/%s/%s", name->registry,
		name->repository);
	if (length < 0 || (size_t)length >= sizeof(ret->directory))
		return err_set(reterr, -ENAMETOOLONG, name->repository, "is too long a name");
	if (name->digest.text[0])
		(void)snprintf(ret->leaf, sizeof(ret->leaf), "@%s", name->digest.text);
	else
		(void)snprintf(ret->leaf, sizeof(ret->leaf), ":%s", name->tag);
	return 0;
}

/* Opens the directory of place, made where it is missing. A descriptor or -errno. */
static int make_directory(const struct storage *storage, const struct place *place)
{
	_cleanup_close_ int here = fcntl(storage->directory, F_DUPFD_CLOEXEC, 0);
	char part[NAME_MAX + 1];

	for (const char *rest = place->directory; here >= 0 && *rest;) {
		size_t length = strcspn(rest, "/");
		int below;

		memcpy(part, rest, length);
		part[length] = '\0';
		if (mkdirat(here, part, 0700) && errno != EEXIST)
			return -errno;
		below = openat(here, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			return -errno;
		(void)close(here); /* a directory: nothing was written through it */
		here = below;
		rest += length + (rest[length] == '/');
	}
	return here < 0 ? -errno : take_fd(&here);
}

/* Removes the directories that have become empty, up to tags/ itself. Under the lock, so that none
 * is taken from under a writer. */
static void remove_empty(const struct storage *storage, struct place *place)
{
	for (char *slash; (slash = strrchr(place->directory, '/')); *slash = '\0')
		if (unlinkat(storage->directory, place->directory, AT_REMOVEDIR))
			return;
}

static int lock_tags(const struct storage *storage, struct err *reterr)
{
	_cleanup_close_ int tags = storage_directory(storage, "tags");
	int r = tags < 0 ? tags : 0;

	if (r == 0)
		do
			r = flock(tags, LOCK_EX) ? -errno : 0;
		while (r == -EINTR);
	if (r < 0)
		return err_set(
			reterr, r, storage->path, "cannot lock tags in it: %s", strerror(-r));
	return take_fd(&tags);
}

/* ---- the text ---- */

static int parse_line(char *line, struct tag_meaning *ret)
{
	char *space = strchr(line, ' ');
	uint64_t since;

	if (!space)
		return -EBADMSG;
	*space = '\0';
	if (digest_parse(line, &ret->manifest) < 0 ||
		text_parse_u64(space + 1, INT64_MAX, &since) < 0)
		return -EBADMSG;
	ret->since = (int64_t)since;
	return 0;
}

static int parse_meanings(char *text, size_t length, struct arena *arena, struct tag *ret)
{
	struct tag_meaning *meanings = arena_zeroed(arena, TAG_MEANINGS, sizeof(*meanings));
	size_t count = 0;

	if (!meanings)
		return -ENOMEM;
	if (strlen(text) != length || !text_starts_with(text, FIRST_LINE))
		return -EBADMSG;
	for (char *line = text + sizeof(FIRST_LINE) - 1, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end || count == TAG_MEANINGS)
			return -EBADMSG; /* a last line without its end was cut short */
		*end = '\0';
		if (parse_line(line, &meanings[count++]) < 0)
			return -EBADMSG;
	}
	if (count == 0)
		return -EBADMSG;
	ret->meanings = meanings;
	ret->meaning_count = count;
	return 0;
}

static int read_file(int directory, const char *leaf, struct arena *arena, struct tag *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = file_read(directory, leaf, FILE_BYTES, &text, &length);

	/* a directory, a FIFO, a circle of links, more than a tag: not what we wrote either */
	if (r == -EISDIR || r == -EINVAL || r == -ELOOP || r == -EFBIG)
		return -EBADMSG;
	return r < 0 ? r : parse_meanings(text, length, arena, ret);
}

static int write_file(
	int directory, const char *leaf, const struct tag_meaning *meanings, size_t count)
{
	char text[sizeof(FIRST_LINE) + (size_t)TAG_MEANINGS * (DIGEST_ROOM + 24)];
	char *at = stpcpy(text, FIRST_LINE);

	for (size_t i = 0; i < count; i++)
		at += snprintf(at, (size_t)(text + sizeof(text) - at), "%s %" PRId64 "\n",
			meanings[i].manifest.text, meanings[i].since);
	return file_replace_at(directory, leaf, text, (size_t)(at - text));
}

const char *tag_fault(int code)
{
	return code == -EBADMSG ? "what is stored under this name is damaged" : strerror(-code);
}

static int set_unreadable(const struct reference *name, int code, struct err *reterr)
{
	char text[REFERENCE_ROOM];

	(void)reference_format(name, text);
	if (code == -EBADMSG)
		err_hint(
			reterr, "`immure image verify` finds what is broken and mends what it can");
	return err_set(reterr, code, text, "%s", tag_fault(code));
}

/* ---- reading ---- */

static int read_place(const struct storage *storage, const struct place *place, struct arena *arena,
	struct tag *ret)
{
	_cleanup_close_ int directory = storage_directory(storage, place->directory);

	return directory < 0 ? directory : read_file(directory, place->leaf, arena, ret);
}

int tag_read(const struct storage *storage, const struct reference *name, struct arena *arena,
	struct tag *ret, struct err *reterr)
{
	char text[REFERENCE_ROOM];
	struct place place;
	struct tag tag = {.name = *name};
	int r = place_of(name, &place, reterr);

	if (r < 0)
		return r;
	r = read_place(storage, &place, arena, &tag);
	if (r == -ENOENT)
		return err_set(
			reterr, r, reference_format(name, text), "there is no such image here");
	if (r < 0)
		return set_unreadable(name, r, reterr);
	*ret = tag;
	return 0;
}

struct listing {
	struct arena *arena;
	struct tag *tags;
	size_t count;
	char path[2 * PATH_MAX]; /* below tags/ */
	tag_damaged damaged;
	void *context;
	struct err *err;
};

/* The name that path, "REGISTRY/REPOSITORY", and leaf stand for; false where they stand for none:
 * not a file of ours. */
static bool name_of(const char *path, const char *leaf, struct reference *ret)
{
	char text[REFERENCE_ROOM], again[REFERENCE_ROOM];
	int length = snprintf(text, sizeof(text), "%s%s", path, leaf);

	return length > 0 && (size_t)length < sizeof(text) &&
	       reference_parse(text, ret, NULL) == 0 && ret->registry[0] &&
	       strcmp(reference_format(ret, again), text) == 0;
}

static int list_leaf(struct listing *listing, int directory, const char *leaf)
{
	struct tag tag = {0}, *slot;
	int r;

	if (!name_of(listing->path, leaf, &tag.name))
		return 0;
	r = read_file(directory, leaf, listing->arena, &tag);
	if (r == -ENOENT)
		return 0; /* removed since the directory was read */
	if (r < 0 && listing->damaged)
		return listing->damaged(listing->context, &tag.name, r, listing->err);
	if (r < 0)
		return set_unreadable(&tag.name, r, listing->err);
	slot = ARENA_APPEND(listing->arena, listing->tags, listing->count);
	if (!slot)
		return err_no_memory(listing->err);
	*slot = tag;
	return 0;
}

static int list_directory(struct listing *listing, int fd, unsigned depth);

static int list_below(struct listing *listing, int directory, const char *name, unsigned depth)
{
	size_t length = strlen(listing->path);
	int fd, r;

	if (depth == DEPTH || length + strlen(name) + 2 > sizeof(listing->path))
		return 0; /* deeper than any name of ours */
	fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : err_set(listing->err, -errno, listing->path, "%s",
					 strerror(errno));
	(void)snprintf(listing->path + length, sizeof(listing->path) - length, "%s%s",
		length ? "/" : "", name);
	r = list_directory(listing, fd, depth + 1);
	listing->path[length] = '\0';
	return r;
}

/* Takes fd. */
static int list_directory(struct listing *listing, int fd, unsigned depth)
{
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry;
	int r = directory_start(fd, &stream);

	while (r == 0 && (r = directory_next(stream, &entry)) > 0) {
		if (entry->d_name[0] == '.')
			r = 0; /* what a killed writer left */
		else if (strchr(":@", entry->d_name[0]))
			r = list_leaf(listing, dirfd(stream), entry->d_name);
		else
			r = list_below(listing, dirfd(stream), entry->d_name, depth);
		if (r < 0)
			return r;
	}
	return r < 0 ? err_set(listing->err, r, listing->path, "%s", strerror(-r)) : 0;
}

static int compare_names(const void *a, const void *b)
{
	char one[REFERENCE_ROOM], other[REFERENCE_ROOM];

	return strcmp(reference_format(&((const struct tag *)a)->name, one),
		reference_format(&((const struct tag *)b)->name, other));
}

int tag_pass_over(void *context, const struct reference *name, int code, struct err *reterr)
{
	(void)context;
	(void)name;
	(void)code;
	(void)reterr;
	return 0;
}

int tag_list_each(const struct storage *storage, struct arena *arena, tag_damaged damaged,
	void *context, struct tag **ret, size_t *ret_count, struct err *reterr)
{
	struct listing listing = {
		.arena = arena, .damaged = damaged, .context = context, .err = reterr};
	int fd = storage_directory(storage, "tags"), r;

	if (fd < 0)
		return err_set(
			reterr, fd, storage->path, "cannot open tags in it: %s", strerror(-fd));
	r = list_directory(&listing, fd, 0);
	if (r < 0)
		return r;
	if (listing.count)
		qsort(listing.tags, listing.count, sizeof(*listing.tags), compare_names);
	*ret = listing.tags;
	*ret_count = listing.count;
	return 0;
}

bool tag_has_any(const struct storage *storage, const struct reference *reference)
{
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry;
	struct place place;
	int r = place_of(reference, &place, NULL);

	if (r == 0)
		r = directory_start(storage_directory(storage, place.directory), &stream);
	while (r == 0 && (r = directory_next(stream, &entry)) > 0)
		r = strchr(":@", entry->d_name[0]) ? -EEXIST : 0;
	return r < 0 && r != -ENOENT;
}

int tag_list(const struct storage *storage, struct arena *arena, struct tag **ret,
	size_t *ret_count, struct err *reterr)
{
	return tag_list_each(storage, arena, NULL, NULL, ret, ret_count, reterr);
}

/* ---- changing ---- */

static int set_unwritable(const struct reference *name, int code, struct err *reterr)
{
	char text[REFERENCE_ROOM];

	return err_set(reterr, code, reference_format(name, text), "cannot write its tag: %s",
		strerror(-code));
}

static int set_locked(
	const struct storage *storage, const struct place *place, const struct digest *manifest)
{
	struct tag_meaning meanings[TAG_MEANINGS] = {{.manifest = *manifest, .since = time(NULL)}};
	_cleanup_(arena_free) struct arena arena = {0};
	_cleanup_close_ int directory = make_directory(storage, place);
	struct tag old = {0};
	size_t count = 1;
	int r;

	if (directory < 0)
		return directory;
	r = read_file(directory, place->leaf, &arena, &old);
	/* a damaged one has nothing that could be kept */
	if (r < 0 && r != -ENOENT && r != -EBADMSG)
		return r;
	if (old.meaning_count && digest_equal(&old.meanings[0].manifest, manifest))
		return 0;
	for (; count <= old.meaning_count && count < TAG_MEANINGS; count++)
		meanings[count] = old.meanings[count - 1];
	return write_file(directory, place->leaf, meanings, count);
}

int tag_set(const struct storage *storage, const struct reference *name,
	const struct digest *manifest, struct err *reterr)
{
	struct place place;
	int r = place_of(name, &place, reterr);
	_cleanup_close_ int lock = r < 0 ? -1 : lock_tags(storage, reterr);

	if (r < 0)
		return r;
	if (lock < 0)
		return lock;
	if (!digest_is_valid(manifest->text))
		return err_set(reterr, -EINVAL, manifest->text, "is no digest");
	r = set_locked(storage, &place, manifest);
	return r < 0 ? set_unwritable(name, r, reterr) : 0;
}

/* The newest meaning goes, of more than one. */
static int step_back(const struct storage *storage, const struct place *place,
	const struct tag *tag, struct err *reterr)
{
	_cleanup_close_ int directory = storage_directory(storage, place->directory);
	int r = directory < 0 ? directory
			      : write_file(directory, place->leaf, tag->meanings + 1,
					tag->meaning_count - 1);

	return r < 0 ? set_unwritable(&tag->name, r, reterr) : 0;
}

static int remove_locked(const struct storage *storage, struct place *place,
	const struct reference *name, struct err *reterr)
{
	_cleanup_close_ int directory = storage_directory(storage, place->directory);
	char text[REFERENCE_ROOM];
	int r = directory < 0 ? directory : 0;

	if (r == 0 && unlinkat(directory, place->leaf, 0))
		r = -errno;
	if (r == -ENOENT)
		return err_set(
			reterr, r, reference_format(name, text), "there is no such image here");
	if (r < 0)
		return err_set(reterr, r, reference_format(name, text), "cannot remove its tag: %s",
			strerror(-r));
	(void)fsync(directory); /* as file_replace_at() does; some file systems refuse it */
	remove_empty(storage, place);
	return 0;
}

int tag_rollback(const struct storage *storage, const struct reference *name,
	struct digest *ret_manifest, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {0};
	_cleanup_close_ int lock = lock_tags(storage, reterr);
	char text[REFERENCE_ROOM];
	struct place place;
	struct tag tag;
	int r = lock < 0 ? lock : place_of(name, &place, reterr);

	if (r == 0)
		r = tag_read(storage, name, &arena, &tag, reterr);
	if (r == 0 && tag.meaning_count < 2)
		r = err_set(reterr, -ENODATA, reference_format(name, text),
			"has never meant another image");
	if (r == 0)
		r = step_back(storage, &place, &tag, reterr);
	if (r == 0)
		*ret_manifest = tag.meanings[1].manifest;
	return r;
}

int tag_take_back(const struct storage *storage, const struct reference *name,
	const struct digest *manifest, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {0};
	_cleanup_close_ int lock = lock_tags(storage, reterr);
	struct place place;
	struct tag tag;
	int r = lock < 0 ? lock : place_of(name, &place, reterr);

	if (r == 0)
		r = tag_read(storage, name, &arena, &tag, reterr);
	if (r != 0 || !digest_equal(&tag.meanings[0].manifest, manifest))
		return r;
	return tag.meaning_count > 1 ? step_back(storage, &place, &tag, reterr)
				     : remove_locked(storage, &place, name, reterr);
}

int tag_remove(const struct storage *storage, const struct reference *name, struct err *reterr)
{
	struct place place;
	int r = place_of(name, &place, reterr);
	_cleanup_close_ int lock = r < 0 ? -1 : lock_tags(storage, reterr);

	if (r < 0 || lock < 0)
		return r < 0 ? r : lock;
	return remove_locked(storage, &place, name, reterr);
}

int tag_remove_meaning(const struct storage *storage, const struct reference *name,
	const struct digest *manifest, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {0};
	_cleanup_close_ int lock = lock_tags(storage, reterr);
	char text[REFERENCE_ROOM];
	struct place place;
	struct tag tag;
	int r = lock < 0 ? lock : place_of(name, &place, reterr);

	if (r == 0)
		r = tag_read(storage, name, &arena, &tag, reterr);
	if (r == 0 && !digest_equal(&tag.meanings[0].manifest, manifest))
		r = err_set(reterr, -ENOENT, reference_format(name, text),
			"means another image by now");
	return r == 0 ? remove_locked(storage, &place, name, reterr) : r;
}

/* Cuts a tag's file off after so many meanings, the latest: this needs no room, where a new file
 * would. */
static int cut_off(int directory, const char *leaf, size_t count)
{
	_cleanup_close_ int fd =
		openat(directory, leaf, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	const char *at;
	size_t length = 0;
	int r = fd < 0 ? -errno : file_read_fd(fd, FILE_BYTES, &text, &length);

	at = text;
	for (size_t lines = 0; r == 0 && at && lines <= count; lines++) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (r == 0 && at && ftruncate(fd, at - text))
		r = -errno;
	return r == 0 && fsync(fd) ? -errno : r;
}

/* manifest NULL: every former meaning goes. */
static int drop_meanings(const struct storage *storage, const struct tag *tag,
	const struct digest *manifest, struct err *reterr)
{
	struct tag_meaning kept[TAG_MEANINGS] = {tag->meanings[0]};
	_cleanup_close_ int directory = -1;
	struct place place;
	size_t count = 1, first = 1; /* that stay; of those, before the first that goes */
	int r;

	for (size_t i = 1; manifest && i < tag->meaning_count; i++) {
		if (digest_equal(&tag->meanings[i].manifest, manifest))
			continue;
		first += first == i;
		kept[count++] = tag->meanings[i];
	}
	if (count == tag->meaning_count)
		return 0;
	r = place_of(&tag->name, &place, reterr);
	if (r < 0)
		return r;
	directory = storage_directory(storage, place.directory);
	r = directory < 0 ? directory : write_file(directory, place.leaf, kept, count);
	/* whoever removes must not need room: then older ones go as well */
	if (r == -ENOSPC || r == -EDQUOT)
		r = cut_off(directory, place.leaf, first);
	return r < 0 ? set_unwritable(&tag->name, r, reterr) : 0;
}

static int drop_everywhere(const struct storage *storage, const struct digest *manifest,
	tag_damaged damaged, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {0};
	_cleanup_close_ int lock = lock_tags(storage, reterr);
	struct tag *tags = NULL;
	size_t count = 0;
	int r = lock < 0 ? lock
			 : tag_list_each(storage, &arena, damaged, NULL, &tags, &count, reterr);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = drop_meanings(storage, &tags[i], manifest, reterr);
	return r;
}

int tag_drop(const struct storage *storage, const struct digest *manifest, struct err *reterr)
{
	return drop_everywhere(storage, manifest, tag_pass_over, reterr);
}

int tag_forget(const struct storage *storage, struct err *reterr)
{
	return drop_everywhere(storage, NULL, NULL, reterr);
}

/* Takes fd. What cannot be removed stays for another time. */
static void sweep_directory(int fd, unsigned depth)
{
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry;

	if (directory_start(fd, &stream) < 0)
		return;
	while (directory_next(stream, &entry) > 0) {
		int below;

		if (text_starts_with(entry->d_name, ".immure-"))
			(void)unlinkat(dirfd(stream), entry->d_name, 0);
		if (strchr(".:@", entry->d_name[0]) || depth == DEPTH)
			continue;
		below = openat(dirfd(stream), entry->d_name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			continue;
		sweep_directory(below, depth + 1);
		(void)unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR); /* if it is empty */
	}
}

int tag_sweep(const struct storage *storage, struct err *reterr)
{
	_cleanup_close_ int lock = lock_tags(storage, reterr);
	int tags = lock < 0 ? -1 : storage_directory(storage, "tags");

	if (lock < 0)
		return lock;
	if (tags < 0)
		return err_set(
			reterr, tags, storage->path, "cannot open tags in it: %s", strerror(-tags));
	sweep_directory(tags, 0);
	return 0;
}
