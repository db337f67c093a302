/*
 * container.json: written by us, and read as strictly as if it were not. A file of an earlier
 * version would be told by its number, never guessed at.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "container/container.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/text.h"

#define VERSION 1

static const struct json_limits limits = {.bytes = CONTAINER_BYTES,
	.depth = 4,
	.values = (size_t)4 * CONTAINER_WORDS,
	.string = (size_t)1024 * 1024};

struct reading {
	const char *name;
	struct arena *arena;
	json_t *root;
	size_t known; /* members that were read */
	struct err *err;
};

static int bad(const struct reading *r, const char *key, const char *expected)
{
	char where[600];

	(void)snprintf(where, sizeof(where), "%s: /%s", r->name, key);
	return err_set(r->err, -EINVAL, where, "expected %s", expected);
}

/* The member, or NULL where it is not there, which bad() tells by its type. */
static const json_t *member(struct reading *r, const char *key)
{
	const json_t *value = json_object_get(r->root, key);

	r->known += value != NULL;
	return value;
}

/* No control character but in words of a command line, which may hold what a shell may write. */
static int read_text(struct reading *r, const char *key, bool word, const char **ret)
{
	const json_t *value = member(r, key);

	if (!json_is_string(value) || (!word && text_has_control(json_string_value(value))))
		return bad(r, key, "a string without control characters");
	*ret = arena_copy(r->arena, json_string_value(value));
	return *ret ? 0 : err_no_memory(r->err);
}

static int read_words(struct reading *r, const char *key, const char *const **ret)
{
	const json_t *value = member(r, key);
	size_t count = json_array_size(value);
	const char **words;

	if (!json_is_array(value) || count > CONTAINER_WORDS)
		return bad(r, key, "an array of strings");
	words = arena_zeroed(r->arena, count + 1, sizeof(*words));
	for (size_t i = 0; words && i < count; i++) {
		const json_t *word = json_array_get(value, i);

		if (!json_is_string(word))
			return bad(r, key, "an array of strings");
		words[i] = arena_copy(r->arena, json_string_value(word));
		if (!words[i])
			words = NULL;
	}
	*ret = words;
	return words ? 0 : err_no_memory(r->err);
}

static int read_number(
	struct reading *r, const char *key, int64_t least, int64_t most, int64_t *ret)
{
	const json_t *value = member(r, key);

	if (!json_is_integer(value) || json_integer_value(value) < least ||
		json_integer_value(value) > most)
		return bad(r, key, "a number in its range");
	*ret = json_integer_value(value);
	return 0;
}

static int read_bool(struct reading *r, const char *key, bool *ret)
{
	const json_t *value = member(r, key);

	if (!json_is_boolean(value))
		return bad(r, key, "true or false");
	*ret = json_is_true(value);
	return 0;
}

static int read_digest(struct reading *r, const char *key, struct digest *ret)
{
	const char *text = NULL;
	int e = read_text(r, key, false, &text);

	if (e == 0 && digest_parse(text, ret) < 0)
		e = bad(r, key, "a digest");
	return e;
}

/* "ID:/PLACE" */
static bool is_volume(const char *text)
{
	char id[CONTAINER_ID_ROOM] = "";

	(void)snprintf(id, sizeof(id), "%s", text);
	return id_is_valid(id) && text[CONTAINER_ID_ROOM - 1] == ':' &&
	       text[CONTAINER_ID_ROOM] == '/' && !text_has_control(text);
}

static int read_names(struct reading *r, struct container *c)
{
	const char *id = NULL;
	int e = read_text(r, "id", false, &id);

	if (e == 0 && !id_is_valid(id))
		e = bad(r, "id", "64 hexadecimal digits");
	if (e == 0)
		memcpy(c->id, id, sizeof(c->id));
	if (e == 0)
		e = read_text(r, "name", false, &c->name);
	if (e == 0 && !name_is_valid(c->name))
		e = bad(r, "name", "the name of a container");
	if (e == 0)
		e = read_words(r, "volumes", &c->volumes);
	for (size_t i = 0; e == 0 && c->volumes[i]; i++)
		if (!is_volume(c->volumes[i]))
			e = bad(r, "volumes", "ids of anonymous volumes and their places");
	return e;
}

static int read_times(struct reading *r, struct container *c)
{
	int64_t code = -1, stop = 0;
	int e = read_number(r, "created", 0, INT64_MAX, &c->created);

	if (e == 0)
		e = read_number(r, "started", 0, INT64_MAX, &c->started);
	if (e == 0)
		e = read_number(r, "finished", 0, INT64_MAX, &c->finished);
	if (e == 0)
		e = read_number(r, "exit", -1, 255, &code);
	if (e == 0)
		e = read_number(r, "stop_signal", 1, 64, &stop);
	c->exit_code = (int)code;
	c->stop_signal = (int)stop;
	return e;
}

static int read_all(struct reading *r, struct container *c)
{
	int64_t version;
	int e = read_number(r, "version", VERSION, VERSION, &version);

	if (e == 0)
		e = read_names(r, c);
	if (e == 0)
		e = read_text(r, "image", false, &c->image);
	if (e == 0)
		e = read_digest(r, "manifest", &c->manifest);
	if (e == 0)
		e = read_digest(r, "image_id", &c->image_id);
	if (e == 0)
		e = read_words(r, "options", &c->options);
	if (e == 0)
		e = read_words(r, "arguments", &c->arguments);
	if (e == 0)
		e = read_words(r, "command", &c->command);
	if (e == 0)
		e = read_text(r, "directory", true, &c->directory);
	if (e == 0)
		e = read_bool(r, "transient", &c->transient);
	if (e == 0)
		e = read_bool(r, "mapped", &c->mapped);
	if (e == 0)
		e = read_times(r, c);
	if (e == 0 && r->known != json_object_size(r->root))
		e = bad(r, "", "the members that this version writes, and no other");
	return e;
}

int container_parse(const char *name, const char *text, size_t length, struct arena *arena,
	struct container *ret, struct err *reterr)
{
	struct container container = {0};
	struct reading r = {.name = name, .arena = arena, .err = reterr};
	int e;

	r.root = json_read(name, text, length, &limits, reterr);
	if (!r.root)
		return reterr->code;
	e = json_is_object(r.root) ? read_all(&r, &container) : bad(&r, "", "an object");
	json_decref(r.root);
	if (e == 0)
		*ret = container;
	return e;
}

/* JSON holds no bytes that are not UTF-8. Where nothing will ever be started from the words again,
 * they are told escaped. */
static json_t *word_json(const char *word, bool only_told)
{
	char shown[4096];

	if (only_told && !text_is_utf8(word, strlen(word)))
		word = text_escape(word, strlen(word), shown, sizeof(shown));
	return json_string(word);
}

static json_t *words_json(const char *const *words, bool only_told)
{
	json_t *array = json_array();

	for (; array && words && *words; words++)
		if (json_array_append_new(array, word_json(*words, only_told))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static int check_emitted(const struct container *c, const char *text, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {NULL};
	struct container again;
	struct err said = {0};
	int r = container_parse(c->name, text, strlen(text), &arena, &again, &said);

	if (r == 0)
		return 0;
	err_set(reterr, -E2BIG, c->name, "its record cannot be kept: %s%s%s", said.where,
		said.where[0] ? ": " : "", said.message);
	err_hint(reterr,
		"at most %d words and %zu bytes of them: a file or standard input holds more",
		CONTAINER_WORDS, CONTAINER_BYTES);
	return -E2BIG;
}

int container_emit(
	const struct container *c, char **ret_text, size_t *ret_length, struct err *reterr)
{
	json_t *root = json_pack("{si ss ss ss ss ss so so so so ss sb sb sI sI sI si si}",
		"version", VERSION, "id", c->id, "name", c->name, "image", c->image, "manifest",
		c->manifest.text, "image_id", c->image_id.text, "options",
		words_json(c->options, c->transient), "arguments",
		words_json(c->arguments, c->transient), "command",
		words_json(c->command, c->transient), "volumes", words_json(c->volumes, false),
		"directory", c->directory, "transient", c->transient, "mapped", c->mapped,
		"created", (json_int_t)c->created, "started", (json_int_t)c->started, "finished",
		(json_int_t)c->finished, "exit", c->exit_code, "stop_signal", c->stop_signal);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	int r;

	json_decref(root);
	if (!text)
		return err_set(reterr, -EINVAL, c->name,
			"its record cannot be written: is every word of the command line UTF-8?");
	/* what cannot be read back must not be written: it would be damaged from its first day on
	 */
	r = check_emitted(c, text, reterr);
	if (r < 0) {
		free(text);
		return r;
	}
	*ret_text = text;
	*ret_length = strlen(text);
	return 0;
}
