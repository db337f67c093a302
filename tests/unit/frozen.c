/* What was frozen at build time is what a reading gives: else a change of the JSON could miss the binary. */
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>

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

static struct profile_library texts; /* of what is loaded from texts: origins point into it */

static void load_text(struct arena *arena, const char *config, const char *text, struct profile *ret)
{
	struct profile_variables variables = {.xdg_config = config};
	struct err err = {0};
	char *copy = strdup(text);

	if (!copy)
		abort();
	check_int(profile_load_text("test", copy, strlen(copy), &variables, arena, &texts, ret, &err), 0, "%s: %s", text, err.message);
}

/* What begins with a built-in profile or group, alone, is thawed; named in another way it is read. Both say the same. */
static void beginnings(struct arena *arena)
{
	static const char rest[] = "\"files\": {\"mounts\": [{\"tmpfs\": \"/x\"}]}, \"hostname\": \"h\", "
				   "\"syscalls\": {\"deny\": [\"getpid\"]}}";
	static const struct {
		const char *thawed, *read, *rest;
	} pairs[] = {
		{"{\"version\": 1, \"extends\": \"untrusted\", ", "{\"version\": 1, \"extends\": [\"untrusted\"], ", rest},
		{"{\"version\": 1, \"extends\": \"strict\", ", "{\"version\": 1, \"extends\": [\"strict\"], ", rest},
		{"{\"version\": 1, \"extends\": \"strict\", ", "{\"version\": 1, \"extends\": [\"strict\", \"untrusted\"], ", rest},
		{"{\"version\": 1, \"syscalls\": {\"groups\": [\"untrusted@1\"]", "{\"version\": 1, \"syscalls\": {\"groups\": [\"strict@1\", \"untrusted@1\"]",
			", \"default\": \"kill\", \"deny\": [\"getpid\"]}}"},
	};
	struct profile thawed, read;
	char text[1024];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s%s", pairs[i].thawed, pairs[i].rest);
		load_text(arena, NULL, text, &thawed);
		(void)snprintf(text, sizeof(text), "%s%s", pairs[i].read, pairs[i].rest);
		load_text(arena, NULL, text, &read);
		check(profile_equal(&thawed, &read), "beginning %zu: both are the same", i);
		check(thawed.syscalls.clauses[0].names != read.syscalls.clauses[0].names ||
				thawed.files.mounts[0].target != read.files.mounts[0].target,
			"and one of them was read");
	}
	load_text(arena, NULL, "{\"version\": 1, \"syscalls\": {\"groups\": [\"untrusted@1\"]}}", &thawed);
	check(frozen_find_filter(&thawed) != NULL, "a group alone has the frozen filter");
	load_text(arena, NULL, "{\"version\": 1, \"syscalls\": {\"enforce\": \"audit\", \"groups\": [\"untrusted@1\"]}}", &thawed);
	check(thawed.syscalls.clauses[0].rule.enforce == ENFORCE_AUDIT, "a group in audit is in audit");
}

static void put_file(const char *directory, const char *kind, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/immure/%s", directory, kind);
	if (mkdir(path, 0700))
		abort();
	(void)snprintf(path, sizeof(path), "%s/immure/%s/%s", directory, kind, name);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) || chmod(path, 0600))
		abort();
}

/* The user's own file of that name comes first, in a profile that begins with it as well. */
static void overridden(struct arena *arena)
{
	char directory[] = "/tmp/immure-frozen.XXXXXX", path[64];
	struct profile profile;

	if (!mkdtemp(directory))
		abort();
	(void)snprintf(path, sizeof(path), "%s/immure", directory);
	if (mkdir(path, 0700))
		abort();
	put_file(directory, "profiles", "untrusted.json", "{\"version\": 1, \"hostname\": \"mine\"}");
	put_file(directory, "seccomp", "untrusted@1.json",
		"{\"version\": 1, \"name\": \"untrusted\", \"revision\": 1, \"allow\": [\"read\"]}");
	load_text(arena, directory, "{\"version\": 1, \"extends\": \"untrusted\"}", &profile);
	check_text(profile.hostname, "mine", "the user's own untrusted");
	load_text(arena, directory, "{\"version\": 1, \"syscalls\": {\"groups\": [\"untrusted@1\"]}}", &profile);
	check_int((long long)profile.syscalls.clause_count, 1, "the user's own untrusted@1");
	(void)snprintf(path, sizeof(path), "rm -r %s", directory);
	check_int(system(path), 0, "tidied up");
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
	check_int(seccomp_compile_init_for(syscall_native_architecture(), arena, &anew, &err), 0, "a fresh filter for PID 1");
	check(same_code(&used, &anew), "PID 1's filter is what a compiler makes now");
	check(used.filter == frozen_init_filter.code && anew.filter != used.filter, "and the frozen one is used");
}

int main(void)
{
	struct arena arena = {0};

	compare(&arena, "untrusted");
	compare(&arena, "strict");
	beginnings(&arena);
	overridden(&arena);
	change(&arena);
	filters(&arena, "untrusted");
	filters(&arena, "strict");
	init_filter(&arena);
	check(frozen_find("no-such") == NULL, "an unknown name is not frozen");
	profile_library_free(&texts);
	arena_free(&arena);
	return check_done();
}
