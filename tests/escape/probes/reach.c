/*
 * reach MODE PATH…: tries to get at paths that should be out of reach; an escape is the first success. MODE is one of
 *   read    open and read one byte
 *   see     lstat
 *   write   open for writing, without creating
 *   create  make a file of that name (and leave it)
 *   search  the path below every mount point, below /proc/PID/root and /proc/PID/cwd of every process, below every descriptor, and above `.`
 *   list    a directory that has entries
 *   unmount takes the mount there away
 *   uncover takes every mount away that can be, and then searches
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "verdict.h"

static bool can_read(int directory, const char *path)
{
	char byte;
	int fd = openat(directory, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	bool can = fd >= 0 && read(fd, &byte, 1) == 1;

	(void)close(fd);
	return can;
}

static bool can_list(const char *path)
{
	DIR *dir = opendir(path);
	bool any = false;

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		any = any || entry->d_name[0] != '.';
	if (dir)
		(void)closedir(dir);
	return any;
}

static bool succeeds(const char *mode, const char *path)
{
	struct stat st;
	int fd = -1;

	if (strcmp(mode, "read") == 0)
		return can_read(AT_FDCWD, path);
	if (strcmp(mode, "see") == 0)
		return lstat(path, &st) == 0;
	if (strcmp(mode, "list") == 0)
		return can_list(path);
	if (strcmp(mode, "unmount") == 0)
		return umount2(path, MNT_DETACH) == 0;
	if (strcmp(mode, "write") == 0)
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	else if (strcmp(mode, "create") == 0)
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	return fd >= 0 && close(fd) == 0;
}

static void try_below(const char *prefix, const char *path)
{
	char whole[8192];

	(void)snprintf(whole, sizeof(whole), "%s/%s", prefix, path);
	if (can_read(AT_FDCWD, whole))
		escaped("%s can be read", whole);
}

static void uncover(void)
{
	static char points[256][512];
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[8192];
	int count = 0;

	while (mounts && count < 256 && fgets(line, sizeof(line), mounts))
		count += sscanf(line, "%*s %*s %*s %*s %511s", points[count]) == 1;
	while (count-- > 0)
		if (points[count][1]) /* not the root: what may lie over it is one of the ways out */
			(void)umount2(points[count], MNT_DETACH);
}

static void search(const char *path)
{
	static const char *const links[] = {"root", "cwd"};
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[8192], point[4096], prefix[4096] = ".";
	DIR *proc = opendir("/proc");

	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %*s %*s %*s %4000s", point) == 1)
			try_below(point, path);
	for (struct dirent *entry; proc && (entry = readdir(proc));)
		for (size_t i = 0; atoi(entry->d_name) > 0 && i < 2; i++) {
			(void)snprintf(prefix, sizeof(prefix), "/proc/%.16s/%s", entry->d_name, links[i]);
			try_below(prefix, path);
		}
	for (int fd = 0; fd < 1024; fd++)
		if (can_read(fd, path + (path[0] == '/')))
			escaped("%s can be read below descriptor %d", path, fd);
	try_below("/usr/..", path); /* up again into what may lie over the root */
	try_below("/dev/..", path);
	(void)strcpy(prefix, ".");
	for (int up = 0; up < 40; up++) {
		try_below(prefix, path);
		(void)strcat(prefix, "/..");
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[1], "uncover") == 0)
			uncover();
		if (strcmp(argv[1], "search") == 0 || strcmp(argv[1], "uncover") == 0)
			search(argv[i]);
		else if (succeeds(argv[1], argv[i]))
			escaped("%s: %s", argv[1], argv[i]);
	}
	contained("%d path(s) out of reach: %s", argc - 2, argv[1]);
}
