/* The files that registries.conf consists of, in their order: see mirror.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/mirror.h"
#include "image/mirror_toml.h"
#include "util/cleanup.h"
#include "util/file.h"

#define DIRECTORY_FILES 256

struct reading {
	void (*warn)(const char *where, const char *key);
	struct mirror_config *config;
	struct err *err;
};

static int no_memory(struct reading *reading)
{
	return err_no_memory(reading->err);
}

/* A file that the user names may be anything, as /dev/null is, which stands for none. */
static int read_named(const char *path, char **ret_text, size_t *ret_length)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : file_read_fd(fd, TOML_BYTES, ret_text, ret_length);
}

/* 1 when it was there. */
static int read_one(struct reading *reading, const char *path, bool named)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = named ? read_named(path, &text, &length)
		      : file_read(AT_FDCWD, path, TOML_BYTES, &text, &length);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r)
		return err_set(reading->err, r, path, "cannot read it: %s", strerror(-r));
	r = mirror_parse(path, text, length, reading->warn, reading->config, reading->err);
	return r ? r : 1;
}

static int is_conf(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* The *.conf of a directory, by the order of their names. */
static int read_directory(struct reading *reading, const char *path)
{
	struct dirent **names = NULL;
	int count = scandir(path, &names, is_conf, alphasort), r = 0;

	if (count < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (count < 0)
		return err_set(reading->err, -errno, path, "cannot list it: %s", strerror(errno));
	if (count > DIRECTORY_FILES)
		r = err_set(reading->err, -EFBIG, path, "more than %d files", DIRECTORY_FILES);
	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *name = NULL;

		if (r >= 0 && asprintf(&name, "%s/%s", path, names[i]->d_name) < 0) {
			name = NULL;
			r = no_memory(reading);
		}
		if (r >= 0)
			r = read_one(reading, name, false);
		free(names[i]);
	}
	free(names);
	return r < 0 ? r : 0;
}

/* ~/.config/containers, malloc'd; NULL where there is no home. */
static char *own_folder(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *folder = NULL;

	if (config && *config == '/' && asprintf(&folder, "%s/containers", config) < 0)
		return NULL;
	if (!folder && home && *home == '/' && asprintf(&folder, "%s/.config/containers", home) < 0)
		return NULL;
	return folder;
}

static int read_main(struct reading *reading, const char *folder)
{
	_cleanup_free_ char *path = NULL;
	int r = 0;

	if (folder && asprintf(&path, "%s/registries.conf", folder) < 0) {
		path = NULL;
		return no_memory(reading);
	}
	if (path)
		r = read_one(reading, path, false);
	return r ? r : read_one(reading, "/etc/containers/registries.conf", false);
}

int mirror_read(const char *file, void (*warn)(const char *where, const char *key),
	struct mirror_config *ret, struct err *reterr)
{
	struct mirror_config config = {NULL};
	struct reading reading = {.warn = warn, .config = &config, .err = reterr};
	_cleanup_free_ char *folder = own_folder(), *directory = NULL;
	const char *named = file ? file : getenv("CONTAINERS_REGISTRIES_CONF");
	int r;

	if (named && *named) {
		r = read_one(&reading, named, true);
		if (r == 0)
			r = err_set(reterr, -ENOENT, named, "there is no such file");
	} else {
		r = read_main(&reading, folder);
		if (r >= 0)
			r = read_directory(&reading, "/etc/containers/registries.conf.d");
		if (r >= 0 && folder && asprintf(&directory, "%s/registries.conf.d", folder) < 0) {
			directory = NULL;
			r = no_memory(&reading);
		}
		if (r >= 0 && directory)
			r = read_directory(&reading, directory);
	}
	if (r < 0) {
		mirror_config_free(&config);
		return r;
	}
	*ret = config;
	return 0;
}
