/*
 * Whom TLS connections trust: the system's authorities, SSL_CERT_FILE and SSL_CERT_DIR as OpenSSL
 * reads them, and the directories of containers-certs.d(5): *.crt are further authorities, *.cert
 * and
 * *.key of one name are the client's identity. Second program only.
 */
#ifndef IMMURE_IMAGE_TRANSPORT_TRUST_H
#define IMMURE_IMAGE_TRANSPORT_TRUST_H

#include <stddef.h>

#include "util/err.h"

struct transport_trust {
	char *authorities; /* PEM, owned; NULL: the system's, as libcurl finds them */
	size_t length;
	char *directory;         /* hashed directory of authorities, owned; NULL: the system's */
	char *certificate, *key; /* paths, owned; NULL: none */
};

/* registry: "host" or "host:port". The first of ~/.config/containers/certs.d,
 * /etc/containers/certs.d and /etc/docker/certs.d that has a directory of that name counts. */
int transport_trust_read(const char *registry, struct transport_trust *ret, struct err *reterr);

/* The same with the directories given (NULL-terminated): for tests. */
int transport_trust_read_from(const char *registry, const char *const *directories,
	struct transport_trust *ret, struct err *reterr);

void transport_trust_free(struct transport_trust *trust);

#endif
