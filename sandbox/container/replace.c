/*
 * `run --replace`: the new container takes the place of another one, which is removed only when the
 * new one has started. Until then it waits in transient/, where nobody sees it, and where a sweep
 * finds it should this launcher be killed.
 */
#include <errno.h>
#include <string.h>

#include "container/parts.h"

int container_replace(const struct container_hold *hold, struct container *container,
	struct container_hold *other_hold, const struct container *other, struct err *reterr)
{
	const struct storage *storage = hold->storage;
	struct container renamed = *container;
	int r = move_container(storage, other->id, true);

	if (r < 0) {
		container_release(other_hold);
		return err_set(reterr, r, other->name, "cannot be put aside: %s", strerror(-r));
	}
	r = move_name(hold, other->name, other->id);
	if (r < 0)
		(void)err_set(
			reterr, r, other->name, "cannot be taken as a name: %s", strerror(-r));
	renamed.name = other->name;
	if (r == 0)
		r = container_write(hold, &renamed, false, reterr);
	if (r < 0) {
		(void)move_name(other_hold, other->name, container->id);
		(void)move_container(storage, other->id, false); /* the first error is told */
		container_release(other_hold);
		return r;
	}
	unlink_name(storage, container->name, container->id);
	container->name = other->name;
	other_hold->transient = true;
	return 0;
}

int container_restore(struct container_hold *other_hold, const struct container *other,
	const struct container *container, struct err *reterr)
{
	int r = move_name(other_hold, other->name, container->id);

	if (r == 0)
		r = move_container(other_hold->storage, other->id, false);
	container_release(other_hold);
	return r < 0 ? err_set(reterr, r, other->name, "cannot be put back: %s", strerror(-r)) : 0;
}
