/* Options, templates, tables, sizes and ages of the second program. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "image/options.h"
#include "image/print.h"
#include "image/print_table.h"
#include "image/template.h"
#include "util/arena.h"

/* ---- options ---- */

struct taken {
	bool flag, other;
	const char *text;
	struct option_texts texts;
	int argc, result;
	struct err err;
};

static struct taken take(struct arena *arena, char **words, int least, int most)
{
	struct taken taken = {.argc = 0};
	const struct option options[] = {
		{"flag", 'f', OPTION_FLAG, &taken.flag},
		{"other", 'o', OPTION_FLAG, &taken.other},
		{"text", 't', OPTION_TEXT, &taken.text},
		{"more", 'm', OPTION_TEXTS, &taken.texts},
		{NULL, 'x', OPTION_FLAG, &taken.other},
	};

	while (words[taken.argc])
		taken.argc++;
	taken.result = options_take(options, 5, arena, &taken.argc, words, least, most, &taken.err);
	return taken;
}
#define TAKE(least, most, ...) \
	take(&arena, words = (char *[]){"verb", __VA_ARGS__, NULL}, least, most)

static void check_options(void)
{
	struct arena arena = {0};
	struct taken taken;
	char **words;

	taken = TAKE(0, 9, "a", "--flag", "b", "--text", "1", "--text=2", "-m3", "-m", "4",
		"--more=", "-");
	check(taken.result == 0 && taken.flag && taken.argc == 4 && !words[4],
		"options among operands");
	check(!strcmp(words[1], "a") && !strcmp(words[2], "b") && !strcmp(words[3], "-"),
		"leave those");
	check_text(taken.text, "2", "the last text counts");
	check(taken.texts.count == 3 && !strcmp(taken.texts.items[0], "3") &&
			!strcmp(taken.texts.items[1], "4") && !*taken.texts.items[2],
		"of several texts each does");
	taken = TAKE(0, 9, "-fot", "x");
	check(taken.flag && taken.other && taken.text && !strcmp(taken.text, "x"),
		"letters joined");
	taken = TAKE(0, 9, "-f", "--flag=false", "--", "--flag", "-x");
	check(!taken.flag && !taken.other && taken.argc == 3, "behind -- all are operands");
	taken = TAKE(0, 9, "-x");
	check(taken.other, "one that has a letter only");
	taken = TAKE(0, 9, "--flg");
	check(taken.result == -EINVAL && strstr(taken.err.hint, "--flag"),
		"an unknown one, and the nearest");
	taken = TAKE(0, 9, "-q");
	check_int(taken.result, -EINVAL, "an unknown letter");
	taken = TAKE(0, 9, "--text");
	check_int(taken.result, -EINVAL, "a missing value");
	taken = TAKE(0, 9, "-t");
	check_int(taken.result, -EINVAL, "a missing value of a letter");
	taken = TAKE(0, 9, "--flag=maybe");
	check_int(taken.result, -EINVAL, "a flag that is neither");
	taken = TAKE(0, 9, "--fla");
	check_int(taken.result, -EINVAL, "names are not cut short");
	taken = TAKE(2, 2, "a");
	check_int(taken.result, -EINVAL, "too few operands");
	taken = TAKE(0, 1, "a", "b");
	check_int(taken.result, -EINVAL, "too many operands");
	taken = TAKE(0, 0, "a");
	check_int(taken.result, -EINVAL, "operands where there are none");
	arena_free(&arena);
}

/* ---- templates ---- */

static void check_templates(void)
{
	/* want NULL: refused, and the message says message */
	static const struct {
		const char *template, *want, *message;
	} rows[] = {
		{"", "", NULL},
		{"plain", "plain", NULL},
		{"{{.ID}}", "abc", NULL},
		{"{{ .ID }}", "abc", NULL},
		{"{{.ID}}:{{.Config.User}}\\t{{.Size}}\\n", "abc:root\t12\n", NULL},
		{"\\x", "\\x", NULL},
		{"}}", "}}", NULL},
		{"{{.Names}}", "[a b]", NULL},
		{"{{.Config}}", "map[User:root On:true None:<nil>]", NULL},
		{"{{json .Names}}", "[\"a\", \"b\"]", NULL},
		{"{{json .ID}}", "\"abc\"", NULL},
		{"{{len .Names}} {{len .ID}} {{len .Config}}", "2 3 3", NULL},
		{"{{index .Names 1}}", "b", NULL},
		{"{{index .Config \"User\"}}", "root", NULL},
		{"{{upper .ID}}{{lower .Config.User}}", "ABCroot", NULL},
		{"{{join .Names \", \"}}", "a, b", NULL},
		{"{{json .}}", NULL, NULL},
		{"{{.Bad}}", "\\x1b]52;c;eA==\\x07", NULL},
		{"{{json .Bad}}", "\"\\u001B]52;c;eA==\\u0007\"", NULL},
		{"{{.Wrong}}", NULL, "there are: ID, Size, Names, Config, Bad"},
		{"{{.Config.Wrong}}", NULL, "there are: User, On, None"},
		{"{{.ID.Below}}", NULL, "no object"},
		{"{{.Names.0}}", NULL, "no object"},
		{"{{.}", NULL, "without its"},
		{"{{", NULL, "without its"},
		{"{{}}", NULL, "no field"},
		{"{{  }}", NULL, "no field"},
		{"{{ID}}", NULL, "begin with a dot"},
		{"{{..}}", NULL, "no such field"},
		{"{{.ID.}}", NULL, NULL},
		{"{{shell .ID}}", NULL, "no function"},
		{"{{json}}", NULL, "begin with a dot"},
		{"{{json .ID .ID}}", NULL, "another number"},
		{"{{index .Names}}", NULL, "another number"},
		{"{{index .Names 2}}", NULL, "beyond"},
		{"{{index .Names -1}}", NULL, "no index"},
		{"{{index .Config \"x\"}}", NULL, "beyond"},
		{"{{join .ID \",\"}}", NULL, "array"},
		{"{{upper .Size}}", NULL, "no text"},
		{"{{join .Names \"x}}", NULL, "too much"},
		{"{{a b c d e}}", NULL, "too much"},
		{"{{range .Names}}x{{end}}", NULL, "no function"},
	};
	json_t *value = json_pack("{ss si s[ss] s{ss sb sn} ss}", "ID", "abc", "Size", 12, "Names",
		"a", "b", "Config", "User", "root", "On", 1, "None", "Bad", "\x1b]52;c;eA==\a");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL;
		struct err err = {0};
		int r = template_render(rows[i].template, value, &text, &err);

		if (!rows[i].want && !rows[i].message) {
			check(r == 0 || err.message[0], "%s is either done or refused",
				rows[i].template);
		} else if (rows[i].want) {
			check_text(text, rows[i].want, "%s", rows[i].template);
		} else {
			check(r == -EINVAL && strstr(err.message, rows[i].message), "refuses %s",
				rows[i].template);
			if (r != -EINVAL || !strstr(err.message, rows[i].message))
				printf("# %d %s: %s\n", r, err.where, err.message);
		}
		free(text);
	}
	{
		char *big = malloc(TEMPLATE_BYTES + 2), *text = NULL;

		memset(big, 'x', TEMPLATE_BYTES + 1);
		big[TEMPLATE_BYTES + 1] = '\0';
		check_int(template_render(big, value, &text, NULL), -EFBIG,
			"no longer template than 64 KiB");
		free(big);
	}
	json_decref(value);
}

/* ---- tables and the rest ---- */

static void check_tables(void)
{
	struct arena arena = {0};
	struct table table = {.arena = &arena};
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);

	check(file && table_add(&table, (const char *[]){"NAME", "X", NULL}) == 0 &&
			table_add(&table, (const char *[]){"größer", "\x1b[2J", NULL}) == 0 &&
			table_add_line(&table, "a\tb") == 0 && table_add_line(&table, "") == 0,
		"rows");
	table_print(&table, file);
	(void)fclose(file);
	check_text(text, "NAME    X\ngrößer  \\x1b[2J\na       b\n\n",
		"columns by characters, escaped");
	free(text);
	arena_free(&arena);
}

static void check_texts(void)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {{0, "0 B"}, {999, "999 B"}, {1000, "1 kB"}, {1234, "1.23 kB"},
		{97400000, "97.4 MB"}, {5000000000, "5 GB"}, {UINT64_MAX, "18.4 EB"}};
	static const struct {
		int64_t age;
		const char *text;
	} ages[] = {{-5, "in the future"}, {0, "Less than a second ago"}, {1, "1 second ago"},
		{59, "59 seconds ago"}, {60, "1 minute ago"}, {3600, "1 hour ago"},
		{90000, "25 hours ago"}, {3 * 86400, "3 days ago"}, {21 * 86400, "3 weeks ago"},
		{90 * 86400, "3 months ago"}, {800 * 86400, "2 years ago"}};
	char buffer[64];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check_text(print_size(sizes[i].bytes, buffer), sizes[i].text, "%s", sizes[i].text);
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
		check_text(print_age(1000000000 - ages[i].age, 1000000000, buffer), ages[i].text,
			"%s", ages[i].text);
	check(print_age(INT64_MIN, INT64_MAX, buffer) && strstr(buffer, "years ago"),
		"all the time there is");
	check_text(print_time(1795262790, buffer), "2026-11-21T12:06:30Z", "a time");
	check(print_time(INT64_MAX, buffer) != NULL, "one that no calendar has");
}

int main(void)
{
	check_options();
	check_templates();
	check_tables();
	check_texts();
	return check_done();
}
