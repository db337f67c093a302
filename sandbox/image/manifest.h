/*
 * Manifests, indexes and configurations: documents of strangers, read strictly (R32: one parse, one
 * meaning). OCI image-spec manifest.md, image-index.md, config.md; Docker image manifest V2 schema
 * 2 and manifest lists. Pure. Second program only.
 */
#ifndef IMMURE_IMAGE_MANIFEST_H
#define IMMURE_IMAGE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/record.h"
#include "util/err.h"
#include "util/json.h"

struct arena;

#define MANIFEST_BYTES ((size_t)4 * 1024 * 1024)
extern const struct json_limits manifest_limits; /* of any document of an image (R30) */
#define LAYER_BYTES UINT64_C(0x200000000)        /* 8 GiB, compressed or not */

enum document_kind { DOCUMENT_MANIFEST, DOCUMENT_INDEX };
enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

struct descriptor {
	const char *media_type;
	struct digest digest;
	uint64_t size;
	/* of an index: */
	const char *os, *architecture, *variant; /* NULL where absent */
	const char
		*ref_name; /* annotation org.opencontainers.image.ref.name, unchecked text; NULL */
	/* of a layer: */
	enum compression compression;
};

struct manifest {
	enum document_kind kind;
	const char *media_type; /* of the document itself */
	bool docker;            /* Docker's media types, not OCI's */
	struct descriptor config;
	const struct descriptor *layers; /* lowest first; of an index: its manifests */
	size_t layer_count;
};

/*
 * Parses text. content_type: what the server or the descriptor said it is (NULL: nothing was said);
 * where document, server and descriptor disagree, or where it could be read both ways
 * (CVE-2021-41190), it is refused.
 */
int manifest_parse(const char *name, const char *text, size_t length, const char *content_type,
	struct arena *arena, struct manifest *ret, struct err *reterr);

/* "linux/amd64", "linux/arm64/v8": the entry of an index that fits, by the first exact match.
 * platform NULL: this machine's. -ENOENT with the platforms there are. */
int manifest_choose(const struct manifest *index, const char *platform,
	const struct descriptor **ret, struct err *reterr);

/*
 * Checks a configuration against its manifest (as many diff ids as layers, a known rootfs type) and
 * makes the record of the image. diffs (arena's): layer_count digests. Strings that a launch cannot
 * take as they are (Env without "=", a relative WorkingDir) are refused with the pointer of the
 * value, as podman and docker do or stricter.
 */
struct image_config {
	struct image_record record; /* manifest left empty */
	const struct digest *diffs;
	const char *created;       /* as written, or "" */
	const char *const *labels; /* "NAME=VALUE", NULL-terminated */
	struct history_entry {
		const char *created, *created_by, *comment;
		bool empty_layer;
	} * history;
	size_t history_count;
	const char *const *exposed_ports; /* NULL-terminated */
};
int config_parse(const char *name, const char *text, size_t length, size_t layer_count,
	struct arena *arena, struct image_config *ret, struct err *reterr);

/* "2026-11-21T12:06:30.123Z", RFC 3339: seconds of the epoch. 0 or -EINVAL. */
int config_time(const char *text, int64_t *ret);
/* "SIGTERM", "term", "15", "SIGRTMIN+3": 1 to 64, or -EINVAL. */
int config_signal(const char *text);

#endif
