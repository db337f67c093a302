/*
 * Records. What is accepted is written again and read again to the same; every value of it is one
 * that a launch takes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "image/record.h"
#include "util/arena.h"
#include "util/overlay.h"

static void check_record(const struct image_record *record)
{
	HOLDS(digest_is_valid(record->manifest.text) && digest_is_valid(record->id.text));
	HOLDS(record->layer_count >= 1 && record->layer_count <= OVERLAY_LAYERS);
	for (size_t i = 0; i < record->layer_count; i++)
		HOLDS(digest_is_valid(record->chains[i].text));
	for (const char *const *variable = record->environment; *variable; variable++)
		HOLDS(strchr(*variable, '=') && **variable != '=');
	for (const char *const *volume = record->volumes; *volume; volume++)
		HOLDS((*volume)[0] == '/' && (*volume)[1] && !strstr(*volume, "/../"));
	HOLDS(record->workdir[0] == '/' && !strstr(record->workdir, "/../"));
	HOLDS(record->stop_signal >= 0 && record->stop_signal <= 64);
	HOLDS(!record_user_fault(record->user) && strlen(record->user) < 256);
}

/* What would not be read back is not written. */
static void check_refusals(const struct image_record *record)
{
	static const char *const odd[] = {"A=\xff", NULL}, *const bare[] = {"A", NULL};
	struct digest none = {""};
	struct image_record bad[6];
	size_t length;
	char *text;

	HOLDS(record_text_fault("\xff"));
	for (size_t i = 0; i < 6; i++)
		bad[i] = *record;
	bad[0].user = "1e0";
	bad[1].user = "\xff";
	bad[2].environment = odd;
	bad[3].environment = bare;
	bad[4].chains = &none;
	bad[4].layer_count = 1;
	bad[5].layer_count = 0;
	for (size_t i = 0; i < 6; i++)
		HOLDS(record_emit(&bad[i], &text, &length, NULL) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_record record, again;
	struct arena arena = {0};
	char *text = malloc(size + 1), *first = NULL, *second = NULL;
	size_t first_length, second_length;
	struct err err = {0};
	int r;

	HOLDS(text);
	memcpy(text, data, size);
	text[size] = '\0';
	r = record_parse("record", text, size, &arena, &record, &err);
	HOLDS(!r == !err.code);
	if (r == 0) {
		check_record(&record);
		check_refusals(&record);
		HOLDS(record_emit(&record, &first, &first_length, NULL) == 0);
		HOLDS(record_parse("record", first, first_length, &arena, &again, NULL) == 0);
		HOLDS(record_emit(&again, &second, &second_length, NULL) == 0);
		HOLDS(first_length == second_length && memcmp(first, second, first_length) == 0);
		free(first);
		free(second);
	} else {
		HOLDS(r == -EBADMSG && err.message[0]);
	}
	arena_free(&arena);
	free(text);
	return 0;
}
