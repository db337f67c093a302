/* Work in a user namespace: see inside.h. */
#include "container/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolation/idmap.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"

bool inside_is_mapped(const struct host *host)
{
	return host->newuidmap && host->newgidmap && host->uid_range_count && host->gid_range_count;
}

/* The one id there is (user_namespaces(7)). */
static int map_self(const struct idmap_plan *map)
{
	int r = file_write_kernel(AT_FDCWD, "/proc/self/setgroups", "deny", 4);

	if (r == 0)
		r = file_write_kernel(
			AT_FDCWD, "/proc/self/uid_map", map->uid_map, strlen(map->uid_map));
	if (r == 0)
		r = file_write_kernel(
			AT_FDCWD, "/proc/self/gid_map", map->gid_map, strlen(map->gid_map));
	return r;
}

/* The child: waits until its ids are mapped, becomes root among them, does the work. */
_Noreturn static void child(
	int control, const struct idmap_plan *map, int (*work)(void *context), void *context)
{
	int32_t answer = 0;
	char byte;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* the map files of a process that is not belong to root (T-CRED-08 needs them ours) */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (unshare(CLONE_NEWUSER))
		answer = -errno;
	else if (map->way == IDMAP_SELF)
		answer = map_self(map);
	else if (send(control, "u", 1, MSG_NOSIGNAL) != 1 || read(control, &byte, 1) != 1)
		_exit(1); /* the parent has said why */
	else
		answer = syscall(SYS_setresgid, 0, 0, 0) || syscall(SYS_setresuid, 0, 0, 0) ? -errno
											    : 0;
	if (answer == 0)
		answer = work(context);
	if (send(control, &answer, sizeof(answer), MSG_NOSIGNAL) != (ssize_t)sizeof(answer))
		_exit(1);
	_exit(0);
}

static int compile_map(
	const struct host *host, struct arena *arena, struct idmap_plan *ret, struct err *reterr)
{
	struct receipt receipt = {.arena = arena};
	struct profile profile;

	profile_defaults(&profile);
	profile.identity.kind = inside_is_mapped(host) ? IDENTITY_SUBORDINATE : IDENTITY_SINGLE;
	profile.identity.uid = 0;
	profile.identity.gid = 0;
	return idmap_compile(&profile, host, arena, &receipt, ret, reterr);
}

/* Until the child has ended. Its answer, or -errno. */
static int converse(int control, pid_t pid, const struct idmap_plan *map, struct err *reterr)
{
	int32_t answer = 0;
	char byte;
	ssize_t got = read(control, &answer, sizeof(answer));
	int r;

	if (got == (ssize_t)sizeof(answer) && (map->way == IDMAP_SELF || answer == 0))
		return answer > 0 ? 0 : answer;
	if (got == (ssize_t)sizeof(answer))
		return err_set(reterr, answer < 0 ? answer : -EPROTO, "user namespace",
			"cannot be made: %s", strerror(answer < 0 ? -answer : EPROTO));
	if (got != 1)
		return err_set(reterr, -ECHILD, "user namespace", "the helper process is gone");
	r = idmap_apply_parent(map, pid, reterr);
	if (r < 0)
		return r;
	byte = 'g';
	if (send(control, &byte, 1, MSG_NOSIGNAL) != 1 ||
		read(control, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		return err_set(reterr, -ECHILD, "user namespace", "the helper process is gone");
	return answer > 0 ? 0 : answer;
}

int inside_run(
	const struct host *host, int (*work)(void *context), void *context, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {NULL};
	_cleanup_close_ int ours = -1, theirs = -1;
	struct idmap_plan map;
	int pair[2], r;
	pid_t pid;

	r = compile_map(host, &arena, &map, reterr);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_set(reterr, -errno, NULL, "socketpair: %s", strerror(errno));
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid == 0) {
		(void)close(ours);
		child(theirs, &map, work, context);
	}
	if (pid < 0)
		return err_set(reterr, -errno, NULL, "fork: %s", strerror(errno));
	(void)close(take_fd(&theirs));
	r = converse(ours, pid, &map, reterr);
	(void)close(take_fd(&ours)); /* a child that waits for us ends */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
