/* The section "environment": a list of what goes in. What is not named stays outside (R19 of the
 * threat catalogue). */
#include <errno.h>
#include <string.h>

#include "profile/grammar.h"
#include "profile/load.h"
#include "profile/sections.h"
#include "util/arena.h"
#include "util/text.h"

int environment_set(struct environment_section *environment, struct arena *arena,
	const struct environment_setting *setting)
{
	struct environment_setting *place = NULL;

	for (size_t i = 0; i < environment->setting_count && !place; i++)
		if (strcmp(environment->settings[i].name, setting->name) == 0)
			place = &environment->settings[i];
	if (!place)
		place = ARENA_APPEND(arena, environment->settings, environment->setting_count);
	if (!place)
		return -ENOMEM;
	*place = *setting;
	return 0;
}

int profile_set_environment(struct profile *profile, struct arena *arena,
	const struct environment_setting *setting, struct err *reterr)
{
	struct environment_setting copy = *setting;

	if (!grammar_environment_word(setting->name))
		return err_set(reterr, -EINVAL, NULL,
			"\"%s\": not the name of an environment variable: letters, digits, _, . "
			"and -",
			setting->name);
	copy.name = arena_copy(arena, setting->name);
	copy.value = arena_copy(arena, setting->value);
	if (!copy.name || (setting->value && !copy.value) ||
		environment_set(&profile->environment, arena, &copy))
		return err_set(reterr, -ENOMEM, setting->name, "out of memory");
	return 0;
}

static int add(const struct cursor *at, struct environment_section *environment, const char *name,
	struct environment_setting *setting)
{
	int r;

	if (!grammar_environment_name(name))
		return cursor_error(
			at, "expected the name of an environment variable: letters, digits and _");
	if (environment->setting_count >= ENVIRONMENT_MAX)
		return cursor_error(at, "more than %d environment variables", ENVIRONMENT_MAX);
	r = cursor_copy(at, name, &setting->name);
	if (r)
		return r;
	return environment_set(environment, at->reading->arena, setting) ? cursor_memory(at) : 0;
}

static int name_read(const struct cursor *at, void *into)
{
	struct environment_setting setting = {0};
	const char *name = NULL;
	int r = cursor_text(at, &name);

	if (!r)
		r = cursor_rule(at, &setting.rule);
	return r ? r : add(at, into, name, &setting);
}

static int pass_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	return cursor_elements(at, ENVIRONMENT_MAX, name_read, into);
}

static int value_read(const struct cursor *at, void *into)
{
	struct environment_setting setting = {0};
	struct cursor value;
	const char *text = NULL;
	int r = cursor_setting(at, &setting.rule, &value);

	if (!r)
		r = cursor_expanded(&value, NULL, &text);
	if (!r)
		r = cursor_copy(at, text, &setting.value);
	return r ? r : add(at, into, at->key, &setting);
}

static int set_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *key;
	json_t *node;

	(void)field;
	if (!json_is_object(at->node))
		return cursor_error(at, "expected an object: names and values");
	json_object_foreach(at->node, key, node)
	{
		struct cursor member = cursor_member(at, key, node);
		int r = text_starts_with(key, "x-") ? 0 : value_read(&member, into);

		if (r)
			return r;
	}
	return 0;
}

int environment_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		{.name = "pass", .read = pass_read},
		{.name = "set", .read = set_read},
	};

	(void)field;
	return cursor_fields(at, fields, ARRAY_SIZE(fields), into);
}
