/*
 * canary DIRECTORY: one line for everything below it, with all that a change could show in (O1): type, mode, owner, links, size, inode, change
 * time, content, link text, extended attributes. canary mark FILE: gives FILE an extended attribute.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "verdict.h"

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t length)
{
	for (const unsigned char *p = data; length--; p++)
		hash = (hash ^ *p) * 0x100000001b3ULL;
	return hash;
}

static uint64_t hash_content(const char *path, mode_t mode)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	char block[4096], value[256];
	ssize_t length;

	if (S_ISREG(mode)) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME);

		while (fd >= 0 && (length = read(fd, block, sizeof(block))) > 0)
			hash = hash_bytes(hash, block, (size_t)length);
		(void)close(fd);
	} else if (S_ISLNK(mode) && (length = readlink(path, block, sizeof(block))) > 0) {
		hash = hash_bytes(hash, block, (size_t)length);
	}
	length = llistxattr(path, block, sizeof(block) - 1);
	for (char *name = block; length > 0 && name < block + length; name += strlen(name) + 1) {
		ssize_t size = lgetxattr(path, name, value, sizeof(value));

		hash = hash_bytes(hash, name, strlen(name));
		hash = hash_bytes(hash, value, size > 0 ? (size_t)size : 0);
	}
	return hash;
}

static void show(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int count;

	if (lstat(path, &st) < 0)
		return;
	(void)printf("%s %o %u:%u links %lu size %ld inode %lu changed %ld.%09ld content %016lx\n", path, st.st_mode, st.st_uid,
		st.st_gid, (unsigned long)st.st_nlink, (long)st.st_size, (unsigned long)st.st_ino, (long)st.st_ctim.tv_sec,
		(long)st.st_ctim.tv_nsec, (unsigned long)hash_content(path, st.st_mode));
	if (!S_ISDIR(st.st_mode))
		return;
	count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		char below[4096];

		if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0) {
			(void)snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name);
			show(below);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "mark") == 0)
		return setxattr(argv[2], "user.canary", "whole", 5, 0) == 0 ? 0 : 1;
	if (argc != 2)
		return 2;
	show(argv[1]);
	return 0;
}
