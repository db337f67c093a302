/*
 * The command: which paths to try, with which arguments, environment and working directory. The
 * environment is a list of what is allowed in, never the caller's with something taken out
 * (T-RT-15).
 */
#include "plan/plan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolation/child.h"
#include "util/arena.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/report.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"
#define CANDIDATES 64

static const char *lookup(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

static int compile_environment(const struct profile *profile, const struct plan_request *request,
	struct arena *arena, struct command_plan *plan)
{
	const struct environment_section *asked = &profile->environment;
	char **list = arena_zeroed(arena, asked->setting_count + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < asked->setting_count; i++) {
		const struct environment_setting *setting = &asked->settings[i];
		const char *value = setting->value ? setting->value
						   : lookup(request->environment, setting->name);

		if (!value)
			continue;
		list[count] = arena_zeroed(arena, strlen(setting->name) + strlen(value) + 2, 1);
		if (!list[count])
			return -ENOMEM;
		(void)stpcpy(stpcpy(stpcpy(list[count], setting->name), "="), value);
		count++;
	}
	plan->environment = mutant(MUTANT_KEEP_ENVIRONMENT) ? request->environment : list;
	return 0;
}

/* A word with a slash is the path; else each directory of the jail's own PATH is tried, as
 * execvp(3) would. */
static int compile_candidates(const struct plan_request *request, struct arena *arena,
	struct command_plan *plan, struct err *reterr)
{
	const char *word = request->arguments[0];
	const char *path = lookup(plan->environment, "PATH");
	const char **list = arena_zeroed(arena, CANDIDATES, sizeof(*list));
	size_t count = 0;

	if (!list)
		return err_no_memory(reterr);
	if (request->executable || strchr(word, '/')) {
		list[count++] = request->executable ? request->executable : word;
		path = "";
	} else if (!path) {
		path = DEFAULT_PATH;
	}
	for (size_t length; *path && count < CANDIDATES; path += length + (path[length] == ':')) {
		char *joined;

		length = strcspn(path, ":");
		if (path[0] != '/') /* an empty or relative word means the working directory, which
				       is the program's to choose */
			continue;
		joined = arena_format(arena, "%.*s/%s", (int)length, path, word);
		if (!joined)
			return err_no_memory(reterr);
		list[count++] = joined;
	}
	plan->candidates = list;
	plan->candidate_count = count;
	return 0;
}

/* The mount rule nearest above path, or NULL for the root itself. */
static const struct mount_rule *nearest_mount(const struct profile *profile, const char *path)
{
	const struct mount_rule *nearest = NULL;

	for (size_t i = 0; i < profile->files.mount_count; i++) {
		const struct mount_rule *rule = &profile->files.mounts[i];

		if (path_is_beneath(path, rule->target) &&
			(!nearest || strlen(rule->target) > strlen(nearest->target)))
			nearest = rule;
	}
	return nearest;
}

bool plan_shows(const struct profile *profile, const char *path)
{
	static const char *const own[] = {"/dev", "/proc", "/sys"};
	const struct files_section *files = &profile->files;
	const struct mount_rule *nearest = nearest_mount(profile, path);
	bool in_home = files->home != HOME_NONE && path_is_beneath(path, files->home_directory);

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (path_is_beneath(path, own[i]))
			return false;
	if (in_home && (!nearest || strlen(nearest->target) < strlen(files->home_directory)))
		return files->home == HOME_HOST && files->home_source &&
		       strcmp(files->home_source, files->home_directory) == 0;
	if (nearest)
		return nearest->kind == MOUNT_BIND && strcmp(nearest->source, nearest->target) == 0;
	return files->root == ROOT_HOST && !path_is_beneath(path, "/run") &&
	       !path_is_beneath(path, "/tmp");
}

static const char *working_directory(
	const struct profile *profile, const struct plan_request *request)
{
	if (profile->workdir)
		return profile->workdir;
	if (request->working_directory && plan_shows(profile, request->working_directory))
		return request->working_directory;
	return profile->files.home != HOME_NONE ? profile->files.home_directory : "/";
}

int command_compile(const struct profile *profile, const struct host *host,
	const struct plan_request *request, struct arena *arena, struct command_plan *ret,
	struct err *reterr)
{
	struct command_plan plan = {.arguments = request->arguments,
		.working_directory = working_directory(profile, request)};
	int r;

	(void)host;
	if (!request->arguments || !request->arguments[0] || !request->arguments[0][0])
		return err_set(reterr, -EINVAL, NULL, "no program is named");
	if (compile_environment(profile, request, arena, &plan) < 0)
		return err_no_memory(reterr);
	r = compile_candidates(request, arena, &plan, reterr);
	if (r == 0)
		*ret = plan;
	return r;
}

void command_explain(const struct command_plan *plan, struct report *out)
{
	report_row(out, NULL, "directory", "%s", plan->working_directory);
	for (char *const *setting = plan->environment; *setting; setting++)
		report_row(out, NULL, "environment", "%s", *setting);
	for (size_t i = 0; i < plan->candidate_count; i++)
		report_row(out, NULL, i ? "or" : "exec", "%s", plan->candidates[i]);
}

/* ---- child ---- */

int command_apply_directory(const struct plan *plan, struct child *child, uint16_t *reterr_item)
{
	char path[PATH_MAX];

	(void)child;
	*reterr_item = 0;
	if (chdir(plan->command.working_directory))
		return -errno;
	*reterr_item = 1; /* the kernel writes "(unreachable)" before a directory that is not below
			     our root (CVE-2024-21626) */
	if (!mutant(MUTANT_NO_CWD_CHECK) &&
		(syscall(SYS_getcwd, path, sizeof(path)) < 0 || path[0] != '/'))
		return -EXDEV;
	return 0;
}

/* Returns only on failure: as a shell would, a file that may not be run outweighs one that is not
 * there. */
int command_apply_exec(const struct plan *plan, struct child *child, uint16_t *reterr_item)
{
	int error = ENOENT;

	(void)child;
	for (size_t i = 0; i < plan->command.candidate_count; i++) {
		(void)execve(plan->command.candidates[i], plan->command.arguments,
			plan->command.environment);
		if (errno != ENOENT && errno != ENOTDIR) {
			error = errno;
			*reterr_item = (uint16_t)i;
		}
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			break;
	}
	return -error;
}
