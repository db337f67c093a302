/* Sets of digests: see digest_set.h. */
#include "image/digest_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct digest *)a)->text, ((const struct digest *)b)->text);
}

int digest_set_add(struct digest_set *set, struct arena *arena, const struct digest *digest)
{
	struct digest *slot = ARENA_APPEND(arena, set->items, set->count);

	if (!slot)
		return -ENOMEM;
	*slot = *digest;
	set->sorted = false;
	return 0;
}

bool digest_set_has(struct digest_set *set, const struct digest *digest)
{
	if (!set->count)
		return false;
	if (!set->sorted)
		qsort(set->items, set->count, sizeof(*set->items), compare);
	set->sorted = true;
	return bsearch(digest, set->items, set->count, sizeof(*set->items), compare) != NULL;
}

int digest_from_hex(const char *hex, size_t length, struct digest *ret)
{
	char text[DIGEST_ROOM];

	if (length != 64 && length != 128)
		return -EINVAL;
	(void)snprintf(text, sizeof(text), "%s:%.*s", length == 64 ? "sha256" : "sha512",
		(int)length, hex);
	return digest_parse(text, ret);
}
