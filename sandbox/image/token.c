/* Tokens: see token.h. */
#include "image/token.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/json.h"
#include "util/mutant.h"

#define LEAST_SECONDS 60
#define MOST_SECONDS 86400
#define TOKEN_BYTES ((size_t)48 * 1024) /* it travels in one header */

static const struct json_limits limits = {
	.bytes = (size_t)1024 * 1024, .depth = 16, .values = 10000, .string = (size_t)64 * 1024};

/* "&name=value", escaped; appended to *text. */
static int append_parameter(char **text, char before, const char *name, const char *value)
{
	_cleanup_free_ char *escaped = url_escape(value);
	char *longer;

	if (!escaped || asprintf(&longer, "%s%c%s=%s", *text, before, name, escaped) < 0)
		return -ENOMEM;
	free(*text);
	*text = longer;
	return 0;
}

int token_url(const struct url *realm, const char *service, const char *const *scopes,
	struct url *ret, struct err *reterr)
{
	_cleanup_free_ char *text = strdup(realm->text);
	char before = strchr(realm->text, '?') ? '&' : '?';
	int r = text ? 0 : -ENOMEM;

	if (!r && service) {
		r = append_parameter(&text, before, "service", service);
		before = '&';
	}
	for (; !r && *scopes; scopes++) {
		r = append_parameter(&text, before, "scope", *scopes);
		before = '&';
	}
	return r ? err_no_memory(reterr)
		 : url_parse(text, "the realm of the registry", ret, reterr);
}

int token_form(const char *service, const char *const *scopes, const char *identity, char **ret,
	struct err *reterr)
{
	_cleanup_secret_ char *text = strdup("grant_type=refresh_token&client_id=immure");
	_cleanup_free_ char *joined = strdup("");
	int r = text && joined ? 0 : -ENOMEM;

	for (; !r && *scopes; scopes++) {
		char *longer;

		if (asprintf(&longer, "%s%s%s", joined, *joined ? " " : "", *scopes) < 0)
			return err_no_memory(reterr);
		free(joined);
		joined = longer;
	}
	if (!r && service)
		r = append_parameter(&text, '&', "service", service);
	if (!r && *joined)
		r = append_parameter(&text, '&', "scope", joined);
	if (!r)
		r = append_parameter(&text, '&', "refresh_token", identity);
	if (r)
		return err_no_memory(reterr);
	*ret = take_pointer(&text);
	return 0;
}

/* What may stand in a header as it is (RFC 6750's b64token, and a little more). */
static bool is_token(const char *text, size_t length)
{
	if (length == 0 || length > TOKEN_BYTES)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((text[i] <= ' ' || text[i] > '~' || text[i] == '"' || text[i] == ',') &&
			!mutant(MUTANT_TOKEN_TEXT))
			return false;
	return true;
}

int token_parse(const char *where, const char *text, size_t length, char **ret,
	uint32_t *ret_seconds, struct err *reterr)
{
	json_t *root = json_read(where, text, length, &limits, reterr);
	const json_t *token, *expires;
	json_int_t seconds = LEAST_SECONDS;
	char *copy = NULL;

	if (!root)
		return -EBADMSG;
	token = json_object_get(root, "token");
	if (!json_string_length(token)) /* OAuth 2.0's name for it */
		token = json_object_get(root, "access_token");
	expires = json_object_get(root, "expires_in");
	if (json_is_integer(expires))
		seconds = json_integer_value(expires);
	if (is_token(json_string_value(token), json_string_length(token)))
		copy = strdup(json_string_value(token));
	json_decref(root);
	if (!copy)
		return err_set(reterr, -EBADMSG, where, "no token that can be used in its answer");
	*ret = copy;
	*ret_seconds = (uint32_t)(seconds < LEAST_SECONDS  ? LEAST_SECONDS
				  : seconds > MOST_SECONDS ? MOST_SECONDS
							   : seconds);
	return 0;
}

bool token_realm_trusted(const struct url *registry_url, const struct url *realm)
{
	if (!realm->https)
		return !registry_url->https && strcmp(registry_url->host, realm->host) == 0;
	return url_same_site(registry_url->host, realm->host) || mutant(MUTANT_REALM_HOST);
}
