/*
 * Subordinate ids: what /etc/subuid and /etc/subgid grant to this user, and the setuid helpers that
 * may map them. The files are the administrator's, but a line in them may be somebody's mistake:
 * what is not exactly as subuid(5) says grants nothing. newuidmap(1) judges again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/parts.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/proc.h"
#include "util/text.h"

#define RANGES_MAXIMUM 340 /* UID_GID_MAP_MAX_EXTENTS of the kernel */
#define FILE_MAXIMUM ((size_t)1024 * 1024)

static bool overlaps(const struct id_range *a, uint32_t start, uint32_t count)
{
	return start < (uint64_t)a->start + a->count && a->start < (uint64_t)start + count;
}

static bool is_usable(uint32_t start, uint32_t count, uint32_t own, const struct id_range *ranges,
	size_t range_count)
{
	/*
	 * id 0 in somebody's range would make the jail's ids the administrator's; (uid_t)-1 means
	 * "no id" everywhere
	 */
	if (count == 0 || start == 0 || count > UINT32_MAX - start)
		return false;
	if (overlaps(&(struct id_range){own, 1}, start, count))
		return false;
	for (size_t i = 0; i < range_count; i++)
		if (overlaps(&ranges[i], start, count))
			return false;
	return true;
}

/* "owner:start:count": cut into its parts, in place. */
static bool parse_line(char *line, const char **ret_owner, uint32_t *ret_start, uint32_t *ret_count)
{
	char *start = strchr(line, ':'), *count = start ? strchr(start + 1, ':') : NULL;
	uint64_t first, number;

	if (!count || start == line)
		return false;
	*start++ = '\0';
	*count++ = '\0';
	if (text_parse_u64(start, UINT32_MAX, &first) || text_parse_u64(count, UINT32_MAX, &number))
		return false;
	*ret_owner = line;
	*ret_start = (uint32_t)first;
	*ret_count = (uint32_t)number;
	return true;
}

static bool is_owner(const char *owner, const char *name, uid_t uid)
{
	uint64_t number;

	if (name && strcmp(owner, name) == 0)
		return true;
	return text_parse_u64(owner, UINT32_MAX, &number) == 0 && number == uid;
}

int subordinate_parse(char *text, const char *name, uid_t uid, uint32_t own, struct arena *arena,
	struct id_range **ret_ranges, size_t *ret_count)
{
	struct id_range *ranges = NULL;
	size_t range_count = 0;
	char *line;

	while (range_count < RANGES_MAXIMUM && proc_next_line(&text, &line) == 1) {
		uint32_t start, count;
		const char *owner;
		struct id_range *range;

		if (!parse_line(line, &owner, &start, &count) || !is_owner(owner, name, uid) ||
			!is_usable(start, count, own, ranges, range_count))
			continue;
		range = ARENA_APPEND(arena, ranges, range_count);
		if (!range)
			return -ENOMEM;
		*range = (struct id_range){start, count};
	}
	*ret_ranges = ranges;
	*ret_count = range_count;
	return 0;
}

const char *passwd_find_name(char *text, uid_t uid)
{
	char *line;

	while (proc_next_line(&text, &line) == 1) {
		char *password = strchr(line, ':'),
		     *number = password ? strchr(password + 1, ':') : NULL;
		char *end = number ? strchr(number + 1, ':') : NULL;
		uint64_t value;

		if (!end || password == line)
			continue;
		*password = *end = '\0';
		if (text_parse_u64(number + 1, UINT32_MAX, &value) == 0 && value == uid)
			return line;
	}
	return NULL;
}

static int read_ranges(const char *path, const char *name, uid_t uid, uint32_t own,
	struct arena *arena, struct id_range **ret_ranges, size_t *ret_count, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = file_read(AT_FDCWD, path, FILE_MAXIMUM, &text, &length);

	if (r == -ENOENT || r == -EACCES)
		return 0;
	if (r == 0)
		r = subordinate_parse(text, name, uid, own, arena, ret_ranges, ret_count);
	return r < 0 ? err_set(reterr, r, path, "cannot be read: %s", strerror(-r)) : 0;
}

/*
 * A helper that an attacker could write would run with the caller's rights at least: only root's
 * own, and executable for us.
 */
static const char *find_helper(const char *const *candidates)
{
	struct stat status;

	for (; *candidates; candidates++)
		if (stat(*candidates, &status) == 0 && S_ISREG(status.st_mode) &&
			status.st_uid == 0 && !(status.st_mode & (S_IWGRP | S_IWOTH)) &&
			access(*candidates, X_OK) == 0)
			return *candidates;
	return NULL;
}

static const char *reason_for_none(const struct host *host)
{
	if (!host->newuidmap || !host->newgidmap)
		return "newuidmap and newgidmap are not installed (Debian, Ubuntu: package uidmap; "
		       "Fedora, Arch: shadow)";
	if (!host->uid_range_count)
		return "/etc/subuid grants this user no ids (an administrator may: usermod "
		       "--add-subuids 100000-165535 USER)";
	if (!host->gid_range_count)
		return "/etc/subgid grants this user no ids (an administrator may: usermod "
		       "--add-subgids 100000-165535 USER)";
	return NULL;
}

int host_probe_subordinate(struct arena *arena, struct host *ret, struct err *reterr)
{
	static const char *const uid_helpers[] = {"/usr/bin/newuidmap", "/bin/newuidmap", NULL};
	static const char *const gid_helpers[] = {"/usr/bin/newgidmap", "/bin/newgidmap", NULL};
	_cleanup_free_ char *users = NULL;
	const char *name;
	size_t length;
	int r;

	ret->newuidmap = find_helper(uid_helpers);
	ret->newgidmap = find_helper(gid_helpers);
	r = file_read(AT_FDCWD, "/etc/passwd", FILE_MAXIMUM, &users, &length);
	name = r == 0 ? passwd_find_name(users, ret->uid)
		      : NULL; /* no such user there (LDAP …): the number may still be */
	r = read_ranges("/etc/subuid", name, ret->uid, ret->uid, arena, &ret->uid_ranges,
		&ret->uid_range_count, reterr);
	if (r == 0) /* /etc/subgid too is by user, not by group */
		r = read_ranges("/etc/subgid", name, ret->uid, ret->gid, arena, &ret->gid_ranges,
			&ret->gid_range_count, reterr);
	ret->subordinate_reason = reason_for_none(ret);
	return r;
}
