/*
 * Blobs fetched: from an offset on, resumed where a connection broke, begun again where the answer
 * is not what was asked for (T-REG-29). Nothing here is trusted: whoever takes the bytes counts and
 * hashes them; what is counted here ends a download that can only be wrong as early as possible.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image/registry_parts.h"
#include "util/mutant.h"
#include "util/text.h"

#define PROGRESS ((uint64_t)8 * 1024 * 1024) /* that much more, and the tries are counted anew */

struct download {
	const struct registry_sink *sink;
	const struct descriptor *descriptor;
	const char *what;
	uint64_t offset; /* what the sink has */
	bool anomaly; /* the range was not honoured as it must be: the next try is for the whole */
};

/* "bytes 5-9/10", and nothing else. */
static bool parse_range(const char *text, uint64_t *first, uint64_t *last, uint64_t *size)
{
	uint64_t *numbers[] = {first, last, size};
	static const char ends[] = {'-', '/', '\0'};

	if (!text || !text_starts_with(text, "bytes "))
		return false;
	text += strlen("bytes ");
	for (size_t i = 0; i < 3; i++) {
		size_t length = strspn(text, "0123456789");
		char digits[24];

		if (length == 0 || length >= sizeof(digits) || text[length] != ends[i])
			return false;
		memcpy(digits, text, length);
		digits[length] = '\0';
		if (text_parse_u64(digits, INT64_MAX, numbers[i]))
			return false;
		text += length + 1;
	}
	return true;
}

static int restart(struct download *download, struct err *reterr)
{
	download->offset = 0;
	return download->sink->restart(download->sink->context, reterr);
}

/* The head of an answer 200 or 206: is it the rest of this blob? */
static int begin(void *context, const struct transport_response *response, struct err *reterr)
{
	struct download *download = context;
	uint64_t size = download->descriptor->size, first = 0, last = 0, whole = 0;

	if (response->status == 206) {
		if (parse_range(response->headers[HEADER_RANGE], &first, &last, &whole) &&
			first == download->offset && last == size - 1 && whole == size &&
			(response->length == UINT64_MAX || response->length == size - first))
			return 0;
		download->anomaly = true;
		return err_set(reterr, -ECONNRESET, download->what,
			"the registry sent another part than was asked for");
	}
	if (response->length != UINT64_MAX && response->length != size)
		return err_set(reterr, -EBADMSG, download->what,
			"the registry has %llu bytes, where the manifest says %llu",
			(unsigned long long)response->length, (unsigned long long)size);
	/* all of it, though only the rest was asked for */
	return download->offset ? restart(download, reterr) : 0;
}

static int take(void *context, const void *data, size_t length, struct err *reterr)
{
	struct download *download = context;
	uint64_t left = download->descriptor->size - download->offset;
	int r;

	if (length > left && !mutant(MUTANT_DOWNLOAD_SIZE))
		return err_set(reterr, -EBADMSG, download->what,
			"the registry sends more than the %llu bytes that the manifest says",
			(unsigned long long)download->descriptor->size);
	r = download->sink->data(download->sink->context, data, length, reterr);
	if (!r)
		download->offset += length;
	return r;
}

static int one_try(struct registry *registry, size_t index, struct download *download,
	struct transport_response *response, struct err *reterr)
{
	char path[200], range[64];
	const char *const headers[] = {range, NULL};
	struct registry_request request = {.path = path,
		.http = {.method = "GET",
			.headers = download->offset ? headers : NULL,
			.body_fd = -1,
			.maximum = ANSWER_BYTES,
			.begin = begin,
			.data = take,
			.size = download->descriptor->size,
			.context = download}};
	int r;

	(void)snprintf(path, sizeof(path), "blobs/%s", download->descriptor->digest.text);
	(void)snprintf(
		range, sizeof(range), "Range: bytes=%llu-", (unsigned long long)download->offset);
	r = registry_request(registry, index, &request, response, NULL, reterr);
	if (r)
		return r;
	if (response->status == 416 && download->offset) {
		download->anomaly = true;
		return err_set(reterr, -ECONNRESET, download->what,
			"the registry does not have the rest of it");
	}
	if (response->status != 200 && response->status != 206)
		return registry_refusal(registry, index, download->what, response, reterr);
	if (download->offset == download->descriptor->size)
		return 0;
	return err_set(reterr, -ECONNRESET, download->what, "the registry sent %llu of %llu bytes",
		(unsigned long long)download->offset,
		(unsigned long long)download->descriptor->size);
}

/* All tries at one endpoint. */
static int fetch_from(
	struct registry *registry, size_t index, struct download *download, struct err *reterr)
{
	uint64_t mark = download->offset;

	for (unsigned number = 1;; number++) {
		struct transport_response response = {0};
		struct err err = {0};
		bool again;
		int r = one_try(registry, index, download, &response, &err);

		again = r && number < REGISTRY_TRIES &&
			(registry_may_retry(r, &response) ||
				(response.status && registry_may_retry(0, &response)) ||
				/* the network was there a moment ago */
				(download->offset && (r == -ECONNREFUSED || r == -EHOSTUNREACH)));
		if (download->offset >= mark + PROGRESS) {
			mark = download->offset;
			number = 0;
		}
		if (again && download->anomaly) {
			download->anomaly = false;
			again = restart(download, &err) == 0;
			mark = 0;
		}
		if (again)
			r = registry_pause(registry, number ? number : 1,
				response.headers[HEADER_RETRY], &err);
		transport_response_free(&response);
		if (!again || r) {
			if (r && reterr)
				*reterr = err;
			return r;
		}
	}
}

int registry_blob(struct registry *registry, const struct descriptor *descriptor, uint64_t offset,
	const struct registry_sink *sink, struct err *reterr)
{
	struct session *session = registry->session;
	size_t chosen = atomic_load(&session->chosen);
	char what[180];
	struct download download = {
		.sink = sink, .descriptor = descriptor, .what = what, .offset = offset};
	int r = 0;

	(void)snprintf(what, sizeof(what), "blob %s", descriptor->digest.text);
	if (offset == descriptor->size)
		return 0; /* nothing is left to be asked for */
	/* where the manifest came from first; then whoever else may have it */
	for (size_t i = 0; i < session->count; i++) {
		size_t index = (chosen + i) % session->count;
		struct err err = {0};

		r = fetch_from(registry, index, &download, &err);
		if (!r)
			return 0;
		if (r == -ECANCELED || i + 1 == session->count) {
			if (reterr)
				*reterr = err;
			return r;
		}
	}
	return r;
}
