/*
 * The section "syscalls", and the documents of groups that it names. The last clause that matches
 * decides, so that order is meaning: what is inherited, then groups, the imported document, allow,
 * deny, rules.
 */
#include <errno.h>
#include <string.h>

#include "profile/grammar.h"
#include "profile/load.h"
#include "profile/loader.h"
#include "profile/seccomp_document.h"
#include "profile/sections.h"
#include "util/arena.h"
#include "util/number.h"
#include "util/text.h"

/* ---- the default ---- */

static const struct {
	const char *word;
	enum syscall_action action;
	uint16_t error;
} defaults[] = {
	{"enosys", ACTION_ERRNO, ENOSYS},
	{"eperm", ACTION_ERRNO, EPERM},
	{"kill", ACTION_KILL, 0},
	{"trap", ACTION_TRAP, 0},
	{"log", ACTION_LOG, 0},
	{"allow", ACTION_ALLOW, 0},
};

static int default_set(const struct cursor *at, enum syscall_action action, uint16_t error)
{
	struct syscalls_section *syscalls = &at->reading->profile->syscalls;
	bool denied =
		syscalls->default_action != ACTION_ALLOW && syscalls->default_action != ACTION_LOG;
	bool permits = action == ACTION_ALLOW || action == ACTION_LOG;

	if (syscalls->rule.set && denied && permits && !at->reading->override) {
		int r = cursor_error(at, "this lifts the inherited default, which denies");
		err_hint(at->reading->err,
			"if it is meant, add \"override\": \"the reason\" to the section");
		return r;
	}
	syscalls->default_action = action;
	syscalls->default_error = error;
	return 0;
}

static int default_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *words[ARRAY_SIZE(defaults) + 1];
	const char *text = NULL;
	uint16_t error = 0;
	int r = cursor_text(at, &text);

	(void)field;
	(void)into;
	if (r)
		return r;
	if (text_starts_with(text, "errno:")) {
		r = clause_errno(at, text + strlen("errno:"), &error);
		return r ? r : default_set(at, ACTION_ERRNO, error);
	}
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		words[i] = defaults[i].word;
		if (strcmp(text, words[i]) == 0)
			return default_set(at, defaults[i].action, defaults[i].error);
	}
	words[ARRAY_SIZE(defaults)] = "errno:NAME";
	return cursor_unknown(at, "word", text, words, ARRAY_SIZE(words));
}

/* ---- clauses without conditions ---- */

static int names_clause(const struct cursor *at, const struct field *field,
	enum syscall_action action, uint16_t error)
{
	struct syscall_clause clause = {.action = action, .error = error};
	int r = clause_names_read(at, field, &clause);

	if (!r)
		r = cursor_rule(at, &clause.rule);
	return r ? r : clause_add(at, &clause);
}

static int allow_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)into;
	return names_clause(at, field, ACTION_ALLOW, 0);
}

static int deny_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)into;
	return names_clause(at, field, ACTION_ERRNO, EPERM);
}

static int rules_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	return cursor_elements(at, CLAUSES_MAX, clause_read, into);
}

/* ---- groups ---- */

static int group_name_read(const struct cursor *at, void *into)
{
	const char *name = NULL;
	int r = cursor_text(at, &name);

	(void)into;
	if (r)
		return r;
	if (!grammar_group_name(name)) {
		r = cursor_error(at, "expected the name of a group with its revision");
		err_hint(at->reading->err, "such as \"untrusted@1\"");
		return r;
	}
	return loader_group(at, name);
}

static int groups_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *only = json_string_value(json_array_get(at->node, 0));
	int r = json_array_size(at->node) == 1 && only ? loader_group_alone(at, only) : 1;

	(void)field;
	return r > 0 ? cursor_elements(at, GROUPS_MAX, group_name_read, into) : r;
}

/* The group must be what its file is called: else two files could be taken for each other. */
static int group_part_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *group = at->reading->group, *revision = strchr(group, '@') + 1;
	uint64_t number = 0;
	const char *name = NULL;
	int r;

	(void)into;
	if (strcmp(field->name, "revision") == 0) {
		r = cursor_number(at, field, &number);
		if (!r && (text_parse_u64(revision, 9999, &number) ||
				  number != (uint64_t)json_integer_value(at->node)))
			r = cursor_error(at, "expected %s, as in the name of the file", revision);
		return r;
	}
	r = cursor_text(at, &name);
	if (!r && (strlen(name) != (size_t)(revision - 1 - group) ||
			  strncmp(name, group, strlen(name)) != 0))
		r = cursor_error(at, "expected \"%.*s\", as in the name of the file",
			(int)(revision - 1 - group), group);
	return r;
}

static int version_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	(void)into;
	return cursor_version(at);
}

static int text_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *text;

	(void)field;
	(void)into;
	return cursor_text(at, &text);
}

int group_read(struct reading *reading)
{
	static const struct field fields[] = {
		{.name = "$schema", .read = text_read},
		{.name = "version", .read = version_read, .mandatory = true},
		{.name = "name", .read = group_part_read, .mandatory = true},
		{.name = "revision",
			.read = group_part_read,
			.minimum = 1,
			.maximum = 9999,
			.mandatory = true},
		{.name = "description", .read = text_read},
		{.name = "include", .read = groups_read},
		{.name = "default", .read = default_read},
		{.name = "allow", .read = allow_read},
		{.name = "deny", .read = deny_read},
		{.name = "rules", .read = rules_read},
	};
	struct cursor root = {
		.reading = reading, .node = reading->document->root, .enforce = reading->enforce};

	return cursor_fields(&root, fields, ARRAY_SIZE(fields), &reading->profile->syscalls);
}

/* ---- a document in the notation of Docker and OCI ---- */

/* An imported clause must be one that could have been written here: else it could not be printed,
 * nor judged by the same rules. */
static int imported_check(const struct cursor *at, const struct syscall_clause *clause)
{
	if (clause->name_count > CLAUSE_NAMES_MAX || clause->argument_count > ARGUMENTS_MAX)
		return cursor_error(at,
			"an entry of the document has more than %d names or %d conditions",
			CLAUSE_NAMES_MAX, ARGUMENTS_MAX);
	if (clause->action == ACTION_ERRNO && !number_error(clause->error))
		return cursor_error(at, "%u in the document is no errno", clause->error);
	for (size_t i = 0; i < clause->name_count; i++)
		if (!grammar_syscall_name(clause->names[i]))
			return cursor_error(
				at, "a name in the document cannot be that of a system call");
	return clause_check(at, clause);
}

static int import_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		{.name = "path", .read = cursor_path, .mandatory = true},
	};
	struct syscalls_section *syscalls = into, before = *syscalls, imported;
	const struct json_document *document = NULL;
	const char *path = NULL;
	int r = json_is_object(at->node) ? cursor_fields(at, fields, ARRAY_SIZE(fields), &path)
					 : cursor_path(at, field, &path);

	if (!r)
		r = loader_document(at, path, &document);
	if (!r)
		r = seccomp_document_import(
			document, at->reading->arena, syscalls, at->reading->err);
	if (r)
		return r;
	for (size_t i = before.clause_count; i < syscalls->clause_count; i++) {
		if (!syscalls->clauses[i].reason)
			syscalls->clauses[i].reason = at->reading->override;
		r = imported_check(at, &syscalls->clauses[i]);
		if (r)
			return r;
	}
	if (syscalls->clause_count > CLAUSES_MAX)
		return cursor_error(at, "more than %d clauses", CLAUSES_MAX);
	if (syscalls->default_action == ACTION_ERRNO && !number_error(syscalls->default_error))
		return cursor_error(at, "%u in the document is no errno", syscalls->default_error);
	imported = *syscalls; /* its default is judged as if it had been written here */
	syscalls->default_action = before.default_action;
	syscalls->default_error = before.default_error;
	return default_set(at, imported.default_action, imported.default_error);
}

/* ---- the section ---- */

static int architecture_read(const struct cursor *at, void *into)
{
	static const char *const names[] = {"native", "i386"};
	static const struct field words = {.words = names, .maximum = ARRAY_SIZE(names)};
	unsigned *seen = into, which = 0;
	int r = cursor_word(at, &words, &which);

	*seen |= 1U << which;
	return r;
}

static int architectures_read(const struct cursor *at, const struct field *field, void *into)
{
	struct syscalls_section *syscalls = into;
	unsigned seen = 0;
	int r = cursor_elements(at, 2, architecture_read, &seen);

	(void)field;
	if (!r && !(seen & 1))
		r = cursor_error(at, "\"native\" is missing");
	if (!r)
		syscalls->foreign_i386 = seen & 2;
	return r;
}

static int override_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)into;
	return cursor_reason(at, field, &at->reading->override);
}

/* Forgets the inherited policy, for a reason. */
static int replace_read(const struct cursor *at, const struct field *field, void *into)
{
	struct syscalls_section *syscalls = into;
	int r = cursor_reason(at, field, &at->reading->override);

	if (r)
		return r;
	*syscalls =
		(struct syscalls_section){.default_action = ACTION_ERRNO, .default_error = ENOSYS};
	at->reading->inherited_clauses = 0;
	at->reading->loader->group_count = 0;
	return 0;
}

int syscalls_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		{.name = "override", .read = override_read},
		{.name = "replace", .read = replace_read},
		{.name = "groups", .read = groups_read},
		{.name = "document", .read = import_read},
		{.name = "default", .read = default_read},
		{.name = "allow", .read = allow_read},
		{.name = "deny", .read = deny_read},
		{.name = "rules", .read = rules_read},
		{.name = "architectures", .read = architectures_read},
	};
	struct syscalls_section *syscalls = into;
	struct rule rule = {0};
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), syscalls);

	(void)field;
	if (!r)
		r = cursor_rule(at, &rule);
	if (r)
		return r;
	if (syscalls->rule.set && rule.enforce == ENFORCE_AUDIT &&
		syscalls->rule.enforce != ENFORCE_AUDIT && !at->reading->override) {
		r = cursor_error(at, "audit lifts the inherited policy, which is enforced");
		err_hint(at->reading->err,
			"if it is meant, add \"override\": \"the reason\" to the section");
		return r;
	}
	syscalls->rule = rule;
	return 0;
}
