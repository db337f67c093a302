/* The options of `run`: see run_options.h. */
#include "cli/run_options.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "container/names.h"
#include "profile/grammar.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/json.h"
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
	OPTION_PULL,
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
	{"profile", 'p', "NAME|FILE", "the profile that walls it in (default: container)",
		OPTION_PROFILE},
	{"volume", 'v', "[SRC:]DST[:OPTS]",
		"bind the path, or mount the named volume, SRC on DST (ro, noexec); DST alone: a "
		"volume without a name",
		OPTION_VOLUME},
	LAUNCH_FILE_OPTIONS,
	LAUNCH_PROGRAM_OPTIONS,
	{"env-file", 0, "FILE", "NAME=VALUE or NAME, a line each", OPTION_ENV_FILE},
	{"user", 'u', "USER[:GROUP]", "numbers, or names of the image's own", OPTION_USER},
	{"group-add", 0, "GROUP", "one more group of the program's (with subordinate ids)",
		OPTION_GROUP_ADD},
	{"entrypoint", 0, "WORD|[\"WORD\",…]", "instead of the image's (\"\": none)",
		OPTION_ENTRYPOINT},
	{"read-only", 0, NULL, "nothing of the image can be written to", OPTION_READ_ONLY},
	{"init", 0, NULL, "accepted for habit: PID 1 always is one that reaps", OPTION_INIT},
	{"add-host", 0, "NAME:ADDRESS", "a line for /etc/hosts", OPTION_ADD_HOST},
	{"pull", 0, "always|missing|never", "when to fetch the image (default: missing)",
		OPTION_PULL},
	{"platform", 0, "OS/ARCH[/VARIANT]", "of the image that is fetched", OPTION_PLATFORM},
	{"label", 'l', "NAME[=VALUE]", "accepted: labels steer nothing", OPTION_LABEL},
	{"cidfile", 0, "FILE", "write the container's id there", OPTION_CIDFILE},
	LAUNCH_LIMIT_OPTIONS,
	{"shm-size", 0, "SIZE", "of /dev/shm", OPTION_SHM_SIZE},
	{"detach", 'd', NULL, "not there yet: a container ends with its launcher", OPTION_DETACH},
	LAUNCH_REPORT_OPTIONS,
	{"quiet", 'q', NULL, "no progress of a pull", OPTION_QUIET},
	{"storage", 0, "DIR", "where images and containers lie", OPTION_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};

struct reading {
	struct launching *launching;
	struct run_options *options;
	struct err *err;
	size_t host_count, group_count;
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

static int read_volume_word(struct reading *r, char *word, struct volume_option *volume)
{
	if (strcmp(word, "ro") == 0 || strcmp(word, "readonly") == 0)
		volume->read_only = true;
	else if (strcmp(word, "noexec") == 0)
		volume->no_exec = true;
	else if (strcmp(word, "rw") != 0 && strcmp(word, "exec") != 0 &&
		 strcmp(word, "nosuid") != 0 && strcmp(word, "nodev") != 0 &&
		 strcmp(word, "z") != 0) /* which a volume is anyway */
		return bad(r, volume->flag, word, "ro, rw, exec or noexec");
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

/* "type=volume,src=NAME,dst=DST,…": 1, 0 for another type, or -errno. */
static int read_mount(struct reading *r, const char *value)
{
	struct volume_option volume = {.flag = "--mount"};
	char *rest = arena_copy(&r->launching->words, value), *word;
	const char *type = NULL;
	int e = 0;

	if (!rest)
		return no_memory(r);
	while (e == 0 && (word = strsep(&rest, ","))) {
		char *equals = strchr(word, '=');

		if (text_starts_with(word, "type="))
			type = equals + 1;
		else if (text_starts_with(word, "source=") || text_starts_with(word, "src="))
			volume.name = equals + 1;
		else if (text_starts_with(word, "destination=") || text_starts_with(word, "dst=") ||
			 text_starts_with(word, "target="))
			volume.target = path_canonical(&r->launching->words, equals + 1);
		else if (type && strcmp(type, "volume") == 0)
			e = read_volume_word(r, word, &volume);
	}
	if (!type || strcmp(type, "volume") != 0)
		return 0;
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

/* As podman reads it: a line is NAME=VALUE as it stands, or NAME of the caller's; "#" begins a
 * comment at a line's start. */
static int read_env_file(struct reading *r, const char *value)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	char *rest;
	int e = file_read(AT_FDCWD, value, (size_t)1024 * 1024, &text, &length);

	if (e < 0)
		return err_set(r->err, e, value, "cannot be read: %s", strerror(-e));
	rest = text;
	for (char *line; e == 0 && (line = strsep(&rest, "\n"));) {
		line += strspn(line, " \t");
		if (line[0] == '#' || line[0] == '\0')
			continue;
		line = arena_copy(&r->launching->words, line);
		e = line ? keep(r, OPTION_ENVIRONMENT, line) : no_memory(r);
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
	static const char *const words[] = {
		[PULL_MISSING] = "missing", [PULL_ALWAYS] = "always", [PULL_NEVER] = "never"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(value, words[i]) == 0) {
			r->options->pull = (enum pull_policy)i;
			return 0;
		}
	return bad(r, "--pull", value, "always, missing or never");
}

static int read_capability(struct reading *r, const char *value)
{
	int bit = strcasecmp(value, "all") == 0 ? -1 : grammar_capability(value);

	r->options->added_capabilities |= bit < 0 ? UINT64_MAX : UINT64_C(1) << (bit & 63);
	return 0; /* what is no capability is told when it is applied */
}

static int refuse_detach(const struct reading *r)
{
	err_set(r->err, -ENOTSUP, "--detach", "detached containers are not there yet");
	err_hint(r->err, "a container ends with its launcher: `immure run … &`, or a unit of your "
			 "service manager");
	return -ENOTSUP;
}

/* 1: it is the launch's, too; 0: it was all about the container; or -errno. */
static int read_one(struct reading *r, const struct given_option *given)
{
	struct run_options *o = r->options;
	const char *value = given->value;
	int e;

	switch (given->option->identifier) {
	case OPTION_REMOVE: o->transient = true; return 0;
	case OPTION_NAME: return read_name(r, value);
	case OPTION_ENV_FILE: return read_env_file(r, value);
	case OPTION_ENTRYPOINT: return read_entrypoint(r, value);
	case OPTION_READ_ONLY: o->read_only = true; return 0;
	case OPTION_ADD_HOST: return add_word(r, &o->hosts, &r->host_count, value);
	case OPTION_GROUP_ADD: return add_word(r, &o->groups, &r->group_count, value);
	case OPTION_PULL: return read_pull(r, value);
	case OPTION_PLATFORM: o->platform = value; return 0;
	case OPTION_CIDFILE: o->cidfile = value; return 0;
	case OPTION_SHM_SIZE:
		return text_parse_size(value, &o->shm_size) < 0 || !o->shm_size
			       ? bad(r, "--shm-size", value, "a size such as 64M")
			       : 0;
	case OPTION_DETACH: return refuse_detach(r);
	case OPTION_QUIET: o->quiet = true; return 0;
	case OPTION_STORAGE: o->storage = value; return 0;
	case OPTION_INIT:
	case OPTION_LABEL: return 0;
	case OPTION_USER: o->user = value; return 0;
	case OPTION_INTERACTIVE: o->interactive = true; return 0;
	case OPTION_TTY: o->tty = true; return 1;
	case OPTION_CAP_ADD: e = read_capability(r, value); return e < 0 ? e : 1;
	case OPTION_VOLUME: e = read_volume(r, value); break;
	case OPTION_MOUNT: e = read_mount(r, value); break;
	case OPTION_ENVIRONMENT: o->home_is_set |= text_starts_with(value, "HOME="); return 1;
	default: return 1;
	}
	return e < 0 ? e : e == 0; /* a volume is no bind */
}

int run_options_read(struct launching *launching, struct run_options *ret, struct err *reterr)
{
	struct reading r = {.launching = launching, .options = ret, .err = reterr};
	size_t count = launching->given_count;
	const struct given_option *given = launching->given;
	struct given_option *copy = arena_zeroed(&launching->words, count + 1, sizeof(*copy));

	*ret = (struct run_options){0};
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
	return 0;
}

/* What belongs to one run, not to the container. */
static bool is_of_the_run(int identifier)
{
	static const int those[] = {OPTION_REMOVE, OPTION_NAME, OPTION_PULL, OPTION_PLATFORM,
		OPTION_CIDFILE, OPTION_QUIET, OPTION_STORAGE, OPTION_RECEIPT, OPTION_RESULT,
		OPTION_DRY_RUN, OPTION_FORMAT, OPTION_PRESERVE_FD, OPTION_PRESERVE_FDS,
		OPTION_ENV_FILE, OPTION_ENVIRONMENT};

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
