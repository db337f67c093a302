/* immure jail: a profile, the options over it, the facts of this host, the plan, and the launch. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/launching.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/path.h"

struct jail {
	struct launching launching;
	char **program;
	const char
		*executable; /* the path behind program[0] in the jail; NULL: program[0] itself */
};

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
	path = surroundings_path(
		&jail->launching.words, &jail->launching.variables, jail->program[0]);
	/* a path of the jail's own root, or one that exec will say is missing */
	if (!path || jail->launching.profile.files.root == ROOT_DIRECTORY ||
		host_path(&jail->launching.host, &jail->launching.words, path, true, &fact) < 0 ||
		fact.type != PATH_REGULAR)
		return 0;
	if (!plan_shows(&jail->launching.profile, path)) {
		path = rule.source = rule.target = fact.resolved;
		if (!plan_shows(&jail->launching.profile, path) &&
			profile_set_mount(&jail->launching.profile, &jail->launching.words, &rule,
				reterr) < 0)
			return reterr->code;
	}
	jail->executable = path;
	return 0;
}

static int read_arguments(struct jail *jail, int argc, char **argv, struct err *reterr)
{
	int taken = options_parse(launch_options_table, argc, argv, jail->launching.given,
		&jail->launching.given_count, reterr);

	if (taken < 0)
		return taken;
	jail->program = argv + taken;
	return launch_options_read(jail->launching.given, jail->launching.given_count,
		&jail->launching.options, reterr);
}

/* ${program.directory}: where a program that is named by its path lies. */
static const char *program_directory(struct jail *jail)
{
	const char *word = jail->program[0];
	const char *path = word && strchr(word, '/') ? surroundings_path(&jail->launching.words,
							       &jail->launching.variables, word)
						     : NULL;
	size_t length = path ? (size_t)(strrchr(path, '/') - path) : 0;

	return !path ? NULL : arena_copy_range(&jail->launching.words, path, length ? length : 1);
}

static int read_profile(struct jail *jail, struct err *reterr)
{
	int r;

	surroundings_variables(&jail->launching.words, &jail->launching.variables);
	jail->launching.variables.program_directory = program_directory(jail);
	r = profile_load(jail->launching.options.profile, &jail->launching.variables,
		&jail->launching.words, &jail->launching.library, &jail->launching.profile, reterr);
	if (r == 0)
		r = launch_options_apply(jail->launching.given, jail->launching.given_count,
			&jail->launching.variables, &jail->launching.words,
			&jail->launching.profile, reterr);
	return r == 0 ? launching_place_home(&jail->launching, reterr) : r;
}

static int make_plan(struct jail *jail, struct plan **ret, struct err *reterr)
{
	struct launching *launching = &jail->launching;
	struct plan_request request = {
		.arguments = jail->program,
		.working_directory = launching->variables.cwd,
	};
	int r = host_probe(
		plan_host_parts(&launching->profile), &launching->words, &launching->host, reterr);

	if (r == 0)
		r = launching_protect(launching, NULL, reterr);
	if (r == 0)
		r = show_program(jail, reterr);
	request.executable = jail->executable;
	return r == 0 ? launching_plan(launching, &request, ret, reterr) : r;
}

int cli_jail(int argc, char **argv)
{
	static struct jail jail; /* too large for a stack; used once */
	static char *nothing[] = {(char *)"true", NULL};
	struct err err = {0};
	struct plan *plan = NULL;

	if (read_arguments(&jail, argc, argv, &err) < 0)
		return print_error(&err);
	if (!jail.program[0] && !jail.launching.options.dry_run) {
		err_set(&err, -EINVAL, NULL, "no program is named");
		err_hint(&err, "immure jail [OPTION…] PROGRAM [ARGUMENT…]");
		return print_error(&err);
	}
	if (!jail.program[0])
		jail.program = nothing;
	if (read_profile(&jail, &err) < 0 || make_plan(&jail, &plan, &err) < 0)
		return print_error(&err);
	return jail.launching.options.dry_run ? launching_dry_run(&jail.launching, plan)
					      : launching_run(&jail.launching, plan, NULL);
}
