/*
 * registries.conf. What is accepted leads to places that are names of images again, insecure only
 * where the text says so; what is refused is told of with its place.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "image/mirror.h"
#include "image/mirror_toml.h"

static void warn(const char *where, const char *key)
{
	HOLDS(strcmp(where, "conf") == 0 && key);
}

static void check_places(
	const struct mirror_config *config, const char *text, const char *name, bool push)
{
	struct mirror_endpoints places;
	struct reference reference, place;
	struct err err = {0};
	char whole[600];

	HOLDS(reference_parse(name, &reference, NULL) == 0);
	if (!reference.registry[0] && mirror_complete(config, &reference, &err)) {
		HOLDS(err.message[0]);
		return;
	}
	reference_complete(&reference);
	if (mirror_resolve(config, &reference, push, &places, &err)) {
		HOLDS(err.message[0]);
		return;
	}
	HOLDS(places.count >= 1 && places.count <= MIRROR_ENDPOINTS &&
		(!push || places.count == 1));
	for (size_t i = 0; i < places.count; i++) {
		(void)snprintf(whole, sizeof(whole), "%s/%s", places.items[i].registry,
			places.items[i].repository);
		HOLDS(reference_parse(whole, &place, NULL) == 0);
		HOLDS(!places.items[i].insecure || strstr(text, "insecure") || strchr(text, '\\'));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mirror_config config = {NULL};
	char *text = calloc(1, size + 1);
	struct err err = {0};

	HOLDS(text);
	if (size)
		memcpy(text, data, size);
	if (mirror_parse("conf", text, size, warn, &config, &err)) {
		HOLDS(err.code && err.message[0] && strncmp(err.where, "conf", 4) == 0);
	} else {
		check_places(&config, text, "a.example/app:1", false);
		check_places(&config, text, "a.example/deep/app:1", true);
		check_places(&config, text, "x.wild.example/app", false);
		check_places(&config, text, "localhost:5000/a/b", false);
		check_places(&config, text, "app", false);
		check_places(&config, text, "deb:12", false);
	}
	mirror_config_free(&config);
	free(text);
	return 0;
}
