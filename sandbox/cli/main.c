/* immure: the table of verbs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/verbs.h"
#include "util/mutant.h"
#include "util/text.h"

const struct verb verbs[] = {
	{"jail", "[OPTION…] PROGRAM [ARGUMENT…]", "run a program walled in by a profile", cli_jail},
	{"run", "[OPTION…] IMAGE [COMMAND [ARGUMENT…]]", "run a program of an image in a container",
		cli_run},
	{"start", "-a CONTAINER", "run a container that has ended again", cli_start},
	{"ps", "[-a] [-q] [--filter F] [--format F]", "list containers", cli_ps},
	{"rm", "[-f] CONTAINER… | --all", "remove containers", cli_rm},
	{"commit", "[OPTION…] CONTAINER [NAME]", "make an image of a container", cli_commit},
	{"diff", "CONTAINER", "show what a container changed", cli_diff},
	{"export", "[-o FILE] CONTAINER", "write a container's files into a tar archive",
		cli_export},
	{"cp", "CONTAINER:PATH PATH | PATH CONTAINER:PATH",
		"copy files out of a container, or into it", cli_cp},
	{"image", "VERB [ARGUMENT…]", "what there is to do with images", cli_image},
	{"images", "[-a] [-q] [--format F] [NAME]", "image list", cli_image},
	{"pull", "[--platform P] [-q] NAME…", "image pull", cli_image},
	{"push", "NAME [DESTINATION]", "image push", cli_image},
	{"rmi", "[-f] [-a] NAME…", "image rm", cli_image},
	{"save", "[-o FILE] NAME…", "image save", cli_image},
	{"load", "[-i FILE]", "image load", cli_image},
	{"import", "FILE|- [NAME]", "image import", cli_image},
	{"history", "[--format F] NAME", "image history", cli_image},
	{"tag", "NAME NEW-NAME…", "image tag", cli_image},
	{"inspect", "[--format F] NAME…", "image inspect", cli_image},
	{"login", "[-u USER] [--password-stdin] REGISTRY", "image login", cli_image},
	{"logout", "REGISTRY | --all", "image logout", cli_image},
	{"volume", "ls | create | inspect | rm | prune", "named volumes", cli_volume},
	{"profile", "list | show P | check FILE | explain P",
		"look at profiles and at what they come to", cli_profile},
	{"doctor", "[--format=json]",
		"say what this host can enforce, and how to mend what it cannot", cli_doctor},
	{"completion", "bash | zsh | fish", "print the completions of a shell", cli_completion},
	{"version", "", "print the version", cli_version},
	{"help", "[VERB]", "print this, or the options of a verb", cli_help},
	{NULL, NULL, NULL, NULL},
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
	if (near)
		err_hint(&err, "did you mean `immure %s`?", near);
	else
		err_hint(&err, "`immure help` lists them");
	print_error(&err);
	return EXIT_OWN_ERROR;
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

int main(int argc, char **argv)
{
	struct err err = {0};

	mutant_start();
	if (argc < 1 || !argv[0] || is_privileged()) {
		err_set(&err, -EPERM, NULL,
			"refuses to run without a name, or with more rights than its caller "
			"(setuid, setgid, file capabilities)");
		print_error(&err);
		return EXIT_OWN_ERROR;
	}
	if (surroundings_clean(&err) < 0) {
		print_error(&err);
		return EXIT_OWN_ERROR;
	}
	if (argc < 2) {
		(void)cli_help(0, NULL);
		return EXIT_OWN_ERROR;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0)
		argv[1] += 2;
	if (take_storage(&argc, &argv, &err) < 0) {
		print_error(&err);
		return EXIT_OWN_ERROR;
	}
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strcmp(argv[1], verb->name) != 0)
			continue;
		if (argc > 2 && strcmp(argv[2], "--help") == 0)
			return cli_help(2, argv);
		return verb->run(argc - 1, argv + 1);
	}
	return unknown_verb(argv[1]);
}
