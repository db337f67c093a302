/*
 * What became of each rule of a profile: asked, and enforced by which layer, or not and why. Every X_compile() in isolation/ adds
 * its rows; the launch refuses to start while a required row is not enforced; --receipt, --dry-run and explain print it.
 */
#ifndef IMMURE_PROFILE_RECEIPT_H
#define IMMURE_PROFILE_RECEIPT_H

#include <stddef.h>

#include "profile/rule.h"
#include "util/err.h"

struct arena;

enum outcome {
	OUTCOME_ENFORCED,
	OUTCOME_PARTLY,	      /* best-effort: a weaker layer does it; `reason` says what is missing */
	OUTCOME_NOT_ENFORCED, /* best-effort only: a required rule with this outcome ends the launch */
	OUTCOME_AUDITED,      /* audit: looked at, stated, not applied */
	OUTCOME_COUNT
};

struct receipt_row {
	const struct rule *rule;
	const char *asked;  /* "memory 1 GiB", "bind /usr read-only" */
	enum outcome outcome;
	const char *layer;  /* "cgroup memory.max", "mount", "landlock", "rlimit RLIMIT_NPROC" … or NULL */
	const char *reason; /* PARTLY and NOT_ENFORCED: always; ENFORCED: NULL */
	const char *remedy; /* what would make it enforceable here, or NULL */
};

struct receipt {
	struct arena *arena; /* holds rows and their strings; borrowed */
	struct receipt_row *rows;
	size_t row_count;
};

/*
 * Adds a row (strings borrowed: literals or from the arena). A required rule that is not (or only partly) enforced fills reterr
 * with the rule's place, the reason and the remedy and returns -ENOTSUP: the compiler of that mechanism then fails. A rule in audit mode
 * is recorded as OUTCOME_AUDITED whatever is passed. -ENOMEM when out of memory.
 */
int receipt_add(struct receipt *receipt, const struct receipt_row *row, struct err *reterr);

/* "enforced", "partly", "not enforced", "audited" */
const char *outcome_name(enum outcome outcome);

#endif
