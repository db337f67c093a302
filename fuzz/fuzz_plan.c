/*
 * The compiler of plans: a profile, over a host whose facts hang on the text, so that any path may
 * be a link, a file, absent or closed. What compiles keeps the plan's invariants: what is mounted
 * lies where it can be made, Landlock grants that and nothing else, what the launcher itself
 * believes cannot be written to under any name, no required rule is left out, and the same goes in
 * twice as once. What is refused says why.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "plan/plan.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/path.h"
#include "util/report.h"

#define EXECUTE UINT64_C(1) /* LANDLOCK_ACCESS_FS_*: landlock(7) */
#define WRITE_FILE UINT64_C(2)
#define READ_FILE UINT64_C(4)
#define READ_DIR UINT64_C(8)

static const char *const protected_paths[] = {"/home/u/.config/immure", "/a/b"};
#define PROTECTED (sizeof(protected_paths) / sizeof(protected_paths[0]))

static const struct profile_variables variables = {.cwd = "/a",
	.home = "/home/u",
	.user = "u",
	.xdg_cache = "/home/u/.cache",
	.xdg_data = "/home/u/.local/share",
	.uid = 1000,
	.gid = 100};

static unsigned salt; /* of the host that this input meets */

static unsigned hash(unsigned start, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		start = (start ^ (unsigned char)text[i]) * 16777619U;
	return start ^ start >> 13;
}

/* ---- a host ---- */

static int fake_path(const struct host *host, struct arena *arena, const char *path, bool follow,
	struct path_fact *ret)
{
	static const char *const places[] = {"/a", "/a/b", "/home/u", "/"};
	static const char *const texts[] = {"a", "/a/b", "../home/u", "/"};
	unsigned number = hash(salt, path, strlen(path));

	(void)host;
	(void)arena;
	*ret = (struct path_fact){
		.type = PATH_DIRECTORY, .device = 1, .inode = number | 1, .resolved = path};
	if (!path[1])
		return 0;
	switch (number % 16) {
	case 0: *ret = (struct path_fact){.type = PATH_ABSENT}; break;
	case 1: *ret = (struct path_fact){.type = PATH_FORBIDDEN}; break;
	case 2: ret->type = PATH_REGULAR; break;
	case 3: ret->type = PATH_OTHER; break;
	case 4:
	case 5:
		ret->resolved = places[number / 16 % 4];
		if (!follow) {
			ret->type = PATH_SYMLINK;
			ret->link = texts[number / 16 % 4];
			ret->inode = ret->device = 0;
		}
		break;
	default: break;
	}
	return 0;
}

static int fake_check(const struct host *host, const char *context)
{
	(void)host;
	return context[0] ? 0 : -EINVAL;
}

static int fake_pair(const struct host *host, const char *kept, unsigned *ret_first,
	unsigned *ret_second, int *ret_lock, struct err *reterr)
{
	(void)host;
	(void)kept;
	(void)reterr;
	*ret_first = 1;
	*ret_second = 2;
	*ret_lock = -1;
	return 0;
}

static struct host fake_host(void)
{
	static struct id_range ranges[] = {{100000, 65536}};
	bool many = salt & 1, selinux = salt & 2;

	return (struct host){.probed = ~0U,
		.uid = 1000,
		.gid = 100,
		.landlock_abi = (int)(salt / 4 % 8),
		.landlock_errno = salt / 4 % 8 ? 0 : EOPNOTSUPP,
		.seccomp = true,
		.last_capability = 40,
		.selinux_enabled = selinux,
		.selinux_enforcing = selinux,
		.selinux_context = selinux ? "user_u:user_r:user_t:s0" : NULL,
		.selinux_check = selinux ? fake_check : NULL,
		.mcs_pair = selinux ? fake_pair : NULL,
		.cgroup = salt & 32 ? CGROUP_DELEGATED : CGROUP_NONE,
		.cgroup_parent = salt & 32 ? "/sys/fs/cgroup/u" : NULL,
		.cgroup_mount = salt & 32 ? "/sys/fs/cgroup" : NULL,
		.cgroup_controllers = salt & 32 ? salt >> 6 : 0,
		.cgroup_reason = "nothing is delegated",
		.newuidmap = many ? "/usr/bin/newuidmap" : NULL,
		.newgidmap = many ? "/usr/bin/newgidmap" : NULL,
		.uid_ranges = ranges,
		.gid_ranges = ranges,
		.uid_range_count = many,
		.gid_range_count = many,
		.subordinate_reason = many ? NULL : "none are given",
		.path = fake_path};
}

/* ---- what must hold of a plan ---- */

static void check_operation(const struct mount_plan *plan, size_t number)
{
	const struct mount_operation *operation = &plan->operations[number];
	size_t length = operation->base ? strlen(operation->base) : 0;
	bool held = !operation->base;

	HOLDS(operation->target[0] && operation->target[0] != '/' &&
		operation->target[strlen(operation->target) - 1] != '/');
	HOLDS(!strstr(operation->target, "//") && !strstr(operation->target, "/../") &&
		strncmp(operation->target, "../", 3) != 0);
	if (length)
		HOLDS(strncmp(operation->target, operation->base, length) == 0 &&
			operation->target[length] == '/');
	for (size_t i = 0; i < number && !held; i++)
		held = plan->operations[i].kind == OPERATION_TMPFS && plan->operations[i].holds &&
		       strcmp(plan->operations[i].target, operation->base) == 0;
	HOLDS(held);
}

static uint64_t wanted(const struct mount_rule *rule)
{
	if (rule->kind == MOUNT_FILE)
		return READ_FILE;
	if (rule->kind == MOUNT_DIRECTORY)
		return READ_DIR;
	return READ_FILE | READ_DIR | (rule->no_exec ? 0 : EXECUTE) |
	       (rule->writable || rule->kind == MOUNT_TMPFS ? WRITE_FILE : 0);
}

static void check_grants(const struct plan *plan)
{
	const struct landlock_layer *layer = &plan->landlock.layers[0];

	for (size_t i = 0; plan->landlock.abi && i < plan->mounts.shown_count; i++) {
		const struct mount_rule *rule = plan->mounts.shown[i];
		uint64_t granted = 0;

		for (size_t j = 0; j < layer->count; j++)
			if (path_is_beneath(rule->target, layer->rules[j].path))
				granted |= layer->rules[j].access;
		HOLDS(!(wanted(rule) & ~granted));
	}
	for (size_t i = 0; i < layer->count; i++) {
		const struct landlock_rule *grant = &layer->rules[i];
		bool shown = !grant->rule || strncmp(grant->path, "/dev", 4) == 0;

		for (size_t j = 0; j < plan->mounts.shown_count && !shown; j++) {
			const struct mount_rule *rule = plan->mounts.shown[j];

			shown = strcmp(rule->target, grant->path) == 0 ||
				(rule->kind == MOUNT_FILE && grant->access == READ_FILE &&
					path_is_beneath(rule->target, grant->path));
		}
		HOLDS(shown);
	}
}

/* What is on top at path, of what the plan mounts: the deepest, and of those the last. */
static const struct mount_operation *find_top(const struct mount_plan *plan, const char *path)
{
	const struct mount_operation *top = NULL;

	for (size_t i = 0; i < plan->count; i++) {
		const struct mount_operation *operation = &plan->operations[i];
		size_t length = strlen(operation->target);

		if (operation->kind == OPERATION_PIN || operation->kind == OPERATION_SYMLINK ||
			(operation->kind == OPERATION_DIRECTORY && !operation->rule))
			continue;
		if (strncmp(path + 1, operation->target, length) == 0 &&
			(path[1 + length] == '/' || !path[1 + length]) &&
			(!top || length >= strlen(top->target)))
			top = operation;
	}
	return top;
}

static bool can_be_written(const struct mount_operation *operation)
{
	return operation->kind == OPERATION_BIND && operation->rule->writable;
}

/* By every writable bind that brings it in, the jail finds something else at its place there. */
static void check_protected(const struct mount_plan *plan, const char *path)
{
	char place[2 * 4096];

	for (size_t i = 0; i < plan->count; i++) {
		const struct mount_operation *bind = &plan->operations[i], *top;
		size_t length;

		if (!can_be_written(bind))
			continue;
		HOLDS(!path_is_beneath(bind->source, path));
		if (!path_is_beneath(path, bind->source))
			continue;
		length = bind->source[1] ? strlen(bind->source) : 0;
		HOLDS((size_t)snprintf(place, sizeof(place), "/%s%s", bind->target, path + length) <
			sizeof(place));
		top = find_top(plan, place);
		HOLDS(top && top != bind);
	}
}

static void check_receipt(const struct receipt *receipt)
{
	for (size_t i = 0; i < receipt->row_count; i++) {
		const struct receipt_row *row = &receipt->rows[i];

		HOLDS(row->asked && row->outcome < OUTCOME_COUNT);
		HOLDS(row->rule->enforce != ENFORCE_REQUIRED || row->outcome == OUTCOME_ENFORCED);
		if (row->outcome != OUTCOME_AUDITED)
			HOLDS((row->outcome == OUTCOME_ENFORCED) == (row->reason == NULL));
	}
}

/* ---- its story ---- */

struct story {
	struct report report;
	unsigned sum;
};

static void add_row(
	struct report *report, const char *action, const char *detail, const char *place)
{
	struct story *story = (struct story *)(void *)report;

	story->sum = hash(story->sum, action, strlen(action));
	story->sum = hash(story->sum, detail, strlen(detail));
	story->sum = hash(story->sum, place ? place : "", place ? strlen(place) : 0);
}

static unsigned tell(const struct plan *plan)
{
	struct story story = {{add_row}, 0};

	for (enum step_id step = 0; step < STEP_COUNT; step++)
		if (steps[step].explain)
			steps[step].explain(plan, &story.report);
	return story.sum;
}

static int compile(
	const struct profile *profile, struct arena *arena, struct plan *ret, struct err *reterr)
{
	static char *const words[] = {"true", NULL};
	static char *const none[] = {"PATH=/usr/bin:/bin", "HOME=/home/u", NULL};
	const struct plan_request request = {
		.arguments = words, .environment = none, .working_directory = "/a"};
	struct host host = fake_host();

	return plan_compile(profile, &host, &request, arena, ret, reterr);
}

static void check_plan(struct profile *profile)
{
	struct arena arena = {0}, second = {0};
	struct plan plan, again;
	struct err err = {0}, ignored = {0};
	int r;

	profile->files.protected_paths = protected_paths;
	profile->files.protected_count = PROTECTED;
	r = compile(profile, &arena, &plan, &err);
	HOLDS(compile(profile, &second, &again, &ignored) == r);
	if (r < 0) {
		HOLDS(err.code == r && err.message[0]); /* escaped where it is printed */
	} else {
		for (size_t i = 0; i < plan.mounts.count; i++)
			check_operation(&plan.mounts, i);
		check_grants(&plan);
		for (size_t i = 0; i < PROTECTED; i++)
			check_protected(&plan.mounts, protected_paths[i]);
		check_receipt(&plan.receipt);
		HOLDS(tell(&plan) == tell(&again));
	}
	arena_free(&arena);
	arena_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile_library library = {0};
	struct arena arena = {0};
	struct profile profile;
	struct err err = {0};
	char *text = malloc(size + 1);

	HOLDS(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	salt = hash(2166136261U, text, size);
	if (profile_load_text("input", text, size, &variables, &arena, &library, &profile, &err) ==
		0)
		check_plan(&profile);
	profile_library_free(&library);
	arena_free(&arena);
	return 0;
}
