/*
 * What the files of the registry client share: where a repository can be reached (its mirrors and
 * itself), what is known of each, and one request with its redirects, challenges and new tries.
 * Second program only.
 */
#ifndef IMMURE_IMAGE_REGISTRY_PARTS_H
#define IMMURE_IMAGE_REGISTRY_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "image/auth.h"
#include "image/challenge.h"
#include "image/mirror.h"
#include "image/registry.h"
#include "image/transport.h"
#include "image/transport_trust.h"

#define REGISTRY_TRIES 5
#define REGISTRY_REDIRECTS 5

/* One place: guarded by the session's lock where it says so. */
struct endpoint {
	struct mirror_endpoint name; /* "docker.io", "library/debian" */
	bool insecure;
	struct transport_trust trust;
	struct credentials credentials; /* read at the first challenge; guarded */
	bool credentials_read;
	struct url
		base; /* "https://registry-1.docker.io/v2/"; text NULL: not yet settled; guarded */
	atomic_int nearest; /* enum address_class of it, or -1: not yet known */
	/* how it wants to be asked; guarded */
	enum challenge_kind kind;
	struct url realm;    /* of a bearer */
	char *service;       /* or NULL */
	char *authorization; /* "Bearer …" or "Basic …"; or NULL */
	time_t expires;      /* of a token: CLOCK_MONOTONIC */
	bool anonymous;      /* no credentials went into it */
};

struct session {
	pthread_mutex_t lock;
	atomic_uint users;
	bool push;
	const char *auth_file, *user, *password; /* borrowed of the options */
	const atomic_bool *stop;
	const char *sources[REGISTRY_SOURCES]; /* borrowed, as they are */
	size_t source_count;
	atomic_size_t chosen; /* the endpoint that answered last */
	size_t count;
	struct endpoint endpoints[MIRROR_ENDPOINTS];
};

struct registry {
	struct session *session;
	struct transport *transports[MIRROR_ENDPOINTS]; /* made when they are needed */
};

/* What is asked of an endpoint. url, where it is set, goes before path. */
struct registry_request {
	const char *path; /* "manifests/latest", below /v2/REPOSITORY/; "" with root: /v2/ itself */
	bool root;
	const struct url *url;
	struct transport_request http; /* url, authorization, verify … are filled in here */
};

/*
 * One request: its challenge met once, its redirects followed. 0 when there is an answer, whatever
 * its status; *ret is to be freed in every case. ret_url, which may be NULL: who answered in the
 * end, to be freed.
 */
int registry_request(struct registry *registry, size_t endpoint,
	const struct registry_request *request, struct transport_response *ret, struct url *ret_url,
	struct err *reterr);

/* The same with new tries, after a pause, where the answer is 429, 502, 503 or 504, or the
 * connection broke. */
int registry_request_patiently(struct registry *registry, size_t endpoint,
	const struct registry_request *request, struct transport_response *ret, struct url *ret_url,
	struct err *reterr);

/* Waits before try number (1, 2 …): a quarter of a second, doubled each time, or what Retry-After
 * says, a minute at most. -ECANCELED. */
int registry_pause(const struct registry *registry, unsigned number, const char *retry_after,
	struct err *reterr);

/* Whether an answer, or a failure to get one, may be better at the next try. */
bool registry_may_retry(int r, const struct transport_response *response);

/* The error that an answer tells of, with what the registry says itself; never 0. what: "manifest
 * latest". */
int registry_refusal(struct registry *registry, size_t endpoint, const char *what,
	const struct transport_response *response, struct err *reterr);

/* The value of Authorization for this endpoint (malloc'd), or NULL where none is known. A token
 * about to expire is replaced first: *ret is good for a request that begins now. */
int registry_authorization(
	struct registry *registry, size_t endpoint, char **ret, struct err *reterr);

/* Meets the challenge of an answer 401: afterwards there may be another authorization. 1: there is
 * one to try; 0: nothing more can be done; -errno. */
int registry_meet_challenge(struct registry *registry, size_t endpoint,
	const struct transport_response *response, const char *used, struct err *reterr);

/* Follows redirects, and nothing else. authorization goes to request->http.url's origin only. */
int registry_follow(struct registry *registry, size_t endpoint,
	const struct transport_request *http, const struct url *start, const char *authorization,
	struct transport_response *ret, struct url *ret_url, struct err *reterr);

/* The endpoint's address, settled by a request where it may be http (insecure). */
int registry_settle(struct registry *registry, size_t endpoint, struct err *reterr);

#endif
