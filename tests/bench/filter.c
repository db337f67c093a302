/*
 * The filters of a launch as raw BPF, for who takes them from outside: bwrap --seccomp and floor.c.
 *
 *	filter program > FILE	the filter of the untrusted group, which the program gets
 *	filter init > FILE	the one that PID 1 of the jail lives under
 *	filter rewind FD	seeks FD, which the next run inherits too, back to its start
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/seccomp.h"
#include "profile/load.h"
#include "profile/receipt.h"
#include "util/arena.h"

static int compile_program(struct arena *arena, struct profile_library *library,
	struct seccomp_plan *ret, struct err *reterr)
{
	static const char text[] =
		"{\"version\": 1, \"syscalls\": {\"groups\": [\"untrusted@1\"]}}";
	static const struct host host = {.seccomp = true};
	static struct profile profile; /* the plan goes on pointing to it */
	struct profile_variables variables = {.cwd = "/", .home = "/", .user = "nobody"};
	struct receipt receipt = {.arena = arena};
	char *copy = strdup(text);
	int r = copy ? profile_load_text("bench", copy, strlen(copy), &variables, arena, library,
			       &profile, reterr)
		     : -ENOMEM;

	return r < 0 ? r : seccomp_compile(&profile, &host, arena, &receipt, ret, reterr);
}

static int put_filter(const char *which)
{
	struct profile_library library = {0};
	struct seccomp_plan plan = {0};
	struct arena arena = {0};
	struct err err = {0};
	int r;

	if (strcmp(which, "init") == 0)
		r = seccomp_compile_init(&arena, &plan, &err);
	else
		r = compile_program(&arena, &library, &plan, &err);
	if (r == 0 &&
		(fwrite(plan.filter, sizeof(*plan.filter), plan.length, stdout) != plan.length ||
			fflush(stdout)))
		r = err_set(&err, -EIO, "standard output", "cannot write the filter");
	if (r < 0)
		(void)fprintf(stderr, "filter: %s: %s\n", err.where, err.message);
	arena_free(&arena);
	profile_library_free(&library);
	return r < 0;
}

int main(int count, char **arguments)
{
	if (count == 2 &&
		(strcmp(arguments[1], "program") == 0 || strcmp(arguments[1], "init") == 0))
		return put_filter(arguments[1]);
	if (count == 3 && strcmp(arguments[1], "rewind") == 0)
		return lseek((int)strtol(arguments[2], NULL, 10), 0, SEEK_SET) != 0;
	(void)fprintf(stderr, "usage: filter program|init > FILE, or filter rewind FD\n");
	return 2;
}
