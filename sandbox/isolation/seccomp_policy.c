/*
 * See seccomp_policy.h.
 *
 * The last matching clause decides, so the clauses are walked in order and each is put in front of
 * what its calls had: a clause with no condition replaces it, one with conditions is tested first
 * and falls through to it. Clauses that always or never match are found out here, so that the
 * generator writes no instruction that nothing reaches.
 */
#include "isolation/seccomp_policy.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>

#include "isolation/seccomp_foreign.h"
#include "isolation/syscall_table.h"
#include "profile/receipt.h"
#include "util/arena.h"
#include "util/mutant.h"

#define NUMBERS 1024 /* the architectures we compile for number their calls below 512 */

struct builder {
	struct seccomp_decisions *decisions;
	uint32_t architecture;
	struct receipt *receipt;
	struct err *reterr;
	const struct seccomp_node *table[NUMBERS];
	const struct seccomp_node *ordinary; /* of a number that no clause names */
	struct seccomp_node *latest; /* the newest node of the clause at hand: calls that agreed so
					far go on sharing */
	const struct syscall_argument *arguments; /* of the clause at hand; the mutant's own where
						     it takes the guard out */
	enum seccomp_constant holds; /* the clause at hand: its conditions, all together */
	int16_t form[NUMBERS]; /* i386: index + 1 into foreign_forms for the form of this number */
};

static const char *const nested_names[] = {"clone", "unshare", "setns"};
const struct syscall_clause seccomp_nested_clause = {
	.names = nested_names, .name_count = 3, .action = ACTION_ALLOW};

size_t seccomp_nested_position(const struct syscalls_section *section)
{
	size_t position = section->clause_count;

	while (position && !section->clauses[position - 1].group)
		position--;
	return position;
}

uint32_t seccomp_return_value(const struct syscalls_section *section, enum syscall_action action,
	uint16_t error, bool audit)
{
	bool denies = action != ACTION_ALLOW && action != ACTION_LOG;

	if (denies && (audit || section->rule.enforce == ENFORCE_AUDIT))
		return SECCOMP_RET_LOG;
	switch (action) {
	case ACTION_ALLOW: return SECCOMP_RET_ALLOW;
	case ACTION_LOG: return SECCOMP_RET_LOG;
	case ACTION_TRAP: return SECCOMP_RET_TRAP;
	case ACTION_ERRNO: return SECCOMP_RET_ERRNO | error;
	default: return SECCOMP_RET_KILL_PROCESS;
	}
}

static struct seccomp_node *new_node(struct seccomp_decisions *decisions, uint32_t returns)
{
	struct seccomp_node *node = arena_zeroed(decisions->arena, 1, sizeof(*node));

	if (!node)
		return NULL;
	node->index = decisions->node_count++;
	node->returns = returns;
	node->allows = returns == SECCOMP_RET_ALLOW || returns == SECCOMP_RET_LOG;
	return node;
}

const struct seccomp_node *seccomp_final(struct seccomp_decisions *decisions, uint32_t value)
{
	struct seccomp_node **place, *node;

	for (size_t i = 0; i < decisions->final_count; i++)
		if (decisions->finals[i]->returns == value)
			return decisions->finals[i];
	node = new_node(decisions, value);
	if (!node)
		return NULL;
	place = ARENA_APPEND(decisions->arena, decisions->finals, decisions->final_count);
	if (!place)
		return NULL;
	node->final = node;
	*place = node;
	return node;
}

static int fail(const struct builder *b, int code, const struct rule *rule, const char *message)
{
	char where[sizeof(b->reterr->where)];

	return err_set(
		b->reterr, code, origin_format(&rule->origin, where, sizeof(where)), "%s", message);
}

static int check_clause(const struct builder *b, const struct syscall_clause *clause)
{
	if (clause->action == ACTION_ERRNO && clause->error > 4095)
		return fail(b, -ERANGE, &clause->rule, "errno: a number up to 4095 was expected");
	for (size_t i = 0; i < clause->argument_count; i++) {
		const struct syscall_argument *argument = &clause->arguments[i];
		bool list = argument->comparison == COMPARE_IN ||
			    argument->comparison == COMPARE_NOT_IN;

		if (argument->index > 5 || (argument->width != 32 && argument->width != 64) ||
			argument->comparison >= COMPARE_COUNT ||
			(!list && argument->value_count != 1))
			return fail(b, -EINVAL, &clause->rule, "no such condition on an argument");
	}
	return 0;
}

/* Puts the clause in front of what `number` has. */
static int decide(struct builder *b, int number, const struct syscall_clause *clause,
	const struct seccomp_node *final, enum seccomp_constant holds)
{
	const struct seccomp_node *before;

	if (number >= NUMBERS)
		return fail(b, -ENOTSUP, &clause->rule,
			"a system call number this large is not supported");
	if (holds == SECCOMP_NEVER)
		return 0;
	if (holds == SECCOMP_ALWAYS) {
		b->table[number] = final;
		return 0;
	}
	before = b->table[number];
	if (before == final)
		return 0; /* the same whether it matches or not */
	if (!b->latest || b->latest->next != before) {
		if (before->depth >= SECCOMP_MAXIMUM_CHAIN)
			return fail(b, -E2BIG, &clause->rule,
				"more conditional clauses for one system call than are supported");
		b->latest = new_node(b->decisions, final->returns);
		if (!b->latest)
			return err_no_memory(b->reterr);
		b->latest->arguments = b->arguments;
		b->latest->argument_count = clause->argument_count;
		b->latest->next = before;
		b->latest->final = final;
		b->latest->depth = (unsigned short)(before->depth + 1);
		b->latest->allows = final->allows || before->allows;
	}
	b->table[number] = b->latest;
	return 0;
}

/* The other i386 form of the call, if it has one; a call may have only that. */
static int decide_form(struct builder *b, const char *name, int number,
	const struct syscall_clause *clause, const struct seccomp_node *final)
{
	bool permits = clause->action == ACTION_ALLOW || clause->action == ACTION_LOG;
	const struct foreign_form *form = NULL;
	enum seccomp_constant holds = b->holds;

	if (number >= 0 && number < NUMBERS && b->form[number])
		form = &foreign_forms[b->form[number] - 1];
	for (size_t i = 0; number < 0 && !form && i < foreign_form_count; i++)
		if (strcmp(foreign_forms[i].name, name) == 0)
			form = &foreign_forms[i];
	if (!form)
		return 0;
	if (clause->argument_count && form->arguments != FOREIGN_SAME)
		holds = form->arguments == FOREIGN_APART || permits ? SECCOMP_NEVER
								    : SECCOMP_ALWAYS;
	return decide(b, syscall_number(AUDIT_ARCH_I386, form->form), clause, final, holds);
}

/* A name that nobody knows: a slip of the pen in a required clause, a row of the receipt in any
 * other. */
static int judge_unknown(
	const struct builder *b, const struct syscall_clause *clause, const char *name)
{
	const char *nearest = syscall_nearest(name);
	struct receipt_row row = {.rule = &clause->rule,
		.outcome = OUTCOME_NOT_ENFORCED,
		.reason = "no such system call is known"};
	char where[sizeof(b->reterr->where)];
	int r;

	if (clause->rule.enforce == ENFORCE_REQUIRED) {
		r = err_set(b->reterr, -EINVAL,
			origin_format(&clause->rule.origin, where, sizeof(where)),
			"%s: no such system call is known", name);
		if (nearest)
			err_hint(b->reterr, "did you mean \"%s\"?", nearest);
		return r;
	}
	if (!b->receipt)
		return 0;
	row.asked = arena_format(b->receipt->arena, "system call %s", name);
	return row.asked ? receipt_add(b->receipt, &row, b->reterr) : err_no_memory(b->reterr);
}

/* COMPARE_64: the guard of T-SEC-10 taken out. */
static const struct syscall_argument *arguments_of(
	struct builder *b, const struct syscall_clause *clause)
{
	struct syscall_argument *wide;

	if (!mutant(MUTANT_COMPARE_64) || !clause->argument_count)
		return clause->arguments;
	wide = arena_zeroed(b->decisions->arena, clause->argument_count, sizeof(*wide));
	if (!wide)
		return NULL;
	memcpy(wide, clause->arguments, clause->argument_count * sizeof(*wide));
	for (size_t i = 0; i < clause->argument_count; i++)
		wide[i].width = 64;
	return wide;
}

static enum seccomp_constant all_hold(const struct builder *b, const struct syscall_clause *clause)
{
	enum seccomp_constant all = SECCOMP_ALWAYS;

	for (size_t i = 0; i < clause->argument_count; i++) {
		enum seccomp_constant one = seccomp_constant(&b->arguments[i]);

		if (one == SECCOMP_NEVER)
			return one;
		if (one == SECCOMP_VARIES)
			all = one;
	}
	return all;
}

static int apply_clause(struct builder *b, const struct syscall_clause *clause)
{
	uint32_t value = seccomp_return_value(b->decisions->section, clause->action, clause->error,
		clause->rule.enforce == ENFORCE_AUDIT);
	const struct seccomp_node *final;
	int r = check_clause(b, clause);

	if (r < 0)
		return r;
	final = seccomp_final(b->decisions, value);
	b->arguments = arguments_of(b, clause);
	b->latest = NULL;
	if (!final || (clause->argument_count && !b->arguments))
		return err_no_memory(b->reterr);
	b->holds = all_hold(b, clause);
	for (size_t i = 0; r >= 0 && i < clause->name_count; i++) {
		int number = syscall_number(b->architecture, clause->names[i]);

		if (number == SYSCALL_UNKNOWN)
			r = judge_unknown(b, clause, clause->names[i]);
		else if (number != SYSCALL_ABSENT)
			r = decide(b, number, clause, final, b->holds);
		if (r >= 0 && b->architecture == AUDIT_ARCH_I386)
			r = decide_form(b, clause->names[i], number, clause, final);
	}
	return r;
}

/* Guards that the tests take out: each allows what a guard denies, whatever the clauses said. */
static int apply_mutants(struct builder *b)
{
	static const char *const rings[] = {"io_uring_setup", "io_uring_enter",
		"io_uring_register"},
				 *const clone3[] = {"clone3"};
	static const struct syscall_clause ring_clause = {.names = rings, .name_count = 3},
					   clone3_clause = {.names = clone3, .name_count = 1};
	int r = 0;

	if (mutant(MUTANT_CLONE3_ALLOWED))
		r = apply_clause(b, &clone3_clause);
	if (r >= 0 && mutant(MUTANT_IO_URING_ALLOWED))
		r = apply_clause(b, &ring_clause);
	if (r >= 0 && mutant(MUTANT_NESTED_USER_NAMESPACES))
		r = apply_clause(b, &seccomp_nested_clause);
	return r;
}

static void find_forms(struct builder *b)
{
	if (b->architecture != AUDIT_ARCH_I386)
		return;
	for (size_t i = 0; i < foreign_form_count; i++) {
		int number = syscall_number(AUDIT_ARCH_I386, foreign_forms[i].name);

		if (number >= 0)
			b->form[number] = (int16_t)(i + 1);
	}
}

static int refuse_pointer_calls(struct builder *b)
{
	const struct seccomp_node *refused;

	if (b->architecture != AUDIT_ARCH_I386)
		return 0;
	refused = seccomp_final(b->decisions,
		seccomp_return_value(b->decisions->section, ACTION_ERRNO, ENOSYS, false));
	if (!refused)
		return err_no_memory(b->reterr);
	for (size_t i = 0; i < foreign_pointer_call_count; i++)
		if (foreign_is_refused(b->decisions->section, foreign_pointer_calls[i]))
			b->table[syscall_number(AUDIT_ARCH_I386, foreign_pointer_calls[i])] =
				refused;
	return 0;
}

static int make_ranges(const struct builder *b, struct seccomp_abi *ret, unsigned *ret_allowed)
{
	const struct seccomp_node *gate = seccomp_final(
		b->decisions, seccomp_return_value(b->decisions->section, ACTION_KILL, 0, false));
	struct seccomp_range *range =
		arena_zeroed(b->decisions->arena, NUMBERS + 3, sizeof(*range));
	size_t count = 0;

	if (!gate || !range)
		return err_no_memory(b->reterr);
	*ret_allowed = 0;
	for (uint32_t number = 0; number < NUMBERS; number++) {
		*ret_allowed += b->table[number]->allows;
		if (!number || b->table[number] != range[count - 1].node)
			range[count++] = (struct seccomp_range){number, b->table[number]};
	}
	if (range[count - 1].node != b->ordinary)
		range[count++] = (struct seccomp_range){NUMBERS, b->ordinary};
	if (b->architecture == AUDIT_ARCH_X86_64 && gate != b->ordinary &&
		!mutant(MUTANT_NO_BAD_ARCHITECTURE)) {
		range[count++] = (struct seccomp_range){SECCOMP_X32_FIRST, gate};
		range[count++] = (struct seccomp_range){SECCOMP_X32_END, b->ordinary};
	}
	*ret = (struct seccomp_abi){b->architecture, range, count};
	return 0;
}

int seccomp_decide(struct seccomp_decisions *decisions, uint32_t architecture, bool nested_user,
	struct receipt *receipt, struct seccomp_abi *ret, unsigned *ret_allowed, struct err *reterr)
{
	const struct syscalls_section *section = decisions->section;
	size_t nested = nested_user ? seccomp_nested_position(section) : SIZE_MAX;
	uint16_t error = mutant(MUTANT_DEFAULT_EPERM) ? EPERM : section->default_error;
	struct builder b = {.decisions = decisions,
		.architecture = architecture,
		.receipt = receipt,
		.reterr = reterr};
	int r = 0;

	b.ordinary = seccomp_final(
		decisions, seccomp_return_value(section, section->default_action, error, false));
	if (!b.ordinary)
		return err_no_memory(reterr);
	for (size_t i = 0; i < NUMBERS; i++)
		b.table[i] = b.ordinary;
	find_forms(&b);
	for (size_t i = 0; r >= 0 && i <= section->clause_count; i++) {
		if (i == nested)
			r = apply_clause(&b, &seccomp_nested_clause);
		if (r >= 0 && i < section->clause_count)
			r = apply_clause(&b, &section->clauses[i]);
	}
	if (r >= 0)
		r = refuse_pointer_calls(&b);
	if (r >= 0)
		r = apply_mutants(&b);
	return r < 0 ? r : make_ranges(&b, ret, ret_allowed);
}
