/* Grammars of identifiers: see grammar.h. */
#include "profile/grammar.h"

#include <cap-ng.h>
#include <string.h>

#include "util/text.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

#define ERRNO_MAX 133 /* EHWPOISON, the last one that Linux has */

/* All of text is from the set, and it has 1 to maximum characters. */
static bool consists_of(const char *text, const char *set, size_t maximum)
{
	size_t length = strnlen(text, maximum + 1);

	return length && length <= maximum && strspn(text, set) == length;
}

bool grammar_profile_name(const char *text)
{
	return consists_of(text, LOWER UPPER DIGIT "_.+-", 64) && !strchr(".+-", text[0]) && !strstr(text, "..");
}

/* A number as text_parse_u64() takes it, in front of one of the characters of stop (or the end); moves *text behind it. */
static bool take_number(const char **text, uint64_t maximum, const char *stop, uint64_t *ret)
{
	char digits[24] = "";
	size_t length = strspn(*text, DIGIT);

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
	return grammar_profile_name(name) && !strchr(name, '.') && text_parse_u64(at + 1, 9999, &revision) == 0 && revision;
}

bool grammar_syscall_name(const char *text)
{
	return consists_of(text, LOWER DIGIT "_", 64);
}

bool grammar_environment_name(const char *text)
{
	return consists_of(text, LOWER UPPER DIGIT "_", 255) && !strchr(DIGIT, text[0]);
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
	return consists_of(text, LOWER UPPER DIGIT "_", 128) && strchr(LOWER UPPER, text[0]);
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
		if (*(*text)++ != 'c' || !take_number(text, 1023, ",.-", &value) || (int64_t)value <= before)
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
		const char *known = strerrorname_np(number);

		if (known && strcmp(known, name) == 0)
			return number;
	}
	return 0;
}

int grammar_capability(const char *name)
{
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	return consists_of(name, LOWER UPPER "_", 64) ? capng_name_to_capability(name) : -1;
}
