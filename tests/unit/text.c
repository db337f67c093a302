/* Grammars of numbers and words, and escaping: each branch that refuses, and the boundaries. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "util/text.h"

struct number {
	const char *text;
	int r;
	uint64_t value;
};

static void check_numbers(const char *what, int (*parse)(const char *, uint64_t *),
	const struct number *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 77;

		check_int(parse(numbers[i].text, &value), numbers[i].r, "%s of \"%s\"", what,
			numbers[i].text);
		check(value == (numbers[i].r ? 77 : numbers[i].value),
			"%s of \"%s\": the value, untouched on failure", what, numbers[i].text);
	}
}

static int parse_u64(const char *text, uint64_t *ret)
{
	return text_parse_u64(text, UINT64_MAX, ret);
}

static int parse_small(const char *text, uint64_t *ret)
{
	return text_parse_u64(text, 255, ret);
}

#define NUMBERS(what, parse, ...)                                                          \
	do {                                                                               \
		static const struct number numbers[] = {__VA_ARGS__};                      \
		check_numbers(what, parse, numbers, sizeof(numbers) / sizeof(numbers[0])); \
	} while (0)

static void test_numbers(void)
{
	NUMBERS("u64", parse_u64, {"0", 0, 0}, {"1", 0, 1}, {"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0}, {"99999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0}, {"-1", -EINVAL, 0}, {"+1", -EINVAL, 0}, {"01", -EINVAL, 0},
		{"00", -EINVAL, 0}, {" 1", -EINVAL, 0}, {"1 ", -EINVAL, 0}, {"0x1", -EINVAL, 0},
		{"1e1", -EINVAL, 0}, {"1.0", -EINVAL, 0}, {"1\n", -EINVAL, 0});
	NUMBERS("u8", parse_small, {"255", 0, 255}, {"256", -ERANGE, 0}, {"1000", -ERANGE, 0});
	NUMBERS("size", text_parse_size, {"0", 0, 0}, {"1024", 0, 1024}, {"512M", 0, 512ULL << 20},
		{"1.5G", 0, 3ULL << 29}, {"64KiB", 0, 65536}, {"64kb", 0, 65536}, {"10b", 0, 10},
		{"2T", 0, 2ULL << 40}, {"1.000001T", 0, (1ULL << 40) + 1099511},
		{"16777215T", 0, 16777215ULL << 40}, {"16777216T", -ERANGE, 0},
		{"1.0000001K", -EINVAL, 0}, {"", -EINVAL, 0}, {"M", -EINVAL, 0},
		{"1.M", -EINVAL, 0}, {".5M", -EINVAL, 0}, {"1..5M", -EINVAL, 0},
		{"1.5.5M", -EINVAL, 0}, {"1P", -EINVAL, 0}, {"1 M", -EINVAL, 0},
		{"-1M", -EINVAL, 0}, {"010M", -EINVAL, 0}, {"1Mi", -EINVAL, 0},
		{"99999999999999999999", -ERANGE, 0});
	NUMBERS("milli", text_parse_milli, {"0.5", 0, 500}, {"2", 0, 2000}, {"1.25", 0, 1250},
		{"0.001", 0, 1}, {"1.0001", -EINVAL, 0}, {"1.0000", -EINVAL, 0}, {"", -EINVAL, 0},
		{".5", -EINVAL, 0}, {"1.", -EINVAL, 0}, {"1.5x", -EINVAL, 0}, {"-1", -EINVAL, 0},
		{"18446744073709552", -ERANGE, 0});
	NUMBERS("duration", text_parse_duration, {"90", 0, 90000}, {"500ms", 0, 500},
		{"10s", 0, 10000}, {"5m", 0, 300000}, {"5min", 0, 300000}, {"2h", 0, 7200000},
		{"1d", 0, 86400000}, {"1m30s", 0, 90000}, {"1d1h1m1s1ms", 0, 90061001},
		{"0s", 0, 0}, {"", -EINVAL, 0}, {"s", -EINVAL, 0}, {"1x", -EINVAL, 0},
		{"1s1m", -EINVAL, 0}, {"1m1m", -EINVAL, 0}, {"1m30", -EINVAL, 0},
		{"1s ", -EINVAL, 0}, {"-1s", -EINVAL, 0}, {"1.5s", -EINVAL, 0},
		{"999999999999999999d", -ERANGE, 0}, {"99999999999999999999s", -ERANGE, 0});
}

static void test_nearest(void)
{
	static const char *const words[] = {"memory", "memory_high", "swap", "pids", "cpu", "rw",
		"ro", "nice", "a_word_that_is_so_long_that_nobody_would_ever_mistype_it"};
	static const struct {
		const char *word, *want;
	} cases[] = {
		{"memroy", "memory"},
		{"memory", "memory"},
		{"Memory", "memory"},
		{"swp", "swap"},
		{"wsap", "swap"},
		{"pid", "pids"},
		{"cpus", "cpu"},
		{"rx", "rw"},
		{"zzz", NULL},
		{"", NULL},
		{"completely different", NULL},
		{"q", NULL},
		{"an even longer word, with which nobody could have meant any of these", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_text(text_nearest(cases[i].word, words, sizeof(words) / sizeof(words[0])),
			cases[i].want, "nearest to \"%s\"", cases[i].word);
	check_text(text_nearest("a", NULL, 0), NULL, "nearest among nothing");
}

static void test_escape(void)
{
	static const struct {
		const char *text;
		size_t length;
		const char *want;
	} cases[] = {
		{"plain", 5, "plain"},
		{"é€😀", 9, "é€😀"},
		{"\x1b[31m", 5, "\\x1b[31m"},
		{"a\nb\tc\r", 6, "a\\x0ab\\x09c\\x0d"},
		{"\x7f", 1, "\\x7f"},
		{"\xc2\x9b", 2, "\\xc2\\x9b"},
		{"\xe2\x80\xae", 3, "\\xe2\\x80\\xae"},
		{"\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6"},
		{"\xef\xbb\xbf", 3, "\\xef\\xbb\\xbf"},
		{"\xff", 1, "\\xff"},
		{"\xe2\x82", 2, "\\xe2\\x82"},
		{"\xc0\xaf", 2, "\\xc0\\xaf"},
		{"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"},
		{"a\0b", 3, "a\\x00b"},
		{"", 0, ""},
	};
	char buffer[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_text(text_escape(cases[i].text, cases[i].length, buffer, sizeof(buffer)),
			cases[i].want, "escape %zu", i);
	check_text(text_escape("0123456789", 10, buffer, 11), "0123456789", "what fits is not cut");
	check_text(text_escape("0123456789", 10, buffer, 10), "012345…",
		"what does not fit is cut with a mark");
	check_text(
		text_escape("é\x1b\x1b", 4, buffer, 8), "é…", "an escape is not cut in the middle");
	check_text(text_escape("abc", 3, buffer, 3), "ab", "no room for the mark");
	check_text(text_escape("abc", 3, buffer, 1), "", "no room at all");
	for (size_t size = 1; size < 40; size++) {
		char *exact = malloc(size);

		if (!exact)
			break;
		(void)text_escape("\xe2\x80\xae\x1b[0m€ab😀\xff\xff", 18, exact, size);
		check(strlen(exact) < size && text_is_utf8(exact, strlen(exact)),
			"cut to %zu: whole characters", size);
		free(exact);
	}
}

static void test_words(void)
{
	static const char *const good[] = {"a", "a.b", "jail", "A-1.b-2", "0",
		"1234567890123456789012345678901234567890123456789012345678901234"};
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "-a", "a-", "a-.b", "a.-b",
		"a_b", "a/b", "a b", "a\n", "é",
		"12345678901234567890123456789012345678901234567890123456789012345"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check(text_is_hostname(good[i]), "host name %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(!text_is_hostname(bad[i]), "no host name: number %zu", i);
	check(text_is_utf8("é€😀\xf4\x8f\xbf\xbf", 13), "UTF-8 to the last character");
	check(text_is_utf8("", 0), "nothing is UTF-8");
	check(!text_is_utf8("\x80", 1) && !text_is_utf8("\xe0\x80\x80", 3) &&
			!text_is_utf8("\xf0\x80\x80\x80", 4),
		"no overlong forms");
	check(!text_is_utf8("\xc3", 1) && !text_is_utf8("\xc3(", 2) &&
			!text_is_utf8("\xf5\x80\x80\x80", 4),
		"no broken forms");
	check(!text_has_control("plain é"), "no control characters");
	check(text_has_control("\x01") && text_has_control("a\x7f") &&
			text_has_control("\xc2\x85") && text_has_control("\xff"),
		"controls");
	check(text_starts_with("x-note", "x-") && !text_starts_with("x", "x-") &&
			text_starts_with("", ""),
		"prefixes");
}

static void test_code_points(void)
{
	static const struct {
		uint32_t code;
		const char *text;
	} cases[] = {{0x01, "\x01"}, {0x7f, "\x7f"}, {0x80, "\xc2\x80"}, {0x7ff, "\xdf\xbf"},
		{0x800, "\xe0\xa0\x80"}, {0xffff, "\xef\xbf\xbf"}, {0x10000, "\xf0\x90\x80\x80"},
		{0x10ffff, "\xf4\x8f\xbf\xbf"}};
	char out[8];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		out[text_put_code(out, cases[i].code)] = '\0';
		check_text(out, cases[i].text, "U+%04X", cases[i].code);
	}
}

int main(void)
{
	test_numbers();
	test_nearest();
	test_escape();
	test_words();
	test_code_points();
	return check_done();
}
