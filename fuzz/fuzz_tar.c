/*
 * Honest archives: what GNU tar unpacks of one is what we unpack. The input makes a list of
 * entries, five bytes each, of which only those are written that mean one thing to everybody: each
 * name once, below directories only, hard links to files that came before. Long names come in both
 * ways there are.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive.h"
#include "fuzz.h"
#include "image/hash.h"
#include "image/layer.h"
#include "image/storage.h"
#include "util/cleanup.h"
#include "util/tree.h"

#define ENTRIES 48
#define BLOCKS_EACH \
	6 /* a header about it, what it says, its own header, two of data: and one to spare */

static char place[64], theirs_path[sizeof(place) + 8], storage_path[sizeof(place) + 16];
static int layers = -1, top = -1;
static struct storage storage = {.directory = -1};

static void remove_all(void)
{
	(void)tree_remove(AT_FDCWD, place);
}

static void prepare(void)
{
	struct err err = {0};

	(void)umask(022); /* what tar gives directories that no entry names */
	make_place(place, "tar");
	HOLDS(atexit(remove_all) == 0);
	(void)snprintf(theirs_path, sizeof(theirs_path), "%s/theirs", place);
	(void)snprintf(storage_path, sizeof(storage_path), "%s/storage", place);
	top = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	HOLDS(top >= 0 && storage_open(storage_path, true, &storage, &err) == 0);
	layers = storage_directory(&storage, "layers/single");
	HOLDS(layers >= 0);
}

/* ---- the archive ---- */

#define LONG                                                                                     \
	"long-name-of-a-hundred-and-more-characters-which-no-header-of-tar-holds-whole-so-that-" \
	"another-one-must-come-before-it"
static const char *const names[] = {"a", "a/b", "a/b/c", "a/b/d", "a/e", "f", "g", "h", "h/i",
	"h/j/k", "h/" LONG, LONG, "sp ace", "-", "\303\266", "a/\303\266", "...", "h/.hidden", "z",
	"z/z/z"};
static const char *const targets[] = {
	"a", "../f", "/etc/passwd", "nothing", "a/b/../..", LONG, ".", "\303\266"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What each name is by now: '\0' nothing yet. */
struct model {
	char kinds[COUNT(names)];
};

static bool lies_in(const char *name, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(name, directory, length) == 0 && name[length] == '/';
}

/* A name is still free: nothing has it, nothing lies in it, and what it lies in are directories or
 * will be made. */
static bool is_free(const struct model *model, size_t which)
{
	if (model->kinds[which])
		return false;
	for (size_t i = 0; i < COUNT(names); i++) {
		char kind = model->kinds[i];

		if (kind && lies_in(names[i], names[which]))
			return false;
		if (kind && kind != '5' && lies_in(names[which], names[i]))
			return false;
	}
	return true;
}

/* A header of its own for what is too long for a field: GNU's, or pax's. */
static size_t put_long(uint8_t *to, const char *text, bool link, bool pax)
{
	char record[400];
	size_t length = strlen(text) + 1;

	if (strlen(text) < 100)
		return 0;
	if (pax) {
		const char *key = link ? "linkpath" : "path";

		/* three digits, two separators, the key and a newline */
		length = (size_t)snprintf(record, sizeof(record), "%zu %s=%s\n",
			strlen(key) + strlen(text) + 6, key, text);
	} else {
		memcpy(record, text, length);
	}
	(void)put_header(to, "././@LongLink", pax ? 'x' : link ? 'K' : 'L', "", 0644, length);
	memset(to + TAR_BLOCK, 0, TAR_BLOCK);
	memcpy(to + TAR_BLOCK, record, length);
	return (size_t)2 * TAR_BLOCK;
}

static size_t put_entry(uint8_t *to, struct model *model, const uint8_t *entry)
{
	static const char types[] = "0005521";
	size_t which = entry[1] % COUNT(names), other = entry[2] % COUNT(names), used = 0;
	char type = types[entry[0] % (sizeof(types) - 1)];
	const char *link = type == '2'   ? targets[entry[2] % COUNT(targets)]
			   : type == '1' ? names[other]
					 : "";
	size_t length = type == '0' ? (size_t)entry[4] * 4 : 0;
	bool pax = entry[0] & 0x80;
	/* whoever unpacks must be able to go in and out; sets no id */
	unsigned mode = (entry[3] * 8U & 0777) | (type == '5' ? 0700 : 0400);

	if (!is_free(model, which) || (type == '1' && model->kinds[other] != '0'))
		return 0;
	/* two headers of pax about one file would not be honest */
	if (strlen(names[which]) >= 100 && strlen(link) >= 100)
		return 0;
	model->kinds[which] = type == '1' ? '0' : type;
	used += put_long(to, names[which], false, pax);
	used += put_long(to + used, link, true, pax);
	used += put_header(to + used, names[which], type, link, mode, length);
	for (size_t i = 0; i < length; i++)
		to[used + i] = (uint8_t)(entry[4] + i);
	memset(to + used + length, 0, (TAR_BLOCK - length % TAR_BLOCK) % TAR_BLOCK);
	return used + (length + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

static size_t make_archive(const uint8_t *data, size_t size, uint8_t *ret)
{
	struct model model = {{0}};
	size_t used = 0;

	for (size_t i = 0; i + 5 <= size && i < (size_t)5 * ENTRIES; i += 5)
		used += put_entry(ret + used, &model, data + i);
	memset(ret + used, 0, (size_t)2 * TAR_BLOCK);
	return used + (size_t)2 * TAR_BLOCK;
}

/* ---- unpacking ---- */

static void unpack_theirs(const uint8_t *data, size_t size)
{
	static const char *const words[] = {
		"tar", "-xp", "--no-same-owner", "-C", theirs_path, NULL};
	static const char *const environment[] = {"LC_ALL=C.UTF-8", NULL};
	posix_spawn_file_actions_t actions;
	int fd = as_file(data, size), status;
	pid_t pid;

	HOLDS(mkdirat(top, "theirs", 0700) == 0);
	HOLDS(posix_spawn_file_actions_init(&actions) == 0 &&
		posix_spawn_file_actions_adddup2(&actions, fd, 0) == 0);
	HOLDS(posix_spawn(&pid, "/bin/tar", &actions, NULL, (char *const *)(uintptr_t)words,
		      (char *const *)(uintptr_t)environment) == 0);
	HOLDS(posix_spawn_file_actions_destroy(&actions) == 0 && close(fd) == 0);
	while (waitpid(pid, &status, 0) < 0)
		HOLDS(errno == EINTR); /* libFuzzer's alarm */
	HOLDS(status == 0);
}

static void unpack_ours(const uint8_t *data, size_t size, struct digest *ret)
{
	struct layer_staging *layer;
	struct err err = {0};
	int fd = as_file(data, size);

	HOLDS(hash_memory(NULL, data, size, ret) == 0);
	HOLDS(layer_unpack(&storage, LAYER_SINGLE, fd, COMPRESSION_NONE, &layer_limits_default,
		      &layer, &err) == 0);
	HOLDS(close(fd) == 0);
	HOLDS(layer_commit(layer, ret, NULL, 0, ret, &err) == 0);
}

/* ---- comparing ---- */

static bool same_file(int ours, int theirs, const char *name)
{
	_cleanup_close_ int a = openat(ours, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int b = openat(theirs, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char left[2048], right[2048];
	ssize_t length = a < 0 ? -1 : read(a, left, sizeof(left));

	return length >= 0 && b >= 0 && read(b, right, sizeof(right)) == length &&
	       memcmp(left, right, (size_t)length) == 0;
}

static bool same_link(int ours, int theirs, const char *name)
{
	char left[256], right[256];
	ssize_t length = readlinkat(ours, name, left, sizeof(left));

	return length > 0 && readlinkat(theirs, name, right, sizeof(right)) == length &&
	       memcmp(left, right, (size_t)length) == 0;
}

static unsigned count_names(int directory)
{
	DIR *stream = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	unsigned count = 0;

	HOLDS(stream);
	while (readdir(stream))
		count++;
	HOLDS(closedir(stream) == 0);
	return count;
}

static void compare(int ours, int theirs);

static void compare_one(int ours, int theirs, const char *name)
{
	_cleanup_close_ int a = -1, b = -1;
	struct stat left, right;
	unsigned least;

	HOLDS(fstatat(ours, name, &left, AT_SYMLINK_NOFOLLOW) == 0);
	HOLDS(fstatat(theirs, name, &right, AT_SYMLINK_NOFOLLOW) == 0);
	HOLDS((left.st_mode & S_IFMT) == (right.st_mode & S_IFMT));
	if (S_ISLNK(left.st_mode)) {
		HOLDS(same_link(ours, theirs, name));
		return;
	}
	/* of one id, whoever runs it keeps the right to read and write */
	least = S_ISDIR(left.st_mode) ? 0700 : 0600;
	HOLDS((left.st_mode & 07777) == ((right.st_mode & 0777) | least));
	if (S_ISREG(left.st_mode)) {
		HOLDS(left.st_size == right.st_size && left.st_nlink == right.st_nlink);
		HOLDS(left.st_mtime == 1 && right.st_mtime == 1 && same_file(ours, theirs, name));
		return;
	}
	HOLDS(S_ISDIR(left.st_mode));
	a = openat(ours, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b = openat(theirs, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	HOLDS(a >= 0 && b >= 0);
	compare(a, b);
}

static void compare(int ours, int theirs)
{
	DIR *stream = fdopendir(openat(ours, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;

	HOLDS(stream && count_names(ours) == count_names(theirs));
	while ((entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			compare_one(ours, theirs, entry->d_name);
	HOLDS(closedir(stream) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t archive[(ENTRIES * BLOCKS_EACH + 2) * TAR_BLOCK];
	_cleanup_close_ int ours = -1, theirs = -1;
	struct digest chain;
	size_t length;

	if (top < 0)
		prepare();
	length = make_archive(data, size, archive);
	unpack_theirs(archive, length);
	unpack_ours(archive, length, &chain);
	ours = layer_open(&storage, LAYER_SINGLE, &chain);
	theirs = openat(top, "theirs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	HOLDS(ours >= 0 && theirs >= 0);
	compare(ours, theirs);
	HOLDS(tree_remove(layers, digest_hex(&chain)) == 0 && tree_remove(top, "theirs") == 0);
	return 0;
}
