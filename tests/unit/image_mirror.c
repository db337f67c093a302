/* registries.conf: the TOML it is written in, what its keys mean, what is refused and where. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "image/mirror.h"
#include "image/mirror_toml.h"

/* ---- TOML ---- */

static void test_toml(void)
{
	static const char *const good[][2] = {
		{"", "{}"},
		{"# nothing\n\n\t # more", "{}"},
		{"a = 1", "{\"a\":1}"},
		{"a=1\r\nb = -2 # x\r\n", "{\"a\":1,\"b\":-2}"},
		{"a = true\nb = false", "{\"a\":true,\"b\":false}"},
		{"a = \"x\\ty\\\\\\\"z\\u00e9\\U0001F600\"",
			"{\"a\":\"x\\ty\\\\\\\"z\xc3\xa9\xf0\x9f\x98\x80\"}"},
		{"a = 'C:\\no\\escapes \"x\"'", "{\"a\":\"C:\\\\no\\\\escapes \\\"x\\\"\"}"},
		{"a = \"\"\nb = ''", "{\"a\":\"\",\"b\":\"\"}"},
		{"\"a b\" = 1\n'c.d' = 2\n\"\\u0065\" = 3", "{\"a b\":1,\"c.d\":2,\"e\":3}"},
		{"a.b.c = 1\na.b.d = 2", "{\"a\":{\"b\":{\"c\":1,\"d\":2}}}"},
		{"a = []", "{\"a\":[]}"},
		{"a = [ 1, 2,\n # x\n 3, ]", "{\"a\":[1,2,3]}"},
		{"a = [[1], ['x'], [{b = 2}]]", "{\"a\":[[1],[\"x\"],[{\"b\":2}]]}"},
		{"a = {}", "{\"a\":{}}"},
		{"a = {b = 1, c.d = 'x'}", "{\"a\":{\"b\":1,\"c\":{\"d\":\"x\"}}}"},
		{"[t]\na = 1\n[u.v]\nb = 2", "{\"t\":{\"a\":1},\"u\":{\"v\":{\"b\":2}}}"},
		{"[ t . \"u\" ]\na = 1", "{\"t\":{\"u\":{\"a\":1}}}"},
		{"[[t]]\na = 1\n[[t]]\na = 2", "{\"t\":[{\"a\":1},{\"a\":2}]}"},
		{"[[t]]\n[[t.u]]\na = 1\n[[t.u]]\na = 2\n[[t]]\n[[t.u]]\na = 3",
			"{\"t\":[{\"u\":[{\"a\":1},{\"a\":2}]},{\"u\":[{\"a\":3}]}]}"},
		{"[[t]]\n[t.u]\na = 1\n[[t]]\n[t.u]\na = 2",
			"{\"t\":[{\"u\":{\"a\":1}},{\"u\":{\"a\":2}}]}"},
		{"a = 9223372036854775807", "{\"a\":9223372036854775807}"},
	};
	static const char *const bad[] = {"a", "a =", "= 1", "a = 1 b = 2", "a = 1\na = 2",
		"[t]\n[t]", "[t", "[t]]", "[[t]", "[]", "[t] x", "a = [1", "a = [1 2]", "a = [,]",
		"a = {b = 1", "a = {b}", "a = {b = 1,}", "a = {b = 1\n}", "a = \"x", "a = 'x",
		"a = \"x\ny\"", "a = \"\x01\"", "a = \"\\q\"", "a = \"\\u12\"", "a = \"\\ud800\"",
		"a = \"\\u0000\"", "a = \"\\U00110000\"", "a = \"\"\"x\"\"\"", "a = '''x'''",
		"a = 1.5", "a = 1e5", "a = 0x10", "a = 01", "a = +1", "a = -", "a = 1979-05-27",
		"a = 07:32:00", "a = inf", "a = nan", "a = True", "a = yes", "a = x",
		"a = 9223372036854775808", "a = 1\n[a]", "a = 1\n[[a]]", "[a]\n[[a]]",
		"a = []\n[a.b]", "a = 1\na.b = 2", "a..b = 1", ".a = 1", "a. = 1", "a b = 1",
		"\xff = 1", "a = '\xff'", "a = [[[[[[[[[1]]]]]]]]]", "a.b.c.d.e.f.g.h.i = 1",
		"a = \"x\" \"y\"", "a = 1 # x\rb"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct err err = {0};
		json_t *root = toml_read("t", good[i][0], strlen(good[i][0]), &err);
		char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

		check_text(text, good[i][1], "good %zu: %s", i, err.message);
		free(text);
		json_decref(root);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};
		json_t *root = toml_read("t", bad[i], strlen(bad[i]), &err);

		check(!root && err.code && err.message[0], "bad %zu is refused", i);
		check(strncmp(err.where, "t:", 2) == 0, "bad %zu: where", i);
		json_decref(root);
	}
}

static void test_places(void)
{
	struct err err = {0};
	char *large = calloc(1, TOML_BYTES + 2);

	check(!toml_read("t", "a = 1\n\nb = [\n1,\nx]\n", 19, &err), "an error in the fifth line");
	check_text(err.where, "t:5", "is told so");
	check(!toml_read("t", "a\0b", 3, NULL), "a NUL");
	if (!large)
		abort();
	memset(large, '\n', TOML_BYTES + 1);
	check(!toml_read("t", large, TOML_BYTES + 1, NULL), "more than is allowed");
	for (size_t i = 0; i + 8 < TOML_BYTES; i += 2)
		memcpy(large + i, i ? "1," : "a=", 2);
	memcpy(large + 2, "[ ", 2);
	check(!toml_read("t", large, strlen(large), NULL), "too many values");
	free(large);
}

/* ---- what it means ---- */

static unsigned warnings;

static void warn(const char *where, const char *key)
{
	warnings += strcmp(where, "conf") == 0 && *key;
}

static const char conf[] = "unqualified-search-registries = [\"quay.io\"]\n"
			   "short-name-mode = \"enforcing\"\n"
			   "[[registry]]\nprefix = \"a.example\"\nlocation = \"b.example:5000/c\"\n"
			   "[[registry.mirror]]\nlocation = \"m1.example\"\ninsecure = true\n"
			   "[[registry.mirror]]\nlocation = \"m2.example/x\"\n"
			   "pull-from-mirror = \"digest-only\"\n"
			   "[[registry.mirror]]\nlocation = \"m3.example\"\n"
			   "pull-from-mirror = \"tag-only\"\n"
			   "[[registry]]\nprefix = \"a.example/deep\"\ninsecure = true\n"
			   "[[registry]]\nlocation = \"blocked.example\"\nblocked = true\n"
			   "[[registry]]\nprefix = \"*.wild.example\"\nlocation = \"w.example\"\n"
			   "[[registry]]\nlocation = \"d.example\"\nmirror-by-digest-only = true\n"
			   "[[registry.mirror]]\nlocation = \"m4.example\"\n"
			   "[aliases]\n\"deb\" = \"docker.io/library/debian\"\n\"off\" = \"\"\n";

static const struct {
	const char *name;
	bool push;
	const char *want; /* "registry/repository", "!" where it is insecure; joined by spaces */
} ways[] = {
	{"a.example/app:1", false, "m1.example/app! m3.example/app b.example:5000/c/app"},
	{"a.example/x/app@sha256:"
	 "0000000000000000000000000000000000000000000000000000000000000000",
		false, "m1.example/x/app! m2.example/x/x/app b.example:5000/c/x/app"},
	{"a.example/app:1", true, "b.example:5000/c/app"},
	{"a.example/deep/app", false, "a.example/deep/app!"},
	{"a.example/deeper/app", false,
		"m1.example/deeper/app! m3.example/deeper/app "
		"b.example:5000/c/deeper/app"},
	{"a.example:5000/app", false, "a.example:5000/app"},
	{"xa.example/app", false, "xa.example/app"},
	{"blocked.example/app", false, NULL},
	{"blocked.example.org/app", false, "blocked.example.org/app"},
	{"x.wild.example/app", false, "w.example/app"},
	{"x.y.wild.example:80/app", false, "w.example/app"},
	{"wild.example/app", false, "wild.example/app"},
	{"d.example/app", false, "d.example/app"},
	{"docker.io/library/debian", false, "docker.io/library/debian"},
};

static void test_ways(const struct mirror_config *config)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct mirror_endpoints got;
		struct reference reference;
		char text[800] = "";
		size_t used = 0;
		struct err err = {0};
		int r = reference_parse(ways[i].name, &reference, NULL);

		if (!r)
			r = mirror_resolve(config, &reference, ways[i].push, &got, &err);
		check_int(r, ways[i].want ? 0 : -EACCES, "%s", ways[i].name);
		for (size_t k = 0; !r && k < got.count; k++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s/%s%s",
				k ? " " : "", got.items[k].registry, got.items[k].repository,
				got.items[k].insecure ? "!" : "");
		if (ways[i].want)
			check_text(text, ways[i].want, "%s: where it is asked for", ways[i].name);
	}
}

static void test_short(const struct mirror_config *config, const char *name, const char *want)
{
	struct reference reference;
	char text[REFERENCE_ROOM];
	struct err err = {0};
	int r = reference_parse(name, &reference, NULL);

	if (!r)
		r = mirror_complete(config, &reference, &err);
	check_int(r, want ? 0 : -EINVAL, "%s", name);
	if (want)
		check_text(reference_format(&reference, text), want, "%s: the whole", name);
	else
		check(strstr(err.hint, "a.example/app, b.example/app") != NULL, "candidates: %s",
			err.hint);
}

static int parse(const char *text, struct mirror_config *config, struct err *reterr)
{
	return mirror_parse("conf", text, strlen(text), warn, config, reterr);
}

static void test_refusals(void)
{
	static const char *const bad[] = {"registry = 5", "registry = [5]",
		"[[registry]]\nlocation = 5", "[[registry]]\ninsecure = true",
		"[[registry]]\nlocation = \"\"", "[[registry]]\nlocation = \"https://a.example\"",
		"[[registry]]\nlocation = \"A.example\"", "[[registry]]\nlocation = \"a.example/\"",
		"[[registry]]\nlocation = \"a.example/x:tag\"",
		"[[registry]]\nlocation = \"*.example\"",
		"[[registry]]\nprefix = \"*.a.example/x\"",
		"[[registry]]\nprefix = \"a*.example\"\nlocation = \"b.example\"",
		"[[registry]]\nlocation = \"a.example\"\ninsecure = \"true\"",
		"[[registry]]\nlocation = \"a.example\"\nmirror = 5",
		"[[registry]]\nlocation = \"a.example\"\n[[registry.mirror]]",
		"[[registry]]\nlocation = \"a.example\"\n[[registry.mirror]]\nlocation = "
		"\"u@b.example\"",
		"unqualified-search-registries = 5", "unqualified-search-registries = [5]",
		"unqualified-search-registries = ["
		"\"a b\"]",
		"[aliases]\na = 5", "[aliases]\na = \"B\"", "aliases = 5", "x"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct mirror_config config = {NULL};
		struct err err = {0};

		check_int(parse(bad[i], &config, &err), -EINVAL, "bad %zu", i);
		check(strncmp(err.where, "conf:", 5) == 0 && err.message[0], "bad %zu: %s: %s", i,
			err.where, err.message);
		check(!config.roots, "bad %zu: nothing of it is kept", i);
	}
}

int main(void)
{
	struct mirror_config config = {NULL};
	struct mirror_endpoints got;
	struct reference host = {.registry = "a.example"};
	char many[1200] = "[[registry]]\nlocation = \"a.example\"\n";

	test_toml();
	test_places();
	check_int(parse(conf, &config, NULL), 0, "a configuration");
	check_int(warnings, 0, "all of it is known");
	test_ways(&config);
	check(mirror_resolve(&config, &host, false, &got, NULL) == 0 && got.count == 1 &&
			strcmp(got.items[0].registry, "a.example") == 0 &&
			!got.items[0].repository[0],
		"to log in to: the registry itself");
	test_short(&config, "app", "quay.io/app:latest");
	test_short(&config, "deb:12", "docker.io/library/debian:12");
	test_short(&config, "off", "quay.io/off:latest");
	test_short(&config, "docker.io/app", "docker.io/library/app:latest");
	check_int(parse("unheard = 1\n[[registry]]\nlocation = \"n.example\"\nof = 2\n"
			"unqualified-search-registries = 3",
			  &config, NULL),
		0, "a second file, with keys that nobody knows");
	check_int(warnings, 3, "each is told of");
	check_int(parse("unqualified-search-registries = [\"a.example\", \"b.example\"]\n"
			"[aliases]\ndeb = \"quay.io/deb\"",
			  &config, NULL),
		0, "a third");
	test_short(&config, "app", NULL);
	test_short(&config, "deb", "quay.io/deb:latest");
	mirror_config_free(&config);
	test_short(&config, "app", "docker.io/library/app:latest");
	for (size_t i = 0; i < MIRROR_ENDPOINTS; i++)
		(void)strcat(many, "[[registry.mirror]]\nlocation = \"m.example\"\n");
	check_int(parse(many, &config, NULL), 0, "many mirrors");
	(void)stpcpy(host.repository, "app");
	check_int(mirror_resolve(&config, &host, false, &got, NULL), -E2BIG, "are too many");
	mirror_config_free(&config);
	test_refusals();
	return check_done();
}
