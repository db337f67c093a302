/* The JSON reader: what it takes, what it refuses and where it says so, its limits, and the way
 * back from a value to its place. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "util/json.h"

static const struct json_limits small = {.bytes = 200, .depth = 3, .values = 10, .string = 20};

static void test_good(void)
{
	static const char *const texts[] = {
		"null",
		"true",
		" [ ] ",
		"{}",
		"\"a\"",
		"0",
		"-0",
		"-1.5e+3",
		"[1,2,3]",
		"{\"a\":{\"b\":[null]}}",
		"9223372036854775807",
		"-9223372036854775808",
		"\"\\u00e9\\ud83d\\ude00\\n\"",
		"\"\\/\\b\\f\\r\\t\\\"\"",
		"\"\xc3\xa9\"",
		"[\"12345678901234567890\"]",
		"{\"\":1}",
		"[1,2,3,4,5,6,7,8,9]",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err err = {0};
		json_t *ours = json_read("t", texts[i], strlen(texts[i]), &small, &err);
		json_t *theirs =
			json_loads(texts[i], JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

		check(ours && !err.code, "taken: %s", texts[i]);
		check(ours && theirs && json_equal(ours, theirs), "the same tree as jansson's: %s",
			texts[i]);
		json_decref(ours);
		json_decref(theirs);
	}
}

static void test_bad(void)
{
	static const struct {
		const char *text;
		int code;
		const char *where;
	} cases[] = {
		{"", -EINVAL, "t:1:1"},
		{"\n ", -EINVAL, "t:2:2"},
		{"[1,]", -EINVAL, "t:1:4"},
		{"[1\n 2]", -EINVAL, "t:2:2"},
		{"{\"a\" 1}", -EINVAL, "t:1:6"},
		{"{\"a\":1,}", -EINVAL, "t:1:8"},
		{"{a:1}", -EINVAL, "t:1:2"},
		{"{\"a\":1 \"b\"}", -EINVAL, "t:1:8"},
		{"tru", -EINVAL, "t:1:1"},
		{"nul", -EINVAL, "t:1:1"},
		{"[1] 2", -EINVAL, "t:1:5"},
		{"01", -EINVAL, "t:1:1"},
		{"-", -EINVAL, "t:1:1"},
		{"1.", -EINVAL, "t:1:1"},
		{"1e", -EINVAL, "t:1:1"},
		{"1e+", -EINVAL, "t:1:1"},
		{"+1", -EINVAL, "t:1:1"},
		{".5", -EINVAL, "t:1:1"},
		{"9223372036854775808", -EINVAL, "t:1:1"},
		{"-9223372036854775809", -EINVAL, "t:1:1"},
		{"1e999", -EINVAL, "t:1:1"},
		{"NaN", -EINVAL, "t:1:1"},
		{"\"a", -EINVAL, "t:1:1"},
		{"\"a\\", -EINVAL, "t:1:1"},
		{"\"a\\\"", -EINVAL, "t:1:1"},
		{"\"\x01\"", -EINVAL, "t:1:2"},
		{"\"\n\"", -EINVAL, "t:1:2"},
		{"\"\\q\"", -EINVAL, "t:1:2"},
		{"\"a\\u12\"", -EINVAL, "t:1:3"},
		{"\"\\u12g4\"", -EINVAL, "t:1:2"},
		{"\"\\u0000\"", -EINVAL, "t:1:2"},
		{"\"\\ud800\"", -EINVAL, "t:1:2"},
		{"\"\\ud800\\n\"", -EINVAL, "t:1:2"},
		{"\"\\ud800\\ud800\"", -EINVAL, "t:1:2"},
		{"\"\\udc00\"", -EINVAL, "t:1:2"},
		{"\"\xff\"", -EINVAL, "t:1:1"},
		{"\xef\xbb\xbf{}", -EINVAL, "t:1:1"},
		{"{\"a\":1,\"a\":2}", -EINVAL, "t:1:8"},
		{"{\"a\":1,\"\\u0061\":2}", -EINVAL, "t:1:8"},
		{"[[[[]]]]", -EFBIG, "t:1:4"},
		{"[1,2,3,4,5,6,7,8,9,0]", -EFBIG, "t:1:20"},
		{"[\"123456789012345678901\"]", -EFBIG, "t:1:2"},
		{"{\"123456789012345678901\":1}", -EFBIG, "t:1:2"},
		{"123456789012345678901", -EFBIG, "t:1:1"},
		{"{\"a\":[1,{\"b\":}]}", -EINVAL, "t:1:14"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = {0};

		check(!json_read("t", cases[i].text, strlen(cases[i].text), &small, &err),
			"refused: number %zu", i);
		check_int(err.code, cases[i].code, "its code: number %zu", i);
		check_text(err.where, cases[i].where, "its place: number %zu", i);
		check(err.message[0], "its message: number %zu", i);
	}
	check(!json_read("t", "[]", 2,
		      &(struct json_limits){.bytes = 1, .depth = 9, .values = 9, .string = 9},
		      NULL),
		"too large");
	check(!json_read("t", "\"\0\"", 3, &small, NULL), "NUL in the text");
	check(!json_read("t", "[]\0", 3, &small, NULL), "NUL behind the text");
}

static void test_places(void)
{
	static const char text[] =
		"{\n\t\"a\": [10, {\"b/c\": true,\n \"d~e\": \"x\\\"]\"}],\n\"esc\\u0061pe\": "
		"{\"\\n\": null}, \"n\": -1.5\n}";
	static const struct {
		const char *pointer;
		unsigned line, column;
	} cases[] = {
		{"", 1, 1},
		{"/a", 2, 2},
		{"/a/0", 2, 8},
		{"/a/1", 2, 12},
		{"/a/1/b~1c", 2, 13},
		{"/a/1/d~0e", 3, 2},
		{"/escape", 4, 1},
		{"/escape/\n", 4, 17},
		{"/n", 4, 30},
		{"/b", 0, 0},
		{"/a/2", 0, 0},
		{"/a/00", 0, 0},
		{"/a/-1", 0, 0},
		{"/n/x", 0, 0},
		{"/a/1/b", 0, 0},
		{"a", 0, 0},
		{"/a/1/b~1cc", 0, 0},
	};
	struct json_document document;
	char *copy = strdup(text);

	check_int(copy ? json_document_parse(
				 "t", copy, strlen(text), &json_limits_profile, &document, NULL)
		       : -ENOMEM,
		0, "parse");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned line = 0, column = 0;
		bool found = json_document_locate(&document, cases[i].pointer, &line, &column);

		check_int(found, cases[i].line != 0, "found: number %zu", i);
		check_int(line, cases[i].line, "line: number %zu", i);
		check_int(column, cases[i].column, "column: number %zu", i);
	}
	json_document_free(&document);
	check(!document.root && !document.text, "freed");
	check_int(json_document_parse("t", strdup("{"), 1, &json_limits_profile, &document, NULL),
		-EINVAL, "a bad document without err");
}

static void test_pointer(void)
{
	char buffer[16];

	check(json_pointer_append(buffer, sizeof(buffer), "", "a/b~c") &&
			!strcmp(buffer, "/a~1b~0c"),
		"escaped");
	check(json_pointer_append(buffer, sizeof(buffer), buffer, "d") &&
			!strcmp(buffer, "/a~1b~0c/d"),
		"in place");
	check(!json_pointer_append(buffer, sizeof(buffer), buffer, "123456"), "too long");
	check(!json_pointer_append(buffer, 4, "", "a/b"), "too long by an escape");
	check(!json_pointer_append(buffer, 1, "", ""), "no room");
}

int main(void)
{
	test_good();
	test_bad();
	test_places();
	test_pointer();
	return check_done();
}
