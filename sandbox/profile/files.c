/*
 * The section "files": what the jail's tree is made of. A mount is an object with one key that says
 * its kind; which other keys it may have depends on the kind.
 */
#include <errno.h>
#include <string.h>

#include "profile/load.h"
#include "profile/names.h"
#include "profile/sections.h"
#include "util/arena.h"
#include "util/path.h"
#include "util/text.h"

static int root_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field words = {.words = root_names, .maximum = ROOT_DIRECTORY};
	struct files_section *files = into;
	struct cursor value;
	const char *text = NULL;
	int r = cursor_setting(at, &files->root_rule, &value);

	if (!r)
		r = cursor_text(&value, &text);
	if (r)
		return r;
	files->root_directory = NULL;
	if (text[0] != '/' && text[0] != '$')
		return cursor_word(&value, &words, &files->root);
	files->root = ROOT_DIRECTORY;
	return cursor_path(&value, field, &files->root_directory);
}

/* A place in the jail where something is mounted: the root itself is the business of "root". */
static int target_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *path = NULL;
	int r = cursor_path(at, field, &path);

	if (r)
		return r;
	if (path_depth(path) == 0) {
		r = cursor_error(at, "nothing can be mounted on /");
		err_hint(at->reading->err, "use \"root\": \"host\" or \"root\": \"/directory\"");
		return r;
	}
	*(const char **)into = path;
	return 0;
}

/* The text of a symbolic link: any path, also a relative one, as it will be stored. */
static int link_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *text = NULL;
	int r = cursor_expanded(at, field, &text);

	if (r)
		return r;
	if (!*text || strlen(text) > 4095 || text_has_control(text))
		return cursor_error(
			at, "expected the text of a symbolic link, 1 to 4095 plain characters");
	return cursor_copy(at, text, into);
}

/* The text of a file; it may hold any character but NUL, which a string of this notation cannot
 * hold anyway. */
static int content_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *text = NULL;
	int r = cursor_expanded(at, field, &text);

	return r ? r : cursor_copy(at, text, into);
}

#define TEMPORARY_SIZE_MIN 4096
#define TEMPORARY_SIZE_MAX (UINT64_C(1) << 60)
#define INODES_MAX (UINT64_C(1) << 32)

#define MOUNT_FIELD(key, reader, member, ...) \
	FIELD(key, reader, struct mount_rule, member, __VA_ARGS__)
#define MOUNT_COMMON FIELD_ENFORCE, MOUNT_FIELD("override", cursor_reason, reason, )

static const char *const only_names[ONLY_COUNT] = {"any", "file"};

static const struct field bind_fields[] = {
	MOUNT_COMMON,
	MOUNT_FIELD("bind", cursor_path, source, ),
	MOUNT_FIELD("to", target_read, target, ),
	MOUNT_FIELD("access", cursor_access, writable, ),
	MOUNT_FIELD("exec", cursor_not, no_exec, ),
	MOUNT_FIELD("follow", cursor_not, keep_link, ),
	MOUNT_FIELD("special_files", cursor_bool, special_files, ),
	MOUNT_FIELD(
		"only", cursor_word, only, .words = only_names, .maximum = ARRAY_SIZE(only_names)),
};
static const struct field tmpfs_fields[] = {
	MOUNT_COMMON,
	MOUNT_FIELD("tmpfs", target_read, target, ),
	MOUNT_FIELD("size", cursor_size, size, .minimum = TEMPORARY_SIZE_MIN,
		.maximum = TEMPORARY_SIZE_MAX),
	MOUNT_FIELD("inodes", cursor_number, inodes, .minimum = 1, .maximum = INODES_MAX),
	MOUNT_FIELD("mode", cursor_mode, mode, .maximum = 01777),
	MOUNT_FIELD("exec", cursor_not, no_exec, ),
};
static const struct field directory_fields[] = {
	MOUNT_COMMON,
	MOUNT_FIELD("directory", target_read, target, ),
	MOUNT_FIELD("mode", cursor_mode, mode, .maximum = 01777),
};
static const struct field symlink_fields[] = {
	MOUNT_COMMON,
	MOUNT_FIELD("symlink", target_read, target, ),
	MOUNT_FIELD("to", link_read, source, .mandatory = true),
};
static const struct field file_fields[] = {
	MOUNT_COMMON,
	MOUNT_FIELD("file", target_read, target, ),
	MOUNT_FIELD("content", content_read, content, .mandatory = true),
	MOUNT_FIELD("mode", cursor_mode, mode, .maximum = 0777),
};
static const struct field deny_fields[] = {
	MOUNT_COMMON,
	MOUNT_FIELD("deny", target_read, target, ),
};

static const struct {
	const struct field *fields;
	size_t count;
} kinds[] = {
	[MOUNT_BIND] = {bind_fields, ARRAY_SIZE(bind_fields)},
	[MOUNT_TMPFS] = {tmpfs_fields, ARRAY_SIZE(tmpfs_fields)},
	[MOUNT_DIRECTORY] = {directory_fields, ARRAY_SIZE(directory_fields)},
	[MOUNT_SYMLINK] = {symlink_fields, ARRAY_SIZE(symlink_fields)},
	[MOUNT_FILE] = {file_fields, ARRAY_SIZE(file_fields)},
	[MOUNT_DENY] = {deny_fields, ARRAY_SIZE(deny_fields)},
};
#define WRITABLE_KINDS MOUNT_LAYERS /* of layers no document may speak: they come from the launch \
				     */
_Static_assert(ARRAY_SIZE(kinds) == WRITABLE_KINDS, "each kind of mount has its keys");

/* Which of the kinds the object names, by the one key that only it has. */
static int kind_read(const struct cursor *at, enum mount_kind *ret)
{
	unsigned found = MOUNT_KIND_COUNT;
	int r;

	for (unsigned i = 0; i < WRITABLE_KINDS; i++) {
		if (!json_object_get(at->node, mount_kind_names[i]))
			continue;
		if (found != MOUNT_KIND_COUNT)
			return cursor_error(at, "\"%s\" and \"%s\" in one mount",
				mount_kind_names[found], mount_kind_names[i]);
		found = i;
	}
	if (found == MOUNT_KIND_COUNT) {
		r = cursor_error(at, "expected an object that says what is mounted");
		err_hint(at->reading->err,
			"one of the keys bind, tmpfs, directory, symlink, file, deny");
		return r;
	}
	*ret = found;
	return 0;
}

/*
 * The deny of an extended profile that rule would lift: one at its target, which it would replace
 * by something weaker, or one above that would hide it. NULL where there is none.
 */
static const struct mount_rule *lifted_deny(const struct cursor *at, const struct mount_rule *rule)
{
	const struct files_section *files = &at->reading->profile->files;
	char path[4096];
	size_t length = strlen(rule->target);

	if (length >= sizeof(path))
		return NULL; /* no canonical path is */
	memcpy(path, rule->target, length + 1);
	for (char *end = path + length; end > path; end = strrchr(path, '/')) {
		size_t position;
		const struct mount_rule *above;

		*end = '\0';
		position = mounts_find(files, path);
		above = position < files->mount_count ? &files->mounts[position] : NULL;
		if (!above || above->kind != MOUNT_DENY ||
			above->rule.origin.document == at->reading->document)
			continue;
		if (rule->kind != MOUNT_DENY)
			return above;
		if (strcmp(above->target, rule->target) == 0 &&
			rule->rule.enforce > above->rule.enforce)
			return above;
	}
	return NULL;
}

/* A rule that is complete by itself: does it fit with what is there? */
static int mount_add(const struct cursor *at, const struct mount_rule *rule)
{
	struct files_section *files = &at->reading->profile->files;
	size_t position = mounts_find(files, rule->target);
	const struct mount_rule *there =
		position < files->mount_count ? &files->mounts[position] : NULL;
	const struct mount_rule *denied = rule->reason ? NULL : lifted_deny(at, rule);
	char place[512];
	int r;

	if (there && there->rule.origin.document == at->reading->document)
		return cursor_error(at, "%s is the target of %s already", rule->target,
			there->rule.origin.pointer);
	if (denied) {
		r = cursor_error(
			at, "%s lifts an inherited deny of %s", rule->target, denied->target);
		err_hint(at->reading->err,
			"denied at %s; if it is meant, add \"override\": \"the reason\"",
			origin_format(&denied->rule.origin, place, sizeof(place)));
		return r;
	}
	if (!there && files->mount_count >= MOUNTS_MAX)
		return cursor_error(at, "more than %d mounts", MOUNTS_MAX);
	return mounts_set(files, at->reading->arena, rule) ? cursor_memory(at) : 0;
}

static int mount_read(const struct cursor *at, void *into)
{
	struct mount_rule rule = {.mode = (mode_t)-1};
	int r = kind_read(at, &rule.kind);

	(void)into;
	if (r)
		return r;
	rule.no_exec = rule.kind == MOUNT_TMPFS;
	r = cursor_fields(at, kinds[rule.kind].fields, kinds[rule.kind].count, &rule);
	if (!r)
		r = cursor_rule(at, &rule.rule);
	if (r)
		return r;
	if (!rule.target) { /* a bind without "to" */
		if (path_depth(rule.source) == 0)
			return cursor_error(at, "nothing can be mounted on /: say \"to\", or use "
						"\"root\": \"host\"");
		rule.target = rule.source;
	}
	if (rule.special_files && !rule.writable)
		return cursor_error(at, "\"special_files\" needs \"access\": \"rw\"");
	if (rule.mode == (mode_t)-1)
		rule.mode = mounts_default_mode(&rule);
	return mount_add(at, &rule);
}

static int mounts_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	return cursor_elements(at, MOUNTS_MAX, mount_read, into);
}

int files_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		{.name = "root", .read = root_read},
		FIELD("root_access", cursor_access, struct files_section, root_writable, ),
		FIELD_SETTING("home", struct files_section, home, home_rule, home_names),
		FIELD("home_directory", target_read, struct files_section, home_directory, ),
		FIELD_SETTING("proc", struct files_section, proc, proc_rule, proc_names),
		FIELD_SETTING("sys", struct files_section, sys, sys_rule, sys_names),
		{.name = "mounts", .read = mounts_read},
	};

	(void)field;
	return cursor_fields(at, fields, ARRAY_SIZE(fields), into);
}
