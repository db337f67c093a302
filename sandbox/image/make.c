/* Documents of images of our own making: see make.h. */
#include "image/make.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image/blob.h"
#include "image/image.h"
#include "image/print.h"
#include "image/unpack.h"
#include "util/arena.h"
#include "util/cleanup.h"

static const char *const layer_types[] = {
	[COMPRESSION_NONE] = "application/vnd.oci.image.layer.v1.tar",
	[COMPRESSION_GZIP] = "application/vnd.oci.image.layer.v1.tar+gzip",
	[COMPRESSION_ZSTD] = "application/vnd.oci.image.layer.v1.tar+zstd",
};

char *make_text(const json_t *document, size_t *ret_length, struct err *reterr)
{
	char *text = json_dumps(document, JSON_COMPACT);

	if (!text)
		(void)err_no_memory(reterr);
	else
		*ret_length = strlen(text);
	return text;
}

static int put_document(const struct storage *storage, const json_t *document, struct digest *ret,
	struct err *reterr)
{
	size_t length = 0;
	_cleanup_free_ char *text = make_text(document, &length, reterr);

	return text ? blob_put(storage, text, length, ret, reterr) : -ENOMEM;
}

static int put_manifest(const struct storage *storage, const struct digest *config,
	size_t config_length, const struct make_layer *layers, size_t count, struct digest *ret,
	struct err *reterr)
{
	json_t *list = json_array(),
	       *document = json_pack("{s:i, s:s, s:{s:s, s:s, s:I}, s:o}", "schemaVersion", 2,
		       "mediaType", "application/vnd.oci.image.manifest.v1+json", "config",
		       "mediaType", "application/vnd.oci.image.config.v1+json", "digest",
		       config->text, "size", (json_int_t)config_length, "layers", list);
	int r = document ? 0 : err_no_memory(reterr);

	for (size_t i = 0; r == 0 && i < count; i++)
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s, s:I}", "mediaType",
					  layer_types[layers[i].compression], "digest",
					  layers[i].blob.text, "size", (json_int_t)layers[i].size)))
			r = err_no_memory(reterr);
	if (r == 0)
		r = put_document(storage, document, ret, reterr);
	json_decref(document);
	return r;
}

int make_documents(const struct storage *storage, struct arena *arena, const char *text,
	size_t length, const struct make_layer *layers, size_t count, struct image *ret,
	struct err *reterr)
{
	struct digest config, manifest;
	int r = blob_put(storage, text, length, &config, reterr);

	if (r == 0)
		r = put_manifest(storage, &config, length, layers, count, &manifest, reterr);
	/* read back, with all the checks that a stranger's image gets */
	return r == 0 ? image_load(storage, &manifest, arena, ret, reterr) : r;
}

int make_image(const struct storage *storage, struct arena *arena, const char *text, size_t length,
	const struct make_layer *layers, size_t count, const struct reference *name,
	struct digest *ret_id, struct err *reterr)
{
	struct image image;
	int r = make_documents(storage, arena, text, length, layers, count, &image, reterr);

	if (r == 0)
		r = unpack_image(storage, &image, reterr);
	if (r == 0 && name)
		r = image_publish(storage, name, &image.config.record, reterr);
	else if (r == 0)
		r = record_write(storage, &image.config.record, reterr);
	if (r < 0)
		return r;
	*ret_id = image.config.record.id;
	return r;
}

/* ---- history ---- */

/* A member that must be of a type: made where it is missing; NULL with reterr where it is another.
 */
static json_t *member(json_t *object, const char *key, json_type type, struct err *reterr)
{
	json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value)) {
		value = type == JSON_ARRAY ? json_array() : json_object();
		if (!value || json_object_set_new(object, key, value)) {
			(void)err_no_memory(reterr);
			return NULL;
		}
	}
	if (json_typeof(value) != type) {
		(void)err_set(reterr, -EBADMSG, key, "is of the wrong type in the configuration");
		return NULL;
	}
	return value;
}

static int set_text(json_t *object, const char *key, const char *value, struct err *reterr)
{
	if (!value)
		return 0;
	if (record_text_fault(value))
		return err_set(reterr, -EINVAL, key, "%s", record_text_fault(value));
	return json_object_set_new(object, key, json_string(value)) ? err_no_memory(reterr) : 0;
}

int make_add_layer(json_t *document, const struct digest *diff, const char *created_by,
	const char *comment, const char *author, struct err *reterr)
{
	json_t *rootfs = member(document, "rootfs", JSON_OBJECT, reterr),
	       *diffs = rootfs ? member(rootfs, "diff_ids", JSON_ARRAY, reterr) : NULL,
	       *history = diffs ? member(document, "history", JSON_ARRAY, reterr) : NULL,
	       *entry = json_object();
	char now[PRINT_TIME_ROOM];
	int r = history ? 0 : -EBADMSG;

	(void)print_time((int64_t)time(NULL), now);
	if (r == 0 && (json_object_set_new(rootfs, "type", json_string("layers")) ||
			      json_array_append_new(diffs, json_string(diff->text))))
		r = err_no_memory(reterr);
	if (r == 0)
		r = set_text(entry, "created", now, reterr);
	if (r == 0)
		r = set_text(document, "created", now, reterr);
	if (r == 0)
		r = set_text(entry, "created_by", created_by, reterr);
	if (r == 0)
		r = set_text(entry, "comment", comment, reterr);
	if (r == 0)
		r = set_text(entry, "author", author, reterr);
	if (r == 0)
		r = set_text(document, "author", author, reterr);
	if (r == 0 && json_array_append(history, entry))
		r = err_no_memory(reterr);
	json_decref(entry);
	return r;
}

/* ---- changes ---- */

enum form { FORM_COMMAND, FORM_PAIRS, FORM_SET, FORM_TEXT };
static const struct {
	const char *word, *key;
	enum form form;
} instructions[] = {
	{"CMD", "Cmd", FORM_COMMAND},
	{"ENTRYPOINT", "Entrypoint", FORM_COMMAND},
	{"ENV", "Env", FORM_PAIRS},
	{"EXPOSE", "ExposedPorts", FORM_SET},
	{"LABEL", "Labels", FORM_PAIRS},
	{"STOPSIGNAL", "StopSignal", FORM_TEXT},
	{"USER", "User", FORM_TEXT},
	{"VOLUME", "Volumes", FORM_SET},
	{"WORKDIR", "WorkingDir", FORM_TEXT},
};

/* A JSON array of texts, or NULL where text is none. */
static json_t *parse_array(const char *text)
{
	json_t *array = text[0] == '[' ? json_loads(text, 0, NULL) : NULL, *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		if (!json_is_string(item)) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static int change_command(json_t *config, const char *key, const char *value, struct err *reterr)
{
	json_t *array = parse_array(value);

	if (!array) /* the form for a shell */
		array = json_pack("[s, s, s]", "/bin/sh", "-c", value);
	return !array || json_object_set_new(config, key, array) ? err_no_memory(reterr) : 0;
}

/* Replaces NAME=… in an array, or adds it. */
static int set_variable(json_t *array, const char *pair, struct err *reterr)
{
	size_t length = strcspn(pair, "=") + 1, i;
	json_t *item;

	json_array_foreach(array, i, item)
	{
		const char *old = json_string_value(item);

		if (old && strncmp(old, pair, length) == 0)
			return json_array_set_new(array, i, json_string(pair))
				       ? err_no_memory(reterr)
				       : 0;
	}
	return json_array_append_new(array, json_string(pair)) ? err_no_memory(reterr) : 0;
}

/* "NAME=VALUE", or "NAME VALUE" as old Dockerfiles have it. */
static int change_pair(json_t *config, const char *key, const char *value, struct err *reterr)
{
	size_t length = strcspn(value, "= ");
	bool is_list = strcmp(key, "Env") == 0;
	_cleanup_free_ char *pair = NULL;
	json_t *target;

	if (length == 0 || !value[length])
		return err_set(reterr, -EINVAL, "--change", "expected NAME=VALUE");
	target = member(config, key, is_list ? JSON_ARRAY : JSON_OBJECT, reterr);
	if (!target)
		return -EBADMSG;
	pair = strdup(value);
	if (!pair)
		return err_no_memory(reterr);
	pair[length] = is_list ? '=' : '\0';
	if (is_list)
		return set_variable(target, pair, reterr);
	return json_object_set_new(target, pair, json_string(pair + length + 1))
		       ? err_no_memory(reterr)
		       : 0;
}

static int change_set(json_t *config, const char *key, const char *value, struct err *reterr)
{
	json_t *array = parse_array(value), *target = member(config, key, JSON_OBJECT, reterr),
	       *item;
	_cleanup_free_ char *words = strdup(value);
	char *rest = NULL;
	size_t i;
	int r = target && words ? 0 : -EBADMSG;

	json_array_foreach(array, i, item)
	{
		if (r == 0 && json_object_set_new(target, json_string_value(item), json_object()))
			r = err_no_memory(reterr);
	}
	for (char *word = array || r < 0 ? NULL : strtok_r(words, " ", &rest); word && r == 0;
		word = strtok_r(NULL, " ", &rest))
		if (json_object_set_new(target, word, json_object()))
			r = err_no_memory(reterr);
	json_decref(array);
	return r;
}

int make_change(json_t *config, const char *instruction, struct err *reterr)
{
	size_t length = strcspn(instruction, " =");
	const char *value = instruction + length;

	value += strspn(value, " =");
	if (record_text_fault(instruction))
		return err_set(reterr, -EINVAL, "--change", "%s", record_text_fault(instruction));
	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		const char *key = instructions[i].key;

		if (strlen(instructions[i].word) != length ||
			strncasecmp(instructions[i].word, instruction, length) != 0)
			continue;
		if (!*value)
			return err_set(reterr, -EINVAL, "--change", "%s needs a value",
				instructions[i].word);
		switch (instructions[i].form) {
		case FORM_COMMAND: return change_command(config, key, value, reterr);
		case FORM_PAIRS: return change_pair(config, key, value, reterr);
		case FORM_SET: return change_set(config, key, value, reterr);
		case FORM_TEXT:
			return json_object_set_new(config, key, json_string(value))
				       ? err_no_memory(reterr)
				       : 0;
		}
	}
	return err_set(reterr, -EINVAL, "--change",
		"expected CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or "
		"WORKDIR");
}
