/*
 * Strict JSON, with places. jansson parses; before it a scanner of our own bounds what it may be fed (depth, values, string length,
 * size), so that a hostile document costs neither memory nor stack; after it any value can be traced back to its line and column.
 * Errors name file:line:column and the JSON pointer (RFC 6901).
 */
#ifndef IMMURE_UTIL_JSON_H
#define IMMURE_UTIL_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct json_limits {
	size_t bytes;  /* of the whole document */
	size_t depth;  /* nested arrays and objects */
	size_t values; /* of every kind, keys not counted */
	size_t string; /* bytes of one string or key, as written */
};

/* 1 MiB, depth 32, 100,000 values, 64 KiB a string: what a profile or a seccomp document may be. */
extern const struct json_limits json_limits_profile;

struct json_document {
	char *name;    /* a path, or "built-in untrusted": for messages; owned */
	char *text;    /* owned, NUL-terminated */
	size_t length;
	json_t *root;  /* owned */
};

/*
 * Takes over text (malloc'd, even on failure) and parses it. Refuses: what is over the limits, invalid UTF-8, a byte order mark, NUL and
 * other control characters in strings, duplicate keys (also when spelled with escapes), anything after the value.
 */
int json_document_parse(const char *name, char *text, size_t length, const struct json_limits *limits,
	struct json_document *ret, struct err *reterr);

void json_document_free(struct json_document *document);

/* Where the value at pointer begins (1-based line and column, the latter in bytes); false when there is none. */
bool json_document_locate(const struct json_document *document, const char *pointer, unsigned *ret_line, unsigned *ret_column);

/*
 * The scanner alone, for tests and fuzzing: 0 when text is one JSON value (RFC 8259) within limits, else an error whose `where` is
 * name:line:column. It accepts only what jansson accepts too.
 */
int json_scan(const char *name, const char *text, size_t length, const struct json_limits *limits, struct err *reterr);

/* Appends "/token" to pointer with ~ and / escaped (RFC 6901); false when buffer is too small. */
bool json_pointer_append(char *buffer, size_t size, const char *pointer, const char *token);

#endif
