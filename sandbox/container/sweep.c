/* What launchers that were killed have left behind: see container.h. */
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "container/parts.h"
#include "util/arena.h"
#include "util/cleanup.h"

DIR *open_listing(const struct storage *storage, const char *name)
{
	int fd = storage_directory(storage, name);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !directory)
		(void)close(fd);
	return directory;
}

/* One that nobody holds: what its launcher would have done. */
static void sweep_one(const struct storage *storage, const char *id)
{
	_cleanup_(arena_free) struct arena arena = {NULL};
	struct container container = {.name = "", .transient = true}, room;
	const struct container *now;
	struct container_hold hold;
	struct err err = {0};

	memcpy(container.id, id, sizeof(container.id));
	if (container_claim(storage, &container, &hold, &err) < 0)
		return;
	now = container_reread(&hold, &container, &arena, &room);
	if (now == &container) {
		/* what can be seen of it: a new one has its name before its record */
		const char *name = find_name(storage, id, &arena);

		container.name = name ? name : "";
	}
	err = (struct err){0};
	(void)container_remove(&hold, now, NULL, &err); /* another sweep will come */
}

void container_sweep(const struct storage *storage, unsigned most)
{
	_cleanup_closedir_ DIR *directory = open_listing(storage, "transient");
	const struct dirent *entry;

	for (unsigned seen = 0; directory && seen < most && (entry = readdir(directory)); seen++)
		if (id_is_valid(entry->d_name))
			sweep_one(storage, entry->d_name);
}

/* An id is never given twice, and a container is there before its name: what leads nowhere now
 * never will again. */
void container_sweep_names(const struct storage *storage)
{
	_cleanup_closedir_ DIR *directory = open_listing(storage, "names");
	char id[CONTAINER_ID_ROOM];
	const struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (read_name_link(storage, entry->d_name, id) == 0 &&
			!container_exists(storage, id))
			unlink_name(storage, entry->d_name, id);
}
