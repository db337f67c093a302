/* See report.h. */
#include "util/report.h"

#include <stdarg.h>
#include <stdio.h>

void report_row(
	struct report *report, const char *place, const char *action, const char *format, ...)
{
	char detail[1024];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	report->row(report, action, detail, place);
}
