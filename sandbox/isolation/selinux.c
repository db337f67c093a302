/* The label of the program: see selinux.h. */
#include "isolation/selinux.h"

#include <errno.h>
#include <fcntl.h>
#include <selinux/selinux.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "isolation/selinux_parts.h"
#include "profile/grammar.h"
#include "util/arena.h"
#include "util/mutant.h"
#include "util/report.h"

#define PROC_MAGIC 0x9fa0

static const char remedy_policy[] =
	"load immure's policy module (policies/selinux), and let this user's SELinux user have the "
	"role and the categories: semanage user -m -r "
	"s0-s0:c0.c1023 USER_u";

static const char remedy_pair[] = "set XDG_RUNTIME_DIR to a directory that only this user can "
				  "write, and let the SELinux user "
				  "have the categories: semanage user -m -r s0-s0:c0.c1023 USER_u";

/*
 * The parts of "user:role:type:range"; the range may hold colons of its own, or be missing where
 * the policy has none.
 */
struct caller {
	const char *user_and_role; /* "user:role" */
	const char *sensitivity; /* "s0", the lowest of the range; NULL: a policy without ranges */
};

static int parse_caller(const char *context, struct arena *arena, struct caller *ret)
{
	const char *role = strchr(context, ':'), *type = role ? strchr(role + 1, ':') : NULL;
	const char *range = type ? strchr(type + 1, ':') : NULL;

	if (!type)
		return -EINVAL;
	ret->user_and_role = arena_copy_range(arena, context, (size_t)(type - context));
	ret->sensitivity =
		range ? arena_copy_range(arena, range + 1, strcspn(range + 1, ":-")) : NULL;
	return ret->user_and_role && (!range || ret->sensitivity) ? 0 : -ENOMEM;
}

/* "s0:c12,c900", the pair held by plan->lock; that of a home or a container which is kept, where
 * it can be had. */
static int make_level(const struct host *host, const char *sensitivity, struct arena *arena,
	struct selinux_plan *plan, const char **ret, struct err *reterr)
{
	const struct files_section *files = plan->files;
	const char *kept = files->home == HOME_PRIVATE                   ? files->home_source
			   : files->root == ROOT_LAYERS && files->layers ? files->layers->upper
									 : NULL;
	unsigned first, second;
	int r = host->mcs_pair(host, kept, &first, &second, &plan->lock, reterr);

	if (r < 0)
		return r;
	*ret = arena_format(arena, "%s:c%u,c%u", sensitivity, first, second);
	return *ret ? 0 : err_no_memory(reterr);
}

static int refuse(struct receipt *receipt, const struct rule *rule, const char *asked,
	const char *reason, const char *remedy, struct err *reterr)
{
	struct receipt_row row = {.rule = rule,
		.asked = asked,
		.outcome = OUTCOME_NOT_ENFORCED,
		.reason = reason,
		.remedy = remedy};

	return receipt_add(receipt, &row, reterr);
}

/* What is still missing when the label is in place. */
static const char *weakness(
	const struct host *host, const struct selinux_section *section, const struct caller *caller)
{
	if (!host->selinux_enforcing)
		return "SELinux is permissive: what the label forbids is logged, not stopped";
	if (!section->level && !caller->sensitivity)
		return "the loaded policy has no levels: the type is set, but nothing keeps two "
		       "jails of this type apart";
	return NULL;
}

/*
 * A label of files, which are the user's. A policy of somebody else's, whose types a profile may
 * name, has no such type: its tmpfs are labelled as that policy says.
 */
static int make_file_context(const struct host *host, const struct caller *caller, const char *type,
	const char *level, struct arena *arena, const char **ret)
{
	const char *context = arena_format(arena, "%.*s:object_r:%s%s%s",
		(int)strcspn(caller->user_and_role, ":"), caller->user_and_role, type,
		level ? ":" : "", level ? level : "");

	if (!context)
		return -ENOMEM;
	if (host->selinux_check(host, context) == 0)
		*ret = context;
	return 0;
}

/* The jail's own files have its level; what several share has no categories. */
static int make_file_contexts(const struct host *host, const struct caller *caller,
	const char *level, struct arena *arena, struct selinux_plan *plan)
{
	const char *shared = caller->sensitivity;
	int r = make_file_context(
		host, caller, SELINUX_FILE_TYPE, level, arena, &plan->file_context);

	if (r == 0)
		r = make_file_context(
			host, caller, SELINUX_DEVPTS_TYPE, level, arena, &plan->devpts_context);
	for (size_t i = 0; r == 0 && i < plan->files->mount_count; i++) {
		enum mount_relabel relabel = plan->files->mounts[i].relabel;

		if (relabel == RELABEL_SHARED && !plan->shared_context)
			r = make_file_context(host, caller, SELINUX_SHARED_TYPE, shared, arena,
				&plan->shared_context);
		if (relabel == RELABEL_STORAGE && !plan->storage_context)
			r = make_file_context(host, caller, SELINUX_STORAGE_TYPE, shared, arena,
				&plan->storage_context);
	}
	return r;
}

static const char *choose_type(const struct profile *profile)
{
	bool networked = profile->network.kind == NETWORK_HOST;

	return networked && strcmp(profile->selinux.type, "immure_t") == 0 ? "immure_net_t"
									   : profile->selinux.type;
}

/* The whole label; NULL: out of memory. */
static const char *make_context(
	const struct caller *caller, const char *type, const char *level, struct arena *arena)
{
	return arena_format(arena, "%s:%s%s%s", caller->user_and_role, type, level ? ":" : "",
		level ? level : "");
}

/*
 * The level and the label with it. Where there is no pair to be had, a best-effort rule gets the
 * type alone, which still keeps the jail from all that is not a jail's; *ret_lacking says why.
 */
static int choose_label(const struct selinux_section *section, const char *type,
	const struct host *host, const struct caller *caller, struct arena *arena,
	struct selinux_plan *plan, const char **ret_level, const char **ret_lacking,
	struct err *reterr)
{
	bool required = section->rule.enforce == ENFORCE_REQUIRED;
	const char *level = section->level, *lacking = NULL, *context;
	struct err failure = {0};

	if (!level && caller->sensitivity) {
		int r = make_level(host, caller->sensitivity, arena, plan, &level, &failure);

		if (r < 0 && required) {
			*reterr = failure;
			return r;
		}
		lacking = r < 0 ? arena_format(arena, "the type alone: %s", failure.message) : NULL;
	}
	context = make_context(caller, type, level, arena);
	if (!context)
		return err_no_memory(reterr);
	if (plan->lock >= 0 && !required && host->selinux_check(host, context) < 0) {
		lacking = "the type alone: the SELinux user has no categories";
		(void)close(plan->lock);
		plan->lock = -1;
	}
	if (lacking) {
		level = caller->sensitivity;
		context = make_context(caller, type, level, arena);
	}
	plan->context = context;
	*ret_level = level;
	*ret_lacking = lacking;
	return context ? 0 : err_no_memory(reterr);
}

static int compile_label(const struct selinux_section *section, const char *type,
	const struct host *host, struct arena *arena, struct receipt *receipt, const char *asked,
	struct selinux_plan *plan, struct err *reterr)
{
	struct receipt_row row = {.rule = &section->rule, .asked = asked, .layer = "SELinux label"};
	const char *level, *lacking;
	struct err failure = {0};
	struct caller caller;
	int r = parse_caller(host->selinux_context, arena, &caller);

	if (r == -EINVAL)
		return refuse(receipt, &section->rule, asked,
			"our own label has no user and role to go on from",
			"start immure from a labelled session", reterr);
	if (r < 0)
		return err_set(reterr, r, "selinux", "cannot make a label: %s", strerror(-r));
	if (choose_label(section, type, host, &caller, arena, plan, &level, &lacking, &failure) < 0)
		return refuse(receipt, &section->rule, asked, arena_copy(arena, failure.message),
			arena_copy(arena, failure.hint), reterr);
	if (host->selinux_check(host, plan->context) < 0) {
		const char *unknown = plan->context;

		plan->context = NULL;
		return refuse(receipt, &section->rule, asked,
			arena_format(
				arena, "the loaded policy does not allow the label %s", unknown),
			remedy_policy, reterr);
	}
	if (make_file_contexts(host, &caller, level, arena, plan) < 0)
		return err_no_memory(reterr);
	plan->enforcing = host->selinux_enforcing;
	row.reason = lacking ? lacking : weakness(host, section, &caller);
	row.outcome = row.reason ? OUTCOME_PARTLY : OUTCOME_ENFORCED;
	row.remedy = !row.reason               ? NULL
		     : lacking                 ? remedy_pair
		     : host->selinux_enforcing ? "load a policy with MCS"
					       : "setenforce 1";
	return receipt_add(receipt, &row, reterr);
}

int selinux_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct selinux_plan *ret, struct err *reterr)
{
	const struct selinux_section *section = &profile->selinux;
	struct selinux_plan plan = {.lock = -1, .rule = &section->rule, .files = &profile->files};
	const char *type, *asked;
	int r;

	*ret = plan;
	if (!section->rule.set)
		return 0;
	if (!section->type || !grammar_selinux_type(section->type) ||
		(section->level && !grammar_selinux_level(section->level)))
		return err_set(reterr, -EINVAL, "selinux", "not a type and a level");
	type = choose_type(profile);
	asked = arena_format(arena, "SELinux type %s, %s%s", type,
		section->level ? "level " : "an own pair of categories",
		section->level ? section->level : "");
	if (!asked)
		return err_no_memory(reterr);
	if (section->rule.enforce == ENFORCE_AUDIT)
		return refuse(receipt, &section->rule, asked,
			"audit only: the program keeps the caller's label", NULL, reterr);
	if (!host->selinux_enabled)
		return refuse(receipt, &section->rule, asked, "this kernel runs without SELinux",
			"run a distribution with SELinux, or make the rule best-effort", reterr);
	r = compile_label(section, type, host, arena, receipt, asked, &plan, reterr);
	if (r < 0 || !plan.context) {
		if (plan.lock >= 0)
			(void)close(plan.lock);
		plan.lock = -1;
	}
	if (r == 0)
		*ret = plan;
	return r;
}

void selinux_explain(const struct selinux_plan *plan, struct report *out)
{
	char place[768];

	if (plan->context)
		report_row(out, origin_format(&plan->rule->origin, place, sizeof(place)), "label",
			"%s", plan->context);
	if (plan->file_context)
		report_row(out, NULL, "tmpfs label", "%s", plan->file_context);
}

/* ---- child ---- */

int selinux_apply(const struct selinux_plan *plan, struct child *child, uint16_t *reterr_item)
{
	struct statfs system;
	size_t length;
	ssize_t written;

	*reterr_item = 0;
	if (!plan->context || mutant(MUTANT_NO_LABEL))
		return 0;
	/*
	 * a file that somebody mounted over /proc would take the label and keep it to itself
	 * (CVE-2019-16884, T-LSM-12)
	 */
	if (fstatfs(child->label, &system))
		return -errno;
	if (system.f_type != PROC_MAGIC)
		return -EPERM;
	length = strlen(plan->context);
	written = write(child->label, plan->context, length);
	if (written < 0)
		return -errno;
	child->file_label = plan->file_context;
	child->devpts_label = plan->devpts_context;
	return (size_t)written == length ? 0 : -EIO;
}
