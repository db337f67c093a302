/* Identity maps: see idmap.h. */
#include "isolation/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/report.h"

#define NOBODY 65534
#define MAP_LINE 40 /* bytes that hold three numbers of ten digits */
#define EXTENTS 340 /* the kernel's limit of lines per map (user_namespaces(7)) */
#define EXEC_LABEL "/proc/thread-self/attr/exec"
#define LABEL_BYTES 4096

/* ---- compile ---- */

struct extent {
	uint32_t inside, outside, count;
};

/* 0 is the caller; the ranges follow from 1 on. An id that lies beyond the ranges is an error of
 * the caller. */
static size_t extents_of(
	uint32_t own, const struct id_range *ranges, size_t range_count, struct extent *extents)
{
	uint32_t inside = 1;
	size_t count = 0;

	extents[count++] = (struct extent){0, own, 1};
	for (size_t i = 0; i < range_count && count < EXTENTS; i++) {
		if (ranges[i].count > UINT32_MAX - 1 - inside)
			break;
		extents[count++] = (struct extent){inside, ranges[i].start, ranges[i].count};
		inside += ranges[i].count;
	}
	return count;
}

static bool extents_hold(const struct extent *extents, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (id >= extents[i].inside && id - extents[i].inside < extents[i].count)
			return true;
	return false;
}

static const char *map_text(const struct extent *extents, size_t count, struct arena *arena)
{
	char *text = arena_zeroed(arena, count, MAP_LINE);
	size_t used = 0;

	for (size_t i = 0; text && i < count; i++)
		used += (size_t)snprintf(text + used, count * MAP_LINE - used, "%u %u %u\n",
			extents[i].inside, extents[i].outside, extents[i].count);
	return text;
}

static const char *const *map_words(const struct extent *extents, size_t count, struct arena *arena)
{
	const char **words = arena_zeroed(arena, count * 3 + 1, sizeof(*words));

	for (size_t i = 0; words && i < count; i++) {
		words[3 * i] = arena_format(arena, "%u", extents[i].inside);
		words[3 * i + 1] = arena_format(arena, "%u", extents[i].outside);
		words[3 * i + 2] = arena_format(arena, "%u", extents[i].count);
		if (!words[3 * i] || !words[3 * i + 1] || !words[3 * i + 2])
			return NULL;
	}
	return words;
}

static int compile_subordinate(const struct identity_section *asked, const struct host *host,
	struct arena *arena, struct idmap_plan *plan, struct err *reterr)
{
	struct extent users[EXTENTS], groups[EXTENTS];
	size_t user_count = extents_of(host->uid, host->uid_ranges, host->uid_range_count, users);
	size_t group_count = extents_of(host->gid, host->gid_ranges, host->gid_range_count, groups);
	char where[512];

	if (!extents_hold(users, user_count, asked->uid) ||
		!extents_hold(groups, group_count, asked->gid))
		return err_set(reterr, -ERANGE,
			origin_format(&asked->rule.origin, where, sizeof(where)),
			"%u:%u is outside the subordinate ids of this user", asked->uid,
			asked->gid);
	for (size_t i = 0; i < asked->group_count; i++)
		if (!extents_hold(groups, group_count, asked->groups[i])) {
			err_set(reterr, -ERANGE, "groups",
				"%u is outside the subordinate ids of this user", asked->groups[i]);
			err_hint(reterr, "--user USER:GROUP does without the user's other groups");
			return -ERANGE;
		}
	plan->groups = asked->groups;
	plan->group_count = asked->group_count;
	plan->way = IDMAP_HELPER;
	plan->uid_map = map_text(users, user_count, arena);
	plan->gid_map = map_text(groups, group_count, arena);
	plan->uid_words = map_words(users, user_count, arena);
	plan->gid_words = map_words(groups, group_count, arena);
	plan->newuidmap = host->newuidmap;
	plan->newgidmap = host->newgidmap;
	if (!plan->uid_map || !plan->gid_map || !plan->uid_words || !plan->gid_words)
		return err_no_memory(reterr);
	return 0;
}

static int compile_single(const struct identity_section *asked, const struct host *host,
	struct arena *arena, struct idmap_plan *plan, struct err *reterr)
{
	/* root's own id would take root's rights over every file that is bound: the jail gets
	 * nobody's */
	bool root = host->uid == 0 && host->nobody_mapped;
	struct extent user = {asked->uid, root ? NOBODY : host->uid, 1};
	struct extent group = {asked->gid, root ? NOBODY : host->gid, 1};

	plan->way = root ? IDMAP_PARENT : IDMAP_SELF;
	plan->uid_map = map_text(&user, 1, arena);
	plan->gid_map = map_text(&group, 1, arena);
	if (!plan->uid_map || !plan->gid_map)
		return err_no_memory(reterr);
	return 0;
}

int idmap_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct idmap_plan *ret, struct err *reterr)
{
	const struct identity_section *asked = &profile->identity;
	bool possible = host->newuidmap && host->newgidmap && host->uid_range_count &&
			host->gid_range_count;
	bool subordinate =
		asked->kind == IDENTITY_SUBORDINATE || (asked->kind == IDENTITY_AUTO && possible);
	struct receipt_row row = {.rule = &asked->rule,
		.asked = subordinate ? "subordinate ids" : "a single id",
		.layer = "user namespace"};
	struct idmap_plan plan = {.uid = asked->uid, .gid = asked->gid, .rule = &asked->rule};
	int r;

	if (subordinate && !possible) {
		row.outcome = OUTCOME_PARTLY;
		row.reason =
			host->subordinate_reason ? host->subordinate_reason : "no subordinate ids";
		row.remedy = "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
			     "$USER, and install uidmap";
		subordinate = false;
	}
	r = subordinate ? compile_subordinate(asked, host, arena, &plan, reterr)
			: compile_single(asked, host, arena, &plan, reterr);
	if (r < 0)
		return r;
	*ret = plan;
	return receipt_add(receipt, &row, reterr);
}

void idmap_explain(const struct idmap_plan *plan, struct report *out)
{
	static const char *const ways[] = {
		"mapped by the child", "mapped by the launcher", "mapped by newuidmap"};

	report_row(
		out, NULL, "identity", "uid %u gid %u, %s", plan->uid, plan->gid, ways[plan->way]);
	for (size_t i = 0; i < plan->group_count; i++)
		report_row(out, NULL, "group", "%u", plan->groups[i]);
	report_row(out, NULL, "uid map", "%.*s", (int)strcspn(plan->uid_map, "\n"), plan->uid_map);
	report_row(out, NULL, "gid map", "%.*s", (int)strcspn(plan->gid_map, "\n"), plan->gid_map);
}

/* ---- child ---- */

int idmap_apply(const struct idmap_plan *plan, struct child *child, uint16_t *reterr_item)
{
	char word;
	int r;

	if (plan->way != IDMAP_SELF) {
		/* the parent says one byte when the maps are there; its death is an end of file */
		ssize_t length = recv(child->control, &word, 1, 0);

		if (length != 1)
			return length < 0 ? -errno : -EPIPE;
		/* root's own id is not in the map, and an id that is not may make no file
		 * (EOVERFLOW) */
		return plan->way == IDMAP_PARENT ? idmap_become(plan, child, reterr_item) : 0;
	}
	*reterr_item = 0; /* CVE-2014-8989: a dropped group may be what keeps a file from us */
	r = mutant(MUTANT_NO_SETGROUPS_DENY)
		    ? 0
		    : file_write_kernel(AT_FDCWD, "/proc/self/setgroups", "deny", 4);
	if (r < 0)
		return r;
	*reterr_item = 1;
	r = file_write_kernel(AT_FDCWD, "/proc/self/uid_map", plan->uid_map, strlen(plan->uid_map));
	if (r < 0)
		return r;
	*reterr_item = 2;
	return file_write_kernel(
		AT_FDCWD, "/proc/self/gid_map", plan->gid_map, strlen(plan->gid_map));
}

int idmap_become(const struct idmap_plan *plan, struct child *child, uint16_t *reterr_item)
{
	(void)child;
	if (plan->way == IDMAP_SELF)
		return 0; /* we are that id already, and setgroups is denied for good */
	*reterr_item = 0;
	if (plan->way == IDMAP_HELPER && syscall(SYS_setgroups, plan->group_count, plan->groups))
		return -errno;
	*reterr_item = 1; /* raw calls: glibc's would signal threads that we do not have */
	if (syscall(SYS_setresgid, plan->gid, plan->gid, plan->gid))
		return -errno;
	*reterr_item = 2; /* leaving uid 0 must not cost the capabilities that the next steps need;
			     the last of them locks the securebits */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
		return -errno;
	*reterr_item = 3;
	return syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid) ? -errno : 0;
}

/* ---- parent ---- */

/*
 * Our next exec, of a helper, in a domain of its own: a confined user's launcher has none of the
 * rights that it takes to write maps (immure_selinux(8)). Everybody else's needs no other label.
 */
static int label_helpers(struct err *reterr)
{
	static const char own[] = ":immure_launch_t:";
	_cleanup_free_ char *context = NULL, *label = NULL;
	char *type;
	size_t length;
	int r;

	if (file_read(AT_FDCWD, "/proc/thread-self/attr/current", LABEL_BYTES, &context, &length))
		return 0; /* no SELinux here */
	type = strstr(context, own);
	if (!type)
		return 0;
	if (asprintf(&label, "%.*s:immure_idmap_t:%s", (int)(type - context), context,
		    type + strlen(own)) < 0) {
		label = NULL;
		return err_no_memory(reterr);
	}
	r = file_write_kernel(AT_FDCWD, EXEC_LABEL, label, strlen(label));
	return r ? err_set(reterr, r, "newuidmap", "cannot start as %s: %s", label, strerror(-r))
		 : 0;
}

/* One of them until its exec, in our memory. */
struct helper {
	pid_t pid; /* 0: not there */
	int error; /* of its exec */
	char number[16];
	const char *arguments[3 * EXTENTS + 3];
	_Alignas(16) char stack[16384];
};

struct idmap_room {
	struct helper users, groups;
};

/* errno is the launcher's too: an exec that fails may spoil it once, and ends the launch anyway. */
static int run_helper(void *argument)
{
	struct helper *helper = argument;
	char *const no_environment[] = {NULL};

	(void)execve(helper->arguments[0], (char *const *)helper->arguments, no_environment);
	helper->error = errno;
	return 127;
}

/* Not by posix_spawn(3), which would have us wait until each has come to its exec: the time of a
 * tenth of a launch. */
static int start_helper(const char *program, pid_t pid, const char *const *words,
	struct helper *helper, struct err *reterr)
{
	size_t count = 0;

	(void)snprintf(helper->number, sizeof(helper->number), "%d", (int)pid);
	helper->arguments[count++] = program;
	helper->arguments[count++] = helper->number;
	for (; *words; words++)
		helper->arguments[count++] = *words;
	helper->arguments[count] = NULL;
	helper->pid = clone(
		run_helper, helper->stack + sizeof(helper->stack), CLONE_VM | SIGCHLD, helper);
	if (helper->pid > 0)
		return 0;
	helper->pid = 0;
	return err_set(reterr, -errno, program, "cannot start: %s", strerror(errno));
}

static int wait_for_helper(const char *program, const struct helper *helper, struct err *reterr)
{
	int status;

	if (!helper->pid)
		return 0;
	while (waitpid(helper->pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(reterr, -errno, program, "lost: %s", strerror(errno));
	if (helper->error)
		return err_set(reterr, -helper->error, program, "cannot start: %s",
			strerror(helper->error));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		err_set(reterr, -EPERM, program, "refused to map the subordinate ids");
		err_hint(reterr,
			"is %s setuid root, and do /etc/subuid and /etc/subgid name this user?",
			program);
		return -EPERM;
	}
	return 0;
}

/* Both at once: neither waits for the other. */
int idmap_start_helpers(
	const struct idmap_plan *plan, pid_t pid, struct idmap_helpers *ret, struct err *reterr)
{
	struct idmap_room *room = mmap(NULL, sizeof(*room), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	int r;

	ret->room = NULL;
	if (room == MAP_FAILED)
		return err_no_memory(reterr);
	ret->room = room;
	r = label_helpers(reterr);
	if (r < 0)
		return r;
	r = start_helper(plan->newuidmap, pid, plan->uid_words, &room->users, reterr);
	if (r == 0)
		r = start_helper(plan->newgidmap, pid, plan->gid_words, &room->groups, reterr);
	(void)file_write_kernel(
		AT_FDCWD, EXEC_LABEL, NULL, 0); /* what comes next asks for its own */
	return r;
}

void idmap_stop_helpers(const struct idmap_helpers *helpers)
{
	const struct idmap_room *room = helpers->room;

	if (room && room->users.pid)
		(void)kill(room->users.pid, SIGKILL); /* ours, not yet waited for */
	if (room && room->groups.pid)
		(void)kill(room->groups.pid, SIGKILL);
}

int idmap_wait_for_helpers(
	const struct idmap_plan *plan, struct idmap_helpers *helpers, struct err *reterr)
{
	struct idmap_room *room = helpers->room;
	int groups, users;

	if (!room)
		return 0;
	groups = wait_for_helper(plan->newgidmap, &room->groups, reterr);
	users = wait_for_helper(plan->newuidmap, &room->users, reterr);
	helpers->room = NULL;
	(void)munmap(room, sizeof(*room));
	return groups < 0 ? groups : users;
}

/* The number that comes next, over blanks and line ends, plus one; 0 at the end. */
static uint64_t next_number(const char **text)
{
	const char *start = *text + strspn(*text, " \n");
	char *end;
	unsigned long number = strtoul(start, &end, 10);

	*text = end + strspn(end, " \n");
	return end == start ? 0 : (uint64_t)number + 1;
}

/* The process is ours and not yet waited for, so its pid cannot be anybody else's (T-CRED-08). */
static int open_process(pid_t pid, struct err *reterr)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_set(reterr, -errno, path, "cannot open: %s", strerror(errno)) : fd;
}

/* The map is read back: a helper that lies, or a kernel that took less, must not go unseen
 * (T-CRED-09). */
static int verify_map(int process, const char *file, const char *want, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t length;
	int r;

	r = file_read(process, file, (size_t)EXTENTS * MAP_LINE, &text, &length);
	if (r < 0)
		return err_set(reterr, r, file, "cannot read back: %s", strerror(-r));
	line = text;
	while (*want)
		if (next_number(&line) != next_number(&want))
			return err_set(
				reterr, -EPERM, file, "the map is not the one that was asked for");
	return next_number(&line)
		       ? err_set(reterr, -EPERM, file, "the map holds more than was asked for")
		       : 0;
}

static int write_maps(const struct idmap_plan *plan, pid_t pid, struct err *reterr)
{
	_cleanup_close_ int process = open_process(pid, reterr);
	int r;

	if (process < 0)
		return process;
	r = file_write_kernel(process, "setgroups", "deny", 4);
	if (r == 0)
		r = file_write_kernel(process, "uid_map", plan->uid_map, strlen(plan->uid_map));
	if (r == 0)
		r = file_write_kernel(process, "gid_map", plan->gid_map, strlen(plan->gid_map));
	return r < 0 ? err_set(reterr, r, "uid_map", "cannot map ids: %s", strerror(-r)) : 0;
}

int idmap_verify(const struct idmap_plan *plan, pid_t pid, struct err *reterr)
{
	_cleanup_close_ int process = open_process(pid, reterr);
	int r = process < 0 ? process : verify_map(process, "uid_map", plan->uid_map, reterr);

	return r < 0 ? r : verify_map(process, "gid_map", plan->gid_map, reterr);
}

int idmap_apply_parent(const struct idmap_plan *plan, pid_t pid, struct err *reterr)
{
	struct idmap_helpers helpers;
	struct err second = {0};
	int r, waited;

	if (plan->way == IDMAP_SELF)
		return 0;
	if (plan->way == IDMAP_PARENT) {
		r = write_maps(plan, pid, reterr);
	} else {
		r = idmap_start_helpers(plan, pid, &helpers, reterr);
		waited = idmap_wait_for_helpers(plan, &helpers, r < 0 ? &second : reterr);
		r = r < 0 ? r : waited;
	}
	return r < 0 ? r : idmap_verify(plan, pid, reterr);
}
