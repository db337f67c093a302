/*
 * The hands of manifest.c and config.c: one member of one object at a time, its type and its bounds
 * checked, its place in the document named where it is wrong. Second program only, nobody else's.
 */
#ifndef IMMURE_IMAGE_MANIFEST_READ_H
#define IMMURE_IMAGE_MANIFEST_READ_H

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "util/err.h"
#include "util/json.h"

struct arena;

struct source {
	const char *name; /* of the document, for messages */
	struct arena *arena;
	struct err *err;
};

/* A value and the JSON pointer to it. */
#define POINTER_ROOM 256
struct node {
	json_t *value; /* borrowed; NULL where there is no such member */
	char pointer[POINTER_ROOM];
};

/* -EBADMSG with "NAME: POINTER: message"; -ENOMEM. Macros, as err_set() is one: so that a compiler
 * that looks for paths sees what is returned. */
void source_tell(const struct source *source, const struct node *node, const char *message);
#define source_fail(source, node, message)                \
	({                                                \
		source_tell((source), (node), (message)); \
		-EBADMSG;                                 \
	})
#define source_no_memory(source) err_set((source)->err, -ENOMEM, (source)->name, "out of memory")

/*
 * The member of object by its key; one that is null counts as absent where null_is_absent. An
 * object that is absent has no members.
 */
struct node node_member(const struct node *object, const char *key, bool null_is_absent);
struct node node_item(const struct node *array, size_t index);

/* Refuses an object that has a key which is one of known but for its case: readers that ignore case
 * would take it for that one (T-REG-09). known is NULL-terminated. */
int node_check_keys(
	const struct source *source, const struct node *object, const char *const *known);

/* Each leaves ret as it is where the node is absent, unless required. */
int node_text(
	const struct source *source, const struct node *node, bool required, const char **ret);
int node_digest(const struct source *source, const struct node *node, struct digest *ret);
int node_size(const struct source *source, const struct node *node, uint64_t most, uint64_t *ret);
int node_expect_object(const struct source *source, const struct node *node, bool required);
/* ret_count: 0 where it is absent. */
int node_expect_array(const struct source *source, const struct node *node, bool required,
	size_t most, size_t *ret_count);

#endif
