/*
 * The parent half of the label: what the jail is handed must be of use to a program that has it.
 * See selinux.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <selinux/selinux.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "isolation/selinux_parts.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"

/*
 * What the policy calls a class ("index"), or the place of a permission in it ("perms/read"); from
 * 1 on, 0 where it has none. libselinux would first read the thirty files of every other
 * permission.
 */
static unsigned long policy_number(const char *class, const char *name)
{
	char path[128], text[16];

	(void)snprintf(path, sizeof(path), "/sys/fs/selinux/class/%s/%s", class, name);
	return file_read_line(AT_FDCWD, path, text, sizeof(text)) > 0 ? strtoul(text, NULL, 10) : 0;
}

/*
 * True also where the policy has no such class or permission, or where we may not ask: then it is
 * for the kernel to say.
 */
static bool allows(
	const char *context, const char *target, const char *class, const char *permission)
{
	unsigned long number = policy_number(class, "index"), bit;
	struct av_decision decision;
	access_vector_t wanted;
	char name[32];

	(void)snprintf(name, sizeof(name), "perms/%s", permission);
	bit = policy_number(class, name);
	if (!number || number > UINT16_MAX || !bit || bit > 32)
		return true;
	wanted = (access_vector_t)1 << (bit - 1);
	if (security_compute_av(context, target, (security_class_t)number, wanted, &decision) < 0)
		return true;
	return !(wanted & ~decision.allowed) || (decision.flags & SELINUX_AVD_FLAGS_PERMISSIVE);
}

static bool allows_all(const char *context, const char *target, const char *class,
	const char *const permissions[2])
{
	return allows(context, target, class, permissions[0]) &&
	       (!permissions[1] || allows(context, target, class, permissions[1]));
}

/* "u:r:t:s0-s0:c0.c1023" to "u:r:t:s0", in place. False where there is nothing to take away. */
static bool lower_level(char *label)
{
	char *level = label;

	for (unsigned colons = 0; level && colons < 3; colons++) {
		level = strchr(level, ':');
		level += level != NULL;
	}
	if (!level || !level[strcspn(level, ":-")])
		return false;
	level[strcspn(level, ":-")] = '\0';
	return true;
}

/* The kernel's own questions about a descriptor that is kept over an exec (file_to_av()). */
static void ask_for(int flags, const char *ret[2])
{
	const char *write = flags & O_APPEND ? "append" : "write";

	ret[0] = (flags & O_ACCMODE) == O_WRONLY ? write : "read";
	ret[1] = (flags & O_ACCMODE) == O_RDWR ? write : NULL;
}

/* Sockets have a class for each kind; of those that are left out the kernel decides alone. */
static const struct {
	int domain, type;
	const char *class;
} socket_classes[] = {
	{AF_UNIX, SOCK_STREAM, "unix_stream_socket"},
	{AF_UNIX, SOCK_SEQPACKET, "unix_stream_socket"},
	{AF_UNIX, SOCK_DGRAM, "unix_dgram_socket"},
	{AF_INET, SOCK_STREAM, "tcp_socket"},
	{AF_INET6, SOCK_STREAM, "tcp_socket"},
	{AF_INET, SOCK_DGRAM, "udp_socket"},
	{AF_INET6, SOCK_DGRAM, "udp_socket"},
};

static const char *class_of_socket(int fd)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) ||
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size))
		return NULL;
	for (size_t i = 0; i < sizeof(socket_classes) / sizeof(socket_classes[0]); i++)
		if (socket_classes[i].domain == domain && socket_classes[i].type == type)
			return socket_classes[i].class;
	return NULL;
}

static const char *class_of(int fd, const struct stat *status)
{
	switch (status->st_mode & S_IFMT) {
	case S_IFIFO: return "fifo_file";
	case S_IFREG: return "file";
	case S_IFDIR: return "dir";
	case S_IFSOCK: return class_of_socket(fd);
	default:
		return NULL; /* a terminal is replaced by the jail's own, or one that every jail may
				use */
	}
}

static int refuse_descriptor(
	const struct selinux_plan *plan, int fd, const char *label, struct err *reterr)
{
	static const char *const names[] = {"standard input", "standard output", "standard error"};
	char where[32];

	(void)snprintf(where, sizeof(where), "descriptor %d", fd);
	(void)err_set(reterr, -EACCES, fd < 3 ? names[fd] : where,
		"it is labelled %.150s, and SELinux lets no program labelled %.150s use it", label,
		plan->context);
	err_hint(reterr, "use a pipe of this session's, or a file of the type " SELINUX_FILE_TYPE
			 " (chcon -t " SELINUX_FILE_TYPE " FILE), or take no label: "
			 "--security-opt label=disable");
	return -EACCES;
}

static int hand_over(const struct selinux_plan *plan, int fd, struct err *reterr)
{
	const char *class, *permissions[2];
	char label[SELINUX_LABEL_MAXIMUM];
	struct stat status;
	ssize_t length;

	class = fstat(fd, &status) ? NULL : class_of(fd, &status);
	length = class ? fgetxattr(fd, SELINUX_ATTRIBUTE, label, sizeof(label) - 1) : 0;
	if (length <= 0)
		return 0;
	label[length] = '\0';
	ask_for(fcntl(fd, F_GETFL), permissions);
	if (allows_all(plan->context, label, class, permissions))
		return 0;
	if (S_ISFIFO(status.st_mode) && lower_level(label) &&
		allows_all(plan->context, label, class, permissions) &&
		fsetxattr(fd, SELINUX_ATTRIBUTE, label, strlen(label) + 1, 0) == 0)
		return 0;
	return refuse_descriptor(plan, fd, label, reterr);
}

static int check_place(const struct selinux_plan *plan, const char *path, bool writable,
	const struct origin *origin, struct err *reterr)
{
	const char *permissions[2] = {"read", writable ? "write" : NULL}, *class;
	char label[SELINUX_LABEL_MAXIMUM], where[768];
	struct stat status;
	ssize_t length;

	if (stat(path, &status))
		return 0; /* what is missing is told by the mount itself */
	class = S_ISDIR(status.st_mode) ? "dir" : S_ISREG(status.st_mode) ? "file" : NULL;
	length = class ? getxattr(path, SELINUX_ATTRIBUTE, label, sizeof(label) - 1) : 0;
	if (length <= 0)
		return 0;
	label[length] = '\0';
	if (allows_all(plan->context, label, class, permissions))
		return 0;
	(void)err_set(reterr, -EACCES, origin_format(origin, where, sizeof(where)),
		"SELinux does not let a program labelled %.150s %s %.150s (%.100s)", plan->context,
		writable ? "write to" : "read", path, label);
	if (writable && strstr(plan->context, ":immure_fetch_t:")) {
		err_hint(reterr,
			"where credentials are to be kept: chcon -R -t immure_credentials_t "
			"DIRECTORY; see immure_selinux(8)");
		return -EACCES;
	}
	err_hint(reterr,
		"give it to jails: chcon -R -t " SELINUX_FILE_TYPE
		" PATH (containers: the volume option z or Z); or take the type for work in "
		"a home, "
		"--security-opt label=type:immure_dev_t: see immure_selinux(8)");
	return -EACCES;
}

/* What somebody asked to be given to this jail, to all of them, or to those who keep images. */
static int relabel_places(const struct selinux_plan *plan, struct err *reterr)
{
	const char *const contexts[] = {[RELABEL_NONE] = NULL,
		[RELABEL_SHARED] = plan->shared_context,
		[RELABEL_PRIVATE] = plan->file_context,
		[RELABEL_STORAGE] = plan->storage_context};
	const struct files_section *files = plan->files;
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->mount_count; i++) {
		const struct mount_rule *mount = &files->mounts[i];

		if (mount->kind == MOUNT_BIND && contexts[mount->relabel])
			r = selinux_relabel(contexts[mount->relabel], mount, reterr);
	}
	return r;
}

/* The root, and every bind that is required. */
static int check_places(const struct selinux_plan *plan, struct err *reterr)
{
	const struct files_section *files = plan->files;
	int r = 0;

	if (files->root == ROOT_DIRECTORY)
		r = check_place(plan, files->root_directory, files->root_writable,
			&files->root_rule.origin, reterr);
	for (size_t i = 0; r == 0 && i < files->mount_count; i++) {
		const struct mount_rule *mount = &files->mounts[i];

		if (mount->kind == MOUNT_BIND && mount->rule.enforce == ENFORCE_REQUIRED)
			r = check_place(
				plan, mount->source, mount->writable, &mount->rule.origin, reterr);
	}
	return r;
}

/* A policy of somebody else's, whose types a profile may name, has labels of its own for a home. */
static bool takes_home(const struct selinux_plan *plan)
{
	return plan->files->home == HOME_PRIVATE && plan->files->home_source &&
	       plan->file_context && allows(plan->context, plan->file_context, "dir", "search");
}

static void label_upper(const struct selinux_plan *plan)
{
	const struct layers *layers = plan->files->root == ROOT_LAYERS ? plan->files->layers : NULL;

	/* whoever may not, as with a root of another id, has a new pair each time */
	if (layers && layers->upper && plan->file_context)
		(void)setxattr(layers->upper, SELINUX_ATTRIBUTE, plan->file_context,
			strlen(plan->file_context) + 1, 0);
}

/* Our own label without its categories; false where there is none, or nothing to take away. By
 * hand: libselinux may not have been started in this process. */
static bool read_lowered(char ret[SELINUX_LABEL_MAXIMUM])
{
	_cleanup_close_ int fd = open("/proc/thread-self/attr/current", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, ret, SELINUX_LABEL_MAXIMUM - 1);

	if (length <= 0)
		return false;
	ret[length] = '\0';
	return lower_level(ret);
}

int selinux_socketpair(int type, int ret_ends[2])
{
	_cleanup_close_ int attribute =
		open("/proc/thread-self/attr/sockcreate", O_WRONLY | O_CLOEXEC);
	char label[SELINUX_LABEL_MAXIMUM];
	bool lowered =
		attribute >= 0 && read_lowered(label) && write(attribute, label, strlen(label)) > 0;
	int r = socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ret_ends) ? -errno : 0;

	if (lowered && write(attribute, "", 1) < 0 && r == 0) /* back to the default */
		r = -errno;
	return r;
}

int selinux_apply_parent(const struct selinux_plan *plan, const int *preserved,
	size_t preserved_count, int *ret_home, struct err *reterr)
{
	int r = 0;

	if (!plan->context || mutant(MUTANT_NO_LABEL))
		return 0;
	for (int fd = 0; r == 0 && plan->enforcing && fd <= 2; fd++)
		r = hand_over(plan, fd, reterr);
	for (size_t i = 0; r == 0 && plan->enforcing && i < preserved_count; i++)
		r = hand_over(plan, preserved[i], reterr);
	if (r == 0)
		r = relabel_places(plan, reterr);
	if (r == 0 && plan->enforcing)
		r = check_places(plan, reterr);
	if (r == 0)
		label_upper(plan);
	return r == 0 && takes_home(plan) ? selinux_home_take(plan, ret_home, reterr) : r;
}
