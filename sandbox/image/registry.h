/*
 * A registry: distribution-spec over HTTPS, by libcurl. Redirects, realms and credentials are
 * handled here, not by libcurl (R34): what belongs to one (scheme, host, port) is never sent to
 * another. Second program only.
 */
#ifndef IMMURE_IMAGE_REGISTRY_H
#define IMMURE_IMAGE_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "util/err.h"

struct registry; /* one registry, one repository, what is known of its tokens; used by one thread,
		    or cloned */

#define REGISTRY_SOURCES 8 /* each is a scope more in the URL of every question for a token */

struct registry_options {
	bool push; /* the scope to ask for; mirrors are not for pushing */
	const char *sources[REGISTRY_SOURCES]; /* repositories that blobs may be mounted from: the
						  tokens are for pulling from them as well */
	size_t source_count;
	const char *auth_file; /* NULL: where podman and docker keep them (auth.h) */
	const char
		*registries_file; /* NULL: registries.conf where podman looks for it (mirror.h) */
	const char *user, *password; /* given on standard input; NULL: from the files */
	int tls_verify;              /* 1, 0, or -1: as registries.conf says */
	const atomic_bool *stop;     /* ends what is under way when it turns true; may be NULL */
};

/* The value of --tls-verify, "true" or "false", to 1 or 0; NULL leaves *ret as it is. */
int registry_tls_option(const char *text, int *ret, struct err *reterr);

/* reference gets its registry where none was written: short names of registries.conf, else Docker
 * Hub. Nothing is sent. */
int registry_complete(
	struct reference *reference, const struct registry_options *options, struct err *reterr);

/* Nothing is sent yet. reference is complete. The mirrors of registries.conf are tried in order,
 * then the registry itself. */
int registry_open(const struct reference *reference, const struct registry_options *options,
	struct registry **ret, struct err *reterr);
/* One more for another thread, with the same tokens. */
int registry_clone(struct registry *registry, struct registry **ret, struct err *reterr);
void registry_close(struct registry *registry);

/*
 * A manifest by tag or digest (text of one of them): at most MANIFEST_BYTES, malloc'd. Its digest
 * is computed here and compared with what was asked for and what the server said. ret_type: the
 * Content-Type, malloc'd, or NULL.
 */
int registry_manifest(struct registry *registry, const char *tag_or_digest, char **ret_text,
	size_t *ret_length, char **ret_type, struct digest *ret_digest, struct err *reterr);

/*
 * A blob, from offset on, into sink; resumed and retried by itself: sink gets every byte once, in
 * order, from offset to the size, or restart is called and sink gets all bytes from the first
 * again. sink's negative answer ends it with that error.
 */
struct registry_sink {
	int (*data)(void *context, const void *data, size_t length, struct err *reterr);
	int (*restart)(void *context, struct err *reterr);
	void *context;
};
int registry_blob(struct registry *registry, const struct descriptor *descriptor, uint64_t offset,
	const struct registry_sink *sink, struct err *reterr);

/* Pushing. */
int registry_has_blob(
	struct registry *registry, const struct digest *digest, bool *ret, struct err *reterr);
/* from_repository is one of the options' sources. */
int registry_mount_blob(struct registry *registry, const struct digest *digest,
	const char *from_repository, bool *ret, struct err *reterr);
int registry_put_blob(struct registry *registry, int fd, uint64_t size, const struct digest *digest,
	void (*progress)(void *context, uint64_t sent), void *context, struct err *reterr);
int registry_put_manifest(struct registry *registry, const char *tag_or_digest, const char *text,
	size_t length, const char *media_type, struct err *reterr);

/* Asks whether the credentials are good (GET /v2/). */
int registry_login(struct registry *registry, struct err *reterr);

#endif
