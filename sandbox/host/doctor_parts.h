/* Shared by the files of the doctor; for host/doctor*.c alone. */
#ifndef IMMURE_HOST_DOCTOR_PARTS_H
#define IMMURE_HOST_DOCTOR_PARTS_H

#include "host/doctor.h"

/* ---- doctor_trials.c: things to try, each in a process of its own ---- */

/* What a trial found: 0 or a positive errno, and a word on where it stopped (or on what it saw). */
struct trial_result {
	int error;
	char detail[160];
};

struct trial {
	const char *id, *feature;
	const char *costs; /* of its absence */
	bool needed;
	int fix; /* enum fix */
	int (*attempt)(char *detail, size_t size);
	bool in_user_namespace; /* tried as root of a fresh user and mount namespace */
};
extern const struct trial trials[];
extern const size_t trial_count;

/* Runs it in a child that is killed after some seconds. Every failure is in ret. */
void trial_run(const struct trial *trial, struct trial_result *ret);

/*
 * Maps the caller's subordinate ids into a user namespace with newuidmap and newgidmap, as a launch
 * does. 0 or a positive errno.
 */
int trial_subordinate(const struct host *host);

/* ---- doctor_fixes.c: the cause, and the cure by distribution ---- */

enum distribution {
	DISTRIBUTION_GENERIC,
	DISTRIBUTION_DEBIAN,
	DISTRIBUTION_UBUNTU,
	DISTRIBUTION_FEDORA,
	DISTRIBUTION_ARCH,
	DISTRIBUTION_ALPINE,
	DISTRIBUTION_SUSE,
	DISTRIBUTION_COUNT
};

/*
 * From the text of os-release(5): ID, else the first known word of ID_LIKE. ret_id: the ID as
 * written ("unknown" without one).
 */
enum distribution distribution_parse(const char *text, char *ret_id, size_t size);

enum fix {
	FIX_NONE,
	FIX_USERNS_SYSCTL,   /* kernel.unprivileged_userns_clone = 0 */
	FIX_USERNS_LIMIT,    /* user.max_user_namespaces too small */
	FIX_USERNS_APPARMOR, /* kernel.apparmor_restrict_unprivileged_userns = 1 */
	FIX_OUTER_FILTER,    /* a container's seccomp filter or policy is in the way */
	FIX_KERNEL,          /* a newer kernel */
	FIX_LANDLOCK_BOOT,   /* built in, but not among the active LSMs */
	FIX_OVERLAY,         /* module not loaded */
	FIX_PROC,            /* procfs partly covered by mounts: nested */
	FIX_PTY,
	FIX_SELINUX_OFF,
	FIX_SELINUX_PERMISSIVE,
	FIX_CGROUP_HYBRID,
	FIX_CGROUP_DELEGATE,
	FIX_UIDMAP_PACKAGE,
	FIX_SUBUID,
	FIX_COUNT
};
const char *fix_text(enum fix fix, enum distribution distribution);

/* Why no user namespace with rights in it could be made, from the sysctls and our own status. */
enum fix fix_for_user_namespace(void);

#endif
