/*
 * The way to a cgroup of our own. cgroups(7) lets a process be born in another cgroup only when its
 * maker may write cgroup.procs of both the new one and of the nearest common ancestor, and a cgroup
 * hands controllers down only while it has no processes of its own. So the parent to look for is an
 * ancestor of where we are, writable by us, empty itself, and with controllers handed down or ready
 * to be. A login session usually has none (its scope is root's): there the user's systemd is asked
 * for a scope.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "host/parts.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/path.h"
#include "util/proc.h"

#define USUAL_MOUNT "/sys/fs/cgroup"
#define CGROUP2_MAGIC 0x63677270
#define TMPFS_MAGIC 0x01021994
#define MOUNTS_MAXIMUM ((size_t)8 * 1024 * 1024)
#define SELF_MAXIMUM ((size_t)64 * 1024)
#define CONTROLLERS_ALL \
	(CONTROLLER_MEMORY | CONTROLLER_PIDS | CONTROLLER_CPU | CONTROLLER_IO | CONTROLLER_CPUSET)
#define CONTROLLERS_NEEDED (CONTROLLER_MEMORY | CONTROLLER_PIDS)

static const char reason_unmounted[] =
	"no cgroup v2 file system is mounted; boot with systemd.unified_cgroup_hierarchy=1, or "
	"mount cgroup2 on /sys/fs/cgroup";
static const char reason_hybrid[] = "the controllers belong to cgroup v1 (a legacy or hybrid "
				    "host); boot with systemd.unified_cgroup_hierarchy=1";
static const char reason_outside[] =
	"our own cgroup is outside of the mounted cgroup2 tree (a container that shows the "
	"host's); give the container a cgroup namespace";
static const char reason_not_delegated[] =
	"no cgroup is delegated to this user and there is no user bus to ask systemd; log in "
	"through systemd-logind, or start with "
	"systemd-run --user --scope -p Delegate=yes";
static const char reason_no_manager[] =
	"there is a user bus, but the user's systemd has no cgroup with the memory and pids "
	"controllers; as root: systemctl edit "
	"user@.service, add [Service] Delegate=cpu cpuset io memory pids, and log in again";
static const char reason_partial[] =
	"only some controllers are delegated; as root: systemctl edit user@.service, add [Service] "
	"Delegate=cpu cpuset io memory pids, "
	"and log in again";

static unsigned parse_controllers(const char *text)
{
	static const struct {
		const char *name;
		enum cgroup_controller controller;
	} names[] = {{"memory", CONTROLLER_MEMORY}, {"pids", CONTROLLER_PIDS},
		{"cpu", CONTROLLER_CPU}, {"io", CONTROLLER_IO}, {"cpuset", CONTROLLER_CPUSET}};
	unsigned found = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (proc_has_word(text, ' ', names[i].name))
			found |= names[i].controller;
	return found;
}

static unsigned read_controllers(int directory, const char *file)
{
	char text[512];

	return file_read_line(directory, file, text, sizeof(text)) > 0 ? parse_controllers(text)
								       : 0;
}

static bool may_write(int directory, const char *file)
{
	return faccessat(directory, file, W_OK, 0) ==
	       0; /* EROFS too: a container's read-only view */
}

/*
 * What a directory made below would have; 0 when none can be made there, or none that we could be
 * born in.
 */
static unsigned examine(const char *path)
{
	_cleanup_close_ int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned enabled, available;
	char text[32];
	bool root;
	int r;

	if (directory < 0 || !may_write(directory, ".") || !may_write(directory, "cgroup.procs"))
		return 0;
	r = file_read_line(directory, "cgroup.type", text, sizeof(text));
	root = r == -ENOENT; /* only the real root has no type, and only it may have both processes
				and controllers to hand down */
	if (!root && (r < 0 || strcmp(text, "domain") != 0 ||
			     faccessat(directory, "cgroup.kill", F_OK, 0)))
		return 0;
	enabled = read_controllers(directory, "cgroup.subtree_control");
	available = read_controllers(directory, "cgroup.controllers");
	if (enabled != available && may_write(directory, "cgroup.subtree_control") &&
		(root || file_read_line(directory, "cgroup.procs", text, sizeof(text)) == 0))
		enabled = available;
	return enabled;
}

/* The nearest ancestor (ourselves included) that offers the most. path is changed. */
static int find_delegated(char *path, size_t mount_length, struct arena *arena, struct host *ret)
{
	for (;;) {
		unsigned controllers = examine(path);
		char *slash;

		if (__builtin_popcount(controllers) > __builtin_popcount(ret->cgroup_controllers)) {
			ret->cgroup_controllers = controllers;
			ret->cgroup_parent = arena_copy(arena, path);
			if (!ret->cgroup_parent)
				return -ENOMEM;
		}
		slash = strrchr(path, '/');
		if (controllers == CONTROLLERS_ALL || !slash ||
			(size_t)(slash - path) < mount_length)
			return 0;
		*slash = '\0';
	}
}

/*
 * A socket that somebody else may have made could be anybody's bus (T-HAND): it must be the user's
 * own.
 */
static bool is_own_socket(const char *path, uid_t uid)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_uid == uid;
}

static int find_bus(
	const struct delegation_view *view, struct arena *arena, uid_t uid, const char **ret)
{
	char *path;

	*ret = NULL;
	if (view->runtime && view->runtime[0] == '/') {
		path = arena_format(arena, "%s%s/bus", view->root, view->runtime);
		if (!path)
			return -ENOMEM;
		if (is_own_socket(path, uid))
			*ret = path;
	}
	if (!*ret) {
		path = arena_format(arena, "%s/run/user/%u/bus", view->root, uid);
		if (!path)
			return -ENOMEM;
		if (is_own_socket(path, uid))
			*ret = path;
	}
	return 0;
}

/* The user's systemd: where the system's puts it, and what it was delegated. */
static int find_manager(const char *mount, struct arena *arena, uid_t uid, const char **ret_path,
	unsigned *ret_controllers)
{
	const char *path =
		arena_format(arena, "%s/user.slice/user-%u.slice/user@%u.service", mount, uid, uid);
	const char *file = path ? arena_join(arena, path, "/cgroup.controllers") : NULL;

	if (!file)
		return -ENOMEM;
	*ret_path = path;
	*ret_controllers = read_controllers(AT_FDCWD, file);
	return 0;
}

/*
 * Is path the manager's to lay out? What lies below it is, unless a unit was marked as delegated on
 * the way (org.freedesktop.systemd1 sets user.delegate, systemd 251): beside its other units it
 * takes controllers away as those come and go, and does not expect what it did not make.
 */
static bool is_managed(const char *path, const char *manager)
{
	char place[PATH_MAX], value[8];

	if (!path_is_beneath(path, manager) || strlen(path) >= sizeof(place))
		return false;
	memcpy(place, path, strlen(path) + 1);
	while (strlen(place) > strlen(manager)) {
		if (getxattr(place, "user.delegate", value, sizeof(value)) == 1 && value[0] == '1')
			return false;
		*strrchr(place, '/') = '\0';
	}
	return true;
}

static int find_way(
	const struct delegation_view *view, struct arena *arena, char *own, struct host *ret)
{
	const char *bus, *manager = NULL;
	unsigned offered = 0;
	int r = find_delegated(own, strlen(ret->cgroup_mount), arena, ret);

	if (r < 0)
		return r;
	r = find_bus(view, arena, ret->uid, &bus);
	if (r == 0 && bus)
		r = find_manager(ret->cgroup_mount, arena, ret->uid, &manager, &offered);
	if (r < 0)
		return r;
	if (ret->cgroup_controllers & CONTROLLERS_NEEDED)
		ret->cgroup = CGROUP_DELEGATED;
	if ((offered & CONTROLLERS_NEEDED) == CONTROLLERS_NEEDED &&
		((ret->cgroup_controllers & CONTROLLERS_NEEDED) != CONTROLLERS_NEEDED ||
			is_managed(ret->cgroup_parent, manager))) {
		ret->cgroup = CGROUP_SYSTEMD;
		ret->cgroup_parent = bus;
		ret->cgroup_controllers = offered;
	}
	if (ret->cgroup == CGROUP_NONE) {
		ret->cgroup_parent = NULL;
		ret->cgroup_controllers = 0;
		ret->cgroup_reason = bus ? reason_no_manager : reason_not_delegated;
	} else if (ret->cgroup_controllers != CONTROLLERS_ALL) {
		ret->cgroup_reason = reason_partial;
	}
	return 0;
}

static const char *find_self(char *text)
{
	struct proc_cgroup cgroup;
	char *line;

	while (proc_next_line(&text, &line) == 1)
		if (proc_cgroup_parse(line, &cgroup) == 0 && cgroup.hierarchy == 0 &&
			!*cgroup.controllers)
			return cgroup.path;
	return NULL;
}

/*
 * The mount of cgroup2 that shows our own cgroup, whose path in it is returned; NULL with the
 * reason. Mounts of v1 with a controller that we need mean that v2 cannot have it.
 */
static const char *find_mount(
	char *text, const char *self, const char **ret_target, const char **ret_reason)
{
	const char *relative = NULL;
	bool unified = false, legacy = false;
	char *line;

	while (proc_next_line(&text, &line) == 1) {
		struct proc_mount mount;

		if (proc_mount_parse(line, &mount))
			continue;
		legacy |= strcmp(mount.type, "cgroup") == 0 &&
			  proc_has_word(mount.super_options, ',', "memory");
		if (strcmp(mount.type, "cgroup2") != 0)
			continue;
		unified = true;
		if (self && !relative && path_is_beneath(self, mount.root)) {
			relative = self + (strcmp(mount.root, "/") == 0 ? 0 : strlen(mount.root));
			*ret_target = mount.target;
		}
	}
	*ret_reason = legacy ? reason_hybrid : unified && self ? reason_outside : reason_unmounted;
	return legacy ? NULL : relative;
}

static int find_below(const struct delegation_view *view, const char *target, const char *relative,
	struct arena *arena, struct host *ret)
{
	char *own;

	ret->cgroup_mount = arena_join(arena, view->root, target);
	own = ret->cgroup_mount ? arena_join(arena, ret->cgroup_mount,
					  strcmp(relative, "/") == 0 ? "" : relative)
				: NULL;
	return own ? find_way(view, arena, own, ret) : -ENOMEM;
}

/*
 * The usual host: no v1 hierarchy, cgroup2 at its usual place, our own pid in our cgroup there. It
 * spares reading mountinfo, the dearest of all probes (40 µs with 35 mounts); what is not exactly
 * so goes the long way. text is that of /proc/self/cgroup.
 */
static bool is_usual(const char *text, size_t length)
{
	char path[PATH_MAX], pids[4096], pid[16];
	struct statfs system;
	int printed;

	if (strncmp(text, "0::/", 4) != 0 || length >= PATH_MAX / 2 ||
		strchr(text, '\n') != text + length - 1)
		return false;
	printed = snprintf(
		path, sizeof(path), USUAL_MOUNT "%.*s/cgroup.procs", (int)length - 4, text + 3);
	if (printed < 0 || (size_t)printed >= sizeof(path))
		return false;
	if (statfs(USUAL_MOUNT, &system) || system.f_type != CGROUP2_MAGIC)
		return false;
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	return file_read_line(AT_FDCWD, path, pids, sizeof(pids)) > 0 &&
	       proc_has_word(pids, '\n', pid);
}

int delegation_find(const struct delegation_view *view, struct arena *arena, struct host *ret)
{
	const char *self = find_self(view->self), *relative, *target = NULL, *reason;

	ret->cgroup = CGROUP_NONE;
	/* ".." is how a cgroup outside of our namespace is shown: no path to build on */
	if (self && strstr(self, "/..")) {
		ret->cgroup_reason = reason_outside;
		return 0;
	}
	if (self && !view->mounts)
		return find_below(view, USUAL_MOUNT, self, arena, ret);
	relative = find_mount(view->mounts, self, &target, &reason);
	if (relative)
		return find_below(view, target, relative, arena, ret);
	ret->cgroup_reason = reason;
	return 0;
}

static int probe_unified(struct arena *arena, struct host *ret, struct err *reterr)
{
	_cleanup_free_ char *self = NULL, *mounts = NULL;
	struct delegation_view view = {.root = "", .runtime = secure_getenv("XDG_RUNTIME_DIR")};
	size_t length;
	int r = file_read(AT_FDCWD, "/proc/self/cgroup", SELF_MAXIMUM, &self, &length);

	if (r == -ENOENT) { /* a kernel without cgroups, or no /proc */
		ret->cgroup_reason = reason_unmounted;
		return 0;
	}
	if (r < 0)
		return err_set(reterr, r, "/proc/self/cgroup", "cannot be read: %s", strerror(-r));
	if (!is_usual(self, length))
		r = file_read(AT_FDCWD, "/proc/self/mountinfo", MOUNTS_MAXIMUM, &mounts, &length);
	if (r < 0)
		return err_set(
			reterr, r, "/proc/self/mountinfo", "cannot be read: %s", strerror(-r));
	view.self = self;
	view.mounts = mounts;
	r = delegation_find(&view, arena, ret);
	return r < 0 ? err_set(reterr, r, "/proc/self/cgroup", "out of memory") : 0;
}

int host_probe_cgroup(struct arena *arena, struct host *ret, struct err *reterr)
{
	struct statfs usual;

	/* a tmpfs with the version 1 hierarchies in it: one look spares reading and parsing two files
	 * at every launch */
	if (statfs(USUAL_MOUNT, &usual) == 0 && usual.f_type == TMPFS_MAGIC) {
		ret->cgroup_reason = reason_hybrid;
		return 0;
	}
	return probe_unified(arena, ret, reterr);
}
