/* Entries of a directory: all of them but the two that are in each, and an error is not an end. */
#include "util/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "util/cleanup.h"

static char base[] = "/tmp/immure-directory-XXXXXX";

static void test_entries(void)
{
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry = NULL;
	size_t count = 0;
	int r;

	check_int(directory_start(open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &stream), 0, "opened");
	while ((r = directory_next(stream, &entry)) > 0) {
		check(strcmp(entry->d_name, ".hidden") == 0 || strcmp(entry->d_name, "...") == 0, "%s", entry->d_name);
		count++;
	}
	check_int(r, 0, "an end");
	check_int((long long)count, 2, "both entries, and neither . nor ..");
	check_int(directory_next(stream, &entry), 0, "and an end it stays");
}

static void test_errors(void)
{
	DIR *stream = NULL;
	const struct dirent *entry = NULL;
	int fd, file;

	check_int(directory_start(-ELOOP, &stream), -ELOOP, "the error of opening comes back");
	file = open("...", O_RDONLY | O_CLOEXEC);
	check_int(directory_start(file, &stream), -ENOTDIR, "no directory");
	check(fcntl(file, F_GETFD) < 0 && errno == EBADF, "and its descriptor is closed");
	check(!stream, "nothing is given out");

	fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file = open("...", O_RDONLY | O_CLOEXEC);
	check_int(directory_start(fd, &stream), 0, "opened");
	check(dup2(file, fd) == fd, "a directory that cannot be read any more");
	check_int(directory_next(stream, &entry), -ENOTDIR, "is no empty one");
	(void)closedir(stream);
	(void)close(file);
}

int main(void)
{
	if (!mkdtemp(base) || chdir(base))
		return 1;
	check_int(mkdir(".hidden", 0700), 0, "a directory");
	check_int(close(open("...", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0, "a file");
	test_entries();
	test_errors();
	check(rmdir(".hidden") == 0 && unlink("...") == 0 && rmdir(base) == 0, "all of it is gone");
	return check_done();
}
