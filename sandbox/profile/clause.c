/* One clause of the system call policy: names, an action, conditions on arguments; and when it may
 * lift what was inherited. */
#include <errno.h>
#include <string.h>

#include "profile/grammar.h"
#include "profile/load.h"
#include "profile/names.h"
#include "profile/sections.h"
#include "util/arena.h"
#include "util/text.h"

/* ---- numbers that may be written in hexadecimal ---- */

static bool parse_hexadecimal(const char *text, uint64_t *ret)
{
	size_t length = strnlen(text, 17);
	uint64_t value = 0;

	if (!length || length > 16 || strspn(text, "0123456789abcdefABCDEF") != length)
		return false;
	for (; *text; text++)
		value = value << 4 |
			(uint64_t)(*text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10);
	*ret = value;
	return true;
}

static int word_read(const struct cursor *at, unsigned width, uint64_t *ret)
{
	const char *text = json_string_value(at->node);
	uint64_t value = 0;
	bool good;

	if (json_is_integer(at->node)) {
		good = json_integer_value(at->node) >= 0;
		value = (uint64_t)json_integer_value(at->node);
	} else {
		good = text && (text_starts_with(text, "0x")
					       ? parse_hexadecimal(text + 2, &value)
					       : text_parse_u64(text, UINT64_MAX, &value) == 0);
	}
	if (!good || (width == 32 && value > UINT32_MAX))
		return cursor_error(at,
			"expected a number of at most %u bits: an integer, \"0x5412\" or \"21522\"",
			width);
	*ret = value;
	return 0;
}

/* ---- arguments ---- */

static int width_read(const struct cursor *at, const struct field *field, void *into)
{
	json_int_t width = json_integer_value(at->node);

	(void)field;
	if (!json_is_integer(at->node) || (width != 32 && width != 64)) {
		int r = cursor_error(at, "expected 32 or 64");
		err_hint(at->reading->err, "32 for an int, where the kernel ignores the upper half "
					   "of the register; 64 for size_t and pointers");
		return r;
	}
	*(unsigned *)into = (unsigned)width;
	return 0;
}

static int mask_read(const struct cursor *at, const struct field *field, void *into)
{
	struct syscall_argument *argument = into;

	(void)field;
	return word_read(at, argument->width, &argument->mask);
}

struct values {
	uint64_t *values;
	size_t count;
	unsigned width;
};

static int value_read(const struct cursor *at, void *into)
{
	struct values *values = into;

	return word_read(at, values->width, &values->values[values->count++]);
}

static int comparison_read(const struct cursor *at, const struct field *field, void *into)
{
	struct syscall_argument *argument = into;
	enum syscall_comparison comparison = (enum syscall_comparison)field->minimum;
	bool list = comparison == COMPARE_IN || comparison == COMPARE_NOT_IN;
	size_t count = list ? json_array_size(at->node) : 1;
	struct values values = {.width = argument->width,
		.values = arena_zeroed(at->reading->arena, count + 1, sizeof(uint64_t))};
	int r;

	if (!values.values)
		return cursor_memory(at);
	if (argument->comparison != COMPARE_COUNT)
		return cursor_error(at, "\"%s\" beside \"%s\": an argument has one comparison",
			field->name, comparison_names[argument->comparison]);
	r = list ? cursor_elements(at, ARGUMENT_VALUES_MAX, value_read, &values)
		 : value_read(at, &values);
	if (!r && !values.count)
		r = cursor_error(at, "expected at least one value");
	if (r)
		return r;
	argument->comparison = comparison;
	argument->values = values.values;
	argument->value_count = values.count;
	return 0;
}

#define COMPARISON(kind, key)                                             \
	{                                                                 \
		.name = (key), .read = comparison_read, .minimum = (kind) \
	}

static int argument_read(const struct cursor *at, void *into)
{
	static const struct field fields[] = {
		FIELD("index", cursor_unsigned, struct syscall_argument, index, .maximum = 5,
			.mandatory = true),
		FIELD("width", width_read, struct syscall_argument, width, .mandatory = true),
		{.name = "mask", .read = mask_read},
		COMPARISON(COMPARE_IN, "in"),
		COMPARISON(COMPARE_NOT_IN, "not_in"),
		COMPARISON(COMPARE_LESS, "lt"),
		COMPARISON(COMPARE_LESS_EQUAL, "le"),
		COMPARISON(COMPARE_GREATER, "gt"),
		COMPARISON(COMPARE_GREATER_EQUAL, "ge"),
	};
	struct syscall_clause *clause = into;
	struct syscall_argument argument = {.mask = UINT64_MAX, .comparison = COMPARE_COUNT},
				*added;
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), &argument);

	if (r)
		return r;
	if (argument.comparison == COMPARE_COUNT)
		return cursor_error(
			at, "expected one of \"in\", \"not_in\", \"lt\", \"le\", \"gt\", \"ge\"");
	added = ARENA_APPEND(at->reading->arena, clause->arguments, clause->argument_count);
	if (!added)
		return cursor_memory(at);
	*added = argument;
	return 0;
}

static int arguments_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	return cursor_elements(at, ARGUMENTS_MAX, argument_read, into);
}

/* ---- names ---- */

/* Checks the array and counts the bytes of its names; a policy has hundreds, which is why they
 * share one piece of memory. */
static int names_measure(const struct cursor *at, size_t *ret_bytes)
{
	size_t count = json_array_size(at->node), bytes = 0;

	if (!json_is_array(at->node))
		return cursor_error(at, "expected an array of names");
	if (count > CLAUSE_NAMES_MAX)
		return cursor_error(at, "%zu names: more than %d", count, CLAUSE_NAMES_MAX);
	for (size_t i = 0; i < count; i++) {
		const json_t *node = json_array_get(at->node, i);
		const char *text = json_string_value(node);

		if (!text || !grammar_syscall_name(text)) {
			struct cursor element = cursor_element(at, i);

			return cursor_error(&element,
				"expected the name of a system call: small letters, digits and _");
		}
		bytes += json_string_length(node) + 1;
	}
	*ret_bytes = bytes;
	return 0;
}

int clause_names_read(const struct cursor *at, const struct field *field, void *into)
{
	struct syscall_clause *clause = into;
	size_t count = json_array_size(at->node), bytes = 0;
	const char **names;
	char *texts;
	int r = names_measure(at, &bytes);

	(void)field;
	if (r)
		return r;
	names = arena_zeroed(at->reading->arena, count + 1, sizeof(*names));
	texts = arena_zeroed(at->reading->arena, bytes + 1, 1);
	if (!names || !texts)
		return cursor_memory(at);
	for (size_t i = 0; i < count; i++) {
		const json_t *node = json_array_get(at->node, i);
		size_t size = json_string_length(node) + 1;

		memcpy(texts, json_string_value(node), size);
		names[i] = texts;
		texts += size;
	}
	clause->names = names;
	clause->name_count = count;
	return 0;
}

/* ---- lifting what was inherited ---- */

bool clause_permits(const struct syscall_clause *clause)
{
	return clause->action == ACTION_ALLOW || clause->action == ACTION_LOG ||
	       clause->rule.enforce == ENFORCE_AUDIT;
}

static bool clause_has(const struct syscall_clause *clause, const char *name)
{
	for (size_t i = 0; i < clause->name_count; i++)
		if (strcmp(clause->names[i], name) == 0)
			return true;
	return false;
}

/* The last inherited clause that denies name, unless one after it permits the call whatever its
 * arguments. */
static const struct syscall_clause *inherited_denial(
	const struct reading *reading, const char *name)
{
	const struct syscall_clause *clauses = reading->profile->syscalls.clauses;

	for (size_t i = reading->inherited_clauses; i > 0; i--) {
		if (!clause_has(&clauses[i - 1], name))
			continue;
		if (!clause_permits(&clauses[i - 1]))
			return &clauses[i - 1];
		if (!clauses[i - 1].argument_count)
			return NULL;
	}
	return NULL;
}

int clause_check(const struct cursor *at, const struct syscall_clause *clause)
{
	const struct reading *reading = at->reading;

	if (!clause_permits(clause) || clause->reason || !reading->inherited_clauses)
		return 0;
	for (size_t i = 0; i < clause->name_count; i++) {
		const struct syscall_clause *denial = inherited_denial(reading, clause->names[i]);
		char place[512];
		int r;

		if (!denial)
			continue;
		r = cursor_error(at, "%s lifts an inherited denial", clause->names[i]);
		err_hint(reading->err,
			"denied at %s; if it is meant, write a rule with \"override\": \"the "
			"reason\"",
			origin_format(&denial->rule.origin, place, sizeof(place)));
		return r;
	}
	return 0;
}

int clause_add(const struct cursor *at, const struct syscall_clause *clause)
{
	struct syscalls_section *syscalls = &at->reading->profile->syscalls;
	struct syscall_clause checked = *clause, *added;
	int r;

	checked.group = at->reading->group;
	if (!checked.reason)
		checked.reason = at->reading->override;
	r = clause_check(at, &checked);
	if (r)
		return r;
	if (!checked.name_count)
		return 0;
	if (syscalls->clause_count >= CLAUSES_MAX)
		return cursor_error(at, "more than %d clauses", CLAUSES_MAX);
	added = ARENA_APPEND(at->reading->arena, syscalls->clauses, syscalls->clause_count);
	if (!added)
		return cursor_memory(at);
	*added = checked;
	return 0;
}

/* ---- the members of "rules" ---- */

static int errno_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *text = NULL;
	int r = cursor_text(at, &text);

	(void)field;
	if (!r)
		r = clause_errno(at, text, into);
	return r;
}

int clause_errno(const struct cursor *at, const char *name, uint16_t *ret)
{
	static const char *const usual[] = {"EPERM", "ENOSYS", "EACCES", "EINVAL", "ENOENT",
		"ENOTTY", "EAFNOSUPPORT", "ENOPROTOOPT"};
	uint16_t number = grammar_errno(name);

	if (!number)
		return cursor_unknown(at, "errno", name, usual, ARRAY_SIZE(usual));
	*ret = number;
	return 0;
}

int clause_read(const struct cursor *at, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		{.name = "names", .read = clause_names_read, .mandatory = true},
		FIELD("action", cursor_word, struct syscall_clause, action,
			.words = syscall_action_names, .maximum = ACTION_COUNT, .mandatory = true),
		FIELD("errno", errno_read, struct syscall_clause, error, ),
		{.name = "args", .read = arguments_read},
		FIELD("override", cursor_reason, struct syscall_clause, reason, ),
	};
	struct syscall_clause clause = {0};
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), &clause);

	(void)into;
	if (!r)
		r = cursor_rule(at, &clause.rule);
	if (r)
		return r;
	if (!clause.name_count)
		return cursor_error(at, "a rule for no system call");
	if (clause.error && clause.action != ACTION_ERRNO)
		return cursor_error(at, "\"errno\" goes with \"action\": \"errno\"");
	if (clause.action == ACTION_ERRNO && !clause.error)
		clause.error = EPERM;
	return clause_add(at, &clause);
}

int profile_add_clause(struct profile *profile, struct arena *arena,
	const struct syscall_clause *clause, struct err *reterr)
{
	struct syscalls_section *syscalls = &profile->syscalls;
	struct syscall_clause *added = NULL;

	if (syscalls->clause_count < CLAUSES_MAX)
		added = ARENA_APPEND(arena, syscalls->clauses, syscalls->clause_count);
	else
		return err_set(
			reterr, -E2BIG, NULL, "more than %d clauses of system calls", CLAUSES_MAX);
	if (!added)
		return err_no_memory(reterr);
	*added = *clause;
	syscalls->unconfined = false;
	syscalls->rule.set = true;
	return 0;
}
