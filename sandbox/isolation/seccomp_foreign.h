/*
 * The 32-bit ABI of x86, where the same call has other forms: wider ones that took over (fcntl64,
 * clock_gettime64), and older ones whose arguments lie behind a pointer, which no filter can look
 * at. Used by the compiler of filters and by its reference alike.
 */
#ifndef IMMURE_ISOLATION_SECCOMP_FOREIGN_H
#define IMMURE_ISOLATION_SECCOMP_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

struct syscalls_section;

/* What a clause with conditions on the arguments of a call means for the other form of it. */
enum foreign_arguments {
	FOREIGN_SAME,  /* the same: the arguments that filters look at stand where they stood */
	FOREIGN_OTHER, /* they stand elsewhere: a denial holds whatever they are, a permission not
			  at all */
	FOREIGN_APART, /* nothing: the condition was about something that the form cannot do */
};

/* A clause that names `name` also means `form` on i386. */
struct foreign_form {
	char name[24], form[32];
	enum foreign_arguments arguments;
};

extern const struct foreign_form foreign_forms[];
extern const size_t foreign_form_count;

/* Calls of i386 that take their arguments behind a pointer. */
extern const char *const foreign_pointer_calls[];
extern const size_t foreign_pointer_call_count;

/* True where a clause of the policy has conditions on what the pointer call could do: the call is
 * then refused whole (R23, T-SEC-05). */
bool foreign_is_refused(const struct syscalls_section *policy, const char *pointer_call);

#endif
