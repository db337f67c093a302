/* immure help, immure version. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

int cli_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return printf("immure %s\n", IMMURE_VERSION) < 0 ? EXIT_OWN_ERROR : 0;
}

int cli_help(int argc, char **argv)
{
	for (const struct verb *verb = verbs; argc > 1 && verb->name; verb++) {
		if (strcmp(verb->name, argv[1]) != 0)
			continue;
		(void)printf("immure %s %s\n  %s\n", verb->name, verb->arguments, verb->summary);
		if (strcmp(verb->name, "jail") == 0) {
			(void)printf("\n");
			options_print(launch_options_table, stdout);
		}
		return 0;
	}
	if (argc > 1) {
		struct err err = {0};

		err_set(&err, -EINVAL, argv[1], "there is no such verb");
		print_error(&err);
		return EXIT_OWN_ERROR;
	}
	(void)printf("immure: walls in a program that nobody should trust\n\n");
	for (const struct verb *verb = verbs; verb->name; verb++)
		(void)printf("  %-12s %s\n", verb->name, verb->summary);
	(void)printf("\n`immure help VERB` for one of them; immure(1) for the rest.\n");
	return 0;
}
