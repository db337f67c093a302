/*
 * The JSON reader against jansson's. What ours accepts jansson accepts, and makes an equal tree of
 * it; every value of the tree can be found again in the text; the limits hold; what is emitted from
 * the tree reads back to an equal one.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "util/json.h"
#include "util/text.h"

static const struct json_limits limits = {
	.bytes = 1 << 16, .depth = 8, .values = 500, .string = 1000};

struct walk {
	const struct json_document *document;
	size_t values;
};

/* Each value is where the pointer says, and the text there begins as such a value (or its key)
 * does. */
static void visit(struct walk *walk, const json_t *node, const char *pointer, size_t depth)
{
	char below[4096];
	unsigned line, column;
	const char *key;
	json_t *value;
	size_t index;

	walk->values++;
	HOLDS(json_document_locate(walk->document, pointer, &line, &column));
	HOLDS(line >= 1 && column >= 1);
	if (json_is_object(node) || json_is_array(node))
		HOLDS(depth < limits.depth);
	json_object_foreach((json_t *)(uintptr_t)node, key, value)
	{
		HOLDS(text_is_utf8(key, strlen(key)));
		if (json_pointer_append(below, sizeof(below), pointer, key))
			visit(walk, value, below, depth + 1);
	}
	json_array_foreach(node, index, value)
	{
		char token[24];

		(void)snprintf(token, sizeof(token), "%zu", index);
		if (json_pointer_append(below, sizeof(below), pointer, token))
			visit(walk, value, below, depth + 1);
	}
	if (json_is_string(node))
		HOLDS(text_is_utf8(json_string_value(node), json_string_length(node)) &&
			strlen(json_string_value(node)) == json_string_length(node));
}

static void check_document(const uint8_t *data, size_t size, json_t *theirs)
{
	struct json_document document;
	struct walk walk = {.document = &document};
	char *text = malloc(size + 1), *printed;
	json_t *again;

	HOLDS(text);
	memcpy(text, data, size);
	text[size] = '\0';
	HOLDS(json_document_parse("document", text, size, &limits, &document, NULL) == 0);
	HOLDS(json_equal(document.root, theirs));
	if (strlen(text) == size)
		visit(&walk, document.root, "", 0);
	HOLDS(walk.values <= limits.values);
	printed = json_dumps(document.root, JSON_ENCODE_ANY | JSON_COMPACT);
	HOLDS(printed);
	again = json_read("again", printed, strlen(printed), &json_limits_profile, NULL);
	HOLDS(again && json_equal(again, document.root));
	json_decref(again);
	free(printed);
	json_document_free(&document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact =
		malloc(size ? size : 1); /* so that the sanitizer sees a read behind the end */
	struct err err = {0};
	json_t *ours, *theirs;

	HOLDS(exact);
	if (size)
		memcpy(exact, data, size);
	ours = json_read("input", exact, size, &limits, &err);
	HOLDS(!ours == (err.code != 0));
	if (ours) {
		theirs = json_loadb(exact, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
		HOLDS(theirs);
		HOLDS(json_equal(ours, theirs));
		check_document(data, size, theirs);
		json_decref(theirs);
		json_decref(ours);
	} else {
		HOLDS(err.message[0] && strncmp(err.where, "input:", 6) == 0);
	}
	free(exact);
	return 0;
}
