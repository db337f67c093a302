/* Names of numbers: against the C library's own where it has them, the bounds, and that no name is cut short. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "check.h"
#include "util/number.h"

int main(void)
{
	check(strcmp(number_error(1), "EPERM") == 0 && strcmp(number_error(133), "EHWPOISON") == 0, "the first and the last error");
	check(strcmp(number_error(131), "ENOTRECOVERABLE") == 0, "the longest error");
	check(strcmp(number_error(11), "EAGAIN") == 0 && strcmp(number_error(95), "EOPNOTSUPP") == 0, "of two names the usual one");
	check(!number_error(0) && !number_error(-1) && !number_error(134) && !number_error(4095), "no error: 0, below, above");
	check(!number_error(41) && !number_error(58), "no error: the holes of the numbering");
	check(strcmp(number_signal(1), "HUP") == 0 && strcmp(number_signal(31), "SYS") == 0, "the first and the last signal");
	check(!number_signal(0) && !number_signal(-1) && !number_signal(32) && !number_signal(34), "no signal: 0, below, real-time ones");
	for (int number = 1; number < 134; number++)
		check(!number_error(number) || strcmp(number_error_text(number), strerror(0)) != 0, "error %d has a text", number);
	check(strcmp(number_error_text(EPERM), "Operation not permitted") == 0, "the C library's where it has one");
	check(number_error_text(4095) != NULL, "and something for what is no error");
#ifdef __GLIBC__
	for (int number = -1; number < 200; number++) {
		const char *ours = number_error(number), *theirs = number ? strerrorname_np(number) : NULL;

		check((!ours && !theirs) || (ours && theirs && strcmp(ours, theirs) == 0), "error %d as glibc names it", number);
	}
	for (int number = 1; number < 32; number++)
		check(number_signal(number) && strcmp(number_signal(number), sigabbrev_np(number)) == 0, "signal %d as glibc names it", number);
#endif
	return check_done();
}
