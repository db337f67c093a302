/*
 * One HTTP request and its answer, by libcurl, with everything off that would act on its own:
 * redirects, netrc, cookies, HTTP/0.9, encodings, other protocols (R34). An answer is bounded in
 * time and in every part (R30). What to do next is decided by whoever asked. Second program only.
 */
#ifndef IMMURE_IMAGE_TRANSPORT_H
#define IMMURE_IMAGE_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/transport_url.h"
#include "util/err.h"

#define HEADERS_BYTES ((size_t)64 * 1024)           /* of one answer, all its heads together */
#define ANSWER_BYTES ((size_t)1024 * 1024)          /* tokens and errors */
#define TRANSPORT_TIMEOUT "IMMURE_REGISTRY_TIMEOUT" /* seconds without progress; default 30 */

/* The headers that are kept; a name that comes twice with different values is refused, but for the
 * two lists. */
enum transport_header {
	HEADER_CHALLENGE, /* WWW-Authenticate, joined by ", " */
	HEADER_WARNING,   /* Warning, the same; at most 4 KiB of it */
	HEADER_TYPE,      /* Content-Type */
	HEADER_LENGTH,
	HEADER_RANGE, /* Content-Range */
	HEADER_ENCODING,
	HEADER_TRANSFER, /* Transfer-Encoding */
	HEADER_DIGEST,   /* Docker-Content-Digest */
	HEADER_LOCATION,
	HEADER_RETRY, /* Retry-After */
	HEADER_COUNT
};

struct transport_response {
	int status;                  /* 200; 0: nothing came */
	char *headers[HEADER_COUNT]; /* owned; NULL where absent */
	uint64_t length;             /* Content-Length, or UINT64_MAX */
	char *body; /* owned, NUL after it; NULL where it went to the request's data() */
	size_t body_length;
	enum address_class
		reached; /* the server's, as far as is known: see transport_request.nearest */
	bool connected;  /* a failure came after the connection was made: worth a new try */
};
void transport_response_free(struct transport_response *response); /* a zero one is fine */

struct transport_request {
	const char *method; /* GET HEAD POST PUT */
	const struct url *url;
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	const char *authorization;  /* the value of that header, or NULL */

	const char *body; /* POST and PUT: in memory, or … */
	size_t body_length;
	int body_fd; /* … from a file, which is read from its beginning; else -1 */
	uint64_t body_size;
	void (*progress)(void *context, uint64_t sent);

	size_t maximum; /* bytes of the answer's body where it is collected */
	/* Where they are given and the status is 200 or 206: begin() judges the head, data() takes
	 * the body. A negative answer ends the request with it. */
	int (*begin)(void *context, const struct transport_response *response, struct err *reterr);
	int (*data)(void *context, const void *data, size_t length, struct err *reterr);
	uint64_t size; /* bytes that are awaited of it: for the whole request's time */
	void *context;

	bool verify;          /* TLS certificates; only a user's own word sets it false */
	bool client_identity; /* show the client's certificate, where there is one */
	/* Connections to addresses that are nearer than public and are not of this class are
	 * refused, whatever name led there (DNS rebinding); -1: any. Where a proxy stands between,
	 * it does the look-up: then only what the URL itself says is judged. */
	int nearest;
};

struct transport_trust; /* transport_trust.h */
struct transport;       /* for one thread; keeps connections open between requests */

/* trust is borrowed. stop, which may be NULL: ends a request under way when it turns true. */
int transport_open(const struct transport_trust *trust, const atomic_bool *stop,
	struct transport **ret, struct err *reterr);
void transport_close(struct transport *transport); /* NULL is fine */

/*
 * 0 when an answer came, whatever its status. Else -errno with reterr: -EHOSTUNREACH and
 * -ECONNREFUSED (no connection), -ETIMEDOUT, -ECONNRESET (cut off), -EKEYREJECTED (its
 * certificate), -EPERM (an address that is refused), -EBADMSG (no HTTP of ours), -EFBIG (a bound),
 * -ECANCELED (stop), or what begin() or data() said. *ret is to be freed in every case.
 */
int transport_perform(struct transport *transport, const struct transport_request *request,
	struct transport_response *ret, struct err *reterr);

#endif
