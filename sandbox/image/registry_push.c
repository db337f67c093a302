/*
 * Blobs and manifests sent: distribution-spec, "Pushing". A blob goes in one piece (POST, then PUT
 * to where the answer says); where that breaks it is begun again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/registry_parts.h"
#include "util/cleanup.h"

/* What is pushed goes to the registry itself, the last of the endpoints. */
static size_t own_endpoint(const struct registry *registry)
{
	return registry->session->count - 1;
}

int registry_has_blob(
	struct registry *registry, const struct digest *digest, bool *ret, struct err *reterr)
{
	char path[200];
	struct registry_request request = {
		.path = path, .http = {.method = "HEAD", .body_fd = -1, .maximum = ANSWER_BYTES}};
	struct transport_response response;
	int r;

	(void)snprintf(path, sizeof(path), "blobs/%s", digest->text);
	r = registry_request_patiently(
		registry, own_endpoint(registry), &request, &response, NULL, reterr);
	if (!r && response.status != 200 && response.status != 404)
		r = registry_refusal(registry, own_endpoint(registry), path, &response, reterr);
	if (!r)
		*ret = response.status == 200;
	transport_response_free(&response);
	return r;
}

int registry_mount_blob(struct registry *registry, const struct digest *digest,
	const char *from_repository, bool *ret, struct err *reterr)
{
	char path[600];
	struct registry_request request = {
		.path = path, .http = {.method = "POST", .body_fd = -1, .maximum = ANSWER_BYTES}};
	struct transport_response response;
	int r;

	/* a repository's name has nothing that would need an escape but the slash, which may stand
	 * in a query */
	(void)snprintf(path, sizeof(path), "blobs/uploads/?mount=%s&from=%s", digest->text,
		from_repository);
	r = registry_request_patiently(
		registry, own_endpoint(registry), &request, &response, NULL, reterr);
	/* 202: an upload was begun instead; whatever else: it is not there, and is uploaded */
	if (!r)
		*ret = response.status == 201;
	transport_response_free(&response);
	return r;
}

/* The place for the bytes, with the digest that they must have. */
static int upload_url(const struct url *base, const char *location, const struct digest *digest,
	struct url *ret, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	struct url place;
	int r = url_resolve(base, location, "the place for an upload", &place, reterr);

	if (r)
		return r;
	if (base->https && !place.https)
		r = err_set(reterr, -EPERM, "the place for an upload", "not https: refused");
	else if (asprintf(&text, "%s%cdigest=%s", place.text, strchr(place.text, '?') ? '&' : '?',
			 digest->text) < 0) {
		text = NULL;
		r = err_no_memory(reterr);
	}
	url_free(&place);
	return r ? r : url_parse(text, "the place for an upload", ret, reterr);
}

static int begin_upload(
	struct registry *registry, const struct digest *digest, struct url *ret, struct err *reterr)
{
	struct registry_request request = {.path = "blobs/uploads/",
		.http = {.method = "POST", .body_fd = -1, .maximum = ANSWER_BYTES}};
	struct transport_response response;
	struct url asked = {0};
	int r = registry_request_patiently(
		registry, own_endpoint(registry), &request, &response, &asked, reterr);

	if (!r && response.status != 202)
		r = registry_refusal(registry, own_endpoint(registry), "upload", &response, reterr);
	else if (!r && !response.headers[HEADER_LOCATION])
		r = err_set(reterr, -EPROTO, "upload", "the registry does not say where to");
	if (!r)
		r = upload_url(&asked, response.headers[HEADER_LOCATION], digest, ret, reterr);
	url_free(&asked);
	transport_response_free(&response);
	return r;
}

struct upload {
	int fd;
	uint64_t size;
	const struct digest *digest;
	void (*progress)(void *context, uint64_t sent);
	void *context;
};

static int one_upload(struct registry *registry, const struct upload *upload,
	struct transport_response *response, struct err *reterr)
{
	static const char *const headers[] = {"Content-Type: application/octet-stream", NULL};
	struct url place = {0};
	struct registry_request request = {.url = &place,
		.http = {.method = "PUT",
			.headers = headers,
			.body_fd = upload->fd,
			.body_size = upload->size,
			.progress = upload->progress,
			.context = upload->context,
			.maximum = ANSWER_BYTES}};
	int r = begin_upload(registry, upload->digest, &place, reterr);

	if (!r)
		r = registry_request(
			registry, own_endpoint(registry), &request, response, NULL, reterr);
	url_free(&place);
	return r;
}

int registry_put_blob(struct registry *registry, int fd, uint64_t size, const struct digest *digest,
	void (*progress)(void *context, uint64_t sent), void *context, struct err *reterr)
{
	const struct upload upload = {fd, size, digest, progress, context};

	for (unsigned number = 1;; number++) {
		struct transport_response response = {0};
		struct err err = {0};
		int r = one_upload(registry, &upload, &response, &err);

		if (number < REGISTRY_TRIES && registry_may_retry(r, &response)) {
			r = registry_pause(
				registry, number, response.headers[HEADER_RETRY], reterr);
			transport_response_free(&response);
			if (r)
				return r;
			continue;
		}
		if (!r && response.status != 201)
			r = registry_refusal(
				registry, own_endpoint(registry), digest->text, &response, &err);
		transport_response_free(&response);
		if (r && reterr)
			*reterr = err;
		return r;
	}
}

int registry_put_manifest(struct registry *registry, const char *tag_or_digest, const char *text,
	size_t length, const char *media_type, struct err *reterr)
{
	char path[300], type[320];
	const char *const headers[] = {type, NULL};
	struct registry_request request = {.path = path,
		.http = {.method = "PUT",
			.headers = headers,
			.body = text,
			.body_length = length,
			.body_fd = -1,
			.maximum = ANSWER_BYTES}};
	struct transport_response response;
	int r;

	(void)snprintf(path, sizeof(path), "manifests/%s", tag_or_digest);
	(void)snprintf(type, sizeof(type), "Content-Type: %s", media_type);
	r = registry_request_patiently(
		registry, own_endpoint(registry), &request, &response, NULL, reterr);
	if (!r && response.status != 201 && response.status != 200)
		r = registry_refusal(registry, own_endpoint(registry), path, &response, reterr);
	transport_response_free(&response);
	return r;
}
