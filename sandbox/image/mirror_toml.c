/* A reader for TOML 1.0's common part: see mirror_toml.h. https://toml.io/en/v1.0.0 */
#include "image/mirror_toml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

#define DEPTH 8
#define VALUES 100000
#define KEY_BYTES 256
#define STRING_BYTES 4096
#define BARE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

struct reader {
	const char *name, *start, *at; /* the text ends in NUL, and has no other */
	struct err *err;
	size_t values, depth;
};

static int fail(struct reader *reader, const char *message)
{
	char where[512];
	unsigned line = 1;

	for (const char *c = reader->start; c < reader->at; c++)
		line += *c == '\n';
	(void)snprintf(where, sizeof(where), "%s:%u", reader->name, line);
	return err_set(reader->err, -EINVAL, where, "%s", message);
}

static void skip_blanks(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t");
}

static void skip_comment(struct reader *reader)
{
	if (*reader->at == '#')
		reader->at += strcspn(reader->at, "\n");
}

/* Blanks, comments and line ends: what may stand between lines, and within an array. */
static void skip_lines(struct reader *reader)
{
	const char *before;

	do {
		before = reader->at;
		reader->at += strspn(reader->at, " \t\r\n");
		skip_comment(reader);
	} while (reader->at != before);
}

static int end_line(struct reader *reader)
{
	skip_blanks(reader);
	skip_comment(reader);
	reader->at += *reader->at == '\r';
	if (*reader->at && *reader->at != '\n')
		return fail(reader, "something follows on the line");
	return 0;
}

/* ---- strings and keys ---- */

static long hexadecimal(const char *text, size_t digits)
{
	char copy[9];

	if (strspn(text, "0123456789abcdefABCDEF") < digits)
		return -1;
	memcpy(copy, text, digits);
	copy[digits] = '\0';
	return strtol(copy, NULL, 16);
}

/* After the backslash; writes at most four bytes. */
static int take_escape(struct reader *reader, char *out, size_t *used)
{
	static const char letters[] = "\"\\bfnrte", meant[] = "\"\\\b\f\n\r\t\033";
	const char *letter = *reader->at ? strchr(letters, *reader->at) : NULL;
	size_t digits = *reader->at == 'u' ? 4 : *reader->at == 'U' ? 8 : 0;
	long code;

	if (letter) {
		out[(*used)++] = meant[letter - letters];
		reader->at++;
		return 0;
	}
	code = digits ? hexadecimal(reader->at + 1, digits) : -1;
	if (code <= 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return fail(reader, "not an escape that TOML knows");
	*used += text_put_code(out + *used, (uint32_t)code);
	reader->at += 1 + digits;
	return 0;
}

/* "basic" or 'literal', into out; of at most size - 1 bytes. */
static int take_string(struct reader *reader, char *out, size_t size)
{
	char quote = *reader->at;
	size_t used = 0;

	if (strncmp(reader->at, "\"\"\"", 3) == 0 || strncmp(reader->at, "'''", 3) == 0)
		return fail(reader, "strings of several lines are not read here");
	reader->at++;
	while (*reader->at != quote) {
		int r = 0;

		if ((unsigned char)*reader->at < ' ' && *reader->at != '\t')
			return fail(
				reader, "a string without an end, or a control character in it");
		if (used + 5 > size)
			return fail(reader, "a string longer than is allowed");
		if (*reader->at == '\\' && quote == '"') {
			reader->at++;
			r = take_escape(reader, out, &used);
		} else {
			out[used++] = *reader->at++;
		}
		if (r)
			return r;
	}
	reader->at++;
	out[used] = '\0';
	return 0;
}

static int take_key(struct reader *reader, char key[KEY_BYTES])
{
	size_t length = strspn(reader->at, BARE);

	if (*reader->at == '"' || *reader->at == '\'')
		return take_string(reader, key, KEY_BYTES);
	if (length == 0 || length >= KEY_BYTES)
		return fail(reader, "expected a key");
	memcpy(key, reader->at, length);
	key[length] = '\0';
	reader->at += length;
	return 0;
}

/* The table that key names below *table: made where it is missing; of an array of tables, the last
 * one. */
static int descend(struct reader *reader, json_t **table, const char *key)
{
	json_t *next = json_object_get(*table, key);

	if (!next) {
		if (++reader->values > VALUES)
			return fail(reader, "more values than are allowed");
		next = json_object();
		if (json_object_set_new(*table, key, next))
			return fail(reader, "not a key, or out of memory");
	}
	if (json_is_array(next) && json_array_size(next))
		next = json_array_get(next, json_array_size(next) - 1);
	if (!json_is_object(next))
		return fail(reader, "this key has a value already, which is no table");
	*table = next;
	return 0;
}

/* "a.b.c": descends to a.b and leaves c in key. */
static int take_path(struct reader *reader, json_t **table, char key[KEY_BYTES])
{
	for (size_t depth = 0;; depth++) {
		int r = depth < DEPTH ? take_key(reader, key)
				      : fail(reader, "nested deeper than is allowed");

		if (r)
			return r;
		skip_blanks(reader);
		if (*reader->at != '.')
			return 0;
		reader->at++;
		skip_blanks(reader);
		r = descend(reader, table, key);
		if (r)
			return r;
	}
}

/* ---- values ---- */

static json_t *take_value(struct reader *reader);

static int take_pair(struct reader *reader, json_t *table)
{
	char key[KEY_BYTES];
	json_t *value;
	int r = take_path(reader, &table, key);

	if (r)
		return r;
	if (*reader->at != '=')
		return fail(reader, "expected = after a key");
	reader->at++;
	skip_blanks(reader);
	if (json_object_get(table, key))
		return fail(reader, "this key is there already");
	value = take_value(reader);
	if (!value)
		return -EINVAL;
	return json_object_set_new(table, key, value) ? fail(reader, "not a key, or out of memory")
						      : 0;
}

static int take_elements(struct reader *reader, json_t *array)
{
	reader->at++;
	for (skip_lines(reader); *reader->at != ']'; skip_lines(reader)) {
		json_t *value = take_value(reader);

		if (!value || json_array_append_new(array, value))
			return -EINVAL;
		skip_lines(reader);
		if (*reader->at == ',')
			reader->at++;
		else if (*reader->at != ']')
			return fail(reader, "expected , or ] after an element");
	}
	reader->at++;
	return 0;
}

static int take_pairs(struct reader *reader, json_t *table)
{
	reader->at++;
	skip_blanks(reader);
	if (*reader->at == '}') {
		reader->at++;
		return 0;
	}
	for (;;) {
		int r;

		skip_blanks(reader);
		r = take_pair(reader, table);
		if (r)
			return r;
		skip_blanks(reader);
		if (*reader->at != ',' && *reader->at != '}')
			return fail(reader, "expected , or } after a value");
		if (*reader->at++ == '}')
			return 0;
	}
}

static json_t *take_container(struct reader *reader)
{
	bool array = *reader->at == '[';
	json_t *container;
	int r;

	if (reader->depth == DEPTH) {
		(void)fail(reader, "nested deeper than is allowed");
		return NULL;
	}
	container = array ? json_array() : json_object();
	reader->depth++;
	r = array ? take_elements(reader, container) : take_pairs(reader, container);
	reader->depth--;
	if (!r)
		return container;
	json_decref(container);
	return NULL;
}

static json_t *take_number(struct reader *reader)
{
	char digits[24];
	size_t length = strspn(reader->at + (*reader->at == '-'), "0123456789");
	bool negative = *reader->at == '-';
	uint64_t number;
	char next;

	if (length == 0 || length >= sizeof(digits))
		return NULL;
	memcpy(digits, reader->at + negative, length);
	digits[length] = '\0';
	next = reader->at[negative + length];
	if (text_parse_u64(digits, INT64_MAX, &number) || (next && strchr(BARE ".:+", next)))
		return NULL;
	reader->at += negative + length;
	return json_integer(negative ? -(json_int_t)number : (json_int_t)number);
}

static json_t *take_word(struct reader *reader)
{
	size_t length = strspn(reader->at, BARE);
	json_t *value = NULL;

	if (length == 4 && memcmp(reader->at, "true", 4) == 0)
		value = json_true();
	else if (length == 5 && memcmp(reader->at, "false", 5) == 0)
		value = json_false();
	if (value)
		reader->at += length;
	else
		value = take_number(reader);
	if (!value)
		(void)fail(reader,
			"expected a string, true, false, a whole number, an array or a table");
	return value;
}

static json_t *take_value(struct reader *reader)
{
	char text[STRING_BYTES];

	if (++reader->values > VALUES) {
		(void)fail(reader, "more values than are allowed");
		return NULL;
	}
	switch (*reader->at) {
	case '"':
	case '\'': return take_string(reader, text, sizeof(text)) ? NULL : json_string(text);
	case '[':
	case '{': return take_container(reader);
	default: return take_word(reader);
	}
}

/* ---- lines ---- */

/* "[a.b]" or "[[a.b]]": *table is where the keys that follow go. */
static int take_header(struct reader *reader, json_t *root, json_t *seen, json_t **table)
{
	bool array = reader->at[1] == '[';
	const char *start = reader->at;
	char key[KEY_BYTES], whole[STRING_BYTES];
	json_t *list;
	int r;

	reader->at += array ? 2 : 1;
	skip_blanks(reader);
	*table = root;
	r = take_path(reader, table, key);
	if (r)
		return r;
	if (*reader->at != ']' || (array && reader->at[1] != ']'))
		return fail(reader, "expected ] at the end of the name of a table");
	reader->at += array ? 2 : 1;
	if (!array) {
		r = descend(reader, table, key);
		/* below the newest of an array, the same name is another table */
		(void)snprintf(whole, sizeof(whole), "%p", (void *)*table);
		if (!r && json_object_get(seen, whole)) {
			reader->at = start;
			return fail(reader, "this table is there already");
		}
		return r ? r : json_object_set_new(seen, whole, json_true());
	}
	list = json_object_get(*table, key);
	if (!list) {
		list = json_array();
		if (json_object_set_new(*table, key, list))
			return fail(reader, "not a key, or out of memory");
	}
	*table = json_object();
	if (!json_is_array(list) || ++reader->values > VALUES)
		r = fail(reader, "this key has a value already, or there are too many");
	if (r) {
		json_decref(*table);
		return r;
	}
	return json_array_append_new(list, *table) ? fail(reader, "out of memory") : 0;
}

static int take_document(struct reader *reader, json_t *root, json_t *seen)
{
	json_t *table = root;

	for (skip_lines(reader); *reader->at; skip_lines(reader)) {
		int r = *reader->at == '[' ? take_header(reader, root, seen, &table)
					   : take_pair(reader, table);

		if (!r)
			r = end_line(reader);
		if (r)
			return r;
	}
	return 0;
}

/* Tabs and ends of lines are all the control characters that there may be, comments included. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && !strchr("\t\n\r", *text)) ||
			(*text == '\r' && text[1] != '\n') || *text == '\x7f')
			return false;
	return true;
}

json_t *toml_read(const char *name, const char *text, size_t length, struct err *reterr)
{
	struct err own = {0};
	struct reader reader = {
		.name = name, .start = text, .at = text, .err = reterr ? reterr : &own};
	json_t *root, *seen;
	int r;

	if (length > TOML_BYTES || strlen(text) != length || !text_is_utf8(text, length) ||
		!is_plain(text)) {
		(void)fail(&reader,
			"not UTF-8, with a control character in it, or larger than is allowed");
		return NULL;
	}
	root = json_object();
	seen = json_object();
	r = root && seen ? take_document(&reader, root, seen) : -ENOMEM;
	json_decref(seen);
	if (!r)
		return root;
	(void)err_set(reader.err, -ENOMEM, name, "out of memory");
	json_decref(root);
	return NULL;
}
