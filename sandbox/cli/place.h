/* Where images and containers lie, for every verb that is about them; and the second program. */
#ifndef IMMURE_CLI_PLACE_H
#define IMMURE_CLI_PLACE_H

#include "cli/cli.h"
#include "container/worker.h"
#include "image/storage.h"
#include "util/arena.h"

/*
 * Opens the storage at given (as the caller wrote it; NULL: <data>/immure/storage), made where it
 * is missing. Its path is the arena's.
 */
int place_open(const struct profile_variables *variables, const char *given, struct arena *arena,
	struct storage *ret, struct err *reterr);

/* Takes "--storage DIR" off the words after the verb's name; *ret stays where there is none. */
int place_take_option(int *argc, char ***argv, const char **ret, struct err *reterr);

/* Runs the second program; the exit code. */
int place_work(const struct profile_variables *variables, const struct storage *storage,
	const struct worker *workers, size_t count);

struct pull_request {
	const char *name, *platform; /* platform NULL: this machine's */
	bool quiet;
	bool silent;                /* its id is not printed: standard output is a program's */
	const char *const *options; /* further words of `pull`, NULL-terminated, or NULL */
};
/* Fetches and unpacks an image. The exit code: 0 where it is there now. */
int place_pull(const struct profile_variables *variables, const struct storage *storage,
	const struct pull_request *request, struct arena *arena);

/* Unpacks what is fetched already, for the one or the other way of mapping ids. */
int place_unpack(const struct profile_variables *variables, const struct storage *storage,
	const char *manifest, bool mapped);

/* Puts the file at path in the place of descriptor number; flags: of open(2). 0 or -errno with
 * reterr. */
int place_redirect(int number, const char *path, int flags, struct err *reterr);

#endif
