/*
 * Inheritance. The input is several profiles, NUL between them: the first is loaded, the others are
 * what it may extend, as NAME.json (a, b, c …) in the user's directory of profiles, and as
 * NAME@1.json among the groups of system calls. Loading ends, in bounded time; a deny of a profile
 * that is extended is still there, or a rule that says why stands in its place; the effective
 * profile loads again, flat, to an equal one.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/json.h"

enum { PROFILES_MAX = 12 };

static char config[64];

static const char *const rooms[] = {"", "/immure", "/immure/profiles", "/immure/seccomp"};

static const char *path_of(int number, bool group)
{
	static char path[128];

	(void)snprintf(path, sizeof(path),
		group ? "%s/immure/seccomp/%c@1.json" : "%s/immure/profiles/%c.json", config,
		'a' + number);
	return path;
}

static void remove_profile(int number)
{
	(void)unlink(path_of(number, false)); /* most are not there */
	(void)unlink(path_of(number, true));
}

static void remove_all(void)
{
	char path[128];

	for (int i = 0; i < PROFILES_MAX; i++)
		remove_profile(i);
	for (size_t i = sizeof(rooms) / sizeof(rooms[0]); i > 0; i--) {
		(void)snprintf(path, sizeof(path), "%s%s", config, rooms[i - 1]);
		(void)rmdir(path);
	}
}

static void make_directories(void)
{
	char path[128];

	(void)snprintf(config, sizeof(config), "%s/fuzz-extends-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	HOLDS(mkdtemp(config));
	for (size_t i = 1; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", config, rooms[i]);
		HOLDS(mkdir(path, 0700) == 0);
	}
	HOLDS(atexit(remove_all) == 0);
}

static void write_file(const char *path, const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	HOLDS(fd >= 0 && write(fd, text, size) == (ssize_t)size);
	HOLDS(close(fd) == 0);
}

struct load {
	struct arena arena;
	struct profile_library library;
	struct profile profile;
	struct err err;
};

static int load_name(struct load *load, const char *name)
{
	struct profile_variables variables = {
		.cwd = "/work", .home = "/home/u", .user = "u", .xdg_config = config};

	return profile_load(
		name, &variables, &load->arena, &load->library, &load->profile, &load->err);
}

static void unload(struct load *load)
{
	profile_library_free(&load->library);
	arena_free(&load->arena);
}

static const struct mount_rule *find_mount(const struct profile *profile, const char *target)
{
	for (size_t i = 0; i < profile->files.mount_count; i++)
		if (strcmp(profile->files.mounts[i].target, target) == 0)
			return &profile->files.mounts[i];
	return NULL;
}

/* Each deny that a profile has when it is loaded by itself is in the profile that extends it, or
 * has been lifted for a reason. */
static void check_denies(const struct profile *whole, const char *name)
{
	struct load base = {0};

	if (load_name(&base, name) == 0)
		for (size_t i = 0; i < base.profile.files.mount_count; i++) {
			const struct mount_rule *deny = &base.profile.files.mounts[i];
			const struct mount_rule *now =
				deny->kind == MOUNT_DENY ? find_mount(whole, deny->target) : deny;

			HOLDS(now);
			HOLDS(now->kind == MOUNT_DENY
					? now->reason || now->rule.enforce <= deny->rule.enforce
					: deny == now || now->reason);
		}
	unload(&base);
}

/* The names that the first document extends. */
static void check_extended(const struct profile *whole, const char *text, size_t size)
{
	const char *stop = memchr(text, '\0', size);
	json_t *root = json_read(
		"a", text, stop ? (size_t)(stop - text) : size, &json_limits_profile, NULL);
	json_t *extends = json_object_get(root, "extends");
	const json_t *name;
	size_t index;

	HOLDS(root);
	if (json_is_string(extends))
		check_denies(whole, json_string_value(extends));
	json_array_foreach(extends, index, name) check_denies(whole, json_string_value(name));
	json_decref(root);
}

static void check_flat(const struct profile *profile)
{
	struct load again = {0};
	struct profile_variables variables = {0};
	char *printed = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&printed, &length);

	HOLDS(out);
	HOLDS(profile_emit(profile, true, out) == 0);
	HOLDS(fclose(out) == 0);
	/* printed is malloc'd, and taken over */
	HOLDS(profile_load_text("flat", printed, length, &variables, &again.arena, &again.library,
		      &again.profile, &again.err) == 0);
	HOLDS(profile_equal(profile, &again.profile));
	unload(&again);
}

/* By its path and by a descriptor a document says the same as by its name, but for what it is
 * called and what is beside it. */
static void check_other_ways(const struct profile *profile)
{
	struct load path = {0}, descriptor = {0};
	char word[16];
	int fd = open(path_of(0, false), O_RDONLY | O_CLOEXEC);

	HOLDS(fd >= 0);
	(void)snprintf(word, sizeof(word), "@%d", fd);
	HOLDS(load_name(&path, path_of(0, false)) == 0);
	HOLDS(profile_equal(profile, &path.profile));
	if (load_name(&descriptor, word) == 0)
		HOLDS(profile->files.mount_count == descriptor.profile.files.mount_count);
	HOLDS(close(fd) == 0);
	unload(&path);
	unload(&descriptor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = text + size;
	struct load load = {0};
	int count = 0;

	if (!*config)
		make_directories();
	while (count < PROFILES_MAX && text <= end) {
		const char *stop = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;

		if (!stop)
			stop = end;
		write_file(path_of(count, false), text, (size_t)(stop - text));
		write_file(path_of(count++, true), text, (size_t)(stop - text));
		text = stop + 1;
	}
	if (load_name(&load, "a") == 0) {
		check_extended(&load.profile, (const char *)data, size);
		check_flat(&load.profile);
		check_other_ways(&load.profile);
	} else {
		HOLDS(load.err.code < 0 && load.err.message[0]);
	}
	unload(&load);
	for (int i = 0; i < count; i++)
		remove_profile(i);
	return 0;
}
