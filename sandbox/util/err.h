/*
 * The one error object. It is caller-owned, filled once, where the detail is known, and printed
 * only by cli/. A diagnostic reads "immure: WHERE: MESSAGE" and, under it, "  HINT".
 */
#ifndef IMMURE_UTIL_ERR_H
#define IMMURE_UTIL_ERR_H

#include <errno.h>

struct err {
	int code;          /* negative errno; 0 while there is no error */
	char where[512];   /* file:line:column: /json/pointer, a path, or a --flag; may be empty */
	char message[512]; /* what is wrong, and what was expected */
	char hint[512];    /* what to do about it; may be empty */
};

/*
 * Fills err (which may be NULL) unless it already tells of an error, and is code, so that a failing
 * function can end with `return err_set(err, -EINVAL, where, "…", …)`. code must be negative; where
 * may be NULL. A macro, so that a compiler that looks for paths sees that what is returned is the
 * code.
 */
#define err_set(err, code, where, ...)                               \
	({                                                           \
		int err_set_code = (code);                           \
		err_fill((err), err_set_code, (where), __VA_ARGS__); \
		err_set_code;                                        \
	})
void err_fill(struct err *err, int code, const char *where, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The one thing there is to say of it. */
#define err_no_memory(err) err_set((err), -ENOMEM, NULL, "out of memory")

/* Adds advice to an error already set; the first advice stays. */
void err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
