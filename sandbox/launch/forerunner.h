/*
 * A process that goes ahead into the jail's user namespace. newuidmap(1) and newgidmap(1) take as
 * long as all the rest of a launch, and need nothing of its plan but the ranges; so a launch that
 * has much to prepare (an image, a container, volumes) sends the forerunner first, lets them map
 * its ids meanwhile, and then has it make PID 1, which is born in the namespace that is ready.
 *
 * It shares the memory and the descriptors of the supervisor, as a process between vfork(2) and
 * exec does, has every signal blocked, runs nothing but a read and one clone3, and is killed by the
 * kernel when the supervisor dies. PID 1 is made as the supervisor's child (CLONE_PARENT).
 */
#ifndef IMMURE_LAUNCH_FORERUNNER_H
#define IMMURE_LAUNCH_FORERUNNER_H

#include <linux/sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "isolation/idmap.h"
#include "util/err.h"

struct forerunner {
	pid_t pid;        /* 0: there is none */
	int ours, theirs; /* a socket to it */
	int pidfd;        /* tells of its end: both ends of the socket stay open then */
	const struct idmap_plan *idmap;
	struct idmap_helpers helpers;
	pid_t supervisor;
	void *stack;
	struct clone_args *arguments; /* of its one clone3 */
	void (*begin)(void *);        /* in the child */
	void *context;
	pid_t made;
	int error; /* of clone3; positive */
};

/* Sends one, for ids that the helpers map; for another idmap->way, or where it cannot be made,
 * there is none afterwards, and the launch does without. idmap must live as long as it. */
void forerunner_send(const struct idmap_plan *idmap, struct forerunner *ret);

/* It is on its way with the maps that this plan asks for. */
bool forerunner_serves(const struct forerunner *forerunner, const struct idmap_plan *idmap);

/*
 * Has it call clone3 with arguments (CLONE_NEWUSER and an exit signal left out, CLONE_PARENT
 * added), and begin(context) in the child. The pid, or -errno. The maps may still be under way:
 * forerunner_finish_maps() comes before the child is told that they are there.
 */
pid_t forerunner_make(struct forerunner *forerunner, struct clone_args *arguments,
	void (*begin)(void *), void *context);

/* Waits until the helpers are done, and reads the maps back. pid: what it made. Then dismiss it. */
int forerunner_finish_maps(struct forerunner *forerunner, pid_t pid, struct err *reterr);

/* Calls it back: nothing of it is left. Fine where there is none, and twice. */
void forerunner_dismiss(struct forerunner *forerunner);

#endif
