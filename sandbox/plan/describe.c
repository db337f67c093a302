/* The words for a step that failed: made by the parent from its own plan, since the child can only
 * send numbers. */
#include "plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/number.h"

/* Place and story of one mount operation. */
static void describe_mount(const struct plan *plan, uint16_t item, int error, struct err *reterr)
{
	const struct mount_operation *operation = &plan->mounts.operations[item];
	char where[512];

	if (operation->rule)
		origin_format(&operation->rule->rule.origin, where, sizeof(where));
	else
		(void)snprintf(where, sizeof(where), "/%s", operation->target);
	if (error == ESTALE) {
		err_set(reterr, -error, where, "%s changed between the check and the mount",
			operation->source);
		err_hint(reterr, "somebody replaced it while the jail was being made: look who "
				 "writes there, then try again");
	} else if (operation->kind == OPERATION_BIND) {
		err_set(reterr, -error, where, "bind %s on /%s: %s", operation->source,
			operation->target, number_error_text(error));
	} else {
		err_set(reterr, -error, where, "mount on /%s: %s", operation->target,
			number_error_text(error));
	}
	if (error == ELOOP)
		err_hint(reterr, "a symbolic link stands where the mount belongs, in a tree that "
				 "others may write: nothing is followed there");
	if (operation->lookup == LOOKUP_MAKE && error == EXDEV)
		err_hint(reterr,
			"a symbolic link of the image leads it to the root itself, into or "
			"below another mount, or into /dev, /proc or /sys: name the place "
			"that is meant");
	else if (operation->lookup == LOOKUP_MAKE && (error == ENOTDIR || error == EISDIR))
		err_hint(reterr,
			"the image has a %s there: a directory is mounted on a directory, "
			"a file on a file",
			error == EISDIR ? "directory" : "file");
	else if (operation->lookup != LOOKUP_PLAIN && error == ENOENT)
		err_hint(reterr, "the mount point does not exist inside the jail, and nothing is "
				 "made in a bind");
}

/* /dev, /proc and /sys of a root that somebody else filled. */
static void describe_own_mount(
	const struct plan *plan, enum step_id step, uint16_t item, int error, struct err *reterr)
{
	const char *where = step == STEP_DEVICES ? "/dev" : "/proc, /sys";

	err_set(reterr, -error, where, "cannot be mounted (part %u): %s", item,
		number_error_text(error));
	if (plan->root.kind != ROOT_EMPTY && (error == ENOTDIR || error == ELOOP))
		err_hint(reterr, "the root has a link or a file there: only a true directory is "
				 "mounted on, since a link could lead out (CVE-2023-27561)");
	else if (plan->root.kind == ROOT_DIRECTORY && error == ENOENT)
		err_hint(reterr,
			"the root lacks the directory, and nothing is made on the host: mkdir %s%s",
			plan->root.source,
			step == STEP_DEVICES ? "/dev" : "/proc, or /sys, or ask for none");
}

static void describe_exec(const struct plan *plan, int error, struct err *reterr)
{
	const char *program = plan->command.arguments[0];

	if (error == ENOENT && plan->command.candidate_count == 0) {
		err_set(reterr, -error, program,
			"not found: PATH in the jail holds no absolute directory");
	} else if (error == ENOENT) {
		err_set(reterr, -error, program, "not found in the jail");
		err_hint(reterr, "is it, and the interpreter or loader it names, shown by the "
				 "profile? Add it with -v PATH (see `immure profile explain`)");
	} else if (error == EACCES) {
		err_set(reterr, -error, program, "cannot be run in the jail: %s",
			number_error_text(error));
		err_hint(reterr,
			"its mount or its Landlock rule may be without \"exec\", or it is a "
			"directory, or not executable%s%s%s",
			plan->selinux.context ? "; or SELinux lets no program labelled " : "",
			plan->selinux.context ? plan->selinux.context : "",
			plan->selinux.context ? " begin there: see immure_selinux(8)" : "");
	} else {
		err_set(reterr, -error, program, "cannot be run in the jail: %s",
			number_error_text(error));
		if (error == ENOSYS)
			err_hint(reterr, "the profile allows no execve: name a group in "
					 "\"syscalls\", such as \"groups\": [\"untrusted@1\"]");
		else if (error == ENOEXEC)
			err_hint(reterr, "a program of another machine, or a script without its "
					 "first line, such as #!/bin/sh");
	}
}

static void describe_landlock(const struct plan *plan, uint16_t item, int error, struct err *reterr)
{
	const struct landlock_rule *rule = landlock_rule_of(&plan->landlock, item);
	char where[512];

	if (rule)
		err_set(reterr, -error,
			rule->rule ? origin_format(&rule->rule->origin, where, sizeof(where))
				   : "landlock",
			"the rule for %s cannot be set: %s", rule->path, number_error_text(error));
	else
		err_set(reterr, -error, "landlock", "cannot be turned on: %s",
			number_error_text(error));
}

static void advise(const struct plan *plan, enum step_id step, int error, struct err *reterr)
{
	if (step == STEP_PROC && error == EPERM)
		err_hint(reterr,
			"an outer container masks parts of /proc, so the kernel lets no "
			"fresh one be mounted: run outside it, or with \"proc\": \"none\"");
	else if (step == STEP_ROOT && error == EPERM && plan->root.kind != ROOT_LAYERS)
		err_hint(reterr, "user namespaces are made but may not mount (AppArmor, or an "
				 "outer container): see `immure doctor`");
	else if ((step == STEP_NETWORK || step == STEP_NETWORK_FOR_SYS) &&
		 (error == ENOSPC || error == EUSERS))
		err_hint(reterr, "this user may make no more network namespaces: "
				 "user.max_net_namespaces or its like is used up");
	else if (step == STEP_LABEL)
		err_hint(reterr, "the loaded SELinux policy does not let this user's domain take "
				 "that label: see immure_selinux(8)");
	else if (step == STEP_DIRECTORY)
		err_hint(reterr, "choose one that exists in the jail with -w, or show it with -v");
}

void plan_describe_failure(
	const struct plan *plan, enum step_id step, uint16_t item, int error, struct err *reterr)
{
	char where[512];

	if (step == STEP_MOUNTS && item < plan->mounts.count)
		describe_mount(plan, item, error, reterr);
	else if (step == STEP_EXEC)
		describe_exec(plan, error, reterr);
	else if (step == STEP_DEVICES && item < plan->devices.count)
		err_set(reterr, -error, "/devices", "/dev/%s: %s", plan->devices.nodes[item].path,
			number_error_text(error));
	else if (step == STEP_ROOT && item >= ROOT_ITEM_LAYERS)
		layers_describe(&plan->root.layers, (uint16_t)(item - ROOT_ITEM_LAYERS), error,
			origin_format(&plan->root.rule->origin, where, sizeof(where)), reterr);
	else if (step == STEP_DEVICES || step == STEP_PROC)
		describe_own_mount(plan, step, item, error, reterr);
	else if (step == STEP_RLIMITS && item < plan->rlimits.count)
		err_set(reterr, -error, "/limits", "%s: %s", plan->rlimits.entries[item].name,
			number_error_text(error));
	else if (step == STEP_LANDLOCK)
		describe_landlock(plan, item, error, reterr);
	else if (step == STEP_DIRECTORY)
		err_set(reterr, -error, plan->command.working_directory,
			"cannot be the working directory: %s", number_error_text(error));
	else
		err_set(reterr, -error, steps[step].name, "failed (part %u): %s", item,
			number_error_text(error));
	advise(plan, step, error, reterr);
}
