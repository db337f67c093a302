/*
 * The cgroup: which limits become which files, and what is left behind by whom. Where a kernel with
 * cgroup v2 is needed, tests/vm has it; here plain directories stand in, and a bus of our own tells
 * systemd's part all that a bus should not say.
 */
#include "isolation/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "isolation/cgroup_parts.h"
#include "util/arena.h"
#include "util/cleanup.h"

static char base[] = "/tmp/immure-cgroup-XXXXXX";

/* ---- compiling ---- */

#define ALL \
	(CONTROLLER_MEMORY | CONTROLLER_PIDS | CONTROLLER_CPU | CONTROLLER_IO | CONTROLLER_CPUSET)

/* A disk 8:0 "sda" with a partition 8:1 mounted on /data; /shm has no device. */
static int fake_path(const struct host *host, struct arena *arena, const char *path, bool follow,
	struct path_fact *ret)
{
	static const struct {
		const char *path;
		struct path_fact fact;
	} facts[] = {
		{"/data", {.type = PATH_DIRECTORY, .device = 0x801}},
		{"/shm", {.type = PATH_DIRECTORY, .device = 0x19}},
		{"/whole", {.type = PATH_DIRECTORY, .device = 0xfe00}},
		{"/sys/dev/block/8:1",
			{.type = PATH_DIRECTORY, .resolved = "/sys/devices/x/block/sda/sda1"}},
		{"/sys/dev/block/254:0",
			{.type = PATH_DIRECTORY, .resolved = "/sys/devices/virtual/block/vda"}},
		{"/sys/devices/x/block/sda/sda1/partition", {.type = PATH_REGULAR}},
		{"/dev/sda", {.type = PATH_OTHER, .node = 0x800}},
	};

	(void)host;
	(void)arena;
	(void)follow;
	*ret = (struct path_fact){.type = PATH_ABSENT};
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (strcmp(facts[i].path, path) == 0)
			*ret = facts[i].fact;
	return 0;
}

struct bench {
	struct profile profile;
	struct host host;
	struct arena arena;
	struct receipt receipt;
	struct cgroup_plan plan;
	struct err err;
};

static void bench_start(struct bench *bench, enum cgroup_way way, unsigned controllers)
{
	*bench = (struct bench){.host = {.cgroup = way,
					.cgroup_parent = way ? "/cg/user" : NULL,
					.cgroup_mount = "/cg",
					.cgroup_controllers = controllers,
					.cgroup_reason = way ? NULL : "none here",
					.path = fake_path}};
	bench->receipt.arena = &bench->arena;
}

static void ask(struct bench *bench, enum limit_kind kind, uint64_t value, enum enforce enforce)
{
	bench->profile.limits.limits[kind] =
		(struct limit_rule){.rule = {.set = true, .enforce = enforce}, .value = value};
}

static int compile(struct bench *bench)
{
	return cgroup_compile(&bench->profile, &bench->host, &bench->arena, &bench->receipt,
		&bench->plan, &bench->err);
}

static const char *written(const struct bench *bench, const char *file)
{
	for (size_t i = 0; i < bench->plan.write_count; i++)
		if (strcmp(bench->plan.writes[i].file, file) == 0)
			return bench->plan.writes[i].value;
	return NULL;
}

static void test_values(void)
{
	struct bench bench;

	bench_start(&bench, CGROUP_DELEGATED, ALL);
	ask(&bench, LIMIT_MEMORY, 1ULL << 30, ENFORCE_REQUIRED);
	ask(&bench, LIMIT_MEMORY_HIGH, 1ULL << 29, ENFORCE_REQUIRED);
	ask(&bench, LIMIT_PIDS, 256, ENFORCE_REQUIRED);
	ask(&bench, LIMIT_CPU, 1500, ENFORCE_REQUIRED);
	ask(&bench, LIMIT_CPU_WEIGHT, 50, ENFORCE_REQUIRED);
	ask(&bench, LIMIT_IO_WEIGHT, 10, ENFORCE_REQUIRED);
	bench.profile.limits.cpuset_rule.set = true;
	bench.profile.limits.cpuset = "0-1";
	check_int(compile(&bench), 0, "all limits on a host with all controllers: %s",
		bench.err.message);
	check_text(written(&bench, "memory.max"), "1073741824", "memory.max");
	check_text(written(&bench, "memory.high"), "536870912", "memory.high");
	check_text(
		written(&bench, "memory.swap.max"), "0", "no way round it by swapping (T-RES-03)");
	check_text(written(&bench, "memory.oom.group"), "1", "and no half-dead jail");
	check_text(written(&bench, "pids.max"), "256", "pids.max");
	check_text(written(&bench, "cpu.max"), "150000 100000", "cpu.max");
	check_text(written(&bench, "cpu.weight"), "50", "cpu.weight");
	check_text(written(&bench, "io.weight"), "default 10", "io.weight");
	check_text(written(&bench, "cpuset.cpus"), "0-1", "cpuset.cpus");
	check_int(bench.plan.way, CGROUP_DELEGATED, "the host's way");
	check_text(bench.plan.parent, "/cg/user", "the host's parent");
	check_int((long long)bench.plan.controllers, ALL, "the controllers it takes");
	check(bench.plan.memory_limited && bench.plan.pids_limited, "nobody need stand in");
	check_int((long long)bench.receipt.row_count, 7, "a row for each rule");
	for (size_t i = 0; i < bench.receipt.row_count; i++)
		check_int(bench.receipt.rows[i].outcome, OUTCOME_ENFORCED, "%s",
			bench.receipt.rows[i].asked);
	arena_free(&bench.arena);
}

static void test_cpu(void)
{
	static const struct {
		uint64_t milli;
		const char *value;
	} cases[] = {{1000, "100000 100000"}, {10, "1000 100000"}, {9, "9000 1000000"},
		{1, "1000 1000000"}, {64000, "6400000 100000"}, {UINT64_MAX - 1, "max 100000"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench bench;

		bench_start(&bench, CGROUP_DELEGATED, ALL);
		ask(&bench, LIMIT_CPU, cases[i].milli, ENFORCE_REQUIRED);
		check_int(compile(&bench), 0, "%llu thousandths of a CPU",
			(unsigned long long)cases[i].milli);
		check_text(written(&bench, "cpu.max"), cases[i].value, "cpu.max");
		arena_free(&bench.arena);
	}
}

static void test_nothing(void)
{
	struct bench bench;

	bench_start(&bench, CGROUP_DELEGATED, ALL);
	ask(&bench, LIMIT_OPEN_FILES, 10, ENFORCE_REQUIRED);
	ask(&bench, LIMIT_MEMORY, LIMIT_UNLIMITED, ENFORCE_REQUIRED);
	check_int(compile(&bench), 0, "no limit that takes a cgroup");
	check_int(bench.plan.way, CGROUP_NONE, "no cgroup is made");
	check(!bench.plan.memory_limited && !bench.receipt.row_count, "and nothing is claimed");
	arena_free(&bench.arena);
}

static void test_swap(void)
{
	struct bench bench;

	bench_start(&bench, CGROUP_DELEGATED, ALL);
	ask(&bench, LIMIT_MEMORY, 4096, ENFORCE_REQUIRED);
	ask(&bench, LIMIT_SWAP, 8192, ENFORCE_REQUIRED);
	check_int(compile(&bench), 0, "memory and swap");
	check_text(written(&bench, "memory.swap.max"), "8192", "the swap that was asked for");
	for (size_t i = 0; i < bench.plan.write_count; i++)
		if (strcmp(bench.plan.writes[i].file, "memory.swap.max") == 0)
			check(!bench.plan.writes[i].optional, "is not optional");
	arena_free(&bench.arena);
}

/* What happens without the cgroup, for each way of asking. */
static void test_without(void)
{
	static const struct {
		enum limit_kind kind;
		enum enforce enforce;
		int result;
		int rows; /* -1: somebody else reports */
		enum outcome outcome;
	} cases[] = {
		{LIMIT_CPU, ENFORCE_REQUIRED, -ENOTSUP, 0, 0},
		{LIMIT_CPU, ENFORCE_BEST_EFFORT, 0, 1, OUTCOME_NOT_ENFORCED},
		{LIMIT_CPU, ENFORCE_AUDIT, 0, 1, OUTCOME_AUDITED},
		{LIMIT_SWAP, ENFORCE_REQUIRED, -ENOTSUP, 0, 0},
		{LIMIT_MEMORY_HIGH, ENFORCE_REQUIRED, -ENOTSUP, 0, 0},
		{LIMIT_IO_WEIGHT, ENFORCE_REQUIRED, -ENOTSUP, 0, 0},
		{LIMIT_MEMORY, ENFORCE_REQUIRED, 0, -1,
			0}, /* rlimit_compile() stands in, or refuses */
		{LIMIT_PIDS, ENFORCE_REQUIRED, 0, -1, 0},
		{LIMIT_MEMORY, ENFORCE_BEST_EFFORT, 0, -1, 0},
		{LIMIT_PIDS, ENFORCE_AUDIT, 0, 1, OUTCOME_AUDITED},
	};

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t at = i / 2;
		struct bench bench;

		bench_start(&bench, i % 2 ? CGROUP_DELEGATED : CGROUP_NONE,
			0); /* no way, or a way without controllers */
		ask(&bench, cases[at].kind, 100, cases[at].enforce);
		check_int(compile(&bench), cases[at].result, "limit %d, %s", (int)cases[at].kind,
			i % 2 ? "not delegated" : "no cgroup");
		if (cases[at].result == 0) {
			check_int(bench.plan.way, CGROUP_NONE, "no cgroup is made");
			check(!bench.plan.memory_limited && !bench.plan.pids_limited &&
					!bench.plan.write_count,
				"nothing is claimed");
			check_int((long long)bench.receipt.row_count,
				cases[at].rows < 0 ? 0 : cases[at].rows, "rows");
			if (cases[at].rows > 0)
				check_int(bench.receipt.rows[0].outcome, cases[at].outcome,
					"the outcome");
		} else {
			check(bench.err.hint[0] || bench.err.message[0], "with a reason: %s",
				bench.err.message);
		}
		arena_free(&bench.arena);
	}
}

static int compile_io(struct bench *bench, const char *path, enum enforce enforce)
{
	static struct io_limit limit;

	bench_start(bench, CGROUP_DELEGATED, ALL);
	limit = (struct io_limit){.rule = {.set = true, .enforce = enforce},
		.path = path,
		.read_bytes = 1000,
		.write_operations = 7};
	bench->profile.limits.io = &limit;
	bench->profile.limits.io_count = 1;
	return compile(bench);
}

static void test_io(void)
{
	struct bench bench;

	check_int(compile_io(&bench, "/data", ENFORCE_REQUIRED), 0, "a partition: %s",
		bench.err.message);
	check_text(written(&bench, "io.max"), "8:0 rbps=1000 wiops=7", "becomes its disk");
	arena_free(&bench.arena);
	check_int(compile_io(&bench, "/whole", ENFORCE_REQUIRED), 0, "a whole disk");
	check_text(written(&bench, "io.max"), "254:0 rbps=1000 wiops=7", "stays one");
	arena_free(&bench.arena);
	check_int(compile_io(&bench, "/shm", ENFORCE_REQUIRED), -ENOTSUP,
		"a file system without a device is refused");
	arena_free(&bench.arena);
	check_int(compile_io(&bench, "/shm", ENFORCE_BEST_EFFORT), 0, "or reported");
	check(bench.receipt.row_count == 1 && bench.receipt.rows[0].outcome == OUTCOME_NOT_ENFORCED,
		"as not enforced");
	arena_free(&bench.arena);
	check_int(compile_io(&bench, "/nothing", ENFORCE_REQUIRED), -ENOTSUP,
		"a path that is not there");
	arena_free(&bench.arena);
}

/* ---- what is left behind ---- */

static bool is_there(const char *name)
{
	return access(name, F_OK) == 0;
}

static void test_failed_open(void)
{
	struct rule rule = {.set = true};
	struct cgroup_write write = {"memory.max", "1", &rule, false};
	struct cgroup_plan plan = {.way = CGROUP_DELEGATED,
		.parent = base,
		.controllers = CONTROLLER_MEMORY,
		.writes = &write,
		.write_count = 1};
	struct cgroup cgroup;
	struct err err = {0};
	char command[160];
	int fd;

	check_int(cgroup_open(&plan, &cgroup, &err), -ENOENT, "a parent that is no cgroup");
	check_text(err.where, "cgroup.subtree_control", "says where");
	fd = open("cgroup.subtree_control", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	check(write.file && fd >= 0 && dprintf(fd, "cpu memory\n") > 0,
		"a parent that looks like one");
	(void)close(fd);
	err = (struct err){0};
	check_int(cgroup_open(&plan, &cgroup, &err), -ENOTSUP, "but makes no true ones");
	check_int(system("test -z \"$(ls | grep immure-)\""), 0, "what was made is gone");
	/* but for those of other programs, and for one that has ended and that its init is slow to
	 * collect: it has no program any more */
	check(snprintf(command, sizeof(command),
		      "for p in $(pgrep -x immure-janitor); do ! test /proc/$p/exe -ef "
		      "/proc/%d/exe || "
		      "exit 1; done",
		      getpid()) < (int)sizeof(command),
		"a look at the processes");
	check_int(system(command), 0, "the janitor too");
	(void)unlink("cgroup.subtree_control");
	plan = (struct cgroup_plan){.way = CGROUP_NONE};
	check_int(cgroup_open(&plan, &cgroup, &err), 0, "no cgroup asked");
	check(cgroup.directory == -1 && cgroup.parent == -1, "none made");
	check_int(cgroup_close(&cgroup), 0, "closing it is harmless");
}

static void test_sweep(void)
{
	char dead_name[64], live_name[64], locked_name[64];
	int parent = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), locked;
	pid_t dead = fork();

	if (dead == 0)
		_exit(0);
	(void)waitpid(dead, NULL, 0);
	(void)snprintf(dead_name, sizeof(dead_name), "immure-%d-0123456789abcdef", (int)dead);
	(void)snprintf(locked_name, sizeof(locked_name), "immure-%d-0123456789abcde0", (int)dead);
	(void)snprintf(live_name, sizeof(live_name), "immure-%d-0123456789abcdef", (int)getpid());
	check_int(mkdir(dead_name, 0755) || mkdir(live_name, 0755) || mkdir(locked_name, 0755) ||
			  mkdir("immure-1x-0123456789abcdef", 0755) ||
			  mkdir("immure-099999-0123456789abcdef", 0755) ||
			  mkdir("immure-99999999999-0123456789abcdef", 0755) ||
			  mkdir("immure-4000000-0123456789ABCDEF", 0755) || mkdir("other", 0755),
		0, "leftovers, and what only looks like some");
	locked = open(locked_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_int(flock(locked, LOCK_SH), 0, "one that is in use in another pid namespace");
	cgroup_sweep(parent);
	check(!is_there(dead_name), "a dead launcher's is removed");
	check(is_there(live_name), "a living one's stays");
	check(is_there(locked_name), "one that is locked stays");
	check(is_there("immure-1x-0123456789abcdef") &&
			is_there("immure-099999-0123456789abcdef") &&
			is_there("immure-99999999999-0123456789abcdef") &&
			is_there("immure-4000000-0123456789ABCDEF") && is_there("other"),
		"so does what is not ours");
	(void)close(locked);
	cgroup_sweep(parent);
	check(!is_there(locked_name), "unlocked, it goes");
	(void)close(parent);
	check_int(system("rmdir *"), 0, "swept by hand");
}

static bool gone_within(const char *name, unsigned milliseconds)
{
	struct timespec pause = {.tv_nsec = 1000000};

	for (unsigned i = 0; i < milliseconds && is_there(name); i++)
		(void)nanosleep(&pause, NULL);
	return !is_there(name);
}

/* The launcher is killed; only the janitor can remove its directory. */
static void test_janitor(void)
{
	int status = 0;
	pid_t launcher = fork();

	if (launcher == 0) {
		struct cgroup cgroup = {.directory = -1,
			.limits = -1,
			.parent = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			.janitor = JANITOR_NONE,
			.name = "janitored"};

		if (cgroup_janitor_start(&cgroup) == 0 && mkdir("janitored", 0755) == 0)
			(void)raise(SIGKILL);
		_exit(1);
	}
	(void)waitpid(launcher, &status, 0);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a launcher that is killed");
	check(gone_within("janitored", 2000), "leaves nothing behind");
}

static void test_dismissed(void)
{
	struct cgroup cgroup = {.directory = -1,
		.limits = -1,
		.parent = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.janitor = JANITOR_NONE,
		.name = "dismissed"};
	struct pollfd ended = {.events = POLLIN};

	check_int(cgroup_janitor_start(&cgroup), 0, "a janitor");
	check_int(waitpid(-1, NULL, WNOHANG), -1, "is not seen by who waits for any child");
	ended.fd = dup(cgroup.janitor.pidfd);
	check_int(mkdir("dismissed", 0755), 0, "its directory");
	check_int(cgroup_close(&cgroup), 0, "closed in order");
	check(!is_there("dismissed"), "the directory is gone");
	check_int(poll(&ended, 1, 0), 1, "and the janitor");
	check(cgroup.janitor.pidfd == -1 && cgroup.janitor.alive == -1 && cgroup.parent == -1,
		"and every descriptor");
	(void)close(ended.fd);
}

/* ---- the bus ---- */

#define LITTLE "l"

struct reply {
	const char *what;
	const char *authentication;
	const char *bytes; /* sent after the requests came */
	size_t length;
	int want;
};

static void serve(int server, const struct reply *reply)
{
	char buffer[4096];
	int client = accept(server, NULL, NULL);

	if (read(client, buffer, sizeof(buffer)) < 15 ||
		memcmp(buffer, "\0AUTH EXTERNAL ", 15) != 0)
		_exit(1);
	if (write(client, reply->authentication, strlen(reply->authentication)) < 0)
		_exit(1);
	if (strncmp(reply->authentication, "OK 00\r", 6) == 0) {
		size_t used = 0;

		while (!memmem(
			buffer, used, "CollectMode", 11)) /* until all of the requests is there */
			used += (size_t)read(client, buffer + used, sizeof(buffer) - used);
		(void)!write(client, reply->bytes, reply->length);
	}
	_exit(0); /* hangs up */
}

static void check_bus(const struct reply *reply)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "bus"};
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char path[PATH_MAX];
	struct err err = {0};
	pid_t pid;

	(void)unlink("bus");
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) || listen(server, 1))
		check(false, "a bus");
	pid = fork();
	if (pid == 0)
		serve(server, reply);
	check_int(cgroup_scope_enter(
			  "bus", "/nowhere", "immure-1-0123456789abcdef", path, sizeof(path), &err),
		reply->want, "%s (%s)", reply->what, err.message);
	(void)close(server);
	(void)waitpid(pid, NULL, 0);
}

/* A message as the bus would send it: made field by field, the lengths filled in at the end. */
struct built {
	char bytes[512];
	size_t length;
};

static void add_bytes(struct built *built, const void *bytes, size_t length, size_t alignment)
{
	built->length = (built->length + alignment - 1) / alignment * alignment;
	memcpy(built->bytes + built->length, bytes, length);
	built->length += length;
}

static void add_number(struct built *built, size_t value)
{
	uint32_t number = (uint32_t)value;

	add_bytes(built, &number, sizeof(number), 4);
}

static void add_text(struct built *built, const char *text)
{
	add_number(built, strlen(text));
	add_bytes(built, text, strlen(text) + 1, 1);
}

/*
 * kind: 3 an error (name: of the error), 4 a signal (name: of the member); texts: the body's
 * strings, after a number for signals.
 */
static struct built build(
	char kind, const char *name, const char *signature, const char *const *texts)
{
	struct built built = {.length = 0};
	char head[4] = {__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B', kind, 0, 1},
	     length = (char)strlen(signature);
	size_t fields, body;

	add_bytes(&built, head, 4, 1);
	add_number(&built, 0);
	add_number(&built, 9);
	add_number(&built, 0);
	fields = built.length;
	add_bytes(&built, kind == 3 ? "\4\1s\0" : "\3\1s\0", 4, 8);
	add_text(&built, name);
	add_bytes(&built, "\5\1u\0", 4, 8);
	add_number(&built, 3);
	add_bytes(&built, "\10\1g\0", 4, 8);
	add_bytes(&built, &length, 1, 1);
	add_bytes(&built, signature, strlen(signature) + 1, 1);
	memcpy(built.bytes + 12, &(uint32_t){(uint32_t)(built.length - fields)}, 4);
	add_bytes(&built, "", 0, 8);
	body = built.length;
	if (kind == 4)
		add_number(&built, 7);
	for (; *texts; texts++)
		add_text(&built, *texts);
	memcpy(built.bytes + 4, &(uint32_t){(uint32_t)(built.length - body)}, 4);
	return built;
}

static void test_bus(void)
{
	const struct built error = build(3, "org.foo.Bar", "s", (const char *const[]){"no!", NULL});
	const struct built other = build(
		4, "JobRemoved", "uoss", (const char *const[]){"/j", "x.scope", "done", NULL});
	static const char huge[] = LITTLE "\x04\0\x01"
					  "\xff\xff\xff\x7f"
					  "\x01\0\0\0"
					  "\0\0\0\0";
	static const char huge_fields[] = LITTLE "\x04\0\x01"
						 "\0\0\0\0"
						 "\x01\0\0\0"
						 "\xf9\xff\xff\xff";
	static const char other_order[] = "B\x04\0\x01"
					  "\0\0\0\0"
					  "\x01\0\0\0"
					  "\0\0\0\0";
	static const char other_version[] = LITTLE "\x04\0\x02"
						   "\0\0\0\0"
						   "\x01\0\0\0"
						   "\0\0\0\0";
	static const char bad_field[] = LITTLE "\x04\0\x01"
					       "\0\0\0\0"
					       "\x01\0\0\0"
					       "\x08\0\0\0"
					       "\x03\x01s\0\xff\xff\xff\xff";
	static const char bad_type[] = LITTLE "\x04\0\x01"
					      "\0\0\0\0"
					      "\x01\0\0\0"
					      "\x08\0\0\0"
					      "\x03\x01v\0\0\0\0\0";
	static const char no_end[] = LITTLE "\x04\0\x01"
					    "\0\0\0\0"
					    "\x01\0\0\0"
					    "\x0c\0\0\0"
					    "\x03\x01s\0\x03\0\0\0"
					    "abcd"
					    "\0\0\0\0";
	const struct reply replies[] = {
		{"a bus that rejects us", "REJECTED EXTERNAL\r\n", NULL, 0, -EACCES},
		{"a bus that hangs up", "O", "", 0, -ECONNRESET},
		{"a bus that talks without end",
			"OK "
			"00000000000000000000000000000000000000000000000000000000000000000000000000"
			"00000000000000000000000"
			"0000000000000000000000000000000000000000000000",
			NULL, 0, -EBADMSG},
		{"silence, then the end", "OK 00\r\n", "", 0, -ECONNRESET},
		{"an error of systemd's", "OK 00\r\n", error.bytes, error.length, -EREMOTEIO},
		{"another job's end, then the end", "OK 00\r\n", other.bytes, other.length,
			-ECONNRESET},
		{"half a message", "OK 00\r\n", error.bytes, 40, -ECONNRESET},
		{"a body that is too long", "OK 00\r\n", huge, sizeof(huge) - 1, -EBADMSG},
		{"fields that are too long", "OK 00\r\n", huge_fields, sizeof(huge_fields) - 1,
			-EBADMSG},
		{"another byte order", "OK 00\r\n", other_order, sizeof(other_order) - 1, -EBADMSG},
		{"another version", "OK 00\r\n", other_version, sizeof(other_version) - 1,
			-EBADMSG},
		{"a field that leads outside", "OK 00\r\n", bad_field, sizeof(bad_field) - 1,
			-EBADMSG},
		{"a field of a type that we never take", "OK 00\r\n", bad_type,
			sizeof(bad_type) - 1, -EBADMSG},
		{"a text without its end", "OK 00\r\n", no_end, sizeof(no_end) - 1, -EBADMSG},
	};
	struct err err = {0};
	char path[64];

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		check_bus(&replies[i]);
	check_int(cgroup_scope_enter("nobus", "/", "x", path, sizeof(path), &err), -ENOENT,
		"no bus at all");
}

static void test_job(void)
{
	const char *unit = "immure-1-0123456789abcdef.scope";
	const struct built failed =
		build(4, "JobRemoved", "uoss", (const char *const[]){"/j", unit, "failed", NULL});
	const struct built done =
		build(4, "JobRemoved", "uoss", (const char *const[]){"/j", unit, "done", NULL});
	const struct built cut =
		build(4, "JobRemoved", "uoss", (const char *const[]){"/j", unit, NULL});

	check_bus(&(struct reply){
		"a job that failed", "OK 00\r\n", failed.bytes, failed.length, -EREMOTEIO});
	check_bus(&(struct reply){"a job that is done, but we are nowhere else", "OK 00\r\n",
		done.bytes, done.length, -EBADMSG});
	check_bus(&(struct reply){
		"a job whose result is missing", "OK 00\r\n", cut.bytes, cut.length, -ECONNRESET});
}

int main(void)
{
	char command[64];

	(void)signal(SIGPIPE, SIG_DFL); /* a bus that hangs up must not end us */
	test_values();
	test_cpu();
	test_nothing();
	test_swap();
	test_without();
	test_io();
	if (!check(mkdtemp(base) && chdir(base) == 0, "a place for directories"))
		return check_done();
	test_failed_open();
	test_sweep();
	test_janitor();
	test_dismissed();
	test_bus();
	test_job();
	(void)snprintf(command, sizeof(command), "rm -rf %s", base);
	check_int(system(command), 0, "all gone");
	return check_done();
}
