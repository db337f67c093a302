/*
 * immure run: an image, a profile, the options over both, and a launch whose root is made of the
 * image's layers. And immure start, which takes an earlier one up again.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/launching.h"
#include "cli/place.h"
#include "cli/run_options.h"
#include "cli/verbs.h"
#include "container/compose.h"
#include "container/container.h"
#include "container/find.h"
#include "container/inside.h"
#include "container/outlet.h"
#include "container/stub.h"
#include "container/volume.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/path.h"

#define SWEPT 16 /* entries looked at before a run */

/* Everything of one run; lives to the end of the process. */
struct run {
	struct launching launching;
	struct run_options options;
	struct storage storage;
	struct image image;
	struct layers layers;
	struct container container;
	struct container_hold hold;
	struct container replaced; /* --replace: the one that had the name, until this one runs */
	struct container_hold replaced_hold;
	const char *const *command;
	const char *word;  /* the image, as it was written */
	const char **made; /* named volumes that were not there before */
	size_t made_count;
	const int *held; /* locks on volumes */
	size_t held_count;
	bool mapped, again, told; /* again: started once more; told: the cidfile is written */
};

/* ---- the image ---- */

/* 0, or the exit code of a pull that failed. */
static int pull(struct run *run)
{
	/* under the name that registries.conf makes of it, it may be here */
	static const char *const policies[] = {[PULL_MISSING] = "--policy=missing",
		[PULL_ALWAYS] = "--policy=always",
		[PULL_NEWER] = "--policy=newer"};
	const char *const options[] = {policies[run->options.pull], run->options.tls_verify, NULL};
	struct pull_request request = {.name = run->word,
		.platform = run->options.platform,
		.quiet = run->options.quiet,
		.silent = true,
		.options = options};

	return place_pull(
		&run->launching.variables, &run->storage, &request, &run->launching.words);
}

static int find_image(struct run *run, int *ret_code, struct err *reterr)
{
	bool pullable = false;
	int r = -ENOENT;

	*ret_code = 0;
	if (run->again)
		return image_open(&run->storage, &run->container.manifest, run->container.image,
			&run->launching.words, &run->image, reterr);
	if (run->options.pull == PULL_MISSING || run->options.pull == PULL_NEVER ||
		run->launching.options.dry_run)
		r = image_find(&run->storage, run->word, &run->launching.words, &run->image,
			&pullable, reterr);
	else
		pullable = true;
	if (r != -ENOENT || !pullable || run->options.pull == PULL_NEVER ||
		run->launching.options.dry_run)
		return r;
	*ret_code = pull(run);
	if (*ret_code)
		return -ENOENT;
	*reterr = (struct err){0};
	return image_find(
		&run->storage, run->word, &run->launching.words, &run->image, &pullable, reterr);
}

/* Which of the two ways its layers are unpacked is a fact of this host and of the profile. */
static int unpack_image(struct run *run, int *ret_code, struct err *reterr)
{
	const struct image_record *record = &run->image.record;

	*ret_code = 0;
	run->mapped = run->launching.profile.identity.kind != IDENTITY_SINGLE &&
		      inside_is_mapped(&run->launching.host);
	if (run->again && run->mapped != run->container.mapped)
		return err_set(reterr, -EPERM, run->container.name,
			run->mapped
				? "was made without subordinate ids, and its files say so"
				: "its files belong to subordinate ids, which are not there any "
				  "more");
	if (record->layer_count == 0)
		return err_set(
			reterr, -ENOEXEC, run->image.name, "has no layers: nothing is in it");
	if (image_is_unpacked(&run->storage, record, run->mapped))
		return 0;
	if (run->launching.options.dry_run)
		return err_set(reterr, -ENOENT, run->image.name, "is not unpacked yet");
	*ret_code = place_unpack(
		&run->launching.variables, &run->storage, record->manifest.text, run->mapped);
	if (*ret_code)
		return -EIO;
	return image_is_unpacked(&run->storage, record, run->mapped)
		       ? 0
		       : err_set(reterr, -EIO, run->image.name,
				 "its layers are not there after they were unpacked");
}

static int list_layers(struct run *run, struct err *reterr)
{
	const struct image_record *record = &run->image.record;
	const char **trees =
		arena_zeroed(&run->launching.words, record->layer_count, sizeof(*trees));

	for (size_t i = 0; trees && i < record->layer_count; i++) {
		trees[i] = image_layer_path(
			&run->storage, record, i, run->mapped, &run->launching.words);
		if (!trees[i])
			return err_no_memory(reterr);
	}
	run->layers.trees = trees;
	run->layers.count = record->layer_count;
	return trees ? 0 : err_no_memory(reterr);
}

/* ---- the profile ---- */

/* A program that is not root keeps over exec only what was asked for by name. */
static void settle_capabilities(struct run *run)
{
	struct capabilities_section *capabilities = &run->launching.profile.capabilities;

	if (run->launching.profile.identity.uid == 0 || !run->options.added_capabilities)
		return;
	capabilities->keep &= run->options.added_capabilities;
	capabilities->ambient = capabilities->keep != 0;
}

static bool sets_home(const struct image_record *record)
{
	for (size_t i = 0; record->environment[i]; i++)
		if (strncmp(record->environment[i], "HOME=", 5) == 0)
			return true;
	return false;
}

static int add_groups(const struct run *run, const struct merged *merged, struct user *user,
	struct arena *arena, struct err *reterr)
{
	const char *const *group = (const char *const *)run->options.groups;
	int r = 0;

	if (group && !run->mapped) {
		err_set(reterr, -EPERM, "--group-add",
			"with one id only, the kernel lets no process change its groups");
		err_hint(reterr, "it needs subordinate ids: see `immure doctor`");
		return -EPERM;
	}
	for (; group && *group && r == 0; group++)
		r = user_add_group(merged, *group, arena, user, reterr);
	return r;
}

static int choose_user(struct run *run, struct err *reterr)
{
	struct launching *launching = &run->launching;
	const char *asked = run->options.user      ? run->options.user
			    : run->options.keep_id ? ""
						   : run->image.record.user;
	const char *where = run->options.user ? "--user" : "user of the image";
	struct merged merged;
	struct user user = {0};
	char number[32];
	int r;

	if (launching->profile.identity.uid || launching->profile.identity.gid)
		(void)snprintf(number, sizeof(number), "%u:%u", launching->profile.identity.uid,
			launching->profile.identity.gid);
	else /* as docker: root, with root's groups in the image */
		(void)snprintf(number, sizeof(number), "0");
	r = merged_open(&run->layers, &merged, reterr);
	if (r == 0) {
		r = user_resolve(&merged, asked[0] ? asked : number, where, &launching->words,
			&user, reterr);
		if (r == 0)
			r = add_groups(run, &merged, &user, &launching->words, reterr);
		if (r == 0 && run->options.keep_id)
			r = compose_passwd(&merged, &user, launching->variables.user,
				&launching->words, &launching->profile, reterr);
		if (r == 0 && !run->mapped)
			r = compose_single_id(
				&merged, &launching->words, &launching->profile, reterr);
		merged_close(&merged);
	}
	if (r == 0)
		r = compose_user(&user, run->options.home_is_set || sets_home(&run->image.record),
			&launching->words, &launching->profile, reterr);
	if (r == 0)
		settle_capabilities(run);
	return r;
}

static int load_profile(struct run *run, struct err *reterr)
{
	struct launching *launching = &run->launching;
	int r = profile_load(launching->options.profile, &launching->variables, &launching->words,
		&launching->library, &launching->profile, reterr);

	if (r < 0)
		return r;
	launching->profile.identity.pretend_ownership = true;
	if (run->options.keep_id) {
		launching->profile.identity.kind = IDENTITY_SINGLE;
		launching->profile.identity.uid = run->options.kept_uid;
		launching->profile.identity.gid = run->options.kept_gid;
	}
	if (run->options.umask >= 0)
		launching->profile.umask = (mode_t)run->options.umask;
	compose_forget_system(&launching->profile.files);
	return host_probe(HOST_SUBORDINATE, &launching->words, &launching->host, reterr);
}

static int compose(struct run *run, struct err *reterr)
{
	struct launching *launching = &run->launching;
	int r = list_layers(run, reterr);

	if (r == 0)
		r = compose_root(&run->layers, run->options.read_only || launching->options.dry_run,
			&launching->profile);
	if (r == 0)
		r = compose_image(&run->image.record, environ, &launching->words,
			&launching->profile, reterr);
	if (r == 0)
		compose_unset((const char *const *)run->options.unset, &launching->profile);
	if (r == 0 && run->options.environment_of_host)
		r = compose_environment(environ, &launching->words, &launching->profile, reterr);
	if (r == 0 && run->options.read_only && !run->options.plain_read_only)
		r = compose_scratch(&launching->words, &launching->profile, reterr);
	if (r == 0)
		r = launch_options_apply(launching->given, launching->given_count,
			&launching->variables, &launching->words, &launching->profile, reterr);
	launching->profile.devices.shm_size = run->options.shm_size;
	return r == 0 ? launching_place_home(launching, reterr) : r;
}

/* ---- the container ---- */

static int container_path(struct run *run, const char *below, const char **ret, struct err *reterr)
{
	*ret = arena_format(&run->launching.words, "%s/%s/%s/%s", run->storage.path,
		run->container.transient ? "transient" : "containers", run->container.id, below);
	return *ret ? 0 : err_no_memory(reterr);
}

/* Once: -EEXIST or -ENOENT where somebody else is at the one that has the name. */
static int replace_once(struct run *run, struct err *reterr)
{
	const char *name = run->options.name;
	struct container *other = &run->replaced, found;
	struct err err = {0};
	int r = container_find_any(&run->storage, name, &run->launching.words, &found, &err);

	if (r < 0 && r != -ENOENT && r != -ENOTUNIQ) {
		*reterr = err;
		return r;
	}
	/* else the word is the beginning of another one's id, or of several */
	if (r < 0 || strcmp(found.name, name) != 0)
		return container_rename(&run->hold, &run->container, name, reterr);
	r = container_kill(&run->storage, &found, &run->replaced_hold, reterr);
	if (r < 0 || run->replaced_hold.directory < 0)
		return r == 0 ? container_rename(&run->hold, &run->container, name, reterr) : r;
	if (container_reread(&run->replaced_hold, &found, &run->launching.words, other) == &found)
		*other = found;
	if (!other->transient)
		return container_replace(
			&run->hold, &run->container, &run->replaced_hold, other, reterr);
	r = container_remove(&run->replaced_hold, other, &run->launching.host, reterr);
	return r == 0 ? container_rename(&run->hold, &run->container, name, reterr) : r;
}

#define REPLACE_ATTEMPTS 100 /* 20 ms apart: as long as the end of one that runs is waited for */

/* --replace: only when everything else about the new one is known to be right. Whoever removes or
 * replaces the old one at the same time is waited for: the name is free then, or another's. */
static int replace(struct run *run, struct err *reterr)
{
	struct err err = {0};
	int r = 0;

	if (strcmp(run->container.name, run->options.name) == 0)
		return 0; /* it was made up for this one: that is not to be ended */
	for (unsigned attempt = 0; attempt < REPLACE_ATTEMPTS; attempt++) {
		err = (struct err){0};
		r = replace_once(run, &err);
		if (r != -EEXIST && r != -ENOENT)
			break;
		(void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	if (r < 0)
		*reterr = err;
	return r;
}

static int take_container(struct run *run, struct err *reterr)
{
	struct container *c = &run->container;
	int stop =
		run->options.stop_signal ? run->options.stop_signal : run->image.record.stop_signal;

	if (run->again) {
		struct container room;
		const struct container *now;
		int r = container_hold(&run->storage, c, &run->hold, reterr);

		if (r < 0)
			return r;
		/* its first run may have ended only since it was found */
		now = container_reread(&run->hold, c, &run->launching.words, &room);
		c->name = now->name;
		c->volumes = now->volumes;
		return container_write(&run->hold, c, false, reterr);
	}
	c->name = run->options.replace ? NULL : run->options.name;
	c->image = run->image.name;
	c->manifest = run->image.record.manifest;
	c->image_id = run->image.record.id;
	c->command = run->command;
	c->directory = run->launching.variables.cwd ? run->launching.variables.cwd : "";
	c->transient = run->options.transient;
	c->mapped = run->mapped;
	c->created = c->started = (int64_t)time(NULL);
	c->exit_code = -1;
	c->stop_signal = stop ? stop : SIGTERM;
	return container_create(&run->storage, &run->launching.words, c, &run->hold, reterr);
}

static int write_cidfile(struct run *run, struct err *reterr)
{
	_cleanup_close_ int fd = -1;
	const char *path = run->options.cidfile;
	int r;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	run->told = fd >= 0;
	r = fd < 0 ? -errno : file_write_all(fd, run->container.id, strlen(run->container.id));
	return r < 0 ? err_set(reterr, r, path, "the id cannot be written there: %s", strerror(-r))
		     : 0;
}

/* What depends on the container's own directory and id. */
static int furnish(struct run *run, struct err *reterr)
{
	int r = container_path(run, "upper", &run->layers.upper, reterr);

	if (r == 0)
		r = container_path(run, "work", &run->layers.work, reterr);
	run->layers.discard = run->container.transient;
	return r == 0 ? write_cidfile(run, reterr) : r;
}

/* After the volumes: one at /etc brings names of its own. */
static int name_container(struct run *run, struct err *reterr)
{
	struct launching *launching = &run->launching;

	return compose_names(run->container.id, &run->options.names, &launching->words,
		&launching->profile, reterr);
}

static bool has_volume_at(const struct run_options *options, const char *target)
{
	for (size_t i = 0; i < options->volume_count; i++)
		if (strcmp(options->volumes[i].target, target) == 0)
			return true;
	return false;
}

/* Recorded before they are made: whoever asks who has a volume, or removes what a killed launcher
 * left, goes by the record. */
static int note_volumes(struct run *run, struct volume_use *use, struct err *reterr)
{
	const char *const *wanted = run->image.record.volumes;
	int r = 0;

	for (size_t i = 0; i < run->options.volume_count && r == 0; i++)
		if (!run->options.volumes[i].name)
			r = volume_note(use, run->options.volumes[i].target, reterr);
	for (size_t i = 0; wanted[i] && r == 0; i++)
		if (!has_volume_at(&run->options, wanted[i]))
			r = volume_note(use, wanted[i], reterr);
	return r == 0 && run->container.volumes
		       ? container_write(&run->hold, &run->container, false, reterr)
		       : r;
}

static int mount_volumes(struct run *run, struct err *reterr)
{
	struct volume_use use = {.storage = &run->storage,
		.host = &run->launching.host,
		.layers = &run->layers,
		.arena = &run->launching.words,
		.profile = &run->launching.profile,
		.mapped = run->mapped,
		.container = &run->container};
	int r = note_volumes(run, &use, reterr);

	for (size_t i = 0; i < run->options.volume_count && r == 0; i++) {
		const struct volume_option *v = &run->options.volumes[i];

		r = volume_mount(
			&use, v->flag, v->name, v->target, v->read_only, v->no_exec, reterr);
	}
	for (size_t i = 0; run->image.record.volumes[i] && r == 0; i++)
		r = volume_mount(
			&use, NULL, NULL, run->image.record.volumes[i], false, false, reterr);
	run->made = use.made;
	run->made_count = use.made_count;
	run->held = use.held;
	run->held_count = use.held_count;
	return r;
}

static int make_plan(struct run *run, struct plan **ret, struct err *reterr)
{
	struct launching *launching = &run->launching;
	struct plan_request request = {.arguments = (char *const *)run->command};
	int r = compose_directory(&launching->words, &launching->profile, reterr);

	if (r == 0)
		r = host_probe_rest(plan_host_parts(&launching->profile), &launching->words,
			&launching->host, reterr);
	if (r == 0)
		r = launching_protect(launching, run->storage.path, reterr);
	return r == 0 ? launching_plan(launching, &request, ret, reterr) : r;
}

/* ---- the end ---- */

static int discard(struct run *run, struct err *reterr)
{
	return container_remove(&run->hold, &run->container, &run->launching.host, reterr);
}

/* Nothing has run: nothing is left. What another container has come to meanwhile stays with it. */
static int take_back(struct run *run, struct err *reterr)
{
	int r = discard(run, reterr);

	for (size_t i = 0; i < run->held_count; i++)
		(void)close(run->held[i]); /* nothing was written through it */
	for (size_t i = 0; i < run->made_count; i++)
		volume_take_back(&run->storage, run->made[i]);
	if (run->told)
		(void)unlink(run->options.cidfile); /* it was new */
	return r;
}

/* The one that had the name: gone once its follower has run, else as before. */
static int settle_replaced(struct run *run, bool started, struct err *reterr)
{
	if (run->replaced_hold.directory < 0)
		return 0;
	return started ? container_remove(
				 &run->replaced_hold, &run->replaced, &run->launching.host, reterr)
		       : container_restore(
				 &run->replaced_hold, &run->replaced, &run->container, reterr);
}

static int settle(struct run *run, bool started, int code, struct err *reterr)
{
	struct container *c = &run->container;
	int r;

	if (!started && !run->again)
		return take_back(run, reterr);
	if (c->transient)
		return discard(run, reterr);
	stub_remove_all(&run->layers, &run->launching.profile);
	c->finished = (int64_t)time(NULL);
	c->exit_code = code;
	r = container_write(&run->hold, c, true, reterr);
	container_release(&run->hold);
	return r;
}

/* The launch, between what must be there before and what must not be there after. */
static int launch(struct run *run, const struct plan *plan)
{
	struct janitor janitor = JANITOR_NONE;
	struct err err = {0};
	bool started = false;
	int code = EXIT_OWN_ERROR, r = 0;

	if (run->options.replace && run->options.name)
		r = replace(run, &err);
	if (r == 0 && run->container.transient)
		r = container_watch(
			&run->hold, &run->container, &run->launching.host, &janitor, &err);
	if (r == 0)
		code = launching_run(&run->launching, plan, &started);
	else
		code = print_error(&err);
	err = (struct err){0};
	if (settle_replaced(run, started, &err) < 0)
		code = print_error(&err);
	err = (struct err){0};
	r = settle(run, started, code, &err);
	if (r < 0)
		code = print_error(&err);
	janitor_dismiss(&janitor);
	return code;
}

/* ---- the whole ---- */

static int empty_input(struct err *reterr)
{
	_cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return null < 0 || dup2(null, STDIN_FILENO) < 0
		       ? err_set(reterr, -errno, "/dev/null", "%s", strerror(errno))
		       : 0;
}

/* From the image to a profile that is complete but for the container's own directory. */
static int prepare(struct run *run, const char *const *arguments, int *ret_code, struct err *reterr)
{
	int r = load_profile(run, reterr);

	if (r == 0)
		r = find_image(run, ret_code, reterr);
	if (r == 0)
		r = unpack_image(run, ret_code, reterr);
	if (r == 0 && !run->launching.options.dry_run)
		launching_send_ahead(&run->launching);
	if (r == 0)
		r = compose_command(&run->image.record, run->options.entrypoint, arguments,
			&run->launching.words, &run->command, reterr);
	return r == 0 ? compose(run, reterr) : r;
}

static int dry_run(struct run *run, struct err *reterr)
{
	struct plan *plan = NULL;
	int r = choose_user(run, reterr);

	if (r == 0)
		r = make_plan(run, &plan, reterr);
	return r < 0 ? print_error(reterr) : launching_dry_run(&run->launching, plan);
}

/* One that exists already, from here on: every failure has it to take away again. */
static int run_container(struct run *run)
{
	struct err err = {0}, second = {0};
	struct plan *plan = NULL;
	int r = furnish(run, &err);

	if (r == 0)
		r = choose_user(run, &err);
	if (r == 0)
		r = mount_volumes(run, &err);
	if (r == 0)
		r = name_container(run, &err);
	if (r == 0)
		r = make_plan(run, &plan, &err);
	if (r == 0)
		return launch(run, plan);
	if (!run->again)
		(void)take_back(run, &second); /* the first error is the one to tell */
	return print_error(&err);
}

/* The plan asks whether there is a terminal: what is to stand in its place comes first. */
static int run_with_outlet(struct run *run)
{
	struct outlet outlet = OUTLET_NONE;
	struct err err = {0}, second = {0};
	int code;

	if (!run->options.tty && outlet_start(&outlet, &err) < 0) {
		if (!run->again)
			(void)discard(run, &second); /* the first error is the one to tell */
		return print_error(&err);
	}
	code = run_container(run);
	outlet_finish(&outlet);
	return code;
}

static int remember_words(struct run *run, const struct given_option *given, size_t count,
	char **arguments, struct err *reterr)
{
	run->container.arguments = (const char *const *)arguments;
	return run_options_words(&run->launching, given, count, &run->container.options, reterr);
}

static int run_all(struct run *run, const char *const *arguments)
{
	struct err err = {0};
	int code = 0, r;

	r = run->options.interactive ? 0 : empty_input(&err);
	if (r == 0)
		r = prepare(run, arguments, &code, &err);
	if (r < 0 && code)
		return EXIT_OWN_ERROR; /* the worker has said why */
	if (r == 0 && run->launching.options.dry_run)
		return dry_run(run, &err);
	if (r == 0)
		container_sweep(&run->storage, SWEPT);
	if (r == 0)
		r = take_container(run, &err);
	code = r < 0 ? print_error(&err) : run_with_outlet(run);
	forerunner_dismiss(&run->launching.ahead);
	return code;
}

/* ---- start ---- */

enum { START_ATTACH, START_INTERACTIVE, START_STORAGE };

const struct option start_options_table[] = {
	{"attach", 'a', NULL, "stay with it until it ends (there is no other way yet)",
		START_ATTACH},
	{"interactive", 'i', NULL, "connect standard input", START_INTERACTIVE},
	{"storage", 0, "DIR", "where images and containers lie", START_STORAGE},
	{NULL, 0, NULL, NULL, 0},
};

/* The options of its first run, and what it has kept of it. */
static int recall(struct run *run, struct err *reterr)
{
	struct launching *launching = &run->launching;
	struct container *c = &run->container;

	/* paths were written as seen from there */
	if (c->directory[0])
		launching->variables.cwd = c->directory;
	run->again = true;
	run->word = c->manifest.text;
	c->started = (int64_t)time(NULL);
	c->finished = 0;
	c->exit_code = -1;
	return run_options_recall(launching, c->options, &run->options, reterr);
}

static int read_start_options(struct run *run, int argc, char **argv, const char **ret_storage,
	bool *ret_interactive, struct err *reterr)
{
	struct launching *launching = &run->launching;
	bool attach = false;
	int taken = options_parse(
		start_options_table, argc, argv, launching->given, &launching->given_count, reterr);

	if (taken < 0)
		return taken;
	for (size_t i = 0; i < launching->given_count; i++) {
		int identifier = launching->given[i].option->identifier;

		attach |= identifier != START_STORAGE;
		*ret_interactive |= identifier == START_INTERACTIVE;
		if (identifier == START_STORAGE)
			*ret_storage = launching->given[i].value;
	}
	launching->given_count = 0;
	if (taken + 1 != argc)
		return err_set(reterr, -EINVAL, NULL, "expected the name of one container");
	if (attach)
		return taken;
	err_set(reterr, -ENOTSUP, "start", "detached containers are not there yet");
	err_hint(reterr, "immure start -a %s stays with it until it ends", argv[taken]);
	return -ENOTSUP;
}

int cli_start(int argc, char **argv)
{
	static struct run run; /* too large for a stack; used once */
	struct launching *launching = &run.launching;
	const char *storage = NULL;
	bool interactive = false;
	struct err err = {0};
	int taken = read_start_options(&run, argc, argv, &storage, &interactive, &err), r = taken;

	run.hold = run.replaced_hold = CONTAINER_HOLD_NONE;
	if (r >= 0) {
		surroundings_variables(&launching->words, &launching->variables);
		r = place_open(
			&launching->variables, storage, &launching->words, &run.storage, &err);
	}
	if (r == 0)
		r = container_find(
			&run.storage, argv[taken], &launching->words, &run.container, &err);
	if (r == 0 && (run.container.running || run.container.transient))
		r = err_set(&err, -EBUSY, argv[taken], "is running");
	if (r == 0)
		r = recall(&run, &err);
	if (r < 0)
		return print_error(&err);
	run.options.interactive |= interactive;
	return run_all(&run, run.container.arguments);
}

/* ---- run ---- */

int cli_run(int argc, char **argv)
{
	static struct run run; /* too large for a stack; used once */
	static struct given_option given[OPTIONS_ROOM];
	struct launching *launching = &run.launching;
	struct err err = {0};
	size_t count;
	int taken = run_options_parse(launching, argc, argv, &err), r;

	run.hold = run.replaced_hold = CONTAINER_HOLD_NONE;
	if (taken < 0)
		return print_error(&err);
	surroundings_variables(&launching->words, &launching->variables);
	count = launching->given_count;
	memcpy(given, launching->given, count * sizeof(*given));
	r = run_options_read(launching, &run.options, &err);
	if (r == 0 && taken >= argc) {
		r = err_set(&err, -EINVAL, NULL, "no image is named");
		err_hint(&err, "immure run [OPTION…] IMAGE [COMMAND [ARGUMENT…]]");
	}
	if (r == 0)
		r = remember_words(&run, given, count, argv + taken + 1, &err);
	if (r == 0)
		r = place_open(&launching->variables, run.options.storage, &launching->words,
			&run.storage, &err);
	if (r < 0)
		return print_error(&err);
	run.word = argv[taken];
	return run_all(&run, (const char *const *)argv + taken + 1);
}
