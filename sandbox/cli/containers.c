/* immure ps, rm: the containers there are, and their end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/launching.h"
#include "cli/place.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "container/container.h"
#include "util/text.h"

/* What each of these verbs begins with. */
struct verb_place {
	struct arena words;
	struct profile_variables variables;
	struct storage storage;
	struct given_option given[OPTIONS_ROOM];
	size_t given_count;
};

static int fail(const struct err *err)
{
	print_error(err);
	return EXIT_OWN_ERROR;
}

/* ---- ps ---- */

enum { OPTION_ALL, OPTION_QUIET, OPTION_WHOLE, OPTION_FORMAT, OPTION_FILTER, OPTION_STORAGE };

const struct option ps_options_table[] = {
	{"all", 'a', NULL, "the ones that have ended, too", OPTION_ALL},
	{"quiet", 'q', NULL, "ids only", OPTION_QUIET},
	{"no-trunc", 0, NULL, "whole ids and commands", OPTION_WHOLE},
	{"filter", 'f', "KEY=VALUE", "only those: id, name, ancestor, status (running, exited)",
		OPTION_FILTER},
	{"format", 0, "json|TEMPLATE",
		"JSON, or a line each: {{.ID}} {{.Names}} {{.Image}} {{.ImageID}} {{.Command}} "
		"{{.CreatedAt}} {{.Status}} {{.State}} {{.ExitCode}}",
		OPTION_FORMAT},
	{"storage", 0, "DIR", "where images and containers lie", OPTION_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};

static const char *const ps_fields[] = {"ID", "Image", "Command", "CreatedAt", "Status", "Names",
	"ImageID", "State", "ExitCode", NULL};
static const char *const ps_titles[] = {
	"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "NAMES", NULL, NULL, NULL, NULL};

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
	for (size_t i = 0; i < 9; i++)
		if (!ret[i])
			return false;
	return true;
}

/* 1, 0, or -EINVAL with reterr. */
static int passes(const struct container *c, const char *filter, struct err *reterr)
{
	const char *value = strchr(filter, '=');

	if (value && text_starts_with(filter, "id="))
		return text_starts_with(c->id, value + 1);
	if (value && text_starts_with(filter, "name="))
		return strstr(c->name, value + 1) != NULL;
	if (value && text_starts_with(filter, "ancestor="))
		return strstr(c->image, value + 1) != NULL ||
		       text_starts_with(digest_hex(&c->image_id), value + 1);
	if (value && text_starts_with(filter, "status=") &&
		(strcmp(value + 1, "running") == 0 || strcmp(value + 1, "exited") == 0))
		return c->running == (value[1] == 'r');
	return err_set(reterr, -EINVAL, "--filter",
		"expected id=, name=, ancestor= or status=running|exited");
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
	int taken = options_parse(table, argc, argv, place->given, &place->given_count, reterr), r;

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

int cli_ps(int argc, char **argv)
{
	static struct verb_place place; /* too large for a stack; used once */
	struct table table = {.fields = ps_fields, .titles = ps_titles};
	const char *(*rows)[TABLE_FIELDS] = NULL;
	bool all = false, whole = false;
	struct container *list = NULL;
	size_t count = 0;
	struct err err = {0};
	int taken = open_place(&place, ps_options_table, argc, argv, OPTION_STORAGE, &err);

	if (taken >= 0 && taken < argc)
		taken = err_set(
			&err, -EINVAL, argv[taken], "ps takes no names: --filter name=NAME");
	if (taken < 0)
		return fail(&err);
	for (size_t i = 0; i < place.given_count; i++) {
		int identifier = place.given[i].option->identifier;

		all |= identifier == OPTION_ALL;
		whole |= identifier == OPTION_WHOLE;
		all |= identifier == OPTION_FILTER &&
		       text_starts_with(place.given[i].value, "status=");
		if (identifier == OPTION_QUIET)
			table.format = "{{.ID}}";
		if (identifier == OPTION_FORMAT)
			table.format = place.given[i].value;
	}
	if (container_list(&place.storage, &place.words, &list, &count, &err) < 0)
		return fail(&err);
	count = take_whole(list, count);
	if (select_rows(&place, all, whole, list, count, &rows, &count, &err) < 0 ||
		table_print(&table, (const char *const(*)[TABLE_FIELDS])rows, count, stdout, &err) <
			0)
		return fail(&err);
	return 0;
}

/* ---- rm ---- */

enum { REMOVE_ALL, REMOVE_FORCE, REMOVE_VOLUMES, REMOVE_STORAGE };

const struct option rm_options_table[] = {
	{"all", 'a', NULL, "every container that is not running", REMOVE_ALL},
	{"force", 'f', NULL, "one that runs is killed first; one that is not there is no error",
		REMOVE_FORCE},
	{"volumes", 'v', NULL, "accepted for habit: volumes without a name always go along",
		REMOVE_VOLUMES},
	{"storage", 0, "DIR", "where images and containers lie", REMOVE_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};

static int remove_word(struct verb_place *place, const char *word, bool force)
{
	struct container c;
	struct err err = {0};
	int r = container_find_any(&place->storage, word, &place->words, &c, &err);

	if (r == -ENOENT && force)
		return 0;
	if (r == 0)
		r = container_end(&place->storage, &c, force, &err);
	if (r < 0)
		return fail(&err);
	return printf("%s\n", word) < 0 ? EXIT_OWN_ERROR : 0;
}

static int remove_all(struct verb_place *place, bool force)
{
	struct container *list = NULL;
	struct err err = {0};
	size_t count = 0;
	int code = 0;

	if (container_list(&place->storage, &place->words, &list, &count, &err) < 0)
		return fail(&err);
	for (size_t i = 0; i < count; i++) {
		if (list[i].running && !force)
			continue;
		err = (struct err){0};
		if (container_end(&place->storage, &list[i], force, &err) < 0)
			code = fail(&err);
		else
			(void)printf("%s\n", list[i].id);
	}
	return code;
}

int cli_rm(int argc, char **argv)
{
	static struct verb_place place; /* too large for a stack; used once */
	bool all = false, force = false;
	struct err err = {0};
	int taken = open_place(&place, rm_options_table, argc, argv, REMOVE_STORAGE, &err),
	    code = 0;

	for (size_t i = 0; i < place.given_count; i++) {
		all |= place.given[i].option->identifier == REMOVE_ALL;
		force |= place.given[i].option->identifier == REMOVE_FORCE;
	}
	if (taken >= 0 && (taken < argc) == all) {
		taken = err_set(
			&err, -EINVAL, NULL, "expected names of containers, or --all alone");
		err_hint(&err, "immure rm [-f] NAME…");
	}
	if (taken < 0)
		return fail(&err);
	if (all)
		code = remove_all(&place, force);
	for (int i = taken; i < argc; i++) {
		int one = remove_word(&place, argv[i], force);

		code = code ? code : one;
	}
	container_sweep(&place.storage);
	return code;
}
