/*
 * The grammar of image names (T-REG-24): what is taken and what each part comes to, what is
 * refused and in which words, and that what is printed reads back to the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "image/reference.h"
#include "util/text.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA256 "sha256:" HEX
#define SHA512 "sha512:" HEX HEX
#define TEN "aaaaaaaaaa"
#define FIFTY TEN TEN TEN TEN TEN

struct good {
	const char *text, *registry, *repository, *tag, *digest;
	const char *complete; /* as it reads when it is complete */
	const char *familiar;
};

static const struct good good[] = {
	{"debian", "", "debian", "latest", "", "docker.io/library/debian:latest", "debian:latest"},
	{"debian:12", "", "debian", "12", "", "docker.io/library/debian:12", "debian:12"},
	{"library/debian", "", "library/debian", "latest", "", "docker.io/library/debian:latest",
		"debian:latest"},
	{"user/app", "", "user/app", "latest", "", "docker.io/user/app:latest", "user/app:latest"},
	{"a/b/c", "", "a/b/c", "latest", "", "docker.io/a/b/c:latest", "a/b/c:latest"},
	{"library/a/b", "", "library/a/b", "latest", "", "docker.io/library/a/b:latest",
		"library/a/b:latest"},
	{"docker.io/debian", "docker.io", "debian", "latest", "", "docker.io/library/debian:latest",
		"debian:latest"},
	{"docker.io/localhost/app", "docker.io", "localhost/app", "latest", "",
		"docker.io/localhost/app:latest", "docker.io/localhost/app:latest"},
	{"docker.io/library/" HEX, "docker.io", "library/" HEX, "latest", "",
		"docker.io/library/" HEX ":latest", "docker.io/library/" HEX ":latest"},
	{"index.docker.io/debian", "index.docker.io", "debian", "latest", "",
		"docker.io/library/debian:latest", "debian:latest"},
	{"quay.io/org/app:1.0", "quay.io", "org/app", "1.0", "", "quay.io/org/app:1.0",
		"quay.io/org/app:1.0"},
	{"quay.io/app", "quay.io", "app", "latest", "", "quay.io/app:latest", "quay.io/app:latest"},
	{"localhost/app", "localhost", "app", "latest", "", "localhost/app:latest",
		"localhost/app:latest"},
	{"localhost:5000/app", "localhost:5000", "app", "latest", "", "localhost:5000/app:latest",
		"localhost:5000/app:latest"},
	{"localhost:5000", "", "localhost", "5000", "", "docker.io/library/localhost:5000",
		"localhost:5000"},
	{"host:1/app", "host:1", "app", "latest", "", "host:1/app:latest", "host:1/app:latest"},
	{"host:65535/app", "host:65535", "app", "latest", "", "host:65535/app:latest",
		"host:65535/app:latest"},
	{"127.0.0.1:5000/a/b:t", "127.0.0.1:5000", "a/b", "t", "", "127.0.0.1:5000/a/b:t",
		"127.0.0.1:5000/a/b:t"},
	{"[::1]:5000/app", "[::1]:5000", "app", "latest", "", "[::1]:5000/app:latest",
		"[::1]:5000/app:latest"},
	{"[::ffff:10.0.0.1]/app", "[::ffff:10.0.0.1]", "app", "latest", "",
		"[::ffff:10.0.0.1]/app:latest", "[::ffff:10.0.0.1]/app:latest"},
	{"[fe80::1]/app:2", "[fe80::1]", "app", "2", "", "[fe80::1]/app:2", "[fe80::1]/app:2"},
	{"xn--fa-hia.example/app", "xn--fa-hia.example", "app", "latest", "",
		"xn--fa-hia.example/app:latest", "xn--fa-hia.example/app:latest"},
	{"a-b.c-d.example:80/x", "a-b.c-d.example:80", "x", "latest", "",
		"a-b.c-d.example:80/x:latest", "a-b.c-d.example:80/x:latest"},
	{"debian@" SHA256, "", "debian", "", SHA256, "docker.io/library/debian@" SHA256,
		"debian@" SHA256},
	{"debian:12@" SHA256, "", "debian", "12", SHA256, "docker.io/library/debian@" SHA256,
		"debian@" SHA256},
	{"quay.io/o/a:x@" SHA512, "quay.io", "o/a", "x", SHA512, "quay.io/o/a@" SHA512,
		"quay.io/o/a@" SHA512},
	{"a.b/c.d_e__f---g", "a.b", "c.d_e__f---g", "latest", "", "a.b/c.d_e__f---g:latest",
		"a.b/c.d_e__f---g:latest"},
	{"debian:1/2", "debian:1", "2", "latest", "", "debian:1/2:latest", "debian:1/2:latest"},
	{"0/1", "", "0/1", "latest", "", "docker.io/0/1:latest", "0/1:latest"},
	{"a:_", "", "a", "_", "", "docker.io/library/a:_", "a:_"},
	{"a:A.b-c_D9", "", "a", "A.b-c_D9", "", "docker.io/library/a:A.b-c_D9", "a:A.b-c_D9"},
	{"quay.io/" HEX, "quay.io", HEX, "latest", "", "quay.io/" HEX ":latest",
		"quay.io/" HEX ":latest"},
};

/* what is refused, and a piece of the sentence that says why */
static const char *const bad[][2] = {
	{"", "cannot be empty"},
	{" ", "not a repository"},
	{"debian ", "not a repository"},
	{" debian", "not a repository"},
	{"de bian", "not a repository"},
	{"debian\n", "not a repository"},
	{"debian\t", "not a repository"},
	{"debian\033[31m", "not a repository"},
	{"-debian", "not a repository"},
	{"debian-", "not a repository"},
	{".debian", "not a repository"},
	{"debian.", "not a repository"},
	{"_debian", "not a repository"},
	{"debian_", "not a repository"},
	{"a..b", "not a repository"},
	{"a___b", "not a repository"},
	{"a._b", "not a repository"},
	{"a-_b", "not a repository"},
	{"a-.b", "not a repository"},
	{".", "not a repository"},
	{"..", "not a repository"},
	{"./debian", "not a registry"},
	{"../debian", "not a registry"},
	{"a/../b", "not a repository"},
	{"a/./b", "not a repository"},
	{"a/..", "not a repository"},
	{"quay.io/../app", "not a repository"},
	{"quay.io/./app", "not a repository"},
	{"quay.io/.app", "not a repository"},
	{"quay.io/app/.", "not a repository"},
	{"/", "not a repository"},
	{"/debian", "not a repository"},
	{"//debian", "not a repository"},
	{"debian/", "not a repository"},
	{"a//b", "not a repository"},
	{"quay.io/", "no repository"},
	{"quay.io//app", "not a repository"},
	{"quay.io/app/", "not a repository"},
	{"Debian", "lower case"},
	{"debIan:12", "lower case"},
	{"user/App", "lower case"},
	{"quay.io/Org/app", "lower case"},
	{"Quay.io/org/app", "registry in lower case"},
	{"LOCALHOST/app", "registry in lower case"},
	{"Registry/app", "registry in lower case"},
	{"docker.io@evil.com/x", "user name has no place"},
	{"user@quay.io/app", "user name has no place"},
	{"user:pass@quay.io/app", "user name has no place"},
	{"user:pass@localhost/app", "user name has no place"},
	{"https://quay.io/app", "not a registry"},
	{"http://localhost:5000/app", "not a registry"},
	{"docker://debian", "not a registry"},
	{"oci:/tmp/x", "not a registry"},
	{"file:///etc/passwd", "not a registry"},
	{"host:/app", "not a registry"},
	{"host:0/app", "not a registry"},
	{"host:00/app", "not a registry"},
	{"host:080/app", "not a registry"},
	{"host:65536/app", "not a registry"},
	{"host:99999/app", "not a registry"},
	{"host:4294967297/app", "not a registry"},
	{"host:18446744073709551617/app", "not a registry"},
	{"host:-1/app", "not a registry"},
	{"host:+1/app", "not a registry"},
	{"host:1a/app", "not a registry"},
	{"host: 1/app", "not a registry"},
	{"host:1:2/app", "not a registry"},
	{"host:/", "not a registry"},
	{":5000/app", "not a registry"},
	{".io/app", "not a registry"},
	{"quay..io/app", "not a registry"},
	{"quay.io./app", "not a registry"},
	{"-quay.io/app", "not a registry"},
	{"quay-.io/app", "not a registry"},
	{"quay.-io/app", "not a registry"},
	{"qu_ay.io/app", "not a registry"},
	{"qu ay.io/app", "not a registry"},
	{"quay.io\n/app", "not a registry"},
	{"quay.io%2f/app", "not a registry"},
	{"quay.io\\x/app", "not a registry"},
	{"quay.io?x=/app", "not a registry"},
	{"quay.io#x/app", "not a registry"},
	{"quay,io.x/app", "not a registry"},
	{"*.io/app", "not a registry"},
	{"[::1/app", "not a registry"},
	{"::1]/app", "not a registry"},
	{"[]/app", "not a registry"},
	{"[1]/app", "not a registry"},
	{"[a..b:0:0]/app", "not a registry"},
	{"[..]/app", "not a registry"},
	{"[1:2:3]/app", "not a registry"},
	{"[0:0:0:0:0:0:0:0:0]/app", "not a registry"},
	{"[::1]x/app", "not a registry"},
	{"[::1]:/app", "not a registry"},
	{"[::1]:0/app", "not a registry"},
	{"[::1%eth0]/app", "not a registry"},
	{"[::g]/app", "not a registry"},
	{"[00000:00000:00000:00000:00000:00000:00000]/app", "not a registry"},
	{"x[::1]/app", "not a registry"},
	{"d\xc3\xa9"
	 "bian",
		"not a repository"},
	{"\xd0\xb4"
	 "ebian",
		"not a repository"}, /* a Cyrillic letter */
	{"docker.\xd1\x96o/app", "not a registry"},
	{"quay\xe3\x80\x82io/app", "not a repository"}, /* the ideographic full stop */
	{"quay.io\xe2\x80\xae/app", "not a registry"},  /* right-to-left override */
	{"debian\xe2\x80\x8b", "not a repository"},     /* zero width space */
	{"debian:12\xe2\x80\xae", "not a tag"},
	{"\xff\xfe", "not a repository"},
	{"debian:", "not a tag"},
	{"debian::", "not a tag"},
	{"debian:12:13", "not a tag"},
	{"debian:.12", "not a tag"},
	{"debian:-12", "not a tag"},
	{"debian:1 2", "not a tag"},
	{"debian:a/2", "not a registry"},
	{"quay.io:x/app", "not a registry"},
	{"debian\r", "not a repository"},
	{"debian\x7f", "not a repository"},
	{"debian:\x1b]52;c;x\x07", "not a tag"},
	{"quay.io/a b", "not a repository"},
	{"quay.io/a\tb:1", "not a repository"},
	{"1.2.3.4:x/app", "not a registry"},
	{"a.b:5000:6000/app", "not a registry"},
	{"[::1]:65536/app", "not a registry"},
	{"[::1]:1:2/app", "not a registry"},
	{"debian:1%2", "not a tag"},
	{"debian:1+2", "not a tag"},
	{"debian:../x", "not a registry"},
	{"debian:12\n", "not a tag"},
	{"debian:12@", "not a digest"},
	{"debian@", "not a digest"},
	{"debian@sha256", "not a digest"},
	{"debian@sha256:", "not a digest"},
	{"debian@sha256:abc", "not a digest"},
	{"debian@" SHA256 "0", "not a digest"},
	{"debian@" SHA256 " ", "not a digest"},
	{"debian@" SHA256 ":12", "not a digest"},
	{"debian@" SHA256 "@" SHA256, "not a digest"},
	{"debian@SHA256:" HEX, "not a digest"},
	{"debian@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"not a digest"},
	{"debian@sha256:../../../../../../../../../../../../../../../../../etc/passwd",
		"user name has no place"},
	{"debian@sha1:0123456789abcdef0123456789abcdef01234567", "not a digest"},
	{"debian@md5:0123456789abcdef0123456789abcdef", "not a digest"},
	{"debian@sha512:" HEX, "not a digest"},
	{"debian@sha384:" HEX "0123456789abcdef0123456789abcdef", "not a digest"},
	{"debian@sha256+b64:" HEX, "not a digest"},
	{"debian@" HEX, "not a digest"},
	{"@" SHA256, "no repository"},
	{":12", "no repository"},
	{HEX, "id of an image"},
	{HEX ":tag", "id of an image"},
	{"debian,ubuntu", "not a repository"},
	{"debian;id", "not a repository"},
	{"debian|id", "not a repository"},
	{"$(id)", "not a repository"},
	{"`id`", "not a repository"},
	{"debian&", "not a repository"},
	{"debian=1", "not a repository"},
	{"debian?x", "not a repository"},
	{"debian#x", "not a repository"},
	{"debian%20", "not a repository"},
	{"debian\\x", "not a repository"},
	{"debian\"", "not a repository"},
	{"debian'", "not a repository"},
	{"debian*", "not a repository"},
	{"~/debian", "not a repository"},
	{"--platform", "not a repository"},
	{"-", "not a repository"},
	{"--", "not a repository"},
	{"_", "not a repository"},
	{"@", "no repository"},
	{":", "no repository"},
	{"a/-", "not a repository"},
	{"a/_", "not a repository"},
	{"a/b-/c", "not a repository"},
	{"a/b/-c", "not a repository"},
	{"a+b", "not a repository"},
	{"%n%s%1$n", "not a repository"},
	{"%00", "not a repository"},
};

static void test_good(const struct good *want)
{
	struct reference got = {.registry = "stale"}, again;
	char buffer[REFERENCE_ROOM];
	struct err err = {0};

	if (!check_int(reference_parse(want->text, &got, &err), 0, "\"%s\" is taken", want->text))
		return;
	check_text(got.registry, want->registry, "%s: the registry", want->text);
	check_text(got.repository, want->repository, "%s: the repository", want->text);
	check_text(got.tag, want->tag, "%s: the tag", want->text);
	check_text(got.digest.text, want->digest, "%s: the digest", want->text);
	reference_complete(&got);
	check_text(reference_format(&got, buffer), want->complete, "%s: complete", want->text);
	check(reference_parse(buffer, &again, NULL) == 0 &&
			strcmp(again.registry, got.registry) == 0 &&
			strcmp(again.repository, got.repository) == 0,
		"%s: reads back", want->complete);
	check_text(reference_familiar(&got, buffer), want->familiar, "%s: familiar", want->text);
	check(reference_parse(buffer, &again, NULL) == 0, "%s is taken", buffer);
	reference_complete(&again);
	check(strcmp(again.registry, got.registry) == 0 &&
			strcmp(again.repository, got.repository) == 0,
		"%s means the same", buffer);
}

static void test_bad(const char *text, const char *message)
{
	struct reference got = {.registry = "stale"};
	struct err err = {0};
	char shown[512];

	check_int(reference_parse(text, &got, &err), -EINVAL, "\"%s\" is refused",
		text_escape(text, strlen(text), shown, sizeof(shown)));
	check(strstr(err.message, message) != NULL, "it says \"%s\": %s", message, err.message);
	check(err.hint[0] && strcmp(got.registry, "stale") == 0,
		"there is a hint, and the result is untouched");
	for (const char *c = err.where; *c; c++)
		if ((unsigned char)*c < ' ')
			check(false, "a control character is shown");
}

/* Names at the edge of each length and beyond it. */
static void test_length(
	const char *what, const char *before, size_t count, const char *after, int r)
{
	size_t length = strlen(before) + count + strlen(after);
	char *text = malloc(length + 1), *at = text;
	char buffer[REFERENCE_ROOM];
	struct reference got;
	struct err err = {0};

	if (!text)
		abort();
	at = stpcpy(at, before);
	memset(at, 'a', count);
	(void)stpcpy(at + count, after);
	check_int(reference_parse(text, &got, &err), r, "%s of %zu characters", what, count);
	if (!r) {
		struct reference again;

		reference_complete(&got);
		check(reference_parse(reference_format(&got, buffer), &again, NULL) == 0 &&
				strcmp(again.repository, got.repository) == 0,
			"%s of %zu characters: reads back", what, count);
	}
	free(text);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		test_good(&good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		test_bad(bad[i][0], bad[i][1]);
	test_length("a tag", "debian:", 128, "", 0);
	test_length("a tag", "debian:", 129, "", -EINVAL);
	test_length("a tag", "debian:", 10240, "", -EINVAL);
	test_length("a short repository", "", 247, "", 0);
	test_length("a short repository", "", 248, "", -EINVAL);
	test_length("a repository", "quay.io/a/", 253, "", 0);
	test_length("a repository", "quay.io/a/", 254, "", -EINVAL);
	test_length("a repository", "quay.io/a/", 1000000, "", -EINVAL);
	test_length("a label", "", 63, ".io/a", 0);
	test_length("a label", "", 64, ".io/a", -EINVAL);
	test_length("a registry", FIFTY "." FIFTY "." FIFTY "." FIFTY ".", 49, ".b/a", 0);
	test_length("a registry", FIFTY "." FIFTY "." FIFTY "." FIFTY ".", 51, "/a", 0);
	test_length("a registry", FIFTY "." FIFTY "." FIFTY "." FIFTY ".", 52, "/a", -EINVAL);
	check(sizeof(good) / sizeof(good[0]) + sizeof(bad) / sizeof(bad[0]) >= 200,
		"at least 200 names");
	return check_done();
}
