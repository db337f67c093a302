/* Blobs, digests and the storage: nothing has a name that has not been checked. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "image_fixture.h"

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define FOO "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
#define FOO512                                                                                     \
	"sha512:"                                                                                  \
	"f7fbba6e0636f890e56fbbf3283e524c6fa3204ae298382d624741d0dc6638326e282c41be5e4254d8820772" \
	"c5518a2c5a8c0c7f7eda19594a7eb539453e1ed7"

static struct digest digest_of(const char *text)
{
	struct digest digest;

	MUST(digest_parse(text, &digest) == 0);
	return digest;
}

static void check_hashes(void)
{
	struct digest digest, like = digest_of(FOO512), parent = digest_of(EMPTY);
	struct hash *hash;

	check_int(hash_memory(NULL, "", 0, &digest), 0, "nothing is hashed");
	check_text(digest.text, EMPTY, "to what it is");
	check_int(hash_memory(&like, "foo", 3, &digest), 0, "by another algorithm");
	check_text(digest.text, FOO512, "which is taken from the digest");
	hash = hash_start(NULL);
	MUST(hash && hash_add(hash, "f", 1) == 0 && hash_add(hash, "oo", 2) == 0);
	check_int(hash_finish(hash, &digest), 0, "in pieces");
	check_text(digest.text, FOO, "it is the same");
	hash_free(hash_start(NULL));
	hash_free(NULL);
	check_int(hash_chain(NULL, &digest, &digest), 0, "the lowest layer");
	check_text(digest.text, FOO, "is its own chain");
	check_int(hash_chain(&parent, &digest, &digest), 0, "the next one");
	check_text(digest.text,
		"sha256:fad80c1405b3ffb90795bcffc40d5c212e8e1c853012d008ce7072e1da8f4297",
		"is hashed with what is below it");
}

static int write_whole(struct fixture *fixture, const char *text, size_t length,
	const char *expected, uint64_t size, struct digest *ret, struct err *err)
{
	struct digest digest = {""};
	struct blob_writer writer;
	uint64_t offset = 99;
	int r;

	if (expected)
		digest = digest_of(expected);
	r = blob_begin(&fixture->storage, expected ? &digest : NULL, size, &writer, &offset, err);
	if (r < 0)
		return r;
	r = blob_append(&writer, text, length, err);
	if (r < 0) {
		blob_abandon(&writer, false);
		return r;
	}
	return blob_finish(&writer, ret, err);
}

static size_t count_staging(struct fixture *fixture)
{
	char command[160];
	unsigned count = 0;
	FILE *pipe;

	(void)snprintf(
		command, sizeof(command), "ls -A %s/staging | grep -cv '^.lock$'", fixture->path);
	pipe = popen(command, "r");
	MUST(pipe && fscanf(pipe, "%u", &count) == 1);
	(void)pclose(pipe);
	return count;
}

static void check_writing(void)
{
	struct fixture fixture;
	struct digest digest, foo = digest_of(FOO), longer = digest_of(FOO512);
	struct err err = {0};
	struct stat status;
	char *text = NULL;
	size_t length = 0;
	uint64_t size = 0;
	int fd;

	fixture_open(&fixture);
	check(!blob_exists(&fixture.storage, &foo), "it is not there");
	check_int(blob_open(&fixture.storage, &foo, &size, &err), -ENOENT, "and cannot be opened");
	check_int(blob_remove(&fixture.storage, &foo), -ENOENT, "nor removed");
	check_int(write_whole(&fixture, "foo", 3, FOO, 3, &digest, NULL), 0, "written");
	check_text(digest.text, FOO, "as what it is");
	fd = blob_open(&fixture.storage, &foo, &size, NULL);
	MUST(fd >= 0 && fstat(fd, &status) == 0);
	check(size == 3 && (status.st_mode & 07777) == 0600 && status.st_nlink == 1,
		"of its size, and its user's alone");
	(void)close(fd);
	check_int(blob_read(&fixture.storage, &foo, 3, &text, &length, NULL), 0, "read whole");
	check(length == 3 && strcmp(text, "foo") == 0, "as it was");
	free(text);
	check_int(blob_read(&fixture.storage, &foo, 2, &text, &length, NULL), -EFBIG,
		"not beyond a limit");
	check_int(write_whole(&fixture, "foo", 3, FOO, 3, &digest, NULL), 0, "once more");
	check_int(write_whole(&fixture, "foo", 3, NULL, UINT64_MAX, &digest, NULL), 0,
		"without knowing what it will be");
	check_text(digest.text, FOO, "it is the same");
	check_int(write_whole(&fixture, "foo", 3, FOO512, 3, &digest, NULL), 0, "by sha512");
	check(blob_exists(&fixture.storage, &longer), "in a place of its own");
	check_int((long long)count_staging(&fixture), 0, "nothing is left in staging/");

	/* T-REG-01, T-REG-02 */
	err = (struct err){0};
	check_int(write_whole(&fixture, "bar", 3, EMPTY, 3, &digest, &err), -EBADMSG,
		"another content is refused");
	check(strstr(err.where, EMPTY) && strstr(err.message, "sha256:fcde2b2edba5"),
		"with what it should be and what it is");
	check_int(
		write_whole(&fixture, "foob", 4, FOO, 3, &digest, NULL), -EFBIG, "a byte too many");
	check_int(
		write_whole(&fixture, "fo", 2, FOO, 3, &digest, NULL), -EBADMSG, "a byte too few");
	check_int((long long)count_staging(&fixture), 0, "nothing is left of those");
	check_int(blob_begin(&fixture.storage, &(struct digest){"sha256:../x"}, 1,
			  &(struct blob_writer){0}, &size, NULL),
		-EINVAL, "what is no digest is no blob");
	check_int(blob_open(&fixture.storage, &(struct digest){"sha256:../x"}, &size, NULL),
		-EINVAL, "nor can it be opened");

	/* T-REG-30: changed by hand */
	{
		char path[256];
		FILE *file;

		(void)snprintf(path, sizeof(path), "%s/images/blobs/sha256/%s", fixture.path,
			digest_hex(&foo));
		file = fopen(path, "w");
		MUST(file && fputs("fox", file) >= 0 && fclose(file) == 0);
		check_int(blob_verify(&fixture.storage, &foo, NULL), -EBADMSG, "tampering is seen");
		check_int(blob_read(&fixture.storage, &foo, 9, &text, &length, NULL), -EBADMSG,
			"what was tampered with is not read");
		check_int(
			write_whole(&fixture, "foo", 3, FOO, 3, &digest, NULL), 0, "written again");
		check_int(blob_verify(&fixture.storage, &foo, NULL), 0, "it is good again");
		MUST(unlink(path) == 0 && symlink("/etc/passwd", path) == 0);
		check_int(blob_open(&fixture.storage, &foo, &size, NULL), -ELOOP,
			"no link is followed");
		MUST(unlink(path) == 0 && mkfifo(path, 0600) == 0);
		check_int(blob_open(&fixture.storage, &foo, &size, NULL), -EBADMSG,
			"no pipe is waited for");
	}
	fixture_close(&fixture);
}

static void check_resume(void)
{
	struct fixture fixture;
	struct digest foo = digest_of(FOO), digest;
	struct blob_writer writer = {0}, second;
	uint64_t offset = 99;
	char buffer[8] = "";

	fixture_open(&fixture);
	blob_abandon(&writer, true);
	check(true, "a writer that is zero is abandoned");
	MUST(blob_begin(&fixture.storage, &foo, 3, &writer, &offset, NULL) == 0);
	check_int((long long)offset, 0, "begun from nothing");
	check_int(blob_begin(&fixture.storage, &foo, 3, &second, &offset, NULL), -EBUSY,
		"nobody else writes it meanwhile");
	MUST(blob_append(&writer, "fo", 2, NULL) == 0);
	blob_abandon(&writer, true);
	blob_abandon(&writer, true);
	MUST(blob_begin(&fixture.storage, &foo, 3, &writer, &offset, NULL) == 0);
	check_int((long long)offset, 2, "taken up where it was cut off");
	check(blob_reread(&writer, 1, buffer, sizeof(buffer)) == 1 && buffer[0] == 'o',
		"what is there can be read back");
	check_int(blob_reread(&writer, 2, buffer, sizeof(buffer)), 0, "and no more");
	MUST(blob_append(&writer, "o", 1, NULL) == 0);
	check_int(blob_finish(&writer, &digest, NULL), 0, "finished");
	check_text(digest.text, FOO, "it is whole");
	MUST(blob_remove(&fixture.storage, &foo) == 0);

	MUST(blob_begin(&fixture.storage, &foo, 3, &writer, &offset, NULL) == 0);
	MUST(blob_append(&writer, "xx", 2, NULL) == 0);
	check_int(blob_restart(&writer, NULL), 0, "started again");
	MUST(blob_append(&writer, "foo", 3, NULL) == 0);
	check_int(blob_finish(&writer, &digest, NULL), 0, "from nothing");

	MUST(blob_begin(&fixture.storage, &foo, 3, &writer, &offset, NULL) == 0);
	MUST(blob_append(&writer, "xx", 2, NULL) == 0);
	blob_abandon(&writer, true);
	MUST(blob_begin(&fixture.storage, &foo, 3, &writer, &offset, NULL) == 0);
	MUST(offset == 2 && blob_append(&writer, "o", 1, NULL) == 0);
	check_int(blob_finish(&writer, &digest, NULL), -EBADMSG, "a wrong beginning is seen");
	MUST(blob_begin(&fixture.storage, &foo, 3, &writer, &offset, NULL) == 0);
	check_int((long long)offset, 0, "and not taken up again");
	MUST(blob_append(&writer, "foo", 3, NULL) == 0);
	blob_abandon(&writer, true);
	MUST(blob_begin(&fixture.storage, &foo, 2, &writer, &offset, NULL) == 0);
	check_int((long long)offset, 0, "what is longer than it should be is not taken up");
	blob_abandon(&writer, false);
	check_int((long long)count_staging(&fixture), 0, "thrown away");
	MUST(blob_begin(&fixture.storage, NULL, UINT64_MAX, &writer, &offset, NULL) == 0);
	blob_abandon(&writer, true);
	check_int((long long)count_staging(&fixture), 0,
		"without a digest there is nothing to take up");
	fixture_close(&fixture);
}

/* A disk that is full, as far as a process without rights can have one. */
static void check_full(void)
{
	struct fixture fixture;
	struct digest foo = digest_of(FOO);
	int status;

	fixture_open(&fixture);
	if (fork() == 0) {
		struct rlimit limit = {.rlim_cur = 2, .rlim_max = 2};
		struct blob_writer writer;
		struct err err = {0};
		uint64_t offset;

		(void)signal(SIGXFSZ, SIG_IGN);
		MUST(blob_begin(&fixture.storage, &foo, 3, &writer, &offset, NULL) == 0);
		MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
		_exit(blob_append(&writer, "foo", 3, &err) == -EFBIG && err.message[0] ? 0 : 1);
	}
	MUST(wait(&status) > 0);
	check_int(status, 0, "what cannot be written is told");
	check(!blob_exists(&fixture.storage, &foo), "and there is no blob");
	fixture_close(&fixture);
}

static void check_storage(void)
{
	char path[] = "/tmp/immure-storage-XXXXXX", below[64], deep[64];
	struct storage storage;
	struct stat status;
	struct err err = {0};
	mode_t old = umask(0);
	int fd;

	MUST(mkdtemp(path));
	(void)snprintf(below, sizeof(below), "%s/a/b", path);
	(void)snprintf(deep, sizeof(deep), "%s/a/b/records", path);
	check_int(storage_open("relative", true, &storage, NULL), -EINVAL, "no relative path");
	check_int(storage_open(below, false, &storage, NULL), -ENOENT, "nothing is there");
	check_int(storage_open(below, true, &storage, &err), 0, "it is made, whatever the umask");
	MUST(stat(below, &status) == 0);
	check_int(status.st_mode & 07777, 0700, "its user's alone");
	MUST(stat(deep, &status) == 0);
	check_int(status.st_mode & 07777, 0700, "and what is in it, too");
	fd = storage_directory(&storage, "layers/mapped");
	check(fd >= 0, "a directory below it");
	(void)close(fd);
	MUST(symlinkat("/etc", storage.directory, "layers/link") == 0);
	check_int(storage_directory(&storage, "layers/link"), -ELOOP, "no link is followed");
	check(storage_directory(&storage, "../..") < 0, "nothing above it");
	storage_close(&storage);
	storage_close(&storage);
	check_int(storage_open(below, false, &storage, NULL), 0, "it is there");
	storage_close(&storage);
	/* T-PATH-46 */
	MUST(chmod(deep, 0755) == 0);
	err = (struct err){0};
	check_int(storage_open(below, true, &storage, &err), -EPERM,
		"not if others can look into it");
	check(strstr(err.message, "records") && err.hint[0], "the message says into what");
	MUST(chmod(deep, 0700) == 0 && chmod(below, 0777) == 0);
	check_int(storage_open(below, false, &storage, NULL), -EPERM,
		"not if others can write to it");
	MUST(chmod(below, 0700) == 0 && rmdir(deep) == 0);
	MUST(symlink("/tmp", deep) == 0);
	check_int(
		storage_open(below, true, &storage, NULL), -ENOTDIR, "nor where a part is a link");
	(void)umask(old);
	MUST(nftw(path, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static void check_digests(void)
{
	static const char *const bad[] = {"", "sha256", "sha256:", "sha256:abc",
		"SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85g",
		"sha256:/../c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		" sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
		"sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"md5:d41d8cd98f00b204e9800998ecf8427e",
		"sha384:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"};
	struct digest digest = {"untouched"}, other = digest_of(EMPTY);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(digest_parse(bad[i], &digest) == -EINVAL &&
				strcmp(digest.text, "untouched") == 0,
			"\"%s\" is no digest", bad[i]);
	check_int(digest_parse(FOO512, &digest), 0, "one of sha512");
	check(digest_algorithm_length(&digest) == 6 && digest_hex(&digest)[0] == 'f', "its parts");
	check(!digest_equal(&digest, &other) && digest_equal(&other, &other), "equality");
}

int main(void)
{
	check_digests();
	check_hashes();
	check_writing();
	check_resume();
	check_full();
	check_storage();
	return check_done();
}
