/*
 * The unit tests' harness: TAP on standard output, one line a check, and an exit status that is 0 only if every check held.
 *
 *	int main(void)
 *	{
 *		check(1 + 1 == 2, "sums");
 *		check_int(f(), -EINVAL, "f refuses %s", what);
 *		return check_done();
 *	}
 */
#ifndef IMMURE_TESTS_CHECK_H
#define IMMURE_TESTS_CHECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifdef IMMURE_MUTANTS
#include "util/mutant.h"

/* for tests/image/mutants */
__attribute__((constructor)) static void check_start(void)
{
	mutant_start();
}
#endif

static unsigned check_count, check_failures;

__attribute__((format(printf, 2, 0))) static inline bool check_v(bool holds, const char *format, va_list arguments)
{
	printf("%sok %u - ", holds ? "" : "not ", ++check_count);
	vprintf(format, arguments);
	putchar('\n');
	if (!holds)
		check_failures++;
	(void)fflush(stdout);
	return holds;
}

__attribute__((format(printf, 2, 3))) static inline bool check(bool holds, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	check_v(holds, format, arguments);
	va_end(arguments);
	return holds;
}

__attribute__((format(printf, 3, 4))) static inline bool check_int(long long is, long long want, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	check_v(is == want, format, arguments);
	va_end(arguments);
	if (is != want)
		printf("# is %lld, want %lld\n", is, want);
	return is == want;
}

__attribute__((format(printf, 3, 4))) static inline bool check_text(
	const char *is, const char *want, const char *format, ...)
{
	bool same = is && want ? strcmp(is, want) == 0 : is == want;
	va_list arguments;

	va_start(arguments, format);
	check_v(same, format, arguments);
	va_end(arguments);
	if (!same)
		printf("# is   \"%s\"\n# want \"%s\"\n", is ? is : "(null)", want ? want : "(null)");
	return same;
}

static inline int check_done(void)
{
	printf("1..%u\n", check_count);
	return check_failures || !check_count;
}

#endif
