/*
 * Whole files: bounds, kinds that are refused without waiting, and replacing without being half
 * there.
 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"
#include "util/cleanup.h"

static char base[] = "/tmp/immure-file-XXXXXX";

static int replace(const char *path, const char *text, size_t length)
{
	_cleanup_close_ int directory = -1;
	const char *name;
	int r = file_open_parent(path, &directory, &name);

	return r < 0 ? r : file_replace_at(directory, name, text, length);
}

static void put_file(const char *path, size_t length)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	for (size_t i = 0; i < length; i++)
		check(write(fd, "x", 1) == 1 || i, "written");
}

static void check_read(size_t length, size_t maximum, int want)
{
	_cleanup_free_ char *text = NULL;
	size_t got = 0;
	int r;

	put_file("f", length > 0);
	check_int(truncate("f", (off_t)length), 0, "a file of %zu bytes", length);
	r = file_read(AT_FDCWD, "f", maximum, &text, &got);
	check_int(r, want, "at most %zu bytes of %zu", maximum, length);
	if (want == 0)
		check(got == length && text[length] == '\0', "all of it, and a NUL behind");
	else
		check(!text && got == 0, "nothing is given out");
}

static void test_bounds(void)
{
	static const size_t sizes[] = {0, 1, 2, 100, 16383, 16384, 16385, 32768, 100000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		check_read(sizes[i], sizes[i], 0);
		check_read(sizes[i], sizes[i] + 1, 0);
		check_read(sizes[i] + 1, sizes[i], -EFBIG);
	}
	check_int(file_read_fd(0, (size_t)-1, &(char *){NULL}, &(size_t){0}), -EINVAL,
		"a bound that is none is refused");
}

static void test_kinds(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *text = NULL;
	size_t length;

	check_int(mkfifo("fifo", 0600), 0, "a FIFO");
	check_int(file_read(AT_FDCWD, "fifo", 10, &text, &length), -EINVAL,
		"is refused, and nobody waits for its writer");
	check_int(file_read(AT_FDCWD, ".", 10, &text, &length), -EISDIR, "a directory is refused");
	check_int(file_read(AT_FDCWD, "/dev/null", 10, &text, &length), -EINVAL,
		"a device is refused");
	check_int(file_read(AT_FDCWD, "nothing", 10, &text, &length), -ENOENT, "what is not there");
	check_int(bind(server, (struct sockaddr *)&address, sizeof(address)), 0, "a socket");
	check_int(file_read(AT_FDCWD, "s", 10, &text, &length), -ENXIO, "is refused");
	(void)close(server);
}

static void test_pipe(void)
{
	int ends[2];
	char *text = NULL;
	size_t length = 0;

	check_int(pipe2(ends, O_CLOEXEC), 0, "a pipe");
	check_int(file_write_all(ends[1], "in two ", 7), 0, "a first part");
	check_int(file_write_all(ends[1], "parts", 5), 0, "a second part");
	(void)close(ends[1]);
	check_int(file_read_fd(ends[0], 100, &text, &length), 0, "is read to its end");
	check_text(text, "in two parts", "both parts");
	free(text);
	(void)close(ends[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	check_int(pipe2(ends, O_CLOEXEC), 0, "one more");
	(void)close(ends[0]);
	check_int(file_write_all(ends[1], "x", 1), -EPIPE, "nobody reads");
	(void)close(ends[1]);
}

static void test_kernel_files(void)
{
	char line[64];

	check_int(replace("f", "abc\n", 4), 0, "a line");
	check_int(file_read_line(AT_FDCWD, "f", line, sizeof(line)), 3, "its length");
	check_text(line, "abc", "without the newline");
	check_int(file_read_line(AT_FDCWD, "f", line, 4), -EFBIG, "no half lines");
	check_int(file_read_line(AT_FDCWD, "f", line, 5), 3, "just enough room");
	check_int(replace("f", "a\nb\n\n", 5), 0, "several lines");
	check_int(
		file_read_line(AT_FDCWD, "f", line, sizeof(line)), 4, "only the last newline goes");
	check_int(replace("f", "", 0), 0, "nothing");
	check_int(file_read_line(AT_FDCWD, "f", line, sizeof(line)), 0, "has no length");
	check_int(file_read_line(AT_FDCWD, "nothing", line, sizeof(line)), -ENOENT,
		"what is not there");
	check(file_read_line(AT_FDCWD, "/proc/sys/kernel/ostype", line, sizeof(line)) == 5 &&
			strcmp(line, "Linux") == 0,
		"a true kernel file");
	check_int(file_write_kernel(AT_FDCWD, "nothing", "1", 1), -ENOENT,
		"a kernel file is never made");
	check_int(file_write_kernel(AT_FDCWD, "/proc/self/oom_score_adj", "x", 1), -EINVAL,
		"what the kernel says comes back");
	check_int(file_write_kernel(AT_FDCWD, "/proc/self/comm", "test", 4), 0,
		"a kernel file is written");
}

static unsigned count_entries(void)
{
	_cleanup_closedir_ DIR *directory = opendir(".");
	unsigned count = 0;

	while (readdir(directory))
		count++;
	return count;
}

static void test_replace(void)
{
	struct stat status;
	char line[64];
	unsigned before;
	mode_t mask = umask(0777);

	check_int(replace("g", "one", 3), 0, "a new file");
	(void)umask(mask);
	check_int(stat("g", &status), 0, "is there");
	check_int(status.st_mode & 07777, 0600, "for us alone, whatever the umask");
	check_int(symlink("g", "link"), 0, "a link to it");
	check_int(replace("link", "two", 3), 0, "the link is replaced");
	check_int(lstat("link", &status), 0, "what is there now");
	check(S_ISREG(status.st_mode), "is a file, no link");
	check(file_read_line(AT_FDCWD, "g", line, sizeof(line)) == 3 && strcmp(line, "one") == 0,
		"what the link led to is untouched");
	before = count_entries();
	check_int(replace("nowhere/g", "x", 1), -ENOENT, "no such directory");
	check_int(replace("", "x", 1), -EISDIR, "no name");
	check_int(replace("a/..", "x", 1), -EISDIR, "a name that is none");
	check_int(replace("./", "x", 1), -EISDIR, "a directory");
	check_int(mkdir("d", 0755), 0, "a directory in the way");
	check_int(replace("d", "x", 1), -EISDIR, "is not replaced");
	check_int(count_entries(), before + 1, "and no temporary file stays behind");
}

/* A disk that is full half-way: the old file stays, the new one is gone. */
static void test_full_disk(void)
{
	struct rlimit limit = {.rlim_cur = 10, .rlim_max = RLIM_INFINITY}, old;
	char line[64];
	unsigned before;

	(void)signal(SIGXFSZ, SIG_IGN);
	check_int(replace("h", "old", 3), 0, "an old file");
	before = count_entries();
	check_int(getrlimit(RLIMIT_FSIZE, &old), 0, "the limit");
	limit.rlim_max = old.rlim_max;
	check_int(setrlimit(RLIMIT_FSIZE, &limit), 0, "no file over ten bytes");
	check_int(replace("h", "much longer than that", 21), -EFBIG, "the new one does not fit");
	check_int(setrlimit(RLIMIT_FSIZE, &old), 0, "the limit as it was");
	check(file_read_line(AT_FDCWD, "h", line, sizeof(line)) == 3 && strcmp(line, "old") == 0,
		"the old one is whole");
	check_int(count_entries(), before, "no temporary file stays behind");
}

int main(void)
{
	char command[64];

	if (!check(mkdtemp(base) && chdir(base) == 0, "a place for files"))
		return check_done();
	test_bounds();
	test_kinds();
	test_pipe();
	test_kernel_files();
	test_replace();
	test_full_disk();
	(void)snprintf(command, sizeof(command), "rm -rf %s", base);
	check_int(system(command), 0, "all gone");
	return check_done();
}
