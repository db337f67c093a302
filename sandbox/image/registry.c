/*
 * A repository and the places it can be reached at: see registry.h. Documents are asked for here;
 * blobs in registry_blob.c, pushing in registry_push.c.
 */
#include "image/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/hash.h"
#include "image/print.h"
#include "image/registry_parts.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/text.h"

/* ---- opening and closing ---- */

static void endpoint_free(struct endpoint *endpoint)
{
	transport_trust_free(&endpoint->trust);
	credentials_free(&endpoint->credentials);
	url_free(&endpoint->base);
	url_free(&endpoint->realm);
	free(endpoint->service);
	cleanup_secret(&endpoint->authorization);
}

static void session_release(struct session *session)
{
	if (atomic_fetch_sub(&session->users, 1) > 1)
		return;
	for (size_t i = 0; i < session->count; i++)
		endpoint_free(&session->endpoints[i]);
	(void)pthread_mutex_destroy(&session->lock);
	free(session);
}

static void warn_of_key(const char *where, const char *key)
{
	print_note("%s: nothing here is called %s: ignored", where, key);
}

static int endpoint_open(struct endpoint *endpoint, const struct mirror_endpoint *name,
	int tls_verify, struct err *reterr)
{
	endpoint->name = *name;
	endpoint->insecure = tls_verify < 0 ? name->insecure : tls_verify == 0;
	atomic_init(&endpoint->nearest, -1);
	return transport_trust_read(name->registry, &endpoint->trust, reterr);
}

static int session_open(const struct mirror_endpoints *places,
	const struct registry_options *options, struct session **ret, struct err *reterr)
{
	struct session *session = calloc(1, sizeof(*session));
	int r = 0;

	if (!session)
		return err_no_memory(reterr);
	(void)pthread_mutex_init(&session->lock, NULL);
	atomic_init(&session->users, 1);
	session->push = options->push;
	session->auth_file = options->auth_file;
	session->user = options->user;
	session->password = options->password;
	session->stop = options->stop;
	memcpy(session->sources, options->sources, sizeof(session->sources));
	session->source_count = options->source_count;
	for (size_t i = 0; !r && i < places->count; i++, session->count++)
		r = endpoint_open(
			&session->endpoints[i], &places->items[i], options->tls_verify, reterr);
	if (r)
		session_release(session);
	else
		*ret = session;
	return r;
}

int registry_tls_option(const char *text, int *ret, struct err *reterr)
{
	if (!text)
		return 0;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return err_set(reterr, -EINVAL, "--tls-verify", "true or false");
	*ret = strcmp(text, "true") == 0;
	return 0;
}

int registry_complete(
	struct reference *reference, const struct registry_options *options, struct err *reterr)
{
	struct mirror_config config = {NULL};
	int r = mirror_read(options->registries_file, warn_of_key, &config, reterr);

	if (!r)
		r = mirror_complete(&config, reference, reterr);
	mirror_config_free(&config);
	return r;
}

int registry_open(const struct reference *reference, const struct registry_options *options,
	struct registry **ret, struct err *reterr)
{
	struct mirror_config config = {NULL};
	struct mirror_endpoints places;
	struct registry *registry;
	int r = mirror_read(options->registries_file, warn_of_key, &config, reterr);

	if (!r)
		r = mirror_resolve(&config, reference, options->push, &places, reterr);
	mirror_config_free(&config);
	if (r)
		return r;
	registry = calloc(1, sizeof(*registry));
	if (!registry)
		return err_no_memory(reterr);
	r = session_open(&places, options, &registry->session, reterr);
	if (r)
		free(registry);
	else
		*ret = registry;
	return r;
}

int registry_clone(struct registry *registry, struct registry **ret, struct err *reterr)
{
	struct registry *clone = calloc(1, sizeof(*clone));

	if (!clone)
		return err_no_memory(reterr);
	atomic_fetch_add(&registry->session->users, 1);
	clone->session = registry->session;
	*ret = clone;
	return 0;
}

void registry_close(struct registry *registry)
{
	if (!registry)
		return;
	for (size_t i = 0; i < MIRROR_ENDPOINTS; i++)
		transport_close(registry->transports[i]);
	session_release(registry->session);
	free(registry);
}

/* ---- what an answer says of itself ---- */

/* `299 - "text"`: what a registry wants its users to read. Once a line, each line once. */
static void print_warning(const struct endpoint *endpoint, const char *warning)
{
	const char *start = warning ? strstr(warning, "299 - \"") : NULL;
	char text[1024];
	size_t length;

	if (!start)
		return;
	start += strlen("299 - \"");
	length = strcspn(start, "\"");
	if (length >= sizeof(text))
		length = sizeof(text) - 1;
	memcpy(text, start, length);
	text[length] = '\0';
	print_note("%s says: %s", endpoint->name.registry, text);
}

/*
 * The digest of the very bytes that were received, which are those that will be parsed (R31, R32),
 * against what was asked for and against what the server says it sent.
 */
static int check_digest(const struct digest *wanted, const struct transport_response *response,
	const char *what, struct digest *ret, struct err *reterr)
{
	const char *said = response->headers[HEADER_DIGEST];
	struct digest claimed, computed;
	int r = hash_memory(wanted, response->body, response->body_length, &computed);

	if (r)
		return err_set(reterr, r, what, "its digest cannot be computed");
	if (wanted && !digest_equal(wanted, &computed) && !mutant(MUTANT_MANIFEST_DIGEST))
		return err_set(reterr, -EBADMSG, what,
			"what was sent is not what was asked for: its digest is %s", computed.text);
	if (said && digest_parse(said, &claimed))
		return err_set(reterr, -EBADMSG, what,
			"the registry sent a Docker-Content-Digest that is no digest");
	if (said && !mutant(MUTANT_SAID_DIGEST) &&
		(hash_memory(&claimed, response->body, response->body_length, &computed) ||
			!digest_equal(&claimed, &computed)))
		return err_set(reterr, -EBADMSG, what,
			"the registry says that its digest is %s, which it is not", said);
	/* the name it gets is by the algorithm that was asked for */
	r = hash_memory(wanted, response->body, response->body_length, &computed);
	if (!r)
		*ret = computed;
	return r;
}

/* ---- manifests ---- */

static const char *const accepted[] = {"Accept: application/vnd.oci.image.index.v1+json",
	"Accept: application/vnd.oci.image.manifest.v1+json",
	"Accept: application/vnd.docker.distribution.manifest.list.v2+json",
	"Accept: application/vnd.docker.distribution.manifest.v2+json", NULL};

static int fetch_manifest(struct registry *registry, size_t index, const char *tag_or_digest,
	struct transport_response *response, struct digest *ret_digest, struct err *reterr)
{
	struct digest wanted;
	bool by_digest = digest_parse(tag_or_digest, &wanted) == 0;
	char path[300], what[300];
	struct registry_request request = {.path = path,
		.http = {.method = "GET",
			.headers = accepted,
			.body_fd = -1,
			.maximum = MANIFEST_BYTES}};
	int r;

	(void)snprintf(path, sizeof(path), "manifests/%s", tag_or_digest);
	(void)snprintf(what, sizeof(what), "manifest %s", tag_or_digest);
	r = registry_request_patiently(registry, index, &request, response, NULL, reterr);
	if (r)
		return r;
	if (response->status != 200)
		return registry_refusal(registry, index, what, response, reterr);
	if (!response->body_length)
		return err_set(reterr, -EBADMSG, what, "the registry sent an empty answer");
	print_warning(&registry->session->endpoints[index], response->headers[HEADER_WARNING]);
	return check_digest(by_digest ? &wanted : NULL, response, what, ret_digest, reterr);
}

int registry_manifest(struct registry *registry, const char *tag_or_digest, char **ret_text,
	size_t *ret_length, char **ret_type, struct digest *ret_digest, struct err *reterr)
{
	struct session *session = registry->session;
	int r = -ENOENT;

	for (size_t i = 0; i < session->count; i++) {
		struct transport_response response = {0};
		struct err err = {0};

		r = fetch_manifest(registry, i, tag_or_digest, &response, ret_digest, &err);
		if (!r) {
			atomic_store(&session->chosen, i);
			*ret_text = take_pointer(&response.body);
			*ret_length = response.body_length;
			*ret_type = take_pointer(&response.headers[HEADER_TYPE]);
			transport_response_free(&response);
			return 0;
		}
		transport_response_free(&response);
		/* a mirror may be down, or incomplete: the next one is asked */
		if (i + 1 < session->count && r != -ECANCELED) {
			print_note("%s%s%s; going on to %s", err.where, err.where[0] ? ": " : "",
				err.message, session->endpoints[i + 1].name.registry);
			continue;
		}
		if (reterr)
			*reterr = err;
		return r;
	}
	return r;
}

/* ---- logging in ---- */

int registry_login(struct registry *registry, struct err *reterr)
{
	struct session *session = registry->session;
	size_t last = session->count - 1;
	struct transport_response response;
	struct registry_request request = {.path = "",
		.root = true,
		.http = {.method = "GET", .body_fd = -1, .maximum = ANSWER_BYTES}};
	int r = registry_request_patiently(registry, last, &request, &response, NULL, reterr);

	if (!r && response.status != 200)
		r = registry_refusal(registry, last, "login", &response, reterr);
	/* a registry that asks nobody has not looked at them, and one whose realm is a stranger's
	 * has not been shown them */
	if (!r && session->endpoints[last].kind == CHALLENGE_NONE)
		r = err_set(reterr, -ENOTSUP, session->endpoints[last].name.registry,
			"this registry asks nobody for a name: there is nothing to log in to");
	else if (!r && session->endpoints[last].anonymous)
		r = err_set(reterr, -EPERM, session->endpoints[last].name.registry,
			"it sends its users to %s, which is not shown credentials of this registry",
			session->endpoints[last].realm.host);
	transport_response_free(&response);
	return r;
}
