/* Names: what they mean, what they meant, and that nobody's change is lost. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "image/tag.h"
#include "image_fixture.h"

static struct digest digest_of(unsigned number)
{
	struct digest digest;

	(void)snprintf(digest.text, sizeof(digest.text), "sha256:%064x", number);
	return digest;
}

static void check_meanings(void)
{
	struct fixture fixture;
	struct reference name = fixture_name("debian:12");
	struct digest one = digest_of(1), two = digest_of(2), found;
	struct tag tag;
	struct err err = {0};

	fixture_open(&fixture);
	check_int(tag_read(&fixture.storage, &name, &fixture.arena, &tag, &err), -ENOENT,
		"a name that means nothing");
	check_text(err.where, "docker.io/library/debian:12", "is named whole");
	check_int(tag_remove(&fixture.storage, &name, NULL), -ENOENT, "and cannot be removed");
	check_int(tag_rollback(&fixture.storage, &name, &found, NULL), -ENOENT, "nor rolled back");
	check_int(tag_set(&fixture.storage, &name, &one, NULL), 0, "it is given a meaning");
	check_int(tag_set(&fixture.storage, &name, &one, NULL), 0, "the same again");
	MUST(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL) == 0);
	check(tag.meaning_count == 1 && digest_equal(&tag.meanings[0].manifest, &one),
		"is one meaning");
	check(tag.meanings[0].since > 1500000000, "since some time");
	check_int(tag_rollback(&fixture.storage, &name, &found, NULL), -ENODATA,
		"there is nothing to go back to");
	check_int(tag_set(&fixture.storage, &name, &two, NULL), 0, "another meaning");
	MUST(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL) == 0);
	check(tag.meaning_count == 2 && digest_equal(&tag.meanings[0].manifest, &two) &&
			digest_equal(&tag.meanings[1].manifest, &one),
		"the newest comes first");
	check_int(tag_rollback(&fixture.storage, &name, &found, NULL), 0, "rolled back");
	check(digest_equal(&found, &one), "to the first");
	MUST(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL) == 0);
	check(tag.meaning_count == 1 && digest_equal(&tag.meanings[0].manifest, &one),
		"which is all it means");
	for (unsigned i = 0; i < 100; i++) {
		found = digest_of(100 + i);
		MUST(tag_set(&fixture.storage, &name, &found, NULL) == 0);
	}
	MUST(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL) == 0);
	check_int((long long)tag.meaning_count, TAG_MEANINGS, "so many are remembered");
	found = digest_of(199);
	check(digest_equal(&tag.meanings[0].manifest, &found), "the newest of them");
	two = digest_of(198);
	check_int(tag_drop(&fixture.storage, &two, NULL), 0, "one is dropped");
	check_int(tag_drop(&fixture.storage, &found, NULL), 0, "the present one is not");
	MUST(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL) == 0);
	two = digest_of(197);
	check(tag.meaning_count == TAG_MEANINGS - 1 &&
			digest_equal(&tag.meanings[0].manifest, &found) &&
			digest_equal(&tag.meanings[1].manifest, &two),
		"and the others stay");
	check_int(tag_forget(&fixture.storage, NULL), 0, "all is forgotten");
	MUST(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL) == 0);
	check(tag.meaning_count == 1 && digest_equal(&tag.meanings[0].manifest, &found),
		"but what it means");
	check_int(tag_remove(&fixture.storage, &name, NULL), 0, "removed");
	check(faccessat(fixture.storage.directory, "tags/docker.io", F_OK, 0) < 0 &&
			faccessat(fixture.storage.directory, "tags", F_OK, 0) == 0,
		"with its directories, but for tags/ itself");
	fixture_close(&fixture);
}

/* What failed is taken back, and nothing that another has written since. */
static void check_taking_back(void)
{
	struct fixture fixture;
	struct reference name = fixture_name("debian:12"), other = fixture_name("debian/more:12");
	struct digest one = digest_of(1), two = digest_of(2);
	struct tag tag;

	fixture_open(&fixture);
	check_int(tag_take_back(&fixture.storage, &name, &one, NULL), -ENOENT, "there is none");
	check(!tag_has_any(&fixture.storage, &name), "of that repository");
	MUST(tag_set(&fixture.storage, &name, &one, NULL) == 0);
	check(tag_has_any(&fixture.storage, &name), "then there is one");
	check(!tag_has_any(&fixture.storage, &other), "but none of one below");
	MUST(tag_set(&fixture.storage, &name, &two, NULL) == 0);
	check_int(tag_take_back(&fixture.storage, &name, &one, NULL), 0, "another has come since");
	MUST(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL) == 0);
	check(tag.meaning_count == 2 && digest_equal(&tag.meanings[0].manifest, &two), "it stays");
	check_int(tag_take_back(&fixture.storage, &name, &two, NULL), 0, "the last one");
	MUST(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL) == 0);
	check(tag.meaning_count == 1 && digest_equal(&tag.meanings[0].manifest, &one),
		"gives way to the one before");
	check_int(tag_take_back(&fixture.storage, &name, &one, NULL), 0, "the only one");
	check_int(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL), -ENOENT,
		"leaves no name");
	fixture_close(&fixture);
}

static void check_list(void)
{
	static const char *const names[] = {"debian:12", "localhost:5000/a/b/c:x", "debian:11",
		"localhost:5000/a:b",
		"quay.io/x/y@sha256:"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
	static const char *const sorted[] = {"docker.io/library/debian:11",
		"docker.io/library/debian:12", "localhost:5000/a/b/c:x", "localhost:5000/a:b",
		"quay.io/x/y@sha256:"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
	struct fixture fixture;
	struct digest one = digest_of(1);
	struct tag *tags = NULL;
	size_t count = 99;
	char text[REFERENCE_ROOM];
	struct err err = {0};
	int fd;

	fixture_open(&fixture);
	check_int(tag_list(&fixture.storage, &fixture.arena, &tags, &count, NULL), 0, "no names");
	check_int((long long)count, 0, "are none");
	for (size_t i = 0; i < 5; i++) {
		struct reference name = fixture_name(names[i]);

		MUST(tag_set(&fixture.storage, &name, &one, NULL) == 0);
	}
	/* what is not ours, or was left by a killed writer */
	fd = openat(fixture.storage.directory, "tags/docker.io/library/debian/.immure-x",
		O_WRONLY | O_CREAT, 0600);
	MUST(fd >= 0);
	(void)close(fd);
	fd = openat(fixture.storage.directory, "tags/README", O_WRONLY | O_CREAT, 0600);
	MUST(fd >= 0);
	(void)close(fd);
	fd = openat(fixture.storage.directory, "tags/:x", O_WRONLY | O_CREAT, 0600);
	MUST(fd >= 0);
	(void)close(fd);
	MUST(symlinkat("../..", fixture.storage.directory, "tags/docker.io/up") == 0);
	check_int(tag_list(&fixture.storage, &fixture.arena, &tags, &count, &err), 0, "five names");
	check_int((long long)count, 5, "are five");
	for (size_t i = 0; i < count && i < 5; i++)
		check_text(reference_format(&tags[i].name, text), sorted[i], "name %zu", i);
	fixture_close(&fixture);
}

static int count_damaged(void *context, const struct reference *name, int code, struct err *reterr)
{
	(void)name;
	(void)reterr;
	*(unsigned *)context += code == -EBADMSG;
	return 0;
}

static void check_damage(void)
{
	static const char good[] =
		"immure tag 1\nsha256:"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const char *const endings[] = {"", " 5", " 5\nx", "\n", " x\n", " -5\n", " 05\n",
		" 99999999999999999999\n", " 5 \n", " 5\n\n", " 5\nsha256:1 5\n"};
	struct fixture fixture;
	struct reference name = fixture_name("a:b");
	struct digest one = digest_of(1);
	struct tag tag, *tags;
	size_t count;
	unsigned damaged = 0;
	char path[128];

	fixture_open(&fixture);
	MUST(tag_set(&fixture.storage, &name, &one, NULL) == 0);
	(void)snprintf(path, sizeof(path), "%s/tags/docker.io/library/a/:b", fixture.path);
	for (size_t i = 0; i <= sizeof(endings) / sizeof(endings[0]); i++) {
		FILE *file = fopen(path, "w");
		struct err err = {0};

		MUST(file);
		if (i < sizeof(endings) / sizeof(endings[0]))
			(void)fprintf(file, "%s%s", good, endings[i]);
		else
			(void)fprintf(file, "immure tag 2\n");
		MUST(fclose(file) == 0);
		check_int(tag_read(&fixture.storage, &name, &fixture.arena, &tag, &err), -EBADMSG,
			"damage %zu is seen", i);
		check(err.hint[0] != '\0', "and told what helps");
	}
	check_int(tag_list(&fixture.storage, &fixture.arena, &tags, &count, NULL), -EBADMSG,
		"no list where a name is damaged");
	check_int(tag_list_each(&fixture.storage, &fixture.arena, count_damaged, &damaged, &tags,
			  &count, NULL),
		0, "but with somebody who is told");
	check(damaged == 1 && count == 0, "of each");
	check_int(tag_set(&fixture.storage, &name, &one, NULL), 0, "a new meaning mends it");
	check_int(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL), 0, "indeed");
	fixture_close(&fixture);
}

static void check_refusals(void)
{
	struct fixture fixture;
	struct reference name = fixture_name("a:b");
	struct digest one = digest_of(1), bad = {"sha256:../../x"};
	struct tag tag;
	static const struct {
		const char *registry, *repository, *tag;
	} names[] = {
		{"", "a", "b"},
		{"..", "a", "b"},
		{".", "a", "b"},
		{"x/y", "a", "b"},
		{"x", "../a", "b"},
		{"x", "a//b", "b"},
		{"x", "a/", "b"},
		{"x", "", "b"},
		{"x", ":a", "b"},
		{"x", "a/.immure", "b"},
		{"x", "a", ""},
		{"x", "a", "../b"},
		{"x", "a", "b/c"},
	};

	fixture_open(&fixture);
	check_int(tag_set(&fixture.storage, &name, &bad, NULL), -EINVAL, "no digest, no meaning");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct reference odd = {.registry = ""};

		(void)stpcpy(odd.registry, names[i].registry);
		(void)stpcpy(odd.repository, names[i].repository);
		(void)stpcpy(odd.tag, names[i].tag);
		check(tag_set(&fixture.storage, &odd, &one, NULL) == -EINVAL &&
				tag_remove(&fixture.storage, &odd, NULL) == -EINVAL &&
				tag_read(&fixture.storage, &odd, &fixture.arena, &tag, NULL) ==
					-EINVAL,
			"name %zu leads nowhere", i);
	}
	/* a link that somebody put in the way is not followed */
	MUST(symlinkat("/tmp", fixture.storage.directory, "tags/docker.io") == 0);
	check(tag_set(&fixture.storage, &name, &one, NULL) < 0, "no link is followed to write");
	check(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL) == -ELOOP,
		"nor to read");
	fixture_close(&fixture);
}

/* Each of many processes adds its own meanings to one name: the history holds them all. */
static void check_concurrent(void)
{
	enum { PROCESSES = 8, EACH = 7 };
	struct fixture fixture;
	struct reference name = fixture_name("shared:1");
	struct tag tag;
	unsigned seen[PROCESSES * EACH] = {0};
	bool all = true;

	fixture_open(&fixture);
	for (unsigned i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			for (unsigned j = 0; j < EACH; j++) {
				struct digest digest = digest_of(i * EACH + j);

				if (tag_set(&fixture.storage, &name, &digest, NULL) < 0)
					_exit(1);
			}
			_exit(0);
		}
	for (unsigned i = 0; i < PROCESSES; i++) {
		int status = 1;

		(void)wait(&status);
		all = all && status == 0;
	}
	check(all, "many processes name at once");
	MUST(tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL) == 0);
	check_int((long long)tag.meaning_count, PROCESSES * EACH, "no meaning is lost");
	for (size_t i = 0; i < tag.meaning_count; i++)
		seen[strtoul(tag.meanings[i].manifest.text + 7, NULL, 16)]++;
	for (unsigned i = 0; i < PROCESSES * EACH; i++)
		all = all && seen[i] == 1;
	check(all, "each of them is there once");
	fixture_close(&fixture);
}

/* One sets, one removes, over and over, directories included; readers see a whole meaning or none.
 */
static void check_against_removal(void)
{
	struct fixture fixture;
	struct reference name = fixture_name("shared:1");
	struct digest one = digest_of(1);
	pid_t setter, remover;
	unsigned whole = 0, none = 0, other = 0;

	fixture_open(&fixture);
	setter = fork();
	if (setter == 0)
		for (;;)
			if (tag_set(&fixture.storage, &name, &one, NULL) < 0)
				_exit(1);
	remover = fork();
	if (remover == 0)
		for (;;) {
			int r = tag_remove(&fixture.storage, &name, NULL);

			if (r < 0 && r != -ENOENT)
				_exit(1);
		}
	for (unsigned i = 0; i < 3000; i++) {
		struct tag tag;
		int r = tag_read(&fixture.storage, &name, &fixture.arena, &tag, NULL);

		whole += r == 0;
		none += r == -ENOENT;
		other += r != 0 && r != -ENOENT;
		arena_free(&fixture.arena);
	}
	check_int(other, 0, "a reader sees a whole meaning (%u) or none (%u)", whole, none);
	check(waitpid(setter, NULL, WNOHANG) == 0, "who sets never fails");
	check(waitpid(remover, NULL, WNOHANG) == 0, "nor who removes");
	(void)kill(setter, SIGKILL);
	(void)kill(remover, SIGKILL);
	(void)waitpid(setter, NULL, 0);
	(void)waitpid(remover, NULL, 0);
	fixture_close(&fixture);
}

int main(void)
{
	check_meanings();
	check_taking_back();
	check_list();
	check_damage();
	check_refusals();
	check_concurrent();
	check_against_removal();
	return check_done();
}
