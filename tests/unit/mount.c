/*
 * The compiler of mounts over a host that is a table: which operations a set of rules becomes, in which order, and what is refused. No
 * privilege and no kernel feature is needed, since the compiler is pure over (profile, facts).
 */
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "host/host.h"
#include "isolation/mount.h"
#include "profile/receipt.h"
#include "util/arena.h"

struct entry {
	const char *path;
	enum path_type type;
	const char *link, *resolved;
};

static const struct entry host_tree[] = {
	{"/", PATH_DIRECTORY, NULL, NULL},
	{"/usr", PATH_DIRECTORY, NULL, NULL},
	{"/bin", PATH_SYMLINK, "usr/bin", "/usr/bin"},
	{"/etc/ssl", PATH_DIRECTORY, NULL, NULL},
	{"/etc/hosts", PATH_REGULAR, NULL, NULL},
	{"/home/u/work", PATH_DIRECTORY, NULL, NULL},
	{"/home/u/work/.git", PATH_DIRECTORY, NULL, NULL},
	{"/home/u/work/.git/hooks", PATH_DIRECTORY, NULL, NULL},
	{"/home/u/work/.git/config", PATH_REGULAR, NULL, NULL},
	{"/home/u/work/link", PATH_SYMLINK, "/etc", "/etc"},
	{"/home/u", PATH_DIRECTORY, NULL, NULL},
	{"/home/u/.config/immure", PATH_DIRECTORY, NULL, NULL},
	{"/run", PATH_DIRECTORY, NULL, NULL},
	{"/tmp", PATH_DIRECTORY, NULL, NULL},
	{"/secret", PATH_FORBIDDEN, NULL, NULL},
	{"/dev/null", PATH_CHARACTER, NULL, NULL},
};

static int fake_path(const struct host *host, struct arena *arena, const char *path, bool follow, struct path_fact *ret)
{
	(void)host;
	(void)arena;
	*ret = (struct path_fact){.type = PATH_ABSENT};
	for (size_t i = 0; i < sizeof(host_tree) / sizeof(host_tree[0]); i++) {
		const struct entry *entry = &host_tree[i];

		if (strcmp(entry->path, path) != 0)
			continue;
		*ret = (struct path_fact){.type = entry->type, .device = 1, .inode = i + 1, .resolved = path, .link = entry->link};
		if (follow && entry->type == PATH_SYMLINK) {
			ret->type = PATH_DIRECTORY;
			ret->resolved = entry->resolved;
			ret->link = NULL;
		}
	}
	return 0;
}

static struct arena arena;
static struct profile profile;
static struct receipt receipt;
static struct mount_plan plan;
static struct err err;

static void start(void)
{
	memset(&profile, 0, sizeof(profile));
	receipt = (struct receipt){.arena = &arena};
	plan = (struct mount_plan){0};
	err = (struct err){0};
}

static struct mount_rule *rule(enum mount_kind kind, const char *target)
{
	struct mount_rule *added = ARENA_APPEND(&arena, profile.files.mounts, profile.files.mount_count);

	*added = (struct mount_rule){.kind = kind, .target = target, .rule = {.set = true, .origin = {NULL, "test"}}, .mode = 0755};
	return added;
}

static struct mount_rule *bind(const char *source, const char *target, bool writable)
{
	struct mount_rule *added = rule(MOUNT_BIND, target);

	added->source = source;
	added->writable = writable;
	return added;
}

static int compile(void)
{
	const struct host host = {.path = fake_path};

	return mount_compile(&profile, &host, &arena, &receipt, &plan, &err);
}

/* The plan in one line: a letter for each operation, its target, and ! where the target is looked up inside the root. */
static const char *story(void)
{
	static char text[4096];
	static const char letters[] = "dlftbpDF";

	text[0] = '\0';
	for (size_t i = 0; i < plan.count; i++) {
		size_t used = strlen(text);

		(void)snprintf(text + used, sizeof(text) - used, "%s%c:%s%s", used ? " " : "", letters[plan.operations[i].kind],
			plan.operations[i].target, plan.operations[i].lookup != LOOKUP_PLAIN ? "!" : "");
	}
	return text;
}

static void furnish(void)
{
	start();
	bind("/usr", "/usr", false);
	bind("/etc/ssl", "/etc/ssl", false);
	rule(MOUNT_TMPFS, "/a/b/c");
	rule(MOUNT_FILE, "/etc/hosts")->content = "x";
	check_int(compile(), 0, "an empty root is furnished");
	check_text(story(), "d:a d:a/b t:a/b/c d:etc f:etc/hosts b:etc/ssl b:usr", "parents come first, and once");

	start();
	bind("/usr", "/a-b", false);
	bind("/etc/ssl", "/a/b", false);
	bind("/usr", "/a", false)->rule.enforce = ENFORCE_BEST_EFFORT;
	check_int(compile(), -ENOTSUP, "a place that the bind above lacks is refused");

	start();
	bind("/usr", "/bin", false)->keep_link = true;
	profile.files.mounts[0].source = "/bin";
	bind("/usr", "/usr", false);
	bind("/etc/hosts", "/bin/tool", false);
	check_int(compile(), -ENOTSUP, "behind a link of ours, the place it leads to is asked for");

	start();
	rule(MOUNT_SYMLINK, "/var/tmp")->source = "../tmp";
	rule(MOUNT_TMPFS, "/tmp");
	bind("/etc/hosts", "/var/tmp/x/y", false);
	check_int(compile(), 0, "a place behind a link is made where it leads");
	check_text(story(), "t:tmp d:tmp/x b:tmp/x/y d:var l:var/tmp", "in the tmpfs, before the link");
}

/* Two names of one place: whichever was written last is on top, however many others are sorted along with them. */
static void same_place(void)
{
	static const char *const targets[] = {"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"};

	for (size_t others = 0; others <= sizeof(targets) / sizeof(targets[0]); others++) {
		start();
		rule(MOUNT_SYMLINK, "/var/tmp")->source = "../tmp";
		for (size_t i = 0; i < others; i++)
			rule(MOUNT_DIRECTORY, targets[i]);
		bind("/usr", "/var/tmp/x", false);
		rule(MOUNT_DENY, "/tmp/x");
		check_int(compile(), 0, "a bind and a deny at one place, and %zu others", others);
		check(strstr(story(), "b:tmp/x D:tmp/x") != NULL, "the deny comes last");
	}
}

static void absent(void)
{
	start();
	bind("/no/such", "/x", false);
	check_int(compile(), -ENOTSUP, "a source that is not there ends the launch");
	check(strstr(err.message, "/no/such") != NULL, "and is named");
	start();
	bind("/no/such", "/x/y", false)->rule.enforce = ENFORCE_BEST_EFFORT;
	bind("/usr", "/x/z", false);
	check_int(compile(), 0, "best-effort goes on without it");
	check_text(story(), "d:x b:x/z", "and its parents are made for the next one");
	check_int(receipt.rows[0].outcome, OUTCOME_NOT_ENFORCED, "the receipt says so");
	start();
	bind("/secret", "/x", false);
	check_int(compile(), -ENOTSUP, "a source out of reach ends the launch");
	start();
	rule(MOUNT_TMPFS, "/x")->rule.enforce = ENFORCE_AUDIT;
	check_int(compile(), 0, "audit mounts nothing");
	check_int((long long)plan.count, 0, "really nothing");
	check_int(receipt.rows[0].outcome, OUTCOME_AUDITED, "and is noted");
}

static void reserved(void)
{
	static const char *const targets[] = {"/", "/proc", "/proc/self", "/dev/x", "/sys/kernel"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		start();
		bind("/usr", targets[i], false);
		check_int(compile(), -EINVAL, "%s is not to be mounted on", targets[i]);
	}
	start();
	bind("/usr", "/process", false);
	check_int(compile(), 0, "/process is another thing than /proc");
}

static void writable(void)
{
	start();
	bind("/home/u/work", "/home/u/work", true);
	rule(MOUNT_DENY, "/home/u/work/.git/hooks");
	bind("/home/u/work/.git/config", "/home/u/work/.git/config", false);
	check_int(compile(), 0, "what is protected in a writable bind");
	check_text(story(), "d:home d:home/u b:home/u/work p:home/u/work/.git! b:home/u/work/.git/config! D:home/u/work/.git/hooks!",
		"has its parent pinned, once");

	start();
	bind("/home/u/work", "/w", true);
	bind("/home/u/work/link", "/w/link", false)->rule.enforce = ENFORCE_BEST_EFFORT;
	bind("/home/u/work/.env", "/w/.env", false)->rule.enforce = ENFORCE_BEST_EFFORT;
	check_int(compile(), 0, "a link in a writable bind is no mount point");
	check_text(story(), "b:w", "nothing is led through it");
	check_int((long long)plan.absent_count, 1, "what was to be protected and is absent");
	check_text(plan.absent[0], "/home/u/work/.env", "is looked for afterwards");
	start();
	bind("/home/u/work", "/w", true);
	rule(MOUNT_DENY, "/home/u/work/.git/config");
	check_int(compile(), 0, "a denied file that a bind shows elsewhere");
	check_text(story(), "b:w p:w/.git! F:w/.git/config!", "is denied there");
	start();
	bind("/home/u/work", "/w", true);
	rule(MOUNT_DENY, "/w/.envrc");
	check_int(compile(), -ENOTSUP, "what is absent in a writable bind cannot be denied for sure");
	start();
	bind("/home/u/work", "/w", true);
	rule(MOUNT_DENY, "/w/link");
	check_int(compile(), -ENOTSUP, "nor can a link");
	start();
	bind("/home/u/work", "/w", false);
	rule(MOUNT_DENY, "/w/.envrc");
	check_int(compile(), 0, "in a read-only one it can");
	check_text(story(), "b:w", "with nothing to do");
	start();
	bind("/home/u/work", "/w", false);
	rule(MOUNT_FILE, "/w/new")->content = "x";
	check_int(compile(), -ENOTSUP, "nothing is made in a bind");
	start();
	bind("/home/u/work", "/w", true);
	rule(MOUNT_DENY, "/w/.git");
	bind("/usr", "/w/.git/hooks", false);
	check_int(compile(), -EACCES, "nothing is mounted below a deny");
}

static void protection(void)
{
	static const char *const own[] = {"/home/u/.config/immure"};

	start();
	profile.files.protected_paths = own;
	profile.files.protected_count = 1;
	bind("/home/u", "/h", true);
	check_int(compile(), 0, "a writable home is bound");
	check_text(story(), "b:h p:h/.config! D:h/.config/immure!", "but our own configuration is covered in it, and pinned");
	start();
	profile.files.protected_paths = own;
	profile.files.protected_count = 1;
	bind("/home/u/.config/immure", "/x", true);
	check_int(compile(), -EPERM, "by itself it cannot be writable");
	start();
	profile.files.protected_paths = own;
	profile.files.protected_count = 1;
	bind("/home/u/.config/immure", "/x", false);
	check_int(compile(), 0, "read-only it may be seen");
}

static void attributes(void)
{
	enum { RO = 1, NOSUID = 2, NODEV = 4, NOEXEC = 8 };

	start();
	bind("/usr", "/r", false);
	bind("/usr", "/w", true)->no_exec = true;
	rule(MOUNT_TMPFS, "/t")->no_exec = true;
	check_int(compile(), 0, "three mounts");
	check_int((long long)plan.operations[0].attributes, RO | NOSUID | NODEV, "a read-only bind");
	check_int((long long)plan.operations[1].attributes, NOSUID | NODEV | NOEXEC, "a tmpfs");
	check_text(plan.operations[1].size, "67108864", "of 64 MiB");
	check_int((long long)plan.operations[2].attributes, NOSUID | NODEV | NOEXEC, "a writable bind");
	start();
	rule(MOUNT_TMPFS, "/t");
	profile.limits.limits[LIMIT_MEMORY] = (struct limit_rule){.rule = {.set = true}, .value = 1 << 20};
	check_int(compile(), 0, "under a memory limit");
	check_text(plan.operations[0].size, "262144", "a tmpfs has a quarter of it");
}

static void host_root(void)
{
	start();
	profile.files.root = ROOT_HOST;
	check_int(compile(), 0, "the host as root");
	check_text(story(), "t:run! t:tmp!", "hides the places where sockets live");
}

/* Each rule costs the same, however many there are: the work is counted in calls of the host's path function by time. */
static void many(void)
{
	char *targets = calloc(4000, 32);

	start();
	for (int i = 0; i < 4000; i++) {
		(void)snprintf(targets + 32 * i, 32, "/m/%d/%d", i % 50, i);
		bind("/usr", targets + 32 * i, false);
	}
	check_int(compile(), 0, "four thousand binds");
	check_int((long long)plan.count, 4000 + 50 + 1, "and each directory once");
	free(targets);
}

int main(void)
{
	furnish();
	same_place();
	absent();
	reserved();
	writable();
	protection();
	attributes();
	host_root();
	many();
	arena_free(&arena);
	return check_done();
}
