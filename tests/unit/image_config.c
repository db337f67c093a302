/* Configurations of images: what a launch gets of them, and what is refused (T-REG-11, T-REG-33).
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "image/hash.h"
#include "image/manifest.h"
#include "util/arena.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX
#define HEAD "{\"architecture\":\"amd64\",\"os\":\"linux\""
#define ROOTFS ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" SHA "\"]}"
#define WITH(members) HEAD ROOTFS ",\"config\":{" members "}}"

/* where NULL: accepted */
static const struct {
	const char *what, *text, *where;
} rows[] = {
	{"the least", HEAD ROOTFS "}", NULL},
	{"null config", HEAD ROOTFS ",\"config\":null,\"history\":null}", NULL},
	{"nulls, as docker writes them",
		WITH("\"User\":\"\",\"Env\":null,\"Cmd\":null,\"Entrypoint\":null,\"Volumes\":null,"
		     "\"WorkingDir\":\"\",\"Labels\":null,\"ExposedPorts\":null,\"OnBuild\":null,"
		     "\"StopSignal\":\"\",\"Hostname\":\"\",\"Image\":\"\""),
		NULL},
	{"no architecture", "{\"os\":\"linux\"" ROOTFS "}", "c: /architecture"},
	{"architecture of another shape", "{\"architecture\":\"a/b\",\"os\":\"linux\"" ROOTFS "}",
		"c: /architecture"},
	{"no os", "{\"architecture\":\"amd64\"" ROOTFS "}", "c: /os"},
	{"os is null", "{\"architecture\":\"amd64\",\"os\":null" ROOTFS "}", "c: /os"},
	/* T-REG-11 */
	{"no rootfs", HEAD "}", "c: /rootfs"},
	{"rootfs of an unknown type",
		HEAD ",\"rootfs\":{\"type\":\"squashfs\",\"diff_ids\":[\"" SHA "\"]}}",
		"c: /rootfs/type"},
	{"rootfs without type", HEAD ",\"rootfs\":{\"diff_ids\":[\"" SHA "\"]}}",
		"c: /rootfs/type"},
	{"no diff ids", HEAD ",\"rootfs\":{\"type\":\"layers\"}}", "c: /rootfs/diff_ids"},
	{"too few diff ids", HEAD ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}",
		"c: /rootfs/diff_ids"},
	{"too many diff ids",
		HEAD ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" SHA "\",\"" SHA "\"]}}",
		"c: /rootfs/diff_ids"},
	{"diff id that walks",
		HEAD ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../../x\"]}}",
		"c: /rootfs/diff_ids/0"},
	{"diff id is null", HEAD ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[null]}}",
		"c: /rootfs/diff_ids/0"},
	{"DIFF_IDS", HEAD ",\"rootfs\":{\"type\":\"layers\",\"DIFF_IDS\":[\"" SHA "\"]}}",
		"c: /rootfs/DIFF_IDS"},
	{"Rootfs", HEAD ROOTFS ",\"Rootfs\":{}}", "c: /Rootfs"},
	{"Config", HEAD ROOTFS ",\"Config\":{\"User\":\"root\"}}", "c: /Config"},
	{"user in small letters", WITH("\"user\":\"root\""), "c: /config/user"},
	{"ENV", WITH("\"ENV\":[\"A=b\"]"), "c: /config/ENV"},
	{"entrypoint", WITH("\"entrypoint\":[\"/bin/sh\"]"), "c: /config/entrypoint"},
	{"config is a string", HEAD ROOTFS ",\"config\":\"x\"}", "c: /config"},
	/* users: nobody is 0 by accident */
	{"user by name", WITH("\"User\":\"www-data\""), NULL},
	{"user and group", WITH("\"User\":\"app:app\""), NULL},
	{"numbers", WITH("\"User\":\"1000:65534\""), NULL},
	{"user 0", WITH("\"User\":\"0\""), NULL},
	{"the last user", WITH("\"User\":\"4294967294\""), NULL},
	{"no id", WITH("\"User\":\"4294967295\""), "c: /config/User"},
	{"2^32, which wraps to 0", WITH("\"User\":\"4294967296\""), "c: /config/User"},
	{"2^64", WITH("\"User\":\"18446744073709551616\""), "c: /config/User"},
	{"1e0", WITH("\"User\":\"1e0\""), "c: /config/User"},
	{"0x0", WITH("\"User\":\"0x0\""), "c: /config/User"},
	{"00", WITH("\"User\":\"00\""), "c: /config/User"},
	{"-1", WITH("\"User\":\"-1\""), "c: /config/User"},
	{"+0", WITH("\"User\":\"+0\""), "c: /config/User"},
	{"a space before 0", WITH("\"User\":\" 0\""), "c: /config/User"},
	{"a line of passwd", WITH("\"User\":\"user\\nroot:x\""), "c: /config/User"},
	{"three parts", WITH("\"User\":\"a:b:c\""), "c: /config/User"},
	{"an empty group", WITH("\"User\":\"a:\""), "c: /config/User"},
	{"an empty user", WITH("\"User\":\":0\""), "c: /config/User"},
	{"user is a number", WITH("\"User\":0"), "c: /config/User"},
	{"a path as user", WITH("\"User\":\"../root\""), "c: /config/User"},
	{"a name of 65 characters",
		WITH("\"User\":"
		     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""),
		"c: /config/User"},
	/* T-RT-16: the environment */
	{"a variable", WITH("\"Env\":[\"PATH=/bin\"]"), NULL},
	{"an empty value, a value with newline", WITH("\"Env\":[\"A=\",\"B=1\\n2=3\"]"), NULL},
	{"a name alone", WITH("\"Env\":[\"PATH=/bin\",\"HOME\"]"), "c: /config/Env/1"},
	{"a glob", WITH("\"Env\":[\"AWS*\"]"), "c: /config/Env/0"},
	{"a star", WITH("\"Env\":[\"*\"]"), "c: /config/Env/0"},
	{"a value alone", WITH("\"Env\":[\"=x\"]"), "c: /config/Env/0"},
	{"nothing", WITH("\"Env\":[\"\"]"), "c: /config/Env/0"},
	{"a name with a space", WITH("\"Env\":[\"A B=1\"]"), "c: /config/Env/0"},
	{"a name with a newline", WITH("\"Env\":[\"A\\nB=1\"]"), "c: /config/Env/0"},
	{"a value with an escape", WITH("\"Env\":[\"A=\\u001b[31m\"]"), "c: /config/Env/0"},
	{"a variable that is a number", WITH("\"Env\":[1]"), "c: /config/Env/0"},
	{"an environment that is an object", WITH("\"Env\":{\"A\":\"b\"}"), "c: /config/Env"},
	/* commands */
	{"a script as command", WITH("\"Cmd\":[\"sh\",\"-c\",\"a\\n\\tb\"]"), NULL},
	{"an empty argument", WITH("\"Cmd\":[\"\"]"), NULL},
	{"entrypoint as string", WITH("\"Entrypoint\":\"/bin/sh\""), "c: /config/Entrypoint"},
	{"command as string", WITH("\"Cmd\":\"/bin/sh\""), "c: /config/Cmd"},
	{"a null argument", WITH("\"Cmd\":[\"a\",null]"), "c: /config/Cmd/1"},
	{"an argument with a bell", WITH("\"Entrypoint\":[\"a\\u0007\"]"),
		"c: /config/Entrypoint/0"},
	/* T-TAR-40: places */
	{"a working directory with slashes", WITH("\"WorkingDir\":\"//srv//www/./\""), NULL},
	{"a relative one", WITH("\"WorkingDir\":\"srv\""), "c: /config/WorkingDir"},
	{"one that climbs", WITH("\"WorkingDir\":\"/srv/../../etc\""), "c: /config/WorkingDir"},
	{"one with a newline", WITH("\"WorkingDir\":\"/a\\nb\""), "c: /config/WorkingDir"},
	{"volumes", WITH("\"Volumes\":{\"/data\":{},\"/var/lib/x/\":{}}"), NULL},
	{"a volume that climbs", WITH("\"Volumes\":{\"/../../etc\":{}}"),
		"c: /config/Volumes/~1..~1..~1etc"},
	{"a relative volume", WITH("\"Volumes\":{\"data\":{}}"), "c: /config/Volumes/data"},
	{"a volume over everything", WITH("\"Volumes\":{\"/\":{}}"), "c: /config/Volumes/~1"},
	{"a volume with a host path", WITH("\"Volumes\":{\"/data\":\"/etc\"}"),
		"c: /config/Volumes/~1data"},
	{"volumes as array", WITH("\"Volumes\":[\"/data\"]"), "c: /config/Volumes"},
	{"ports", WITH("\"ExposedPorts\":{\"80\":{},\"53/udp\":{},\"8000-8010/tcp\":{}}"), NULL},
	{"port 0", WITH("\"ExposedPorts\":{\"0/tcp\":{}}"), "c: /config/ExposedPorts/0~1tcp"},
	{"port 65536", WITH("\"ExposedPorts\":{\"65536\":{}}"), "c: /config/ExposedPorts/65536"},
	{"a port of another protocol", WITH("\"ExposedPorts\":{\"1/icmp\":{}}"),
		"c: /config/ExposedPorts/1~1icmp"},
	{"an open range", WITH("\"ExposedPorts\":{\"1-/tcp\":{}}"),
		"c: /config/ExposedPorts/1-~1tcp"},
	{"a host port", WITH("\"ExposedPorts\":{\"80:80\":{}}"), "c: /config/ExposedPorts/80:80"},
	/* signals */
	{"SIGQUIT", WITH("\"StopSignal\":\"SIGQUIT\""), NULL},
	{"9", WITH("\"StopSignal\":\"9\""), NULL},
	{"SIGRTMIN+3", WITH("\"StopSignal\":\"SIGRTMIN+3\""), NULL},
	{"9;x", WITH("\"StopSignal\":\"9;x\""), "c: /config/StopSignal"},
	{"signal 0", WITH("\"StopSignal\":\"0\""), "c: /config/StopSignal"},
	{"signal 65", WITH("\"StopSignal\":\"65\""), "c: /config/StopSignal"},
	{"SIGWHAT", WITH("\"StopSignal\":\"SIGWHAT\""), "c: /config/StopSignal"},
	{"SIG", WITH("\"StopSignal\":\"SIG\""), "c: /config/StopSignal"},
	{"SIGRTMIN+31", WITH("\"StopSignal\":\"SIGRTMIN+31\""), "c: /config/StopSignal"},
	{"a signal as number", WITH("\"StopSignal\":9"), "c: /config/StopSignal"},
	/* T-REG-32: labels say nothing to us */
	{"labels of other programs",
		WITH("\"Labels\":{\"io.containers.autoupdate\":\"registry\",\"a\":\"binary:///"
		     "x\"}"),
		NULL},
	{"a label that is an object", WITH("\"Labels\":{\"a\":{}}"), "c: /config/Labels/a"},
	{"a label that would be two", WITH("\"Labels\":{\"a=b\":\"c\"}"), "c: /config/Labels/a=b"},
	{"labels as array", WITH("\"Labels\":[\"a=b\"]"), "c: /config/Labels"},
	{"a health check", WITH("\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],\"Interval\":1}"), NULL},
	/* times and history */
	{"created", HEAD ROOTFS ",\"created\":\"2026-11-21T12:06:30.5+02:00\"}", NULL},
	{"created yesterday", HEAD ROOTFS ",\"created\":\"yesterday\"}", "c: /created"},
	{"created as number", HEAD ROOTFS ",\"created\":5}", "c: /created"},
	{"a history",
		HEAD ROOTFS
		",\"history\":[{\"created_by\":\"\\u001b[2J\",\"empty_layer\":true},{}]}",
		NULL},
	{"a step that is a string", HEAD ROOTFS ",\"history\":[\"x\"]}", "c: /history/0"},
	{"empty_layer as string", HEAD ROOTFS ",\"history\":[{\"empty_layer\":\"no\"}]}",
		"c: /history/0/empty_layer"},
	{"Created_By", HEAD ROOTFS ",\"history\":[{\"Created_By\":\"x\"}]}",
		"c: /history/0/Created_By"},
	{"a step of another time",
		HEAD ROOTFS ",\"history\":[{\"created\":\"2026-13-01T00:00:00Z\"}]}",
		"c: /history/0/created"},
	{"history as object", HEAD ROOTFS ",\"history\":{}}", "c: /history"},
	{"an array", "[]", "c: /"},
	{"nothing", "", "c:1:1"},
	{"a duplicate", HEAD ROOTFS ",\"os\":\"linux\"}", "c:1:"},
};

static void check_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = {0};
		struct image_config config;
		struct err err = {0};
		int r = config_parse(
			"c", rows[i].text, strlen(rows[i].text), 1, &arena, &config, &err);
		bool right = rows[i].where ? r == -EBADMSG && err.message[0] &&
						     strncmp(err.where, rows[i].where,
							     strlen(rows[i].where)) == 0
					   : r == 0;

		check(right, "%s %s", rows[i].where ? "refuses" : "accepts", rows[i].what);
		if (!right)
			printf("# %d %s: %s\n", r, err.where, err.message);
		arena_free(&arena);
	}
}

static void check_values(void)
{
	static const char text[] =
		"{\"architecture\":\"arm64\",\"os\":\"linux\",\"created\":\"2026-11-21T12:06:30Z\","
		"\"config\":{\"User\":\"app:7\",\"Env\":[\"A=1\",\"B=2\",\"A=3\",\"AB=4\"],"
		"\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\",\"d\"],\"WorkingDir\":\"/a//b/\","
		"\"Volumes\":{\"/v/\":{}},\"StopSignal\":\"sigint\",\"Labels\":{\"k\":\"v\"},"
		"\"ExposedPorts\":{\"80/tcp\":{}}},\"history\":[{\"created_by\":\"x\","
		"\"comment\":\"y\",\"empty_layer\":true}],"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" SHA "\",\"sha512:" HEX HEX
		"\"]}}";
	struct arena arena = {0};
	struct image_config config;
	struct image_record *record = &config.record;
	struct digest first, second, id;

	check_int(config_parse("c", text, strlen(text), 2, &arena, &config, NULL), 0,
		"a configuration with everything");
	check_text(record->architecture, "arm64", "architecture");
	check_text(record->user, "app:7", "user");
	check_text(record->environment[0], "A=3", "of two values the last counts");
	check_text(record->environment[1], "B=2", "in the place of the first");
	check_text(record->environment[2], "AB=4", "names are compared whole");
	check(!record->environment[3], "and no more");
	check_text(record->entrypoint[0], "/e", "entrypoint");
	check_text(record->command[1], "d", "command");
	check_text(record->workdir, "/a/b", "working directory, canonical");
	check_text(record->volumes[0], "/v", "volume, canonical");
	check_int(record->stop_signal, SIGINT, "stop signal");
	check_text(config.labels[0], "k=v", "label");
	check_text(config.exposed_ports[0], "80/tcp", "port");
	check_text(config.created, "2026-11-21T12:06:30Z", "time");
	check(config.history_count == 1 && config.history[0].empty_layer, "history");
	check_text(config.history[0].comment, "y", "comment");
	check_int(hash_memory(NULL, text, strlen(text), &id), 0, "hash");
	check_text(record->id.text, id.text, "the id is the digest of the bytes that were parsed");
	check_int(digest_parse(SHA, &first), 0, "first diff id");
	check_text(record->chains[0].text, SHA, "the lowest chain is the diff id");
	check_int(digest_parse("sha512:" HEX HEX, &second), 0, "second diff id");
	check_int(hash_chain(&first, &second, &id), 0, "chain");
	check_text(record->chains[1].text, id.text, "the next one's chain");
	check(!record->manifest.text[0], "the manifest is the caller's to fill in");
	arena_free(&arena);
}

static void check_defaults(void)
{
	static const char text[] = HEAD ROOTFS "}";
	struct arena arena = {0};
	struct image_config config;
	struct image_record *record = &config.record;

	check_int(config_parse("c", text, strlen(text), 1, &arena, &config, NULL), 0, "the least");
	check(!*record->user && !*record->environment && !*record->entrypoint && !*record->command,
		"nothing is NULL");
	check_text(record->workdir, "/", "the root is where it works");
	check(!*record->volumes && !record->stop_signal && !*config.labels && !*config.created &&
			!config.history_count && !*config.exposed_ports,
		"nothing is made up");
	arena_free(&arena);
}

static void check_limits(void)
{
	char *text = malloc(1 << 20), *at = text;
	struct arena arena = {0};
	struct image_config config;

	if (!text)
		abort();
	at += sprintf(at, "%s", HEAD ROOTFS ",\"config\":{\"Env\":[\"A=");
	memset(at, 'x', RECORD_STRING);
	at += RECORD_STRING;
	at += sprintf(at, "\"]}}");
	check_int(config_parse("c", text, (size_t)(at - text), 1, &arena, &config, NULL), -EBADMSG,
		"no variable that execve(2) does not take");
	for (int count = 1024; count <= 1025; count++) {
		at = text + sprintf(text, "%s", HEAD ROOTFS ",\"config\":{\"Cmd\":[");
		for (int i = 0; i < count; i++)
			at += sprintf(at, "%s\"%d\"", i ? "," : "", i);
		at += sprintf(at, "]}}");
		check_int(config_parse("c", text, (size_t)(at - text), 1, &arena, &config, NULL),
			count == 1024 ? 0 : -EBADMSG, "%d arguments", count);
	}
	at = text + sprintf(text, "%s", HEAD ROOTFS ",\"config\":{\"Volumes\":{");
	for (int i = 0; i < 1025; i++)
		at += sprintf(at, "%s\"/%d\":{}", i ? "," : "", i);
	at += sprintf(at, "}}}");
	check_int(config_parse("c", text, (size_t)(at - text), 1, &arena, &config, NULL), -EBADMSG,
		"no 1025 volumes");
	arena_free(&arena);
	free(text);
}

static void check_times(void)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} times[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-21T12:06:30Z", 1795262790},
		{"2026-11-21t12:06:30.123456789z", 1795262790},
		{"2026-11-21T14:06:30+02:00", 1795262790},
		{"2026-11-21T10:06:30-02:00", 1795262790},
		{"2024-02-29T00:00:00Z", 1709164800},
		{"2016-12-31T23:59:60Z", 1483228799},
		{"0001-01-01T00:00:00Z", -62135596800},
		{"2023-02-29T00:00:00Z", -1},
		{"2026-02-30T00:00:00Z", -1},
		{"2026-00-10T00:00:00Z", -1},
		{"2026-11-21 12:06:30Z", -1},
		{"2026-11-21T24:06:30Z", -1},
		{"2026-11-21T12:60:30Z", -1},
		{"2026-11-21T12:06:61Z", -1},
		{"2026-11-21T12:06:30", -1},
		{"2026-11-21T12:06:30.Z", -1},
		{"2026-11-21T12:06:30+2:00", -1},
		{"2026-11-21T12:06:30+24:00", -1},
		{"2026-11-21T12:06:30+02:60", -1},
		{"2026-11-21T12:06:30Zx", -1},
		{"20x6-11-21T12:06:30Z", -1},
		{"-026-11-21T12:06:30Z", -1},
		{"", -1},
		{"now", -1},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t seconds = 0;
		int r = config_time(times[i].text, &seconds);

		if (times[i].seconds == -1)
			check_int(r, -EINVAL, "no time: \"%s\"", times[i].text);
		else
			check(r == 0 && seconds == times[i].seconds, "a time: \"%s\"",
				times[i].text);
	}
}

static void check_signals(void)
{
	static const struct {
		const char *text;
		int number;
	} signals[] = {
		{"SIGTERM", SIGTERM},
		{"TERM", SIGTERM},
		{"sigterm", SIGTERM},
		{"term", SIGTERM},
		{"1", 1},
		{"64", 64},
		{"SIGRTMIN", 34},
		{"RTMIN+1", 35},
		{"SIGRTMAX", 64},
		{"SIGRTMAX-30", 34},
		{"SIGSIGTERM", -EINVAL},
		{"TERMX", -EINVAL},
		{"TER", -EINVAL},
		{"", -EINVAL},
		{"01", -EINVAL},
		{"RTMIN+", -EINVAL},
		{"RTMIN+x", -EINVAL},
		{"RTMAX-31", -EINVAL},
	};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		check_int(config_signal(signals[i].text), signals[i].number, "signal \"%s\"",
			signals[i].text);
}

int main(void)
{
	check_rows();
	check_values();
	check_defaults();
	check_limits();
	check_times();
	check_signals();
	return check_done();
}
