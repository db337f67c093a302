/*
 * Tables as docker and podman print them: columns as wide as their widest cell and two spaces more,
 * escaped. Second program only.
 */
#ifndef IMMURE_IMAGE_PRINT_TABLE_H
#define IMMURE_IMAGE_PRINT_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "util/err.h"

struct arena;

#define TABLE_COLUMNS 16

struct table {
	struct arena *arena;
	struct table_row {
		const char *cells[TABLE_COLUMNS]; /* NULL from the last one on */
	} * rows;
	size_t count;
};

/* A row of cells, which are copied (escaped); NULL ends them. 0 or -ENOMEM. */
int table_add(struct table *table, const char *const *cells);

/* The same from one text whose cells are divided by tabs. */
int table_add_line(struct table *table, const char *line);

void table_print(const struct table *table, FILE *file);

#endif
