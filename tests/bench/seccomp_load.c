/*
 * What the filter of the untrusted group costs a launch: to compile, and to load (the kernel runs a
 * filter once for every system call number, to remember those that need no arguments). Beside it
 * the nearest that libseccomp can make of the same calls, linear and with its binary tree. Each
 * load happens in a process of its own; medians. Linked as the unit tests are.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/seccomp.h"
#include "profile/load.h"
#include "profile/receipt.h"
#include "util/arena.h"

#define ROUNDS 301
#define CALLS 200000

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static double median(double *samples)
{
	qsort(samples, ROUNDS, sizeof(*samples), compare);
	return samples[ROUNDS / 2];
}

static double load_once(const struct sock_fprog *program, double *ret_call)
{
	double *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double taken;
	pid_t pid;

	if (shared == MAP_FAILED)
		abort();
	pid = fork();
	if (pid == 0) {
		double start;

		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		start = now();
		if (program->len && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program) < 0)
			abort();
		shared[0] = now() - start;
		if (ret_call) {
			start = now();
			for (int i = 0; i < CALLS; i++)
				(void)syscall(SYS_getppid);
			shared[1] = (now() - start) * 1e3 / CALLS;
		}
		syscall(SYS_exit_group, 0);
	}
	(void)waitpid(pid, NULL, 0);
	taken = shared[0];
	if (ret_call)
		*ret_call = shared[1];
	(void)munmap(shared, 4096);
	return taken;
}

static void report(const char *what, struct sock_filter *filter, unsigned short length)
{
	struct sock_fprog program = {length, filter};
	static double samples[ROUNDS];
	double call = 0;

	for (int i = 0; i < ROUNDS; i++)
		samples[i] = load_once(&program, i == 0 ? &call : NULL);
	printf("%-34s %5u instructions, load %7.1f us, getppid %5.1f ns\n", what, length,
		median(samples), call);
}

static void libseccomp(const struct profile *profile, unsigned optimize, const char *what)
{
	static struct sock_filter filter[8192];
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	double start = now();
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t length;

	(void)seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, optimize);
	for (size_t i = 0; i < profile->syscalls.clause_count; i++) {
		const struct syscall_clause *clause = &profile->syscalls.clauses[i];

		for (size_t n = 0; !clause->argument_count && n < clause->name_count; n++) {
			int number = seccomp_syscall_resolve_name(clause->names[n]);

			if (number >= 0)
				(void)seccomp_rule_add(context,
					clause->action == ACTION_ALLOW ? SCMP_ACT_ALLOW
								       : SCMP_ACT_ERRNO(EPERM),
					number, 0);
		}
	}
	if (seccomp_export_bpf(context, fd) < 0)
		abort();
	printf("%-34s built in %.0f us\n", what, now() - start);
	length = pread(fd, filter, sizeof(filter), 0);
	report(what, filter, (unsigned short)((size_t)length / sizeof(*filter)));
	(void)close(fd);
	seccomp_release(context);
}

int main(void)
{
	static const char text[] =
		"{\"version\": 1, \"syscalls\": {\"groups\": [\"untrusted@1\"]}}";
	static const struct host host = {.seccomp = true};
	struct profile_variables variables = {.cwd = "/", .home = "/", .user = "nobody"};
	struct profile_library library = {0};
	struct arena arena = {0};
	struct profile profile;
	struct seccomp_plan plan = {0};
	struct err err = {0};
	static double samples[ROUNDS];

	if (profile_load_text("bench", strdup(text), strlen(text), &variables, &arena, &library,
		    &profile, &err) < 0) {
		(void)fprintf(stderr, "%s: %s\n", err.where, err.message);
		return 1;
	}
	for (int i = 0; i < ROUNDS; i++) {
		struct arena own = {0};
		struct receipt receipt = {.arena = &own};
		double start = now();

		if (seccomp_compile(&profile, &host, &own, &receipt, &plan, &err) < 0)
			return 1;
		samples[i] = now() - start;
		if (i < ROUNDS - 1)
			arena_free(&own); /* the last one is loaded below */
	}
	printf("%-34s compiled in %.1f us\n", "immure", median(samples));
	report("no filter", NULL, 0);
	report("immure", plan.filter, plan.length);
	libseccomp(&profile, 1, "libseccomp, no argument rules");
	libseccomp(&profile, 2, "the same, optimize=2");
	arena_free(&arena);
	profile_library_free(&library);
	return 0;
}
