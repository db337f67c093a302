/*
 * URLs that a server chose (Location, realm): taken apart by libcurl's own parser, the one that
 * will use them, so that there is one meaning; judged here. Second program only.
 */
#ifndef IMMURE_IMAGE_TRANSPORT_URL_H
#define IMMURE_IMAGE_TRANSPORT_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define URL_BYTES ((size_t)16 * 1024) /* of one whole URL: a signed one has a few thousand */

struct url {
	char *text; /* owned, normal form */
	bool https; /* else http: there is no third */
	char host[256];
	uint16_t port;
};

/*
 * Parses an absolute URL. Refuses other schemes than http and https, user names and passwords,
 * control characters and spaces, and what is longer than URL_BYTES. what: whose it is, for the
 * message ("the realm of …").
 */
int url_parse(const char *text, const char *what, struct url *ret, struct err *reterr);

/* The same, relative to base. */
int url_resolve(const struct url *base, const char *location, const char *what, struct url *ret,
	struct err *reterr);

void url_free(struct url *url); /* a zero one is fine */

/* Scheme, host and port alike: what credentials are bound to (R34). */
bool url_same_origin(const struct url *a, const struct url *b);

/* Without the query, which may be a secret (a signed URL), escaped and cut. Returns buffer. */
#define URL_SHOWN 320
const char *url_show(const struct url *url, char buffer[URL_SHOWN]);

/* text as the value of one query parameter (malloc'd, NULL when out of memory). */
char *url_escape(const char *text);

/*
 * Whether two host names belong to one owner: equal, or below one registrable domain by the public
 * suffix list ("registry.gitlab.com" and "gitlab.com", but not "a.github.io" and "b.github.io").
 */
bool url_same_site(const char *a, const char *b);

/* What an address is: what a stranger's answer may not lead to (T-REG-16). */
enum address_class { ADDRESS_PUBLIC, ADDRESS_PRIVATE, ADDRESS_LINK_LOCAL, ADDRESS_LOOPBACK };
struct sockaddr;
enum address_class address_classify(const struct sockaddr *address);

/* Of a host as it is written: an address, "localhost" and what is below it; all else is public. */
enum address_class address_classify_host(const char *host);

#endif
