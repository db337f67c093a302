/*
 * A private home and its label. The home is kept between runs and the automatic pair of categories
 * is not, so the home's own label says which pair its files have: the next jail takes that pair
 * again where it is free (host/mcs.c), and nothing has to be relabelled. What is left are the first
 * run under a label, a profile that changed its level, and a pair that another jail drew meanwhile:
 * then every file is given the new label here, before there is a child.
 *
 * Why not a mount with context=: a home is a bind of the user's file system, and such a mount keeps
 * the labels of its inodes. Why not relabel at each start: it costs time by the number of files,
 * and two jails of one profile would take each other's home away.
 *
 * The files were written by programs that nobody trusts. So no name is looked up twice and no link
 * is followed: every file is held by descriptor, without leaving its file system, and only what
 * belongs to the user and has either our type or the one the home itself had is touched; another
 * type was given on purpose. The home comes last, so that a relabelling that was interrupted is
 * done again. Nobody else is in there: homes are locked by flock(2), exclusively by a jail with a
 * pair of its own, shared by those whose profiles name one level.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "isolation/selinux_parts.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/err.h"

#define DEPTH_MAXIMUM 128 /* each level holds two descriptors */
#define FILES_MAXIMUM 250000U

struct relabelling {
	const char *context, *home; /* or another place that is relabelled */
	char type[256];             /* of the home, before */
	dev_t device;
	uid_t owner;
	unsigned left;    /* files that may still come */
	bool keeps_given; /* what was given to jails stays theirs */
	struct err *reterr;
};

/* extended attributes of what is open with O_PATH are reached through the link in /proc alone */
static void name_descriptor(int fd, char ret[32])
{
	(void)snprintf(ret, 32, "/proc/self/fd/%d", fd);
}

static int read_label(int fd, char ret[SELINUX_LABEL_MAXIMUM])
{
	char link[32];
	ssize_t length;

	name_descriptor(fd, link);
	length = getxattr(link, SELINUX_ATTRIBUTE, ret, SELINUX_LABEL_MAXIMUM - 1);
	if (length < 0)
		return -errno;
	ret[length] = '\0';
	return 0;
}

/* "type" of "user:role:type:level"; false where the label has none. */
static bool copy_type(const char *label, char *ret, size_t size)
{
	const char *role = strchr(label, ':'), *type = role ? strchr(role + 1, ':') : NULL;
	size_t length = type ? strcspn(type + 1, ":") : 0;

	if (!length || length >= size)
		return false;
	memcpy(ret, type + 1, length);
	ret[length] = '\0';
	return true;
}

static int fail(const struct relabelling *work, int error, const char *name)
{
	(void)err_set(work->reterr, -error, work->home,
		"%.200s in it cannot be given the label %.150s: %s", name, work->context,
		strerror(error));
	err_hint(work->reterr, "look what it is; or take no label: --security-opt label=disable");
	return -error;
}

static bool is_of_jails(const char *type)
{
	return strcmp(type, SELINUX_FILE_TYPE) == 0 || strcmp(type, SELINUX_SHARED_TYPE) == 0;
}

/* One file. 0, also where it is to keep its label. */
static int relabel(
	const struct relabelling *work, int fd, const struct stat *status, const char *name)
{
	char label[SELINUX_LABEL_MAXIMUM], type[256], link[32];
	int r = read_label(fd, label);

	if (r < 0)
		return fail(work, -r, name);
	if (strcmp(label, work->context) == 0 || !copy_type(label, type, sizeof(type)) ||
		(strcmp(type, work->type) != 0 && (work->keeps_given || !is_of_jails(type))))
		return 0;
	if (status->st_uid != work->owner)
		return fail(work, EPERM, name);
	name_descriptor(fd, link);
	if (setxattr(link, SELINUX_ATTRIBUTE, work->context, strlen(work->context) + 1, 0))
		return fail(work, errno, name);
	return 0;
}

static bool is_storage(int directory)
{
	char label[SELINUX_LABEL_MAXIMUM], type[256];

	return read_label(directory, label) == 0 && copy_type(label, type, sizeof(type)) &&
	       strcmp(type, SELINUX_STORAGE_TYPE) == 0;
}

static int relabel_below(struct relabelling *work, int directory, unsigned depth);

static int relabel_entry(struct relabelling *work, int directory, const char *name, unsigned depth)
{
	_cleanup_close_ int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int below = -1;
	struct stat status;
	char link[32];
	int r;

	if (fd < 0 || fstat(fd, &status))
		return errno == ENOENT ? 0 : fail(work, errno, name);
	if (status.st_dev != work->device)
		return 0;
	if (work->left-- == 0)
		return fail(work, EFBIG, name);
	if (S_ISDIR(status.st_mode)) {
		if (!work->keeps_given && is_storage(fd))
			return 0; /* the uppers in it are those of other jails */
		if (depth == DEPTH_MAXIMUM)
			return fail(work, ELOOP, name);
		name_descriptor(fd, link); /* this very directory, whatever has its name by now */
		below = open(link, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (below < 0)
			return fail(work, errno, name);
		r = relabel_below(work, take_fd(&below), depth + 1);
		if (r < 0)
			return r;
	}
	return relabel(work, fd, &status, name);
}

/* Takes directory over. */
static int relabel_below(struct relabelling *work, int directory, unsigned depth)
{
	_cleanup_closedir_ DIR *entries = NULL;
	const struct dirent *entry;
	int r = directory_start(directory, &entries);

	while (r == 0 && (r = directory_next(entries, &entry)) > 0) {
		r = relabel_entry(work, directory, entry->d_name, depth);
		if (r < 0)
			return r;
	}
	return r < 0 ? fail(work, -r, ".") : 0;
}

static int relabel_tree(
	const char *context, const char *path, int home, const char *label, struct err *reterr)
{
	struct relabelling work = {.context = context,
		.home = path,
		.owner = getuid(),
		.left = FILES_MAXIMUM,
		.keeps_given = strstr(context, ":" SELINUX_STORAGE_TYPE) != NULL,
		.reterr = reterr};
	int contents = openat(home, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	struct stat status;

	if (contents < 0 || fstat(home, &status) ||
		!copy_type(label, work.type, sizeof(work.type))) {
		r = fail(&work, contents < 0 ? errno : EINVAL, ".");
		if (contents >= 0)
			(void)close(contents);
		return r;
	}
	work.device = status.st_dev;
	r = relabel_below(&work, contents, 0);
	return r < 0 ? r : relabel(&work, home, &status, ".");
}

int selinux_home_take(const struct selinux_plan *plan, int *ret_lock, struct err *reterr)
{
	const char *path = plan->files->home_source;
	_cleanup_close_ int home = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char label[SELINUX_LABEL_MAXIMUM] = "";
	bool own_pair = plan->lock >= 0, ready;
	int r = home < 0 ? -errno : read_label(home, label);

	if (r < 0)
		return err_set(reterr, r, path, "its label cannot be read: %s", strerror(-r));
	ready = strcmp(label, plan->file_context) == 0;
	if (flock(home, (own_pair || !ready ? LOCK_EX : LOCK_SH) | LOCK_NB) ||
		read_label(home, label) < 0 || ready != (strcmp(label, plan->file_context) == 0)) {
		(void)err_set(reterr, -EBUSY, path,
			"this private home is in use by a jail of another level");
		err_hint(reterr,
			"wait for its end; or let the profile name the level that its jails share: "
			"\"selinux\": {\"level\": \"s0:c5,c6\"}");
		return -EBUSY;
	}
	r = ready ? 0 : relabel_tree(plan->file_context, path, home, label, reterr);
	if (r == 0 && !own_pair && !ready && flock(home, LOCK_SH | LOCK_NB))
		r = err_set(reterr, -errno, path, "cannot be shared: %s", strerror(errno));
	if (r == 0)
		*ret_lock = take_fd(&home);
	return r;
}

/* What lies in the storage, an upper directory with the label of its own jail included. */
static bool is_in_storage(const char *path)
{
	size_t length = strlen(path) + 1;
	char above[PATH_MAX], *slash;

	if (length > sizeof(above))
		return true;
	memcpy(above, path, length);
	for (;;) {
		_cleanup_close_ int fd = open(above, O_PATH | O_CLOEXEC);

		if (fd >= 0 && is_storage(fd))
			return true;
		slash = strrchr(above, '/');
		if (!slash || slash == above)
			return false;
		*slash = '\0';
	}
}

/* But for the SELinux user, as restorecon -F gives it to system_u: whoever it is, the jail works.
 */
static bool is_same(const char *one, const char *other)
{
	one = strchr(one, ':');
	other = strchr(other, ':');
	return one && other && strcmp(one, other) == 0;
}

static int refuse_place(const char *path, const char *type, struct err *reterr)
{
	err_set(reterr, -EPERM, path, "is not given to jails by another label: its type is %.100s",
		type);
	err_hint(reterr, "share a directory below it");
	return -EPERM;
}

int selinux_relabel(const char *context, const struct mount_rule *mount, struct err *reterr)
{
	const char *path = mount->source;
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct relabelling work = {
		.context = context, .home = path, .owner = getuid(), .reterr = reterr};
	char label[SELINUX_LABEL_MAXIMUM] = "";
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return 0; /* what is missing is told by the mount itself */
	if (read_label(fd, label) < 0 || is_same(label, context) ||
		!copy_type(label, work.type, sizeof(work.type)))
		return 0; /* a file system without labels has nothing to change */
	/* with another type a home directory is closed to sshd and to login */
	if (!mount->handed_in && (strcmp(work.type, "user_home_dir_t") == 0 || is_in_storage(path)))
		return refuse_place(path, work.type, reterr);
	return S_ISDIR(status.st_mode) ? relabel_tree(context, path, fd, label, reterr)
				       : relabel(&work, fd, &status, ".");
}

void selinux_share_new(int directory)
{
	char label[SELINUX_LABEL_MAXIMUM], shared[SELINUX_LABEL_MAXIMUM + 32];
	const char *type, *level;

	if (read_label(directory, label) < 0)
		return;
	type = strstr(label, ":" SELINUX_STORAGE_TYPE);
	if (!type)
		return;
	level = type + strlen(":" SELINUX_STORAGE_TYPE);
	(void)snprintf(shared, sizeof(shared), "%.*s:" SELINUX_SHARED_TYPE "%s",
		(int)(type - label), label, level);
	(void)fsetxattr(directory, SELINUX_ATTRIBUTE, shared, strlen(shared) + 1, 0);
}
