/* Which profiles there are by name: the user's, the machine's, the built-in ones, in the order in
 * which a name is looked up. */
#include <dirent.h>
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profile/grammar.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/json.h"
#include "util/text.h"

#define PLACES_MAX 1024

struct collection {
	struct arena *arena;
	struct profile_listing *entries;
	size_t count;
};

/* The "description" of a document, or NULL; one that cannot be read is listed all the same:
 * `profile check` will say why. */
static const char *description_of(struct arena *arena, char *text, size_t length)
{
	struct json_document document;
	const char *description, *copy;

	if (json_document_parse("", text, length, &json_limits_profile, &document, NULL))
		return NULL;
	description = json_string_value(json_object_get(document.root, "description"));
	copy = description && !text_has_control(description) ? arena_copy(arena, description)
							     : NULL;
	json_document_free(&document);
	return copy;
}

/* "NAME.json" → NAME, where that is a name. */
static const char *name_of(struct arena *arena, const char *file)
{
	size_t length = strlen(file);
	char *name;

	if (length <= 5 || strcmp(file + length - 5, ".json") != 0)
		return NULL;
	name = arena_copy_range(arena, file, length - 5);
	return name && grammar_profile_name(name) ? name : NULL;
}

static int add(
	struct collection *to, const char *name, const char *place, char *text, size_t length)
{
	struct profile_listing *entry = NULL;
	bool known = false;

	for (size_t i = 0; i < to->count; i++)
		known |= strcmp(to->entries[i].name, name) == 0;
	if (known || to->count >= PLACES_MAX) { /* an earlier place hides a later one, as
						   profile_load() would have it */
		free(text);
		return 0;
	}
	entry = ARENA_APPEND(to->arena, to->entries, to->count);
	if (!entry) {
		free(text);
		return -ENOMEM;
	}
	*entry = (struct profile_listing){.name = name, .place = place};
	if (text)
		entry->description = description_of(to->arena, text, length);
	return 0;
}

static int list_directory(struct collection *to, const char *root)
{
	const char *path = arena_join(to->arena, root, "/immure/profiles");
	DIR *directory _cleanup_closedir_ = path ? opendir(path) : NULL;
	const struct dirent *file;
	int r = path ? 0 : -ENOMEM;

	while (directory && !r && (file = readdir(directory))) {
		const char *name = name_of(to->arena, file->d_name),
			   *place = arena_format(to->arena, "%s/%s", path, file->d_name);
		char *text = NULL;
		size_t length = 0;

		if (!name)
			continue;
		if (file_read(AT_FDCWD, place ? place : "", json_limits_profile.bytes, &text,
			    &length))
			text = NULL;
		r = place ? add(to, name, place, text, length) : -ENOMEM;
	}
	return r;
}

static int list_built_in(struct collection *to)
{
	static const char prefix[] = "profiles/";
	const char *path;
	int r = 0;

	for (size_t i = 0; (path = builtin_path(i)) && !r; i++) {
		const char *name = text_starts_with(path, prefix)
					   ? name_of(to->arena, path + strlen(prefix))
					   : NULL;
		size_t length;
		const char *text = builtin_text(path, &length);
		char *copy;

		if (!name || strcmp(name, "schema") == 0)
			continue;
		copy = strndup(text, length);
		r = copy ? add(to, name, "built-in", copy, length) : -ENOMEM;
	}
	return r;
}

int profile_list(const struct profile_variables *variables, struct arena *arena,
	struct profile_listing **ret, size_t *ret_count, struct err *reterr)
{
	struct collection all = {.arena = arena};
	int r = variables->xdg_config ? list_directory(&all, variables->xdg_config) : 0;

	if (!r)
		r = list_directory(&all, "/etc");
	if (!r)
		r = list_built_in(&all);
	if (r)
		return err_set(reterr, r, NULL, "out of memory");
	*ret = all.entries;
	*ret_count = all.count;
	return 0;
}
