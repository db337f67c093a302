/* immure ps, rm: the containers there are, and their end. */
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/launching.h"
#include "cli/place.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "container/container.h"
#include "util/sort.h"
#include "util/text.h"

/* What each of these verbs begins with. */
struct verb_place {
	struct arena words;
	struct profile_variables variables;
	struct storage storage;
	struct given_option given[OPTIONS_ROOM];
	size_t given_count;
};

/* ---- ps ---- */

enum {
	OPTION_ALL,
	OPTION_QUIET,
	OPTION_WHOLE,
	OPTION_FORMAT,
	OPTION_FILTER,
	OPTION_LATEST,
	OPTION_LAST,
	OPTION_SORT,
	OPTION_PLAIN,
	OPTION_STORAGE
};

const struct option ps_options_table[] = {
	{"all", 'a', NULL, "the ones that have ended, too", OPTION_ALL},
	{"quiet", 'q', NULL, "ids only", OPTION_QUIET},
	{"no-trunc", 0, NULL, "whole ids and commands", OPTION_WHOLE},
	{"filter", 'f', "KEY=VALUE",
		"only those: id, name, ancestor, label, exited (a code), status (running, exited)",
		OPTION_FILTER},
	{"latest", 'l', NULL, "the newest one only, whatever it does", OPTION_LATEST},
	{"last", 'n', "N", "so many of the newest", OPTION_LAST},
	{"sort", 0, "KEY", "by created, command, id, image, names or status", OPTION_SORT},
	{"noheading", 0, NULL, "no line of titles", OPTION_PLAIN},
	{"format", 0, "json|[table ]TEMPLATE",
		"JSON, or a line each: {{.ID}} {{.Names}} {{.Image}} {{.ImageID}} {{.Command}} "
		"{{.Created}} {{.CreatedAt}} {{.RunningFor}} {{.Status}} {{.State}} {{.ExitCode}} "
		"{{.Labels}} {{.Ports}}",
		OPTION_FORMAT},
	{"storage", 0, "DIR", "where images and containers lie", OPTION_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};

static const char *const ps_fields[] = {"ID", "Image", "Command", "Created", "Status", "Names",
	"ImageID", "State", "ExitCode", "RunningFor", "Labels", "CreatedAt", "Ports", NULL};
#define PS_FIELDS (sizeof(ps_fields) / sizeof(ps_fields[0]) - 1)
static const char *const ps_titles[PS_FIELDS + 1] = {
	"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "NAMES"};
_Static_assert(PS_FIELDS < TABLE_FIELDS, "a row has room for them");

#define LABEL "--label=" /* as `run` keeps it */

static const char *join_labels(const struct container *c, struct arena *arena)
{
	const char *joined = "";

	for (const char *const *word = c->options; joined && *word; word++)
		if (text_starts_with(*word, LABEL))
			joined = arena_format(arena, "%s%s%s", joined, joined[0] ? "," : "",
				*word + strlen(LABEL));
	return joined;
}

/* "NAME", or "NAME=VALUE" whole. */
static bool has_label(const struct container *c, const char *label)
{
	size_t length = strlen(label);

	for (const char *const *word = c->options; *word; word++)
		if (text_starts_with(*word, LABEL) &&
			strncmp(*word + strlen(LABEL), label, length) == 0 &&
			(!(*word)[strlen(LABEL) + length] ||
				(!strchr(label, '=') && (*word)[strlen(LABEL) + length] == '=')))
			return true;
	return false;
}

static const char *join_command(const struct container *c, bool whole, struct arena *arena)
{
	size_t length = 1;
	char *joined, *end;

	for (const char *const *word = c->command; *word; word++)
		length += strlen(*word) + 1;
	joined = end = arena_zeroed(arena, length, 1);
	for (const char *const *word = c->command; joined && *word; word++)
		end = stpcpy(end == joined ? end : stpcpy(end, " "), *word);
	return joined && !whole && strlen(joined) > 24 ? arena_format(arena, "%.23s…", joined)
						       : joined;
}

static const char *describe_status(const struct container *c, long long now, struct arena *arena)
{
	char age[48];

	if (c->running)
		return arena_format(arena, "Up %s", table_age(c->started, now, age));
	if (!c->finished) /* its launcher was killed before it could tell */
		return "Exited";
	return arena_format(
		arena, "Exited (%d) %s ago", c->exit_code, table_age(c->finished, now, age));
}

/* As docker and podman print it, but always of the same zone. */
static const char *describe_time(int64_t seconds, struct arena *arena)
{
	time_t when = (time_t)seconds;
	struct tm parts;
	char text[64];

	return gmtime_r(&when, &parts) &&
			       strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", &parts)
		       ? arena_copy(arena, text)
		       : "";
}

static bool describe(
	const struct container *c, bool whole, struct arena *arena, const char *ret[TABLE_FIELDS])
{
	long long now = (long long)time(NULL);
	char age[48];

	ret[0] = whole ? c->id : arena_copy_range(arena, c->id, 12);
	ret[1] = c->image;
	ret[2] = join_command(c, whole, arena);
	ret[3] = arena_format(arena, "%s ago", table_age(c->created, now, age));
	ret[4] = describe_status(c, now, arena);
	ret[5] = c->name;
	ret[6] = whole ? c->image_id.text : arena_copy_range(arena, digest_hex(&c->image_id), 12);
	ret[7] = c->running ? "running" : "exited";
	ret[8] = c->exit_code < 0 ? "" : arena_format(arena, "%d", c->exit_code);
	ret[9] = ret[3];
	ret[10] = join_labels(c, arena);
	ret[11] = describe_time(c->created, arena);
	ret[12] = ""; /* nobody publishes any */
	for (size_t i = 0; i < PS_FIELDS; i++)
		if (!ret[i])
			return false;
	return true;
}

/* 1, 0, or -EINVAL with reterr. A regular expression, as docker and podman have it. */
static int matches(const char *text, const char *expression, struct err *reterr)
{
	regex_t regex;
	int r;

	if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB))
		return err_set(reterr, -EINVAL, "--filter",
			"name=%s: expected a regular expression", expression);
	r = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return r;
}

/* Those that no container of ours is ever in are no mistake of who asks for them. */
static bool is_state(const char *word)
{
	static const char *const states[] = {"running", "exited", "created", "configured", "paused",
		"restarting", "removing", "dead", "stopped", "unknown"};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i], word) == 0)
			return true;
	return false;
}

/* 1, 0, or -EINVAL with reterr. */
static int passes(const struct container *c, const char *filter, struct err *reterr)
{
	const char *value = strchr(filter, '=');
	uint64_t code;

	if (value && text_starts_with(filter, "label="))
		return has_label(c, value + 1);
	if (value && text_starts_with(filter, "exited=") &&
		text_parse_u64(value + 1, 255, &code) == 0)
		return !c->running && c->exit_code == (int)code;
	if (value && text_starts_with(filter, "id="))
		return text_starts_with(c->id, value + 1);
	if (value && text_starts_with(filter, "name="))
		return matches(c->name, value + 1, reterr);
	if (value && text_starts_with(filter, "ancestor="))
		return strstr(c->image, value + 1) != NULL ||
		       text_starts_with(digest_hex(&c->image_id), value + 1);
	if (value && text_starts_with(filter, "status=") && is_state(value + 1))
		return strcmp(value + 1, c->running ? "running" : "exited") == 0;
	return err_set(reterr, -EINVAL, "--filter",
		"expected id=, name=, ancestor=, label=, exited=CODE or status=running|exited");
}

static int select_rows(struct verb_place *place, bool all, bool whole, struct container *list,
	size_t count, const char *(**ret)[TABLE_FIELDS], size_t *ret_count, struct err *reterr)
{
	const char *(*rows)[TABLE_FIELDS] = arena_zeroed(&place->words, count + 1, sizeof(*rows));
	size_t used = 0;

	for (size_t i = 0; rows && i < count; i++) {
		int r = all || list[i].running;

		for (size_t k = 0; r == 1 && k < place->given_count; k++)
			if (place->given[k].option->identifier == OPTION_FILTER)
				r = passes(&list[i], place->given[k].value, reterr);
		if (r < 0)
			return r;
		if (r && !describe(&list[i], whole, &place->words, rows[used++]))
			rows = NULL;
	}
	if (!rows)
		return err_no_memory(reterr);
	*ret = rows;
	*ret_count = used;
	return 0;
}

static int open_place(struct verb_place *place, const struct option *table, int argc, char **argv,
	int storage_option, struct err *reterr)
{
	const char *storage = NULL;
	int taken = options_parse_all(table, argc, argv, place->given, &place->given_count, reterr),
	    r;

	if (taken < 0)
		return taken;
	for (size_t i = 0; i < place->given_count; i++)
		if (place->given[i].option->identifier == storage_option)
			storage = place->given[i].value;
	surroundings_variables(&place->words, &place->variables);
	r = place_open(&place->variables, storage, &place->words, &place->storage, reterr);
	return r < 0 ? r : taken;
}

/* Leaves out what cannot be told of, and says so. */
static size_t take_whole(struct container *list, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct err err = {0};

		if (!list[i].damage) {
			list[kept++] = list[i];
			continue;
		}
		(void)container_tell_damage(&list[i], &err);
		print_error(&err);
	}
	return kept;
}

/* What the options say of a list. */
struct listing {
	bool all, whole;
	size_t most;
	const char *sort; /* NULL: the newest first */
	struct table table;
};

static int read_listing(
	const struct given_option *given, size_t count, struct listing *ret, struct err *reterr)
{
	uint64_t most = SIZE_MAX;

	for (size_t i = 0; i < count; i++) {
		const char *value = given[i].value;

		switch (given[i].option->identifier) {
		case OPTION_ALL: ret->all = true; break;
		case OPTION_WHOLE: ret->whole = true; break;
		case OPTION_QUIET: ret->table.format = "{{.ID}}"; break;
		case OPTION_FORMAT: ret->table.format = value; break;
		case OPTION_PLAIN: ret->table.no_heading = true; break;
		case OPTION_SORT: ret->sort = value; break;
		case OPTION_FILTER:
			ret->all |= text_starts_with(value, "status=") ||
				    text_starts_with(value, "exited=");
			break;
		case OPTION_LATEST:
			ret->all = true;
			most = 1;
			break;
		case OPTION_LAST:
			ret->all = true;
			if (text_parse_u64(value, INT32_MAX, &most) < 0)
				return err_set(reterr, -EINVAL, "--last", "expected how many");
			break;
		default: break;
		}
	}
	ret->most = (size_t)most;
	return 0;
}

/* The names of podman's; "created" is the order that a list has. */
static const struct {
	const char *key;
	size_t field;
} sort_keys[] = {{"id", 0}, {"image", 1}, {"command", 2}, {"status", 4}, {"names", 5}};

static int compare_rows(const void *a, const void *b, void *field)
{
	const char *const *one = a, *const *other = b;

	return strcmp(one[*(size_t *)field], other[*(size_t *)field]);
}

/* Those with the same text stay in the list's order. */
static int sort_rows(const char *(*rows)[TABLE_FIELDS], size_t count, const char *key,
	struct arena *arena, struct err *reterr)
{
	if (!key || strcmp(key, "created") == 0 || strcmp(key, "runningfor") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(sort_keys) / sizeof(sort_keys[0]); i++) {
		size_t field = sort_keys[i].field;
		const char *(*room)[TABLE_FIELDS] = NULL;

		if (strcmp(key, sort_keys[i].key) != 0)
			continue;
		room = arena_zeroed(arena, count / 2 + 1, sizeof(*room));
		if (!room)
			return err_no_memory(reterr);
		sort_stably(rows, count, sizeof(*rows), room, compare_rows, &field);
		return 0;
	}
	return err_set(
		reterr, -EINVAL, "--sort", "expected created, command, id, image, names or status");
}

int cli_ps(int argc, char **argv)
{
	static struct verb_place place; /* too large for a stack; used once */
	struct listing listing = {.table = {.fields = ps_fields, .titles = ps_titles}};
	const char *(*rows)[TABLE_FIELDS] = NULL;
	struct container *list = NULL;
	size_t count = 0;
	struct err err = {0};
	int taken = open_place(&place, ps_options_table, argc, argv, OPTION_STORAGE, &err);

	if (taken >= 0 && taken < argc)
		taken = err_set(
			&err, -EINVAL, argv[taken], "ps takes no names: --filter name=NAME");
	if (taken < 0 || read_listing(place.given, place.given_count, &listing, &err) < 0 ||
		container_list(&place.storage, &place.words, &list, &count, &err) < 0)
		return print_error(&err);
	count = take_whole(list, count);
	if (select_rows(&place, listing.all, listing.whole, list, count, &rows, &count, &err) < 0)
		return print_error(&err);
	count = count < listing.most ? count : listing.most;
	if (sort_rows(rows, count, listing.sort, &place.words, &err) < 0 ||
		table_print(&listing.table, (const char *const(*)[TABLE_FIELDS])rows, count, stdout,
			&err) < 0)
		return print_error(&err);
	return 0;
}

/* ---- rm ---- */

enum { REMOVE_ALL, REMOVE_FORCE, REMOVE_IGNORE, REMOVE_VOLUMES, REMOVE_TIME, REMOVE_STORAGE };

const struct option rm_options_table[] = {
	{"all", 'a', NULL, "every container that is not running", REMOVE_ALL},
	{"force", 'f', NULL, "one that runs is killed first; one that is not there is no error",
		REMOVE_FORCE},
	{"ignore", 'i', NULL, "one that is not there is no error", REMOVE_IGNORE},
	{"volumes", 'v', NULL, "accepted for habit: volumes without a name always go along",
		REMOVE_VOLUMES},
	{"time", 't', "SECONDS", "accepted for habit: --force waits for nothing", REMOVE_TIME},
	{"storage", 0, "DIR", "where images and containers lie", REMOVE_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};

static int remove_word(struct verb_place *place, const char *word, bool force, bool ignore)
{
	struct container c;
	struct err err = {0};
	int r = container_find_any(&place->storage, word, &place->words, &c, &err);

	if (r == 0)
		r = container_end(&place->storage, &c, force, &err);
	if (r == -ENOENT && ignore)
		return 0;
	if (r < 0)
		return print_error(&err);
	return printf("%s\n", word) < 0 ? EXIT_OWN_ERROR : 0;
}

static int remove_all(struct verb_place *place, bool force)
{
	struct container *list = NULL;
	struct err err = {0};
	size_t count = 0;
	int code = 0;

	if (container_list(&place->storage, &place->words, &list, &count, &err) < 0)
		return print_error(&err);
	for (size_t i = 0; i < count; i++) {
		int r;

		if (list[i].running && !force)
			continue;
		err = (struct err){0};
		r = container_end(&place->storage, &list[i], force, &err);
		if (r == 0)
			(void)printf("%s\n", list[i].id);
		else if (r != -ENOENT) /* one that another process has removed is none of ours */
			code = print_error(&err);
	}
	return code;
}

int cli_rm(int argc, char **argv)
{
	static struct verb_place place; /* too large for a stack; used once */
	bool all = false, force = false, ignore = false;
	struct err err = {0};
	int taken = open_place(&place, rm_options_table, argc, argv, REMOVE_STORAGE, &err),
	    code = 0;

	for (size_t i = 0; i < place.given_count; i++) {
		all |= place.given[i].option->identifier == REMOVE_ALL;
		force |= place.given[i].option->identifier == REMOVE_FORCE;
		ignore |= place.given[i].option->identifier == REMOVE_IGNORE;
	}
	if (taken >= 0 && (taken < argc) == all) {
		taken = err_set(
			&err, -EINVAL, NULL, "expected names of containers, or --all alone");
		err_hint(&err, "immure rm [-f] NAME…");
	}
	if (taken < 0)
		return print_error(&err);
	if (all)
		code = remove_all(&place, force);
	for (int i = taken; i < argc; i++) {
		int one = remove_word(&place, argv[i], force, force || ignore);

		code = code ? code : one;
	}
	container_sweep(&place.storage, UINT_MAX);
	container_sweep_names(&place.storage);
	return code;
}
