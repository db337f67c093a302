/*
 * The names of images: see reference.h. One grammar for both programs, since what a name says
 * becomes a path in the store and a URL at the registry: nothing that means anything to either is
 * let through. distribution/reference, reference.go and normalize.go.
 */
#include "image/reference.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/mutant.h"
#include "util/text.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* The whole of text[0..length) consists of characters of set. */
static bool all_of(const char *text, size_t length, const char *set)
{
	for (size_t i = 0; i < length; i++)
		if (!text[i] || !strchr(set, text[i]))
			return false;
	return true;
}

static int fail(const char *text, struct err *reterr, const char *message)
{
	char shown[256];

	(void)err_set(reterr, -EINVAL, text_escape(text, strlen(text), shown, sizeof(shown)), "%s",
		message);
	err_hint(reterr, "names look like debian:12, quay.io/organisation/app:1.0 or "
			 "localhost:5000/app@sha256:…");
	return -EINVAL;
}

/* ---- the registry ---- */

/* "12", "65535"; no leading zero, so that one port has one spelling. */
static bool is_port(const char *text, size_t length)
{
	char digits[8];
	uint64_t port;

	if (length == 0 || length >= sizeof(digits))
		return false;
	memcpy(digits, text, length);
	digits[length] = '\0';
	return text_parse_u64(digits, 65535, &port) == 0 && port > 0;
}

static bool is_label(const char *text, size_t length)
{
	return length >= 1 && length <= 63 && all_of(text, length, LOWER DIGITS "-") &&
	       text[0] != '-' && text[length - 1] != '-';
}

/* "[::1]" */
static bool is_address(const char *text, size_t length)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr ignored;

	if (length < 2 || text[length - 1] != ']' || length - 2 >= sizeof(address) ||
		!all_of(text + 1, length - 2, DIGITS "abcdef:."))
		return false;
	memcpy(address, text + 1, length - 2);
	address[length - 2] = '\0';
	return inet_pton(AF_INET6, address, &ignored) == 1;
}

static bool is_host(const char *text, size_t length)
{
	if (text[0] == '[')
		return is_address(text, length);
	for (const char *end = text + length; text <= end;) {
		const char *dot = memchr(text, '.', (size_t)(end - text));
		size_t label = (size_t)((dot ? dot : end) - text);

		if (!is_label(text, label))
			return false;
		text += label + 1;
	}
	return true;
}

static bool is_registry(const char *text, size_t length)
{
	const char *bracket = memchr(text, ']', length), *colon;
	const char *from = bracket ? bracket : text;

	colon = memchr(from, ':', length - (size_t)(from - text));
	if (colon && !is_port(colon + 1, length - (size_t)(colon + 1 - text)))
		return false;
	return is_host(text, colon ? (size_t)(colon - text) : length);
}

/* How much of text is its registry: its first word, if that cannot be part of a repository. */
static size_t registry_length(const char *text)
{
	size_t length = strcspn(text, "/");

	if (!text[length])
		return 0;
	if (length == strlen("localhost") && strncmp(text, "localhost", length) == 0)
		return length;
	for (size_t i = 0; i < length; i++)
		if (strchr(".:[" UPPER, text[i]))
			return length;
	return 0;
}

/* ---- the repository ---- */

/* Between two alphanumeric runs: ".", "_", "__" or any number of "-". */
static bool is_separator(const char *text, size_t length)
{
	return (length == 1 && (*text == '.' || *text == '_')) ||
	       (length == 2 && memcmp(text, "__", 2) == 0) || all_of(text, length, "-");
}

static bool is_component(const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		const char *start = text;

		while (text < end && strchr(LOWER DIGITS, *text))
			text++;
		if (text == start)
			return false;
		if (text == end)
			return true;
		start = text;
		while (text < end && strchr("._-", *text))
			text++;
		if (!is_separator(start, (size_t)(text - start)))
			return false;
	}
	return false;
}

static bool is_repository(const char *text, size_t length)
{
	for (const char *end = text + length; text <= end;) {
		const char *slash = memchr(text, '/', (size_t)(end - text));
		size_t component = (size_t)((slash ? slash : end) - text);

		if (!is_component(text, component))
			return false;
		text += component + 1;
	}
	return true;
}

static int take_repository(const char *text, const char *part, size_t length, struct reference *ret,
	struct err *reterr)
{
	/* "library/" may still have to go before it */
	if (length >=
		sizeof(ret->repository) - (memchr(part, '/', length) ? 0 : strlen("library/")))
		return fail(text, reterr, "the repository is longer than 255 characters");
	if (length == 0)
		return fail(text, reterr, "there is no repository in this name");
	if (strcspn(part, UPPER) < length)
		return fail(text, reterr,
			"a repository has no capital letters: write it in lower case");
	if (!is_repository(part, length) && !mutant(MUTANT_REPOSITORY_GRAMMAR))
		return fail(text, reterr,
			"not a repository: words of a-z and 0-9, joined by single . or _, by __ or "
			"by "
			"-, with / between them");
	/* docker refuses them as well: such a word is the id of an image */
	if (!ret->registry[0] && length == 64 && all_of(part, length, DIGITS "abcdef"))
		return fail(
			text, reterr, "64 hexadecimal digits are the id of an image, not a name");
	memcpy(ret->repository, part, length);
	ret->repository[length] = '\0';
	return 0;
}

/* ---- tag and digest ---- */

static bool is_tag(const char *text, size_t length)
{
	return length >= 1 && length <= 128 && all_of(text, length, LOWER UPPER DIGITS "_.-") &&
	       text[0] != '.' && text[0] != '-';
}

static int take_tag(const char *text, const char *part, size_t length, struct reference *ret,
	struct err *reterr)
{
	if (!is_tag(part, length) && !mutant(MUTANT_TAG_GRAMMAR))
		return fail(text, reterr,
			"not a tag: 1 to 128 of A-Z a-z 0-9 _ . and -, and neither . nor - at its "
			"beginning");
	memcpy(ret->tag, part, length);
	ret->tag[length] = '\0';
	return 0;
}

static int take_registry(const char *text, size_t length, struct reference *ret, struct err *reterr)
{
	if (length >= sizeof(ret->registry))
		return fail(text, reterr, "the registry is longer than 255 characters");
	if (memchr(text, '@', length))
		return fail(text, reterr, "a user name has no place in a name: see `immure login`");
	if (strcspn(text, UPPER) < length)
		return fail(text, reterr, "write the registry in lower case");
	if (!is_registry(text, length))
		return fail(text, reterr,
			"not a registry: a host name, or an address, and a port from 1 to 65535 "
			"after :");
	memcpy(ret->registry, text, length);
	ret->registry[length] = '\0';
	return 0;
}

int reference_parse(const char *text, struct reference *ret, struct err *reterr)
{
	struct reference found = {0};
	size_t length = registry_length(text);
	const char *rest = text;
	int r = 0;

	if (!*text)
		return fail(text, reterr, "the name of an image cannot be empty");
	if (length) {
		r = take_registry(text, length, &found, reterr);
		rest = text + length + 1;
	}
	if (r)
		return r;
	length = strcspn(rest, ":@");
	r = take_repository(text, rest, length, &found, reterr);
	if (r)
		return r;
	rest += length;
	if (*rest == ':') {
		length = strcspn(++rest, "@");
		r = take_tag(text, rest, length, &found, reterr);
		if (r)
			return r;
		rest += length;
	}
	if (*rest == '@' && digest_parse(rest + 1, &found.digest))
		return fail(text, reterr,
			"not a digest: sha256: and 64 of 0-9 and a-f, or sha512: and 128");
	if (!found.tag[0] && !found.digest.text[0])
		(void)stpcpy(found.tag, "latest");
	*ret = found;
	return 0;
}

void reference_complete(struct reference *reference)
{
	char repository[sizeof(reference->repository)];
	int length;

	/* the address that docker's own files still know it by */
	if (!reference->registry[0] || strcmp(reference->registry, "index.docker.io") == 0)
		(void)stpcpy(reference->registry, "docker.io");
	if (strcmp(reference->registry, "docker.io") != 0 || strchr(reference->repository, '/'))
		return;
	length = snprintf(repository, sizeof(repository), "library/%s", reference->repository);
	if (length > 0 && (size_t)length < sizeof(repository))
		memcpy(reference->repository, repository, (size_t)length + 1);
}

static const char *format(
	const struct reference *reference, const char *repository, bool registry, char *buffer)
{
	bool digest = reference->digest.text[0];

	(void)snprintf(buffer, REFERENCE_ROOM, "%s%s%s%s%s", registry ? reference->registry : "",
		registry && reference->registry[0] ? "/" : "", repository, digest ? "@" : ":",
		digest ? reference->digest.text : reference->tag);
	return buffer;
}

const char *reference_format(const struct reference *reference, char buffer[REFERENCE_ROOM])
{
	return format(reference, reference->repository, true, buffer);
}

const char *reference_familiar(const struct reference *reference, char buffer[REFERENCE_ROOM])
{
	bool hub = strcmp(reference->registry, "docker.io") == 0;
	const char *repository = reference->repository;
	const char *official = repository + strlen("library/");
	struct reference again;

	if (!hub)
		return reference_format(reference, buffer);
	if (text_starts_with(repository, "library/") && !strchr(official, '/'))
		repository = official;
	(void)format(reference, repository, false, buffer);
	/* a few short forms mean something else: docker.io/localhost/app is not localhost/app */
	if (reference_parse(buffer, &again, NULL) || again.registry[0])
		return reference_format(reference, buffer);
	return buffer;
}
