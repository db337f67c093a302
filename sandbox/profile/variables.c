/* Variables of a profile: see variables.h. */
#include "profile/variables.h"

#include <stdio.h>
#include <string.h>

#include "profile/cursor.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/text.h"

#define EXPANDED_MAX ((size_t)64 * 1024)

static const struct {
	const char *name;
	size_t offset;
	const char *wants; /* for a value */
} string_variables[] = {
	{"cwd", offsetof(struct profile_variables, cwd),
		"the current directory is gone, or cannot be reached: change into another one"},
	{"home", offsetof(struct profile_variables, home), "set HOME to an absolute path"},
	{"user", offsetof(struct profile_variables, user), "set USER"},
	{"xdg.cache", offsetof(struct profile_variables, xdg_cache),
		"set XDG_CACHE_HOME, or HOME, to an absolute path"},
	{"xdg.config", offsetof(struct profile_variables, xdg_config),
		"set XDG_CONFIG_HOME, or HOME, to an absolute path"},
	{"xdg.data", offsetof(struct profile_variables, xdg_data),
		"set XDG_DATA_HOME, or HOME, to an absolute path"},
	{"xdg.runtime", offsetof(struct profile_variables, xdg_runtime),
		"a login session sets XDG_RUNTIME_DIR"},
	{"program.directory", offsetof(struct profile_variables, program_directory),
		"name the program by its path, such as ./program"},
};
static const char *const variable_names[] = {
	"cwd",
	"home",
	"user",
	"xdg.cache",
	"xdg.config",
	"xdg.data",
	"xdg.runtime",
	"program.directory",
	"uid",
	"gid",
};

struct expansion {
	char *buffer;
	size_t used, size;
};

static int put(const struct cursor *at, struct expansion *out, const char *text, size_t length)
{
	if (length >= EXPANDED_MAX - out->used)
		return cursor_error(
			at, "longer than %zu bytes when its variables are filled in", EXPANDED_MAX);
	if (out->used + length >= out->size) {
		size_t size = (out->used + length + 1) * 2;
		char *grown = arena_zeroed(at->reading->arena, size, 1);

		if (!grown)
			return cursor_memory(at);
		if (out->used)
			memcpy(grown, out->buffer, out->used);
		out->buffer = grown;
		out->size = size;
	}
	memcpy(out->buffer + out->used, text, length);
	out->used += length;
	out->buffer[out->used] = '\0';
	return 0;
}

static int unknown(const struct cursor *at, const char *name, size_t length)
{
	char word[64], safe[256];

	(void)snprintf(word, sizeof(word), "%.*s",
		(int)(length < sizeof(word) ? length : sizeof(word) - 1), name);
	for (size_t i = 0; i < ARRAY_SIZE(string_variables); i++)
		if (strcmp(string_variables[i].name, word) == 0) {
			int r = cursor_error(at, "${%s} has no value here", word);

			err_hint(at->reading->err, "%s", string_variables[i].wants);
			return r;
		}
	(void)text_escape(word, strlen(word), safe, sizeof(safe));
	return cursor_unknown(at, "variable", safe, variable_names, ARRAY_SIZE(variable_names));
}

static int put_variable(
	const struct cursor *at, struct expansion *out, const char *name, size_t length)
{
	const struct profile_variables *variables = at->reading->variables;
	char number[16];

	for (size_t i = 0; i < ARRAY_SIZE(string_variables); i++) {
		const char *value;

		if (strlen(string_variables[i].name) != length ||
			memcmp(string_variables[i].name, name, length) != 0)
			continue;
		memcpy(&value, (const char *)variables + string_variables[i].offset, sizeof(value));
		return value ? put(at, out, value, strlen(value)) : unknown(at, name, length);
	}
	if (length != 3 || (memcmp(name, "uid", 3) != 0 && memcmp(name, "gid", 3) != 0))
		return unknown(at, name, length);
	(void)snprintf(
		number, sizeof(number), "%u", name[0] == 'u' ? variables->uid : variables->gid);
	return put(at, out, number, strlen(number));
}

/* What a dollar begins: text is just behind it, and is moved past what was read. */
static int put_dollar(const struct cursor *at, struct expansion *out, const char **text)
{
	const char *start = *text + 1, *end = **text == '{' ? strchr(start, '}') : NULL;
	int r;

	if (**text == '$') {
		(*text)++;
		return put(at, out, "$", 1);
	}
	if (!end) {
		r = cursor_error(at, "a lone $");
		err_hint(at->reading->err, "write ${name} for a variable and $$ for a dollar");
		return r;
	}
	*text = end + 1;
	return put_variable(at, out, start, (size_t)(end - start));
}

int variables_expand(const struct cursor *at, const char *text, const char **ret)
{
	struct expansion out = {0};
	int r = 0;

	if (!strchr(text, '$')) {
		*ret = text;
		return 0;
	}
	while (*text && !r) {
		size_t plain = strcspn(text, "$");

		r = put(at, &out, text, plain);
		text += plain;
		if (!r && *text++ == '$')
			r = put_dollar(at, &out, &text);
		else if (!r)
			break;
	}
	if (!r)
		*ret = out.buffer;
	return r;
}
