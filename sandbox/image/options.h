/*
 * Options of the second program's verbs: "--name", "--name=VALUE", "--name VALUE", "-n", "-nVALUE",
 * flags joined ("-aq"), "--" ends them. They may stand anywhere among the operands, as podman and
 * docker allow.
 */
#ifndef IMMURE_IMAGE_OPTIONS_H
#define IMMURE_IMAGE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

struct arena;

struct option_texts {
	const char **items;
	size_t count;
};

enum option_kind {
	OPTION_FLAG, /* bool: --name, --name=true, --name=false */
	OPTION_TEXT, /* const char *: the last one counts */
	OPTION_TEXTS /* struct option_texts: each of them (arena's) */
};

struct option {
	const char *name; /* without dashes; NULL: only the letter */
	char letter;      /* 0: none */
	enum option_kind kind;
	void *value; /* bool *, const char **, struct option_texts * */
};

/*
 * Takes the options out of argv (argv[0] is the verb): what remains are operands, argv[1] to
 * argv[*argc - 1]. -EINVAL where one is unknown (the nearest one is named), lacks its value, or
 * where there are fewer operands than least or more than most.
 */
int options_take(const struct option *options, size_t count, struct arena *arena, int *argc,
	char **argv, int least, int most, struct err *reterr);

#endif
