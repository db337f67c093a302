/*
 * The life of one launch's cgroup: made, limited (each limit read back), read, emptied, removed.
 * See cgroup.h; which limits there are is compiled in cgroup_compile.c, the janitor is in
 * cgroup_janitor.c, systemd's part in cgroup_scope.c.
 */
#include "isolation/cgroup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "isolation/cgroup_parts.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/proc.h"

#define PREFIX "immure-"
#define LEAF "jail" /* below the directory with the limits */
#define CLOSE_MILLISECONDS 2000
#define SWEEP_MAXIMUM 4096 /* entries looked at: a sweep must never become the cost of a launch */
#define DEPTH_MAXIMUM \
	16 /* of cgroups that a jail with a cgroup file system of its own may leave below ours */

/* ---- limits, read back ---- */

static const struct {
	unsigned controller;
	const char *enable;
} controller_words[] = {{CONTROLLER_MEMORY, "memory"}, {CONTROLLER_PIDS, "pids"},
	{CONTROLLER_CPU, "cpu"}, {CONTROLLER_IO, "io"}, {CONTROLLER_CPUSET, "cpuset"}};

/* Hands down to the children of parent what they need and do not have yet. */
static int enable_controllers(int parent, unsigned controllers, struct err *reterr)
{
	char enabled[512], wanted[64] = "";
	size_t used = 0;
	int r = file_read_line(parent, "cgroup.subtree_control", enabled, sizeof(enabled));

	if (r < 0)
		return err_set(
			reterr, r, "cgroup.subtree_control", "cannot be read: %s", strerror(-r));
	for (size_t i = 0; i < sizeof(controller_words) / sizeof(controller_words[0]); i++)
		if ((controllers & controller_words[i].controller) &&
			!proc_has_word(enabled, ' ', controller_words[i].enable))
			used += (size_t)snprintf(wanted + used, sizeof(wanted) - used, "%s+%s",
				used ? " " : "",
				controller_words[i].enable); /* all five take 30 characters */
	if (!used)
		return 0;
	r = file_write_kernel(parent, "cgroup.subtree_control", wanted, used);
	if (r == 0)
		return 0;
	(void)err_set(reterr, r, "cgroup.subtree_control", "cannot hand down \"%s\": %s", wanted,
		strerror(-r));
	err_hint(reterr, "the controllers of our parent cgroup changed since they were probed; "
			 "`immure doctor` shows them");
	return r;
}

/* The number that the kernel keeps for a size: whole pages. */
static bool same_size(const char *written, const char *read)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), asked = strtoull(written, NULL, 10),
		 kept = strtoull(read, NULL, 10);

	return isdigit((unsigned char)read[0]) && asked - asked % page == kept;
}

static bool same_text(const char *written, const char *read)
{
	return strcmp(written, read) == 0;
}

/* io.max answers with a line per device, every key in it; each word that was written must be there.
 */
static bool same_device_line(const char *written, const char *read)
{
	size_t device = strcspn(written, " ");
	char line[256], *save = NULL, copy[256];

	while (strncmp(read, written, device) != 0 || read[device] != ' ') {
		read = strchr(read, '\n');
		if (!read++)
			return false;
	}
	(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(read, "\n"), read);
	(void)snprintf(copy, sizeof(copy), "%s", written);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (!proc_has_word(line, ' ', word))
			return false;
	return true;
}

static bool same_first_line(const char *written, const char *read)
{
	size_t length = strcspn(read, "\n");

	return strlen(written) == length && strncmp(written, read, length) == 0;
}

#define CPUS_MAXIMUM 8192U

/* "0-2,5" to bits; false for what is no list. */
static bool parse_list(const char *text, uint8_t bits[static CPUS_MAXIMUM / 8])
{
	memset(bits, 0, CPUS_MAXIMUM / 8);
	for (;;) {
		char *end;
		unsigned long first, last;

		if (!isdigit((unsigned char)*text))
			return false;
		first = last = strtoul(text, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if (last >= CPUS_MAXIMUM || first > last)
			return false;
		for (unsigned long cpu = first; cpu <= last; cpu++)
			bits[cpu / 8] |= (uint8_t)(1U << cpu % 8);
		if (*end != ',')
			return *end == '\0';
		text = end + 1;
	}
}

static bool same_list(const char *written, const char *read)
{
	uint8_t asked[CPUS_MAXIMUM / 8], kept[CPUS_MAXIMUM / 8];

	return parse_list(written, asked) && parse_list(read, kept) &&
	       memcmp(asked, kept, sizeof(asked)) == 0;
}

static const struct {
	const char *file;
	bool (*same)(const char *written, const char *read);
} comparisons[] = {
	{"memory.max", same_size}, {"memory.high", same_size}, {"memory.swap.max", same_size},
	{"io.max", same_device_line}, {"io.weight", same_first_line},
	{"cpuset.cpus", same_list}, /* all others: same_text */
};

static bool reads_back(const struct cgroup_write *write, const char *read)
{
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
		if (strcmp(comparisons[i].file, write->file) == 0)
			return comparisons[i].same(write->value, read);
	return same_text(write->value, read);
}

static int write_limit(int directory, const struct cgroup_write *write, struct err *reterr)
{
	char where[768], read[4096];
	int r = file_write_kernel(directory, write->file, write->value, strlen(write->value));

	if (r == -ENOENT && write->optional)
		return 0;
	if (r == 0)
		r = file_read_line(directory, write->file, read, sizeof(read));
	if (r >= 0 && reads_back(write, read))
		return 0;
	(void)origin_format(&write->rule->origin, where, sizeof(where));
	if (r >= 0)
		return err_set(reterr, -EIO, where,
			"the kernel keeps \"%.100s\" in %s where \"%s\" was written", read,
			write->file, write->value);
	(void)err_set(reterr, r, where, "cannot write \"%s\" to %s: %s", write->value, write->file,
		strerror(-r));
	if (r == -ENOENT)
		err_hint(reterr,
			"this kernel has no %s; leave the limit out, or make it \"enforce\": "
			"\"audit\"",
			write->file);
	return r;
}

/* ---- removal ---- */

static int64_t milliseconds_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 1: something lives in it; 0: nothing; else -errno. */
static int is_populated(int events)
{
	char text[256];
	ssize_t length = pread(events, text, sizeof(text) - 1, 0);

	if (length < 0)
		return -errno;
	text[length] = '\0';
	return strstr(text, "populated 1\n") != NULL;
}

/* The kernel wakes poll(2) on cgroup.events when "populated" changes. */
static int wait_until_empty(int directory, int64_t deadline)
{
	_cleanup_close_ int events = openat(directory, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd wait = {.fd = events, .events = POLLPRI};
	int r;

	if (events < 0)
		return -errno;
	while ((r = is_populated(events)) == 1) {
		int64_t left = deadline - milliseconds_now();

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&wait, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
	return r;
}

struct directory_entry { /* linux_dirent64 */
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

/*
 * Calls visit for each directory in it, but for the first SWEEP_MAXIMUM at most. getdents64(2)
 * rather than readdir(3): the janitor has only system calls.
 */
static void each_directory(int directory,
	void (*visit)(int directory, const char *name, unsigned depth), unsigned depth)
{
	_Alignas(struct directory_entry) char buffer[4096];
	unsigned seen = 0;
	long length;

	if (lseek(directory, 0, SEEK_SET) < 0)
		return;
	while (seen < SWEEP_MAXIMUM &&
		(length = syscall(SYS_getdents64, directory, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < length; seen++) {
			const struct directory_entry *entry = (const void *)(buffer + at);

			if (entry->type == DT_DIR && strcmp(entry->name, ".") != 0 &&
				strcmp(entry->name, "..") != 0)
				visit(directory, entry->name, depth);
			at += entry->length;
		}
	}
}

/* Bottom up; what cannot be removed is found out when its parent cannot. */
static void remove_tree(int parent, const char *name, unsigned depth)
{
	_cleanup_close_ int directory = -1;

	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || depth == DEPTH_MAXIMUM)
		return;
	directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return;
	each_directory(directory, remove_tree, depth + 1);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

int cgroup_remove(int parent, const char *name, int milliseconds)
{
	_cleanup_close_ int directory =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int64_t deadline = milliseconds_now() + milliseconds;
	struct timespec pause = {.tv_nsec = 1000000};
	int r;

	if (directory < 0)
		return errno == ENOENT ? 0 : -errno;
	/* where nothing lives any more nothing need be killed; the rmdir tells */
	(void)unlinkat(directory, LEAF, AT_REMOVEDIR);
	while (unlinkat(parent, name, AT_REMOVEDIR)) {
		if (errno == ENOENT)
			return 0;
		r = file_write_kernel(directory, "cgroup.kill", "1", 1);
		if (r < 0)
			return r;
		r = wait_until_empty(directory, deadline);
		if (r < 0)
			return r;
		remove_tree(parent, name, 0);
		if (faccessat(parent, name, F_OK, 0) && errno == ENOENT)
			return 0;
		if (milliseconds_now() >= deadline)
			return -ETIMEDOUT;
		(void)nanosleep(&pause,
			NULL); /* populated goes to 0 a moment before the last process lets go */
	}
	return 0;
}

/* "immure-<pid>-<16 hexadecimal digits>": the pid, or 0 for a name that is not ours. */
static pid_t launcher_of(const char *name)
{
	const char *digits = name + strlen(PREFIX);
	char *end;
	long pid;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || *digits < '1' || *digits > '9')
		return 0;
	pid = strtol(digits, &end, 10);
	if (*end != '-' || pid > INT_MAX || strspn(end + 1, "0123456789abcdef") != 16 ||
		end[17] != '\0')
		return 0;
	return (pid_t)pid;
}

static void sweep_one(int parent, const char *name, unsigned depth)
{
	_cleanup_close_ int directory = -1;
	pid_t pid = launcher_of(name);

	(void)depth;
	if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
		return;
	directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0 || flock(directory, LOCK_EX | LOCK_NB))
		return;
	(void)unlinkat(directory, LEAF,
		AT_REMOVEDIR); /* both fail while anything lives in it: as they should */
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

void cgroup_sweep(int parent)
{
	each_directory(parent, sweep_one, 0);
}

/* ---- open, read, close ---- */

static int make_name(struct cgroup *cgroup)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(
		cgroup->name, sizeof(cgroup->name), PREFIX "%d-%016" PRIx64, (int)getpid(), random);
	return 0;
}

static int open_parent(const struct cgroup_plan *plan, struct cgroup *cgroup, struct err *reterr)
{
	char scope[PATH_MAX];
	const char *path = plan->parent;
	int r = make_name(cgroup);

	if (r == 0 && plan->way == CGROUP_SYSTEMD) {
		r = cgroup_scope_enter(
			plan->parent, plan->mount, cgroup->name, scope, sizeof(scope), reterr);
		path = scope;
	}
	if (r < 0)
		return err_set(reterr, r, path, "cannot prepare a cgroup: %s", strerror(-r));
	cgroup->parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return cgroup->parent < 0 ? err_set(reterr, -errno, path, "cannot be opened: %m") : 0;
}

/* The outer directory, and a lock on it that tells sweepers of other pid namespaces that we live.
 */
static int make_outer(struct cgroup *cgroup, struct err *reterr)
{
	if (mkdirat(cgroup->parent, cgroup->name, 0755))
		return err_set(reterr, -errno, cgroup->name, "cannot make a cgroup: %m");
	cgroup->limits = openat(
		cgroup->parent, cgroup->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (cgroup->limits < 0 || flock(cgroup->limits, LOCK_SH | LOCK_NB))
		return err_set(
			reterr, -errno, cgroup->name, "cannot open the cgroup just made: %m");
	if (faccessat(cgroup->limits, "cgroup.kill", W_OK, 0)) {
		(void)err_set(reterr, -ENOTSUP, cgroup->name,
			"this kernel cannot kill a cgroup as a whole");
		err_hint(reterr, "cgroup.kill needs Linux 5.14");
		return -ENOTSUP;
	}
	return 0;
}

static int make_leaf(const struct cgroup_plan *plan, struct cgroup *cgroup, struct err *reterr)
{
	int r = enable_controllers(cgroup->limits, plan->controllers, reterr);

	if (r < 0)
		return r;
	if (mkdirat(cgroup->limits, LEAF, 0755))
		return err_set(reterr, -errno, cgroup->name,
			"cannot make a cgroup in the one just made: %m");
	cgroup->directory =
		openat(cgroup->limits, LEAF, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return cgroup->directory < 0 ? err_set(reterr, -errno, cgroup->name,
					       "cannot open the cgroup just made: %m")
				     : 0;
}

static int open_all(const struct cgroup_plan *plan, struct cgroup *cgroup, struct err *reterr)
{
	int r = open_parent(plan, cgroup, reterr);

	if (r < 0)
		return r;
	if (plan->way == CGROUP_DELEGATED)
		cgroup_sweep(cgroup->parent);
	r = enable_controllers(cgroup->parent, plan->controllers, reterr);
	if (r < 0)
		return r;
	r = cgroup_janitor_start(cgroup); /* before there is anything to leave behind */
	if (r < 0)
		return err_set(
			reterr, r, NULL, "cannot start the cgroup's janitor: %s", strerror(-r));
	r = make_outer(cgroup, reterr);
	for (size_t i = 0; r == 0 && i < plan->write_count && !mutant(MUTANT_NO_CGROUP); i++)
		r = write_limit(cgroup->limits, &plan->writes[i], reterr);
	return r < 0 ? r : make_leaf(plan, cgroup, reterr);
}

int cgroup_open(const struct cgroup_plan *plan, struct cgroup *ret, struct err *reterr)
{
	struct cgroup cgroup = {
		.directory = -1, .limits = -1, .parent = -1, .janitor = JANITOR_NONE};
	int r = plan->way == CGROUP_NONE ? 0 : open_all(plan, &cgroup, reterr);

	if (r < 0)
		(void)cgroup_close(&cgroup); /* the first error is the one to tell */
	else
		*ret = cgroup;
	return r;
}

int cgroup_move(const struct cgroup *cgroup, pid_t pid)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", (int)pid);

	return file_write_kernel(cgroup->directory, "cgroup.procs", text, (size_t)length);
}

/*
 * The number behind "key " at the start of a line of file; 0 when there is none. With no key, the
 * whole file.
 */
static uint64_t read_count(int directory, const char *file, const char *key)
{
	char text[4096];
	const char *line = text;
	size_t length = strlen(key);

	if (file_read_line(directory, file, text, sizeof(text)) <= 0)
		return 0;
	while (line && (strncmp(line, key, length) != 0 || (length && line[length] != ' '))) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return 0;
	line += length ? length + 1 : 0;
	return isdigit((unsigned char)*line) ? strtoull(line, NULL, 10) : 0;
}

void cgroup_read(const struct cgroup *cgroup, struct cgroup_counts *ret)
{
	*ret = (struct cgroup_counts){0};
	if (cgroup->directory < 0)
		return;
	ret->memory_peak = read_count(cgroup->limits, "memory.peak", ""); /* Linux 5.19 */
	ret->cpu_microseconds = read_count(cgroup->limits, "cpu.stat", "usage_usec");
	ret->oom_kills = read_count(cgroup->limits, "memory.events", "oom_kill");
	ret->pids_refused = read_count(cgroup->limits, "pids.events", "max");
	if (!ret->pids_refused) /* before Linux 6.11 it is counted where the fork was tried, not
				   where the limit is */
		ret->pids_refused = read_count(cgroup->directory, "pids.events", "max");
}

int cgroup_close(struct cgroup *cgroup)
{
	int r = 0;

	if (cgroup->directory >= 0) {
		(void)close(cgroup->directory);
		cgroup->directory = -1;
	}
	if (cgroup->limits >= 0) {
		(void)close(cgroup->limits);
		cgroup->limits = -1;
	}
	if (cgroup->parent >= 0) {
		r = cgroup_remove(cgroup->parent, cgroup->name, CLOSE_MILLISECONDS);
		(void)close(cgroup->parent);
		cgroup->parent = -1;
	}
	if (r == 0)
		janitor_dismiss(&cgroup->janitor);
	else /* it goes on alone */
		janitor_release(&cgroup->janitor);
	return r;
}
