/*
 * auth.json and config.json, and the base64 in them. What is found is the registry's own; what is
 * refused is told of; nothing is leaked or left behind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "image/auth.h"

static void check_base64(const uint8_t *data, size_t size, const char *text)
{
	char *encoded = base64_encode(data, size), *decoded = NULL;
	size_t length = 0;

	HOLDS(encoded && base64_decode(encoded, &decoded, &length) == 0);
	HOLDS(length == size && (size == 0 || memcmp(decoded, data, size) == 0));
	free(encoded);
	free(decoded);
	if (base64_decode(text, &decoded, &length) == 0) {
		HOLDS(length <= strlen(text) / 4 * 3);
		free(decoded);
	}
}

static void check_file(const char *text, size_t size, const char *registry, const char *repository)
{
	struct credentials found = {0};
	struct err err = {0};

	if (auth_parse("auth.json", text, size, registry, repository, &found, &err)) {
		HOLDS(err.code && strstr(err.where, "auth.json") && !found.user && !found.token);
		return;
	}
	HOLDS(!found.user == !found.password);
	HOLDS(!found.user || !strchr(found.user, ':'));
	/* somebody's key was there, in some spelling (escapes may hide it from us) */
	if (found.user && !strchr(text, '\\'))
		HOLDS(strstr(text, registry) || strcmp(registry, "docker.io") == 0);
	credentials_free(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);

	HOLDS(text);
	if (size)
		memcpy(text, data, size);
	check_base64(data, size, text);
	check_file(text, size, "quay.io", "org/app");
	check_file(text, size, "docker.io", "library/debian");
	check_file(text, size, "localhost:5000", "");
	free(text);
	return 0;
}
