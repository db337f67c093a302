/* The launch itself: see launch.h. */
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/control.h"
#include "launch/forerunner.h"
#include "launch/parts.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/segments.h"
#include "util/signals.h"

/* ---- making the child ---- */

static int explain_clone(int error, const struct plan *plan, struct err *reterr)
{
	const char *places = "this user may make no more namespaces";

	if (error == ENOSPC || error == EUSERS)
		err_set(reterr, -error, "user namespace",
			"%s: user.max_user_namespaces or its like is used up", places);
	else if (error == EPERM || error == EACCES)
		err_set(reterr, -error, "user namespace",
			"the kernel refuses to make one for this user: %s", strerror(error));
	else
		err_set(reterr, -error, "clone3", "%s", strerror(error));
	if (plan->cgroup.way != CGROUP_NONE && error == EACCES)
		err_hint(reterr, "the child may not be born in the cgroup that was delegated: see "
				 "`immure doctor`");
	else
		err_hint(reterr, "`immure doctor` names the cause and the fix");
	return -error;
}

/*
 * How the child comes into its cgroup. Born there costs nothing. But kernels that count the uses of
 * cgroup.kill (6.1 from its stable updates, 6.12, …) compare the count of the maker's cgroup with
 * that of the child's: from a cgroup that somebody killed as a whole before, each child born into
 * another one is killed before its first instruction. Then it is born beside us, moved, and told to
 * go on.
 */
enum entrance { ENTRANCE_BORN, ENTRANCE_MOVED };

/* The child's half of a move; then what clone3 left out. */
static bool await_move(const struct plan *plan, int control)
{
	char word;

	if (recv(control, &word, 1, 0) != 1)
		return false; /* the supervisor has said why */
	return !(plan->namespaces.flags & CLONE_NEWCGROUP) || unshare(CLONE_NEWCGROUP) == 0;
}

/* What the child begins with. */
struct birth {
	const struct plan *plan;
	enum entrance entrance;
	int ours, theirs; /* of the control socket */
	void *stack;
};

_Noreturn static void begin_child(void *context)
{
	const struct birth *birth = context;

	(void)close(birth->ours);
	if (birth->entrance == ENTRANCE_MOVED && !await_move(birth->plan, birth->theirs))
		_exit(125);
	walk_child(birth->plan, birth->theirs, birth->stack, WALK_STACK);
}

/* The pid, or -errno. */
static pid_t make_child(
	struct birth *birth, const struct cgroup *cgroup, struct forerunner *ahead, int *ret_pidfd)
{
	const struct plan *plan = birth->plan;
	pid_t pid;
	struct clone_args arguments = {
		/* the network's is made beside the child's first steps: network.h */
		.flags = (plan->namespaces.flags & ~(uint64_t)CLONE_NEWNET) |
			 (uint64_t)(unsigned)CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};

	if (birth->entrance == ENTRANCE_MOVED)
		arguments.flags &= ~(uint64_t)CLONE_NEWCGROUP; /* it would show where we are, not
								  where the child will be */
	if (cgroup->directory >= 0 && birth->entrance == ENTRANCE_BORN) {
		arguments.flags |= (uint64_t)(unsigned long)CLONE_INTO_CGROUP;
		arguments.cgroup = (__u64)cgroup->directory;
	}
	if (ahead)
		return forerunner_make(ahead, &arguments, begin_child, birth);
	pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid == 0)
		begin_child(birth);
	return pid < 0 ? -errno : pid;
}

/* ---- after the end ---- */

/* Killed with not one page touched: the first instruction would have done that. */
static bool was_stillborn(
	const struct supervision *supervision, int status, const struct rusage *usage)
{
	return !supervision->reported && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
	       usage->ru_minflt == 0 && usage->ru_majflt == 0;
}

static const char *limit_hit(const struct plan *plan, const struct supervision *supervision,
	const struct launch_result *result)
{
	bool killed = WIFSIGNALED(result->status) && WTERMSIG(result->status) == SIGKILL;

	/* else it had ended by itself, and we came late to hear of it */
	if (supervision->timed_out && killed)
		return "wall_time";
	if (result->counts.oom_kills && killed)
		return "memory";
	if (WIFSIGNALED(result->status) && WTERMSIG(result->status) == SIGXCPU)
		return "cpu_time";
	if (WIFSIGNALED(result->status) && WTERMSIG(result->status) == SIGXFSZ)
		return "file_size";
	if (result->counts.pids_refused && plan->cgroup.pids_limited)
		return "pids";
	return NULL;
}

#define STILLBORN 1

/* 0, STILLBORN, or -errno with reterr. */
static int collect(const struct plan *plan, struct supervision *supervision,
	struct launch_result *ret, bool *ret_exec_failed, struct err *reterr)
{
	int status = 0;

	if (supervision->reported)
		segments_settle(); /* while PID 1 takes its mounts down */
	while (wait4(supervision->pid, &status, 0, &ret->usage) < 0)
		if (errno != EINTR)
			return err_set(reterr, -errno, NULL, "lost PID 1 of the jail: %s",
				strerror(errno));
	if (was_stillborn(supervision, status, &ret->usage))
		return STILLBORN;
	relay_finish(&supervision->relay);
	ret->wall_microseconds = supervise_clock() - supervision->started;
	if (supervision->failed) {
		*ret_exec_failed = supervision->failed_step == STEP_EXEC;
		plan_describe_failure(plan, (enum step_id)supervision->failed_step,
			supervision->failed_item, supervision->failed_error, reterr);
		return -supervision->failed_error;
	}
	/* without a report PID 1 itself was killed: by our clock, by the OOM killer, or by whoever
	 * may */
	ret->status = supervision->reported ? supervision->status
		      : WIFSIGNALED(status) ? status
					    : SIGKILL;
	if (supervision->reported || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
		return 0;
	return err_set(reterr, -EPROTO, NULL,
		"PID 1 of the jail ended without a word about the program (wait status 0x%x)",
		(unsigned)status);
}

static int say_go_on(const struct supervision *supervision, struct err *reterr)
{
	char word = CONTROL_RELEASE;

	if (send(supervision->control, &word, 1, MSG_NOSIGNAL) != 1 &&
		errno != EPIPE) /* a child that is gone has said why */
		return err_set(
			reterr, -errno, NULL, "cannot release the child: %s", strerror(errno));
	return 0;
}

static int release(const struct plan *plan, const struct cgroup *cgroup, enum entrance entrance,
	struct forerunner *ahead, const struct supervision *supervision, struct err *reterr)
{
	int r = entrance == ENTRANCE_MOVED ? cgroup_move(cgroup, supervision->pid) : 0;

	if (r < 0)
		return err_set(reterr, r, cgroup->name, "cannot move the child into its cgroup: %s",
			strerror(-r));
	if (entrance == ENTRANCE_MOVED)
		r = say_go_on(supervision, reterr);
	if (r < 0 || plan->idmap.way == IDMAP_SELF)
		return r;
	r = ahead ? forerunner_finish_maps(ahead, supervision->pid, reterr)
		  : idmap_apply_parent(&plan->idmap, supervision->pid, reterr);
	r = r < 0 ? r : say_go_on(supervision, reterr);
	if (ahead)
		forerunner_dismiss(ahead);
	return r;
}

/* 0, STILLBORN, or -errno with reterr. */
static int run_in(const struct plan *plan, const struct cgroup *cgroup, enum entrance entrance,
	struct forerunner *ahead, struct launch_result *ret, bool *ret_exec_failed,
	struct err *reterr)
{
	struct supervision supervision = {.pidfd = -1, .relay = {.master = -1, .terminal = -1}};
	_cleanup_close_ int ours = -1, theirs = -1, pidfd = -1;
	int pair[2], made = -1, r;
	bool helped = plan->idmap.way == IDMAP_HELPER;
	sigset_t before;
	struct birth birth = {.plan = plan,
		.entrance = entrance,
		.stack = mmap(NULL, WALK_STACK, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)};

	if (birth.stack == MAP_FAILED)
		return err_set(reterr, -errno, NULL, "out of memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_set(reterr, -errno, NULL, "socketpair: %s", strerror(errno));
	ours = pair[0];
	theirs = pair[1];
	/* all of them, from here on: in the supervisor they come by signalfd, in PID 1 by
	 * sigtimedwait */
	if (!ahead) /* whose child has its mask from it */
		signals_block(&before);
	supervision.started = supervise_clock();
	supervision.deadline =
		plan->wall_milliseconds ? supervision.started + plan->wall_milliseconds * 1000 : 0;
	birth.ours = ours;
	birth.theirs = theirs;
	supervision.pid = make_child(&birth, cgroup, ahead, &made);
	/* newuidmap may ask a directory service that hangs: until there is a jail to end, a signal
	 * ends us, and that ends the rest */
	if (!ahead && helped)
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (supervision.pid < 0)
		return explain_clone(-supervision.pid, plan, reterr);
	(void)close(take_fd(&theirs));
	supervision.pidfd = pidfd = made;
	supervision.control = ours;
	r = release(plan, cgroup, entrance, ahead, &supervision, reterr);
	if (helped)
		signals_block(NULL);
	if (r == 0)
		r = supervise(plan, &supervision, reterr);
	if (r < 0) { /* nothing may outlive a supervisor that cannot supervise */
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		(void)waitpid(supervision.pid, NULL, 0);
		return r;
	}
	r = collect(plan, &supervision, ret, ret_exec_failed, reterr);
	if (r == 0 && cgroup->directory >= 0)
		cgroup_read(cgroup, &ret->counts);
	if (r == 0)
		ret->limit = limit_hit(plan, &supervision, ret);
	return r;
}

int launch_run(const struct plan *plan, struct arena *arena, struct forerunner *ahead,
	struct launch_result *ret, bool *ret_exec_failed, struct err *reterr)
{
	struct cgroup cgroup = {.directory = -1, .parent = -1};
	_cleanup_close_ int home = -1; /* keeps it ours */
	int closed, r;

	*ret = (struct launch_result){0};
	*ret_exec_failed = false;
	r = arena_protect(arena);
	if (r < 0)
		return err_set(reterr, r, NULL, "cannot make the plan read-only: %s", strerror(-r));
	r = selinux_apply_parent(&plan->selinux, plan->process.preserved,
		plan->process.preserved_count, &home, reterr);
	if (r < 0)
		return r;
	if (plan->cgroup.way != CGROUP_NONE) {
		r = cgroup_open(&plan->cgroup, &cgroup, reterr);
		if (r < 0)
			return r;
	}
	r = run_in(plan, &cgroup, ENTRANCE_BORN,
		forerunner_serves(ahead, &plan->idmap) ? ahead : NULL, ret, ret_exec_failed,
		reterr);
	if (r == STILLBORN && cgroup.directory >= 0)
		r = run_in(plan, &cgroup, ENTRANCE_MOVED, NULL, ret, ret_exec_failed, reterr);
	if (r == STILLBORN)
		r = err_set(
			reterr, -ECHILD, NULL, "the child was killed before it could do anything");
	closed = cgroup.directory >= 0 ? cgroup_close(&cgroup) : 0;
	if (r == 0 && closed < 0)
		r = err_set(reterr, closed, cgroup.name, "the cgroup could not be removed: %s",
			strerror(-closed));
	return r;
}
