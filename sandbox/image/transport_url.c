/* URLs of strangers, and where their hosts lie: see transport_url.h. */
#include "image/transport_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <libpsl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/text.h"

static void cleanup_curlu(CURLU **handle)
{
	curl_url_cleanup(*handle);
}

static void cleanup_curl_free(char **text)
{
	curl_free(*text);
}

static int fail(int code, const char *what, struct err *reterr, const char *message)
{
	return err_set(reterr, code, what, "%s", message);
}

/* What libcurl would pass on or mend, and we do not: anything but visible ASCII. */
static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || *text == '\\')
			return false;
	return true;
}

/* Reads the same when it is read again: an escaped digit of a host is undone after addresses are
 * recognized, so that the second reader would see an address where we saw a name. */
static bool is_settled(const char *text, const char *host)
{
	_cleanup_(cleanup_curlu) CURLU *handle = curl_url();
	_cleanup_(cleanup_curl_free) char *again = NULL;

	return handle && !curl_url_set(handle, CURLUPART_URL, text, 0) &&
	       !curl_url_get(handle, CURLUPART_HOST, &again, 0) && strcmp(host, again) == 0;
}

static int take_apart(CURLU *handle, const char *what, struct url *ret, struct err *reterr)
{
	_cleanup_(cleanup_curl_free) char *scheme = NULL, *host = NULL, *port = NULL, *text = NULL;
	uint64_t number;

	if (curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0) ||
		curl_url_get(handle, CURLUPART_HOST, &host, 0) ||
		curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		return fail(-EPROTO, what, reterr, "not a URL with a host");
	if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		return fail(-EPROTO, what, reterr, "neither https nor http: refused");
	/* a fragment is nothing to a server */
	(void)curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
	if (curl_url_get(handle, CURLUPART_URL, &text, 0) || strlen(host) >= sizeof(ret->host) ||
		text_parse_u64(port, UINT16_MAX, &number) || number == 0)
		return fail(-EPROTO, what, reterr, "not a URL with a host and a port");
	/* libcurl undoes escapes in a host */
	if (!is_visible(text) || strpbrk(host, "@/?#%\"<>") || !is_settled(text, host))
		return fail(-EPROTO, what, reterr,
			"not a URL: a character in its host that no host has");
	ret->text = strdup(text);
	if (!ret->text)
		return fail(-ENOMEM, what, reterr, "out of memory");
	ret->https = strcmp(scheme, "https") == 0;
	ret->port = (uint16_t)number;
	(void)stpcpy(ret->host, host); /* its length has just been checked */
	for (char *c = ret->host; *c; c++)
		*c = text_lower(*c);
	return 0;
}

int url_resolve(const struct url *base, const char *location, const char *what, struct url *ret,
	struct err *reterr)
{
	_cleanup_(cleanup_curlu) CURLU *handle = curl_url();
	_cleanup_(cleanup_curl_free) char *user = NULL, *password = NULL;
	struct url url = {0};
	CURLUcode code;
	int r;

	if (!handle)
		return fail(-ENOMEM, what, reterr, "out of memory");
	if (strlen(location) > URL_BYTES)
		return fail(-EFBIG, what, reterr, "a URL longer than is allowed");
	if (!*location || !is_visible(location))
		return fail(-EPROTO, what, reterr,
			"not a URL: empty, or with a character that no URL may have");
	if (base && curl_url_set(handle, CURLUPART_URL, base->text, 0))
		return fail(-EPROTO, what, reterr, "not a URL");
	code = curl_url_set(handle, CURLUPART_URL, location, 0);
	if (code == CURLUE_UNSUPPORTED_SCHEME)
		return fail(-EPROTO, what, reterr, "neither https nor http: refused");
	if (code)
		return fail(-EPROTO, what, reterr, "not a URL");
	if ((!curl_url_get(handle, CURLUPART_USER, &user, 0) && !mutant(MUTANT_URL_USER)) ||
		(!curl_url_get(handle, CURLUPART_PASSWORD, &password, 0) &&
			!mutant(MUTANT_URL_USER)))
		return fail(-EPROTO, what, reterr, "a URL with a user name or a password: refused");
	r = take_apart(handle, what, &url, reterr);
	if (r)
		return r;
	*ret = url;
	return 0;
}

int url_parse(const char *text, const char *what, struct url *ret, struct err *reterr)
{
	return url_resolve(NULL, text, what, ret, reterr);
}

void url_free(struct url *url)
{
	free(url->text);
	*url = (struct url){0};
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

const char *url_show(const struct url *url, char buffer[URL_SHOWN])
{
	return text_escape(url->text, strcspn(url->text, "?"), buffer, URL_SHOWN);
}

char *url_escape(const char *text)
{
	_cleanup_(cleanup_curl_free) char *escaped = curl_easy_escape(NULL, text, 0);

	return escaped ? strdup(escaped) : NULL;
}

bool url_same_site(const char *a, const char *b)
{
	const psl_ctx_t *list = psl_builtin();
	const char *mine, *theirs;

	if (strcmp(a, b) == 0)
		return true;
	if (!list || address_classify_host(a) != ADDRESS_PUBLIC ||
		address_classify_host(b) != ADDRESS_PUBLIC || strspn(a, "0123456789.") == strlen(a))
		return false;
	mine = psl_registrable_domain(list, a);
	theirs = psl_registrable_domain(list, b);
	return mine && theirs && strcmp(mine, theirs) == 0;
}

/* ---- addresses ---- */

/* IANA's special-purpose registries: what is not reached over the public network. */
static const struct {
	uint8_t network[16];
	unsigned bits;
	bool v6;
	enum address_class class;
} special[] = {
	{{0}, 8, false, ADDRESS_LOOPBACK}, /* "this host": the kernel takes it for 127.0.0.1 */
	{{10}, 8, false, ADDRESS_PRIVATE},
	{{100, 64}, 10, false, ADDRESS_PRIVATE}, /* behind a carrier's NAT; some clouds' metadata */
	{{127}, 8, false, ADDRESS_LOOPBACK},
	{{169, 254}, 16, false, ADDRESS_LINK_LOCAL}, /* clouds' metadata */
	{{172, 16}, 12, false, ADDRESS_PRIVATE},
	{{192, 0, 0}, 24, false, ADDRESS_PRIVATE},
	{{192, 168}, 16, false, ADDRESS_PRIVATE},
	{{198, 18}, 15, false, ADDRESS_PRIVATE},
	{{224}, 3, false, ADDRESS_LINK_LOCAL}, /* multicast, reserved and broadcast */
	{{0}, 128, true, ADDRESS_LOOPBACK},
	{{[15] = 1}, 128, true, ADDRESS_LOOPBACK},
	{{0xfc}, 7, true, ADDRESS_PRIVATE},
	{{0xfe, 0x80}, 10, true, ADDRESS_LINK_LOCAL},
	{{0xfe, 0xc0}, 10, true, ADDRESS_PRIVATE},
	{{0xff}, 8, true, ADDRESS_LINK_LOCAL},
};

static bool within(const uint8_t *address, const uint8_t *network, unsigned bits)
{
	for (unsigned i = 0; i < bits; i++)
		if ((address[i / 8] ^ network[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static enum address_class classify_bytes(const uint8_t *address, bool v6)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff},
			     translated[12] = {0x00, 0x64, 0xff, 0x9b}, tunnelled[2] = {0x20, 0x02};

	/* an address of the one kind inside one of the other leads to the inner one */
	if (v6 && (within(address, mapped, 96) || within(address, translated, 96)))
		return classify_bytes(address + 12, false);
	if (v6 && within(address, tunnelled, 16))
		return classify_bytes(address + 2, false);
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (special[i].v6 == v6 && within(address, special[i].network, special[i].bits))
			return special[i].class;
	return ADDRESS_PUBLIC;
}

enum address_class address_classify(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return classify_bytes(
			(const uint8_t *)&((const struct sockaddr_in *)(const void *)address)
				->sin_addr,
			false);
	if (address->sa_family == AF_INET6)
		return classify_bytes(
			((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr,
			true);
	return ADDRESS_LOOPBACK; /* a local socket, or what we do not know: as near as can be */
}

enum address_class address_classify_host(const char *host)
{
	static const char localhost[] = "localhost";
	size_t length = strlen(host), own = sizeof(localhost) - 1;
	uint8_t address[16];
	char plain[64];

	if (length >= 2 && length < sizeof(plain) && host[0] == '[') {
		(void)memcpy(plain, host + 1, length - 2);
		plain[strcspn(host + 1, "%]")] = '\0';
		if (inet_pton(AF_INET6, plain, address) == 1)
			return classify_bytes(address, true);
	}
	if (inet_pton(AF_INET, host, address) == 1)
		return classify_bytes(address, false);
	if (length >= own && strcmp(host + length - own, localhost) == 0 &&
		(length == own || host[length - own - 1] == '.'))
		return ADDRESS_LOOPBACK;
	return ADDRESS_PUBLIC;
}
