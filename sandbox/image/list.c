/* `immure images`: what is here. */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <time.h>

#include "image/catalog.h"
#include "image/digest_set.h"
#include "image/options.h"
#include "image/print.h"
#include "image/print_table.h"
#include "image/template.h"
#include "image/verbs.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/text.h"

struct listing {
	struct verb_context *context;
	struct catalog catalog;
	bool all, quiet, whole, digests, no_heading;
	const char *format; /* NULL: the table */
	struct option_texts filters;
	const char *operand;
	struct table table;
	json_t *array;            /* of --format=json */
	struct digest_set listed; /* ids, with --quiet */
	int64_t now;
};

/* ---- which ---- */

static bool matches(const struct reference *name, const char *pattern)
{
	char whole[REFERENCE_ROOM], short_form[REFERENCE_ROOM];
	struct reference bare = *name;
	const char *forms[4];

	forms[0] = reference_format(name, whole);
	forms[1] = reference_familiar(name, short_form);
	for (size_t i = 0; i < 2; i++)
		if (fnmatch(pattern, forms[i], 0) == 0)
			return true;
	/* without its tag: "debian" is each debian */
	bare.digest.text[0] = '\0';
	for (size_t i = 0; i < 2; i++) {
		const char *text =
			i ? reference_familiar(&bare, whole) : reference_format(&bare, whole);
		char *colon = strrchr(whole, ':');

		if (colon && bare.tag[0] && strcmp(colon + 1, bare.tag) == 0)
			*colon = '\0';
		if (fnmatch(pattern, text, 0) == 0)
			return true;
	}
	return false;
}

static bool has_label(const struct catalog_image *image, const char *wanted)
{
	if (image->fault)
		return false;
	for (const char *const *label = image->image.config.labels; *label; label++)
		if (strcmp(*label, wanted) == 0 ||
			(!strchr(wanted, '=') && text_starts_with(*label, wanted) &&
				(*label)[strlen(wanted)] == '='))
			return true;
	return false;
}

/* Before anything is printed, also where there is nothing to print. */
static int check_filters(const struct listing *listing)
{
	for (size_t i = 0; i < listing->filters.count; i++) {
		const char *filter = listing->filters.items[i];

		if (!text_starts_with(filter, "reference=") &&
			!text_starts_with(filter, "label=") &&
			strcmp(filter, "dangling=true") != 0 &&
			strcmp(filter, "dangling=false") != 0)
			return err_set(&listing->context->err, -EINVAL, filter,
				"is no filter: there are reference=PATTERN, label=NAME[=VALUE] and "
				"dangling=true|false");
	}
	return 0;
}

/* name NULL: an image without a name. */
static bool passes(const struct listing *listing, const struct catalog_image *image,
	const struct reference *name)
{
	bool passed = !listing->operand || (name && matches(name, listing->operand));
	bool dangling_asked = false;

	for (size_t i = 0; passed && i < listing->filters.count; i++) {
		const char *filter = listing->filters.items[i], *value = strchr(filter, '=') + 1;

		if (text_starts_with(filter, "reference="))
			passed = name && matches(name, value);
		else if (text_starts_with(filter, "label="))
			passed = has_label(image, value);
		else
			passed = (strcmp(value, "true") == 0) == !name;
		dangling_asked |= text_starts_with(filter, "dangling=");
	}
	return passed && (name || listing->all || dangling_asked);
}

/* ---- how ---- */

struct row {
	const struct catalog_image *image;
	const char *repository, *tag;
	char id[DIGEST_ROOM], since[PRINT_AGE_ROOM], at[PRINT_TIME_ROOM], size[PRINT_SIZE_ROOM];
};

static int fill_row(const struct listing *listing, const struct catalog_image *image,
	const struct reference *name, struct row *row)
{
	char text[REFERENCE_ROOM];

	row->image = image;
	row->repository = "<none>";
	row->tag = name && name->tag[0] ? name->tag : "<none>";
	if (name) {
		(void)snprintf(text, sizeof(text), "%s/%s", name->registry, name->repository);
		row->repository = arena_copy(&listing->context->arena, text);
	}
	(void)catalog_id(image->fault ? &image->manifest : &image->image.config.record.id,
		listing->whole, row->id);
	(void)print_age(image->created, listing->now, row->since);
	(void)print_time(image->created, row->at);
	(void)print_size(image->size, row->size);
	if (image->fault) {
		(void)snprintf(row->since, sizeof(row->since), "damaged");
		(void)snprintf(row->size, sizeof(row->size), "?");
	}
	return row->repository ? 0 : err_no_memory(&listing->context->err);
}

static json_t *row_json(const struct row *row)
{
	const struct catalog_image *image = row->image;
	const struct image_config *config = &image->image.config;
	const char *const none[] = {NULL};

	return json_pack("{ss ss ss ss ss ss ss ss ss ss so so so ss ss so}", "ID", row->id, "Id",
		image->fault ? "" : digest_hex(&config->record.id), "Repository", row->repository,
		"Tag", row->tag, "Digest", image->manifest.text, "Created", row->since,
		"CreatedSince", row->since, "CreatedAt", row->at, "Size", row->size, "VirtualSize",
		row->size, "Names", catalog_tags_json(image), "RepoTags", catalog_tags_json(image),
		"RepoDigests", catalog_digests_json(image), "Architecture",
		image->fault ? "" : config->record.architecture, "Os",
		image->fault ? "" : config->record.os, "Labels",
		catalog_labels_json(image->fault ? none : config->labels));
}

/* What stands above a column of `table {{.Field}}`. */
static json_t *headings(void)
{
	static const char *const names[][2] = {
		{"ID", "IMAGE ID"},
		{"Id", "IMAGE ID"},
		{"Repository", "REPOSITORY"},
		{"Tag", "TAG"},
		{"Digest", "DIGEST"},
		{"Created", "CREATED"},
		{"CreatedSince", "CREATED"},
		{"CreatedAt", "CREATED AT"},
		{"Size", "SIZE"},
		{"VirtualSize", "VIRTUAL SIZE"},
		{"Names", "NAMES"},
		{"RepoTags", "NAMES"},
		{"RepoDigests", "DIGESTS"},
		{"Architecture", "ARCHITECTURE"},
		{"Os", "OS"},
		{"Labels", "LABELS"},
	};
	json_t *object = json_object();

	for (size_t i = 0; object && i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_set_new(object, names[i][0], json_string(names[i][1]))) {
			json_decref(object);
			return NULL;
		}
	return object;
}

/* Takes value. */
static int add_rendered(struct listing *listing, json_t *value)
{
	bool table = text_starts_with(listing->format, "table ");
	const char *template = listing->format + (table ? strlen("table ") : 0);
	_cleanup_free_ char *text = NULL;
	int r = value ? template_render(template, value, &text, &listing->context->err)
		      : err_no_memory(&listing->context->err);

	json_decref(value);
	if (r < 0)
		return r;
	if (table)
		return table_add_line(&listing->table, text) < 0
			       ? err_no_memory(&listing->context->err)
			       : 0;
	(void)puts(text); /* escaped, value by value; main flushes and tells */
	return 0;
}

static int add_heading(struct listing *listing)
{
	const char *with[] = {"REPOSITORY", "TAG", "DIGEST", "IMAGE ID", "CREATED", "SIZE", NULL};
	const char *without[] = {"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", NULL};

	if (listing->quiet || listing->array || listing->no_heading)
		return 0;
	if (listing->format)
		return text_starts_with(listing->format, "table ")
			       ? add_rendered(listing, headings())
			       : 0;
	return table_add(&listing->table, listing->digests ? with : without);
}

static int add_row(
	struct listing *listing, const struct catalog_image *image, const struct reference *name)
{
	struct row row;
	int r = fill_row(listing, image, name, &row);
	const char *with[] = {
		row.repository, row.tag, image->manifest.text, row.id, row.since, row.size, NULL};
	const char *without[] = {row.repository, row.tag, row.id, row.since, row.size, NULL};

	if (r < 0)
		return r;
	if (listing->format)
		return add_rendered(listing, row_json(&row));
	return table_add(&listing->table, listing->digests ? with : without);
}

/* Of --format=json: an image is there once, whatever its names. */
static json_t *image_json(const struct catalog_image *image)
{
	const struct image_config *config = &image->image.config;
	const char *const none[] = {NULL};
	char at[PRINT_TIME_ROOM];

	return json_pack("{ss so so so ss sI ss sI ss ss so sb}", "Id",
		image->fault ? "" : digest_hex(&config->record.id), "Names",
		catalog_tags_json(image), "RepoTags", catalog_tags_json(image), "RepoDigests",
		catalog_digests_json(image), "Digest", image->manifest.text, "Created",
		(json_int_t)image->created, "CreatedAt", print_time(image->created, at), "Size",
		(json_int_t)image->size, "Architecture",
		image->fault ? "" : config->record.architecture, "Os",
		image->fault ? "" : config->record.os, "Labels",
		catalog_labels_json(image->fault ? none : config->labels), "Damaged",
		image->fault != 0);
}

/* Once an image, where its id or its object is all there is to print. */
static int add_once(struct listing *listing, const struct catalog_image *image)
{
	const struct digest *whole =
		image->fault ? &image->manifest : &image->image.config.record.id;
	char id[DIGEST_ROOM];

	if (listing->array)
		return json_array_append_new(listing->array, image_json(image))
			       ? err_no_memory(&listing->context->err)
			       : 0;
	if (digest_set_has(&listing->listed, whole))
		return 0;
	(void)puts(catalog_id(whole, listing->whole, id)); /* main flushes and tells */
	return digest_set_add(&listing->listed, &listing->context->arena, whole) < 0
		       ? err_no_memory(&listing->context->err)
		       : 0;
}

static int add_image(struct listing *listing, const struct catalog_image *image)
{
	bool once = listing->quiet || listing->array, shown = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < (image->name_count ? image->name_count : 1); i++) {
		const struct reference *name = image->name_count ? &image->names[i] : NULL;

		if (!passes(listing, image, name))
			continue;
		shown = true;
		if (!once)
			r = add_row(listing, image, name);
	}
	return r == 0 && once && shown ? add_once(listing, image) : r;
}

/* A template is wrong also where there is nothing to print by it. */
static int check_template(const struct listing *listing)
{
	json_t *example = listing->format && listing->catalog.count == 0 ? headings() : NULL;
	_cleanup_free_ char *text = NULL;
	int r = 0;

	if (example)
		r = template_render(listing->format, example, &text, &listing->context->err);
	json_decref(example);
	return r;
}

static int print_all(struct listing *listing)
{
	int r = check_template(listing);

	if (r == 0)
		r = add_heading(listing);

	for (size_t i = 0; r == 0 && i < listing->catalog.count; i++)
		r = add_image(listing, &listing->catalog.images[i]);
	if (r < 0)
		return err_set(&listing->context->err, r, NULL, "%s", strerror(-r));
	if (!listing->array) {
		table_print(&listing->table, stdout);
		return 0;
	}
	r = print_json(stdout, listing->array, true);
	(void)puts(""); /* main flushes and tells */
	return r < 0 ? err_set(&listing->context->err, r, NULL, "out of memory") : 0;
}

int verb_list(struct verb_context *context, int argc, char **argv)
{
	struct listing listing = {.context = context, .table = {.arena = &context->arena}};
	const struct option options[] = {
		{"all", 'a', OPTION_FLAG, &listing.all},
		{"quiet", 'q', OPTION_FLAG, &listing.quiet},
		{"no-trunc", 0, OPTION_FLAG, &listing.whole},
		{"digests", 0, OPTION_FLAG, &listing.digests},
		{"noheading", 'n', OPTION_FLAG, &listing.no_heading},
		{"format", 0, OPTION_TEXT, &listing.format},
		{"filter", 'f', OPTION_TEXTS, &listing.filters},
	};
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 0, 1, &context->err);

	if (r == 0)
		r = check_filters(&listing);
	if (r < 0)
		return r;
	listing.operand = argv[1];
	listing.now = time(NULL);
	if (listing.format && strcmp(listing.format, "json") == 0) {
		listing.format = NULL;
		listing.array = json_array();
		if (!listing.array)
			return err_no_memory(&context->err);
	}
	r = catalog_read(&context->storage, &context->arena, &listing.catalog, &context->err);
	if (r == 0)
		r = print_all(&listing);
	json_decref(listing.array);
	return r;
}
