/*
 * Policies of system calls. The input is a profile, or, after a byte 1, a policy in a code of this
 * target's own, which reaches what the notation has no words for. What compiles is a filter that
 * the kernel takes, of at most 4096 instructions, the same each time, and says of every call that
 * is tried what seccomp_verdict() says; what does not says why.
 */
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "host/host.h"
#include "isolation/seccomp.h"
#include "isolation/syscall_table.h"
#include "profile/load.h"
#include "profile/receipt.h"
#include "simulate.h"
#include "util/arena.h"
#include "util/report.h"

#define BUDGET 250 /* calls that are tried of one policy */

struct subject {
	const struct profile *profile;
	uint32_t native;
	struct seccomp_plan plan;
	unsigned left;
};

static const uint32_t architectures[] = {
	AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM};

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

/* The words for people name the call or its number, and say what happens. */
static void explain_call(
	const struct subject *s, uint32_t architecture, uint32_t number, const uint64_t *arguments)
{
	char text[512], few[24];

	seccomp_explain_call(s->profile, architecture, (int)number, arguments, text, sizeof(text));
	HOLDS(strstr(text, " is allowed") || strstr(text, " is denied"));
	seccomp_explain_call(s->profile, architecture, (int)number, arguments, few, sizeof(few));
	HOLDS(strncmp(text, few, sizeof(few) - 1) == 0);
}

static void try_call(
	struct subject *s, uint32_t architecture, uint32_t number, const uint64_t *arguments)
{
	struct seccomp_data data = {.nr = (int)number, .arch = architecture};
	struct seccomp_verdict verdict;

	if (!s->left)
		return;
	s->left--;
	memcpy(data.args, arguments, sizeof(data.args));
	seccomp_verdict(s->profile, s->native, architecture, (int)number, arguments, &verdict);
	HOLDS(simulate(s->plan.filter, s->plan.length, &data, NULL, NULL) == expected(&verdict));
}

static void try_condition(struct subject *s, const struct syscall_clause *clause,
	const struct syscall_argument *argument, uint64_t noise)
{
	for (size_t v = 0; v < argument->value_count && v < 8; v++) {
		uint64_t value = argument->values[v];
		const uint64_t around[] = {value, value - 1, value + 1, value | ~argument->mask,
			value ^ 1ULL << (noise & 63), value | 1ULL << 32};

		for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
			uint64_t arguments[6] = {0};

			for (size_t a = 0; a < clause->argument_count; a++)
				if (clause->arguments[a].value_count)
					arguments[clause->arguments[a].index] =
						clause->arguments[a].values[0] + (noise >> a & 1);
			arguments[argument->index] = around[i];
			for (size_t n = 0; n < clause->name_count && n < 4; n++)
				for (size_t a = 0; a < 3; a++) {
					int number =
						syscall_number(architectures[a], clause->names[n]);

					if (number >= 0)
						try_call(s, architectures[a], (uint32_t)number,
							arguments);
				}
		}
	}
}

static void try_calls(struct subject *s, uint64_t noise)
{
	static const uint32_t edges[] = {0x3FFFFFFF, 0x40000000, 0x40000001, 0x4000FFFF, 0x40010000,
		0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
	static const uint64_t zero[6];
	const struct syscalls_section *section = &s->profile->syscalls;

	for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++) {
		try_call(s, architectures[e % 4], edges[e], zero);
		explain_call(s, architectures[e % 2], (uint32_t)(noise >> 4 * e) % 480,
			e & 2 ? zero : NULL);
	}
	for (unsigned i = 0; i < 64; i++) {
		uint64_t arguments[6];

		for (unsigned k = 0; k < 6; k++)
			arguments[k] = noise =
				noise * 6364136223846793005ULL + 1442695040888963407ULL;
		try_call(s, architectures[noise >> 60 & 3], (uint32_t)(noise >> 33) % 1100,
			arguments);
	}
	for (size_t c = section->clause_count; c-- > 0 && s->left;)
		for (size_t a = 0; a < section->clauses[c].argument_count; a++)
			try_condition(s, &section->clauses[c], &section->clauses[c].arguments[a],
				noise + c);
}

static void check_said(
	struct report *report, const char *action, const char *detail, const char *place)
{
	(void)report;
	(void)place;
	HOLDS(action[0] && detail[0]);
}

static void check_policy(const struct profile *profile, uint32_t native, uint64_t noise, bool able)
{
	struct report report = {check_said};
	struct host host = {.seccomp = able};
	struct subject s = {.profile = profile, .native = native, .left = BUDGET};
	struct seccomp_plan again = {0};
	struct arena arena = {0};
	struct receipt receipt = {.arena = &arena};
	struct err err = {0};
	int r = native == syscall_native_architecture()
			? seccomp_compile(profile, &host, &arena, &receipt, &s.plan, &err)
			: seccomp_compile_for(
				  native, profile, &host, &arena, &receipt, &s.plan, &err);

	if (r < 0) {
		HOLDS(err.code == r && err.message[0]);
		arena_free(&arena);
		return;
	}
	seccomp_explain(&s.plan, &report);
	if (s.plan.filter) {
		HOLDS(!simulate_check(s.plan.filter, s.plan.length));
		HOLDS(seccomp_compile_for(native, profile, &host, &arena, &receipt, &again, &err) ==
			0);
		HOLDS(again.length == s.plan.length &&
			memcmp(again.filter, s.plan.filter, again.length * sizeof(*again.filter)) ==
				0);
		try_calls(&s, noise);
	} else {
		HOLDS(!able || profile->syscalls.unconfined);
		HOLDS(seccomp_apply(&s.plan, NULL, NULL) == 0);
	}
	arena_free(&arena);
}

/* ---- profiles as text ---- */

static void check_text(const uint8_t *data, size_t size, uint64_t noise)
{
	static const struct profile_variables variables = {
		.cwd = "/work", .home = "/home/u", .user = "u"};
	struct profile_library library = {0};
	struct arena arena = {0};
	struct profile profile;
	struct err err = {0};
	char *text = malloc(size + 1);

	HOLDS(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (profile_load_text("input", text, size, &variables, &arena, &library, &profile, &err) ==
		0) {
		check_policy(&profile, AUDIT_ARCH_X86_64, noise, true);
		check_policy(&profile, AUDIT_ARCH_AARCH64, noise, noise & 1);
	}
	profile_library_free(&library);
	arena_free(&arena);
}

/* ---- policies in code ---- */

struct input {
	const uint8_t *data;
	size_t left;
};

static unsigned take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

static uint64_t take_word(struct input *in)
{
	static const uint64_t usual[] = {0, 1, 0x7F, 0x5412, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
		1ULL << 32, 1ULL << 63, ~0ULL};
	unsigned kind = take(in), bytes = kind & 7;
	uint64_t word = 0;

	if (kind & 0x80)
		return usual[kind % 10];
	for (unsigned i = 0; i <= bytes; i++)
		word = word << 8 | take(in);
	return word;
}

static void take_argument(
	struct input *in, struct syscall_argument *ret, uint64_t *values, size_t maximum)
{
	unsigned kind = take(in), shape = take(in);

	*ret = (struct syscall_argument){.index = kind % 7,
		.width = kind & 0x80   ? 32
			 : kind & 0x40 ? 64
				       : 16u << (shape & 3),
		.comparison = (enum syscall_comparison)(shape >> 2 & 7),
		.mask = shape & 0x80 ? take_word(in) : ~0ULL,
		.values = values};
	ret->value_count = shape & 0x20   ? take(in) * 8 % (maximum + 1)
			   : shape & 0x40 ? take(in) % 8
					  : 1;
	for (size_t i = 0; i < ret->value_count; i++)
		values[i] = in->left ? take_word(in) : i * 3;
}

static void check_coded(const uint8_t *data, size_t size, uint64_t noise)
{
	enum { CLAUSES = 24, ARGUMENTS = 3, NAMES = 4, VALUES = 800 };
	static const char *const words[] = {"read", "write", "open", "lseek", "_llseek", "mmap",
		"mmap2", "socket", "socketcall", "ipc", "semget", "arch_prctl", "set_thread_area",
		"clone", "unshare", "setns", "clone3", "newfstatat", "fstatat64", "wait4",
		"waitpid", "umount2", "umount", "fcntl", "fcntl64", "listns", "uretprobe", "select",
		"semtimedop", "semtimedop_time64", "arm_fadvise64_64", "raed", "xyzzy", ""};
	static struct syscall_clause clauses[CLAUSES];
	static struct syscall_argument arguments[CLAUSES][ARGUMENTS];
	static uint64_t values[CLAUSES][ARGUMENTS][VALUES];
	static const char *names[CLAUSES][NAMES];
	struct profile profile = {.syscalls = {.clauses = clauses}};
	struct input in = {data, size};
	unsigned flags = take(&in);

	profile.syscalls.default_action = (enum syscall_action)(take(&in) % ACTION_COUNT);
	profile.syscalls.default_error = (uint16_t)(take(&in) * (flags & 1 ? 17 : 1));
	profile.syscalls.foreign_i386 = flags & 2;
	profile.syscalls.rule.enforce = (enum enforce)((flags >> 2) % ENFORCE_COUNT);
	profile.syscalls.unconfined = (flags >> 4) == 15;
	profile.namespaces.nested_user = flags & 8;
	while (in.left && profile.syscalls.clause_count < CLAUSES) {
		size_t c = profile.syscalls.clause_count++;
		unsigned kind = take(&in), shape = take(&in);

		clauses[c] = (struct syscall_clause){.names = names[c],
			.name_count = 1 + kind % NAMES,
			.arguments = arguments[c],
			.argument_count = shape % (ARGUMENTS + 1),
			.action = (enum syscall_action)((kind >> 2) % ACTION_COUNT),
			.error = (uint16_t)(shape * (kind & 0x80 ? 17 : 1)),
			.group = kind & 0x40 ? "group@1" : NULL};
		clauses[c].rule.enforce = (enum enforce)((shape >> 2) % ENFORCE_COUNT);
		for (size_t n = 0; n < clauses[c].name_count; n++)
			names[c][n] = words[take(&in) % (sizeof(words) / sizeof(words[0]))];
		for (size_t a = 0; a < clauses[c].argument_count; a++)
			take_argument(&in, &arguments[c][a], values[c][a], VALUES);
	}
	check_policy(&profile, AUDIT_ARCH_X86_64, noise, flags & 0x40 || flags & 1);
	check_policy(&profile, AUDIT_ARCH_AARCH64, noise, true);
}

/* PID 1's filter depends on nothing: once is enough. */
static void check_init(void)
{
	static bool done;
	struct report report = {check_said};
	struct seccomp_plan plan = {0};
	struct arena arena = {0};
	struct err err = {0};

	if (done)
		return;
	HOLDS(seccomp_compile_init(&arena, &plan, &err) == 0 &&
		!simulate_check(plan.filter, plan.length));
	seccomp_explain(&plan, &report);
	arena_free(&arena);
	done = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t noise = size;

	check_init();
	for (size_t i = 0; i < size; i++)
		noise = (noise ^ data[i]) * 1099511628211U;
	if (size && data[0] == 1)
		check_coded(data + 1, size - 1, noise);
	else
		check_text(data, size, noise);
	return 0;
}
