/* Manifests and indexes: what is read of honest ones, and which hostile ones are refused, where. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "image/manifest.h"
#include "util/arena.h"

#define OCI_M "application/vnd.oci.image.manifest.v1+json"
#define OCI_I "application/vnd.oci.image.index.v1+json"
#define DOCKER_M "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_I "application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI_L "application/vnd.oci.image.layer.v1.tar"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX
#define D(type) "{\"mediaType\":\"" type "\",\"digest\":\"" SHA "\",\"size\":7}"
#define CONFIG D("application/vnd.oci.image.config.v1+json")
#define LAYER D(OCI_L "+gzip")
#define V2 "\"schemaVersion\":2"
#define BODY "\"config\":" CONFIG ",\"layers\":[" LAYER "]"
#define MANIFEST "{" V2 "," BODY "}"
#define P(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}}"
#define ENTRY(type) "{\"mediaType\":\"" type "\",\"digest\":\"" SHA "\",\"size\":7"
#define INDEX "{" V2 ",\"manifests\":[" ENTRY(OCI_M) P("linux", "amd64") "]}"
/* one layer, with the members given */
#define WITH_LAYER(members) "{" V2 ",\"config\":" CONFIG ",\"layers\":[{" members "}]}"
#define WITH_CONFIG(members) "{" V2 ",\"config\":{" members "},\"layers\":[" LAYER "]}"
#define L_TYPE "\"mediaType\":\"" OCI_L "\""
#define L_DIGEST "\"digest\":\"" SHA "\""

/* type: Content-Type; where: what the error must name, NULL: accepted */
static const struct {
	const char *what, *type, *text, *where;
} rows[] = {
	/* T-REG-07: one meaning */
	{"plain manifest", NULL, MANIFEST, NULL},
	{"plain index", NULL, INDEX, NULL},
	{"manifest by its type", OCI_M, MANIFEST, NULL},
	{"index by its type", OCI_I, INDEX, NULL},
	{"type with parameter", OCI_M "; charset=utf-8", MANIFEST, NULL},
	{"manifest served as index", OCI_I, MANIFEST, "m: /"},
	{"index served as manifest", OCI_M, INDEX, "m: /"},
	{"index served as Docker's manifest", DOCKER_M, INDEX, "m: /"},
	{"manifest served as Docker's list", DOCKER_I, MANIFEST, "m: /"},
	{"says and came as OCI", OCI_M, "{" V2 ",\"mediaType\":\"" OCI_M "\"," BODY "}", NULL},
	{"says Docker, came as Docker", DOCKER_M,
		"{" V2 ",\"mediaType\":\"" DOCKER_M "\"," BODY "}", NULL},
	{"says OCI, came as Docker", DOCKER_M, "{" V2 ",\"mediaType\":\"" OCI_M "\"," BODY "}",
		"m: /mediaType"},
	{"says Docker, came as OCI", OCI_M, "{" V2 ",\"mediaType\":\"" DOCKER_M "\"," BODY "}",
		"m: /mediaType"},
	{"says index, is manifest", NULL, "{" V2 ",\"mediaType\":\"" OCI_I "\"," BODY "}", "m: /"},
	{"says manifest, is index", NULL, "{" V2 ",\"mediaType\":\"" OCI_M "\",\"manifests\":[]}",
		"m: /"},
	{"says index, came as manifest", OCI_M, "{" V2 ",\"mediaType\":\"" OCI_I "\"," BODY "}",
		"m: /mediaType"},
	{"both shapes", NULL, "{" V2 "," BODY ",\"manifests\":[]}", "m: /"},
	{"both shapes, said to be a manifest", OCI_M, "{" V2 "," BODY ",\"manifests\":[]}", "m: /"},
	{"both shapes, said to be an index", OCI_I, "{" V2 "," BODY ",\"manifests\":[]}", "m: /"},
	{"layers and manifests, no config", NULL, "{" V2 ",\"layers\":[],\"manifests\":[]}",
		"m: /"},
	{"config and manifests", NULL, "{" V2 ",\"config\":" CONFIG ",\"manifests\":[]}", "m: /"},
	{"manifests is null beside layers", NULL, "{" V2 "," BODY ",\"manifests\":null}", "m: /"},
	{"neither shape", NULL, "{" V2 "}", "m: /"},
	{"schema 1", NULL, "{\"schemaVersion\":1,\"fsLayers\":[]}", "m: /schemaVersion"},
	{"schema 1 in schema 2", NULL, "{" V2 "," BODY ",\"fsLayers\":[]}", "m: /"},
	{"signatures", NULL, "{" V2 "," BODY ",\"signatures\":[]}", "m: /"},
	{"unknown type said", NULL, "{" V2 ",\"mediaType\":\"application/json\"," BODY "}",
		"m: /mediaType"},
	{"type said in capitals", NULL,
		"{" V2 ",\"mediaType\":\"application/vnd.OCI.image.manifest.v1+json\"," BODY "}",
		"m: /mediaType"},
	{"type said with parameter", NULL, "{" V2 ",\"mediaType\":\"" OCI_M "; a=b\"," BODY "}",
		"m: /mediaType"},
	{"type is a number", NULL, "{" V2 ",\"mediaType\":5," BODY "}", "m: /mediaType"},
	{"type is null", NULL, "{" V2 ",\"mediaType\":null," BODY "}", "m: /mediaType"},
	{"came as text", "text/html", MANIFEST, "m"},
	{"came as nothing", "", MANIFEST, "m"},
	{"came as a type that only begins so", OCI_M "2", MANIFEST, "m"},
	/* versions */
	{"no version", NULL, "{" BODY "}", "m: /schemaVersion"},
	{"version 3", NULL, "{\"schemaVersion\":3," BODY "}", "m: /schemaVersion"},
	{"version 2.0", NULL, "{\"schemaVersion\":2.0," BODY "}", "m: /schemaVersion"},
	{"version \"2\"", NULL, "{\"schemaVersion\":\"2\"," BODY "}", "m: /schemaVersion"},
	/* T-REG-09: keys */
	{"duplicate key", NULL, "{" V2 "," V2 "," BODY "}", "m:1:20"},
	{"duplicate key by escape", NULL, "{" V2 "," BODY ",\"l\\u0061yers\":[]}", "m:1:"},
	{"Layers beside layers", NULL, "{" V2 "," BODY ",\"Layers\":[]}", "m: /Layers"},
	{"Layers alone", NULL, "{" V2 ",\"config\":" CONFIG ",\"Layers\":[]}", "m: /Layers"},
	{"MANIFESTS", NULL, "{" V2 "," BODY ",\"MANIFESTS\":[]}", "m: /MANIFESTS"},
	{"mediatype", NULL, "{" V2 ",\"mediatype\":\"" OCI_I "\"," BODY "}", "m: /mediatype"},
	{"Digest in a descriptor", NULL,
		WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":1,\"Digest\":\"" SHA "\""),
		"m: /layers/0/Digest"},
	{"Size in a descriptor", NULL, WITH_CONFIG("\"Size\":3"), "m: /config/Size"},
	{"unknown key", NULL, "{" V2 ",\"x-more\":[1,{}]," BODY "}", NULL},
	{"annotations and subject", NULL,
		"{" V2 ",\"annotations\":{\"a\":\"b\"},\"subject\":{}," BODY "}", NULL},
	/* T-REG-03, T-REG-04: descriptors */
	{"layers is an object", NULL, "{" V2 ",\"config\":" CONFIG ",\"layers\":{}}", "m: /layers"},
	{"layers is null", NULL, "{" V2 ",\"config\":" CONFIG ",\"layers\":null}", "m: /layers"},
	{"no layers", NULL, "{" V2 ",\"config\":" CONFIG ",\"layers\":[]}", "m: /layers"},
	{"no config", NULL, "{" V2 ",\"layers\":[" LAYER "]}", "m: /config"},
	{"config is a string", NULL, "{" V2 ",\"config\":\"x\",\"layers\":[" LAYER "]}",
		"m: /config"},
	{"config of an artifact", NULL,
		"{" V2 ",\"config\":" D("application/vnd.oci.empty.v1+json") ",\"layers\":[" LAYER
									     "]}",
		"m: /config/mediaType"},
	{"config of an unknown type", NULL,
		"{" V2 ",\"config\":" D(
			"application/vnd.cncf.helm.config.v1+json") ",\"layers\":[" LAYER "]}",
		"m: /config/mediaType"},
	{"layer is a number", NULL, "{" V2 ",\"config\":" CONFIG ",\"layers\":[3]}",
		"m: /layers/0"},
	{"layer without type", NULL, WITH_LAYER(L_DIGEST ",\"size\":1"), "m: /layers/0/mediaType"},
	{"layer without digest", NULL, WITH_LAYER(L_TYPE ",\"size\":1"), "m: /layers/0/digest"},
	{"layer without size", NULL, WITH_LAYER(L_TYPE "," L_DIGEST), "m: /layers/0/size"},
	{"size negative", NULL, WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":-1"),
		"m: /layers/0/size"},
	{"size with fraction", NULL, WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":1.0"),
		"m: /layers/0/size"},
	{"size with exponent", NULL, WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":1e3"),
		"m: /layers/0/size"},
	{"size as string", NULL, WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":\"1\""),
		"m: /layers/0/size"},
	{"size null", NULL, WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":null"), "m: /layers/0/size"},
	{"size beyond 64 bits", NULL,
		WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":99999999999999999999"), "m:1:"},
	{"size at the limit", NULL, WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":8589934592"), NULL},
	{"size over the limit", NULL, WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":8589934593"),
		"m: /layers/0/size"},
	{"config over its limit", NULL,
		WITH_CONFIG("\"mediaType\":\"application/vnd.oci.image.config.v1+json\"," L_DIGEST
			    ",\"size\":4194305"),
		"m: /config/size"},
	{"digest that walks", NULL,
		WITH_LAYER(L_TYPE ",\"digest\":\"sha256:../../../etc/passwd\",\"size\":1"),
		"m: /layers/0/digest"},
	{"digest in capitals", NULL,
		WITH_LAYER(L_TYPE ",\"digest\":\"sha256:ABCDEF0123456789abcdef0123456789abcdef0123"
				  "456789abcdef0123456789\",\"size\":1"),
		"m: /layers/0/digest"},
	{"digest too short", NULL, WITH_LAYER(L_TYPE ",\"digest\":\"sha256:0123\",\"size\":1"),
		"m: /layers/0/digest"},
	{"digest too long", NULL, WITH_LAYER(L_TYPE ",\"digest\":\"" SHA "0\",\"size\":1"),
		"m: /layers/0/digest"},
	{"digest without algorithm", NULL, WITH_LAYER(L_TYPE ",\"digest\":\"" HEX "\",\"size\":1"),
		"m: /layers/0/digest"},
	{"digest by sha1", NULL,
		WITH_LAYER(L_TYPE ",\"digest\":\"sha1:0123456789012345678901234567890123456789\","
				  "\"size\":1"),
		"m: /layers/0/digest"},
	{"digest by sha256+b64", NULL,
		WITH_LAYER(L_TYPE ",\"digest\":\"sha256+b64:" HEX "\",\"size\":1"),
		"m: /layers/0/digest"},
	{"digest is a number", NULL, WITH_LAYER(L_TYPE ",\"digest\":5,\"size\":1"),
		"m: /layers/0/digest"},
	{"sha512 of 64 digits", NULL,
		WITH_LAYER(L_TYPE ",\"digest\":\"sha512:" HEX "\",\"size\":1"),
		"m: /layers/0/digest"},
	{"sha512", NULL, WITH_LAYER(L_TYPE ",\"digest\":\"sha512:" HEX HEX "\",\"size\":1"), NULL},
	/* media types of layers */
	{"layer by xz", NULL, "{" V2 ",\"config\":" CONFIG ",\"layers\":[" D(OCI_L "+xz") "]}",
		"m: /layers/0/mediaType"},
	{"layer by bzip2", NULL,
		"{" V2 ",\"config\":" CONFIG ",\"layers\":[" D(OCI_L "+bzip2") "]}",
		"m: /layers/0/mediaType"},
	{"encrypted layer", NULL,
		"{" V2 ",\"config\":" CONFIG ",\"layers\":[" D(OCI_L "+gzip+encrypted") "]}",
		"m: /layers/0/mediaType"},
	{"layer type in capitals", NULL,
		"{" V2 ",\"config\":" CONFIG ",\"layers\":[" D(OCI_L "+GZIP") "]}",
		"m: /layers/0/mediaType"},
	{"layer of type octets", NULL,
		"{" V2 ",\"config\":" CONFIG ",\"layers\":[" D("application/octet-stream") "]}",
		"m: /layers/0/mediaType"},
	/* T-REG-31, T-REG-19: data and urls */
	{"data", NULL, WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":1,\"data\":\"Zm9v\""), NULL},
	{"data that is no string", NULL, WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":1,\"data\":[]"),
		"m: /layers/0/data"},
	{"urls", NULL,
		WITH_LAYER(
			L_TYPE "," L_DIGEST ",\"size\":1,\"urls\":[\"http://169.254.169.254/\"]"),
		NULL},
	{"urls that are a string", NULL,
		WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":1,\"urls\":\"http://x/\""),
		"m: /layers/0/urls"},
	{"annotations that are an array", NULL,
		WITH_LAYER(L_TYPE "," L_DIGEST ",\"size\":1,\"annotations\":[]"),
		"m: /layers/0/annotations"},
	{"a name that is a number", NULL,
		WITH_LAYER(L_TYPE "," L_DIGEST
				  ",\"size\":1,\"annotations\":{\"org.opencontainers.image.ref."
				  "name\":7}"),
		"m: /layers/0/annotations/org.opencontainers.image.ref.name"},
	/* T-REG-10: indexes */
	{"manifests is an object", NULL, "{" V2 ",\"manifests\":{}}", "m: /manifests"},
	{"empty index", NULL, "{" V2 ",\"manifests\":[]}", NULL},
	{"entry without platform", NULL, "{" V2 ",\"manifests\":[" ENTRY(OCI_M) "}]}", NULL},
	{"platform null", NULL, "{" V2 ",\"manifests\":[" ENTRY(OCI_M) ",\"platform\":null}]}",
		NULL},
	{"platform is a string", NULL,
		"{" V2 ",\"manifests\":[" ENTRY(OCI_M) ",\"platform\":\"linux\"}]}",
		"m: /manifests/0/platform"},
	{"platform without architecture", NULL,
		"{" V2 ",\"manifests\":[" ENTRY(OCI_M) ",\"platform\":{\"os\":\"linux\"}}]}",
		"m: /manifests/0/platform/architecture"},
	{"platform in two spellings", NULL,
		"{" V2 ",\"manifests\":[" ENTRY(OCI_M) ",\"platform\":{\"os\":\"linux\",\"OS\":"
						       "\"windows\",\"architecture\":"
						       "\"amd64\"}}]}",
		"m: /manifests/0/platform/OS"},
	{"platform with control characters", NULL,
		"{" V2 ",\"manifests\":[" ENTRY(OCI_M) P("lin\\u001bux", "amd64") "]}",
		"m: /manifests/0/platform/os"},
	{"variant is a number", NULL,
		"{" V2 ",\"manifests\":[" ENTRY(OCI_M) ",\"platform\":{\"os\":\"linux\","
						       "\"architecture\":\"arm\",\"variant\":7}}]}",
		"m: /manifests/0/platform/variant"},
	{"empty variant", NULL,
		"{" V2
		",\"manifests\":[" ENTRY(OCI_M) ",\"platform\":{\"os\":\"linux\",\"architecture\":"
						"\"arm\",\"variant\":\"\"}}]}",
		NULL},
	{"entry of an unknown type", NULL,
		"{" V2 ",\"manifests\":[" ENTRY("application/x-what") P("linux", "amd64") "]}",
		NULL},
	/* T-REG-13 and shape */
	{"empty", NULL, "", "m:1:1"},
	{"an array", NULL, "[]", "m: /"},
	{"a string", NULL, "\"x\"", "m: /"},
	{"null", NULL, "null", "m: /"},
	{"trailing document", NULL, MANIFEST "{}", "m:1:"},
	{"trailing comma", NULL, "{" V2 "," BODY ",}", "m:1:"},
	{"comment", NULL, "/* */" MANIFEST, "m:1:1"},
	{"byte order mark", NULL, "\xef\xbb\xbf" MANIFEST, "m:1:1"},
	{"bad UTF-8", NULL, "{" V2 ",\"x\":\"\xff\"," BODY "}", "m:1:"},
	{"escaped NUL", NULL, "{" V2 ",\"x\":\"a\\u0000b\"," BODY "}", "m:1:"},
	{"lone surrogate", NULL, "{" V2 ",\"x\":\"\\ud800\"," BODY "}", "m:1:"},
};

static void check_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = {0};
		struct manifest manifest;
		struct err err = {0};
		int r = manifest_parse("m", rows[i].text, strlen(rows[i].text), rows[i].type,
			&arena, &manifest, &err);

		if (rows[i].where)
			check(r == -EBADMSG && err.message[0] &&
					strncmp(err.where, rows[i].where, strlen(rows[i].where)) ==
						0,
				"refuses %s", rows[i].what);
		else
			check_int(r, 0, "accepts %s", rows[i].what);
		if ((r == 0) != !rows[i].where ||
			(r < 0 && rows[i].where &&
				strncmp(err.where, rows[i].where, strlen(rows[i].where)) != 0))
			printf("# %d %s: %s\n", r, err.where, err.message);
		arena_free(&arena);
	}
}

static void check_values(void)
{
	static const char text[] = "{" V2 ",\"config\":" CONFIG ",\"layers\":[" D(OCI_L) "," D(
		OCI_L "+gzip") "," D(OCI_L "+zstd") "," D("application/"
							  "vnd.docker.image.rootfs.foreign.diff."
							  "tar.gzip") "," D("application/"
									    "vnd.docker.image."
									    "rootfs.diff.tar") "]}";
	static const enum compression wanted[] = {COMPRESSION_NONE, COMPRESSION_GZIP,
		COMPRESSION_ZSTD, COMPRESSION_GZIP, COMPRESSION_NONE};
	struct arena arena = {0};
	struct manifest manifest;

	check_int(manifest_parse("m", text, strlen(text), DOCKER_M, &arena, &manifest, NULL), 0,
		"a manifest of five layers");
	check(manifest.docker && manifest.kind == DOCUMENT_MANIFEST, "is Docker's, as it came");
	check_text(manifest.media_type, DOCKER_M, "its type");
	check_text(manifest.config.digest.text, SHA, "its configuration's digest");
	check_int((long long)manifest.config.size, 7, "its configuration's size");
	check_int((long long)manifest.layer_count, 5, "its layers");
	for (size_t i = 0; i < 5; i++)
		check_int(manifest.layers[i].compression, wanted[i], "compression of layer %zu", i);
	arena_free(&arena);
}

static char *repeat(const char *before, const char *item, size_t count, const char *after)
{
	size_t room = strlen(before) + count * (strlen(item) + 1) + strlen(after) + 1;
	char *text = malloc(room), *at = text;

	if (!text)
		abort();
	at = stpcpy(at, before);
	for (size_t i = 0; i < count; i++) {
		at = stpcpy(at, i ? "," : "");
		at = stpcpy(at, item);
	}
	(void)stpcpy(at, after);
	return text;
}

static int parse_repeated(const char *before, const char *item, size_t count, const char *after)
{
	char *text = repeat(before, item, count, after);
	struct arena arena = {0};
	struct manifest manifest;
	int r = manifest_parse("m", text, strlen(text), NULL, &arena, &manifest, NULL);

	arena_free(&arena);
	free(text);
	return r;
}

static void check_limits(void)
{
	static const char layers[] = "{" V2 ",\"config\":" CONFIG ",\"layers\":[";
	static const char entries[] = "{" V2 ",\"manifests\":[";

	check_int(parse_repeated(layers, LAYER, 128, "]}"), 0, "128 layers");
	check_int(parse_repeated(layers, LAYER, 129, "]}"), -EBADMSG, "not 129 layers");
	check_int(parse_repeated(layers, LAYER, 10000, "]}"), -EBADMSG, "not 10,000 layers");
	check_int(parse_repeated(entries, ENTRY(OCI_M) "}", 1024, "]}"), 0, "1024 entries");
	check_int(parse_repeated(entries, ENTRY(OCI_M) "}", 1025, "]}"), -EBADMSG,
		"not 1025 entries");
	check_int(parse_repeated("{" V2 ",\"x\":[", "0", 120000, "]," BODY "}"), -EBADMSG,
		"not 120,000 values");
	check_int(parse_repeated("{" V2 ",\"x\":[", "{}", 120000, "]," BODY "}"), -EBADMSG,
		"not 120,000 objects");
	check_int(parse_repeated("{" V2 ",\"x\":", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 1, ""),
		-EBADMSG, "no depth of 35");
	{
		char *text = repeat("{" V2 "," BODY "}", " ", 2200000, "");

		check_int(manifest_parse("m", text, strlen(text), NULL, &(struct arena){0},
				  &(struct manifest){0}, NULL),
			-EBADMSG, "no document over 4 MiB");
		free(text);
	}
}

/* T-REG-10: which entry is chosen. */
#define HEXN(n) "000000000000000000000000000000000000000000000000000000000000000" #n
#define E(n, type, platform)     \
	"{\"mediaType\":\"" type \
	"\",\"digest\":\"sha256:" HEXN(n) "\",\"size\":1,\"platform\":{" platform "}}"
#define OSA(os, arch) "\"os\":\"" os "\",\"architecture\":\"" arch "\""
#define OSAV(os, arch, variant) OSA(os, arch) ",\"variant\":\"" variant "\""

static void check_choice(void)
{
	static const char text[] = "{" V2 ",\"manifests\":[" E(0, "application/x-what",
		OSA("linux", "amd64")) "," E(1, OCI_M, OSA("unknown", "unknown")) "," E(2, OCI_M,
		OSAV("linux", "amd64", "v3")) "," E(3, OCI_M, OSA("linux", "amd64")) "," E(4, OCI_M,
		OSA("linux", "amd64")) "," E(5, OCI_M, OSAV("linux", "arm64", "v8")) "," E(6, OCI_M,
		OSAV("linux", "arm", "v6")) "," E(7, OCI_M, OSAV("linux", "arm", "v7")) "," E(8,
		OCI_I, OSA("linux", "s390x")) "," E(9, OCI_M, OSA("windows", "amd64")) "]}";
	static const struct {
		const char *platform;
		int result;
		char digit;
	} choices[] = {
		{"linux/amd64", 0, '3'},
		{"linux/amd64/v1", 0, '3'},
		{"linux/amd64/v3", 0, '2'},
		{"linux/amd64/v2", -ENOENT, 0},
		{"linux/arm64", 0, '5'},
		{"linux/arm64/v8", 0, '5'},
		{"linux/arm64/v9", -ENOENT, 0},
		{"linux/arm", 0, '7'},
		{"linux/arm/v6", 0, '6'},
		{"windows/amd64", 0, '9'},
		{"linux/s390x", -EBADMSG, 0},
		{"linux/riscv64", -ENOENT, 0},
		{"linux", -EINVAL, 0},
		{"linux/", -EINVAL, 0},
		{"/amd64", -EINVAL, 0},
		{"linux/amd64/v1/x", -EINVAL, 0},
		{"linux/amd64/", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"linux/am d64", -EINVAL, 0},
	};
	struct arena arena = {0};
	struct manifest index;

	check_int(manifest_parse("m", text, strlen(text), NULL, &arena, &index, NULL), 0,
		"an index of ten");
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		const struct descriptor *chosen = NULL;
		struct err err = {0};
		int r = manifest_choose(&index, choices[i].platform, &chosen, &err);

		check(r == choices[i].result &&
				(r < 0 ? err.message[0] != '\0'
				       : chosen->digest.text[70] == choices[i].digit),
			"%s is %s", choices[i].platform, r < 0 ? "refused" : "the first that fits");
		if (r == -ENOENT)
			check(strstr(err.message, "linux/arm/v7") != NULL,
				"the message names what there is");
	}
	{
		const struct descriptor *chosen = NULL;
		int r = manifest_choose(&index, NULL, &chosen, NULL);

		check(r == 0 || r == -ENOENT || r == -EBADMSG, "this machine's own is asked for");
	}
	arena_free(&arena);
}

int main(void)
{
	check_rows();
	check_values();
	check_limits();
	check_choice();
	return check_done();
}
