/*
 * The templates of --format, as far as scripts use them: text, and between "{{" and "}}" one of
 *
 *	.A.B        a field, by its path ("." alone: the whole)
 *	json .A     the same as JSON
 *	len .A      how many characters, items or members
 *	index .A 0  an item, or a member by its "name"
 *	upper .A    lower .A
 *	join .A ","
 *
 * "\n" and "\t" stand for a new line and a tab, as in docker and podman. A field that is not there
 * is an error which names those that are; what is printed of a stranger's is escaped. Second
 * program only.
 */
#ifndef IMMURE_IMAGE_TEMPLATE_H
#define IMMURE_IMAGE_TEMPLATE_H

#include <jansson.h>

#include "util/err.h"

#define TEMPLATE_BYTES ((size_t)64 * 1024)        /* of the template */
#define TEMPLATE_OUTPUT ((size_t)4 * 1024 * 1024) /* of what one value comes to */

/* The text that value comes to, malloc'd. -EINVAL, or -EFBIG, with reterr. */
int template_render(const char *template, const json_t *value, char **ret_text, struct err *reterr);

#endif
