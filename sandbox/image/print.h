/*
 * What the second program says on standard error, and how it puts text of strangers on a terminal:
 * always escaped (T-REG-34). Results go to standard output, by print_text() and print_table.h.
 */
#ifndef IMMURE_IMAGE_PRINT_H
#define IMMURE_IMAGE_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "util/err.h"

#define EXIT_OWN_ERROR 125

/* "immure: WHERE: MESSAGE" and, under it, "  HINT", on standard error. */
void print_error(const struct err *err);

/* One line on standard error, "immure: …", escaped and cut at 1 KiB. */
void print_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* text, whatever its length, with what could move a terminal escaped. */
void print_text(FILE *file, const char *text);

/* JSON, in which nothing could move a terminal either; indented, or on one line. No newline at the
 * end. 0 or -ENOMEM. */
int print_json(FILE *file, const json_t *value, bool indented);

/* "1.23 kB", "97.4 MB": decimal units and three or four digits, as docker and podman print sizes.
 */
#define PRINT_SIZE_ROOM 24
char *print_size(uint64_t bytes, char buffer[PRINT_SIZE_ROOM]);

/* "3 weeks ago", "Less than a second ago", as docker and podman print ages. then, now: seconds of
 * the epoch. */
#define PRINT_AGE_ROOM 40
char *print_age(int64_t then, int64_t now, char buffer[PRINT_AGE_ROOM]);

/* "2026-11-21T12:06:30Z". */
#define PRINT_TIME_ROOM 32
char *print_time(int64_t when, char buffer[PRINT_TIME_ROOM]);

#endif
