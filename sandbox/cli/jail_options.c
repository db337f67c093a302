/*
 * The options of a launch, under the names that podman and docker users know, and what each does to
 * the profile. The parsers of values are those of the profile: an option is one more document that
 * has the last word.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/launch_options.h"
#include "container/compose.h"
#include "profile/grammar.h"
#include "util/arena.h"
#include "util/path.h"
#include "util/text.h"

const struct option launch_options_table[] = {
	{"profile", 'p', "NAME|FILE", "the profile to start from (default: untrusted)",
		OPTION_PROFILE},
	{"volume", 'v', "SRC:DST[:OPTS]",
		"bind SRC on DST (rw, ro, noexec); SRC alone: read-only at the same place",
		OPTION_VOLUME},
	LAUNCH_FILE_OPTIONS,
	{"rootfs", 0, "DIR", "DIR as the root, read-only (DIR:rw: writable)", OPTION_ROOTFS},
	LAUNCH_PROGRAM_OPTIONS,
	{"user", 'u', "UID[:GID]", "the ids in the jail", OPTION_USER},
	LAUNCH_LIMIT_OPTIONS,
	{"interactive", 'i', NULL, "accepted for habit: standard input is always connected",
		OPTION_INTERACTIVE},
	{"tty", 't', NULL, "always a pty", OPTION_TTY},
	LAUNCH_REPORT_OPTIONS,
	{NULL, 0, NULL, NULL, 0},
};

struct context {
	const struct profile_variables *variables;
	struct arena *arena;
	struct profile *profile;
	struct err *err;
	char flag[64]; /* "--memory", for messages */
	struct origin origin;
};

static int bad(const struct context *c, const char *value, const char *expected)
{
	char shown[128];

	return err_set(c->err, -EINVAL, c->flag, "\"%s\": expected %s",
		text_escape(value, strlen(value), shown, sizeof(shown)), expected);
}

static struct rule rule_here(const struct context *c)
{
	return (struct rule){.origin = c->origin, .enforce = ENFORCE_REQUIRED, .set = true};
}

/* ---- paths ---- */

static const char *host_path_of(const struct context *c, const char *text)
{
	return surroundings_path(c->arena, c->variables, text);
}

/* A later mount hides what an earlier rule put below it, as mounts do; but no deny is lifted on the
 * way. */
static int set_mount(const struct context *c, const struct mount_rule *rule)
{
	struct files_section *files = &c->profile->files;
	size_t kept = 0;

	for (size_t i = 0; i < files->mount_count; i++) {
		const struct mount_rule *other = &files->mounts[i];
		bool hidden = path_is_beneath(other->target, rule->target) &&
			      strcmp(other->target, rule->target) != 0;

		if (!hidden || other->kind == MOUNT_DENY)
			files->mounts[kept++] = *other;
	}
	files->mount_count = kept;
	files->index = NULL; /* it is made anew by the next rule */
	return profile_set_mount(c->profile, c->arena, rule, c->err);
}

/* What is so anyway, or was for another system's sake. */
static bool is_of_every_bind(const char *word)
{
	static const char *const words[] = {"nosuid", "nodev", "rprivate", "private", "rbind",
		"cached", "delegated", "consistent"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static int read_bind_options(const struct context *c, const char *options, struct mount_rule *rule)
{
	char *copy = arena_copy(c->arena, options);

	for (char *rest = copy, *word; copy && (word = strsep(&rest, ","));) {
		if (strcmp(word, "ro") == 0)
			rule->writable = false;
		else if (strcmp(word, "rw") == 0)
			rule->writable = true;
		else if (strcmp(word, "noexec") == 0)
			rule->no_exec = true;
		else if (strcmp(word, "exec") == 0)
			rule->no_exec = false;
		else if (strcmp(word, "z") == 0)
			rule->relabel = RELABEL_SHARED;
		else if (strcmp(word, "Z") == 0)
			rule->relabel = RELABEL_PRIVATE;
		else if (!is_of_every_bind(word))
			return bad(c, word, "ro, rw, exec, noexec, z or Z");
	}
	return copy ? 0 : -ENOMEM;
}

static int apply_volume(struct context *c, const char *value)
{
	struct mount_rule rule = {.rule = rule_here(c),
		.kind = MOUNT_BIND,
		.writable = true,
		.reason = "given on the command line"};
	const char *first = strchr(value, ':');
	const char *second = first ? strchr(first + 1, ':') : NULL;
	const char *source =
		first ? arena_copy_range(c->arena, value, (size_t)(first - value)) : value;
	int r = 0;

	rule.source = source ? host_path_of(c, source) : NULL;
	if (!rule.source)
		return bad(c, value, "SRC:DST[:OPTIONS], with a path of the host that exists");
	if (!first) {
		rule.writable = false;
		rule.target = rule.source;
	} else {
		const char *target = arena_copy_range(c->arena, first + 1,
			second ? (size_t)(second - first - 1) : strlen(first + 1));

		rule.target = target && target[0] == '/' ? path_canonical(c->arena, target) : NULL;
		if (!rule.target)
			return bad(c, value, "an absolute path without .. after the colon");
	}
	if (second)
		r = read_bind_options(c, second + 1, &rule);
	return r < 0 ? r : set_mount(c, &rule);
}

static int read_tmpfs_option(const struct context *c, char *word, struct mount_rule *rule)
{
	char *value = strchr(word, '=');
	char *end;

	if (value)
		*value++ = '\0';
	if (value && (strcmp(word, "size") == 0 || strcmp(word, "tmpfs-size") == 0))
		return text_parse_size(value, &rule->size) < 0 || rule->size < 4096
			       ? bad(c, value, "a size such as 64M, at least 4096 bytes")
			       : 0;
	if (value && strcmp(word, "nr_inodes") == 0)
		return text_parse_u64(value, UINT32_MAX, &rule->inodes) < 0 || !rule->inodes
			       ? bad(c, value, "a count above 0")
			       : 0;
	if (value && (strcmp(word, "mode") == 0 || strcmp(word, "tmpfs-mode") == 0)) {
		unsigned long mode = strtoul(value, &end, 8);

		rule->mode = (mode_t)mode;
		return *end || !*value || mode > 01777 ? bad(c, value, "an octal mode up to 1777")
						       : 0;
	}
	if (!value && strcmp(word, "exec") == 0) {
		rule->no_exec = false;
		return 0;
	}
	if (!value && (strcmp(word, "noexec") == 0 || strcmp(word, "rw") == 0 ||
			      strcmp(word, "nosuid") == 0 || strcmp(word, "nodev") == 0 ||
			      strcmp(word, "notmpcopyup") == 0)) /* which it is anyway */
		return 0;
	return bad(c, word, "size=, mode=, nr_inodes=, exec or noexec");
}

static int apply_tmpfs(struct context *c, const char *value)
{
	struct mount_rule rule = {.rule = rule_here(c),
		.kind = MOUNT_TMPFS,
		.no_exec = true,
		.mode = 01777,
		.reason = "given on the command line"};
	const char *colon = strchr(value, ':');
	const char *target =
		arena_copy_range(c->arena, value, colon ? (size_t)(colon - value) : strlen(value));
	char *copy = colon ? arena_copy(c->arena, colon + 1) : NULL;

	rule.target = target && target[0] == '/' ? path_canonical(c->arena, target) : NULL;
	if (!rule.target)
		return bad(c, value, "an absolute path without ..");
	for (char *rest = copy, *word; copy && (word = strsep(&rest, ","));) {
		int r = read_tmpfs_option(c, word, &rule);

		if (r < 0)
			return r;
	}
	return set_mount(c, &rule);
}

/* One key of --mount: what it sets, as text, for the two forms above to read. */
struct mount_words {
	const char *type, *source, *target;
	char options[256];
};

/* The short form's word for one of the long form. */
static const char *short_word(const char *word)
{
	static const char *const words[][2] = {{"readonly", "ro"}, {"readonly=true", "ro"},
		{"readonly=false", "rw"}, {"ro=true", "ro"}, {"ro=false", "rw"},
		{"relabel=shared", "z"}, {"relabel=private", "Z"},
		{"bind-propagation=rprivate", "rprivate"}, {"bind-propagation=private", "private"},
		{"consistency=cached", "cached"}, {"consistency=delegated", "delegated"},
		{"consistency=consistent", "consistent"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i][0]) == 0)
			return words[i][1];
	return word;
}

static int read_mount_word(const struct context *c, char *word, struct mount_words *words)
{
	char *value = strchr(word, '=');
	size_t used = strlen(words->options);

	if (value && strncmp(word, "type=", 5) == 0)
		words->type = value + 1;
	else if (value && (strncmp(word, "source=", 7) == 0 || strncmp(word, "src=", 4) == 0))
		words->source = value + 1;
	else if (value &&
		 (strncmp(word, "destination=", 12) == 0 || strncmp(word, "dst=", 4) == 0 ||
			 strncmp(word, "target=", 7) == 0))
		words->target = value + 1;
	else if (used + strlen(word) + 2 > sizeof(words->options))
		return bad(c, word, "fewer options");
	else
		(void)snprintf(words->options + used, sizeof(words->options) - used, "%s%s",
			used ? "," : "", short_word(word));
	return 0;
}

static int apply_mount(struct context *c, const char *value)
{
	struct mount_words words = {.type = "bind"};
	char *copy = arena_copy(c->arena, value);
	const char *form = NULL;

	for (char *rest = copy, *word; copy && (word = strsep(&rest, ","));) {
		int r = read_mount_word(c, word, &words);

		if (r < 0)
			return r;
	}
	if (!words.target || (strcmp(words.type, "bind") == 0) != (words.source != NULL))
		return bad(c, value, "type=bind,src=…,dst=… or type=tmpfs,dst=…");
	if (strchr(words.target, ':') || (words.source && strchr(words.source, ':')))
		return bad(c, value, "paths without a colon");
	if (words.source)
		form = arena_format(c->arena, "%s:%s%s%s", words.source, words.target,
			words.options[0] ? ":" : "", words.options);
	else if (strcmp(words.type, "tmpfs") == 0)
		form = arena_format(c->arena, "%s%s%s", words.target, words.options[0] ? ":" : "",
			words.options);
	else
		return bad(c, words.type, "bind or tmpfs");
	if (!form)
		return err_no_memory(c->err);
	return words.source ? apply_volume(c, form) : apply_tmpfs(c, form);
}

static int apply_deny(struct context *c, const char *value)
{
	struct mount_rule rule = {
		.rule = rule_here(c), .kind = MOUNT_DENY, .target = host_path_of(c, value)};

	return rule.target ? profile_set_mount(c->profile, c->arena, &rule, c->err)
			   : bad(c, value, "a path");
}

static int apply_rootfs(struct context *c, const char *value)
{
	struct files_section *files = &c->profile->files;
	size_t length = strlen(value);
	bool writable = length > 3 && strcmp(value + length - 3, ":rw") == 0;
	const char *path = arena_copy_range(c->arena, value, writable ? length - 3 : length);

	files->root_directory = path ? host_path_of(c, path) : NULL;
	if (!files->root_directory)
		return bad(c, value, "a directory of the host");
	files->root = ROOT_DIRECTORY;
	files->root_writable = writable;
	files->root_rule = rule_here(c);
	compose_forget_system(files);
	return 0;
}

/* "/dev/NODE[:/dev/NODE][:r|w|m…]": the second path is the first, as people write it for docker. */
static int apply_device(struct context *c, const char *value)
{
	struct devices_section *devices = &c->profile->devices;
	char *rest = arena_copy(c->arena, value), *path = strsep(&rest, ":");
	const char *access = strsep(&rest, ":");
	struct device_rule *device;

	if (path && access && access[0] == '/' && strcmp(access, path) == 0)
		access = strsep(&rest, ":");
	path = path ? path_canonical(c->arena, path) : NULL;
	if (!path || !path_is_beneath(path, "/dev") || rest ||
		(access && (!access[0] || strspn(access, "rwm") != strlen(access))))
		return bad(
			c, value, "a path below /dev, and :r or :rw; it has no other name inside");
	device = ARENA_APPEND(c->arena, devices->devices, devices->device_count);
	if (!device)
		return err_no_memory(c->err);
	*device = (struct device_rule){
		.rule = rule_here(c), .path = path, .writable = !access || strchr(access, 'w')};
	return 0;
}

/* ---- the rest ---- */

static int apply_environment(struct context *c, const char *value)
{
	struct environment_setting setting = {.rule = rule_here(c)};
	const char *equals = strchr(value, '=');

	setting.name = arena_copy_range(
		c->arena, value, equals ? (size_t)(equals - value) : strlen(value));
	setting.value = equals ? equals + 1 : NULL;
	return profile_set_environment(c->profile, c->arena, &setting, c->err);
}

static int apply_directory(struct context *c, const char *value)
{
	c->profile->workdir = value[0] == '/' ? path_canonical(c->arena, value) : NULL;
	c->profile->workdir_rule = rule_here(c);
	return c->profile->workdir ? 0 : bad(c, value, "an absolute path without ..");
}

static int apply_user(struct context *c, const char *value)
{
	const char *colon = strchr(value, ':');
	const char *first =
		arena_copy_range(c->arena, value, colon ? (size_t)(colon - value) : strlen(value));
	uint64_t uid, gid;

	if (!first || text_parse_u64(first, INT32_MAX, &uid) < 0 ||
		text_parse_u64(colon ? colon + 1 : first, INT32_MAX, &gid) < 0)
		return bad(c, value, "UID or UID:GID, as numbers up to 2147483647");
	c->profile->identity.uid = (uid_t)uid;
	c->profile->identity.gid = (gid_t)gid;
	c->profile->identity.rule = rule_here(c);
	return 0;
}

static int apply_hostname(struct context *c, const char *value)
{
	if (!text_is_hostname(value))
		return bad(c, value, "a host name of at most 64 characters");
	c->profile->hostname = value;
	c->profile->hostname_rule = rule_here(c);
	return 0;
}

/* The host's network is of little use without its names: what resolves them comes along, where it
 * is there. */
static int show_names(struct context *c)
{
	static const char *const files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"};
	int r = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && r == 0; i++) {
		struct mount_rule rule = {.rule = rule_here(c),
			.kind = MOUNT_BIND,
			.source = files[i],
			.target = files[i],
			.no_exec = true};

		rule.rule.enforce = ENFORCE_BEST_EFFORT;
		r = profile_set_mount(c->profile, c->arena, &rule, c->err);
	}
	return r;
}

static int apply_network(struct context *c, const char *value)
{
	struct files_section *files = &c->profile->files;
	bool host = strcmp(value, "host") == 0;

	if (!host && strcmp(value, "none") != 0)
		return bad(c, value, "none or host");
	c->profile->network.kind = host ? NETWORK_HOST : NETWORK_NONE;
	c->profile->network.rule = rule_here(c);
	/* sysfs shows a network namespace, and the kernel lets us mount that of our own only */
	if (host && files->sys != SYS_NONE) {
		files->sys = SYS_NONE;
		files->sys_rule = rule_here(c);
	}
	return host && files->root == ROOT_EMPTY ? show_names(c) : 0;
}

static int set_limit(struct context *c, enum limit_kind kind, const char *value)
{
	struct limit_rule *limit = &c->profile->limits.limits[kind];
	struct err said = {0};
	int r = limit_parse(kind, value, &limit->value, &said);

	if (r < 0) { /* it names the key of the profile; here the flag was written */
		err_set(c->err, r, c->flag, "%s", said.message);
		err_hint(c->err, "%s", said.hint);
		return r;
	}
	limit->rule = rule_here(c);
	return 0;
}

/* docker counts memory and swap together; the kernel counts swap alone. */
static int apply_swap(struct context *c, const char *value)
{
	struct limit_rule *memory = &c->profile->limits.limits[LIMIT_MEMORY],
			  *swap = &c->profile->limits.limits[LIMIT_SWAP];
	int r;

	if (strcmp(value, "-1") == 0)
		return set_limit(c, LIMIT_SWAP, "unlimited");
	r = set_limit(c, LIMIT_SWAP, value);
	if (r < 0 || swap->value == LIMIT_UNLIMITED)
		return r;
	if (!memory->rule.set || swap->value < memory->value)
		return bad(c, value, "--memory beside it, and at least as much");
	swap->value -= memory->value;
	return 0;
}

static int set_both(struct context *c, enum limit_kind kind, const char *soft, const char *hard)
{
	const struct limit_rule *limit = &c->profile->limits.limits[kind];
	int r = hard ? set_limit(c, kind, hard) : 0;
	uint64_t most = hard ? limit->value : LIMIT_UNLIMITED;

	r = r < 0 ? r : set_limit(c, kind, soft);
	return r == 0 && limit->value > most ? bad(c, soft, "no more than the hard limit") : r;
}

static int apply_ulimit(struct context *c, const char *value)
{
	static const struct {
		const char *name;
		enum limit_kind kind;
	} names[] = {
		{"nofile", LIMIT_OPEN_FILES},
		{"fsize", LIMIT_FILE_SIZE},
		{"cpu", LIMIT_CPU_TIME},
		{"core", LIMIT_CORE},
		{"stack", LIMIT_STACK},
		{"as", LIMIT_ADDRESS_SPACE},
		{"memlock", LIMIT_LOCKED_MEMORY},
		{"sigpending", LIMIT_PENDING_SIGNALS},
		{"msgqueue", LIMIT_MESSAGE_QUEUES},
		{"nproc", LIMIT_PIDS},
	};
	char *copy = arena_copy(c->arena, value), *hard = copy;
	const char *name = strsep(&hard, "="), *soft = strsep(&hard, ":");

	/* "SOFT:HARD", as docker writes it: the soft one is both here, since a hard one above it
	 * would be no limit */
	for (size_t i = 0; soft && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0)
			return set_both(c, names[i].kind, soft, hard);
	return bad(c, value,
		"NAME=N with a name of a limit (nofile, fsize, cpu, core, stack, as, memlock, "
		"sigpending, msgqueue, nproc)");
}

static int apply_capability(struct context *c, const char *value, bool add)
{
	struct capabilities_section *capabilities = &c->profile->capabilities;
	bool all = strcasecmp(value, "all") == 0;
	int bit = all ? 0 : grammar_capability(value);
	uint64_t mask = all ? (UINT64_C(2) << CAP_LAST_CAP) - 1 : UINT64_C(1) << (bit & 63);

	if (bit < 0 || bit > 63)
		return bad(c, value, "the name of a capability, such as NET_BIND_SERVICE");
	capabilities->keep = add ? capabilities->keep | mask : capabilities->keep & ~mask;
	/* a program that is not uid 0 in the jail has no other way to keep one over exec */
	capabilities->ambient = capabilities->keep && c->profile->identity.uid != 0;
	capabilities->rule = rule_here(c);
	return 0;
}

/* "CAP[,CAP…]" */
static int apply_capabilities(struct context *c, const char *value, bool add)
{
	char *rest = arena_copy(c->arena, value), *word;
	int r = rest ? 0 : err_no_memory(c->err);

	while (r == 0 && (word = strsep(&rest, ",")))
		r = apply_capability(c, word, add);
	return r;
}

/* Walls that the profile makes: an option that took one away would be a profile nobody sees. */
static bool is_of_the_profile(const char *value)
{
	static const char *const keys[] = {
		"seccomp=", "apparmor=", "mask=", "unmask=", "proc-opts="};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (text_starts_with(value, keys[i]))
			return true;
	return false;
}

static int apply_security(struct context *c, const char *value)
{
	struct selinux_section *selinux = &c->profile->selinux;

	if (is_of_the_profile(value)) {
		err_set(c->err, -EPERM, c->flag, "\"%s\" is the profile's to say", value);
		err_hint(c->err, "--profile FILE, with \"extends\": see immure-profile(5)");
		return -EPERM;
	}

	if (strcmp(value, "no-new-privileges") == 0 ||
		strcmp(value, "no-new-privileges:true") == 0 ||
		strcmp(value, "no-new-privileges=true") == 0)
		return 0; /* always so */
	if (strcmp(value, "label=disable") == 0) {
		*selinux = (struct selinux_section){0};
		return 0;
	}
	if (strncmp(value, "label=type:", 11) == 0 && value[11])
		selinux->type = value + 11;
	else if (strncmp(value, "label=level:", 12) == 0 && value[12])
		selinux->level = value + 12;
	else
		return bad(c, value, "label=type:T, label=level:L or label=disable");
	selinux->rule = rule_here(c);
	return 0;
}

static int apply_option(struct context *c, const struct given_option *given)
{
	const char *value = given->value;

	switch (given->option->identifier) {
	case OPTION_VOLUME: return apply_volume(c, value);
	case OPTION_MOUNT: return apply_mount(c, value);
	case OPTION_TMPFS: return apply_tmpfs(c, value);
	case OPTION_DENY: return apply_deny(c, value);
	case OPTION_ROOTFS: return apply_rootfs(c, value);
	case OPTION_DEVICE: return apply_device(c, value);
	case OPTION_ENVIRONMENT: return apply_environment(c, value);
	case OPTION_DIRECTORY: return apply_directory(c, value);
	case OPTION_USER: return apply_user(c, value);
	case OPTION_HOSTNAME: return apply_hostname(c, value);
	case OPTION_NETWORK: return apply_network(c, value);
	case OPTION_MEMORY: return set_limit(c, LIMIT_MEMORY, value);
	case OPTION_SWAP: return apply_swap(c, value);
	case OPTION_CPUS: return set_limit(c, LIMIT_CPU, value);
	case OPTION_PIDS:
		return set_limit(c, LIMIT_PIDS, strcmp(value, "-1") == 0 ? "unlimited" : value);
	case OPTION_ULIMIT: return apply_ulimit(c, value);
	case OPTION_TIMEOUT: return set_limit(c, LIMIT_WALL_TIME, value);
	case OPTION_CAP_ADD: return apply_capabilities(c, value, true);
	case OPTION_CAP_DROP: return apply_capabilities(c, value, false);
	case OPTION_SECURITY: return apply_security(c, value);
	case OPTION_TTY:
		c->profile->terminal = (struct terminal_section){rule_here(c), TERMINAL_PTY};
		return 0;
	default: return 0; /* about the launch, not the profile: launch_options_read() */
	}
}

int launch_options_apply(const struct given_option *given, size_t count,
	const struct profile_variables *variables, struct arena *arena, struct profile *profile,
	struct err *reterr)
{
	/* twice: --memory-swap is less --memory, wherever that stands */
	for (size_t i = 0; i < 2 * count; i++) {
		struct context c = {variables, arena, profile, reterr, "", {NULL, NULL}};
		const struct given_option *one = &given[i < count ? i : i - count];
		int r;

		if ((one->option->identifier == OPTION_SWAP) != (i >= count))
			continue;
		(void)snprintf(c.flag, sizeof(c.flag), "--%s", one->option->name);
		c.origin.pointer = arena_copy(arena, c.flag);
		if (!c.origin.pointer)
			return err_no_memory(reterr);
		r = apply_option(&c, one);
		if (r == 0)
			continue;
		err_set(reterr, r, c.flag, "%s",
			strerror(-r)); /* where the option has not said more */
		if (!reterr->where[0])
			(void)snprintf(reterr->where, sizeof(reterr->where), "%s", c.flag);
		return r;
	}
	return 0;
}

/* ---- about the launch itself ---- */

static int compare_numbers(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int preserve(struct launch_options *options, uint64_t fd, struct err *reterr)
{
	if (options->preserved_count == sizeof(options->preserved) / sizeof(options->preserved[0]))
		return err_set(reterr, -E2BIG, "--preserve-fd", "too many descriptors");
	if (fd < 3 || fcntl((int)fd, F_GETFD) < 0)
		return err_set(reterr, -EBADF, "--preserve-fd",
			"%llu is not an open descriptor above 2", (unsigned long long)fd);
	for (size_t i = 0; i < options->preserved_count; i++)
		if (options->preserved[i] == (int)fd)
			return err_set(reterr, -EINVAL, "--preserve-fd", "%llu is named twice",
				(unsigned long long)fd);
	options->preserved[options->preserved_count++] = (int)fd;
	qsort(options->preserved, options->preserved_count, sizeof(options->preserved[0]),
		compare_numbers);
	return 0;
}

static int preserve_list(struct launch_options *options, const char *list, struct err *reterr)
{
	char copy[512], *rest = copy;
	uint64_t fd;

	if (strlen(list) >= sizeof(copy))
		return err_set(reterr, -E2BIG, "--preserve-fd", "too many descriptors");
	(void)stpcpy(copy, list);
	for (char *word; (word = strsep(&rest, ","));) {
		int r = text_parse_u64(word, INT_MAX, &fd);

		if (r < 0)
			return err_set(reterr, -EINVAL, "--preserve-fd",
				"expected numbers of descriptors, joined by commas");
		r = preserve(options, fd, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

static int preserve_range(struct launch_options *options, const char *value, struct err *reterr)
{
	uint64_t count;
	int r = text_parse_u64(value, 61, &count);

	if (r < 0)
		return err_set(reterr, -EINVAL, "--preserve-fds", "expected how many, up to 61");
	for (uint64_t fd = 3; fd < 3 + count && r == 0; fd++)
		r = preserve(options, fd, reterr);
	return r;
}

int launch_options_read(const struct given_option *given, size_t count, struct launch_options *ret,
	struct err *reterr)
{
	int r = 0;

	*ret = (struct launch_options){.profile = "untrusted"};
	for (size_t i = 0; i < count && r == 0; i++) {
		const char *value = given[i].value;

		switch (given[i].option->identifier) {
		case OPTION_PROFILE:
			ret->profile = value;
			ret->profile_is_set = true;
			if (!value[0])
				r = err_set(reterr, -EINVAL, "--profile",
					"expected the name or the file of a profile");
			break;
		case OPTION_RECEIPT: ret->receipt = value; break;
		case OPTION_RESULT: ret->result = value; break;
		case OPTION_DRY_RUN: ret->dry_run = true; break;
		case OPTION_FORMAT:
			ret->json = strcmp(value, "json") == 0;
			if (!ret->json && strcmp(value, "text") != 0)
				r = err_set(reterr, -EINVAL, "--format", "expected text or json");
			break;
		case OPTION_PRESERVE_FD: r = preserve_list(ret, value, reterr); break;
		case OPTION_PRESERVE_FDS: r = preserve_range(ret, value, reterr); break;
		default: break; /* about the profile */
		}
	}
	return r;
}
