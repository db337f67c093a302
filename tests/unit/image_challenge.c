/* WWW-Authenticate and what follows of it: challenges, tokens, realms that may see credentials. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "image/challenge.h"
#include "image/token.h"
#include "util/arena.h"

struct row {
	const char *header;
	int r;
	enum challenge_kind kind;
	const char *realm, *service, *error;
};

static const struct row rows[] = {
	{"", 0, CHALLENGE_NONE, NULL, NULL, NULL},
	{",, ,", 0, CHALLENGE_NONE, NULL, NULL, NULL},
	{"Basic realm=\"x\"", 0, CHALLENGE_BASIC, "x", NULL, NULL},
	{"basic", 0, CHALLENGE_BASIC, NULL, NULL, NULL},
	{"Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a:pull\"", 0,
		CHALLENGE_BEARER, "https://a/t", "s", NULL},
	{"BEARER REALM=\"https://a/t\"", 0, CHALLENGE_BEARER, "https://a/t", NULL, NULL},
	{"Bearer realm = \"https://a/t\" , service\t=\ts", 0, CHALLENGE_BEARER, "https://a/t", "s",
		NULL},
	{"Bearer realm=https://a/t?x=y,service=s", 0, CHALLENGE_BEARER, "https://a/t?x=y", "s",
		NULL},
	{"Bearer realm=\"a\\\"b\\\\c\"", 0, CHALLENGE_BEARER, "a\"b\\c", NULL, NULL},
	{"Bearer realm=\"a\",error=\"insufficient_scope\"", 0, CHALLENGE_BEARER, "a", NULL,
		"insufficient_scope"},
	{"Bearer service=\"s\"", 0, CHALLENGE_NONE, NULL, NULL, NULL},
	{"Bearer", 0, CHALLENGE_NONE, NULL, NULL, NULL},
	{"Basic realm=\"x\", Bearer realm=\"y\"", 0, CHALLENGE_BEARER, "y", NULL, NULL},
	{"Bearer realm=\"y\", Basic realm=\"x\"", 0, CHALLENGE_BEARER, "y", NULL, NULL},
	{"Bearer realm=\"y\", Bearer realm=\"z\"", 0, CHALLENGE_BEARER, "y", NULL, NULL},
	{"Negotiate, Basic realm=\"x\"", 0, CHALLENGE_BASIC, "x", NULL, NULL},
	{"Negotiate YWJj==, Basic realm=\"x\"", 0, CHALLENGE_BASIC, "x", NULL, NULL},
	{"NTLM YWJj", 0, CHALLENGE_NONE, NULL, NULL, NULL},
	{"Digest realm=\"d\", nonce=\"n\", qop=\"auth,auth-int\", Basic realm=\"x\"", 0,
		CHALLENGE_BASIC, "x", NULL, NULL},
	{"Bearer realm=\"y\" ,, service=\"s\" ,", 0, CHALLENGE_BEARER, "y", "s", NULL},
	{"Bearer realm=\"\"", 0, CHALLENGE_BEARER, "", NULL, NULL},
	{"Bearer realm=\"y", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=\"y\\", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=\"y\\\"", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=,service=s", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=\"a\" service=\"b\"", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=\"a\",realm=\"b\"", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=\"a\",service=\"b\",SERVICE=\"c\"", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=\"a\x01\"", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=\"a\\\x01\"", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=a\x7f", -EBADMSG, 0, NULL, NULL, NULL},
	{"Bearer realm=\"\xff\"", -EBADMSG, 0, NULL, NULL, NULL},
	{"=", -EBADMSG, 0, NULL, NULL, NULL},
	{"\"x\"", -EBADMSG, 0, NULL, NULL, NULL},
	{"Basic\"x\"", -EBADMSG, 0, NULL, NULL, NULL},
	{"Basic abc def", -EBADMSG, 0, NULL, NULL, NULL},
	{"Basic realm=\"x\" y", -EBADMSG, 0, NULL, NULL, NULL},
};

static void test_challenges(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct challenge got = {.realm = "stale"};
		struct arena arena = {0};
		struct err err = {0};

		check_int(challenge_parse(row->header, &arena, &got, &err), row->r, "row %zu", i);
		if (row->r) {
			check(err.message[0] && got.realm && strcmp(got.realm, "stale") == 0,
				"row %zu: told, and the result untouched", i);
		} else {
			check_int(got.kind, row->kind, "row %zu: the kind", i);
			if (row->kind != CHALLENGE_NONE) {
				check_text(got.realm, row->realm, "row %zu: the realm", i);
				check_text(got.service, row->service, "row %zu: the service", i);
				check_text(got.error, row->error, "row %zu: the error", i);
			}
		}
		arena_free(&arena);
	}
}

/* ---- tokens ---- */

static void test_answers(void)
{
	static const struct {
		const char *text, *token;
		unsigned seconds;
	} answers[] = {
		{"{\"token\": \"abc\"}", "abc", 60},
		{"{\"access_token\": \"abc\", \"expires_in\": 300}", "abc", 300},
		{"{\"token\": \"\", \"access_token\": \"abc\"}", "abc", 60},
		{"{\"token\": \"a\", \"access_token\": \"b\", \"expires_in\": 61}", "a", 61},
		{"{\"token\": \"abc\", \"expires_in\": -1}", "abc", 60},
		{"{\"token\": \"abc\", \"expires_in\": 0}", "abc", 60},
		{"{\"token\": \"abc\", \"expires_in\": 9223372036854775807}", "abc", 86400},
		{"{\"token\": \"abc\", \"expires_in\": \"300\"}", "abc", 60},
		{"{\"token\": \"abc\", \"expires_in\": 1.5}", "abc", 60},
		{"{\"token\": \"a.b-c_d~e+f/g=\"}", "a.b-c_d~e+f/g=", 60},
		{"{}", NULL, 0},
		{"[]", NULL, 0},
		{"", NULL, 0},
		{"{\"token\": 5}", NULL, 0},
		{"{\"token\": null}", NULL, 0},
		{"{\"token\": \"a b\"}", NULL, 0},
		{"{\"token\": \"a\\r\\nX: y\"}", NULL, 0},
		{"{\"token\": \"\xc3\xa9\"}", NULL, 0},
		{"{\"token\": \"a\", \"token\": \"b\"}", NULL, 0},
		{"{\"token\": \"a\"} x", NULL, 0},
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const char *want = answers[i].token;
		char *token = NULL;
		uint32_t seconds = 0;
		struct err err = {0};
		int r = token_parse(
			"answer", answers[i].text, strlen(answers[i].text), &token, &seconds, &err);

		check_int(r, want ? 0 : -EBADMSG, "%s", answers[i].text);
		check_text(token, want, "%s: the token", answers[i].text);
		check_int(seconds, answers[i].seconds, "%s: how long", answers[i].text);
		free(token);
	}
}

static void test_questions(void)
{
	static const char *const one[] = {"repository:a/b:pull", NULL};
	static const char *const two[] = {"repository:a:pull,push", "repository:b:pull", NULL};
	static const char *const none[] = {NULL};
	struct url realm, url;
	char *form = NULL;

	check_int(url_parse("https://auth.example/token", "realm", &realm, NULL), 0, "a realm");
	check_int(token_url(&realm, "reg & co", one, &url, NULL), 0, "a question");
	check_text(url.text,
		"https://auth.example/token?service=reg%20%26%20co&scope=repository%3Aa%2Fb%3Apull",
		"is escaped");
	url_free(&url);
	check_int(token_url(&realm, NULL, two, &url, NULL), 0, "two scopes");
	check_text(url.text,
		"https://auth.example/token?scope=repository%3Aa%3Apull%2Cpush&"
		"scope=repository%3Ab%3Apull",
		"both are there");
	url_free(&url);
	check_int(token_url(&realm, NULL, none, &url, NULL), 0, "nothing to ask for");
	check_text(url.text, "https://auth.example/token", "the realm itself");
	url_free(&url);
	url_free(&realm);
	check_int(url_parse("https://auth.example/token?a=b", "realm", &realm, NULL), 0, "a realm");
	check_int(token_url(&realm, "s", none, &url, NULL), 0, "a question");
	check_text(url.text, "https://auth.example/token?a=b&service=s", "goes on with &");
	url_free(&url);
	url_free(&realm);
	check_int(token_form("s", two, "secret&x", &form, NULL), 0, "a form");
	check_text(form,
		"grant_type=refresh_token&client_id=immure&service=s&scope=repository%3Aa%3Apull%"
		"2Cpush%20repository%3Ab%3Apull&refresh_token=secret%26x",
		"is escaped");
	free(form);
}

static void test_trust(void)
{
	static const struct {
		const char *registry, *realm;
		bool trusted;
	} pairs[] = {
		{"https://registry-1.docker.io/v2/", "https://auth.docker.io/token", true},
		{"https://ghcr.io/v2/", "https://ghcr.io/token", true},
		{"https://registry.gitlab.com/v2/", "https://gitlab.com/jwt/auth", true},
		{"https://docker.elastic.co/v2/", "https://docker-auth.elastic.co/auth", true},
		{"https://host:5000/v2/", "https://host:5001/token", true},
		{"https://host/v2/", "https://other/token", false},
		{"https://10.0.0.1/v2/", "https://10.0.0.1:8443/t", true},
		{"https://10.0.0.1/v2/", "https://10.0.0.2/t", false},
		{"https://localhost/v2/", "https://a.localhost/t", false},
		{"https://registry-1.docker.io/v2/", "https://auth.docker.io.evil.com/t", false},
		{"https://registry-1.docker.io/v2/", "https://evildocker.io/t", false},
		{"https://a.github.io/v2/", "https://b.github.io/t", false},
		{"https://a.co.uk/v2/", "https://b.co.uk/t", false},
		{"https://ghcr.io/v2/", "http://ghcr.io/token", false},
		{"http://ghcr.io/v2/", "http://ghcr.io:81/token", true},
		{"http://a.ghcr.io/v2/", "http://ghcr.io/token", false},
		{"http://ghcr.io/v2/", "https://ghcr.io/token", true},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct url registry, realm;

		check(url_parse(pairs[i].registry, "registry", &registry, NULL) == 0 &&
				url_parse(pairs[i].realm, "realm", &realm, NULL) == 0,
			"two URLs");
		check(token_realm_trusted(&registry, &realm) == pairs[i].trusted,
			"%s %s the credentials of %s", pairs[i].realm,
			pairs[i].trusted ? "may have" : "may not have", pairs[i].registry);
		url_free(&registry);
		url_free(&realm);
	}
}

int main(void)
{
	test_challenges();
	test_answers();
	test_questions();
	test_trust();
	return check_done();
}
