/* The storage, and the second program at work in it: see place.h. */
#include "cli/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cli/launching.h"
#include "util/cleanup.h"
#include "util/path.h"

/* A jail of root's has nobody's ids (isolation/idmap.h): they cannot so much as enter a directory
 * that is root's alone. */
static int refuse_root(struct arena *arena, struct err *reterr)
{
	struct host host = {0};
	int r = getuid() == 0 ? host_probe(0, arena, &host, reterr) : 0;

	if (r < 0 || !host.nobody_mapped)
		return r;
	err_set(reterr, -EPERM, "root", "images and containers are for ordinary users");
	err_hint(reterr, "become one: su - USER, or for one command runuser -u USER -- immure …");
	return -EPERM;
}

int place_open(const struct profile_variables *variables, const char *given, struct arena *arena,
	struct storage *ret, struct err *reterr)
{
	const char *path = given ? surroundings_path(arena, variables, given)
			   : variables->xdg_data
				   ? arena_format(arena, "%s/" STORAGE_BELOW, variables->xdg_data)
				   : NULL;
	char resolved[PATH_MAX];
	int r = refuse_root(arena, reterr);

	if (r < 0)
		return r;
	if (!path) {
		err_set(reterr, -ENOENT, given ? "--storage" : NULL,
			given ? "leads nowhere" : "there is no place for images: HOME is not set");
		if (!given)
			err_hint(reterr, "--storage DIR names one");
		return -ENOENT;
	}
	/* made only where it is missing: a launch has better things to do than to look at it all */
	if (path_real(path, resolved) < 0) {
		r = storage_open(path, true, ret, reterr);
		if (r < 0)
			return r;
		storage_close(ret);
		if (path_real(path, resolved) < 0)
			return err_set(reterr, -errno, path, "%s", strerror(errno));
	}
	path = arena_copy(arena, resolved);
	if (!path)
		return err_no_memory(reterr);
	r = storage_open(path, false, ret, reterr);
	if (r < 0 || ret->whole)
		return r;
	/* whoever was making it has been killed at it, or is at it still */
	storage_close(ret);
	return storage_open(path, true, ret, reterr);
}

int place_take_option(int *argc, char ***argv, const char **ret, struct err *reterr)
{
	static const char option[] = "--storage";
	size_t length = sizeof(option) - 1;
	char **words = *argv;
	int taken;

	if (*argc < 2 || strncmp(words[1], option, length) != 0 ||
		(words[1][length] && words[1][length] != '='))
		return 0;
	taken = words[1][length] ? 1 : 2;
	if (*argc <= taken)
		return err_set(reterr, -EINVAL, NULL, "--storage needs DIR");
	*ret = taken == 1 ? words[1] + length + 1 : words[2];
	words[taken] = words[0];
	*argc -= taken;
	*argv += taken;
	return 0;
}

int place_work(const struct profile_variables *variables, const struct storage *storage,
	const struct worker *workers, size_t count)
{
	struct worker_place place = {
		.variables = variables, .storage = storage->path, .print = print_error};
	struct err err = {0};
	int code = EXIT_OWN_ERROR;

	return worker_run(&place, workers, count, &code, &err) < 0 ? print_error(&err) : code;
}

int place_pull(const struct profile_variables *variables, const struct storage *storage,
	const struct pull_request *request, struct arena *arena)
{
	static const char *const unpack[] = {"unpack", "--channel", "3", NULL};
	size_t count = 0, used = 0;
	const char **words;
	struct worker workers[2] = {{.task = WORKER_FETCH},
		{.task = WORKER_STORE, .arguments = unpack, .input = "/dev/null"}};

	_Static_assert(WORKER_CHANNEL == 3, "the number that both are told");
	while (request->options && request->options[count])
		count++;
	words = arena_zeroed(arena, count + 8, sizeof(*words));
	if (!words)
		return EXIT_OWN_ERROR;
	words[used++] = "pull";
	words[used++] = "--channel";
	words[used++] = "3";
	for (size_t i = 0; i < count; i++)
		words[used++] = request->options[i];
	if (request->quiet)
		words[used++] = "--quiet";
	if (request->platform) {
		words[used++] = "--platform";
		words[used++] = request->platform;
	}
	words[used] = request->name;
	if (request->silent)
		workers[0].output = "/dev/null";
	workers[0].arguments = words;
	return place_work(variables, storage, workers, 2);
}

int place_unpack(const struct profile_variables *variables, const struct storage *storage,
	const char *manifest, bool mapped)
{
	const char *const words[] = {"unpack", manifest, NULL};
	struct worker worker = {
		.task = WORKER_STORE, .arguments = words, .input = "/dev/null", .single = !mapped};

	return place_work(variables, storage, &worker, 1);
}

int place_redirect(int number, const char *path, int flags, struct err *reterr)
{
	_cleanup_close_ int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0 || dup2(fd, number) < 0)
		return err_set(reterr, -errno, path, "cannot be opened: %s", strerror(errno));
	return 0;
}
