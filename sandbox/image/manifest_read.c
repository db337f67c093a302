/* Members of documents, one at a time: see manifest_read.h. */
#include "image/manifest_read.h"

#include <stdio.h>
#include <string.h>

#include "image/manifest.h"
#include "util/arena.h"
#include "util/text.h"

const struct json_limits manifest_limits = {
	.bytes = MANIFEST_BYTES,
	.depth = 32,
	.values = 100000,
	.string = (size_t)1024 * 1024,
};

void source_tell(const struct source *source, const struct node *node, const char *message)
{
	char where[512];

	(void)snprintf(where, sizeof(where), "%s: %s", source->name,
		node->pointer[0] ? node->pointer : "/");
	(void)err_set(source->err, -EBADMSG, where, "%s", message);
}

struct node node_member(const struct node *object, const char *key, bool null_is_absent)
{
	struct node member = {.value = json_object_get(object->value, key)};

	if (null_is_absent && json_is_null(member.value))
		member.value = NULL;
	if (!json_pointer_append(member.pointer, sizeof(member.pointer), object->pointer, key))
		(void)snprintf(member.pointer, sizeof(member.pointer), "%s", object->pointer);
	return member;
}

struct node node_item(const struct node *array, size_t index)
{
	struct node item = {.value = json_array_get(array->value, index)};
	char token[24];

	(void)snprintf(token, sizeof(token), "%zu", index);
	if (!json_pointer_append(item.pointer, sizeof(item.pointer), array->pointer, token))
		(void)snprintf(item.pointer, sizeof(item.pointer), "%s", array->pointer);
	return item;
}

static bool differs_by_case(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return false;
	while (*a && text_lower(*a) == text_lower(*b)) {
		a++;
		b++;
	}
	return *a == *b;
}

int node_check_keys(
	const struct source *source, const struct node *object, const char *const *known)
{
	const char *key;
	json_t *value;

	json_object_foreach(object->value, key, value)
	{
		for (const char *const *name = known; *name; name++)
			if (differs_by_case(key, *name)) {
				struct node member = node_member(object, key, false);

				return source_fail(source, &member,
					"differs from a known key only by its case: programs would "
					"not agree on what it means");
			}
	}
	return 0;
}

int node_text(const struct source *source, const struct node *node, bool required, const char **ret)
{
	const char *copy;

	if (!node->value && !required)
		return 0;
	if (!json_is_string(node->value))
		return source_fail(source, node, node->value ? "is not a string" : "is missing");
	copy = arena_copy(source->arena, json_string_value(node->value));
	if (!copy)
		return source_no_memory(source);
	*ret = copy;
	return 0;
}

int node_digest(const struct source *source, const struct node *node, struct digest *ret)
{
	if (!json_is_string(node->value))
		return source_fail(source, node, node->value ? "is not a string" : "is missing");
	if (digest_parse(json_string_value(node->value), ret) < 0)
		return source_fail(source, node,
			"is no digest: \"sha256:\" and 64 lower-case hexadecimal digits, or "
			"\"sha512:\" and 128");
	return 0;
}

int node_size(const struct source *source, const struct node *node, uint64_t most, uint64_t *ret)
{
	json_int_t value = json_integer_value(node->value);

	if (!json_is_integer(node->value) || value < 0)
		return source_fail(
			source, node, node->value ? "is no whole number of bytes" : "is missing");
	if ((uint64_t)value > most)
		return source_fail(source, node,
			most == LAYER_BYTES ? "is more than the 8 GiB that a layer may have"
					    : "is more than the 4 MiB that a document may have");
	*ret = (uint64_t)value;
	return 0;
}

int node_expect_object(const struct source *source, const struct node *node, bool required)
{
	if (json_is_object(node->value) || (!node->value && !required))
		return 0;
	return source_fail(source, node, node->value ? "is not an object" : "is missing");
}

int node_expect_array(const struct source *source, const struct node *node, bool required,
	size_t most, size_t *ret_count)
{
	char message[64];

	*ret_count = json_array_size(node->value);
	if (!json_is_array(node->value) && (node->value || required))
		return source_fail(source, node, node->value ? "is not an array" : "is missing");
	if (*ret_count <= most)
		return 0;
	(void)snprintf(message, sizeof(message), "has more than %zu items", most);
	return source_fail(source, node, message);
}
