/*
 * What the host can do: files of the administrator and of the kernel that may hold anything, and
 * facts about paths.
 */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"
#include "host/doctor_parts.h"
#include "host/parts.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"

static char base[] = "/tmp/immure-host-XXXXXX";

/* ---- subordinate ids ---- */

static size_t parse_ranges(
	const char *text, const char *name, struct arena *arena, struct id_range **ret)
{
	char *copy = strdup(text);
	size_t count = 99;

	check_int(subordinate_parse(copy, name, 1000, 1000, arena, ret, &count), 0, "parsed");
	free(copy);
	return count;
}

static void test_subordinate(struct arena *arena)
{
	static const char *const refused[] = {
		"user:100000:0\n", /* nothing */
		"user:0:65536\n",  /* root among them */
		"user:500:1000\n", /* our own id among them */
		"user:1000:1\n",
		"user:4294967295:1\n",
		"user:4294900000:100000\n", /* past the last id */
		"user:-1:5\n",
		"user:+5:5\n",
		"user: 100000:5\n",
		"user:100000:5 \n",
		"user:0x100:5\n",
		"user:0100000:5\n",
		"user:100000\n",
		"user:100000:5:6\n",
		":100000:5\n",
		"user2:100000:65536\n",
		"use:100000:65536\n",
		"#user:100000:5\n",
		"user:100000:65536", /* cut short */
		"user:99999999999999999999:5\n",
		"\n",
		"",
	};
	struct id_range *ranges = NULL;
	char *many = calloc(500, 32);
	size_t used = 0;

	check_int((long long)parse_ranges("other:1:2\nuser:100000:65536\n", "user", arena, &ranges),
		1, "by name");
	check(ranges[0].start == 100000 && ranges[0].count == 65536, "its range");
	check_int((long long)parse_ranges("1000:100000:65536\n", "user", arena, &ranges), 1,
		"by number");
	check_int((long long)parse_ranges("1000:100000:65536\n", NULL, arena, &ranges), 1,
		"by number, without a name");
	check_int((long long)parse_ranges(
			  "user:100000:10\n1000:200000:10\nuser:100005:10\nuser:100010:10\n",
			  "user", arena, &ranges),
		3, "several, but not one that overlaps");
	check(ranges[2].start == 100010, "one that follows directly does not overlap");
	check_int((long long)parse_ranges("user:4294967290:5\n", "user", arena, &ranges), 1,
		"up to the last id");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		check_int((long long)parse_ranges(refused[i], "user", arena, &ranges), 0,
			"grants nothing: %.*s", (int)strcspn(refused[i], "\n"), refused[i]);
	for (unsigned i = 0; i < 400; i++)
		used += (size_t)snprintf(many + used, 32, "user:%u:1\n", 100000 + i);
	check_int((long long)parse_ranges(many, "user", arena, &ranges), 340,
		"no more than a map holds");
	free(many);
}

static void check_name(const char *text, const char *want)
{
	char copy[256];

	(void)snprintf(copy, sizeof(copy), "%s", text);
	check_text(passwd_find_name(copy, 1000), want, "the name of 1000, given %s",
		want ? want : "by no line");
}

static void test_passwd(void)
{
	check_name("root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n", "me");
	check_name("first:x:1000:1:::\nsecond:x:1000:1:::\n", "first");
	check_name(
		"a:x:01000:1:::\nb:x:1000x:1:::\nc:1000\n:x:1000:1:::\n+nis:::::\nd:x: 1000:1:::\n",
		NULL);
	check_name("me:x:1000:1000::/home/me:/bin/sh", NULL);
	check_name("", NULL);
}

/* ---- the way to a cgroup, over directories of plain files ---- */

static void put(const char *path, const char *text)
{
	char whole[PATH_MAX];
	int fd;

	(void)snprintf(whole, sizeof(whole), "%s%s", base, path);
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	check(fd >= 0 && file_write_all(fd, text, strlen(text)) == 0, "%s", path);
	(void)close(fd);
}

static void make_cgroup(const char *path, const char *controllers, const char *enabled,
	const char *processes, const char *type)
{
	static const char *const files[] = {"cgroup.controllers", "cgroup.subtree_control",
		"cgroup.procs", "cgroup.type", "cgroup.kill"};
	const char *texts[] = {controllers, enabled, processes, type, ""};
	char whole[PATH_MAX];

	(void)snprintf(whole, sizeof(whole), "%s%s", base, path);
	(void)mkdir(whole, 0755);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(whole, sizeof(whole), "%s/%s", path, files[i]);
		if (texts[i])
			put(whole, texts[i]);
	}
}

static const char mounts_unified[] = "31 23 0:28 / /cg rw - cgroup2 cgroup2 rw,nsdelegate\n";

static void find(const char *self, const char *mounts, struct arena *arena, struct host *ret)
{
	char *self_copy = strdup(self), *mounts_copy = strdup(mounts);
	struct delegation_view view = {
		.self = self_copy, .mounts = mounts_copy, .root = base, .runtime = "/runtime"};

	*ret = (struct host){.uid = getuid()};
	check_int(delegation_find(&view, arena, ret), 0, "looked from %.*s",
		(int)strcspn(self, "\n"), self);
	free(self_copy);
	free(mounts_copy);
}

#define ALL "cpuset cpu io memory pids"

static const char *below_base(const char *path)
{
	return path && strncmp(path, base, strlen(base)) == 0 ? path + strlen(base) : path;
}

static void test_delegated(struct arena *arena)
{
	struct host host;

	make_cgroup("/cg", ALL "\n", ALL "\n", "1\n", NULL);
	make_cgroup("/cg/user", ALL "\n", ALL "\n", "", "domain\n");
	make_cgroup("/cg/user/session", ALL "\n", "", "77\n", "domain\n");
	find("0::/user/session\n", mounts_unified, arena, &host);
	check_int(host.cgroup, CGROUP_DELEGATED, "the parent hands controllers down");
	check_text(below_base(host.cgroup_parent), "/cg/user", "and is where ours goes");
	check_int((long long)host.cgroup_controllers, 31, "with all five");
	check_text(host.cgroup_reason, NULL, "nothing to complain of");
	make_cgroup("/cg/user", ALL "\n", "", "", "domain\n");
	find("0::/user/session\n", mounts_unified, arena, &host);
	check_text(below_base(host.cgroup_parent), "/cg/user",
		"nothing is handed down yet, but it can be, since nobody lives there");
	make_cgroup("/cg/user", ALL "\n", "memory pids\n", "5\n", "domain\n");
	find("0::/user/session\n", mounts_unified, arena, &host);
	check_text(below_base(host.cgroup_parent), "/cg",
		"somebody lives there: its parent offers more");
	make_cgroup("/cg", ALL "\n", "memory pids\n", "1\n", "domain\n");
	find("0::/user/session\n", mounts_unified, arena, &host);
	check_text(below_base(host.cgroup_parent), "/cg/user",
		"or as much, and then the nearer one is taken");
	check_int((long long)host.cgroup_controllers, CONTROLLER_MEMORY | CONTROLLER_PIDS,
		"with what it hands down");
	check(host.cgroup_reason && strstr(host.cgroup_reason, "Delegate="),
		"and the remedy for the rest");
	make_cgroup("/cg/user", ALL "\n", ALL "\n", "", "domain threaded\n");
	find("0::/user/session\n", mounts_unified, arena, &host);
	check_text(below_base(host.cgroup_parent), "/cg", "a threaded one is of no use");
	find("0::/\n", "31 23 0:28 /user /cg/user rw - cgroup2 cgroup2 rw\n", arena, &host);
	check_int(host.cgroup, CGROUP_NONE, "a mount that does not show us is of no use");
	make_cgroup("/cg/user", ALL "\n", ALL "\n", "", "domain\n");
	find("0::/docker/x/session\n", "31 23 0:28 /docker/x /cg/user rw - cgroup2 cgroup2 rw\n",
		arena, &host);
	check_text(below_base(host.cgroup_parent), "/cg/user", "a mount of a part of the tree is");
}

static void test_none(struct arena *arena)
{
	static const struct {
		const char *self, *mounts, *word;
	} cases[] = {
		{"0::/\n", "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n", "no cgroup v2"},
		{"", "", "no cgroup v2"},
		{"4:memory:/x\n",
			"32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "v1"},
		{"4:memory:/x\n0::/x\n",
			"32 31 0:29 / /m rw - cgroup cgroup rw,memory\n33 31 0:30 / /cg rw - "
			"cgroup2 cgroup2 rw\n",
			"v1"},
		{"0::/../x\n", "31 23 0:28 / /cg rw - cgroup2 cgroup2 rw\n", "outside"},
		{"0::/nowhere\n", "31 23 0:28 / /empty rw - cgroup2 cgroup2 rw\n", "delegated"},
		{"0::/x", "31 23 0:28 / /cg rw - cgroup2 cgroup2 rw\n", ""}, /* a line cut short */
		{"0::/x\n", "31 23 0:28 / /cg rw - cgroup2 cgroup2\n", "no cgroup v2"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct host host;

		find(cases[i].self, cases[i].mounts, arena, &host);
		check_int(host.cgroup, CGROUP_NONE, "no way");
		check(!host.cgroup_parent && !host.cgroup_controllers, "and nothing half told");
		check(host.cgroup_reason && strstr(host.cgroup_reason, cases[i].word),
			"because: %.60s", host.cgroup_reason);
	}
}

/* A slice of the user's systemd could be written to, but is not ours unless it was delegated. */
static void test_managed(const char *manager, struct arena *arena)
{
	char slice[512], unit[PATH_MAX], self[1024];
	struct host host;

	(void)snprintf(slice, sizeof(slice), "%.400s/app.slice", manager);
	(void)snprintf(unit, sizeof(unit), "%s/a.service", slice);
	(void)snprintf(self, sizeof(self), "0::%s/a.service\n", slice + strlen("/s"));
	make_cgroup(slice, ALL "\n", ALL "\n", "", "domain\n");
	make_cgroup(unit, ALL "\n", "", "9\n", "domain\n");
	find(self, "31 23 0:28 / /s rw - cgroup2 cgroup2 rw\n", arena, &host);
	check_int(host.cgroup, CGROUP_SYSTEMD, "nothing is made behind systemd's back");
	(void)snprintf(unit, sizeof(unit), "%.1024s%s", base, slice);
	if (setxattr(unit, "user.delegate", "1", 1, 0))
		return; /* a file system without such attributes */
	find(self, "31 23 0:28 / /s rw - cgroup2 cgroup2 rw\n", arena, &host);
	check_int(host.cgroup, CGROUP_DELEGATED, "what was delegated is used");
	check_text(below_base(host.cgroup_parent), slice, "and there");
}

static void test_systemd(struct arena *arena)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char path[PATH_MAX];
	struct host host;

	(void)snprintf(path, sizeof(path), "%s/runtime", base);
	check_int(mkdir(path, 0700), 0, "a runtime directory");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/runtime/bus", base);
	make_cgroup("/s", ALL "\n", "", "9\n", "domain\n");
	find("0::/\n", "31 23 0:28 / /s rw - cgroup2 cgroup2 rw\n", arena, &host);
	check_int(host.cgroup, CGROUP_NONE, "no bus, no way");
	put("/runtime/bus", "no socket");
	find("0::/\n", "31 23 0:28 / /s rw - cgroup2 cgroup2 rw\n", arena, &host);
	check(host.cgroup == CGROUP_NONE && strstr(host.cgroup_reason, "no user bus"),
		"a file is no bus");
	(void)unlink(address.sun_path);
	check_int(bind(server, (struct sockaddr *)&address, sizeof(address)), 0, "a bus");
	find("0::/\n", "31 23 0:28 / /s rw - cgroup2 cgroup2 rw\n", arena, &host);
	check(host.cgroup == CGROUP_NONE &&
			strstr(host.cgroup_reason, "the user's systemd has no cgroup"),
		"a bus without a manager's cgroup");
	make_cgroup("/s/user.slice", ALL "\n", "", "", "domain\n");
	(void)snprintf(path, sizeof(path), "/s/user.slice/user-%u.slice", getuid());
	make_cgroup(path, ALL "\n", "", "", "domain\n");
	(void)snprintf(path, sizeof(path), "/s/user.slice/user-%u.slice/user@%u.service", getuid(),
		getuid());
	make_cgroup(path, "cpu memory pids\n", "", "", "domain\n");
	find("0::/\n", "31 23 0:28 / /s rw - cgroup2 cgroup2 rw\n", arena, &host);
	check_int(host.cgroup, CGROUP_SYSTEMD, "a bus and a manager");
	check_text(below_base(host.cgroup_parent), "/runtime/bus", "the bus");
	check_int((long long)host.cgroup_controllers,
		CONTROLLER_CPU | CONTROLLER_MEMORY | CONTROLLER_PIDS, "what the manager has");
	check_text(below_base(host.cgroup_mount), "/s", "and where it is mounted");
	test_managed(path, arena);
	(void)close(server);
	if (getuid() == 0 && chown(address.sun_path, 4711, 4711) == 0) {
		find("0::/\n", "31 23 0:28 / /s rw - cgroup2 cgroup2 rw\n", arena, &host);
		check_int(host.cgroup, CGROUP_NONE, "somebody else's socket is no bus of ours");
	}
}

/* ---- pairs of categories ---- */

static void test_pairs(void)
{
	unsigned first, second, last_first = 0, last_second = 0, wrong = 0, again = 0;
	char label[64];

	for (unsigned index = 0; index < MCS_PAIRS; index++) {
		mcs_categories(index, &first, &second);
		(void)snprintf(
			label, sizeof(label), "u:object_r:immure_file_t:s0:c%u,c%u", first, second);
		wrong += !mcs_index(label, &again) || again != index;
		wrong += first >= second || second >= MCS_CATEGORIES;
		wrong += index > 0 &&
			 (first < last_first || (first == last_first && second != last_second + 1));
		last_first = first;
		last_second = second;
	}
	check_int(wrong, 0, "each of %u numbers is a pair of its own", MCS_PAIRS);
	check(last_first == 1022 && last_second == 1023, "up to c1022,c1023");
}

static void test_no_pair(void)
{
	static const char *const labels[] = {"", "u:r:t", "u:r:t:s0", "u:r:t:s0:c5",
		"u:r:t:s0:c5.c6", "u:r:t:s0:c5,c5", "u:r:t:s0:c6,c5", "u:r:t:s0:c5,c6,c7",
		"u:r:t:s0:c5,c1024", "u:r:t:s0:c-5,c6", "u:r:t:s0:c5,c6 ", "u:r:t:s0:c,c6",
		"u:r:t:s0:c99999999999999999999,c6"};
	unsigned index;

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		check(!mcs_index(labels[i], &index), "no pair in \"%s\"", labels[i]);
}

static void test_pair_locks(void)
{
	char path[PATH_MAX];
	bool seen[8] = {false};
	int fds[8], extra, r;

	(void)snprintf(path, sizeof(path), "%s/runtime", base);
	for (size_t i = 0; i < 8; i++) {
		fds[i] = mcs_open_locks(path, getuid());
		check(fds[i] >= 0, "the file of locks");
		r = mcs_lock_pair(fds[i], 8, MCS_NO_WISH);
		check(r >= 0 && r < 8 && !seen[r], "a pair that nobody has (%d)", r);
		if (r >= 0 && r < 8)
			seen[r] = true;
	}
	extra = mcs_open_locks(path, getuid());
	check_int(mcs_lock_pair(extra, 8, MCS_NO_WISH), -EBUSY, "none is left");
	(void)close(fds[3]);
	check(mcs_lock_pair(extra, 8, MCS_NO_WISH) >= 0, "one comes free with its descriptor");
	(void)close(fds[5]);
	fds[5] = mcs_open_locks(path, getuid());
	check_int(mcs_lock_pair(fds[5], 20, 13), 13, "the pair that is wished for");
	(void)close(fds[6]);
	fds[6] = mcs_open_locks(path, getuid());
	r = mcs_lock_pair(fds[6], 20, 13);
	check(r >= 0 && r != 13, "another one where somebody has it (%d)", r);
	(void)close(extra);
	for (size_t i = 0; i < 8; i++)
		if (i != 3)
			(void)close(fds[i]);
}

/* The lock is gone with a launcher that was killed. */
static void test_pair_of_the_dead(void)
{
	char path[PATH_MAX];
	int fd, status;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/runtime", base);
	pid = fork();
	if (pid == 0) {
		fd = mcs_open_locks(path, getuid());
		if (mcs_lock_pair(fd, 1, MCS_NO_WISH) == 0)
			(void)raise(SIGKILL);
		_exit(1);
	}
	(void)waitpid(pid, &status, 0);
	check(WIFSIGNALED(status), "a launcher that is killed while it has the only pair");
	fd = mcs_open_locks(path, getuid());
	check_int(mcs_lock_pair(fd, 1, MCS_NO_WISH), 0, "leaves it to the next");
	(void)close(fd);
}

static void test_unsafe_places(void)
{
	char path[PATH_MAX], mine[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/odd", base);
	(void)snprintf(mine, sizeof(mine), "%s/odd/immure", base);
	check_int(mcs_open_locks("relative", getuid()), -EINVAL, "a relative place");
	check_int(mcs_open_locks(path, getuid()), -ENOENT, "a place that is not there");
	check_int(mkdir(path, 0700) || chmod(path, 0777), 0, "a place that all may write");
	check_int(mcs_open_locks(path, getuid()), -EPERM, "is refused");
	check_int(chmod(path, 0700), 0, "a place of our own");
	check_int(mcs_open_locks(path, getuid() + 1), -EPERM, "is refused where it is another's");
	check_int(symlink("/tmp", mine), 0, "with a link in it");
	check_int(mcs_open_locks(path, getuid()), -ENOTDIR, "is refused");
	(void)unlink(mine);
	check_int(mkdir(mine, 0755), 0, "with a directory that others may read");
	check_int(mcs_open_locks(path, getuid()), -EPERM, "is refused");
	check_int(chmod(mine, 0700), 0, "now it is private");
	(void)snprintf(mine, sizeof(mine), "%s/odd/immure/mcs", base);
	check_int(symlink("/tmp/elsewhere", mine), 0, "with a link as file of locks");
	check_int(mcs_open_locks(path, getuid()), -ELOOP, "is refused");
	(void)unlink(mine);
	check_int(mkfifo(mine, 0600), 0, "with a FIFO");
	check_int(mcs_open_locks(path, getuid()), -EPERM, "is refused");
}

/* ---- facts about paths ---- */

static void check_path(struct arena *arena, const char *path, bool follow, enum path_type type,
	const char *resolved)
{
	struct path_fact fact;
	char whole[PATH_MAX];

	(void)snprintf(whole, sizeof(whole), "%s%s", base, path);
	check_int(host_path(&(struct host){0}, arena, whole, follow, &fact), 0, "%s, %s", path,
		follow ? "followed" : "itself");
	check_int(fact.type, type, "its type");
	check_text(below_base(fact.resolved), resolved, "its canonical path");
}

static void test_paths(struct arena *arena)
{
	struct path_fact fact;
	struct stat status;
	char whole[PATH_MAX];

	(void)snprintf(whole, sizeof(whole), "%s/p", base);
	check_int(mkdir(whole, 0755) || chdir(whole), 0, "a place");
	check_int(mkdir("d", 0755) || symlink("d", "to-d") || symlink("nothing", "dangling") ||
			  symlink("loop", "loop") || mkfifo("fifo", 0600) || mkdir("shut", 0700),
		0, "things to look at");
	put("/p/d/f", "text");
	check_path(arena, "/p/d", true, PATH_DIRECTORY, "/p/d");
	check_path(arena, "/p/d/f", false, PATH_REGULAR, "/p/d/f");
	check_path(arena, "/p/to-d", false, PATH_SYMLINK, "/p/to-d");
	check_path(arena, "/p/to-d", true, PATH_DIRECTORY, "/p/d");
	check_path(arena, "/p/to-d/f", false, PATH_REGULAR, "/p/d/f");
	check_path(arena, "/p/dangling", true, PATH_ABSENT, NULL);
	check_path(arena, "/p/dangling", false, PATH_SYMLINK, "/p/dangling");
	check_path(arena, "/p/d/f/below", true, PATH_ABSENT, NULL);
	check_path(arena, "/p/fifo", true, PATH_OTHER, "/p/fifo");
	(void)snprintf(whole, sizeof(whole), "%s/p/loop", base);
	check_int(host_path(&(struct host){0}, arena, whole, true, &fact), -ELOOP,
		"a loop is an error");
	(void)snprintf(whole, sizeof(whole), "%s/p/to-d", base);
	check_int(host_path(&(struct host){0}, arena, whole, false, &fact), 0, "a link");
	check_text(fact.link, "d", "its text");
	if (lstat("/bin", &status) == 0 && S_ISLNK(status.st_mode)) {
		char text[256] = "";

		check(readlink("/bin", text, sizeof(text) - 1) > 0, "a link in the root directory");
		check_int(host_path(&(struct host){0}, arena, "/bin", false, &fact), 0, "the same as a fact");
		check(fact.type == PATH_SYMLINK && strcmp(fact.link, text) == 0 && strcmp(fact.resolved, "/bin") == 0, "told whole");
	}
	check_int(host_path(&(struct host){0}, arena, "/proc", false, &fact), 0, "no link in the root directory");
	check(fact.type == PATH_DIRECTORY && fact.inode, "is what it is");
	check_int(host_path(&(struct host){0}, arena, "/no-such", false, &fact), 0, "nothing in the root directory");
	check(fact.type == PATH_ABSENT, "is nothing");
	check_int(host_path(&(struct host){0}, arena, "/dev/null", true, &fact), 0, "a device");
	check(fact.type == PATH_CHARACTER && fact.node == makedev(1, 3), "with its number");
	check_int(host_path(&(struct host){0}, arena, base, true, &fact) || stat(base, &status), 0,
		"what it is");
	check(fact.inode == status.st_ino && fact.device == status.st_dev,
		"is the same as stat says");
}

static void test_forbidden(struct arena *arena)
{
	char whole[PATH_MAX];
	int status = 0;
	pid_t pid;

	(void)snprintf(whole, sizeof(whole), "%s/p/shut/x", base);
	check_int(chmod(base, 0755) || chmod("shut", 0), 0, "a directory that is shut");
	pid = fork();
	if (pid == 0) {
		struct path_fact fact;

		if (getuid() == 0 &&
			(setresgid(61010, 61010, 61010) || setresuid(61010, 61010, 61010)))
			_exit(9);
		_exit(host_path(&(struct host){0}, arena, whole, true, &fact) == 0 &&
					fact.type == PATH_FORBIDDEN
				? 0
				: 1);
	}
	(void)waitpid(pid, &status, 0);
	check_int(status, 0, "what is below it is forbidden, not absent");
	check_int(chmod("shut", 0700), 0, "open again");
}

/* ---- the live host, and the doctor's words ---- */

static void test_probe(struct arena *arena)
{
	struct host host;
	struct err err = {0};

	check_int(host_probe(0, arena, &host, &err), 0, "nothing asked");
	check(host.uid == getuid() && host.path == host_path, "who we are is always told");
	check(!host.landlock_abi && !host.last_capability && !host.seccomp && !host.newuidmap,
		"and no more");
	check_int(host_probe(HOST_ALL, arena, &host, &err), 0, "everything asked: %s", err.message);
	check(host.last_capability >= 37 && host.last_capability < 64, "the last capability is %d",
		host.last_capability);
	check(prctl(PR_CAPBSET_READ, host.last_capability) >= 0, "the kernel knows it");
	check(prctl(PR_CAPBSET_READ, host.last_capability + 1) < 0, "and none after it");
	check(host.landlock_abi > 0 || host.landlock_errno, "Landlock, or why not");
	check(host.cgroup != CGROUP_NONE || host.cgroup_reason, "a cgroup, or why not");
	check(host.uid_range_count || host.subordinate_reason, "subordinate ids, or why not");
	check(!host.selinux_enabled == !host.selinux_context, "a label where there is SELinux");
}

static void test_distributions(void)
{
	static const struct {
		const char *text, *id;
		enum distribution distribution;
	} cases[] = {
		{"PRETTY_NAME=\"x\"\nID=debian\n", "debian", DISTRIBUTION_DEBIAN},
		{"ID=ubuntu\nID_LIKE=debian\n", "ubuntu", DISTRIBUTION_UBUNTU},
		{"ID=\"rocky\"\n", "rocky", DISTRIBUTION_FEDORA},
		{"ID=nobara\nID_LIKE=\"x fedora\"\n", "nobara", DISTRIBUTION_FEDORA},
		{"ID='opensuse-tumbleweed'", "opensuse-tumbleweed", DISTRIBUTION_SUSE},
		{"VERSION_ID=3\nID=alpine", "alpine", DISTRIBUTION_ALPINE},
		{"ID=arch\n", "arch", DISTRIBUTION_ARCH},
		{"ID=nixos\n", "nixos", DISTRIBUTION_GENERIC},
		{"", "unknown", DISTRIBUTION_GENERIC},
		{"ID=\n", "unknown", DISTRIBUTION_GENERIC},
		{"ID=\033[31mdebian\n", "unknown", DISTRIBUTION_GENERIC},
		{"ID=deb ian\n", "unknown", DISTRIBUTION_GENERIC},
		{"XID=debian\n", "unknown", DISTRIBUTION_GENERIC},
	};
	char id[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_int(distribution_parse(cases[i].text, id, sizeof(id)), cases[i].distribution,
			"the distribution %s", cases[i].id);
		check_text(id, cases[i].id, "its word");
	}
	for (unsigned fix = FIX_NONE + 1; fix < FIX_COUNT; fix++)
		for (unsigned distribution = 0; distribution < DISTRIBUTION_COUNT; distribution++)
			if (!fix_text((enum fix)fix, (enum distribution)distribution))
				check(false, "no words for fix %u on distribution %u", fix,
					distribution);
	check(!fix_text(FIX_NONE, DISTRIBUTION_DEBIAN), "nothing helps where nothing helps");
}

static int no_cgroup(const struct host *host, char *detail, size_t size)
{
	(void)host;
	(void)snprintf(detail, size, "not here");
	return -EIO;
}

static void test_doctor(struct arena *arena)
{
	struct doctor_findings findings;
	struct err err = {0};
	bool well = true;

	check_int(doctor_examine(no_cgroup, arena, &findings, &err), 0, "the doctor's rounds: %s",
		err.message);
	check(findings.row_count > 20, "%zu rows", findings.row_count);
	for (size_t i = 0; i < findings.row_count; i++) {
		const struct doctor_row *row = &findings.rows[i];

		well &= row->id && row->feature && row->detail &&
			(row->state == DOCTOR_OK) == !row->costs;
		for (size_t k = 0; k < i; k++)
			well &= strcmp(row->id, findings.rows[k].id) != 0;
	}
	check(well,
		"each with an id of its own, a detail, and its costs where something is missing");
}

int main(void)
{
	struct arena arena = {0};
	char command[64];

	if (!check(mkdtemp(base), "a place for files"))
		return check_done();
	test_subordinate(&arena);
	test_passwd();
	test_delegated(&arena);
	test_none(&arena);
	test_systemd(&arena);
	test_pairs();
	test_no_pair();
	test_pair_locks();
	test_pair_of_the_dead();
	test_unsafe_places();
	test_paths(&arena);
	test_forbidden(&arena);
	test_probe(&arena);
	test_distributions();
	test_doctor(&arena);
	arena_free(&arena);
	(void)snprintf(command, sizeof(command), "rm -rf %s", base);
	check_int(system(command), 0, "all gone");
	return check_done();
}
