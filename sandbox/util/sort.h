/*
 * Sorting where the order of what compares as equal counts. qsort(3) promises none: glibc's keeps
 * it, most of the time, and musl's does not.
 */
#ifndef IMMURE_UTIL_SORT_H
#define IMMURE_UTIL_SORT_H

#include <stddef.h>

/*
 * Sorts count elements of size bytes; equal ones stay in their order. room: for half of them,
 * rounded down. compare is qsort_r(3)'s.
 */
void sort_stably(void *elements, size_t count, size_t size, void *room,
	int (*compare)(const void *left, const void *right, void *context), void *context);

#endif
