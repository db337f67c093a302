/* What was frozen at build time is what a reading gives: else a change of the JSON could miss the binary. */
#include "check.h"

#include <stdlib.h>

#include "profile/frozen.h"
#include "profile/load.h"
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

int main(void)
{
	struct arena arena = {0};

	compare(&arena, "untrusted");
	compare(&arena, "strict");
	change(&arena);
	check(frozen_find("no-such") == NULL, "an unknown name is not frozen");
	arena_free(&arena);
	return check_done();
}
