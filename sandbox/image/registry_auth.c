/*
 * What a registry wants to see: credentials looked up at the first challenge, tokens fetched from
 * the realm it names, for this repository and no more (T-REG-18, T-REG-21). All of it under the
 * session's lock, so that many layers ask for one token.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image/print.h"
#include "image/registry_parts.h"
#include "image/token.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/mutant.h"

#define SPARE_SECONDS 5 /* a token that old is not begun with any more */

static time_t now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static int read_credentials(
	const struct session *session, struct endpoint *endpoint, struct err *reterr)
{
	struct credentials *credentials = &endpoint->credentials;
	int r = 0;

	if (endpoint->credentials_read)
		return 0;
	endpoint->credentials_read = true;
	if (session->user) {
		credentials->user = strdup(session->user);
		credentials->password = strdup(session->password);
		return credentials->user && credentials->password ? 0 : err_no_memory(reterr);
	}
	r = auth_find(session->auth_file, endpoint->name.registry, endpoint->name.repository,
		credentials, reterr);
	if (!r && credentials->exposed)
		print_note("%s: others may read the credentials in it: chmod 600 is better",
			credentials->file);
	return r;
}

/* "Basic dXNlcjpwYXNz" (malloc'd). */
static int basic_value(const struct credentials *credentials, char **ret, struct err *reterr)
{
	_cleanup_secret_ char *pair = NULL, *encoded = NULL;

	if (asprintf(&pair, "%s:%s", credentials->user, credentials->password) < 0) {
		pair = NULL;
		return err_no_memory(reterr);
	}
	encoded = base64_encode(pair, strlen(pair));
	if (!encoded || asprintf(ret, "Basic %s", encoded) < 0)
		return err_no_memory(reterr);
	return 0;
}

/* ---- tokens ---- */

struct scopes {
	char texts[1 + REGISTRY_SOURCES][320];
	const char *list[1 + REGISTRY_SOURCES + 1];
};

static void make_scopes(
	const struct session *session, const struct endpoint *endpoint, struct scopes *scopes)
{
	size_t count = 0;

	/* a login is for no repository in particular */
	if (endpoint->name.repository[0])
		(void)snprintf(scopes->texts[count++], sizeof(scopes->texts[0]),
			"repository:%s:pull%s", endpoint->name.repository,
			session->push ? ",push" : "");
	for (size_t i = 0; i < session->source_count; i++)
		(void)snprintf(scopes->texts[count++], sizeof(scopes->texts[0]),
			"repository:%s:pull", session->sources[i]);
	for (size_t i = 0; i < count; i++)
		scopes->list[i] = scopes->texts[i];
	scopes->list[count] = NULL;
}

static int ask_realm(struct registry *registry, size_t index, const struct scopes *scopes,
	bool trusted, struct transport_response *response, struct err *reterr)
{
	static const char *const form_type[] = {
		"Content-Type: application/x-www-form-urlencoded", NULL};
	struct endpoint *endpoint = &registry->session->endpoints[index];
	const struct credentials *credentials = &endpoint->credentials;
	_cleanup_secret_ char *authorization = NULL, *form = NULL;
	struct transport_request http = {
		.method = "GET", .body_fd = -1, .maximum = ANSWER_BYTES, .headers = NULL};
	struct url url = {0};
	int r = 0;

	if (trusted && credentials->token) {
		r = token_form(endpoint->service, scopes->list, credentials->token, &form, reterr);
		http.method = "POST";
		http.headers = form_type;
		http.body = form;
		http.body_length = r ? 0 : strlen(form);
		endpoint->anonymous = false;
		return r ? r
			 : registry_follow(registry, index, &http, &endpoint->realm, NULL, response,
				   NULL, reterr);
	}
	endpoint->anonymous = !(trusted && credentials->user);
	if (!endpoint->anonymous)
		r = basic_value(credentials, &authorization, reterr);
	if (!r)
		r = token_url(&endpoint->realm, endpoint->service, scopes->list, &url, reterr);
	if (!r)
		r = registry_follow(
			registry, index, &http, &url, authorization, response, NULL, reterr);
	url_free(&url);
	return r;
}

static int take_token(
	struct endpoint *endpoint, const struct transport_response *response, struct err *reterr)
{
	_cleanup_secret_ char *token = NULL;
	char shown[URL_SHOWN];
	uint32_t seconds;
	int r = token_parse(url_show(&endpoint->realm, shown), response->body ? response->body : "",
		response->body_length, &token, &seconds, reterr);

	if (r)
		return r;
	cleanup_secret(&endpoint->authorization);
	if (asprintf(&endpoint->authorization, "Bearer %s", token) < 0) {
		endpoint->authorization = NULL;
		return err_no_memory(reterr);
	}
	endpoint->expires = now() + (time_t)seconds;
	return 0;
}

static int fetch_token(struct registry *registry, size_t index, struct err *reterr)
{
	struct endpoint *endpoint = &registry->session->endpoints[index];
	struct transport_response response = {0};
	struct scopes scopes;
	char shown[URL_SHOWN];
	int r;

	if (!endpoint->realm.https && !mutant(MUTANT_REALM_HTTPS) &&
		(endpoint->base.https || strcmp(endpoint->realm.host, endpoint->base.host) != 0))
		return err_set(reterr, -EPERM, url_show(&endpoint->realm, shown),
			"the registry sends its users to a place without https: refused");
	make_scopes(registry->session, endpoint, &scopes);
	r = ask_realm(registry, index, &scopes,
		token_realm_trusted(&endpoint->base, &endpoint->realm), &response, reterr);
	if (!r && response.status != 200)
		r = registry_refusal(registry, index, "token", &response, reterr);
	if (!r)
		r = take_token(endpoint, &response, reterr);
	if (response.body)
		explicit_bzero(response.body, response.body_length);
	transport_response_free(&response);
	return r;
}

/* ---- challenges ---- */

static int take_realm(
	struct endpoint *endpoint, const struct challenge *challenge, struct err *reterr)
{
	char what[300];
	struct url realm;
	int r;

	(void)snprintf(what, sizeof(what), "realm of %.250s", endpoint->name.registry);
	r = url_resolve(&endpoint->base, challenge->realm, what, &realm, reterr);
	if (r)
		return r;
	url_free(&endpoint->realm);
	endpoint->realm = realm;
	free(endpoint->service);
	endpoint->service = challenge->service ? strdup(challenge->service) : NULL;
	return challenge->service && !endpoint->service ? err_no_memory(reterr) : 0;
}

static int meet(struct registry *registry, size_t index, const struct challenge *challenge,
	const char *used, struct err *reterr)
{
	struct endpoint *endpoint = &registry->session->endpoints[index];
	int r;

	/* another thread has been here meanwhile */
	if (endpoint->authorization && (!used || strcmp(used, endpoint->authorization) != 0))
		return 1;
	r = read_credentials(registry->session, endpoint, reterr);
	if (r)
		return r;
	endpoint->kind = challenge->kind;
	if (challenge->kind == CHALLENGE_BEARER) {
		r = take_realm(endpoint, challenge, reterr);
		if (!r)
			r = fetch_token(registry, index, reterr);
		return r ? r : 1;
	}
	/* the same once more would not do better */
	if (challenge->kind == CHALLENGE_NONE || used || !endpoint->credentials.user)
		return 0;
	cleanup_secret(&endpoint->authorization);
	r = basic_value(&endpoint->credentials, &endpoint->authorization, reterr);
	return r ? r : 1;
}

int registry_meet_challenge(struct registry *registry, size_t index,
	const struct transport_response *response, const char *used, struct err *reterr)
{
	const char *header = response->headers[HEADER_CHALLENGE];
	struct arena arena = {0};
	struct challenge challenge;
	int r = header ? challenge_parse(header, &arena, &challenge, reterr) : 0;

	if (header && !r) {
		(void)pthread_mutex_lock(&registry->session->lock);
		r = meet(registry, index, &challenge, used, reterr);
		(void)pthread_mutex_unlock(&registry->session->lock);
	}
	arena_free(&arena);
	return r;
}

static int authorize(struct registry *registry, size_t index, char **ret, struct err *reterr)
{
	struct endpoint *endpoint = &registry->session->endpoints[index];
	int r = 0;

	/* without one, the answer would be one more challenge */
	if (endpoint->authorization && endpoint->kind == CHALLENGE_BEARER &&
		now() + SPARE_SECONDS >= endpoint->expires)
		r = fetch_token(registry, index, reterr);
	if (!r && endpoint->authorization) {
		*ret = strdup(endpoint->authorization);
		r = *ret ? 0 : err_no_memory(reterr);
	}
	return r;
}

int registry_authorization(struct registry *registry, size_t index, char **ret, struct err *reterr)
{
	int r;

	*ret = NULL;
	(void)pthread_mutex_lock(&registry->session->lock);
	r = authorize(registry, index, ret, reterr);
	(void)pthread_mutex_unlock(&registry->session->lock);
	return r;
}
