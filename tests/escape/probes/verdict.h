/*
 * What every probe says at its end: that it got through a wall, or that it was held. Anything else (no line at all, a crash) counts as
 * neither, so that a launcher that refuses everything scores nothing.
 */
#ifndef IMMURE_ESCAPE_VERDICT_H
#define IMMURE_ESCAPE_VERDICT_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((noreturn, format(printf, 1, 2))) static inline void escaped(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)fputs("ESCAPED: ", stdout);
	(void)vprintf(format, arguments);
	(void)putchar('\n');
	(void)fflush(stdout);
	_exit(10);
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void contained(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)fputs("CONTAINED: ", stdout);
	(void)vprintf(format, arguments);
	(void)putchar('\n');
	(void)fflush(stdout);
	_exit(0);
}

/* The attack could not even be set up: neither verdict. */
__attribute__((noreturn)) static inline void unclear(const char *what)
{
	(void)printf("UNCLEAR: %s: %s\n", what, strerror(errno));
	(void)fflush(stdout);
	_exit(20);
}

#endif
