/* The system call filter's face: compile, explain, apply. See seccomp.h; the work is in
 * seccomp_policy.c and seccomp_generate.c. */
#include "isolation/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "isolation/seccomp_generate.h"
#include "isolation/seccomp_policy.h"
#include "isolation/syscall_table.h"
#include "profile/frozen.h"
#include "profile/receipt.h"
#include "util/arena.h"
#include "util/mutant.h"
#include "util/number.h"
#include "util/report.h"

static const char *const action_words[] = {[ACTION_ALLOW] = "allow",
	[ACTION_ERRNO] = "errno",
	[ACTION_KILL] = "kill",
	[ACTION_TRAP] = "trap",
	[ACTION_LOG] = "log"};
_Static_assert(
	sizeof(action_words) / sizeof(action_words[0]) == ACTION_COUNT, "each action has a word");

static const char *const comparison_words[] = {[COMPARE_IN] = "of",
	[COMPARE_NOT_IN] = "other than",
	[COMPARE_LESS] = "below",
	[COMPARE_LESS_EQUAL] = "at most",
	[COMPARE_GREATER] = "above",
	[COMPARE_GREATER_EQUAL] = "at least"};
_Static_assert(sizeof(comparison_words) / sizeof(comparison_words[0]) == COMPARE_COUNT,
	"each comparison has words");

/* Text that grows to the end of a buffer and there stops. */
struct writer {
	char *buffer;
	size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *out, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(out->buffer + out->used, out->size - out->used, format, arguments);
	va_end(arguments);
	if (length > 0)
		out->used += (size_t)length < out->size - out->used ? (size_t)length
								    : out->size - out->used - 1;
}

static void put_action(struct writer *out, enum syscall_action action, uint16_t error)
{
	const char *name = number_error(error);

	put(out, "%s", action_words[action]);
	if (action == ACTION_ERRNO && name)
		put(out, " %s", name);
	else if (action == ACTION_ERRNO)
		put(out, " %u", error);
}

static void put_argument(struct writer *out, const struct syscall_argument *argument)
{
	put(out, ", argument %u", argument->index);
	if (argument->mask != UINT64_MAX &&
		!(argument->width == 32 && argument->mask == UINT32_MAX))
		put(out, " & 0x%llx", (unsigned long long)argument->mask);
	put(out, " %s", comparison_words[argument->comparison]);
	for (size_t i = 0; i < argument->value_count; i++)
		put(out, argument->values[i] < 10 ? " %llu" : " 0x%llx",
			(unsigned long long)argument->values[i]);
}

char *seccomp_clause_text(const struct syscall_clause *clause, char *buffer, size_t size)
{
	struct writer out = {buffer, size, 0};

	for (size_t i = 0; i < clause->name_count; i++)
		put(&out, "%s%s", i ? " " : "", clause->names[i]);
	for (size_t i = 0; i < clause->argument_count; i++)
		put_argument(&out, &clause->arguments[i]);
	put(&out, ": ");
	put_action(&out, clause->action, clause->error);
	return buffer;
}

static int fail(struct err *reterr, int code, const struct rule *rule, const char *message)
{
	char where[sizeof(reterr->where)];

	return err_set(
		reterr, code, origin_format(&rule->origin, where, sizeof(where)), "%s", message);
}

/* One row for the section, and one for each clause of the profile's own that asks for something
 * else than to be simply enforced. */
static int add_receipt(const struct profile *profile, const struct host *host,
	const struct seccomp_plan *plan, struct receipt *receipt, struct err *reterr)
{
	const struct syscalls_section *section = &profile->syscalls;
	struct receipt_row row = {.rule = &section->rule, .layer = "seccomp"};
	char text[256];
	int r;

	if (host->seccomp) {
		row.outcome = OUTCOME_ENFORCED;
		row.reason = section->rule.enforce == ENFORCE_AUDIT
				     ? "denied calls are logged and allowed"
				     : NULL;
		row.asked = arena_format(
			receipt->arena, "system call filter, %u calls allowed", plan->allowed);
	} else {
		row.outcome = OUTCOME_NOT_ENFORCED;
		row.layer = NULL;
		row.asked = "system call filter";
		row.reason = "no seccomp filter can be loaded here: the kernel lacks it, or an "
			     "outer sandbox refuses it";
	}
	if (!row.asked)
		return err_no_memory(reterr);
	r = receipt_add(receipt, &row, reterr);
	for (size_t i = 0; r >= 0 && host->seccomp && i < section->clause_count; i++) {
		const struct syscall_clause *clause = &section->clauses[i];

		if (clause->rule.enforce != ENFORCE_AUDIT)
			continue;
		row = (struct receipt_row){
			.rule = &clause->rule, .layer = "seccomp", .reason = "logged and allowed"};
		row.asked =
			arena_copy(receipt->arena, seccomp_clause_text(clause, text, sizeof(text)));
		r = row.asked ? receipt_add(receipt, &row, reterr) : err_no_memory(reterr);
	}
	return r;
}

/* Foreign architectures are killed (a section in audit: logged), or, with that guard taken out,
 * treated as an unnamed call is. */
static const struct seccomp_node *foreign_decision(struct seccomp_decisions *decisions)
{
	const struct syscalls_section *section = decisions->section;

	if (mutant(MUTANT_NO_BAD_ARCHITECTURE))
		return seccomp_final(
			decisions, seccomp_return_value(section, section->default_action,
					   section->default_error, false));
	return seccomp_final(decisions, seccomp_return_value(section, ACTION_KILL, 0, false));
}

static int compile(const struct syscalls_section *section, uint32_t architecture, bool nested_user,
	struct arena *arena, struct receipt *receipt, struct seccomp_plan *ret, struct err *reterr)
{
	struct seccomp_decisions decisions = {.section = section, .arena = arena};
	const struct seccomp_node *foreign = foreign_decision(&decisions);
	struct seccomp_abi abis[2];
	unsigned ignored;
	size_t count = 1;
	int r;

	if (!foreign)
		return err_no_memory(reterr);
	if (section->default_action == ACTION_ERRNO && section->default_error > 4095)
		return fail(reterr, -ERANGE, &section->rule,
			"default: an errno up to 4095 was expected");
	r = seccomp_decide(
		&decisions, architecture, nested_user, receipt, &abis[0], &ret->allowed, reterr);
	if (r >= 0 && section->foreign_i386 && architecture == AUDIT_ARCH_X86_64)
		r = seccomp_decide(&decisions, AUDIT_ARCH_I386, nested_user, NULL, &abis[count++],
			&ignored, reterr);
	if (r < 0)
		return r;
	r = seccomp_generate(
		abis, count, foreign, decisions.node_count, arena, &ret->filter, &ret->length);
	if (r == -E2BIG)
		return fail(reterr, r, &section->rule,
			"the policy needs more than the 4096 instructions that a filter may have");
	return r < 0 ? err_no_memory(reterr) : 0;
}

/* What the tests take a guard out of must be compiled anew: what is frozen has them all. */
#ifdef IMMURE_MUTANTS
#define USE_FROZEN false
#else
#define USE_FROZEN true
#endif

static void take_frozen(const struct frozen_filter *frozen, struct seccomp_plan *plan)
{
	plan->filter = (struct sock_filter *)frozen->code; /* only ever read */
	plan->length = frozen->length;
	plan->allowed = frozen->allowed;
}

static int compile_profile(uint32_t architecture, const struct frozen_filter *frozen,
	const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct seccomp_plan *ret, struct err *reterr)
{
	struct seccomp_plan plan = {.profile = profile};
	int r = 0;

	if (profile->syscalls.unconfined) {
		*ret = plan;
		return 0;
	}
	if (frozen)
		take_frozen(frozen, &plan);
	else
		r = compile(&profile->syscalls, architecture, profile->namespaces.nested_user,
			arena, receipt, &plan, reterr);
	if (r >= 0)
		r = add_receipt(profile, host, &plan, receipt, reterr);
	if (r < 0)
		return r;
	if (!host->seccomp) /* accepted, since the rule is best-effort or audit: else the receipt
			       refused */
		plan = (struct seccomp_plan){.profile = profile};
	*ret = plan;
	return 0;
}

int seccomp_compile_for(uint32_t architecture, const struct profile *profile,
	const struct host *host, struct arena *arena, struct receipt *receipt,
	struct seccomp_plan *ret, struct err *reterr)
{
	return compile_profile(architecture, NULL, profile, host, arena, receipt, ret, reterr);
}

int seccomp_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct seccomp_plan *ret, struct err *reterr)
{
	return compile_profile(syscall_native_architecture(),
		USE_FROZEN ? frozen_find_filter(profile) : NULL, profile, host, arena, receipt, ret,
		reterr);
}

int seccomp_compile_init_for(
	uint32_t architecture, struct arena *arena, struct seccomp_plan *ret, struct err *reterr)
{
	static const char *const names[] = {"clock_gettime", "exit_group", "kill", "madvise",
		"restart_syscall", "rt_sigtimedwait", "wait4", "write"};
	struct syscall_clause clause = {
		.names = names, .name_count = sizeof(names) / sizeof(names[0])};
	struct syscalls_section section = {
		.default_action = ACTION_KILL, .clauses = &clause, .clause_count = 1};
	struct seccomp_plan plan = {0};
	int r = compile(&section, architecture, false, arena, NULL, &plan, reterr);

	if (r >= 0)
		*ret = plan;
	return r;
}

int seccomp_compile_init(struct arena *arena, struct seccomp_plan *ret, struct err *reterr)
{
	struct seccomp_plan plan = {0};

	if (!USE_FROZEN || !&frozen_init_filter)
		return seccomp_compile_init_for(syscall_native_architecture(), arena, ret, reterr);
	take_frozen(&frozen_init_filter, &plan);
	*ret = plan;
	return 0;
}

static void explain_clauses(const struct syscalls_section *section, struct report *out)
{
	char text[1024], place[512];

	for (size_t i = 0; i < section->clause_count; i++) {
		const struct syscall_clause *clause = &section->clauses[i];

		if (!clause->argument_count && clause->group && clause->action != ACTION_KILL)
			continue; /* counted in the first row; `profile show` lists them */
		report_row(out, origin_format(&clause->rule.origin, place, sizeof(place)),
			"system call rule", "%s%s", seccomp_clause_text(clause, text, sizeof(text)),
			clause->rule.enforce == ENFORCE_AUDIT ? " (audit: logged, not enforced)"
							      : "");
	}
}

void seccomp_explain(const struct seccomp_plan *plan, struct report *out)
{
	const struct syscalls_section *section = plan->profile ? &plan->profile->syscalls : NULL;
	char text[64], place[512];
	struct writer otherwise = {text, sizeof(text), 0};

	if (!plan->filter) {
		report_row(out, NULL, "system calls", "no filter");
		return;
	}
	if (!section) {
		report_row(out, NULL, "system calls",
			"%u allowed, all others kill (%u instructions)", plan->allowed,
			plan->length);
		return;
	}
	put_action(&otherwise, section->default_action, section->default_error);
	report_row(out, origin_format(&section->rule.origin, place, sizeof(place)), "system calls",
		"%u allowed, calls that no rule names: %s; foreign ABIs: kill%s; %u instructions%s",
		plan->allowed, text, section->foreign_i386 ? " (i386 passes the same rules)" : "",
		plan->length,
		section->rule.enforce == ENFORCE_AUDIT
			? " (audit: denials are logged, not enforced)"
			: "");
	explain_clauses(section, out);
}

int seccomp_apply(const struct seccomp_plan *plan, struct child *child, uint16_t *reterr_item)
{
	struct sock_fprog program = {.len = plan->length, .filter = plan->filter};

	(void)child;
	(void)reterr_item;
	if (!plan->filter || mutant(MUTANT_NO_SECCOMP))
		return 0;
	/* A launch has one thread here (clone3 without CLONE_VM made this process), so TSYNC has
	 * nothing to do (T-SEC-20). */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, plan->flags, &program) < 0 ? -errno
											: 0;
}
