/*
 * Credentials looked up: see auth.h. containers-auth.json(5); docker's config.json writes the Hub
 * as "https://index.docker.io/v1/", and others with a scheme or a path in old files.
 */
#include "image/auth.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/auth_parts.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/mutant.h"
#include "util/text.h"

const struct json_limits auth_limits = {
	.bytes = AUTH_BYTES, .depth = 16, .values = 100000, .string = (size_t)64 * 1024};

void credentials_free(struct credentials *credentials)
{
	cleanup_secret(&credentials->password);
	cleanup_secret(&credentials->token);
	free(credentials->user);
	free(credentials->helper);
	free(credentials->file);
	*credentials = (struct credentials){0};
}

/* ---- base64 ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t length)
{
	const unsigned char *from = data;
	char *text, *to;

	if (length > SIZE_MAX / 2)
		return NULL;
	text = to = calloc((length + 2) / 3 + 1, 4);
	if (!text)
		return NULL;
	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t group = (uint32_t)from[i] << 16 |
				 (uint32_t)(left > 1 ? from[i + 1] : 0) << 8 |
				 (left > 2 ? from[i + 2] : 0);

		*to++ = alphabet[group >> 18];
		*to++ = alphabet[group >> 12 & 63];
		*to++ = (char)(left > 1 ? alphabet[group >> 6 & 63] : '=');
		*to++ = (char)(left > 2 ? alphabet[group & 63] : '=');
	}
	*to = '\0';
	return text;
}

int base64_decode(const char *text, char **ret, size_t *ret_length)
{
	size_t length = strlen(text), used = 0, padding;
	_cleanup_free_ char *data = NULL;

	padding = length >= 1 && text[length - 1] == '=';
	padding += padding && length >= 2 && text[length - 2] == '=';
	if (length % 4)
		return -EINVAL;
	data = malloc(length + 1);
	if (!data)
		return -ENOMEM;
	for (size_t i = 0; i < length; i += 4) {
		uint32_t group = 0;

		for (size_t k = i; k < i + 4; k++) {
			const char *letter = strchr(alphabet, text[k]);

			if (!letter && k < length - padding)
				return -EINVAL;
			group = group << 6 | (letter ? (uint32_t)(letter - alphabet) : 0);
		}
		for (int shift = 16; shift >= 0; shift -= 8)
			data[used++] = (char)(group >> shift & 0xff);
	}
	used -= padding;
	data[used] = '\0';
	*ret_length = used;
	*ret = take_pointer(&data);
	return 0;
}

/* ---- one file ---- */

static int fail(const char *name, const char *key, struct err *reterr, const char *message)
{
	char where[512];

	(void)snprintf(where, sizeof(where), "%s: %s", name, key);
	return err_set(reterr, -EINVAL, where, "%s", message);
}

/* "https://index.docker.io/v1/" and its like, as a registry is written in a name. */
bool auth_key_is(const char *key, const char *registry)
{
	static const char *const tails[] = {"/v1/", "/v2/", "/v1", "/v2", "/"};
	size_t length;

	if (text_starts_with(key, "https://"))
		key += strlen("https://");
	else if (text_starts_with(key, "http://"))
		key += strlen("http://");
	length = strlen(key);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		size_t tail = strlen(tails[i]);

		if (length > tail && strcmp(key + length - tail, tails[i]) == 0) {
			length -= tail;
			break;
		}
	}
	if ((length == 15 && memcmp(key, "index.docker.io", 15) == 0) ||
		(length == 20 && memcmp(key, "registry-1.docker.io", 20) == 0))
		return strcmp(registry, "docker.io") == 0;
	return mutant(MUTANT_AUTH_ENTRY) ||
	       (strlen(registry) == length && memcmp(key, registry, length) == 0);
}

/* The entry whose key is nearest: the longest part of registry/repository, then old spellings. */
static json_t *find_entry(
	json_t *entries, const char *registry, const char *repository, const char **ret_key)
{
	char name[520];
	const char *key;
	json_t *entry;

	(void)snprintf(name, sizeof(name), "%s%s%s", registry, *repository ? "/" : "", repository);
	for (char *slash;; *slash = '\0') {
		void *iterator = json_object_iter_at(entries, name);

		if (iterator) {
			*ret_key = json_object_iter_key(iterator);
			return json_object_iter_value(iterator);
		}
		slash = strrchr(name, '/');
		if (!slash)
			break;
	}
	json_object_foreach(entries, key, entry)
	{
		if (auth_key_is(key, registry)) {
			*ret_key = key;
			return entry;
		}
	}
	return NULL;
}

static int take_pair(const char *name, const char *key, const char *encoded,
	struct credentials *credentials, struct err *reterr)
{
	_cleanup_free_ char *pair = NULL;
	size_t length;
	char *colon;
	int r = base64_decode(encoded, &pair, &length);

	if (r == -ENOMEM)
		return err_set(reterr, r, name, "out of memory");
	colon = r ? NULL : memchr(pair, ':', length);
	if (!colon || strlen(pair) != length)
		return fail(name, key, reterr, "\"auth\" is not the base64 form of USER:PASSWORD");
	*colon = '\0';
	credentials->user = strdup(pair);
	credentials->password = strdup(colon + 1);
	explicit_bzero(pair, length);
	return credentials->user && credentials->password
		       ? 0
		       : err_set(reterr, -ENOMEM, name, "out of memory");
}

static int take_entry(const char *name, const char *key, const json_t *entry,
	struct credentials *credentials, struct err *reterr)
{
	const json_t *auth = json_object_get(entry, "auth");
	const json_t *token = json_object_get(entry, "identitytoken");

	if (!json_is_object(entry))
		return fail(name, key, reterr, "expected an object");
	if ((auth && !json_is_string(auth)) || (token && !json_is_string(token)))
		return fail(name, key, reterr, "\"auth\" and \"identitytoken\" are strings");
	if (token && json_string_length(token)) {
		credentials->token = strdup(json_string_value(token));
		if (!credentials->token)
			return err_set(reterr, -ENOMEM, name, "out of memory");
	}
	if (!auth || !json_string_length(auth))
		return 0;
	return take_pair(name, key, json_string_value(auth), credentials, reterr);
}

/* Who keeps what is not in the file: one helper for a registry, or one for all. */
static int take_helper(const char *name, json_t *root, const char *registry,
	struct credentials *credentials, struct err *reterr)
{
	json_t *helpers = json_object_get(root, "credHelpers"), *found = NULL, *helper;
	const json_t *store = json_object_get(root, "credsStore");
	const char *key;

	if ((helpers && !json_is_object(helpers)) || (store && !json_is_string(store)))
		return fail(
			name, "credHelpers, credsStore", reterr, "expected an object and a string");
	json_object_foreach(helpers, key, helper)
	{
		if (auth_key_is(key, registry))
			found = helper;
	}
	if (!found && store && json_string_length(store))
		found = json_object_get(root, "credsStore");
	if (!found)
		return 0;
	if (!json_is_string(found))
		return fail(name, "credHelpers", reterr, "the name of a helper is a string");
	credentials->helper = strdup(json_string_value(found));
	return credentials->helper ? 0 : err_set(reterr, -ENOMEM, name, "out of memory");
}

static int take_root(const char *name, json_t *root, const char *registry, const char *repository,
	struct credentials *credentials, struct err *reterr)
{
	json_t *entries = json_object_get(root, "auths"), *entry = NULL;
	const char *key = "";
	int r = 0;

	if (!json_is_object(root))
		return err_set(reterr, -EINVAL, name, "expected an object");
	if (entries && !json_is_object(entries))
		return fail(name, "auths", reterr, "expected an object");
	if (entries)
		entry = find_entry(entries, registry, repository, &key);
	if (entry)
		r = take_entry(name, key, entry, credentials, reterr);
	if (!r && !credentials->user && !credentials->token)
		r = take_helper(name, root, registry, credentials, reterr);
	return r;
}

int auth_parse(const char *name, const char *text, size_t length, const char *registry,
	const char *repository, struct credentials *ret, struct err *reterr)
{
	struct credentials credentials = {0};
	json_t *root = json_read(name, text, length, &auth_limits, reterr);
	int r;

	if (!root)
		return -EINVAL;
	r = take_root(name, root, registry, repository, &credentials, reterr);
	json_decref(root);
	if (r) {
		credentials_free(&credentials);
		return r;
	}
	*ret = credentials;
	return 0;
}
