/* Tables, JSON and templates: see table.h. */
#include "cli/table.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

#define WIDEST 80

static const char *shown(const char *text, char buffer[1024])
{
	return text_escape(text, strlen(text), buffer, 1024);
}

static void print_cell(const char *text, size_t column, bool last, FILE *out)
{
	size_t used = text_width(text);

	(void)fputs(text, out);
	if (!last)
		(void)fprintf(out, "%*s", used < column ? (int)(column - used) + 2 : 2, "");
}

static size_t column_width(const struct table *table, size_t field,
	const char *const (*rows)[TABLE_FIELDS], size_t count)
{
	size_t widest = text_width(table->titles[field]);
	char clean[1024];

	for (size_t i = 0; i < count; i++) {
		size_t one = text_width(shown(rows[i][field], clean));

		widest = one > widest ? one : widest;
	}
	return widest > WIDEST ? WIDEST : widest;
}

static void print_table(
	const struct table *table, const char *const (*rows)[TABLE_FIELDS], size_t count, FILE *out)
{
	size_t widths[TABLE_FIELDS] = {0}, last = 0;
	char clean[1024];

	for (size_t field = 0; table->fields[field]; field++)
		if (table->titles[field]) {
			widths[field] = column_width(table, field, rows, count);
			last = field;
		}
	for (size_t field = 0; table->fields[field] && !table->no_heading; field++)
		if (table->titles[field])
			print_cell(table->titles[field], widths[field], field == last, out);
	if (!table->no_heading)
		(void)fputc('\n', out);
	for (size_t i = 0; i < count; i++) {
		for (size_t field = 0; table->fields[field]; field++)
			if (table->titles[field])
				print_cell(shown(rows[i][field], clean), widths[field],
					field == last, out);
		(void)fputc('\n', out);
	}
}

static int print_json(
	const struct table *table, const char *const (*rows)[TABLE_FIELDS], size_t count, FILE *out)
{
	json_t *array = json_array();
	char clean[1024];
	int r;

	for (size_t i = 0; i < count; i++) {
		json_t *row = json_object();

		for (size_t field = 0; table->fields[field]; field++)
			(void)json_object_set_new(row, table->fields[field],
				json_string(shown(rows[i][field], clean)));
		(void)json_array_append_new(array, row);
	}
	r = array ? json_dumpf(array, out, JSON_INDENT(2)) : -1;
	json_decref(array);
	return r || fputc('\n', out) == EOF ? -EIO : 0;
}

/* The field that "{{ .Name }}" at text names, and how long that is; -1 with reterr. */
static int find_field(
	const struct table *table, const char *text, size_t *ret_length, struct err *reterr)
{
	const char *end = strstr(text, "}}"), *name = text + 2 + strspn(text + 2, " ");
	size_t length = end && *name == '.' ? strcspn(name + 1, " }") : 0;

	for (size_t i = 0; length && table->fields[i]; i++)
		if (strlen(table->fields[i]) == length &&
			strncmp(table->fields[i], name + 1, length) == 0) {
			*ret_length = (size_t)(end + 2 - text);
			return (int)i;
		}
	(void)err_set(reterr, -EINVAL, "--format", "\"%.*s\": there is no such field",
		(int)(end ? end + 2 - text : 2), text);
	return -1;
}

static int print_row(const struct table *table, const char *const row[TABLE_FIELDS], FILE *out,
	struct err *reterr)
{
	char clean[1024];

	for (const char *c = table->format; *c;) {
		size_t length = 1;

		if (c[0] == '{' && c[1] == '{') {
			int field = find_field(table, c, &length, reterr);

			if (field < 0)
				return reterr->code;
			(void)fputs(shown(row[field], clean), out);
		} else if (c[0] == '\\' && (c[1] == 't' || c[1] == 'n')) {
			(void)fputc(c[1] == 't' ? '\t' : '\n', out);
			length = 2;
		} else {
			(void)fputc(*c, out);
		}
		c += length;
	}
	(void)fputc('\n', out);
	return 0;
}

/* A template that is wrong is told even where nothing is printed. */
static int check_template(const struct table *table, struct err *reterr)
{
	for (const char *c = strstr(table->format, "{{"); c; c = strstr(c + 2, "{{")) {
		size_t length;

		if (find_field(table, c, &length, reterr) < 0)
			return reterr->code;
	}
	return 0;
}

/* The heading of a field: its title, else its name in capitals. */
static void title_row(
	const struct table *table, char titles[TABLE_FIELDS][32], const char *ret[TABLE_FIELDS])
{
	for (size_t field = 0; field < TABLE_FIELDS; field++)
		ret[field] = "";
	for (size_t field = 0; table->fields[field]; field++) {
		const char *name = table->fields[field];
		size_t i = 0;

		for (; i < sizeof(titles[0]) - 1 && name[i]; i++)
			titles[field][i] = (char)toupper((unsigned char)name[i]);
		titles[field][i] = '\0';
		ret[field] = table->titles[field] ? table->titles[field] : titles[field];
	}
}

/* The lines of text with their tabs made to columns. text is changed. */
static void print_columns(char *text, FILE *out)
{
	size_t widths[TABLE_FIELDS] = {0};
	char *copy = strdup(text), *rest = copy, *cell;

	for (char *line; copy && (line = strsep(&rest, "\n"));)
		for (size_t i = 0; (cell = strsep(&line, "\t")); i++)
			if (i < TABLE_FIELDS && text_width(cell) > widths[i])
				widths[i] = text_width(cell);
	free(copy);
	rest = text;
	for (char *line; (line = strsep(&rest, "\n")) && rest;) {
		for (size_t i = 0; (cell = strsep(&line, "\t")); i++)
			print_cell(cell, i < TABLE_FIELDS ? widths[i] : 0, !line, out);
		(void)fputc('\n', out);
	}
}

/* "table TEMPLATE", as podman and docker have it: with headings, in columns. */
static int print_template_table(const struct table *table, const char *const (*rows)[TABLE_FIELDS],
	size_t count, FILE *out, struct err *reterr)
{
	struct table lines = *table;
	char *text = NULL, titles[TABLE_FIELDS][32];
	const char *heads[TABLE_FIELDS];
	size_t length = 0;
	FILE *memory = open_memstream(&text, &length);
	int r = 0;

	if (!memory)
		return err_no_memory(reterr);
	lines.format += strlen("table ");
	title_row(table, titles, heads);
	if (!table->no_heading)
		r = print_row(&lines, heads, memory, reterr);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = print_row(&lines, rows[i], memory, reterr);
	if (fclose(memory) && r == 0)
		r = err_no_memory(reterr);
	if (r == 0)
		print_columns(text, out);
	free(text);
	return r;
}

int table_print(const struct table *table, const char *const (*rows)[TABLE_FIELDS], size_t count,
	FILE *out, struct err *reterr)
{
	int r;

	if (!table->format) {
		print_table(table, rows, count, out);
		return 0;
	}
	if (strcmp(table->format, "json") == 0) {
		r = print_json(table, rows, count, out);
		return r < 0 ? err_set(reterr, r, NULL, "cannot write: %s", strerror(-r)) : 0;
	}
	r = check_template(table, reterr);
	if (r == 0 && text_starts_with(table->format, "table "))
		return print_template_table(table, rows, count, out, reterr);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = print_row(table, rows[i], out, reterr);
	return r;
}

const char *table_age(long long then, long long now, char buffer[48])
{
	static const struct {
		long long seconds;
		const char *one, *many;
	} units[] = {{31536000, "a year", "years"}, {2592000, "a month", "months"},
		{604800, "a week", "weeks"}, {86400, "a day", "days"}, {3600, "an hour", "hours"},
		{60, "a minute", "minutes"}, {1, "a second", "seconds"}};
	long long age = now > then ? now - then : 0;

	(void)snprintf(buffer, 48, "less than a second");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		long long number = age / units[i].seconds;

		if (number == 0)
			continue;
		if (number == 1)
			(void)snprintf(buffer, 48, "%s", units[i].one);
		else
			(void)snprintf(buffer, 48, "%lld %s", number, units[i].many);
		break;
	}
	return buffer;
}
