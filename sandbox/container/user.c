/* Users of an image: see user.h. */
#include "container/user.h"

#include <errno.h>
#include <string.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/text.h"

#define FILE_BYTES ((size_t)4 * 1024 * 1024)
#define HIGHEST 2147483647 /* docker's bound: what is above is a negative number to somebody */
#define NAME_BYTES 256

static bool is_number(const char *text)
{
	return text[0] && strspn(text, "0123456789") == strlen(text);
}

/* What useradd(8) takes, and no word that begins as a number does ("1e0"). */
static bool is_name(const char *text)
{
	size_t length = strnlen(text, NAME_BYTES);

	return length && length < NAME_BYTES && !strchr("0123456789-.", text[0]) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-$") ==
		       length;
}

/* The fields of a line between its colons. True where there are count of them. */
static bool split(char *line, char **fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fields[i] = strsep(&line, ":");
		if (!fields[i])
			return false;
	}
	return !line;
}

int user_find_passwd(char *text, const char *name, uid_t uid, struct arena *arena, struct user *ret)
{
	for (char *line; (line = strsep(&text, "\n"));) {
		char *fields[7];
		uint64_t id, group;
		bool same;

		if (!split(line, fields, 7))
			continue;
		if (!name && (text_parse_u64(fields[2], HIGHEST, &id) < 0 || id != uid))
			continue;
		same = !name || strcmp(fields[0], name) == 0;
		if (!same)
			continue;
		if ((text_parse_u64(fields[2], HIGHEST, &id) < 0 ||
			    text_parse_u64(fields[3], HIGHEST, &group) < 0) &&
			!mutant(MUTANT_TABLE_ID))
			return -EBADMSG;
		ret->uid = (uid_t)id;
		ret->gid = (gid_t)group;
		ret->name = arena_copy(arena, fields[0]);
		if (!ret->name)
			return -ENOMEM;
		ret->home = text_has_control(fields[5]) ? NULL : path_canonical(arena, fields[5]);
		return 1;
	}
	return 0;
}

int user_find_group(char *text, const char *name, gid_t *ret)
{
	for (char *line; (line = strsep(&text, "\n"));) {
		char *fields[4];
		uint64_t id;

		if (!split(line, fields, 4) || strcmp(fields[0], name) != 0)
			continue;
		if (text_parse_u64(fields[2], HIGHEST, &id) < 0)
			return -EBADMSG;
		*ret = (gid_t)id;
		return 1;
	}
	return 0;
}

static int add_group(gid_t gid, struct arena *arena, struct user *user)
{
	gid_t *place;

	for (size_t i = 0; i < user->group_count; i++)
		if (user->groups[i] == gid)
			return 0;
	if (user->group_count == USER_GROUPS)
		return -E2BIG;
	place = ARENA_APPEND(arena, user->groups, user->group_count);
	if (!place)
		return -ENOMEM;
	*place = gid;
	return 0;
}

static bool lists(char *members, const char *name)
{
	for (char *member; (member = strsep(&members, ","));)
		if (member[0] && strcmp(member, name) == 0)
			return true;
	return false;
}

int user_find_groups(char *text, const char *name, struct arena *arena, struct user *user)
{
	for (char *line; (line = strsep(&text, "\n"));) {
		char *fields[4];
		uint64_t id;
		int r;

		if (!split(line, fields, 4) || !lists(fields[3], name))
			continue;
		if (text_parse_u64(fields[2], HIGHEST, &id) < 0)
			return -EBADMSG;
		r = add_group((gid_t)id, arena, user);
		if (r < 0)
			return r;
	}
	return 0;
}

static int bad(const char *where, const char *text, const char *said, struct err *reterr)
{
	char shown[128];

	return err_set(reterr, -EINVAL, where, "\"%s\": %s",
		text_escape(text, strlen(text), shown, sizeof(shown)), said);
}

/* The text of a file of the image; NULL where it has none. */
static int read_table(const struct merged *merged, const char *path, char **ret, struct err *reterr)
{
	size_t length;
	int r = merged_read(merged, path, FILE_BYTES, ret, &length);

	if (r == -ENOENT || r == -ENOTDIR) {
		*ret = NULL;
		return 0;
	}
	if (r < 0)
		return err_set(reterr, r, path, "of the image cannot be read: %s", strerror(-r));
	if (memchr(*ret, '\0', length))
		return err_set(reterr, -EBADMSG, path, "of the image holds a NUL");
	return 0;
}

static int resolve_user(const struct merged *merged, const char *text, const char *where,
	struct arena *arena, struct user *ret, struct err *reterr)
{
	_cleanup_free_ char *passwd = NULL;
	uint64_t uid = 0;
	bool number = is_number(text);
	int r;

	if (number && text_parse_u64(text, HIGHEST, &uid) < 0)
		return bad(where, text, "expected a number of at most 2147483647", reterr);
	if (!number && !is_name(text))
		return bad(where, text, "expected a number, or the name of a user", reterr);
	r = read_table(merged, "/etc/passwd", &passwd, reterr);
	if (r < 0)
		return r;
	r = passwd ? user_find_passwd(passwd, number ? NULL : text, (uid_t)uid, arena, ret) : 0;
	if (r == -ENOMEM)
		return err_no_memory(reterr);
	if (r < 0)
		return bad(where, text, "/etc/passwd of the image gives no number for it", reterr);
	if (r == 0 && !number) {
		err_set(reterr, -ENOENT, where, "\"%s\": no user of this name is in the image",
			text);
		err_hint(reterr, "its /etc/passwd lists those there are; a number does without");
		return -ENOENT;
	}
	if (r == 0)
		*ret = (struct user){.uid = (uid_t)uid, .gid = 0};
	return 0;
}

static int resolve_group(const struct merged *merged, const char *text, const char *where,
	gid_t *ret, struct err *reterr)
{
	_cleanup_free_ char *group = NULL;
	uint64_t gid = 0;
	int r;

	if (is_number(text)) {
		if (text_parse_u64(text, HIGHEST, &gid) < 0)
			return bad(where, text, "expected a number of at most 2147483647", reterr);
		*ret = (gid_t)gid;
		return 0;
	}
	if (!is_name(text))
		return bad(where, text, "expected a number, or the name of a group", reterr);
	r = read_table(merged, "/etc/group", &group, reterr);
	if (r < 0)
		return r;
	r = group ? user_find_group(group, text, ret) : 0;
	if (r < 0)
		return bad(where, text, "/etc/group of the image gives no number for it", reterr);
	return r ? 0
		 : err_set(reterr, -ENOENT, where, "\"%s\": no group of this name is in the image",
			   text);
}

/* Those of /etc/group, where the user is somebody there. */
static int resolve_groups(const struct merged *merged, const char *where, struct arena *arena,
	struct user *user, struct err *reterr)
{
	_cleanup_free_ char *group = NULL;
	int r = read_table(merged, "/etc/group", &group, reterr);

	if (r < 0 || !group)
		return r;
	r = user_find_groups(group, user->name, arena, user);
	if (r == -EBADMSG)
		return bad(where, user->name,
			"/etc/group of the image gives a group of it no number", reterr);
	return r < 0 ? err_set(reterr, r, where, "groups of it in /etc/group of the image: %s",
			       strerror(-r))
		     : 0;
}

int user_add_group(const struct merged *merged, const char *text, struct arena *arena,
	struct user *user, struct err *reterr)
{
	gid_t gid = 0;
	int r = resolve_group(merged, text, "--group-add", &gid, reterr);

	if (r < 0)
		return r;
	r = add_group(gid, arena, user);
	return r < 0 ? err_set(reterr, r, "--group-add", "%s", strerror(-r)) : 0;
}

int user_resolve(const struct merged *merged, const char *text, const char *where,
	struct arena *arena, struct user *ret, struct err *reterr)
{
	const char *colon = strchr(text, ':');
	const char *name =
		arena_copy_range(arena, text, colon ? (size_t)(colon - text) : strlen(text));
	struct user user = {0};
	int r = name ? resolve_user(merged, name, where, arena, &user, reterr)
		     : err_no_memory(reterr);

	if (r == 0 && colon)
		r = resolve_group(merged, colon + 1, where, &user.gid, reterr);
	if (r == 0 && add_group(user.gid, arena, &user) < 0)
		r = err_no_memory(reterr);
	if (r == 0 && !colon && user.name)
		r = resolve_groups(merged, where, arena, &user, reterr);
	if (r < 0)
		return r;
	if (!user.home)
		user.home = user.uid ? "/" : "/root";
	*ret = user;
	return 0;
}
