/*
 * The profile parser. What it accepts is printed, and what is printed loads to an equal profile; an
 * accepted document with an unknown or a duplicate key is refused; the profile keeps its
 * invariants; whatever is refused says where and why, in characters that cannot move a terminal.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/json.h"
#include "util/path.h"
#include "util/text.h"

static const struct profile_variables variables = {.cwd = "/work",
	.home = "/home/u",
	.user = "u",
	.xdg_cache = "/home/u/.cache",
	.xdg_data = "/home/u/$data",
	.uid = 1000,
	.gid = 100};

struct load {
	struct arena arena;
	struct profile_library library;
	struct profile profile;
	struct err err;
};

static int load_text(struct load *load, const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	HOLDS(copy);
	if (size)
		memcpy(copy, text, size);
	copy[size] = '\0';
	return profile_load_text("input", copy, size, &variables, &load->arena, &load->library,
		&load->profile, &load->err);
}

static void unload(struct load *load)
{
	profile_library_free(&load->library);
	arena_free(&load->arena);
}

static void check_invariants(const struct profile *profile)
{
	const struct files_section *files = &profile->files;

	HOLDS(profile->name && profile->hostname && text_is_hostname(profile->hostname));
	HOLDS(files->home_directory && files->home_directory[0] == '/');
	HOLDS((files->root == ROOT_DIRECTORY) == (files->root_directory != NULL));
	for (size_t i = 0; i < files->mount_count; i++) {
		const struct mount_rule *rule = &files->mounts[i];

		HOLDS(rule->target[0] == '/' && path_depth(rule->target) > 0 &&
			!text_has_control(rule->target));
		HOLDS((rule->kind == MOUNT_BIND || rule->kind == MOUNT_SYMLINK) ==
			(rule->source != NULL));
		HOLDS((rule->kind == MOUNT_FILE) == (rule->content != NULL));
		HOLDS(rule->rule.set && rule->rule.origin.document &&
			rule->rule.enforce < ENFORCE_COUNT);
		HOLDS((rule->mode & ~01777U) == 0);
		for (size_t j = 0; j < i && i < 64; j++)
			HOLDS(strcmp(files->mounts[j].target, rule->target) != 0);
	}
	for (size_t i = 0; i < profile->syscalls.clause_count; i++) {
		const struct syscall_clause *clause = &profile->syscalls.clauses[i];

		HOLDS(clause->name_count && clause->action < ACTION_COUNT);
		HOLDS((clause->action == ACTION_ERRNO) == (clause->error != 0));
		for (size_t j = 0; j < clause->argument_count; j++)
			HOLDS(clause->arguments[j].comparison < COMPARE_COUNT &&
				clause->arguments[j].value_count);
	}
}

static void check_refusal(const struct err *err)
{
	char buffer[2 * sizeof(err->message)];

	HOLDS(err->code < 0 && err->message[0] && err->where[0]);
	HOLDS(strcmp(text_escape(err->message, strlen(err->message), buffer, sizeof(buffer)),
		      err->message) == 0);
	HOLDS(strcmp(text_escape(err->where, strlen(err->where), buffer, sizeof(buffer)),
		      err->where) == 0);
}

/* The document with "zz" as the first member of its root object must be refused, and so must one
 * whose first key comes twice. */
static void check_additions(const char *text, size_t size)
{
	static const char *const additions[] = {
		"\"zz\":1,", "\"version\":1,", "\"vers\\u0069on\":1,", "\"Files\":{},"};
	const char *brace = memchr(text, '{', size);
	size_t head = brace ? (size_t)(brace - text) + 1 : 0;

	HOLDS(brace);
	for (size_t i = 0; i < sizeof(additions) / sizeof(additions[0]); i++) {
		struct load load = {0};
		size_t length = strlen(additions[i]);
		char *changed = malloc(size + length + 1);

		HOLDS(changed);
		memcpy(changed, text, head);
		memcpy(changed + head, additions[i], length);
		memcpy(changed + head + length, text + head, size - head);
		HOLDS(load_text(&load, changed, size + length) < 0);
		free(changed);
		unload(&load);
	}
}

/* What the command line adds is what the parser adds: a profile put together from the rules of
 * another one has the same rules. */
static void check_rebuilt(const struct profile *profile)
{
	struct arena arena = {0};
	struct profile rebuilt = *profile;

	rebuilt.files.mounts = NULL;
	rebuilt.files.mount_count = 0;
	rebuilt.files.index = NULL;
	rebuilt.environment = (struct environment_section){0};
	rebuilt.syscalls.clauses = NULL;
	rebuilt.syscalls.clause_count = 0;
	for (int twice = 0; twice < 2; twice++) {
		for (size_t i = 0; i < profile->files.mount_count; i++)
			HOLDS(profile_set_mount(
				      &rebuilt, &arena, &profile->files.mounts[i], NULL) == 0);
		for (size_t i = 0; i < profile->environment.setting_count; i++)
			HOLDS(profile_set_environment(&rebuilt, &arena,
				      &profile->environment.settings[i], NULL) == 0);
	}
	for (size_t i = 0; i < profile->syscalls.clause_count; i++)
		HOLDS(profile_add_clause(&rebuilt, &arena, &profile->syscalls.clauses[i], NULL) ==
			0);
	HOLDS(profile_equal(profile, &rebuilt));
	arena_free(&arena);
}

/* A limit that was accepted in a document is accepted as an option, in the words in which it is
 * printed. */
static void check_limits(const uint8_t *data, size_t size)
{
	char text[64];
	uint64_t value;

	if (!size || size >= sizeof(text))
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	for (enum limit_kind kind = 0; kind < LIMIT_COUNT; kind++) {
		struct err err = {0};
		int r = limit_parse(kind, text, &value, &err);

		HOLDS(r == 0 ? err.code == 0 : err.code == r && err.message[0]);
	}
}

static void check_emit(const struct profile *profile, bool origins)
{
	struct load again = {0};
	char *printed = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&printed, &length);
	int r;

	HOLDS(out);
	HOLDS(profile_emit(profile, origins, out) == 0);
	HOLDS(fclose(out) == 0);
	r = load_text(&again, printed, length);
	if (r)
		(void)fprintf(stderr, "%s\n%s: %s\n", printed, again.err.where, again.err.message);
	HOLDS(r == 0);
	if (!profile_equal(profile, &again.profile))
		(void)fprintf(stderr, "%s\n", printed);
	HOLDS(profile_equal(profile, &again.profile));
	free(printed);
	unload(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct load load = {0};
	int r = load_text(&load, (const char *)data, size);

	check_limits(data, size);
	if (r) {
		check_refusal(&load.err);
	} else {
		HOLDS(load.err.code == 0);
		check_invariants(&load.profile);
		check_additions((const char *)data, size);
		check_rebuilt(&load.profile);
		check_emit(&load.profile, false);
		check_emit(&load.profile, true);
	}
	unload(&load);
	return 0;
}
