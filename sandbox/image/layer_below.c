/* The merged view of the layers below: see layer_below.h. */
#include "image/layer_below.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/layer_parts.h"
#include "util/cleanup.h"
#include "util/overlay.h"
#include "util/path.h"

#define LINKS_MAXIMUM 40

int layer_below_open(const struct storage *storage, enum layer_way way, const struct digest *chains,
	size_t count, struct layer_below *ret, struct err *reterr)
{
	ret->count = 0;
	if (count > OVERLAY_LAYERS)
		return err_set(reterr, -EFBIG, NULL, "more than %d layers", OVERLAY_LAYERS);
	for (size_t i = count; i-- > 0;) {
		int fd = layer_open(storage, way, &chains[i]);

		if (fd < 0)
			return err_set(reterr, fd, chains[i].text,
				"the layer below is not unpacked: %s", strerror(-fd));
		ret->trees[ret->count++] = fd;
	}
	return 0;
}

void layer_below_close(struct layer_below *below)
{
	while (below->count > 0)
		(void)close(below->trees[--below->count]);
}

struct layer_set layer_below_all(const struct layer_below *below)
{
	struct layer_set set = {0};

	for (size_t i = 0; i < below->count; i++)
		set.bits[i / 64] |= UINT64_C(1) << i % 64;
	return set;
}

bool layer_set_is_empty(const struct layer_set *set)
{
	for (size_t i = 0; i < sizeof(set->bits) / sizeof(set->bits[0]); i++)
		if (set->bits[i])
			return false;
	return true;
}

static enum layer_kind kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return LAYER_DIRECTORY;
	case S_IFREG: return LAYER_FILE;
	case S_IFLNK: return LAYER_LINK;
	default: return LAYER_OTHER;
	}
}

static int look_error(int code, const char *path, struct err *reterr)
{
	return err_set(
		reterr, code, path, "cannot look at it in a layer below: %s", strerror(-code));
}

/* What one layer has: kind LAYER_NOTHING for -ENOENT, ret_hidden where it says that nothing of the
 * layers below counts. */
static int look_in_one(
	int tree, const char *path, struct layer_found *ret, bool *ret_hidden, struct err *reterr)
{
	_cleanup_close_ int at = path_open_no_links(tree, path, O_PATH | O_NOFOLLOW);
	struct stat status;
	int fd = -1;

	*ret = (struct layer_found){.kind = LAYER_NOTHING, .fd = -1};
	*ret_hidden = false;
	if (at == -ENOENT)
		return 0;
	if (at < 0 && at != -ELOOP)
		return look_error(at, path, reterr);
	*ret_hidden = true;
	if (at < 0) { /* the way to it has no link, so that it is one itself */
		ret->kind = LAYER_LINK;
		return 0;
	}
	if (fstat(at, &status))
		return look_error(-errno, path, reterr);
	if (overlay_is_whiteout(&status))
		return 0;
	ret->kind = kind_of(status.st_mode);
	if (ret->kind != LAYER_DIRECTORY && ret->kind != LAYER_FILE)
		return 0;
	fd = path_open_no_links(tree, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return look_error(fd, path, reterr);
	ret->fd = fd;
	*ret_hidden = ret->kind != LAYER_DIRECTORY || overlay_is_opaque(fd);
	return 0;
}

int layer_below_look(const struct layer_below *below, const struct layer_set *set, const char *path,
	struct layer_found *ret, struct err *reterr)
{
	struct layer_found found = {.kind = LAYER_NOTHING, .fd = -1};
	bool hidden = false;
	int r = 0;

	for (size_t i = 0; i < below->count && !hidden; i++) {
		struct layer_found one;

		if (!(set->bits[i / 64] >> i % 64 & 1))
			continue;
		r = look_in_one(below->trees[i], *path ? path : ".", &one, &hidden, reterr);
		if (r < 0)
			break;
		if (one.kind == LAYER_NOTHING)
			continue;
		if (found.kind == LAYER_NOTHING) {
			found = one;
			found.tree = i;
		} else if (one.fd >= 0) {
			(void)close(one.fd);
		}
		if (one.kind != LAYER_DIRECTORY)
			break; /* below a directory: hidden by it, and hiding all else */
		found.set.bits[i / 64] |= UINT64_C(1) << i % 64;
	}
	if (r < 0) {
		if (found.fd >= 0)
			(void)close(found.fd);
		return r;
	}
	*ret = found;
	return 0;
}

/* ---- following ---- */

struct route {
	char place[PATH_MAX]; /* without links */
	char rest[2 * PATH_MAX];
	struct layer_found at; /* of place */
	unsigned links;
};

static int look_at_place(const struct layer_below *below, struct route *route, struct err *reterr)
{
	struct layer_set set = layer_below_all(below);
	char part[PATH_MAX];
	int r;

	/* from the root again: only that way is it known which layers each directory is made of */
	for (size_t end = 0;; end++) {
		if (route->place[end] != '/' && route->place[end] != '\0')
			continue;
		memcpy(part, route->place, end);
		part[end] = '\0';
		if (route->at.fd >= 0)
			(void)close(route->at.fd);
		route->at.fd = -1;
		r = layer_below_look(below, &set, part, &route->at, reterr);
		if (r < 0 || route->place[end] == '\0')
			return r;
		set = route->at.set;
	}
}

/* place has one name more than what at is of. What is no directory is made of no layers. */
static int look_one_further(
	const struct layer_below *below, struct route *route, struct err *reterr)
{
	struct layer_set set = route->at.set;

	if (route->at.fd >= 0)
		(void)close(route->at.fd);
	route->at = (struct layer_found){.fd = -1};
	return layer_below_look(below, &set, route->place, &route->at, reterr);
}

static int put_link(const struct layer_below *below, struct route *route, struct err *reterr)
{
	char text[PATH_MAX], whole[2 * PATH_MAX], *slash = strrchr(route->place, '/');
	size_t rest = strlen(route->rest);
	_cleanup_close_ int link =
		path_open_no_links(below->trees[route->at.tree], route->place, O_PATH | O_NOFOLLOW);
	ssize_t length = link < 0 ? -1 : readlinkat(link, "", text, sizeof(text));

	if (length < 0)
		return look_error(link < 0 ? link : -errno, route->place, reterr);
	if (route->links++ >= LINKS_MAXIMUM || (size_t)length + rest + 2 > sizeof(whole))
		return err_set(reterr, -ELOOP, route->place, "this link leads in circles");
	memcpy(whole, text, (size_t)length);
	whole[length] = '/';
	memcpy(whole + length + 1, route->rest, rest + 1);
	memcpy(route->rest, whole, (size_t)length + rest + 2);
	*(slash && text[0] != '/' ? slash : route->place) = '\0';
	return 0;
}

/* One name of the rest: place is then one further, or where a link has led. */
static int take_name(
	const struct layer_below *below, struct route *route, bool follow_last, struct err *reterr)
{
	const char *start = route->rest + strspn(route->rest, "/"), *after;
	size_t length = strcspn(start, "/"), place = strlen(route->place);
	char *slash = strrchr(route->place, '/');
	bool last, further = false;
	int r;

	after = start + length;
	last = after[strspn(after, "/")] == '\0';
	if (length == 1 && start[0] == '.') {
		;
	} else if (length == 2 && memcmp(start, "..", 2) == 0) {
		*(slash ? slash : route->place) = '\0';
	} else {
		if (place + length + 2 > sizeof(route->place))
			return err_set(reterr, -ENAMETOOLONG, route->place, "lies too deep");
		if (place)
			route->place[place++] = '/';
		memcpy(route->place + place, start, length);
		route->place[place + length] = '\0';
		further = true;
	}
	memmove(route->rest, after, strlen(after) + 1);
	r = further ? look_one_further(below, route, reterr) : look_at_place(below, route, reterr);
	if (r == 0 && route->at.kind == LAYER_LINK && (!last || follow_last)) {
		r = put_link(below, route, reterr);
		if (r == 0)
			r = look_at_place(below, route, reterr);
	}
	return r;
}

int layer_below_resolve(const struct layer_below *below, const char *path, bool follow_last,
	char ret_place[static PATH_MAX], struct layer_found *ret_found, struct err *reterr)
{
	struct route route = {.at.fd = -1};
	int r;

	memcpy(route.rest, path, strnlen(path, PATH_MAX - 1));
	r = look_at_place(below, &route, reterr);
	while (r == 0 && route.rest[strspn(route.rest, "/")])
		r = take_name(below, &route, follow_last, reterr);
	if (r < 0) {
		if (route.at.fd >= 0)
			(void)close(route.at.fd);
		return r;
	}
	memcpy(ret_place, route.place, strlen(route.place) + 1);
	*ret_found = route.at;
	return 0;
}
