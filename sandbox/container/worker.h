/*
 * The second program at work: immure-image, started from beside the running program in a jail made
 * from the built-in profile of its task. What it parses was written by strangers (R28); what it
 * sees of the host is the storage, or as much of it as its task needs.
 */
#ifndef IMMURE_CONTAINER_WORKER_H
#define IMMURE_CONTAINER_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "profile/load.h"
#include "profile/profile.h"
#include "util/err.h"

enum worker_task {
	WORKER_STORE, /* image-store: no network, the whole storage, the user's subordinate ids */
	WORKER_FETCH, /* image-fetch: the host's network, no unpacked file, one id */
	WORKER_LOGIN, /* the same, and the credentials may be written */
};

struct worker {
	enum worker_task task;
	const char *const *arguments; /* the verb and what follows it; NULL-terminated */
	const char *input;            /* its standard input: a path; NULL: the caller's */
	const char *output;           /* its standard output: a path; NULL: the caller's */
	bool single;                  /* with one id, where the host would give more */
	const struct layers *view;    /* WORKER_STORE: mounted read-only at WORKER_VIEW; or NULL */
	const char *directory;        /* bound at WORKER_DIRECTORY: absolute, canonical; or NULL */
	bool directory_written;       /* it may be changed */
};
#define WORKER_VIEW "/run/container"
#define WORKER_DIRECTORY "/run/directory"
#define WORKER_CHANNEL 3 /* where two workers find their ends of the pair (image/channel.h) */

struct worker_place {
	const struct profile_variables *variables;
	const char *storage;                 /* absolute, canonical */
	int (*print)(const struct err *err); /* called in the worker's process */
};

/*
 * Runs one, or two that are joined by a socketpair, to their end. *ret_exit: 0 where all ended
 * well, else the code of the first that did not. -errno with reterr where none could be started.
 * The process must have one thread.
 */
int worker_run(const struct worker_place *place, const struct worker *workers, size_t count,
	int *ret_exit, struct err *reterr);

#endif
