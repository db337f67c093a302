/* What was frozen at build time is what a reading gives: else a change of the JSON could miss the binary. */
#include "check.h"

#include <stdlib.h>

#include "host/host.h"
#include "isolation/seccomp.h"
#include "isolation/syscall_table.h"
#include "profile/frozen.h"
#include "profile/load.h"
#include "profile/receipt.h"
#include "util/arena.h"

static void compare(struct arena *arena, const char *name)
{
	struct profile_variables variables = {.user = NULL};
	struct profile_library library = {0};
	struct profile read, thawed;
	struct err err = {0};
	char path[64];
	size_t length;
	const char *text;
	char *copy;

	(void)snprintf(path, sizeof(path), "profiles/%s.json", name);
	text = builtin_text(path, &length);
	copy = text ? malloc(length + 1) : NULL;
	if (!check(copy != NULL, "%s is built in", name))
		return;
	memcpy(copy, text, length + 1);
	check_int(profile_load_text(name, copy, length, &variables, arena, &library, &read, &err), 0, "%s is read", name);
	check_int(profile_load(name, &variables, arena, &library, &thawed, &err), 0, "%s is thawed", name);
	check(frozen_find(name) != NULL, "%s is frozen", name);
	check(profile_equal(&read, &thawed), "%s: both are the same", name);
	check_text(thawed.name, name, "%s keeps its name", name);
	check_int((long long)thawed.syscalls.clause_count, (long long)read.syscalls.clause_count, "%s keeps its clauses", name);
	check_text(thawed.limits.limits[LIMIT_OPEN_FILES].rule.origin.pointer, "/limits/open_files", "%s keeps its places", name);
	profile_library_free(&library);
}

/* A thawed profile can be changed like any other. */
static void change(struct arena *arena)
{
	struct profile_variables variables = {.user = NULL};
	struct profile_library library = {0};
	struct mount_rule rule = {.kind = MOUNT_TMPFS, .target = "/tmp", .mode = 01777, .size = 4096, .reason = "test"};
	struct profile profile;
	struct err err = {0};
	size_t before;

	check_int(profile_load("untrusted", &variables, arena, &library, &profile, &err), 0, "untrusted is thawed again");
	before = profile.files.mount_count;
	check_int(profile_set_mount(&profile, arena, &rule, &err), 0, "a rule is replaced");
	check_int((long long)profile.files.mount_count, (long long)before, "it took the other's place");
	rule.target = "/elsewhere";
	for (int i = 0; i < 40; i++) {
		char target[32];

		(void)snprintf(target, sizeof(target), "/elsewhere-%d", i);
		rule.target = target;
		check_int(profile_set_mount(&profile, arena, &rule, &err), 0, "rule %d is added", i);
	}
	check_int((long long)profile.files.mount_count, (long long)before + 40, "all are there");
	profile_library_free(&library);
}

static bool same_code(const struct seccomp_plan *a, const struct seccomp_plan *b)
{
	return a->length && a->length == b->length && a->allowed == b->allowed &&
		memcmp(a->filter, b->filter, a->length * sizeof(*a->filter)) == 0;
}

/* The filter as a launch has it, and as a compiler makes it that has seen no frozen one. True when the launch's is the frozen one. */
static bool filters_agree(struct arena *arena, const struct profile *profile, const char *what)
{
	static const struct host host = {.seccomp = true};
	struct receipt quick = {.arena = arena}, slow = {.arena = arena};
	struct seccomp_plan used, anew;
	struct err err = {0};

	check_int(seccomp_compile(profile, &host, arena, &quick, &used, &err), 0, "%s: a filter", what);
	check_int(seccomp_compile_for(syscall_native_architecture(), profile, &host, arena, &slow, &anew, &err), 0, "%s: a fresh filter", what);
	check(same_code(&used, &anew), "%s: the filter is what a compiler makes now", what);
	check(used.filter != anew.filter, "%s: the fresh one is fresh", what);
	check_int((long long)quick.row_count, (long long)slow.row_count, "%s: the receipt is as long", what);
	return frozen_find_filter(profile) && used.filter == frozen_find_filter(profile)->code;
}

static void filters(struct arena *arena, const char *name)
{
	struct profile_variables variables = {.user = NULL};
	struct profile_library library = {0};
	struct profile profile;
	struct syscall_clause *clause;
	struct err err = {0};
	enum enforce enforce;

	check_int(profile_load(name, &variables, arena, &library, &profile, &err), 0, "%s is thawed for its filter", name);
	check(filters_agree(arena, &profile, name), "%s: the frozen filter is used", name);
	profile.hostname = "other";
	check(filters_agree(arena, &profile, "another host name"), "%s: what is not about calls does not matter", name);
	enforce = profile.syscalls.rule.enforce;
	profile.syscalls.rule.enforce = ENFORCE_AUDIT;
	check(!filters_agree(arena, &profile, "audit"), "%s in audit is compiled", name);
	profile.syscalls.rule.enforce = enforce;
	profile.namespaces.nested_user = !profile.namespaces.nested_user;
	check(!filters_agree(arena, &profile, "nested"), "%s with user namespaces is compiled", name);
	profile.namespaces.nested_user = !profile.namespaces.nested_user;
	profile.syscalls.foreign_i386 = true;
	check(!frozen_find_filter(&profile), "%s with i386 is compiled", name);
	profile.syscalls.foreign_i386 = false;
	profile.syscalls.default_error++;
	check(!filters_agree(arena, &profile, "another errno"), "%s with another errno is compiled", name);
	profile.syscalls.default_error--;
	clause = &profile.syscalls.clauses[profile.syscalls.clause_count / 2];
	clause->error++;
	check(!frozen_find_filter(&profile), "%s with a changed clause is compiled", name);
	clause->error--;
	check(frozen_find_filter(&profile) != NULL, "%s is as it was", name);
	profile.syscalls.clause_count--;
	check(!filters_agree(arena, &profile, "a clause less"), "%s without its last clause is compiled", name);
	profile_library_free(&library);
}

static void init_filter(struct arena *arena)
{
	struct seccomp_plan used, anew;
	struct err err = {0};

	check_int(seccomp_compile_init(arena, &used, &err), 0, "a filter for PID 1");
	check_int(seccomp_compile_init_anew(arena, &anew, &err), 0, "a fresh filter for PID 1");
	check(same_code(&used, &anew), "PID 1's filter is what a compiler makes now");
	check(used.filter == frozen_init_filter.code && anew.filter != used.filter, "and the frozen one is used");
}

int main(void)
{
	struct arena arena = {0};

	compare(&arena, "untrusted");
	compare(&arena, "strict");
	change(&arena);
	filters(&arena, "untrusted");
	filters(&arena, "strict");
	init_filter(&arena);
	check(frozen_find("no-such") == NULL, "an unknown name is not frozen");
	arena_free(&arena);
	return check_done();
}
