/* `immure image tree`: layers, and which images share them. */
#include <errno.h>
#include <string.h>

#include "image/catalog.h"
#include "image/options.h"
#include "image/print.h"
#include "image/verbs.h"
#include "util/arena.h"
#include "util/overlay.h"

struct node {
	struct digest chain;
	size_t parent; /* index, or NONE */
	uint64_t size;
	size_t images; /* that have it */
};
#define NONE SIZE_MAX

struct tree {
	struct verb_context *context;
	struct node *nodes; /* parents before what is on them */
	size_t count;
	const struct catalog_image **images;
	size_t *tops; /* of each image: its uppermost node */
	size_t image_count;
};

static size_t find_node(const struct tree *tree, const struct digest *chain)
{
	for (size_t i = 0; i < tree->count; i++)
		if (digest_equal(&tree->nodes[i].chain, chain))
			return i;
	return NONE;
}

static int add_image(struct tree *tree, const struct catalog_image *image)
{
	const struct image_record *record = &image->image.config.record;
	size_t parent = NONE;

	for (size_t i = 0; i < record->layer_count; i++) {
		size_t index = find_node(tree, &record->chains[i]);
		struct node *node = index == NONE ? NULL : &tree->nodes[index];

		if (!node) {
			node = ARENA_APPEND(&tree->context->arena, tree->nodes, tree->count);

			if (!node)
				return -ENOMEM;
			node->chain = record->chains[i];
			node->parent = parent;
			node->size = image->image.manifest.layers[i].size;
			(void)catalog_layer_size(
				&tree->context->storage, &node->chain, &node->size);
			index = tree->count - 1;
		}
		node->images++;
		parent = index;
	}
	tree->images[tree->image_count] = image;
	tree->tops[tree->image_count++] = parent;
	return 0;
}

static bool has_next(const struct tree *tree, size_t index)
{
	for (size_t i = index + 1; i < tree->count; i++)
		if (tree->nodes[i].parent == tree->nodes[index].parent)
			return true;
	return false;
}

static void print_names(const struct tree *tree, size_t index)
{
	char title[REFERENCE_ROOM];

	for (size_t i = 0; i < tree->image_count; i++) {
		if (tree->tops[i] != index)
			continue;
		if (!tree->images[i]->name_count)
			(void)printf("  %s", catalog_title(tree->images[i], title));
		for (size_t j = 0; j < tree->images[i]->name_count; j++)
			(void)printf("  %s", reference_format(&tree->images[i]->names[j], title));
	}
}

/* What is drawn before a node: a bar below each ancestor that has a younger sibling. */
static void print_branches(const struct tree *tree, size_t index)
{
	size_t path[OVERLAY_LAYERS], depth = 0;

	for (size_t at = index; at != NONE && depth < OVERLAY_LAYERS; at = tree->nodes[at].parent)
		path[depth++] = at;
	for (size_t i = depth; i-- > 1;)
		(void)fputs(i == depth - 1 ? "" : has_next(tree, path[i]) ? "│  " : "   ", stdout);
	if (depth > 1)
		(void)fputs(has_next(tree, index) ? "├─ " : "└─ ", stdout);
}

static void print_node(const struct tree *tree, size_t index)
{
	const struct node *node = &tree->nodes[index];
	char id[DIGEST_ROOM], size[PRINT_SIZE_ROOM];

	print_branches(tree, index);
	(void)printf("%s  %s", catalog_id(&node->chain, false, id), print_size(node->size, size));
	if (node->images > 1)
		(void)printf("  (%zu images)", node->images);
	print_names(tree, index);
	(void)putchar('\n'); /* main flushes and tells */
}

/* No deeper than an image has layers. */
static void print_below(const struct tree *tree, size_t parent)
{
	for (size_t i = parent == NONE ? 0 : parent + 1; i < tree->count; i++)
		if (tree->nodes[i].parent == parent) {
			print_node(tree, i);
			print_below(tree, i);
		}
}

static void print_sum(const struct tree *tree)
{
	char once[PRINT_SIZE_ROOM], alone[PRINT_SIZE_ROOM];
	uint64_t shared = 0, unshared = 0;

	for (size_t i = 0; i < tree->count; i++) {
		shared += tree->nodes[i].size;
		unshared += tree->nodes[i].size * tree->nodes[i].images;
	}
	(void)printf("%zu images, %zu layers: %s, instead of %s without sharing\n",
		tree->image_count, tree->count, print_size(shared, once),
		print_size(unshared, alone));
}

int verb_tree(struct verb_context *context, int argc, char **argv)
{
	struct tree tree = {.context = context};
	const struct reference *name;
	struct catalog_image *image = NULL;
	struct catalog catalog = {0};
	size_t room;
	int r = options_take(NULL, 0, &context->arena, &argc, argv, 0, 1024, &context->err);

	if (r == 0)
		r = catalog_read(&context->storage, &context->arena, &catalog, &context->err);
	if (r < 0)
		return r;
	room = catalog.count + (size_t)argc;
	tree.images = arena_zeroed(&context->arena, room, sizeof(*tree.images));
	tree.tops = arena_zeroed(&context->arena, room, sizeof(*tree.tops));
	if (!tree.images || !tree.tops)
		return err_no_memory(&context->err);
	for (size_t i = 0; r == 0 && argc < 2 && i < catalog.count; i++)
		if (catalog.images[i].fault == 0)
			r = add_image(&tree, &catalog.images[i]);
	for (int i = 1; r == 0 && i < argc; i++) {
		r = catalog_find(&catalog, argv[i], &image, &name, &context->err);
		if (r == 0 && image && image->fault) {
			context->err = image->err;
			return image->fault;
		}
		if (r == 0 && image)
			r = add_image(&tree, image);
	}
	if (r < 0)
		return err_set(&context->err, r, NULL, "%s", strerror(-r));
	print_below(&tree, NONE);
	print_sum(&tree);
	return 0;
}
