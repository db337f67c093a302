/* Records: what is written reads back, what is not one is refused, and locks hold what they should.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "image_fixture.h"
#include "util/overlay.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX
#define FIRST "{\"manifest\":\"" SHA "\",\"id\":\"" SHA "\",\"layers\":[\"" SHA "\"]"
#define MIDDLE                                                                                  \
	",\"architecture\":\"amd64\",\"os\":\"linux\",\"user\":\"\",\"environment\":[\"A=b\"]," \
	"\"entrypoint\":[],\"command\":[\"/bin/sh\"]"
#define LAST ",\"workdir\":\"/\",\"volumes\":[],\"stop_signal\":0}"
#define WHOLE FIRST MIDDLE LAST

static const struct {
	const char *what, *text, *where;
} rows[] = {
	{"a record", WHOLE, NULL},
	{"nothing", "", "r:1:1"},
	{"an array", "[]", "r: /"},
	{"a record cut short", FIRST MIDDLE, "r:1:"},
	{"a key too many", FIRST MIDDLE ",\"more\":1" LAST, "r: /"},
	{"a key too few", FIRST MIDDLE ",\"workdir\":\"/\",\"volumes\":[]}", "r: /"},
	{"another key instead", FIRST MIDDLE ",\"workdir\":\"/\",\"volumes\":[],\"signal\":0}",
		"r: /stop_signal"},
	{"no layers", "{\"manifest\":\"" SHA "\",\"id\":\"" SHA "\",\"layers\":[]" MIDDLE LAST,
		"r: /layers"},
	{"layers that are none",
		"{\"manifest\":\"" SHA "\",\"id\":\"" SHA "\",\"layers\":[\"x\"]" MIDDLE LAST,
		"r: /layers"},
	{"a manifest that walks",
		"{\"manifest\":\"../x\",\"id\":\"" SHA "\",\"layers\":[\"" SHA "\"]" MIDDLE LAST,
		"r: /manifest"},
	{"an id that is a number",
		"{\"manifest\":\"" SHA "\",\"id\":4,\"layers\":[\"" SHA "\"]" MIDDLE LAST,
		"r: /id"},
	{"a relative working directory",
		FIRST MIDDLE ",\"workdir\":\"a\",\"volumes\":[],\"stop_signal\":0}", "r: /workdir"},
	{"a working directory that climbs",
		FIRST MIDDLE ",\"workdir\":\"/../x\",\"volumes\":[],\"stop_signal\":0}",
		"r: /workdir"},
	{"one that is not canonical",
		FIRST MIDDLE ",\"workdir\":\"/a/\",\"volumes\":[],\"stop_signal\":0}",
		"r: /workdir"},
	{"a volume over everything",
		FIRST MIDDLE ",\"workdir\":\"/\",\"volumes\":[\"/\"],\"stop_signal\":0}",
		"r: /volumes"},
	{"a signal of 65", FIRST MIDDLE ",\"workdir\":\"/\",\"volumes\":[],\"stop_signal\":65}",
		"r: /stop_signal"},
	{"a negative signal", FIRST MIDDLE ",\"workdir\":\"/\",\"volumes\":[],\"stop_signal\":-1}",
		"r: /stop_signal"},
	{"a signal as text",
		FIRST MIDDLE ",\"workdir\":\"/\",\"volumes\":[],\"stop_signal\":\"9\"}",
		"r: /stop_signal"},
};

static void check_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = {0};
		struct image_record record;
		struct err err = {0};
		int r = record_parse(
			"r", rows[i].text, strlen(rows[i].text), &arena, &record, &err);
		bool right = rows[i].where ? r == -EBADMSG && strncmp(err.where, rows[i].where,
								      strlen(rows[i].where)) == 0
					   : r == 0;

		check(right, "%s %s", rows[i].where ? "refuses" : "accepts", rows[i].what);
		if (!right)
			printf("# %d %s: %s\n", r, err.where, err.message);
		arena_free(&arena);
	}
}

static void check_faults(void)
{
	char long_text[RECORD_STRING + 8];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	check(record_text_fault(long_text) && !record_text_fault(long_text + 8),
		"an argument of 128 KiB with its NUL is the longest");
	check(record_text_fault("\xff") && record_text_fault("\x7f") && record_text_fault("\x01") &&
			!record_text_fault("\t\né"),
		"text is UTF-8 without control characters but tab and newline");
	check(record_word_fault("") && record_word_fault("a b") && !record_word_fault("amd64"),
		"words");
	check(!record_user_fault("") && !record_user_fault("0:0") && record_user_fault("0:") &&
			record_user_fault("é"),
		"users");
	check(!record_path_fault("/") && record_path_fault("") && record_path_fault("/a/./b") &&
			record_path_fault("/a\x1b"),
		"paths");
}

static struct image_record make(const struct digest *chains, size_t count)
{
	static const char *const environment[] = {"A=b\n\tc", "E=\"\\é", NULL};
	static const char *const words[] = {"", "x y", NULL}, *const none[] = {NULL};
	static const char *const volumes[] = {"/data", NULL};
	struct image_record record = {.chains = chains,
		.layer_count = count,
		.architecture = "amd64",
		.os = "linux",
		.user = "app:1",
		.environment = environment,
		.entrypoint = none,
		.command = words,
		.workdir = "/srv",
		.volumes = volumes,
		.stop_signal = 15};

	MUST(digest_parse(SHA, &record.manifest) == 0 && digest_parse(SHA, &record.id) == 0);
	return record;
}

static void check_round(void)
{
	struct digest chains[OVERLAY_LAYERS + 1];
	struct image_record record, again;
	struct arena arena = {0};
	char *text = NULL, *text_again = NULL;
	size_t length, length_again;
	struct err err = {0};

	for (size_t i = 0; i <= OVERLAY_LAYERS; i++)
		MUST(digest_parse(SHA, &chains[i]) == 0);
	record = make(chains, OVERLAY_LAYERS);
	check_int(record_emit(&record, &text, &length, &err), 0, "a record is written");
	check_int(record_parse("r", text, length, &arena, &again, NULL), 0, "and read");
	check_int(record_emit(&again, &text_again, &length_again, NULL), 0, "and written again");
	check_text(text_again, text, "as it was");
	check_text(again.environment[1], "E=\"\\é", "with what had to be escaped");
	free(text);
	free(text_again);
	record = make(chains, OVERLAY_LAYERS + 1);
	check(record_emit(&record, &text, &length, NULL) < 0, "129 layers are not written");
	record = make(chains, 1);
	record.user = "1e0";
	check(record_emit(&record, &text, &length, NULL) < 0,
		"what would not be read is not written");
	record.user = "\xff";
	check(record_emit(&record, &text, &length, NULL) < 0, "nor what is not UTF-8");
	arena_free(&arena);
}

static void check_disk(void)
{
	struct fixture fixture;
	struct digest chain, other = {"sha256:x"};
	struct image_record record, read;
	struct stat before, after;
	struct err err = {0};
	char path[RECORD_PATH_ROOM];
	int held, alone;

	fixture_open(&fixture);
	MUST(digest_parse(SHA, &chain) == 0);
	record = make(&chain, 1);
	check_int(record_read(&fixture.storage, &record.manifest, &fixture.arena, &read, &err),
		-ENOENT, "a record that is not there");
	check(!err.hint[0] && err.message[0], "and no hint");
	check_int(record_hold(&fixture.storage, &record.manifest, NULL), -ENOENT,
		"cannot be held either");
	check_int(record_hold(&fixture.storage, &other, NULL), -EINVAL, "nor what is no digest");
	check_int(record_write(&fixture.storage, &record, NULL), 0, "is written");
	check_int(record_read(&fixture.storage, &record.manifest, &fixture.arena, &read, NULL), 0,
		"and read");
	check_text(read.workdir, "/srv", "with what it says");
	(void)record_path(&record.manifest, path);
	MUST(fstatat(fixture.storage.directory, path, &before, 0) == 0);
	check_int(before.st_mode & 07777, 0600, "is its user's alone");
	check_int(record_write(&fixture.storage, &record, NULL), 0, "written again");
	MUST(fstatat(fixture.storage.directory, path, &after, 0) == 0);
	check(before.st_ino == after.st_ino, "it stays the same file");

	held = record_hold(&fixture.storage, &record.manifest, NULL);
	check(held >= 0, "it is held");
	check_int(record_lock(&fixture.storage, &record.manifest), -EWOULDBLOCK,
		"nobody has it alone then");
	record.workdir = "/other";
	check_int(record_write(&fixture.storage, &record, NULL), 0, "another text for it");
	MUST(fstatat(fixture.storage.directory, path, &after, 0) == 0);
	check(before.st_ino == after.st_ino, "does not replace it while it is held");
	(void)close(held);
	check_int(record_write(&fixture.storage, &record, NULL), 0, "afterwards");
	MUST(fstatat(fixture.storage.directory, path, &after, 0) == 0);
	check(before.st_ino != after.st_ino, "it does");

	alone = record_lock(&fixture.storage, &record.manifest);
	check(alone >= 0, "and somebody has it alone");
	MUST(unlinkat(fixture.storage.directory, path, 0) == 0);
	(void)close(alone);
	check_int(record_hold(&fixture.storage, &record.manifest, NULL), -ENOENT,
		"once removed it cannot be held");

	/* of another image, under this one's name */
	MUST(record_write(&fixture.storage, &record, NULL) == 0);
	MUST(symlinkat("x", fixture.storage.directory, "records/link") == 0);
	MUST(digest_parse("sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		     &other) == 0);
	{
		char name[RECORD_PATH_ROOM];

		MUST(renameat(fixture.storage.directory, path, fixture.storage.directory,
			     record_path(&other, name)) == 0);
	}
	err = (struct err){0};
	check_int(record_read(&fixture.storage, &other, &fixture.arena, &read, &err), -EBADMSG,
		"the record of another image is none");
	check(err.hint[0] != '\0', "and the message says what helps");
	fixture_close(&fixture);
}

int main(void)
{
	check_rows();
	check_faults();
	check_round();
	check_disk();
	return check_done();
}
