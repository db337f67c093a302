/*
 * The JSON reader: recursive descent over text that somebody else may have written. Depth, values
 * and lengths are counted before anything is allocated for them, so that the cost of a document is
 * bounded by its limits. See json.h.
 */
#include "util/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "util/mutant.h"
#include "util/text.h"

const struct json_limits json_limits_profile = {
	.bytes = (size_t)1024 * 1024,
	.depth = 32,
	.values = 100000,
	.string = (size_t)64 * 1024,
};

struct reader {
	const char *name;
	const char *start, *at, *end; /* *end is NUL or not ours to read */
	const struct json_limits *limits;
	size_t depth, values;
	char *scratch; /* what a string with escapes stands for, until the next one: small, or else
			  malloc'd */
	size_t scratch_size;
	struct err *err;
	char small[512];
};

static json_t *read_value(struct reader *reader);

static void place_of(const char *start, const char *at, unsigned *ret_line, unsigned *ret_column)
{
	unsigned line = 1;
	const char *line_start = start;

	for (const char *next; (next = memchr(line_start, '\n', (size_t)(at - line_start)));
		line_start = next + 1)
		line++;
	*ret_line = line;
	*ret_column = (unsigned)(at - line_start) + 1;
}

static int fail(struct reader *reader, int code, const char *at, const char *message)
{
	char where[sizeof(reader->err->where)];
	unsigned line, column;

	place_of(reader->start, at, &line, &column);
	(void)snprintf(where, sizeof(where), "%s:%u:%u", reader->name, line, column);
	(void)err_set(reader->err, code, where, "%s", message);
	return code;
}

static void *fail_null(struct reader *reader, int code, const char *at, const char *message)
{
	(void)fail(reader, code, at, message); /* the code travels in err */
	return NULL;
}

static void skip_space(struct reader *reader)
{
	const char *at = reader->at;

	while (at < reader->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	reader->at = at;
}

static bool take(struct reader *reader, char c)
{
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* ---- strings ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The four digits after \u at *at, which is moved past them; -1 where there are none. */
static long take_unit(const char **at, const char *end)
{
	long unit = 0;

	if (end - *at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit((*at)[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	*at += 4;
	return unit;
}

/* The character that \uXXXX or a pair of them stands for; -1 for a lone surrogate, for NUL and for
 * what is no number. */
static long take_code(const char **at, const char *end)
{
	long high = take_unit(at, end), low;

	if (high == 0 || (high >= 0xdc00 && high <= 0xdfff))
		return -1;
	if (high < 0xd800 || high > 0xdbff)
		return high;
	if (end - *at < 2 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return -1;
	*at += 2;
	low = take_unit(at, end);
	return low < 0xdc00 || low > 0xdfff ? -1
					    : 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

/* Writes what the body of a string (between the quotes) stands for; never longer than the body.
 * Bytes, or 0 with *bad set. */
static size_t unescape(const char *at, const char *end, char *out, const char **bad)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	size_t used = 0;

	while (at < end) {
		const char *start = at, *letter;

		if (*at != '\\') {
			out[used++] = *at++;
			continue;
		}
		at++; /* the body never ends in a lone backslash: that would have hidden the closing
			 quote */
		letter = *at ? strchr(letters, *at) : NULL;
		if (letter) {
			out[used++] = meant[letter - letters];
			at++;
		} else {
			long code = *at++ == 'u' ? take_code(&at, end) : -1;

			if (code < 0) {
				*bad = start;
				return 0;
			}
			used += text_put_code(out + used, (uint32_t)code);
		}
	}
	return used;
}

/* What the walk over a string stops at. */
enum { PLAIN, STOP_CONTROL, STOP_QUOTE, STOP_ESCAPE, STOP_WIDE };

static const unsigned char stops[256] = {[0 ... 0x1f] = STOP_CONTROL,
	['"'] = STOP_QUOTE,
	['\\'] = STOP_ESCAPE,
	[0x80 ... 0xff] = STOP_WIDE};

/* Finds the closing quote of the string that begins at reader->at, or NULL; knows if it has
 * escapes, and if it is all ASCII. */
static const char *string_end(struct reader *reader, bool *ret_escapes, bool *ret_ascii)
{
	const char *at = reader->at;
	unsigned stop = PLAIN;

	*ret_escapes = false;
	*ret_ascii = true;
	for (; at < reader->end; at++) {
		stop = stops[(unsigned char)*at];
		if (stop == STOP_QUOTE || stop == STOP_CONTROL)
			break;
		*ret_ascii &= stop != STOP_WIDE;
		if (stop == STOP_ESCAPE) {
			*ret_escapes = true;
			at++;
		}
	}
	if (at < reader->end && stop == STOP_CONTROL)
		return fail_null(reader, -EINVAL, at,
			"a control character in a string; write it as an escape");
	if (at >= reader->end)
		return fail_null(reader, -EINVAL, reader->at - 1, "a string without an end");
	if ((size_t)(at - reader->at) > reader->limits->string && !mutant(MUTANT_JSON_STRING))
		return fail_null(
			reader, -EFBIG, reader->at - 1, "this string is longer than is allowed");
	return at;
}

static bool scratch_fits(struct reader *reader, size_t length)
{
	char *larger;

	if (length <= reader->scratch_size)
		return true;
	larger = malloc(length);
	if (!larger)
		return false;
	if (reader->scratch != reader->small)
		free(reader->scratch);
	reader->scratch = larger;
	reader->scratch_size = length;
	return true;
}

/*
 * Reads a string whose opening quote has been taken. The result lies in the text itself or, where
 * there are escapes, in the scratch buffer, until the next call.
 */
static int read_string(struct reader *reader, const char **ret, size_t *ret_length)
{
	bool escapes, ascii;
	const char *start = reader->at, *end = string_end(reader, &escapes, &ascii), *bad = NULL;
	size_t length;

	if (!end)
		return -EINVAL;
	reader->at = end + 1;
	length = (size_t)(end - start);
	if (!ascii && !text_is_utf8(start, length))
		return fail(reader, -EINVAL, start - 1, "this string is not valid UTF-8");
	if (escapes) {
		if (!scratch_fits(reader, length))
			return fail(reader, -ENOMEM, start, "out of memory");
		length = unescape(start, end, reader->scratch, &bad);
		if (bad)
			return fail(reader, -EINVAL, bad,
				"not an escape that JSON knows, a lone surrogate, or NUL");
		start = reader->scratch;
	}
	*ret = start;
	*ret_length = length;
	return 0;
}

static json_t *read_string_value(struct reader *reader)
{
	const char *start = NULL;
	size_t length = 0;

	reader->at++;
	if (read_string(reader, &start, &length))
		return NULL;
	return json_stringn_nocheck(start, length);
}

/* ---- numbers and words ---- */

static const char *skip_digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/* The end of the number at `at` as RFC 8259 has it, or NULL; knows whether it has a fraction or an
 * exponent. */
static const char *number_end(const char *at, const char *end, bool *ret_real)
{
	const char *next;

	*ret_real = false;
	if (*at == '-')
		at++;
	next = skip_digits(at, end);
	if (next == at || (*at == '0' && next - at > 1))
		return NULL;
	at = next;
	if (at < end && *at == '.') {
		*ret_real = true;
		next = skip_digits(++at, end);
		if (next == at)
			return NULL;
		at = next;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		*ret_real = true;
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		next = skip_digits(at, end);
		if (next == at)
			return NULL;
		at = next;
	}
	return at;
}

static json_t *read_number(struct reader *reader)
{
	char digits[512];
	bool real;
	const char *start = reader->at, *end = number_end(start, reader->end, &real);
	size_t length = end ? (size_t)(end - start) : 0;

	if (!end)
		return fail_null(reader, -EINVAL, start, "not a number as JSON writes it");
	if (length >= sizeof(digits) || length > reader->limits->string)
		return fail_null(reader, -EFBIG, start, "a number with too many digits");
	reader->at = end;
	memcpy(digits, start,
		length); /* the text need not end in NUL, and strtod must stop where we did */
	digits[length] = '\0';
	errno = 0;
	if (real) {
		double value = strtod(digits, NULL);

		return isfinite(value) ? json_real(value)
				       : fail_null(reader, -EINVAL, start,
						 "a number too large to be represented");
	} else {
		long long value = strtoll(digits, NULL, 10);

		return errno ? fail_null(reader, -EINVAL, start, "an integer beyond 64 bits")
			     : json_integer(value);
	}
}

static json_t *read_word(struct reader *reader)
{
	static const struct {
		const char *text;
		json_type type;
	} words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};
	size_t left = (size_t)(reader->end - reader->at);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].text);

		if (left < length || memcmp(reader->at, words[i].text, length) != 0)
			continue;
		reader->at += length;
		return words[i].type == JSON_NULL ? json_null()
						  : json_boolean(words[i].type == JSON_TRUE);
	}
	return fail_null(reader, -EINVAL, reader->at,
		"expected a value: an object, array, string, number, true, false or null");
}

/* ---- arrays and objects ---- */

/* After an element: true when another one follows, false at the end (*ret 0) or on a syntax error
 * (*ret negative). */
static bool read_separator(struct reader *reader, char close, const char *expected, int *ret)
{
	*ret = 0;
	skip_space(reader);
	if (take(reader, close))
		return false;
	if (!take(reader, ',')) {
		*ret = fail(reader, -EINVAL, reader->at, expected);
		return false;
	}
	skip_space(reader);
	return true;
}

static int read_elements(struct reader *reader, json_t *array)
{
	int r;

	reader->at++;
	skip_space(reader);
	if (take(reader, ']'))
		return 0;
	do {
		json_t *value = read_value(reader);

		if (!value || json_array_append_new(array, value))
			return -EINVAL;
	} while (read_separator(reader, ']', "expected , or ] after an element", &r));
	return r;
}

/* Reads ": value" into the member of that key. */
static int read_member_value(struct reader *reader, json_t *object, const char *key, size_t length)
{
	json_t *value;

	skip_space(reader);
	if (!take(reader, ':'))
		return fail(reader, -EINVAL, reader->at, "expected : after a key");
	skip_space(reader);
	value = read_value(reader);
	return !value || json_object_setn_new_nocheck(object, key, length, value) ? -EINVAL : 0;
}

static int read_member(struct reader *reader, json_t *object)
{
	const char *start = reader->at, *key = NULL;
	size_t length = 0, before = json_object_size(object);
	char *copy = NULL;
	int r;

	if (!take(reader, '"'))
		return fail(reader, -EINVAL, reader->at, "expected a key in double quotes");
	r = read_string(reader, &key, &length);
	if (r)
		return r;
	if (key == reader->scratch) { /* the value may need the buffer */
		copy = strndup(key, length);
		if (!copy)
			return fail(reader, -ENOMEM, start, "out of memory");
		key = copy;
	}
	r = read_member_value(reader, object, key, length);
	free(copy);
	if (!r && !mutant(MUTANT_JSON_TWICE) &&
		json_object_size(object) ==
			before) /* cheaper than to look first: each look hashes the key */
		r = fail(reader, -EINVAL, start, "this key is in the object already");
	return r;
}

static int read_members(struct reader *reader, json_t *object)
{
	int r;

	reader->at++;
	skip_space(reader);
	if (take(reader, '}'))
		return 0;
	do {
		r = read_member(reader, object);
		if (r)
			return r;
	} while (read_separator(reader, '}', "expected , or } after a member", &r));
	return r;
}

static json_t *read_container(struct reader *reader)
{
	const char *start = reader->at;
	bool object = *start == '{';
	json_t *container;
	int r;

	if (++reader->depth > reader->limits->depth && !mutant(MUTANT_JSON_DEPTH))
		return fail_null(reader, -EFBIG, start, "nested deeper than is allowed");
	container = object ? json_object() : json_array();
	if (!container)
		return NULL;
	r = object ? read_members(reader, container) : read_elements(reader, container);
	reader->depth--;
	if (r) {
		json_decref(container);
		return NULL;
	}
	return container;
}

static json_t *read_value(struct reader *reader)
{
	if (reader->at == reader->end)
		return fail_null(
			reader, -EINVAL, reader->at, "the document ends where a value is expected");
	if (++reader->values > reader->limits->values && !mutant(MUTANT_JSON_VALUES))
		return fail_null(reader, -EFBIG, reader->at, "more values than are allowed");
	switch (*reader->at) {
	case '{':
	case '[': return read_container(reader);
	case '"': return read_string_value(reader);
	case '-':
	case '0' ... '9': return read_number(reader);
	default: return read_word(reader);
	}
}

/*
 * jansson's hash tables want a secret, so that nobody can choose keys that collide. By itself it
 * opens /dev/urandom: three system calls at each launch, and a file that need not be there. The
 * kernel has given us random bytes with the program already (the last of them are nobody else's).
 * Only the first seed counts.
 */
static void seed_tables(void)
{
	const char *random = (const char *)getauxval(AT_RANDOM);
	uint32_t seed;

	if (!random)
		return;
	memcpy(&seed, random + 12, sizeof(seed));
	json_object_seed(seed | 1); /* 0 would mean: find one yourself */
}

json_t *json_read(const char *name, const char *text, size_t length,
	const struct json_limits *limits, struct err *reterr)
{
	struct err own = {0};
	struct reader reader = {.name = name,
		.start = text,
		.at = text,
		.end = text + length,
		.limits = limits,
		.err = reterr ? reterr : &own};
	json_t *root;

	reader.scratch = reader.small;
	reader.scratch_size = sizeof(reader.small);
	if (length > limits->bytes)
		return fail_null(&reader, -EFBIG, text, "the document is larger than is allowed");
	seed_tables();
	skip_space(&reader);
	root = read_value(&reader);
	skip_space(&reader);
	if (root && reader.at != reader.end) {
		(void)fail(
			&reader, -EINVAL, reader.at, "something follows the end of the document");
		json_decref(root);
		root = NULL;
	}
	if (reader.scratch != reader.small)
		free(reader.scratch);
	if (!root) /* every other failure has said so already: what is left is jansson out of memory
		    */
		(void)fail(&reader, -ENOMEM, text, "out of memory");
	return root;
}

static int parse_document(const char *name, const char *text, size_t length,
	const struct json_limits *limits, struct json_document *ret, struct err *err)
{
	struct json_document document = {.text = text, .length = length, .name = strdup(name)};

	document.root = document.name ? json_read(name, text, length, limits, err) : NULL;
	if (!document.root) {
		json_document_free(&document);
		return err->code ? err->code : err_set(err, -ENOMEM, name, "out of memory");
	}
	*ret = document;
	return 0;
}

int json_document_parse(const char *name, char *text, size_t length,
	const struct json_limits *limits, struct json_document *ret, struct err *reterr)
{
	struct err own = {0};
	int r = parse_document(name, text, length, limits, ret, reterr ? reterr : &own);

	if (r)
		free(text);
	else
		ret->owned = text;
	return r;
}

int json_document_parse_static(const char *name, const char *text, size_t length,
	const struct json_limits *limits, struct json_document *ret, struct err *reterr)
{
	struct err own = {0};

	return parse_document(name, text, length, limits, ret, reterr ? reterr : &own);
}

void json_document_free(struct json_document *document)
{
	json_decref(document->root);
	free(document->owned);
	free(document->name);
	*document = (struct json_document){0};
}

/* ---- places: a second walk over text that is known to be good ---- */

static const char *skip_blank(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at)
{
	for (at++; *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at + 1;
}

static const char *skip_value(const char *at)
{
	size_t depth = 0;

	do {
		if (*at == '"')
			at = skip_string(at);
		else if (*at == '{' || *at == '[')
			depth++, at++;
		else if (*at == '}' || *at == ']')
			depth--, at++;
		else if (depth)
			at++; /* a separator, or part of a number or word */
		else
			at += strcspn(at, ",]} \t\r\n");
	} while (depth);
	return at;
}

/* Whether the string at `at` (with its quotes) is the token of a JSON pointer, which ends at the
 * next slash or at its end. */
static bool token_is(const char *at, const char *token, size_t token_length, char *scratch)
{
	const char *bad = NULL, *end = skip_string(at) - 1;
	size_t length = unescape(at + 1, end, scratch, &bad), i = 0;

	for (size_t t = 0; t < token_length; t++, i++) {
		char c = token[t];

		if (c == '~' && t + 1 < token_length)
			c = token[++t] == '0' ? '~' : '/';
		if (i >= length || scratch[i] != c)
			return false;
	}
	return i == length;
}

/* The member or element of the container at `at` that token names; ret_place: its key, or itself in
 * an array. */
static const char *step_into(
	const char *at, const char *token, size_t length, char *scratch, const char **ret_place)
{
	bool object = *at == '{';
	unsigned long index = 0;
	char number[24];

	if (!object && *at != '[')
		return NULL;
	for (at = skip_blank(at + 1); *at != '}' && *at != ']'; index++) {
		bool found;

		*ret_place = at;
		if (object) {
			found = token_is(at, token, length, scratch);
			at = skip_blank(skip_blank(skip_string(at)) + 1);
		} else {
			(void)snprintf(number, sizeof(number), "%lu", index);
			found = strlen(number) == length && memcmp(number, token, length) == 0;
		}
		if (found)
			return at;
		at = skip_blank(skip_value(at));
		if (*at == ',')
			at = skip_blank(at + 1);
	}
	return NULL;
}

/* The place that pointer leads to, or NULL; scratch is as long as the document. */
static const char *find_place(const char *text, const char *pointer, char *scratch)
{
	const char *at = skip_blank(text), *place = at;

	while (at && *pointer == '/') {
		size_t length = strcspn(++pointer, "/");

		at = step_into(at, pointer, length, scratch, &place);
		pointer += length;
	}
	return at && !*pointer ? place : NULL;
}

bool json_document_locate(const struct json_document *document, const char *pointer,
	unsigned *ret_line, unsigned *ret_column)
{
	char *scratch = malloc(document->length + 1);
	const char *place = scratch ? find_place(document->text, pointer, scratch) : NULL;

	free(scratch);
	if (place)
		place_of(document->text, place, ret_line, ret_column);
	return place;
}

bool json_pointer_append(char *buffer, size_t size, const char *pointer, const char *token)
{
	size_t used = strlen(pointer);

	if (used + 2 > size)
		return false;
	if (buffer != pointer)
		memmove(buffer, pointer, used);
	buffer[used++] = '/';
	for (; *token; token++) {
		bool escape = *token == '~' || *token == '/';

		if (used + (escape ? 3 : 2) > size)
			return false;
		if (escape)
			buffer[used++] = '~';
		if (!escape)
			buffer[used++] = *token;
		else
			buffer[used++] = *token == '~' ? '0' : '1';
	}
	buffer[used] = '\0';
	return true;
}
