/* What is referred to: see collect_roots.h. */
#include "image/collect_roots.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image/tag.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/file.h"
#include "util/json.h"

int roots_each_entry(const struct storage *storage, const char *below,
	int (*each)(void *context, int directory, const char *name), void *context)
{
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry;
	int r = directory_start(storage_directory(storage, below), &stream);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	while ((r = directory_next(stream, &entry)) > 0) {
		r = each(context, dirfd(stream), entry->d_name);
		if (r != 0)
			break;
	}
	return r;
}

/* Where containers lie: those that are kept, and those of `run --rm`. */
static const char *const kinds[] = {"containers", "transient"};

struct gathering {
	const struct storage *storage;
	struct arena *arena;
	struct digest_set *set;
	const struct digest *wanted; /* of roots_find_user() */
	char user[128];
	struct err *err;
};

/*
 * The link says what a container was made from, from its first moment on (container/). One that has
 * none is just being made, by somebody who holds the record.
 */
static int read_link(int directory, const char *id, struct digest *ret)
{
	char path[300], text[DIGEST_ROOM + 1];
	ssize_t length;

	if ((size_t)snprintf(path, sizeof(path), "%s/image", id) >= sizeof(path))
		return -ENOENT;
	length = readlinkat(directory, path, text, sizeof(text) - 1);
	if (length < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	text[length] = '\0';
	return digest_parse(text, ret) < 0 ? -EBADMSG : 0;
}

static int add_container(void *context, int directory, const char *name)
{
	struct gathering *gathering = context;
	struct digest digest;
	int r = read_link(directory, name, &digest);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(gathering->err, r, name,
			"this container does not say which image it was made from: nothing is "
			"collected until it does or is removed");
	if (digest_set_add(gathering->set, gathering->arena, &digest) < 0)
		return err_no_memory(gathering->err);
	return 0;
}

static int refuse(void *context, const struct reference *name, int code, struct err *reterr)
{
	char text[REFERENCE_ROOM];

	(void)context;
	(void)err_set(reterr, code, reference_format(name, text),
		"%s: nothing is collected until it is known what it means", tag_fault(code));
	err_hint(reterr,
		"`immure image verify` mends what it can; `immure rmi %s` gives the name up", text);
	return code;
}

int roots_gather(const struct storage *storage, struct arena *arena, struct digest_set *ret,
	struct err *reterr)
{
	struct digest_set set = {0};
	struct gathering gathering = {
		.storage = storage, .arena = arena, .set = &set, .err = reterr};
	struct tag *tags = NULL;
	size_t count = 0;
	int r = tag_list_each(storage, arena, refuse, NULL, &tags, &count, reterr);

	for (size_t i = 0; r == 0 && i < count; i++)
		for (size_t j = 0; r == 0 && j < tags[i].meaning_count; j++)
			r = digest_set_add(&set, arena, &tags[i].meanings[j].manifest);
	for (size_t i = 0; r == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		r = roots_each_entry(storage, kinds[i], add_container, &gathering);
	if (r < 0)
		return err_set(reterr, r, storage->path,
			"cannot look for what must be kept in it: %s", strerror(-r));
	*ret = set;
	return 0;
}

/* The name in container.json, which is container/'s; the id where it has none that we understand.
 */
static void name_container(int directory, const char *id, char *buffer, size_t size)
{
	static const struct json_limits limits = {.bytes = (size_t)4 * 1024 * 1024,
		.depth = 8,
		.values = 100000,
		.string = (size_t)1024 * 1024};
	_cleanup_free_ char *text = NULL;
	const char *name = NULL;
	json_t *root = NULL;
	char path[300];
	size_t length;

	(void)snprintf(path, sizeof(path), "%s/container.json", id);
	if (file_read(directory, path, limits.bytes, &text, &length) == 0)
		root = json_read(path, text, length, &limits, NULL);
	name = json_string_value(json_object_get(root, "name"));
	(void)snprintf(buffer, size, name && name[0] ? "%s" : "%.12s", name && name[0] ? name : id);
	json_decref(root);
}

static int find_user(void *context, int directory, const char *name)
{
	struct gathering *gathering = context;
	struct digest digest;

	if (read_link(directory, name, &digest) < 0 || !digest_equal(&digest, gathering->wanted))
		return 0;
	name_container(directory, name, gathering->user, sizeof(gathering->user));
	return 1;
}

int roots_find_user(const struct storage *storage, const struct digest *manifest,
	struct arena *arena, const char **ret, struct err *reterr)
{
	struct gathering gathering = {.storage = storage, .wanted = manifest};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		r = roots_each_entry(storage, kinds[i], find_user, &gathering);
	if (r < 0)
		return err_set(
			reterr, r, storage->path, "cannot read containers in it: %s", strerror(-r));
	*ret = r > 0 ? arena_copy(arena, gathering.user) : NULL;
	return r > 0 && !*ret ? err_no_memory(reterr) : 0;
}
