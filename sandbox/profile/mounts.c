/*
 * The mount rules of a profile, keyed by target. 2,000 binds are ordinary (one for each package of
 * a build), so that the key is looked up in a hash: open addressing over positions in the array,
 * twice as many slots as rules at least.
 */
#include <errno.h>
#include <string.h>

#include "profile/load.h"
#include "profile/sections.h"
#include "util/arena.h"

struct mount_index {
	size_t slots;        /* a power of two */
	uint32_t *positions; /* one more than the position in files->mounts; 0: free */
	uint32_t *hashes;
};

/* FNV-1a. A profile's author who makes keys collide slows down a launch of their own: MOUNTS_MAX
 * bounds it. */
static uint32_t hash_path(const char *path)
{
	uint32_t hash = 2166136261U;

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 16777619U;
	return hash;
}

/* The slot of target, or the free one where it would go. */
static size_t find_slot(const struct files_section *files, const char *target, uint32_t hash)
{
	const struct mount_index *index = files->index;
	size_t slot = hash & (index->slots - 1);

	for (; index->positions[slot]; slot = (slot + 1) & (index->slots - 1))
		if (index->hashes[slot] == hash &&
			strcmp(files->mounts[index->positions[slot] - 1].target, target) == 0)
			break;
	return slot;
}

static int grow(struct files_section *files, struct arena *arena)
{
	struct mount_index *index = arena_zeroed(arena, 1, sizeof(*index));
	size_t slots = 64;

	if (!index)
		return -ENOMEM;
	while (slots <=
		files->mount_count *
			4) /* rules may be there without an index: a frozen or pruned list */
		slots *= 4;
	index->slots = slots;
	index->positions = arena_zeroed(arena, slots, sizeof(*index->positions));
	index->hashes = arena_zeroed(arena, slots, sizeof(*index->hashes));
	if (!index->positions || !index->hashes)
		return -ENOMEM;
	files->index = index;
	for (size_t i = 0; i < files->mount_count; i++) {
		uint32_t hash = hash_path(files->mounts[i].target);
		size_t slot = find_slot(files, files->mounts[i].target, hash);

		index->positions[slot] = (uint32_t)(i + 1);
		index->hashes[slot] = hash;
	}
	return 0;
}

size_t mounts_find(const struct files_section *files, const char *target)
{
	uint32_t position =
		files->index ? files->index->positions[find_slot(files, target, hash_path(target))]
			     : 0;

	return position ? position - 1 : files->mount_count;
}

int mounts_set(struct files_section *files, struct arena *arena, const struct mount_rule *rule)
{
	uint32_t hash = hash_path(rule->target);
	struct mount_rule *added;
	size_t slot;
	int r = !files->index || files->mount_count * 2 >= files->index->slots ? grow(files, arena)
									       : 0;

	if (r)
		return r;
	slot = find_slot(files, rule->target, hash);
	if (files->index->positions[slot]) {
		files->mounts[files->index->positions[slot] - 1] = *rule;
		return 0;
	}
	added = ARENA_APPEND(arena, files->mounts, files->mount_count);
	if (!added)
		return -ENOMEM;
	*added = *rule;
	files->index->positions[slot] = (uint32_t)files->mount_count;
	files->index->hashes[slot] = hash;
	return 0;
}

mode_t mounts_default_mode(const struct mount_rule *rule)
{
	static const char *const shared[] = {"/tmp", "/var/tmp", "/dev/shm"};

	if (rule->kind == MOUNT_FILE)
		return 0444;
	for (size_t i = 0; rule->kind == MOUNT_TMPFS && i < ARRAY_SIZE(shared); i++)
		if (strcmp(rule->target, shared[i]) == 0)
			return 01777;
	return 0755;
}

static const char *copy_or_null(struct arena *arena, const char *string, bool *failed)
{
	const char *copy = arena_copy(arena, string);

	*failed |= string && !copy;
	return copy;
}

static const struct layers *copy_layers(
	struct arena *arena, const struct layers *layers, bool *failed)
{
	struct layers *copy = layers ? arena_zeroed(arena, 1, sizeof(*copy)) : NULL;
	const char **trees = copy ? arena_zeroed(arena, layers->count, sizeof(*trees)) : NULL;

	*failed |= layers && (!copy || !trees);
	if (!trees)
		return NULL;
	*copy = *layers;
	copy->trees = trees;
	copy->upper = copy_or_null(arena, layers->upper, failed);
	copy->work = copy_or_null(arena, layers->work, failed);
	for (size_t i = 0; i < layers->count; i++)
		trees[i] = copy_or_null(arena, layers->trees[i], failed);
	return copy;
}

int profile_set_mount(struct profile *profile, struct arena *arena, const struct mount_rule *rule,
	struct err *reterr)
{
	struct mount_rule copy = *rule;
	bool failed = false;

	if (profile->files.mount_count >= MOUNTS_MAX &&
		mounts_find(&profile->files, rule->target) == profile->files.mount_count)
		return err_set(reterr, -E2BIG, rule->target, "more than %d mounts", MOUNTS_MAX);
	copy.target = copy_or_null(arena, rule->target, &failed);
	copy.source = copy_or_null(arena, rule->source, &failed);
	copy.content = copy_or_null(arena, rule->content, &failed);
	copy.reason = copy_or_null(arena, rule->reason, &failed);
	copy.layers = copy_layers(arena, rule->layers, &failed);
	if (failed || mounts_set(&profile->files, arena, &copy))
		return err_set(reterr, -ENOMEM, rule->target, "out of memory");
	return 0;
}
