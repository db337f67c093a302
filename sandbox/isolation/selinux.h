/*
 * SELinux: the program runs under a label of its own, made of the caller's user and role, the
 * profile's type, and a level. Where the profile gives no level, two categories that no other live
 * launch of this user has keep this jail apart from every other one (MCS).
 */
#ifndef IMMURE_ISOLATION_SELINUX_H
#define IMMURE_ISOLATION_SELINUX_H

#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"
#include "profile/receipt.h"
#include "util/err.h"

struct arena;
struct child;
struct host;
struct report;

struct selinux_plan {
	const char *context; /* the whole label; NULL: none is set */
	int lock; /* holds an automatic pair; close-on-exec, and meant to live as long as the
		     launcher. -1: none */
	const struct rule *rule;
};

/*
 * The label, checked against the loaded policy. No SELinux, a permissive one, or a policy that does
 * not know the label: an error for a required rule, a row of the receipt for a best-effort one
 * (which gets whatever part is possible).
 */
int selinux_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct selinux_plan *ret, struct err *reterr);
void selinux_explain(const struct selinux_plan *plan, struct report *out);

/*
 * Writes the label to child->label, for the next exec of this thread and of those it forks.
 * Needs: child->label open on the caller's own attr/exec of a true procfs; a policy with process
 * setexec, transition and, as no_new_privs will be set by then, process2 nnp_transition
 * (nosuid_transition where the program lies on a nosuid mount). Drops: nothing before exec; from
 * then on all that the type is not allowed. Must not: run after the host's /proc is out of reach.
 */
int selinux_apply(const struct selinux_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
