/* Facts about this kernel and this user, by asking and never by version: see host.h. */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <selinux/selinux.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/parts.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/proc.h"

#define LANDLOCK_CREATE_RULESET 444 /* the same on every architecture */
#define LANDLOCK_VERSION 1U
#define CAPABILITY_GUESS 40 /* CAP_CHECKPOINT_RESTORE: the last one for years */

static int probe_landlock(struct arena *arena, struct host *ret, struct err *reterr)
{
	long abi = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION);

	(void)arena;
	(void)reterr;
	ret->landlock_abi = abi < 0 ? 0 : (int)abi;
	ret->landlock_errno = abi < 0 ? errno : 0;
	return 0;
}

/*
 * PR_CAPBSET_READ answers EINVAL past the last one: the kernel's own count, whatever /proc shows
 * (R15).
 */
static int probe_capabilities(struct arena *arena, struct host *ret, struct err *reterr)
{
	int last = CAPABILITY_GUESS;

	(void)arena;
	(void)reterr;
	while (last < 63 && prctl(PR_CAPBSET_READ, last + 1, 0, 0, 0) >= 0)
		last++;
	while (last > 0 && prctl(PR_CAPBSET_READ, last, 0, 0, 0) < 0)
		last--;
	ret->last_capability = last;
	return 0;
}

static int probe_seccomp(struct arena *arena, struct host *ret, struct err *reterr)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	(void)arena;
	(void)reterr;
	ret->seccomp = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
	return 0;
}

/*
 * libselinux looks for its file system in a constructor, before anybody has asked, in each process
 * it is linked into. The Makefile takes that away in the product, and gives the constructor this
 * name: it runs here, before the library is first used. Other builds have it run by itself.
 */
#ifdef IMMURE_LATE_LIBSELINUX
void libselinux_start(void);
#else
static void libselinux_start(void)
{
}
#endif

#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules 461 /* the same on every architecture */
#endif
#define LSM_SELINUX 101 /* LSM_ID_SELINUX of linux/lsm.h */
#define LSMS 32

/* True where the kernel itself (6.8 and later) says that SELinux is not among its modules. */
static bool lacks_selinux(void)
{
	uint64_t modules[LSMS];
	uint32_t size = sizeof(modules);
	long count = syscall(SYS_lsm_list_modules, modules, &size, 0);

	for (long i = 0; i < count; i++)
		if (modules[i] == LSM_SELINUX)
			return false;
	return count >= 0;
}

static int check_context(const struct host *host, const char *context)
{
	(void)host;
	return security_check_context(context) ? -errno : 0;
}

static int probe_selinux(struct arena *arena, struct host *ret, struct err *reterr)
{
	char *context = NULL;

	if (lacks_selinux())
		return 0;
	libselinux_start();
	if (is_selinux_enabled() != 1) /* what the line above found */
		return 0;
	if (getcon(&context) < 0 || !context)
		return err_set(reterr, -errno, "/proc/thread-self/attr/current",
			"cannot read our own SELinux label: %m");
	ret->selinux_context = arena_copy(arena, context);
	freecon(context);
	if (!ret->selinux_context)
		return err_no_memory(reterr);
	ret->selinux_enabled = true;
	ret->selinux_enforcing = security_getenforce() == 1;
	ret->selinux_check = check_context;
	ret->mcs_pair = host_mcs_pair;
	return 0;
}

/*
 * The links that a launch meets are few and asked for by several mechanisms: one reading is
 * quicker, and cannot be two different answers.
 */
#define LINKS 32
struct link_memory {
	const char *path[LINKS];
	struct path_fact fact[LINKS];
	size_t count;
};

static bool recall(const struct link_memory *links, const char *path, struct path_fact *ret)
{
	for (size_t i = 0; links && i < links->count; i++)
		if (strcmp(links->path[i], path) == 0) {
			*ret = links->fact[i];
			return true;
		}
	return false;
}

static void remember(struct link_memory *links, const char *path, const struct path_fact *fact)
{
	if (!links || links->count == LINKS || fact->type != PATH_SYMLINK)
		return;
	links->path[links->count] = path;
	links->fact[links->count++] = *fact;
}

/* Root of a namespace that maps few ids (unshare -r) is an ordinary user with a name: there is no
 * nobody to become. */
static bool is_mapped(uint32_t id)
{
	char text[1024], *rest = text, *line;
	struct proc_id_map map;

	if (file_read_line(AT_FDCWD, "/proc/self/uid_map", text, sizeof(text)) < 0)
		return false;
	while ((line = strsep(&rest, "\n")))
		if (proc_id_map_parse(line, &map) == 0 && id >= map.inside &&
			id - map.inside < map.count)
			return true;
	return false;
}

int host_probe_rest(unsigned parts, struct arena *arena, struct host *host, struct err *reterr)
{
	static const struct {
		unsigned part;
		int (*probe)(struct arena *arena, struct host *ret, struct err *reterr);
	} probes[] = {
		{HOST_LANDLOCK, probe_landlock},
		{HOST_CAPABILITIES, probe_capabilities},
		{HOST_SECCOMP, probe_seccomp},
		{HOST_SELINUX, probe_selinux},
		{HOST_CGROUP, host_probe_cgroup},
		{HOST_SUBORDINATE, host_probe_subordinate},
	};

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		int r = parts & ~host->probed & probes[i].part
				? probes[i].probe(arena, host, reterr)
				: 0;

		if (r < 0)
			return r;
		host->probed |= parts & probes[i].part;
	}
	return 0;
}

int host_probe(unsigned parts, struct arena *arena, struct host *ret, struct err *reterr)
{
	struct host host = {.uid = getuid(), .gid = getgid(), .path = host_path};
	int r;

	host.nobody_mapped = host.uid == 0 && is_mapped(65534);
	host.links = arena_zeroed(arena, 1, sizeof(*host.links));
	if (!host.links)
		return err_no_memory(reterr);
	r = host_probe_rest(parts, arena, &host, reterr);
	if (r == 0)
		*ret = host;
	return r;
}

static enum path_type type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return PATH_DIRECTORY;
	case S_IFREG: return PATH_REGULAR;
	case S_IFLNK: return PATH_SYMLINK;
	case S_IFCHR: return PATH_CHARACTER;
	default: return PATH_OTHER;
	}
}

/*
 * Opens path for looking only. On the usual way, where no link is met, the path is its own
 * canonical form and one call tells it; ret_plain says so. Without openat2 (or where links are met)
 * an ordinary open follows them.
 */
static int open_for_facts(const char *path, bool follow, bool *ret_plain)
{
	uint64_t flags = O_PATH | O_CLOEXEC | (follow ? 0U : O_NOFOLLOW);
	struct open_how how = {.flags = flags, .resolve = RESOLVE_NO_SYMLINKS};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	*ret_plain = fd >= 0;
	if (fd < 0 && (errno == ELOOP || errno == ENOSYS || errno == EPERM || errno == EAGAIN))
		fd = open(path, (int)flags);
	return fd < 0 ? -errno : (int)fd;
}

/* The text of a link. */
static int copy_link(int directory, const char *path, struct arena *arena, const char **ret)
{
	char text[PATH_MAX];
	ssize_t length = readlinkat(directory, path, text, sizeof(text));

	if (length < 0)
		return -errno;
	if (length == (ssize_t)sizeof(text))
		return -ENAMETOOLONG;
	*ret = arena_copy_range(arena, text, (size_t)length);
	return *ret ? 0 : -ENOMEM;
}

/*
 * A link that stands in the root directory itself, as /bin and /lib do: nothing can be followed on
 * the way there, so that one call tells all there is to tell. -EINVAL: it is something else.
 */
static int look_at_root_link(const char *path, struct arena *arena, struct path_fact *ret)
{
	struct path_fact fact = {.type = PATH_SYMLINK, .resolved = path};
	int r = strchr(path + 1, '/') ? -EINVAL : copy_link(AT_FDCWD, path, arena, &fact.link);

	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	*ret = fact;
	return 0;
}

/* What the kernel calls the file that is open at fd. */
static int name_of(int fd, struct arena *arena, const char **ret)
{
	const char *name = NULL;
	char link[64];
	int r;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = copy_link(AT_FDCWD, link, arena, &name);
	if (r < 0)
		return r;
	if (!name || name[0] != '/')
		return -ENOENT; /* "(unreachable)…": outside of our root */
	*ret = name;
	return 0;
}

static int look_at(const char *path, bool follow, struct arena *arena, struct path_fact *ret)
{
	_cleanup_close_ int fd = -1;
	struct path_fact fact = {.type = PATH_ABSENT};
	struct stat status;
	bool plain;
	int r = 0;

	fd = open_for_facts(path, follow, &plain);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES) {
		fact.type = fd == -EACCES ? PATH_FORBIDDEN : PATH_ABSENT;
		*ret = fact;
		return 0;
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &status))
		return -errno;
	fact.type = type_of(status.st_mode);
	if (fact.type == PATH_SYMLINK) {
		r = copy_link(fd, "", arena, &fact.link);
	} else {
		fact.device = status.st_dev;
		fact.inode = status.st_ino;
	}
	if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
		fact.node = status.st_rdev;
	if (r == 0 && plain)
		fact.resolved = path;
	else if (r == 0)
		r = name_of(fd, arena, &fact.resolved);
	if (r == 0)
		*ret = fact;
	return r;
}

int host_path(const struct host *host, struct arena *arena, const char *path, bool follow,
	struct path_fact *ret)
{
	int r;

	if (follow)
		return look_at(path, follow, arena, ret);
	if (recall(host->links, path, ret))
		return 0;
	r = look_at_root_link(path, arena, ret);
	if (r == -EINVAL)
		r = look_at(path, follow, arena, ret);
	if (r == 0)
		remember(host->links, path, ret);
	return r;
}
