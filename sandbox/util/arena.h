/*
 * Memory that lives as long as a launch: many allocations, one release. The plan is built in an
 * arena of its own, which is made read-only before the child is made, so that nothing can change it
 * between the check and the use.
 */
#ifndef IMMURE_UTIL_ARENA_H
#define IMMURE_UTIL_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
};

/* Zeroed memory for count elements of size bytes, aligned for any type; NULL when out of memory or
 * when the product overflows. */
void *arena_zeroed(struct arena *arena, size_t count, size_t size);

/* Copies of strings; NULL when out of memory (and for a NULL string). */
char *arena_copy(struct arena *arena, const char *string);
char *arena_copy_range(struct arena *arena, const char *start, size_t length);
char *arena_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Joins two strings; cheaper than arena_format, for paths on the way of every launch. */
char *arena_join(struct arena *arena, const char *first, const char *second);

/* Makes all of the arena's memory read-only. 0 or -errno. Nothing may be allocated from it
 * afterwards but by arena_free(). */
int arena_protect(struct arena *arena);

void arena_free(struct arena *arena);

/*
 * Appends room for one element to a growing array of *count elements, whose capacity is the next
 * power of two; evaluates to a zeroed element or NULL. Old arrays stay in the arena until it is
 * freed.
 */
void *arena_append(struct arena *arena, void *array_address, size_t *count, size_t size);
#define ARENA_APPEND(arena, array, count) \
	((__typeof__(array))arena_append((arena), &(array), &(count), sizeof(*(array))))

#endif
