/* immure volume: the named volumes of containers. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/launching.h"
#include "cli/place.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "container/volume.h"
#include "util/text.h"

enum { OPTION_ALL, OPTION_QUIET, OPTION_FORCE, OPTION_FORMAT, OPTION_STORAGE };

const struct option volume_options_table[] = {
	{"all", 'a', NULL, "ls: those without a name of somebody's choice, too; rm: every one",
		OPTION_ALL},
	{"quiet", 'q', NULL, "ls: names only", OPTION_QUIET},
	{"force", 'f', NULL, "rm: one that is not there is no error", OPTION_FORCE},
	{"format", 0, "json|TEMPLATE", "ls: {{.Name}} {{.Mountpoint}} {{.CreatedAt}}",
		OPTION_FORMAT},
	{"storage", 0, "DIR", "where images and containers lie", OPTION_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};

static const struct option inspect_options_table[] = {
	{"format", 'f', "json|TEMPLATE", "{{.Name}} {{.Mountpoint}} {{.CreatedAt}}", OPTION_FORMAT},
	{"storage", 0, "DIR", "where images and containers lie", OPTION_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};

const struct sub_verb volume_verbs[] = {
	{"ls", NULL, "[-a] [-q] [--format F]", "list volumes", volume_options_table},
	{"create", NULL, "NAME…", "make one", volume_options_table},
	{"inspect", NULL, "[-f F] NAME…", "say where it lies", inspect_options_table},
	{"rm", NULL, "[-f] NAME… | --all", "remove it with what is in it", volume_options_table},
	{"prune", NULL, "", "remove those that no container has", volume_options_table},
	{NULL, NULL, NULL, NULL, NULL},
};

struct volume_run {
	struct arena words;
	struct profile_variables variables;
	struct storage storage;
	bool all, quiet, force;
	const char *format;
};

static const char *time_text(struct arena *arena, int64_t when)
{
	char buffer[32] = "";
	struct tm parts;
	time_t seconds = (time_t)when;

	if (gmtime_r(&seconds, &parts))
		(void)strftime(buffer, sizeof(buffer), "%Y-%m-%dT%H:%M:%SZ", &parts);
	return arena_copy(arena, buffer);
}

static int print_volumes(struct volume_run *run, const struct volume *volumes, size_t count,
	const char *format, struct err *reterr)
{
	static const char *const fields[] = {"Name", "CreatedAt", "Mountpoint", NULL};
	static const char *const titles[] = {"VOLUME NAME", "CREATED", NULL, NULL};
	struct table table = {.fields = fields, .titles = titles, .format = format};
	const char *(*rows)[TABLE_FIELDS] = arena_zeroed(&run->words, count + 1, sizeof(*rows));

	if (!rows)
		return err_no_memory(reterr);
	for (size_t i = 0; i < count; i++) {
		rows[i][0] = volumes[i].name;
		rows[i][1] = time_text(&run->words, volumes[i].created);
		rows[i][2] = volumes[i].path;
		if (!rows[i][1])
			return err_no_memory(reterr);
	}
	return table_print(&table, (const char *const(*)[TABLE_FIELDS])rows, count, stdout, reterr);
}

static int list(struct volume_run *run, struct err *reterr)
{
	struct volume *volumes = NULL;
	size_t count = 0;
	int r = volume_list(&run->storage, run->all, &run->words, &volumes, &count, reterr);

	return r < 0 ? r
		     : print_volumes(
			       run, volumes, count, run->quiet ? "{{.Name}}" : run->format, reterr);
}

static int create(struct volume_run *run, const char *name, struct err *reterr)
{
	int r = volume_create(&run->storage, name, reterr);

	return r < 0 ? r : printf("%s\n", name) < 0 ? -EIO : 0;
}

/* Those that are there, in one array as docker and podman have it; an error for each other one. */
static int inspect(struct volume_run *run, int argc, char **argv)
{
	struct volume *volumes = arena_zeroed(&run->words, (size_t)argc + 1, sizeof(*volumes));
	size_t count = 0;
	struct err err = {0};
	int code = 0;

	if (!volumes) {
		(void)err_no_memory(&err);
		return print_error(&err);
	}
	for (int i = 0; i < argc; i++) {
		err = (struct err){0};
		if (volume_find(&run->storage, argv[i], &run->words, &volumes[count], &err) < 0)
			code = print_error(&err);
		else
			count++;
	}
	err = (struct err){0};
	if (count &&
		print_volumes(run, volumes, count, run->format ? run->format : "json", &err) < 0)
		code = print_error(&err);
	return code;
}

static int remove_one(struct volume_run *run, const char *name, struct err *reterr)
{
	int r = volume_remove(&run->storage, name, reterr);

	if (r == -ENOENT && run->force)
		return 0;
	return r < 0 ? r : printf("%s\n", name) < 0 ? -EIO : 0;
}

/* those in use stay, and that is no error of a prune; one that another process removes at the same
 * time is what was wanted */
static int remove_all(struct volume_run *run, bool prune, struct err *reterr)
{
	struct volume *volumes = NULL;
	size_t count = 0;
	int r = volume_list(&run->storage, true, &run->words, &volumes, &count, reterr);

	for (size_t i = 0; i < count && r == 0; i++) {
		r = remove_one(run, volumes[i].name, reterr);
		if (r == -ENOENT || (r == -EBUSY && prune)) {
			*reterr = (struct err){0};
			r = 0;
		}
	}
	return r;
}

static int prune(struct volume_run *run, struct err *reterr)
{
	volume_sweep(&run->storage, UINT_MAX);
	return remove_all(run, true, reterr);
}

static int each(struct volume_run *run, int argc, char **argv,
	int (*one)(struct volume_run *run, const char *name, struct err *reterr))
{
	int code = 0;

	for (int i = 0; i < argc; i++) {
		struct err err = {0};

		if (one(run, argv[i], &err) < 0)
			code = print_error(&err);
	}
	return code;
}

static int run_verb(struct volume_run *run, const char *verb, int argc, char **argv)
{
	bool none = argc == 0;
	struct err err = {0};
	int r = 0;

	if (strcmp(verb, "ls") == 0 && none)
		r = list(run, &err);
	else if (strcmp(verb, "prune") == 0 && none)
		r = prune(run, &err);
	else if (strcmp(verb, "rm") == 0 && none && run->all)
		r = remove_all(run, false, &err);
	else if (strcmp(verb, "create") == 0 && !none)
		return each(run, argc, argv, create);
	else if (strcmp(verb, "inspect") == 0 && !none)
		return inspect(run, argc, argv);
	else if (strcmp(verb, "rm") == 0 && !none && !run->all)
		return each(run, argc, argv, remove_one);
	else {
		r = err_set(&err, -EINVAL, "volume",
			"expected ls, create, inspect, rm or prune, and "
			"names where they are needed");
		err_hint(&err, "`immure help volume` tells each");
	}
	return r < 0 ? print_error(&err) : 0;
}

int cli_volume(int argc, char **argv)
{
	static struct given_option given[OPTIONS_ROOM];
	static struct volume_run run;
	const char *storage = NULL, *verb;
	struct err err = {0};
	size_t count = 0;
	int r = place_take_option(&argc, &argv, &storage, &err), taken;

	verb = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
	if (r < 0)
		return print_error(&err);
	if (verb[0]) {
		argc--;
		argv++;
	}
	taken = options_parse_all(
		strcmp(verb, "inspect") == 0 ? inspect_options_table : volume_options_table, argc,
		argv, given, &count, &err);
	if (taken < 0)
		return print_error(&err);
	for (size_t i = 0; i < count; i++) {
		run.all |= given[i].option->identifier == OPTION_ALL;
		run.quiet |= given[i].option->identifier == OPTION_QUIET;
		run.force |= given[i].option->identifier == OPTION_FORCE;
		if (given[i].option->identifier == OPTION_FORMAT)
			run.format = given[i].value;
		if (given[i].option->identifier == OPTION_STORAGE)
			storage = given[i].value;
	}
	surroundings_variables(&run.words, &run.variables);
	if (place_open(&run.variables, storage, &run.words, &run.storage, &err) < 0)
		return print_error(&err);
	return run_verb(&run, verb, argc - taken, argv + taken);
}
