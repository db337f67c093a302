/*
 * Mount points of a container: see stubs.h. `diff` and `commit` may come while it runs or after its
 * launcher was killed, and no launch should write down for them what its options tell anyway.
 */
#include "cli/stubs.h"

#include <string.h>

#include "cli/launching.h"
#include "cli/run_options.h"
#include "container/compose.h"
#include "util/arena.h"

/* A mount there, whatever it is of: only the place counts. One that is there already stays. */
static void add(struct launching *launching, const char *target)
{
	struct mount_rule rule = {.kind = MOUNT_BIND, .source = "/", .target = target};
	struct err ignored = {0};

	for (size_t i = 0; i < launching->profile.files.mount_count; i++)
		if (strcmp(launching->profile.files.mounts[i].target, target) == 0)
			return;
	(void)profile_set_mount(&launching->profile, &launching->words, &rule, &ignored);
}

/* What the profile and the options mount; as many of them as can be told. */
static void add_asked(struct launching *launching, const struct container *container)
{
	struct run_options options;
	struct err ignored = {0};

	if (run_options_recall(launching, container->options, &options, &ignored) < 0 ||
		profile_load(launching->options.profile, &launching->variables, &launching->words,
			&launching->library, &launching->profile, &ignored) < 0)
		return;
	compose_forget_system(&launching->profile.files);
	(void)launch_options_apply(launching->given, launching->given_count, &launching->variables,
		&launching->words, &launching->profile, &ignored);
	for (size_t i = 0; i < options.volume_count; i++)
		add(launching, options.volumes[i].target);
}

void stubs_find(const struct container *container, const struct image_record *record,
	const struct layers *layers, const struct profile_variables *variables,
	struct stub_list *ret)
{
	/* container/compose.c: the files that it puts over those of the image */
	static const char *const files[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
		"/etc/passwd", "/etc/apt/apt.conf.d/00single-id"};
	static struct launching launching; /* too large for a stack */

	launching.variables = *variables;
	if (container->directory[0]) /* paths were written as seen from there */
		launching.variables.cwd = container->directory;
	profile_defaults(&launching.profile);
	add_asked(&launching, container);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		add(&launching, files[i]);
	for (size_t i = 0; record->volumes[i]; i++)
		add(&launching, record->volumes[i]);
	stub_find_all(layers, &launching.profile, ret);
}
