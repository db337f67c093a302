/*
 * Paths: the lexical helpers, and the look-up that cannot leave its root. The component walk must
 * agree with the kernel's own openat2 on random trees (O13), hold its root while somebody renames
 * under it (T-PATH-05), and stand in unnoticed where openat2 is refused (T-PATH-04).
 */
#include "util/number.h"
#include "util/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "util/arena.h"
#include "util/cleanup.h"

#define TREES 60
#define LOOKUPS 2000 /* in each tree */
#define NOBODY 61010 /* permissions mean nothing to root */

/* ---- lexical ---- */

static void test_canonical(struct arena *arena)
{
	static const struct {
		const char *path, *want;
	} cases[] = {
		{"/", "/"},
		{"//", "/"},
		{"/a", "/a"},
		{"/a/", "/a"},
		{"//a//b/", "/a/b"},
		{"/./a/.", "/a"},
		{"/.", "/"},
		{"/...", "/..."},
		{"/a/..b", "/a/..b"},
		{"/a b\t", "/a b\t"},
		{"", NULL},
		{"a", NULL},
		{"./a", NULL},
		{"/..", NULL},
		{"/a/../b", NULL},
		{"/a/..", NULL},
	};
	char longest[PATH_MAX + 2], name[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_text(path_canonical(arena, cases[i].path), cases[i].want,
			"canonical form of \"%s\"", cases[i].path);
	check(!path_canonical(arena, NULL) && errno == EINVAL, "no path at all is refused");
	memset(longest, '/', sizeof(longest));
	longest[PATH_MAX - 1] = '\0';
	check_text(path_canonical(arena, longest), "/", "PATH_MAX - 1 bytes are taken");
	longest[PATH_MAX - 1] = '/';
	longest[PATH_MAX] = '\0';
	check(!path_canonical(arena, longest) && errno == EINVAL, "PATH_MAX bytes are refused");
	memset(name, 'n', sizeof(name));
	name[0] = '/';
	name[256] = '\0';
	check(path_canonical(arena, name), "a name of 255 bytes is taken");
	name[256] = 'n';
	name[257] = '\0';
	check(!path_canonical(arena, name) && errno == EINVAL, "a name of 256 bytes is refused");
}

static void test_beneath(void)
{
	check(path_is_beneath("/a", "/"), "all is below the root");
	check(path_is_beneath("/", "/"), "the root is below itself");
	check(path_is_beneath("/a", "/a"), "a place is below itself");
	check(path_is_beneath("/a/b", "/a"), "a child is below");
	check(!path_is_beneath("/ab", "/a"), "a longer name is not below");
	check(!path_is_beneath("/a", "/a/b"), "a parent is not below");
	check(!path_is_beneath("/", "/a"), "the root is not below");
	check_int((long long)path_depth("/"), 0, "the root has no depth");
	check_int((long long)path_depth("/a/bc/d"), 3, "names are counted");
}

/* ---- random trees ---- */

static uint64_t random_state = 0x9e3779b97f4a7c15;

static unsigned pick(unsigned below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)((random_state >> 24) % below);
}

/*
 * A path of a few short names, with every nuisance: "..", ".", doubled and trailing slashes, now
 * and then a name that is too long.
 */
static void random_path(char *path, size_t size, bool absolute_too)
{
	static const char *const names[] = {"a", "b", "c", "d", "a", "b", "..", "..", "."};
	unsigned count = pick(6) + (pick(8) ? 1 : 0);
	size_t used = 0;

	path[0] = '\0';
	if (absolute_too && pick(3) == 0)
		used += (size_t)snprintf(path + used, size - used, "%s", pick(4) ? "/" : "//");
	for (unsigned i = 0; i < count; i++) {
		if (pick(200) == 0)
			used += (size_t)snprintf(path + used, size - used, "%0256d", 1);
		else
			used += (size_t)snprintf(path + used, size - used, "%s",
				names[pick(sizeof(names) / sizeof(names[0]))]);
		if (i + 1 < count || pick(6) == 0)
			used += (size_t)snprintf(
				path + used, size - used, "%s", pick(8) ? "/" : "///");
	}
}

static void make_tree(int directory, unsigned depth)
{
	static const mode_t modes[] = {0755, 0755, 0755, 0755, 0755, 0711, 0111, 0444, 0000};
	static const char *const names[] = {"a", "b", "c", "d"};

	for (unsigned i = 0; i < 4; i++) {
		unsigned kind = pick(10);
		char text[2048];
		int child;

		if (kind < 4 && depth < 4 && mkdirat(directory, names[i], 0755) == 0) {
			child = openat(directory, names[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			make_tree(child, depth + 1);
			(void)fchmod(child, modes[pick(sizeof(modes) / sizeof(modes[0]))]);
			(void)close(child);
		} else if (kind < 6) {
			child = openat(directory, names[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				pick(8) ? 0644 : 0000);
			(void)close(child);
		} else if (kind < 9) {
			random_path(text, sizeof(text), true);
			(void)!symlinkat(text, directory,
				names[i]); /* an empty text is refused: then there is nothing */
		}
	}
}

static void remove_tree(const char *path)
{
	char command[2 * PATH_MAX + 64];

	(void)snprintf(command, sizeof(command), "chmod -R u+rwx '%s' 2>/dev/null; rm -rf '%s'",
		path, path);
	if (system(command))
		printf("# could not remove %s\n", path);
}

static int by_kernel(int root, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	long fd;

	do
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN);
	return fd < 0 ? -errno : (int)fd;
}

struct outcome {
	int error;
	ino_t inode;
	dev_t device;
};

static struct outcome outcome_of(int fd)
{
	struct outcome outcome = {.error = fd < 0 ? fd : 0};
	struct stat status;

	if (fd >= 0 && fstat(fd, &status) == 0) {
		outcome.inode = status.st_ino;
		outcome.device = status.st_dev;
	}
	if (fd >= 0)
		(void)close(fd);
	return outcome;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->error == b->error && a->inode == b->inode && a->device == b->device;
}

static const uint64_t lookup_flags[] = {O_PATH, O_PATH | O_NOFOLLOW, O_PATH | O_DIRECTORY,
	O_PATH | O_NOFOLLOW | O_DIRECTORY, O_RDONLY, O_RDONLY | O_NOFOLLOW, O_RDONLY | O_DIRECTORY,
	O_WRONLY, O_RDWR | O_NOFOLLOW};

/* Both ways through one tree; prints and counts where they part. */
static unsigned compare_tree(int root, unsigned *found)
{
	unsigned differences = 0;

	for (unsigned i = 0; i < LOOKUPS; i++) {
		uint64_t flags = lookup_flags[pick(sizeof(lookup_flags) / sizeof(lookup_flags[0]))];
		struct outcome kernel, walk;
		char path[4096];

		random_path(path, sizeof(path), true);
		kernel = outcome_of(by_kernel(root, path, flags));
		walk = outcome_of(path_open_in_root_walk(root, path, flags));
		*found += kernel.error == 0;
		if (same(&kernel, &walk))
			continue;
		if (differences++ < 5)
			printf("# \"%.100s\" flags %llo: kernel %d/%lu, walk %d/%lu\n", path,
				(unsigned long long)flags, kernel.error,
				(unsigned long)kernel.inode, walk.error, (unsigned long)walk.inode);
	}
	return differences;
}

static void test_random_trees(const char *base)
{
	unsigned differences = 0, found = 0;

	for (unsigned tree = 0; tree < TREES; tree++) {
		char path[PATH_MAX];
		int root;

		(void)snprintf(path, sizeof(path), "%s/tree", base);
		if (mkdir(path, 0755))
			break;
		root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		make_tree(root, 0);
		differences += compare_tree(root, &found);
		(void)close(root);
		remove_tree(path);
	}
	check_int(differences, 0, "walk and kernel agree on %u look-ups in %u random trees",
		TREES * LOOKUPS, TREES);
	check(found > TREES * LOOKUPS / 20, "of which %u found something", found);
}

/* ---- limits and odd places ---- */

static void check_both(int root, const char *path, uint64_t flags, const char *what)
{
	struct outcome kernel = outcome_of(by_kernel(root, path, flags)),
		       walk = outcome_of(path_open_in_root_walk(root, path, flags));

	if (!check(same(&kernel, &walk), "%s: walk and kernel agree (%s)", what,
		    strerror(-kernel.error)))
		printf("# kernel %d, walk %d\n", kernel.error, walk.error);
}

static void test_limits(const char *base)
{
	_cleanup_close_ int root = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[256], text[PATH_MAX + 8], longest[PATH_MAX + 2];

	for (unsigned i = 0; i < 45; i++) { /* l0 -> l1 -> … -> l44, which is a file */
		(void)snprintf(name, sizeof(name), "l%u", i);
		(void)snprintf(text, sizeof(text), "l%u", i + 1);
		if (i == 44)
			(void)close(openat(root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
		else
			check_int(symlinkat(text, root, name), 0, "link %u of the chain", i);
	}
	check_both(root, "l4", O_PATH, "40 links");
	check_both(root, "l3", O_PATH, "41 links");
	check_both(root, "l44/", O_PATH, "a file with a slash behind it");
	check_both(root, "l43/", O_PATH, "a link to a file with a slash behind it");
	check_both(root, "l43/x", O_PATH, "something below a file behind a link");
	check_both(root, "", O_PATH, "the empty path");
	memset(longest, '/', sizeof(longest));
	longest[PATH_MAX - 1] = '\0';
	check_both(root, longest, O_PATH, "4095 bytes");
	longest[PATH_MAX - 1] = '/';
	longest[PATH_MAX] = '\0';
	check_both(root, longest, O_PATH, "4096 bytes");
	check_int(path_open_in_root(root, "new", O_WRONLY | O_CREAT), -EINVAL,
		"a look-up makes no file");
	check_int(path_open_in_root(root, ".", O_RDWR | O_TMPFILE), -EINVAL, "nor a nameless one");
	check_int(path_open_in_root(root, "l44", O_PATH | O_WRONLY), -EINVAL,
		"O_PATH goes with nothing else");
	check_int(path_open_in_root_walk(root, "l44", O_PATH | O_WRONLY), -EINVAL,
		"in the walk neither");
}

/*
 * T-PATH-06: each link makes the rest 200 bytes longer; the walk must end with an error, not past
 * its buffer.
 */
static void test_expansion(const char *base)
{
	char directory[256], path[PATH_MAX], name[32], text[PATH_MAX];
	int fd, r;

	(void)snprintf(path, sizeof(path), "%s/deep", base);
	check_int(mkdir(path, 0755), 0, "a place for long links");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memset(directory, 'd', 200);
	directory[200] = '\0';
	check_int(mkdirat(fd, directory, 0755), 0, "a directory with a long name");
	for (unsigned i = 0; i < 39; i++) { /* x0 -> ddd…/../ddd…/../… x1 */
		size_t used = 0;

		(void)snprintf(name, sizeof(name), "x%u", i);
		for (unsigned k = 0; k < 19; k++)
			used += (size_t)snprintf(
				text + used, sizeof(text) - used, "%s/../", directory);
		(void)snprintf(text + used, sizeof(text) - used, "x%u/%s/..", i + 1, directory);
		(void)!symlinkat(text, fd, name);
	}
	(void)mkdirat(fd, "x39", 0755);
	check_both(fd, "x38", O_PATH, "a link with a long text");
	r = path_open_in_root_walk(fd, "x0", O_PATH);
	check(r == -ENAMETOOLONG || r == -ELOOP || r == -ENOENT || r >= 0,
		"39 links of 4 KiB each end well or with an error (%d)", r);
	if (r >= 0)
		(void)close(r);
	(void)close(fd);
}

static void test_magic_links(void)
{
	static const char *const paths[] = {"self/exe", "self/cwd", "self/root/etc", "self/fd/0",
		"self/ns/net", "thread-self/status", "mounts", "net", "net/dev", "self",
		"self/../self/status", "self/task", "1/exe", "nothing"};
	_cleanup_close_ int root = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char what[64];

		(void)snprintf(what, sizeof(what), "/proc as root, %s", paths[i]);
		check_both(root, paths[i], O_PATH, what);
		check_both(root, paths[i], O_PATH | O_NOFOLLOW, what);
	}
	check_int(path_open_in_root_walk(root, "self/exe", O_PATH), -ELOOP,
		"a magic link is not followed");
}

/* ---- a rename storm ---- */

/* Moves base/from to base/to and back, as fast as it can. */
static pid_t start_storm(const char *base, const char *from, const char *to)
{
	pid_t pid = fork();

	if (pid == 0) {
		char inside[PATH_MAX], outside[PATH_MAX];

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)snprintf(inside, sizeof(inside), "%s/%s", base, from);
		(void)snprintf(outside, sizeof(outside), "%s/%s", base, to);
		for (;;)
			if (rename(inside, outside) == 0)
				(void)rename(outside, inside);
	}
	return pid;
}

static void weather(int root, ino_t canary,
	int (*lookup)(int directory, const char *path, uint64_t flags), const char *name)
{
	struct timespec start, now;
	unsigned attempts = 0, escapes = 0, gone = 0, spurious = 0, again = 0;
	char winding[PATH_MAX] = ""; /* openat2 hardly ever gets through that many ".." */

	for (unsigned i = 0; i < 400; i++)
		memcpy(winding + i * 9, "still/../", 10);

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		struct outcome through = outcome_of(lookup(root, "a/b/c/../../../canary", O_PATH));
		struct outcome beside = outcome_of(lookup(root, "still/x/../y", O_PATH));

		attempts++;
		escapes += through.error == 0 && through.inode == canary;
		gone += through.error == -ENOENT;
		again += through.error == -EAGAIN;
		spurious += beside.error != 0;
		if (attempts % 64 == 0)
			spurious += outcome_of(lookup(root, winding, O_PATH)).error != 0;
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		/* two seconds, and on a machine that switches seldom until the storm was there */
	} while (now.tv_sec - start.tv_sec < 2 || (gone == 0 && now.tv_sec - start.tv_sec < 60));
	printf("# %s: %u attempts, %u while the directory was away, %u given up\n", name, attempts,
		gone, again);
	check_int(escapes, 0, "%s: never outside during a rename storm", name);
	check_int(spurious, 0, "%s: what stands still is found all the time", name);
	check(gone > 0, "%s: the storm was felt", name);
}

static void test_storm(const char *base)
{
	static const char *const directories[] = {"storm", "storm/root", "storm/root/a",
		"storm/root/a/b", "storm/root/a/b/c", "storm/root/still", "storm/root/still/x"};
	char path[PATH_MAX];
	struct stat canary;
	int root;
	pid_t storm, far;

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", base, directories[i]);
		(void)mkdir(path, 0755);
	}
	(void)snprintf(path, sizeof(path), "%s/storm/root/still/y", base);
	(void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	(void)snprintf(path, sizeof(path), "%s/storm/root/canary",
		base); /* what the look-up should find */
	(void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	(void)snprintf(path, sizeof(path), "%s/canary",
		base); /* what ".." leads to from a directory that was moved out */
	(void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	check_int(stat(path, &canary), 0, "there is a canary outside");
	(void)snprintf(path, sizeof(path), "%s/storm/root", base);
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	storm = start_storm(base, "storm/root/a/b", "storm/b");
	far = start_storm(base, "far",
		"farther"); /* has nothing to do with us, but for the kernel's one lock */
	weather(root, canary.st_ino, path_open_in_root, "openat2");
	weather(root, canary.st_ino, path_open_in_root_walk, "walk");
	(void)kill(storm, SIGKILL);
	(void)kill(far, SIGKILL);
	(void)waitpid(storm, NULL, 0);
	(void)waitpid(far, NULL, 0);
	(void)close(root);
}

/* ---- openat2 refused ---- */

static void refuse_openat2(uint32_t error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(99);
}

#define CASES 2000

static void test_refused(const char *base, uint32_t error)
{
	static struct outcome wanted[CASES];
	static char paths[CASES][2048];
	char tree[PATH_MAX];
	int root, status = 0;
	pid_t pid;

	(void)snprintf(tree, sizeof(tree), "%s/refused", base);
	check_int(mkdir(tree, 0755), 0, "a tree to look in");
	root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_tree(root, 0);
	for (unsigned i = 0; i < CASES; i++) {
		random_path(paths[i], sizeof(paths[i]), true);
		wanted[i] = outcome_of(by_kernel(root, paths[i],
			lookup_flags[i % (sizeof(lookup_flags) / sizeof(lookup_flags[0]))]));
	}
	pid = fork();
	if (pid == 0) {
		unsigned differences = 0;

		refuse_openat2(error);
		if (by_kernel(root, "/", O_PATH) != -(int)error)
			_exit(98);
		for (unsigned i = 0; i < CASES; i++) {
			struct outcome is = outcome_of(path_open_in_root(root, paths[i],
				lookup_flags[i %
					     (sizeof(lookup_flags) / sizeof(lookup_flags[0]))]));

			differences += !same(&is, &wanted[i]);
		}
		_exit(differences ? 1 : 0);
	}
	(void)waitpid(pid, &status, 0);
	check_int(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0,
		"%u look-ups come to the same under a filter that answers %s", CASES,
		number_error((int)error));
	(void)close(root);
	remove_tree(tree);
}

/* However many slashes stand at the beginning, of the path or of what a link holds. */
static void test_real(const char *base)
{
	char real[PATH_MAX], place[PATH_MAX], link[PATH_MAX + 8], text[PATH_MAX * 3];
	static const char *const before[] = {"", "/", "//"};

	check_int(path_real(base, place), 0, "a directory has a real path");
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s%s/../%s", before[i], place, strrchr(place, '/') + 1);
		check_int(path_real(text, real), 0, "with %zu slashes more before it", i);
		check_text(real, place, "the same one");
	}
	(void)snprintf(link, sizeof(link), "%s/link", place);
	(void)snprintf(text, sizeof(text), "/%s", place);
	check(symlink(text, link) == 0 && path_real(link, real) == 0, "a link whose text has two slashes");
	check_text(real, place, "leads there");
	check_int(path_real("//", real), 0, "two slashes alone");
	check_text(real, "/", "are the root");
	check_int(path_real("", real), -ENOENT, "an empty path is none");
	(void)unlink(link);
}

int main(void)
{
	char base[] = "/tmp/immure-path-XXXXXX";
	struct arena arena = {0};

	test_canonical(&arena);
	test_beneath();
	arena_free(&arena);
	if (!check(mkdtemp(base), "a place for trees"))
		return check_done();
	if (getuid() == 0 && (chown(base, NOBODY, NOBODY) || setresgid(NOBODY, NOBODY, NOBODY) ||
				     setresuid(NOBODY, NOBODY, NOBODY)))
		check(false, "becoming an ordinary user");
	test_random_trees(base);
	test_real(base);
	test_limits(base);
	test_expansion(base);
	test_magic_links();
	test_storm(base);
	test_refused(base, ENOSYS);
	test_refused(base, EPERM);
	remove_tree(base);
	return check_done();
}
