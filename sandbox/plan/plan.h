/*
 * The plan: everything a launch will do, decided before it begins. Compiled from a profile and the
 * facts of a host, pure over both; kept in an arena that is made read-only before the child is
 * made; walked by the child (launch/), by explain, by --dry-run and by the receipt, all along the
 * same table of steps, so that none of them can tell a different story.
 */
#ifndef IMMURE_PLAN_PLAN_H
#define IMMURE_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"
#include "isolation/capability.h"
#include "isolation/cgroup.h"
#include "isolation/device.h"
#include "isolation/idmap.h"
#include "isolation/landlock.h"
#include "isolation/mount.h"
#include "isolation/namespace.h"
#include "isolation/network.h"
#include "isolation/proc.h"
#include "isolation/process.h"
#include "isolation/rlimit.h"
#include "isolation/root.h"
#include "isolation/seccomp.h"
#include "isolation/selinux.h"
#include "isolation/terminal.h"
#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;

/* What the launch was asked to run, and what of the caller's surroundings decides how. Borrowed. */
struct plan_request {
	char *const *arguments;   /* NULL-terminated, at least one */
	const char *executable;   /* the path in the jail to execute; NULL: look up arguments[0] */
	char *const *environment; /* the caller's: only what the profile passes is taken */
	const char *working_directory; /* the caller's, canonical; NULL when it cannot be named */
	bool is_terminal[3];
	const int *preserved; /* descriptors to hand in, ascending, each above 2 */
	size_t preserved_count;
};

/* The command, made ready for a child that can no longer look anything up. */
struct command_plan {
	const char *const *candidates; /* paths to try, in order: the words of PATH, or the one path
					  that was given */
	size_t candidate_count;
	char *const *arguments;
	char *const *environment;
	const char *working_directory; /* in the jail */
};

struct plan {
	const struct profile *profile;
	struct receipt receipt;
	struct namespace_plan namespaces;
	struct idmap_plan idmap;
	struct rlimit_plan rlimits;
	struct network_plan network;
	struct selinux_plan selinux;
	struct root_plan root;
	struct mount_plan mounts;
	struct device_plan devices;
	struct proc_plan proc;
	struct terminal_plan terminal;
	struct process_plan process;
	struct capability_plan capabilities;
	struct landlock_plan landlock;
	struct seccomp_plan filter, init_filter;
	struct cgroup_plan cgroup;
	struct command_plan command;
	uint64_t wall_milliseconds; /* 0: no limit; kept by the supervisor */
};

/* Who makes a step: PID 1 of the jail, before there is a program; or the process that is about to
 * become the program. */
enum step_who { STEP_BY_INIT, STEP_BY_PROGRAM };

enum step_id {
	STEP_OOM_SCORE,
	STEP_NETWORK_BEGIN,
	STEP_IDMAP,
	STEP_HIDE,
	STEP_NAMESPACES,
	STEP_LABEL,
	STEP_ROOT,
	STEP_MOUNTS,
	STEP_DEVICES,
	STEP_NETWORK_FOR_SYS,
	STEP_PROC,
	STEP_TERMINAL,
	STEP_PIVOT,
	STEP_HOSTNAME,
	STEP_KEYRING,
	STEP_NETWORK,
	STEP_BECOME,
	STEP_HIDE_AGAIN,
	STEP_TIE,
	STEP_CAPABILITIES,
	STEP_NO_NEW_PRIVILEGES,
	STEP_LANDLOCK,
	STEP_RLIMITS,
	STEP_SIGNALS,
	STEP_NICE,
	STEP_TTY,
	STEP_DIRECTORY,
	STEP_DESCRIPTORS,
	STEP_FILTER,
	STEP_EXEC,
	STEP_COUNT
};

struct step {
	const char *name;
	enum step_who who;
	int (*apply)(const struct plan *plan, struct child *child, uint16_t *reterr_item);
	void (*explain)(
		const struct plan *plan, struct report *out); /* NULL: the name says it all */
};

extern const struct step steps[STEP_COUNT];

/* Parts of the host (enum host_part) whose facts plan_compile() will read for this profile. */
unsigned plan_host_parts(const struct profile *profile);

/*
 * Compiles. arena holds everything in ret; profile, host and request are borrowed for as long as
 * the plan lives. Fails with the first rule that is required and cannot be enforced, or that
 * contradicts another.
 */
int plan_compile(const struct profile *profile, const struct host *host,
	const struct plan_request *request, struct arena *arena, struct plan *ret,
	struct err *reterr);

/*
 * ownership.c: the profile whose filter is to be compiled: profile itself, or, where it pretends
 * ownership and there is one id only, a copy in the arena with the clauses that pretend.
 */
int ownership_compile(const struct profile *profile, const struct host *host,
	const struct idmap_plan *idmap, struct arena *arena, struct receipt *receipt,
	const struct profile **ret, struct err *reterr);

/* command.c */
int command_compile(const struct profile *profile, const struct host *host,
	const struct plan_request *request, struct arena *arena, struct command_plan *ret,
	struct err *reterr);
void command_explain(const struct command_plan *plan, struct report *out);
int command_apply_directory(const struct plan *plan, struct child *child, uint16_t *reterr_item);
int command_apply_exec(const struct plan *plan, struct child *child, uint16_t *reterr_item);

/*
 * True when the host's path (canonical) can be opened at the same path in the jail: the mount
 * nearest above it is a bind of the same place.
 */
bool plan_shows(const struct profile *profile, const char *path);

/* The line about a step that failed: "mounts: bind /src on /dst", from the plan's own data. */
void plan_describe_failure(
	const struct plan *plan, enum step_id step, uint16_t item, int error, struct err *reterr);

#endif
