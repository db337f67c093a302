/* `immure image inspect`: all that is known of images, as docker and podman tell it. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "image/catalog.h"
#include "image/options.h"
#include "image/print.h"
#include "image/template.h"
#include "image/verbs.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/number.h"

/* null where there is none, as docker tells of what is not set */
static json_t *texts_json(const char *const *texts)
{
	json_t *array = *texts ? json_array() : json_null();

	for (; array && *texts; texts++)
		if (json_array_append_new(array, json_string(*texts))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

/* {"/data": {}} */
static json_t *set_json(const char *const *texts)
{
	json_t *object = *texts ? json_object() : json_null();

	for (; object && *texts; texts++)
		if (json_object_set_new(object, *texts, json_object())) {
			json_decref(object);
			return NULL;
		}
	return object;
}

static json_t *digests_json(const struct digest *digests, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < count; i++)
		if (json_array_append_new(array, json_string(digests[i].text))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *signal_json(int number)
{
	const char *name = number_signal(number);

	if (!number)
		return json_string("");
	if (name)
		return json_sprintf("SIG%s", name);
	return number == SIGRTMIN ? json_string("SIGRTMIN")
				  : json_sprintf("SIGRTMIN+%d", number - SIGRTMIN);
}

static json_t *history_json(const struct image_config *config)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < config->history_count; i++) {
		const struct history_entry *entry = &config->history[i];

		if (json_array_append_new(
			    array, json_pack("{ss ss ss sb}", "created", entry->created,
					   "created_by", entry->created_by, "comment",
					   entry->comment, "empty_layer", entry->empty_layer))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *config_json(const struct image_config *config)
{
	const struct image_record *record = &config->record;

	return json_pack("{ss so so so ss so so so so}", "User", record->user, "Env",
		texts_json(record->environment), "Entrypoint", texts_json(record->entrypoint),
		"Cmd", texts_json(record->command), "WorkingDir", record->workdir, "Volumes",
		set_json(record->volumes), "ExposedPorts", set_json(config->exposed_ports),
		"Labels", catalog_labels_json(config->labels), "StopSignal",
		signal_json(record->stop_signal));
}

static json_t *layers_json(const struct manifest *manifest)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < manifest->layer_count; i++)
		if (json_array_append_new(array,
			    json_pack("{ss ss sI}", "MediaType", manifest->layers[i].media_type,
				    "Digest", manifest->layers[i].digest.text, "Size",
				    (json_int_t)manifest->layers[i].size))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *image_json(const struct catalog_image *image)
{
	const struct image_config *config = &image->image.config;
	const struct image_record *record = &config->record;

	return json_pack("{ss ss so so ss ss ss sI sI so s{ss so} so so so ss so}", "Id",
		digest_hex(&record->id), "Digest", image->manifest.text, "RepoTags",
		catalog_tags_json(image), "RepoDigests", catalog_digests_json(image), "Created",
		config->created, "Architecture", record->architecture, "Os", record->os, "Size",
		(json_int_t)image->size, "VirtualSize", (json_int_t)image->size, "Config",
		config_json(config), "RootFS", "Type", "layers", "Layers",
		digests_json(config->diffs, record->layer_count), "Chains",
		digests_json(record->chains, record->layer_count), "Labels",
		catalog_labels_json(config->labels), "History", history_json(config),
		"ManifestType", image->image.manifest.media_type, "LayersData",
		layers_json(&image->image.manifest));
}

static int inspect_one(struct verb_context *context, const struct catalog *catalog,
	const char *name, const char *format, json_t *array)
{
	const struct reference *reference = NULL;
	_cleanup_free_ char *text = NULL;
	struct catalog_image *image = NULL;
	json_t *object;
	int r = catalog_find(catalog, name, &image, &reference, &context->err);

	if (r < 0)
		return r;
	if (image->fault) {
		context->err = image->err;
		err_hint(&context->err, "`immure image verify` tells more, and mends what it can");
		return image->fault;
	}
	object = image_json(image);
	if (!object || json_array_append_new(array, object))
		return err_set(&context->err, -ENOMEM, name, "out of memory");
	if (!format)
		return 0;
	r = template_render(format, object, &text, &context->err);
	if (r == 0)
		(void)puts(text); /* main flushes and tells */
	return r;
}

int verb_inspect(struct verb_context *context, int argc, char **argv)
{
	const char *format = NULL, *type = NULL;
	const struct option options[] = {
		{"format", 'f', OPTION_TEXT, &format},
		{"type", 't', OPTION_TEXT, &type},
	};
	struct catalog catalog = {0};
	json_t *array = json_array();
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 1, 1024, &context->err);

	if (r == 0 && type && strcmp(type, "image") != 0 && strcmp(type, "all") != 0)
		r = err_set(&context->err, -EINVAL, "--type", "is \"image\" or \"all\" here");
	if (format && strcmp(format, "json") == 0)
		format = NULL;
	if (r == 0 && !array)
		r = err_no_memory(&context->err);
	if (r == 0)
		r = catalog_read(&context->storage, &context->arena, &catalog, &context->err);
	for (int i = 1; r == 0 && i < argc; i++)
		r = inspect_one(context, &catalog, argv[i], format, array);
	if (r == 0 && !format) {
		r = print_json(stdout, array, true);
		(void)puts(""); /* main flushes and tells */
		if (r < 0)
			r = err_set(&context->err, r, NULL, "out of memory");
	}
	json_decref(array);
	return r;
}
