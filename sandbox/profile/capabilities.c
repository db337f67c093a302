/* The section "capabilities": what the program may do as if it were root, in the jail's user
 * namespace only. */
#include <cap-ng.h>
#include <string.h>

#include "profile/grammar.h"
#include "profile/sections.h"
#include "util/text.h"

#define CAPABILITIES 41 /* to CAP_CHECKPOINT_RESTORE, as Linux 6.18 has them: only for advice */

static int unknown(const struct cursor *at, const char *word)
{
	const char *names[CAPABILITIES];
	char lower[64] = "";
	size_t count = 0;

	if (strncasecmp(word, "CAP_", 4) == 0)
		word += 4;
	for (size_t i = 0; i < sizeof(lower) - 1 && word[i]; i++)
		lower[i] = text_lower(word[i]);
	for (unsigned i = 0; i < CAPABILITIES; i++) {
		names[count] = capng_capability_to_name(i);
		count += names[count] ? 1 : 0;
	}
	return cursor_unknown(at, "capability", lower, names, count);
}

static int capability_read(const struct cursor *at, void *into)
{
	uint64_t *keep = into;
	const char *word = NULL;
	int bit, r = cursor_text(at, &word);

	if (r)
		return r;
	bit = grammar_capability(word);
	if (bit < 0 || bit > 63)
		return unknown(at, word);
	*keep |= UINT64_C(1) << bit;
	return 0;
}

static int keep_read(const struct cursor *at, const struct field *field, void *into)
{
	uint64_t keep = 0;
	int r = cursor_elements(at, 64, capability_read, &keep);

	(void)field;
	if (!r)
		*(uint64_t *)into = keep;
	return r;
}

int capabilities_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD("keep", keep_read, struct capabilities_section, keep, ),
		FIELD("ambient", cursor_bool, struct capabilities_section, ambient, ),
	};
	struct capabilities_section *capabilities = into;
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), capabilities);

	(void)field;
	return r ? r : cursor_rule(at, &capabilities->rule);
}
