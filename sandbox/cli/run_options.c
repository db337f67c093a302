/* The options of `run`: see run_options.h. */
#include "cli/run_options.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/run_habits.h"
#include "container/names.h"
#include "profile/grammar.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/json.h"
#include "util/number.h"
#include "util/path.h"
#include "util/text.h"

enum run_option {
	OPTION_REMOVE = LAUNCH_OPTION_COUNT,
	OPTION_NAME,
	OPTION_ENV_FILE,
	OPTION_ENTRYPOINT,
	OPTION_READ_ONLY,
	OPTION_INIT,
	OPTION_ADD_HOST,
	OPTION_GROUP_ADD,
	OPTION_NO_HOSTS,
	OPTION_DNS,
	OPTION_DNS_SEARCH,
	OPTION_DNS_OPTION,
	OPTION_ENV_HOST,
	OPTION_UNSET,
	OPTION_PROXY,
	OPTION_TIME_ZONE,
	OPTION_UMASK,
	OPTION_USERNS,
	OPTION_TMPFS_TOO,
	OPTION_REPLACE,
	OPTION_STOP_SIGNAL,
	OPTION_PULL,
	OPTION_AUTHFILE,
	OPTION_TLS,
	OPTION_ARCH,
	OPTION_OS,
	OPTION_VARIANT,
	OPTION_PLATFORM,
	OPTION_LABEL,
	OPTION_CIDFILE,
	OPTION_SHM_SIZE,
	OPTION_DETACH,
	OPTION_QUIET,
	OPTION_STORAGE,
};

const struct option run_options_table[] = {
	{"interactive", 'i', NULL, "connect standard input (else it is empty)", OPTION_INTERACTIVE},
	{"tty", 't', NULL, "a pty for the program", OPTION_TTY},
	{"rm", 0, NULL, "remove the container when it ends", OPTION_REMOVE},
	{"name", 0, "NAME", "the container's name (else one is made up)", OPTION_NAME},
	{"replace", 0, NULL, "remove the one that has the name", OPTION_REPLACE},
	{"profile", 'p', "NAME|FILE", "the profile that walls it in (default: container)",
		OPTION_PROFILE},
	{"volume", 'v', "[SRC:]DST[:OPTS]",
		"bind the path, or mount the named volume, SRC on DST (ro, noexec); DST alone: a "
		"volume without a name",
		OPTION_VOLUME},
	LAUNCH_FILE_OPTIONS,
	LAUNCH_PROGRAM_OPTIONS,
	{"env-file", 0, "FILE", "NAME=VALUE or NAME, a line each", OPTION_ENV_FILE},
	{"env-host", 0, NULL, "the caller's variables that neither profile nor image set",
		OPTION_ENV_HOST},
	{"unsetenv", 0, "NAME", "take a variable of the image's or profile's away", OPTION_UNSET},
	{"http-proxy", 0, "true|false", "pass the caller's variables of proxies (default: false)",
		OPTION_PROXY},
	{"tz", 0, "ZONE|local", "the time zone, by the host's tables", OPTION_TIME_ZONE},
	{"umask", 0, "MODE", "the file mode mask", OPTION_UMASK},
	{"user", 'u', "USER[:GROUP]", "numbers, or names of the image's own", OPTION_USER},
	{"group-add", 0, "GROUP", "one more group of the program's (with subordinate ids)",
		OPTION_GROUP_ADD},
	{"userns", 0, "host|keep-id", "root and the subordinate ids, or the caller's own id only",
		OPTION_USERNS},
	{"entrypoint", 0, "WORD|[\"WORD\",…]", "instead of the image's (\"\": none)",
		OPTION_ENTRYPOINT},
	{"read-only", 0, NULL, "nothing of the image can be written to", OPTION_READ_ONLY},
	{"read-only-tmpfs", 0, "true|false",
		"with --read-only: empty /run, /tmp and /var/tmp that can be written (default: "
		"true)",
		OPTION_TMPFS_TOO},
	{"stop-signal", 0, "SIGNAL", "what ends it kindly (else the image's, else TERM)",
		OPTION_STOP_SIGNAL},
	{"init", 0, NULL, "accepted for habit: PID 1 always is one that reaps", OPTION_INIT},
	{"add-host", 0, "NAME:ADDRESS", "a line for /etc/hosts", OPTION_ADD_HOST},
	{"no-hosts", 0, NULL, "/etc/hosts of the image, as it is", OPTION_NO_HOSTS},
	{"dns", 0, "ADDRESS", "a server of names, for /etc/resolv.conf", OPTION_DNS},
	{"dns-search", 0, "DOMAIN", "a domain to search names in", OPTION_DNS_SEARCH},
	{"dns-option", 0, "OPTION", "an option of resolv.conf(5)", OPTION_DNS_OPTION},
	{"pull", 0, "always|missing|newer|never", "when to fetch the image (default: missing)",
		OPTION_PULL},
	{"authfile", 0, "FILE", "credentials (else where podman and docker keep them)",
		OPTION_AUTHFILE},
	{"tls-verify", 0, "true|false", "check certificates (default: as registries.conf says)",
		OPTION_TLS},
	{"arch", 0, "ARCH", "of the image that is fetched", OPTION_ARCH},
	{"os", 0, "OS", "the same", OPTION_OS},
	{"variant", 0, "VARIANT", "the same", OPTION_VARIANT},
	{"platform", 0, "OS/ARCH[/VARIANT]", "of the image that is fetched", OPTION_PLATFORM},
	{"label", 'l', "NAME[=VALUE]", "accepted: labels steer nothing", OPTION_LABEL},
	{"cidfile", 0, "FILE", "write the container's id there", OPTION_CIDFILE},
	LAUNCH_LIMIT_OPTIONS,
	{"shm-size", 0, "SIZE", "of /dev/shm", OPTION_SHM_SIZE},
	{"detach", 'd', NULL, "not there yet: a container ends with its launcher", OPTION_DETACH},
	LAUNCH_REPORT_OPTIONS,
	{"quiet", 'q', NULL, "no progress of a pull", OPTION_QUIET},
	{"storage", 0, "DIR", "where images and containers lie", OPTION_STORAGE},
	RUN_HABITS,
	{NULL, 0, NULL, NULL, 0},
};

struct reading {
	struct launching *launching;
	struct run_options *options;
	struct err *err;
	size_t host_count, group_count, unset_count;
	size_t server_count, domain_count, resolver_option_count;
	const char *arch, *os, *variant;
};

static int no_memory(const struct reading *r)
{
	return err_no_memory(r->err);
}

static int bad(const struct reading *r, const char *flag, const char *value, const char *expected)
{
	char shown[128];

	return err_set(r->err, -EINVAL, flag, "\"%s\": expected %s",
		text_escape(value, strlen(value), shown, sizeof(shown)), expected);
}

static const struct option *option_of(int identifier)
{
	const struct option *option = run_options_table;

	while (option->identifier != identifier)
		option++;
	return option;
}

/* ---- volumes ---- */

static int add_volume(struct reading *r, const struct volume_option *volume)
{
	struct volume_option *place = ARENA_APPEND(&r->launching->words,
		*(struct volume_option **)&r->options->volumes, r->options->volume_count);

	if (!place)
		return no_memory(r);
	*place = *volume;
	return 0;
}

static bool is_one_of(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

static int read_volume_word(struct reading *r, char *word, struct volume_option *volume)
{
	static const char *const read_only[] = {
		"ro", "readonly", "ro=true", "readonly=true", "rw=false", NULL};
	/* which a volume is anyway */
	static const char *const usual[] = {"rw", "exec", "nosuid", "nodev", "z", "copy", "rw=true",
		"ro=false", "readonly=false", NULL};

	if (is_one_of(read_only, word))
		volume->read_only = true;
	else if (strcmp(word, "noexec") == 0)
		volume->no_exec = true;
	else if (!is_one_of(usual, word))
		return bad(r, volume->flag, word,
			"ro, rw, exec or noexec (a volume is shared, keeps its owners, and begins "
			"as the image is there)");
	return 0;
}

/* "NAME:DST[:OPTIONS]" or "DST": 1 where it is a volume, 0 where it is a bind, or -errno. */
static int read_volume(struct reading *r, const char *value)
{
	struct volume_option volume = {.flag = "--volume"};
	char *copy = arena_copy(&r->launching->words, value), *rest = copy, *first, *second, *word;
	int e = 0;

	if (!copy)
		return no_memory(r);
	first = strsep(&rest, ":");
	second = strsep(&rest, ":");
	if (second && !name_is_valid(first))
		return 0;
	volume.name = second ? first : NULL;
	volume.target = second ? second : first;
	volume.target = path_canonical(&r->launching->words, volume.target);
	if (!volume.target || !volume.target[1])
		return bad(r, volume.flag, value, "[SRC:]DST[:OPTIONS] with an absolute DST");
	while (e == 0 && (word = strsep(&rest, ",")))
		e = read_volume_word(r, word, &volume);
	if (e == 0)
		e = add_volume(r, &volume);
	return e < 0 ? e : 1;
}

/* What a --mount is of, whatever it names first. Without a type it is a volume, as docker has it,
 * but where its source can only be a path. */
static bool is_volume_mount(const char *value)
{
	bool path = false;

	for (const char *word = value; word; word = strchr(word, ',')) {
		const char *source;
		size_t length;

		word += *word == ',';
		if (text_starts_with(word, "type="))
			return text_starts_with(word, "type=volume") &&
			       (!word[11] || word[11] == ',');
		source = text_starts_with(word, "source=") ? word + 7
			 : text_starts_with(word, "src=")  ? word + 4
							   : NULL;
		length = source ? strcspn(source, ",") : 0;
		path |= source && (length == 0 || source[0] == '.' || memchr(source, '/', length));
	}
	return !path;
}

/* "type=volume,src=NAME,dst=DST,…": 1, 0 for another type, or -errno. */
static int read_mount(struct reading *r, const char *value)
{
	struct volume_option volume = {.flag = "--mount"};
	char *rest = arena_copy(&r->launching->words, value), *word;
	int e = 0;

	if (!rest)
		return no_memory(r);
	if (!is_volume_mount(value))
		return 0;
	while (e == 0 && (word = strsep(&rest, ","))) {
		char *equals = strchr(word, '=');

		if (text_starts_with(word, "type="))
			continue;
		if (text_starts_with(word, "source=") || text_starts_with(word, "src="))
			volume.name = equals + 1;
		else if (text_starts_with(word, "destination=") || text_starts_with(word, "dst=") ||
			 text_starts_with(word, "target="))
			volume.target = path_canonical(&r->launching->words, equals + 1);
		else
			e = read_volume_word(r, word, &volume);
	}
	if (e == 0 && (!volume.target || !volume.target[1] ||
			      (volume.name && !name_is_valid(volume.name))))
		e = bad(r, volume.flag, value, "type=volume,src=NAME,dst=DST with an absolute DST");
	if (e == 0)
		e = add_volume(r, &volume);
	return e < 0 ? e : 1;
}

/* ---- the rest ---- */

static int keep(struct reading *r, int identifier, const char *value)
{
	struct launching *launching = r->launching;

	if (launching->given_count == OPTIONS_ROOM)
		return err_set(r->err, -E2BIG, NULL, "more than %d options", OPTIONS_ROOM);
	launching->given[launching->given_count++] =
		(struct given_option){option_of(identifier), value};
	return 0;
}

static int check_variable(
	const struct reading *r, const char *file, unsigned number, const char *line)
{
	const char *name = arena_copy_range(&r->launching->words, line, strcspn(line, "="));
	char where[512];

	if (!name)
		return no_memory(r);
	(void)snprintf(where, sizeof(where), "%.490s:%u", file, number);
	return grammar_environment_word(name)
		       ? 0
		       : bad(r, where, name, "the name of a variable: letters, digits, _, . and -");
}

/* As podman reads it: a line is NAME=VALUE as it stands, or NAME of the caller's; "#" begins a
 * comment at a line's start. */
static int read_env_file(struct reading *r, const char *value)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	unsigned number = 1;
	char *rest;
	int e = file_read(AT_FDCWD, value, (size_t)1024 * 1024, &text, &length);

	if (e < 0)
		return err_set(r->err, e, value, "cannot be read: %s", strerror(-e));
	rest = text;
	for (char *line; e == 0 && (line = strsep(&rest, "\n")); number++) {
		line += strspn(line, " \t");
		if (rest && line[0] && line[strlen(line) - 1] == '\r')
			line[strlen(line) - 1] = '\0'; /* of another system */
		if (line[0] == '#' || line[0] == '\0')
			continue;
		line = arena_copy(&r->launching->words, line);
		e = line ? check_variable(r, value, number, line) : no_memory(r);
		if (e == 0)
			e = keep(r, OPTION_ENVIRONMENT, line);
	}
	return e;
}

/* A word, or as podman takes it a JSON array of them. */
static int read_entrypoint(struct reading *r, const char *value)
{
	const char **words;
	size_t count = 1;
	json_t *array = NULL;

	if (value[0] == '[') {
		array = json_read(
			"--entrypoint", value, strlen(value), &json_limits_profile, r->err);
		if (!array)
			return r->err->code;
		count = json_array_size(array);
	}
	words = arena_zeroed(&r->launching->words, count + 1, sizeof(*words));
	for (size_t i = 0; words && i < count; i++) {
		const char *word = array      ? json_string_value(json_array_get(array, i))
				   : value[0] ? value
					      : NULL;

		if (array && !word) {
			json_decref(array);
			return bad(r, "--entrypoint", value, "an array of strings");
		}
		words[i] = arena_copy(&r->launching->words, word);
	}
	json_decref(array);
	r->options->entrypoint = words;
	return words ? 0 : no_memory(r);
}

/* A NULL follows: room in the growing array is zeroed. */
static int add_word(struct reading *r, const char ***words, size_t *count, const char *value)
{
	struct arena *arena = &r->launching->words;
	const char **place = arena_append(arena, words, count, sizeof(*place));

	if (!place)
		return no_memory(r);
	*place = value;
	if (!arena_append(arena, words, count, sizeof(*place)))
		return no_memory(r);
	(*count)--;
	return 0;
}

static int read_name(struct reading *r, const char *value)
{
	r->options->name = value;
	return name_is_valid(value)
		       ? 0
		       : bad(r, "--name", value,
				 "1 to 128 letters, digits, \"_\", \".\" and \"-\", a letter or "
				 "digit first");
}

static int read_pull(struct reading *r, const char *value)
{
	static const char *const words[] = {[PULL_MISSING] = "missing",
		[PULL_ALWAYS] = "always",
		[PULL_NEWER] = "newer",
		[PULL_NEVER] = "never"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(value, words[i]) == 0) {
			r->options->pull = (enum pull_policy)i;
			return 0;
		}
	return bad(r, "--pull", value, "always, missing, newer or never");
}

/* What is no capability is told when it is applied. */
static int read_capabilities(struct reading *r, const char *value)
{
	char *rest = arena_copy(&r->launching->words, value), *word;

	if (!rest)
		return no_memory(r);
	while ((word = strsep(&rest, ","))) {
		int bit = strcasecmp(word, "all") == 0 ? -1 : grammar_capability(word);

		r->options->added_capabilities |= bit < 0 ? UINT64_MAX : UINT64_C(1) << (bit & 63);
	}
	return 0;
}

static int read_bool(struct reading *r, const char *flag, const char *value, bool *ret)
{
	*ret = strcmp(value, "true") == 0;
	return *ret || strcmp(value, "false") == 0 ? 0 : bad(r, flag, value, "true or false");
}

/* As if they had been given by --env, where the caller has them. */
static int read_proxies(struct reading *r, const char *value)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
		"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"};
	bool wanted;
	int e = read_bool(r, "--http-proxy", value, &wanted);

	for (size_t i = 0; e == 0 && wanted && i < sizeof(names) / sizeof(names[0]); i++)
		if (getenv(names[i]))
			e = keep(r, OPTION_ENVIRONMENT, names[i]);
	return e;
}

/* "NAME=ADDRESS", "NAME:[ADDRESS]" and "NAME:host-gateway", as docker has them by now. */
static int read_host(struct reading *r, const char *value)
{
	size_t name = strcspn(value, ":="), length = strlen(value);
	bool bracketed = value[name] && value[name + 1] == '[' && value[length - 1] == ']';
	const char *plain = value;

	/* where there is the host's network, its loopback is the host's; else nobody is there */
	if (value[name] && strcmp(value + name + 1, "host-gateway") == 0)
		plain = arena_format(&r->launching->words, "%.*s:127.0.0.1", (int)name, value);
	else if (value[name] == '=' || bracketed)
		plain = arena_format(&r->launching->words, "%.*s:%.*s", (int)name, value,
			(int)(length - name - 1 - (bracketed ? 2 : 0)),
			value + name + 1 + bracketed);
	return plain ? add_word(r, &r->options->names.hosts, &r->host_count, plain) : no_memory(r);
}

/* "SIGTERM", "term", "15", "RTMIN+3" */
static int read_signal(struct reading *r, const char *value)
{
	const char *name = strncasecmp(value, "sig", 3) == 0 ? value + 3 : value;
	uint64_t number = 0;

	if (strncasecmp(name, "rtmin+", 6) == 0 && text_parse_u64(name + 6, 30, &number) == 0)
		number += 34; /* as the world outside of libc counts them: signal(7) */
	else if (text_parse_u64(name, 64, &number) < 0)
		for (int i = 1; i < 32 && !number; i++)
			if (strcasecmp(number_signal(i), name) == 0)
				number = (uint64_t)i;
	r->options->stop_signal = (int)number;
	return number ? 0
		      : bad(r, "--stop-signal", value,
				"a signal by name or number, such as SIGINT");
}

static int read_umask(struct reading *r, const char *value)
{
	char *end;
	unsigned long mask = strtoul(value, &end, 8);

	r->options->umask = (int)(mask & 0777);
	return *end || !*value || mask > 0777 ? bad(r, "--umask", value, "an octal mode up to 777")
					      : 0;
}

/* "keep-id[:uid=N,gid=N]" */
static int read_userns(struct reading *r, const char *value)
{
	struct run_options *o = r->options;
	char *rest = arena_copy(&r->launching->words, value), *word = strsep(&rest, ":");
	uint64_t id = 0;

	o->kept_uid = getuid();
	o->kept_gid = getgid();
	o->keep_id = word && strcmp(word, "keep-id") == 0;
	if (!word || (!o->keep_id && (rest || (word[0] && strcmp(word, "host") != 0))))
		return bad(r, "--userns", value, "host or keep-id[:uid=N,gid=N]");
	while ((word = strsep(&rest, ","))) {
		if (!text_starts_with(word, "uid=") && !text_starts_with(word, "gid="))
			return bad(r, "--userns", value, "host or keep-id[:uid=N,gid=N]");
		if (text_parse_u64(word + 4, INT32_MAX, &id) < 0)
			return bad(r, "--userns", word, "a number of at most 2147483647");
		if (word[0] == 'u')
			o->kept_uid = (uid_t)id;
		else
			o->kept_gid = (gid_t)id;
	}
	return 0;
}

/*
 * The host's table of the zone ends with the rule of today in POSIX's form (tzfile(5)), which needs
 * no table in the image.
 */
static int read_time_zone(struct reading *r, const char *value)
{
	struct arena *arena = &r->launching->words;
	bool local = strcmp(value, "local") == 0;
	const char *path =
		local ? "/etc/localtime" : arena_format(arena, "/usr/share/zoneinfo/%s", value);
	_cleanup_free_ char *text = NULL;
	const char *rule = NULL;
	size_t length = 0;

	if (!path)
		return no_memory(r);
	if ((local || path_canonical(arena, path)) &&
		file_read(AT_FDCWD, path, (size_t)1024 * 1024, &text, &length) == 0 && length > 2 &&
		memcmp(text, "TZif", 4) == 0 && text[length - 1] == '\n') {
		text[length - 1] = '\0';
		rule = memrchr(text, '\n', length - 1);
	}
	if (!rule || !rule[1] || text_has_control(rule + 1))
		return bad(r, "--tz", value,
			"local, or a zone of the host's /usr/share/zoneinfo, such as Europe/Rome");
	rule = arena_format(arena, "TZ=%s", rule + 1);
	return rule ? keep(r, OPTION_ENVIRONMENT, rule) : no_memory(r);
}

static int read_authfile(struct reading *r, const char *value)
{
	const char *path = surroundings_path(&r->launching->words, &r->launching->variables, value);

	return path && setenv("REGISTRY_AUTH_FILE", path, 1) == 0
		       ? 0
		       : bad(r, "--authfile", value, "a path");
}

static int read_tls(struct reading *r, const char *value)
{
	bool wanted;
	int e = read_bool(r, "--tls-verify", value, &wanted);

	r->options->tls_verify = wanted ? "--tls-verify=true" : "--tls-verify=false";
	return e;
}

/* --os, --arch and --variant are another way to say --platform. */
static int join_platform(struct reading *r)
{
	struct arena *arena = &r->launching->words;

	if (!r->arch && !r->os && !r->variant)
		return 0;
	if (!r->arch || r->options->platform)
		return err_set(r->err, -EINVAL, r->options->platform ? "--platform" : "--arch",
			"expected either --platform OS/ARCH[/VARIANT], or --arch with --os and "
			"--variant");
	r->options->platform = arena_format(arena, "%s/%s%s%s", r->os ? r->os : "linux", r->arch,
		r->variant ? "/" : "", r->variant ? r->variant : "");
	return r->options->platform ? 0 : no_memory(r);
}

static int refuse_detach(const struct reading *r)
{
	err_set(r->err, -ENOTSUP, "--detach", "detached containers are not there yet");
	err_hint(r->err, "a container ends with its launcher: `immure run … &`, or a unit of your "
			 "service manager");
	return -ENOTSUP;
}

/* Those about names, and those of a pull. -ENOENT: none of them. */
static int read_more(struct reading *r, int identifier, const char *value)
{
	struct run_options *o = r->options;

	switch (identifier) {
	case OPTION_ADD_HOST: return read_host(r, value);
	case OPTION_NO_HOSTS: o->names.no_hosts = true; return 0;
	case OPTION_DNS: return add_word(r, &o->names.servers, &r->server_count, value);
	case OPTION_DNS_SEARCH: return add_word(r, &o->names.domains, &r->domain_count, value);
	case OPTION_DNS_OPTION:
		return add_word(r, &o->names.options, &r->resolver_option_count, value);
	case OPTION_ENV_HOST: o->environment_of_host = true; return 0;
	case OPTION_UNSET: return add_word(r, &o->unset, &r->unset_count, value);
	case OPTION_PROXY: return read_proxies(r, value);
	case OPTION_TIME_ZONE: return read_time_zone(r, value);
	case OPTION_UMASK: return read_umask(r, value);
	case OPTION_USERNS: return read_userns(r, value);
	case OPTION_GROUP_ADD: return add_word(r, &o->groups, &r->group_count, value);
	case OPTION_REPLACE: o->replace = true; return 0;
	case OPTION_STOP_SIGNAL: return read_signal(r, value);
	case OPTION_PULL: return read_pull(r, value);
	case OPTION_AUTHFILE: return read_authfile(r, value);
	case OPTION_TLS: return read_tls(r, value);
	case OPTION_ARCH: r->arch = value; return 0;
	case OPTION_OS: r->os = value; return 0;
	case OPTION_VARIANT: r->variant = value; return 0;
	case OPTION_PLATFORM: o->platform = value; return 0;
	default: return -ENOENT;
	}
}

/* An empty word where docker and podman take it for none, as wrappers and scripts write it. */
static bool is_left_open(const struct given_option *given)
{
	static const int those[] = {OPTION_NAME, OPTION_DIRECTORY, OPTION_HOSTNAME, OPTION_CIDFILE};

	for (size_t i = 0; i < sizeof(those) / sizeof(those[0]); i++)
		if (those[i] == given->option->identifier)
			return given->value[0] == '\0';
	return false;
}

/* 1: it is the launch's, too; 0: it was all about the container; or -errno. */
static int read_one(struct reading *r, const struct given_option *given)
{
	struct run_options *o = r->options;
	const struct option *option = given->option;
	const char *value = given->value;
	bool tmpfs = true;
	int e;

	if (is_left_open(given))
		return 0;
	switch (option->identifier) {
	case OPTION_REFUSED: return run_habit_refuse(option->name, r->err);
	case OPTION_PRIVATE:
		return run_habit_private(option->name, option->argument, value, r->err);
	case OPTION_NET:
	case OPTION_NETWORK:
		e = run_habit_network(value, r->err);
		return e < 0 ? e : keep(r, OPTION_NETWORK, value);
	case OPTION_MEMORY:
	case OPTION_CPUS:
	case OPTION_PIDS:
		return keep(r, option->identifier, strcmp(value, "0") == 0 ? "unlimited" : value);
	case OPTION_ULIMIT:
		value = run_habit_ulimit(value, &r->launching->words);
		return value ? keep(r, OPTION_ULIMIT, value) : no_memory(r);
	case OPTION_SECURITY: return keep(r, OPTION_SECURITY, run_habit_security(value));
	case OPTION_PROFILE: e = run_habit_ports(value, r->err); return e < 0 ? e : 1;
	case OPTION_REMOVE: o->transient = true; return 0;
	case OPTION_NAME: return read_name(r, value);
	case OPTION_ENV_FILE: return read_env_file(r, value);
	case OPTION_ENTRYPOINT: return read_entrypoint(r, value);
	case OPTION_READ_ONLY: o->read_only = true; return 0;
	case OPTION_TMPFS_TOO:
		e = read_bool(r, "--read-only-tmpfs", value, &tmpfs);
		o->plain_read_only = !tmpfs;
		return e;
	case OPTION_CIDFILE: o->cidfile = value; return 0;
	case OPTION_SHM_SIZE:
		return text_parse_size(value, &o->shm_size) < 0 || !o->shm_size
			       ? bad(r, "--shm-size", value, "a size such as 64M")
			       : 0;
	case OPTION_DETACH: return refuse_detach(r);
	case OPTION_QUIET: o->quiet = true; return 0;
	case OPTION_STORAGE: o->storage = value; return 0;
	case OPTION_HABIT:
	case OPTION_INIT:
	case OPTION_LABEL: return 0;
	case OPTION_USER: o->user = value; return 0;
	case OPTION_INTERACTIVE: o->interactive = true; return 0;
	case OPTION_TTY: o->tty = true; return 1;
	case OPTION_CAP_ADD: e = read_capabilities(r, value); return e < 0 ? e : 1;
	case OPTION_VOLUME: e = read_volume(r, value); break;
	case OPTION_MOUNT: e = read_mount(r, value); break;
	case OPTION_ENVIRONMENT: o->home_is_set |= text_starts_with(value, "HOME="); return 1;
	default: e = read_more(r, option->identifier, value); return e == -ENOENT ? 1 : e;
	}
	return e < 0 ? e : e == 0; /* a volume is no bind */
}

int run_options_parse(struct launching *launching, int argc, char **argv, struct err *reterr)
{
	int taken = options_parse(
		run_options_table, argc, argv, launching->given, &launching->given_count, reterr);

	if (taken < 0)
		return taken;
	if (launch_options_read(
		    launching->given, launching->given_count, &launching->options, reterr) < 0)
		return reterr->code;
	if (!launching->options.profile_is_set)
		launching->options.profile = "container";
	return taken;
}

int run_options_read(struct launching *launching, struct run_options *ret, struct err *reterr)
{
	struct reading r = {.launching = launching, .options = ret, .err = reterr};
	size_t count = launching->given_count;
	const struct given_option *given = launching->given;
	struct given_option *copy = arena_zeroed(&launching->words, count + 1, sizeof(*copy));

	*ret = (struct run_options){.umask = -1};
	if (!copy)
		return no_memory(&r);
	memcpy(copy, given, count * sizeof(*copy));
	launching->given_count = 0;
	for (size_t i = 0; i < count; i++) {
		int e = read_one(&r, &copy[i]);

		if (e == 1)
			e = keep(&r, copy[i].option->identifier, copy[i].value);
		if (e < 0)
			return e;
	}
	if (ret->names.no_hosts && ret->names.hosts)
		return err_set(reterr, -EINVAL, "--no-hosts", "and --add-host exclude each other");
	return join_platform(&r);
}

int run_options_recall(struct launching *launching, const char *const *options,
	struct run_options *ret, struct err *reterr)
{
	size_t count = 0;
	char **words;
	int r;

	while (options[count])
		count++;
	words = arena_zeroed(&launching->words, count + 2, sizeof(*words));
	if (!words)
		return err_no_memory(reterr);
	words[0] = (char *)"run";
	for (size_t i = 0; i < count; i++)
		words[i + 1] = (char *)options[i];
	r = run_options_parse(launching, (int)count + 1, words, reterr);
	return r < 0 ? r : run_options_read(launching, ret, reterr);
}

/* What belongs to one run, not to the container. */
static bool is_of_the_run(int identifier)
{
	static const int those[] = {OPTION_REMOVE, OPTION_NAME, OPTION_PULL, OPTION_PLATFORM,
		OPTION_CIDFILE, OPTION_QUIET, OPTION_STORAGE, OPTION_RECEIPT, OPTION_RESULT,
		OPTION_DRY_RUN, OPTION_FORMAT, OPTION_PRESERVE_FD, OPTION_PRESERVE_FDS,
		OPTION_ENV_FILE, OPTION_ENVIRONMENT, OPTION_PROXY, OPTION_TIME_ZONE, OPTION_REPLACE,
		OPTION_AUTHFILE, OPTION_TLS, OPTION_ARCH, OPTION_OS, OPTION_VARIANT};

	for (size_t i = 0; i < sizeof(those) / sizeof(those[0]); i++)
		if (those[i] == identifier)
			return true;
	return false;
}

/* "--env=NAME" is the caller's value now, not that of whoever starts it again. */
static const char *environment_word(struct arena *arena, const char *value)
{
	return strchr(value, '=') ? arena_format(arena, "--env=%s", value)
				  : arena_format(arena, "--env=%s=%s", value, getenv(value));
}

int run_options_words(struct launching *launching, const struct given_option *given, size_t count,
	const char *const **ret, struct err *reterr)
{
	struct arena *arena = &launching->words;
	const char **words =
		arena_zeroed(arena, count + launching->given_count + 1, sizeof(*words));
	size_t used = 0;
	bool failed = !words;

	for (size_t i = 0; i < count && !failed; i++) {
		const struct option *option = given[i].option;

		if (is_of_the_run(option->identifier))
			continue;
		words[used] = given[i].value
				      ? arena_format(arena, "--%s=%s", option->name, given[i].value)
				      : arena_format(arena, "--%s", option->name);
		failed = !words[used++];
	}
	/* those of --env-file are among the launch's own by now */
	for (size_t i = 0; i < launching->given_count && !failed; i++) {
		const char *value = launching->given[i].value;

		if (launching->given[i].option->identifier != OPTION_ENVIRONMENT ||
			(!strchr(value, '=') && !getenv(value)))
			continue;
		words[used] = environment_word(arena, value);
		failed = !words[used++];
	}
	*ret = words;
	return failed ? err_no_memory(reterr) : 0;
}
