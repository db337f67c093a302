/* URLs of strangers, where addresses lie, which proxy is meant: what is decided without a network.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "check.h"
#include "image/transport_proxy.h"
#include "image/transport_url.h"

static void test_urls(void)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} rows[] = {
		{"https://a.example/x", "https://a.example/x"},
		{"HTTPS://A.Example:443/x?y=z", "https://A.Example:443/x?y=z"},
		{"http://a:80", "http://a:80/"},
		{"https://a/x#fragment", "https://a/x"},
		{"https://[::1]:5000/x", "https://[::1]:5000/x"},
		{"http://2130706433/x", "http://127.0.0.1/x"},
		{"http://0x7f.1/x", "http://127.0.0.1/x"},
		{"http://0177.0.0.1/x", "http://127.0.0.1/x"},
		{"", NULL},
		{"x", NULL},
		{"/x", NULL},
		{"://", NULL},
		{"https://", NULL},
		{"https:///x", "https://x/"}, /* as libcurl reads it, which is what counts */
		{"https://user@a/x", NULL},
		{"https://user:password@a/x", NULL},
		{"https://:@a/x", NULL},
		{"https://a:0/x", NULL},
		{"https://a:65536/x", NULL},
		{"https://a:x/x", NULL},
		{"https://a b/x", NULL},
		{"https://a/x y", NULL},
		{"https://a/\x01", NULL},
		{"https://a/\r\nX: y", NULL},
		{"https://a/\x7f", NULL},
		{"https://a/\xc3\xa9", NULL},
		{"https://a\\b/", NULL},
		{"https://%ff/", NULL},
		{"https://%32130706433/", NULL},
		{"https://%36/", NULL},
		{"https://a%40b/", NULL},
		{"https://a%2fb/", NULL},
		{"ftp://a/x", NULL},
		{"file:///etc/passwd", NULL},
		{"gopher://a/x", NULL},
		{"dict://a/x", NULL},
		{"javascript:1", NULL},
		{"unix:/x", NULL},
	};
	char shown[URL_SHOWN], *large = malloc(URL_BYTES + 2);
	struct url url;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = {0};

		url = (struct url){0};
		check_int(url_parse(rows[i].text, "it", &url, &err), rows[i].want ? 0 : -EPROTO,
			"row %zu", i);
		check_text(url.text, rows[i].want, "row %zu: the text", i);
		check((rows[i].want != NULL) == !err.message[0], "row %zu: told or not", i);
		url_free(&url);
	}
	if (!large)
		abort();
	memset(large, 'x', URL_BYTES + 1);
	memcpy(large, "https://", 8);
	large[URL_BYTES + 1] = '\0';
	check_int(url_parse(large, "it", &url, NULL), -EFBIG, "larger than is allowed");
	free(large);
	check_int(url_parse("https://a/x?token=secret", "it", &url, NULL), 0, "with a query");
	check_text(url_show(&url, shown), "https://a/x", "which is not shown");
	url_free(&url);
}

static void test_relative(void)
{
	static const struct {
		const char *location, *want;
		bool same;
	} rows[] = {
		{"/x", "https://a.example:5000/x", true},
		{"x", "https://a.example:5000/v2/b/x", true},
		{"?q", "https://a.example:5000/v2/b/c?q", true},
		{"//b.example/x", "https://b.example/x", false},
		{"//a.example/x", "https://a.example/x", false},
		{"https://a.example:5000/x", "https://a.example:5000/x", true},
		{"https://A.EXAMPLE:5000/x", "https://A.EXAMPLE:5000/x", true},
		{"http://a.example:5000/x", "http://a.example:5000/x", false},
		{"https://b.a.example:5000/x", "https://b.a.example:5000/x", false},
		{"https://a.example:5001/x", "https://a.example:5001/x", false},
	};
	struct url base, url;

	check_int(url_parse("https://a.example:5000/v2/b/c", "it", &base, NULL), 0, "a base");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_int(url_resolve(&base, rows[i].location, "it", &url, NULL), 0, "%s",
			rows[i].location);
		check_text(url.text, rows[i].want, "%s: the whole", rows[i].location);
		check(url_same_origin(&base, &url) == rows[i].same, "%s is %s origin",
			rows[i].location, rows[i].same ? "the same" : "another");
		url_free(&url);
	}
	check_int(url_resolve(&base, "//u@b/", "it", &url, NULL), -EPROTO, "a user name");
	check_int(url_resolve(&base, "file:x", "it", &url, NULL), -EPROTO, "another scheme");
	url_free(&base);
	check_int(url_parse("https://a/", "it", &base, NULL), 0, "without a port");
	check_int(url_parse("https://a:443/", "it", &url, NULL), 0, "with it");
	check(url_same_origin(&base, &url), "are the same origin");
	url_free(&base);
	url_free(&url);
}

static void test_addresses(void)
{
	static const struct {
		const char *host;
		enum address_class class;
	} rows[] = {
		{"1.1.1.1", ADDRESS_PUBLIC},
		{"9.255.255.255", ADDRESS_PUBLIC},
		{"11.0.0.0", ADDRESS_PUBLIC},
		{"172.15.0.1", ADDRESS_PUBLIC},
		{"172.32.0.1", ADDRESS_PUBLIC},
		{"100.63.0.1", ADDRESS_PUBLIC},
		{"100.128.0.1", ADDRESS_PUBLIC},
		{"169.253.0.1", ADDRESS_PUBLIC},
		{"223.255.255.255", ADDRESS_PUBLIC},
		{"[2606:4700::1]", ADDRESS_PUBLIC},
		{"10.0.0.0", ADDRESS_PRIVATE},
		{"10.255.255.255", ADDRESS_PRIVATE},
		{"172.16.0.0", ADDRESS_PRIVATE},
		{"172.31.255.255", ADDRESS_PRIVATE},
		{"192.168.0.1", ADDRESS_PRIVATE},
		{"100.64.0.0", ADDRESS_PRIVATE},
		{"100.127.255.255", ADDRESS_PRIVATE},
		{"198.18.0.1", ADDRESS_PRIVATE},
		{"198.19.255.255", ADDRESS_PRIVATE},
		{"192.0.0.1", ADDRESS_PRIVATE},
		{"[fc00::1]", ADDRESS_PRIVATE},
		{"[fdff::1]", ADDRESS_PRIVATE},
		{"[fec0::1]", ADDRESS_PRIVATE},
		{"127.0.0.1", ADDRESS_LOOPBACK},
		{"127.255.255.255", ADDRESS_LOOPBACK},
		{"0.0.0.0", ADDRESS_LOOPBACK},
		{"0.1.2.3", ADDRESS_LOOPBACK},
		{"[::1]", ADDRESS_LOOPBACK},
		{"[::]", ADDRESS_LOOPBACK},
		{"localhost", ADDRESS_LOOPBACK},
		{"a.localhost", ADDRESS_LOOPBACK},
		{"notlocalhost", ADDRESS_PUBLIC},
		{"localhost.example", ADDRESS_PUBLIC},
		{"169.254.169.254", ADDRESS_LINK_LOCAL},
		{"[fe80::1]", ADDRESS_LINK_LOCAL},
		{"[fe80::1%eth0]", ADDRESS_LINK_LOCAL},
		{"[febf::1]", ADDRESS_LINK_LOCAL},
		{"224.0.0.1", ADDRESS_LINK_LOCAL},
		{"255.255.255.255", ADDRESS_LINK_LOCAL},
		{"[ff02::1]", ADDRESS_LINK_LOCAL},
		{"[::ffff:127.0.0.1]", ADDRESS_LOOPBACK},
		{"[::ffff:10.0.0.1]", ADDRESS_PRIVATE},
		{"[::ffff:1.1.1.1]", ADDRESS_PUBLIC},
		{"[64:ff9b::169.254.169.254]", ADDRESS_LINK_LOCAL},
		{"[64:ff9b::1.1.1.1]", ADDRESS_PUBLIC},
		{"[2002:7f00:1::1]", ADDRESS_LOOPBACK},
		{"[2002:101:101::1]", ADDRESS_PUBLIC},
		{"registry.example", ADDRESS_PUBLIC},
	};
	struct sockaddr_un local = {.sun_family = AF_UNIX};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *host = rows[i].host;
		struct sockaddr_in v4 = {.sin_family = AF_INET};
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
		char plain[64];

		check_int(address_classify_host(host), rows[i].class, "%s", host);
		(void)snprintf(plain, sizeof(plain), "%.*s",
			(int)strcspn(host + (*host == '['), "%]"), host + (*host == '['));
		if (inet_pton(AF_INET, plain, &v4.sin_addr) == 1)
			check_int(address_classify((struct sockaddr *)&v4), rows[i].class,
				"%s as it is connected to", host);
		if (inet_pton(AF_INET6, plain, &v6.sin6_addr) == 1)
			check_int(address_classify((struct sockaddr *)&v6), rows[i].class,
				"%s as it is connected to", host);
	}
	check_int(address_classify((struct sockaddr *)&local), ADDRESS_LOOPBACK, "a local socket");
}

/* ---- proxies ---- */

static const char *const *environment; /* "name=value", of the case under test */

static char *look_up(const char *name)
{
	size_t length = strlen(name);

	for (const char *const *each = environment; *each; each++)
		if (strncmp(*each, name, length) == 0 && (*each)[length] == '=')
			return (char *)(uintptr_t)(*each + length + 1);
	return NULL;
}

#define PROXY(want, https, host, ...)                                                       \
	do {                                                                                \
		static const char *const variables[] = {__VA_ARGS__, NULL};                 \
		environment = variables;                                                    \
		check_text(proxy_choose(https, host, look_up), want, "%s with %s, …", host, \
			variables[0]);                                                      \
	} while (0)

static void test_proxies(void)
{
	PROXY("", true, "a", "x=y");
	PROXY("p", true, "a", "https_proxy=p");
	PROXY("p", true, "a", "HTTPS_PROXY=p");
	PROXY("p", true, "a", "https_proxy=p", "HTTPS_PROXY=q");
	PROXY("q", true, "a", "https_proxy=", "HTTPS_PROXY=q");
	PROXY("", true, "a", "http_proxy=p");
	PROXY("p", false, "a", "http_proxy=p");
	PROXY("", false, "a", "HTTP_PROXY=p");
	PROXY("p", false, "a", "ALL_PROXY=p");
	PROXY("p", true, "a", "all_proxy=p", "ALL_PROXY=q");
	PROXY("", true, "a", "https_proxy=p", "no_proxy=*");
	PROXY("p", true, "a", "https_proxy=p", "no_proxy=* ");
	PROXY("", true, "a.example", "https_proxy=p", "no_proxy=example");
	PROXY("", true, "a.example", "https_proxy=p", "no_proxy=.example");
	PROXY("", true, "a.example", "https_proxy=p", "NO_PROXY=x, EXAMPLE.");
	PROXY("", true, "a.example", "https_proxy=p", "no_proxy=a.example");
	PROXY("p", true, "a.example", "https_proxy=p", "no_proxy=b.example,ample,c.a.example,");
	PROXY("p", true, "a.example", "https_proxy=p", "no_proxy=.");
	PROXY("", true, "10.1.2.3", "https_proxy=p", "no_proxy=10.0.0.0/8");
	PROXY("", true, "10.1.2.3", "https_proxy=p", "no_proxy=10.1.2.3");
	PROXY("p", true, "10.1.2.3", "https_proxy=p", "no_proxy=10.1.2.4,10.1.2.0/33,2.3,x/8");
	PROXY("", true, "[fd00::1]", "https_proxy=p", "no_proxy=fd00::/8");
	PROXY("p", true, "[fd00::1]", "https_proxy=p", "no_proxy=fe00::/8,10.0.0.0/8");
}

int main(void)
{
	test_urls();
	test_relative();
	test_addresses();
	test_proxies();
	return check_done();
}
