/*
 * `immure doctor`: what this host can enforce, tried for real, and how to mend what it cannot. Exit
 * status 0 when the default profile runs here, 1 when it does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "host/doctor.h"
#include "isolation/cgroup.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/text.h"

#define WAIT_MILLISECONDS 30000

enum { OPTION_FORMAT };

static const struct option doctor_options[] = {
	{"format", 0, "text|json", "for people (the default), or for programs", OPTION_FORMAT},
	{NULL, 0, NULL, NULL, 0},
};

/* ---- trials in a process of their own ---- */

/*
 * Runs child(data, out) in a new process; what it writes to out goes to text. Its exit status, or
 * -errno.
 */
static int run_apart(
	int (*child)(const void *data, int out), const void *data, char *text, size_t size)
{
	_cleanup_close_ int in = -1, out = -1;
	size_t used = 0;
	int ends[2], status = 0;
	struct pollfd wait = {.events = POLLIN};
	pid_t pid;

	text[0] = '\0';
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	in = ends[0];
	out = ends[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		_exit(child(data, out));
	}
	(void)close(take_fd(&out));
	wait.fd = in;
	while (used + 1 < size && poll(&wait, 1, WAIT_MILLISECONDS) == 1) {
		ssize_t got = read(in, text + used, size - 1 - used);

		if (got <= 0)
			break;
		used += (size_t)got;
	}
	text[used] = '\0';
	if (poll(&wait, 1, WAIT_MILLISECONDS) == 0) /* still open, still silent: it hangs */
		(void)kill(pid, SIGKILL);
	(void)close(take_fd(&in));
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_BY_SIGNAL + WTERMSIG(status);
}

/* In a process of its own, since the way by systemd moves it. */
static int cgroup_child(const void *data, int out)
{
	const struct host *host = data;
	struct rule rule = {.origin = {.pointer = "doctor"}};
	struct cgroup_write limit = {.file = "pids.max", .value = "64", .rule = &rule};
	struct cgroup_plan plan = {.way = host->cgroup,
		.parent = host->cgroup_parent,
		.mount = host->cgroup_mount,
		.controllers = CONTROLLER_PIDS,
		.writes = &limit,
		.write_count = host->cgroup_controllers & CONTROLLER_PIDS ? 1 : 0};
	struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	struct cgroup cgroup = {
		.directory = -1, .limits = -1, .parent = -1, .janitor = JANITOR_NONE};
	struct err err = {0};
	long pid;

	if (cgroup_open(&plan, &cgroup, &err) < 0) {
		(void)dprintf(out, "%s: %s", err.where, err.message);
		return 1;
	}
	arguments.cgroup = (unsigned)cgroup.directory;
	pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		(void)dprintf(out, "clone3(CLONE_INTO_CGROUP): %s", strerror(errno));
	else
		(void)waitpid((pid_t)pid, NULL, 0);
	if (cgroup_close(&cgroup) < 0 && pid > 0)
		(void)dprintf(out, "it cannot be removed");
	return pid < 0;
}

static int try_cgroup(const struct host *host, char *detail, size_t size)
{
	int r = run_apart(cgroup_child, host, detail, size);

	return r > 0 ? -EIO : r;
}

/* The launch itself, by this very program: nothing else tells as truly whether one works. */
static int launch_child(const void *data, int out)
{
	char *const arguments[] = {(char *)"immure", (char *)"jail", (char *)"/bin/true", NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)data;
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(out, 2) < 0)
		return EXIT_OWN_ERROR;
	(void)execv("/proc/self/exe", arguments);
	return EXIT_NOT_RUNNABLE;
}

static int add_launch(struct arena *arena, struct doctor_findings *findings, struct err *reterr)
{
	struct doctor_row *row = ARENA_APPEND(arena, findings->rows, findings->row_count);
	char text[1024];
	int status = run_apart(launch_child, NULL, text, sizeof(text));

	if (!row)
		return err_no_memory(reterr);
	if (status < 0)
		return err_set(reterr, status, NULL, "cannot try a launch: %s", strerror(-status));
	*row = (struct doctor_row){.id = "launch",
		.feature = "a launch under the default profile",
		.needed = true,
		.detail = "/bin/true ran, walled in"};
	if (status == 0)
		return 0;
	row->state = DOCTOR_MISSING;
	text[strcspn(text, "\n")] = '\0';
	row->detail =
		arena_format(arena, "status %d: %s", status, text[0] ? text : "no word of why");
	row->costs = "immure jail does not work here as it is";
	row->fix = "mend what is missing above, or choose a profile that asks for less (immure "
		   "profile list)";
	findings->able = false;
	return row->detail ? 0 : err_no_memory(reterr);
}

/* ---- printing ---- */

static const char *clean(const char *text, char *buffer, size_t size)
{
	return text_escape(text, strlen(text), buffer, size);
}

/* Aligned, and the state in colour: for a terminal alone. */
static void print_table(const struct doctor_findings *findings)
{
	static const char *const colours[] = {
		[DOCTOR_OK] = "32", [DOCTOR_DEGRADED] = "33", [DOCTOR_MISSING] = "31"};
	char buffer[2048];
	int width = 0;

	for (size_t i = 0; i < findings->row_count; i++)
		if ((int)strlen(findings->rows[i].feature) > width)
			width = (int)strlen(findings->rows[i].feature);
	printf("%s, Linux %s\n\n", findings->distribution,
		clean(findings->kernel, buffer, sizeof(buffer)));
	for (size_t i = 0; i < findings->row_count; i++) {
		const struct doctor_row *row = &findings->rows[i];

		printf("\033[%sm%-8s\033[0m  %-*s  %s\n", colours[row->state],
			doctor_state_name(row->state), width, row->feature,
			clean(row->detail, buffer, sizeof(buffer)));
		if (row->costs)
			printf("%10s%-*s  costs: %s\n", "", width, "", row->costs);
		if (row->fix)
			printf("%10s%-*s  fix:   %s\n", "", width, "", row->fix);
	}
	printf("\n%s\n", findings->able ? "The default profile runs here."
					: "The default profile does not run here.");
}

/* A line for each row, its parts by tabs: for grep and awk. */
static void print_lines(const struct doctor_findings *findings)
{
	char buffer[2048];

	for (size_t i = 0; i < findings->row_count; i++) {
		const struct doctor_row *row = &findings->rows[i];

		printf("%s\t%s\t%s", row->id, doctor_state_name(row->state),
			clean(row->detail, buffer, sizeof(buffer)));
		if (row->costs)
			printf("\tcosts: %s", row->costs);
		if (row->fix)
			printf("\tfix: %s", row->fix);
		putchar('\n');
	}
}

/* NULL becomes null, and what is no UTF-8 an escaped text. */
static json_t *json_text(const char *text)
{
	char buffer[2048];

	return text ? json_string(clean(text, buffer, sizeof(buffer))) : json_null();
}

static int print_document(const struct doctor_findings *findings)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < findings->row_count; i++) {
		const struct doctor_row *row = &findings->rows[i];

		if (json_array_append_new(rows,
			    json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "id", row->id,
				    "feature", row->feature, "state", doctor_state_name(row->state),
				    "needed", row->needed, "detail", json_text(row->detail),
				    "costs", json_text(row->costs), "fix", json_text(row->fix)))) {
			json_decref(rows);
			return print_json(NULL);
		}
	}
	return print_json(json_pack("{s:i, s:o, s:o, s:b, s:o}", "version", 1, "distribution",
		json_text(findings->distribution), "kernel", json_text(findings->kernel), "able",
		findings->able, "features", rows));
}

/* ---- the verb ---- */

static int read_format(int argc, char **argv, bool *ret_json, struct err *reterr)
{
	static struct given_option given[OPTIONS_ROOM];
	size_t count = 0;
	int taken = options_parse(doctor_options, argc, argv, given, &count, reterr);

	if (taken < 0)
		return taken;
	*ret_json = false;
	for (size_t i = 0; i < count; i++) {
		*ret_json = strcmp(given[i].value, "json") == 0;
		if (!*ret_json && strcmp(given[i].value, "text") != 0)
			return err_set(reterr, -EINVAL, "--format", "expected text or json");
	}
	return taken < argc ? err_set(reterr, -EINVAL, argv[taken], "doctor takes no more words")
			    : 0;
}

int cli_doctor(int argc, char **argv)
{
	struct doctor_findings findings = {0};
	struct arena arena = {0};
	struct err err = {0};
	bool json = false;
	int r = read_format(argc, argv, &json, &err);

	if (r == 0)
		r = doctor_examine(try_cgroup, &arena, &findings, &err);
	if (r == 0)
		r = add_launch(&arena, &findings, &err);
	if (r < 0)
		r = print_error(&err);
	else if (json)
		r = print_document(&findings);
	else
		(isatty(STDOUT_FILENO) ? print_table : print_lines)(&findings);
	arena_free(&arena);
	return r ? r : findings.able ? 0 : 1;
}
