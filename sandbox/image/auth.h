/*
 * Credentials as podman and docker keep them: containers-auth.json(5) and docker's config.json. The
 * files are the user's own, but they are written by other programs: read strictly, kept whole.
 * Helper programs that they name are never run (T-REG-41). Second program only.
 */
#ifndef IMMURE_IMAGE_AUTH_H
#define IMMURE_IMAGE_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

struct credentials {
	char *user, *password; /* owned; NULL: none are known */
	char *token;           /* an identity token to be exchanged instead; owned, or NULL */
	char *helper;          /* the program that keeps them, and is not run; owned, or NULL */
	bool exposed;          /* others may read the file */
	char *file;            /* where they were found; owned, or NULL */
};
void credentials_free(struct credentials *credentials); /* wipes; a zero one is fine */

/*
 * Looks for registry's credentials. repository: keys of a part of it go before the registry's
 * ("quay.io/org/app", "quay.io/org", "quay.io"); may be "". file: the only one to look at (it must
 * be there); NULL: $REGISTRY_AUTH_FILE, else ${XDG_RUNTIME_DIR}/containers/auth.json, then
 * ~/.config/containers/auth.json, then ~/.docker/config.json. 0, also where none are known.
 */
int auth_find(const char *file, const char *registry, const char *repository,
	struct credentials *ret, struct err *reterr);

/* The same in the text of one file. Pure. */
int auth_parse(const char *name, const char *text, size_t length, const char *registry,
	const char *repository, struct credentials *ret, struct err *reterr);

/* The file that `login` writes (malloc'd): file, $REGISTRY_AUTH_FILE, or the first of the others
 * whose folder can be. */
int auth_path(const char *file, char **ret, struct err *reterr);

/* Puts the entry of registry into the file at path, which is made (0600, its folder 0700) where it
 * is not there. All else in it stays. */
int auth_store(const char *path, const char *registry, const char *user, const char *password,
	struct err *reterr);

/* Takes it out; registry NULL: every one. -ENOENT where there is none. */
int auth_remove(const char *path, const char *registry, struct err *reterr);

/* RFC 4648, section 4, with its padding. Decoded: malloc'd, NUL after it; -EINVAL. */
char *base64_encode(const void *data, size_t length); /* malloc'd, NULL when out of memory */
int base64_decode(const char *text, char **ret, size_t *ret_length);

#endif
