/*
 * immure commit, diff, export, cp: what a container has become, read by the second program, since
 * what is in its upper was written by a program that nobody trusts.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/launching.h"
#include "cli/place.h"
#include "cli/stubs.h"
#include "cli/verbs.h"
#include "container/container.h"
#include "container/copy.h"
#include "container/find.h"
#include "container/inside.h"
#include "util/path.h"

enum {
	COMMIT_MESSAGE,
	COMMIT_AUTHOR,
	COMMIT_CHANGE,
	COMMIT_QUIET,
	COMMIT_PAUSE,
	SNAPSHOT_OUTPUT,
	SNAPSHOT_STORAGE
};

const struct option commit_options_table[] = {
	{"message", 'm', "TEXT", "a comment in the image's history", COMMIT_MESSAGE},
	{"author", 'a', "NAME", "who made it", COMMIT_AUTHOR},
	{"change", 'c', "INSTRUCTION",
		"CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR, as in a "
		"Dockerfile",
		COMMIT_CHANGE},
	{"quiet", 'q', NULL, "no progress", COMMIT_QUIET},
	{"pause", 'p', NULL, "accepted for habit: the container goes on", COMMIT_PAUSE},
	{"storage", 0, "DIR", "where images and containers lie", SNAPSHOT_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};
const struct option export_options_table[] = {
	{"output", 'o', "FILE", "write there (else to standard output)", SNAPSHOT_OUTPUT},
	{"storage", 0, "DIR", "where images and containers lie", SNAPSHOT_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};
const struct option cp_options_table[] = {
	{"storage", 0, "DIR", "where images and containers lie", SNAPSHOT_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};

struct snapshot {
	struct arena words;
	struct profile_variables variables;
	struct storage storage;
	struct given_option given[OPTIONS_ROOM];
	size_t given_count;
	struct container container;
	struct image image;
	struct layers layers;
	int lock; /* against those who would remove it */
	const char **arguments;
	size_t argument_count;
};

/* ---- beginning ---- */

static int begin(struct snapshot *s, const struct option *table, int argc, char **argv, int least,
	int most, struct err *reterr)
{
	const char *storage = NULL;
	int taken = options_parse_all(table, argc, argv, s->given, &s->given_count, reterr), r;

	if (taken < 0)
		return taken;
	if (argc - taken < least || argc - taken > most)
		return err_set(reterr, -EINVAL, argv[0], "expected %s",
			least == most && least == 1 ? "the name of one container"
			: least == 1                ? "a container and the new image's name"
						    : "SOURCE and DESTINATION");
	for (size_t i = 0; i < s->given_count; i++)
		if (s->given[i].option->identifier == SNAPSHOT_STORAGE)
			storage = s->given[i].value;
	surroundings_variables(&s->words, &s->variables);
	r = place_open(&s->variables, storage, &s->words, &s->storage, reterr);
	return r < 0 ? r : taken;
}

static void add(struct snapshot *s, const char *word)
{
	const char **place =
		arena_append(&s->words, &s->arguments, &s->argument_count, sizeof(*s->arguments));

	if (place)
		*place = word;
	else
		s->arguments = NULL; /* finish() tells */
}

/* Its image stays while it is looked at (its lock), and so do its own directories. writes: of one
 * that is to be claimed. */
static int find(struct snapshot *s, const char *word, bool writes, struct err *reterr)
{
	struct container *c = &s->container;
	const char *directory;
	int r = container_find(&s->storage, word, &s->words, c, reterr);

	s->lock = -1;
	if (r == 0 && !writes)
		r = container_read(&s->storage, c, &s->lock, reterr);
	if (r == 0)
		r = image_open(&s->storage, &c->manifest, c->image, &s->words, &s->image, reterr);
	if (r < 0)
		return r;
	directory = arena_format(&s->words, "%s/%s/%s", s->storage.path,
		c->transient ? "transient" : "containers", c->id);
	s->layers.upper = directory ? arena_join(&s->words, directory, "/upper") : NULL;
	s->layers.work = directory ? arena_join(&s->words, directory, "/work") : NULL;
	if (!s->layers.upper || !s->layers.work)
		return err_no_memory(reterr);
	s->layers.count = s->image.record.layer_count;
	return 0;
}

/* The layers of the image, with room for one more. */
static int whole_layers(struct snapshot *s, struct err *reterr)
{
	const struct image_record *record = &s->image.record;
	const char **trees = arena_zeroed(&s->words, record->layer_count + 1, sizeof(*trees));

	for (size_t i = 0; trees && i < record->layer_count; i++) {
		trees[i] = image_layer_path(&s->storage, record, i, s->container.mapped, &s->words);
		if (!trees[i])
			return err_no_memory(reterr);
	}
	s->layers.trees = trees;
	s->layers.count = record->layer_count;
	return trees ? 0 : err_no_memory(reterr);
}

/* The same as one tree, the container's own on top, read-only. */
static int view(struct snapshot *s, struct err *reterr)
{
	int r = whole_layers(s, reterr);

	if (r < 0)
		return r;
	((const char **)s->layers.trees)[s->layers.count++] = s->layers.upper;
	s->layers.upper = s->layers.work = NULL;
	return 0;
}

/* The changes of the container's own, without what its launch makes to mount over. */
static int add_upper(struct snapshot *s, struct err *reterr)
{
	struct stub_list stubs = {.arena = &s->words};
	int r = whole_layers(s, reterr);

	if (r < 0)
		return r;
	stubs_find(&s->container, &s->image.record, &s->layers, &s->variables, &stubs);
	add(s, "--upper");
	add(s, s->layers.upper);
	for (size_t i = 0; i < stubs.count; i++) {
		add(s, "--without");
		add(s, stubs.paths[i]);
	}
	return 0;
}

/* One of --rm goes with its launcher, whoever reads it. */
static int tell_removed(const struct snapshot *s, struct err *reterr)
{
	return s->lock < 0 || container_was_there(s->lock)
		       ? 0
		       : err_set(reterr, -ENOENT, s->container.name,
				 "was removed meanwhile: what was read of it may not be whole");
}

static int work(struct snapshot *s, bool with_view)
{
	struct worker worker = {.task = WORKER_STORE,
		.view = with_view ? &s->layers : NULL,
		.single = !s->container.mapped};
	struct err err = {0};
	int code;

	add(s, NULL);
	if (!s->arguments) {
		(void)err_no_memory(&err);
		return print_error(&err);
	}
	worker.arguments = s->arguments;
	code = place_work(&s->variables, &s->storage, &worker, 1);
	/* also where it failed: by that */
	return tell_removed(s, &err) < 0 ? print_error(&err) : code;
}

/* ---- the verbs ---- */

int cli_commit(int argc, char **argv)
{
	static struct snapshot s; /* too large for a stack; used once */
	static const char *const words[] = {[COMMIT_MESSAGE] = "--message",
		[COMMIT_AUTHOR] = "--author",
		[COMMIT_CHANGE] = "--change",
		[COMMIT_QUIET] = "--quiet"};
	struct err err = {0};
	int taken = begin(&s, commit_options_table, argc, argv, 1, 2, &err);

	if (taken < 0 || find(&s, argv[taken], false, &err) < 0)
		return print_error(&err);
	add(&s, "commit");
	for (size_t i = 0; i < s.given_count; i++) {
		int identifier = s.given[i].option->identifier;

		if (identifier > COMMIT_QUIET)
			continue;
		add(&s, words[identifier]);
		if (s.given[i].value)
			add(&s, s.given[i].value);
	}
	if (add_upper(&s, &err) < 0)
		return print_error(&err);
	add(&s, "--");
	add(&s, s.container.manifest.text);
	if (argv[taken + 1])
		add(&s, argv[taken + 1]);
	return work(&s, false);
}

int cli_diff(int argc, char **argv)
{
	static struct snapshot s; /* too large for a stack; used once */
	struct err err = {0};
	int taken = begin(&s, cp_options_table, argc, argv, 1, 1, &err);

	if (taken < 0 || find(&s, argv[taken], false, &err) < 0)
		return print_error(&err);
	add(&s, "diff");
	if (add_upper(&s, &err) < 0)
		return print_error(&err);
	add(&s, "--");
	add(&s, s.container.manifest.text);
	return work(&s, false);
}

int cli_export(int argc, char **argv)
{
	static struct snapshot s; /* too large for a stack; used once */
	const char *output = NULL;
	struct err err = {0};
	int taken = begin(&s, export_options_table, argc, argv, 1, 1, &err), r = taken;

	for (size_t i = 0; i < s.given_count; i++)
		if (s.given[i].option->identifier == SNAPSHOT_OUTPUT)
			output = s.given[i].value;
	if (r >= 0)
		r = find(&s, argv[taken], false, &err);
	if (r == 0)
		r = view(&s, &err);
	if (r == 0 && output)
		r = place_redirect(STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, &err);
	if (r == 0 && !output && isatty(STDOUT_FILENO))
		r = err_set(&err, -ENOTTY, "export",
			"an archive is nothing for a terminal: -o FILE, or redirect it");
	if (r < 0)
		return print_error(&err);
	add(&s, "export");
	add(&s, WORKER_VIEW);
	return work(&s, true);
}

/* ---- cp ---- */

/* "NAME:/path": the colon, where the word is one of a container; NULL for a path of the host, which
 * is what has a slash or a dot first, as docker decides. */
static const char *container_colon(const char *word)
{
	const char *colon = strchr(word, ':');

	return colon && colon != word && !strchr("./", word[0]) &&
			       !memchr(word, '/', (size_t)(colon - word))
		       ? colon
		       : NULL;
}

/* The directory that the host's path is looked up in, and the rest: what the copy's process sees is
 * the same tree. */
static int open_host(
	struct snapshot *s, const char *word, bool source, struct copy *copy, struct err *reterr)
{
	char resolved[PATH_MAX];
	bool whole = source && strlen(word) >= 1 &&
		     (strcmp(word, ".") == 0 ||
			     (strlen(word) > 1 && strcmp(word + strlen(word) - 2, "/.") == 0));
	const char *slash;

	if (!source) {
		const char *path = word[0] == '/'     ? word
				   : s->variables.cwd ? arena_format(&s->words, "%s/%s",
								s->variables.cwd, word)
						      : NULL;

		copy->directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		copy->name = path;
		return path ? 0 : err_set(reterr, -ENOENT, word, "leads nowhere");
	}
	if (path_real(word, resolved) < 0)
		return err_set(reterr, -errno, word, "%s", strerror(errno));
	slash = strrchr(resolved, '/');
	copy->name = whole || !slash[1] ? "." : arena_copy(&s->words, slash + 1);
	if (!(whole || !slash[1]))
		resolved[slash == resolved ? 1 : slash - resolved] = '\0';
	copy->directory = open(resolved, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!copy->name)
		return err_no_memory(reterr);
	return copy->directory < 0 ? err_set(reterr, -errno, word, "%s", strerror(errno)) : 0;
}

static int copy_all(struct snapshot *s, const char *from, const char *to, struct err *reterr)
{
	const char *colon = container_colon(from), *in = container_colon(to);
	struct copy copy = {.layers = &s->layers, .directory = -1};
	struct container_hold hold = CONTAINER_HOLD_NONE;
	const char *word = colon ? from : to;
	struct host host;
	int r;

	if (!colon == !in)
		return err_set(reterr, -EINVAL, "cp",
			"expected one of the two as CONTAINER:PATH, the other a path of the host");
	if (!colon)
		colon = in;
	word = arena_copy_range(&s->words, word, (size_t)(colon - word));
	r = word ? find(s, word, in != NULL, reterr) : err_no_memory(reterr);
	if (r == 0)
		r = open_host(s, in ? from : to, in != NULL, &copy, reterr);
	if (r == 0 && in) /* overlayfs forbids a second mount of an upper that is in use */
		r = container_claim(&s->storage, &s->container, &hold, reterr);
	if (r == -EBUSY)
		err_hint(reterr, "files go into a running container by a volume (-v)");
	if (r == 0)
		r = in ? whole_layers(s, reterr) : view(s, reterr);
	if (r == 0)
		r = host_probe(HOST_SUBORDINATE, &s->words, &host, reterr);
	if (r < 0)
		return r;
	copy.path = colon[1] == '/' ? colon + 1 : arena_format(&s->words, "/%s", colon + 1);
	if (!copy.path)
		return err_no_memory(reterr);
	if (!s->container.mapped)
		host.newuidmap = NULL;
	r = inside_run(&host, in ? copy_in : copy_out, &copy, reterr);
	container_release(&hold);
	if (r == 0)
		r = tell_removed(s, reterr);
	if (r == -E2BIG)
		return err_set(reterr, r, in ? to : from,
			"cannot be copied: directories lie too deep, or the copy is in what is "
			"copied");
	return r < 0 ? err_set(reterr, r, in ? to : from, "cannot be copied: %s", strerror(-r)) : 0;
}

int cli_cp(int argc, char **argv)
{
	static struct snapshot s; /* too large for a stack; used once */
	struct err err = {0};
	int taken = begin(&s, cp_options_table, argc, argv, 2, 2, &err);

	if (taken >= 0 && (strcmp(argv[taken], "-") == 0 || strcmp(argv[taken + 1], "-") == 0)) {
		taken = err_set(&err, -ENOTSUP, "cp", "copies files, no archives");
		err_hint(&err, "`immure export` writes a container's files as one");
	}
	if (taken < 0 || copy_all(&s, argv[taken], argv[taken + 1], &err) < 0)
		return print_error(&err);
	return 0;
}
