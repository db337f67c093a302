/*
 * layers OPTION… -- PROGRAM [ARGUMENT…]: a jail whose root, or whose place TARGET, is put together from layers, as `immure run` makes it, but
 * from directories as they are, without an image and its store in between: the rows are about the engine.
 *
 *	--layer DIR      the lowest first
 *	--upper DIR --work DIR --writable --discard
 *	--at TARGET      at a place in a jail of the profile instead of as its root
 *	-p PROFILE -v SOURCE:TARGET[:rw] --tmpfs TARGET --file TARGET=TEXT --deny TARGET --dry-run
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/arena.h"
#include "util/mutant.h"
#include "util/overlay.h"

static struct arena words, plan_arena;
static struct profile_library library;
static struct profile_variables variables;
static struct profile profile;
static struct host host;
static const char *trees[OVERLAY_TREES + 1];
static struct layers layers = {.trees = trees};
static struct mount_rule rules[32];
static size_t rule_count;
static const char *name = "container", *place;
static bool writable, dry_run;

static int fail(const struct err *err)
{
	print_error(err);
	return EXIT_OWN_ERROR;
}

static _Noreturn void misused(const char *word)
{
	(void)fprintf(stderr, "layers: what is %s?\n", word);
	exit(2);
}

static struct mount_rule *add(enum mount_kind kind, char *target, const char *option)
{
	struct mount_rule *rule = &rules[rule_count++];

	if (rule_count == sizeof(rules) / sizeof(rules[0]))
		misused("that many mounts");
	*rule = (struct mount_rule){.kind = kind,
		.target = target,
		.mode = kind == MOUNT_FILE ? 0444 : 0755,
		.rule = {.set = true, .origin = {NULL, option}}};
	return rule;
}

/* SOURCE:TARGET[:rw] */
static void add_bind(char *value)
{
	char *source = strsep(&value, ":"), *target = strsep(&value, ":");
	struct mount_rule *rule = add(MOUNT_BIND, target, "-v");

	rule->source = source;
	rule->writable = value != NULL;
}

static void take(const char *option, char *value)
{
	if (strcmp(option, "--layer") == 0 && layers.count <= OVERLAY_TREES)
		trees[layers.count++] = value;
	else if (strcmp(option, "--upper") == 0)
		layers.upper = value;
	else if (strcmp(option, "--work") == 0)
		layers.work = value;
	else if (strcmp(option, "--at") == 0)
		place = value;
	else if (strcmp(option, "-p") == 0)
		name = value;
	else if (strcmp(option, "-v") == 0)
		add_bind(value);
	else if (strcmp(option, "--tmpfs") == 0)
		(void)add(MOUNT_TMPFS, value, option);
	else if (strcmp(option, "--deny") == 0)
		(void)add(MOUNT_DENY, value, option);
	else if (strcmp(option, "--file") == 0) {
		char *target = strsep(&value, "=");

		add(MOUNT_FILE, target, option)->content = value;
	} else
		misused(option);
}

static int read_arguments(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--writable") == 0)
			writable = true;
		else if (strcmp(argv[i], "--discard") == 0)
			layers.discard = true;
		else if (strcmp(argv[i], "--dry-run") == 0)
			dry_run = true;
		else if (i + 1 < argc)
			take(argv[i], argv[i + 1]), i++;
		else
			misused(argv[i]);
	}
	if (i + 1 >= argc)
		misused("to be run");
	return i + 1;
}

static int make_profile(struct err *err)
{
	struct mount_rule view = {.kind = MOUNT_LAYERS,
		.target = place,
		.layers = &layers,
		.writable = writable,
		.rule = {.set = true, .origin = {NULL, "--at"}}};
	int r = profile_load(name, &variables, &words, &library, &profile, err);

	for (size_t i = 0; i < rule_count && r == 0; i++)
		r = profile_set_mount(&profile, &words, &rules[i], err);
	if (r == 0 && place)
		return profile_set_mount(&profile, &words, &view, err);
	profile.files.root = ROOT_LAYERS;
	profile.files.layers = &layers;
	profile.files.root_writable = writable;
	profile.files.root_rule = (struct rule){.set = true, .origin = {NULL, "--layer"}};
	return r;
}

int main(int argc, char **argv)
{
	struct plan_request request = {.environment = environ};
	struct launch_result result;
	struct err err = {0};
	struct plan *plan;
	bool exec_failed;
	int r;

	mutant_start();
	request.arguments = argv + read_arguments(argc, argv);
	surroundings_variables(&words, &variables);
	if (make_profile(&err) < 0)
		return fail(&err);
	plan = arena_zeroed(&plan_arena, 1, sizeof(*plan));
	if (!plan || host_probe(plan_host_parts(&profile), &words, &host, &err) < 0 ||
		plan_compile(&profile, &host, &request, &plan_arena, plan, &err) < 0)
		return fail(&err);
	if (dry_run)
		return print_plan(plan, false);
	r = launch_run(plan, &plan_arena, NULL, &result, &exec_failed, &err);
	if (r < 0)
		return fail(&err);
	return WIFEXITED(result.status) ? WEXITSTATUS(result.status) : EXIT_BY_SIGNAL + WTERMSIG(result.status);
}
