/* What a launch needs to know of an image, as text: see record.h. Pure; record_disk.c stores it. */
#include "image/record.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/mutant.h"
#include "util/overlay.h"
#include "util/path.h"
#include "util/text.h"

/* ---- what values must be ---- */

const char *record_text_fault(const char *text)
{
	size_t length = strlen(text);

	if (length >= RECORD_STRING)
		return "is longer than execve(2) takes (128 KiB)";
	if (!text_is_utf8(text, length))
		return "is not UTF-8";
	for (const char *c = text; *c; c++)
		if ((((unsigned char)*c < 0x20 && *c != '\t' && *c != '\n') || *c == 0x7f) &&
			!mutant(MUTANT_IMAGE_TEXT))
			return "has a control character in it";
	return NULL;
}

const char *record_word_fault(const char *word)
{
	size_t length = strlen(word);

	if (length == 0 || length > 64 ||
		strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
			length)
		return "is no word of 1 to 64 letters, digits, \"_\", \".\" and \"-\"";
	return NULL;
}

const char *record_variable_fault(const char *variable)
{
	const char *equals = strchr(variable, '=');

	if (!equals && !mutant(MUTANT_IMAGE_ENVIRONMENT))
		return "has no \"=\": the environment of the host is not an image's to ask for";
	if (equals == variable && !mutant(MUTANT_IMAGE_ENVIRONMENT))
		return "has no name before its \"=\"";
	for (const char *c = variable; c < equals; c++)
		if (*c <= ' ' || *c > '~')
			return "has a name that is not printable ASCII without space";
	return record_text_fault(variable);
}

static const char *id_fault(const char *text, size_t length)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char others[] = "0123456789.-$";
	char number[16];
	uint64_t id;

	if (length == 0)
		return "has an empty name in it";
	if (length > 64)
		return "has a name of more than 64 characters";
	if (strchr(letters, text[0])) {
		for (size_t i = 0; i < length; i++)
			if (!strchr(letters, text[i]) && !strchr(others, text[i]))
				return "has a name with characters that no user name has";
		return NULL;
	}
	(void)snprintf(number, sizeof(number), "%.*s", (int)length, text);
	/* the last id is "no id" to the kernel: (uid_t)-1 */
	if (length >= sizeof(number) || text_parse_u64(number, UINT32_MAX - 1, &id) < 0)
		return "is neither a name (letter first) nor a number up to 4294967294";
	return NULL;
}

const char *record_user_fault(const char *user)
{
	size_t length = strcspn(user, ":");
	const char *fault;

	if (!user[0] || mutant(MUTANT_IMAGE_USER))
		return NULL;
	fault = id_fault(user, length);
	if (fault || !user[length])
		return fault;
	return id_fault(user + length + 1, strlen(user + length + 1));
}

const char *record_path_fault(const char *path)
{
	_cleanup_(arena_free) struct arena arena = {0};
	const char *canonical = path_canonical(&arena, path);

	if (!canonical || strcmp(canonical, path) != 0)
		return "is no absolute path without \".\", \"..\" and doubled slashes";
	return text_has_control(path) ? "has a control character in it" : NULL;
}

/* ---- from text ---- */

static const struct json_limits limits = {
	.bytes = RECORD_BYTES,
	.depth = 2,
	.values = 16 + 5 * RECORD_STRINGS,
	.string = 4 * RECORD_STRING,
};

struct reading {
	const char *name;
	json_t *root;
	struct arena *arena;
	struct err *err;
};

static int fail(const struct reading *reading, const char *key, const char *message)
{
	char where[512];

	(void)snprintf(where, sizeof(where), "%s: /%s", reading->name, key);
	return err_set(reading->err, -EBADMSG, where, "%s", message);
}

/* json_read() refuses NUL inside strings: they end where C thinks so. */
static int read_text(const struct reading *reading, const char *key,
	const char *(*fault)(const char *), const char **ret)
{
	const char *text = json_string_value(json_object_get(reading->root, key));
	const char *wrong = text ? fault(text) : "is not a string";

	if (wrong)
		return fail(reading, key, wrong);
	*ret = arena_copy(reading->arena, text);
	return *ret ? 0 : fail(reading, key, "out of memory");
}

static int read_texts(const struct reading *reading, const char *key,
	const char *(*fault)(const char *), const char *const **ret)
{
	json_t *array = json_object_get(reading->root, key), *value;
	size_t count = json_array_size(array), index;
	const char **texts;

	if (!json_is_array(array) || count > RECORD_STRINGS)
		return fail(reading, key, "is not an array of at most 1024 strings");
	texts = arena_zeroed(reading->arena, count + 1, sizeof(*texts));
	if (!texts)
		return fail(reading, key, "out of memory");
	json_array_foreach(array, index, value)
	{
		const char *text = json_string_value(value);
		const char *wrong = text ? fault(text) : "is not a string";

		if (wrong)
			return fail(reading, key, wrong);
		texts[index] = arena_copy(reading->arena, text);
		if (!texts[index])
			return fail(reading, key, "out of memory");
	}
	*ret = texts;
	return 0;
}

static int read_digest(const struct reading *reading, const char *key, struct digest *ret)
{
	const char *text = json_string_value(json_object_get(reading->root, key));

	return text && digest_parse(text, ret) == 0 ? 0 : fail(reading, key, "is not a digest");
}

static int read_chains(const struct reading *reading, struct image_record *record)
{
	json_t *array = json_object_get(reading->root, "layers"), *value;
	size_t count = json_array_size(array), index;
	struct digest *chains;

	if (!json_is_array(array) || count == 0 || count > OVERLAY_LAYERS)
		return fail(reading, "layers", "is not an array of 1 to 128 digests");
	chains = arena_zeroed(reading->arena, count, sizeof(*chains));
	if (!chains)
		return fail(reading, "layers", "out of memory");
	json_array_foreach(array, index, value)
	{
		const char *text = json_string_value(value);

		if (!text || digest_parse(text, &chains[index]) < 0)
			return fail(reading, "layers", "has something in it that is no digest");
	}
	record->chains = chains;
	record->layer_count = count;
	return 0;
}

static int read_signal(const struct reading *reading, struct image_record *record)
{
	json_t *number = json_object_get(reading->root, "stop_signal");
	json_int_t value = json_integer_value(number);

	if (!json_is_integer(number) || value < 0 || value >= NSIG)
		return fail(reading, "stop_signal", "is not a signal's number, or 0 for none");
	record->stop_signal = (int)value;
	return 0;
}

static const char *volume_fault(const char *path)
{
	return strcmp(path, "/") == 0 ? "would hide the whole image" : record_path_fault(path);
}

/* One row a key that holds text or texts; the others have functions of their own. */
static const struct field {
	const char *key;
	const char *(*fault)(const char *);
	size_t offset;
	bool many;
} fields[] = {
	{"architecture", record_word_fault, offsetof(struct image_record, architecture), false},
	{"os", record_word_fault, offsetof(struct image_record, os), false},
	{"user", record_user_fault, offsetof(struct image_record, user), false},
	{"environment", record_variable_fault, offsetof(struct image_record, environment), true},
	{"entrypoint", record_text_fault, offsetof(struct image_record, entrypoint), true},
	{"command", record_text_fault, offsetof(struct image_record, command), true},
	{"workdir", record_path_fault, offsetof(struct image_record, workdir), false},
	{"volumes", volume_fault, offsetof(struct image_record, volumes), true},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))
#define OTHER_KEYS 4 /* manifest, id, layers, stop_signal */

static int read_record(const struct reading *reading, struct image_record *record)
{
	int r;

	if (!json_is_object(reading->root) ||
		json_object_size(reading->root) != FIELDS + OTHER_KEYS)
		return fail(reading, "", "is not an object with the keys of a record");
	r = read_digest(reading, "manifest", &record->manifest);
	if (r == 0)
		r = read_digest(reading, "id", &record->id);
	if (r == 0)
		r = read_chains(reading, record);
	if (r == 0)
		r = read_signal(reading, record);
	for (size_t i = 0; r == 0 && i < FIELDS; i++) {
		void *place = (char *)record + fields[i].offset;

		r = fields[i].many ? read_texts(reading, fields[i].key, fields[i].fault, place)
				   : read_text(reading, fields[i].key, fields[i].fault, place);
	}
	return r;
}

int record_parse(const char *name, const char *text, size_t length, struct arena *arena,
	struct image_record *ret, struct err *reterr)
{
	struct image_record record = {0};
	struct reading reading = {.name = name, .arena = arena, .err = reterr};
	int r;

	reading.root = json_read(name, text, length, &limits, reterr);
	if (!reading.root)
		return -EBADMSG;
	r = read_record(&reading, &record);
	json_decref(reading.root);
	if (r == 0)
		*ret = record;
	return r;
}

/* ---- to text ---- */

static json_t *texts_json(const char *const *texts)
{
	json_t *array = json_array();

	for (; array && *texts; texts++)
		if (json_array_append_new(array, json_string(*texts))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *chains_json(const struct image_record *record)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < record->layer_count; i++)
		if (json_array_append_new(array, json_string(record->chains[i].text))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *record_json(const struct image_record *record)
{
	json_t *root = json_object();
	int r = root ? 0 : -1;

	if (r == 0)
		r = json_object_set_new(root, "manifest", json_string(record->manifest.text));
	if (r == 0)
		r = json_object_set_new(root, "id", json_string(record->id.text));
	if (r == 0)
		r = json_object_set_new(root, "layers", chains_json(record));
	for (size_t i = 0; r == 0 && i < FIELDS; i++) {
		const void *place = (const char *)record + fields[i].offset;

		r = json_object_set_new(root, fields[i].key,
			fields[i].many ? texts_json(*(const char *const *const *)place)
				       : json_string(*(const char *const *)place));
	}
	if (r == 0)
		r = json_object_set_new(root, "stop_signal", json_integer(record->stop_signal));
	if (r == 0)
		return root;
	json_decref(root);
	return NULL;
}

int record_emit(
	const struct image_record *record, char **ret_text, size_t *ret_length, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {0};
	struct image_record again;
	json_t *root = record_json(record);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	int r;

	json_decref(root);
	/* jansson refuses to hold what is not UTF-8 */
	if (!text)
		return err_set(reterr, -EINVAL, record->manifest.text,
			"its record cannot be written: out of memory, or text that is not UTF-8");
	/* what cannot be read back must not be written */
	r = record_parse(record->manifest.text, text, strlen(text), &arena, &again, reterr);
	if (r < 0) {
		free(text);
		return r;
	}
	*ret_text = text;
	*ret_length = strlen(text);
	return 0;
}
