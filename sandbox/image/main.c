/*
 * immure-image: what reads the documents and archives of strangers. The launcher starts it in a
 * jail of its own (profiles/image-*.json); by hand it is of use to look for faults only.
 */
#include <stdio.h>
#include <string.h>

#include "util/mutant.h"

struct verb {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the verb's name; returns the exit code */
};

static int verb_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return printf("immure-image %s\n", IMMURE_VERSION) < 0;
}

static const struct verb verbs[] = {
	{"version", verb_version},
};

int main(int argc, char **argv)
{
	mutant_start();
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	(void)fprintf(stderr, "immure-image: this program is started by immure\n");
	return 125;
}
