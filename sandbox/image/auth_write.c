/*
 * Credentials written: see auth.h. The file belongs to podman and docker as well: what we do not
 * know in it stays as it is, and it is replaced as a whole, under a lock on its folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "image/auth.h"
#include "image/auth_parts.h"
#include "util/cleanup.h"
#include "util/file.h"

int auth_path(const char *file, char **ret, struct err *reterr)
{
	const char *named = file ? file : getenv("REGISTRY_AUTH_FILE");
	char *places[AUTH_PLACES + 1];

	if (named && *named) {
		*ret = strdup(named);
		return *ret ? 0 : err_no_memory(reterr);
	}
	if (auth_places(places))
		return err_no_memory(reterr);
	*ret = places[0] ? strdup(places[0]) : NULL;
	if (!places[0])
		return err_set(reterr, -ENOENT, NULL,
			"there is no place for credentials: neither XDG_RUNTIME_DIR nor HOME is "
			"set");
	auth_places_free(places);
	return *ret ? 0 : err_no_memory(reterr);
}

/* mkdir -p of the folder that path is in. */
static int make_folder(const char *path, struct err *reterr)
{
	_cleanup_free_ char *folder = strdup(path);

	if (!folder)
		return err_no_memory(reterr);
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0700) && errno != EEXIST && errno != EROFS && errno != EACCES)
			return err_set(
				reterr, -errno, folder, "cannot make it: %s", strerror(errno));
		*slash = '/';
	}
	return 0;
}

/* The folder, locked; *ret_name is the file's name in it. */
static int open_folder(const char *path, int *ret, const char **ret_name, struct err *reterr)
{
	_cleanup_close_ int folder = -1;
	int r = file_open_parent(path, &folder, ret_name);

	if (r)
		return err_set(reterr, r, path, "cannot open its folder: %s", strerror(-r));
	if (folder == AT_FDCWD) {
		*ret = AT_FDCWD;
		return 0;
	}
	/* a descriptor for reading: a lock cannot be had on O_PATH */
	*ret = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret < 0 || flock(*ret, LOCK_EX))
		return err_set(reterr, -errno, path, "cannot lock its folder: %s", strerror(errno));
	return 0;
}

/* The tree of the file, or an empty one where there is no file. */
static int read_tree(
	int folder, const char *name, const char *path, json_t **ret, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = file_read(folder, name, AUTH_BYTES, &text, &length);

	if (r == -ENOENT) {
		*ret = json_object();
		return *ret ? 0 : err_no_memory(reterr);
	}
	if (r)
		return err_set(reterr, r, path, "cannot read the credentials: %s", strerror(-r));
	*ret = json_read(path, text, length, &auth_limits, reterr);
	explicit_bzero(text, length);
	if (!*ret)
		return -EINVAL;
	if (json_is_object(*ret) &&
		(!json_object_get(*ret, "auths") || json_is_object(json_object_get(*ret, "auths"))))
		return 0;
	json_decref(*ret);
	return err_set(reterr, -EINVAL, path, "expected an object, with an object \"auths\"");
}

static int write_tree(
	int folder, const char *name, const char *path, const json_t *root, struct err *reterr)
{
	char *text = json_dumps(root, JSON_INDENT(4));
	size_t length;
	int r;

	if (!text)
		return err_no_memory(reterr);
	length = strlen(text);
	text[length] = '\n'; /* in the place of the NUL: a text file ends in a newline */
	r = file_replace_at(folder, name, text, length + 1);
	explicit_bzero(text, length);
	free(text);
	return r ? err_set(reterr, r, path, "cannot write the credentials: %s", strerror(-r)) : 0;
}

/* {"auth": "base64 of USER:PASSWORD"} */
static json_t *make_entry(const char *user, const char *password)
{
	_cleanup_secret_ char *pair = NULL, *encoded = NULL;

	if (asprintf(&pair, "%s:%s", user, password) < 0) {
		pair = NULL;
		return NULL;
	}
	encoded = base64_encode(pair, strlen(pair));
	return encoded ? json_pack("{s:s}", "auth", encoded) : NULL;
}

static int change_and_write(int folder, const char *name, const char *path,
	int (*change)(json_t *entries, const void *context, struct err *reterr),
	const void *context, struct err *reterr)
{
	json_t *root, *entries;
	int r = read_tree(folder, name, path, &root, reterr);

	if (r)
		return r;
	entries = json_object_get(root, "auths");
	if (!entries && json_object_set_new(root, "auths", json_object()) == 0)
		entries = json_object_get(root, "auths");
	r = entries ? change(entries, context, reterr) : err_no_memory(reterr);
	if (!r)
		r = write_tree(folder, name, path, root, reterr);
	json_decref(root);
	return r;
}

static int change(const char *path,
	int (*change_entries)(json_t *entries, const void *context, struct err *reterr),
	const void *context, struct err *reterr)
{
	_cleanup_close_ int folder = -1;
	const char *name;
	int r = make_folder(path, reterr);

	if (!r)
		r = open_folder(path, &folder, &name, reterr);
	return r ? r : change_and_write(folder, name, path, change_entries, context, reterr);
}

struct login {
	const char *registry, *user, *password;
};

static int put_entry(json_t *entries, const void *context, struct err *reterr)
{
	const struct login *login = context;
	json_t *entry = make_entry(login->user, login->password);

	return entry && json_object_set_new(entries, login->registry, entry) == 0
		       ? 0
		       : err_no_memory(reterr);
}

int auth_store(const char *path, const char *registry, const char *user, const char *password,
	struct err *reterr)
{
	const struct login login = {registry, user, password};

	return change(path, put_entry, &login, reterr);
}

static int remove_entries(json_t *entries, const void *context, struct err *reterr)
{
	const char *registry = context, *key;
	json_t *entry;
	void *next;
	size_t removed = 0;

	json_object_foreach_safe(entries, next, key, entry)
	{
		if (registry && strcmp(key, registry) != 0 && !auth_key_is(key, registry))
			continue;
		removed++;
		(void)json_object_del(entries, key); /* it is there */
	}
	return removed ? 0
		       : err_set(reterr, -ENOENT, registry ? registry : "logout",
				 "nobody is logged in");
}

int auth_remove(const char *path, const char *registry, struct err *reterr)
{
	return change(path, remove_entries, registry, reterr);
}
