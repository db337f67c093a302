/* Credentials of auth.json and config.json: which entry counts, what is refused, what a change
 * keeps. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "image/auth.h"
#include "util/file.h"

/* "u:p", "u2:p2", "u:p:q", "u:" */
#define UP "{\"auth\": \"dTpw\"}"
#define UP2 "{\"auth\": \"dTI6cDI=\"}"

static void test_base64(void)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe\xfd", "//79"},
		{"\xfb\xef", "++8="}};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "=",
		"====", "Z===", "Zg==Zg==", "Zg= =", "Zm9v\n", " Zm9v", "Zm-_",
		"Zm9v====", "Z\xc3\xa9=="};
	char *decoded = NULL;
	size_t length;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char *encoded = base64_encode(pairs[i][0], strlen(pairs[i][0]));

		check_text(encoded, pairs[i][1], "encoded");
		free(encoded);
		check_int(base64_decode(pairs[i][1], &decoded, &length), 0, "%s", pairs[i][1]);
		check(length == strlen(pairs[i][0]) && strcmp(decoded, pairs[i][0]) == 0,
			"decoded");
		free(decoded);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_int(base64_decode(bad[i], &decoded, &length), -EINVAL, "bad %zu", i);
}

struct row {
	const char *text, *registry, *repository, *user, *password, *token, *helper;
};

static const struct row rows[] = {
	{"{}", "quay.io", "", NULL, NULL, NULL, NULL},
	{"{\"auths\": {}}", "quay.io", "", NULL, NULL, NULL, NULL},
	{"{\"auths\": {\"quay.io\": " UP "}}", "quay.io", "", "u", "p", NULL, NULL},
	{"{\"auths\": {\"quay.io\": " UP "}}", "quay.io", "org/app", "u", "p", NULL, NULL},
	{"{\"auths\": {\"quay.io\": " UP "}}", "quay.io.evil.com", "", NULL, NULL, NULL, NULL},
	{"{\"auths\": {\"quay.io\": " UP "}}", "evil-quay.io", "", NULL, NULL, NULL, NULL},
	{"{\"auths\": {\"quay.io\": " UP "}}", "quay.io:443", "", NULL, NULL, NULL, NULL},
	{"{\"auths\": {\"quay.io\": " UP ", \"quay.io/org\": " UP2 "}}", "quay.io", "org/app", "u2",
		"p2", NULL, NULL},
	{"{\"auths\": {\"quay.io\": " UP ", \"quay.io/org\": " UP2 "}}", "quay.io",
		"organisation/app", "u", "p", NULL, NULL},
	{"{\"auths\": {\"quay.io/org\": " UP2 "}}", "quay.io", "", NULL, NULL, NULL, NULL},
	{"{\"auths\": {\"quay.io/org/app\": " UP ", \"quay.io/org\": " UP2 "}}", "quay.io",
		"org/app", "u", "p", NULL, NULL},
	{"{\"auths\": {\"https://index.docker.io/v1/\": " UP "}}", "docker.io", "library/debian",
		"u", "p", NULL, NULL},
	{"{\"auths\": {\"https://index.docker.io/v1/\": " UP ", \"docker.io\": " UP2 "}}",
		"docker.io", "library/debian", "u2", "p2", NULL, NULL},
	{"{\"auths\": {\"registry-1.docker.io\": " UP "}}", "docker.io", "", "u", "p", NULL, NULL},
	{"{\"auths\": {\"https://index.docker.io/v1/\": " UP "}}", "quay.io", "", NULL, NULL, NULL,
		NULL},
	{"{\"auths\": {\"https://quay.io\": " UP "}}", "quay.io", "", "u", "p", NULL, NULL},
	{"{\"auths\": {\"http://quay.io/v2/\": " UP "}}", "quay.io", "", "u", "p", NULL, NULL},
	{"{\"auths\": {\"https://quay.io/other\": " UP "}}", "quay.io", "", NULL, NULL, NULL, NULL},
	{"{\"auths\": {\"quay.io\": {\"auth\": \"dTpwOnE=\"}}}", "quay.io", "", "u", "p:q", NULL,
		NULL},
	{"{\"auths\": {\"quay.io\": {\"auth\": \"dTo=\", \"identitytoken\": \"t\"}}}", "quay.io",
		"", "u", "", "t", NULL},
	{"{\"auths\": {\"quay.io\": {\"identitytoken\": \"t\"}}}", "quay.io", "", NULL, NULL, "t",
		NULL},
	{"{\"auths\": {\"quay.io\": {}}, \"credsStore\": \"desktop\"}", "quay.io", "", NULL, NULL,
		NULL, "desktop"},
	{"{\"auths\": {\"quay.io\": " UP "}, \"credsStore\": \"desktop\"}", "quay.io", "", "u", "p",
		NULL, NULL},
	{"{\"credHelpers\": {\"gcr.io\": \"gcloud\"}}", "gcr.io", "", NULL, NULL, NULL, "gcloud"},
	{"{\"credHelpers\": {\"gcr.io\": \"gcloud\"}}", "quay.io", "", NULL, NULL, NULL, NULL},
	{"{\"credHelpers\": {\"gcr.io\": \"gcloud\"}, \"credsStore\": \"x\"}", "gcr.io", "", NULL,
		NULL, NULL, "gcloud"},
	{"{\"auths\": {\"quay.io\": {\"auth\": \"\"}}}", "quay.io", "", NULL, NULL, NULL, NULL},
	{"{\"unheard-of\": 1, \"auths\": {\"quay.io\": {\"auth\": \"dTpw\", \"email\": \"x\"}}}",
		"quay.io", "", "u", "p", NULL, NULL},
};

static const char *const bad[] = {"", "[]", "5", "{", "{\"auths\": []}",
	"{\"auths\": {\"quay.io\": 5}}", "{\"auths\": {\"quay.io\": []}}",
	"{\"auths\": {\"quay.io\": {\"auth\": 5}}}",
	"{\"auths\": {\"quay.io\": {\"auth\": \"!\"}}}",
	"{\"auths\": {\"quay.io\": {\"auth\": \"dXA=\"}}}",
	"{\"auths\": {\"quay.io\": {\"auth\": \"dTpwAA==\"}}}",
	"{\"auths\": {\"quay.io\": {\"identitytoken\": 5}}}",
	"{\"auths\": {\"quay.io\": " UP ", \"quay.io\": " UP2 "}}", "{\"credHelpers\": 5}",
	"{\"credHelpers\": {\"quay.io\": 5}}", "{\"credsStore\": 5}", "{} x"};

static void test_entries(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct credentials got = {0};

		check_int(auth_parse("auth.json", row->text, strlen(row->text), row->registry,
				  row->repository, &got, NULL),
			0, "row %zu", i);
		check_text(got.user, row->user, "row %zu: the user", i);
		check_text(got.password, row->password, "row %zu: the password", i);
		check_text(got.token, row->token, "row %zu: the token", i);
		check_text(got.helper, row->helper, "row %zu: the helper", i);
		credentials_free(&got);
		check(!got.user && !got.password, "row %zu: freed", i);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct credentials got = {0};
		struct err err = {0};

		check_int(
			auth_parse("auth.json", bad[i], strlen(bad[i]), "quay.io", "", &got, &err),
			-EINVAL, "bad %zu", i);
		check(strstr(err.where, "auth.json") && err.message[0] && !got.user,
			"bad %zu: told where", i);
	}
}

/* ---- files ---- */

static char folder[] = "/tmp/immure-auth.XXXXXX";

static int write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	bool written = file && fputs(text, file) >= 0;

	return file && fclose(file) == 0 && written ? 0 : -1;
}

static void put(const char *name, const char *text, mode_t mode)
{
	char path[200];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (write_text(path, text) || chmod(path, mode))
		check(false, "cannot write %s", path);
}

static void make(const char *name)
{
	char path[200];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (mkdir(path, 0700))
		check(false, "cannot make %s", path);
}

static const char *user_of(const char *file)
{
	static char user[64];
	struct credentials got;
	int r = auth_find(file, "quay.io", "", &got, NULL);

	(void)snprintf(user, sizeof(user), "%s", r ? strerror(-r) : got.user ? got.user : "nobody");
	if (!r)
		credentials_free(&got);
	return user;
}

static void test_order(void)
{
	static const char *const variables[] = {
		"REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG"};
	char path[200];
	struct credentials got;

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		(void)unsetenv(variables[i]);
	(void)setenv("HOME", folder, 1);
	check_text(user_of(NULL), "nobody", "no file at all");
	make(".docker");
	put(".docker/config.json", "{\"auths\": {\"quay.io\": {\"auth\": \"ZG9ja2VyOnA=\"}}}",
		0644);
	check_text(user_of(NULL), "docker", "docker's file");
	check(auth_find(NULL, "quay.io", "", &got, NULL) == 0 && got.exposed &&
			strstr(got.file, "/.docker/config.json"),
		"others may read it, and its name is known");
	credentials_free(&got);
	make(".config");
	make(".config/containers");
	put(".config/containers/auth.json", "{\"auths\": {\"quay.io\": {\"auth\": \"aG9tZTpw\"}}}",
		0600);
	check_text(user_of(NULL), "home", "podman's permanent file goes before it");
	check(auth_find(NULL, "quay.io", "", &got, NULL) == 0 && !got.exposed,
		"nobody else may read it");
	credentials_free(&got);
	make("run");
	make("run/containers");
	put("run/containers/auth.json", "{\"auths\": {\"quay.io\": {\"auth\": \"cnVuOnA=\"}}}",
		0600);
	(void)snprintf(path, sizeof(path), "%s/run", folder);
	(void)setenv("XDG_RUNTIME_DIR", path, 1);
	check_text(user_of(NULL), "run", "podman's session file before that");
	put("run/containers/auth.json", "{\"credsStore\": \"x\"}", 0600);
	check_text(user_of(NULL), "home", "a helper does not hide what others have");
	put("run/containers/auth.json", "{", 0600);
	check_text(user_of(NULL), "Invalid argument", "a broken one is told of");
	(void)snprintf(path, sizeof(path), "%s/named.json", folder);
	(void)setenv("REGISTRY_AUTH_FILE", path, 1);
	check_text(user_of(NULL), "nobody", "REGISTRY_AUTH_FILE is the only one, there or not");
	put("named.json", "{\"auths\": {\"quay.io\": {\"auth\": \"bmFtZWQ6cA==\"}}}", 0600);
	check_text(user_of(NULL), "named", "REGISTRY_AUTH_FILE");
	check_text(user_of("/nonexistent/auth.json"), "No such file or directory",
		"the one of an option has to be there");
	check_text(user_of("/dev/null"), "Invalid argument", "and to be a file");
}

static void test_writing(void)
{
	static const char old[] = "{\"x\": [1], \"auths\": {\"https://quay.io/v1/\": {}}}";
	char path[200], *text = NULL, *chosen = NULL;
	struct credentials got;
	struct stat status;
	size_t length;

	(void)snprintf(path, sizeof(path), "%s/new/deep/auth.json", folder);
	check_int(auth_path(path, &chosen, NULL), 0, "a path");
	check_text(chosen, path, "is taken as it is");
	free(chosen);
	check_int(auth_store(path, "quay.io", "u", "p:q", NULL), 0, "a new file, in new folders");
	check(stat(path, &status) == 0 && (status.st_mode & 07777) == 0600, "0600");
	check(auth_find(path, "quay.io", "", &got, NULL) == 0 && strcmp(got.password, "p:q") == 0,
		"reads back");
	credentials_free(&got);
	check_int(auth_store(path, "gcr.io", "v", "w", NULL), 0, "a second entry");
	check_int(auth_remove(path, "none.io", NULL), -ENOENT, "nobody there");
	check_int(auth_remove(path, "quay.io", NULL), 0, "out again");
	check(auth_find(path, "quay.io", "", &got, NULL) == 0 && !got.user, "is gone");
	credentials_free(&got);
	check(auth_find(path, "gcr.io", "", &got, NULL) == 0 && got.user, "the other is not");
	credentials_free(&got);
	(void)write_text(path, old);
	check_int(auth_remove(path, "quay.io", NULL), 0, "an old spelling");
	check_int(file_read(AT_FDCWD, path, 1000, &text, &length), 0, "the file");
	check(text && strstr(text, "\"x\"") && !strstr(text, "quay"), "what is not ours stays");
	free(text);
	(void)write_text(path, "{\"auths\": 5}");
	check_int(auth_store(path, "quay.io", "u", "p", NULL), -EINVAL, "what is not understood");
	check_int(file_read(AT_FDCWD, path, 1000, &text, &length), 0, "the file");
	check_text(text, "{\"auths\": 5}", "is left alone");
	free(text);
	check_int(auth_remove(path, NULL, NULL), -EINVAL, "the same");
}

int main(void)
{
	char command[64];

	test_base64();
	test_entries();
	if (!mkdtemp(folder))
		return 2;
	test_order();
	test_writing();
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 || check_done();
}
