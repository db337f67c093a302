/*
 * "USER[:GROUP]" of an image or of --user: numbers, or names that the image's own /etc/passwd and
 * /etc/group give numbers to. No name service of the host is ever asked (R11), and nothing but a 0
 * becomes 0 (T-REG-33).
 */
#ifndef IMMURE_CONTAINER_USER_H
#define IMMURE_CONTAINER_USER_H

#include <sys/types.h>

#include "container/merged.h"
#include "util/err.h"

struct arena;

#define USER_GROUPS 1024 /* supplementary groups at most */

struct user {
	uid_t uid;
	gid_t gid;
	const char *home; /* absolute; arena's */
	const char *name; /* in /etc/passwd, arena's; NULL: it is not there */
	gid_t *groups;    /* arena's; none twice */
	size_t group_count;
};

/*
 * where: "--user", or "USER of the image", for messages. -EINVAL where text is no user, -ENOENT
 * where the image has none of that name; with reterr. The group of the user is always among its
 * groups: a program that changes its group id must not lose what that group is shut out of
 * (CVE-2022-2989). Where text names no group, those follow that /etc/group lists the user in.
 */
int user_resolve(const struct merged *merged, const char *text, const char *where,
	struct arena *arena, struct user *ret, struct err *reterr);

/* The same for one more group, a number or a name (--group-add). */
int user_add_group(const struct merged *merged, const char *text, struct arena *arena,
	struct user *user, struct err *reterr);

/* Pure: the entry of a user in the text of a passwd, by name (by_uid false) or by number; and of a
 * group. 1: found; 0: there is none; -EBADMSG: there is one, with a number that is none. text is
 * changed. */
int user_find_passwd(
	char *text, const char *name, uid_t uid, struct arena *arena, struct user *ret);
int user_find_group(char *text, const char *name, gid_t *ret);
/* Pure: adds the groups that list name. 0; -EBADMSG as above; -E2BIG, -ENOMEM. */
int user_find_groups(char *text, const char *name, struct arena *arena, struct user *user);

#endif
