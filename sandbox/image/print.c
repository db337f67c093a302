/* Standard error, and text of strangers: see print.h. */
#include "image/print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/text.h"

void print_text(FILE *file, const char *text)
{
	size_t length = strlen(text),
	       room = 4 * length + 8; /* escaping makes four of one, at most */
	char *buffer = malloc(room);

	(void)fputs(!buffer                       ? "(out of memory)"
		    : mutant(MUTANT_PRINT_ESCAPE) ? text
						  : text_escape(text, length, buffer, room),
		file);
	free(buffer);
}

/* Whether text, but for its newlines, is what text_escape() leaves as it is. */
static bool is_harmless(const char *text)
{
	size_t length = strlen(text), room = 4 * length + 8;
	char *escaped = malloc(room), *flat = strdup(text);
	bool harmless = false;

	if (escaped && flat) {
		for (char *c = flat; *c; c++)
			if (*c == '\n')
				*c = ' ';
		harmless = strcmp(text_escape(flat, length, escaped, room), flat) == 0;
	}
	free(escaped);
	free(flat);
	return harmless;
}

int print_json(FILE *file, const json_t *value, bool indented)
{
	size_t flags = JSON_ENCODE_ANY | (indented ? JSON_INDENT(4) : (size_t)0);
	_cleanup_free_ char *text = json_dumps(value, flags);

	if (text && !is_harmless(text)) {
		free(text);
		text = json_dumps(value, flags | JSON_ENSURE_ASCII);
	}
	if (!text)
		return -ENOMEM;
	for (const char *c = text; *c; c++)
		if (*c == 0x7f) /* which counts as ASCII */
			(void)fputs("\\u007f", file);
		else
			(void)fputc(*c, file);
	return 0;
}

void print_error(const struct err *err)
{
	(void)fputs("immure: ", stderr);
	if (err->where[0]) {
		print_text(stderr, err->where);
		(void)fputs(": ", stderr);
	}
	print_text(stderr, err->message[0] ? err->message : strerror(-err->code));
	(void)fputc('\n', stderr);
	if (!err->hint[0])
		return;
	(void)fputs("  ", stderr);
	print_text(stderr, err->hint);
	(void)fputc('\n', stderr);
}

void print_note(const char *format, ...)
{
	char line[1024];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	(void)fputs("immure: ", stderr);
	print_text(stderr, line);
	(void)fputc('\n', stderr);
}

char *print_size(uint64_t bytes, char buffer[PRINT_SIZE_ROOM])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1000;
	(void)snprintf(buffer, PRINT_SIZE_ROOM, unit ? "%.3g %s" : "%.0f %s", value, units[unit]);
	return buffer;
}

char *print_age(int64_t then, int64_t now, char buffer[PRINT_AGE_ROOM])
{
	static const struct {
		int64_t below, unit;
		const char *one, *many;
	} steps[] = {
		{60, 1, "second", "seconds"},
		{3600, 60, "minute", "minutes"},
		{(int64_t)48 * 3600, 3600, "hour", "hours"},
		{(int64_t)14 * 86400, 86400, "day", "days"},
		{(int64_t)60 * 86400, (int64_t)7 * 86400, "week", "weeks"},
		{(int64_t)730 * 86400, (int64_t)30 * 86400, "month", "months"},
		{INT64_MAX, (int64_t)365 * 86400, "year", "years"},
	};
	int64_t age = 0, count;
	size_t step = 0;

	if (then > now)
		return memcpy(buffer, "in the future", sizeof("in the future"));
	if (__builtin_sub_overflow(now, then, &age))
		age = INT64_MAX - 1;
	if (age < 1)
		return memcpy(buffer, "Less than a second ago", sizeof("Less than a second ago"));
	while (age >= steps[step].below)
		step++;
	count = age / steps[step].unit;
	(void)snprintf(buffer, PRINT_AGE_ROOM, "%" PRId64 " %s ago", count,
		count == 1 ? steps[step].one : steps[step].many);
	return buffer;
}

char *print_time(int64_t when, char buffer[PRINT_TIME_ROOM])
{
	time_t seconds = when;
	struct tm parts;

	if (!gmtime_r(&seconds, &parts) ||
		!strftime(buffer, PRINT_TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &parts))
		return memcpy(buffer, "unknown", sizeof("unknown"));
	return buffer;
}
