/*
 * What the supervisor and PID 1 of the jail tell each other, over one SOCK_SEQPACKET pair that only
 * these two hold. Towards the jail: one byte that releases the child once its ids are mapped. From
 * it: the messages below, and before them, where there is one, a single byte that carries the pty's
 * master. Nothing in them is believed beyond its range: PID 1 shares its ids with the program.
 */
#ifndef IMMURE_LAUNCH_CONTROL_H
#define IMMURE_LAUNCH_CONTROL_H

#include <stdint.h>

enum control_kind {
	CONTROL_FAILED = 1, /* a step failed: step, item, value is the positive errno */
	CONTROL_ENDED,      /* the program ended: value is its wait status */
};

struct control_message {
	uint16_t kind, step, item, unused;
	int32_t value;
};

/* From the supervisor to PID 1: end the jail, and count it. A PID 1 that does not is killed itself.
 */
#define CONTROL_END_SIGNAL SIGPWR

/* What is given to the child once its ids are mapped. */
#define CONTROL_RELEASE 'R'

#endif
