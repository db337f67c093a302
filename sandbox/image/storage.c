/* The directory of images and containers: see storage.h. */
#include "image/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/path.h"

/* parents before what is in them */
static const char *const directories[] = {
	"images",
	"images/blobs",
	"images/blobs/sha256",
	"tags",
	"records",
	"layers",
	"layers/mapped",
	"layers/single",
	"staging",
	"containers",
	"transient",
	"names",
	"volumes",
};

/* What makes images/ an image layout, before there is any image (image-layout.md). */
static const struct {
	const char *name, *text;
} files[] = {
	{"oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}\n"},
	{"index.json", "{\"schemaVersion\":2,\"manifests\":[]}\n"},
};

/* mkdir -p, each of them ours alone. */
static int make_parents(const char *path)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t end = 1; end <= length; end++) {
		if (path[end] != '/' && path[end] != '\0')
			continue;
		memcpy(part, path, end);
		part[end] = '\0';
		/* EROFS, EACCES of a parent that is there: the next one tells, or the opening */
		if (mkdir(part, 0700) && errno != EEXIST && end == length)
			return -errno;
	}
	return 0;
}

/* A temporary file and a link: a plain replacement would put an old thing over a newer one. */
int storage_add_file(int directory, const char *name, const char *text, size_t length)
{
	char temporary[48];
	uint64_t random;
	int r;

	if (faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(
		temporary, sizeof(temporary), ".immure-new-%016llx", (unsigned long long)random);
	r = file_replace_at(directory, temporary, text, length);
	if (r < 0)
		return r;
	if (linkat(directory, temporary, directory, name, 0) && errno != EEXIST) {
		r = -errno;
		/* a collector may have taken ours for rubbish: then somebody else has made one */
		if (r == -ENOENT && faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			r = 0;
	}
	(void)unlinkat(directory, temporary, 0); /* the link is what counts */
	(void)fsync(directory); /* the name's durability; some file systems refuse it */
	return r;
}

static int make_all(int directory, const char *path, struct err *reterr)
{
	_cleanup_close_ int images = -1;
	int r;

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (mkdirat(directory, directories[i], 0700) && errno != EEXIST)
			return err_set(reterr, -errno, path, "cannot make %s in it: %s",
				directories[i], strerror(errno));
	images = path_open_no_links(directory, "images", O_RDONLY | O_DIRECTORY);
	if (images < 0)
		return err_set(
			reterr, images, path, "cannot open images in it: %s", strerror(-images));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		r = storage_add_file(images, files[i].name, files[i].text, strlen(files[i].text));
		if (r < 0)
			return err_set(reterr, r, path, "cannot make images/%s in it: %s",
				files[i].name, strerror(-r));
	}
	return 0;
}

/*
 * name NULL: directory itself. That one need not be closed to readers: in the jail of the second
 * program it is a mount point made on the spot, and what is in it is closed.
 */
static int check_private(
	int directory, const char *name, const char *path, bool *ret_missing, struct err *reterr)
{
	struct stat status;
	mode_t forbidden = name ? 077 : 022;

	if (name ? fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW)
		 : fstat(directory, &status)) {
		if (name && errno == ENOENT) {
			*ret_missing = true;
			return 0; /* a part that this jail does not see, or that is yet to come */
		}
		return err_set(reterr, -errno, path, "%s", strerror(errno));
	}
	if (!S_ISDIR(status.st_mode))
		return err_set(reterr, -ENOTDIR, path, "%s in it is no directory", name);
	if (mutant(MUTANT_STORAGE_MODE) ||
		(status.st_uid == geteuid() && (status.st_mode & forbidden) == 0))
		return 0;
	(void)err_set(reterr, -EPERM, path,
		"%s%sis not yours alone (owner %u, mode %04o): others could change or read what "
		"your containers run",
		name ? name : "", name ? " in it " : "", (unsigned)status.st_uid,
		(unsigned)(status.st_mode & 07777));
	err_hint(reterr, "chmod 700 it if it is yours, or name another with --storage");
	return -EPERM;
}

static int check_all(int directory, const char *path, bool *ret_whole, struct err *reterr)
{
	bool missing = false, ignored;
	int r = check_private(directory, NULL, path, &missing, reterr);

	for (size_t i = 0; r == 0 && i < sizeof(directories) / sizeof(directories[0]); i++)
		if (!strchr(directories[i], '/'))
			r = check_private(directory, directories[i], path, &missing, reterr);
	*ret_whole = !missing;
	/* made by who first writes to it (short.h) */
	return r == 0 ? check_private(directory, "short", path, &ignored, reterr) : r;
}

void storage_close(struct storage *storage)
{
	if (storage->directory >= 0)
		(void)close(storage->directory); /* a directory: nothing was written through it */
	storage->directory = -1;
}

int storage_directory(const struct storage *storage, const char *below)
{
	return path_open_no_links(storage->directory, below, O_RDONLY | O_DIRECTORY);
}

int storage_open(const char *path, bool make, struct storage *ret, struct err *reterr)
{
	_cleanup_close_ int directory = -1;
	bool whole = false;
	int r;

	if (path[0] != '/')
		return err_set(reterr, -EINVAL, path, "is not an absolute path");
	if (make) {
		r = make_parents(path);
		if (r < 0)
			return err_set(reterr, r, path, "cannot make it: %s", strerror(-r));
	}
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return err_set(reterr, -errno, path, "%s", strerror(errno));
	r = check_private(directory, NULL, path, &whole, reterr);
	if (r == 0 && make)
		r = make_all(directory, path, reterr);
	if (r == 0)
		r = check_all(directory, path, &whole, reterr);
	if (r < 0)
		return r;
	*ret = (struct storage){.path = path, .directory = take_fd(&directory), .whole = whole};
	return 0;
}
