/* One function per kind of identifier in a profile (R38 of the threat catalogue). All take any
 * string and never look behind its NUL. */
#ifndef IMMURE_PROFILE_GRAMMAR_H
#define IMMURE_PROFILE_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A profile: 1 to 64 of [A-Za-z0-9_.+-], not beginning with a dot, hyphen or plus, with no "..". */
bool grammar_profile_name(const char *text);

/* A system call group: a profile's name without dots, "@", and a number from 1 to 9999. */
bool grammar_group_name(const char *text);

/* A system call: [a-z0-9_]{1,64}. */
bool grammar_syscall_name(const char *text);

/* An environment variable: [A-Za-z_][A-Za-z0-9_]{0,254}. */
bool grammar_environment_name(const char *text);
/* The same, with "." and "-" after the first letter: what programs in images are configured with
 * ("discovery.type"), though no shell can name it. */
bool grammar_environment_word(const char *text);

/* A CPU list as cpuset(7) takes it: "0-3,7", each number at most 8191, ranges upwards. */
bool grammar_cpuset(const char *text);

/* A type of an SELinux policy: [A-Za-z][A-Za-z0-9_]{0,127}. */
bool grammar_selinux_type(const char *text);

/* An MLS or MCS level or range: "s0", "s0:c1,c2", "s0-s0:c0.c1023": sensitivities to 15, categories
 * to 1023, upwards. */
bool grammar_selinux_level(const char *text);

/* 3 or 4 octal digits, at most maximum. */
bool grammar_mode(const char *text, mode_t maximum, mode_t *ret);

/* The number of "EPERM" (the caller's own list is the C library's), 0 when there is none of that
 * name. */
uint16_t grammar_errno(const char *name);

/* The bit of a capability, "CAP_CHOWN", "chown"; -1 when there is none. */
int grammar_capability(const char *name);

#endif
