/*
 * Ownership where there is one id only: dpkg, tar and apt give files to others and become others,
 * and stop when the kernel refuses. A profile that asks for it (identity.pretend_ownership) has the
 * filter answer such calls with success; nothing is done, every file stays the caller's, and the
 * program stays who it is. Said in the receipt, since a service that gives up its rights by
 * setuid(2) keeps them here.
 */
#include "plan/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "util/arena.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEEP UINT32_MAX /* -1 of the set*id family: leave this one as it is */

/* Whoever asks for an id that is not the one there is: argument `index` of the call. */
static const struct change {
	const char *name;
	unsigned index;
	bool group, keeps; /* of a group; -1 has the meaning above */
} changes[] = {
	{"setuid", 0, false, false},
	{"setgid", 0, true, false},
	{"setreuid", 0, false, true},
	{"setreuid", 1, false, true},
	{"setregid", 0, true, true},
	{"setregid", 1, true, true},
	{"setresuid", 0, false, true},
	{"setresuid", 1, false, true},
	{"setresuid", 2, false, true},
	{"setresgid", 0, true, true},
	{"setresgid", 1, true, true},
	{"setresgid", 2, true, true},
};

static const char *const always[] = {"chown", "fchown", "lchown", "fchownat", "setgroups"};

/* Device nodes, which a user namespace cannot make. */
static const struct {
	const char *name;
	unsigned index;
} nodes[] = {{"mknod", 1}, {"mknodat", 2}};
static const uint64_t node_types[] = {S_IFCHR, S_IFBLK};

static struct syscall_argument *argument_of(struct arena *arena, unsigned index)
{
	struct syscall_argument *argument = arena_zeroed(arena, 1, sizeof(*argument));

	if (argument) {
		argument->index = index;
		argument->width = 32; /* as the kernel looks at ids and modes */
		argument->mask = UINT32_MAX;
	}
	return argument;
}

static int add_change(struct arena *arena, const struct change *change,
	const struct identity_section *identity, struct syscall_clause *clause)
{
	struct syscall_argument *argument = argument_of(arena, change->index);
	uint64_t *values = arena_zeroed(arena, 2, sizeof(*values));

	if (!argument || !values)
		return -ENOMEM;
	values[0] = change->group ? identity->gid : identity->uid;
	values[1] = KEEP;
	argument->comparison = COMPARE_NOT_IN;
	argument->values = values;
	argument->value_count = change->keeps ? 2 : 1;
	clause->names = &change->name;
	clause->arguments = argument;
	clause->argument_count = 1;
	return 0;
}

static int add_node(struct arena *arena, size_t i, struct syscall_clause *clause)
{
	struct syscall_argument *argument = argument_of(arena, nodes[i].index);

	if (!argument)
		return -ENOMEM;
	argument->comparison = COMPARE_IN;
	argument->mask = S_IFMT;
	argument->values = node_types;
	argument->value_count = COUNT(node_types);
	clause->names = &nodes[i].name;
	clause->arguments = argument;
	clause->argument_count = 1;
	return 0;
}

/* The profile's clauses, and behind them, where they decide, those that pretend. */
static int add_clauses(struct profile *profile, struct arena *arena)
{
	struct syscalls_section *syscalls = &profile->syscalls;
	size_t count = syscalls->clause_count, all = count + 1 + COUNT(changes) + COUNT(nodes);
	struct syscall_clause *clauses = arena_zeroed(arena, all, sizeof(*clauses));
	struct rule rule = profile->identity.rule;
	int r = 0;

	if (!clauses)
		return -ENOMEM;
	rule.enforce = ENFORCE_REQUIRED;
	if (count)
		memcpy(clauses, syscalls->clauses, count * sizeof(*clauses));
	for (size_t i = count; i < all; i++)
		clauses[i] = (struct syscall_clause){
			.rule = rule, .name_count = 1, .action = ACTION_ERRNO, .error = 0};
	clauses[count].names = always;
	clauses[count++].name_count = COUNT(always);
	for (size_t i = 0; i < COUNT(changes) && r == 0; i++)
		r = add_change(arena, &changes[i], &profile->identity, &clauses[count++]);
	for (size_t i = 0; i < COUNT(nodes) && r == 0; i++)
		r = add_node(arena, i, &clauses[count++]);
	syscalls->clauses = clauses;
	syscalls->clause_count = count;
	return r;
}

static int add_row(const struct profile *profile, bool possible, struct arena *arena,
	struct receipt *receipt, struct err *reterr)
{
	struct rule *rule = arena_zeroed(arena, 1, sizeof(*rule));
	struct receipt_row row = {.rule = rule,
		.asked = "ownership",
		.outcome = OUTCOME_PARTLY,
		.layer = "system call filter",
		.reason = "pretended: there is one id only, so a change of owner, of id or of "
			  "groups, "
			  "and the making of a device node, are answered with success and not done",
		.remedy = "subordinate ids: see `immure doctor`"};

	if (!rule)
		return err_no_memory(reterr);
	*rule = profile->identity.rule;
	rule->enforce = ENFORCE_BEST_EFFORT; /* asked for in so many words: no reason to refuse */
	if (!possible) {
		row.outcome = OUTCOME_NOT_ENFORCED;
		row.reason =
			"there is one id only, and no system call filter that could pretend: a "
			"change of owner, of id or of groups fails";
	}
	return receipt_add(receipt, &row, reterr);
}

int ownership_compile(const struct profile *profile, const struct host *host,
	const struct idmap_plan *idmap, struct arena *arena, struct receipt *receipt,
	const struct profile **ret, struct err *reterr)
{
	const struct syscalls_section *syscalls = &profile->syscalls;
	bool possible =
		host->seccomp && !syscalls->unconfined && syscalls->rule.enforce != ENFORCE_AUDIT;
	struct profile *pretending;
	int r;

	*ret = profile;
	if (!profile->identity.pretend_ownership || idmap->way == IDMAP_HELPER)
		return 0;
	r = add_row(profile, possible, arena, receipt, reterr);
	if (r < 0 || !possible)
		return r;
	pretending = arena_zeroed(arena, 1, sizeof(*pretending));
	if (!pretending)
		return err_no_memory(reterr);
	*pretending = *profile;
	if (add_clauses(pretending, arena) < 0)
		return err_no_memory(reterr);
	*ret = pretending;
	return 0;
}
