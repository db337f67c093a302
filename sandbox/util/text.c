/* Grammars of numbers and words from outside, and printing that cannot move a terminal. See text.h.
 */
#include "util/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- numbers ---- */

/* Reads digits at *text into ret, at most maximum, and moves past them. 0, -EINVAL (no digit) or
 * -ERANGE. */
static int take_digits(const char **text, uint64_t maximum, uint64_t *ret)
{
	const char *at = *text;
	uint64_t value = 0;

	if (*at < '0' || *at > '9')
		return -EINVAL;
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*at - '0'), &value) ||
			value > maximum)
			return -ERANGE;
	*text = at;
	*ret = value;
	return 0;
}

/* A leading zero would be octal to one reader and decimal to the next: only "0" itself may begin
 * with one. */
static bool has_leading_zero(const char *text)
{
	return text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

int text_parse_u64(const char *text, uint64_t maximum, uint64_t *ret)
{
	uint64_t value;
	int r;

	if (has_leading_zero(text) || text[strspn(text, "0123456789")] != '\0')
		return -EINVAL;
	r = take_digits(&text, maximum, &value);
	if (r)
		return r;
	*ret = value;
	return 0;
}

/* Reads "12" or "12.345", with at most places behind the point, as value * scale, cut to a whole
 * number. */
static int take_decimal(const char **text, uint64_t scale, unsigned places, uint64_t *ret)
{
	uint64_t whole, part = 0, power = 1;
	const char *at = *text;
	int r = has_leading_zero(at) ? -EINVAL : take_digits(&at, UINT64_MAX, &whole);

	if (r)
		return r;
	if (*at == '.') {
		do {
			if (*++at < '0' || *at > '9' || places-- == 0)
				return -EINVAL;
			part = part * 10 + (uint64_t)(*at - '0');
			power *= 10;
		} while (at[1] >= '0' && at[1] <= '9');
		at++;
	}
	if (__builtin_mul_overflow(whole, scale, &whole) ||
		__builtin_add_overflow(whole, part * scale / power, &whole))
		return -ERANGE;
	*text = at;
	*ret = whole;
	return 0;
}

int text_parse_milli(const char *text, uint64_t *ret)
{
	uint64_t value;
	int r = take_decimal(&text, 1000, 3, &value);

	if (r || *text)
		return r ? r : -EINVAL;
	*ret = value;
	return 0;
}

struct unit {
	const char *word;
	uint64_t scale;
};

static const struct unit *unit_find(
	const struct unit *units, size_t count, const char *word, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(units[i].word) == length &&
			strncasecmp(units[i].word, word, length) == 0)
			return &units[i];
	return NULL;
}

int text_parse_size(const char *text, uint64_t *ret)
{
	static const struct unit units[] = {
		{"", 1},
		{"b", 1},
		{"k", 1ULL << 10},
		{"kb", 1ULL << 10},
		{"kib", 1ULL << 10},
		{"m", 1ULL << 20},
		{"mb", 1ULL << 20},
		{"mib", 1ULL << 20},
		{"g", 1ULL << 30},
		{"gb", 1ULL << 30},
		{"gib", 1ULL << 30},
		{"t", 1ULL << 40},
		{"tb", 1ULL << 40},
		{"tib", 1ULL << 40},
	};
	const char *suffix = text + strspn(text, "0123456789.");
	const struct unit *unit =
		unit_find(units, sizeof(units) / sizeof(units[0]), suffix, strlen(suffix));
	uint64_t value;
	int r = unit ? take_decimal(&text, unit->scale, 6, &value) : -EINVAL; /* 10^6 * 2^40 fits */

	if (r || text != suffix)
		return r ? r : -EINVAL;
	*ret = value;
	return 0;
}

int text_parse_duration(const char *text, uint64_t *ret_milliseconds)
{
	static const struct unit units[] = {
		{"d", 86400000},
		{"h", 3600000},
		{"m", 60000},
		{"min", 60000},
		{"s", 1000},
		{"ms", 1},
	};
	uint64_t total = 0, part, previous = UINT64_MAX;

	do {
		size_t letters;
		const struct unit *unit;
		int r = take_digits(&text, UINT64_MAX, &part);

		if (r)
			return r;
		letters = strspn(text, "dhminsDHMINS");
		unit = unit_find(units, sizeof(units) / sizeof(units[0]), text, letters);
		if (!letters && !*text && previous == UINT64_MAX)
			unit = &units[4]; /* a bare number is seconds */
		if (!unit || unit->scale >= previous)
			return -EINVAL; /* "1s5m" and "1m1m" are more likely slips than wishes */
		previous = unit->scale;
		if (__builtin_mul_overflow(part, unit->scale, &part) ||
			__builtin_add_overflow(total, part, &total))
			return -ERANGE;
		text += letters;
	} while (*text);
	*ret_milliseconds = total;
	return 0;
}

/* ---- words ---- */

#define NEAREST_LENGTH 48 /* longer words are nobody's typing error */

static unsigned minimum(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Edit distance with neighbouring letters swapped counted as one (optimal string alignment); both
 * shorter than NEAREST_LENGTH. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][NEAREST_LENGTH + 1]; /* the row before last, the last, this one */
	size_t width = strlen(b);

	for (unsigned j = 0; j <= width; j++)
		rows[1][j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		rows[2][0] = i;
		for (unsigned j = 1; j <= width; j++) {
			unsigned same = a[i - 1] == b[j - 1] ? 0 : 1;

			rows[2][j] = minimum(
				minimum(rows[1][j], rows[2][j - 1]) + 1, rows[1][j - 1] + same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				rows[2][j] = minimum(rows[2][j], rows[0][j - 2] + 1);
		}
		memcpy(rows[0], rows[1], sizeof(rows[0]));
		memcpy(rows[1], rows[2], sizeof(rows[1]));
	}
	return rows[1][width];
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
	size_t length = strlen(word);
	unsigned best = length < 3 ? 2
				   : minimum((unsigned)length / 3 + 1,
					     4); /* one more than what is near enough */
	const char *nearest = NULL;

	if (!length || length >= NEAREST_LENGTH)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		unsigned d;

		if (!words[i] || strlen(words[i]) >= NEAREST_LENGTH)
			continue;
		d = distance(word, words[i]);
		if (d < best) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}

char text_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c | 0x20);
	return c;
}

char text_upper(char c)
{
	if (c >= 'a' && c <= 'z')
		return (char)(c & ~0x20);
	return c;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_label_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-';
}

bool text_is_hostname(const char *text)
{
	char before = '.';
	size_t length = 0;

	for (; text[length]; before = text[length++]) {
		char c = text[length];

		if (length == 64 || (c != '.' && !is_label_character(c)))
			return false;
		if ((before == '.' && (c == '.' || c == '-')) || (before == '-' && c == '.'))
			return false; /* an empty label, or one with a hyphen at an end */
	}
	return length && before != '.' && before != '-';
}

/* ---- UTF-8 ---- */

/* Length of the well-formed character at text (RFC 3629: shortest form, no surrogate, at most
 * U+10FFFF), 0 where there is none. */
static size_t take_character(const char *text, size_t length, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)text[0];
	size_t count = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	uint32_t code = count == 1 ? first : first & (0x7fU >> count);

	if (first > 0xf4 || (first >= 0x80 && first < 0xc2) || count > length)
		return 0;
	for (size_t i = 1; i < count; i++) {
		unsigned char next = (unsigned char)text[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (next & 0x3f);
	}
	if (code < least[count] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret = code;
	return count;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

bool text_is_utf8(const char *text, size_t length)
{
	uint32_t code;
	size_t step;

	for (; length; text += step, length -= step) {
		step = take_character(text, length, &code);
		if (!step)
			return false;
	}
	return true;
}

size_t text_put_code(char *out, uint32_t code)
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = count; i > 1; i--, code >>= 6)
		out[i - 1] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(lead[count] | code);
	return count;
}

bool text_has_control(const char *text)
{
	size_t length = strlen(text), step;
	uint32_t code;

	for (; length; text += step, length -= step) {
		step = take_character(text, length, &code);
		if (!step || code < 0x20 || (code >= 0x7f && code < 0xa0))
			return true;
	}
	return false;
}

/* What changes the look of its neighbours or hides itself: controls, line separators, direction
 * marks and overrides, the BOM. */
static bool is_unsafe(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} unsafe[] = {
		{0x00, 0x1f},
		{0x7f, 0x9f},
		{0xad, 0xad},
		{0x61c, 0x61c},
		{0x180e, 0x180e},
		{0x200b, 0x200f},
		{0x2028, 0x202e},
		{0x2060, 0x206f},
		{0xfeff, 0xfeff},
		{0xfff9, 0xfffb},
		{0xe0000, 0xe007f},
	};

	for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		if (code >= unsafe[i].first && code <= unsafe[i].last)
			return true;
	return false;
}

/* One character, or one byte of what is none, as it may be printed: at most 4 * 4 bytes. Returns
 * how much of text it stands for. */
static size_t escape_one(const char *text, size_t length, char *piece, size_t *ret_size)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t code = 0;
	size_t step = take_character(text, length, &code), bytes = step ? step : 1;

	if (step && !is_unsafe(code)) {
		memcpy(piece, text, step);
		*ret_size = step;
		return step;
	}
	for (size_t i = 0; i < bytes; i++) {
		unsigned char byte = (unsigned char)text[i];

		piece[4 * i] = '\\';
		piece[4 * i + 1] = 'x';
		piece[4 * i + 2] = digits[byte >> 4];
		piece[4 * i + 3] = digits[byte & 15];
	}
	*ret_size = 4 * bytes;
	return bytes;
}

char *text_escape(const char *text, size_t length, char *buffer, size_t size)
{
	static const char ellipsis[] = "…";
	size_t used = 0, room = size > sizeof(ellipsis) ? size - sizeof(ellipsis)
							: 0; /* with the mark, and the NUL */
	size_t safe = 0; /* where the mark would go: the last boundary that leaves room for it */

	if (!size)
		return buffer;
	while (length) {
		char piece[16];
		size_t bytes, step = escape_one(text, length, piece, &bytes);

		if (used <= room)
			safe = used;
		if (bytes >= size - used)
			break;
		memcpy(buffer + used, piece, bytes);
		used += bytes;
		text += step;
		length -= step;
	}
	if (length && size > sizeof(ellipsis)) {
		memcpy(buffer + safe, ellipsis, sizeof(ellipsis) - 1);
		used = safe + sizeof(ellipsis) - 1;
	}
	buffer[used] = '\0';
	return buffer;
}
