/* The command line: one file per verb, one table of verbs in main.c. Only this room prints. */
#ifndef IMMURE_CLI_CLI_H
#define IMMURE_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "launch/launch.h"
#include "plan/plan.h"
#include "profile/load.h"
#include "util/err.h"

/* Exit codes, as podman, docker and the shells have them. */
enum {
	EXIT_OWN_ERROR = 125,
	EXIT_NOT_RUNNABLE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_BY_SIGNAL = 128,
};

struct option;

/* A verb of a verb: "image pull". */
struct sub_verb {
	const char *name;
	const char *alias; /* the short form, a verb of its own; or NULL */
	const char *arguments, *summary;
	const struct option *options; /* NULL: none */
};

struct verb {
	const char *name, *arguments, *summary;
	int (*run)(int argc, char **argv); /* argv[0] is the verb's name; returns the exit code */
	const struct option *options; /* for help and completion; NULL: none, or those of subs */
	const struct sub_verb *subs;  /* end with a NULL name; NULL: none */
};
extern const struct verb verbs[]; /* ends with a NULL name */

int cli_jail(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_profile(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_completion(int argc, char **argv);
int cli_version(int argc, char **argv);
int cli_help(int argc, char **argv);

/* ---- options.c: options by table, so that parsing, help and completion agree ---- */

struct option {
	const char *name;     /* without dashes */
	char letter;          /* 0: none */
	const char *argument; /* what its value is called, or NULL: a switch */
	const char *summary;
	int identifier; /* the verb's own enum; below 0: known, but not told of in the help */
};

struct given_option {
	const struct option *option;
	const char *value; /* NULL for a switch */
};

/*
 * Splits argv (argv[0] is skipped) by table (ends with a NULL name): "--name=value", "--name
 * value", "-xvalue", "-x=value", "-x value", switches joined as "-it"; a switch as "--name=true"
 * or, for nothing, "--name=false", "-x=false". Stops at "--" or at the first word that is no
 * option. given has room for OPTIONS_ROOM. The number of words taken, or a negative errno with
 * reterr (the nearest name as advice).
 */
#define OPTIONS_ROOM 4096
int options_parse(const struct option *table, int argc, char **argv, struct given_option *given,
	size_t *ret_count, struct err *reterr);
/* The same for a verb whose options may stand anywhere: its operands come last in argv then, and
 * the number is that of the first of them. "--" ends the options. */
int options_parse_all(const struct option *table, int argc, char **argv, struct given_option *given,
	size_t *ret_count, struct err *reterr);
void options_print(const struct option *table, FILE *out);

/* ---- jail_options.c: what the options of a launch do to a profile ---- */

struct launch_options {
	const char *profile; /* --profile */
	bool profile_is_set; /* else it is jail's default */
	const char *receipt, *result;
	bool dry_run, json;
	int preserved[64];
	size_t preserved_count;
};
extern const struct option launch_options_table[];

/* The options that are about the launch itself, before there is a profile. */
int launch_options_read(const struct given_option *given, size_t count, struct launch_options *ret,
	struct err *reterr);

/* The options that override the profile, in the order of writing. */
int launch_options_apply(const struct given_option *given, size_t count,
	const struct profile_variables *variables, struct arena *arena, struct profile *profile,
	struct err *reterr);

/* ---- surroundings.c: the caller's side, checked before it is believed ---- */

/* Opens /dev/null on closed standard descriptors, marks every other one close-on-exec, takes
 * default signal dispositions (R10, T-RT-10, T-RT-14). */
int surroundings_clean(struct err *reterr);

/* HOME, XDG_*, the working directory and the user's name, each canonical or NULL. */
void surroundings_variables(struct arena *arena, struct profile_variables *ret);

/* A path of the host as the caller writes it, relative to the working directory and with "..":
 * canonical, or NULL where it leads nowhere. */
const char *surroundings_path(
	struct arena *arena, const struct profile_variables *variables, const char *text);

/* ---- print.c ---- */

/* "immure: WHERE: MESSAGE" and the hint, escaped. Returns EXIT_OWN_ERROR. */
int print_error(const struct err *err);
/* Both print on standard output, and return the exit status; what the stream did not take is told
 * by main(), at the end. Takes over document; NULL: there was no memory for it. */
int print_json(json_t *document);
/* The step table with every row, for people or as JSON. */
int print_plan(const struct plan *plan, bool json);
/*
 * A file to write to once: opened (as far as it is there) when the launch begins, since by its end
 * a program that may write beside it could have put a link in the way.
 */
struct output {
	const char *path; /* for messages */
	int fd;           /* standard output, a descriptor, or what is no regular file; -1: none */
	int directory;    /* of a regular file, to be replaced as a whole; -1: none */
	const char *name; /* in directory */
};
#define OUTPUT_NONE ((struct output){.fd = -1, .directory = -1})

/* "-": standard output; "@N": a descriptor. 0 or -errno with reterr. The descriptors live as long
 * as the process. */
int output_open(const char *path, struct output *ret, struct err *reterr);

/* Write the receipt or the result as JSON. 0 or -errno with reterr. */
int write_receipt(const struct plan *plan, const struct output *output, struct err *reterr);
int write_result(const struct launch_result *result, const char *program,
	const struct output *output, struct err *reterr);

#endif
