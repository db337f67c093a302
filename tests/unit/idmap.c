/* The parent's half of a map by helpers: both are run, both are waited for, and what either refuses ends the launch. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "isolation/idmap.h"

static const char *const words[] = {"0", "0", "1", NULL};
static char own_map[4096], own_groups[4096];

/* The map that we have ourselves stands for one that the helpers made: with helpers that do nothing, it must be the one asked for. */
static void read_own_map(const char *path, char map[static 4096])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, map, 4095);

	if (length <= 0)
		exit(1);
	map[length] = '\0';
	(void)close(fd);
}

static int map(const char *newuidmap, const char *newgidmap, const char *want, struct err *err)
{
	const struct idmap_plan plan = {.way = IDMAP_HELPER,
		.uid_map = want,
		.gid_map = own_groups,
		.uid_words = words,
		.gid_words = words,
		.newuidmap = newuidmap,
		.newgidmap = newgidmap};

	*err = (struct err){0};
	return idmap_apply_parent(&plan, getpid(), err);
}

static void nothing_left(const char *when)
{
	check(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no helper is left: %s", when);
}

int main(void)
{
	struct err err;
	char slow[] = "/tmp/immure-idmap-XXXXXX", first[64], second[64];
	/* each waits for the other: mkdir(1) tells the second who it is */
	static const char script[] = "#!/bin/sh\nmkdir $0.first 2> /dev/null || exec mkdir $0.second\n"
				     "for i in $(seq 600); do [ ! -d $0.second ] || exit 0; sleep 0.1; done\nexit 1\n";
	int fd = mkstemp(slow);

	read_own_map("/proc/self/uid_map", own_map);
	read_own_map("/proc/self/gid_map", own_groups);
	check_int(map("/bin/true", "/bin/true", own_map, &err), 0, "both do what they should");
	nothing_left("at the end");
	check_int(map("/bin/true", "/bin/true", "7 7 7\n", &err), -EPERM, "a map that is not the one asked for");
	check_text(err.where, "uid_map", "is noticed");
	check_int(map("/bin/false", "/bin/true", own_map, &err), -EPERM, "newuidmap refuses");
	check_text(err.where, "/bin/false", "and is named");
	nothing_left("after that");
	check_int(map("/bin/true", "/bin/false", own_map, &err), -EPERM, "newgidmap refuses");
	check_text(err.where, "/bin/false", "and is named");
	nothing_left("after that, too");
	check_int(map("/bin/true", "/nonexistent", own_map, &err), -ENOENT, "newgidmap is not there");
	check_text(err.where, "/nonexistent", "and is named");
	nothing_left("not the one that was started");
	check_int(map("/nonexistent", "/bin/true", own_map, &err), -ENOENT, "newuidmap is not there");

	if (fd < 0 || write(fd, script, sizeof(script) - 1) < 0 || fchmod(fd, 0700) || close(fd))
		return 1;
	check_int(map(slow, slow, own_map, &err), 0, "two that wait for each other run at once");
	(void)snprintf(first, sizeof(first), "%s.first", slow);
	(void)snprintf(second, sizeof(second), "%s.second", slow);
	check(rmdir(first) == 0 && rmdir(second) == 0, "both of them");
	(void)unlink(slow);
	return check_done();
}
