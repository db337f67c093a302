/*
 * What the profile parser says of documents, one line each: "ok NAME", or "bad WHERE: MESSAGE
 * (HINT)". The documents are the files that are named, or, where none is, the lines of standard
 * input. For the scripts beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/load.h"
#include "util/arena.h"

static const struct profile_variables variables = {
	.cwd = "/work",
	.home = "/home/u",
	.user = "u",
	.xdg_cache = "/home/u/.cache",
	.xdg_config = "/nonexistent/config",
	.xdg_data = "/home/u/.local/share",
	.xdg_runtime = "/run/user/1000",
	.uid = 1000,
	.gid = 1000,
};

static void say(int r, const struct profile *profile, const struct err *err)
{
	if (r)
		(void)printf("bad %s: %s%s%s%s\n", err->where, err->message, *err->hint ? " (" : "",
			err->hint, *err->hint ? ")" : "");
	else
		(void)printf("ok %s\n", profile->name);
	(void)fflush(stdout);
}

static void judge(const char *path, char *text, size_t length)
{
	struct arena arena = {0};
	struct profile_library library = {0};
	struct profile profile;
	struct err err = {0};
	int r = path ? profile_load(path, &variables, &arena, &library, &profile, &err)
		     : profile_load_text(
			       "line", text, length, &variables, &arena, &library, &profile, &err);

	say(r, &profile, &err);
	profile_library_free(&library);
	arena_free(&arena);
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	for (int i = 1; i < argc; i++)
		judge(argv[i], NULL, 0);
	while (argc == 1 && (length = getline(&line, &size, stdin)) > 0) {
		size_t used = (size_t)length - (line[length - 1] == '\n');
		char *copy = strndup(line, used);

		if (!copy)
			return 1;
		judge(NULL, copy, used);
	}
	free(line);
	return 0;
}
