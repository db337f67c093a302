/*
 * Without -t a program in a container sees pipes, as under docker and podman, even where the caller
 * has a terminal: a process copies what comes out of them to where it belongs. So no pty stands
 * between the caller's keyboard and its signals.
 */
#ifndef IMMURE_CONTAINER_OUTLET_H
#define IMMURE_CONTAINER_OUTLET_H

#include "util/err.h"

struct outlet {
	int pidfd; /* -1: none, since no output is a terminal */
};
#define OUTLET_NONE ((struct outlet){-1})

/* Puts pipes in the place of standard output and error where they are terminals, and of standard
 * input where it is one. 0 or -errno with reterr. */
int outlet_start(struct outlet *ret, struct err *reterr);

/* Closes this process's ends, and waits until everything is written. */
void outlet_finish(struct outlet *outlet);

#endif
