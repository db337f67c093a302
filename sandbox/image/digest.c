/* The grammar of digests: see digest.h. */
#include "image/digest.h"

#include <errno.h>
#include <string.h>

#include "util/mutant.h"

static const struct {
	const char *prefix;
	size_t digits;
} algorithms[] = {{"sha256:", 64}, {"sha512:", 128}};

/* of an id that is not written whole: podman's least, and those of the longest digest */
#define SHORT_LEAST 3
#define SHORT_MOST 128

bool digest_is_valid(const char *text)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		size_t length = strlen(algorithms[i].prefix);

		if (strncmp(text, algorithms[i].prefix, length) == 0)
			return strlen(text + length) == algorithms[i].digits &&
			       (strspn(text + length, "0123456789abcdef") == algorithms[i].digits ||
				       mutant(MUTANT_DIGEST_GRAMMAR));
	}
	return false;
}

int digest_parse(const char *text, struct digest *ret)
{
	if (!digest_is_valid(text))
		return -EINVAL;
	(void)stpcpy(ret->text, text); /* its length has just been checked */
	return 0;
}

const char *digest_hex(const struct digest *digest)
{
	return digest->text + digest_algorithm_length(digest) + 1;
}

size_t digest_algorithm_length(const struct digest *digest)
{
	return strcspn(digest->text, ":");
}

const char *digest_short(const char *text)
{
	const char *digits = strncmp(text, "sha256:", 7) == 0 ? text + 7 : text;
	size_t length = strlen(digits);

	return length >= SHORT_LEAST && length <= SHORT_MOST &&
			       strspn(digits, "0123456789abcdef") == length
		       ? digits
		       : NULL;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return strcmp(a->text, b->text) == 0;
}
