/* Sorting by merging: see sort.h. */
#include "util/sort.h"

#include <string.h>

void sort_stably(void *elements, size_t count, size_t size, void *room,
	int (*compare)(const void *left, const void *right, void *context), void *context)
{
	size_t half = count / 2;
	char *to = elements, *right = to + half * size, *end = to + count * size;
	char *left = room, *left_end = left + half * size;

	if (count < 2)
		return;
	sort_stably(to, half, size, room, compare, context);
	sort_stably(right, count - half, size, room, compare, context);
	memcpy(left, to, half * size);
	for (; left < left_end; to += size) {
		/* an equal one of the left half goes first */
		char **from = right < end && compare(right, left, context) < 0 ? &right : &left;

		memcpy(to, *from, size);
		*from += size;
	} /* what is left of the right half is where it belongs */
}
