/* Options by table: see cli.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "cli/cli.h"
#include "util/text.h"

#define MOST_NAMES 128

static const struct option *find_name(const struct option *table, const char *name, size_t length)
{
	for (; table->name; table++)
		if (strlen(table->name) == length && strncmp(table->name, name, length) == 0)
			return table;
	return NULL;
}

static const struct option *find_letter(const struct option *table, char letter)
{
	for (; table->name; table++)
		if (table->letter && table->letter == letter)
			return table;
	return NULL;
}

static int unknown(const struct option *table, const char *word, size_t length, struct err *reterr)
{
	const char *names[MOST_NAMES];
	char name[64] = "";
	size_t count = 0;
	const char *near;

	for (; table->name && count < MOST_NAMES; table++)
		names[count++] = table->name;
	if (length < sizeof(name))
		memcpy(name, word, length);
	near = length > 1 ? text_nearest(name, names, count) : NULL;
	err_set(reterr, -EINVAL, NULL, "unknown option %s%.*s", length > 1 ? "--" : "-",
		(int)length, word);
	if (near)
		err_hint(reterr, "did you mean --%s?", near);
	else
		err_hint(reterr, "options of the program itself go after its name, or after --");
	return -EINVAL;
}

/* value: of an option that takes one, else NULL, "true", or "false" for nothing. */
static int take(const struct option *option, const char *value, struct given_option *given,
	size_t *count, struct err *reterr)
{
	bool off = !option->argument && value && strcmp(value, "false") == 0;

	if (option->argument && !value)
		return err_set(
			reterr, -EINVAL, NULL, "--%s needs %s", option->name, option->argument);
	if (!option->argument && value && !off && strcmp(value, "true") != 0)
		return err_set(reterr, -EINVAL, NULL, "--%s takes no value but true or false",
			option->name);
	if (*count == OPTIONS_ROOM)
		return err_set(reterr, -E2BIG, NULL, "more than %d options", OPTIONS_ROOM);
	if (!off)
		given[(*count)++] = (struct given_option){option, option->argument ? value : NULL};
	return 0;
}

/* "--name", "--name=value", "--name value": how many words it takes. */
static int parse_long(const struct option *table, char **word, struct given_option *given,
	size_t *count, struct err *reterr)
{
	const char *name = word[0] + 2;
	size_t length = strcspn(name, "=");
	const struct option *option = find_name(table, name, length);
	const char *value = name[length] ? name + length + 1 : NULL;
	bool apart = option && option->argument && !value;
	int r = option ? take(option, apart ? word[1] : value, given, count, reterr)
		       : unknown(table, name, length, reterr);

	return r < 0 ? r : apart ? 2 : 1;
}

/* "-it", "-v value", "-vvalue", "-v=value", "-i=true": the same; several options may stand in it.
 */
static int parse_letters(const struct option *table, char **word, struct given_option *given,
	size_t *count, struct err *reterr)
{
	for (const char *letter = word[0] + 1; *letter; letter++) {
		const struct option *option = find_letter(table, *letter);
		const char *value = letter[1] == '='                          ? letter + 2
				    : option && option->argument && letter[1] ? letter + 1
									      : NULL;
		bool apart = option && option->argument && !value;
		int r = option ? take(option, apart ? word[1] : value, given, count, reterr)
			       : unknown(table, letter, 1, reterr);

		if (r < 0 || apart || value)
			return r < 0 ? r : apart ? 2 : 1;
	}
	return 1;
}

static int parse_one(const struct option *table, char **word, struct given_option *given,
	size_t *count, struct err *reterr)
{
	return (word[0][1] == '-' ? parse_long : parse_letters)(table, word, given, count, reterr);
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

int options_parse(const struct option *table, int argc, char **argv, struct given_option *given,
	size_t *ret_count, struct err *reterr)
{
	size_t count = 0;
	int i = 1;

	while (i < argc && is_option(argv[i])) {
		int taken;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		taken = parse_one(table, argv + i, given, &count, reterr);
		if (taken < 0)
			return taken;
		i += taken;
	}
	*ret_count = count;
	return i;
}

/* The word goes before the count words that stand before it. */
static void move_before(char **word, int count)
{
	char *moved = *word;

	memmove(word - count + 1, word - count, (size_t)count * sizeof(*word));
	word[-count] = moved;
}

int options_parse_all(const struct option *table, int argc, char **argv, struct given_option *given,
	size_t *ret_count, struct err *reterr)
{
	size_t count = 0;
	int i = 1, operands = 0;

	while (i < argc) {
		bool end = strcmp(argv[i], "--") == 0;
		int taken = 1;

		if (!is_option(argv[i])) {
			operands++;
			i++;
			continue;
		}
		if (!end)
			taken = parse_one(table, argv + i, given, &count, reterr);
		if (taken < 0)
			return taken;
		for (; taken > 0; taken--)
			move_before(&argv[i++], operands);
		if (end)
			break;
	}
	*ret_count = count;
	return i - operands;
}

void options_print(const struct option *table, FILE *out)
{
	for (; table->name; table++) {
		char left[64];
		size_t width;

		if (table->identifier < 0)
			continue;
		(void)snprintf(left, sizeof(left), "%c%c%c --%s%s%s", table->letter ? '-' : ' ',
			table->letter ? table->letter : ' ', table->letter ? ',' : ' ', table->name,
			table->argument ? " " : "", table->argument ? table->argument : "");
		width = text_width(left);
		(void)fprintf(out, "  %s%*s %s\n", left, width < 34 ? (int)(34 - width) : 0, "",
			table->summary);
	}
}
