/* The error object: see err.h. */
#include "util/err.h"

#include <stdarg.h>
#include <stdio.h>

void err_fill(struct err *err, int code, const char *where, const char *format, ...)
{
	va_list arguments;

	if (!err || err->code)
		return;
	err->code = code;
	(void)snprintf(err->where, sizeof(err->where), "%s", where ? where : "");
	va_start(arguments, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, arguments);
	va_end(arguments);
}

void err_hint(struct err *err, const char *format, ...)
{
	va_list arguments;

	if (!err || err->hint[0])
		return;
	va_start(arguments, format);
	(void)vsnprintf(err->hint, sizeof(err->hint), format, arguments);
	va_end(arguments);
}
