/*
 * Roots of layers: what is checked of them, which operations their rules become, and the walk that
 * makes mount points in a tree that an image filled. No privilege and no kernel feature is needed:
 * the compiler is pure, and the walk works on any directory.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "isolation/mount.h"
#include "isolation/root.h"
#include "profile/load.h"
#include "profile/receipt.h"
#include "util/arena.h"
#include "util/kernel_calls.h"
#include "util/number.h"
#include "util/overlay.h"
#include "util/path.h"

static struct arena arena;
static struct profile profile;
static struct err err;

static const struct entry {
	const char *path;
	enum path_type type;
	uint64_t device;
} host_tree[] = {
	{"/s/1", PATH_DIRECTORY, 1},
	{"/s/2", PATH_DIRECTORY, 1},
	{"/s/up", PATH_DIRECTORY, 1},
	{"/s/work", PATH_DIRECTORY, 1},
	{"/s/up/work", PATH_DIRECTORY, 1},
	{"/other", PATH_DIRECTORY, 2},
	{"/s/file", PATH_REGULAR, 1},
	{"/s/shut", PATH_FORBIDDEN, 1},
	{"/v", PATH_DIRECTORY, 1},
};

static int fake_path(const struct host *host, struct arena *where, const char *path, bool follow,
	struct path_fact *ret)
{
	(void)host;
	(void)where;
	(void)follow;
	*ret = (struct path_fact){.type = PATH_ABSENT};
	for (size_t i = 0; i < sizeof(host_tree) / sizeof(host_tree[0]); i++)
		if (strcmp(host_tree[i].path, path) == 0)
			*ret = (struct path_fact){.type = host_tree[i].type,
				.device = host_tree[i].device,
				.inode = i + 1,
				.resolved = path};
	return 0;
}

static const struct host host = {.path = fake_path};
static const char *trees[OVERLAY_TREES + 1] = {"/s/1", "/s/2"};

static void start(struct layers *layers)
{
	memset(&profile, 0, sizeof(profile));
	err = (struct err){0};
	*layers = (struct layers){
		.trees = trees, .count = 2, .upper = "/s/up", .work = "/s/work"};
	profile.files.root = ROOT_LAYERS;
	profile.files.layers = layers;
	profile.files.root_writable = true;
	profile.files.root_rule.origin.pointer = "image";
}

/* ---- what is checked ---- */

static int root(struct root_plan *ret)
{
	struct receipt receipt = {.arena = &arena};

	err = (struct err){0};
	return root_compile(&profile, &host, &arena, &receipt, ret, &err);
}

static void checked(void)
{
	struct root_plan plan;
	struct layers layers;

	start(&layers);
	check_int(root(&plan), 0, "two layers and an upper");
	check(!(plan.attributes & MOUNT_ATTR_RDONLY) && !plan.scratch,
		"a root that can be written to, and no tmpfs");
	check(plan.layers.trees[1].inode == 2 && plan.layers.upper.inode == 3,
		"the child knows what it must find");
	profile.files.root_writable = false;
	check_int(root(&plan), 0, "the same, read-only");
	check((plan.attributes & MOUNT_ATTR_RDONLY) != 0, "ends read-only");
	layers.upper = layers.work = NULL;
	check_int(root(&plan), 0, "a view");
	check(plan.scratch, "has a tmpfs for its mount points");
	profile.files.root_writable = true;
	check_int(root(&plan), -EINVAL, "a view cannot be written to");
	check_text(err.where, "image", "and the message says who asked");
}

static void refused(void)
{
	static const struct {
		const char *tree, *upper, *work;
		int error;
	} cases[] = {
		{"/s/none", "/s/up", "/s/work", -ENOTDIR},
		{"/s/file", "/s/up", "/s/work", -ENOTDIR},
		{"/s/shut", "/s/up", "/s/work", -ENOTDIR},
		{"/s/1", "/s/none", "/s/work", -ENOTDIR},
		{"/s/1", "/s/up", "/s/file", -ENOTDIR},
		{"/s/1", "/s/up", "/other", -EXDEV},
		{"/s/1", "/s/up", "/s/up", -EINVAL},
		{"/s/1", "/s/up", "/s/up/work", -EINVAL},
		{"/s/1", "/s/up", NULL, -EINVAL},
		{"/s/1", NULL, "/s/work", -EINVAL},
	};
	struct root_plan plan;
	struct layers layers;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(&layers);
		trees[1] = cases[i].tree;
		layers.upper = cases[i].upper;
		layers.work = cases[i].work;
		check_int(root(&plan), cases[i].error, "refused: %s %s %s", cases[i].tree,
			cases[i].upper ? cases[i].upper : "-", cases[i].work ? cases[i].work : "-");
	}
	for (size_t i = 0; i <= OVERLAY_TREES; i++)
		trees[i] = "/s/1";
	start(&layers);
	layers.count = OVERLAY_TREES;
	check_int(root(&plan), 0, "%d layers", OVERLAY_TREES);
	layers.count = OVERLAY_TREES + 1;
	check_int(root(&plan), -EINVAL, "one more");
	layers.count = 0;
	check_int(root(&plan), -EINVAL, "none");
	profile.files.layers = NULL;
	check_int(root(&plan), -EINVAL, "and nothing at all");
	trees[1] = "/s/2";
}

/* ---- what rules become ---- */

static struct mount_plan mounts;

static struct mount_rule *rule(enum mount_kind kind, const char *target)
{
	struct mount_rule *added =
		ARENA_APPEND(&arena, profile.files.mounts, profile.files.mount_count);

	*added = (struct mount_rule){.kind = kind,
		.target = target,
		.rule = {.set = true, .origin = {NULL, "test"}},
		.mode = 0755};
	return added;
}

static int compile(void)
{
	struct receipt receipt = {.arena = &arena};

	mounts = (struct mount_plan){0};
	err = (struct err){0};
	return mount_compile(&profile, &host, &arena, &receipt, &mounts, &err);
}

/* The operations in one line: a letter each, ! where places are made on the way. */
static const char *story(void)
{
	static char text[4096];
	static const char letters[] = "dlftbpDFXL";

	text[0] = '\0';
	for (size_t i = 0; i < mounts.count; i++) {
		size_t used = strlen(text);

		(void)snprintf(text + used, sizeof(text) - used, "%s%c:%s%s", used ? " " : "",
			letters[mounts.operations[i].kind], mounts.operations[i].target,
			mounts.operations[i].lookup == LOOKUP_MAKE ? "!" : "");
	}
	return text;
}

static void furnished(void)
{
	struct layers layers;
	struct root_plan plan;

	start(&layers);
	rule(MOUNT_BIND, "/data/volume")->source = "/v";
	rule(MOUNT_FILE, "/etc/hosts")->content = "x";
	rule(MOUNT_TMPFS, "/run");
	rule(MOUNT_DIRECTORY, "/run/lock");
	rule(MOUNT_SYMLINK, "/srv/now")->source = "../data";
	rule(MOUNT_DENY, "/etc/shadow");
	check_int(compile(), 0, "a root of layers is furnished");
	check_text(story(),
		"t:run! b:data/volume! f:etc/hosts! X:etc/shadow! d:run/lock l:srv/now!",
		"each place is made by the walk, tmpfs first; below them plainly");
	check(mounts.operations[2].attributes & MOUNT_ATTR_RDONLY, "a file of ours is read-only");
	check_int(root(&plan), 0, "and its root");
	check(plan.scratch, "has a tmpfs to keep it in");

	start(&layers);
	rule(MOUNT_BIND, "/proc/x")->source = "/v";
	check_int(compile(), -EINVAL, "/proc is the engine's here too");
}

static void views(void)
{
	struct layers layers, view = {.trees = trees, .count = 2};
	struct mount_rule *made;

	start(&layers);
	profile.files.root = ROOT_EMPTY;
	rule(MOUNT_LAYERS, "/container")->layers = &view;
	check_int(compile(), 0, "layers at a place");
	check_text(story(), "L:container", "are one operation");
	check(mounts.operations[0].attributes & MOUNT_ATTR_RDONLY, "read-only");

	made = rule(MOUNT_DIRECTORY, "/container/made");
	check_int(compile(), -EROFS, "nothing is made in a view");
	made->kind = MOUNT_DENY;
	check_int(compile(), -EROFS, "nor hidden");

	start(&layers);
	profile.files.root = ROOT_EMPTY;
	made = rule(MOUNT_LAYERS, "/container");
	made->layers = &view;
	made->writable = true;
	check_int(compile(), -EINVAL, "a view without upper cannot be written to");
	made->layers = &layers;
	check_int(compile(), 0, "with one it can");
	check(!(mounts.operations[0].attributes & MOUNT_ATTR_RDONLY), "and is writable");
	made->layers = NULL;
	check_int(compile(), -EINVAL, "a rule without layers");
}

/* Layers belong to a launch: no document names them, none is printed with them, copies are deep. */
static void documents(void)
{
	struct layers layers, copy;
	struct profile other;
	struct mount_rule added = {.kind = MOUNT_LAYERS, .target = "/c", .layers = &copy};
	FILE *out = fopen("/dev/null", "w");

	profile_defaults(&other);
	start(&layers);
	copy = layers;
	other.name = "n";
	other.files.root = ROOT_LAYERS;
	other.files.layers = &layers;
	check_int(out ? profile_emit(&other, false, out) : 0, -ENOTSUP, "a root of layers is not printed");
	profile = other;
	check(profile_equal(&profile, &other), "the same layers are equal");
	copy.discard = true;
	profile.files.layers = &copy;
	check(!profile_equal(&profile, &other), "others are not");
	profile_defaults(&other);
	other.name = "n";
	check_int(profile_set_mount(&other, &arena, &added, &err), 0, "a rule is set");
	copy.count = 1;
	copy.upper = NULL;
	check(other.files.mounts[0].layers->count == 2 &&
			strcmp(other.files.mounts[0].layers->upper, "/s/up") == 0,
		"and keeps its own layers");
	check_int(out ? profile_emit(&other, false, out) : 0, -ENOTSUP, "nor is a mount of them");
	if (out)
		(void)fclose(out);
}

/* ---- the walk ---- */

static char folder[] = "/tmp/immure-layers-XXXXXX";
static struct child child;

static void make_tree(void)
{
	static const struct {
		const char *name, *text;
	} links[] = {{"out", "/etc"}, {"up", "../../.."}, {"self", "self"}, {"dangling", "new/one"},
		{"absolute", "/dir/made"}, {"through", "dir/../dir"}, {"root", "/"}, {"dots", "dir/.."},
		{"devices", "/dev"}, {"process", "dir/../proc/self"}, {"a", "b"}, {"b", "a"}};

	if (!mkdtemp(folder) || mkdir("/dev/null/x", 0) == 0)
		exit(1);
	child.root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (child.root < 0 || mkdirat(child.root, "dir", 0755) ||
		mknodat(child.root, "file", S_IFREG | 0644, 0) ||
		mknodat(child.root, "fifo", S_IFIFO | 0644, 0))
		exit(1);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i].text, child.root, links[i].name))
			exit(1);
}

/* Where the walk ended, relative to the root, or the error. */
static const char *walked(const char *target, bool directory)
{
	static char text[512];
	char path[64];
	int fd = child_make_place(&child, target, directory);
	ssize_t length;

	if (fd < 0)
		return number_error(-fd);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, text, sizeof(text) - 1);
	(void)close(fd);
	if (length < (ssize_t)strlen(folder))
		return "outside";
	text[length] = '\0';
	return strncmp(text, folder, strlen(folder)) == 0 ? text + strlen(folder) : text;
}

static void walk(void)
{
	char longest[300];
	struct stat status;

	make_tree();
	check_text(walked("dir", true), "/dir", "what is there is found");
	check_text(walked("etc/hosts", false), "/etc/hosts", "what is not is made");
	check(fstatat(child.root, "etc/hosts", &status, 0) == 0 && S_ISREG(status.st_mode) &&
			status.st_size == 0,
		"as an empty file");
	check_text(walked("srv/data/x", true), "/srv/data/x", "or as directories");
	check_text(walked("out/passwd", false), "/etc/passwd", "an absolute link stays inside");
	check_text(walked("up/top", false), "/top", "\"..\" ends at the root");
	check_text(walked("dangling", true), "/new/one", "a dangling link is followed");
	check_text(walked("absolute", false), "/dir/made", "an absolute one, too");
	check_text(walked("through/deep", true), "/dir/deep", "and one with \"..\" in it");
	check_text(walked("fifo", false), "/fifo", "a FIFO is not opened");
	check_text(walked("file", true), "ENOTDIR", "a file is no directory");
	check_text(walked("dir", false), "EISDIR", "nor the other way round");
	check_text(walked("file/x", false), "ENOTDIR", "nothing lies below a file");
	check_text(walked("self", true), "ELOOP", "a link to itself");
	check_text(walked("a/x", true), "ELOOP", "two in a ring");
	check_text(walked("root", true), "EXDEV", "a link to the root");
	check_text(walked("dots", true), "EXDEV", "by another way");
	check_text(walked("devices", true), "EXDEV", "/dev is made later");
	check_text(walked("devices/x", false), "EXDEV", "and all below it");
	check_text(walked("process/fd", true), "EXDEV", "so is /proc");
	check(fstatat(child.root, "dev", &status, 0) && fstatat(child.root, "proc", &status, 0),
		"neither was made");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	check_text(walked(longest, true), "ENAMETOOLONG", "a name that is too long");
}

/* A path of one to four names, some of them links, as good as any that an image may hold. */
static void random_path(char *path, bool absolute)
{
	static const char *const names[] = {"a", "b", "c", "d", "..", ".", "l1", "l2", "l3", "l4"};
	size_t used = 0, count = 1 + (size_t)rand() % 4;

	for (size_t i = 0; i < count; i++)
		used += (size_t)sprintf(path + used, "%s%s", i || absolute ? "/" : "",
			names[(size_t)rand() % (sizeof(names) / sizeof(names[0]))]);
}

static bool same(int first, int second)
{
	struct stat one, two;

	return first >= 0 && second >= 0 && fstat(first, &one) == 0 && fstat(second, &two) == 0 &&
	       one.st_ino == two.st_ino && one.st_dev == two.st_dev;
}

/* The kernel's own look-up is the oracle: where it finds a directory, the walk must find the same; where something was missing, it must
 * afterwards find what the walk made. */
static void compared(void)
{
	unsigned found = 0, made = 0, refused_count = 0, wrong = 0;
	int top = child.root;

	srand(1);
	for (unsigned i = 0; i < 4000; i++) {
		char path[64], link[8];
		int by_kernel, by_walk;

		if (i % 200 == 0) { /* a new tree */
			(void)snprintf(link, sizeof(link), "r%u", i / 200);
			if (mkdirat(top, link, 0755))
				exit(1);
			if (child.root != top)
				(void)close(child.root);
			child.root = openat(top, link, O_PATH | O_DIRECTORY | O_CLOEXEC);
			for (unsigned l = 1; l <= 4; l++) {
				(void)snprintf(link, sizeof(link), "l%u", l);
				random_path(path, rand() % 2);
				if (symlinkat(path, child.root, link))
					exit(1);
			}
		}
		random_path(path, false);
		by_kernel = path_open_in_root(child.root, path, O_PATH | O_DIRECTORY);
		by_walk = child_make_place(&child, path, true);
		if (by_walk == -EXDEV) /* the root itself */
			wrong += by_kernel >= 0 && !same(by_kernel, child.root), refused_count++;
		else if (by_kernel >= 0)
			wrong += !same(by_kernel, by_walk), found++;
		else if (by_walk < 0)
			wrong += by_kernel == -ENOENT && by_walk != -ELOOP, refused_count++;
		else {
			(void)by_kernel;
			by_kernel = path_open_in_root(child.root, path, O_PATH | O_DIRECTORY);
			wrong += !same(by_kernel, by_walk), made++;
		}
		if (by_kernel >= 0)
			(void)close(by_kernel);
		if (by_walk >= 0)
			(void)close(by_walk);
	}
	(void)close(child.root);
	child.root = top;
	check_int(wrong, 0, "as the kernel has it: %u found, %u made, %u refused", found, made, refused_count);
	check(found > 500 && made > 100 && refused_count > 100, "of each enough");
}

/* Another mount: here the host's /proc, seen from the host's root. */
static void crossing(void)
{
	int ours = child.root, fd;
	uint64_t mount;

	child.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	check_text(walked("proc/self", true), "EXDEV", "a way into another mount ends before it");
	fd = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
	check(fd >= 0 && child_mount_id(fd, &mount) == 0, "mounts have names");
	(void)close(fd);
	(void)close(child.root);
	child.root = ours;
}

static void tidy(void)
{
	char command[] = "rm";
	char *const arguments[] = {command, (char *)"-rf", folder, NULL};

	(void)close(child.root);
	execv("/bin/rm", arguments);
}

int main(void)
{
	bool failed;

	checked();
	refused();
	furnished();
	views();
	documents();
	(void)umask(0);
	walk();
	compared();
	crossing();
	arena_free(&arena);
	failed = check_done();
	(void)fflush(stdout);
	if (failed)
		return 1;
	tidy();
	return 1;
}
