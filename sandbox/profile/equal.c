/*
 * Whether two profiles say the same. Written out field by field, and not by comparing what
 * profile_emit() prints, so that a field which the emitter forgets shows as a difference.
 */
#include <string.h>

#include "profile/load.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Places aside; a rule that nobody set has no enforcement of its own. */
static bool same_rule(const struct rule *a, const struct rule *b)
{
	return a->set == b->set && (!a->set || a->enforce == b->enforce);
}

static bool same_layers(const struct layers *a, const struct layers *b)
{
	if (!a || !b)
		return a == b;
	if (a->count != b->count || !same_text(a->upper, b->upper) ||
		!same_text(a->work, b->work) || a->discard != b->discard)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->trees[i], b->trees[i]) != 0)
			return false;
	return true;
}

static bool same_mount(const struct mount_rule *a, const struct mount_rule *b)
{
	return same_rule(&a->rule, &b->rule) && a->kind == b->kind &&
	       same_text(a->target, b->target) && same_text(a->source, b->source) &&
	       same_text(a->content, b->content) && same_text(a->reason, b->reason) &&
	       same_layers(a->layers, b->layers) && a->writable == b->writable &&
	       a->no_exec == b->no_exec && a->keep_link == b->keep_link &&
	       a->special_files == b->special_files && a->only == b->only && a->mode == b->mode &&
	       a->size == b->size && a->inodes == b->inodes;
}

static bool same_files(const struct files_section *a, const struct files_section *b)
{
	if (!same_rule(&a->root_rule, &b->root_rule) || !same_rule(&a->home_rule, &b->home_rule) ||
		!same_rule(&a->proc_rule, &b->proc_rule) || !same_rule(&a->sys_rule, &b->sys_rule))
		return false;
	if (a->root != b->root || !same_text(a->root_directory, b->root_directory) ||
		a->root_writable != b->root_writable || !same_layers(a->layers, b->layers) ||
		a->home != b->home || !same_text(a->home_directory, b->home_directory) ||
		a->proc != b->proc || a->sys != b->sys)
		return false;
	if (a->mount_count != b->mount_count)
		return false;
	for (size_t i = 0; i < a->mount_count; i++)
		if (!same_mount(&a->mounts[i], &b->mounts[i]))
			return false;
	return true;
}

static bool same_devices(const struct devices_section *a, const struct devices_section *b)
{
	if (!same_rule(&a->rule, &b->rule) || a->standard != b->standard ||
		a->device_count != b->device_count)
		return false;
	for (size_t i = 0; i < a->device_count; i++)
		if (!same_rule(&a->devices[i].rule, &b->devices[i].rule) ||
			!same_text(a->devices[i].path, b->devices[i].path) ||
			a->devices[i].writable != b->devices[i].writable)
			return false;
	return true;
}

static bool same_io(const struct io_limit *a, const struct io_limit *b)
{
	return same_rule(&a->rule, &b->rule) && same_text(a->path, b->path) &&
	       a->read_bytes == b->read_bytes && a->write_bytes == b->write_bytes &&
	       a->read_operations == b->read_operations &&
	       a->write_operations == b->write_operations;
}

static bool same_limits(const struct limits_section *a, const struct limits_section *b)
{
	for (enum limit_kind kind = 0; kind < LIMIT_COUNT; kind++)
		if (!same_rule(&a->limits[kind].rule, &b->limits[kind].rule) ||
			a->limits[kind].value != b->limits[kind].value)
			return false;
	if (a->io_count != b->io_count)
		return false;
	for (size_t i = 0; i < a->io_count; i++)
		if (!same_io(&a->io[i], &b->io[i]))
			return false;
	return same_rule(&a->cpuset_rule, &b->cpuset_rule) && same_text(a->cpuset, b->cpuset) &&
	       same_rule(&a->oom_rule, &b->oom_rule) &&
	       a->oom_score_adjust == b->oom_score_adjust &&
	       same_rule(&a->nice_rule, &b->nice_rule) && a->nice == b->nice;
}

static bool same_argument(const struct syscall_argument *a, const struct syscall_argument *b)
{
	return a->index == b->index && a->width == b->width && a->comparison == b->comparison &&
	       a->mask == b->mask && a->value_count == b->value_count &&
	       memcmp(a->values, b->values, a->value_count * sizeof(*a->values)) == 0;
}

bool profile_same_names(const struct syscall_clause *a, const struct syscall_clause *b)
{
	if (a->name_count != b->name_count)
		return false;
	for (size_t i = 0; i < a->name_count; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

bool profile_same_arguments(const struct syscall_clause *a, const struct syscall_clause *b)
{
	if (a->argument_count != b->argument_count)
		return false;
	for (size_t i = 0; i < a->argument_count; i++)
		if (!same_argument(&a->arguments[i], &b->arguments[i]))
			return false;
	return true;
}

/* The group it came from is a place. */
static bool same_clause(const struct syscall_clause *a, const struct syscall_clause *b)
{
	return same_rule(&a->rule, &b->rule) && a->action == b->action && a->error == b->error &&
	       same_text(a->reason, b->reason) && profile_same_names(a, b) &&
	       profile_same_arguments(a, b);
}

static bool same_syscalls(const struct syscalls_section *a, const struct syscalls_section *b)
{
	if (!same_rule(&a->rule, &b->rule) || a->unconfined != b->unconfined ||
		a->default_action != b->default_action || a->default_error != b->default_error ||
		a->clause_count != b->clause_count || a->foreign_i386 != b->foreign_i386)
		return false;
	for (size_t i = 0; i < a->clause_count; i++)
		if (!same_clause(&a->clauses[i], &b->clauses[i]))
			return false;
	return true;
}

static const struct environment_setting *find_setting(
	const struct environment_section *environment, const char *name)
{
	for (size_t i = 0; i < environment->setting_count; i++)
		if (strcmp(environment->settings[i].name, name) == 0)
			return &environment->settings[i];
	return NULL;
}

/* A set: names are unique, and their order means nothing. */
static bool same_environment(
	const struct environment_section *a, const struct environment_section *b)
{
	if (a->setting_count != b->setting_count)
		return false;
	for (size_t i = 0; i < a->setting_count; i++) {
		const struct environment_setting *mine = &a->settings[i],
						 *theirs = find_setting(b, mine->name);

		if (!theirs || !same_text(mine->value, theirs->value) ||
			(mine->value && !same_rule(&mine->rule, &theirs->rule)))
			return false;
	}
	return true;
}

static bool same_landlock(const struct landlock_section *a, const struct landlock_section *b)
{
	if (a->enabled != b->enabled || a->rule.set != b->rule.set)
		return false;
	if (!a->enabled)
		return true; /* what it would have been is gone */
	if (a->rule.enforce != b->rule.enforce || a->minimum_abi != b->minimum_abi ||
		a->scope_abstract != b->scope_abstract || a->scope_signal != b->scope_signal ||
		!same_rule(&a->scope_rule, &b->scope_rule) || a->path_count != b->path_count)
		return false;
	for (size_t i = 0; i < a->path_count; i++)
		if (!same_rule(&a->paths[i].rule, &b->paths[i].rule) ||
			!same_text(a->paths[i].path, b->paths[i].path) ||
			a->paths[i].writable != b->paths[i].writable ||
			a->paths[i].no_exec != b->paths[i].no_exec)
			return false;
	return true;
}

static bool same_namespaces(const struct namespaces_section *a, const struct namespaces_section *b)
{
	return same_rule(&a->rule, &b->rule) && a->ipc == b->ipc && a->uts == b->uts &&
	       a->cgroup == b->cgroup && a->pid == b->pid && a->time == b->time &&
	       a->nested_user == b->nested_user;
}

static bool same_small_sections(const struct profile *a, const struct profile *b)
{
	return same_rule(&a->network.rule, &b->network.rule) &&
	       a->network.kind == b->network.kind && a->network.loopback == b->network.loopback &&
	       same_rule(&a->capabilities.rule, &b->capabilities.rule) &&
	       a->capabilities.keep == b->capabilities.keep &&
	       a->capabilities.ambient == b->capabilities.ambient &&
	       same_rule(&a->identity.rule, &b->identity.rule) &&
	       a->identity.kind == b->identity.kind && a->identity.uid == b->identity.uid &&
	       a->identity.gid == b->identity.gid &&
	       a->identity.pretend_ownership == b->identity.pretend_ownership &&
	       same_rule(&a->terminal.rule, &b->terminal.rule) &&
	       a->terminal.kind == b->terminal.kind &&
	       same_rule(&a->selinux.rule, &b->selinux.rule) &&
	       same_text(a->selinux.type, b->selinux.type) &&
	       same_text(a->selinux.level, b->selinux.level);
}

bool profile_equal(const struct profile *a, const struct profile *b)
{
	return same_text(a->name, b->name) && same_text(a->description, b->description) &&
	       same_files(&a->files, &b->files) && same_devices(&a->devices, &b->devices) &&
	       same_limits(&a->limits, &b->limits) && same_syscalls(&a->syscalls, &b->syscalls) &&
	       same_environment(&a->environment, &b->environment) &&
	       same_landlock(&a->landlock, &b->landlock) &&
	       same_namespaces(&a->namespaces, &b->namespaces) && same_small_sections(a, b) &&
	       same_rule(&a->hostname_rule, &b->hostname_rule) &&
	       same_text(a->hostname, b->hostname) &&
	       same_rule(&a->workdir_rule, &b->workdir_rule) && same_text(a->workdir, b->workdir) &&
	       same_rule(&a->umask_rule, &b->umask_rule) && a->umask == b->umask;
}
