/*
 * The child: walks the table of steps. Between clone and exec there are system calls only: no
 * malloc, no stdio, no locale, no library that might do such a thing behind our back (a test runs a
 * build whose malloc aborts here).
 */
#include "launch/parts.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolation/child.h"
#include "launch/control.h"

struct walk {
	const struct plan *plan;
	struct child child;
	uint16_t step, item; /* of the failure */
	int error;           /* positive; 0: none */
};

static bool walk(struct walk *walk, enum step_who who)
{
	for (size_t i = 0; i < STEP_COUNT; i++) {
		uint16_t item = 0;
		int r;

		if (steps[i].who != who)
			continue;
		r = steps[i].apply(walk->plan, &walk->child, &item);
		if (r < 0) {
			walk->step = (uint16_t)i;
			walk->item = item;
			walk->error = -r;
			return false;
		}
	}
	return true;
}

/* Shares PID 1's memory until exec, as vfork(2) does: what fails here is told by writing it there.
 */
static int become_program(void *argument)
{
	(void)walk(argument, STEP_BY_PROGRAM); /* comes back only on failure */
	return 126;                            /* clone(2)'s wrapper makes it the exit status */
}

_Noreturn static void fail(const struct walk *walk)
{
	struct control_message message = {.kind = CONTROL_FAILED,
		.step = walk->step,
		.item = walk->item,
		.value = walk->error};

	/* nobody is left to tell when this fails: the supervisor then sees the socket close */
	(void)send(walk->child.control, &message, sizeof(message), MSG_NOSIGNAL);
	_exit(125);
}

_Noreturn void walk_child(const struct plan *plan, int control, void *stack, size_t stack_size)
{
	struct walk state = {.plan = plan,
		.child = {.control = control,
			.root = -1,
			.label = -1,
			.terminal = -1,
			.network = -1,
			.stack = (char *)stack + stack_size}};
	pid_t program;

	if (!walk(&state, STEP_BY_INIT))
		fail(&state);
	program =
		clone(become_program, state.child.stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &state);
	if (program < 0) {
		state.step = STEP_EXEC;
		state.error = errno;
	}
	if (state.error)
		fail(&state);
	init_run(plan, control, program);
}
