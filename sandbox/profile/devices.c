/* The section "devices": which device nodes the jail's own /dev has beyond the harmless ones. */
#include <string.h>

#include "profile/load.h"
#include "profile/sections.h"
#include "util/arena.h"
#include "util/path.h"

const struct standard_device standard_devices[STANDARD_DEVICES] = {
	{"/dev/null", 1, 3},
	{"/dev/zero", 1, 5},
	{"/dev/full", 1, 7},
	{"/dev/random", 1, 8},
	{"/dev/urandom", 1, 9},
	{"/dev/tty", 5, 0},
};

static int path_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *path = NULL;
	int r = cursor_path(at, field, &path);

	if (r)
		return r;
	if (!path_is_beneath(path, "/dev") || path_depth(path) < 2)
		return cursor_error(at, "expected a path below /dev");
	*(const char **)into = path;
	return 0;
}

static int device_read(const struct cursor *at, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD("path", path_read, struct device_rule, path, .mandatory = true),
		FIELD("access", cursor_access, struct device_rule, writable, ),
	};
	struct devices_section *devices = into;
	struct device_rule rule = {.writable = true}, *place = NULL;
	int r = json_is_string(at->node) ? path_read(at, &fields[1], &rule.path)
					 : cursor_fields(at, fields, ARRAY_SIZE(fields), &rule);

	if (!r)
		r = cursor_rule(at, &rule.rule);
	if (r)
		return r;
	for (size_t i = 0; i < devices->device_count && !place; i++)
		if (strcmp(devices->devices[i].path, rule.path) == 0)
			place = &devices->devices[i];
	if (!place && devices->device_count >= DEVICES_MAX)
		return cursor_error(at, "more than %d devices", DEVICES_MAX);
	if (!place)
		place = ARENA_APPEND(at->reading->arena, devices->devices, devices->device_count);
	if (!place)
		return cursor_memory(at);
	*place = rule;
	return 0;
}

static int allow_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	return cursor_elements(at, DEVICES_MAX, device_read, into);
}

int devices_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD("standard", cursor_bool, struct devices_section, standard, ),
		{.name = "allow", .read = allow_read},
	};
	struct devices_section *devices = into;
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), devices);

	(void)field;
	return r ? r : cursor_rule(at, &devices->rule);
}
