/* The proxy of the user's environment: see transport_proxy.h. curl(1), "ENVIRONMENT". */
#include "image/transport_proxy.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/text.h"

static const char *first_of(char *(*lookup)(const char *name), const char *const *names)
{
	for (; *names; names++) {
		const char *value = lookup(*names);

		if (value && *value)
			return value;
	}
	return NULL;
}

/* "10.0.0.0/8", "fd00::/8", or an address alone. */
static bool network_holds(const char *network, const uint8_t *address, int family)
{
	char text[64];
	uint8_t base[16];
	uint64_t bits = family == AF_INET ? 32 : 128;
	size_t length = strcspn(network, "/");

	if (length >= sizeof(text))
		return false;
	memcpy(text, network, length);
	text[length] = '\0';
	if (inet_pton(family, text, base) != 1)
		return false;
	if (network[length] && text_parse_u64(network + length + 1, bits, &bits))
		return false;
	for (unsigned i = 0; i < bits; i++)
		if ((base[i / 8] ^ address[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

/* One word of no_proxy: a domain (itself and what is below it), or a network. */
static bool exempt(const char *word, const char *host)
{
	size_t length, own = strlen(host);
	uint8_t address[16];
	char plain[64];

	if (own >= 2 && own < sizeof(plain) && host[0] == '[') {
		memcpy(plain, host + 1, own - 2);
		plain[own - 2] = '\0';
		return inet_pton(AF_INET6, plain, address) == 1 &&
		       network_holds(word, address, AF_INET6);
	}
	if (inet_pton(AF_INET, host, address) == 1)
		return network_holds(word, address, AF_INET);
	word += *word == '.';
	length = strlen(word);
	length -= length && word[length - 1] == '.';
	if (length == 0 || length > own || strncasecmp(host + own - length, word, length) != 0)
		return false;
	return length == own || host[own - length - 1] == '.';
}

static bool bypassed(const char *list, const char *host)
{
	if (strcmp(list, "*") == 0)
		return true;
	while (*list) {
		char word[256];
		size_t length = strcspn(list, ", \t");

		if (length > 0 && length < sizeof(word)) {
			memcpy(word, list, length);
			word[length] = '\0';
			if (exempt(word, host))
				return true;
		}
		list += length;
		list += strspn(list, ", \t");
	}
	return false;
}

const char *proxy_choose(bool https, const char *host, char *(*lookup)(const char *name))
{
	/* HTTP_PROXY in capitals is not asked: a web server sets it from a header (httpoxy) */
	static const char *const for_http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
	static const char *const for_https[] = {
		"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
	static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
	const char *proxy = first_of(lookup, https ? for_https : for_http);
	const char *list = first_of(lookup, none);

	return !proxy || (list && bypassed(list, host)) ? "" : proxy;
}
