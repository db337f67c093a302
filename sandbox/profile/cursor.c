/* Cursors over a document: see cursor.h. */
#include "profile/cursor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "profile/grammar.h"
#include "profile/load.h"
#include "profile/names.h"
#include "profile/variables.h"
#include "util/arena.h"
#include "util/path.h"
#include "util/text.h"

#define FIELDS_MAX 32 /* more than any table has */

/* ---- places and errors ---- */

static bool pointer_write(const struct cursor *at, char *buffer, size_t size)
{
	char number[24];
	const char *token = at->key;

	if (!at->parent) {
		buffer[0] = '\0';
		return true;
	}
	if (!token) {
		(void)snprintf(number, sizeof(number), "%zu", at->index);
		token = number;
	}
	return pointer_write(at->parent, buffer, size) &&
	       json_pointer_append(buffer, size, buffer, token);
}

const char *cursor_pointer(const struct cursor *at)
{
	char buffer[512];

	/* keys that we know are short: only a stranger's key overflows, and that has no rule */
	return arena_copy(
		at->reading->arena, pointer_write(at, buffer, sizeof(buffer)) ? buffer : "");
}

static void place_write(const struct cursor *at, char *buffer, size_t size)
{
	char pointer[1024];
	struct origin origin = {.document = at->reading->document, .pointer = pointer};

	while (!pointer_write(at, pointer, sizeof(pointer)))
		at = at->parent; /* a key too long to print: its object will do */
	(void)origin_format(&origin, buffer, size);
}

int cursor_error(const struct cursor *at, const char *format, ...)
{
	char where[sizeof(at->reading->err->where)], message[sizeof(at->reading->err->message)];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	place_write(at, where, sizeof(where));
	(void)err_set(at->reading->err, -EINVAL, where, "%s", message);
	return -EINVAL;
}

int cursor_memory(const struct cursor *at)
{
	return err_set(at->reading->err, -ENOMEM, at->reading->document->name, "out of memory");
}

int cursor_unknown(const struct cursor *at, const char *what, const char *word,
	const char *const *words, size_t count)
{
	char safe[128];
	const char *nearest = text_nearest(word, words, count);
	int r = cursor_error(
		at, "unknown %s \"%s\"", what, text_escape(word, strlen(word), safe, sizeof(safe)));
	char list[sizeof(at->reading->err->hint)] = "";
	size_t used = 0;

	if (nearest) {
		err_hint(at->reading->err, "did you mean \"%s\"?", nearest);
		return r;
	}
	for (size_t i = 0; i < count && used < sizeof(list); i++) {
		int n = snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", words[i]);

		used += n > 0 ? (size_t)n : 0;
	}
	err_hint(at->reading->err, "valid here: %s", list);
	return r;
}

static const char *type_name(const json_t *node)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "an integer",
		[JSON_REAL] = "a number with a fraction",
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};

	return names[json_typeof(node)];
}

static int expected(const struct cursor *at, const char *what)
{
	(void)cursor_error(at, "expected %s, found %s", what, type_name(at->node));
	return -EINVAL;
}

/* ---- moving ---- */

struct cursor cursor_member(const struct cursor *at, const char *key, json_t *node)
{
	return (struct cursor){.reading = at->reading,
		.parent = at,
		.key = key,
		.node = node,
		.enforce = at->enforce};
}

struct cursor cursor_element(const struct cursor *at, size_t index)
{
	return (struct cursor){.reading = at->reading,
		.parent = at,
		.index = index,
		.node = json_array_get(at->node, index),
		.enforce = at->enforce};
}

int cursor_elements(const struct cursor *at, size_t maximum,
	int (*read)(const struct cursor *at, void *into), void *into)
{
	size_t count = json_array_size(at->node);

	if (!json_is_array(at->node))
		return expected(at, "an array");
	if (count > maximum)
		return cursor_error(at, "%zu elements: more than %zu", count, maximum);
	for (size_t i = 0; i < count; i++) {
		struct cursor element = cursor_element(at, i);
		int r = read(&element, into);

		if (r)
			return r;
	}
	return 0;
}

/* ---- rules ---- */

/* What the object at `at` says of "enforce", else what holds around it. */
static int read_enforce(const struct cursor *at, enum enforce *ret)
{
	static const struct field field = {.words = enforce_names, .maximum = ENFORCE_COUNT};
	json_t *node = json_is_object(at->node) ? json_object_get(at->node, "enforce") : NULL;
	struct cursor member = cursor_member(at, "enforce", node);

	*ret = at->enforce;
	return node ? cursor_word(&member, &field, ret) : 0;
}

int cursor_rule(const struct cursor *at, struct rule *ret)
{
	struct rule rule = {.set = true,
		.origin = {.document = at->reading->document, .pointer = cursor_pointer(at)}};
	int r = rule.origin.pointer ? read_enforce(at, &rule.enforce) : cursor_memory(at);

	if (r)
		return r;
	*ret = rule;
	return 0;
}

static int keep_value(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	memcpy(into, at, sizeof(*at));
	return 0;
}

int cursor_setting(const struct cursor *at, struct rule *ret_rule, struct cursor *ret_value)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		{.name = "value", .read = keep_value, .mandatory = true},
	};
	struct cursor value = *at;
	int r = json_is_object(at->node) ? cursor_fields(at, fields, ARRAY_SIZE(fields), &value)
					 : 0;

	if (!r)
		r = cursor_rule(at, ret_rule);
	if (r)
		return r;
	if (value.node != at->node)
		value.parent = at; /* not the cursor of cursor_fields(), which is gone */
	*ret_value = value;
	return 0;
}

int cursor_setting_word(const struct cursor *at, const struct field *field, void *into)
{
	struct cursor value;
	struct rule *rule = (struct rule *)(void *)((char *)into - field->offset + field->rule);
	int r = cursor_setting(at, rule, &value);

	return r ? r : cursor_word(&value, field, into);
}

/* ---- objects ---- */

static int unknown_key(const struct cursor *at, const char *key, json_t *node,
	const struct field *fields, size_t count)
{
	const char *names[FIELDS_MAX];
	struct cursor member = cursor_member(at, key, node);

	for (size_t i = 0; i < count; i++)
		names[i] = fields[i].name;
	return cursor_unknown(&member, "key", key, names, count);
}

/* Sorts the members of the object into values, in the order of the table. */
static int match_fields(
	const struct cursor *at, const struct field *fields, size_t count, json_t **values)
{
	const char *key;
	json_t *node;

	json_object_foreach(at->node, key, node)
	{
		size_t i = 0;

		if (key[0] == 'x' && key[1] == '-')
			continue;
		while (i < count &&
			(fields[i].name[0] != key[0] || strcmp(fields[i].name, key) != 0))
			i++;
		if (i == count)
			return unknown_key(at, key, node, fields, count);
		values[i] = node;
	}
	for (size_t i = 0; i < count; i++)
		if (fields[i].mandatory && !values[i])
			return cursor_error(at, "\"%s\" is missing", fields[i].name);
	return 0;
}

int cursor_fields(const struct cursor *at, const struct field *fields, size_t count, void *into)
{
	json_t *values[FIELDS_MAX] = {0};
	struct cursor here = *at;
	int r;

	if (!json_is_object(at->node))
		return expected(at, "an object");
	r = match_fields(at, fields, count, values);
	if (!r)
		r = read_enforce(at, &here.enforce); /* a table without FIELD_ENFORCE has refused
							the key above */
	for (size_t i = 0; i < count && !r; i++) {
		struct cursor member = cursor_member(&here, fields[i].name, values[i]);

		if (values[i] && fields[i].read)
			r = fields[i].read(&member, &fields[i], (char *)into + fields[i].offset);
	}
	return r;
}

/* ---- plain values ---- */

int cursor_text(const struct cursor *at, const char **ret)
{
	const char *text = json_string_value(at->node);

	if (!text)
		return expected(at, "a string");
	*ret = text;
	return 0;
}

int cursor_copy(const struct cursor *at, const char *text, const char **ret)
{
	const char *copy = arena_copy(at->reading->arena, text);

	if (!copy)
		return cursor_memory(at);
	*ret = copy;
	return 0;
}

int cursor_bool(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	if (!json_is_boolean(at->node))
		return expected(at, "true or false");
	*(bool *)into = json_is_true(at->node);
	return 0;
}

int cursor_not(const struct cursor *at, const struct field *field, void *into)
{
	int r = cursor_bool(at, field, into);

	if (!r)
		*(bool *)into = !*(bool *)into;
	return r;
}

int cursor_word(const struct cursor *at, const struct field *field, void *into)
{
	const char *word = NULL;
	int r = cursor_text(at, &word);

	if (r)
		return r;
	for (unsigned i = 0; i < field->maximum; i++)
		if (strcmp(field->words[i], word) == 0) {
			*(unsigned *)into = i; /* an enum without negative values */
			return 0;
		}
	return cursor_unknown(at, "word", word, field->words, (size_t)field->maximum);
}

int cursor_number(const struct cursor *at, const struct field *field, void *into)
{
	json_int_t value = json_integer_value(at->node);

	if (!json_is_integer(at->node))
		return expected(at, "an integer");
	if (value < 0 || (uint64_t)value < field->minimum || (uint64_t)value > field->maximum)
		return cursor_error(at, "%lld is not between %llu and %llu", (long long)value,
			(unsigned long long)field->minimum, (unsigned long long)field->maximum);
	*(uint64_t *)into = (uint64_t)value;
	return 0;
}

int cursor_unsigned(const struct cursor *at, const struct field *field, void *into)
{
	uint64_t value = 0;
	int r = cursor_number(at, field, &value);

	if (!r)
		*(unsigned *)into = (unsigned)value; /* the field's maximum fits */
	return r;
}

int cursor_size(const struct cursor *at, const struct field *field, void *into)
{
	const char *text = NULL;
	uint64_t value;
	int r;

	if (json_is_integer(at->node))
		return cursor_number(at, field, into);
	r = cursor_text(at, &text);
	if (r)
		return r;
	if (text_parse_size(text, &value) || value < field->minimum || value > field->maximum)
		return cursor_error(at, "expected a size from %llu bytes on, such as \"64M\"",
			(unsigned long long)field->minimum);
	*(uint64_t *)into = value;
	return 0;
}

int cursor_mode(const struct cursor *at, const struct field *field, void *into)
{
	const char *text = NULL;
	mode_t mode;
	int r = cursor_text(at, &text);

	if (r)
		return r;
	if (!grammar_mode(text, (mode_t)field->maximum, &mode))
		return cursor_error(at, "expected an octal mode in a string, at most \"%04llo\"",
			(unsigned long long)field->maximum);
	*(mode_t *)into = mode;
	return 0;
}

int cursor_access(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field words = {
		.words = access_names, .maximum = ARRAY_SIZE(access_names)};
	unsigned writable = 0;
	int r = cursor_word(at, &words, &writable);

	(void)field;
	if (!r)
		*(bool *)into = writable;
	return r;
}

int cursor_expanded(const struct cursor *at, const struct field *field, void *into)
{
	const char *text = NULL, *whole = NULL;
	int r = cursor_text(at, &text);

	(void)field;
	if (!r)
		r = variables_expand(at, text, &whole);
	if (!r)
		*(const char **)into = whole;
	return r;
}

int cursor_path(const struct cursor *at, const struct field *field, void *into)
{
	char safe[256];
	const char *text = NULL, *path;
	int r = cursor_expanded(at, field, &text);

	if (r)
		return r;
	errno = 0;
	path = text_has_control(text) ? NULL : path_canonical(at->reading->arena, text);
	if (!path && errno == ENOMEM)
		return cursor_memory(at);
	if (!path) {
		r = cursor_error(at, "\"%s\" is not an absolute path in plain characters",
			text_escape(text, strlen(text), safe, sizeof(safe)));
		err_hint(at->reading->err, "a path begins with / or a variable such as ${cwd}, has "
					   "no \"..\", and no component over 255 bytes");
		return r;
	}
	*(const char **)into = path;
	return 0;
}

int cursor_reason(const struct cursor *at, const struct field *field, void *into)
{
	const char *text = NULL;
	int r = cursor_text(at, &text);

	(void)field;
	if (r)
		return r;
	if (!*text || text_has_control(text))
		return cursor_error(at, "expected the reason, on one line");
	return cursor_copy(at, text, into);
}

int cursor_version(const struct cursor *at)
{
	return json_is_integer(at->node) && json_integer_value(at->node) == 1
		       ? 0
		       : cursor_error(at,
				 "expected 1, the version of the notation that this program reads");
}
