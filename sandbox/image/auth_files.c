/* Where credentials lie, and in which order: see auth.h. containers-auth.json(5). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/auth.h"
#include "image/auth_parts.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"

int auth_read_file(const char *path, char **ret_text, size_t *ret_length, bool *ret_exposed)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	*ret_exposed = (status.st_mode & 077) && !mutant(MUTANT_AUTH_MODE);
	return file_read_fd(fd, AUTH_BYTES, ret_text, ret_length);
}

static int look_into(const char *path, bool must, const char *registry, const char *repository,
	struct credentials *ret, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	bool exposed = false;
	int r = auth_read_file(path, &text, &length, &exposed);

	if (!must && (r == -ENOENT || r == -ENOTDIR || r == -EACCES))
		return 0;
	if (r)
		return err_set(reterr, r, path, "cannot read the credentials: %s",
			r == -EINVAL ? "not a regular file" : strerror(-r));
	r = auth_parse(path, text, length, registry, repository, ret, reterr);
	if (text)
		explicit_bzero(text, length);
	if (r || (!ret->user && !ret->token && !ret->helper))
		return r;
	ret->exposed = exposed && !ret->helper;
	ret->file = strdup(path);
	if (ret->file)
		return 0;
	credentials_free(ret);
	return err_no_memory(reterr);
}

int auth_places(char *places[AUTH_PLACES + 1])
{
	const struct {
		const char *variable, *below;
	} rows[] = {{"XDG_RUNTIME_DIR", "containers/auth.json"},
		{"XDG_CONFIG_HOME", "containers/auth.json"},
		{"HOME", ".config/containers/auth.json"}, {"DOCKER_CONFIG", "config.json"},
		{"HOME", ".docker/config.json"}};
	size_t count = 0;

	_Static_assert(sizeof(rows) / sizeof(rows[0]) == AUTH_PLACES, "one place a row");
	for (size_t i = 0; i < AUTH_PLACES; i++) {
		const char *folder = getenv(rows[i].variable);

		/* ~/.config and ~/.docker stand in for the variable before them */
		if (!folder || *folder != '/' ||
			(i > 0 && strcmp(rows[i].variable, "HOME") == 0 &&
				getenv(rows[i - 1].variable)))
			continue;
		if (asprintf(&places[count], "%s/%s", folder, rows[i].below) < 0) {
			places[count] = NULL;
			auth_places_free(places);
			return -ENOMEM;
		}
		count++;
	}
	places[count] = NULL;
	return 0;
}

void auth_places_free(char *places[AUTH_PLACES + 1])
{
	for (; *places; places++)
		free(*places);
}

int auth_find(const char *file, const char *registry, const char *repository,
	struct credentials *ret, struct err *reterr)
{
	const char *named = getenv("REGISTRY_AUTH_FILE");
	struct credentials found = {0};
	char *places[AUTH_PLACES + 1];
	int r = 0;

	*ret = found;
	if (file)
		return look_into(file, true, registry, repository, ret, reterr);
	if (named && *named)
		return look_into(named, false, registry, repository, ret, reterr);
	if (auth_places(places))
		return err_no_memory(reterr);
	for (size_t i = 0; !r && places[i] && !found.user && !found.token; i++) {
		struct credentials next = {0};

		r = look_into(places[i], false, registry, repository, &next, reterr);
		if (r || (!next.user && !next.token && found.helper)) {
			credentials_free(&next); /* the first helper is the one to be named */
			continue;
		}
		credentials_free(&found);
		found = next;
	}
	auth_places_free(places);
	if (r)
		credentials_free(&found);
	else
		*ret = found;
	return r;
}
