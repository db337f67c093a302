/* The text of /proc: real lines are understood, cut or odd ones refused. */
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "util/cleanup.h"
#include "util/file.h"

static void test_lines(void)
{
	char text[] = "one\n\ntwo\ncut", *cursor = text, *line = NULL;

	check_int(proc_next_line(&cursor, &line), 1, "a line");
	check_text(line, "one", "its text");
	check_int(proc_next_line(&cursor, &line), 1, "an empty line");
	check_text(line, "", "its text");
	check_int(proc_next_line(&cursor, &line), 1, "one more");
	check_int(proc_next_line(&cursor, &line), -EBADMSG, "a line without its end is refused");
	cursor += strlen(cursor);
	check_int(proc_next_line(&cursor, &line), 0, "the end");
}

static int parse_mount(const char *text, struct proc_mount *ret)
{
	static char line[512];

	(void)snprintf(line, sizeof(line), "%s", text);
	return proc_mount_parse(line, ret);
}

static void test_mounts(void)
{
	static const char *const good[] = {
		"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
		"36 35 98:0 / / rw - tmpfs  rw", /* an empty source */
		"36 35 0:4 net:[4026531840] /run/netns/a rw shared:2 master:1 propagate_from:2 - "
		"nsfs nsfs rw",
	};
	static const char *const bad[] = {
		"",
		"36",
		"36 35 98:0 /a /b rw",
		"36 35 98:0 /a /b rw - ext4 /dev/sda",
		"36 35 98:0 /a /b rw -ext4 /dev/sda rw",
		"36 35 98:0 /a /b rw master:1 ext4 /dev/sda rw",
		"036 35 98:0 /a /b rw - ext4 s rw",
		"+36 35 98:0 /a /b rw - ext4 s rw",
		"36 35 98 /a /b rw - ext4 s rw",
		"36 35 98:0 /a b rw - ext4 s rw",
		"36 35 98:0  /b rw - ext4 s rw",
		"36 35 98:0 /a\\04 /b rw - ext4 s rw",
		"36 35 98:0 /a\\101 /b rw - ext4 s rw",
		"36 35 98:0 /a /b\\ rw - ext4 s rw",
		"4294967296 35 98:0 /a /b rw - ext4 s rw",
		"36 35 98:0 /a /b rw - ext4 s rw x",
		"36 35 98:0 /a /b rw  - ext4 s rw",
		"36 35 98:0 /a /b rw -  s rw",
		"36 35 98:0 /a /b  - ext4 s rw",
		"36 35 98:0 /a /b rw - ext4 s ",
		"-1 35 98:0 /a /b rw - ext4 s rw",
	};
	struct proc_mount mount;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check_int(parse_mount(good[i], &mount), 0, "a mount: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_int(parse_mount(bad[i], &mount), -EINVAL, "no mount: %s", bad[i]);
	check_int(parse_mount("7 6 8:17 /a\\040b /c\\011\\012\\134d rw shared:1 master:2 - fuse.x "
			      "s\\043\\040t rw,x=\\054",
			  &mount),
		0, "escapes");
	check_text(mount.root, "/a b", "a blank in the root");
	check_text(mount.target, "/c\t\n\\d", "tab, newline and backslash in the target");
	check_text(mount.source, "s# t", "a hash in the source");
	check_text(mount.optional, "shared:1 master:2", "propagation");
	check_text(mount.super_options, "rw,x=\\054",
		"the file system's own options stay as they are");
	check_int(mount.major, 8, "the device's major number");
	check_int(mount.minor, 17, "and its minor one");
	check_int(parse_mount("7 6 0:1 / /x rw - proc proc rw", &mount), 0, "no propagation");
	check_text(mount.optional, "", "is an empty text");
}

/* Every line that this kernel prints is one the parser takes. */
static void test_own_mounts(void)
{
	_cleanup_free_ char *text = NULL;
	unsigned count = 0, refused = 0;
	char *cursor, *line;
	size_t length;

	check_int(file_read(AT_FDCWD, "/proc/self/mountinfo", 1U << 24, &text, &length), 0,
		"our own mounts");
	for (cursor = text; proc_next_line(&cursor, &line) == 1; count++) {
		struct proc_mount mount;

		refused += proc_mount_parse(line, &mount) != 0;
	}
	check(count > 0 && refused == 0, "all %u of them are understood", count);
}

static int parse_cgroup(const char *text, struct proc_cgroup *ret)
{
	static char line[128];

	(void)snprintf(line, sizeof(line), "%s", text);
	return proc_cgroup_parse(line, ret);
}

static void test_cgroups(void)
{
	static const char *const bad[] = {
		"", "0", "0:", "0::", "0::a", ":/", "x::/", "00::/", "0:/", "-1::/"};
	struct proc_cgroup cgroup;

	check_int(parse_cgroup("0::/user.slice/a:b", &cgroup), 0, "version 2");
	check_text(cgroup.controllers, "", "without controllers");
	check_text(cgroup.path, "/user.slice/a:b", "a path with a colon");
	check_int(parse_cgroup("4:cpu,cpuacct:/a", &cgroup), 0, "version 1");
	check_int(cgroup.hierarchy, 4, "its hierarchy");
	check_text(cgroup.controllers, "cpu,cpuacct", "its controllers");
	check_int(parse_cgroup("1:name=systemd:/", &cgroup), 0, "a named one");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_int(parse_cgroup(bad[i], &cgroup), -EINVAL, "no cgroup: \"%s\"", bad[i]);
}

static void test_id_maps(void)
{
	static const char *const bad[] = {"", "0 0", "0 0 0", "0 0 1 2", "a 0 1", "0 0 4294967296",
		"4294967295 0 1", "0 4294967295 1", "0\t0\t1", "0 0 1 ", "1 0 4294967295"};
	struct proc_id_map map;

	check_int(proc_id_map_parse("         0       1000          1", &map), 0,
		"as the kernel pads it");
	check_int(map.outside, 1000, "the outer id");
	check_int(proc_id_map_parse("0 0 4294967295", &map), 0, "all ids");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_int(proc_id_map_parse(bad[i], &map), -EINVAL, "no map: \"%s\"", bad[i]);
}

static void test_status(void)
{
	static const char text[] =
		"Name:\tSeccomp:\nUmask:\t0022\nCapEff:\t000001ffffffffff\nSeccomp:\t2\nNoNewPrivs:"
		"\t1\nEmpty:\nBad:\t12x\n"
		"Long:\t11111111111111111\nSeccomp_filters:\t3";
	const char *value;
	uint64_t number = 7;
	size_t length;

	check_int(proc_status_number(text, "Seccomp", &number), 0,
		"a number, though a name before looks like it");
	check_int((long long)number, 2, "its value");
	check_int(proc_status_number(text, "Seccomp_filters", &number), -ENOENT,
		"a line cut short is none");
	check_int(proc_status_number(text, "Sec", &number), -ENOENT, "a part of a key is none");
	check_int(proc_status_number(text, "Bad", &number), -EINVAL, "no number");
	check_int(proc_status_number(text, "Umask", &number), -EINVAL, "octal is no decimal");
	check(proc_status_find(text, "Empty", &value, &length) && length == 0,
		"an empty value is found");
	check(!proc_status_find("", "Empty", &value, &length), "nothing in nothing");
}

static void test_words(void)
{
	check(proc_has_word("cpu io memory", ' ', "memory"), "the last word");
	check(proc_has_word("memory", ' ', "memory"), "the only word");
	check(!proc_has_word("cpuset", ' ', "cpu"), "a part of a word is none");
	check(!proc_has_word("", ' ', "cpu"), "no words");
}

int main(void)
{
	test_lines();
	test_mounts();
	test_own_mounts();
	test_cgroups();
	test_id_maps();
	test_status();
	test_words();
	return check_done();
}
