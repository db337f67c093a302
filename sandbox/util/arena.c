/* Arena on anonymous mappings: whole pages, so that arena_protect() can seal them. See arena.h. */
#include "util/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK_SIZE ((size_t)64 * 1024)

struct arena_block {
	struct arena_block *next;
	size_t size; /* of the whole mapping */
	size_t used;
};

static size_t round_up(size_t value, size_t unit)
{
	return (value + unit - 1) / unit * unit;
}

static void *block_take(struct arena_block *block, size_t size)
{
	size_t start = round_up(block->used, alignof(max_align_t));

	if (start > block->size || size > block->size - start)
		return NULL;
	block->used = start + size;
	return (char *)block + start;
}

static struct arena_block *block_new(struct arena *arena, size_t size)
{
	size_t whole;
	struct arena_block *block;

	if (size > SIZE_MAX / 2)
		return NULL;
	whole = size + 2 * sizeof(*block) > BLOCK_SIZE ? round_up(size + 2 * sizeof(*block), 4096)
						       : BLOCK_SIZE;
	block = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (block == MAP_FAILED)
		return NULL;
	*block = (struct arena_block){.next = arena->blocks, .size = whole, .used = sizeof(*block)};
	arena->blocks = block;
	return block;
}

void *arena_zeroed(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	void *memory;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	memory = arena->blocks ? block_take(arena->blocks, bytes) : NULL; /* fresh pages are zero */
	if (memory)
		return memory;
	return block_new(arena, bytes) ? block_take(arena->blocks, bytes) : NULL;
}

char *arena_copy_range(struct arena *arena, const char *start, size_t length)
{
	char *copy = length < SIZE_MAX ? arena_zeroed(arena, length + 1, 1) : NULL;

	if (copy)
		memcpy(copy, start, length);
	return copy;
}

char *arena_copy(struct arena *arena, const char *string)
{
	return string ? arena_copy_range(arena, string, strlen(string)) : NULL;
}

char *arena_join(struct arena *arena, const char *first, const char *second)
{
	size_t head = strlen(first), tail = strlen(second);
	char *joined = arena_zeroed(arena, head + tail + 1, 1);

	if (joined) {
		memcpy(joined, first, head);
		memcpy(joined + head, second, tail);
	}
	return joined;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length >= 0)
		text = arena_zeroed(arena, (size_t)length + 1, 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	(void)vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}

int arena_protect(struct arena *arena)
{
	/* the list is walked before each block is sealed; sealed blocks stay readable, so the walk
	 * goes on */
	for (struct arena_block *block = arena->blocks; block; block = block->next)
		if (mprotect(block, block->size, PROT_READ))
			return -errno;
	return 0;
}

void arena_free(struct arena *arena)
{
	struct arena_block *next;

	for (struct arena_block *block = arena->blocks; block; block = next) {
		next = block->next;
		(void)munmap(block, block->size); /* fails only for an address that is no mapping */
	}
	arena->blocks = NULL;
}

void *arena_append(struct arena *arena, void *array_address, size_t *count, size_t size)
{
	char *array;
	bool full = (*count & (*count - 1)) == 0; /* 0, 1, 2, 4, 8 …: the capacity is used up */

	memcpy(&array, array_address, sizeof(array));
	if (full) {
		size_t capacity = *count ? *count * 2 : 1;
		char *grown = arena_zeroed(arena, capacity, size);

		if (!grown)
			return NULL;
		if (*count)
			memcpy(grown, array, *count * size);
		array = grown;
		memcpy(array_address, &array, sizeof(array));
	}
	return array + (*count)++ * size;
}
