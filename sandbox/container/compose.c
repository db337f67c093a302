/* Images composed with profiles: see compose.h. */
#include "container/compose.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "profile/load.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/path.h"
#include "util/text.h"

#define PASSWD_BYTES ((size_t)4 * 1024 * 1024)

static const struct rule by_image = {
	.origin = {NULL, "the image"}, .enforce = ENFORCE_REQUIRED, .set = true};

void compose_forget_system(struct files_section *files)
{
	size_t kept = 0;

	for (size_t i = 0; i < files->mount_count; i++) {
		struct mount_rule rule = files->mounts[i];
		/* else it was given on the command line */
		bool inherited = rule.rule.origin.document != NULL;

		if (inherited && rule.kind != MOUNT_DENY && rule.kind != MOUNT_TMPFS)
			continue;
		/* another system may have no such directory */
		if (inherited && rule.kind == MOUNT_TMPFS)
			rule.rule.enforce = ENFORCE_BEST_EFFORT;
		files->mounts[kept++] = rule;
	}
	files->mount_count = kept;
	files->index = NULL; /* it is made anew by the next rule */
	if (files->home == HOME_EMPTY)
		files->home = HOME_NONE;
}

/* ---- the command ---- */

static size_t count_words(const char *const *words)
{
	size_t count = 0;

	while (words && words[count])
		count++;
	return count;
}

int compose_command(const struct image_record *record, const char *const *entrypoint,
	const char *const *arguments, struct arena *arena, const char *const **ret,
	struct err *reterr)
{
	const char *const *first = entrypoint ? entrypoint : record->entrypoint;
	/* an entrypoint of the caller's is not meant for the image's own arguments */
	const char *const *second = count_words(arguments) ? arguments
				    : entrypoint           ? NULL
							   : record->command;
	size_t first_count = count_words(first), second_count = count_words(second);
	const char **words = arena_zeroed(arena, first_count + second_count + 1, sizeof(*words));

	if (!words)
		return err_no_memory(reterr);
	for (size_t i = 0; i < first_count + second_count; i++)
		words[i] = i < first_count ? first[i] : second ? second[i - first_count] : NULL;
	if (!words[0] || !words[0][0]) {
		err_set(reterr, -EINVAL, NULL,
			"no command is named, and the image has none of its own");
		err_hint(reterr, "immure run [OPTION…] IMAGE COMMAND [ARGUMENT…]");
		return -EINVAL;
	}
	*ret = words;
	return 0;
}

/* ---- environment and directory ---- */

static const char *find_variable(char *const *environment, const char *name, size_t length)
{
	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

static struct environment_setting *find_setting(
	struct environment_section *section, const char *name)
{
	for (size_t i = 0; i < section->setting_count; i++)
		if (strcmp(section->settings[i].name, name) == 0)
			return &section->settings[i];
	return NULL;
}

/* Not profile_set_environment(): images have names that no profile may have ("npm_config.x"). */
static int set_variable(struct environment_section *section, const char *name, const char *value,
	struct arena *arena, struct err *reterr)
{
	struct environment_setting *place = find_setting(section, name);

	if (!place)
		place = ARENA_APPEND(arena, section->settings, section->setting_count);
	if (!place)
		return err_no_memory(reterr);
	*place = (struct environment_setting){.rule = by_image, .name = name, .value = value};
	return 0;
}

static bool is_of_the_tree(const char *name)
{
	return strcmp(name, "PATH") == 0 || strcmp(name, "HOME") == 0;
}

static int add_variable(const char *variable, char *const *environment, struct arena *arena,
	struct profile *profile, struct err *reterr)
{
	const char *equals = strchr(variable, '=');
	size_t length = equals ? (size_t)(equals - variable) : 0;
	const char *name = arena_copy_range(arena, variable, length);
	const struct environment_setting *asked;

	if (!name)
		return err_no_memory(reterr);
	if (!length) /* the record is checked when it is read; "FOO" would be the caller's FOO */
		return err_set(reterr, -EINVAL, "Env of the image", "expected NAME=VALUE");
	asked = find_setting(&profile->environment, name);
	if (asked && !is_of_the_tree(name) &&
		(asked->value || find_variable(environment, name, length)))
		return 0;
	return set_variable(&profile->environment, name, equals + 1, arena, reterr);
}

int compose_image(const struct image_record *record, char *const *environment, struct arena *arena,
	struct profile *profile, struct err *reterr)
{
	int r = 0;

	for (size_t i = 0; record->environment[i] && r == 0; i++)
		r = add_variable(record->environment[i], environment, arena, profile, reterr);
	profile->workdir = record->workdir;
	profile->workdir_rule = by_image;
	return r;
}

void compose_unset(const char *const *names, struct profile *profile)
{
	struct environment_section *section = &profile->environment;

	for (; names && *names; names++) {
		const struct environment_setting *found = find_setting(section, *names);
		size_t index = found ? (size_t)(found - section->settings) : 0;

		if (!found)
			continue;
		section->setting_count--;
		memmove(&section->settings[index], &section->settings[index + 1],
			(section->setting_count - index) * sizeof(*found));
	}
}

int compose_environment(
	char *const *environment, struct arena *arena, struct profile *profile, struct err *reterr)
{
	int r = 0;

	for (; *environment && r == 0; environment++) {
		size_t length = strcspn(*environment, "=");
		struct environment_setting setting = {.rule = by_image,
			.name = arena_copy_range(arena, *environment, length),
			.value = *environment + length + 1};
		struct err ignored = {0};

		setting.rule.origin.pointer = "--env-host";
		if (!setting.name)
			return err_no_memory(reterr);
		if (!(*environment)[length] || find_setting(&profile->environment, setting.name))
			continue;
		r = profile_set_environment(profile, arena, &setting, &ignored);
		r = r == -ENOMEM ? err_no_memory(reterr) : 0; /* what is no name is nobody's */
	}
	return r;
}

int compose_user(const struct user *user, bool home_is_set, struct arena *arena,
	struct profile *profile, struct err *reterr)
{
	profile->identity.uid = user->uid;
	profile->identity.gid = user->gid;
	profile->identity.groups = user->groups;
	profile->identity.group_count = user->group_count;
	profile->files.home_directory = user->home;
	return home_is_set ? 0
			   : set_variable(&profile->environment, "HOME", user->home, arena, reterr);
}

int compose_directory(struct arena *arena, struct profile *profile, struct err *reterr)
{
	struct mount_rule rule = {.rule = by_image,
		.kind = MOUNT_DIRECTORY,
		.target = profile->workdir,
		.mode = 0755};

	rule.rule.enforce = ENFORCE_BEST_EFFORT; /* where it cannot be made, entering it says so */
	if (!profile->workdir || strcmp(profile->workdir, "/") == 0)
		return 0;
	for (size_t i = 0; i < profile->files.mount_count; i++)
		if (strcmp(profile->files.mounts[i].target, profile->workdir) == 0)
			return 0;
	return profile_set_mount(profile, arena, &rule, reterr);
}

/* ---- the root ---- */

int compose_root(const struct layers *layers, bool read_only, struct profile *profile)
{
	profile->files.root = ROOT_LAYERS;
	profile->files.root_rule = by_image;
	profile->files.root_writable = !read_only;
	profile->files.layers = layers;
	profile->files.root_directory = NULL;
	return 0;
}

int compose_scratch(struct arena *arena, struct profile *profile, struct err *reterr)
{
	static const struct {
		const char *target;
		mode_t mode;
	} places[] = {{"/run", 0755}, {"/tmp", 01777}, {"/var/tmp", 01777}};
	int r = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && r == 0; i++) {
		struct mount_rule rule = {.rule = by_image,
			.kind = MOUNT_TMPFS,
			.target = places[i].target,
			.mode = places[i].mode};

		rule.rule.origin.pointer = "--read-only";
		rule.rule.enforce = ENFORCE_BEST_EFFORT;
		r = profile_set_mount(profile, arena, &rule, reterr);
	}
	return r;
}

/* ---- small files ---- */

/* In memory: the container's own directory needs no file for it, and nothing is left of it. */
static int put_file(const char *target, const char *content, struct arena *arena,
	struct profile *profile, struct err *reterr)
{
	struct mount_rule rule = {.rule = by_image,
		.kind = MOUNT_FILE,
		.target = target,
		.content = content,
		.mode = 0644,
		.writable = profile->files.root_writable};

	if (!content)
		return err_no_memory(reterr);
	for (size_t i = 0; i < profile->files.mount_count; i++)
		if (path_is_beneath(target, profile->files.mounts[i].target))
			return 0; /* the caller has put something of his own there */
	return profile_set_mount(profile, arena, &rule, reterr);
}

int compose_passwd(const struct merged *merged, const struct user *user, const char *name,
	struct arena *arena, struct profile *profile, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = merged_read(merged, "/etc/passwd", PASSWD_BYTES, &text, &length);

	if (user->name || !name || !name[0] || text_has_control(name) || strchr(name, ':') ||
		(r < 0 && r != -ENOENT && r != -ENOTDIR))
		return 0;
	return put_file("/etc/passwd",
		arena_format(arena, "%s%s%s:*:%u:%u::%s:/bin/sh\n", text ? text : "",
			text && length && text[length - 1] != '\n' ? "\n" : "", name, user->uid,
			user->gid, user->home),
		arena, profile, reterr);
}

int compose_single_id(const struct merged *merged, struct arena *arena, struct profile *profile,
	struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = merged_read(merged, "/usr/bin/apt-get", 0, &text, &length);

	if (r < 0 && r != -EFBIG)
		return 0; /* no apt in there */
	return put_file("/etc/apt/apt.conf.d/00single-id", "APT::Sandbox::User \"root\";\n", arena,
		profile, reterr);
}

/* "NAME:ADDRESS" to a line of hosts(5). The address is checked: what is no address would be one
 * more name. */
static const char *host_line(const char *text, struct arena *arena, struct err *reterr)
{
	const char *colon = strchr(text, ':');
	const char *name = colon ? arena_copy_range(arena, text, (size_t)(colon - text)) : NULL;
	unsigned char address[16];
	char shown[128];

	if (!name || !text_is_hostname(name) ||
		(inet_pton(AF_INET, colon + 1, address) != 1 &&
			inet_pton(AF_INET6, colon + 1, address) != 1)) {
		(void)err_set(reterr, -EINVAL, "--add-host", "\"%s\": expected NAME:ADDRESS",
			text_escape(text, strlen(text), shown, sizeof(shown)));
		return NULL;
	}
	return arena_format(arena, "%s\t%s\n", colon + 1, name);
}

static int compose_hosts(const char *const *hosts, const char *hostname, bool host_network,
	struct arena *arena, const char **ret, struct err *reterr)
{
	_cleanup_free_ char *outside = NULL;
	const char *text;
	size_t length;

	if (host_network &&
		file_read(AT_FDCWD, "/etc/hosts", (size_t)1 << 20, &outside, &length) == 0)
		text = arena_format(
			arena, "%s%s", outside, length && outside[length - 1] != '\n' ? "\n" : "");
	else
		text = arena_format(arena,
			"127.0.0.1\tlocalhost %s\n::1\tlocalhost ip6-localhost ip6-loopback\n",
			hostname);
	for (; text && hosts && *hosts; hosts++) {
		const char *line = host_line(*hosts, arena, reterr);

		if (!line)
			return reterr->code ? reterr->code : err_no_memory(reterr);
		text = arena_join(arena, text, line);
	}
	*ret = text;
	return text ? 0 : err_no_memory(reterr);
}

/* ---- the resolver ---- */

/* What is given instead of lines of the host's resolv.conf(5). */
struct resolver_words {
	const char *flag, *key, *other; /* other: a second key of the same meaning, or NULL */
	const char *const *values;
	bool (*is_good)(const char *value);
	const char *expected;
	bool one_line;
};

static bool is_address(const char *text)
{
	unsigned char address[16];

	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool is_domain(const char *text)
{
	return strcmp(text, ".") == 0 || text_is_hostname(text);
}

static bool is_word(const char *text)
{
	return text[0] && !text_has_control(text) && !strpbrk(text, " #;");
}

static bool is_replaced(const char *line, const struct resolver_words *words, size_t count)
{
	size_t length = strcspn(line, " \t\n");

	for (size_t i = 0; i < count; i++)
		if (words[i].values &&
			((strlen(words[i].key) == length &&
				 strncmp(words[i].key, line, length) == 0) ||
				(words[i].other && strlen(words[i].other) == length &&
					strncmp(words[i].other, line, length) == 0)))
			return true;
	return false;
}

static const char *add_given(const char *text, const struct resolver_words *words,
	struct arena *arena, struct err *reterr)
{
	char shown[128];

	for (const char *const *value = words->values; text && value && *value; value++) {
		bool first = value == words->values || !words->one_line;

		if (!words->is_good(*value)) {
			(void)err_set(reterr, -EINVAL, words->flag, "\"%s\": expected %s",
				text_escape(*value, strlen(*value), shown, sizeof(shown)),
				words->expected);
			return NULL;
		}
		text = arena_format(arena, "%s%s %s%s", text, first ? words->key : "", *value,
			words->one_line && value[1] ? "" : "\n");
	}
	return text;
}

/* *ret stays NULL where the image's own stays. */
static int compose_resolver(const struct names_options *options, bool host_network,
	struct arena *arena, const char **ret, struct err *reterr)
{
	const struct resolver_words words[] = {
		{"--dns", "nameserver", NULL, (const char *const *)options->servers, is_address,
			"an address", false},
		{"--dns-search", "search", "domain", (const char *const *)options->domains,
			is_domain, "a domain, or .", true},
		{"--dns-option", "options", NULL, (const char *const *)options->options, is_word,
			"a word of resolv.conf(5)", true},
	};
	size_t count = sizeof(words) / sizeof(words[0]), length;
	_cleanup_free_ char *outside = NULL;
	const char *text = "";
	bool given = options->servers || options->domains || options->options;

	if (host_network &&
		file_read(AT_FDCWD, "/etc/resolv.conf", (size_t)1 << 20, &outside, &length) < 0)
		outside = NULL;
	if (!outside && !given)
		return 0;
	for (char *rest = outside, *line; text && (line = strsep(&rest, "\n"));)
		if (line[0] && !is_replaced(line, words, count))
			text = arena_format(arena, "%s%s\n", text, line);
	for (size_t i = 0; i < count && text; i++)
		text = add_given(text, &words[i], arena, reterr);
	*ret = text;
	return text ? 0 : reterr->code ? reterr->code : err_no_memory(reterr);
}

int compose_names(const char *id, const struct names_options *options, struct arena *arena,
	struct profile *profile, struct err *reterr)
{
	bool host_network = profile->network.kind == NETWORK_HOST;
	bool given = profile->hostname_rule.set && !profile->hostname_rule.origin.document;
	const char *hosts = NULL, *resolver = NULL;
	int r;

	if (!given) {
		profile->hostname = arena_copy_range(arena, id, 12);
		profile->hostname_rule = by_image;
	}
	if (!profile->hostname)
		return err_no_memory(reterr);
	r = compose_hosts((const char *const *)options->hosts, profile->hostname, host_network,
		arena, &hosts, reterr);
	if (r == 0)
		r = compose_resolver(options, host_network, arena, &resolver, reterr);
	if (r == 0 && !options->no_hosts)
		r = put_file("/etc/hosts", hosts, arena, profile, reterr);
	if (r == 0)
		r = put_file("/etc/hostname", arena_join(arena, profile->hostname, "\n"), arena,
			profile, reterr);
	return r == 0 && resolver ? put_file("/etc/resolv.conf", resolver, arena, profile, reterr)
				  : r;
}
