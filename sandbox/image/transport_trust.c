/* Authorities and identities for TLS: see transport_trust.h. */
#include "image/transport_trust.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/file.h"

#define AUTHORITIES_BYTES ((size_t)4 * 1024 * 1024)
#define DIRECTORY_FILES 64

void transport_trust_free(struct transport_trust *trust)
{
	free(trust->authorities);
	free(trust->directory);
	free(trust->certificate);
	free(trust->key);
	*trust = (struct transport_trust){0};
}

/* Appends the file's text, and a newline. */
static int append_file(
	int directory, const char *path, struct transport_trust *trust, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	char *grown;
	int r = file_read(directory, path, AUTHORITIES_BYTES, &text, &length);

	if (r)
		return err_set(reterr, r, path, "cannot read certificates: %s", strerror(-r));
	grown = realloc(trust->authorities, trust->length + length + 2);
	if (!grown)
		return err_no_memory(reterr);
	trust->authorities = grown;
	memcpy(grown + trust->length, text, length);
	trust->length += length;
	grown[trust->length++] = '\n';
	grown[trust->length] = '\0';
	return 0;
}

/* What libcurl would take by itself: it takes nothing of that once it is given authorities. */
static int append_system(struct transport_trust *trust, struct err *reterr)
{
	const char *named = getenv("SSL_CERT_FILE");
	char *path = NULL;
	CURL *curl;
	int r = 0;

	if (named && *named)
		return append_file(AT_FDCWD, named, trust, reterr);
	curl = curl_easy_init();
	if (!curl)
		return err_no_memory(reterr);
	/* a system without a bundle has its hashed directory */
	if (!curl_easy_getinfo(curl, CURLINFO_CAINFO, &path) && path && access(path, R_OK) == 0)
		r = append_file(AT_FDCWD, path, trust, reterr);
	curl_easy_cleanup(curl);
	return r;
}

static int read_environment(struct transport_trust *trust, struct err *reterr)
{
	const char *file = getenv("SSL_CERT_FILE"), *directory = getenv("SSL_CERT_DIR");

	if (directory && *directory) {
		trust->directory = strdup(directory);
		if (!trust->directory)
			return err_no_memory(reterr);
	}
	return file && *file ? append_file(AT_FDCWD, file, trust, reterr) : 0;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), own = strlen(suffix);

	return length > own && strcmp(name + length - own, suffix) == 0;
}

static int take_identity(
	const char *path, const char *name, struct transport_trust *trust, struct err *reterr)
{
	int stem = (int)(strlen(name) - strlen(".cert"));

	if (trust->certificate)
		return 0; /* the first one, by the order of their names */
	if (asprintf(&trust->certificate, "%s/%s", path, name) < 0) {
		trust->certificate = NULL;
		return err_no_memory(reterr);
	}
	if (asprintf(&trust->key, "%s/%.*s.key", path, stem, name) < 0) {
		trust->key = NULL;
		return err_no_memory(reterr);
	}
	if (access(trust->key, R_OK))
		return err_set(reterr, -errno, trust->key,
			"the key that belongs to the certificate %s cannot be read: %s", name,
			strerror(errno));
	return 0;
}

static void free_names(struct dirent ***names, int count)
{
	for (int i = 0; i < count; i++)
		free((*names)[i]);
	free(*names);
}

static int read_directory(const char *path, struct transport_trust *trust, struct err *reterr)
{
	_cleanup_close_ int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct dirent **names = NULL;
	bool system = trust->authorities;
	int count, r = 0;

	if (directory < 0)
		return err_set(reterr, -errno, path, "cannot open it: %s", strerror(errno));
	count = scandir(path, &names, NULL, alphasort);
	if (count < 0)
		return err_set(reterr, -errno, path, "cannot list it: %s", strerror(errno));
	if (count > DIRECTORY_FILES)
		r = err_set(reterr, -EFBIG, path, "more than %d files", DIRECTORY_FILES);
	for (int i = 0; !r && i < count; i++) {
		const char *name = names[i]->d_name;

		if (has_suffix(name, ".crt")) {
			if (!system)
				r = append_system(trust, reterr);
			system = true;
			if (!r)
				r = append_file(directory, name, trust, reterr);
		} else if (has_suffix(name, ".cert")) {
			r = take_identity(path, name, trust, reterr);
		}
	}
	free_names(&names, count);
	return r;
}

int transport_trust_read_from(const char *registry, const char *const *directories,
	struct transport_trust *ret, struct err *reterr)
{
	struct transport_trust trust = {0};
	int r = read_environment(&trust, reterr);

	for (; !r && *directories; directories++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", *directories, registry) < 0) {
			path = NULL;
			r = err_no_memory(reterr);
		} else if (access(path, F_OK) == 0) {
			r = read_directory(path, &trust, reterr);
			break;
		}
	}
	if (r) {
		transport_trust_free(&trust);
		return r;
	}
	*ret = trust;
	return 0;
}

int transport_trust_read(const char *registry, struct transport_trust *ret, struct err *reterr)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	_cleanup_free_ char *own = NULL;
	const char *directories[4] = {"/etc/containers/certs.d", "/etc/docker/certs.d", NULL};
	int length = 0;

	if (config && *config == '/')
		length = asprintf(&own, "%s/containers/certs.d", config);
	else if (home && *home == '/')
		length = asprintf(&own, "%s/.config/containers/certs.d", home);
	if (length < 0) {
		own = NULL;
		return err_no_memory(reterr);
	}
	if (own) {
		directories[2] = directories[1];
		directories[1] = directories[0];
		directories[0] = own;
	}
	return transport_trust_read_from(registry, directories, ret, reterr);
}
