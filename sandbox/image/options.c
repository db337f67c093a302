/* The options of the verbs: see options.h. */
#include "image/options.h"

#include <errno.h>
#include <string.h>

#include "util/arena.h"
#include "util/text.h"

#define OPTIONS 32 /* that one verb may have */

struct taking {
	const struct option *options;
	size_t count;
	struct arena *arena;
	char **argv;
	int next; /* the word after the one that is being read */
	int argc;
	struct err *err;
};

static int store(struct taking *taking, const struct option *option, const char *value)
{
	struct option_texts *texts = option->value;
	const char **item;

	if (option->kind == OPTION_TEXT) {
		*(const char **)option->value = value;
		return 0;
	}
	item = ARENA_APPEND(taking->arena, texts->items, texts->count);
	if (!item)
		return err_no_memory(taking->err);
	*item = value;
	return 0;
}

static int store_flag(struct taking *taking, const struct option *option, const char *value)
{
	bool is = !value || strcmp(value, "true") == 0;

	if (value && !is && strcmp(value, "false") != 0)
		return err_set(taking->err, -EINVAL, option->name, "is \"true\" or \"false\"");
	*(bool *)option->value = is;
	return 0;
}

/* The value that follows, in the same word or the next one. */
static int store_next(
	struct taking *taking, const struct option *option, const char *word, const char *value)
{
	if (!value && taking->next < taking->argc)
		value = taking->argv[taking->next++];
	if (!value)
		return err_set(taking->err, -EINVAL, word, "needs a value");
	return store(taking, option, value);
}

static int unknown(struct taking *taking, const char *word)
{
	const char *names[OPTIONS], *near;
	size_t count = 0;

	for (size_t i = 0; i < taking->count && count < OPTIONS; i++)
		if (taking->options[i].name)
			names[count++] = taking->options[i].name;
	near = text_nearest(word + strspn(word, "-"), names, count);
	(void)err_set(taking->err, -EINVAL, word, "there is no such option");
	if (near)
		err_hint(taking->err, "did you mean --%s?", near);
	return -EINVAL;
}

static int take_long(struct taking *taking, const char *word)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const char *value = equals ? equals + 1 : NULL;

	for (size_t i = 0; i < taking->count; i++) {
		const struct option *option = &taking->options[i];

		if (!option->name || strlen(option->name) != length ||
			strncmp(option->name, name, length) != 0)
			continue;
		return option->kind == OPTION_FLAG ? store_flag(taking, option, value)
						   : store_next(taking, option, word, value);
	}
	return unknown(taking, word);
}

static int take_letters(struct taking *taking, const char *word)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option *option = NULL;

		for (size_t i = 0; i < taking->count && !option; i++)
			if (taking->options[i].letter == *letter)
				option = &taking->options[i];
		if (!option)
			return unknown(taking, word);
		if (option->kind != OPTION_FLAG)
			return store_next(taking, option, word, letter[1] ? letter + 1 : NULL);
		*(bool *)option->value = true;
	}
	return 0;
}

static int check_operands(int operands, int least, int most, const char *verb, struct err *reterr)
{
	if (operands < least)
		return err_set(reterr, -EINVAL, verb, "needs %s%d %s",
			least == most ? "" : "at least ", least, least == 1 ? "name" : "names");
	if (operands > most)
		return err_set(reterr, -EINVAL, verb,
			most ? "takes at most %d %s" : "takes no names", most,
			most == 1 ? "name" : "names");
	return 0;
}

int options_take(const struct option *options, size_t count, struct arena *arena, int *argc,
	char **argv, int least, int most, struct err *reterr)
{
	struct taking taking = {.options = options,
		.count = count,
		.arena = arena,
		.argv = argv,
		.next = 1,
		.argc = *argc,
		.err = reterr};
	int operands = 1, r = 0;

	while (taking.next < taking.argc) {
		char *word = argv[taking.next++];

		if (strcmp(word, "--") == 0) {
			while (taking.next < taking.argc)
				argv[operands++] = argv[taking.next++];
			break;
		}
		if (word[0] != '-' || !word[1]) {
			argv[operands++] = word;
			continue;
		}
		r = word[1] == '-' ? take_long(&taking, word) : take_letters(&taking, word);
		if (r < 0)
			return r;
	}
	argv[operands] = NULL;
	*argc = operands;
	return check_operands(operands - 1, least, most, argv[0], reterr);
}
