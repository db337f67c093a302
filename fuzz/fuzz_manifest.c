/*
 * Manifests, indexes and configurations. The first byte says what the rest is: "m" a manifest or an
 * index that came without a type, "M", "I", "d", "D" one that came as OCI's or Docker's, "x" as
 * something else, "0" to "9" the configuration of so many layers, "t" a time, "s" a signal, "p" a
 * platform. What is accepted must have one meaning, also to jansson, and a configuration must make
 * a record that reads back.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "image/manifest.h"
#include "image/record.h"
#include "util/arena.h"
#include "util/overlay.h"
#include "util/text.h"

static const struct {
	char letter;
	const char *type;
} types[] = {
	{'m', NULL},
	{'M', "application/vnd.oci.image.manifest.v1+json"},
	{'I', "application/vnd.oci.image.index.v1+json; charset=utf-8"},
	{'d', "application/vnd.docker.distribution.manifest.v2+json"},
	{'D', "application/vnd.docker.distribution.manifest.list.v2+json"},
	{'x', "text/html"},
};

static void check_error(int r, const struct err *err)
{
	HOLDS(r == -EBADMSG && err->code && err->where[0] && err->message[0]);
	HOLDS(strncmp(err->where, "doc", 3) == 0);
}

static void check_descriptor(const struct descriptor *descriptor, const json_t *theirs)
{
	HOLDS(descriptor->media_type && digest_is_valid(descriptor->digest.text));
	HOLDS(strcmp(descriptor->digest.text,
		      json_string_value(json_object_get(theirs, "digest"))) == 0);
	HOLDS(descriptor->size == (uint64_t)json_integer_value(json_object_get(theirs, "size")));
	HOLDS(descriptor->size <= LAYER_BYTES);
	HOLDS(!descriptor->os == !descriptor->architecture);
}

static void check_choice(const struct manifest *index, const char *platform)
{
	const struct descriptor *chosen = NULL;
	struct err err = {0};
	int r = manifest_choose(index, platform, &chosen, &err);

	HOLDS(!r == !err.code);
	if (r == 0)
		HOLDS(chosen >= index->layers && chosen < index->layers + index->layer_count &&
			chosen->os);
}

static void check_manifest(const char *text, size_t length, const struct manifest *manifest)
{
	json_t *theirs = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	bool index = manifest->kind == DOCUMENT_INDEX;
	const json_t *list = json_object_get(theirs, index ? "manifests" : "layers");
	struct arena arena = {0};
	struct manifest again;

	HOLDS(theirs && !json_object_get(theirs, index ? "layers" : "manifests"));
	HOLDS(json_array_size(list) == manifest->layer_count);
	HOLDS(index || (manifest->layer_count >= 1 && manifest->layer_count <= OVERLAY_LAYERS));
	for (size_t i = 0; i < manifest->layer_count; i++)
		check_descriptor(&manifest->layers[i], json_array_get(list, i));
	if (!index) {
		check_descriptor(&manifest->config, json_object_get(theirs, "config"));
	} else {
		check_choice(manifest, "linux/amd64");
		check_choice(manifest, "linux/arm/v6");
		check_choice(manifest, NULL);
	}
	/* as what it is it is accepted again, as anything else it is not */
	for (size_t i = 1; i < sizeof(types) / sizeof(types[0]); i++) {
		int r = manifest_parse("doc", text, length, types[i].type, &arena, &again, NULL);

		HOLDS(r < 0 || again.kind == manifest->kind);
		if (text_starts_with(types[i].type, manifest->media_type))
			HOLDS(r == 0);
	}
	arena_free(&arena);
	json_decref(theirs);
}

static void run_manifest(const char *text, size_t length, const char *type)
{
	struct arena arena = {0};
	struct manifest manifest;
	struct err err = {0};
	int r = manifest_parse("doc", text, length, type, &arena, &manifest, &err);

	if (r < 0)
		check_error(r, &err);
	else
		check_manifest(text, length, &manifest);
	arena_free(&arena);
}

static void check_config(struct image_config *config, size_t layers)
{
	struct image_record *record = &config->record, again;
	struct arena arena = {0};
	char *text = NULL, *second = NULL;
	size_t length, second_length;
	int64_t seconds;

	HOLDS(record->layer_count == layers && config->diffs && config->labels);
	HOLDS(config->exposed_ports && config->created);
	HOLDS(!config->created[0] || config_time(config->created, &seconds) == 0);
	for (size_t i = 0; i < config->history_count; i++)
		HOLDS(config->history[i].created && config->history[i].created_by &&
			config->history[i].comment);
	record->manifest = record->id;
	if (record_emit(record, &text, &length, NULL) == 0) {
		HOLDS(record_parse("doc", text, length, &arena, &again, NULL) == 0);
		HOLDS(record_emit(&again, &second, &second_length, NULL) == 0);
		HOLDS(length == second_length && strcmp(text, second) == 0);
		free(text);
		free(second);
	} else {
		HOLDS(layers == 0); /* nothing else that was accepted cannot be launched */
	}
	arena_free(&arena);
}

static void run_config(const char *text, size_t length, size_t layers)
{
	struct arena arena = {0};
	struct image_config config;
	struct err err = {0};
	int r = config_parse("doc", text, length, layers, &arena, &config, &err);

	if (r < 0)
		check_error(r, &err);
	else
		check_config(&config, layers);
	arena_free(&arena);
}

static void run_platform(const char *text)
{
	static const struct descriptor entries[] = {
		{.media_type = "application/vnd.oci.image.manifest.v1+json",
			.os = "linux",
			.architecture = "arm64"},
	};
	struct manifest index = {.kind = DOCUMENT_INDEX, .layers = entries, .layer_count = 1};

	check_choice(&index, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t seconds;
	char *text;

	if (size == 0)
		return 0;
	text = malloc(size); /* exactly: the sanitizer sees a read behind the NUL */
	HOLDS(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (data[0] == types[i].letter)
			run_manifest(text, size - 1, types[i].type);
	if (data[0] >= '0' && data[0] <= '9')
		run_config(text, size - 1, data[0] - (size_t)'0');
	if (data[0] == 't')
		(void)config_time(text, &seconds);
	if (data[0] == 's') {
		int number = config_signal(text);

		HOLDS(number == -EINVAL || (number >= 1 && number <= 64));
	}
	if (data[0] == 'p')
		run_platform(text);
	free(text);
	return 0;
}
