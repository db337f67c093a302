/* Grammars of identifiers: see grammar.h. */
#include "profile/grammar.h"

#include <cap-ng.h>
#include <string.h>

#include "util/number.h"
#include "util/text.h"

/*
 * Sets of characters, as bits of a table: a policy names hundreds of calls, on the way of every
 * launch, and strspn() builds a table of its own each time.
 */
enum { LOWER = 1, UPPER = 2, DIGIT = 4, UNDERSCORE = 8, PUNCTUATION = 16 /* . + - */ };

static const unsigned char character_sets[256] = {
	['a' ... 'z'] = LOWER,
	['A' ... 'Z'] = UPPER,
	['0' ... '9'] = DIGIT,
	['_'] = UNDERSCORE,
	['.'] = PUNCTUATION,
	['+'] = PUNCTUATION,
	['-'] = PUNCTUATION,
};

static bool is_in(char c, unsigned sets)
{
	return character_sets[(unsigned char)c] & sets;
}

#define ERRNO_MAX 133 /* EHWPOISON, the last one that Linux has */

/* All of text is from the sets, and it has 1 to maximum characters. */
static bool consists_of(const char *text, unsigned sets, size_t maximum)
{
	size_t length = 0;

	while (length <= maximum && is_in(text[length], sets))
		length++;
	return length && length <= maximum && !text[length];
}

bool grammar_profile_name(const char *text)
{
	return consists_of(text, LOWER | UPPER | DIGIT | UNDERSCORE | PUNCTUATION, 64) &&
	       !is_in(text[0], PUNCTUATION) && !strstr(text, "..");
}

/* A number as text_parse_u64() takes it, in front of one of the characters of stop (or the end);
 * moves *text behind it. */
static bool take_number(const char **text, uint64_t maximum, const char *stop, uint64_t *ret)
{
	char digits[24] = "";
	size_t length = strspn(*text, "0123456789");

	if (length >= sizeof(digits) || ((*text)[length] && !strchr(stop, (*text)[length])))
		return false;
	memcpy(digits, *text, length);
	*text += length;
	return text_parse_u64(digits, maximum, ret) == 0;
}

bool grammar_group_name(const char *text)
{
	const char *at = strchr(text, '@');
	uint64_t revision;
	char name[65] = "";

	if (!at || (size_t)(at - text) >= sizeof(name))
		return false;
	memcpy(name, text, (size_t)(at - text));
	return grammar_profile_name(name) && !strchr(name, '.') &&
	       text_parse_u64(at + 1, 9999, &revision) == 0 && revision;
}

bool grammar_syscall_name(const char *text)
{
	return consists_of(text, LOWER | DIGIT | UNDERSCORE, 64);
}

bool grammar_environment_name(const char *text)
{
	return consists_of(text, LOWER | UPPER | DIGIT | UNDERSCORE, 255) && !is_in(text[0], DIGIT);
}

bool grammar_environment_word(const char *text)
{
	return consists_of(text, LOWER | UPPER | DIGIT | UNDERSCORE | PUNCTUATION, 255) &&
	       !is_in(text[0], DIGIT | PUNCTUATION) && !strchr(text, '+');
}

bool grammar_cpuset(const char *text)
{
	uint64_t first, last;

	for (size_t count = 0; count < 256; count++) {
		if (!take_number(&text, 8191, "-,", &first))
			return false;
		last = first;
		if (*text == '-') {
			text++;
			if (!take_number(&text, 8191, ",", &last) || last <= first)
				return false;
		}
		if (!*text)
			return true;
		text++;
	}
	return false;
}

bool grammar_selinux_type(const char *text)
{
	return consists_of(text, LOWER | UPPER | DIGIT | UNDERSCORE, 128) &&
	       is_in(text[0], LOWER | UPPER);
}

/* "c1", "c1.c5", joined by commas, each beyond the last. */
static bool take_categories(const char **text)
{
	int64_t before = -1;
	uint64_t value = 0;

	do {
		bool range = **text == '.';

		if (before >= 0)
			(*text)++;
		if (*(*text)++ != 'c' || !take_number(text, 1023, ",.-", &value) ||
			(int64_t)value <= before)
			return false;
		if (range && **text == '.')
			return false; /* c1.c2.c3 */
		before = (int64_t)value;
	} while (**text == ',' || **text == '.');
	return true;
}

static bool take_level(const char **text)
{
	uint64_t sensitivity;

	if (*(*text)++ != 's' || !take_number(text, 15, ":-", &sensitivity))
		return false;
	if (**text != ':')
		return true;
	(*text)++;
	return take_categories(text);
}

bool grammar_selinux_level(const char *text)
{
	if (!take_level(&text))
		return false;
	if (*text == '-') {
		text++;
		if (!take_level(&text))
			return false;
	}
	return !*text;
}

bool grammar_mode(const char *text, mode_t maximum, mode_t *ret)
{
	size_t length = strnlen(text, 5);
	mode_t mode = 0;

	if (length < 3 || length > 4 || strspn(text, "01234567") != length)
		return false;
	for (; *text; text++)
		mode = mode << 3 | (mode_t)(*text - '0');
	if (mode & ~maximum)
		return false;
	*ret = mode;
	return true;
}

uint16_t grammar_errno(const char *name)
{
	for (uint16_t number = 1; number <= ERRNO_MAX; number++) {
		const char *known = number_error(number);

		if (known && strcmp(known, name) == 0)
			return number;
	}
	return 0;
}

int grammar_capability(const char *name)
{
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	return consists_of(name, LOWER | UPPER | UNDERSCORE, 64) ? capng_name_to_capability(name)
								 : -1;
}
