/*
 * Where a registry's images are fetched from: registries.conf, version 2, of
 * containers-registries.conf(5): other locations, mirrors, blocked and insecure registries, short
 * names. The user's or the administrator's file. Second program only.
 */
#ifndef IMMURE_IMAGE_MIRROR_H
#define IMMURE_IMAGE_MIRROR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "image/reference.h"
#include "util/err.h"

#define MIRROR_ENDPOINTS 8

struct mirror_endpoint {
	char registry[256];   /* "mirror.local:5000" */
	char repository[256]; /* as it is called there */
	bool insecure;        /* certificates are not asked for, and http will do */
};

struct mirror_endpoints {
	struct mirror_endpoint
		items[MIRROR_ENDPOINTS]; /* to be tried in order; the last is the registry itself */
	size_t count;
};

/* What was read of the files: one root table after the other, the main file first. */
struct mirror_config {
	json_t *roots; /* array of {"name": …, "root": …}; owned */
};
void mirror_config_free(struct mirror_config *config);

/*
 * Reads file; NULL: $CONTAINERS_REGISTRIES_CONF, ~/.config/containers/registries.conf or
 * /etc/containers/registries.conf, and the *.conf in registries.conf.d beside it and in
 * ~/.config/containers/registries.conf.d. warn is told of keys that nobody knows. No file at all is
 * an empty configuration.
 */
int mirror_read(const char *file, void (*warn)(const char *where, const char *key),
	struct mirror_config *ret, struct err *reterr);

/* The same of one text. Pure. */
int mirror_parse(const char *name, const char *text, size_t length,
	void (*warn)(const char *where, const char *key), struct mirror_config *ret,
	struct err *reterr);

/* Where to go for reference (complete). push: the registry's own location only. -EACCES where it is
 * blocked. */
int mirror_resolve(const struct mirror_config *config, const struct reference *reference, bool push,
	struct mirror_endpoints *ret, struct err *reterr);

/*
 * Completes a name that was written without a registry: an alias of [aliases], else the one entry
 * of unqualified-search-registries, else Docker Hub. Where there are several to search, it is
 * refused with a list of what could be meant (T-REG-24).
 */
int mirror_complete(
	const struct mirror_config *config, struct reference *reference, struct err *reterr);

#endif
