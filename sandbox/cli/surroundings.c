/* The caller's side: descriptors, signals, environment. Hostile until checked. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/text.h"

/* A directory as standard input is a way out of the jail; so is a descriptor that was opened for
 * its path alone (T-RT-08). */
static int check_standard(int fd, struct err *reterr)
{
	static const char *const names[] = {"standard input", "standard output", "standard error"};
	struct stat status;
	struct statfs system;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0) {
		/* closed: the next file that we open would take its place (T-RT-10) */
		int null = open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);

		return null == fd ? 0
				  : err_set(reterr, -EBADF, names[fd],
					    "is closed, and /dev/null cannot stand in for it");
	}
	if (fstat(fd, &status))
		return err_set(reterr, -errno, names[fd], "%s", strerror(errno));
	if (flags & O_PATH)
		return err_set(reterr, -EBADF, names[fd], "was opened for its path alone");
	if (fstatfs(fd, &system) == 0 && system.f_type == NSFS_MAGIC)
		return err_set(reterr, -EBADF, names[fd], "is a namespace");
	if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode) &&
		!S_ISCHR(status.st_mode))
		return err_set(reterr, -EBADF, names[fd],
			"is neither a file, a pipe, a socket, a terminal nor /dev/null");
	return 0;
}

int surroundings_clean(struct err *reterr)
{
	struct sigaction standard = {.sa_handler = SIG_DFL}, ignored = {.sa_handler = SIG_IGN};

	for (int fd = 0; fd < 3; fd++) {
		int r = check_standard(fd, reterr);

		if (r < 0)
			return r;
	}
	if (!mutant(MUTANT_KEEP_FDS) && syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC))
		return err_set(reterr, -errno, NULL, "close_range: %s", strerror(errno));
	/* with SIGCHLD ignored there would be no status to wait for; with SIGPIPE ignored our own
	 * writes would only fail */
	(void)sigaction(SIGCHLD, &standard, NULL);
	(void)sigaction(SIGPIPE, &standard, NULL);
	/* a receipt over the caller's limit of a file is an error like another */
	(void)sigaction(SIGXFSZ, &ignored, NULL);
	(void)umask(0); /* modes in a plan are meant as they stand; the program gets the profile's
			   umask */
	return 0;
}

/* An absolute path from the environment, canonical; NULL when it is not one. */
static const char *environment_path(struct arena *arena, const char *name)
{
	const char *value = getenv(name);

	return value && value[0] == '/' ? path_canonical(arena, value) : NULL;
}

static const char *below_home(
	struct arena *arena, const char *variable, const char *home, const char *below)
{
	const char *path = environment_path(arena, variable);

	return path ? path : home && home[1] ? arena_join(arena, home, below) : NULL;
}

/* The home of our uid by /etc/passwd, read by hand: no name service runs in here. For a caller
 * without a HOME that can be believed. */
static const char *passwd_home(struct arena *arena)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t length;

	if (file_read(AT_FDCWD, "/etc/passwd", (size_t)1 << 20, &text, &length) < 0)
		return NULL;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		const char *fields[7] = {NULL};
		uint64_t uid;

		for (size_t i = 0; line && i < 7; i++)
			fields[i] = strsep(&line, ":");
		if (fields[5] && text_parse_u64(fields[2], UINT32_MAX, &uid) == 0 &&
			uid == getuid())
			return fields[5][0] == '/' ? path_canonical(arena, fields[5]) : NULL;
	}
	return NULL;
}

static bool is_user_name(const char *name)
{
	size_t length = name ? strlen(name) : 0;

	return length && length <= 32 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       length;
}

void surroundings_variables(struct arena *arena, struct profile_variables *ret)
{
	char here[4096];
	const char *user = getenv("USER");
	const char *home = environment_path(arena, "HOME");

	if (!home)
		home = passwd_home(arena);

	*ret = (struct profile_variables){
		.cwd = getcwd(here, sizeof(here)) && here[0] == '/' ? path_canonical(arena, here)
								    : NULL,
		.home = home,
		.user = is_user_name(user) ? user : "user",
		.xdg_cache = below_home(arena, "XDG_CACHE_HOME", home, "/.cache"),
		.xdg_config = below_home(arena, "XDG_CONFIG_HOME", home, "/.config"),
		.xdg_data = below_home(arena, "XDG_DATA_HOME", home, "/.local/share"),
		.xdg_runtime = environment_path(arena, "XDG_RUNTIME_DIR"),
		.uid = getuid(),
		.gid = getgid(),
	};
}

const char *surroundings_path(
	struct arena *arena, const struct profile_variables *variables, const char *text)
{
	char resolved[PATH_MAX];
	const char *path = text;

	if (!text[0])
		return NULL; /* an unset variable of some script does not mean the directory it is
				in */
	if (text[0] != '/')
		path = variables->cwd ? arena_format(arena, "%s/%s", variables->cwd, text) : NULL;
	path = path ? path_canonical(arena, path) : NULL;
	if (path)
		return path;
	/* with "..", which cannot be folded across links: the kernel's answer */
	return path_real(text, resolved) < 0 ? NULL : arena_copy(arena, resolved);
}
