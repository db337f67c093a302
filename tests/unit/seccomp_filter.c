/*
 * The compiled filter against the policy it was made from: for the shipped groups and for policies
 * made to be awkward, every number on every ABI, every boundary of every argument that a clause
 * looks at, and random calls, are given to the simulated filter and to seccomp_verdict(); both must
 * say the same (R24, T-SEC-26, T-SEC-27, T-SEC-39), and together they must run every instruction.
 */
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "check.h"
#include "host/host.h"
#include "isolation/seccomp.h"
#include "isolation/syscall_table.h"
#include "profile/load.h"
#include "profile/receipt.h"
#include "simulate.h"
#include "util/arena.h"
#include "util/report.h"

static const uint32_t architectures[] = {
	AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM};
static const struct host able = {.seccomp = true}, unable = {0};
static const struct profile_variables variables = {
	.cwd = "/", .home = "/home/somebody", .user = "somebody"};

static unsigned long long tuples;
static uint64_t seed = 88172645463325252U;

static uint64_t random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* ---- one filter and its policy ---- */

struct subject {
	const struct profile *profile;
	uint32_t native;
	struct seccomp_plan plan;
	uint8_t covered[4096];
	unsigned disagreements;
};

static uint32_t expected(const struct seccomp_verdict *verdict)
{
	switch (verdict->action) {
	case ACTION_ALLOW: return SECCOMP_RET_ALLOW;
	case ACTION_LOG: return SECCOMP_RET_LOG;
	case ACTION_TRAP: return SECCOMP_RET_TRAP;
	case ACTION_ERRNO: return SECCOMP_RET_ERRNO | verdict->error;
	default: return SECCOMP_RET_KILL_PROCESS;
	}
}

static void compare(
	struct subject *s, uint32_t architecture, uint32_t number, const uint64_t *arguments)
{
	struct seccomp_data data = {.nr = (int)number, .arch = architecture};
	struct seccomp_verdict verdict;
	uint32_t is;

	memcpy(data.args, arguments, sizeof(data.args));
	is = simulate(s->plan.filter, s->plan.length, &data, s->covered, NULL);
	seccomp_verdict(s->profile, s->native, architecture, (int)number, arguments, &verdict);
	tuples++;
	if (is == expected(&verdict) || s->disagreements++ > 4)
		return;
	printf("# arch %08x nr %u args %llx %llx %llx: the filter says %08x, the policy %08x\n",
		architecture, number, (unsigned long long)arguments[0],
		(unsigned long long)arguments[1], (unsigned long long)arguments[2], is,
		expected(&verdict));
}

static void every_number(struct subject *s)
{
	static const uint32_t edges[] = {1024, 4095, 0x3FFFFFFF, 0x40010000, 0x40010001, 0x7FFFFFFF,
		0x80000000, 0x80000001, 0xBFFFFFFF, 0xC0000000, 0xFFFFFFFE, 0xFFFFFFFF};
	static const uint64_t zero[6], ones[6] = {~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL};

	for (size_t a = 0; a < sizeof(architectures) / sizeof(architectures[0]); a++) {
		for (uint32_t n = 0; n < 1024; n++) {
			compare(s, architectures[a], n, zero);
			compare(s, architectures[a], n, ones);
			compare(s, architectures[a], n | 0x40000000, zero);
			compare(s, architectures[a], n | 0x80000000, zero);
		}
		for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++)
			compare(s, architectures[a], edges[e], zero);
	}
	for (int i = 0; i < 1000; i++)
		compare(s, (uint32_t)random_u64(), (uint32_t)random_u64() % 512, zero);
}

/* Values of one argument around everything the clause says of it. */
static size_t boundaries(const struct syscall_argument *argument, uint64_t *ret, size_t maximum)
{
	size_t count = 0, step = 1 + argument->value_count / 100; /* of a long list, some */

	for (size_t v = 0; v < argument->value_count; v += step) {
		uint64_t value = argument->values[v];
		uint64_t around[] = {value, value - 1, value + 1, value | ~argument->mask,
			value | 1ULL << 32, value | 1ULL << 63, value | 0xFFFFFFFF00000000ULL,
			value & 0xFFFFFFFF, value ^ (value & argument->mask), ~value};

		for (size_t i = 0; i < sizeof(around) / sizeof(around[0]) && count < maximum; i++)
			ret[count++] = around[i];
	}
	for (unsigned bit = 0; bit < 64 && count + 1 < maximum; bit++) {
		ret[count++] = 1ULL << bit;
		ret[count++] = argument->values[0] ^ 1ULL << bit;
	}
	return count;
}

/* Sets every argument of clause but `except` to something its condition accepts, where a listed
 * value is that. */
static void satisfy(const struct syscall_clause *clause, const struct syscall_argument *except,
	uint64_t *arguments)
{
	for (size_t i = 0; i < clause->argument_count; i++) {
		const struct syscall_argument *argument = &clause->arguments[i];
		uint64_t value = argument->values[random_u64() % argument->value_count];

		if (argument == except || argument->index == except->index)
			continue;
		if (argument->comparison == COMPARE_NOT_IN ||
			argument->comparison == COMPARE_GREATER)
			value++;
		else if (argument->comparison == COMPARE_LESS)
			value--;
		arguments[argument->index] = random_u64() % 4 ? value : random_u64();
	}
}

static void every_boundary(
	struct subject *s, uint32_t architecture, const struct syscall_clause *clause, int number)
{
	static uint64_t values[8192];

	for (size_t i = 0; i < clause->argument_count; i++) {
		const struct syscall_argument *argument = &clause->arguments[i];
		size_t count = boundaries(argument, values, sizeof(values) / sizeof(values[0]));

		for (size_t v = 0; v < count; v++)
			for (unsigned repeat = 2; repeat < 4; repeat++) {
				uint64_t arguments[6] = {0};

				if (repeat == 3)
					for (unsigned k = 0; k < 6; k++)
						arguments[k] = random_u64() >> random_u64() % 64;
				satisfy(clause, argument, arguments);
				arguments[argument->index] = values[v];
				compare(s, architecture, (uint32_t)number, arguments);
			}
	}
}

static void every_condition(struct subject *s)
{
	const struct syscalls_section *section = &s->profile->syscalls;

	for (size_t i = 0; i < section->clause_count; i++)
		for (size_t n = 0;
			section->clauses[i].argument_count && n < section->clauses[i].name_count;
			n++)
			for (size_t a = 0; a < 3; a++) {
				int number = syscall_number(
					architectures[a], section->clauses[i].names[n]);

				if (number >= 0)
					every_boundary(
						s, architectures[a], &section->clauses[i], number);
			}
}

static void random_calls(struct subject *s, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t arguments[6];

		for (unsigned k = 0; k < 6; k++)
			arguments[k] = random_u64() >> random_u64() % 64;
		compare(s, random_u64() % 4 ? s->native : architectures[random_u64() % 4],
			(uint32_t)random_u64() % 480, arguments);
	}
}

static void check_filter(const struct profile *profile, uint32_t native, unsigned randoms,
	bool all_instructions, const char *what)
{
	static struct subject s;
	struct arena arena = {0};
	struct receipt receipt = {.arena = &arena};
	struct err err = {0};
	unsigned missed = 0;
	int r;

	s = (struct subject){.profile = profile, .native = native};
	r = seccomp_compile_for(native, profile, &able, &arena, &receipt, &s.plan, &err);
	check_int(r, 0, "%s: compiles (%s %s)", what, err.where, err.message);
	if (r < 0) {
		arena_free(&arena);
		return;
	}
	check_text(simulate_check(s.plan.filter, s.plan.length), NULL,
		"%s: the kernel would take it", what);
	every_number(&s);
	every_condition(&s);
	random_calls(&s, randoms);
	check_int(s.disagreements, 0, "%s: filter and policy agree", what);
	for (size_t i = 0; i < s.plan.length; i++)
		if (!s.covered[i] && missed++ < 8)
			printf("# instruction %zu of %u never ran: %04x %u %u %x\n", i,
				s.plan.length, s.plan.filter[i].code, s.plan.filter[i].jt,
				s.plan.filter[i].jf, s.plan.filter[i].k);
	if (all_instructions)
		check_int(missed, 0, "%s: each of the %u instructions ran", what, s.plan.length);
	arena_free(&arena);
}

/* ---- profiles ---- */

struct loaded {
	struct arena arena;
	struct profile_library library;
	struct profile profile;
};

static bool load(struct loaded *loaded, const char *name, const char *text)
{
	struct err err = {0};
	int r;

	*loaded = (struct loaded){0};
	r = profile_load_text(name, strdup(text), strlen(text), &variables, &loaded->arena,
		&loaded->library, &loaded->profile, &err);
	if (r < 0)
		check(false, "%s loads: %s: %s", name, err.where, err.message);
	return r >= 0;
}

static void unload(struct loaded *loaded)
{
	profile_library_free(&loaded->library);
	arena_free(&loaded->arena);
}

static void check_profile(
	const char *name, const char *text, unsigned randoms, bool all_instructions)
{
	struct loaded loaded;
	char what[128];

	if (load(&loaded, name, text)) {
		(void)snprintf(what, sizeof(what), "%s, x86_64", name);
		check_filter(&loaded.profile, AUDIT_ARCH_X86_64, randoms, all_instructions, what);
		(void)snprintf(what, sizeof(what), "%s, aarch64", name);
		check_filter(
			&loaded.profile, AUDIT_ARCH_AARCH64, randoms / 4, all_instructions, what);
	}
	unload(&loaded);
}

static void check_groups(void)
{
	static const struct {
		const char *group;
		unsigned allowed;
	} golden[] = {{"strict", 96}, {"untrusted", 223}, {"container", 290}};

	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		struct receipt receipt = {0};
		struct seccomp_plan plan;
		struct loaded loaded;
		struct err err = {0};
		char text[256];

		for (int foreign = 0; foreign < 2; foreign++) {
			(void)snprintf(text, sizeof(text),
				"{\"version\": 1, \"syscalls\": {\"groups\": [\"%s@1\"]%s}}",
				golden[i].group,
				foreign ? ", \"architectures\": [\"native\", \"i386\"]" : "");
			check_profile(golden[i].group, text, 100000, true);
		}
		if (!load(&loaded, golden[i].group, text))
			continue;
		receipt.arena = &loaded.arena;
		check_int(seccomp_compile_for(AUDIT_ARCH_X86_64, &loaded.profile, &able,
				  &loaded.arena, &receipt, &plan, &err),
			0, "%s compiles", golden[i].group);
		check_int(plan.allowed, golden[i].allowed, "%s allows %u calls", golden[i].group,
			golden[i].allowed);
		unload(&loaded);
	}
}

/* Every default beside every action, alone and under a condition (T-CFG-14, T-SEC-27). */
static void check_action_pairs(void)
{
	static const char *const defaults[] = {"enosys", "eperm", "kill", "trap", "log", "allow"};
	static const char *const actions[] = {"\"allow\"", "\"errno\", \"errno\": \"ENOSYS\"",
		"\"errno\", \"errno\": \"EPERM\"", "\"kill\"", "\"trap\"", "\"log\""};
	char text[1024], name[64];

	for (size_t d = 0; d < 6; d++)
		for (size_t a = 0; a < 6; a++) {
			(void)snprintf(name, sizeof(name), "default %s, rule %zu", defaults[d], a);
			(void)snprintf(text, sizeof(text),
				"{\"version\": 1, \"syscalls\": {\"replace\": \"test\", "
				"\"default\": \"%s\", \"rules\": ["
				"{\"names\": [\"socket\", \"mmap\"], \"action\": %s},"
				"{\"names\": [\"socket\", \"read\"], \"action\": \"allow\", "
				"\"args\": [{\"index\": 0, \"width\": 32, \"in\": [1]}]},"
				"{\"names\": [\"socket\"], \"action\": %s, \"args\": [{\"index\": "
				"1, \"width\": 64, \"gt\": \"0x100000000\"}]}],"
				"\"architectures\": [\"native\", \"i386\"]}}",
				defaults[d], actions[a], actions[a]);
			check_profile(name, text, 100, false);
		}
}

/* ---- policies by hand, beyond what the notation can say ---- */

static void random_argument(struct syscall_argument *ret, uint64_t *values)
{
	static const uint64_t masks[] = {~0ULL, 0, 0xFF, 0x7E020000, 0xFFFFFFFF,
		0xFFFFFFFF00000000ULL, 1ULL << 63, 0xF0F0F0F0F0F0F0F0ULL};
	static const uint64_t words[] = {0, 1, 2, 0x7F, 0xFF, 0x5412, 0x7FFFFFFF, 0x80000000,
		0xFFFFFFFF, 0x100000000ULL, 0x100005412ULL, 1ULL << 63, ~0ULL};
	bool list;

	*ret = (struct syscall_argument){.index = (unsigned)(random_u64() % 6),
		.width = random_u64() % 2 ? 32 : 64,
		.comparison = (enum syscall_comparison)(random_u64() % COMPARE_COUNT),
		.values = values,
		.mask = random_u64() % 2   ? ~0ULL
			: random_u64() % 2 ? masks[random_u64() % 8]
					   : random_u64()};
	list = ret->comparison == COMPARE_IN || ret->comparison == COMPARE_NOT_IN;
	ret->value_count = list ? 1 + random_u64() % 12 : 1;
	for (size_t i = 0; i < ret->value_count; i++)
		values[i] = random_u64() % 3 ? words[random_u64() % 13]
					     : random_u64() >> random_u64() % 64;
}

static void check_random_policies(unsigned rounds)
{
	enum { CLAUSES = 12, ARGUMENTS = 3, VALUES = 12 };
	static const char *const names[] = {"read", "write", "open", "close", "stat", "fstat",
		"lseek", "_llseek", "mmap", "mmap2", "socket", "socketcall", "ipc", "semget",
		"arch_prctl", "set_thread_area", "clone", "unshare", "setns", "clone3",
		"newfstatat", "fstatat64", "wait4", "waitpid", "umount2", "umount", "fcntl",
		"fcntl64", "listns", "uretprobe", "select", "openat"};
	static struct syscall_argument arguments[CLAUSES][ARGUMENTS];
	static uint64_t values[CLAUSES][ARGUMENTS][VALUES];
	static const char *chosen[CLAUSES][4];
	unsigned failures = 0;

	for (unsigned round = 0; round < rounds; round++) {
		struct syscall_clause clauses[CLAUSES] = {0};
		struct profile profile = {.syscalls = {.clauses = clauses,
						  .clause_count = random_u64() % (CLAUSES + 1)}};
		struct arena arena = {0};
		struct receipt receipt = {.arena = &arena};
		static struct subject s;
		struct err err = {0};

		profile.syscalls.default_action =
			(enum syscall_action)(random_u64() % ACTION_COUNT);
		profile.syscalls.default_error = (uint16_t)(random_u64() % 4096);
		profile.syscalls.foreign_i386 = random_u64() % 2;
		profile.namespaces.nested_user = random_u64() % 4 == 0;
		if (random_u64() % 8 == 0)
			profile.syscalls.rule.enforce = ENFORCE_AUDIT;
		for (size_t c = 0; c < profile.syscalls.clause_count; c++) {
			clauses[c].names = chosen[c];
			clauses[c].name_count = 1 + random_u64() % 4;
			for (size_t n = 0; n < 4; n++)
				chosen[c][n] =
					names[random_u64() % (sizeof(names) / sizeof(names[0]))];
			clauses[c].action = (enum syscall_action)(random_u64() % ACTION_COUNT);
			clauses[c].error = random_u64() % 2 ? EPERM : ENOSYS;
			clauses[c].group = random_u64() % 2 ? "group@1" : NULL;
			clauses[c].rule.enforce =
				random_u64() % 8 ? ENFORCE_REQUIRED : ENFORCE_AUDIT;
			clauses[c].argument_count = random_u64() % (ARGUMENTS + 1);
			clauses[c].arguments = arguments[c];
			for (size_t a = 0; a < clauses[c].argument_count; a++)
				random_argument(&arguments[c][a], values[c][a]);
		}
		s = (struct subject){.profile = &profile,
			.native = random_u64() % 4 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64};
		if (seccomp_compile_for(
			    s.native, &profile, &able, &arena, &receipt, &s.plan, &err) < 0) {
			printf("# round %u: %s %s\n", round, err.where, err.message);
			failures++;
		} else {
			failures += simulate_check(s.plan.filter, s.plan.length) != NULL;
			every_condition(&s);
			random_calls(&s, 50);
			failures += s.disagreements != 0;
		}
		arena_free(&arena);
	}
	check_int(failures, 0, "%u random policies: filter and policy agree", rounds);
}

/* Filters so long that jumps reach their limit, and then the filter its own. */
static void check_long_policies(void)
{
	enum { NAMES = 300, VALUES = 6000 };
	static struct syscall_clause clauses[NAMES * 2];
	static struct syscall_argument arguments[NAMES * 2];
	static const char *names[NAMES];
	static uint64_t values[VALUES];
	struct profile profile = {.syscalls = {.clauses = clauses,
					  .default_action = ACTION_ERRNO,
					  .default_error = ENOSYS}};
	unsigned count = 0;

	for (int n = 0; n < 1024 && count < NAMES; n++)
		if (syscall_name(AUDIT_ARCH_X86_64, n))
			names[count++] = syscall_name(AUDIT_ARCH_X86_64, n);
	for (unsigned i = 0; i < VALUES; i++)
		values[i] = (uint64_t)i * 3;
	for (unsigned i = 0; i < 2 * NAMES; i++) {
		arguments[i] = (struct syscall_argument){.index = i % 6,
			.width = i % 2 ? 64 : 32,
			.mask = ~0ULL,
			.comparison = COMPARE_IN,
			.values = &values[i % 50],
			.value_count = 1 + i % 3};
		clauses[i] = (struct syscall_clause){.names = &names[i % NAMES],
			.name_count = 1,
			.arguments = &arguments[i],
			.argument_count = 1,
			.action = ACTION_ERRNO,
			.error = (uint16_t)(1 + i % 120)};
	}
	profile.syscalls.clause_count = NAMES;
	check_filter(&profile, AUDIT_ARCH_X86_64, 1000, false, "300 calls with a condition each");
	for (unsigned values_used = 500; values_used <= 2500; values_used += 500) {
		arguments[0].value_count = values_used;
		arguments[0].values = values;
		profile.syscalls.clause_count = 40;
		check_filter(
			&profile, AUDIT_ARCH_X86_64, 100, false, "a condition with a long list");
	}

	struct arena arena = {0};
	struct receipt receipt = {.arena = &arena};
	struct seccomp_plan plan = {.length = 7};
	struct err err = {0};

	for (unsigned i = 0; i < 2 * NAMES; i++) {
		clauses[i].names = names;
		arguments[i].value_count = 1;
	}
	profile.syscalls.clause_count = 513;
	check_int(seccomp_compile(&profile, &able, &arena, &receipt, &plan, &err), -E2BIG,
		"513 conditional clauses on a call are refused");
	check(strstr(err.message, "conditional clauses for one") != NULL && plan.length == 7,
		"with a reason");
	profile.syscalls.clause_count = 512;
	check_filter(&profile, AUDIT_ARCH_X86_64, 100, false, "512 conditional clauses on a call");
	profile.syscalls.clause_count = 1;
	err = (struct err){0};
	arguments[0].value_count = VALUES;
	check_int(seccomp_compile(&profile, &able, &arena, &receipt, &plan, &err), -E2BIG,
		"more than 4096 instructions are refused");
	check(strstr(err.message, "4096") != NULL && plan.length == 7,
		"with a reason, and without a plan");
	arena_free(&arena);
}

/* ---- refusals, receipts, words ---- */

static int compile_text(const char *text, const struct host *host, struct loaded *loaded,
	struct receipt *receipt, struct seccomp_plan *plan, struct err *err)
{
	*err = (struct err){0};
	*receipt = (struct receipt){.arena = &loaded->arena};
	if (!load(loaded, "test", text))
		return -EBADMSG;
	return seccomp_compile_for(
		AUDIT_ARCH_X86_64, &loaded->profile, host, &loaded->arena, receipt, plan, err);
}

static void check_unknown_names(void)
{
	const char *allow[] = {"read", "opneat"};
	struct syscall_clause clause = {.names = allow, .name_count = 2};
	struct profile profile = {
		.syscalls = {.clauses = &clause, .clause_count = 1, .default_action = ACTION_KILL}};
	struct arena arena = {0};
	struct receipt receipt = {.arena = &arena};
	struct seccomp_plan plan = {0};
	struct err err = {0};

	clause.rule.origin.pointer = "--allow";
	check_int(seccomp_compile(&profile, &able, &arena, &receipt, &plan, &err), -EINVAL,
		"an unknown name is refused");
	check_text(err.where, "--allow", "at its place");
	check_text(err.message, "opneat: no such system call is known", "by its name");
	check_text(err.hint, "did you mean \"openat\"?", "with the nearest one");
	clause.rule.enforce = ENFORCE_BEST_EFFORT;
	err = (struct err){0};
	check_int(seccomp_compile(&profile, &able, &arena, &receipt, &plan, &err), 0,
		"in a best-effort clause it is passed over");
	check(receipt.row_count == 2 && receipt.rows[0].outcome == OUTCOME_NOT_ENFORCED,
		"and the receipt says so");
	check_int(plan.allowed, 1, "the known one remains");
	allow[1] = "arm_fadvise64_64";
	clause.rule.enforce = ENFORCE_REQUIRED;
	check_int(seccomp_compile(&profile, &able, &arena, &receipt, &plan, &err), 0,
		"a call of another architecture is nothing to refuse");
	clause = (struct syscall_clause){
		.names = allow, .name_count = 1, .action = ACTION_ERRNO, .error = 4096};
	check_int(seccomp_compile(&profile, &able, &arena, &receipt, &plan, &err), -ERANGE,
		"an errno of 4096 is refused");
	arena_free(&arena);
}

static void check_bad_conditions(void)
{
	static const char *const names[] = {"read"};
	static const uint64_t value[2];
	static const struct syscall_argument bad[] = {{.index = 6, .width = 32, .value_count = 1},
		{.width = 16, .value_count = 1},
		{.width = 64, .comparison = COMPARE_COUNT, .value_count = 1},
		{.width = 64, .comparison = COMPARE_LESS},
		{.width = 64, .comparison = COMPARE_GREATER, .value_count = 2}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct syscall_argument argument = bad[i];
		struct syscall_clause clause = {.names = names,
			.name_count = 1,
			.arguments = &argument,
			.argument_count = 1};
		struct profile profile = {.syscalls = {.clauses = &clause, .clause_count = 1}};
		struct arena arena = {0};
		struct receipt receipt = {.arena = &arena};
		struct seccomp_plan plan;
		struct err err = {0};

		argument.values = value;
		check_int(seccomp_compile(&profile, &able, &arena, &receipt, &plan, &err), -EINVAL,
			"bad condition %zu is refused", i);
		arena_free(&arena);
	}
}

static void check_host(void)
{
	static const char section[] =
		"{\"version\": 1, \"syscalls\": {\"groups\": [\"strict@1\"]%s}}";
	struct receipt receipt;
	struct seccomp_plan plan = {0};
	struct loaded loaded;
	struct err err;
	char text[256];

	(void)snprintf(text, sizeof(text), section, "");
	check_int(compile_text(text, &unable, &loaded, &receipt, &plan, &err), -ENOTSUP,
		"a kernel without filters ends a required rule");
	unload(&loaded);
	(void)snprintf(text, sizeof(text), section, ", \"enforce\": \"best-effort\"");
	check_int(compile_text(text, &unable, &loaded, &receipt, &plan, &err), 0,
		"and not a best-effort one");
	check(!plan.filter && receipt.row_count == 1 &&
			receipt.rows[0].outcome == OUTCOME_NOT_ENFORCED,
		"which the receipt says");
	unload(&loaded);
	(void)snprintf(text, sizeof(text), section, ", \"enforce\": \"audit\"");
	check_int(compile_text(text, &able, &loaded, &receipt, &plan, &err), 0, "audit compiles");
	check(plan.filter && receipt.rows[0].outcome == OUTCOME_AUDITED, "and is called audited");
	for (size_t i = 0; i < plan.length; i++)
		if (BPF_CLASS(plan.filter[i].code) == BPF_RET &&
			plan.filter[i].k != SECCOMP_RET_ALLOW &&
			plan.filter[i].k != SECCOMP_RET_LOG)
			check(false, "instruction %zu of a filter in audit denies", i);
	unload(&loaded);

	struct profile unconfined = {.syscalls = {.unconfined = true}};
	struct arena arena = {0};

	receipt = (struct receipt){.arena = &arena};
	plan.length = 1;
	check_int(seccomp_compile(&unconfined, &unable, &arena, &receipt, &plan, &err), 0,
		"unconfined needs no kernel");
	check(!plan.filter && !plan.length, "and has no filter");
	arena_free(&arena);
}

/* ---- explain ---- */

static struct {
	char text[65536];
	size_t used;
} said;

static void record(struct report *report, const char *action, const char *detail, const char *place)
{
	int length = snprintf(said.text + said.used, sizeof(said.text) - said.used, "%s|%s|%s\n",
		action, detail, place ? place : "");

	(void)report;
	said.used += (size_t)length < sizeof(said.text) - said.used ? (size_t)length : 0;
}

static void check_words(void)
{
	static const uint64_t tiocsti[6] = {0, 0x100005412ULL};
	uint32_t native = syscall_native_architecture();
	struct report report = {record};
	struct receipt receipt;
	struct seccomp_plan plan = {0};
	struct loaded loaded;
	struct err err;
	char text[512];

	if (compile_text("{\"version\": 1, \"syscalls\": {\"groups\": [\"untrusted@1\"]}}", &able,
		    &loaded, &receipt, &plan, &err) < 0)
		return;
	seccomp_explain(&plan, &report);
	check(strstr(said.text,
		      "system calls|223 allowed, calls that no rule names: errno ENOSYS") != NULL,
		"explain counts");
	check(strstr(said.text, "socketpair, argument 0 other than 1: errno EAFNOSUPPORT|") != NULL,
		"explain tells the rules");
	check(strstr(said.text, "open_by_handle_at: kill|") != NULL, "explain tells what kills");
	seccomp_explain_call(&loaded.profile, native, SYS_ioctl, tiocsti, text, sizeof(text));
	check(strstr(text, "ioctl is denied (EPERM) by untrusted@1, ") == text &&
			strstr(text, "/rules/0"),
		"TIOCSTI: %s", text);
	seccomp_explain_call(
		&loaded.profile, native, SYS_open_by_handle_at, NULL, text, sizeof(text));
	check(strstr(text, "open_by_handle_at is denied (the process is killed) by strict@1, ") ==
			text,
		"%s", text);
	seccomp_explain_call(&loaded.profile, native, SYS_read, NULL, text, sizeof(text));
	check(strstr(text, "read is allowed by strict@1, ") == text, "%s", text);
	seccomp_explain_call(&loaded.profile, native, SYS_ioctl, NULL, text, sizeof(text));
	check(strstr(text, "ioctl is denied (EPERM) by untrusted@1, ") == text,
		"arguments unknown: %s", text);
	seccomp_explain_call(&loaded.profile, native, 999, NULL, text, sizeof(text));
	check(strstr(text, "system call 999 is denied (ENOSYS) by the policy's default") == text,
		"%s", text);
	seccomp_explain_call(&loaded.profile, AUDIT_ARCH_I386, 26, NULL, text, sizeof(text));
	check(strstr(text, "ptrace is denied (the process is killed) by its architecture") == text,
		"%s", text);
	unload(&loaded);

	said.used = 0;
	said.text[0] = '\0';
	plan = (struct seccomp_plan){0};
	seccomp_explain(&plan, &report);
	check_text(said.text, "system calls|no filter|\n", "explain without a filter");
}

static void check_init(void)
{
	static const uint64_t zero[6];
	struct report report = {record};
	struct arena arena = {0};
	struct seccomp_plan plan = {0}, again = {0};
	struct err err = {0};
	unsigned allowed = 0;

	check_int(seccomp_compile_init(&arena, &plan, &err), 0, "the filter of PID 1 compiles");
	check_int(seccomp_compile_init(&arena, &again, &err), 0, "and again");
	check(plan.length == again.length &&
			memcmp(plan.filter, again.filter, plan.length * sizeof(*plan.filter)) == 0,
		"to the same");
	check_text(simulate_check(plan.filter, plan.length), NULL, "the kernel would take it");
	for (int n = 0; n < 1024; n++) {
		struct seccomp_data data = {.nr = n, .arch = syscall_native_architecture()};
		uint32_t is = simulate(plan.filter, plan.length, &data, NULL, NULL);

		memcpy(data.args, zero, sizeof(zero));
		allowed += is == SECCOMP_RET_ALLOW;
		if (is != SECCOMP_RET_ALLOW && is != SECCOMP_RET_KILL_PROCESS)
			check(false, "PID 1, call %d: %x", n, is);
	}
	check_int(allowed, 8, "PID 1 may make 8 calls");
	said.used = 0;
	seccomp_explain(&plan, &report);
	check(strstr(said.text, "8 allowed, all others kill") != NULL, "explain of PID 1's");
	arena_free(&arena);
}

int main(void)
{
	check_groups();
	check_action_pairs();
	check_random_policies(1500);
	check_long_policies();
	check_unknown_names();
	check_bad_conditions();
	check_host();
	check_words();
	check_init();
	check(tuples >= 1000000, "%llu calls were compared", tuples);
	return check_done();
}
