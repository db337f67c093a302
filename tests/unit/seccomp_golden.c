/*
 * tests/seccomp/golden/GROUP.ARCHITECTURE says, for people and for the escape tests, what every
 * call meets under a shipped group when tests/seccomp/probe.c makes it (all arguments ~0). This
 * keeps the files in step with the policies: a change of a policy must show in them.
 * `seccomp_golden GROUP ARCHITECTURE` prints one anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdlib.h>

#include "check.h"
#include "isolation/seccomp.h"
#include "isolation/syscall_table.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/file.h"

static const char *outcome(const struct seccomp_verdict *verdict)
{
	if (verdict->action == ACTION_KILL)
		return "SIGSYS";
	if (verdict->action != ACTION_ERRNO)
		return "REACHED";
	if (verdict->error == EPERM)
		return "EPERM";
	return verdict->error == ENOSYS
		       ? "ENOSYS"
		       : "REACHED"; /* another errno: the probe cannot tell whose it is */
}

/* From Linux 6.14 on, the kernel lets the calls that probes insert into a traced program through
 * without asking any filter. */
static bool kernel_decides(const char *name)
{
	return strcmp(name, "uretprobe") == 0 || strcmp(name, "uprobe") == 0;
}

static int print_golden(const char *group, uint32_t architecture, FILE *out)
{
	static const uint64_t arguments[6] = {~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL};
	struct profile_variables variables = {.cwd = "/", .home = "/", .user = "nobody"};
	struct profile_library library = {0};
	struct seccomp_verdict verdict;
	struct arena arena = {0};
	struct profile profile;
	struct err err = {0};
	char text[128];
	int r;

	(void)snprintf(text, sizeof(text),
		"{\"version\": 1, \"syscalls\": {\"groups\": [\"%s@1\"]}}", group);
	r = profile_load_text(
		"test", strdup(text), strlen(text), &variables, &arena, &library, &profile, &err);
	if (r < 0) {
		(void)fprintf(stderr, "%s: %s\n", err.where, err.message);
		return r;
	}
	for (int number = 0; number < 1024; number++) {
		const char *name = syscall_name(architecture, number);

		seccomp_verdict(&profile, architecture, architecture, number, arguments, &verdict);
		if (name)
			(void)fprintf(out, "native %d %s %s\n", number, name,
				kernel_decides(name) ? "KERNEL" : outcome(&verdict));
	}
	seccomp_verdict(&profile, architecture, architecture, 1023, arguments, &verdict);
	(void)fprintf(out, "native * %s\n", outcome(&verdict));
	if (architecture == AUDIT_ARCH_X86_64) {
		seccomp_verdict(
			&profile, architecture, architecture, 0x40000000, arguments, &verdict);
		(void)fprintf(out, "x32 * %s\n", outcome(&verdict));
		seccomp_verdict(&profile, architecture, AUDIT_ARCH_I386, 0, arguments, &verdict);
		(void)fprintf(out, "int80 * %s\n", outcome(&verdict));
	}
	profile_library_free(&library);
	arena_free(&arena);
	return 0;
}

static void check_golden(const char *group, const char *word, uint32_t architecture)
{
	char path[128], *golden = NULL, *made = NULL;
	size_t golden_length = 0, made_length = 0;
	FILE *out = open_memstream(&made, &made_length);
	int r;

	(void)snprintf(path, sizeof(path), "tests/seccomp/golden/%s.%s", group, word);
	r = file_read(AT_FDCWD, path, 1 << 20, &golden, &golden_length);
	check_int(r, 0, "%s is there (run from the top of the tree)", path);
	if (out && print_golden(group, architecture, out) == 0 && fclose(out) == 0 && r == 0)
		check(golden_length == made_length && memcmp(golden, made, made_length) == 0,
			"%s is what the policy says", path);
	else
		check(false, "%s can be compared", path);
	free(golden);
	free(made);
}

int main(int argc, char **argv)
{
	static const char *const groups[] = {"strict", "untrusted", "container"};

	if (argc == 3)
		return print_golden(argv[1],
			       strcmp(argv[2], "aarch64") == 0 ? AUDIT_ARCH_AARCH64
							       : AUDIT_ARCH_X86_64,
			       stdout) < 0;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		check_golden(groups[i], "x86_64", AUDIT_ARCH_X86_64);
		check_golden(groups[i], "aarch64", AUDIT_ARCH_AARCH64);
	}
	return check_done();
}
