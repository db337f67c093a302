/* `immure history`: how an image came to be, the youngest step first. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "image/catalog.h"
#include "image/options.h"
#include "image/print.h"
#include "image/print_table.h"
#include "image/template.h"
#include "image/verbs.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/text.h"

struct step {
	const char *id; /* the image's for the last step; of the others nobody knows it */
	const struct history_entry *entry;
	int64_t created;
	uint64_t size;
};

struct telling {
	struct verb_context *context;
	const struct catalog_image *image;
	bool whole, quiet, human;
	const char *format;
	struct table table;
	json_t *array; /* of --format=json */
	int64_t now;
};

/* Of a layer that is not unpacked the size of its blob: better than nothing. */
static uint64_t layer_size(const struct telling *telling, size_t index)
{
	const struct image *image = &telling->image->image;
	uint64_t size;

	if (index >= image->manifest.layer_count)
		return 0; /* more steps with layers than layers: their writer miscounted */
	if (catalog_layer_size(
		    &telling->context->storage, &image->config.record.chains[index], &size))
		return size;
	return image->manifest.layers[index].size;
}

static json_t *step_json(const struct telling *telling, const struct step *step)
{
	char since[PRINT_AGE_ROOM], at[PRINT_TIME_ROOM], size[PRINT_SIZE_ROOM], by[64];
	const char *created_by = step->entry->created_by;

	if (!telling->whole && strlen(created_by) > 45) {
		/* bytes: half a character is escaped where it is printed */
		(void)snprintf(by, sizeof(by), "%.42s", created_by);
		while (!text_is_utf8(by, strlen(by)))
			by[strlen(by) - 1] = '\0';
		(void)strncat(by, "...", sizeof(by) - strlen(by) - 1);
		created_by = by;
	}
	if (telling->human)
		(void)print_size(step->size, size);
	else
		(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)step->size);
	return json_pack("{ss ss ss ss ss ss ss}", "ID", step->id, "Created",
		step->created ? print_age(step->created, telling->now, since) : "", "CreatedSince",
		step->created ? print_age(step->created, telling->now, since) : "", "CreatedAt",
		step->created ? print_time(step->created, at) : "", "CreatedBy", created_by, "Size",
		size, "Comment", step->entry->comment);
}

static json_t *step_whole_json(const struct step *step)
{
	return json_pack("{ss ss ss sI ss sb}", "id", step->id, "created", step->entry->created,
		"createdBy", step->entry->created_by, "size", (json_int_t)step->size, "comment",
		step->entry->comment, "emptyLayer", step->entry->empty_layer);
}

static int out_of_memory(struct telling *telling)
{
	return err_no_memory(&telling->context->err);
}

/* One line, whatever the template or a comment says. */
static int add_line(struct telling *telling, const char *template, const json_t *value)
{
	_cleanup_free_ char *text = NULL;
	int r = template_render(template, value, &text, &telling->context->err);

	if (r < 0)
		return r;
	return table_add_line(&telling->table, text) < 0 ? out_of_memory(telling) : 0;
}

static const char table_template[] =
	"{{.ID}}\t{{.Created}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";

static int tell_step(struct telling *telling, const struct step *step)
{
	const char *template = telling->format ? telling->format : table_template;
	_cleanup_free_ char *text = NULL;
	json_t *value;
	int r;

	if (telling->quiet) {
		(void)puts(step->id); /* main flushes and tells */
		return 0;
	}
	if (telling->array)
		return json_array_append_new(telling->array, step_whole_json(step))
			       ? out_of_memory(telling)
			       : 0;
	value = step_json(telling, step);
	if (!value)
		return out_of_memory(telling);
	if (telling->format && !text_starts_with(template, "table ")) {
		r = template_render(template, value, &text, &telling->context->err);
		if (r == 0)
			(void)puts(text);
	} else {
		r = add_line(telling,
			template + (text_starts_with(template, "table ") ? strlen("table ") : 0),
			value);
	}
	json_decref(value);
	return r;
}

static int tell_heading(struct telling *telling)
{
	const char *template = telling->format ? telling->format : "table ";
	json_t *names;
	int r;

	if (telling->quiet || telling->array || !text_starts_with(template, "table "))
		return 0;
	names = json_pack("{ss ss ss ss ss ss ss}", "ID", "ID", "Created", "CREATED",
		"CreatedSince", "CREATED", "CreatedAt", "CREATED AT", "CreatedBy", "CREATED BY",
		"Size", "SIZE", "Comment", "COMMENT");
	if (!names)
		return out_of_memory(telling);
	r = add_line(
		telling, telling->format ? template + strlen("table ") : table_template, names);
	json_decref(names);
	return r;
}

static int tell(struct telling *telling)
{
	const struct image_config *config = &telling->image->image.config;
	char id[DIGEST_ROOM];
	size_t layer = 0, count = config->history_count;
	struct step *steps = arena_zeroed(&telling->context->arena, count + 1, sizeof(*steps));
	int r = tell_heading(telling);

	if (!steps)
		return out_of_memory(telling);
	for (size_t i = 0; i < count; i++) {
		const struct history_entry *entry = &config->history[i];

		steps[i] = (struct step){.id = "<missing>", .entry = entry};
		if (config_time(entry->created, &steps[i].created) < 0)
			steps[i].created = 0;
		if (!entry->empty_layer)
			steps[i].size = layer_size(telling, layer++);
	}
	if (count)
		steps[count - 1].id = catalog_id(&config->record.id, telling->whole, id);
	for (size_t i = count; r == 0 && i > 0; i--)
		r = tell_step(telling, &steps[i - 1]);
	if (r < 0)
		return r;
	if (telling->array) {
		r = print_json(stdout, telling->array, true);
		(void)puts(""); /* main flushes and tells */
		return r < 0 ? out_of_memory(telling) : 0;
	}
	table_print(&telling->table, stdout);
	return 0;
}

int verb_history(struct verb_context *context, int argc, char **argv)
{
	struct telling telling = {.context = context,
		.human = true,
		.table = {.arena = &context->arena},
		.now = time(NULL)};
	const struct option options[] = {
		{"no-trunc", 0, OPTION_FLAG, &telling.whole},
		{"quiet", 'q', OPTION_FLAG, &telling.quiet},
		{"human", 'H', OPTION_FLAG, &telling.human},
		{"format", 0, OPTION_TEXT, &telling.format},
	};
	const struct reference *name;
	struct catalog_image *image = NULL;
	struct catalog catalog = {0};
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 1, 1, &context->err);

	if (r == 0)
		r = catalog_read(&context->storage, &context->arena, &catalog, &context->err);
	if (r == 0)
		r = catalog_find(&catalog, argv[1], &image, &name, &context->err);
	if (r < 0 || !image)
		return r;
	if (image->fault) {
		context->err = image->err;
		return image->fault;
	}
	telling.image = image;
	if (telling.format && strcmp(telling.format, "json") == 0) {
		telling.format = NULL;
		telling.array = json_array();
		if (!telling.array)
			return out_of_memory(&telling);
	}
	r = tell(&telling);
	json_decref(telling.array);
	return r;
}
