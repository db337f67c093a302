/* Short names: see short.h. */
#include "image/short.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/tag.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/text.h"

#define DIRECTORY "short"
#define TEMPORARY ".new-"

/* A repository has no ":", so no two have one name here. */
static bool name_link(const struct reference *reference, char ret[NAME_MAX + 1])
{
	size_t length = strlen(reference->repository);

	if (reference->registry[0] || length == 0 || length > NAME_MAX ||
		reference->repository[0] == '.')
		return false;
	(void)stpcpy(ret, reference->repository);
	for (char *slash; (slash = strchr(ret, '/'));)
		*slash = ':';
	return true;
}

/* What a link leads to, without tag and digest: 0; -ENOENT; -EINVAL where it is no link; -EBADMSG
 * where its text is no name. */
static int read_link(int directory, const char *path, struct reference *ret)
{
	char text[REFERENCE_ROOM] = "";

	if (readlinkat(directory, path, text, sizeof(text) - 1) < 0)
		return -errno;
	return reference_parse(text, ret, NULL) < 0 || !ret->registry[0] ? -EBADMSG : 0;
}

bool short_recall(const struct storage *storage, struct reference *reference)
{
	char path[sizeof(DIRECTORY) + NAME_MAX + 1], link[NAME_MAX + 1];
	struct reference target;

	if (!name_link(reference, link))
		return false;
	(void)snprintf(path, sizeof(path), DIRECTORY "/%s", link);
	if (read_link(storage->directory, path, &target) < 0)
		return false;
	(void)stpcpy(reference->registry, target.registry);
	(void)stpcpy(reference->repository, target.repository);
	return true;
}

int short_complete(
	const struct storage *storage, const char *text, struct reference *ret, struct err *reterr)
{
	int r = reference_parse(text, ret, reterr);

	if (r < 0)
		return r;
	if (ret->digest.text[0])
		return err_set(reterr, -EINVAL, text,
			"a digest says what it means: it cannot be given to another image");
	(void)short_recall(storage, ret);
	reference_complete(ret);
	return 0;
}

/* The directory, for whoever changes it: a collector may be at work while a name is kept. */
static int open_locked(const struct storage *storage)
{
	_cleanup_close_ int directory = storage_directory(storage, DIRECTORY);

	if (directory < 0)
		return directory;
	while (flock(directory, LOCK_EX))
		if (errno != EINTR)
			return -errno;
	return take_fd(&directory);
}

/* A link is replaced by a rename: nobody finds none in between. */
static int set_link(int directory, const char *name, const char *text)
{
	char temporary[48];
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(
		temporary, sizeof(temporary), TEMPORARY "%016llx", (unsigned long long)random);
	if (symlinkat(text, directory, temporary))
		return -errno;
	if (renameat(directory, temporary, directory, name)) {
		int r = -errno;

		(void)unlinkat(directory, temporary, 0); /* the first error is the one to tell */
		return r;
	}
	return 0;
}

int short_remember(const struct storage *storage, const struct reference *written,
	const struct reference *complete, struct err *reterr)
{
	struct reference usual = *written, known = *written;
	_cleanup_close_ int directory = -1;
	char link[NAME_MAX + 1], text[2 * REFERENCE_ROOM];
	bool is_known = short_recall(storage, &known), is_usual;
	int r = 0;

	if (!name_link(written, link))
		return 0;
	reference_complete(&usual);
	is_usual = strcmp(usual.registry, complete->registry) == 0 &&
		   strcmp(usual.repository, complete->repository) == 0;
	if (is_usual ? !is_known
		     : is_known && strcmp(known.registry, complete->registry) == 0 &&
				strcmp(known.repository, complete->repository) == 0)
		return 0;
	if (mkdirat(storage->directory, DIRECTORY, 0700) && errno != EEXIST)
		r = -errno;
	if (r == 0)
		directory = open_locked(storage);
	if (r == 0 && directory < 0)
		r = directory;
	(void)snprintf(text, sizeof(text), "%s/%s", complete->registry, complete->repository);
	if (r == 0 && is_usual)
		r = unlinkat(directory, link, 0) && errno != ENOENT ? -errno : 0;
	else if (r == 0)
		r = set_link(directory, link, text);
	return r < 0 ? err_set(reterr, r, written->repository, "cannot keep that it means %s: %s",
			       text, strerror(-r))
		     : 0;
}

/* Whether anything of the repository is here; where that cannot be told, it counts as here. */
static bool leads_somewhere(const struct storage *storage, int directory, const char *name)
{
	struct reference target;
	int r = read_link(directory, name, &target);

	return r == 0 ? tag_has_any(storage, &target) : r != -EBADMSG;
}

int short_sweep(const struct storage *storage, void (*strange)(void *context, const char *name),
	void *context)
{
	_cleanup_close_ int lock = open_locked(storage);
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry;
	int r = lock < 0 ? lock : directory_start(storage_directory(storage, DIRECTORY), &stream);

	while (r == 0 && (r = directory_next(stream, &entry)) > 0) {
		struct stat status;

		r = 0;
		if (fstatat(lock, entry->d_name, &status, AT_SYMLINK_NOFOLLOW))
			continue; /* what cannot be looked at stays for another time */
		if (!S_ISLNK(status.st_mode))
			strange(context, entry->d_name);
		else if (text_starts_with(entry->d_name, TEMPORARY) ||
			 !leads_somewhere(storage, lock, entry->d_name))
			(void)unlinkat(lock, entry->d_name, 0);
	}
	return r == -ENOENT ? 0 : r;
}
