/* The sections that are no more than a few words each. */
#include "profile/sections.h"

#include <string.h>

#include "profile/grammar.h"
#include "profile/names.h"

#define ID_MAX                                                                                  \
	2147483647 /* many a program holds an id in an int: a larger one has become root before \
		      (CVE-2024-40635) */

int network_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD_WORD("mode", struct network_section, kind, network_names),
		FIELD("loopback", cursor_bool, struct network_section, loopback, ),
	};
	struct network_section *network = into;
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), network);

	(void)field;
	return r ? r : cursor_rule(at, &network->rule);
}

int identity_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD_WORD("map", struct identity_section, kind, identity_names),
		FIELD("uid", cursor_unsigned, struct identity_section, uid, .maximum = ID_MAX),
		FIELD("gid", cursor_unsigned, struct identity_section, gid, .maximum = ID_MAX),
		FIELD("pretend_ownership", cursor_bool, struct identity_section,
			pretend_ownership, ),
	};
	struct identity_section *identity = into;
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), identity);

	(void)field;
	return r ? r : cursor_rule(at, &identity->rule);
}

int terminal_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD_WORD("mode", struct terminal_section, kind, terminal_names),
	};
	struct terminal_section *terminal = into;
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), terminal);

	(void)field;
	return r ? r : cursor_rule(at, &terminal->rule);
}

int namespaces_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD("ipc", cursor_bool, struct namespaces_section, ipc, ),
		FIELD("uts", cursor_bool, struct namespaces_section, uts, ),
		FIELD("cgroup", cursor_bool, struct namespaces_section, cgroup, ),
		FIELD("pid", cursor_bool, struct namespaces_section, pid, ),
		FIELD("time", cursor_bool, struct namespaces_section, time, ),
		FIELD("nested_user", cursor_bool, struct namespaces_section, nested_user, ),
	};
	struct namespaces_section *namespaces = into;
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), namespaces);

	(void)field;
	return r ? r : cursor_rule(at, &namespaces->rule);
}

/* ---- selinux ---- */

static int type_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *text = NULL;
	int r = cursor_text(at, &text);

	(void)field;
	if (r)
		return r;
	if (!grammar_selinux_type(text))
		return cursor_error(
			at, "expected a type of the SELinux policy such as \"immure_t\"");
	return cursor_copy(at, text, into);
}

static int level_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *text = NULL;
	int r = cursor_text(at, &text);

	(void)field;
	if (r)
		return r;
	if (strcmp(text, "auto") == 0) {
		*(const char **)into = NULL;
		return 0;
	}
	if (!grammar_selinux_level(text))
		return cursor_error(at, "expected \"auto\" or a level such as \"s0:c1,c2\"");
	return cursor_copy(at, text, into);
}

int selinux_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD("type", type_read, struct selinux_section, type, ),
		FIELD("level", level_read, struct selinux_section, level, ),
	};
	struct selinux_section *selinux = into;
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), selinux);

	(void)field;
	if (!r && !selinux->type)
		r = cursor_error(at, "\"type\" is missing");
	return r ? r : cursor_rule(at, &selinux->rule);
}
