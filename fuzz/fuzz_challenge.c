/*
 * What a registry says of how it wants to be asked. The first byte chooses: challenges, answers of
 * token servers, URLs. What comes out can stand in a header and in a message as it is.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "image/challenge.h"
#include "image/token.h"
#include "image/transport_url.h"
#include "util/arena.h"
#include "util/text.h"

static void check_challenge(const char *text)
{
	struct arena arena = {0};
	struct challenge challenge;
	struct err err = {0};

	if (challenge_parse(text, &arena, &challenge, &err)) {
		HOLDS(err.code && err.message[0]);
	} else {
		const char *const parts[] = {challenge.realm, challenge.service, challenge.error};

		HOLDS(challenge.kind != CHALLENGE_BEARER || challenge.realm);
		for (size_t i = 0; i < 3; i++)
			HOLDS(!parts[i] ||
				(!text_has_control(parts[i]) && strlen(parts[i]) <= strlen(text)));
	}
	arena_free(&arena);
}

static void check_token(const char *text, size_t length)
{
	uint32_t seconds;
	struct err err = {0};
	char *token;

	if (token_parse("answer", text, length, &token, &seconds, &err)) {
		HOLDS(err.code && err.message[0]);
		return;
	}
	HOLDS(*token && seconds >= 60 && seconds <= 86400);
	for (const char *c = token; *c; c++)
		HOLDS(*c > ' ' && *c <= '~');
	free(token);
}

/* An address means the same as it is written and as it is connected to. */
static void check_address(const char *host)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	enum address_class class = address_classify_host(host);
	char plain[64];

	(void)snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(host + 1, "%]"), host + 1);
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		HOLDS(address_classify((struct sockaddr *)&v4) == class);
	if (*host == '[' && inet_pton(AF_INET6, plain, &v6.sin6_addr) == 1)
		HOLDS(address_classify((struct sockaddr *)&v6) == class);
}

/* Who may see the credentials of a registry: never one without protection that it has itself. */
static void check_trust(const struct url *registry, const struct url *realm)
{
	if (token_realm_trusted(registry, realm))
		HOLDS(realm->https ||
			(!registry->https && strcmp(registry->host, realm->host) == 0));
	if (url_same_origin(registry, realm))
		HOLDS(token_realm_trusted(registry, realm));
	HOLDS(url_same_site(registry->host, realm->host) ==
		url_same_site(realm->host, registry->host));
}

/* The text is what a server chose, the form what we say: one parameter each. */
static void check_form(const char *text)
{
	static const char *const scopes[] = {"repository:a:pull", "repository:b:pull", NULL};
	char *form = NULL;
	size_t parameters = 1;

	HOLDS(token_form(text, scopes, text, &form, NULL) == 0);
	for (const char *c = form; *c; c++) {
		HOLDS(*c > ' ' && *c <= '~');
		parameters += *c == '&';
	}
	HOLDS(parameters == 5);
	free(form);
}

static void check_url(const struct url *url)
{
	static const char *const scopes[] = {"repository:a/b:pull", NULL};
	char shown[URL_SHOWN];
	struct url again, asked;

	HOLDS(strncmp(url->text, url->https ? "https://" : "http://", url->https ? 8 : 7) == 0);
	HOLDS(url->host[0] && url->port && !strchr(url->host, '@') && !strchr(url->host, '/'));
	for (const char *c = url->text; *c; c++)
		HOLDS(*c > ' ' && *c <= '~');
	HOLDS(!strchr(url_show(url, shown), '?'));
	HOLDS(url_parse(url->text, "again", &again, NULL) == 0 && url_same_origin(url, &again));
	url_free(&again);
	check_address(url->host);
	HOLDS(url_same_site(url->host, url->host));
	/* what is asked of a realm is asked of the same one, however long it gets */
	if (token_url(url, "a&b", scopes, &asked, NULL) == 0) {
		HOLDS(url_same_origin(url, &asked));
		url_free(&asked);
	}
}

/* Absolute, and as a server at a place of its own would send it. */
static void check_location(const char *text)
{
	struct err err = {0};
	struct url base, url;

	if (url_parse(text, "it", &url, &err) == 0) {
		check_url(&url);
		url_free(&url);
	} else {
		HOLDS(err.code && err.message[0]);
	}
	HOLDS(url_parse("https://registry.example:5000/v2/a/blobs/x", "base", &base, NULL) == 0);
	if (url_resolve(&base, text, "it", &url, NULL) == 0) {
		check_url(&url);
		check_trust(&base, &url);
		url_free(&url);
	}
	url_free(&base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1)
		return 0;
	text = calloc(1, size);
	HOLDS(text);
	memcpy(text, data + 1, size - 1);
	if (data[0] == 'c')
		check_challenge(text);
	else if (data[0] == 't')
		check_token(text, size - 1);
	else if (data[0] == 'u')
		check_location(text);
	else if (data[0] == 'f')
		check_form(text);
	free(text);
	return 0;
}
