/* The verbs that change what names mean: tag, rm, rollback, prune. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "image/catalog.h"
#include "image/collect.h"
#include "image/collect_roots.h"
#include "image/index.h"
#include "image/options.h"
#include "image/print.h"
#include "image/short.h"
#include "image/tag.h"
#include "image/verbs.h"
#include "util/arena.h"
#include "util/cleanup.h"

/* ---- tag ---- */

int verb_tag(struct verb_context *context, int argc, char **argv)
{
	_cleanup_close_ int hold = -1;
	const struct reference *source;
	struct catalog_image *image = NULL;
	struct catalog catalog = {0};
	struct reference name;
	int r = options_take(NULL, 0, &context->arena, &argc, argv, 2, 1024, &context->err);

	/* all names first: none is given where one is wrong */
	for (int i = 2; r == 0 && i < argc; i++)
		r = short_complete(&context->storage, argv[i], &name, &context->err);
	if (r < 0)
		return r;
	hold = collect_hold(&context->storage, &context->err);
	if (hold < 0)
		return hold;
	r = catalog_read(&context->storage, &context->arena, &catalog, &context->err);
	if (r == 0)
		r = catalog_find(&catalog, argv[1], &image, &source, &context->err);
	for (int i = 2; r == 0 && i < argc; i++) {
		r = short_complete(&context->storage, argv[i], &name, &context->err);
		if (r == 0)
			r = tag_set(&context->storage, &name, &image->manifest, &context->err);
	}
	return r == 0 ? index_update(&context->storage, &context->err) : r;
}

/* ---- rollback ---- */

static int check_former(
	struct verb_context *context, const struct reference *name, const struct tag *tag)
{
	struct image_record record;
	char text[REFERENCE_ROOM];

	if (tag->meaning_count < 2)
		return err_set(&context->err, -ENODATA, reference_format(name, text),
			"has never meant another image");
	if (record_read(&context->storage, &tag->meanings[1].manifest, &context->arena, &record,
		    NULL) == 0)
		return 0;
	(void)err_set(&context->err, -ENOENT, reference_format(name, text),
		"meant %s before, which is not here any more", tag->meanings[1].manifest.text);
	err_hint(&context->err, "`immure pull` it by this digest, then `immure tag` it");
	return -ENOENT;
}

int verb_rollback(struct verb_context *context, int argc, char **argv)
{
	_cleanup_close_ int hold = -1;
	char text[REFERENCE_ROOM];
	struct reference name;
	struct digest manifest;
	struct tag tag;
	int r = options_take(NULL, 0, &context->arena, &argc, argv, 1, 1, &context->err);

	if (r == 0)
		r = short_complete(&context->storage, argv[1], &name, &context->err);
	if (r < 0)
		return r;
	hold = collect_hold(&context->storage, &context->err);
	r = hold < 0 ? hold
		     : tag_read(&context->storage, &name, &context->arena, &tag, &context->err);
	if (r == 0)
		r = check_former(context, &name, &tag);
	if (r == 0)
		r = tag_rollback(&context->storage, &name, &manifest, &context->err);
	if (r == 0)
		r = index_update(&context->storage, &context->err);
	if (r == 0)
		(void)printf("%s: %s\n", reference_format(&name, text), manifest.text);
	return r;
}

/* ---- rm ---- */

struct removal {
	struct verb_context *context;
	struct catalog catalog;
	bool force, all, ignore;
};

/* -EBUSY where a container was made from the image, which is about to lose its last name. */
static int check_unused(struct removal *removal, const struct catalog_image *image)
{
	struct verb_context *context = removal->context;
	const char *user = NULL;
	char title[REFERENCE_ROOM];
	int r;

	if (removal->force)
		return 0;
	r = roots_find_user(
		&context->storage, &image->manifest, &context->arena, &user, &context->err);
	if (r < 0 || !user)
		return r;
	(void)err_set(&context->err, -EBUSY, catalog_title(image, title),
		"the container %s was made from this image", user);
	err_hint(&context->err,
		"`immure rm %s` removes it; --force takes the name away and leaves the image for "
		"it",
		user);
	return -EBUSY;
}

/* manifest NULL: whatever it means. gone: one that somebody else has taken away, or given to
 * another image, since all of them were looked at is no error. */
static int untag(struct removal *removal, const struct reference *name,
	const struct digest *manifest, bool gone)
{
	struct verb_context *context = removal->context;
	char text[REFERENCE_ROOM];
	struct err err = {0};
	int r = manifest ? tag_remove_meaning(&context->storage, name, manifest, &err)
			 : tag_remove(&context->storage, name, &err);

	if (r == 0)
		(void)printf("Untagged: %s\n", reference_format(name, text));
	if (r == -ENOENT && gone)
		return 0;
	if (r < 0)
		context->err = err;
	return r;
}

/* By a name: that one goes, and the image where it was the last one. */
static int remove_name(
	struct removal *removal, const struct catalog_image *image, const struct reference *name)
{
	int r = image->name_count > 1 ? 0 : check_unused(removal, image);

	return r == 0 ? untag(removal, name, NULL, removal->ignore) : r;
}

static int remove_manifest(struct removal *removal, const struct catalog_image *image)
{
	struct verb_context *context = removal->context;
	int r = check_unused(removal, image);

	for (size_t i = 0; r == 0 && i < image->name_count; i++)
		r = untag(removal, &image->names[i], &image->manifest, true);
	return r == 0 ? tag_drop(&context->storage, &image->manifest, &context->err) : r;
}

/* By its id: all of its names, and what names remember of it, in whatever manifests. */
static int remove_image(struct removal *removal, const struct catalog_image *image)
{
	struct verb_context *context = removal->context;
	const struct catalog *catalog = &removal->catalog;
	char title[REFERENCE_ROOM];
	size_t names = 0;
	int r = 0;

	for (size_t i = 0; i < catalog->count; i++)
		if (&catalog->images[i] == image || catalog_same_id(&catalog->images[i], image))
			names += catalog->images[i].name_count;
	if (names > 1 && !removal->force) {
		(void)err_set(&context->err, -EBUSY, catalog_title(image, title),
			"this image has %zu names", names);
		err_hint(&context->err, "remove them one by one, or all of them with --force");
		return -EBUSY;
	}
	for (size_t i = 0; r == 0 && i < catalog->count; i++)
		if (&catalog->images[i] == image || catalog_same_id(&catalog->images[i], image))
			r = remove_manifest(removal, &catalog->images[i]);
	return r;
}

/* What a damaged name means is not known; that it is to go is. -ENOENT where it is not damaged. */
static int untag_damaged(struct removal *removal, const char *word)
{
	struct verb_context *context = removal->context;
	struct reference name;
	struct tag tag;
	int r = short_complete(&context->storage, word, &name, NULL);

	if (r == 0)
		r = tag_read(&context->storage, &name, &context->arena, &tag, NULL);
	return r == -EBADMSG ? untag(removal, &name, NULL, false) : -ENOENT;
}

static int remove_word(struct removal *removal, const char *word)
{
	struct verb_context *context = removal->context;
	const struct reference *name = NULL;
	struct catalog_image *image = NULL;
	struct err err = {0};
	int r;

	/* anew each time: an earlier word may have taken a name from this image */
	r = catalog_read_quietly(
		&context->storage, &context->arena, &removal->catalog, &context->err);
	if (r < 0)
		return r;
	r = catalog_find(&removal->catalog, word, &image, &name, &err);
	if (r == -ENOENT && untag_damaged(removal, word) == 0)
		return 0;
	if (r == -ENOENT && removal->ignore && !context->err.code)
		return 0;
	if (r < 0 && !context->err.code)
		context->err = err;
	if (r < 0)
		return r;
	return name ? remove_name(removal, image, name) : remove_image(removal, image);
}

static int remove_all(struct removal *removal)
{
	struct verb_context *context = removal->context;
	int r = catalog_read_quietly(
		&context->storage, &context->arena, &removal->catalog, &context->err);

	for (size_t i = 0; r == 0 && i < removal->catalog.count; i++)
		r = remove_manifest(removal, &removal->catalog.images[i]);
	return r;
}

static void print_sum(const struct collected *done)
{
	char size[PRINT_SIZE_ROOM];

	(void)printf("Removed %zu images, %zu blobs (%s), %zu layers, %zu leftovers\n",
		done->records, done->blobs, print_size(done->bytes, size), done->layers,
		done->leftovers);
}

/* What is gone, by comparing with what was there. */
static void tell_deleted(struct verb_context *context, const struct catalog *before)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct catalog_image *image = &before->images[i];
		struct image_record record;

		if (record_read(&context->storage, &image->manifest, &context->arena, &record,
			    NULL) == -ENOENT)
			(void)printf("Deleted: %s\n", image->fault
							      ? image->manifest.text
							      : image->image.config.record.id.text);
	}
}

static bool is_no_room(int code)
{
	return code == -ENOSPC || code == -EDQUOT;
}

/*
 * The end of a removal, whose names are gone: r is what came of it. hold is closed: it kept
 * whatever a name meant from being collected before the index was written. Where there is no room
 * for that, collecting makes some, and it is written after.
 */
static int finish_removal(struct verb_context *context, const struct catalog *before, int hold,
	bool everything, int r, struct collected *ret)
{
	struct err err = {0};
	/* also where a later name failed: the earlier ones are gone */
	int updated = index_update(&context->storage, &err);

	(void)close(hold); /* a lock: nothing was written through it */
	if (r == 0 && (updated == 0 || is_no_room(updated)))
		r = collect(&context->storage, everything, ret, &context->err);
	if (r == 0 && ret->busy)
		print_note("an image is being pulled or made at the moment: what nothing refers to "
			   "is removed the next time");
	if (r == 0 && is_no_room(updated)) {
		_cleanup_close_ int again = collect_hold(&context->storage, &context->err);

		err = (struct err){0};
		updated = again < 0 ? again : index_update(&context->storage, &err);
	}
	if (r < 0)
		return r;
	if (updated < 0 && !context->err.code)
		context->err = err;
	if (updated == 0)
		tell_deleted(context, before);
	return updated;
}

int verb_rm(struct verb_context *context, int argc, char **argv)
{
	struct removal removal = {.context = context};
	const struct option options[] = {
		{"force", 'f', OPTION_FLAG, &removal.force},
		{"all", 'a', OPTION_FLAG, &removal.all},
		{"ignore", 'i', OPTION_FLAG, &removal.ignore},
	};
	struct collected done = {0};
	struct catalog before = {0};
	int hold, r;

	r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 0, 1024, &context->err);
	if (r == 0 && (argc > 1) == removal.all)
		r = err_set(&context->err, -EINVAL, argv[0],
			"needs names of images, or --all, but not both");
	if (r < 0)
		return r;
	/* held, so that nothing is collected between a name's end and the index */
	hold = collect_hold(&context->storage, &context->err);
	if (hold < 0)
		return hold;
	r = catalog_read_quietly(&context->storage, &context->arena, &before, &context->err);
	if (r == 0 && removal.all)
		r = remove_all(&removal);
	for (int i = 1; r == 0 && i < argc; i++)
		r = remove_word(&removal, argv[i]);
	return finish_removal(context, &before, hold, false, r, &done);
}

/* ---- prune ---- */

/* One that is gone, or means another image since it was looked at, is none of ours. */
static int forget_name(
	struct verb_context *context, const struct reference *name, const struct digest *manifest)
{
	struct err err = {0};
	int r = tag_remove_meaning(&context->storage, name, manifest, &err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		context->err = err;
	return r;
}

/* --all: the names of images that no container was made from. */
static int forget_unused(struct verb_context *context)
{
	struct catalog catalog = {0};
	int r = catalog_read_quietly(&context->storage, &context->arena, &catalog, &context->err);

	for (size_t i = 0; r == 0 && i < catalog.count; i++) {
		const struct catalog_image *image = &catalog.images[i];
		const char *user = NULL;

		r = roots_find_user(
			&context->storage, &image->manifest, &context->arena, &user, &context->err);
		for (size_t j = 0; r == 0 && !user && j < image->name_count; j++)
			r = forget_name(context, &image->names[j], &image->manifest);
	}
	return r;
}

int verb_prune(struct verb_context *context, int argc, char **argv)
{
	bool all = false, force = false;
	const struct option options[] = {
		{"all", 'a', OPTION_FLAG, &all},
		{"force", 'f', OPTION_FLAG, &force}, /* podman's: do not ask; nobody does here */
	};
	struct collected done = {0};
	struct catalog before = {0};
	int hold, r;

	r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 0, 0, &context->err);
	if (r < 0)
		return r;
	hold = collect_hold(&context->storage, &context->err);
	if (hold < 0)
		return hold;
	r = catalog_read_quietly(&context->storage, &context->arena, &before, &context->err);
	if (r == 0)
		r = tag_forget(&context->storage, &context->err);
	if (r == 0 && all)
		r = forget_unused(context);
	r = finish_removal(context, &before, hold, true, r, &done);
	if (r == 0 && !done.busy)
		print_sum(&done);
	return r;
}
