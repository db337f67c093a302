/*
 * Reading one document into a profile. A cursor stands on a value and knows how it got there, so
 * that every error can name the place; a table of fields says which keys an object may have and
 * what reads each. Readers run in the order of the table, never of the document.
 */
#ifndef IMMURE_PROFILE_CURSOR_H
#define IMMURE_PROFILE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"
#include "util/err.h"
#include "util/json.h"

struct arena;
struct loader;
struct profile_variables;

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* One document while it is applied. */
struct reading {
	const struct json_document *document;
	struct loader *loader; /* finds the other documents that this one names */
	const struct profile_variables *variables;
	struct arena *arena;
	struct profile *profile;
	struct err *err;
	size_t inherited_clauses; /* of the system call policy: those before belong to what this
				     document extends */
	const char *override; /* why its section "syscalls" may lift inherited denials, or NULL */
	const char *group;    /* "untrusted@1" while a group is read, else NULL */
	enum enforce enforce; /* of the section that names the group */
};

struct cursor {
	struct reading *reading;
	const struct cursor *parent; /* NULL at the root */
	const char *key; /* of this member of an object; NULL for an element of an array */
	size_t index;
	json_t *node;
	enum enforce enforce; /* what a rule here is unless it says so itself */
};

struct field {
	const char *name;
	int (*read)(const struct cursor *at, const struct field *field, void *into);
	size_t offset; /* of what is read, in the struct that cursor_fields() was given */
	const char *const *words; /* cursor_word: what may stand here */
	uint64_t minimum,
		maximum; /* cursor_unsigned, cursor_number; for cursor_word the count of words */
	size_t rule;     /* cursor_setting_word: offset of its rule */
	bool mandatory;
};

/* "enforce" may stand here: cursor_fields() and cursor_rule() see to it. */
#define FIELD_ENFORCE             \
	{                         \
		.name = "enforce" \
	}
#define FIELD(key, reader, type, member, ...)                                                  \
	{                                                                                      \
		.name = (key), .read = (reader), .offset = offsetof(type, member), __VA_ARGS__ \
	}
#define FIELD_WORD(key, type, member, table) \
	FIELD(key, cursor_word, type, member, .words = (table), .maximum = ARRAY_SIZE(table))
#define FIELD_SETTING(key, type, member, member_rule, table)                               \
	FIELD(key, cursor_setting_word, type, member, .rule = offsetof(type, member_rule), \
		.words = (table), .maximum = ARRAY_SIZE(table))

/* Fills the error with the place of at; -EINVAL. */
int cursor_error(const struct cursor *at, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int cursor_memory(const struct cursor *at); /* -ENOMEM */
/* What (a kind of word) is not known, and the nearest of words is advised. */
int cursor_unknown(const struct cursor *at, const char *what, const char *word,
	const char *const *words, size_t count);

struct cursor cursor_member(const struct cursor *at, const char *key, json_t *node);
struct cursor cursor_element(const struct cursor *at, size_t index);

/* The JSON pointer of at, in the arena; NULL when out of memory. */
const char *cursor_pointer(const struct cursor *at);

/* Reads the object at `at` by the table: every key must be in it, but for x-…; each field's reader
 * gets `into` plus its offset. */
int cursor_fields(const struct cursor *at, const struct field *fields, size_t count, void *into);

/* Marks rule as written here: its origin, and how binding it is. */
int cursor_rule(const struct cursor *at, struct rule *ret);

/*
 * A setting is written as a bare value or as {"value": …, "enforce": …}: marks its rule, and sets
 * ret_value to the cursor on the value (whose parent is `at`, which must outlive it).
 */
int cursor_setting(const struct cursor *at, struct rule *ret_rule, struct cursor *ret_value);

/* Calls read for each element of the array at `at`, of which there may be at most maximum. */
int cursor_elements(const struct cursor *at, size_t maximum,
	int (*read)(const struct cursor *at, void *into), void *into);

/* ---- readers of plain values; errors say what was expected ---- */

int cursor_text(
	const struct cursor *at, const char **ret); /* any string, borrowed from the document */
int cursor_bool(const struct cursor *at, const struct field *field, void *into);
int cursor_not(const struct cursor *at, const struct field *field,
	void *into); /* a boolean, stored upside down */
int cursor_word(const struct cursor *at, const struct field *field, void *into); /* an enum */
int cursor_setting_word(const struct cursor *at, const struct field *field,
	void *into); /* an enum that has a rule of its own */
int cursor_unsigned(
	const struct cursor *at, const struct field *field, void *into); /* unsigned int */
int cursor_number(const struct cursor *at, const struct field *field, void *into); /* uint64_t */
int cursor_size(
	const struct cursor *at, const struct field *field, void *into); /* uint64_t bytes, "64M" */
int cursor_mode(const struct cursor *at, const struct field *field,
	void *into); /* mode_t, "0755", at most maximum */
int cursor_access(const struct cursor *at, const struct field *field, void *into); /* bool: "rw" */
int cursor_path(const struct cursor *at, const struct field *field,
	void *into); /* const char *: absolute, expanded, canonical */
int cursor_expanded(const struct cursor *at, const struct field *field,
	void *into); /* const char *: text with variables */
int cursor_reason(
	const struct cursor *at, const struct field *field, void *into); /* const char *: why */
int cursor_version(const struct cursor *at); /* the version of the notation, which is 1 */
int cursor_copy(const struct cursor *at, const char *text, const char **ret); /* into the arena */

#endif
