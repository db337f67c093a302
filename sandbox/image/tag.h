/*
 * Tags: what a name means now, and what it meant before. One small file a name, replaced as a
 * whole; changing one takes a lock on tags/ for that moment, reading takes none. Shared by both
 * programs (the launcher only reads).
 */
#ifndef IMMURE_IMAGE_TAG_H
#define IMMURE_IMAGE_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/reference.h"
#include "image/storage.h"
#include "util/err.h"

struct arena;

struct tag_meaning {
	struct digest manifest;
	int64_t since; /* seconds of the epoch */
};

struct tag {
	struct reference name;              /* complete */
	const struct tag_meaning *meanings; /* newest first, at least one */
	size_t meaning_count;
};

#define TAG_MEANINGS 64 /* the oldest are forgotten beyond */

/* name is complete (reference_complete()). -ENOENT where there is no such tag. */
int tag_read(const struct storage *storage, const struct reference *name, struct arena *arena,
	struct tag *ret, struct err *reterr);

/* Every tag there is, sorted by name. */
int tag_list(const struct storage *storage, struct arena *arena, struct tag **ret,
	size_t *ret_count, struct err *reterr);

/* The same, but a damaged file does not end it: damaged is told of each (code: -EBADMSG, or why it
 * cannot be read) and answers 0 to go on. Not under the lock: it may call tag_remove(). */
const char *tag_fault(int code); /* in words */
typedef int (*tag_damaged)(
	void *context, const struct reference *name, int code, struct err *reterr);
/* Passes over each, where `verify` is to tell of them: answers 0. */
int tag_pass_over(void *context, const struct reference *name, int code, struct err *reterr);
int tag_list_each(const struct storage *storage, struct arena *arena, tag_damaged damaged,
	void *context, struct tag **ret, size_t *ret_count, struct err *reterr);

/* Lets name mean manifest from now on; nothing where it does already. */
int tag_set(const struct storage *storage, const struct reference *name,
	const struct digest *manifest, struct err *reterr);

/* Returns name to what it meant before. -ENODATA where it never meant anything else. */
int tag_rollback(const struct storage *storage, const struct reference *name,
	struct digest *ret_manifest, struct err *reterr);

/* Removes name with its history. -ENOENT. */
int tag_remove(const struct storage *storage, const struct reference *name, struct err *reterr);
/* The same, but -ENOENT with reterr where it means another image than manifest, by now. */
int tag_remove_meaning(const struct storage *storage, const struct reference *name,
	const struct digest *manifest, struct err *reterr);

/* Returns name to what it meant before it meant manifest, or removes it; nothing where it means
 * something else by now. */
int tag_take_back(const struct storage *storage, const struct reference *name,
	const struct digest *manifest, struct err *reterr);

/* Whether there is any tag of the repository, whatever of reference is filled in beside it; true
 * where that cannot be told. */
bool tag_has_any(const struct storage *storage, const struct reference *reference);

/* Lets every name forget that it ever meant manifest; what a name means now is not touched. */
int tag_drop(const struct storage *storage, const struct digest *manifest, struct err *reterr);

/* Forgets all but the present meaning of every tag (prune). */
int tag_forget(const struct storage *storage, struct err *reterr);

/* Removes what killed writers left: temporary files, directories in which no name is. */
int tag_sweep(const struct storage *storage, struct err *reterr);

#endif
