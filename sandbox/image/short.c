/* Short names: see short.h. */
#include "image/short.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

#define DIRECTORY "short"

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

bool short_recall(const struct storage *storage, struct reference *reference)
{
	char path[sizeof(DIRECTORY) + NAME_MAX + 1], link[NAME_MAX + 1];
	char text[REFERENCE_ROOM] = "";
	struct reference target;
	struct err ignored = {0};

	if (!name_link(reference, link))
		return false;
	(void)snprintf(path, sizeof(path), DIRECTORY "/%s", link);
	if (readlinkat(storage->directory, path, text, sizeof(text) - 1) < 0 ||
		reference_parse(text, &target, &ignored) < 0 || !target.registry[0])
		return false;
	(void)stpcpy(reference->registry, target.registry);
	(void)stpcpy(reference->repository, target.repository);
	return true;
}

/* A link is replaced by a rename: nobody finds none in between. */
static int set_link(int directory, const char *name, const char *text)
{
	char temporary[48];
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(temporary, sizeof(temporary), ".new-%016llx", (unsigned long long)random);
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
		directory = storage_directory(storage, DIRECTORY);
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
