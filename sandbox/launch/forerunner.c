/* The process that goes ahead: see forerunner.h. */
#include "launch/forerunner.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/signals.h"

#define STACK ((size_t)256 * 1024) /* PID 1 goes on on a copy of it */

static bool say(int socket)
{
	char word = 0;

	return send(socket, &word, 1, MSG_NOSIGNAL) == 1;
}

static bool hear(int socket)
{
	char word;

	return recv(socket, &word, 1, 0) == 1;
}

/* Its answer; false where it has ended instead, by somebody else's kill. */
static bool hear_answer(const struct forerunner *forerunner)
{
	struct pollfd wait[] = {{.fd = forerunner->ours, .events = POLLIN},
		{.fd = forerunner->pidfd, .events = POLLIN}};

	while (poll(wait, 2, -1) < 0 && errno == EINTR)
		;
	return wait[0].revents && hear(forerunner->ours);
}

/* Shares errno with the supervisor: until the word comes, no call here can fail without being the
 * end; from then on the supervisor waits for the answer. Stays: newuidmap names it by its pid. */
static int run_ahead(void *argument)
{
	struct forerunner *forerunner = argument;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != forerunner->supervisor ||
		!hear(forerunner->theirs))
		return 1;
	forerunner->made =
		(pid_t)syscall(SYS_clone3, forerunner->arguments, sizeof(*forerunner->arguments));
	if (forerunner->made == 0)
		forerunner->begin(forerunner->context);
	if (forerunner->made < 0)
		forerunner->error = errno;
	(void)say(forerunner->theirs);
	for (;;)
		(void)pause();
}

static void forget(struct forerunner *forerunner)
{
	forerunner->pid = 0;
	(void)munmap(forerunner->stack, STACK);
	(void)close(take_fd(&forerunner->ours)); /* nobody reads there any more */
	(void)close(take_fd(&forerunner->theirs));
	if (forerunner->pidfd >= 0)
		(void)close(take_fd(&forerunner->pidfd));
}

/* With all signals blocked, as PID 1 is to find them. */
static pid_t start(struct forerunner *forerunner)
{
	sigset_t before;
	pid_t pid;

	signals_block(&before);
	pid = clone(run_ahead, (char *)forerunner->stack + STACK,
		CLONE_VM | CLONE_FILES | CLONE_NEWUSER | CLONE_PIDFD | SIGCHLD, forerunner,
		&forerunner->pidfd);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

void forerunner_send(const struct idmap_plan *idmap, struct forerunner *ret)
{
	struct err ignored = {0}; /* the launch meets it again, and says so */
	int pair[2];

	*ret = (struct forerunner){.idmap = idmap, .supervisor = getpid(), .pidfd = -1};
	if (idmap->way != IDMAP_HELPER ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return;
	ret->ours = pair[0];
	ret->theirs = pair[1];
	ret->stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	ret->pid = ret->stack == MAP_FAILED ? -1 : start(ret);
	if (ret->pid < 0)
		forget(ret);
	else if (idmap_start_helpers(idmap, ret->pid, &ret->helpers, &ignored) < 0)
		forerunner_dismiss(ret);
}

bool forerunner_serves(const struct forerunner *forerunner, const struct idmap_plan *idmap)
{
	return forerunner && forerunner->pid && idmap->way == IDMAP_HELPER &&
	       strcmp(forerunner->idmap->uid_map, idmap->uid_map) == 0 &&
	       strcmp(forerunner->idmap->gid_map, idmap->gid_map) == 0;
}

pid_t forerunner_make(struct forerunner *forerunner, struct clone_args *arguments,
	void (*begin)(void *), void *context)
{
	arguments->flags = (arguments->flags & ~(uint64_t)CLONE_NEWUSER) | CLONE_PARENT;
	arguments->exit_signal = 0; /* its parent's child gets the forerunner's own: SIGCHLD */
	forerunner->arguments = arguments;
	forerunner->begin = begin;
	forerunner->context = context;
	forerunner->made = -1;
	forerunner->error = ECHILD; /* what somebody else's kill leaves */
	if (!say(forerunner->ours) || !hear_answer(forerunner))
		return -ECHILD;
	return forerunner->made > 0 ? forerunner->made : -forerunner->error;
}

int forerunner_finish_maps(struct forerunner *forerunner, pid_t pid, struct err *reterr)
{
	int r = idmap_wait_for_helpers(forerunner->idmap, &forerunner->helpers, reterr);

	return r == 0 ? idmap_verify(forerunner->idmap, pid, reterr) : r;
}

void forerunner_dismiss(struct forerunner *forerunner)
{
	struct err ignored = {0};

	idmap_stop_helpers(&forerunner->helpers);
	if (forerunner->pid) {
		(void)kill(forerunner->pid, SIGKILL); /* ours, and not yet waited for */
		while (waitpid(forerunner->pid, NULL, 0) < 0 && errno == EINTR)
			;
		forget(forerunner);
	}
	if (forerunner->idmap)
		(void)idmap_wait_for_helpers(forerunner->idmap, &forerunner->helpers, &ignored);
}
