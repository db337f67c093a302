/* immure jail: a profile, the options over it, the facts of this host, the plan, and the launch. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/arena.h"
#include "util/path.h"

/* Everything of one launch; lives to the end of the process. */
struct jail {
	struct arena words;      /* options, profile */
	struct arena plan_arena; /* the plan: sealed before the child is made */
	struct profile_variables variables;
	struct profile_library library;
	struct profile profile;
	struct host host;
	struct launch_options options;
	struct given_option given[OPTIONS_ROOM];
	size_t given_count;
	char **program;
	const char
		*executable; /* the path behind program[0] in the jail; NULL: program[0] itself */
};

static int fail(const struct err *err)
{
	print_error(err);
	return EXIT_OWN_ERROR;
}

/* The parents of path and path itself, private to the user; ours alone, so this is no stub on the
 * host. */
static int make_private(const char *path, struct err *reterr)
{
	char partial[4096];

	if (strlen(path) >= sizeof(partial))
		return err_set(reterr, -ENAMETOOLONG, path, "is too long");
	for (size_t i = 1; i <= strlen(path); i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(partial, path, i);
		partial[i] = '\0';
		if (mkdir(partial, 0700) && errno != EEXIST)
			return err_set(reterr, -errno, partial, "cannot make the directory: %s",
				strerror(errno));
	}
	return 0;
}

/* The directories of the host that only we know: a private home, and those that no jail may write
 * (T-HAND-05). */
static int place_directories(struct jail *jail, struct err *reterr)
{
	struct files_section *files = &jail->profile.files;
	const char **protected = arena_zeroed(&jail->words, 1, sizeof(*protected));
	bool writable = files->home == HOME_HOST;

	if (!protected)
		return err_set(reterr, -ENOMEM, NULL, "out of memory");
	if (files->home == HOME_HOST)
		files->home_source = jail->variables.home;
	if (files->home == HOME_PRIVATE && jail->variables.xdg_data) {
		files->home_source = arena_format(&jail->words, "%s/immure/home/%s",
			jail->variables.xdg_data, jail->profile.name);
		if (!files->home_source)
			return err_set(reterr, -ENOMEM, NULL, "out of memory");
		if (!jail->options.dry_run && make_private(files->home_source, reterr) < 0)
			return reterr->code;
	}
	for (size_t i = 0; i < files->mount_count; i++)
		writable |= files->mounts[i].kind == MOUNT_BIND && files->mounts[i].writable;
	if (!writable || !jail->variables.xdg_config)
		return 0;
	protected[0] = arena_join(&jail->words, jail->variables.xdg_config, "/immure");
	files->protected_paths = protected;
	files->protected_count = protected[0] ? 1 : 0;
	return 0;
}

/* Our own configuration, where a writable bind would show its parent: it must exist to be covered.
 */
static int ensure_protected(struct jail *jail, struct err *reterr)
{
	const struct files_section *files = &jail->profile.files;
	const char *own = files->protected_count ? files->protected_paths[0] : NULL;
	bool shown = own && files->home == HOME_HOST && path_is_beneath(own, files->home_source);

	for (size_t i = 0; own && i < files->mount_count; i++) {
		const struct mount_rule *rule = &files->mounts[i];

		shown |= rule->kind == MOUNT_BIND && rule->writable &&
			 path_is_beneath(own, rule->source);
	}
	if (!shown)
		return 0;
	if (!jail->options.dry_run)
		return make_private(own, reterr);
	jail->profile.files.protected_count =
		0; /* a dry run makes nothing, so there may be nothing to cover */
	return 0;
}

/*
 * `immure jail ./program` means that very file: where the profile does not show it, it is bound,
 * read-only, at its own place, and nothing beside it.
 */
static int show_program(struct jail *jail, struct err *reterr)
{
	struct mount_rule rule = {.kind = MOUNT_BIND,
		.rule = {.origin = {NULL, "PROGRAM"}, .set = true},
		.reason = "it is the program to run"};
	struct path_fact fact;
	const char *path;

	if (!strchr(jail->program[0], '/'))
		return 0;
	path = surroundings_path(&jail->words, &jail->variables, jail->program[0]);
	/* a path of the jail's own root, or one that exec will say is missing */
	if (!path || jail->profile.files.root == ROOT_DIRECTORY ||
		host_path(&jail->host, &jail->words, path, true, &fact) < 0 ||
		fact.type != PATH_REGULAR)
		return 0;
	if (!plan_shows(&jail->profile, path)) {
		path = rule.source = rule.target = fact.resolved;
		if (!plan_shows(&jail->profile, path) &&
			profile_set_mount(&jail->profile, &jail->words, &rule, reterr) < 0)
			return reterr->code;
	}
	jail->executable = path;
	return 0;
}

static int read_arguments(struct jail *jail, int argc, char **argv, struct err *reterr)
{
	int taken = options_parse(
		launch_options_table, argc, argv, jail->given, &jail->given_count, reterr);

	if (taken < 0)
		return taken;
	jail->program = argv + taken;
	return launch_options_read(jail->given, jail->given_count, &jail->options, reterr);
}

/* ${program.directory}: where a program that is named by its path lies. */
static const char *program_directory(struct jail *jail)
{
	const char *word = jail->program[0];
	const char *path = word && strchr(word, '/')
				   ? surroundings_path(&jail->words, &jail->variables, word)
				   : NULL;
	size_t length = path ? (size_t)(strrchr(path, '/') - path) : 0;

	return !path ? NULL : arena_copy_range(&jail->words, path, length ? length : 1);
}

static int read_profile(struct jail *jail, struct err *reterr)
{
	int r;

	surroundings_variables(&jail->words, &jail->variables);
	jail->variables.program_directory = program_directory(jail);
	r = profile_load(jail->options.profile, &jail->variables, &jail->words, &jail->library,
		&jail->profile, reterr);
	if (r == 0)
		r = launch_options_apply(jail->given, jail->given_count, &jail->variables,
			&jail->words, &jail->profile, reterr);
	if (r == 0)
		r = place_directories(jail, reterr);
	return r == 0 ? ensure_protected(jail, reterr) : r;
}

static int make_plan(struct jail *jail, struct plan **ret, struct err *reterr)
{
	struct plan *plan = arena_zeroed(&jail->plan_arena, 1, sizeof(*plan));
	struct plan_request request = {
		.arguments = jail->program,
		.environment = environ,
		.working_directory = jail->variables.cwd,
		.preserved = jail->options.preserved,
		.preserved_count = jail->options.preserved_count,
	};
	int r;

	if (!plan)
		return err_set(reterr, -ENOMEM, NULL, "out of memory");
	for (int i = 0; i < 3; i++)
		request.is_terminal[i] = isatty(i);
	r = host_probe(plan_host_parts(&jail->profile), &jail->words, &jail->host, reterr);
	if (r == 0)
		r = show_program(jail, reterr);
	request.executable = jail->executable;
	if (r == 0)
		r = plan_compile(
			&jail->profile, &jail->host, &request, &jail->plan_arena, plan, reterr);
	*ret = plan;
	return r;
}

/* What a kill by the filter means, in words: the number of the call is the kernel's secret. */
static void explain_end(const struct plan *plan, const struct launch_result *result)
{
	struct err err = {0};
	const char *program = plan->command.arguments[0];

	if (result->limit) {
		err_set(&err, -EDQUOT, program, "ended by its limit: %s", result->limit);
		err_hint(&err,
			"it is set by the profile (`immure profile explain %s`) or on the command "
			"line",
			plan->profile->name ? plan->profile->name : "FILE");
		print_error(&err);
	} else if (WIFSIGNALED(result->status) && WTERMSIG(result->status) == SIGSYS) {
		err_set(&err, -EPERM, program,
			"killed by the system call filter (seccomp, SIGSYS)");
		err_hint(&err,
			"it made a call that the profile's syscalls section kills: a foreign ABI "
			"(i386, x32) or an escape primitive; "
			"`immure profile explain %s` names each rule and its line",
			plan->profile->name ? plan->profile->name : "FILE");
		print_error(&err);
	}
}

/*
 * What was to be protected in a writable directory but was not there could not be held by a mount.
 * If it is there now, the program made it, and something outside may be about to obey it
 * (CVE-2026-25725): that is said, always.
 */
static void print_appeared(const struct plan *plan)
{
	for (size_t i = 0; i < plan->mounts.absent_count; i++) {
		struct err err = {0};

		if (faccessat(AT_FDCWD, plan->mounts.absent[i], F_OK, AT_SYMLINK_NOFOLLOW))
			continue;
		err_set(&err, -EEXIST, plan->mounts.absent[i],
			"was made in the jail, and programs outside may execute or obey it");
		err_hint(&err, "look at it before you use this directory; the profile protects it "
			       "only where it exists beforehand");
		print_error(&err);
	}
}

static int open_outputs(const struct jail *jail, struct output *ret_receipt,
	struct output *ret_result, struct err *reterr)
{
	int r = 0;

	*ret_receipt = *ret_result = OUTPUT_NONE;
	if (jail->options.receipt)
		r = output_open(jail->options.receipt, ret_receipt, reterr);
	if (r == 0 && jail->options.result)
		r = output_open(jail->options.result, ret_result, reterr);
	return r;
}

static int run(struct jail *jail, const struct plan *plan)
{
	struct launch_result result;
	struct output receipt_file, result_file;
	struct err err = {0};
	bool exec_failed;
	int r;

	if (open_outputs(jail, &receipt_file, &result_file, &err) < 0 ||
		(jail->options.receipt && write_receipt(plan, &receipt_file, &err) < 0))
		return fail(&err);
	r = launch_run(plan, &jail->plan_arena, &result, &exec_failed, &err);
	if (r < 0) {
		print_error(&err);
		return !exec_failed   ? EXIT_OWN_ERROR
		       : r == -ENOENT ? EXIT_NOT_FOUND
				      : EXIT_NOT_RUNNABLE;
	}
	explain_end(plan, &result);
	print_appeared(plan);
	if (jail->options.result &&
		write_result(&result, plan->command.arguments[0], &result_file, &err) < 0)
		return fail(&err);
	return WIFEXITED(result.status) ? WEXITSTATUS(result.status)
					: EXIT_BY_SIGNAL + WTERMSIG(result.status);
}

/* The plan instead of the launch; nothing else is different, and nothing is made. */
static int dry_run(const struct jail *jail, const struct plan *plan)
{
	struct output receipt_file, result_file;
	struct err err = {0};

	if (jail->options.receipt && (open_outputs(jail, &receipt_file, &result_file, &err) < 0 ||
					     write_receipt(plan, &receipt_file, &err) < 0))
		return fail(&err);
	return print_plan(plan, jail->options.json, stdout) < 0 ? EXIT_OWN_ERROR : 0;
}

int cli_jail(int argc, char **argv)
{
	static struct jail jail; /* too large for a stack; used once */
	struct err err = {0};
	struct plan *plan = NULL;

	if (read_arguments(&jail, argc, argv, &err) < 0)
		return fail(&err);
	if (!jail.program[0] && !jail.options.dry_run) {
		err_set(&err, -EINVAL, NULL, "no program is named");
		err_hint(&err, "immure jail [OPTION…] PROGRAM [ARGUMENT…]");
		return fail(&err);
	}
	if (!jail.program[0])
		jail.program = (char *[]){(char *)"true", NULL};
	if (read_profile(&jail, &err) < 0 || make_plan(&jail, &plan, &err) < 0)
		return fail(&err);
	return jail.options.dry_run ? dry_run(&jail, plan) : run(&jail, plan);
}
