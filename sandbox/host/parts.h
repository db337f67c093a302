/*
 * The larger parts of host_probe(), each in a file of its own. For host/ alone: others call
 * host_probe().
 */
#ifndef IMMURE_HOST_PARTS_H
#define IMMURE_HOST_PARTS_H

#include "host/host.h"

/* Subordinate ids and the helpers that map them: subordinate.c. ret->uid must be filled. */
int host_probe_subordinate(struct arena *arena, struct host *ret, struct err *reterr);

/*
 * The ranges that text (of /etc/subuid or /etc/subgid; is changed) grants to the user called name
 * (may be NULL) or to the number uid, which do not touch the id own, id 0, or each other: at most
 * 340, what a uid_map holds. 0 or -ENOMEM.
 */
int subordinate_parse(char *text, const char *name, uid_t uid, uint32_t own, struct arena *arena,
	struct id_range **ret_ranges, size_t *ret_count);

/*
 * The name of uid in text (of /etc/passwd; is changed), the first as getpwuid(3) has it; NULL when
 * there is none.
 */
const char *passwd_find_name(char *text, uid_t uid);

/*
 * Pair number index (below MCS_PAIRS) as categories, and the file of locks below a runtime
 * directory that must be the user's alone: mcs.c.
 */
#define MCS_CATEGORIES 1024U
#define MCS_PAIRS (MCS_CATEGORIES * (MCS_CATEGORIES - 1) / 2)
void mcs_categories(unsigned index, unsigned *ret_first, unsigned *ret_second);
/* The other way round: the number of the pair at the end of a label. False where there is none. */
bool mcs_index(const char *label, unsigned *ret);
int mcs_open_locks(const char *runtime, uid_t uid);
/*
 * Locks a free pair of the first `pairs` in the file open at fd; the one called wish, if that is
 * one of them and free. Its index or -errno (-EBUSY: all are taken).
 */
#define MCS_NO_WISH MCS_PAIRS
int mcs_lock_pair(int fd, unsigned pairs, unsigned wish);

/* cgroup v2 and the way to a directory of our own in it: delegation.c. ret->uid must be filled. */
int host_probe_cgroup(struct arena *arena, struct host *ret, struct err *reterr);

/*
 * What delegation_find() looks at; the live host's for host_probe_cgroup(), a directory of plain
 * files in the tests.
 */
struct delegation_view {
	char *self;   /* text of /proc/self/cgroup; is changed */
	char *mounts; /* text of /proc/self/mountinfo; is changed. NULL: cgroup2 is known to be on
			 /sys/fs/cgroup */
	const char *root;    /* put before every path that is looked at: "" on the live host */
	const char *runtime; /* $XDG_RUNTIME_DIR, or NULL */
};
int delegation_find(const struct delegation_view *view, struct arena *arena, struct host *ret);

#endif
