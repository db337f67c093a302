/* immure: the table of verbs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/verbs.h"
#include "util/mutant.h"
#include "util/segments.h"
#include "util/text.h"

const struct verb verbs[] = {
	{"jail", "[OPTION…] PROGRAM [ARGUMENT…]", "run a program walled in by a profile", cli_jail,
		launch_options_table, NULL},
	{"run", "[OPTION…] IMAGE [COMMAND [ARGUMENT…]]", "run a program of an image in a container",
		cli_run, run_options_table, NULL},
	{"start", "-a CONTAINER", "run a container that has ended again", cli_start,
		start_options_table, NULL},
	{"ps", "[-a] [-q] [--filter F] [--format F]", "list containers", cli_ps, ps_options_table,
		NULL},
	{"rm", "[-f] CONTAINER… | --all", "remove containers", cli_rm, rm_options_table, NULL},
	{"commit", "[OPTION…] CONTAINER [NAME]", "make an image of a container", cli_commit,
		commit_options_table, NULL},
	{"diff", "CONTAINER", "show what a container changed", cli_diff, cp_options_table, NULL},
	{"export", "[-o FILE] CONTAINER", "write a container's files into a tar archive",
		cli_export, export_options_table, NULL},
	{"cp", "CONTAINER:PATH PATH | PATH CONTAINER:PATH",
		"copy files out of a container, or into it", cli_cp, cp_options_table, NULL},
	{"image", "VERB [ARGUMENT…]", "what there is to do with images", cli_image, NULL,
		image_verbs},
	{"images", "[-a] [-q] [--format F] [NAME]", "image list", cli_image, NULL, image_verbs},
	{"pull", "[--platform P] [-q] NAME…", "image pull", cli_image, NULL, image_verbs},
	{"push", "NAME [DESTINATION]", "image push", cli_image, NULL, image_verbs},
	{"rmi", "[-f] [-a] NAME…", "image rm", cli_image, NULL, image_verbs},
	{"save", "[-o FILE] NAME…", "image save", cli_image, NULL, image_verbs},
	{"load", "[-i FILE]", "image load", cli_image, NULL, image_verbs},
	{"import", "FILE|- [NAME]", "image import", cli_image, NULL, image_verbs},
	{"history", "[--format F] NAME", "image history", cli_image, NULL, image_verbs},
	{"tag", "NAME NEW-NAME…", "image tag", cli_image, NULL, image_verbs},
	{"inspect", "[--format F] NAME…", "image inspect", cli_image, NULL, image_verbs},
	{"login", "[-u USER] [--password-stdin] REGISTRY", "image login", cli_image, NULL,
		image_verbs},
	{"logout", "REGISTRY | --all", "image logout", cli_image, NULL, image_verbs},
	{"volume", "ls | create | inspect | rm | prune", "named volumes", cli_volume,
		volume_options_table, volume_verbs},
	{"profile", "list | show P | check FILE | explain P",
		"look at profiles and at what they come to", cli_profile, NULL, NULL},
	{"doctor", "[--format=json]",
		"say what this host can enforce, and how to mend what it cannot", cli_doctor, NULL,
		NULL},
	{"completion", "bash | zsh | fish", "print the completions of a shell", cli_completion,
		NULL, NULL},
	{"version", "", "print the version", cli_version, NULL, NULL},
	{"help", "[VERB]", "print this, or the options of a verb", cli_help, NULL, NULL},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};

static int unknown_verb(const char *word)
{
	const char *names[sizeof(verbs) / sizeof(verbs[0])];
	struct err err = {0};
	size_t count = 0;
	const char *near;

	for (; verbs[count].name; count++)
		names[count] = verbs[count].name;
	near = text_nearest(word, names, count);
	err_set(&err, -EINVAL, word, "there is no such verb");
	if (word[0] == '-')
		err_hint(&err, "options stand after the verb: immure jail %s …", word);
	else if (near)
		err_hint(&err, "did you mean `immure %s`?", near);
	else
		err_hint(&err, "`immure help` lists them");
	return print_error(&err);
}

/* More rights than the caller's would make every check in here a hole (CVE-2021-4034,
 * CVE-2020-5291). */
static bool is_privileged(void)
{
	return getauxval(AT_SECURE) || getuid() != geteuid() || getgid() != getegid();
}

/* "immure --storage DIR VERB …" is "immure VERB --storage DIR …": podman's --root stands there,
 * too. */
static int take_storage(int *argc, char ***argv, struct err *reterr)
{
	char **words = *argv;
	int taken = strcmp(words[1], "--storage") == 0         ? 2
		    : strncmp(words[1], "--storage=", 10) == 0 ? 1
							       : 0;

	if (!taken)
		return 0;
	if (*argc < taken + 2) {
		err_set(reterr, -EINVAL, NULL, "--storage needs DIR and a verb after it");
		return -EINVAL;
	}
	words[0] = words[taken + 1];
	memmove(words + 2, words + 1, (size_t)taken * sizeof(*words));
	words[1] = words[0];
	return 0;
}

/*
 * The end, without what exit(3) would take apart in our own memory a moment before the kernel does:
 * destructors of libraries, and the pages that they touch. The sanitizers have something to do
 * then.
 */
static int leave(int status)
{
	struct err err = {0};

	if (fflush(NULL) || ferror(stdout)) {
		err_set(&err, -errno, "standard output", "cannot be written: %s", strerror(errno));
		print_error(&err);
		status = EXIT_OWN_ERROR;
	}
#ifndef __SANITIZE_ADDRESS__
	_exit(status);
#endif
	return status;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	int r = segments_protect();

	mutant_start();
	if (r < 0) {
		err_set(&err, r, NULL, "cannot make its own tables read-only: %s", strerror(-r));
		return print_error(&err);
	}
	if (argc < 1 || !argv[0] || is_privileged()) {
		err_set(&err, -EPERM, NULL,
			"refuses to run without a name, or with more rights than its caller "
			"(setuid, setgid, file capabilities)");
		return print_error(&err);
	}
	if (surroundings_clean(&err) < 0)
		return print_error(&err);
	if (argc < 2) {
		(void)cli_help(0, NULL);
		return leave(EXIT_OWN_ERROR);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0)
		argv[1] += 2;
	if (take_storage(&argc, &argv, &err) < 0)
		return print_error(&err);
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strcmp(argv[1], verb->name) != 0)
			continue;
		if (argc > 2 && strcmp(argv[2], "--help") == 0)
			return leave(cli_help(2, argv));
		return leave(verb->run(argc - 1, argv + 1));
	}
	return unknown_verb(argv[1]);
}
