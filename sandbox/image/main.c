/*
 * immure-image: what reads the documents and archives of strangers. The launcher starts it in a
 * jail of its own (profiles/image-*.json); by hand it is of use to look for faults only.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "image/print.h"
#include "image/verbs.h"
#include "util/mutant.h"
#include "util/text.h"

enum need { NEEDS_NOTHING, NEEDS_STORAGE };

static const struct verb {
	const char *name;
	int (*run)(struct verb_context *context, int argc, char **argv);
	enum need need;
} verbs[] = {
	{"commit", verb_commit, NEEDS_STORAGE},
	{"diff", verb_diff, NEEDS_STORAGE},
	{"export", verb_export, NEEDS_NOTHING},
	{"history", verb_history, NEEDS_STORAGE},
	{"import", verb_import, NEEDS_STORAGE},
	{"inspect", verb_inspect, NEEDS_STORAGE},
	{"list", verb_list, NEEDS_STORAGE},
	{"load", verb_load, NEEDS_STORAGE},
	{"login", verb_login, NEEDS_NOTHING},
	{"logout", verb_logout, NEEDS_NOTHING},
	{"prune", verb_prune, NEEDS_STORAGE},
	{"push", verb_push, NEEDS_STORAGE},
	{"rm", verb_rm, NEEDS_STORAGE},
	{"rmi", verb_rm, NEEDS_STORAGE},
	{"rollback", verb_rollback, NEEDS_STORAGE},
	{"save", verb_save, NEEDS_STORAGE},
	{"tag", verb_tag, NEEDS_STORAGE},
	{"tree", verb_tree, NEEDS_STORAGE},
	{"pull", verb_pull, NEEDS_STORAGE},
	{"unpack", verb_unpack, NEEDS_STORAGE},
	{"verify", verb_verify, NEEDS_STORAGE},
	{"version", verb_version, NEEDS_NOTHING},
};

int verb_version(struct verb_context *context, int argc, char **argv)
{
	(void)context;
	(void)argc;
	(void)argv;
	return printf("immure-image %s\n", IMMURE_VERSION) < 0 ? -EIO : 0;
}

static const struct verb *find_verb(const char *word, struct err *reterr)
{
	const char *names[sizeof(verbs) / sizeof(verbs[0])], *near;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		names[i] = verbs[i].name;
		if (strcmp(word, verbs[i].name) == 0)
			return &verbs[i];
	}
	near = text_nearest(word, names, sizeof(verbs) / sizeof(verbs[0]));
	(void)err_set(reterr, -EINVAL, word, "there is no such verb");
	if (near)
		err_hint(reterr, "did you mean `%s`?", near);
	return NULL;
}

/* "--storage DIR" or "--storage=DIR" before the verb; *used words. */
static const char *take_storage(int argc, char **argv, int *used)
{
	static const char option[] = "--storage";
	size_t length = sizeof(option) - 1;

	*used = 1;
	if (argc < 2 || strncmp(argv[1], option, length) != 0)
		return NULL;
	if (argv[1][length] == '=') {
		*used = 2;
		return argv[1] + length + 1;
	}
	if (argv[1][length] || argc < 3)
		return NULL;
	*used = 3;
	return argv[2];
}

static int run(struct verb_context *context, int argc, char **argv)
{
	const struct verb *verb;
	const char *path;
	int used, r;

	path = take_storage(argc, argv, &used);
	if (argc <= used) {
		(void)err_set(&context->err, -EINVAL, NULL, "no verb was given");
		err_hint(&context->err,
			"this program is started by immure: see `immure help image`");
		return -EINVAL;
	}
	verb = find_verb(argv[used], &context->err);
	if (!verb)
		return -EINVAL;
	if (verb->need == NEEDS_STORAGE && !path)
		return err_set(&context->err, -EINVAL, "--storage",
			"%s needs the directory of the images", verb->name);
	if (verb->need == NEEDS_STORAGE) {
		r = storage_open(path, true, &context->storage, &context->err);
		if (r < 0)
			return r;
	}
	return verb->run(context, argc - used, argv + used);
}

int main(int argc, char **argv)
{
	struct verb_context context = {.storage = {.directory = -1}};
	int r;

	mutant_start();
	(void)umask(077); /* whatever is made here is its user's alone until somebody says more */
	r = run(&context, argc, argv);
	if (r < 0)
		print_error(&context.err);
	if (r >= 0 && fflush(stdout)) {
		(void)fprintf(stderr, "immure: standard output: %s\n", strerror(errno));
		r = -EIO;
	}
	storage_close(&context.storage);
	arena_free(&context.arena);
	return r < 0 ? EXIT_OWN_ERROR : r;
}
