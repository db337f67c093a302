/* Templates: see template.h. */
#include "image/template.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/print.h"
#include "util/text.h"

#define WORDS 4
#define DEPTH 32 /* of arrays and objects that are printed */

struct rendering {
	FILE *out;
	const json_t *value;
	struct err *err;
};

static int fail(const struct rendering *rendering, const char *where, const char *message)
{
	return err_set(rendering->err, -EINVAL, where, "%s", message);
}

/* ---- values ---- */

static void print_value(FILE *out, const json_t *value, unsigned depth);

/* As Go prints them: [a b], map[name:value]. */
static void print_many(FILE *out, const json_t *value, unsigned depth)
{
	const char *key, *between = "";
	json_t *item;
	size_t index;

	(void)fputs(json_is_array(value) ? "[" : "map[", out);
	json_array_foreach(value, index, item)
	{
		(void)fputs(between, out);
		print_value(out, item, depth + 1);
		between = " ";
	}
	json_object_foreach((json_t *)(uintptr_t)value, key, item)
	{
		(void)fputs(between, out);
		print_text(out, key);
		(void)fputc(':', out);
		print_value(out, item, depth + 1);
		between = " ";
	}
	(void)fputc(']', out);
}

static void print_value(FILE *out, const json_t *value, unsigned depth)
{
	if (json_is_string(value))
		print_text(out, json_string_value(value));
	else if (json_is_integer(value))
		(void)fprintf(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		(void)fputs(json_is_true(value) ? "true" : "false", out);
	else if (json_is_null(value))
		(void)fputs("<nil>", out);
	else if (depth < DEPTH)
		print_many(out, value, depth);
}

/* ---- fields ---- */

static int no_field(
	const struct rendering *rendering, const json_t *object, const char *name, size_t length)
{
	char where[128], names[400] = "";
	size_t used = 0;
	const char *key;
	json_t *value;

	(void)snprintf(where, sizeof(where), "--format: %.*s", (int)length, name);
	if (!json_is_object(object))
		return fail(rendering, where, "there is nothing below this: it is no object");
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		int more =
			snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", key);

		if (more < 0 || (size_t)more >= sizeof(names) - used)
			break;
		used += (size_t)more;
	}
	names[used] = '\0'; /* whole names only */
	return err_set(
		rendering->err, -EINVAL, where, "there is no such field; there are: %s", names);
}

/* ".A.B" from value. */
static int find_field(const struct rendering *rendering, const char *path, const json_t **ret)
{
	const json_t *value = rendering->value;

	if (path[0] != '.')
		return fail(rendering, path, "is no field: those begin with a dot");
	for (const char *name = path + 1; *name;) {
		size_t length = strcspn(name, ".");
		const json_t *below = json_object_getn(value, name, length);

		if (!below || length == 0)
			return no_field(rendering, value, name, length);
		value = below;
		name += length + (name[length] == '.');
	}
	*ret = value;
	return 0;
}

/* ---- functions ---- */

struct function {
	const char *name;
	int arguments; /* behind the field */
	int (*run)(const struct rendering *rendering, const json_t *value, const char *argument);
};

static int run_json(const struct rendering *rendering, const json_t *value, const char *argument)
{
	(void)argument;
	return print_json(rendering->out, value, false);
}

static int run_len(const struct rendering *rendering, const json_t *value, const char *argument)
{
	size_t length = json_is_string(value)   ? json_string_length(value)
			: json_is_object(value) ? json_object_size(value)
						: json_array_size(value);

	(void)argument;
	return fprintf(rendering->out, "%zu", length) < 0 ? -EIO : 0;
}

static int run_index(const struct rendering *rendering, const json_t *value, const char *argument)
{
	uint64_t index;

	if (json_is_object(value)) {
		value = json_object_get(value, argument);
	} else {
		if (text_parse_u64(argument, UINT32_MAX, &index) < 0)
			return fail(rendering, argument, "is no index");
		value = json_array_get(value, index);
	}
	if (!value)
		return fail(rendering, argument, "is beyond what there is");
	print_value(rendering->out, value, 0);
	return 0;
}

static int change_case(const struct rendering *rendering, const json_t *value, char (*change)(char))
{
	const char *text = json_string_value(value);
	char *copy;

	if (!text)
		return fail(rendering, "--format", "is no text");
	copy = strdup(text);
	if (!copy)
		return fail(rendering, "--format", "out of memory");
	for (char *c = copy; *c; c++)
		*c = change(*c);
	print_text(rendering->out, copy);
	free(copy);
	return 0;
}

static int run_upper(const struct rendering *rendering, const json_t *value, const char *argument)
{
	(void)argument;
	return change_case(rendering, value, text_upper);
}

static int run_lower(const struct rendering *rendering, const json_t *value, const char *argument)
{
	(void)argument;
	return change_case(rendering, value, text_lower);
}

static int run_join(const struct rendering *rendering, const json_t *value, const char *argument)
{
	json_t *item;
	size_t index;

	if (!json_is_array(value))
		return fail(rendering, "--format", "join takes an array");
	json_array_foreach(value, index, item)
	{
		if (index)
			(void)fputs(argument, rendering->out);
		print_value(rendering->out, item, 0);
	}
	return 0;
}

static const struct function functions[] = {
	{"json", 0, run_json},
	{"len", 0, run_len},
	{"index", 1, run_index},
	{"upper", 0, run_upper},
	{"lower", 0, run_lower},
	{"join", 1, run_join},
};

/* ---- actions ---- */

/* The words of an action, in place; quotes keep spaces together. -1 where there are too many, or a
 * quote is not closed. */
static int split(char *action, char *words[WORDS])
{
	int count = 0;

	for (;;) {
		action += strspn(action, " \t");
		if (!*action)
			return count;
		if (count == WORDS)
			return -1;
		if (*action == '"') {
			words[count++] = ++action;
			action = strchr(action, '"');
			if (!action)
				return -1;
			*action++ = '\0';
			continue;
		}
		words[count++] = action;
		action += strcspn(action, " \t");
		if (*action)
			*action++ = '\0';
	}
}

static int run_function(const struct rendering *rendering, char **words, int count)
{
	const json_t *value = NULL;
	int r;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strcmp(words[0], functions[i].name) != 0)
			continue;
		if (count != 2 + functions[i].arguments)
			return fail(rendering, words[0], "takes another number of words");
		r = find_field(rendering, words[1], &value);
		return r < 0 ? r : functions[i].run(rendering, value, words[2]);
	}
	return fail(rendering, words[0],
		"is no function: there are json, len, index, upper, lower and join");
}

static int run_words(const struct rendering *rendering, char *action)
{
	const json_t *value = NULL;
	char *words[WORDS] = {NULL};
	int count = split(action, words), r;

	if (count <= 0)
		return fail(rendering, "--format",
			"has \"{{\" and \"}}\" with no field, or too much, between them");
	if (count > 1)
		return run_function(rendering, words, count);
	r = find_field(rendering, words[0], &value);
	if (r == 0)
		print_value(rendering->out, value, 0);
	return r;
}

static int run_action(const struct rendering *rendering, const char *start, size_t length)
{
	char *action = strndup(start, length);
	int r;

	if (!action)
		return fail(rendering, "--format", "out of memory");
	r = run_words(rendering, action);
	free(action);
	return r;
}

static const char *print_plain(FILE *out, const char *at)
{
	if (at[0] == '\\' && (at[1] == 'n' || at[1] == 't')) {
		(void)fputc(at[1] == 'n' ? '\n' : '\t', out);
		return at + 2;
	}
	(void)fputc(*at, out);
	return at + 1;
}

static int render(const struct rendering *rendering, const char *template)
{
	for (const char *at = template; *at;) {
		const char *end;
		int r;

		if (ftello(rendering->out) > (off_t)TEMPLATE_OUTPUT)
			return err_set(
				rendering->err, -EFBIG, "--format", "comes to more than 4 MiB");
		if (!text_starts_with(at, "{{")) {
			at = print_plain(rendering->out, at);
			continue;
		}
		end = strstr(at, "}}");
		if (!end)
			return fail(rendering, "--format", "has a \"{{\" without its \"}}\"");
		r = run_action(rendering, at + 2, (size_t)(end - at) - 2);
		if (r < 0)
			return r;
		at = end + 2;
	}
	return 0;
}

int template_render(const char *template, const json_t *value, char **ret_text, struct err *reterr)
{
	struct rendering rendering = {.value = value, .err = reterr};
	size_t length;
	char *text = NULL;
	int r;

	if (strlen(template) > TEMPLATE_BYTES)
		return err_set(reterr, -EFBIG, "--format", "is longer than 64 KiB");
	rendering.out = open_memstream(&text, &length);
	if (!rendering.out)
		return err_set(reterr, -ENOMEM, "--format", "out of memory");
	r = render(&rendering, template);
	if (fclose(rendering.out) && r == 0)
		r = err_set(reterr, -ENOMEM, "--format", "out of memory");
	if (r < 0) {
		free(text);
		return r;
	}
	*ret_text = text;
	return 0;
}
