/*
 * One request to a registry: redirects, new tries, and the words for its refusals. Credentials are
 * bound to the origin they were meant for: what goes elsewhere goes without them (R34, T-REG-14).
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image/registry_parts.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/mutant.h"
#include "util/text.h"

#define LONGEST_PAUSE_MS 60000u
#define FIRST_PAUSE_MS 250u

static int transport_of(
	struct registry *registry, size_t index, struct transport **ret, struct err *reterr)
{
	struct session *session = registry->session;
	int r = 0;

	if (!registry->transports[index])
		r = transport_open(&session->endpoints[index].trust, session->stop,
			&registry->transports[index], reterr);
	*ret = registry->transports[index];
	return r;
}

/* ---- redirects ---- */

static bool is_redirect(const struct transport_response *response)
{
	int status = response->status;

	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Where an answer sends us; *url is replaced by it. */
static int next_hop(const struct endpoint *endpoint, const struct transport_request *http,
	const struct transport_response *response, struct url *url, struct err *reterr)
{
	const char *location = response->headers[HEADER_LOCATION];
	char shown[URL_SHOWN], what[URL_SHOWN + 32];
	struct url next;
	int r;

	(void)snprintf(what, sizeof(what), "redirect of %s", url_show(url, shown));
	if (!location)
		return err_set(reterr, -EBADMSG, what, "it does not say where to");
	/* what was sent is sent again only where the answer says so (RFC 9110, 15.4.8) */
	if (strcmp(http->method, "GET") != 0 && strcmp(http->method, "HEAD") != 0 &&
		response->status != 307 && response->status != 308)
		return err_set(reterr, -EBADMSG, what, "status %d is no answer to a %s",
			response->status, http->method);
	r = url_resolve(url, location, what, &next, reterr);
	if (r)
		return r;
	/* a form has a secret in it, and a manifest is for the registry alone */
	if (http->body && !url_same_origin(url, &next) && !mutant(MUTANT_REDIRECT_BODY)) {
		url_free(&next);
		return err_set(
			reterr, -EPERM, what, "what was sent would go to somebody else: refused");
	}
	if (!next.https && (url->https || !endpoint->insecure) &&
		!mutant(MUTANT_REDIRECT_DOWNGRADE)) {
		url_free(&next);
		return err_set(reterr, -EPERM, what, "from https to http: refused");
	}
	url_free(url);
	*url = next;
	return 0;
}

static int copy_url(const struct url *from, struct url *ret, struct err *reterr)
{
	*ret = *from;
	ret->text = strdup(from->text);
	return ret->text ? 0 : err_no_memory(reterr);
}

static int one_hop(struct registry *registry, size_t index, const struct transport_request *http,
	const struct url *url, const struct url *start, const char *authorization,
	struct transport_response *ret, struct err *reterr)
{
	struct endpoint *endpoint = &registry->session->endpoints[index];
	struct transport_request request = *http;
	bool own = url_same_origin(url, &endpoint->base);
	struct transport *transport;
	int r = transport_of(registry, index, &transport, reterr);

	if (r)
		return r;
	request.url = url;
	request.authorization = url_same_origin(url, start) || mutant(MUTANT_REDIRECT_CREDENTIALS)
					? authorization
					: NULL;
	request.verify = (!endpoint->insecure || strcmp(url->host, endpoint->base.host) != 0) &&
			 !mutant(MUTANT_TLS_VERIFY);
	request.client_identity = own;
	/* before the registry has answered, nobody can have sent us anywhere */
	request.nearest = own ? -1 : atomic_load(&endpoint->nearest);
	if (!own && request.nearest < 0)
		request.nearest = ADDRESS_PUBLIC;
	r = transport_perform(transport, &request, ret, reterr);
	if (!r && own)
		atomic_store(&endpoint->nearest, (int)ret->reached);
	return r;
}

int registry_follow(struct registry *registry, size_t index, const struct transport_request *http,
	const struct url *start, const char *authorization, struct transport_response *ret,
	struct url *ret_url, struct err *reterr)
{
	struct endpoint *endpoint = &registry->session->endpoints[index];
	char shown[URL_SHOWN];
	struct url url;
	int r = copy_url(start, &url, reterr);

	*ret = (struct transport_response){0};
	for (unsigned hops = 0; !r; hops++) {
		r = one_hop(registry, index, http, &url, start, authorization, ret, reterr);
		if (r || !is_redirect(ret))
			break;
		if (hops == (mutant(MUTANT_REDIRECT_COUNT) ? 100 : REGISTRY_REDIRECTS))
			r = err_set(reterr, -ELOOP, url_show(start, shown),
				"more than %d redirects", REGISTRY_REDIRECTS);
		else
			r = next_hop(endpoint, http, ret, &url, reterr);
		if (!r)
			transport_response_free(ret);
	}
	if (!r && ret_url)
		*ret_url = url;
	else
		url_free(&url);
	return r;
}

/* ---- where the registry is ---- */

/* Docker Hub's registry has another name than people give it. */
static const char *host_of(const char *registry)
{
	return strcmp(registry, "docker.io") == 0 ? "registry-1.docker.io" : registry;
}

static int make_base(
	const struct endpoint *endpoint, bool https, struct url *ret, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text, "%s://%s/v2/", https ? "https" : "http",
		    host_of(endpoint->name.registry)) < 0) {
		text = NULL;
		return err_no_memory(reterr);
	}
	return url_parse(text, endpoint->name.registry, ret, reterr);
}

/* Only for a registry that the user calls insecure: whether it speaks TLS at all (T-REG-23). */
static int probe(struct registry *registry, size_t index, const struct url *url, struct err *reterr)
{
	struct transport_request request = {
		.method = "GET", .url = url, .body_fd = -1, .maximum = ANSWER_BYTES, .nearest = -1};
	struct transport_response response;
	struct transport *transport;
	int r = transport_of(registry, index, &transport, reterr);

	if (r)
		return r;
	r = transport_perform(transport, &request, &response, reterr);
	transport_response_free(&response);
	return r;
}

static int settle(struct registry *registry, size_t index, struct err *reterr)
{
	struct endpoint *endpoint = &registry->session->endpoints[index];
	struct err ignored = {0};
	struct url base;
	int r;

	if (endpoint->base.text)
		return 0;
	r = make_base(endpoint, true, &base, reterr);
	if (r)
		return r;
	if (endpoint->insecure) {
		r = probe(registry, index, &base, &ignored);
		if (r == -ECANCELED) {
			url_free(&base);
			return err_set(reterr, r, endpoint->name.registry, "given up");
		}
		if (r) {
			url_free(&base);
			r = make_base(endpoint, false, &base, reterr);
		}
	}
	if (!r)
		endpoint->base = base;
	return r;
}

int registry_settle(struct registry *registry, size_t index, struct err *reterr)
{
	int r;

	(void)pthread_mutex_lock(&registry->session->lock);
	r = settle(registry, index, reterr);
	(void)pthread_mutex_unlock(&registry->session->lock);
	return r;
}

/* ---- one request, and more of it ---- */

static int make_url(const struct endpoint *endpoint, const struct registry_request *request,
	struct url *ret, struct err *reterr)
{
	_cleanup_free_ char *path = NULL;

	if (request->url)
		return copy_url(request->url, ret, reterr);
	if (request->root)
		return copy_url(&endpoint->base, ret, reterr);
	/* repository, tag and digest are of their grammars: nothing in them needs an escape */
	if (asprintf(&path, "%s/%s", endpoint->name.repository, request->path) < 0) {
		path = NULL;
		return err_no_memory(reterr);
	}
	return url_resolve(&endpoint->base, path, endpoint->name.registry, ret, reterr);
}

static void cleanup_url(struct url *url)
{
	url_free(url);
}

int registry_request(struct registry *registry, size_t index,
	const struct registry_request *request, struct transport_response *ret, struct url *ret_url,
	struct err *reterr)
{
	struct endpoint *endpoint = &registry->session->endpoints[index];
	_cleanup_(cleanup_url) struct url url = {0}, answered = {0};
	int r = registry_settle(registry, index, reterr);

	*ret = (struct transport_response){0};
	if (!r)
		r = make_url(endpoint, request, &url, reterr);
	for (unsigned round = 0; !r; round++) {
		_cleanup_secret_ char *authorization = NULL;
		/* a Location may lead an upload to a store elsewhere */
		bool own = url_same_origin(&url, &endpoint->base);

		if (own)
			r = registry_authorization(registry, index, &authorization, reterr);
		if (r)
			break;
		r = registry_follow(registry, index, &request->http, &url, authorization, ret,
			&answered, reterr);
		if (r || ret->status != 401 || !own || round == 1 ||
			!url_same_origin(&answered, &endpoint->base))
			break;
		r = registry_meet_challenge(registry, index, ret, authorization, reterr);
		if (r <= 0)
			break;
		transport_response_free(ret);
		url_free(&answered);
		r = 0;
	}
	if (!r && ret_url) {
		*ret_url = answered;
		answered = (struct url){0};
	}
	return r;
}

bool registry_may_retry(int r, const struct transport_response *response)
{
	int status = response->status;

	if (r)
		return r == -ECONNRESET || (r == -ETIMEDOUT && response->connected);
	return status == 429 || (status >= 500 && status <= 504 && status != 501);
}

int registry_pause(const struct registry *registry, unsigned number, const char *retry_after,
	struct err *reterr)
{
	const struct timespec slice = {.tv_nsec = 50L * 1000 * 1000};
	const atomic_bool *stop = registry->session->stop;
	uint64_t wait = (uint64_t)FIRST_PAUSE_MS << (number < 10 ? number - 1 : 9), seconds;

	if (retry_after && text_parse_u64(retry_after, UINT32_MAX, &seconds) == 0)
		wait = seconds * 1000;
	if (wait > LONGEST_PAUSE_MS)
		wait = LONGEST_PAUSE_MS;
	for (uint64_t waited = 0; waited < wait; waited += 50) {
		if (stop && atomic_load(stop))
			return err_set(reterr, -ECANCELED, NULL, "given up");
		(void)nanosleep(&slice, NULL);
	}
	return 0;
}

int registry_request_patiently(struct registry *registry, size_t index,
	const struct registry_request *request, struct transport_response *ret, struct url *ret_url,
	struct err *reterr)
{
	for (unsigned number = 1;; number++) {
		_cleanup_free_ char *after = NULL;
		struct err err = {0};
		int r = registry_request(registry, index, request, ret, ret_url, &err);

		if (number == REGISTRY_TRIES || !registry_may_retry(r, ret)) {
			if (r && reterr)
				*reterr = err;
			return r;
		}
		after = take_pointer(&ret->headers[HEADER_RETRY]);
		if (!r && ret_url)
			url_free(ret_url);
		transport_response_free(ret);
		r = registry_pause(registry, number, after, reterr);
		if (r)
			return r;
	}
}

/* ---- what a refusal says ---- */

static const struct json_limits limits = {
	.bytes = ANSWER_BYTES, .depth = 16, .values = 10000, .string = (size_t)64 * 1024};

/* {"errors": [{"code": …, "message": …}]}: distribution-spec, "Error Codes". Into buffer, escaped.
 */
static const char *registry_words(
	const struct transport_response *response, char *buffer, size_t size)
{
	const json_t *first;
	const char *code, *message;
	json_t *root = NULL;
	char plain[400];

	buffer[0] = '\0';
	if (response->body_length)
		root = json_read("answer", response->body, response->body_length, &limits, NULL);
	first = json_array_get(json_object_get(root, "errors"), 0);
	code = json_string_value(json_object_get(first, "code"));
	message = json_string_value(json_object_get(first, "message"));
	if (!message) /* a token server's */
		message = json_string_value(json_object_get(root, "details"));
	if (code || message) {
		(void)snprintf(plain, sizeof(plain), ": %.100s%s%.250s", code ? code : "",
			code && message ? ", " : "", message ? message : "");
		(void)text_escape(plain, strlen(plain), buffer, size);
	}
	json_decref(root);
	return buffer;
}

static void hint_at_login(
	const struct session *session, const struct endpoint *endpoint, struct err *reterr)
{
	if (endpoint->credentials.helper)
		err_hint(reterr,
			"the credentials are kept by the program docker-credential-%s, which "
			"immure "
			"does not run; `immure login %s` keeps them in auth.json",
			endpoint->credentials.helper, endpoint->name.registry);
	else if (endpoint->kind == CHALLENGE_BEARER && endpoint->anonymous &&
		 (endpoint->credentials.user || session->user))
		err_hint(reterr,
			"the registry sends its users to %s, which is not shown the credentials of "
			"%s",
			endpoint->realm.host, endpoint->name.registry);
	else if (endpoint->credentials.user || endpoint->credentials.token || session->user)
		err_hint(reterr, "the credentials for %s were not enough%s%s",
			endpoint->name.registry,
			endpoint->credentials.file ? "; they are from " : "",
			endpoint->credentials.file ? endpoint->credentials.file : "");
	else
		err_hint(reterr,
			"it may not exist, or be for those who are logged in: `immure login %s`",
			endpoint->name.registry);
}

int registry_refusal(struct registry *registry, size_t index, const char *what,
	const struct transport_response *response, struct err *reterr)
{
	static const struct {
		int status, r;
		const char *message;
	} rows[] = {{401, -EACCES, "the registry wants credentials"},
		{403, -EACCES, "the registry refuses access"},
		{404, -ENOENT, "the registry has nothing of that name"},
		{405, -ENOTSUP, "the registry does not do that"},
		{429, -EBUSY, "the registry has had too many requests from here"}};
	const struct session *session = registry->session;
	const struct endpoint *endpoint = &session->endpoints[index];
	const char *message = response->status >= 500 ? "the registry is in trouble"
						      : "the registry gives an answer that is none";
	char words[400], where[500];
	int r = -EPROTO;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == response->status) {
			r = rows[i].r;
			message = rows[i].message;
		}
	(void)snprintf(where, sizeof(where), "%.150s%s%.200s: %.120s", endpoint->name.registry,
		endpoint->name.repository[0] ? "/" : "", endpoint->name.repository, what);
	(void)err_set(reterr, r, where, "%s (status %d)%s", message, response->status,
		registry_words(response, words, sizeof(words)));
	if (r == -EACCES)
		hint_at_login(session, endpoint, reterr);
	return r;
}
