/* The options of `run`: those of a launch, and those that only a container has. */
#ifndef IMMURE_CLI_RUN_OPTIONS_H
#define IMMURE_CLI_RUN_OPTIONS_H

#include "cli/launch_options.h"
#include "cli/launching.h"
#include "container/compose.h"

extern const struct option run_options_table[];

enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEWER, PULL_NEVER };

/* A volume: named, or with a name of its own (NULL) that goes with the container. */
struct volume_option {
	const char *flag; /* "--volume", for messages */
	const char *name; /* NULL: anonymous */
	const char *target;
	bool read_only, no_exec;
};

struct run_options {
	const char *storage, *name, *user, *platform, *cidfile;
	const char *tls_verify; /* of a pull: "--tls-verify=…"; NULL: not given */
	struct names_options names;
	const char **unset;            /* of --unsetenv; ends as groups */
	const char *const *entrypoint; /* NULL: not given; else the words */
	const char **groups;           /* of --group-add; NULL-terminated, or NULL */
	const struct volume_option *volumes;
	size_t volume_count;
	enum pull_policy pull;
	bool transient, interactive, tty, read_only, quiet, home_is_set;
	bool replace, environment_of_host, plain_read_only; /* the last: --read-only-tmpfs=false */
	bool keep_id; /* the caller's ids, as themselves or these two, and no other */
	uid_t kept_uid;
	gid_t kept_gid;
	int umask;       /* -1: the profile's */
	int stop_signal; /* 0: the image's */
	uint64_t added_capabilities;
	uint64_t shm_size; /* 0: the usual */
};

/* Splits the options at the beginning of argv into launching->given, whoever wrote them, and reads
 * those of every launch. How many words they took, or -errno with reterr. */
int run_options_parse(struct launching *launching, int argc, char **argv, struct err *reterr);

/*
 * Reads what options.c has split. What is about the container goes to ret; --env-file becomes
 * --env, and what launch_options_apply() may see stays in launching->given. launching->variables is
 * set.
 */
int run_options_read(struct launching *launching, struct run_options *ret, struct err *reterr);

/* The words that make the same container again: `start` reads them as if they had been typed. */
int run_options_words(struct launching *launching, const struct given_option *given, size_t count,
	const char *const **ret, struct err *reterr);

/* Both of the former, for the words that a container has kept. launching->variables is set, its cwd
 * as it was for the first run. */
int run_options_recall(struct launching *launching, const char *const *options,
	struct run_options *ret, struct err *reterr);

#endif
