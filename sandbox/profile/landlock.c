/* The section "landlock": by itself the rules follow from "files"; here they can be tightened, or
 * turned off. */
#include "profile/names.h"
#include "profile/sections.h"
#include "util/arena.h"

static int scope_word_read(const struct cursor *at, void *into)
{
	static const struct field words = {.words = scope_names, .maximum = SCOPE_COUNT};
	struct landlock_section *landlock = into;
	unsigned scope = SCOPE_COUNT;
	int r = cursor_word(at, &words, &scope);

	landlock->scope_abstract |= scope == SCOPE_ABSTRACT;
	landlock->scope_signal |= scope == SCOPE_SIGNAL;
	return r;
}

static int scope_read(const struct cursor *at, const struct field *field, void *into)
{
	struct landlock_section *landlock = into;
	struct cursor value;
	int r = cursor_setting(at, &landlock->scope_rule, &value);

	(void)field;
	landlock->scope_abstract = landlock->scope_signal = false;
	return r ? r : cursor_elements(&value, SCOPE_COUNT, scope_word_read, landlock);
}

static int path_read(const struct cursor *at, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD("path", cursor_path, struct landlock_path, path, .mandatory = true),
		FIELD("access", cursor_access, struct landlock_path, writable, ),
		FIELD("exec", cursor_not, struct landlock_path, no_exec, ),
	};
	struct landlock_section *landlock = into;
	struct landlock_path *path =
		ARENA_APPEND(at->reading->arena, landlock->paths, landlock->path_count);
	int r = path ? cursor_fields(at, fields, ARRAY_SIZE(fields), path) : cursor_memory(at);

	return r ? r : cursor_rule(at, &path->rule);
}

/* The list is one statement (only these remain), so that a new one takes the place of an inherited
 * one. */
static int paths_read(const struct cursor *at, const struct field *field, void *into)
{
	struct landlock_section *landlock = into;

	(void)field;
	landlock->paths = NULL;
	landlock->path_count = 0;
	return cursor_elements(at, LANDLOCK_PATHS_MAX, path_read, landlock);
}

int landlock_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD("minimum_abi", cursor_unsigned, struct landlock_section, minimum_abi,
			.minimum = 1, .maximum = 1000),
		{.name = "scope", .read = scope_read},
		{.name = "paths", .read = paths_read},
	};
	struct landlock_section *landlock = into;
	int r = 0;

	(void)field;
	if (json_is_true(at->node))
		return cursor_error(at, "expected false or an object");
	landlock->enabled = !json_is_false(at->node);
	if (landlock->enabled)
		r = cursor_fields(at, fields, ARRAY_SIZE(fields), landlock);
	return r ? r : cursor_rule(at, &landlock->rule);
}
