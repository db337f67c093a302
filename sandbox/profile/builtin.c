/* Look-ups in the documents that travel inside the binary. See builtin.h. */
#include "profile/builtin.h"

#include <string.h>

#include "profile/load.h"

const char *builtin_text(const char *path, size_t *ret_length)
{
	for (size_t i = 0; i < builtin_count; i++)
		if (strcmp(builtin_entries[i].path, path) == 0) {
			*ret_length = builtin_entries[i].length;
			return builtin_entries[i].text;
		}
	return NULL;
}

const char *builtin_path(size_t index)
{
	return index < builtin_count ? builtin_entries[index].path : NULL;
}
