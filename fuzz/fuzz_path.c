/*
 * Paths against models of them: the lexical helpers against lists of names, and the look-up in a
 * root, walked name by name, against the kernel's own on a small tree full of links.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"
#include "util/arena.h"
#include "util/path.h"

/* ---- lexical ---- */

#define NAMES_MAXIMUM 4096

struct names {
	const char *start[NAMES_MAXIMUM];
	size_t length[NAMES_MAXIMUM];
	size_t count;
};

/* The model: a list of names. False for what path_canonical() must refuse. */
static bool split(const char *path, struct names *ret)
{
	ret->count = 0;
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return false;
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length > NAME_MAX || (length == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (length && !(length == 1 && path[0] == '.')) {
			ret->start[ret->count] = path;
			ret->length[ret->count++] = length;
		}
		path += length;
		path += *path == '/';
	}
	return true;
}

static bool same_name(const struct names *a, const struct names *b, size_t index)
{
	return a->length[index] == b->length[index] &&
	       memcmp(a->start[index], b->start[index], a->length[index]) == 0;
}

static void check_canonical(
	struct arena *arena, const char *path, const struct names *names, char **ret)
{
	char *again, *c;

	*ret = path_canonical(arena, path);
	HOLDS(*ret);
	HOLDS(path_depth(*ret) == names->count);
	c = *ret;
	for (size_t i = 0; i < names->count; i++) {
		HOLDS(*c++ == '/' && strncmp(c, names->start[i], names->length[i]) == 0);
		c += names->length[i];
	}
	HOLDS(names->count ? *c == '\0' : strcmp(*ret, "/") == 0);
	again = path_canonical(arena, *ret);
	HOLDS(again && strcmp(again, *ret) == 0);
}

/* Two paths, with a NUL between them. */
static void check_lexical(const char *text, size_t size)
{
	static struct names first, second;
	const char *other = strlen(text) < size ? text + strlen(text) + 1 : "/a/b";
	bool good = split(text, &first), other_good = split(other, &second), beneath;
	struct arena arena = {0};
	char *path = NULL, *parent = NULL;

	if (good)
		check_canonical(&arena, text, &first, &path);
	else
		HOLDS(!path_canonical(&arena, text) && errno == EINVAL);
	if (other_good)
		check_canonical(&arena, other, &second, &parent);
	if (good && other_good) {
		beneath = first.count >= second.count;
		for (size_t i = 0; beneath && i < second.count; i++)
			beneath = same_name(&first, &second, i);
		HOLDS(path_is_beneath(path, parent) == beneath);
	}
	arena_free(&arena);
}

/* ---- the look-up ---- */

static char tree[] = "/tmp/immure-fuzz-path-XXXXXX";

static void remove_tree(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", tree);
	if (system(command))
		(void)fprintf(stderr, "%s stays\n", tree);
}

/*
 * Names of one letter, so that a mutated path often meets one: directories a, b, c, f a file, and
 * links of all kinds.
 */
static int make_tree(void)
{
	static const char *const directories[] = {"a", "a/a", "a/b", "a/b/c", "b", "b/a", "c"};
	static const char *const links[][2] = {{"/a", "l"}, {"../..", "a/l"}, {"/", "r"},
		{"l/../b", "m"}, {"f", "n"}, {"n/", "o"}, {"q", "p"}, {"p", "q"}, {"a/b/", "s"},
		{"/../../a/b/c/../l", "a/b/t"}, {".", "d"}, {"..", "a/b/u"}, {"nothing", "x"},
		{"./l/", "y"}};
	int root;

	HOLDS(mkdtemp(tree) && atexit(remove_tree) == 0);
	root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	HOLDS(root >= 0);
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		HOLDS(mkdirat(root, directories[i], 0755) == 0);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		HOLDS(symlinkat(links[i][0], root, links[i][1]) == 0);
	HOLDS(close(openat(root, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) == 0);
	HOLDS(close(openat(root, "a/b/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) == 0);
	return root;
}

static void check_walk(const char *path, uint8_t choice)
{
	static const uint64_t choices[] = {O_PATH, O_PATH | O_NOFOLLOW, O_PATH | O_DIRECTORY,
		O_PATH | O_DIRECTORY | O_NOFOLLOW, O_RDONLY, O_RDONLY | O_NOFOLLOW,
		O_RDONLY | O_DIRECTORY, O_WRONLY};
	static int root = -1;
	struct open_how how = {.flags = choices[choice % 8] | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	struct stat by_kernel, by_walk;
	long kernel;
	int walk, whole;

	if (root < 0)
		root = make_tree();
	do
		kernel = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (kernel < 0 && errno == EAGAIN);
	kernel = kernel < 0 ? -errno : kernel;
	walk = path_open_in_root_walk(root, path, choices[choice % 8]);
	whole = path_open_in_root(root, path, choices[choice % 8]);
	HOLDS(kernel < 0 ? whole == (int)kernel : whole >= 0);
	HOLDS(path_open_in_root(root, path, O_WRONLY | O_CREAT) == -EINVAL);
	HOLDS(path_open_in_root_walk(root, path, O_PATH | O_WRONLY) == -EINVAL);
	if (whole >= 0)
		(void)close(whole);
	HOLDS(kernel < 0 ? walk == (int)kernel : walk >= 0);
	if (kernel < 0)
		return;
	HOLDS(fstat((int)kernel, &by_kernel) == 0 && fstat(walk, &by_walk) == 0);
	HOLDS(by_kernel.st_ino == by_walk.st_ino && by_kernel.st_dev == by_walk.st_dev);
	(void)close((int)kernel);
	(void)close(walk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 2)
		return 0;
	text = calloc(size, 1);
	HOLDS(text);
	memcpy(text, data + 1, size - 1);
	if (data[0] & 1)
		check_lexical(text, size - 1);
	else
		check_walk(text, data[0] >> 1);
	free(text);
	return 0;
}
