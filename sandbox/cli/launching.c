/* What `jail` and `run` have in common: see launching.h. */
#include "cli/launching.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/path.h"

/* The way to base is the user's own to lay out, links and all. */
static int open_base(const char *base)
{
	char path[PATH_MAX];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/", base) >= sizeof(path))
		return -ENAMETOOLONG;
	for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		(void)mkdir(path, 0700); /* it is there, or the open below says what is wrong */
		*slash = '/';
	}
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int step_into(int *directory, const char *name)
{
	int next;

	if (mkdirat(*directory, name, 0700) && errno != EEXIST)
		return -errno;
	next = openat(*directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0)
		return -errno;
	(void)close(*directory);
	*directory = next;
	return 0;
}

/* Makes base/below (below may have several components), private to the user, walking it without
 * following a link: what an earlier program could have put in its place must not be taken for ours.
 */
static int make_private(
	struct launching *jail, const char *base, const char *below, struct err *reterr)
{
	_cleanup_close_ int at = open_base(base);
	char *rest = arena_copy(&jail->words, below), *name;
	struct stat status;
	int r = !rest ? -ENOMEM : at < 0 ? at : 0;

	while (r == 0 && (name = strsep(&rest, "/")))
		r = step_into(&at, name);
	if (r == 0 && fstat(at, &status))
		r = -errno;
	if (r)
		return err_set(reterr, r, base, "cannot make %s in it: %s", below, strerror(-r));
	if (status.st_uid != getuid())
		return err_set(reterr, -EPERM, base, "%s in it belongs to somebody else", below);
	return 0;
}

void launching_send_ahead(struct launching *jail)
{
	struct receipt receipt = {
		.arena = &jail->words}; /* the launch's own plan has the real one */
	struct err ignored = {0};       /* it says so again */

	if (idmap_compile(&jail->profile, &jail->host, &jail->words, &receipt, &jail->ahead_idmap,
		    &ignored) == 0)
		forerunner_send(&jail->ahead_idmap, &jail->ahead);
}

int launching_place_home(struct launching *jail, struct err *reterr)
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
		return err_no_memory(reterr);
	return jail->options.dry_run ? 0 : make_private(jail, data, below, reterr);
}

static bool shows_writable(struct launching *jail, const char *path)
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

/* Where a writable tree would show the place, the directory is made, since only what is there can
 * be covered. below: in base; NULL: base itself, which is there. */
static int protect_place(
	struct launching *jail, const char *base, const char *below, struct err *reterr)
{
	struct files_section *files = &jail->profile.files;
	const char *resolved, *path, **place;
	struct path_fact fact;
	int r = host_path(&jail->host, &jail->words, base, true, &fact);

	if (r < 0)
		return err_set(reterr, r, base, "cannot be looked at: %s", strerror(-r));
	resolved = fact.resolved ? fact.resolved : base;
	path = below ? arena_format(&jail->words, "%s/%s", resolved, below) : resolved;
	if (!path)
		return err_no_memory(reterr);
	for (size_t i = 0; i < files->protected_count; i++)
		if (strcmp(files->protected_paths[i], path) == 0)
			return 0;
	if (!shows_writable(jail, path))
		return 0;
	if (jail->options.dry_run && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW))
		return 0; /* a dry run makes nothing, so there is nothing to cover */
	place = arena_append(&jail->words, &files->protected_paths, &files->protected_count,
		sizeof(*files->protected_paths));
	if (!place)
		return err_no_memory(reterr);
	*place = path;
	return jail->options.dry_run || !below ? 0 : make_private(jail, resolved, below, reterr);
}

int launching_protect(struct launching *jail, const char *storage, struct err *reterr)
{
	const char *base = jail->variables.xdg_config, *runtime = jail->variables.xdg_runtime;
	int r = base ? protect_place(jail, base, "immure", reterr) : 0;

	/* who holds or replaces the locks on MCS categories leaves later jails without their own */
	if (r == 0 && runtime)
		r = protect_place(jail, runtime, "immure", reterr);
	if (r == 0 && storage)
		r = protect_place(jail, storage, NULL, reterr);
	/* and the one of every day, whichever is in use: its images are run tomorrow */
	if (r == 0 && jail->variables.xdg_data)
		r = protect_place(jail, jail->variables.xdg_data, STORAGE_BELOW, reterr);
	return r;
}

int launching_plan(
	struct launching *jail, struct plan_request *request, struct plan **ret, struct err *reterr)
{
	struct plan *plan = arena_zeroed(&jail->plan_arena, 1, sizeof(*plan));

	if (!plan)
		return err_no_memory(reterr);
	request->environment = environ;
	request->preserved = jail->options.preserved;
	request->preserved_count = jail->options.preserved_count;
	for (int i = 0; i < 3; i++)
		request->is_terminal[i] = isatty(i);
	*ret = plan;
	return plan_compile(&jail->profile, &jail->host, request, &jail->plan_arena, plan, reterr);
}

/* Which limit ended the program, and the line or the option that would change it. */
static void explain_limit(const struct plan *plan, const char *name)
{
	const struct limit_rule *limit = plan->profile->limits.limits;
	struct err err = {0};
	char value[32], place[512];
	size_t kind = 0;

	while (kind < LIMIT_COUNT - 1 && strcmp(limit_names[kind], name) != 0)
		kind++;
	err_set(&err, -EDQUOT, plan->command.arguments[0], "ended by its limit: %s %s", name,
		limit_format((enum limit_kind)kind, limit[kind].value, value, sizeof(value)));
	err_hint(&err, "set by %s", origin_format(&limit[kind].rule.origin, place, sizeof(place)));
	print_error(&err);
}

/* What a kill by the filter means, in words: the number of the call stands in the kernel's log
 * alone. */
static void explain_end(const struct plan *plan, const struct launch_result *result)
{
	struct err err = {0};
	const char *program = plan->command.arguments[0];

	if (result->limit) {
		explain_limit(plan, result->limit);
	} else if (WIFSIGNALED(result->status) && WTERMSIG(result->status) == SIGSYS) {
		err_set(&err, -EPERM, program,
			"killed by the system call filter (seccomp, SIGSYS)");
		err_hint(&err,
			"it made a call that the profile's syscalls section kills: a foreign ABI "
			"(i386, x32) or an escape primitive; "
			"`immure profile explain %s` names each rule and its line, "
			"`journalctl -k -g type=1326` the call",
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

static int open_outputs(const struct launching *jail, struct output *ret_receipt,
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

int launching_run(struct launching *jail, const struct plan *plan, bool *ret_started)
{
	struct launch_result result;
	struct output receipt_file, result_file;
	struct err err = {0};
	bool exec_failed;
	int r, status;

	if (ret_started)
		*ret_started = false;
	if (open_outputs(jail, &receipt_file, &result_file, &err) < 0 ||
		(jail->options.receipt && write_receipt(plan, &receipt_file, &err) < 0))
		return print_error(&err);
	r = launch_run(plan, &jail->plan_arena, &jail->ahead, &result, &exec_failed, &err);
	if (r < 0) {
		print_error(&err);
		return !exec_failed   ? EXIT_OWN_ERROR
		       : r == -ENOENT ? EXIT_NOT_FOUND
				      : EXIT_NOT_RUNNABLE;
	}
	if (ret_started)
		*ret_started = true;
	explain_end(plan, &result);
	print_appeared(plan);
	status = WIFEXITED(result.status) ? WEXITSTATUS(result.status)
					  : EXIT_BY_SIGNAL + WTERMSIG(result.status);
	if (!jail->options.result ||
		write_result(&result, plan->command.arguments[0], &result_file, &err) == 0)
		return status;
	err_hint(&err, "the program ran, to its end with status %d", status);
	return print_error(&err);
}

int launching_dry_run(const struct launching *jail, const struct plan *plan)
{
	struct output receipt_file, result_file;
	struct err err = {0};

	if (jail->options.receipt && (open_outputs(jail, &receipt_file, &result_file, &err) < 0 ||
					     write_receipt(plan, &receipt_file, &err) < 0))
		return print_error(&err);
	return print_plan(plan, jail->options.json);
}
