/* immure help, immure version. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

int cli_version(int argc, char **argv)
{
	struct err err = {0};

	if (argc == 1)
		return printf("immure %s\n", IMMURE_VERSION) < 0 ? EXIT_OWN_ERROR : 0;
	err_set(&err, -EINVAL, argv[1], "version takes no more words");
	return print_error(&err);
}

/* A short form stands for one of the verbs of `image`. */
static const struct sub_verb *find_alias(const struct verb *verb)
{
	for (const struct sub_verb *sub = verb->subs; sub && sub->name; sub++)
		if (sub->alias && strcmp(sub->alias, verb->name) == 0)
			return sub;
	return NULL;
}

static void print_sub(const struct verb *verb, const struct sub_verb *sub)
{
	(void)printf(
		"immure %s %s %s\n  %s\n", verb->name, sub->name, sub->arguments, sub->summary);
	if (sub->options) {
		(void)printf("\n");
		options_print(sub->options, stdout);
	}
}

static void print_verb(const struct verb *verb)
{
	const struct sub_verb *alias = find_alias(verb);
	const struct option *options = alias ? alias->options : verb->options;

	(void)printf("immure %s %s\n  %s\n", verb->name, verb->arguments,
		alias ? alias->summary : verb->summary);
	for (const struct sub_verb *sub = alias ? NULL : verb->subs; sub && sub->name; sub++)
		(void)printf("%s  %-10s %s%s%s%s\n", sub == verb->subs ? "\n" : "", sub->name,
			sub->summary, sub->alias ? " (immure " : "", sub->alias ? sub->alias : "",
			sub->alias ? ")" : "");
	if (options) {
		(void)printf("\n");
		options_print(options, stdout);
	}
}

static int no_such_verb(const char *word)
{
	struct err err = {0};

	err_set(&err, -EINVAL, word, "there is no such verb");
	err_hint(&err, "`immure help` lists them");
	return print_error(&err);
}

int cli_help(int argc, char **argv)
{
	for (const struct verb *verb = verbs; argc > 1 && verb->name; verb++) {
		if (strcmp(verb->name, argv[1]) != 0)
			continue;
		if (argc == 2 || find_alias(verb)) {
			print_verb(verb);
			return 0;
		}
		for (const struct sub_verb *sub = verb->subs; sub && sub->name; sub++)
			if (strcmp(sub->name, argv[2]) == 0) {
				print_sub(verb, sub);
				return 0;
			}
		return no_such_verb(argv[2]);
	}
	if (argc > 1)
		return no_such_verb(argv[1]);
	(void)printf("immure: walls in a program that nobody should trust\n\n");
	for (const struct verb *verb = verbs; verb->name; verb++)
		(void)printf("  %-12s %s\n", verb->name, verb->summary);
	(void)printf("\n`immure help VERB` for one of them; immure(1) for the rest.\n");
	return 0;
}
