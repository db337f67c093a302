/* The mutant build's switchboard; an empty file in every other build. See mutant.h. */
#include "util/mutant.h"

#ifdef IMMURE_MUTANTS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define X(name, word) word,
	MUTANTS_OF_JAILS(X) MUTANTS_OF_IMAGES(X)
#undef X
};
static bool active[MUTANT_COUNT]; /* set once, before anything else runs */

static void activate(const char *name)
{
	for (size_t i = 0; i < MUTANT_COUNT; i++)
		if (strcmp(names[i], name) == 0) {
			active[i] = true;
			return;
		}
	(void)fprintf(stderr, "immure: IMMURE_MUTANT: no guard is called %s\n", name);
	abort();
}

void mutant_start(void)
{
	char list[512];
	const char *value = getenv("IMMURE_MUTANT");
	char *rest = list;

	if (!value)
		return;
	(void)snprintf(list, sizeof(list), "%s", value);
	for (char *name = strsep(&rest, ","); name; name = strsep(&rest, ","))
		activate(name);
}

bool mutant(enum mutant which)
{
	return active[which];
}
#endif
