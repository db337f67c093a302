/* Tables: see print_table.h. */
#include "image/print_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/text.h"

static const char *copy_escaped(struct arena *arena, const char *text, size_t length)
{
	size_t room = 4 * length + 8; /* escaping makes four of one, at most */
	char *buffer = arena_zeroed(arena, room, 1);

	return !buffer                       ? NULL
	       : mutant(MUTANT_TABLE_ESCAPE) ? arena_copy_range(arena, text, length)
					     : text_escape(text, length, buffer, room);
}

int table_add(struct table *table, const char *const *cells)
{
	struct table_row *row = ARENA_APPEND(table->arena, table->rows, table->count);

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < TABLE_COLUMNS && cells[i]; i++) {
		row->cells[i] = copy_escaped(table->arena, cells[i], strlen(cells[i]));
		if (!row->cells[i])
			return -ENOMEM;
	}
	return 0;
}

int table_add_line(struct table *table, const char *line)
{
	struct table_row *row = ARENA_APPEND(table->arena, table->rows, table->count);

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < TABLE_COLUMNS; i++) {
		size_t length = strcspn(line, "\t");

		row->cells[i] = copy_escaped(table->arena, line, length);
		if (!row->cells[i])
			return -ENOMEM;
		if (!line[length])
			return 0;
		line += length + 1;
	}
	return 0;
}

void table_print(const struct table *table, FILE *file)
{
	size_t widths[TABLE_COLUMNS] = {0};

	for (size_t i = 0; i < table->count; i++)
		for (size_t j = 0; table->rows[i].cells[j]; j++)
			if (text_width(table->rows[i].cells[j]) > widths[j])
				widths[j] = text_width(table->rows[i].cells[j]);
	for (size_t i = 0; i < table->count; i++) {
		const char *const *cells = table->rows[i].cells;

		for (size_t j = 0; cells[j]; j++) {
			(void)fputs(cells[j], file);
			for (size_t pad = text_width(cells[j]); cells[j + 1] && pad < widths[j] + 2;
				pad++)
				(void)fputc(' ', file);
		}
		(void)fputc('\n', file);
	}
}
