/*
 * The grammar of challenges: see challenge.h. A comma stands both between the challenges of a list
 * and between the parameters of one; what follows a word decides: "=" makes it a parameter.
 */
#include "image/challenge.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "util/arena.h"
#include "util/text.h"

struct reader {
	const char *at;
	struct arena *arena;
	struct err *err;
};

static int fail(struct reader *reader, const char *message)
{
	return err_set(reader->err, -EBADMSG, "WWW-Authenticate", "%s", message);
}

static void skip_space(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t");
}

static void skip_commas(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t,");
}

/* RFC 9110, "token". */
static size_t word_length(const char *text)
{
	return strspn(text, "!#$%&'*+-.^_`|~0123456789"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

static int take_quoted(struct reader *reader, const char **ret)
{
	const char *start = ++reader->at;
	size_t used = 0;
	char *text;

	while (*reader->at && *reader->at != '"')
		reader->at += reader->at[0] == '\\' && reader->at[1] ? 2 : 1;
	if (!*reader->at)
		return fail(reader, "a quoted string without an end");
	text = arena_copy_range(reader->arena, start, (size_t)(reader->at - start));
	if (!text)
		return err_no_memory(reader->err);
	for (const char *c = text; *c; c++) {
		c += *c == '\\';
		text[used++] = *c;
	}
	text[used] = '\0';
	reader->at++;
	if (text_has_control(text))
		return fail(reader, "a control character in a parameter");
	*ret = text;
	return 0;
}

static int take_value(struct reader *reader, const char **ret)
{
	size_t length;

	if (*reader->at == '"')
		return take_quoted(reader, ret);
	/* some servers leave the quotes of a URL away */
	length = strcspn(reader->at, " \t,\"");
	if (length == 0)
		return fail(reader, "a parameter without a value");
	*ret = arena_copy_range(reader->arena, reader->at, length);
	if (!*ret)
		return err_no_memory(reader->err);
	reader->at += length;
	return text_has_control(*ret) ? fail(reader, "a control character in a parameter") : 0;
}

/* "name=": its length, or 0 where something else stands here. */
static size_t parameter_length(const char *text)
{
	size_t length = word_length(text), gap = strspn(text + length, " \t");

	return length && text[length + gap] == '=' ? length : 0;
}

static int take_parameter(struct reader *reader, size_t length, struct challenge *challenge)
{
	const struct {
		const char *name;
		const char **value;
	} known[] = {{"realm", &challenge->realm}, {"service", &challenge->service},
		{"error", &challenge->error}};
	const char *name = reader->at, *value = NULL;
	int r;

	reader->at += length;
	skip_space(reader);
	reader->at++; /* the = */
	skip_space(reader);
	r = take_value(reader, &value);
	for (size_t i = 0; !r && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) != length ||
			strncasecmp(known[i].name, name, length) != 0)
			continue;
		if (*known[i].value)
			return fail(reader, "a parameter that is there twice");
		*known[i].value = value;
	}
	return r;
}

static int take_parameters(struct reader *reader, struct challenge *challenge)
{
	for (;;) {
		size_t length;
		int r;

		skip_commas(reader);
		length = parameter_length(reader->at);
		if (length == 0)
			return 0;
		r = take_parameter(reader, length, challenge);
		if (r)
			return r;
		skip_space(reader);
		if (*reader->at && *reader->at != ',')
			return fail(reader, "something else than a comma after a parameter");
	}
}

static enum challenge_kind kind_of(const char *text, size_t length)
{
	if (length == 6 && strncasecmp(text, "Bearer", 6) == 0)
		return CHALLENGE_BEARER;
	return length == 5 && strncasecmp(text, "Basic", 5) == 0 ? CHALLENGE_BASIC : CHALLENGE_NONE;
}

/* "Scheme", "Scheme token68", "Scheme name=value, …". */
static int take_challenge(struct reader *reader, struct challenge *ret)
{
	size_t length = word_length(reader->at);

	if (length == 0)
		return fail(reader, "no name of a scheme where one was expected");
	ret->kind = kind_of(reader->at, length);
	reader->at += length;
	if (*reader->at && !strchr(" \t,", *reader->at))
		return fail(reader, "something else than a space after the name of a scheme");
	skip_space(reader);
	length = strspn(reader->at, "-._~+/0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	if (length && !parameter_length(reader->at)) {
		length += strspn(reader->at + length, "=");
		if (reader->at[length + strspn(reader->at + length, " \t")] &&
			!strchr(",", reader->at[length + strspn(reader->at + length, " \t")]))
			return fail(reader, "something else than a parameter after a scheme");
		reader->at += length;
		return 0;
	}
	return take_parameters(reader, ret);
}

int challenge_parse(
	const char *header, struct arena *arena, struct challenge *ret, struct err *reterr)
{
	struct reader reader = {.at = header, .arena = arena, .err = reterr};
	struct challenge found = {.kind = CHALLENGE_NONE};

	for (skip_commas(&reader); *reader.at; skip_commas(&reader)) {
		struct challenge next = {.kind = CHALLENGE_NONE};
		int r = take_challenge(&reader, &next);

		if (r)
			return r;
		if (next.kind == CHALLENGE_BEARER && !next.realm)
			continue;
		if (next.kind > found.kind)
			found = next;
	}
	*ret = found;
	return 0;
}
