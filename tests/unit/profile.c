/*
 * Profiles: what the sections become, inheritance, what the shipped profiles hold, printing and
 * comparing, the calls that the command line uses. The samples of tests/profiles prove the
 * refusals, in their words.
 */
#include "profile/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "profile/grammar.h"
#include "util/arena.h"

struct load {
	struct arena arena;
	struct profile_library library;
	struct profile profile;
	struct err err;
	int r;
};

static const struct profile_variables variables = {
	.cwd = "/w/$dir",
	.home = "/home/u",
	.user = "u",
	.xdg_cache = "/home/u/.cache",
	.program_directory = "/opt/p",
	.uid = 1001,
	.gid = 100,
};

static struct load load_text(const char *text)
{
	struct load load = {0};
	char *copy = strdup(text);

	load.r = copy ? profile_load_text("t", copy, strlen(text), &variables, &load.arena,
				&load.library, &load.profile, &load.err)
		      : -ENOMEM;
	return load;
}

static struct load load_name(const char *name, const struct profile_variables *with)
{
	struct load load = {0};

	load.r = profile_load(name, with, &load.arena, &load.library, &load.profile, &load.err);
	return load;
}

static void unload(struct load *load)
{
	profile_library_free(&load->library);
	arena_free(&load->arena);
}

static const struct mount_rule *find_mount(const struct profile *profile, const char *target)
{
	for (size_t i = 0; i < profile->files.mount_count; i++)
		if (strcmp(profile->files.mounts[i].target, target) == 0)
			return &profile->files.mounts[i];
	return NULL;
}

static void test_defaults(void)
{
	struct load load = load_text("{\"version\":1}");
	const struct profile *p = &load.profile;

	check_int(load.r, 0, "the least profile loads");
	check_text(p->name, "t", "it is called as its document");
	check(p->files.root == ROOT_EMPTY && p->files.home == HOME_NONE &&
			p->files.proc == PROC_NONE && !p->files.mount_count,
		"nothing to see");
	check(p->network.kind == NETWORK_NONE && !p->network.loopback && !p->capabilities.keep,
		"no network, no capabilities");
	check(p->syscalls.default_action == ACTION_ERRNO && p->syscalls.default_error == ENOSYS &&
			!p->syscalls.unconfined,
		"no calls");
	check(p->namespaces.ipc && p->namespaces.pid && p->namespaces.uts && p->namespaces.cgroup &&
			!p->namespaces.nested_user,
		"namespaces");
	check(p->landlock.enabled && p->landlock.scope_abstract && p->landlock.scope_signal,
		"landlock is on");
	check(!p->limits.limits[LIMIT_PIDS].rule.set && !p->network.rule.set,
		"nobody asked for anything");
	unload(&load);
}

static void test_files(void)
{
	struct load load = load_text(
		"{\"version\":1,\"files\":{\"enforce\":\"best-effort\",\"mounts\":["
		"{\"bind\":\"${cwd}//a/./b/\",\"to\":\"/"
		"$$x\",\"access\":\"rw\",\"exec\":false,\"enforce\":\"audit\"},"
		"{\"tmpfs\":\"/tmp\"},{\"tmpfs\":\"/"
		"t\",\"size\":\"1M\",\"exec\":true},{\"symlink\":\"/l\",\"to\":\"../x\"},"
		"{\"file\":\"/f\",\"content\":\"${uid}:${gid}:${user}$$\\n\"},{\"bind\":\"/"
		"bin\",\"follow\":false}]}}");
	const struct mount_rule *mounts = load.profile.files.mounts;
	char place[256];

	if (!check_int(load.r, 0, "mounts load: %s", load.err.message)) {
		unload(&load);
		return;
	}
	check_text(mounts[0].source, "/w/$dir/a/b",
		"a path is expanded and canonical; a dollar in a value is a dollar");
	check_text(mounts[0].target, "/$x", "two dollars are one");
	check(mounts[0].writable && mounts[0].no_exec && !mounts[0].keep_link, "access and exec");
	check_int(mounts[0].rule.enforce, ENFORCE_AUDIT, "a rule's own word");
	check_int(mounts[1].rule.enforce, ENFORCE_BEST_EFFORT, "the section's word");
	check(mounts[1].mode == 01777 && mounts[1].no_exec && mounts[2].mode == 0755 &&
			!mounts[2].no_exec,
		"defaults of tmpfs");
	check(mounts[2].size == 1 << 20, "size");
	check_text(mounts[3].source, "../x", "the text of a link is kept as it is");
	check_text(mounts[4].content, "1001:100:u$\n", "content is expanded");
	check(mounts[4].mode == 0444 && mounts[5].keep_link && !strcmp(mounts[5].target, "/bin"),
		"defaults of file and bind");
	check_text(origin_format(&mounts[5].rule.origin, place, sizeof(place)),
		"t:1:277: /files/mounts/5", "where it was written");
	unload(&load);
}

static void test_syscalls(void)
{
	struct load load = load_text("{\"version\":1,\"syscalls\":{\"rules\":[{\"names\":[\"a\"],"
				     "\"action\":\"errno\"}],\"deny\":[\"b\",\"c\"],"
				     "\"allow\":[\"d\"],\"groups\":[\"untrusted@1\",\"strict@1\"],"
				     "\"default\":\"kill\"}}");
	const struct syscalls_section *s = &load.profile.syscalls;

	if (!check_int(load.r, 0, "clauses load: %s", load.err.message) ||
		!check(s->clause_count > 3, "there are some")) {
		unload(&load);
		return;
	}
	check_text(s->clauses[0].group, "strict@1", "a group that a group includes comes first");
	check_text(
		s->clauses[s->clause_count - 4].group, "untrusted@1", "and is not taken in again");
	check_text(s->clauses[s->clause_count - 3].names[0], "d", "then allow");
	check_text(s->clauses[s->clause_count - 2].names[1], "c", "then deny");
	check_text(s->clauses[s->clause_count - 1].names[0], "a",
		"then rules, whatever the order of writing");
	check_int(s->clauses[s->clause_count - 1].error, EPERM, "EPERM by itself");
	check_int(s->default_action, ACTION_KILL, "the section's default comes after the groups'");
	unload(&load);
	load = load_text("{\"version\":1,\"syscalls\":{\"default\":\"allow\"},\"landlock\":false}");
	check(!load.r && load.profile.syscalls.unconfined && !load.profile.landlock.enabled,
		"unconfined");
	unload(&load);
}

static void check_round_trip(const struct profile *profile, bool origins, const char *what)
{
	struct load again;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	check(out && !profile_emit(profile, origins, out) && !fclose(out), "%s is printed", what);
	again = load_text(text);
	check_int(again.r, 0, "%s, printed, loads: %s", what, again.err.message);
	check(!again.r && profile_equal(profile, &again.profile),
		"%s, printed and loaded, is equal", what);
	free(text);
	unload(&again);
}

/* Writes a document below the temporary directory; its path is static. */
static const char *write_file(const char *directory, const char *name, const char *text)
{
	static char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd))
		check(false, "cannot write %s", path);
	return path;
}

static void test_places(const char *tmp)
{
	struct profile_variables with = variables;
	char directory[256], word[16];
	struct load load;
	int fd;

	with.xdg_config = tmp;
	(void)snprintf(directory, sizeof(directory), "%s/immure", tmp);
	check_int(mkdir(directory, 0700), 0, "mkdir");
	(void)snprintf(directory, sizeof(directory), "%s/immure/profiles", tmp);
	check_int(mkdir(directory, 0700), 0, "mkdir");
	(void)write_file(directory, "untrusted.json",
		"{\"version\":1,\"extends\":\"built-in/"
		"untrusted\",\"description\":\"mine\",\"hostname\":\"mine\",\"limits\":{\"pids\":7}"
		"}");
	(void)write_file(directory, "derived.json",
		"{\"version\":1,\"extends\":[\"untrusted\",\"./second.json\"]}");
	(void)write_file(directory, "second.json",
		"{\"version\":1,\"extends\":\"untrusted\",\"name\":\"x\",\"limits\":{\"pids\":9}}");
	(void)write_file(directory, "broken.json", "{");
	load = load_name("untrusted", &with);
	check_text(load.r ? load.err.message : load.profile.hostname, "mine",
		"the user's profile hides the built-in one, and extends it");
	unload(&load);
	load = load_name("strict", &with);
	check(!load.r && load.profile.limits.limits[LIMIT_PIDS].value == 32 &&
			!strcmp(load.profile.hostname, "jail"),
		"a built-in profile extends built-in ones only");
	unload(&load);
	load = load_name("derived", &with);
	check(!load.r && load.profile.limits.limits[LIMIT_PIDS].value == 9,
		"a document that is reached twice is applied once");
	check_text(load.profile.name, "derived", "the name is the outermost document's");
	check(!load.profile.description, "and so is the description");
	unload(&load);

	fd = open(write_file(tmp, "My profile.json", "{\"version\":1}"), O_RDONLY | O_CLOEXEC);
	(void)snprintf(word, sizeof(word), "@%d", fd);
	load = load_name(word, &with);
	check_text(load.r ? load.err.message : load.profile.name, "descriptor",
		"a profile from a descriptor");
	unload(&load);
	(void)close(fd);
	load = load_name(word, &with);
	check_int(load.r, -EBADF, "a closed descriptor");
	unload(&load);
	(void)snprintf(directory, sizeof(directory), "%s/My profile.json", tmp);
	load = load_name(directory, &with);
	check_text(load.r ? load.err.message : load.profile.name, "My_profile",
		"a name that is fit to be part of a path");
	unload(&load);
	(void)snprintf(directory, sizeof(directory), "%s/fifo", tmp);
	check_int(mkfifo(directory, 0600), 0, "mkfifo");
	load = load_name(directory, &with);
	check_int(load.r, -EPERM, "a FIFO by its path is refused, and does not hold us up");
	unload(&load);
	check_int(load_name("@x", &with).r, -EINVAL, "no descriptor");
	check_int(load_name("absent", &with).r, -ENOENT, "no such profile");
	check_int(load_name("./absent", &with).r, -ENOENT, "no such file");
	check_int(load_name("a b", &with).r, -EINVAL, "no name");
}

/* What an imported document may not hold, though its own notation has room for it. */
static void test_import(const char *tmp)
{
	static const struct {
		const char *document, *section, *want;
	} cases[] = {
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_ALLOW\"}]}",
			"", NULL},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"r^d\"],"
		 "\"action\":\"SCMP_ACT_ALLOW\"}]}",
			"", "a name in the document cannot be that of a system call"},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":200}", "",
			"200 in the document is no errno"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_ERRNO\","
		 "\"errnoRet\":200}]}",
			"", "200 in the document is no errno"},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"ptrace\"],"
		 "\"action\":\"SCMP_ACT_ALLOW\"}]}",
			"", "ptrace lifts an inherited denial"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", "",
			"this lifts the inherited default, which denies"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", "\"override\":\"it is meant\",", NULL},
	};
	char text[512], path[256];

	(void)write_file(
		tmp, "denies.json", "{\"version\":1,\"syscalls\":{\"deny\":[\"ptrace\"]}}");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct load load;

		(void)write_file(tmp, "seccomp.json", cases[i].document);
		(void)snprintf(text, sizeof(text),
			"{\"version\":1,\"extends\":\"./"
			"denies.json\",\"syscalls\":{%s\"document\":\"%s/seccomp.json\"}}",
			cases[i].section, tmp);
		(void)snprintf(path, sizeof(path), "%s", write_file(tmp, "imports.json", text));
		load = load_name(path, &variables);
		check_int(
			load.r, cases[i].want ? -EINVAL : 0, "import %zu: %s", i, load.err.message);
		if (cases[i].want)
			check_text(load.err.message, cases[i].want, "and why: %zu", i);
		else
			check_round_trip(&load.profile, true, "an imported document");
		unload(&load);
	}
}

static void test_list(const char *tmp)
{
	struct profile_variables with = variables;
	struct profile_listing *entries = NULL;
	struct arena arena = {0};
	size_t count = 0, untrusted = 0, broken = 0, schema = 0;

	with.xdg_config = tmp;
	check_int(profile_list(&with, &arena, &entries, &count, NULL), 0, "list");
	for (size_t i = 0; i < count; i++) {
		untrusted += !strcmp(entries[i].name, "untrusted") && entries[i].description &&
			     !strcmp(entries[i].description, "mine");
		broken += !strcmp(entries[i].name, "broken") && !entries[i].description;
		schema += !strcmp(entries[i].name, "schema");
	}
	check(count >= 7 && untrusted == 1 && broken == 1 && !schema,
		"each name once, the user's first, broken ones too, the schema not");
	arena_free(&arena);
}

static void test_shipped(void)
{
	static const char *const names[] = {"untrusted", "strict", "dev", "container"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct load load = load_name(names[i], &variables);
		const struct profile *p = &load.profile;

		check_int(load.r, 0, "%s loads: %s", names[i], load.err.message);
		if (!load.r) {
			check_text(p->name, names[i], "its name");
			check(p->description && *p->description, "%s says what it is for",
				names[i]);
			check(p->files.root == ROOT_EMPTY && p->network.kind == NETWORK_NONE &&
					!p->capabilities.ambient && !p->namespaces.nested_user,
				"%s: an empty root, no network, no nested user namespaces",
				names[i]);
			check(p->limits.limits[LIMIT_PIDS].rule.set &&
					p->limits.limits[LIMIT_PIDS].rule.enforce ==
						(strcmp(names[i], "container") == 0 ? ENFORCE_BEST_EFFORT : ENFORCE_REQUIRED),
				"%s: there is a limit of processes", names[i]);
			check(p->limits.limits[LIMIT_CORE].rule.set &&
					!p->limits.limits[LIMIT_CORE].value,
				"%s: no core files", names[i]);
			check(!p->syscalls.unconfined && p->syscalls.clause_count &&
					p->syscalls.rule.enforce == ENFORCE_REQUIRED,
				"%s: system calls are filtered", names[i]);
			check_round_trip(p, false, names[i]);
			check_round_trip(p, true, names[i]);
		}
		unload(&load);
	}
}

static void test_dev(void)
{
	static const char *const kept[] = {".git/hooks", ".git/config", ".envrc", ".vscode",
		".idea", ".npmrc", ".cargo/config.toml", ".bashrc"};
	struct load load = load_name("dev", &variables);
	const struct mount_rule *work = find_mount(&load.profile, "/w/$dir");
	char path[64];

	check(work && work->writable && !work->special_files,
		"dev: the current directory is writable, without sockets");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const struct mount_rule *rule;

		(void)snprintf(path, sizeof(path), "/w/$dir/%s", kept[i]);
		rule = find_mount(&load.profile, path);
		check(rule && !rule->writable && rule->rule.enforce == ENFORCE_BEST_EFFORT,
			"dev: %s is read-only", kept[i]);
	}
	for (size_t i = 0; i < load.profile.files.mount_count; i++)
		check(load.profile.files.mounts[i].kind != MOUNT_BIND ||
				!load.profile.files.mounts[i].writable ||
				&load.profile.files.mounts[i] == work,
			"dev: nothing else is writable");
	unload(&load);
}

/* Two profiles that differ in one value are not equal: one for each kind of field. */
static void test_equal(void)
{
	static const char *const parts[] = {
		"",
		"\"name\":\"o\"",
		"\"description\":\"d\"",
		"\"hostname\":\"h\"",
		"\"workdir\":\"/w\"",
		"\"umask\":\"077\"",
		"\"files\":{\"root\":\"host\"}",
		"\"files\":{\"root\":\"/r\"}",
		"\"files\":{\"root\":{\"value\":\"host\",\"enforce\":\"audit\"}}",
		"\"files\":{\"root_access\":\"rw\"}",
		"\"files\":{\"home\":\"empty\"}",
		"\"files\":{\"home_directory\":\"/h\"}",
		"\"files\":{\"proc\":\"pid\"}",
		"\"files\":{\"sys\":\"ro\"}",
		"\"files\":{\"mounts\":[{\"bind\":\"/a\"}]}",
		"\"files\":{\"mounts\":[{\"bind\":\"/a\",\"access\":\"rw\"}]}",
		"\"files\":{\"mounts\":[{\"bind\":\"/a\",\"exec\":false}]}",
		"\"files\":{\"mounts\":[{\"bind\":\"/a\",\"follow\":false}]}",
		"\"files\":{\"mounts\":[{\"bind\":\"/b\",\"to\":\"/a\"}]}",
		"\"files\":{\"mounts\":[{\"bind\":\"/"
		"a\",\"access\":\"rw\",\"special_files\":true}]}",
		"\"files\":{\"mounts\":[{\"bind\":\"/a\",\"enforce\":\"audit\"}]}",
		"\"files\":{\"mounts\":[{\"bind\":\"/a\",\"override\":\"r\"}]}",
		"\"files\":{\"mounts\":[{\"tmpfs\":\"/a\"}]}",
		"\"files\":{\"mounts\":[{\"tmpfs\":\"/a\",\"size\":4096}]}",
		"\"files\":{\"mounts\":[{\"tmpfs\":\"/a\",\"inodes\":9}]}",
		"\"files\":{\"mounts\":[{\"tmpfs\":\"/a\",\"mode\":\"0700\"}]}",
		"\"files\":{\"mounts\":[{\"file\":\"/a\",\"content\":\"1\"}]}",
		"\"files\":{\"mounts\":[{\"file\":\"/a\",\"content\":\"2\"}]}",
		"\"devices\":{}",
		"\"devices\":{\"standard\":false}",
		"\"devices\":{\"allow\":[\"/dev/a\"]}",
		"\"devices\":{\"allow\":[{\"path\":\"/dev/a\",\"access\":\"ro\"}]}",
		"\"network\":{}",
		"\"network\":{\"loopback\":true}",
		"\"network\":{\"mode\":\"host\"}",
		"\"limits\":{\"pids\":2}",
		"\"limits\":{\"pids\":3}",
		"\"limits\":{\"cpuset\":\"1\"}",
		"\"limits\":{\"oom_score_adjust\":1}",
		"\"limits\":{\"nice\":1}",
		"\"limits\":{\"io\":[{\"device\":\"/\"}]}",
		"\"limits\":{\"io\":[{\"device\":\"/\",\"read_bytes\":1}]}",
		"\"limits\":{\"io\":[{\"device\":\"/\",\"write_bytes\":1}]}",
		"\"limits\":{\"io\":[{\"device\":\"/\",\"read_operations\":1}]}",
		"\"limits\":{\"io\":[{\"device\":\"/\",\"write_operations\":1}]}",
		"\"syscalls\":{}",
		"\"syscalls\":{\"default\":\"eperm\"}",
		"\"syscalls\":{\"default\":\"kill\"}",
		"\"syscalls\":{\"allow\":[\"a\"]}",
		"\"syscalls\":{\"allow\":[\"b\"]}",
		"\"syscalls\":{\"deny\":[\"a\"]}",
		"\"syscalls\":{\"architectures\":[\"native\",\"i386\"]}",
		"\"syscalls\":{\"rules\":[{\"names\":[\"a\"],\"action\":\"errno\",\"args\":[{"
		"\"index\":0,\"width\":32,\"in\":[1]}]}]}",
		"\"syscalls\":{\"rules\":[{\"names\":[\"a\"],\"action\":\"errno\",\"args\":[{"
		"\"index\":0,\"width\":32,\"in\":[2]}]}]}",
		"\"syscalls\":{\"rules\":[{\"names\":[\"a\"],\"action\":\"errno\",\"args\":[{"
		"\"index\":0,\"width\":64,\"in\":[1]}]}]}",
		"\"syscalls\":{\"rules\":[{\"names\":[\"a\"],\"action\":\"errno\",\"args\":[{"
		"\"index\":1,\"width\":32,\"in\":[1]}]}]}",
		"\"syscalls\":{\"rules\":[{\"names\":[\"a\"],\"action\":\"errno\",\"args\":[{"
		"\"index\":0,\"width\":32,\"lt\":1}]}]}",
		"\"syscalls\":{\"rules\":[{\"names\":[\"a\"],\"action\":\"errno\",\"args\":[{"
		"\"index\":0,\"width\":32,\"mask\":1,\"in\":[1]}]}]}",
		"\"capabilities\":{}",
		"\"capabilities\":{\"keep\":[\"kill\"]}",
		"\"capabilities\":{\"ambient\":true}",
		"\"identity\":{}",
		"\"identity\":{\"map\":\"auto\"}",
		"\"identity\":{\"uid\":1}",
		"\"identity\":{\"gid\":1}",
		"\"environment\":{\"pass\":[\"A\"]}",
		"\"environment\":{\"set\":{\"A\":\"1\"}}",
		"\"environment\":{\"set\":{\"A\":\"2\"}}",
		"\"environment\":{\"set\":{\"A\":{\"value\":\"2\",\"enforce\":\"audit\"}}}",
		"\"environment\":{\"set\":{\"B\":\"2\"}}",
		"\"terminal\":{}",
		"\"terminal\":{\"mode\":\"share\"}",
		"\"selinux\":{\"type\":\"t\"}",
		"\"selinux\":{\"type\":\"u\"}",
		"\"selinux\":{\"type\":\"t\",\"level\":\"s0\"}",
		"\"landlock\":{}",
		"\"landlock\":false",
		"\"landlock\":{\"minimum_abi\":2}",
		"\"landlock\":{\"scope\":[]}",
		"\"landlock\":{\"scope\":[\"signal\"]}",
		"\"landlock\":{\"scope\":{\"value\":[],\"enforce\":\"audit\"}}",
		"\"landlock\":{\"paths\":[{\"path\":\"/a\"}]}",
		"\"landlock\":{\"paths\":[{\"path\":\"/b\"}]}",
		"\"landlock\":{\"paths\":[{\"path\":\"/a\",\"access\":\"rw\"}]}",
		"\"landlock\":{\"paths\":[{\"path\":\"/a\",\"exec\":false}]}",
		"\"namespaces\":{}",
		"\"namespaces\":{\"ipc\":false}",
		"\"namespaces\":{\"uts\":false}",
		"\"namespaces\":{\"cgroup\":false}",
		"\"namespaces\":{\"pid\":false}",
		"\"namespaces\":{\"time\":true}",
		"\"namespaces\":{\"nested_user\":true}",
	};
	enum { COUNT = sizeof(parts) / sizeof(parts[0]) };
	static struct load loads[COUNT];
	char text[512];

	for (size_t i = 0; i < COUNT; i++) {
		(void)snprintf(
			text, sizeof(text), "{\"version\":1%s%s}", *parts[i] ? "," : "", parts[i]);
		loads[i] = load_text(text);
		check_int(loads[i].r, 0, "loads: %s %s", parts[i], loads[i].err.message);
		check_round_trip(&loads[i].profile, i % 2, *parts[i] ? parts[i] : "nothing");
	}
	for (size_t i = 0; i < COUNT; i++) {
		size_t same = 0;

		for (size_t j = 0; j < COUNT; j++)
			same += profile_equal(&loads[i].profile, &loads[j].profile);
		check_int((long long)same, 1, "equal to itself only: %s", parts[i]);
	}
	for (size_t i = 0; i < COUNT; i++)
		unload(&loads[i]);
}

static void test_command_line(void)
{
	struct arena arena = {0};
	struct profile profile;
	struct mount_rule rule = {.kind = MOUNT_BIND, .source = "/s", .target = "/t"};
	struct environment_setting setting = {.name = "A", .value = "1"};
	struct syscall_clause clause = {.names = (const char *const[]){"read"}, .name_count = 1};
	uint64_t value = 0;
	struct err err = {0};
	char target[32];

	profile_defaults(&profile);
	check_int(profile_set_mount(&profile, &arena, &rule, &err), 0, "add a mount");
	rule.writable = true;
	check_int(profile_set_mount(&profile, &arena, &rule, &err), 0, "replace it");
	check(profile.files.mount_count == 1 && profile.files.mounts[0].writable &&
			profile.files.mounts[0].target != rule.target,
		"copied");
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(target, sizeof(target), "/t/%d", i);
		rule.target = target;
		if (profile_set_mount(&profile, &arena, &rule, &err))
			break;
	}
	check(profile.files.mount_count == 3001 &&
			!strcmp(profile.files.mounts[2500].target, "/t/2499"),
		"thousands, in order");
	for (int i = 3000; i < 8191; i++) {
		(void)snprintf(target, sizeof(target), "/t/%d", i);
		if (profile_set_mount(&profile, &arena, &rule, &err))
			break;
	}
	rule.target = "/one/more";
	check_int(profile_set_mount(&profile, &arena, &rule, &err), -E2BIG, "and one too many");
	check_int(profile_set_environment(&profile, &arena, &setting, NULL), 0, "set");
	setting.value = NULL;
	check_int(profile_set_environment(&profile, &arena, &setting, NULL), 0, "pass");
	check(profile.environment.setting_count == 1 && !profile.environment.settings[0].value,
		"the last one holds");
	setting.name = "A=B";
	check_int(profile_set_environment(&profile, &arena, &setting, NULL), -EINVAL,
		"no name of a variable");
	check_int(profile_add_clause(&profile, &arena, &clause, NULL), 0, "a clause");
	check(profile.syscalls.clause_count == 1 && profile.syscalls.rule.set, "is added");
	check_int(limit_parse(LIMIT_MEMORY, "512m", &value, NULL), 0, "memory");
	check_int((long long)value, 512LL << 20, "in bytes");
	check_int(limit_parse(LIMIT_CPU, "unlimited", &value, NULL), 0, "unlimited");
	check(value == LIMIT_UNLIMITED, "is a value");
	err = (struct err){0};
	check_int(limit_parse(LIMIT_PIDS, "many", &value, &err), -EINVAL, "no count");
	check_text(err.where, "pids", "says which limit");
	arena_free(&arena);
}

static void test_grammars(void)
{
	mode_t mode = 0;

	check(grammar_profile_name("a") && grammar_profile_name("_a.b+c-d") &&
			grammar_profile_name("9"),
		"names of profiles");
	check(!grammar_profile_name("") && !grammar_profile_name(".a") &&
			!grammar_profile_name("-a") && !grammar_profile_name("a..b") &&
			!grammar_profile_name("a/b") && !grammar_profile_name("a b") &&
			!grammar_profile_name("\xc3\xa9"),
		"and what is none");
	check(grammar_group_name("a@1") && grammar_group_name("a-b@9999"), "names of groups");
	check(!grammar_group_name("a") && !grammar_group_name("a@") && !grammar_group_name("a@0") &&
			!grammar_group_name("a@10000") && !grammar_group_name("a@01") &&
			!grammar_group_name("a.b@1") && !grammar_group_name("@1") &&
			!grammar_group_name("a@1@1"),
		"and what is none");
	check(grammar_syscall_name("read") && grammar_syscall_name("_llseek") &&
			!grammar_syscall_name("Read") && !grammar_syscall_name("") &&
			!grammar_syscall_name("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
					      "aaaaaaaaaaaaa"),
		"system calls");
	check(grammar_environment_name("_A1") && !grammar_environment_name("1A") &&
			!grammar_environment_name("A-B") && !grammar_environment_name("") &&
			!grammar_environment_name("A\n"),
		"environment variables");
	check(grammar_environment_word("_A1") && grammar_environment_word("a.b-c") &&
			!grammar_environment_word(".a") && !grammar_environment_word("-a") &&
			!grammar_environment_word("1a") && !grammar_environment_word("a+b") &&
			!grammar_environment_word("a b") && !grammar_environment_word(""),
		"the same, as containers are given them");
	check(grammar_cpuset("0") && grammar_cpuset("0-3,7") && grammar_cpuset("8191"),
		"CPU lists");
	check(!grammar_cpuset("") && !grammar_cpuset("0-") && !grammar_cpuset("-1") &&
			!grammar_cpuset("3-3") && !grammar_cpuset("1,") &&
			!grammar_cpuset("8192") && !grammar_cpuset("0-1-2") &&
			!grammar_cpuset("01") && !grammar_cpuset("1 2"),
		"and what is none");
	check(grammar_selinux_level("s0") && grammar_selinux_level("s15:c0,c1023") &&
			grammar_selinux_level("s0-s0:c0.c1023"),
		"levels");
	check(!grammar_selinux_level("") && !grammar_selinux_level("s") &&
			!grammar_selinux_level("s16") && !grammar_selinux_level("s0:") &&
			!grammar_selinux_level("s0:c1,c1") && !grammar_selinux_level("s0:c2.c1") &&
			!grammar_selinux_level("s0:c1024") &&
			!grammar_selinux_level("s0:c1.c2.c3") && !grammar_selinux_level("s0-") &&
			!grammar_selinux_level("s0 "),
		"and what is none");
	check(grammar_selinux_type("immure_t") && !grammar_selinux_type("1t") &&
			!grammar_selinux_type("") && !grammar_selinux_type("a:b"),
		"types");
	check(grammar_mode("0755", 07777, &mode) && mode == 0755 &&
			grammar_mode("1777", 01777, &mode),
		"modes");
	check(!grammar_mode("4755", 01777, &mode) && !grammar_mode("77", 07777, &mode) &&
			!grammar_mode("00755", 07777, &mode) && !grammar_mode("0788", 07777, &mode),
		"and what is none");
	check(grammar_errno("EPERM") == EPERM && grammar_errno("EHWPOISON") == EHWPOISON &&
			!grammar_errno("EFOO") && !grammar_errno(""),
		"errnos");
	check(grammar_capability("CAP_CHOWN") == 0 && grammar_capability("kill") == 5 &&
			grammar_capability("cap_BPF") == 39 && grammar_capability("CAP_ALL") < 0 &&
			grammar_capability("") < 0 && grammar_capability("39") < 0,
		"capabilities");
}

/* The processor's time, the least of five; -1 where they are not all there. */
static long long load_binds(int count)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	long long best = -1;

	if (!check(out != NULL, "memory"))
		return -1;
	(void)fprintf(out, "{\"version\":1,\"files\":{\"mounts\":[{\"deny\":\"/deny\"}");
	for (int i = 0; i < count; i++)
		(void)fprintf(out,
			",{\"bind\":\"/usr/lib/packages/package-%d\",\"to\":\"/jail/packages/%d\"}",
			i, i);
	(void)fprintf(out, "]}}");
	check_int(fclose(out), 0, "memory");
	for (int i = 0; i < 5; i++) {
		struct timespec start, end;
		struct load load;
		long long microseconds;

		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
		load = load_text(text);
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
		microseconds = (end.tv_sec - start.tv_sec) * 1000000LL +
			       (end.tv_nsec - start.tv_nsec) / 1000;
		check(!load.r && load.profile.files.mount_count == (size_t)count + 1, "%d binds",
			count);
		if (best < 0 || microseconds < best)
			best = microseconds;
		unload(&load);
	}
	printf("# %d binds: %lld us\n", count, best);
	free(text);
	return best;
}

/* On the way of launches: what is quadratic takes 64 times as long. */
static void test_speed(void)
{
	long long few = load_binds(250), many = load_binds(2000);

	check(many < 24 * few, "eight times as many take eight times as long");
}

int main(void)
{
	char tmp[] = "/tmp/immure-profile-XXXXXX", command[64];

	if (!check(mkdtemp(tmp) != NULL, "a temporary directory"))
		return check_done();
	test_defaults();
	test_files();
	test_syscalls();
	test_places(tmp);
	test_import(tmp);
	test_list(tmp);
	test_shipped();
	test_dev();
	test_equal();
	test_command_line();
	test_grammars();
	test_speed();
	(void)snprintf(command, sizeof(command), "rm -rf %s", tmp);
	check_int(system(command), 0, "cleaned up");
	return check_done();
}
