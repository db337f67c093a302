/*
 * WWW-Authenticate: what a registry wants to see before it answers. RFC 9110, 11.6.1; the Bearer
 * parameters of distribution's token specification. Pure. Second program only.
 */
#ifndef IMMURE_IMAGE_CHALLENGE_H
#define IMMURE_IMAGE_CHALLENGE_H

#include "util/err.h"

struct arena;

enum challenge_kind { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_kind kind;
	const char *realm;   /* of a bearer: a URL, not yet judged */
	const char *service; /* NULL where absent */
	const char *error;   /* "insufficient_scope", "invalid_token"; NULL where absent */
};

/*
 * The challenge to meet in header (several headers joined by ", "): the first Bearer with a realm,
 * else the first Basic; CHALLENGE_NONE where there are only others. The scope that the server asks
 * for is not looked at: we know what we want (T-REG-21). -EBADMSG where it is not of the grammar,
 * or names a parameter twice. Strings are arena's, without control characters.
 */
int challenge_parse(
	const char *header, struct arena *arena, struct challenge *ret, struct err *reterr);

#endif
