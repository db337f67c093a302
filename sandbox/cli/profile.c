/* immure profile list | show | check | explain. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "host/host.h"
#include "isolation/seccomp.h"
#include "util/arena.h"
#include "util/text.h"

enum { OPTION_FORMAT, OPTION_ORIGINS };

static const struct option table[] = {
	{"format", 0, "text|json", "how to print", OPTION_FORMAT},
	{"origins", 0, NULL, "with each rule, where it was written (show)", OPTION_ORIGINS},
	{NULL, 0, NULL, NULL, 0},
};

struct request {
	struct arena arena;
	struct profile_variables variables;
	struct profile_library library;
	bool json, origins;
};

static int list(struct request *request, const char *name)
{
	struct profile_listing *listing;
	struct err err = {0};
	size_t count;
	json_t *all = json_array();

	(void)name;
	if (profile_list(&request->variables, &request->arena, &listing, &count, &err) < 0)
		return print_error(&err);
	for (size_t i = 0; i < count; i++) {
		char description[256];

		text_escape(listing[i].description ? listing[i].description : "",
			listing[i].description ? strlen(listing[i].description) : 0, description,
			sizeof(description));
		if (request->json)
			(void)json_array_append_new(
				all, json_pack("{ss ss ss}", "name", listing[i].name, "description",
					     description, "place", listing[i].place));
		else
			(void)printf(
				"%-16s %-24s %s\n", listing[i].name, listing[i].place, description);
	}
	if (request->json)
		return print_json(all);
	json_decref(all);
	return 0;
}

static int show(struct request *request, const char *name)
{
	struct profile profile;
	struct err err = {0};
	int r;

	if (profile_load(name, &request->variables, &request->arena, &request->library, &profile,
		    &err) < 0)
		return print_error(&err);
	r = profile_emit(&profile, request->origins, stdout);
	if (r == 0 || r == -EIO) /* which main() tells of */
		return 0;
	err_set(&err, r, name, "cannot be printed: %s", strerror(-r));
	return print_error(&err);
}

/* Which names are system calls is known to what makes the filter alone; the host is not asked. */
static int check_calls(const struct profile *profile, struct arena *arena, struct err *reterr)
{
	struct host host = {.seccomp = true};
	struct receipt receipt = {.arena = arena};
	struct seccomp_plan ignored;

	return seccomp_compile(profile, &host, arena, &receipt, &ignored, reterr);
}

static int check(struct request *request, const char *name)
{
	struct profile profile;
	struct err err = {0};

	if (profile_load(name, &request->variables, &request->arena, &request->library, &profile,
		    &err) < 0)
		return print_error(&err);
	if (check_calls(&profile, &request->arena, &err) < 0)
		return print_error(&err);
	(void)printf("%s: good\n", name);
	return 0;
}

static int explain(struct request *request, const char *name)
{
	char *const arguments[] = {(char *)"PROGRAM", NULL}, *const environment[] = {NULL};
	struct plan_request plan_request = {.arguments = arguments, .environment = environment};
	struct arena arena = {0};
	struct profile profile;
	struct host host;
	struct plan plan;
	struct err err = {0};
	int r = profile_load(
		name, &request->variables, &request->arena, &request->library, &profile, &err);

	if (r == 0)
		r = host_probe(plan_host_parts(&profile), &request->arena, &host, &err);
	if (r == 0 && profile.files.home == HOME_HOST)
		profile.files.home_source = request->variables.home;
	if (r == 0 && profile.files.home == HOME_PRIVATE) /* made by the first launch; what stands
							     for it here is only shown */
		profile.files.home_source = "/";
	if (r == 0)
		r = plan_compile(&profile, &host, &plan_request, &arena, &plan, &err);
	r = r < 0 ? print_error(&err) : print_plan(&plan, request->json);
	arena_free(&arena);
	return r;
}

static const struct {
	const char *name;
	bool wants_profile;
	int (*run)(struct request *request, const char *name);
} verbs_of_profile[] = {{"list", false, list}, {"show", true, show}, {"check", true, check},
	{"explain", true, explain}};

static int read_options(
	struct request *request, const struct given_option *given, size_t count, struct err *reterr)
{
	for (size_t i = 0; i < count; i++) {
		if (given[i].option->identifier == OPTION_ORIGINS)
			request->origins = true;
		else if (strcmp(given[i].value, "json") == 0)
			request->json = true;
		else if (strcmp(given[i].value, "text") != 0)
			return err_set(reterr, -EINVAL, "--format", "expected text or json");
	}
	return 0;
}

/* Options may stand before and after the name. */
static int read_words(
	struct request *request, int argc, char **argv, const char **ret_name, struct err *reterr)
{
	static struct given_option given[OPTIONS_ROOM]; /* too large for a stack; used once */
	size_t count;
	int words = 0;

	while (argc > 1) {
		int taken = options_parse(table, argc, argv, given, &count, reterr);

		if (taken < 0 || read_options(request, given, count, reterr) < 0)
			return -EINVAL;
		if (taken < argc && words++ == 0)
			*ret_name = argv[taken];
		else if (taken < argc)
			return err_set(reterr, -EINVAL, argv[taken], "one word too many");
		argc -= taken;
		argv += taken;
	}
	return 0;
}

int cli_profile(int argc, char **argv)
{
	struct request request = {.arena = {0}};
	const char *name = NULL;
	struct err err = {0};
	int r = EXIT_OWN_ERROR;
	size_t i = 0;

	while (argc > 1 && i < sizeof(verbs_of_profile) / sizeof(verbs_of_profile[0]) &&
		strcmp(argv[1], verbs_of_profile[i].name) != 0)
		i++;
	if (argc < 2 || i == sizeof(verbs_of_profile) / sizeof(verbs_of_profile[0])) {
		err_set(&err, -EINVAL, "profile", "expected list, show, check or explain");
		return print_error(&err);
	}
	if (read_words(&request, argc - 1, argv + 1, &name, &err) < 0)
		return print_error(&err);
	if (verbs_of_profile[i].wants_profile != (name != NULL)) {
		err_set(&err, -EINVAL, verbs_of_profile[i].name,
			name ? "takes no name" : "needs the name or the file of a profile");
		return print_error(&err);
	}
	surroundings_variables(&request.arena, &request.variables);
	r = verbs_of_profile[i].run(&request, name);
	profile_library_free(&request.library);
	arena_free(&request.arena);
	return r;
}
