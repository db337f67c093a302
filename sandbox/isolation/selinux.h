/*
 * SELinux: the program runs under a label of its own, made of the caller's user and role, the
 * profile's type, and a level. Where the profile gives no level, two categories that no other live
 * launch of this user has keep this jail apart from every other one (MCS).
 */
#ifndef IMMURE_ISOLATION_SELINUX_H
#define IMMURE_ISOLATION_SELINUX_H

#include <stdbool.h>
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
	const char *context;         /* the whole label; NULL: none is set */
	const char *file_context;    /* of the jail's own tmpfs; NULL: none, or one that the policy
					does not know */
	const char *devpts_context;  /* of the jail's own terminals; NULL as above */
	const char *shared_context;  /* of what RELABEL_SHARED names; NULL as above */
	const char *storage_context; /* of what RELABEL_STORAGE names; NULL as above */
	bool enforcing;              /* what the label forbids is stopped, not only logged */
	const struct files_section *files; /* borrowed from the profile */
	int lock; /* holds an automatic pair; close-on-exec, and meant to live as long as the
		     launcher. -1: none */
	const struct rule *rule;
};

/*
 * The label, checked against the loaded policy. The type is the profile's own, but for immure_t
 * with the host's network: that type has no network at all, and immure_net_t is the same with one.
 * No SELinux, a permissive one, or a policy that does not know the label: an error for a required
 * rule, a row of the receipt for a best-effort one (which gets whatever part is possible: without
 * a pair, the type alone).
 */
int selinux_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct selinux_plan *ret, struct err *reterr);
void selinux_explain(const struct selinux_plan *plan, struct report *out);

/*
 * Parent half, before the child is made: what the jail is handed must be of use to a program with
 * the label, or the launch is refused here, in words, where the kernel would be silent.
 *
 * Standard descriptors, and the preserved ones above them: at exec the kernel puts /dev/null in the
 * place of each one that the new label may not use. The usual case is a pipe made by a shell that
 * has every category: it is above every jail. A pipe's level is lowered to its sensitivity alone
 * (fsetxattr(2)), and stays so; its type is never changed. Pipes, files, directories and sockets
 * (UNIX, TCP, UDP) are asked about; for the rest, and for who opened a descriptor (fd use), the
 * kernel decides. A root that is a directory, and binds that are required: their source must be
 * readable, and writable where the rule says so; what lies below it is not looked at, and
 * best-effort binds are not, either. Decided as the kernel does, by security_compute_av(3); where
 * that cannot be asked, the kernel decides later.
 *
 * Before that, binds that ask for it are relabelled, where their source is not already: it and all
 * in it that belongs to the user and has the same type (selinux_home.c). The user's home directory
 * and the storage of images are given to nobody: -EPERM.
 *
 * The upper directory of a root of layers gets the jail's own label, so that the next run draws the
 * same pair: programs that this one wrote lie there with it.
 *
 * A private home gets the jail's own label (selinux_home.c), and *ret_home, left alone where there
 * is none, keeps it: the caller closes it after the jail's end.
 *
 * 0, -EACCES, -EBUSY (the home is in use at another level), or another -errno with reterr.
 */
int selinux_apply_parent(const struct selinux_plan *plan, const int *preserved,
	size_t preserved_count, int *ret_home, struct err *reterr);

/*
 * Writes the label to child->label, and has the tmpfs that follow carry the file label, for the
 * next exec of this thread and of those it forks. Needs: child->label open on the caller's own
 * attr/exec of a true procfs; a policy with process setexec, transition and, as no_new_privs will
 * be set by then, process2 nnp_transition (nosuid_transition where the program lies on a nosuid
 * mount). Drops: nothing before exec; from then on all that the type is not allowed. Must not: run
 * after the host's /proc is out of reach.
 */
int selinux_apply(const struct selinux_plan *plan, struct child *child, uint16_t *reterr_item);

/*
 * A directory that was just made in a storage with a label: what is made in it is of the type that
 * containers share, from the first file on, whoever of the user's ids it belongs to. Without
 * SELinux, or in a storage that has no label yet, it does nothing.
 */
void selinux_share_new(int directory);

/*
 * socketpair(AF_UNIX, type | SOCK_CLOEXEC) for two jails to talk through. The label of a socket is
 * that of its maker for good, and one with all categories is above every jail: so it is made with
 * the maker's sensitivity alone. 0, or -errno.
 */
int selinux_socketpair(int type, int ret_ends[2]);

#endif
