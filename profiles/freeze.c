/*
 * Build tool: reads the built-in profiles as a launch would, and prints what it read as C (see
 *profile/frozen.h).
 *
 *	freeze x86_64 untrusted strict … > build/frozen.c
 *
 * The filters are for the architecture that is named, which need not be the one this runs on.
 */
#include <inttypes.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "isolation/seccomp.h"
#include "profile/frozen.h"
#include "profile/load.h"
#include "profile/receipt.h"
#include "util/arena.h"
#include "util/json.h"

static struct arena arena;
static unsigned serial; /* numbers the arrays */

static void die(const char *name, const struct err *err)
{
	(void)fprintf(stderr, "freeze: %s: %s: %s\n", name, err->where, err->message);
	exit(1);
}

/* ---- values ---- */

static void put_text(const char *field, const char *text)
{
	if (!text)
		return;
	(void)printf(".%s = \"", field);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)printf("\\%c", *text);
		else if (*text < ' ' || *text > '~')
			(void)printf("\\%03o", (unsigned char)*text);
		else
			(void)putchar(*text);
	}
	(void)printf("\", ");
}

static void put_number(const char *field, uint64_t number)
{
	if (number)
		(void)printf(".%s = %" PRIu64 "U, ", field, number);
}

static void put_rule(const char *field, const struct rule *rule)
{
	(void)printf(".%s = {.enforce = %d, .set = %d, .origin = {", field, (int)rule->enforce,
		rule->set);
	if (rule->origin.document)
		(void)printf(".document = &documents[%zu], ",
			(size_t)(uintptr_t)rule->origin.document - 1);
	put_text("pointer", rule->origin.pointer);
	(void)printf("}}, ");
}

/* ---- documents: origins point to them ---- */

static const struct json_document *documents[16];
static size_t document_count;

static size_t document_number(const struct json_document *document)
{
	size_t i = 0;

	while (i < document_count && documents[i] != document)
		i++;
	if (i == document_count) {
		if (i == sizeof(documents) / sizeof(documents[0]))
			abort();
		documents[document_count++] = document;
	}
	return i;
}

/* From here on an origin's document is its number plus one, whatever the pointer was: the printer
 * needs no table then. */
static void number_rule(struct rule *rule)
{
	if (rule->origin.document)
		rule->origin.document =
			(const struct json_document *)(uintptr_t)(document_number(
									  rule->origin.document) +
								  1);
}

static void number_rules(struct profile *profile)
{
	struct rule *const single[] = {&profile->files.root_rule, &profile->files.home_rule,
		&profile->files.proc_rule, &profile->files.sys_rule, &profile->devices.rule,
		&profile->network.rule, &profile->limits.cpuset_rule, &profile->limits.oom_rule,
		&profile->limits.nice_rule, &profile->syscalls.rule, &profile->capabilities.rule,
		&profile->identity.rule, &profile->terminal.rule, &profile->selinux.rule,
		&profile->landlock.rule, &profile->landlock.scope_rule, &profile->namespaces.rule,
		&profile->hostname_rule, &profile->workdir_rule, &profile->umask_rule};

	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		number_rule(single[i]);
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		number_rule(&profile->limits.limits[i].rule);
	for (size_t i = 0; i < profile->files.mount_count; i++)
		number_rule(&profile->files.mounts[i].rule);
	for (size_t i = 0; i < profile->syscalls.clause_count; i++)
		number_rule(&profile->syscalls.clauses[i].rule);
	for (size_t i = 0; i < profile->environment.setting_count; i++)
		number_rule(&profile->environment.settings[i].rule);
	for (size_t i = 0; i < profile->devices.device_count; i++)
		number_rule(&profile->devices.devices[i].rule);
	for (size_t i = 0; i < profile->landlock.path_count; i++)
		number_rule(&profile->landlock.paths[i].rule);
}

static void put_documents(void)
{
	for (size_t i = 0; builtin_path(i); i++)
		(void)printf("extern const char builtin_%zu[];\n", i);
	(void)printf("static const struct json_document documents[] = {\n");
	for (size_t i = 0; i < document_count; i++) {
		size_t which = 0, length;

		while (builtin_path(which) &&
			builtin_text(builtin_path(which), &length) != documents[i]->text)
			which++;
		if (!builtin_path(which))
			abort();
		(void)printf(
			"\t{.name = (char *)\"%s\", .text = (char *)builtin_%zu, .length = %zu},\n",
			documents[i]->name, which, documents[i]->length);
	}
	(void)printf("};\n");
}

/* ---- arrays: each printed before the profile that points to it; the number it is known by ---- */

static unsigned put_mounts(const struct files_section *files)
{
	(void)printf("static const struct mount_rule mounts_%u[] = {\n", ++serial);
	for (size_t i = 0; i < files->mount_count; i++) {
		const struct mount_rule *mount = &files->mounts[i];

		(void)printf("\t{.kind = %d, ", (int)mount->kind);
		put_rule("rule", &mount->rule);
		put_text("target", mount->target);
		put_text("source", mount->source);
		put_text("content", mount->content);
		put_text("reason", mount->reason);
		put_number("writable", mount->writable);
		put_number("no_exec", mount->no_exec);
		put_number("keep_link", mount->keep_link);
		put_number("special_files", mount->special_files);
		put_number("only", mount->only);
		put_number("mode", mount->mode);
		put_number("size", mount->size);
		put_number("inodes", mount->inodes);
		(void)printf("},\n");
	}
	(void)printf("};\n");
	return serial;
}

static unsigned put_settings(const struct environment_section *environment)
{
	(void)printf("static const struct environment_setting settings_%u[] = {\n", ++serial);
	for (size_t i = 0; i < environment->setting_count; i++) {
		(void)printf("\t{");
		put_rule("rule", &environment->settings[i].rule);
		put_text("name", environment->settings[i].name);
		put_text("value", environment->settings[i].value);
		(void)printf("},\n");
	}
	(void)printf("};\n");
	return serial;
}

/* Groups are in more than one profile: what is printed already is not printed again. */
static struct printed {
	const struct syscall_clause *clause;
	unsigned names, arguments;
} printed[512];
static size_t printed_count;

static unsigned put_names(const struct syscall_clause *clause)
{
	for (size_t i = 0; i < printed_count; i++)
		if (profile_same_names(printed[i].clause, clause))
			return printed[i].names;
	(void)printf("static const char *const names_%u[] = {", ++serial);
	for (size_t i = 0; i < clause->name_count; i++)
		(void)printf("\"%s\", ", clause->names[i]);
	(void)printf("};\n");
	return serial;
}

static unsigned put_arguments(const struct syscall_clause *clause)
{
	unsigned first = serial + 1;

	for (size_t i = 0; i < printed_count; i++)
		if (profile_same_arguments(printed[i].clause, clause))
			return printed[i].arguments;
	for (size_t i = 0; i < clause->argument_count; i++) {
		(void)printf("static const uint64_t values_%u[] = {", ++serial);
		for (size_t v = 0; v < clause->arguments[i].value_count; v++)
			(void)printf("UINT64_C(%" PRIu64 "), ", clause->arguments[i].values[v]);
		(void)printf("};\n");
	}
	(void)printf("static const struct syscall_argument arguments_%u[] = {\n", ++serial);
	for (size_t i = 0; i < clause->argument_count; i++) {
		const struct syscall_argument *argument = &clause->arguments[i];

		(void)printf(
			"\t{.index = %u, .width = %u, .comparison = %d, .mask = UINT64_C(%" PRIu64
			"), .values = values_%zu, .value_count = %zu},\n",
			argument->index, argument->width, (int)argument->comparison, argument->mask,
			first + i, argument->value_count);
	}
	(void)printf("};\n");
	return serial;
}

static unsigned put_clauses(const struct syscalls_section *syscalls)
{
	unsigned *names = arena_zeroed(&arena, syscalls->clause_count + 1, sizeof(*names));
	unsigned *arguments = arena_zeroed(&arena, syscalls->clause_count + 1, sizeof(*arguments));

	if (!names || !arguments)
		abort();
	for (size_t i = 0; i < syscalls->clause_count; i++) {
		names[i] = put_names(&syscalls->clauses[i]);
		arguments[i] = syscalls->clauses[i].argument_count
				       ? put_arguments(&syscalls->clauses[i])
				       : 0;
		if (printed_count == sizeof(printed) / sizeof(printed[0]))
			abort();
		printed[printed_count++] =
			(struct printed){&syscalls->clauses[i], names[i], arguments[i]};
	}
	(void)printf("static const struct syscall_clause clauses_%u[] = {\n", ++serial);
	for (size_t i = 0; i < syscalls->clause_count; i++) {
		const struct syscall_clause *clause = &syscalls->clauses[i];

		(void)printf("\t{.names = names_%u, .name_count = %zu, .action = %d, ", names[i],
			clause->name_count, (int)clause->action);
		if (arguments[i])
			(void)printf(".arguments = (struct syscall_argument *)arguments_%u, "
				     ".argument_count = %zu, ",
				arguments[i], clause->argument_count);
		put_rule("rule", &clause->rule);
		put_number("error", clause->error);
		put_text("group", clause->group);
		put_text("reason", clause->reason);
		(void)printf("},\n");
	}
	(void)printf("};\n");
	return serial;
}

/* ---- a profile ---- */

static void put_limits(const struct limits_section *limits)
{
	(void)printf("\t.limits = {.limits = {\n");
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		(void)printf("\t\t[%zu] = {.value = UINT64_C(%" PRIu64 "), ", i,
			limits->limits[i].value);
		put_rule("rule", &limits->limits[i].rule);
		(void)printf("},\n");
	}
	(void)printf("\t}, ");
	put_rule("cpuset_rule", &limits->cpuset_rule);
	put_text("cpuset", limits->cpuset);
	put_rule("oom_rule", &limits->oom_rule);
	put_rule("nice_rule", &limits->nice_rule);
	(void)printf(
		".oom_score_adjust = %d, .nice = %d},\n", limits->oom_score_adjust, limits->nice);
}

static void put_sections(const struct profile *p)
{
	(void)printf("\t.network = {.kind = %d, .loopback = %d, ", (int)p->network.kind,
		p->network.loopback);
	put_rule("rule", &p->network.rule);
	(void)printf("},\n\t.capabilities = {.keep = UINT64_C(%" PRIu64 "), .ambient = %d, ",
		p->capabilities.keep, p->capabilities.ambient);
	put_rule("rule", &p->capabilities.rule);
	(void)printf(
		"},\n\t.identity = {.kind = %d, .uid = %u, .gid = %u, .pretend_ownership = %d, ",
		(int)p->identity.kind, p->identity.uid, p->identity.gid,
		p->identity.pretend_ownership);
	put_rule("rule", &p->identity.rule);
	(void)printf("},\n\t.terminal = {.kind = %d, ", (int)p->terminal.kind);
	put_rule("rule", &p->terminal.rule);
	(void)printf("},\n\t.selinux = {");
	put_rule("rule", &p->selinux.rule);
	put_text("type", p->selinux.type);
	put_text("level", p->selinux.level);
	(void)printf("},\n\t.landlock = {.enabled = %d, .minimum_abi = %u, .scope_abstract = %d, "
		     ".scope_signal = %d, ",
		p->landlock.enabled, p->landlock.minimum_abi, p->landlock.scope_abstract,
		p->landlock.scope_signal);
	put_rule("rule", &p->landlock.rule);
	put_rule("scope_rule", &p->landlock.scope_rule);
	(void)printf("},\n\t.namespaces = {.ipc = %d, .uts = %d, .cgroup = %d, .pid = %d, .time = "
		     "%d, .nested_user = %d, ",
		p->namespaces.ipc, p->namespaces.uts, p->namespaces.cgroup, p->namespaces.pid,
		p->namespaces.time, p->namespaces.nested_user);
	put_rule("rule", &p->namespaces.rule);
	(void)printf("},\n\t");
	put_rule("hostname_rule", &p->hostname_rule);
	put_text("hostname", p->hostname);
	put_rule("workdir_rule", &p->workdir_rule);
	put_text("workdir", p->workdir);
	put_rule("umask_rule", &p->umask_rule);
	(void)printf(".umask = %u,\n", p->umask);
}

static unsigned put_profile(const struct profile *p)
{
	const struct files_section *files = &p->files;
	unsigned mounts = files->mount_count ? put_mounts(files) : 0;
	unsigned settings = p->environment.setting_count ? put_settings(&p->environment) : 0;
	unsigned clauses = p->syscalls.clause_count ? put_clauses(&p->syscalls) : 0;

	(void)printf("static const struct profile profile_%u = {\n\t", ++serial);
	put_text("name", p->name);
	put_text("description", p->description);
	(void)printf("\n\t.files = {.root = %d, .root_writable = %d, .home = %d, .proc = %d, .sys "
		     "= %d, ",
		(int)files->root, files->root_writable, (int)files->home, (int)files->proc,
		(int)files->sys);
	put_rule("root_rule", &files->root_rule);
	put_rule("home_rule", &files->home_rule);
	put_rule("proc_rule", &files->proc_rule);
	put_rule("sys_rule", &files->sys_rule);
	put_text("root_directory", files->root_directory);
	put_text("home_directory", files->home_directory);
	if (mounts)
		(void)printf(".mounts = (struct mount_rule *)mounts_%u, .mount_count = %zu", mounts,
			files->mount_count);
	(void)printf("},\n\t.devices = {.standard = %d, ", p->devices.standard);
	put_rule("rule", &p->devices.rule);
	(void)printf("},\n");
	put_limits(&p->limits);
	(void)printf("\t.syscalls = {.unconfined = %d, .default_action = %d, .default_error = %u, "
		     ".foreign_i386 = %d, ",
		p->syscalls.unconfined, (int)p->syscalls.default_action, p->syscalls.default_error,
		p->syscalls.foreign_i386);
	put_rule("rule", &p->syscalls.rule);
	if (clauses)
		(void)printf(".clauses = (struct syscall_clause *)clauses_%u, .clause_count = %zu",
			clauses, p->syscalls.clause_count);
	(void)printf("},\n\t.environment = {");
	if (settings)
		(void)printf(".settings = (struct environment_setting *)settings_%u, "
			     ".setting_count = %zu",
			settings, p->environment.setting_count);
	(void)printf("},\n");
	put_sections(p);
	(void)printf("};\n");
	return serial;
}

/* ---- filters ---- */

static void put_filter(const char *field, const struct seccomp_plan *plan, unsigned code)
{
	(void)printf("%s{code_%u, %u, %u}", field, code, plan->length, plan->allowed);
}

/* The number that its instructions are known by. */
static unsigned put_code(const struct seccomp_plan *plan)
{
	(void)printf("static const struct sock_filter code_%u[] = {\n", ++serial);
	for (size_t i = 0; i < plan->length; i++)
		(void)printf("\t{%u, %u, %u, %u},\n", plan->filter[i].code, plan->filter[i].jt,
			plan->filter[i].jf, plan->filter[i].k);
	(void)printf("};\n");
	return serial;
}

static uint32_t architecture_named(const char *name)
{
	if (strcmp(name, "x86_64") == 0)
		return AUDIT_ARCH_X86_64;
	if (strcmp(name, "aarch64") == 0)
		return AUDIT_ARCH_AARCH64;
	(void)fprintf(stderr, "freeze: %s: x86_64 or aarch64 was expected\n", name);
	exit(1);
}

/* Compiled as for a launch. What it would have to tell the user cannot be frozen: the section's own
 * row is all that may be there. */
static void compile_filter(const char *name, uint32_t architecture, const struct profile *profile,
	struct seccomp_plan *ret)
{
	static const struct host host = {.seccomp = true};
	struct receipt receipt = {.arena = &arena};
	struct err err = {0};

	if (seccomp_compile_for(architecture, profile, &host, &arena, &receipt, ret, &err) < 0)
		die(name, &err);
	if (receipt.row_count == 1)
		return;
	(void)fprintf(
		stderr, "freeze: %s: its filter has more to say than a frozen one can\n", name);
	exit(1);
}

/* The group that is the whole of the profile's policy, or NULL: what its last clause comes from, if
 * naming that alone gives the same. */
static const char *find_group(const struct profile *profile, struct profile_library *library)
{
	const struct syscalls_section *policy = &profile->syscalls;
	const char *group =
		policy->clause_count ? policy->clauses[policy->clause_count - 1].group : NULL;
	const struct profile_variables nothing = {.user = NULL};
	struct profile alone, same = *profile;
	struct err err = {0};
	char *text;

	if (!group || asprintf(&text, "{\"version\": 1, \"syscalls\": {\"groups\": [\"%s\"]}}",
			      group) < 0)
		return NULL;
	if (profile_load_text(group, text, strlen(text), &nothing, &arena, library, &alone, &err) <
		0)
		die(group, &err);
	same.syscalls = alone.syscalls;
	return profile_equal(profile, &same) ? group : NULL;
}

/* No variable may stand in what is frozen: it would be this machine's. Nor what this tool does not
 * print. */
static void refuse_what_cannot_be_frozen(const char *name, const struct profile *profile)
{
	if (!profile->devices.device_count && !profile->limits.io_count &&
		!profile->landlock.path_count && !profile->files.home_source)
		return;
	(void)fprintf(stderr,
		"freeze: %s: holds devices, io limits or landlock paths, which this tool does not "
		"freeze\n",
		name);
	exit(1);
}

int main(int argc, char **argv)
{
	struct profile_variables nothing = {.user = NULL};
	struct profile_library library = {0};
	struct profile *profiles = arena_zeroed(&arena, (size_t)argc, sizeof(*profiles));
	struct seccomp_plan *plans = arena_zeroed(&arena, (size_t)argc, sizeof(*plans));
	const char *groups[32];
	unsigned numbers[32], codes[32];
	uint32_t architecture;
	struct err err = {0};

	if (!profiles || !plans || argc < 2 || argc > 32)
		abort();
	argc--;
	argv++;
	architecture = architecture_named(argv[0]);
	/* the first of them, in the place of its name, is the one of PID 1 */
	if (seccomp_compile_init_for(architecture, &arena, &plans[0], &err) < 0)
		die("init", &err);
	for (int i = 1; i < argc; i++) {
		if (profile_load(argv[i], &nothing, &arena, &library, &profiles[i], &err) < 0)
			die(argv[i], &err);
		refuse_what_cannot_be_frozen(argv[i], &profiles[i]);
		compile_filter(argv[i], architecture, &profiles[i], &plans[i]);
		groups[i] = find_group(&profiles[i], &library);
		number_rules(&profiles[i]);
	}
	(void)printf("/* Made by profiles/freeze.c. */\n#include \"profile/frozen.h\"\n#include "
		     "\"util/json.h\"\n\n");
	put_documents();
	for (int i = 1; i < argc; i++)
		numbers[i] = put_profile(&profiles[i]);
	for (int i = 0; i < argc; i++)
		codes[i] = put_code(&plans[i]);
	(void)printf("const struct frozen_profile frozen_profiles[] = {\n");
	for (int i = 1; i < argc; i++) {
		(void)printf("\t{\"%s\", &profile_%u, ", argv[i], numbers[i]);
		put_filter("", &plans[i], codes[i]);
		if (groups[i])
			(void)printf(", \"%s\"},\n", groups[i]);
		else
			(void)printf(", NULL},\n");
	}
	(void)printf("};\nconst size_t frozen_profile_count = %d;\n", argc - 1);
	put_filter("const struct frozen_filter frozen_init_filter = ", &plans[0], codes[0]);
	(void)printf(";\n");
	profile_library_free(&library);
	arena_free(&arena);
	return 0;
}
