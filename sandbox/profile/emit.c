/*
 * Printing a profile as a document: flat (nothing is extended, no variable is left), with what
 * somebody asked for and nothing else, so that it loads to an equal profile. A tree of jansson's is
 * built and printed; any failure on the way sticks and shows at the end.
 */
#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profile/load.h"
#include "profile/names.h"
#include "profile/sections.h"
#include "util/number.h"
#include "util/text.h"

struct emitter {
	bool origins;
	int error; /* the first one, negative */
};

/* ---- building ---- */

static json_t *made(struct emitter *out, json_t *node)
{
	if (!node && !out->error)
		out->error = -ENOMEM;
	return node;
}

static json_t *new_object(struct emitter *out)
{
	return made(out, json_object());
}

static json_t *new_array(struct emitter *out)
{
	return made(out, json_array());
}

/* Layers belong to one launch: a document that names them would not load. */
static void refuse_layers(struct emitter *out)
{
	if (!out->error)
		out->error = -ENOTSUP;
}

static void put(struct emitter *out, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) && !out->error)
		out->error = -ENOMEM;
}

static void add(struct emitter *out, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) && !out->error)
		out->error = -ENOMEM;
}

static json_t *new_word(struct emitter *out, const char *word)
{
	return made(out, json_string(word));
}

static void put_word(struct emitter *out, json_t *object, const char *key, const char *word)
{
	put(out, object, key, new_word(out, word));
}

static void put_bool(struct emitter *out, json_t *object, const char *key, bool value)
{
	put(out, object, key, json_boolean(value));
}

static void put_number(struct emitter *out, json_t *object, const char *key, uint64_t value)
{
	put(out, object, key, made(out, json_integer((json_int_t)value)));
}

static void put_mode(struct emitter *out, json_t *object, const char *key, mode_t mode)
{
	char digits[16];

	(void)snprintf(digits, sizeof(digits), "%04o", (unsigned)mode);
	put_word(out, object, key, digits);
}

/* Text in which the reader looks for variables: each dollar is doubled. */
static json_t *new_text(struct emitter *out, const char *text)
{
	size_t dollars = 0, used = 0;
	char *doubled;
	json_t *node;

	for (const char *at = text; *at; at++)
		dollars += *at == '$';
	if (!dollars)
		return new_word(out, text);
	doubled = malloc(strlen(text) + dollars + 1);
	if (!doubled)
		return made(out, NULL);
	for (; *text; text++) {
		if (*text == '$')
			doubled[used++] = '$';
		doubled[used++] = *text;
	}
	doubled[used] = '\0';
	node = new_word(out, doubled);
	free(doubled);
	return node;
}

static void put_text(struct emitter *out, json_t *object, const char *key, const char *text)
{
	put(out, object, key, new_text(out, text));
}

/* ---- rules ---- */

/* What the object says of its own rule. */
static void put_rule(struct emitter *out, json_t *object, const struct rule *rule)
{
	char place[1024];

	if (rule->enforce != ENFORCE_REQUIRED)
		put_word(out, object, "enforce", enforce_names[rule->enforce]);
	if (out->origins)
		put_word(out, object, "x-origin",
			origin_format(&rule->origin, place, sizeof(place)));
}

/* A setting, if anybody asked for it: bare, or as an object where there is more to say than its
 * value. Takes over value. */
static void put_setting(struct emitter *out, json_t *object, const char *key,
	const struct rule *rule, json_t *value)
{
	json_t *whole;

	if (!rule->set) {
		json_decref(value);
		return;
	}
	if (rule->enforce == ENFORCE_REQUIRED && !out->origins) {
		put(out, object, key, value);
		return;
	}
	whole = new_object(out);
	put(out, whole, "value", value);
	put_rule(out, whole, rule);
	put(out, object, key, whole);
}

/* A section with one rule: an object to fill, or NULL where nobody asked for it. */
static json_t *section(struct emitter *out, json_t *root, const char *key, const struct rule *rule)
{
	json_t *object = rule->set ? new_object(out) : NULL;

	if (!object)
		return NULL;
	put(out, root, key, object); /* the root owns it, and we go on filling it */
	put_rule(out, object, rule);
	return object;
}

/* An object to fill, at key. */
static json_t *part(struct emitter *out, json_t *root, const char *key)
{
	json_t *object = new_object(out);

	put(out, root, key, object);
	return object;
}

static json_t *list(struct emitter *out, json_t *root, const char *key)
{
	json_t *array = new_array(out);

	put(out, root, key, array);
	return array;
}

static json_t *entry(struct emitter *out, json_t *array)
{
	json_t *object = new_object(out);

	add(out, array, object);
	return object;
}

/* ---- files ---- */

static void emit_mount(struct emitter *out, json_t *mounts, const struct mount_rule *rule)
{
	json_t *mount = entry(out, mounts);

	put_text(out, mount, mount_kind_names[rule->kind],
		rule->kind == MOUNT_BIND ? rule->source : rule->target);
	switch (rule->kind) {
	case MOUNT_BIND:
		put_text(out, mount, "to", rule->target);
		put_word(out, mount, "access", access_names[rule->writable]);
		put_bool(out, mount, "exec", !rule->no_exec);
		put_bool(out, mount, "follow", !rule->keep_link);
		put_bool(out, mount, "special_files", rule->special_files);
		put_word(out, mount, "only", rule->only == ONLY_FILE ? "file" : "any");
		break;
	case MOUNT_TMPFS:
		if (rule->size)
			put_number(out, mount, "size", rule->size);
		if (rule->inodes)
			put_number(out, mount, "inodes", rule->inodes);
		put_mode(out, mount, "mode", rule->mode);
		put_bool(out, mount, "exec", !rule->no_exec);
		break;
	case MOUNT_SYMLINK: put_text(out, mount, "to", rule->source); break;
	case MOUNT_FILE:
		put_text(out, mount, "content", rule->content);
		put_mode(out, mount, "mode", rule->mode);
		break;
	case MOUNT_DIRECTORY: put_mode(out, mount, "mode", rule->mode); break;
	case MOUNT_LAYERS: refuse_layers(out); break;
	case MOUNT_DENY:
	case MOUNT_KIND_COUNT: break;
	}
	if (rule->reason)
		put_word(out, mount, "override", rule->reason);
	put_rule(out, mount, &rule->rule);
}

static void emit_files(struct emitter *out, json_t *root, const struct files_section *files)
{
	json_t *object = part(out, root, "files"), *mounts;

	if (files->root == ROOT_LAYERS)
		refuse_layers(out);
	put_setting(out, object, "root", &files->root_rule,
		files->root == ROOT_DIRECTORY ? new_text(out, files->root_directory)
					      : new_word(out, root_names[files->root]));
	put_word(out, object, "root_access", access_names[files->root_writable]);
	put_setting(out, object, "home", &files->home_rule, new_word(out, home_names[files->home]));
	put_text(out, object, "home_directory", files->home_directory);
	put_setting(out, object, "proc", &files->proc_rule, new_word(out, proc_names[files->proc]));
	put_setting(out, object, "sys", &files->sys_rule, new_word(out, sys_names[files->sys]));
	mounts = list(out, object, "mounts");
	for (size_t i = 0; i < files->mount_count; i++)
		emit_mount(out, mounts, &files->mounts[i]);
}

static void emit_devices(struct emitter *out, json_t *root, const struct devices_section *devices)
{
	json_t *object = section(out, root, "devices", &devices->rule), *allow;

	if (!object)
		return;
	put_bool(out, object, "standard", devices->standard);
	allow = list(out, object, "allow");
	for (size_t i = 0; i < devices->device_count; i++) {
		json_t *device = entry(out, allow);

		put_text(out, device, "path", devices->devices[i].path);
		put_word(out, device, "access", access_names[devices->devices[i].writable]);
		put(out, device, "enforce",
			new_word(out, enforce_names[devices->devices[i].rule.enforce]));
	}
}

/* ---- limits ---- */

static void emit_io(struct emitter *out, json_t *io, const struct io_limit *limit)
{
	json_t *object = entry(out, io);

	put_text(out, object, "device", limit->path);
	if (limit->read_bytes)
		put_number(out, object, "read_bytes", limit->read_bytes);
	if (limit->write_bytes)
		put_number(out, object, "write_bytes", limit->write_bytes);
	if (limit->read_operations)
		put_number(out, object, "read_operations", limit->read_operations);
	if (limit->write_operations)
		put_number(out, object, "write_operations", limit->write_operations);
	put_rule(out, object, &limit->rule);
}

static void emit_limits(struct emitter *out, json_t *root, const struct limits_section *limits)
{
	json_t *object = part(out, root, "limits"), *io;
	char text[64];

	for (enum limit_kind kind = 0; kind < LIMIT_COUNT; kind++)
		put_setting(out, object, limit_names[kind], &limits->limits[kind].rule,
			new_word(out, limit_format(kind, limits->limits[kind].value, text,
					      sizeof(text))));
	if (limits->io_count) {
		io = list(out, object, "io");
		for (size_t i = 0; i < limits->io_count; i++)
			emit_io(out, io, &limits->io[i]);
	}
	put_setting(out, object, "cpuset", &limits->cpuset_rule,
		new_word(out, limits->cpuset ? limits->cpuset : ""));
	put_setting(out, object, "oom_score_adjust", &limits->oom_rule,
		made(out, json_integer(limits->oom_score_adjust)));
	put_setting(out, object, "nice", &limits->nice_rule, made(out, json_integer(limits->nice)));
}

/* ---- system calls ---- */

static json_t *new_word64(struct emitter *out, uint64_t value)
{
	char digits[32];

	(void)snprintf(digits, sizeof(digits), "0x%llx",
		(unsigned long long)value); /* JSON's integers end at 63 bits */
	return new_word(out, digits);
}

static void emit_argument(
	struct emitter *out, json_t *arguments, const struct syscall_argument *argument)
{
	json_t *object = entry(out, arguments), *values;
	const char *key = comparison_names[argument->comparison];

	put_number(out, object, "index", argument->index);
	put_number(out, object, "width", argument->width);
	if (argument->mask != UINT64_MAX)
		put(out, object, "mask", new_word64(out, argument->mask));
	if (argument->comparison != COMPARE_IN && argument->comparison != COMPARE_NOT_IN) {
		put(out, object, key, new_word64(out, argument->values[0]));
		return;
	}
	values = list(out, object, key);
	for (size_t i = 0; i < argument->value_count; i++)
		add(out, values, new_word64(out, argument->values[i]));
}

static void put_errno(
	struct emitter *out, json_t *object, const char *key, const char *prefix, uint16_t error)
{
	const char *name = number_error(error);
	char text[64];

	if (!name && !out->error)
		out->error = -EINVAL; /* a number without a name cannot be said in this notation */
	(void)snprintf(text, sizeof(text), "%s%s", prefix, name ? name : "");
	put_word(out, object, key, text);
}

static void emit_clause(struct emitter *out, json_t *rules, const struct syscall_clause *clause)
{
	json_t *object = entry(out, rules), *names = list(out, object, "names");

	for (size_t i = 0; i < clause->name_count; i++)
		add(out, names, new_word(out, clause->names[i]));
	put_word(out, object, "action", syscall_action_names[clause->action]);
	if (clause->action == ACTION_ERRNO)
		put_errno(out, object, "errno", "", clause->error);
	if (clause->argument_count) {
		json_t *arguments = list(out, object, "args");

		for (size_t i = 0; i < clause->argument_count; i++)
			emit_argument(out, arguments, &clause->arguments[i]);
	}
	if (clause->reason)
		put_word(out, object, "override", clause->reason);
	if (clause->group)
		put_word(out, object, "x-group", clause->group);
	/* always said: the section's own word would hold for the rules too */
	put_word(out, object, "enforce", enforce_names[clause->rule.enforce]);
	if (out->origins) {
		char place[1024];

		put_word(out, object, "x-origin",
			origin_format(&clause->rule.origin, place, sizeof(place)));
	}
}

static void emit_syscalls(
	struct emitter *out, json_t *root, const struct syscalls_section *syscalls)
{
	json_t *object = section(out, root, "syscalls", &syscalls->rule), *rules, *architectures;

	if (!object)
		return;
	if (syscalls->default_action == ACTION_ERRNO)
		put_errno(out, object, "default", "errno:", syscalls->default_error);
	else
		put_word(out, object, "default", syscall_action_names[syscalls->default_action]);
	rules = list(out, object, "rules");
	for (size_t i = 0; i < syscalls->clause_count; i++)
		emit_clause(out, rules, &syscalls->clauses[i]);
	architectures = list(out, object, "architectures");
	add(out, architectures, new_word(out, "native"));
	if (syscalls->foreign_i386)
		add(out, architectures, new_word(out, "i386"));
}

/* ---- the smaller sections ---- */

static void emit_capabilities(
	struct emitter *out, json_t *root, const struct capabilities_section *capabilities)
{
	json_t *object = section(out, root, "capabilities", &capabilities->rule), *keep;

	if (!object)
		return;
	keep = list(out, object, "keep");
	for (unsigned bit = 0; bit < 64; bit++) {
		char name[80] = "CAP_";
		const char *known =
			capabilities->keep >> bit & 1 ? capng_capability_to_name(bit) : NULL;

		if (!known)
			continue;
		for (size_t i = 0; known[i] && i + 5 < sizeof(name); i++)
			name[i + 4] = text_upper(known[i]);
		add(out, keep, new_word(out, name));
	}
	put_bool(out, object, "ambient", capabilities->ambient);
}

static void emit_identity(
	struct emitter *out, json_t *root, const struct identity_section *identity)
{
	json_t *object = section(out, root, "identity", &identity->rule);

	if (!object)
		return;
	put_word(out, object, "map", identity_names[identity->kind]);
	put_number(out, object, "uid", identity->uid);
	put_number(out, object, "gid", identity->gid);
	put_bool(out, object, "pretend_ownership", identity->pretend_ownership);
}

/* Settings keep their order only among those set and those passed, which is all that there is to
 * it: names are unique. */
static void emit_environment(
	struct emitter *out, json_t *root, const struct environment_section *environment)
{
	json_t *object = part(out, root, "environment"), *set = part(out, object, "set"),
	       *pass = NULL;

	for (size_t i = 0; i < environment->setting_count; i++) {
		const struct environment_setting *setting = &environment->settings[i];

		if (setting->value) {
			put_setting(out, set, setting->name, &setting->rule,
				new_text(out, setting->value));
		} else {
			if (!pass)
				pass = list(out, object, "pass");
			add(out, pass, new_word(out, setting->name));
		}
	}
}

/* How binding it is, is always said: the section's own word would hold for the scopes too. */
static void emit_scope(struct emitter *out, json_t *object, const struct landlock_section *landlock)
{
	json_t *whole, *scope;

	if (!landlock->scope_rule.set)
		return;
	whole = part(out, object, "scope");
	scope = list(out, whole, "value");
	if (landlock->scope_abstract)
		add(out, scope, new_word(out, scope_names[SCOPE_ABSTRACT]));
	if (landlock->scope_signal)
		add(out, scope, new_word(out, scope_names[SCOPE_SIGNAL]));
	put_word(out, whole, "enforce", enforce_names[landlock->scope_rule.enforce]);
}

static void emit_landlock(
	struct emitter *out, json_t *root, const struct landlock_section *landlock)
{
	json_t *object, *paths;

	if (landlock->rule.set && !landlock->enabled) {
		put_bool(out, root, "landlock", false);
		return;
	}
	object = section(out, root, "landlock", &landlock->rule);
	if (!object)
		return;
	put_number(out, object, "minimum_abi", landlock->minimum_abi);
	emit_scope(out, object, landlock);
	paths = list(out, object, "paths");
	for (size_t i = 0; i < landlock->path_count; i++) {
		json_t *path = entry(out, paths);

		put_text(out, path, "path", landlock->paths[i].path);
		put_word(out, path, "access", access_names[landlock->paths[i].writable]);
		put_bool(out, path, "exec", !landlock->paths[i].no_exec);
		put_word(out, path, "enforce", enforce_names[landlock->paths[i].rule.enforce]);
	}
}

static void emit_namespaces(
	struct emitter *out, json_t *root, const struct namespaces_section *namespaces)
{
	json_t *object = section(out, root, "namespaces", &namespaces->rule);

	if (!object)
		return;
	put_bool(out, object, "ipc", namespaces->ipc);
	put_bool(out, object, "uts", namespaces->uts);
	put_bool(out, object, "cgroup", namespaces->cgroup);
	put_bool(out, object, "pid", namespaces->pid);
	put_bool(out, object, "time", namespaces->time);
	put_bool(out, object, "nested_user", namespaces->nested_user);
}

static void emit_words(struct emitter *out, json_t *root, const struct profile *profile)
{
	json_t *network = section(out, root, "network", &profile->network.rule);
	json_t *terminal = section(out, root, "terminal", &profile->terminal.rule);
	json_t *selinux = section(out, root, "selinux", &profile->selinux.rule);
	char digits[16];

	if (network) {
		put_word(out, network, "mode", network_names[profile->network.kind]);
		put_bool(out, network, "loopback", profile->network.loopback);
	}
	if (terminal)
		put_word(out, terminal, "mode", terminal_names[profile->terminal.kind]);
	if (selinux) {
		put_word(out, selinux, "type", profile->selinux.type);
		put_word(out, selinux, "level",
			profile->selinux.level ? profile->selinux.level : "auto");
	}
	if (profile->hostname)
		put_setting(out, root, "hostname", &profile->hostname_rule,
			new_word(out, profile->hostname));
	if (profile->workdir)
		put_setting(out, root, "workdir", &profile->workdir_rule,
			new_text(out, profile->workdir));
	(void)snprintf(digits, sizeof(digits), "%04o", (unsigned)profile->umask);
	put_setting(out, root, "umask", &profile->umask_rule, new_word(out, digits));
}

int profile_emit(const struct profile *profile, bool origins, FILE *file)
{
	struct emitter emitter = {.origins = origins}, *out = &emitter;
	json_t *root = new_object(out);
	int r;

	put_number(out, root, "version", 1);
	put_word(out, root, "name", profile->name);
	if (profile->description)
		put_word(out, root, "description", profile->description);
	emit_files(out, root, &profile->files);
	emit_devices(out, root, &profile->devices);
	emit_limits(out, root, &profile->limits);
	emit_syscalls(out, root, &profile->syscalls);
	emit_capabilities(out, root, &profile->capabilities);
	emit_identity(out, root, &profile->identity);
	emit_environment(out, root, &profile->environment);
	emit_landlock(out, root, &profile->landlock);
	emit_namespaces(out, root, &profile->namespaces);
	emit_words(out, root, profile);
	r = emitter.error;
	if (!r && (json_dumpf(root, file, JSON_INDENT(2)) || fputc('\n', file) == EOF))
		r = -EIO;
	json_decref(root);
	return r;
}
