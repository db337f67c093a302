/*
 * Bearer tokens: the question put to a realm and the answer read. distribution-spec's token
 * authentication, OAuth 2.0 refresh for identity tokens. Pure, but for the escaping. Second program
 * only.
 */
#ifndef IMMURE_IMAGE_TOKEN_H
#define IMMURE_IMAGE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/transport_url.h"
#include "util/err.h"

/* realm?service=…&scope=… — scopes NULL-terminated. service may be NULL. */
int token_url(const struct url *realm, const char *service, const char *const *scopes,
	struct url *ret, struct err *reterr);

/* The form that exchanges an identity token (malloc'd). */
int token_form(const char *service, const char *const *scopes, const char *identity, char **ret,
	struct err *reterr);

/* The answer: "token" or "access_token" (malloc'd), and for how many seconds it holds (60 where
 * nothing sane is said, a day at most). where: whose answer it is. */
int token_parse(const char *where, const char *text, size_t length, char **ret,
	uint32_t *ret_seconds, struct err *reterr);

/* Whether realm may see the credentials of the registry at registry_url (named so by the user, as
 * "docker.io"): https (or as unprotected as the registry and on its host), and of one owner. */
bool token_realm_trusted(const struct url *registry_url, const struct url *realm);

#endif
