/*
 * Finding documents by name. A name is looked up in the user's own directory, in the machine's, and
 * among the built-in ones; never in the current directory, which may belong to whoever made the
 * program that is to be jailed (T-CFG-24). What a built-in document names is built in too, so that
 * a shipped profile means the same on every machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "profile/grammar.h"
#include "profile/loader.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/text.h"

static const struct {
	const char *what;
	const char *directory; /* below the configuration directories */
	const char *built_in;  /* directory in the source tree */
} kinds[] = {
	[DOCUMENT_PROFILE] = {"profile", "profiles", "profiles"},
	[DOCUMENT_GROUP] = {"group of system calls", "seccomp", "policies/seccomp"},
	[DOCUMENT_SECCOMP] = {"seccomp document", NULL, NULL}, /* by path only */
};

#define BUILT_IN_PREFIX "built-in/"

__attribute__((format(printf, 5, 6))) static int fail(struct loader *loader,
	const struct cursor *at, int code, const char *place, const char *format, ...)
{
	char message[384], safe[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	(void)text_escape(place, strlen(place), safe, sizeof(safe));
	return at ? cursor_error(at, "%s: %s", safe, message)
		  : err_set(loader->err, code, safe, "%s", message);
}

/* ---- documents of this load ---- */

static void document_free(struct profile_document *document)
{
	json_document_free(&document->json);
	free(document->directory);
	free(document->name);
	free(document);
}

void profile_library_free(struct profile_library *library)
{
	struct profile_document *next;

	for (struct profile_document *document = library->documents; document; document = next) {
		next = document->next;
		document_free(document);
	}
	library->documents = NULL;
}

static int parse_built_in(const char *name, char *text, size_t length,
	const struct json_limits *limits, struct json_document *ret, struct err *reterr)
{
	return json_document_parse_static(name, text, length, limits, ret, reterr);
}

int loader_take(struct loader *loader, const struct profile_document *like,
	const char *document_name, char *text, size_t length, const struct profile_document **ret)
{
	bool full = loader->document_count >= DOCUMENTS_MAX;
	struct profile_document *document = full ? NULL : calloc(1, sizeof(*document));
	int r;

	if (!document && !like->built_in)
		free(text);
	if (full)
		return err_set(loader->err, -EINVAL, document_name,
			"more than %d documents for one profile", DOCUMENTS_MAX);
	if (!document)
		return err_set(loader->err, -ENOMEM, document_name, "out of memory");
	*document = *like;
	document->directory = like->directory ? strdup(like->directory) : NULL;
	document->name = strdup(like->name);
	r = (like->built_in ? parse_built_in : json_document_parse)(
		document_name, text, length, &json_limits_profile, &document->json, loader->err);
	if (!r && (!document->name || (like->directory && !document->directory)))
		r = err_set(loader->err, -ENOMEM, document_name, "out of memory");
	if (r) {
		document_free(document);
		return r;
	}
	document->next = loader->library->documents;
	loader->library->documents = document;
	loader->documents[loader->document_count++] = document;
	*ret = document;
	return 0;
}

static const struct profile_document *known(
	const struct loader *loader, const struct profile_document *like)
{
	for (size_t i = 0; i < loader->document_count; i++) {
		const struct profile_document *document = loader->documents[i];

		if (like->built_in ? document->built_in &&
					     strcmp(document->built_in, like->built_in) == 0
				   : like->inode && document->inode == like->inode &&
					     document->device == like->device)
			return document;
	}
	return NULL;
}

/* ---- built-in ---- */

/* 0, -ENOENT, or an error that is told. */
static int find_built_in(struct loader *loader, enum document_kind kind, const char *name,
	const struct profile_document **ret)
{
	struct profile_document like = {.name = (char *)name, .kind = kind};
	char label[160];
	const char *text;
	char *path = arena_format(loader->arena, "%s/%s.json", kinds[kind].built_in, name);
	size_t length;

	like.built_in = path;
	if (!path)
		return err_set(loader->err, -ENOMEM, name, "out of memory");
	*ret = known(loader, &like);
	if (*ret)
		return 0;
	text = builtin_text(path, &length);
	if (!text)
		return -ENOENT;
	(void)snprintf(label, sizeof(label), "built-in %s", name);
	return loader_take(loader, &like, label, (char *)text, length, ret); /* only read */
}

/* ---- files ---- */

/*
 * What else could write the file could widen every jail that is made from it: it must be the user's
 * own or root's, and closed to others and to groups that are not the user's own.
 */
static const char *distrust(const struct stat *status)
{
	if (!S_ISREG(status->st_mode))
		return "not a regular file";
	if (status->st_uid != geteuid() && status->st_uid != 0)
		return "belongs to another user";
	if (status->st_mode & S_IWOTH)
		return "anybody may write it";
	if (status->st_mode & S_IWGRP && status->st_gid != getegid() && status->st_gid != 0)
		return "another group may write it";
	return NULL;
}

/* Reads what is open at fd; like says what it is. */
static int take_descriptor(struct loader *loader, const struct cursor *at,
	const struct profile_document *like, const char *label, int fd,
	const struct profile_document **ret)
{
	char *text;
	size_t length;
	int r = file_read_fd(fd, json_limits_profile.bytes, &text, &length);

	if (r == -EFBIG)
		return fail(
			loader, at, r, label, "larger than %zu bytes", json_limits_profile.bytes);
	if (r)
		return fail(loader, at, r, label, "%s", strerror(-r));
	return loader_take(loader, like, label, text, length, ret);
}

/* "/a/b.json" → "/a" and "b", as the arena's. */
static bool split_path(struct loader *loader, const char *path, struct profile_document *like)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t length = strlen(base);

	if (length > 5 && strcmp(base + length - 5, ".json") == 0)
		length -= 5;
	like->directory = slash > path
				  ? arena_copy_range(loader->arena, path, (size_t)(slash - path))
				  : (char *)"/";
	like->name = arena_copy_range(loader->arena, base, length);
	return like->directory && like->name;
}

/* 0, -ENOENT (nothing is there; not told), or an error that is told. */
static int find_file(struct loader *loader, const struct cursor *at, enum document_kind kind,
	const char *path, const struct profile_document **ret)
{
	struct profile_document like = {.kind = kind};
	struct stat status;
	const char *reason;
	int fd _cleanup_close_ = open(path,
		O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hold us up */

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? -ENOENT
			       : fail(loader, at, -errno, path, "%s", strerror(errno));
	if (fstat(fd, &status))
		return fail(loader, at, -errno, path, "%s", strerror(errno));
	reason = distrust(&status);
	if (reason)
		return fail(loader, at, -EPERM, path, "%s", reason);
	like.device = status.st_dev;
	like.inode = status.st_ino;
	*ret = known(loader, &like);
	if (*ret)
		return 0;
	if (!split_path(loader, path, &like))
		return err_set(loader->err, -ENOMEM, path, "out of memory");
	return take_descriptor(loader, at, &like, path, fd, ret);
}

/* "-" and "@N": what the caller opened, so that nobody's permissions are asked. */
static int find_descriptor(
	struct loader *loader, const char *word, const struct profile_document **ret)
{
	struct profile_document like = {.name = (char *)(word[0] == '-' ? "stdin" : "descriptor")};
	uint64_t number = STDIN_FILENO;
	struct stat status;

	if (word[0] == '@' && text_parse_u64(word + 1, INT32_MAX, &number))
		return fail(loader, NULL, -EINVAL, word,
			"expected the number of an open descriptor behind @");
	if (fstat((int)number, &status))
		return fail(loader, NULL, -errno, word, "%s", strerror(errno));
	if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
		return fail(loader, NULL, -EINVAL, word, "expected a regular file or a pipe");
	return take_descriptor(
		loader, NULL, &like, word[0] == '-' ? "stdin" : word, (int)number, ret);
}

/* ---- names ---- */

/* Nothing has that name: the nearest built-in one may be what was meant. */
static int unknown_name(
	struct loader *loader, const struct cursor *at, enum document_kind kind, const char *name)
{
	const char *names[64], *path, *nearest;
	size_t count = 0, prefix = strlen(kinds[kind].built_in) + 1;
	int r = fail(loader, at, -ENOENT, name, "no %s has this name", kinds[kind].what);

	for (size_t i = 0; (path = builtin_path(i)) && count < ARRAY_SIZE(names); i++)
		if (text_starts_with(path, kinds[kind].built_in) && strlen(path) > prefix + 5)
			names[count++] = arena_copy_range(
				loader->arena, path + prefix, strlen(path) - prefix - 5);
	nearest = text_nearest(name, names, count);
	if (strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".json") == 0)
		err_hint(loader->err, "a file is written with a slash: ./%s", name);
	else if (nearest)
		err_hint(loader->err, "did you mean \"%s\"?", nearest);
	else
		err_hint(loader->err,
			"looked in %s%simmure/%s, /etc/immure/%s, and among the built-in ones",
			loader->variables->xdg_config ? loader->variables->xdg_config : "",
			loader->variables->xdg_config ? "/" : "", kinds[kind].directory,
			kinds[kind].directory);
	return r;
}

static int find_name(struct loader *loader, const struct cursor *at,
	const struct profile_document *from, enum document_kind kind, const char *name,
	const struct profile_document **ret)
{
	const char *roots[] = {loader->variables->xdg_config, "/etc"};
	bool built_in = (from && from->built_in) || text_starts_with(name, BUILT_IN_PREFIX);
	int r;

	if (text_starts_with(name, BUILT_IN_PREFIX))
		name += strlen(BUILT_IN_PREFIX);
	if (kind == DOCUMENT_PROFILE && !grammar_profile_name(name))
		return fail(loader, at, -EINVAL, name,
			"not the name of a profile: letters, digits and _.+-, at most 64 of them");
	for (size_t i = 0; i < ARRAY_SIZE(roots) && !built_in; i++) {
		char path[4096];
		int n = roots[i] ? snprintf(path, sizeof(path), "%s/immure/%s/%s.json", roots[i],
					   kinds[kind].directory, name)
				 : -1;

		if (n < 0 || (size_t)n >= sizeof(path))
			continue; /* no such directory, or none that could be opened */
		r = find_file(loader, at, kind, path, ret);
		if (r == -EACCES)
			err_hint(loader->err,
				"names are looked up below XDG_CONFIG_HOME, or HOME: is it this "
				"user's own?");
		if (r != -ENOENT)
			return r;
	}
	r = find_built_in(loader, kind, name, ret);
	return r == -ENOENT ? unknown_name(loader, at, kind, name) : r;
}

static int find_path(struct loader *loader, const struct cursor *at,
	const struct profile_document *from, enum document_kind kind, const char *path,
	const struct profile_document **ret)
{
	int r;

	if (path[0] != '/' && at) {
		if (!from->directory)
			return cursor_error(at, "a relative path in a document that is no file");
		while (text_starts_with(path, "./"))
			path += 2; /* for a shorter name in messages */
		path = arena_format(loader->arena, "%s/%s", from->directory, path);
		if (!path)
			return cursor_memory(at);
	}
	r = find_file(loader, at, kind, path, ret);
	return r == -ENOENT ? fail(loader, at, r, path, "no such file") : r;
}

int loader_find(struct loader *loader, const struct cursor *at, const struct profile_document *from,
	enum document_kind kind, const char *name, const struct profile_document **ret)
{
	if (kind == DOCUMENT_PROFILE && !at && (strcmp(name, "-") == 0 || name[0] == '@'))
		return find_descriptor(loader, name, ret);
	if (kind != DOCUMENT_GROUP && strchr(name, '/') &&
		!text_starts_with(name, BUILT_IN_PREFIX)) {
		if (text_has_control(name))
			return fail(loader, at, -EINVAL, name, "a path with control characters");
		return find_path(loader, at, from, kind, name, ret);
	}
	return find_name(loader, at, from, kind, name, ret);
}
