/*
 * Ownership that is pretended: which calls the filter answers with success where there is one id, and
 * that everything else is as the profile has it. The filter is run by the simulator.
 */
#include "check.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "plan/plan.h"
#include "profile/load.h"
#include "simulate.h"
#include "util/arena.h"

static struct arena arena;
static struct profile_library library;
static struct profile profile;
static struct receipt receipt;
static struct err err;
static const struct host host = {.seccomp = true};

static int load(const char *identity)
{
	static const struct profile_variables variables = {.home = "/home/u"};
	char *text = NULL;

	err = (struct err){0};
	receipt = (struct receipt){.arena = &arena};
	if (asprintf(&text,
		    "{\"version\":1,\"syscalls\":{\"groups\":[\"container@1\"]},\"identity\":%s}",
		    identity) < 0)
		return -ENOMEM;
	return profile_load_text("t", text, strlen(text), &variables, &arena, &library, &profile, &err);
}

static int compile(enum idmap_way way, const struct profile **ret)
{
	const struct idmap_plan idmap = {.way = way};

	receipt = (struct receipt){.arena = &arena};
	return ownership_compile(&profile, &host, &idmap, &arena, &receipt, ret, &err);
}

#ifdef __x86_64__
static uint32_t answer(const struct seccomp_plan *plan, int number, uint64_t first, uint64_t second,
	uint64_t third)
{
	const struct seccomp_data data = {
		.nr = number, .arch = AUDIT_ARCH_X86_64, .args = {first, second, third}};

	return simulate(plan->filter, plan->length, &data, NULL, NULL);
}

static void answers(const struct profile *filtered)
{
	const uint64_t keep = UINT32_MAX;
	static const uint32_t done = SECCOMP_RET_ERRNO, real = SECCOMP_RET_ALLOW;
	struct seccomp_plan plan;
	const struct {
		int number;
		uint64_t arguments[3];
		uint32_t want;
		const char *what;
	} cases[] = {
		{SYS_chown, {1, 0, 0}, done, "chown"},
		{SYS_fchown, {1, 5, 5}, done, "fchown"},
		{SYS_lchown, {1, 5, 5}, done, "lchown"},
		{SYS_fchownat, {1, 5, 5}, done, "fchownat"},
		{SYS_setgroups, {1, 1, 0}, done, "setgroups"},
		{SYS_setuid, {7, 0, 0}, real, "setuid to the one id"},
		{SYS_setuid, {33, 0, 0}, done, "setuid to another"},
		{SYS_setuid, {keep, 0, 0}, done, "setuid to -1, which means nothing special there"},
		{SYS_setgid, {8, 0, 0}, real, "setgid to the one id"},
		{SYS_setgid, {7, 0, 0}, done, "setgid to another"},
		{SYS_setresuid, {7, keep, 7}, real, "setresuid that changes nothing"},
		{SYS_setresuid, {keep, 33, keep}, done, "seteuid"},
		{SYS_setresuid, {7, 7, 33}, done, "setresuid, the saved one"},
		{SYS_setresuid, {33 + (UINT64_C(1) << 32), 7, 7}, done, "with a high word"},
		{SYS_setresgid, {8, keep, 8}, real, "setresgid that changes nothing"},
		{SYS_setresgid, {9, 8, 8}, done, "setresgid"},
		{SYS_setreuid, {keep, 7, 0}, real, "setreuid that changes nothing"},
		{SYS_setreuid, {keep, 8, 0}, done, "setreuid"},
		{SYS_setregid, {8, 9, 0}, done, "setregid"},
		{SYS_mknod, {1, S_IFCHR | 0666, 0}, done, "mknod of a device"},
		{SYS_mknod, {1, S_IFIFO | 0666, 0}, real, "mknod of a FIFO"},
		{SYS_mknodat, {1, 2, S_IFBLK | 0600}, done, "mknodat of a disk"},
		{SYS_mknodat, {1, 2, S_IFREG | 0600}, real, "mknodat of a file"},
		{SYS_chmod, {1, 0755, 0}, real, "chmod"},
		{SYS_getuid, {0, 0, 0}, real, "getuid"},
	};

	receipt = (struct receipt){.arena = &arena};
	check_int(seccomp_compile_for(AUDIT_ARCH_X86_64, filtered, &host, &arena, &receipt, &plan, &err),
		0, "the filter compiles");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_int(answer(&plan, cases[i].number, cases[i].arguments[0],
				  cases[i].arguments[1], cases[i].arguments[2]),
			cases[i].want, "%s: %s", cases[i].what,
			cases[i].want == done ? "done, it says" : "asked of the kernel");
	check(answer(&plan, SYS_mount, 0, 0, 0) != done && answer(&plan, SYS_mount, 0, 0, 0) != real,
		"what the profile denies stays denied");
}
#endif

int main(void)
{
	const struct profile *filtered;

	check_int(load("{\"uid\":7,\"gid\":8,\"pretend_ownership\":true}"), 0, "a profile asks for it");
	check(profile.identity.pretend_ownership, "and is understood");
	check_int(compile(IDMAP_HELPER, &filtered), 0, "with subordinate ids");
	check(filtered == &profile && !receipt.row_count, "nothing is pretended, or told");
	check_int(compile(IDMAP_SELF, &filtered), 0, "with one id");
	check(filtered != &profile && receipt.row_count == 1, "it is, and told");
	check(receipt.rows[0].outcome == OUTCOME_PARTLY &&
			strncmp(receipt.rows[0].reason, "pretended", 9) == 0,
		"in these words");
#ifdef __x86_64__
	answers(filtered);
#endif
	profile.syscalls.unconfined = true;
	check_int(compile(IDMAP_SELF, &filtered), 0, "without a filter");
	check(filtered == &profile && receipt.row_count == 1 &&
			receipt.rows[0].outcome == OUTCOME_NOT_ENFORCED,
		"nobody pretends, and that is told");
	check_int(load("{\"uid\":7,\"gid\":8}"), 0, "a profile that does not ask");
	check_int(compile(IDMAP_SELF, &filtered), 0, "with one id");
	check(filtered == &profile && !receipt.row_count, "has the kernel's own answers");
	check(load("{\"pretend_ownership\":1}") < 0, "yes or no");
	profile_library_free(&library);
	arena_free(&arena);
	return check_done();
}
