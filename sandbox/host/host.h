/*
 * What this kernel and this user can do: facts, gathered by probing and never by version numbers.
 * The compiler of plans is pure over (profile, host facts): a test fills the struct by hand, and
 * needs no kernel feature. Launches probe only the parts a profile asks for.
 */
#ifndef IMMURE_HOST_HOST_H
#define IMMURE_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

struct arena;

enum host_part {
	HOST_LANDLOCK = 1 << 0,
	HOST_CAPABILITIES = 1 << 1,
	HOST_SELINUX = 1 << 2,
	HOST_CGROUP = 1 << 3,
	HOST_SUBORDINATE = 1 << 4,
	HOST_SECCOMP = 1 << 5,
	HOST_ALL = (1 << 6) - 1
};

enum path_type {
	PATH_ABSENT,
	PATH_DIRECTORY,
	PATH_REGULAR,
	PATH_SYMLINK,
	PATH_CHARACTER,
	PATH_OTHER,
	PATH_FORBIDDEN
};

struct path_fact {
	enum path_type type;    /* of the path itself when !followed, else of what it leads to */
	uint64_t device, inode; /* 0 for a link, which nobody takes for itself */
	uint64_t node; /* st_rdev of a character device, and of a block device (which is PATH_OTHER)
			*/
	const char *link;     /* PATH_SYMLINK: its text */
	const char *resolved; /* the canonical path after following links (equal to the path where
				 there are none); NULL when absent */
};

enum cgroup_way {
	CGROUP_NONE,      /* no cgroup v2 with controllers, or nothing delegated: cgroup_reason says
			     which */
	CGROUP_DELEGATED, /* a directory below which we may make our own */
	CGROUP_SYSTEMD,   /* ask the user's systemd for a transient scope */
};

enum cgroup_controller {
	CONTROLLER_MEMORY = 1 << 0,
	CONTROLLER_PIDS = 1 << 1,
	CONTROLLER_CPU = 1 << 2,
	CONTROLLER_IO = 1 << 3,
	CONTROLLER_CPUSET = 1 << 4,
};

struct id_range {
	uint32_t start, count;
};

struct host {
	unsigned probed; /* enum host_part: what is known below */
	uid_t uid;
	gid_t gid;
	bool nobody_mapped; /* uid 0 only: 65534 is somebody in our own user namespace, so a jail
			       may be mapped to it */

	int landlock_abi; /* 0: none; landlock_errno says why */
	int landlock_errno;
	bool seccomp;        /* filters can be loaded */
	int last_capability; /* /proc/sys/kernel/cap_last_cap, by prctl */

	bool selinux_enabled, selinux_enforcing;
	const char *selinux_context; /* our own; NULL when disabled */
	/*
	 * Does the loaded policy know this context? 0 or -errno (-EINVAL: it does not); tests put
	 * their own. NULL when disabled.
	 */
	int (*selinux_check)(const struct host *host, const char *context);
	/*
	 * Two categories (first < second) that no other live launch of this user has: those in the
	 * label of kept, a directory (NULL: none), where it has such a pair and nobody else has it
	 * now. They stay ours until the descriptor ret_lock and its copies are closed, so at the
	 * latest until the launcher's end. 0 or -errno with reterr. Tests put their own. NULL when
	 * disabled.
	 */
	int (*mcs_pair)(const struct host *host, const char *kept, unsigned *ret_first,
		unsigned *ret_second, int *ret_lock, struct err *reterr);

	enum cgroup_way cgroup;
	const char *cgroup_parent; /* DELEGATED: absolute path below which we may make a directory;
				      SYSTEMD: the bus's socket */
	const char *cgroup_mount;  /* where cgroup2 is mounted; NULL when nowhere */
	unsigned cgroup_controllers; /* CONTROLLER_*: what a directory made there would have */
	const char *cgroup_reason;   /* CGROUP_NONE, or controllers missing: why, and what to do */

	const char *newuidmap, *newgidmap; /* absolute paths; NULL when not installed */
	struct id_range *uid_ranges, *gid_ranges;
	size_t uid_range_count, gid_range_count;
	const char *subordinate_reason; /* why there are none */

	struct link_memory *links; /* what host_path() has been told of links, so that each is read
				      once; NULL: nothing is kept */

	/*
	 * Facts about one path of the host; tests put a table of their own behind it. 0 or -errno
	 * (absence is a fact, not an error).
	 */
	int (*path)(const struct host *host, struct arena *arena, const char *path, bool follow,
		struct path_fact *ret);
};

/*
 * Fills ret with the parts asked for (OR of enum host_part; the others stay zero, as on a host that
 * has none). A missing feature is a fact; only failing to look is an error. Strings belong to
 * arena.
 */
int host_probe(unsigned parts, struct arena *arena, struct host *ret, struct err *reterr);
/* Those of them that are not there yet, into what host_probe() has filled. */
int host_probe_rest(unsigned parts, struct arena *arena, struct host *host, struct err *reterr);

/*
 * The real struct host.path: one openat2/fstat on the live file system. path is canonical
 * (path_canonical()).
 */
int host_path(const struct host *host, struct arena *arena, const char *path, bool follow,
	struct path_fact *ret);

/* The real struct host.mcs_pair: mcs.c. */
int host_mcs_pair(const struct host *host, const char *kept, unsigned *ret_first,
	unsigned *ret_second, int *ret_lock, struct err *reterr);

#endif
