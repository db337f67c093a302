/*
 * The container's janitor (util/janitor.h): should the launcher be killed by SIGKILL, it removes
 * what `--rm` promised to remove.
 */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "container/parts.h"

#define ATTEMPTS 40
#define PAUSE 50000000 /* nanoseconds: the kernel ends the jail soon after its supervisor */

struct watch {
	struct container_hold hold;
	struct storage storage;
	const struct container *container;
	const struct host *host;
};

/*
 * The launcher's lock is ours as well, and would name a process that is no more to whoever wants to
 * end this container (kill.c): it becomes one of those who remove. What still runs in the jail may
 * write for a moment longer: then the directory is not empty when it should be.
 */
static void clean(void *context)
{
	struct watch *watch = context;

	(void)flock(watch->hold.directory, LOCK_SH | LOCK_NB);
	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct container_hold hold;
		struct err err = {0};
		int r = container_claim(&watch->storage, watch->container, &hold, &err);

		if (r == 0)
			r = container_remove(&hold, watch->container, watch->host, &err);
		if (r == 0 || r == -ENOENT)
			return;
		(void)nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
	}
}

int container_watch(const struct container_hold *hold, const struct container *container,
	const struct host *host, struct janitor *ret, struct err *reterr)
{
	struct watch watch = {*hold, *hold->storage, container, host};
	int *const kept[] = {&watch.hold.directory, &watch.storage.directory};
	int r = janitor_start(kept, 2, clean, &watch, ret);

	return r < 0 ? err_set(reterr, r, container->name, "cannot start its janitor: %s",
			       strerror(-r))
		     : 0;
}
