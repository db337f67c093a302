/*
 * Strict JSON, with places. The tree is jansson's; the reader is our own, since jansson's has no
 * bounds but depth (16 MiB of "{}," cost it 1.3 GB), and takes four times as long on the way of
 * every launch. It accepts only what jansson accepts, and makes the same tree of it:
 * fuzz/fuzz_json.c holds it to that. Any value can be traced back to its line and column. Errors
 * name file:line:column.
 */
#ifndef IMMURE_UTIL_JSON_H
#define IMMURE_UTIL_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct json_limits {
	size_t bytes;  /* of the whole document */
	size_t depth;  /* nested arrays and objects */
	size_t values; /* of every kind, keys not counted */
	size_t string; /* bytes of one string, key or number, as written */
};

/* 1 MiB, depth 32, 100,000 values, 64 KiB a string: what a profile or a seccomp document may be. */
extern const struct json_limits json_limits_profile;

struct json_document {
	char *name;       /* a path, or "built-in untrusted": for messages; owned */
	const char *text; /* NUL-terminated */
	char *owned;      /* text, where it is the document's to free; else NULL */
	size_t length;
	json_t *root; /* owned */
};

/*
 * Takes over text (malloc'd, even on failure) and parses it. Refuses: what is over the limits,
 * invalid UTF-8, a byte order mark, control characters written as themselves, NUL however it is
 * written, lone surrogates, duplicate keys (also when spelled with escapes), integers beyond 64
 * bits with sign, anything after the value. -EINVAL, -EFBIG (a limit) or -ENOMEM.
 */
int json_document_parse(const char *name, char *text, size_t length,
	const struct json_limits *limits, struct json_document *ret, struct err *reterr);

/* The same for text that outlives the document, as built-in text does: it is not copied. */
int json_document_parse_static(const char *name, const char *text, size_t length,
	const struct json_limits *limits, struct json_document *ret, struct err *reterr);

void json_document_free(struct json_document *document);

/*
 * Where the value at pointer begins, or its key if it is a member of an object (1-based line, and
 * column in bytes); false when there is none.
 */
bool json_document_locate(const struct json_document *document, const char *pointer,
	unsigned *ret_line, unsigned *ret_column);

/* The reader alone, without a document: a new reference to the tree, or NULL with reterr, whose
 * `where` is name:line:column. */
json_t *json_read(const char *name, const char *text, size_t length,
	const struct json_limits *limits, struct err *reterr);

/* Appends "/token" to pointer with ~ and / escaped (RFC 6901); false when buffer is too small. */
bool json_pointer_append(char *buffer, size_t size, const char *pointer, const char *token);

#endif
