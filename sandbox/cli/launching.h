/* What `jail` and `run` have in common once their options are read. */
#ifndef IMMURE_CLI_LAUNCHING_H
#define IMMURE_CLI_LAUNCHING_H

#include "cli/cli.h"
#include "launch/forerunner.h"
#include "util/arena.h"

#define STORAGE_BELOW "immure/storage" /* in the user's data directory */

/* Everything of one launch; lives to the end of the process. */
struct launching {
	struct arena words;      /* options, profile */
	struct arena plan_arena; /* the plan: sealed before the child is made */
	struct profile_variables variables;
	struct profile_library library;
	struct profile profile;
	struct host host;
	struct idmap_plan ahead_idmap;
	struct forerunner ahead; /* see launching_send_ahead(); none until then */
	struct launch_options options;
	struct given_option given[OPTIONS_ROOM];
	size_t given_count;
};

/*
 * Sends the forerunner of a launch under the profile as it is now, which may still change: should
 * the plan's identity be another one in the end, the launch does without it. For a launch that
 * takes its time to prepare; it is used up by launching_run(), or to be dismissed.
 */
void launching_send_ahead(struct launching *launching);

/* A home that is kept between runs, and the user's own. */
int launching_place_home(struct launching *launching, struct err *reterr);

/*
 * Our own configuration and state decide how later jails are made, and the storage what they are
 * made of: no jail may write any of it, by whatever name a bind has (T-HAND-05). storage:
 * canonical; NULL: where it usually lies. Call it when every mount rule is there.
 */
int launching_protect(struct launching *launching, const char *storage, struct err *reterr);

/* Compiles. request needs only what is to be run; the rest is filled in here. */
int launching_plan(struct launching *launching, struct plan_request *request, struct plan **ret,
	struct err *reterr);

/*
 * Runs plan, writes receipt and result, says what is to be said. The exit code of the verb; started
 * (may be NULL) says whether there was a program.
 */
int launching_run(struct launching *launching, const struct plan *plan, bool *ret_started);

/* The plan instead of the launch; nothing else is different, and nothing is made. */
int launching_dry_run(const struct launching *launching, const struct plan *plan);

#endif
