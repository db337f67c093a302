/* ${…} in a profile: a fixed list of names, no defaults, no nesting, no shell. */
#ifndef IMMURE_PROFILE_VARIABLES_H
#define IMMURE_PROFILE_VARIABLES_H

struct cursor;

/*
 * Replaces each ${name} of text by its value and each $$ by a dollar, once: what a value holds is
 * not looked at again. ret lives in the arena (or is text itself where there is no dollar:
 * borrowed). A variable that is unknown or not set is an error.
 */
int variables_expand(const struct cursor *at, const char *text, const char **ret);

#endif
