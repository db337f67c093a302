/* Completions for bash, zsh and fish, printed from the same tables that parse, so that they cannot
 * fall behind. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static void print_words(const char *before, const char *after)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		(void)printf("%s%s%s", before, verb->name, after);
}

/* The options that a verb, or the verb that it is short for, has; NULL: none. */
static const struct option *options_of(const struct verb *verb)
{
	for (const struct sub_verb *sub = verb->subs; sub && sub->name; sub++)
		if (sub->alias && strcmp(sub->alias, verb->name) == 0)
			return sub->options;
	return verb->options;
}

/* "image" and "volume", whose second word is a verb; not their short forms. */
static bool has_subs(const struct verb *verb)
{
	return verb->subs &&
	       (strcmp(verb->name, "image") == 0 || strcmp(verb->name, "volume") == 0);
}

static void print_bash_options(const char *verb, const char *sub, const struct option *options)
{
	(void)printf("\t'%s%s%s':-*) mapfile -t COMPREPLY < <(compgen -W '", verb, sub ? " " : "",
		sub ? sub : "");
	for (; options->name; options++)
		if (options->identifier >= 0)
			(void)printf("--%s ", options->name);
	(void)printf("' -- \"$word\"); return ;;\n");
}

static void print_bash_verb(const struct verb *verb)
{
	const struct option *options = options_of(verb);

	if (options)
		print_bash_options(verb->name, NULL, options);
	if (!has_subs(verb))
		return;
	for (const struct sub_verb *sub = verb->subs; sub->name; sub++)
		if (sub->options)
			print_bash_options(verb->name, sub->name, sub->options);
	(void)printf("\t%s:*) mapfile -t COMPREPLY < <(compgen -W '", verb->name);
	for (const struct sub_verb *sub = verb->subs; sub->name; sub++)
		(void)printf("%s ", sub->name);
	(void)printf("' -- \"$word\"); return ;;\n");
}

static void print_bash(void)
{
	(void)printf("# bash completion of immure\n"
		     "_immure()\n{\n"
		     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
		     "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
		     "\t\tmapfile -t COMPREPLY < <(compgen -W '");
	print_words("", " ");
	(void)printf("' -- \"$word\"); return\n\tfi\n"
		     "\tcase $before in\n"
		     "\t-p|--profile) mapfile -t COMPREPLY < <(compgen -f -W \"$(immure profile "
		     "list | cut -d' ' -f1)\" -- \"$word\"); return ;;\n"
		     "\tshow|explain|check) mapfile -t COMPREPLY < <(compgen -f -W \"$(immure "
		     "profile list | cut -d' ' -f1)\" -- \"$word\"); return ;;\n"
		     "\tprofile) mapfile -t COMPREPLY < <(compgen -W 'list show check explain' -- "
		     "\"$word\"); return ;;\n"
		     "\tcompletion) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "
		     "\"$word\"); return ;;\n"
		     "\t--network) mapfile -t COMPREPLY < <(compgen -W 'none host' -- \"$word\"); "
		     "return ;;\n"
		     "\t--format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- \"$word\"); "
		     "return ;;\n"
		     "\tesac\n"
		     "\tlocal verb=${COMP_WORDS[1]}\n"
		     "\tcase $verb in image|volume) [ \"$COMP_CWORD\" -gt 2 ] && verb+=\" "
		     "${COMP_WORDS[2]}\" ;; esac\n"
		     "\tcase $verb:$word in\n");
	for (const struct verb *verb = verbs; verb->name; verb++)
		print_bash_verb(verb);
	(void)printf("\tesac\n"
		     "\tmapfile -t COMPREPLY < <(compgen -f -c -- \"$word\")\n"
		     "}\ncomplete -o filenames -F _immure immure\n");
}

/* Inside single quotes of the shell: a quote ends them, stands escaped, and begins them again.
 * special: what the shell's own notation escapes. */
static void print_quoted(const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			(void)printf("'\\''");
		else if (strchr(special, *text))
			(void)printf("\\%c", *text);
		else
			(void)putchar(*text);
	}
}

static void print_zsh_options(const char *name, const struct option *options, const char *rest)
{
	(void)printf("\t%s)\n\t\tshift words; (( CURRENT-- ))\n\t\t_arguments -S \\\n", name);
	for (const struct option *option = options; option->name; option++) {
		if (option->identifier < 0)
			continue;
		(void)printf("\t\t\t'--%s%s[", option->name, option->argument ? "=" : "");
		print_quoted(option->summary, "[]:");
		(void)printf("]%s%s' \\\n", option->argument ? ":value:" : "",
			!option->argument ? ""
			: strcmp(option->name, "profile") == 0
				? "($(immure profile list | cut -d\" \" -f1))"
				: "_files");
	}
	(void)printf("\t\t\t'*::%s'\n\t\t;;\n", rest);
}

static void print_zsh_subs(const struct verb *verb)
{
	(void)printf("\t%s)\n\t\tif (( CURRENT == 3 )); then\n\t\t\tlocal -a subs\n\t\t\tsubs=(",
		verb->name);
	for (const struct sub_verb *sub = verb->subs; sub->name; sub++) {
		(void)printf("'%s:", sub->name);
		print_quoted(sub->summary, ":");
		(void)printf("' ");
	}
	(void)printf(")\n\t\t\t_describe verb subs\n\t\t\treturn\n\t\tfi\n\t\tshift words; (( "
		     "CURRENT-- ))\n\t\tcase $words[2] in\n");
	for (const struct sub_verb *sub = verb->subs; sub->name; sub++)
		if (sub->options)
			print_zsh_options(sub->name, sub->options, "word:_files");
	(void)printf("\t\tesac\n\t\t;;\n");
}

static void print_zsh(void)
{
	(void)printf("#compdef immure\n_immure()\n{\n\tlocal -a verbs\n\tverbs=(\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		(void)printf("\t\t'%s:", verb->name);
		print_quoted(verb->summary, ":");
		(void)printf("'\n");
	}
	(void)printf("\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe verb "
		     "verbs\n\t\treturn\n\tfi\n\tcase $words[2] in\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (has_subs(verb))
			print_zsh_subs(verb);
		else if (options_of(verb))
			print_zsh_options(verb->name, options_of(verb),
				strcmp(verb->name, "jail") == 0 ? "program:_normal"
								: "word:_files");
	}
	(void)printf("\tprofile) _arguments '2:what:(list show check explain)' "
		     "'3:profile:($(immure profile list | cut -d\" \" -f1))' ;;\n"
		     "\tcompletion) _arguments '2:shell:(bash zsh fish)' ;;\n"
		     "\tesac\n}\n_immure \"$@\"\n");
}

static void print_fish_options(const char *name, const struct option *options)
{
	for (const struct option *option = options; option->name; option++) {
		if (option->identifier < 0)
			continue;
		(void)printf("complete -c immure -n '__fish_seen_subcommand_from %s' -l %s", name,
			option->name);
		if (option->letter)
			(void)printf(" -s %c", option->letter);
		(void)printf("%s -d '", option->argument ? " -r" : "");
		print_quoted(option->summary, "");
		(void)printf("'\n");
	}
}

static void print_fish(void)
{
	(void)printf("# fish completion of immure\ncomplete -c immure -f\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		(void)printf("complete -c immure -n __fish_use_subcommand -a %s -d '", verb->name);
		print_quoted(verb->summary, "");
		(void)printf("'\n");
	}
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (options_of(verb))
			print_fish_options(verb->name, options_of(verb));
		for (const struct sub_verb *sub = has_subs(verb) ? verb->subs : NULL;
			sub && sub->name; sub++) {
			(void)printf("complete -c immure -n '__fish_seen_subcommand_from %s' -a %s "
				     "-d '",
				verb->name, sub->name);
			print_quoted(sub->summary, "");
			(void)printf("'\n");
		}
	}
	(void)printf(
		"complete -c immure -n '__fish_seen_subcommand_from jail run' -s p -l profile -x "
		"-a '(immure profile list | cut -d\" \" -f1)'\n"
		"complete -c immure -n '__fish_seen_subcommand_from profile' -a 'list show "
		"check explain'\n"
		"complete -c immure -n '__fish_seen_subcommand_from completion' -a 'bash zsh "
		"fish'\n");
}

int cli_completion(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
	struct err err = {0};

	for (size_t i = 0; argc == 2 && i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(argv[1], shells[i].name) == 0) {
			shells[i].print();
			return 0;
		}
	err_set(&err, -EINVAL, "completion", "expected bash, zsh or fish");
	return print_error(&err);
}
