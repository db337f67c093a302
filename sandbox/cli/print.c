/* Everything that is printed: diagnostics, the step table, the receipt, the result. Outside text is
 * escaped (R39). */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/number.h"
#include "util/report.h"
#include "util/text.h"

static const char *shown(const char *text, char *buffer, size_t size)
{
	if (mutant(MUTANT_NO_ESCAPE))
		(void)snprintf(buffer, size, "%s", text);
	else
		(void)text_escape(text, strlen(text), buffer, size);
	return buffer;
}

int print_error(const struct err *err)
{
	char where[1024], message[1024], hint[1024];

	(void)fprintf(stderr, "immure: %s%s%s\n", shown(err->where, where, sizeof(where)),
		err->where[0] ? ": " : "", shown(err->message, message, sizeof(message)));
	if (err->hint[0])
		(void)fprintf(stderr, "  %s\n", shown(err->hint, hint, sizeof(hint)));
	return EXIT_OWN_ERROR;
}

/* ---- the step table ---- */

static void text_row(
	struct report *report, const char *action, const char *detail, const char *place)
{
	char clean[2048], where[1024];

	(void)report;
	(void)printf("    %-14s %s", action, shown(detail, clean, sizeof(clean)));
	if (place && strcmp(place, "default") != 0)
		(void)printf("   [%s]", shown(place, where, sizeof(where)));
	(void)putchar('\n');
}

struct json_report {
	struct report report;
	json_t *rows;
};

static void json_row(
	struct report *report, const char *action, const char *detail, const char *place)
{
	struct json_report *json = (struct json_report *)report; /* its first member */
	json_t *row = json_pack("{ss}", "action", action);

	/* bytes that are no UTF-8 (a path may hold any) are escaped, since JSON cannot hold them */
	char clean[2048], where[1024];

	(void)json_object_set_new(row, "detail", json_string(shown(detail, clean, sizeof(clean))));
	if (place)
		(void)json_object_set_new(
			row, "place", json_string(shown(place, where, sizeof(where))));
	(void)json_array_append_new(json->rows, row);
}

static const char *who_name(enum step_who who)
{
	return who == STEP_BY_INIT ? "init" : "program";
}

static json_t *receipt_json(const struct plan *plan)
{
	json_t *rows = json_array();
	char place[1024], clean[1024];

	for (size_t i = 0; i < plan->receipt.row_count; i++) {
		const struct receipt_row *row = &plan->receipt.rows[i];
		json_t *one = json_pack("{ss ss ss}", "rule",
			shown(origin_format(&row->rule->origin, place, sizeof(place)), clean,
				sizeof(clean)),
			"enforce", enforce_names[row->rule->enforce], "outcome",
			outcome_name(row->outcome));

		(void)json_object_set_new(
			one, "asked", json_string(shown(row->asked, clean, sizeof(clean))));
		if (row->layer)
			(void)json_object_set_new(one, "layer", json_string(row->layer));
		if (row->reason)
			(void)json_object_set_new(one, "reason", json_string(row->reason));
		if (row->remedy)
			(void)json_object_set_new(one, "remedy", json_string(row->remedy));
		(void)json_array_append_new(rows, one);
	}
	return rows;
}

static json_t *plan_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < STEP_COUNT; i++) {
		struct json_report report = {.report = {.row = json_row}, .rows = json_array()};

		if (steps[i].explain)
			steps[i].explain(plan, &report.report);
		(void)json_array_append_new(
			list, json_pack("{ss ss so}", "step", steps[i].name, "by",
				      who_name(steps[i].who), "rows", report.rows));
	}
	return json_pack("{si ss* so so}", "version", 1, "profile", plan->profile->name, "steps",
		list, "receipt", receipt_json(plan));
}

static void print_receipt_text(const struct plan *plan)
{
	char asked[1024], reason[1024];

	for (size_t i = 0; i < plan->receipt.row_count; i++) {
		const struct receipt_row *row = &plan->receipt.rows[i];

		if (row->outcome == OUTCOME_ENFORCED)
			continue;
		(void)printf("  %-12s %s%s%s\n", outcome_name(row->outcome),
			shown(row->asked, asked, sizeof(asked)), row->reason ? ": " : "",
			row->reason ? shown(row->reason, reason, sizeof(reason)) : "");
	}
}

int print_json(json_t *document)
{
	struct err err = {0};
	int r = document ? json_dumpf(document, stdout, JSON_INDENT(2)) : -1;

	json_decref(document);
	(void)putchar('\n');
	if (r == 0 || ferror(stdout))
		return 0;
	err_no_memory(&err);
	return print_error(&err);
}

int print_plan(const struct plan *plan, bool json)
{
	struct report report = {.row = text_row};

	if (json)
		return print_json(plan_json(plan));
	for (size_t i = 0; i < STEP_COUNT; i++) {
		(void)printf("%2zu. %-24s %s\n", i + 1, steps[i].name,
			steps[i].who == STEP_BY_INIT ? "" : "(in the program's process)");
		if (steps[i].explain)
			steps[i].explain(plan, &report);
	}
	(void)printf("\nNot, or not wholly, enforced:\n");
	print_receipt_text(plan);
	return 0;
}

/* ---- files ---- */

/* Opening does not wait for a reader; writing may. */
static int open_special(const char *path)
{
	int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	(void)fcntl(fd, F_SETFL, 0); /* of a description that is ours */
	return fd;
}

/* The caller's own, if it is open for writing. */
static int find_descriptor(const char *number)
{
	uint64_t fd;
	int flags = text_parse_u64(number, INT32_MAX, &fd) < 0 ? -1 : fcntl((int)fd, F_GETFL);

	return flags < 0 || flags & O_PATH || (flags & O_ACCMODE) == O_RDONLY ? -EBADF : (int)fd;
}

/* A regular file is replaced: what has to be writable is its directory. */
static int open_place(const char *path, struct output *ret)
{
	int r = file_open_parent(path, &ret->directory, &ret->name);

	return r == 0 && faccessat(ret->directory, ".", W_OK, 0) ? -errno : r;
}

int output_open(const char *path, struct output *ret, struct err *reterr)
{
	struct stat status;
	int r = 0;

	*ret = OUTPUT_NONE;
	ret->path = path;
	if (!path[0])
		return err_set(reterr, -EINVAL, "--receipt, --result", "expected a file");
	if (strcmp(path, "-") == 0)
		ret->fd = STDOUT_FILENO;
	else if (path[0] == '@')
		r = ret->fd = find_descriptor(path + 1);
	else if (stat(path, &status) == 0 &&
		 !S_ISREG(status.st_mode)) /* /dev/stdout, a pipe: written to, not replaced */
		r = ret->fd = open_special(path);
	else
		r = open_place(path, ret);
	if (r < 0)
		return err_set(reterr, r, path, "cannot be written: %s", strerror(-r));
	return 0;
}

/* Takes over document. A regular file is replaced as a whole: a reader sees the old one or the new
 * one, never a half. */
static int write_json(json_t *document, const struct output *output, struct err *reterr)
{
	_cleanup_free_ char *text =
		document ? json_dumps(document,
				   JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9))
			 : NULL;
	size_t length = text ? strlen(text) : 0;
	int r;

	json_decref(document);
	if (!text)
		return err_set(reterr, -ENOMEM, output->path, "out of memory");
	text[length++] = '\n'; /* in the place of its NUL */
	r = output->fd >= 0 ? file_write_all(output->fd, text, length)
			    : file_replace_at(output->directory, output->name, text, length);
	return r < 0 ? err_set(reterr, r, output->path, "cannot write: %s", strerror(-r)) : 0;
}

int write_receipt(const struct plan *plan, const struct output *output, struct err *reterr)
{
	return write_json(json_pack("{si ss* so}", "version", 1, "profile", plan->profile->name,
				  "rules", receipt_json(plan)),
		output, reterr);
}

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

int write_result(const struct launch_result *result, const char *program,
	const struct output *output, struct err *reterr)
{
	bool exited = WIFEXITED(result->status);
	const char *name = exited ? NULL : number_signal(WTERMSIG(result->status));
	uint64_t peak = result->counts.memory_peak ? result->counts.memory_peak
						   : (uint64_t)result->usage.ru_maxrss * 1024;
	char clean[1024], signal[32] = "";
	json_t *document;

	if (!exited)
		(void)snprintf(signal, sizeof(signal), "SIG%s", name ? name : "?");
	document = json_pack("{si ss so so sf sf sf sI ss so}", "version", 1, "program",
		shown(program, clean, sizeof(clean)), "exit",
		exited ? json_integer(WEXITSTATUS(result->status)) : json_null(), "signal",
		exited ? json_null() : json_string(signal), "wall_seconds",
		(double)result->wall_microseconds / 1e6, "cpu_user_seconds",
		seconds(&result->usage.ru_utime), "cpu_system_seconds",
		seconds(&result->usage.ru_stime), "memory_peak_bytes", (json_int_t)peak,
		"memory_counted_by",
		result->counts.memory_peak ? "cgroup memory.peak" : "largest process (ru_maxrss)",
		"limit", result->limit ? json_string(result->limit) : json_null());
	return write_json(document, output, reterr);
}
