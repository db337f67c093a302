/*
 * Debian compiles the launcher's libraries for glibc, with _FORTIFY_SOURCE: what prints or copies
 * there calls glibc's checking functions, which musl does not have. These check the same, and end
 * the program where a buffer is smaller than what is to go into it. The rest of what the libraries
 * ask of a C library is the same in both: tests/libraries holds the list.
 * Linux Standard Base 5.0, core, "Interfaces for libc".
 */
#include <stdio.h>

#ifndef __GLIBC__
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Nobody includes a declaration of these: the compiler of the libraries knew them. */
#define CHECKED(type, name, ...) \
	type name(__VA_ARGS__);  \
	type name(__VA_ARGS__)

CHECKED(int, __vsnprintf_chk, char *buffer, size_t size, int flag, size_t room, const char *format,
	va_list arguments)
{
	(void)flag;
	if (size > room)
		abort();
	/* a room that the compiler did not know is the largest number: musl prints nothing there */
	return vsnprintf(buffer, size < INT_MAX ? size : INT_MAX, format, arguments);
}

CHECKED(int, __snprintf_chk, char *buffer, size_t size, int flag, size_t room, const char *format,
	...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = __vsnprintf_chk(buffer, size, flag, room, format, arguments);
	va_end(arguments);
	return length;
}

CHECKED(int, __sprintf_chk, char *buffer, int flag, size_t room, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = __vsnprintf_chk(buffer, room, flag, room, format, arguments);
	va_end(arguments);
	if (length >= 0 && (size_t)length >= room)
		abort();
	return length;
}

CHECKED(int, __vfprintf_chk, FILE *out, int flag, const char *format, va_list arguments)
{
	(void)flag;
	return vfprintf(out, format, arguments);
}

CHECKED(int, __fprintf_chk, FILE *out, int flag, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = __vfprintf_chk(out, flag, format, arguments);
	va_end(arguments);
	return length;
}

CHECKED(int, __printf_chk, int flag, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = __vfprintf_chk(stdout, flag, format, arguments);
	va_end(arguments);
	return length;
}

CHECKED(int, __asprintf_chk, char **ret, int flag, const char *format, ...)
{
	va_list arguments;
	int length;

	(void)flag;
	va_start(arguments, format);
	length = vasprintf(ret, format, arguments);
	va_end(arguments);
	return length;
}

CHECKED(char *, __strncpy_chk, char *target, const char *source, size_t size, size_t room)
{
	if (size > room)
		abort();
	return strncpy(target, source, size);
}
#endif
