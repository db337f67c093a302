/*
 * The parsers for the text of the kernel and the administrator. The first byte chooses one. What is
 * accepted prints back to the very same text; what is cut short is refused; ranges never hold what
 * they must not.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "host/doctor_parts.h"
#include "host/parts.h"
#include "util/arena.h"
#include "util/proc.h"

/* ---- lines ---- */

static void print_escaped(FILE *out, const char *text, const char *escaped)
{
	for (; *text; text++)
		if (strchr(escaped, *text))
			(void)fprintf(out, "\\%03o", (unsigned char)*text);
		else
			(void)fputc(*text, out);
}

static void check_mount(char *line)
{
	char *original = strdup(line), *printed = NULL;
	struct proc_mount mount;
	size_t length;
	FILE *out;

	if (proc_mount_parse(line, &mount) == 0) {
		out = open_memstream(&printed, &length);
		(void)fprintf(
			out, "%u %u %u:%u ", mount.id, mount.parent, mount.major, mount.minor);
		print_escaped(out, mount.root, " \t\n\\");
		(void)fputc(' ', out);
		print_escaped(out, mount.target, " \t\n\\");
		(void)fprintf(out, " %s %s%s- %s ", mount.options, mount.optional,
			*mount.optional ? " " : "", mount.type);
		/* kernels before 6.0 leave the hash as it is */
		print_escaped(
			out, mount.source, strstr(original, "\\043") ? " \t\n\\#" : " \t\n\\");
		(void)fprintf(out, " %s", mount.super_options);
		(void)fclose(out);
		if (!(strstr(original, "\\043") &&
			    strchr(original, '#'))) /* both ways at once: no kernel's, and not worth
						       a refusal */
			HOLDS(strcmp(printed, original) == 0);
	}
	free(original);
	free(printed);
}

static void check_cgroup(char *line)
{
	char *original = strdup(line), *printed = NULL;
	struct proc_cgroup cgroup;

	if (proc_cgroup_parse(line, &cgroup) == 0) {
		HOLDS(asprintf(&printed, "%u:%s:%s", cgroup.hierarchy, cgroup.controllers,
			      cgroup.path) > 0);
		HOLDS(strcmp(printed, original) == 0 && cgroup.path[0] == '/');
	}
	free(original);
	free(printed);
}

static void check_id_map(char *line)
{
	struct proc_id_map map;
	char printed[64], squeezed[64];
	size_t used = 0;

	if (proc_id_map_parse(line, &map))
		return;
	HOLDS(map.count > 0 && (uint64_t)map.inside + map.count <= UINT32_MAX &&
		(uint64_t)map.outside + map.count <= UINT32_MAX);
	for (line += strspn(line, " "); *line && used + 1 < sizeof(squeezed); line++)
		if (*line != ' ' || line[1] != ' ')
			squeezed[used++] = *line;
	squeezed[used] = '\0';
	(void)snprintf(printed, sizeof(printed), "%u %u %u", map.inside, map.outside, map.count);
	HOLDS(strcmp(printed, squeezed) == 0);
}

/* Every line that is whole, and never one that is not. */
static void each_line(char *text, void (*check)(char *line))
{
	size_t newlines = 0, lines = 0;
	char *line, *cursor = text;
	int r;

	for (const char *c = text; *c; c++)
		newlines += *c == '\n';
	while ((r = proc_next_line(&cursor, &line)) == 1) {
		HOLDS(!strchr(line, '\n') && line + strlen(line) + 1 == cursor);
		lines++;
		check(line);
	}
	HOLDS(lines == newlines);
	HOLDS(r == 0 ? !*cursor : r == -EBADMSG && *cursor && !strchr(cursor, '\n'));
}

/* ---- keys and values ---- */

/* "key\nrest": is looked up in the rest. */
static void check_status(char *text)
{
	char *rest = strchr(text, '\n'), printed[32];
	const char *value;
	uint64_t number;
	size_t length;

	if (!rest || rest == text)
		return;
	*rest++ = '\0';
	if (!proc_status_find(rest, text, &value, &length))
		return;
	HOLDS(value[length] == '\n' && !memchr(value, '\n', length));
	HOLDS(value > rest + strlen(text));
	if (proc_status_number(rest, text, &number) == 0) {
		(void)snprintf(printed, sizeof(printed), "%llu", (unsigned long long)number);
		HOLDS(strlen(printed) == length && strncmp(printed, value, length) == 0);
	}
}

/* ---- the administrator's files ---- */

static void check_ranges(char *text)
{
	struct arena arena = {0};
	struct id_range *ranges = NULL;
	size_t count = 0;

	HOLDS(subordinate_parse(text, "user", 1000, 1000, &arena, &ranges, &count) == 0 &&
		count <= 340);
	for (size_t i = 0; i < count; i++) {
		uint64_t start = ranges[i].start, end = start + ranges[i].count;

		HOLDS(start > 0 && end > start && end <= UINT32_MAX &&
			!(start <= 1000 && end > 1000));
		for (size_t k = 0; k < i; k++)
			HOLDS(end <= ranges[k].start ||
				(uint64_t)ranges[k].start + ranges[k].count <= start);
	}
	arena_free(&arena);
}

static void check_passwd(char *text)
{
	const char *name = passwd_find_name(text, 1000);

	HOLDS(!name || (*name && !strpbrk(name, ":\n")));
}

static void check_release(char *text)
{
	char id[64];

	HOLDS(distribution_parse(text, id, sizeof(id)) < DISTRIBUTION_COUNT);
	HOLDS(*id && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(id));
}

/* "cgroup file\0mountinfo": below a root that is not there, so that only the text decides. */
static void check_delegation(char *text, size_t size)
{
	struct delegation_view view = {.self = text,
		.mounts = text + strlen(text) + 1,
		.root = "/nonexistent",
		.runtime = "/run"};
	struct host host = {.uid = 1000};
	struct arena arena = {0};

	if (strlen(text) == size)
		view.mounts = text + size;
	HOLDS(delegation_find(&view, &arena, &host) == 0);
	HOLDS(host.cgroup == CGROUP_NONE && host.cgroup_reason && !host.cgroup_parent &&
		!host.cgroup_controllers);
	arena_free(&arena);
}

static void lines_of_mounts(char *text)
{
	each_line(text, check_mount);
}

static void lines_of_cgroups(char *text)
{
	each_line(text, check_cgroup);
}

static void lines_of_id_maps(char *text)
{
	each_line(text, check_id_map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		char letter;
		void (*check)(char *text);
	} checks[] = {{'m', lines_of_mounts}, {'c', lines_of_cgroups}, {'u', lines_of_id_maps},
		{'s', check_status}, {'r', check_ranges}, {'p', check_passwd},
		{'o', check_release}};
	char *text;

	if (size < 1)
		return 0;
	text = calloc(size + 1, 1);
	HOLDS(text);
	memcpy(text, data + 1, size - 1);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (checks[i].letter == (char)data[0])
			checks[i].check(text);
	if (data[0] == 'd')
		check_delegation(text, size - 1);
	free(text);
	return 0;
}
