/* Where a rule was written, in words. See rule.h. */
#include "profile/rule.h"

#include <stdio.h>
#include <string.h>

#include "util/json.h"
#include "util/text.h"

char *origin_format(const struct origin *origin, char *buffer, size_t size)
{
	const char *pointer = origin->pointer ? origin->pointer : "default";
	char safe[256];
	unsigned line, column;

	(void)text_escape(pointer, strlen(pointer), safe,
		sizeof(safe)); /* a key may hold what a terminal would obey */
	if (!origin->document)
		(void)snprintf(buffer, size, "%s", safe);
	else if (json_document_locate(origin->document, pointer, &line, &column))
		(void)snprintf(buffer, size, "%s:%u:%u: %s", origin->document->name, line, column,
			*safe ? safe : "/");
	else
		(void)snprintf(buffer, size, "%s: %s", origin->document->name, safe);
	return buffer;
}
