/*
 * What the policy says of one call, read off the clauses as their definition reads: the last that
 * names the call and whose conditions hold decides. It shares no step with the compiler of filters
 * (seccomp_policy.c, seccomp_generate.c) but the tables of names, so that either can be tested
 * against the other.
 */
#include <errno.h>
#include <linux/audit.h>
#include <stdio.h>
#include <string.h>

#include "isolation/seccomp.h"
#include "isolation/seccomp_foreign.h"
#include "isolation/seccomp_policy.h"
#include "isolation/syscall_table.h"
#include "util/number.h"

static bool condition_holds(const struct syscall_argument *argument, const uint64_t *arguments)
{
	uint64_t value = arguments[argument->index] & argument->mask;
	bool listed = false;

	if (argument->width == 32)
		value &= UINT32_MAX;
	for (size_t i = 0; i < argument->value_count; i++)
		listed = listed || argument->values[i] == value;
	switch (argument->comparison) {
	case COMPARE_IN: return listed;
	case COMPARE_NOT_IN: return !listed;
	case COMPARE_LESS: return value < argument->values[0];
	case COMPARE_LESS_EQUAL: return value <= argument->values[0];
	case COMPARE_GREATER: return value > argument->values[0];
	case COMPARE_GREATER_EQUAL: return value >= argument->values[0];
	default: return false;
	}
}

static bool denies(const struct syscall_clause *clause)
{
	return clause->action != ACTION_ALLOW && clause->action != ACTION_LOG;
}

static bool conditions_hold(const struct syscall_clause *clause, const uint64_t *arguments)
{
	if (!arguments)
		return !clause->argument_count || denies(clause);
	for (size_t i = 0; i < clause->argument_count; i++)
		if (!condition_holds(&clause->arguments[i], arguments))
			return false;
	return true;
}

static bool names(const struct syscall_clause *clause, const char *name)
{
	for (size_t i = 0; i < clause->name_count; i++)
		if (clause->names[i][0] == name[0] && strcmp(clause->names[i], name) == 0)
			return true;
	return false;
}

/* Does the clause decide on the call `name`, of which on i386 `form` tells whose other form it is
 * (NULL: of none)? */
static bool matches(const struct syscall_clause *clause, const char *name,
	const struct foreign_form *form, const uint64_t *arguments)
{
	if (names(clause, name) && conditions_hold(clause, arguments))
		return true;
	if (!form || !names(clause, form->name))
		return false;
	if (clause->argument_count && form->arguments == FOREIGN_APART)
		return false;
	if (clause->argument_count && form->arguments == FOREIGN_OTHER)
		return denies(clause);
	return conditions_hold(clause, arguments);
}

static const struct foreign_form *form_of(uint32_t architecture, const char *name)
{
	if (architecture == AUDIT_ARCH_I386)
		for (size_t i = 0; i < foreign_form_count; i++)
			if (strcmp(foreign_forms[i].form, name) == 0)
				return &foreign_forms[i];
	return NULL;
}

static bool is_foreign(
	const struct profile *profile, uint32_t native, uint32_t architecture, int number)
{
	if (architecture == AUDIT_ARCH_X86_64 && native == architecture)
		return (uint32_t)number >= SECCOMP_X32_FIRST && (uint32_t)number < SECCOMP_X32_END;
	return architecture != native &&
	       !(profile->syscalls.foreign_i386 && native == AUDIT_ARCH_X86_64 &&
		       architecture == AUDIT_ARCH_I386);
}

static bool is_refused_pointer_call(
	const struct syscalls_section *section, uint32_t architecture, const char *name)
{
	if (architecture != AUDIT_ARCH_I386)
		return false;
	for (size_t i = 0; i < foreign_pointer_call_count; i++)
		if (strcmp(name, foreign_pointer_calls[i]) == 0)
			return foreign_is_refused(section, name);
	return false;
}

static struct seccomp_verdict decide(const struct profile *profile, uint32_t native,
	uint32_t architecture, int number, const uint64_t *arguments)
{
	const struct syscalls_section *section = &profile->syscalls;
	struct seccomp_verdict otherwise = {
		section->default_action, section->default_error, DECIDED_BY_DEFAULT, NULL};
	size_t nested =
		profile->namespaces.nested_user ? seccomp_nested_position(section) : SIZE_MAX;
	const struct foreign_form *form;
	const char *name;

	if (is_foreign(profile, native, architecture, number))
		return (struct seccomp_verdict){ACTION_KILL, 0, DECIDED_BY_ARCHITECTURE, NULL};
	name = syscall_name(architecture, number);
	if (!name)
		return otherwise;
	if (is_refused_pointer_call(section, architecture, name))
		return (struct seccomp_verdict){ACTION_ERRNO, ENOSYS, DECIDED_BY_POINTER, NULL};
	form = form_of(architecture, name);
	for (size_t i = section->clause_count;; i--) {
		if (i < section->clause_count &&
			matches(&section->clauses[i], name, form, arguments))
			return (struct seccomp_verdict){section->clauses[i].action,
				section->clauses[i].error, DECIDED_BY_CLAUSE, &section->clauses[i]};
		if (i == nested && matches(&seccomp_nested_clause, name, form, arguments))
			return (struct seccomp_verdict){
				ACTION_ALLOW, 0, DECIDED_BY_NESTED_USER, NULL};
		if (!i)
			return otherwise;
	}
}

void seccomp_verdict(const struct profile *profile, uint32_t native, uint32_t architecture,
	int number, const uint64_t *arguments, struct seccomp_verdict *ret)
{
	struct seccomp_verdict verdict = decide(profile, native, architecture, number, arguments);
	bool audit = profile->syscalls.rule.enforce == ENFORCE_AUDIT ||
		     (verdict.clause && verdict.clause->rule.enforce == ENFORCE_AUDIT);

	if (audit && verdict.action != ACTION_ALLOW)
		verdict.action = ACTION_LOG;
	if (verdict.action != ACTION_ERRNO)
		verdict.error = 0;
	*ret = verdict;
}

static const char *action_text(
	enum syscall_action action, uint16_t error, char *buffer, size_t size)
{
	static const char *const words[ACTION_COUNT] = {[ACTION_ALLOW] = "allowed",
		[ACTION_ERRNO] = "denied",
		[ACTION_KILL] = "denied (the process is killed)",
		[ACTION_TRAP] = "denied (SIGSYS)",
		[ACTION_LOG] = "allowed and logged"};
	const char *name = number_error(error);

	if (action != ACTION_ERRNO)
		(void)snprintf(buffer, size, "%s", words[action]);
	else if (name)
		(void)snprintf(buffer, size, "denied (%s)", name);
	else
		(void)snprintf(buffer, size, "denied (errno %u)", error);
	return buffer;
}

char *seccomp_explain_call(const struct profile *profile, uint32_t architecture, int number,
	const uint64_t *arguments, char *buffer, size_t size)
{
	static const char *const deciders[DECIDED_BY_COUNT] = {
		[DECIDED_BY_DEFAULT] = "the policy's default: no clause decides on it",
		[DECIDED_BY_ARCHITECTURE] =
			"its architecture: only native calls pass (\"architectures\")",
		[DECIDED_BY_POINTER] =
			"its form: the arguments, which clauses look at, lie behind a pointer",
		[DECIDED_BY_NESTED_USER] = "\"nested_user\" of the namespaces"};
	const char *name = syscall_name(architecture, number);
	char place[512], action[64], call[32];
	struct seccomp_verdict verdict;

	seccomp_verdict(
		profile, syscall_native_architecture(), architecture, number, arguments, &verdict);
	if (name)
		(void)snprintf(call, sizeof(call), "%s", name);
	else
		(void)snprintf(call, sizeof(call), "system call %d", number);
	(void)action_text(verdict.action, verdict.error, action, sizeof(action));
	if (!verdict.clause) {
		(void)snprintf(
			buffer, size, "%s is %s by %s", call, action, deciders[verdict.decider]);
		return buffer;
	}
	(void)origin_format(&verdict.clause->rule.origin, place, sizeof(place));
	(void)snprintf(buffer, size, "%s is %s by %s%s%s", call, action,
		verdict.clause->group ? verdict.clause->group : "",
		verdict.clause->group ? ", " : "", place);
	return buffer;
}
