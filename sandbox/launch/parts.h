/* What the files of launch/ share with one another and with nobody else. */
#ifndef IMMURE_LAUNCH_PARTS_H
#define IMMURE_LAUNCH_PARTS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include "launch/launch.h"

/* walk.c: the child, from its first instruction to its end. stack: room for the program's process
 * until exec. Never returns. */
_Noreturn void walk_child(const struct plan *plan, int control, void *stack, size_t stack_size);
#define WALK_STACK ((size_t)64 * 1024)

/* init.c: PID 1 once the program runs. Never returns. */
_Noreturn void init_run(const struct plan *plan, int control, pid_t program);

/* Signals that the supervisor takes and PID 1 passes on; group: to the program's process group, as
 * a terminal would. */
struct forwarded_signal {
	int number;
	bool group;
};
extern const struct forwarded_signal forwarded_signals[];
extern const size_t forwarded_signal_count;

/* relay.c: bytes between the caller's terminal and the jail's pty. */
struct relay_half {
	int from, to;
	char buffer[4096];
	size_t start, end; /* what is read and not yet written */
	bool open;         /* from may still give something */
};

struct relay {
	int master;   /* -1: no pty */
	int terminal; /* the caller's terminal whose size and mode we care for; -1: none */
	bool raw;     /* terminal is in raw mode and `saved` is how it was */
	struct termios saved;
	struct relay_half input, output;
};

/* Starts relaying for a pty whose master just arrived (owned by the relay from here on). */
void relay_start(struct relay *relay, const struct terminal_plan *plan, int master);
void relay_resize(const struct relay *relay);
/* The events to poll for on at most three descriptors; returns how many. */
struct pollfd;
size_t relay_poll(const struct relay *relay, struct pollfd *polls);
/* Moves what can be moved without blocking. */
void relay_move(struct relay *relay);
/* After the end of the program: what is left in the pty comes out, then the terminal is as it was.
 */
void relay_finish(struct relay *relay);
/* Gives the terminal back (before the supervisor stops) and takes it again. */
void relay_suspend(struct relay *relay);
void relay_resume(struct relay *relay);

/* supervise.c: until the jail is empty. pid: PID 1 of the jail, pidfd its descriptor. */
struct supervision {
	pid_t pid;
	int pidfd, control;
	struct relay relay;
	uint64_t started, deadline; /* microseconds of CLOCK_BOOTTIME; deadline 0: none */
	bool timed_out, reported, failed;
	int status;
	uint16_t failed_step, failed_item;
	int failed_error;
};
int supervise(const struct plan *plan, struct supervision *supervision, struct err *reterr);
uint64_t supervise_clock(void);
/* Milliseconds of waiting after which the pages of our own program that the launch needed are given
 * back (util/segments.h). Done where there is nothing else to do, it also takes that work out of the
 * end, when somebody waits; a program that stays for less must not pay for it. */
#define SUPERVISE_SETTLED 100
/* Blocks the forwarded signals and SIGCHLD; the descriptor that reads them, or -errno. */
int supervise_signals(void);

#endif
