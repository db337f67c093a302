/* Names and numbers of system calls, per architecture. */
#ifndef IMMURE_ISOLATION_SYSCALL_TABLE_H
#define IMMURE_ISOLATION_SYSCALL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The number of name for a seccomp AUDIT_ARCH_* token: from libseccomp, and for calls newer than
 * the library from a table of our own (numbers from 424 on are the same everywhere we run). -1: the
 * architecture has no such call. -2: nobody knows the name.
 */
int syscall_number(uint32_t audit_architecture, const char *name);
#define SYSCALL_ABSENT (-1)
#define SYSCALL_UNKNOWN (-2)

/* The name of a number, or NULL. The string is static or the caller's to keep for good (a small
 * table is filled once). */
const char *syscall_name(uint32_t audit_architecture, int number);

/* The known name nearest to a mistyped one, or NULL. */
const char *syscall_nearest(const char *name);

/* The token of the architecture this program was built for. */
uint32_t syscall_native_architecture(void);

#endif
