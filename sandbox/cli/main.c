/* immure: the table of verbs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/mutant.h"
#include "util/text.h"

const struct verb verbs[] = {
	{"jail", "[OPTION…] PROGRAM [ARGUMENT…]", "run a program walled in by a profile", cli_jail},
	{"run", "[OPTION…] IMAGE [COMMAND [ARGUMENT…]]", "run a program of an image in a container",
		cli_run},
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
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strcmp(argv[1], verb->name) != 0)
			continue;
		if (argc > 2 && strcmp(argv[2], "--help") == 0)
			return cli_help(2, argv);
		return verb->run(argc - 1, argv + 1);
	}
	return unknown_verb(argv[1]);
}
