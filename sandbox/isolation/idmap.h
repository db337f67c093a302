/*
 * Identity: which ids of the host stand behind the ids in the jail. One id, mapped by the child
 * itself; or the caller's subordinate ranges, mapped by newuidmap(1) and newgidmap(1); or, for a
 * caller who is root, one id that is nobody's. user_namespaces(7), subuid(5).
 */
#ifndef IMMURE_ISOLATION_IDMAP_H
#define IMMURE_ISOLATION_IDMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

enum idmap_way {
	IDMAP_SELF,   /* the child maps its one id itself */
	IDMAP_PARENT, /* the caller is root: the parent writes the maps */
	IDMAP_HELPER, /* newuidmap and newgidmap */
};

struct idmap_plan {
	enum idmap_way way;
	const char *uid_map, *gid_map; /* the text of the map files */
	const char *const *
		uid_words; /* IDMAP_HELPER: arguments of newuidmap after the pid, NULL-terminated */
	const char *const *gid_words;
	const char *newuidmap, *newgidmap;
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary; IDMAP_HELPER only, none else */
	size_t group_count;
	const struct rule *rule;
};

int idmap_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct idmap_plan *ret, struct err *reterr);
void idmap_explain(const struct idmap_plan *plan, struct report *out);

/*
 * Needs: the host's /proc; a dumpable process (a non-dumpable one cannot open its own map files).
 * Waits for the parent's word on child->control where the parent writes the maps.
 */
int idmap_apply(const struct idmap_plan *plan, struct child *child, uint16_t *reterr_item);

/* Parent half of IDMAP_PARENT and IDMAP_HELPER; nothing for IDMAP_SELF. pid is the child, alive and
 * waiting. */
int idmap_apply_parent(const struct idmap_plan *plan, pid_t pid, struct err *reterr);

/*
 * The parts of that for IDMAP_HELPER, where there is something to do meanwhile: starts newuidmap
 * and newgidmap for pid, a process of ours in the namespace; waits for those that were started
 * (also after a failure to start) and forgets them; reads the maps back, since a helper that lies
 * must not go unseen. 0 or -errno. Who does not need them any more stops them before he ends the
 * process, or they would complain of it on the user's terminal.
 */
struct idmap_room;
struct idmap_helpers {
	struct idmap_room *room; /* NULL: not there */
};
int idmap_start_helpers(
	const struct idmap_plan *plan, pid_t pid, struct idmap_helpers *ret, struct err *reterr);
void idmap_stop_helpers(const struct idmap_helpers *helpers);
int idmap_wait_for_helpers(
	const struct idmap_plan *plan, struct idmap_helpers *helpers, struct err *reterr);
int idmap_verify(const struct idmap_plan *plan, pid_t pid, struct err *reterr);

/*
 * Becomes the jail's uid and gid, with the supplementary groups of the plan and no other where the
 * map lets us change them.
 * Needs: mapped ids; CAP_SETUID and CAP_SETGID. Drops: the caller's groups; clears the dumpable
 * mark and PDEATHSIG.
 */
int idmap_become(const struct idmap_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
