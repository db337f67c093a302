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

struct user {
	uid_t uid;
	gid_t gid;
	const char *home; /* absolute; arena's */
};

/*
 * where: "--user", or "USER of the image", for messages. -EINVAL where text is no user, -ENOENT
 * where the image has none of that name; with reterr.
 */
int user_resolve(const struct merged *merged, const char *text, const char *where,
	struct arena *arena, struct user *ret, struct err *reterr);

/* Pure: the entry of a user in the text of a passwd, by name (by_uid false) or by number; and of a
 * group. 1: found; 0: there is none; -EBADMSG: there is one, with a number that is none. text is
 * changed. */
int user_find_passwd(
	char *text, const char *name, uid_t uid, struct arena *arena, struct user *ret);
int user_find_group(char *text, const char *name, gid_t *ret);

#endif
