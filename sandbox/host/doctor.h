/*
 * What an immure launch can use on this host, found out by really trying it in a short-lived child,
 * with what its absence costs and how to mend it on this distribution. host_probe() tells a launch
 * the facts it compiles from; the doctor tells a person why they are as they are.
 */
#ifndef IMMURE_HOST_DOCTOR_H
#define IMMURE_HOST_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "host/host.h"
#include "util/err.h"

struct arena;

enum doctor_state { DOCTOR_OK, DOCTOR_DEGRADED, DOCTOR_MISSING, DOCTOR_STATE_COUNT };

struct doctor_row {
	const char *id;      /* stable: "user-namespaces", "cgroup.memory" … */
	const char *feature; /* for people */
	enum doctor_state state;
	bool needed;        /* without it no profile that walls anything in can run */
	const char *detail; /* what was seen */
	const char *costs;  /* what its absence costs; NULL when ok */
	const char *fix; /* what to do about it, on this distribution; NULL when ok or when nothing
			    helps */
};

struct doctor_findings {
	const char *distribution; /* the ID of os-release, or "unknown" */
	const char *kernel;       /* uname -r */
	struct doctor_row *rows;
	size_t row_count;
	bool able; /* no needed row is missing */
};

/*
 * Makes and removes a cgroup by the way that host tells, with a process born in it: the mechanism
 * itself lives above this room. 0 or -errno with a word on where it stopped.
 */
typedef int doctor_cgroup_trial(const struct host *host, char *detail, size_t size);

/*
 * Tries everything. Makes no change to the host that outlives it. Everything in ret belongs to
 * arena. 0 or -errno with reterr: only when it could not look.
 */
int doctor_examine(doctor_cgroup_trial *try_cgroup, struct arena *arena,
	struct doctor_findings *ret, struct err *reterr);

/* "ok", "degraded", "missing" */
const char *doctor_state_name(enum doctor_state state);

#endif
