/* The section "limits": one table says each limit's name, unit and range, for the parser, the
 * emitter and the command line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profile/grammar.h"
#include "profile/load.h"
#include "profile/sections.h"
#include "util/arena.h"
#include "util/text.h"

enum unit { UNIT_BYTES, UNIT_COUNT, UNIT_MILLI, UNIT_DURATION };

#define BYTES_MAX (UINT64_C(1) << 60)
#define DURATION_MAX (UINT64_C(100) * 365 * 86400 * 1000) /* a century */

static const struct limit {
	enum unit unit;
	bool always; /* "unlimited" is no answer */
	uint64_t minimum, maximum;
} limits[] = {
	[LIMIT_MEMORY] = {UNIT_BYTES, false, 1 << 20,
		BYTES_MAX}, /* below this not even the jail's own start fits */
	[LIMIT_MEMORY_HIGH] = {UNIT_BYTES, false, 1 << 20, BYTES_MAX},
	[LIMIT_SWAP] = {UNIT_BYTES, false, 0, BYTES_MAX},
	[LIMIT_PIDS] = {UNIT_COUNT, false, 2, /* the jail's first process is one of them */
		4194304},                     /* PID_MAX_LIMIT */
	[LIMIT_CPU] = {UNIT_MILLI, false, 10,
		UINT64_C(8192) * 1000}, /* the kernel's least quota is 1 ms in a period of 100 ms */
	[LIMIT_CPU_WEIGHT] = {UNIT_COUNT, true, 1, 10000},
	[LIMIT_IO_WEIGHT] = {UNIT_COUNT, true, 1, 10000},
	[LIMIT_OPEN_FILES] = {UNIT_COUNT, false, 3, 1 << 30},
	[LIMIT_FILE_SIZE] = {UNIT_BYTES, false, 0, BYTES_MAX},
	[LIMIT_CPU_TIME] = {UNIT_DURATION, false, 1, DURATION_MAX},
	[LIMIT_WALL_TIME] = {UNIT_DURATION, false, 1, DURATION_MAX},
	[LIMIT_CORE] = {UNIT_BYTES, false, 0, BYTES_MAX},
	[LIMIT_STACK] = {UNIT_BYTES, false, 65536, BYTES_MAX},
	[LIMIT_ADDRESS_SPACE] = {UNIT_BYTES, false, 1 << 20, BYTES_MAX},
	[LIMIT_LOCKED_MEMORY] = {UNIT_BYTES, false, 0, BYTES_MAX},
	[LIMIT_PENDING_SIGNALS] = {UNIT_COUNT, false, 0, 1 << 30},
	[LIMIT_MESSAGE_QUEUES] = {UNIT_BYTES, false, 0, BYTES_MAX},
};
const char *const limit_names[] = {
	[LIMIT_MEMORY] = "memory",
	[LIMIT_MEMORY_HIGH] = "memory_high",
	[LIMIT_SWAP] = "swap",
	[LIMIT_PIDS] = "pids",
	[LIMIT_CPU] = "cpu",
	[LIMIT_CPU_WEIGHT] = "cpu_weight",
	[LIMIT_IO_WEIGHT] = "io_weight",
	[LIMIT_OPEN_FILES] = "open_files",
	[LIMIT_FILE_SIZE] = "file_size",
	[LIMIT_CPU_TIME] = "cpu_time",
	[LIMIT_WALL_TIME] = "wall_time",
	[LIMIT_CORE] = "core",
	[LIMIT_STACK] = "stack",
	[LIMIT_ADDRESS_SPACE] = "address_space",
	[LIMIT_LOCKED_MEMORY] = "locked_memory",
	[LIMIT_PENDING_SIGNALS] = "pending_signals",
	[LIMIT_MESSAGE_QUEUES] = "message_queues",
};
_Static_assert(ARRAY_SIZE(limits) == LIMIT_COUNT, "each limit has a unit");
_Static_assert(ARRAY_SIZE(limit_names) == LIMIT_COUNT, "each limit has a name");

/* ---- values ---- */

static int parse_count(const char *text, uint64_t *ret)
{
	return text_parse_u64(text, UINT64_MAX, ret);
}

static const struct {
	int (*parse)(const char *text, uint64_t *ret);
	const char *expected;
} units[] = {
	[UNIT_BYTES] = {text_parse_size, "a size such as \"512M\""},
	[UNIT_COUNT] = {parse_count, "a count such as 100"},
	[UNIT_MILLI] = {text_parse_milli, "a number of CPUs such as 1.5"},
	[UNIT_DURATION] = {text_parse_duration,
		"a duration such as \"90s\", \"1m30s\" or \"500ms\""},
};

static int parse_value(const struct limit *limit, const char *text, uint64_t *ret)
{
	uint64_t value;
	int r;

	if (strcmp(text, "unlimited") == 0) {
		if (limit->always)
			return -EINVAL;
		*ret = LIMIT_UNLIMITED;
		return 0;
	}
	r = units[limit->unit].parse(text, &value);
	if (r)
		return r;
	if (value < limit->minimum || value > limit->maximum)
		return -ERANGE;
	*ret = value;
	return 0;
}

/* Says what would have been right; -EINVAL. */
static int refuse_value(
	enum limit_kind kind, const char *where, const char *text, int code, struct err *reterr)
{
	const struct limit *limit = &limits[kind];
	char safe[64], low[32], high[32];
	int r;

	(void)text_escape(text, strlen(text), safe, sizeof(safe));
	if (code == -ERANGE)
		r = err_set(reterr, -EINVAL, where, "%s: \"%s\" is not between %s and %s",
			limit_names[kind], safe,
			limit_format(kind, limit->minimum, low, sizeof(low)),
			limit_format(kind, limit->maximum, high, sizeof(high)));
	else
		r = err_set(reterr, -EINVAL, where, "%s: \"%s\" is not %s", limit_names[kind], safe,
			units[limit->unit].expected);
	if (!limit->always)
		err_hint(reterr, "\"unlimited\" takes the limit away");
	return r;
}

int limit_parse(enum limit_kind kind, const char *text, uint64_t *ret, struct err *reterr)
{
	int r = parse_value(&limits[kind], text, ret);

	return r ? refuse_value(kind, limit_names[kind], text, r, reterr) : 0;
}

static char *format_bytes(uint64_t value, char *buffer, size_t size)
{
	static const char suffixes[] = "\0KMGT";
	unsigned power = 0;

	for (; value && value % 1024 == 0 && power < 4; power++)
		value /= 1024;
	(void)snprintf(buffer, size, "%llu%.1s", (unsigned long long)value, suffixes + power);
	return buffer;
}

char *limit_format(enum limit_kind kind, uint64_t value, char *buffer, size_t size)
{
	if (value == LIMIT_UNLIMITED)
		(void)snprintf(buffer, size, "unlimited");
	else if (limits[kind].unit == UNIT_BYTES)
		return format_bytes(value, buffer, size);
	else if (limits[kind].unit == UNIT_MILLI && value % 1000)
		(void)snprintf(buffer, size, "%llu.%03llu", (unsigned long long)value / 1000,
			(unsigned long long)value % 1000);
	else if (limits[kind].unit == UNIT_MILLI)
		(void)snprintf(buffer, size, "%llu", (unsigned long long)value / 1000);
	else if (limits[kind].unit == UNIT_DURATION)
		(void)snprintf(buffer, size, "%llu%s",
			(unsigned long long)(value % 1000 ? value : value / 1000),
			value % 1000 ? "ms" : "s");
	else
		(void)snprintf(buffer, size, "%llu", (unsigned long long)value);
	return buffer;
}

/* ---- the section ---- */

/* A number or a string, as text; NULL for anything else. A fraction is for CPUs only. */
static const char *value_text(
	const struct cursor *value, const struct limit *limit, char *buffer, size_t size)
{
	if (json_is_integer(value->node))
		(void)snprintf(buffer, size, "%lld", (long long)json_integer_value(value->node));
	else if (json_is_real(value->node) && limit->unit == UNIT_MILLI)
		(void)snprintf(buffer, size, "%.15g",
			json_real_value(value->node)); /* 15 digits: as it was written */
	else
		return json_string_value(value->node);
	return buffer;
}

static int limit_read(const struct cursor *at, const struct field *field, void *into)
{
	struct limit_rule *rule = into;
	enum limit_kind kind = (enum limit_kind)field->minimum;
	struct cursor value;
	char number[40], place[512];
	const char *text;
	int r = cursor_setting(at, &rule->rule, &value);

	if (r)
		return r;
	text = value_text(&value, &limits[kind], number, sizeof(number));
	if (!text)
		return cursor_error(&value, "expected %s", units[limits[kind].unit].expected);
	r = parse_value(&limits[kind], text, &rule->value);
	return r ? refuse_value(kind, origin_format(&rule->rule.origin, place, sizeof(place)), text,
			   r, at->reading->err)
		 : 0;
}

#define LIMIT(kind, key)                                            \
	{                                                           \
		.name = (key), .read = limit_read,                  \
		.offset = offsetof(struct limits_section, limits) + \
			  (kind) * sizeof(struct limit_rule),       \
		.minimum = (kind)                                   \
	}
#define IO(key, member, reader) \
	FIELD(key, reader, struct io_limit, member, .minimum = 1, .maximum = BYTES_MAX)

static int io_limit_read(const struct cursor *at, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		FIELD("device", cursor_path, struct io_limit, path, .mandatory = true),
		IO("read_bytes", read_bytes, cursor_size),
		IO("write_bytes", write_bytes, cursor_size),
		IO("read_operations", read_operations, cursor_number),
		IO("write_operations", write_operations, cursor_number),
	};
	struct limits_section *section = into;
	struct io_limit limit = {0}, *place = NULL;
	int r = cursor_fields(at, fields, ARRAY_SIZE(fields), &limit);

	if (!r)
		r = cursor_rule(at, &limit.rule);
	if (r)
		return r;
	for (size_t i = 0; i < section->io_count && !place; i++)
		if (strcmp(section->io[i].path, limit.path) == 0)
			place = &section->io[i];
	if (!place && section->io_count >= IO_LIMITS_MAX)
		return cursor_error(at, "more than %d devices with limits", IO_LIMITS_MAX);
	if (!place)
		place = ARENA_APPEND(at->reading->arena, section->io, section->io_count);
	if (!place)
		return cursor_memory(at);
	*place = limit;
	return 0;
}

static int io_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	return cursor_elements(at, IO_LIMITS_MAX, io_limit_read, into);
}

static int cpuset_read(const struct cursor *at, const struct field *field, void *into)
{
	struct limits_section *section = into;
	struct cursor value;
	const char *text = NULL;
	int r = cursor_setting(at, &section->cpuset_rule, &value);

	(void)field;
	if (!r)
		r = cursor_text(&value, &text);
	if (r)
		return r;
	if (!grammar_cpuset(text))
		return cursor_error(&value, "expected a list of CPUs such as \"0-3,7\"");
	return cursor_copy(&value, text, &section->cpuset);
}

/* An integer that has a rule of its own: an int at the field's offset. */
static int adjustment_read(const struct cursor *at, const struct field *field, void *into)
{
	struct rule *rule = (struct rule *)(void *)((char *)into - field->offset + field->rule);
	struct cursor value;
	uint64_t number = 0;
	int r = cursor_setting(at, rule, &value);

	if (!r)
		r = cursor_number(&value, field, &number);
	if (!r)
		*(int *)into = (int)number;
	return r;
}

int limits_read(const struct cursor *at, const struct field *field, void *into)
{
	static const struct field fields[] = {
		FIELD_ENFORCE,
		LIMIT(LIMIT_MEMORY, "memory"),
		LIMIT(LIMIT_MEMORY_HIGH, "memory_high"),
		LIMIT(LIMIT_SWAP, "swap"),
		LIMIT(LIMIT_PIDS, "pids"),
		LIMIT(LIMIT_CPU, "cpu"),
		LIMIT(LIMIT_CPU_WEIGHT, "cpu_weight"),
		LIMIT(LIMIT_IO_WEIGHT, "io_weight"),
		LIMIT(LIMIT_OPEN_FILES, "open_files"),
		LIMIT(LIMIT_FILE_SIZE, "file_size"),
		LIMIT(LIMIT_CPU_TIME, "cpu_time"),
		LIMIT(LIMIT_WALL_TIME, "wall_time"),
		LIMIT(LIMIT_CORE, "core"),
		LIMIT(LIMIT_STACK, "stack"),
		LIMIT(LIMIT_ADDRESS_SPACE, "address_space"),
		LIMIT(LIMIT_LOCKED_MEMORY, "locked_memory"),
		LIMIT(LIMIT_PENDING_SIGNALS, "pending_signals"),
		LIMIT(LIMIT_MESSAGE_QUEUES, "message_queues"),
		{.name = "io", .read = io_read},
		{.name = "cpuset", .read = cpuset_read},
		FIELD("oom_score_adjust", adjustment_read, struct limits_section, oom_score_adjust,
			.maximum = 1000, .rule = offsetof(struct limits_section, oom_rule)),
		FIELD("nice", adjustment_read, struct limits_section, nice, .maximum = 19,
			.rule = offsetof(struct limits_section, nice_rule)),
	};

	(void)field;
	return cursor_fields(at, fields, ARRAY_SIZE(fields), into);
}
