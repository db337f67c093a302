/*
 * The names of error and signal numbers, as <errno.h> and signal(7) spell them: glibc alone has
 * functions for that (strerrorname_np, sigabbrev_np).
 */
#ifndef IMMURE_UTIL_NUMBER_H
#define IMMURE_UTIL_NUMBER_H

/* "EPERM" for 1; NULL for what is no error number of Linux. Static. */
const char *number_error(int number);

/* strerror(3)'s text, or the name where the C library has none: musl has none for ELIBBAD (a loader
 * that is none) and EUCLEAN (a damaged file system), among others. Static. */
const char *number_error_text(int number);

/* "TERM" for 15, of the signals below 32; NULL for any other number. Static. */
const char *number_signal(int number);

#endif
