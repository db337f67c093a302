/*
 * Manifests and indexes: see manifest.h. What a document is, is decided once, from all that was
 * said of it, before anything else is read of it (CVE-2021-41190).
 */
#include "image/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "image/manifest_read.h"
#include "util/arena.h"
#include "util/mutant.h"
#include "util/overlay.h"
#include "util/text.h"

#define INDEX_ENTRIES 1024

static const struct document_type {
	const char *media_type;
	enum document_kind kind;
	bool docker;
} document_types[] = {
	{"application/vnd.oci.image.manifest.v1+json", DOCUMENT_MANIFEST, false},
	{"application/vnd.oci.image.index.v1+json", DOCUMENT_INDEX, false},
	{"application/vnd.docker.distribution.manifest.v2+json", DOCUMENT_MANIFEST, true},
	{"application/vnd.docker.distribution.manifest.list.v2+json", DOCUMENT_INDEX, true},
};
#define OCI_MANIFEST 0
#define OCI_INDEX 1

static const char *const config_types[] = {
	"application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json",
	NULL,
};

/* "foreign" and "non-distributable" say where a layer may be fetched from (`urls`, which we never
 * follow: T-REG-19), not what it is. */
static const struct {
	const char *media_type;
	enum compression compression;
} layer_types[] = {
	{"application/vnd.oci.image.layer.v1.tar", COMPRESSION_NONE},
	{"application/vnd.oci.image.layer.v1.tar+gzip", COMPRESSION_GZIP},
	{"application/vnd.oci.image.layer.v1.tar+zstd", COMPRESSION_ZSTD},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar", COMPRESSION_NONE},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", COMPRESSION_GZIP},
	{"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", COMPRESSION_ZSTD},
	{"application/vnd.docker.image.rootfs.diff.tar", COMPRESSION_NONE},
	{"application/vnd.docker.image.rootfs.diff.tar.gzip", COMPRESSION_GZIP},
	{"application/vnd.docker.image.rootfs.diff.tar.zstd", COMPRESSION_ZSTD},
	{"application/vnd.docker.image.rootfs.foreign.diff.tar", COMPRESSION_NONE},
	{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", COMPRESSION_GZIP},
};

static const char *const document_keys[] = {"schemaVersion", "mediaType", "config", "layers",
	"manifests", "subject", "artifactType", "annotations", "fsLayers", "signatures", NULL};
static const char *const descriptor_keys[] = {"mediaType", "digest", "size", "urls", "annotations",
	"data", "platform", "artifactType", NULL};
static const char *const platform_keys[] = {
	"architecture", "os", "os.version", "os.features", "variant", NULL};

#define REF_NAME "org.opencontainers.image.ref.name"

/* ---- descriptors ---- */

/* Of its own strings; what they say is nobody's business here (R35), but for the name that a layout
 * gives an image. */
static int read_annotations(
	const struct source *source, const struct node *descriptor, struct descriptor *ret)
{
	struct node annotations = node_member(descriptor, "annotations", true), name;
	int r = node_expect_object(source, &annotations, false);

	if (r < 0)
		return r;
	name = node_member(&annotations, REF_NAME, false);
	return node_text(source, &name, false, &ret->ref_name);
}

/* `data` is ignored: the blob itself is read and checked (T-REG-31). `urls` are ignored, too. Both
 * must still be what they claim to be. */
static int check_unused(const struct source *source, const struct node *descriptor)
{
	struct node data = node_member(descriptor, "data", false);
	struct node urls = node_member(descriptor, "urls", true);
	size_t count = 0;

	if (data.value && !json_is_string(data.value))
		return source_fail(source, &data, "is not a string");
	return node_expect_array(source, &urls, false, INDEX_ENTRIES, &count);
}

static int read_descriptor(
	const struct source *source, const struct node *node, uint64_t most, struct descriptor *ret)
{
	struct node media_type = node_member(node, "mediaType", false);
	struct node digest = node_member(node, "digest", false);
	struct node size = node_member(node, "size", false);
	int r = node_expect_object(source, node, true);

	ret->media_type = "";
	if (r == 0)
		r = node_check_keys(source, node, descriptor_keys);
	if (r == 0)
		r = node_text(source, &media_type, true, &ret->media_type);
	if (r == 0)
		r = node_digest(source, &digest, &ret->digest);
	if (r == 0)
		r = node_size(source, &size, most, &ret->size);
	if (r == 0)
		r = check_unused(source, node);
	return r == 0 ? read_annotations(source, node, ret) : r;
}

static int read_config(
	const struct source *source, const struct node *root, struct manifest *manifest)
{
	struct node node = node_member(root, "config", false);
	struct node media_type = node_member(&node, "mediaType", false);
	int r = read_descriptor(source, &node, MANIFEST_BYTES, &manifest->config);

	if (r < 0)
		return r;
	for (const char *const *type = config_types; *type; type++)
		if (strcmp(manifest->config.media_type, *type) == 0)
			return 0;
	return source_fail(source, &media_type,
		"is not the type of an image's configuration: this is an artifact of another kind");
}

static int read_layer(const struct source *source, const struct node *node, struct descriptor *ret)
{
	struct node media_type = node_member(node, "mediaType", false);
	int r = read_descriptor(source, node, LAYER_BYTES, ret);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(layer_types) / sizeof(layer_types[0]); i++)
		if (strcmp(ret->media_type, layer_types[i].media_type) == 0) {
			ret->compression = layer_types[i].compression;
			return 0;
		}
	return source_fail(source, &media_type,
		"is not the type of a layer that immure unpacks (tar, plain or by gzip or zstd)");
}

static int read_word(const struct source *source, const struct node *object, const char *key,
	bool required, const char **ret)
{
	struct node node = node_member(object, key, false);
	const char *word = NULL, *fault;
	int r = node_text(source, &node, required, &word);

	if (r < 0 || !word || (!required && !word[0]))
		return r; /* "variant": "" is how some builders say that there is none */
	fault = record_word_fault(word);
	if (fault)
		return source_fail(source, &node, fault);
	*ret = word;
	return 0;
}

static int read_platform(
	const struct source *source, const struct node *entry, struct descriptor *ret)
{
	struct node platform = node_member(entry, "platform", true);
	int r = node_expect_object(source, &platform, false);

	if (r < 0 || !platform.value)
		return r;
	r = node_check_keys(source, &platform, platform_keys);
	if (r == 0)
		r = read_word(source, &platform, "os", true, &ret->os);
	if (r == 0)
		r = read_word(source, &platform, "architecture", true, &ret->architecture);
	return r == 0 ? read_word(source, &platform, "variant", false, &ret->variant) : r;
}

/* What an entry's type means is asked when it is chosen: image-index.md wants unknown ones passed
 * over. */
static int read_entry(const struct source *source, const struct node *node, struct descriptor *ret)
{
	int r = read_descriptor(source, node, MANIFEST_BYTES, ret);

	return r == 0 ? read_platform(source, node, ret) : r;
}

static int read_list(
	const struct source *source, const struct node *root, struct manifest *manifest)
{
	bool index = manifest->kind == DOCUMENT_INDEX;
	struct node list = node_member(root, index ? "manifests" : "layers", false);
	struct descriptor *items;
	size_t count = 0;
	int r = node_expect_array(
		source, &list, true, index ? INDEX_ENTRIES : OVERLAY_LAYERS, &count);

	if (r < 0)
		return r;
	if (!index && count == 0)
		return source_fail(source, &list, "is empty: there is nothing to run in it");
	items = arena_zeroed(source->arena, count + 1, sizeof(*items));
	if (!items)
		return source_no_memory(source);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct node item = node_item(&list, i);

		r = index ? read_entry(source, &item, &items[i])
			  : read_layer(source, &item, &items[i]);
	}
	manifest->layers = items;
	manifest->layer_count = count;
	return r;
}

/* ---- what a document is ---- */

/* type, without what may follow it ("; charset=utf-8"). */
static const struct document_type *find_type(const char *type)
{
	size_t length = strcspn(type, "; \t");

	for (size_t i = 0; i < sizeof(document_types) / sizeof(document_types[0]); i++)
		if (strlen(document_types[i].media_type) == length &&
			strncmp(type, document_types[i].media_type, length) == 0)
			return &document_types[i];
	return NULL;
}

static int check_said(const struct source *source, const struct node *said,
	const char *content_type, const struct document_type **ret)
{
	const char *text = json_string_value(said->value);
	const struct document_type *came;

	if (said->value) {
		*ret = text ? find_type(text) : NULL;
		if (!*ret || strcmp((*ret)->media_type, text) != 0)
			return source_fail(
				source, said, "is not the type of an image's manifest or index");
	}
	if (!content_type)
		return 0;
	came = find_type(content_type);
	if (!came)
		return err_set(source->err, -EBADMSG, source->name,
			"came as \"%.128s\", which is not the type of a manifest or an index",
			content_type);
	if (*ret && *ret != came)
		return source_fail(source, said,
			"is not the type that the document came as: it could be read in two ways");
	*ret = came;
	return 0;
}

/* Exactly one of the two shapes, and the one that its type says. */
static int check_shape(
	const struct source *source, const struct node *root, const struct document_type **type)
{
	bool index = json_object_get(root->value, "manifests") != NULL;
	bool manifest = json_object_get(root->value, "layers") != NULL ||
			json_object_get(root->value, "config") != NULL;

	if (json_object_get(root->value, "fsLayers") || json_object_get(root->value, "signatures"))
		return source_fail(source, root,
			"is a manifest of Docker's schema 1, which nobody should use any more");
	if (index && manifest && !mutant(MUTANT_MANIFEST_BOTH))
		return source_fail(source, root,
			"is a manifest and an index at once: it could be read in two ways");
	if (!index && !manifest)
		return source_fail(
			source, root, "has neither \"layers\" nor \"manifests\": it is no image");
	if (!*type)
		*type = &document_types[index ? OCI_INDEX : OCI_MANIFEST];
	if (((*type)->kind == DOCUMENT_INDEX) != index)
		return source_fail(source, root,
			index ? "is an index, but says or came as a manifest"
			      : "is a manifest, but says or came as an index");
	return 0;
}

static int read_document(const struct source *source, const struct node *root,
	const char *content_type, struct manifest *manifest)
{
	struct node version = node_member(root, "schemaVersion", false);
	struct node said = node_member(root, "mediaType", false);
	const struct document_type *type = NULL;
	int r = node_expect_object(source, root, true);

	if (r == 0)
		r = node_check_keys(source, root, document_keys);
	if (r == 0 && (!json_is_integer(version.value) || json_integer_value(version.value) != 2))
		r = source_fail(source, &version, "is not 2, the only version that immure reads");
	if (r == 0)
		r = check_said(source, &said, content_type, &type);
	if (r == 0)
		r = check_shape(source, root, &type);
	if (r != 0)
		return r;
	manifest->kind = type->kind;
	manifest->media_type = type->media_type;
	manifest->docker = type->docker;
	if (manifest->kind == DOCUMENT_MANIFEST)
		r = read_config(source, root, manifest);
	return r == 0 ? read_list(source, root, manifest) : r;
}

int manifest_parse(const char *name, const char *text, size_t length, const char *content_type,
	struct arena *arena, struct manifest *ret, struct err *reterr)
{
	struct source source = {.name = name, .arena = arena, .err = reterr};
	struct manifest manifest = {0};
	struct node root = {.value = json_read(name, text, length, &manifest_limits, reterr)};
	int r;

	if (!root.value)
		return -EBADMSG;
	r = read_document(&source, &root, content_type, &manifest);
	json_decref(root.value);
	if (r == 0)
		*ret = manifest;
	return r;
}

/* ---- which one of an index ---- */

struct platform {
	char os[65], architecture[65], variant[65];
};

/* What is meant where no variant is named: the one that the other readers take. */
static const char *whole_variant(const char *architecture, const char *variant)
{
	static const struct {
		const char *architecture, *variant;
	} meant[] = {{"arm64", "v8"}, {"arm", "v7"}, {"amd64", "v1"}};

	for (size_t i = 0; !(variant && variant[0]) && i < sizeof(meant) / sizeof(meant[0]); i++)
		if (strcmp(architecture, meant[i].architecture) == 0)
			return meant[i].variant;
	return variant ? variant : "";
}

static int platform_here(struct platform *ret)
{
	static const struct {
		const char *machine;
		struct platform platform;
	} machines[] = {
		{"x86_64", {"linux", "amd64", ""}},
		{"aarch64", {"linux", "arm64", ""}},
		{"armv7l", {"linux", "arm", "v7"}},
		{"armv6l", {"linux", "arm", "v6"}},
		{"i686", {"linux", "386", ""}},
		{"i386", {"linux", "386", ""}},
		{"ppc64le", {"linux", "ppc64le", ""}},
		{"s390x", {"linux", "s390x", ""}},
		{"riscv64", {"linux", "riscv64", ""}},
		{"loongarch64", {"linux", "loong64", ""}},
	};
	struct utsname names;

	if (uname(&names))
		return -errno;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (strcmp(names.machine, machines[i].machine) == 0) {
			*ret = machines[i].platform;
			return 0;
		}
	return -ENOENT;
}

static int platform_parse(const char *text, struct platform *ret)
{
	char *parts[] = {ret->os, ret->architecture, ret->variant};
	size_t count = 0;

	*ret = (struct platform){0};
	for (; count < 3; count++) {
		size_t length = strcspn(text, "/");

		if (length >= sizeof(ret->os))
			return -EINVAL;
		memcpy(parts[count], text, length);
		if (record_word_fault(parts[count]))
			return -EINVAL;
		text += length;
		if (!*text)
			return count == 0 ? -EINVAL : 0;
		text++;
	}
	return -EINVAL;
}

static bool fits(const struct descriptor *entry, const struct platform *platform)
{
	return entry->os && strcmp(entry->os, platform->os) == 0 &&
	       strcmp(entry->architecture, platform->architecture) == 0 &&
	       strcmp(whole_variant(entry->architecture, entry->variant),
		       whole_variant(platform->architecture, platform->variant)) == 0;
}

static int set_none(
	const struct manifest *index, const struct platform *platform, struct err *reterr)
{
	char there[300] = "";
	size_t used = 0;

	for (size_t i = 0; i < index->layer_count; i++) {
		const struct descriptor *entry = &index->layers[i];
		int length;

		if (!entry->os || used + 1 >= sizeof(there))
			continue;
		length = snprintf(there + used, sizeof(there) - used, "%s%s/%s%s%s",
			used ? ", " : "", entry->os, entry->architecture, entry->variant ? "/" : "",
			entry->variant ? entry->variant : "");
		if (length > 0)
			used += (size_t)length;
		if (used >= sizeof(there))
			used = sizeof(there) - 1;
	}
	return err_set(reterr, -ENOENT, NULL,
		"there is no image for %s/%s%s%s in this index; there %s%s", platform->os,
		platform->architecture, platform->variant[0] ? "/" : "", platform->variant,
		used ? "are " : "is none for any", there);
}

int manifest_choose(const struct manifest *index, const char *platform,
	const struct descriptor **ret, struct err *reterr)
{
	struct platform wanted = {0};
	int r = platform ? platform_parse(platform, &wanted) : platform_here(&wanted);

	if (r < 0)
		return err_set(reterr, r, platform ? platform : "platform",
			platform ? "is no platform, such as \"linux/amd64\" or \"linux/arm64/v8\""
				 : "this machine's is unknown: name one with --platform");
	for (size_t i = 0; i < index->layer_count; i++) {
		const struct descriptor *entry = &index->layers[i];
		const struct document_type *type = find_type(entry->media_type);

		if (!type || !fits(entry, &wanted))
			continue;
		if (type->kind == DOCUMENT_INDEX)
			return err_set(reterr, -EBADMSG, entry->digest.text,
				"is an index within an index, which immure does not follow");
		*ret = entry;
		return 0;
	}
	return set_none(index, &wanted, reterr);
}
