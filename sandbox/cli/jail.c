/* immure jail: a profile, the options over it, the facts of this host, the plan, and the launch. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/arena.h"
#include "util/cleanup.h"
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

/* Makes base/below (below may have several components), private to the user, walking it without
 * following a link: what an earlier program could have put in its place must not be taken for ours.
 */
static int make_private(const char *base, const char *below, struct err *reterr)
{
	_cleanup_close_ int at = -1;
	char component[PATH_MAX];
	struct stat status;

	/* the way to base is the user's own to lay out, links and all */
	for (size_t i = 1; base[i - 1] && i < sizeof(component); i++) {
		if (base[i] != '/' && base[i] != '\0')
			continue;
		memcpy(component, base, i);
		component[i] = '\0';
		(void)mkdir(
			component, 0700); /* it is there, or the open below says what is wrong */
	}
	at = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (const char *name = below; at >= 0 && *name;) {
		size_t length = strcspn(name, "/");
		int next;

		if (length >= sizeof(component))
			return err_set(reterr, -ENAMETOOLONG, below, "is too long");
		memcpy(component, name, length);
		component[length] = '\0';
		if (mkdirat(at, component, 0700) && errno != EEXIST)
			return err_set(reterr, -errno, base, "cannot make %s in it: %s", below,
				strerror(errno));
		next = openat(at, component, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		(void)close(at);
		at = next;
		name += length + strspn(name + length, "/");
	}
	if (at < 0 || fstat(at, &status))
		return err_set(
			reterr, -errno, base, "cannot make %s in it: %s", below, strerror(errno));
	if (status.st_uid != getuid())
		return err_set(reterr, -EPERM, base, "%s in it belongs to somebody else", below);
	return 0;
}

/* A home that is kept between runs, and the user's own. */
static int place_home(struct jail *jail, struct err *reterr)
{
	struct files_section *files = &jail->profile.files;
	const char *data = jail->variables.xdg_data, *below;

	if (files->home == HOME_HOST)
		files->home_source = jail->variables.home;
	if (files->home != HOME_PRIVATE || !data)
		return 0;
	below = arena_format(&jail->words, "immure/home/%s", jail->profile.name);
	files->home_source = below ? arena_format(&jail->words, "%s/%s", data, below) : NULL;
	if (!files->home_source)
		return err_set(reterr, -ENOMEM, NULL, "out of memory");
	return jail->options.dry_run ? 0 : make_private(data, below, reterr);
}

static bool shows_writable(struct jail *jail, const char *path)
{
	const struct files_section *files = &jail->profile.files;
	struct path_fact fact;
	bool shown = files->home == HOME_HOST && files->home_source &&
		     path_is_beneath(path, files->home_source);

	shown |= files->root == ROOT_DIRECTORY && files->root_writable &&
		 path_is_beneath(path, files->root_directory);
	for (size_t i = 0; i < files->mount_count && !shown; i++) {
		const struct mount_rule *rule = &files->mounts[i];

		shown = rule->kind == MOUNT_BIND && rule->writable &&
			host_path(&jail->host, &jail->words, rule->source, true, &fact) == 0 &&
			fact.resolved && path_is_beneath(path, fact.resolved);
	}
	return shown;
}

/*
 * Our own configuration decides how later jails are made: no jail may write it, by whatever name
 * the bind has (T-HAND-05). Where a writable tree would show the place, the directory is made,
 * since only what is there can be covered.
 */
static int protect_configuration(struct jail *jail, struct err *reterr)
{
	struct files_section *files = &jail->profile.files;
	const char *base = jail->variables.xdg_config, *resolved;
	const char **protected = arena_zeroed(&jail->words, 1, sizeof(*protected));
	struct path_fact fact;

	if (!base)
		return 0;
	if (!protected || host_path(&jail->host, &jail->words, base, true, &fact) < 0)
		return err_set(reterr, -EIO, base, "cannot be looked at");
	resolved = fact.resolved ? fact.resolved : base;
	protected[0] = arena_join(&jail->words, resolved, "/immure");
	if (!protected[0])
		return err_set(reterr, -ENOMEM, NULL, "out of memory");
	if (!shows_writable(jail, protected[0]))
		return 0;
	if (jail->options.dry_run && faccessat(AT_FDCWD, protected[0], F_OK, AT_SYMLINK_NOFOLLOW))
		return 0; /* a dry run makes nothing, so there is nothing to cover */
	files->protected_paths = protected;
	files->protected_count = 1;
	return jail->options.dry_run ? 0 : make_private(resolved, "immure", reterr);
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
	return r == 0 ? place_home(jail, reterr) : r;
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
		r = protect_configuration(jail, reterr);
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
