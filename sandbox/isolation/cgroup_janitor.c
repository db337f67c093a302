/*
 * The cgroup's janitor (util/janitor.h): should the launcher be killed by SIGKILL, it kills what is
 * left in the cgroup and removes its directory. It holds the parent directory, and nothing else.
 */
#include <stdint.h>
#include <unistd.h>

#include "isolation/cgroup_parts.h"

#define JANITOR_MILLISECONDS 10000 /* longer than the launcher waits: nobody waits for us */
#define JANITOR_ATTEMPTS 6

/* System calls only: the memory is a copy of the launcher's. */
static void clean(void *context)
{
	const struct cgroup *cgroup = context;

	for (unsigned attempt = 0; attempt < JANITOR_ATTEMPTS; attempt++)
		if (cgroup_remove(cgroup->parent, cgroup->name, JANITOR_MILLISECONDS) == 0)
			return;
}

int cgroup_janitor_start(struct cgroup *cgroup)
{
	struct cgroup kept = *cgroup;

	return janitor_start(&(int *){&kept.parent}, 1, clean, &kept, &cgroup->janitor);
}
