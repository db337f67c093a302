/*
 * The part of TOML that registries.conf is written in: tables, arrays of tables, strings, booleans,
 * integers, arrays and inline tables; no dates, no fractions, no multi-line strings. Debian 12 has
 * no TOML library for C. The tree is jansson's. Pure. Second program only.
 */
#ifndef IMMURE_IMAGE_MIRROR_TOML_H
#define IMMURE_IMAGE_MIRROR_TOML_H

#include <jansson.h>
#include <stddef.h>

#include "util/err.h"

#define TOML_BYTES ((size_t)1024 * 1024)

/* A new reference to the root table, or NULL with reterr, whose `where` is name:line. Refuses keys
 * and tables that are there twice, text that is not UTF-8, and more than 100,000 values. */
json_t *toml_read(const char *name, const char *text, size_t length, struct err *reterr);

#endif
