/*
 * Collection: what is referred to stays, what is not goes, and a store whose users are killed at
 * any moment works, and is clean to `verify -q` (its layers are no archives).
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "image/catalog.h"
#include "image/collect.h"
#include "image/index.h"
#include "image/tag.h"
#include "image/verbs.h"
#include "image_fixture.h"

static const char *const php5[] = {"base layer", "php 5", NULL};
static const char *const php7[] = {"base layer", "php 7", NULL};

static bool file_exists(struct fixture *fixture, const char *format, const struct digest *digest)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s%s", format, digest_hex(digest));
	return faccessat(fixture->storage.directory, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Its record, its blobs, its layers. */
static bool is_whole(struct fixture *fixture, const struct digest *digest)
{
	struct image_record record;
	struct image image;

	if (image_load(&fixture->storage, digest, &fixture->arena, &image, NULL) < 0 ||
		record_read(&fixture->storage, digest, &fixture->arena, &record, NULL) < 0)
		return false;
	for (size_t i = 0; i < record.layer_count; i++)
		if (!file_exists(fixture, "layers/single/", &record.chains[i]) ||
			blob_verify(&fixture->storage, &image.manifest.layers[i].digest, NULL) < 0)
			return false;
	return true;
}

static size_t count_entries(struct fixture *fixture, const char *below)
{
	char command[256];
	unsigned count = 0;
	FILE *pipe;

	(void)snprintf(
		command, sizeof(command), "ls -A %s/%s | grep -cv '^.lock$'", fixture->path, below);
	pipe = popen(command, "r");
	MUST(pipe && fscanf(pipe, "%u", &count) == 1);
	(void)pclose(pipe);
	return count;
}

static struct collected run_collect(struct fixture *fixture, bool everything)
{
	struct collected done = {0};
	struct err err = {0};

	if (collect(&fixture->storage, everything, &done, &err) < 0) {
		printf("# %s: %s\n", err.where, err.message);
		abort();
	}
	return done;
}

static int run_verb(struct fixture *fixture, int (*verb)(struct verb_context *, int, char **),
	char **argv, struct err *ret)
{
	struct verb_context context = {.storage = fixture->storage};
	int argc = 0, saved = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY), r;

	while (argv[argc])
		argc++;
	(void)fflush(stdout);
	(void)dup2(null, STDOUT_FILENO);
	r = verb(&context, argc, argv);
	(void)fflush(stdout);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	(void)close(null);
	arena_free(&context.arena);
	if (ret)
		*ret = context.err;
	return r;
}
#define RUN(fixture, verb, err, ...) \
	run_verb(fixture, verb, (char *[]){"verb", __VA_ARGS__, NULL}, err)

static void check_roots(void)
{
	struct fixture fixture;
	struct digest five, seven;
	struct reference name = fixture_name("php:latest");
	struct collected done;
	struct image_record record;
	struct err err = {0};
	char path[200];
	int held;

	fixture_open(&fixture);
	five = fixture_publish(&fixture, "php:latest", "five", php5);
	seven = fixture_publish(&fixture, "php:latest", "seven", php7);
	done = run_collect(&fixture, true);
	check(done.records == 0 && done.blobs == 0 && done.layers == 0,
		"what a name means and meant stays");
	check(is_whole(&fixture, &five) && is_whole(&fixture, &seven), "both images are whole");
	MUST(record_read(&fixture.storage, &five, &fixture.arena, &record, NULL) == 0);

	/* a container that was made from the former one */
	(void)snprintf(path, sizeof(path), "containers/0123456789abcdef");
	MUST(mkdirat(fixture.storage.directory, path, 0700) == 0);
	(void)snprintf(path, sizeof(path), "containers/0123456789abcdef/image");
	MUST(symlinkat(five.text, fixture.storage.directory, path) == 0);
	MUST(tag_forget(&fixture.storage, NULL) == 0);
	done = run_collect(&fixture, true);
	check(done.records == 0 && is_whole(&fixture, &five),
		"what a container was made from stays");
	check(RUN(&fixture, verb_rm, &err, (char *)record.id.text) == -EBUSY &&
			strstr(err.message, "0123456789ab"),
		"it cannot be removed, and the message names the container");
	MUST(unlinkat(fixture.storage.directory, path, 0) == 0 &&
		symlinkat("nonsense", fixture.storage.directory, path) == 0);
	err = (struct err){0};
	check_int(collect(&fixture.storage, true, &done, &err), -EBADMSG,
		"nothing is collected where a container does not say what it was made from");
	MUST(unlinkat(fixture.storage.directory, path, 0) == 0 &&
		unlinkat(fixture.storage.directory, "containers/0123456789abcdef", AT_REMOVEDIR) ==
			0);

	held = record_hold(&fixture.storage, &five, NULL);
	done = run_collect(&fixture, true);
	check(done.records == 0 && is_whole(&fixture, &five), "what somebody holds stays");
	(void)close(held);
	done = run_collect(&fixture, true);
	check(done.records == 1 && done.blobs == 3 && done.layers == 1,
		"what nothing refers to goes: the record, its own blobs, its own layer");
	check(!file_exists(&fixture, "images/blobs/sha256/", &five), "its manifest, too");
	check(is_whole(&fixture, &seven), "and nothing of the other one");
	check_int((long long)count_entries(&fixture, "staging"), 0, "staging/ is empty");

	MUST(tag_remove(&fixture.storage, &name, NULL) == 0);
	done = run_collect(&fixture, false);
	check(count_entries(&fixture, "records") == 0 &&
			count_entries(&fixture, "images/blobs/sha256") == 0 &&
			count_entries(&fixture, "layers/single") == 0,
		"without names nothing stays");
	fixture_close(&fixture);
}

static void check_makers(void)
{
	struct fixture fixture;
	struct collected done;
	struct digest digest;
	int hold, other;
	time_t before;

	fixture_open(&fixture);
	hold = collect_hold(&fixture.storage, NULL);
	other = collect_hold(&fixture.storage, NULL);
	check(hold >= 0 && other >= 0, "two makers at once");
	digest = fixture_image(&fixture, "five", php5); /* not named yet */
	before = time(NULL);
	done = run_collect(&fixture, true);
	check(done.busy && time(NULL) - before <= 60, "the collector gives up in time");
	check(file_exists(&fixture, "images/blobs/sha256/", &digest),
		"and touches nothing that is being made");
	(void)close(hold);
	(void)close(other);
	done = run_collect(&fixture, true);
	check(!done.busy && done.blobs == 4 && done.layers == 2,
		"what its maker never named goes afterwards");
	fixture_close(&fixture);
}

static void check_leftovers(void)
{
	static const struct {
		const char *name;
		bool directory, old, stays, stays_always;
	} rows[] = {
		{"0123.partial", false, false, true, false},
		{"4567.partial", false, true, false, false},
		{"blob-89ab", false, false, false, false},
		{"layer-cdef", true, false, false, false},
		{"locked", true, true, true, true},
	};
	struct fixture fixture;
	int lock = -1;

	fixture_open(&fixture);
	for (unsigned everything = 0; everything < 2; everything++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			char path[200];
			struct timespec times[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
			int fd;

			(void)snprintf(path, sizeof(path), "staging/%s", rows[i].name);
			if (rows[i].directory) {
				if (mkdirat(fixture.storage.directory, path, 0700))
					MUST(errno == EEXIST);
				(void)snprintf(path, sizeof(path), "staging/%s/x", rows[i].name);
				if (mkdirat(fixture.storage.directory, path, 0))
					MUST(errno == EEXIST);
				(void)snprintf(path, sizeof(path), "staging/%s", rows[i].name);
			} else {
				fd = openat(
					fixture.storage.directory, path, O_WRONLY | O_CREAT, 0600);
				MUST(fd >= 0);
				(void)close(fd);
			}
			if (rows[i].old)
				MUST(utimensat(fixture.storage.directory, path, times, 0) == 0);
			if (rows[i].stays_always && lock < 0) {
				lock = openat(fixture.storage.directory, path, O_RDONLY);
				MUST(lock >= 0 && flock(lock, LOCK_EX) == 0);
			}
		}
		(void)run_collect(&fixture, everything);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			bool stays = everything ? rows[i].stays_always : rows[i].stays;
			char path[200];

			(void)snprintf(path, sizeof(path), "staging/%s", rows[i].name);
			check((faccessat(fixture.storage.directory, path, F_OK, 0) == 0) == stays,
				"%s %s%s", rows[i].name, stays ? "stays" : "goes",
				everything ? " where everything is asked for" : "");
		}
	}
	(void)close(lock);
	fixture_close(&fixture);
}

static void check_damage(void)
{
	struct fixture fixture;
	struct digest five, seven;
	struct collected done;
	struct reference name = fixture_name("php:7");
	struct err err = {0};
	char path[256];
	int fd;

	fixture_open(&fixture);
	five = fixture_publish(&fixture, "php:5", "five", php5);
	seven = fixture_publish(&fixture, "php:7", "seven", php7);
	(void)snprintf(path, sizeof(path), "images/blobs/sha256/%s", digest_hex(&five));
	fd = openat(fixture.storage.directory, path, O_WRONLY | O_TRUNC);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	(void)close(fd);
	MUST(tag_remove(&fixture.storage, &name, NULL) == 0);
	done = run_collect(&fixture, true);
	check(done.records == 1 && done.blobs == 0 && done.layers == 1,
		"where a manifest is damaged no blob goes; layers do, by the record");
	check_int(RUN(&fixture, verb_verify, &err, "-q", NULL), 1, "verify sees it");
	check(!file_exists(&fixture, "images/blobs/sha256/", &five),
		"and removes the blob, so that a pull fetches it");
	check_int(RUN(&fixture, verb_verify, &err, "-q", NULL), 1, "it still says so");
	(void)fixture_publish(&fixture, "php:5", "five", php5);
	check_int(RUN(&fixture, verb_verify, &err, "-q", NULL), 0, "until it is there again");
	done = run_collect(&fixture, true);
	check(done.blobs == 3 && is_whole(&fixture, &five), "then the other one's blobs go");
	(void)seven;

	/* a record that is lost is made anew, a damaged one, too */
	(void)snprintf(path, sizeof(path), "records/%s.json", digest_hex(&five));
	MUST(unlinkat(fixture.storage.directory, path, 0) == 0);
	done = run_collect(&fixture, true);
	check(done.layers == 0, "without its record an image keeps its layers");
	check_int(RUN(&fixture, verb_verify, &err, "-q", NULL), 0, "a lost record is mended");
	check(is_whole(&fixture, &five), "it is whole");
	fd = openat(fixture.storage.directory, path, O_WRONLY | O_TRUNC);
	MUST(fd >= 0 && write(fd, "{}", 2) == 2);
	(void)close(fd);
	check_int(RUN(&fixture, verb_verify, &err, "-q", NULL), 0, "a damaged record is mended");
	check(is_whole(&fixture, &five), "it is whole");
	/* a damaged name goes */
	fd = openat(fixture.storage.directory, "tags/docker.io/library/php/:5", O_WRONLY | O_TRUNC);
	MUST(fd >= 0);
	(void)close(fd);
	check_int(collect(&fixture.storage, true, &done, &err), -EBADMSG,
		"nothing is collected where a name is damaged");
	check_int(RUN(&fixture, verb_verify, &err, "-q", NULL), 0, "a damaged name is mended");
	check_int(collect(&fixture.storage, true, &done, &err), 0, "then it is");
	fixture_close(&fixture);
}

/* ---- what other programs see ---- */

/* The caller's to free. */
static json_t *read_index(struct fixture *fixture)
{
	char path[128];
	json_t *root, *entries;

	(void)snprintf(path, sizeof(path), "%s/images/index.json", fixture->path);
	root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	MUST(root);
	entries = json_incref(json_object_get(root, "manifests"));
	json_decref(root);
	return entries;
}

static void check_index(void)
{
	struct fixture fixture;
	json_t *entries;

	fixture_open(&fixture);
	entries = read_index(&fixture);
	check_int((long long)json_array_size(entries), 0, "an index of nothing");
	json_decref(entries);
	(void)fixture_publish(&fixture, "php:latest", "five", php5);
	(void)fixture_publish(&fixture, "php:latest", "seven", php7);
	entries = read_index(&fixture);
	check_int((long long)json_array_size(entries), 2, "what a name means and what it meant");
	check_text(json_string_value(json_object_get(
			   json_object_get(json_array_get(entries, 0), "annotations"),
			   "org.opencontainers.image.ref.name")),
		"docker.io/library/php:latest", "the first has the whole name");
	check(!json_object_get(json_array_get(entries, 1), "annotations"), "the second has none");
	check_text(
		json_string_value(json_object_get(
			json_object_get(json_array_get(entries, 0), "platform"), "architecture")),
		"amd64", "its platform");
	json_decref(entries);
	fixture_close(&fixture);
}

/* ---- the verbs that change names ---- */

static void check_verbs(void)
{
	struct fixture fixture;
	struct digest five, seven;
	struct reference latest = fixture_name("php:latest"), old = fixture_name("php:old");
	struct image_record record;
	struct tag tag;
	struct err err = {0};

	fixture_open(&fixture);
	five = fixture_publish(&fixture, "php:latest", "five", php5);
	seven = fixture_publish(&fixture, "php:latest", "seven", php7);
	check_int(RUN(&fixture, verb_rollback, &err, "php"), 0, "rolled back");
	MUST(tag_read(&fixture.storage, &latest, &fixture.arena, &tag, NULL) == 0);
	check(digest_equal(&tag.meanings[0].manifest, &five), "to what it meant");
	check_int(RUN(&fixture, verb_rollback, &err, "php"), -ENODATA, "and no further");
	check(is_whole(&fixture, &seven), "what it meant meanwhile is still here");
	check_int(RUN(&fixture, verb_tag, &err, (char *)seven.text, "php:new"), 0,
		"and can be named by its digest");
	check_int(RUN(&fixture, verb_tag, &err, "php", "php:old", "quay.io/x/y:z"), 0, "two names");
	MUST(tag_read(&fixture.storage, &old, &fixture.arena, &tag, NULL) == 0);
	check(digest_equal(&tag.meanings[0].manifest, &five), "mean the same");
	check_int(RUN(&fixture, verb_tag, &err, "php", "php:x", "UPPER"), -EINVAL, "no bad name");
	check(tag_read(&fixture.storage,
		      &(struct reference){
			      .registry = "docker.io", .repository = "library/php", .tag = "x"},
		      &fixture.arena, &tag, NULL) == -ENOENT,
		"then none is given");
	check_int(
		RUN(&fixture, verb_tag, &err, "nothing", "php:x"), -ENOENT, "nor one for nothing");
	MUST(record_read(&fixture.storage, &five, &fixture.arena, &record, NULL) == 0);
	{
		char prefix[8];

		(void)snprintf(prefix, sizeof(prefix), "%.7s", digest_hex(&record.id));
		check_int(RUN(&fixture, verb_rm, &err, prefix), -EBUSY,
			"by its id an image of three names is not removed");
		check_int(RUN(&fixture, verb_rm, &err, "php:old"), 0, "by a name that name is");
		check(is_whole(&fixture, &five), "and no more");
		check_int(RUN(&fixture, verb_rm, &err, "-f", prefix), 0, "unless by force");
	}
	check(record_read(&fixture.storage, &five, &fixture.arena, &record, NULL) == -ENOENT,
		"then it is gone");
	check_int(RUN(&fixture, verb_rm, &err, "php:old"), -ENOENT, "what is gone is not removed");
	check_int(RUN(&fixture, verb_rm, &err, "-i", "php:old"), 0, "unless that is no error");
	check_int(RUN(&fixture, verb_rm, &err, NULL), -EINVAL, "nothing to remove");
	check_int(RUN(&fixture, verb_rm, &err, "-a", "php:new"), -EINVAL, "all and one");
	five = fixture_publish(&fixture, "php:new", "five", php5);
	check_int(RUN(&fixture, verb_prune, &err, NULL), 0, "pruned");
	check(!file_exists(&fixture, "images/blobs/sha256/", &seven) && is_whole(&fixture, &five),
		"what a name meant goes, what it means stays");
	check_int(RUN(&fixture, verb_prune, &err, "-a"), 0, "all pruned");
	check_int((long long)count_entries(&fixture, "images/blobs/sha256"), 0, "nothing stays");
	check_int(RUN(&fixture, verb_verify, &err, "-q", NULL), 0, "an empty store is a good one");
	fixture_close(&fixture);
}

/* ---- killed ---- */

/* Works on the store until it is killed. */
static void work(struct fixture *fixture, unsigned seed)
{
	static const char *const names[] = {"php:latest", "php:5", "a/b:c"};

	srandom(seed);
	for (;;) {
		const char *name = names[(size_t)random() % 3];
		struct reference reference = fixture_name(name);
		struct collected done;
		struct digest digest;
		int hold;

		switch (random() % 5) {
		case 0:
		case 1:
			hold = collect_hold(&fixture->storage, NULL);
			(void)fixture_publish(fixture, name, random() % 2 ? "five" : "seven",
				random() % 2 ? php5 : php7);
			(void)close(hold);
			break;
		case 2:
			(void)tag_remove(&fixture->storage, &reference, NULL);
			(void)index_update(&fixture->storage, NULL);
			break;
		case 3: (void)tag_rollback(&fixture->storage, &reference, &digest, NULL); break;
		default: (void)collect(&fixture->storage, random() % 2, &done, NULL);
		}
		arena_free(&fixture->arena);
	}
}

static bool all_named_are_whole(struct fixture *fixture)
{
	struct tag *tags = NULL;
	size_t count = 0;

	if (tag_list(&fixture->storage, &fixture->arena, &tags, &count, NULL) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < tags[i].meaning_count; j++)
			if (!is_whole(fixture, &tags[i].meanings[j].manifest)) {
				printf("# lost: %s\n", tags[i].meanings[j].manifest.text);
				return false;
			}
	return true;
}

static void check_killed(unsigned rounds)
{
	struct fixture fixture;
	unsigned lost = 0, unclean = 0, unreadable = 0;
	json_t *entries;

	fixture_open(&fixture);
	for (unsigned i = 0; i < rounds; i++) {
		struct timespec moment = {.tv_nsec = 100000 + random() % 25000000};
		struct err err = {0};
		pid_t children[2];

		for (unsigned j = 0; j < 2; j++) {
			children[j] = fork();
			if (children[j] == 0)
				work(&fixture, i * 2 + j);
		}
		(void)nanosleep(&moment, NULL);
		for (unsigned j = 0; j < 2; j++)
			(void)kill(children[j], SIGKILL);
		for (unsigned j = 0; j < 2; j++) {
			int status;

			MUST(waitpid(children[j], &status, 0) == children[j]);
			/* one that failed by itself would make this test idle */
			MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		}
		lost += !all_named_are_whole(&fixture);
		unclean += RUN(&fixture, verb_verify, &err, "-q", NULL) != 0;
		entries = read_index(&fixture);
		unreadable += !json_is_array(entries);
		json_decref(entries);
		if (i % 10 == 9) {
			MUST(tag_forget(&fixture.storage, NULL) == 0);
			(void)run_collect(&fixture, true);
		}
		arena_free(&fixture.arena);
	}
	check_int(lost, 0, "%u kills: what has a name is whole", rounds);
	check_int(unclean, 0, "and verify finds nothing that it cannot mend");
	check_int(unreadable, 0, "and the index can be read");
	MUST(run_verb(&fixture, verb_prune, (char *[]){"prune", "-a", NULL}, NULL) == 0);
	check(count_entries(&fixture, "staging") == 0 &&
			count_entries(&fixture, "images/blobs/sha256") == 0 &&
			count_entries(&fixture, "records") == 0 &&
			count_entries(&fixture, "layers/single") == 0 &&
			count_entries(&fixture, "tags") == 0 &&
			count_entries(&fixture, "images") == 3,
		"and all that the killed ones left is collected");
	fixture_close(&fixture);
}

int main(void)
{
	srandom(20261121);
	check_roots();
	check_makers();
	check_leftovers();
	check_damage();
	check_index();
	check_verbs();
	check_killed(200);
	return check_done();
}
