/*
 * Seccomp documents of Docker's, Podman's and OCI's shape: what they are read as, what is refused,
 * and that the filter made from them decides as one that libseccomp builds from the same document
 * the way runc does, for every number and the boundaries of arguments.
 */
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "host/host.h"
#include "isolation/seccomp.h"
#include "isolation/syscall_table.h"
#include "profile/receipt.h"
#include "profile/seccomp_document.h"
#include "simulate.h"
#include "util/arena.h"

/* As Docker writes them. */
static const char docker[] =
	"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 1,"
	" \"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\", \"subArchitectures\": "
	"[\"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"]},"
	"  {\"architecture\": \"SCMP_ARCH_RISCV64\", \"subArchitectures\": null}],"
	" \"syscalls\": ["
	"  {\"names\": [\"read\", \"write\", \"open\", \"openat\", \"close\", \"mmap\", "
	"\"accept\", \"_llseek\", \"arm_fadvise64_64\","
	"   \"exit_group\", \"mseal\", \"futex\", \"not_a_call_yet\"], \"action\": "
	"\"SCMP_ACT_ALLOW\"},"
	"  {\"names\": [\"process_vm_readv\", \"ptrace\"], \"action\": \"SCMP_ACT_ALLOW\", "
	"\"includes\": {\"minKernel\": \"4.8\"}},"
	"  {\"names\": [\"pidfd_getfd\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
	"{\"minKernel\": \"99.1\"}},"
	"  {\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, "
	"\"value\": 40, \"op\": \"SCMP_CMP_NE\"}]},"
	"  {\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ALLOW\","
	"   \"args\": [{\"index\": 0, \"value\": 0, \"valueTwo\": 0, \"op\": \"SCMP_CMP_EQ\"}]},"
	"  {\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": "
	"0, \"value\": 8, \"op\": \"SCMP_CMP_EQ\"}]},"
	"  {\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ALLOW\","
	"   \"args\": [{\"index\": 0, \"value\": 4294967295, \"op\": \"SCMP_CMP_EQ\"}]},"
	"  {\"names\": [\"arch_prctl\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
	"{\"arches\": [\"amd64\", \"x32\"]}},"
	"  {\"names\": [\"sync_file_range2\", \"swapon\"], \"action\": \"SCMP_ACT_ALLOW\", "
	"\"includes\": {\"arches\": [\"ppc64le\"]}},"
	"  {\"names\": [\"bpf\", \"clone\", \"mount\", \"setns\", \"unshare\"], \"action\": "
	"\"SCMP_ACT_ALLOW\","
	"   \"includes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}},"
	"  {\"names\": [\"clone\"], \"action\": \"SCMP_ACT_ALLOW\","
	"   \"args\": [{\"index\": 0, \"value\": 2114060288, \"valueTwo\": 0, \"op\": "
	"\"SCMP_CMP_MASKED_EQ\"}],"
	"   \"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"], \"arches\": [\"s390\", \"s390x\"]}},"
	"  {\"names\": [\"clone\"], \"action\": \"SCMP_ACT_ALLOW\","
	"   \"args\": [{\"index\": 1, \"value\": 2114060288, \"valueTwo\": 0, \"op\": "
	"\"SCMP_CMP_MASKED_EQ\"}],"
	"   \"comment\": \"s390 parameter ordering for clone is different\","
	"   \"includes\": {\"arches\": [\"s390\", \"s390x\"]}, \"excludes\": {\"caps\": "
	"[\"CAP_SYS_ADMIN\"]}},"
	"  {\"names\": [\"clone3\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38, "
	"\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}},"
	"  {\"names\": [\"reboot\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"caps\": "
	"[\"CAP_SYS_BOOT\"]}}"
	" ]}";

/* As Podman writes them. */
static const char podman[] =
	"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, \"defaultErrno\": "
	"\"ENOSYS\","
	" \"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\", \"subArchitectures\": "
	"[\"SCMP_ARCH_X86\"]}],"
	" \"syscalls\": ["
	"  {\"names\": [\"bdflush\", \"keyctl\", \"swapon\", \"uselib\"], \"action\": "
	"\"SCMP_ACT_ERRNO\", \"args\": [], \"comment\": \"\","
	"   \"includes\": {}, \"excludes\": {}, \"errnoRet\": 1, \"errno\": \"EPERM\"},"
	"  {\"names\": [\"read\", \"write\", \"clone\", \"clone3\", \"socketpair\", \"unshare\"], "
	"\"action\": \"SCMP_ACT_ALLOW\", \"args\": [],"
	"   \"comment\": \"\", \"includes\": {}, \"excludes\": {}},"
	"  {\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ALLOW\","
	"   \"args\": [{\"index\": 0, \"value\": 131072, \"valueTwo\": 0, \"op\": "
	"\"SCMP_CMP_EQ\"}], \"comment\": \"\"},"
	"  {\"names\": [\"open_by_handle_at\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [], "
	"\"includes\": {\"caps\": [\"CAP_DAC_READ_SEARCH\"]},"
	"   \"excludes\": {}},"
	"  {\"names\": [\"open_by_handle_at\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": [], "
	"\"includes\": {},"
	"   \"excludes\": {\"caps\": [\"CAP_DAC_READ_SEARCH\"]}, \"errnoRet\": 1, \"errno\": "
	"\"EPERM\"},"
	"  {\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ERRNO\","
	"   \"args\": [{\"index\": 0, \"value\": 16, \"valueTwo\": 0, \"op\": \"SCMP_CMP_EQ\"},"
	"    {\"index\": 2, \"value\": 9, \"valueTwo\": 0, \"op\": \"SCMP_CMP_EQ\"}],"
	"   \"comment\": \"\", \"includes\": {}, \"excludes\": {\"caps\": [\"CAP_AUDIT_WRITE\"]}, "
	"\"errnoRet\": 22, \"errno\": \"EINVAL\"},"
	"  {\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\","
	"   \"args\": [{\"index\": 2, \"value\": 9, \"valueTwo\": 0, \"op\": \"SCMP_CMP_NE\"}], "
	"\"excludes\": {\"caps\": [\"CAP_AUDIT_WRITE\"]}},"
	"  {\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\","
	"   \"args\": [{\"index\": 0, \"value\": 16, \"valueTwo\": 0, \"op\": \"SCMP_CMP_NE\"}], "
	"\"excludes\": {\"caps\": [\"CAP_AUDIT_WRITE\"]}}"
	" ]}";

/* As a config.json carries them. */
static const char oci[] =
	"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86_64\", "
	"\"SCMP_ARCH_X86\"],"
	" \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\"], \"x-origin\": 1,"
	" \"syscalls\": ["
	"  {\"names\": [\"mount\", \"umount2\"], \"action\": \"SCMP_ACT_ERRNO\"},"
	"  {\"names\": [\"mount\"], \"action\": \"SCMP_ACT_KILL_PROCESS\"},"
	"  {\"names\": [\"ptrace\"], \"action\": \"SCMP_ACT_TRAP\"},"
	"  {\"names\": [\"bpf\"], \"action\": \"SCMP_ACT_KILL_PROCESS\", \"args\": [{\"index\": 0, "
	"\"value\": 5, \"op\": \"SCMP_CMP_GE\"}]},"
	"  {\"names\": [\"bpf\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 13},"
	"  {\"names\": [\"lseek\"], \"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\": 1, "
	"\"value\": 4294967296, \"op\": \"SCMP_CMP_GT\"},"
	"   {\"index\": 2, \"value\": 3, \"op\": \"SCMP_CMP_LT\"}]},"
	"  {\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 0, \"args\": "
	"[{\"index\": 2, \"value\": 4294967295, \"op\": \"SCMP_CMP_LE\"}]},"
	"  {\"names\": [\"write\"], \"action\": \"SCMP_ACT_ALLOW\"},"
	"  {\"name\": \"acct\", \"action\": \"SCMP_ACT_ERRNO\"}"
	" ]}";

static const struct seccomp_document_context plain = {{"amd64", "x86_64"}, 0, 5, 12};
static const struct seccomp_document_context administrator = {
	{"amd64", "x86_64"}, 1ULL << 21, 6, 18};

/* ---- documents ---- */

struct imported {
	struct arena arena;
	struct json_document document;
	struct profile profile;
	struct err err;
};

static int import(
	struct imported *i, const struct seccomp_document_context *context, const char *text)
{
	int r;

	*i = (struct imported){0};
	r = json_document_parse("test.json", strdup(text), strlen(text), &json_limits_profile,
		&i->document, &i->err);
	if (r < 0)
		return r;
	return seccomp_document_import_for(
		context, &i->document, &i->arena, &i->profile.syscalls, &i->err);
}

static void release(struct imported *i)
{
	json_document_free(&i->document);
	arena_free(&i->arena);
}

/* ---- what runc would have libseccomp build ---- */

static uint32_t their_action(const json_t *action, const json_t *number)
{
	const char *word = json_string_value(action);
	uint32_t error = number ? (uint32_t)json_integer_value(number) : EPERM;

	if (strcmp(word, "SCMP_ACT_ALLOW") == 0)
		return SCMP_ACT_ALLOW;
	if (strcmp(word, "SCMP_ACT_LOG") == 0)
		return SCMP_ACT_LOG;
	if (strcmp(word, "SCMP_ACT_TRAP") == 0)
		return SCMP_ACT_TRAP;
	return strcmp(word, "SCMP_ACT_ERRNO") == 0 ? SCMP_ACT_ERRNO(error) : SCMP_ACT_KILL_PROCESS;
}

static enum scmp_compare their_operator(const char *word)
{
	static const struct {
		const char *word;
		enum scmp_compare operator;
	} table[] = {{"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT},
		{"SCMP_CMP_LE", SCMP_CMP_LE}, {"SCMP_CMP_EQ", SCMP_CMP_EQ},
		{"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT},
		{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].word, word) == 0)
			return table[i].operator;
	abort();
}

static void add_their_rule(
	scmp_filter_ctx context, uint32_t action, const char *name, const json_t *args)
{
	int number = seccomp_syscall_resolve_name(name), r;
	struct scmp_arg_cmp conditions[6];
	size_t i;
	json_t *arg;

	if (number == __NR_SCMP_ERROR)
		return;
	json_array_foreach(args, i, arg)
	{
		conditions[i] = (struct scmp_arg_cmp){
			(unsigned)json_integer_value(json_object_get(arg, "index")),
			their_operator(json_string_value(json_object_get(arg, "op"))),
			(scmp_datum_t)json_integer_value(json_object_get(arg, "value")),
			(scmp_datum_t)json_integer_value(json_object_get(arg, "valueTwo"))};
	}
	r = seccomp_rule_add_array(
		context, action, number, (unsigned)json_array_size(args), conditions);
	if (r < 0 && r != -EDOM && r != -EEXIST)
		printf("# libseccomp: %s: %s\n", name, strerror(-r));
}

/* For x86_64, wherever this runs: the library takes the numbers of names natively, and turns them
 * into those. */
static scmp_filter_ctx their_context(uint32_t otherwise)
{
	scmp_filter_ctx context = seccomp_init(otherwise);

	if (seccomp_arch_native() != SCMP_ARCH_X86_64 &&
		(seccomp_arch_add(context, SCMP_ARCH_X86_64) < 0 ||
			seccomp_arch_remove(context, SCMP_ARCH_NATIVE) < 0))
		abort();
	return context;
}

/* Includes and excludes are for the caller to have judged: skip lists the entries that do not
 * apply, by index. */
static size_t their_filter(
	const json_t *root, const bool *skip, struct sock_filter *filter, size_t maximum)
{
	uint32_t otherwise = their_action(
		json_object_get(root, "defaultAction"), json_object_get(root, "defaultErrnoRet"));
	scmp_filter_ctx context = their_context(otherwise);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	json_t *entry, *name;
	size_t i, n;
	ssize_t length;

	json_array_foreach(json_object_get(root, "syscalls"), i, entry)
	{
		uint32_t action = their_action(
			json_object_get(entry, "action"), json_object_get(entry, "errnoRet"));

		if ((skip && skip[i]) || action == otherwise)
			continue;
		if (json_object_get(entry, "name"))
			add_their_rule(context, action,
				json_string_value(json_object_get(entry, "name")), NULL);
		json_array_foreach(json_object_get(entry, "names"), n, name)
		{
			add_their_rule(context, action, json_string_value(name),
				json_object_get(entry, "args"));
		}
	}
	if (seccomp_export_bpf(context, fd) < 0)
		abort();
	length = pread(fd, filter, maximum * sizeof(*filter), 0);
	(void)close(fd);
	seccomp_release(context);
	return (size_t)length / sizeof(*filter);
}

/* ---- comparison ---- */

static unsigned compared, unlike;

/* With libseccomp's filter, or without one (length 0) with what the document says. */
static void compare(const struct seccomp_plan *plan, const json_t *root,
	const struct sock_filter *theirs, size_t length, int number, const uint64_t *args)
{
	struct seccomp_data data = {.nr = number, .arch = AUDIT_ARCH_X86_64};
	uint32_t our, their;

	memcpy(data.args, args, sizeof(data.args));
	our = simulate(plan->filter, plan->length, &data, NULL, NULL);
	their = length ? simulate(theirs, length, &data, NULL, NULL)
		       : document_says(root, number, args);
	compared++;
	if (our != their && unlike++ < 5)
		printf("# nr %d args %llx %llx %llx: ours %08x, the other %08x\n", number,
			(unsigned long long)args[0], (unsigned long long)args[1],
			(unsigned long long)args[2], our, their);
}

static void compare_all(const struct profile *profile, const json_t *root,
	const struct seccomp_plan *plan, const struct sock_filter *theirs, size_t length)
{
	static const uint64_t zero[6];

	for (int number = 0; number <= 456; number++)
		if (number < 335 || number >= 424)
			compare(plan, root, theirs, length, number, zero);
	for (size_t c = 0; c < profile->syscalls.clause_count; c++) {
		const struct syscall_clause *clause = &profile->syscalls.clauses[c];

		for (size_t a = 0; a < clause->argument_count; a++)
			for (int step = -1; step <= 1; step++)
				for (unsigned bit = 0; bit <= 64; bit++)
					for (unsigned other = 0; other < 3; other++) {
						uint64_t args[6] = {0};

						for (size_t b = 0; b < clause->argument_count; b++)
							args[clause->arguments[b].index] =
								clause->arguments[b].values[0] +
								other;
						args[clause->arguments[a].index] =
							(clause->arguments[a].values[0] +
								(uint64_t)step) ^
							(bit < 64 ? 1ULL << bit : 0);
						for (size_t n = 0; n < clause->name_count; n++) {
							int number =
								syscall_number(AUDIT_ARCH_X86_64,
									clause->names[n]);

							if (number >= 0 && number <= 456)
								compare(plan, root, theirs, length,
									number, args);
						}
					}
	}
}

static void check_same(const char *what, const struct seccomp_document_context *context,
	const char *text, const bool *skip)
{
	static const struct host host = {.seccomp = true};
	static struct sock_filter theirs[4096];
	struct seccomp_plan plan = {0};
	struct receipt receipt;
	struct imported i;
	size_t length;
	int r = import(&i, context, text);

	receipt = (struct receipt){.arena = &i.arena};
	if (r == 0)
		r = seccomp_compile_for(
			AUDIT_ARCH_X86_64, &i.profile, &host, &i.arena, &receipt, &plan, &i.err);
	check_int(r, 0, "%s is taken (%s %s)", what, i.err.where, i.err.message);
	if (r == 0) {
		compared = unlike = 0;
		length = their_filter(
			i.document.root, skip, theirs, sizeof(theirs) / sizeof(theirs[0]));
		check_text(simulate_check(theirs, length), NULL,
			"%s: libseccomp's filter would be taken", what);
		compare_all(&i.profile, i.document.root, &plan, theirs, length);
		check_int(unlike, 0, "%s: as libseccomp decides, %u calls", what, compared);
	}
	release(&i);
}

static void check_samples(void)
{
	/* Without capabilities: not CAP_SYS_ADMIN's, not ppc64le's, not s390's, not Linux 99's. */
	static const bool docker_plain[] = {
		[2] = true, [8] = true, [9] = true, [11] = true, [13] = true};
	static const bool docker_administrator[] = {
		[2] = true, [8] = true, [10] = true, [11] = true, [12] = true, [13] = true};
	static const bool podman_plain[] = {[3] = true, [7] = false};

	check_same("Docker's shape", &plain, docker, docker_plain);
	check_same("Docker's shape, CAP_SYS_ADMIN", &administrator, docker, docker_administrator);
	check_same("Podman's shape", &plain, podman, podman_plain);
	check_same("OCI's shape", &plain, oci, NULL);
}

/* ---- documents by chance ---- */

static uint64_t seed = 2463534242U;

static unsigned chance(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % below);
}

/*
 * For libseccomp, simple ones: entries with conditions on one call have one action, and but one of
 * them, or only equalities. Beyond that its tree goes wrong. Of two entries that allow personality,
 * one when a0 < 2^32 and a1 > 0x7e020000, the other when a0 < 21522, its filter (2.5.4) kills a0 =
 * 0xfffffffe, a1 = 0x7e020001, which the first allows.
 */
static void random_document(char *text, size_t size, bool simple)
{
	static const char *const names[] = {
		"read", "write", "open", "lseek", "mmap", "socket", "personality", "clone"};
	static const char *const actions[] = {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO",
		"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_LOG"};
	static const char *const operators[] = {"EQ", "MASKED_EQ", "NE", "LT", "LE", "GE", "GT"};
	static const char *const values[] = {"1", "7", "21522", "2147483648", "4294967295",
		"4294967296", "4294988818", "9223372036854775807", "2114060288", "0"};
	unsigned entries = 1 + chance(6), shift = chance(5), equal = simple ? chance(2) : 0;
	size_t used = (size_t)snprintf(
		text, size, "{\"defaultAction\": \"%s\", \"syscalls\": [", actions[chance(5)]);

	for (unsigned e = 0; e < entries; e++) {
		unsigned name = simple && !equal ? e : chance(8), conditions = chance(4),
			 index = chance(3);

		used += (size_t)snprintf(text + used, size - used,
			"%s{\"names\": [\"%s\"], \"action\": \"%s\", \"args\": [", e ? "," : "",
			names[name],
			actions[conditions && simple ? (name + shift) % 5 : chance(5)]);
		for (unsigned c = 0; c < conditions; c++)
			used += (size_t)snprintf(text + used, size - used,
				"%s{\"index\": %u, \"value\": %s, \"valueTwo\": %s, \"op\": "
				"\"SCMP_CMP_%s\"}",
				c ? "," : "", index + c, values[chance(simple ? 9 : 10)],
				values[chance(10)], operators[chance(equal ? 1 : 7)]);
		used += (size_t)snprintf(text + used, size - used, "]}");
	}
	(void)snprintf(text + used, size - used, "]}");
}

static void check_by_chance(unsigned rounds, bool simple)
{
	static const struct host host = {.seccomp = true};
	static struct sock_filter theirs[4096];
	static char text[8192];
	unsigned failures = 0, all = 0;

	for (unsigned round = 0; round < rounds; round++) {
		struct seccomp_plan plan = {0};
		struct receipt receipt;
		struct imported i;
		size_t length;

		random_document(text, sizeof(text), simple);
		if (import(&i, &plain, text) < 0) {
			printf("# %s %s\n# %s\n", i.err.where, i.err.message, text);
			failures++;
			release(&i);
			continue;
		}
		receipt = (struct receipt){.arena = &i.arena};
		if (seccomp_compile_for(AUDIT_ARCH_X86_64, &i.profile, &host, &i.arena, &receipt,
			    &plan, &i.err) < 0)
			abort();
		compared = unlike = 0;
		length = simple ? their_filter(i.document.root, NULL, theirs,
					  sizeof(theirs) / sizeof(theirs[0]))
				: 0;
		compare_all(&i.profile, i.document.root, &plan, theirs, length);
		all += compared;
		if (unlike && failures++ < 3)
			printf("# %s\n", text);
		release(&i);
	}
	check_int(failures, 0, "%u random documents: as %s, %u calls", rounds,
		simple ? "libseccomp decides" : "they say", all);
}

/* ---- where it differs, on purpose ---- */

static void decides(const char *text, int number, uint64_t first, uint64_t second,
	enum syscall_action action, int error, const char *what)
{
	const uint64_t arguments[6] = {first, second};
	struct seccomp_verdict verdict = {0};
	struct imported i;

	if (import(&i, &plain, text) < 0) {
		check(false, "%s: %s %s", what, i.err.where, i.err.message);
	} else {
		seccomp_verdict(&i.profile, AUDIT_ARCH_X86_64, AUDIT_ARCH_X86_64, number, arguments,
			&verdict);
		check(verdict.action == action && verdict.error == error, "%s", what);
	}
	release(&i);
}

#define DOCUMENT(entries) "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" entries "]}"
#define CONDITION(index, op, value) \
	"{\"index\": " #index ", \"op\": \"SCMP_CMP_" #op "\", \"value\": " #value "}"
#define READ(action, conditions)                                                                   \
	"{\"names\": [\"read\"], \"action\": \"SCMP_ACT_" #action "\", \"args\": [" conditions "]" \
	"}"

static void check_differences(void)
{
	static const char both[] =
		DOCUMENT(READ(ALLOW, CONDITION(0, GE, 3) "," CONDITION(0, LE, 5)));
	static const char strict[] = DOCUMENT(READ(ALLOW, CONDITION(1, EQ, 1)) "," READ(
		KILL, CONDITION(0, EQ, 9)) "," READ(LOG, CONDITION(1, LT, 5)));
	static const char errnos[] =
		DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 5, "
			 "\"args\": [" CONDITION(0, LT,
				 9) "]},"
				    "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", "
				    "\"errnoRet\": 6, \"args\": [" CONDITION(0, LT, 20) "]}");

	decides(both, 0, 4, 0, ACTION_ALLOW, 0, "two conditions on an argument: both hold");
	decides(both, 0, 6, 0, ACTION_ERRNO, EPERM, "two conditions on an argument: one holds");
	decides(both, 0, 2, 0, ACTION_ERRNO, EPERM,
		"two conditions on an argument: the other holds");
	decides(strict, 0, 9, 1, ACTION_KILL, 0, "of unlike actions the stricter decides");
	decides(strict, 0, 8, 1, ACTION_LOG, 0, "log is stricter than allow");
	decides(errnos, 0, 1, 0, ACTION_ERRNO, 5, "of two errnos the first");
	decides(errnos, 0, 10, 0, ACTION_ERRNO, 6, "or the one that matches");
	decides(DOCUMENT(
			"{\"names\": [\"read\"], \"action\": \"SCMP_ACT_TRACE\", \"errnoRet\": 7}"),
		0, 0, 0, ACTION_ERRNO, 7, "trace with an errno");
	decides(DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_TRACE\"}"), 0, 0, 0,
		ACTION_ERRNO, ENOSYS, "trace alone");
	decides(DOCUMENT(READ(KILL_THREAD, "")), 0, 0, 0, ACTION_KILL, 0,
		"killing a thread kills the process");
	decides(DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": "
			 "\"EACCES\"}"),
		0, 0, 0, ACTION_ERRNO, EACCES, "an errno by name alone");
	decides("{\"defaultAction\": \"SCMP_ACT_KILL\"}", 0, 0, 0, ACTION_KILL, 0,
		"a default alone");
}

/* Names that nobody knows: a row where the filter is closed without them, an error where it would
 * be open. */
static void check_unknown_names(void)
{
	static const struct host host = {.seccomp = true};
	struct seccomp_plan plan;
	struct receipt receipt;
	struct imported i;

	check_int(import(&i, &plain, docker), 0, "a document with an unknown name");
	receipt = (struct receipt){.arena = &i.arena};
	check_int(seccomp_compile_for(
			  AUDIT_ARCH_X86_64, &i.profile, &host, &i.arena, &receipt, &plan, &i.err),
		0, "compiles");
	check(receipt.row_count == 2 &&
			strcmp(receipt.rows[0].asked, "system call not_a_call_yet") == 0,
		"with a row for the name");
	release(&i);
	check_int(import(&i, &plain,
			  "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": "
			  "[\"ptarce\"], \"action\": \"SCMP_ACT_KILL\"}]}"),
		0, "a denial of an unknown name");
	receipt = (struct receipt){.arena = &i.arena};
	check_int(seccomp_compile_for(
			  AUDIT_ARCH_X86_64, &i.profile, &host, &i.arena, &receipt, &plan, &i.err),
		-EINVAL, "is refused when the default allows");
	check_text(i.err.where, "test.json:1:50: /syscalls/0", "at its place");
	check_text(i.err.hint, "did you mean \"ptrace\"?", "with the nearest name");
	release(&i);
}

/* ---- refusals ---- */

static void refuses(const char *text, const char *where, const char *message)
{
	struct imported i;
	int r = import(&i, &plain, text);

	check_int(r, -EINVAL, "refused: %s", text);
	check(strstr(i.err.where, where) != NULL && strstr(i.err.message, message) != NULL,
		"at \"%s\", with \"%s\" (%s: %s)", where, message, i.err.where, i.err.message);
	check(!i.profile.syscalls.clause_count && i.profile.syscalls.default_action == 0,
		"and nothing was imported");
	release(&i);
}

static const struct {
	const char *text, *where, *message;
} refusals[] = {
	{"[]", "test.json:1:1", "expected an object"},
	{"{}", "/defaultAction", "expected a string"},
	{"{\"defaultAction\": \"SCMP_ACT_ALOW\"}", "/defaultAction",
		"unknown action \"SCMP_ACT_ALOW\""},
	{"{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}", "/defaultAction",
		"SCMP_ACT_NOTIFY is not supported"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultErrnoRet\": 1}", "/defaultErrnoRet",
		"takes no errno"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"sycalls\": []}", "/sycalls", "unknown key"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": {}}", "/syscalls",
		"expected an array"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": "
	 "[\"SCMP_ARCH_X86_63\"]}",
		"/architectures/0", "unknown architecture"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": \"all\"}", "/architectures",
		"expected an array"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"TSYNC\"]}", "/flags/0",
		"unknown flag"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/run/x\"}", "/listenerPath",
		"listeners are not supported"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerMetadata\": \"x\"}",
		"/listenerMetadata", "listeners"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"archMap\": {}}", "/archMap",
		"expected an array"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"archMap\": [7]}", "/archMap/0",
		"expected an object"},
	{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"archMap\": [{\"architecture\": 7}]}",
		"/archMap/0/architecture", "expected a string"},
	{DOCUMENT("7"), "/syscalls/0", "expected an object"},
	{DOCUMENT("{\"action\": \"SCMP_ACT_ALLOW\"}"), "/syscalls/0", "expected \"names\""},
	{DOCUMENT("{\"names\": [], \"action\": \"SCMP_ACT_ALLOW\"}"), "/syscalls/0",
		"expected \"names\""},
	{DOCUMENT("{\"names\": \"read\", \"action\": \"SCMP_ACT_ALLOW\"}"), "/syscalls/0/names",
		"expected an array"},
	{DOCUMENT("{\"name\": \"read\", \"names\": [\"read\"], \"action\": "
		  "\"SCMP_ACT_ALLOW\"}"),
		"/syscalls/0", "beside"},
	{DOCUMENT("{\"names\": [\"\"], \"action\": \"SCMP_ACT_ALLOW\"}"), "/syscalls/0/names/0",
		"expected the name"},
	{DOCUMENT("{\"names\": [1], \"action\": \"SCMP_ACT_ALLOW\"}"), "/syscalls/0/names/0",
		"expected a string"},
	{DOCUMENT("{\"names\": [\"read\"]}"), "/syscalls/0/action", "expected a string"},
	{DOCUMENT("{\"names\": [\"read\"], \"actoin\": \"SCMP_ACT_ALLOW\"}"), "/syscalls/0/actoin",
		"unknown key"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"errnoRet\": 1}"),
		"/syscalls/0/errnoRet", "takes no errno"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": "
		  "4096}"),
		"/errnoRet", "from 0 to 4095"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": "
		  "-1}"),
		"/errnoRet", "from 0 to 4095"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": "
		  "\"EWHAT\"}"),
		"/errno", "the name of an errno"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errno\": 5}"),
		"/errno", "expected a string"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 2, "
		  "\"errno\": \"EPERM\"}"),
		"/errno", "another errno"},
	{DOCUMENT(READ(ALLOW, "7")), "/syscalls/0/args/0", "expected an object"},
	{DOCUMENT(READ(ALLOW, CONDITION(6, EQ, 1))), "/args/0/index", "from 0 to 5"},
	{DOCUMENT(READ(ALLOW, CONDITION(0, EQ, 1.5))), "/args/0/value", "expected an integer"},
	{DOCUMENT(READ(ALLOW, CONDITION(0, EQUAL, 1))), "/args/0/op", "unknown operator"},
	{DOCUMENT(READ(ALLOW, "{\"index\": 0, \"op\": \"SCMP_CMP_EQ\", \"value\": 1, "
			      "\"valueTwo\": \"x\"}")),
		"/valueTwo", "expected an integer"},
	{DOCUMENT(READ(
		 ALLOW, "{\"index\": 0, \"op\": \"SCMP_CMP_EQ\", \"value\": 1, \"value2\": 1}")),
		"/value2", "unknown key"},
	{DOCUMENT(READ(KILL, CONDITION(0, GE, 1) "," CONDITION(0, LE, 3))), "/args/1",
		"a second condition on the same argument"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": 1}"), "/args",
		"expected an array"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		  "[]}"),
		"/includes", "expected an object"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"excludes\": "
		  "{\"cap\": []}}"),
		"/excludes/cap", "unknown key"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		  "{\"caps\": 1}}"),
		"/includes/caps", "array"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		  "{\"caps\": [\"CAP_FLY\"]}}"),
		"/caps/0", "a capability"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		  "{\"caps\": [4]}}"),
		"/caps/0", "string"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		  "{\"arches\": [4]}}"),
		"/arches/0", "string"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		  "{\"arches\": 4}}"),
		"/arches", "array"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		  "{\"minKernel\": \"five\"}}"),
		"/minKernel", "version"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		  "{\"minKernel\": \"5.x\"}}"),
		"/minKernel", "version"},
	{DOCUMENT("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": "
		  "{\"minKernel\": 5}}"),
		"/minKernel", "string"},
};

static void check_refusals(void)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		refuses(refusals[i].text, refusals[i].where, refusals[i].message);
}

/* Clauses are appended to what is there. */
static void check_appended(void)
{
	static const char *const names[] = {"close"};
	struct syscall_clause before = {.names = names, .name_count = 1};
	struct arena arena = {0};
	struct syscalls_section section = {.clauses = &before, .clause_count = 1};
	struct json_document document;
	struct err err = {0};

	check_int(json_document_parse("test.json", strdup(podman), strlen(podman),
			  &json_limits_profile, &document, &err),
		0, "Podman's parses");
	check_int(seccomp_document_import(&document, &arena, &section, &err), 0, "and is imported");
	check(section.clause_count > 4 && section.clauses[0].names == names,
		"after what was there");
	check(section.default_action == ACTION_ERRNO && section.default_error == ENOSYS,
		"with its default");
	check_text(section.clauses[1].group, "test.json", "in its name");
	json_document_free(&document);
	arena_free(&arena);
}

int main(void)
{
	check_samples();
	check_by_chance(400, true);
	check_by_chance(400, false);
	check_differences();
	check_unknown_names();
	check_refusals();
	check_appended();
	return check_done();
}
