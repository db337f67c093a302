/*
 * immure image and its short forms: the second program's verbs. What they print is its own; the
 * launcher opens the files that are named, since the jail sees none of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/launching.h"
#include "cli/place.h"
#include "cli/verbs.h"
#include "util/text.h"

/*
 * The second program parses these; the launcher has them for help and completion, and takes out
 * only what names a file of the caller's.
 */
#define STORAGE_OPTION                                                    \
	{                                                                 \
		"storage", 0, "DIR", "where images and containers lie", 0 \
	}
#define OPTIONS_END                    \
	{                              \
		NULL, 0, NULL, NULL, 0 \
	}
#define REGISTRY_OPTIONS                                                                    \
	{"authfile", 0, "FILE", "credentials (else where podman and docker keep them)", 0}, \
	{                                                                                   \
		"tls-verify", 0, "true|false",                                              \
			"check certificates (default: as registries.conf says)", 0          \
	}
#define FORMAT_OPTION(letter)                                                \
	{                                                                    \
		"format", letter, "json|TEMPLATE",                           \
			"JSON, or a line each: {{.ID}} {{.Repository}} …", 0 \
	}

static const struct option list_options[] = {
	{"all", 'a', NULL, "those without a name, too", 0},
	{"quiet", 'q', NULL, "ids only", 0},
	{"no-trunc", 0, NULL, "whole ids", 0},
	{"digests", 0, NULL, "digests of manifests, too", 0},
	{"noheading", 'n', NULL, "no line of titles", 0},
	{"filter", 'f', "KEY=VALUE", "only those", 0},
	FORMAT_OPTION(0),
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option pull_options[] = {
	{"platform", 0, "OS/ARCH[/VARIANT]", "of an image that is there for several", 0},
	{"policy", 0, "always|missing|never", "when to fetch (default: always)", 0},
	{"quiet", 'q', NULL, "no progress", 0},
	REGISTRY_OPTIONS,
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option push_options[] = {
	{"quiet", 'q', NULL, "no progress", 0},
	REGISTRY_OPTIONS,
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option plain_options[] = {STORAGE_OPTION, OPTIONS_END};
static const struct option rm_image_options[] = {
	{"force", 'f', NULL, "by its id even where it has several names", 0},
	{"all", 'a', NULL, "every image", 0},
	{"ignore", 'i', NULL, "one that is not there is no error", 0},
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option inspect_options[] = {
	FORMAT_OPTION('f'),
	{"type", 't', "image", "accepted for habit", 0},
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option history_options[] = {
	{"no-trunc", 0, NULL, "whole lines", 0},
	{"quiet", 'q', NULL, "ids only", 0},
	{"human", 'H', NULL, "sizes and times for people", 0},
	FORMAT_OPTION(0),
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option save_options[] = {
	{"output", 'o', "FILE|DIR", "write there (else to standard output)", 0},
	{"format", 0, "FORM", "docker-archive, oci-archive, or docker-dir or oci-dir into DIR", 0},
	{"multi-image-archive", 'm', NULL, "accepted for habit: several names are always taken", 0},
	{"quiet", 'q', NULL, "no progress", 0},
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option load_options[] = {
	{"input", 'i', "FILE|DIR", "read it (else standard input)", 0},
	{"quiet", 'q', NULL, "no progress", 0},
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option import_options[] = {
	{"change", 'c', "INSTRUCTION", "CMD, ENTRYPOINT, ENV …, as in a Dockerfile", 0},
	{"message", 'm', "TEXT", "a comment in the image's history", 0},
	{"quiet", 'q', NULL, "no progress", 0},
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option prune_options[] = {
	{"all", 'a', NULL, "images with a name that no container has, too", 0},
	{"force", 'f', NULL, "accepted for habit: nobody is asked", 0},
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option verify_options[] = {
	{"quick", 'q', NULL, "leave the unpacked layers alone", 0},
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option login_options[] = {
	{"username", 'u', "USER", "the user's name (else it is asked for)", 0},
	{"password-stdin", 0, NULL, "read the password from standard input", 0},
	{"get-login", 0, NULL, "print whose credentials are kept", 0},
	REGISTRY_OPTIONS,
	STORAGE_OPTION,
	OPTIONS_END,
};
static const struct option logout_options[] = {
	{"all", 'a', NULL, "of every registry", 0},
	{"authfile", 0, "FILE", "credentials (else where podman and docker keep them)", 0},
	STORAGE_OPTION,
	OPTIONS_END,
};

const struct sub_verb image_verbs[] = {
	{"list", "images", "[-a] [-q] [--format F] [NAME]", "list images", list_options},
	{"pull", "pull", "[--platform P] [-q] NAME…", "fetch images from their registries",
		pull_options},
	{"push", "push", "NAME [DESTINATION]", "send an image to a registry", push_options},
	{"tag", "tag", "NAME NEW-NAME…", "give an image more names", plain_options},
	{"rollback", NULL, "NAME", "let a name mean again what it meant before", plain_options},
	{"rm", "rmi", "[-f] [-a] NAME…", "remove names, and images that have none left",
		rm_image_options},
	{"inspect", "inspect", "[--format F] NAME…", "show all that is known of an image",
		inspect_options},
	{"history", "history", "[--format F] NAME", "show how an image was made", history_options},
	{"tree", NULL, "[NAME]", "show layers and who shares them", plain_options},
	{"save", "save", "[-o FILE] NAME…", "write images into an archive or a directory",
		save_options},
	{"load", "load", "[-i FILE]", "read images from an archive or a directory", load_options},
	{"import", "import", "FILE|- [NAME]", "make an image of a tree in a tar archive",
		import_options},
	{"prune", NULL, "[-a]", "remove what nothing refers to", prune_options},
	{"verify", NULL, "[-q] [NAME]", "check every byte of the storage again", verify_options},
	{"login", "login", "[-u USER] [--password-stdin] REGISTRY",
		"keep credentials of a registry", login_options},
	{"logout", "logout", "REGISTRY|--all", "forget them", logout_options},
	{NULL, NULL, NULL, NULL, NULL},
};

struct image_run {
	struct arena words;
	struct profile_variables variables;
	struct storage storage;
	const char *format;    /* of save: "--format=…" as the worker is told; or NULL */
	const char *directory; /* that save writes or load reads; NULL: standard output, input */
};

/* ---- files that the caller names ---- */

/* Takes "-o FILE", "-oFILE", "--output FILE", "--output=FILE" off the words; NULL where none is. */
static const char *take_word(int *argc, char **argv, char letter, const char *name)
{
	size_t length = strlen(name);

	for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
		const char *word = argv[i], *value = NULL;
		int taken = 1;

		if (word[0] == '-' && word[1] == letter && letter)
			value = word[2] ? word + 2 : argv[i + 1];
		else if (text_starts_with(word, "--") && strncmp(word + 2, name, length) == 0 &&
			 (word[2 + length] == '=' || !word[2 + length]))
			value = word[2 + length] ? word + 3 + length : argv[i + 1];
		else
			continue;
		if (!value)
			return NULL;
		taken = value == argv[i + 1] ? 2 : 1;
		memmove(argv + i, argv + i + taken,
			(size_t)(*argc - i - taken + 1) * sizeof(*argv));
		*argc -= taken;
		return value;
	}
	return NULL;
}

/* A directory is shown to the worker as one: it cannot be its standard input. */
static int show_directory(struct image_run *run, const char *path, struct err *reterr)
{
	run->directory = surroundings_path(&run->words, &run->variables, path);
	return run->directory ? 0 : err_set(reterr, -ENOENT, path, "leads nowhere");
}

static int open_output(struct image_run *run, int *argc, char **argv, struct err *reterr)
{
	const char *path = take_word(argc, argv, 'o', "output"),
		   *format = take_word(argc, argv, 0, "format");
	size_t length = format ? strlen(format) : 0;

	run->format = format ? arena_format(&run->words, "--format=%s", format) : NULL;
	if (path && length > 4 && strcmp(format + length - 4, "-dir") == 0) {
		if (mkdir(path, 0755) && errno != EEXIST)
			return err_set(reterr, -errno, path, "cannot be made: %s", strerror(errno));
		return show_directory(run, path, reterr);
	}
	if (path && strcmp(path, "-") != 0)
		return place_redirect(STDOUT_FILENO, path, O_WRONLY | O_CREAT | O_TRUNC, reterr);
	return isatty(STDOUT_FILENO)
		       ? err_set(reterr, -ENOTTY, "save",
				 "an archive is nothing for a terminal: -o FILE, or redirect it")
		       : 0;
}

static int open_input(struct image_run *run, int *argc, char **argv, struct err *reterr)
{
	const char *path = take_word(argc, argv, 'i', "input");
	struct stat status;

	if (path && strcmp(path, "-") != 0)
		return stat(path, &status) == 0 && S_ISDIR(status.st_mode)
			       ? show_directory(run, path, reterr)
			       : place_redirect(STDIN_FILENO, path, O_RDONLY, reterr);
	return isatty(STDIN_FILENO)
		       ? err_set(reterr, -ENOTTY, "load",
				 "no archive is on standard input: -i FILE, or redirect it")
		       : 0;
}

static int open_files(
	struct image_run *run, const char *verb, int *argc, char **argv, struct err *reterr)
{
	const char *path;

	if (strcmp(verb, "save") == 0)
		return open_output(run, argc, argv, reterr);
	if (strcmp(verb, "load") == 0)
		return open_input(run, argc, argv, reterr);
	/* the tar to import is the first word that is no option; the worker reads it as "-" */
	for (int i = 1; strcmp(verb, "import") == 0 && i < *argc; i++) {
		if (argv[i][0] == '-' && argv[i][1]) {
			i += strchr(argv[i], '=') || argv[i][1] == 'q' ? 0 : 1;
			continue;
		}
		if (strcmp(argv[i], "-") == 0)
			return 0;
		path = argv[i];
		argv[i] = (char *)"-";
		return place_redirect(STDIN_FILENO, path, O_RDONLY, reterr);
	}
	return 0;
}

/* ---- running them ---- */

/* "--name=VALUE" of an option that may have been two words; NULL where it was not given. */
static const char *join_option(struct image_run *run, int *argc, char **argv, const char *name)
{
	const char *value = take_word(argc, argv, 0, name);

	return value ? arena_format(&run->words, "--%s=%s", name, value) : NULL;
}

static int pull_all(struct image_run *run, int argc, char **argv)
{
	static const char *const valued[] = {"platform", "policy", "tls-verify"};
	const char **options = arena_zeroed(&run->words, (size_t)argc + 4, sizeof(*options));
	size_t count = 0;
	struct err err = {0};
	int names = 0, code = 0;

	if (!options)
		return EXIT_OWN_ERROR;
	for (size_t i = 0; i < sizeof(valued) / sizeof(valued[0]); i++) {
		options[count] = join_option(run, &argc, argv, valued[i]);
		count += options[count] != NULL;
	}
	for (int i = 1; i < argc; i++)
		if (argv[i][0] == '-')
			options[count++] = argv[i];
	for (int i = 1; i < argc; i++) {
		struct pull_request request = {.name = argv[i], .options = options};
		int one;

		if (argv[i][0] == '-')
			continue;
		names++;
		one = place_pull(&run->variables, &run->storage, &request, &run->words);
		code = code ? code : one;
	}
	if (names)
		return code;
	err_set(&err, -EINVAL, "pull", "no image is named");
	return print_error(&err);
}

static int work(
	struct image_run *run, enum worker_task task, const char *verb, int argc, char **argv)
{
	const char **words = arena_zeroed(&run->words, (size_t)argc + 3, sizeof(*words));
	struct worker worker = {.task = task,
		.arguments = words,
		.directory = run->directory,
		.directory_written = strcmp(verb, "save") == 0};
	size_t count = 0;

	if (!words)
		return EXIT_OWN_ERROR;
	words[count++] = verb;
	if (run->format)
		words[count++] = run->format;
	if (run->directory)
		words[count++] = "--directory=" WORKER_DIRECTORY;
	for (int i = 1; i < argc; i++)
		words[count++] = argv[i];
	return place_work(&run->variables, &run->storage, &worker, 1);
}

/* Files of the caller's choice are looked for where these variables say; the launcher binds them.
 */
static int take_files(struct image_run *run, int *argc, char **argv, struct err *reterr)
{
	static const struct {
		const char *option, *variable;
	} files[] = {{"authfile", "REGISTRY_AUTH_FILE"},
		{"registries-conf", "CONTAINERS_REGISTRIES_CONF"}};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *path = take_word(argc, argv, 0, files[i].option);

		if (!path)
			continue;
		path = surroundings_path(&run->words, &run->variables, path);
		if (!path || setenv(files[i].variable, path, 1))
			return err_set(reterr, -EINVAL, files[i].option, "leads nowhere");
	}
	return 0;
}

/* argv[0]: the sub-verb, by whichever of its names. */
static int run_verb(const struct sub_verb *verb, int argc, char **argv)
{
	static struct image_run run;
	const char *storage = NULL;
	struct err err = {0};
	int r = place_take_option(&argc, &argv, &storage, &err);
	const char *late;

	surroundings_variables(&run.words, &run.variables);
	late = take_word(&argc, argv, 0, "storage");
	if (late)
		storage = late;
	if (r == 0)
		r = place_open(&run.variables, storage, &run.words, &run.storage, &err);
	if (r == 0)
		r = take_files(&run, &argc, argv, &err);
	if (r == 0)
		r = open_files(&run, verb->name, &argc, argv, &err);
	if (r < 0)
		return print_error(&err);
	if (strcmp(verb->name, "pull") == 0)
		return pull_all(&run, argc, argv);
	if (strcmp(verb->name, "push") == 0)
		return work(&run, WORKER_FETCH, verb->name, argc, argv);
	if (text_starts_with(verb->name, "log"))
		return work(&run, WORKER_LOGIN, verb->name, argc, argv);
	return work(&run, WORKER_STORE, verb->name, argc, argv);
}

static int unknown(const char *word)
{
	const char *names[sizeof(image_verbs) / sizeof(image_verbs[0])], *near;
	struct err err = {0};
	size_t count = 0;

	for (; image_verbs[count].name; count++)
		names[count] = image_verbs[count].name;
	err_set(&err, -EINVAL, word, "there is no such verb of `immure image`");
	near = text_nearest(word, names, count);
	if (near)
		err_hint(&err, "did you mean `immure image %s`?", near);
	else
		err_hint(&err, "`immure help image` lists them");
	return print_error(&err);
}

int cli_image(int argc, char **argv)
{
	bool whole = strcmp(argv[0], "image") == 0;
	struct err err = {0};

	if (whole && argc < 2) {
		err_set(&err, -EINVAL, "image", "no verb is given");
		err_hint(&err, "`immure help image` lists them");
		return print_error(&err);
	}
	if (whole && text_starts_with(argv[1], "--storage")) {
		/* "image --storage DIR list": the option goes after the verb */
		int taken = strchr(argv[1], '=') ? 1 : 2;
		char *verb = argc > 1 + taken ? argv[1 + taken] : NULL;

		if (verb) {
			memmove(argv + 2, argv + 1, (size_t)taken * sizeof(*argv));
			argv[1] = verb;
		}
	}
	for (const struct sub_verb *verb = image_verbs; verb->name; verb++)
		if (whole ? strcmp(argv[1], verb->name) == 0
			  : verb->alias && strcmp(argv[0], verb->alias) == 0)
			return run_verb(verb, argc - whole, argv + whole);
	return unknown(whole ? argv[1] : argv[0]);
}
