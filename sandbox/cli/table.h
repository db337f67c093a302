/* Records of our own, printed: as a table, as JSON, or by a template with {{.Field}}. */
#ifndef IMMURE_CLI_TABLE_H
#define IMMURE_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "util/err.h"

#define TABLE_FIELDS 16

struct table {
	const char *const *fields; /* "ID", "Names" …; NULL-terminated */
	const char *const *titles; /* of the columns that a plain table has, by field; NULL: none */
	const char *format;        /* NULL: a table; "json"; "table TEMPLATE"; else a template */
	bool no_heading;           /* of tables */
};

/* rows: count rows of a value a field. 0 or -errno with reterr, which tells the field that is
 * unknown. Values are escaped. */
int table_print(const struct table *table, const char *const (*rows)[TABLE_FIELDS], size_t count,
	FILE *out, struct err *reterr);

/* "3 minutes ago", into buffer; returns it. */
const char *table_age(long long then, long long now, char buffer[48]);

#endif
