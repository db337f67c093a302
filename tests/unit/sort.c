/* Stable sorting: every length up to some, many equal keys, no byte beyond the elements and half of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "util/sort.h"

#define MOST 70

struct element {
	int key, place;
	char rest[3]; /* a size that is no power of two */
};

static int compare_keys(const void *left, const void *right, void *context)
{
	const struct element *a = left, *b = right;

	(*(size_t *)context)++;
	return (a->key > b->key) - (a->key < b->key);
}

static bool sorted(const struct element *elements, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (elements[i - 1].key > elements[i].key ||
			(elements[i - 1].key == elements[i].key && elements[i - 1].place >= elements[i].place))
			return false;
	return true;
}

int main(void)
{
	uint32_t random = 1;

	for (size_t count = 0; count <= MOST; count++) {
		/* malloc'd to the byte: the build with AddressSanitizer sees what goes beyond */
		struct element *elements = malloc(count * sizeof(*elements) + !count);
		struct element *room = malloc(count / 2 * sizeof(*room) + (count < 2));
		size_t compared = 0;
		bool right = elements && room;

		for (int keys = 1; keys < 20 && right; keys += 6) {
			for (size_t i = 0; i < count; i++) {
				random = random * 1664525 + 1013904223;
				elements[i] = (struct element){.key = (int)(random >> 16) % keys, .place = (int)i, .rest = "ab"};
			}
			sort_stably(elements, count, sizeof(*elements), room, compare_keys, &compared);
			right = sorted(elements, count);
			for (size_t i = 0; i < count; i++)
				right &= strcmp(elements[i].rest, "ab") == 0;
		}
		check(right, "%zu elements: in order, equal ones as they were", count);
		check(compared <= count * 7 * 4, "%zu elements: n log n", count);
		free(elements);
		free(room);
	}
	return check_done();
}
