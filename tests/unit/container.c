/*
 * Containers without a kernel: names and ids, the record, the tables of users, the joining of
 * ENTRYPOINT and CMD, an image's environment. And two things that need a file system: looking a
 * file up through layers, and removing a tree that its maker meant to be hard to remove.
 */
#include "container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"
#include "container/compose.h"
#include "container/merged.h"
#include "container/user.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/tree.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" ID

static void test_names(void)
{
	static const char *const good[] = {"a", "A1", "0", "a_b.c-d", "1000"};
	static const char *const bad[] = {
		"", ".", "..", ".hidden", "-x", "_x", "a/b", "a b", "a\n", "ä", "../x", "a:b"};
	char name[CONTAINER_NAME_MAX + 2], id[CONTAINER_ID_ROOM], other[CONTAINER_ID_ROOM],
		made[64];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check(name_is_valid(good[i]), "\"%s\" is a name", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(!name_is_valid(bad[i]), "name %zu is none", i);
	memset(name, 'a', sizeof(name));
	name[CONTAINER_NAME_MAX] = '\0';
	check(name_is_valid(name), "the longest name");
	name[CONTAINER_NAME_MAX] = 'a';
	name[CONTAINER_NAME_MAX + 1] = '\0';
	check(!name_is_valid(name), "one longer than that");
	check(id_is_valid(ID), "an id");
	check(!id_is_valid("0123"), "the beginning of one is none");
	check(id_is_prefix("0123") && !id_is_prefix("") && !id_is_prefix("0123G") &&
			!id_is_prefix(ID "0"),
		"beginnings of ids");
	check(id_make(id) == 0 && id_is_valid(id), "an id is made");
	check(id_make(other) == 0 && strcmp(id, other) != 0, "and another one");
	for (unsigned attempt = 0; attempt < 20; attempt++)
		if (!name_is_valid(name_make(id, attempt, made)))
			check(false, "\"%s\" is made up", made);
	check(strcmp(name_make(ID, 0, made), "") != 0, "names are made up");
}

static const char record[] =
	"{\"version\":1,\"id\":\"" ID
	"\",\"name\":\"one\",\"image\":\"docker.io/library/tiny:latest\","
	"\"manifest\":\"" DIGEST "\",\"image_id\":\"" DIGEST "\",\"options\":[\"--rm\"],"
	"\"arguments\":[\"a\",\"b\\n\"],\"command\":[\"sh\"],\"volumes\":[\"" ID ":/data\"],"
	"\"directory\":\"/\",\"transient\":false,\"mapped\":true,\"created\":5,\"started\":6,"
	"\"finished\":7,\"exit\":3,\"stop_signal\":15}";

/* The record with the first `from` in it replaced. */
static int parse_with(const char *from, const char *to, struct container *ret, struct arena *arena)
{
	char text[4096];
	const char *place = strstr(record, from);
	struct err err = {0};
	int r;

	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - record), record, to,
		place + strlen(from));
	r = container_parse("test", text, strlen(text), arena, ret, &err);
	if (r < 0 && !err.where[0])
		check(false, "a refusal says where");
	return r;
}

static void test_record(void)
{
	static const char *const bad[][2] = {
		{"\"version\":1", "\"version\":2"},
		{"\"version\":1,", ""},
		{ID, "0123"},
		{"\"one\"", "\"../one\""},
		{"\"one\"", "7"},
		{"docker.io", "\\u001b[31m"},
		{"sha256:", "sha255:"},
		{"[\"--rm\"]", "\"--rm\""},
		{"[\"--rm\"]", "[1]"},
		{ID ":/data", ID},
		{ID ":/data", "../x:/data"},
		{ID ":/data", ID ":data"},
		{"false", "0"},
		{"\"created\":5", "\"created\":-1"},
		{"\"created\":5", "\"created\":5.5"},
		{"\"exit\":3", "\"exit\":256"},
		{"\"exit\":3", "\"exit\":3,\"more\":1"},
		{"\"exit\":3", "\"exit\":3,\"exit\":4"},
		{"\"stop_signal\":15", "\"stop_signal\":0"},
		{"\"stop_signal\":15", "\"stop_signal\":65"},
	};
	_cleanup_(arena_free) struct arena arena = {NULL};
	_cleanup_free_ char *text = NULL;
	struct container container;
	struct err err = {0};
	size_t length;

	check_int(container_parse("test", record, strlen(record), &arena, &container, &err), 0,
		"a record is read");
	check_text(container.arguments[1], "b\n", "with its words");
	check(container.mapped && !container.transient && container.exit_code == 3,
		"and its marks");
	check_int(container_emit(&container, &text, &length, &err), 0, "and written");
	check_text(text, record, "as it was");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(parse_with(bad[i][0], bad[i][1], &container, &arena) < 0,
			"%s instead of %s is refused", bad[i][1], bad[i][0]);
	check_int(parse_with("\"b\\n\"", "\"\\u00e4\"", &container, &arena), 0, "words are UTF-8");
	container.command = (const char *const[]){"\xff", NULL};
	check_int(container_emit(&container, &text, &length, &err), -EINVAL,
		"a word that is not cannot be kept for another start");
}

static void test_users(void)
{
	_cleanup_(arena_free) struct arena arena = {NULL};
	static const char passwd[] = "short:x:1:1\nroot:x:0:0:root:/root:/bin/sh\n"
				     "app:x:33:34::/srv/app:/bin/sh\nhuge:x:4294967296:0::/:/x\n"
				     "odd:x:1e0:0::/:/x\nempty:x::0::/:/x\nrel:x:5:5::srv:/x\n"
				     "1000:x:0:0::/root:/x\napp:x:0:0::/:/x\n";
	static const char group[] = "root:x:0:\napp:x:34:a,b\nhuge:x:-1:\nmore:x:35:b,app\n"
				    "same:x:35:b\nbad:x::c\nshort:x:36\n";
	char text[512];
	struct user user = {0};
	gid_t gid = 0;

#define FIND(name, uid) \
	(memcpy(text, passwd, sizeof(passwd)), user_find_passwd(text, name, uid, &arena, &user))
	check(FIND("app", 0) == 1 && user.uid == 33 && user.gid == 34,
		"a user by name, the first one");
	check_text(user.home, "/srv/app", "and the home");
	check(FIND(NULL, 33) == 1 && user.uid == 33, "a user by number");
	check_int(FIND("short", 0), 0, "a line that is too short is none");
	check_int(FIND("huge", 0), -EBADMSG, "2^32 is not 0");
	check_int(FIND("odd", 0), -EBADMSG, "1e0 is no number");
	check_int(FIND("empty", 0), -EBADMSG, "nothing is not 0");
	check_int(FIND("ap", 0), 0, "the beginning of a name is none");
	check(FIND("rel", 0) == 1 && !user.home, "a relative home is none");
	check_int(FIND(NULL, 1000), 0, "a name of digits is no number");
#define GROUP(name) (memcpy(text, group, sizeof(group)), user_find_group(text, name, &gid))
	check(GROUP("app") == 1 && gid == 34, "a group");
	check_int(GROUP("huge"), -EBADMSG, "-1 is no group");
	check_int(GROUP("none"), 0, "none of that name");
#define GROUPS(name)                                                                   \
	(user.groups = NULL, user.group_count = 0, memcpy(text, group, sizeof(group)), \
		user_find_groups(text, name, &arena, &user))
	check(GROUPS("b") == 0 && user.group_count == 2 && user.groups[0] == 34 &&
			user.groups[1] == 35,
		"the groups that list a user, none twice");
	check(GROUPS("app") == 0 && user.group_count == 1 && user.groups[0] == 35,
		"not the one of its name");
	check(GROUPS("ap") == 0 && user.group_count == 0, "the beginning of a name is none");
	check(GROUPS("") == 0 && user.group_count == 0, "an empty list does not list nobody");
	check_int(GROUPS("c"), -EBADMSG, "a group without a number");
}

static void check_command(const char *const *entry, const char *const *command,
	const char *const *given, const char *const *arguments, const char *want)
{
	_cleanup_(arena_free) struct arena arena = {NULL};
	static const char *const none[] = {NULL};
	const struct image_record image = {
		.entrypoint = entry ? entry : none, .command = command ? command : none};
	const char *const *words = NULL;
	char joined[256] = "";
	struct err err = {0};

	if (compose_command(&image, given, arguments ? arguments : none, &arena, &words, &err) < 0)
		(void)snprintf(joined, sizeof(joined), "refused");
	for (; words && *words; words++) {
		size_t used = strlen(joined);

		(void)snprintf(
			joined + used, sizeof(joined) - used, "%s%s", used ? " " : "", *words);
	}
	check_text(joined, want, "%s", want);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOTHING ((const char *const[]){NULL})

static void test_command(void)
{
	check_command(NULL, NULL, NULL, NULL, "refused");
	check_command(NULL, WORDS("c"), NULL, NULL, "c");
	check_command(NULL, WORDS("c"), NULL, WORDS("a"), "a");
	check_command(WORDS("e"), NULL, NULL, NULL, "e");
	check_command(WORDS("e", "f"), WORDS("c"), NULL, NULL, "e f c");
	check_command(WORDS("e"), WORDS("c"), NULL, WORDS("a", "b"), "e a b");
	check_command(WORDS("e"), WORDS("c"), WORDS("g"), NULL, "g");
	check_command(WORDS("e"), WORDS("c"), WORDS("g"), WORDS("a"), "g a");
	check_command(WORDS("e"), WORDS("c"), NOTHING, NULL, "refused");
	check_command(WORDS("e"), WORDS("c"), NOTHING, WORDS("a"), "a");
	check_command(WORDS(""), WORDS("c"), NULL, NULL, "refused");
}

static const char *variable(const struct profile *profile, const char *name)
{
	for (size_t i = 0; i < profile->environment.setting_count; i++)
		if (strcmp(profile->environment.settings[i].name, name) == 0)
			return profile->environment.settings[i].value;
	return NULL;
}

static void test_environment(void)
{
	_cleanup_(arena_free) struct arena arena = {NULL};
	char *const callers[] = {(char *)"SECRET=of the caller", (char *)"TERM=callers", NULL};
	struct image_record image = {.workdir = "/srv",
		.environment = WORDS("PATH=/image", "HOME=/image", "LANG=image", "npm_config.x=y",
			"TERM=image", "EMPTY=")};
	struct profile profile;
	struct err err = {0};

	profile_defaults(&profile);
	(void)profile_set_environment(&profile, &arena,
		&(struct environment_setting){.name = "PATH", .value = "/profile"}, &err);
	(void)profile_set_environment(&profile, &arena,
		&(struct environment_setting){.name = "LANG", .value = "profile"}, &err);
	(void)profile_set_environment(
		&profile, &arena, &(struct environment_setting){.name = "TERM"}, &err);
	check_int(
		compose_image(&image, callers, &arena, &profile, &err), 0, "an image's variables");
	check_text(variable(&profile, "PATH"), "/image", "PATH is the image's");
	check_text(variable(&profile, "HOME"), "/image", "and HOME");
	check_text(
		variable(&profile, "LANG"), "profile", "the profile has the last word on others");
	check_text(variable(&profile, "TERM"), NULL, "also where it passes the caller's");
	check_text(variable(&profile, "npm_config.x"), "y", "a name that no profile could have");
	check_text(variable(&profile, "EMPTY"), "", "an empty one");
	check_text(profile.workdir, "/srv", "the directory");
	image.environment = WORDS("SECRET");
	check_int(compose_image(&image, callers, &arena, &profile, &err), -EINVAL,
		"a name alone would be the caller's variable");
}

/* ---- with files ---- */

static void put(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		check(false, "cannot write %s", path);
}

static void lead(const char *text, const char *path)
{
	if (symlink(text, path))
		check(false, "cannot make %s", path);
}

static void check_merged(const struct merged *merged, const char *path, const char *want)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = merged_read(merged, path, 1024, &text, &length);

	check_text(r < 0 ? number_error(-r) : text, want, "%s: %s", path, want);
}

static void make_layers(void)
{
	static const char *const directories[] = {"low", "mid", "top", "outside", "low/etc",
		"low/etc/deep", "low/usr", "low/opaque", "mid/etc", "mid/opaque", "top/etc",
		"top/lost", "low/lost"};

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (mkdir(directories[i], 0755))
			check(false, "cannot make %s", directories[i]);
	put("outside/secret", "secret");
	put("low/etc/passwd", "low");
	put("low/etc/only", "only");
	put("low/etc/gone", "gone");
	put("low/usr/target", "target");
	put("low/opaque/hidden", "hidden");
	put("low/etc/deep/file", "deep");
	put("mid/opaque/shown", "shown");
	put("mid/etc/passwd", "mid");
	put("top/etc/file", "file");
	put("mid/etc/deep", "no directory any more");
	lead("/usr/target", "top/etc/absolute");
	lead("../usr/./target", "top/etc/relative");
	lead("../../../../outside/secret", "top/etc/climbs");
	lead("loop", "top/etc/loop");
	lead("/proc/self/root/etc/hostname", "top/etc/magic");
	lead("etc", "mid/link");
	(void)mkfifo("top/etc/fifo", 0644);
	check(mknod("mid/etc/gone", S_IFCHR | 0644, makedev(0, 0)) == 0, "a whiteout is made");
	check(setxattr("mid/opaque", "user.overlay.opaque", "y", 1, 0) == 0,
		"and an opaque directory");
}

static void test_merged(void)
{
	static const char *const trees[] = {"low", "mid"};
	const struct layers layers = {.trees = trees, .count = 2, .upper = "top"};
	struct merged merged;
	struct err err = {0};

	make_layers();
	check_int(merged_open(&layers, &merged, &err), 0, "layers are opened");
	check_merged(&merged, "/etc/passwd", "mid");
	check_merged(&merged, "/etc/only", "only");
	check_merged(&merged, "/etc/gone", "ENOENT");
	check_merged(&merged, "/opaque/hidden", "ENOENT");
	check_merged(&merged, "/opaque/shown", "shown");
	check_merged(&merged, "/etc/deep/file", "ENOTDIR");
	check_merged(&merged, "/etc/absolute", "target");
	check_merged(&merged, "/etc/relative", "target");
	check_merged(&merged, "/link/passwd", "mid");
	check_merged(&merged, "/../../etc/../etc/./passwd", "mid");
	check_merged(&merged, "/etc/climbs", "ENOENT");
	check_merged(&merged, "/etc/magic", "ENOENT");
	check_merged(&merged, "/etc/loop", "ELOOP");
	check_merged(&merged, "/etc/fifo", "EINVAL");
	check_merged(&merged, "/etc", "EISDIR");
	check_merged(&merged, "/", "EISDIR");
	check_merged(&merged, "/no/such", "ENOENT");
	merged_close(&merged);
	check_int(merged_open(&(struct layers){.trees = (const char *const[]){"none"}, .count = 1},
			  &merged, &err),
		-ENOENT, "a layer that is not there");
	check(err.where[0], "is named");
}

static void test_tree(void)
{
	_cleanup_close_ int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), at = -1;
	unsigned depth = 0;

	check_int(tree_remove(here, "none"), 0, "what is not there is removed");
	check(mkdir("tree", 0700) == 0, "a tree");
	at = open("tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (; depth < 3000; depth++) { /* deeper than any path is long */
		int below;

		if (mkdirat(at, "d", 0700))
			break;
		if (depth % 100 == 0) {
			if (symlinkat("../../outside", at, "link"))
				break;
			(void)mknodat(at, "fifo", S_IFIFO | 0600, 0);
		}
		below = openat(at, "d", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		(void)fchmod(at, depth % 3 ? 0 : 0500);
		(void)close(at);
		at = below;
	}
	check_int(depth, 3000, "of 3000 levels, most of which nobody may enter");
	check_int(tree_remove(here, "tree"), 0, "is removed");
	check(access("tree", F_OK) != 0, "and gone");
	check(symlink("outside", "link") == 0 && tree_remove(here, "link") == 0 &&
			access("link", F_OK) != 0 && access("outside/secret", F_OK) == 0,
		"a link is removed, not what it leads to");
	check_int(tree_remove(here, "low") | tree_remove(here, "mid") | tree_remove(here, "top") |
			  tree_remove(here, "outside"),
		0, "other trees are removed, too");
}

int main(void)
{
	char base[] = "/var/tmp/immure-container-XXXXXX"; /* with user.* attributes: no old tmpfs */

	test_names();
	test_record();
	test_users();
	test_command();
	test_environment();
	if (!check(mkdtemp(base) && chdir(base) == 0, "a place for trees"))
		return check_done();
	test_merged();
	test_tree();
	check(chdir("/") == 0 && rmdir(base) == 0, "nothing is left");
	return check_done();
}
