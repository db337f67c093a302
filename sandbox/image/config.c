/*
 * The configuration of an image: see manifest.h. What it says configures the program inside and
 * nothing else (R35); what a launch could misread is refused here, before anything is stored.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "image/manifest.h"
#include "image/hash.h"
#include "image/manifest_read.h"
#include "util/arena.h"
#include "util/mutant.h"
#include "util/number.h"
#include "util/overlay.h"
#include "util/path.h"
#include "util/text.h"

#define HISTORY 2048

static const char *const root_keys[] = {"architecture", "os", "variant", "created", "author",
	"rootfs", "history", "config", "os.version", "os.features", NULL};
static const char *const rootfs_keys[] = {"type", "diff_ids", NULL};
static const char *const config_keys[] = {"User", "ExposedPorts", "Env", "Entrypoint", "Cmd",
	"Volumes", "WorkingDir", "Labels", "StopSignal", "ArgsEscaped", "Healthcheck", "OnBuild",
	"Shell", NULL};
static const char *const history_keys[] = {
	"created", "created_by", "author", "comment", "empty_layer", NULL};

/* ---- times and signals ---- */

/* Two digits at text, at most most; -1 where there are none. */
static int two_digits(const char *text, int most)
{
	int value;

	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return -1;
	value = (text[0] - '0') * 10 + text[1] - '0';
	return value <= most ? value : -1;
}

/* "Z", "+02:00": seconds; false where it is neither. */
static bool parse_zone(const char *text, int64_t *ret)
{
	int hours, minutes;

	*ret = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if (strlen(text) != 6 || !strchr("+-", text[0]) || text[3] != ':')
		return false;
	hours = two_digits(text + 1, 23);
	minutes = two_digits(text + 4, 59);
	*ret = (int64_t)(text[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return hours >= 0 && minutes >= 0;
}

int config_time(const char *text, int64_t *ret)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	int values[6], century;
	struct tm parts = {0}, checked;
	int64_t zone;

	if (strlen(text) < sizeof(form) || strlen(text) > 64)
		return -EINVAL;
	for (size_t i = 0; form[i]; i++)
		if (form[i] != 'd' && form[i] != text_upper(text[i]))
			return -EINVAL;
	century = two_digits(text, 99);
	values[0] = two_digits(text + 2, 99);
	for (int i = 1; i < 6; i++)
		values[i] = two_digits(text + 2 + (ptrdiff_t)3 * i, 99);
	for (int i = 0; i < 6; i++)
		if (century < 0 || values[i] < 0)
			return -EINVAL;
	text += sizeof(form) - 1;
	if (*text == '.') {
		size_t digits = strspn(text + 1, "0123456789");

		if (digits == 0)
			return -EINVAL;
		text += digits + 1;
	}
	if (!parse_zone(text, &zone))
		return -EINVAL;
	parts.tm_year = century * 100 + values[0] - 1900;
	parts.tm_mon = values[1] - 1;
	parts.tm_mday = values[2];
	parts.tm_hour = values[3];
	parts.tm_min = values[4];
	parts.tm_sec = values[5] == 60 ? 59 : values[5]; /* a leap second */
	checked = parts;
	*ret = timegm(&checked) - zone;
	/* timegm() makes the 2nd of March of the 30th of February */
	return checked.tm_mon == parts.tm_mon && checked.tm_mday == parts.tm_mday &&
			       checked.tm_hour == parts.tm_hour && checked.tm_min == parts.tm_min &&
			       checked.tm_sec == parts.tm_sec
		       ? 0
		       : -EINVAL;
}

static bool equal_upper(const char *text, const char *upper)
{
	while (*text && text_upper(*text) == *upper) {
		text++;
		upper++;
	}
	return *text == *upper;
}

static bool starts_upper(const char *text, const char *upper)
{
	while (*upper && text_upper(*text) == *upper) {
		text++;
		upper++;
	}
	return !*upper;
}

int config_signal(const char *text)
{
	uint64_t number;

	if (text_parse_u64(text, 64, &number) == 0)
		return number ? (int)number : -EINVAL;
	if (starts_upper(text, "SIG"))
		text += 3;
	for (int i = 1; i < 32; i++) {
		const char *name = number_signal(i);

		if (name && equal_upper(text, name))
			return i;
	}
	if (equal_upper(text, "RTMIN"))
		return SIGRTMIN;
	if (equal_upper(text, "RTMAX"))
		return SIGRTMAX;
	if (starts_upper(text, "RTMIN+") && text_parse_u64(text + 6, 30, &number) == 0)
		return SIGRTMIN + (int)number;
	if (starts_upper(text, "RTMAX-") && text_parse_u64(text + 6, 30, &number) == 0)
		return SIGRTMAX - (int)number;
	return -EINVAL;
}

/* ---- arrays and maps of strings ---- */

static int read_texts(const struct source *source, const struct node *node,
	const char *(*fault)(const char *), const char *const **ret)
{
	const char **texts;
	size_t count = 0;
	int r = node_expect_array(source, node, false, RECORD_STRINGS, &count);

	if (r < 0)
		return r;
	texts = arena_zeroed(source->arena, count + 1, sizeof(*texts));
	if (!texts)
		return source_no_memory(source);
	for (size_t i = 0; i < count; i++) {
		struct node item = node_item(node, i);
		const char *wrong;

		r = node_text(source, &item, true, &texts[i]);
		if (r < 0)
			return r;
		wrong = fault(texts[i]);
		if (wrong)
			return source_fail(source, &item, wrong);
	}
	*ret = texts;
	return 0;
}

/* Of a variable that is named twice the last value counts, as in docker and podman: one meaning,
 * whoever reads the record. */
static void drop_doubles(const char **variables)
{
	size_t kept = 0;

	for (size_t i = 0; variables[i]; i++) {
		size_t name = strcspn(variables[i], "=") + 1, same = 0;

		while (same < kept && strncmp(variables[same], variables[i], name) != 0)
			same++;
		variables[same] = variables[i];
		kept += same == kept;
	}
	variables[kept] = NULL;
}

static int read_environment(
	const struct source *source, const struct node *config, const char *const **ret)
{
	struct node node = node_member(config, "Env", true);
	int r = read_texts(source, &node, record_variable_fault, ret);

	if (r == 0)
		drop_doubles((const char **)(uintptr_t)*ret); /* the arena's, made above */
	return r;
}

/* The keys of a map whose values say nothing ({"/data": {}}); take makes of each what is kept. */
static int read_set(const struct source *source, const struct node *node,
	const char *(*take)(const struct source *, const char *key, const char **fault),
	const char *const **ret)
{
	const char **kept, *key;
	size_t count = 0;
	json_t *value;
	int r = node_expect_object(source, node, false);

	if (r < 0)
		return r;
	if (json_object_size(node->value) > RECORD_STRINGS)
		return source_fail(source, node, "has more than 1024 members");
	kept = arena_zeroed(source->arena, json_object_size(node->value) + 1, sizeof(*kept));
	if (!kept)
		return source_no_memory(source);
	json_object_foreach(node->value, key, value)
	{
		struct node member = node_member(node, key, false);
		const char *fault = NULL;

		if (!json_is_object(value) && !json_is_null(value))
			return source_fail(source, &member, "is not an empty object");
		kept[count] = take(source, key, &fault);
		if (fault)
			return source_fail(source, &member, fault);
		if (!kept[count++])
			return source_no_memory(source);
	}
	*ret = kept;
	return 0;
}

static const char *take_volume(const struct source *source, const char *key, const char **fault)
{
	const char *path = path_canonical(source->arena, key);

	if (!path)
		*fault = "is no absolute path without \"..\"";
	else if (strcmp(path, "/") == 0 && !mutant(MUTANT_IMAGE_VOLUME))
		*fault = "would hide the whole image";
	else if (text_has_control(path))
		*fault = "has a control character in it";
	return path;
}

static bool is_port(const char *text, size_t length)
{
	char number[8];
	uint64_t port;

	if (length >= sizeof(number))
		return false;
	(void)snprintf(number, sizeof(number), "%.*s", (int)length, text);
	return text_parse_u64(number, 65535, &port) == 0 && port > 0;
}

static const char *take_port(const struct source *source, const char *key, const char **fault)
{
	static const char *const protocols[] = {"", "/tcp", "/udp", "/sctp"};
	size_t first = strcspn(key, "-/"), second = first;
	bool good = is_port(key, first), known = false;

	if (key[first] == '-') {
		second = first + 1 + strcspn(key + first + 1, "/");
		good = good && is_port(key + first + 1, second - first - 1);
	}
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		known |= strcmp(key + second, protocols[i]) == 0;
	if (!good || !known)
		*fault = "is no port, such as \"80\", \"53/udp\" or \"8000-8010/tcp\"";
	return arena_copy(source->arena, key);
}

static int read_labels(
	const struct source *source, const struct node *config, const char *const **ret)
{
	struct node node = node_member(config, "Labels", true);
	const char **labels, *key;
	size_t count = 0;
	json_t *value;
	int r = node_expect_object(source, &node, false);

	if (r < 0)
		return r;
	labels = arena_zeroed(source->arena, json_object_size(node.value) + 1, sizeof(*labels));
	if (!labels)
		return source_no_memory(source);
	json_object_foreach(node.value, key, value)
	{
		struct node member = node_member(&node, key, false);
		const char *text = NULL;

		r = node_text(source, &member, true, &text);
		if (r < 0)
			return r;
		if (strchr(key, '='))
			return source_fail(source, &member, "has a \"=\" in its name");
		labels[count] = arena_format(source->arena, "%s=%s", key, text);
		if (!labels[count++])
			return source_no_memory(source);
	}
	*ret = labels;
	return 0;
}

/* ---- the parts ---- */

static int read_checked(const struct source *source, const struct node *object, const char *key,
	bool required, const char *(*fault)(const char *), const char **ret)
{
	struct node node = node_member(object, key, !required);
	const char *wrong;
	int r = node_text(source, &node, required, ret);

	if (r < 0 || !node.value)
		return r;
	wrong = fault(*ret);
	return wrong ? source_fail(source, &node, wrong) : 0;
}

static const char *time_fault(const char *text)
{
	int64_t seconds;

	return config_time(text, &seconds) < 0
		       ? "is no time of RFC 3339, such as \"2026-11-21T12:06:30Z\""
		       : NULL;
}

static int read_workdir(const struct source *source, const struct node *config, const char **ret)
{
	struct node node = node_member(config, "WorkingDir", true);
	const char *text = "", *path;
	int r = node_text(source, &node, false, &text);

	if (r < 0)
		return r;
	path = text[0] ? path_canonical(source->arena, text) : "/";
	if (!path)
		return source_fail(source, &node, "is no absolute path without \"..\"");
	if (text_has_control(path))
		return source_fail(source, &node, "has a control character in it");
	*ret = path;
	return 0;
}

static int read_signal(const struct source *source, const struct node *config, int *ret)
{
	struct node node = node_member(config, "StopSignal", true);
	const char *text = "";
	int r = node_text(source, &node, false, &text);

	if (r < 0 || !text[0])
		return r;
	r = config_signal(text);
	if (r < 0)
		return source_fail(source, &node, "is no signal, such as \"SIGTERM\" or \"15\"");
	*ret = r;
	return 0;
}

static int read_process(
	const struct source *source, const struct node *root, struct image_config *config)
{
	struct node node = node_member(root, "config", true);
	struct node entrypoint = node_member(&node, "Entrypoint", true);
	struct node command = node_member(&node, "Cmd", true);
	struct node volumes = node_member(&node, "Volumes", true);
	struct node ports = node_member(&node, "ExposedPorts", true);
	struct image_record *record = &config->record;
	int r = node_expect_object(source, &node, false);

	if (r == 0)
		r = node_check_keys(source, &node, config_keys);
	if (r == 0)
		r = read_checked(source, &node, "User", false, record_user_fault, &record->user);
	if (r == 0)
		r = read_environment(source, &node, &record->environment);
	if (r == 0)
		r = read_texts(source, &entrypoint, record_text_fault, &record->entrypoint);
	if (r == 0)
		r = read_texts(source, &command, record_text_fault, &record->command);
	if (r == 0)
		r = read_workdir(source, &node, &record->workdir);
	if (r == 0)
		r = read_set(source, &volumes, take_volume, &record->volumes);
	if (r == 0)
		r = read_set(source, &ports, take_port, &config->exposed_ports);
	if (r == 0)
		r = read_labels(source, &node, &config->labels);
	return r == 0 ? read_signal(source, &node, &record->stop_signal) : r;
}

static int read_rootfs(const struct source *source, const struct node *root, size_t layer_count,
	struct image_config *config)
{
	struct node rootfs = node_member(root, "rootfs", false);
	struct node type = node_member(&rootfs, "type", false);
	struct node list = node_member(&rootfs, "diff_ids", false);
	const char *word = "";
	struct digest *diffs;
	size_t count = 0;
	int r = node_expect_object(source, &rootfs, true);

	if (r == 0)
		r = node_check_keys(source, &rootfs, rootfs_keys);
	if (r == 0)
		r = node_text(source, &type, true, &word);
	if (r == 0 && strcmp(word, "layers") != 0)
		r = source_fail(source, &type, "is not \"layers\"");
	if (r == 0)
		r = node_expect_array(source, &list, true, OVERLAY_LAYERS, &count);
	if (r < 0)
		return r;
	if (count != layer_count)
		return source_fail(
			source, &list, "has not as many digests as the manifest has layers");
	diffs = arena_zeroed(source->arena, count + 1, sizeof(*diffs));
	if (!diffs)
		return source_no_memory(source);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct node item = node_item(&list, i);

		r = node_digest(source, &item, &diffs[i]);
	}
	config->diffs = diffs;
	return r;
}

static int read_history_entry(
	const struct source *source, const struct node *node, struct history_entry *entry)
{
	struct node by = node_member(node, "created_by", true);
	struct node comment = node_member(node, "comment", true);
	struct node empty = node_member(node, "empty_layer", true);
	int r = node_expect_object(source, node, true);

	*entry = (struct history_entry){.created = "", .created_by = "", .comment = ""};
	if (r == 0)
		r = node_check_keys(source, node, history_keys);
	if (r == 0)
		r = read_checked(source, node, "created", false, time_fault, &entry->created);
	if (r == 0)
		r = node_text(source, &by, false, &entry->created_by);
	if (r == 0)
		r = node_text(source, &comment, false, &entry->comment);
	if (r == 0 && empty.value && !json_is_boolean(empty.value))
		r = source_fail(source, &empty, "is neither true nor false");
	entry->empty_layer = json_is_true(empty.value);
	return r;
}

static int read_history(
	const struct source *source, const struct node *root, struct image_config *config)
{
	struct node list = node_member(root, "history", true);
	size_t count = 0;
	int r = node_expect_array(source, &list, false, HISTORY, &count);

	if (r < 0)
		return r;
	config->history = arena_zeroed(source->arena, count + 1, sizeof(*config->history));
	if (!config->history)
		return source_no_memory(source);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct node item = node_item(&list, i);

		r = read_history_entry(source, &item, &config->history[i]);
	}
	config->history_count = count;
	return r;
}

static int read_root(const struct source *source, const struct node *root, size_t layer_count,
	struct image_config *config)
{
	struct image_record *record = &config->record;
	int r = node_expect_object(source, root, true);

	record->user = "";
	config->created = "";
	if (r == 0)
		r = node_check_keys(source, root, root_keys);
	if (r == 0)
		r = read_checked(source, root, "architecture", true, record_word_fault,
			&record->architecture);
	if (r == 0)
		r = read_checked(source, root, "os", true, record_word_fault, &record->os);
	if (r == 0)
		r = read_checked(source, root, "created", false, time_fault, &config->created);
	if (r == 0)
		r = read_rootfs(source, root, layer_count, config);
	if (r == 0)
		r = read_process(source, root, config);
	return r == 0 ? read_history(source, root, config) : r;
}

/* The chains that the launch mounts, and the id, which is the digest of the very bytes that were
 * parsed (T-REG-08). */
static int make_record(const struct source *source, const char *text, size_t length,
	size_t layer_count, struct image_config *config)
{
	struct digest *chains = arena_zeroed(source->arena, layer_count + 1, sizeof(*chains));
	int r = chains ? hash_memory(NULL, text, length, &config->record.id) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < layer_count; i++)
		r = hash_chain(i ? &chains[i - 1] : NULL, &config->diffs[i], &chains[i]);
	config->record.chains = chains;
	config->record.layer_count = layer_count;
	return r < 0 ? err_set(source->err, r, source->name, "cannot hash it: %s", strerror(-r))
		     : 0;
}

int config_parse(const char *name, const char *text, size_t length, size_t layer_count,
	struct arena *arena, struct image_config *ret, struct err *reterr)
{
	struct source source = {.name = name, .arena = arena, .err = reterr};
	struct image_config config = {0};
	struct node root = {.value = json_read(name, text, length, &manifest_limits, reterr)};
	int r;

	if (!root.value)
		return -EBADMSG;
	r = read_root(&source, &root, layer_count, &config);
	json_decref(root.value);
	if (r == 0)
		r = make_record(&source, text, length, layer_count, &config);
	if (r == 0)
		*ret = config;
	return r;
}
