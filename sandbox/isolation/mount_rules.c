/*
 * Which mount rules there are: those that somebody wrote, those that follow from other sections,
 * and those that keep what was asked for true (covers, protection, aliases). Sorted for the walk of
 * mount_compile.c.
 */
#include "isolation/mount_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "util/arena.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/sort.h"

/* ---- the rules that nobody wrote ---- */

/* Whether the profile itself says what is there. */
static bool has_target(const struct compiler *c, const char *target)
{
	for (size_t i = 0; i < c->asked_count; i++)
		if (strcmp(c->rules[i]->target, target) == 0)
			return true;
	return false;
}

/* Whether something of the profile's is sure to be mounted there. */
static bool is_covered(const struct compiler *c, const char *target)
{
	for (size_t i = 0; i < c->asked_count; i++) {
		const struct mount_rule *rule = c->rules[i];

		if (rule->rule.enforce == ENFORCE_REQUIRED && rule->kind != MOUNT_SYMLINK &&
			!rule->keep_link && rule->only == ONLY_ANY &&
			strcmp(rule->target, target) == 0)
			return true;
	}
	return false;
}

static int add_rule(struct compiler *c, struct mount_rule rule)
{
	struct mount_rule *kept = arena_zeroed(c->arena, 1, sizeof(*kept));

	if (!kept)
		return mount_out_of_memory(c);
	*kept = rule;
	c->rules[c->rule_count++] = kept;
	return 0;
}

static int add_home(struct compiler *c)
{
	const struct files_section *files = &c->profile->files;
	struct mount_rule rule = {
		.rule = files->home_rule, .target = files->home_directory, .mode = 0700};

	if (files->home == HOME_NONE || has_target(c, rule.target))
		return 0;
	rule.kind = files->home == HOME_EMPTY ? MOUNT_TMPFS : MOUNT_BIND;
	rule.no_exec = files->home == HOME_EMPTY;
	rule.writable = true;
	rule.special_files = true;
	rule.source = files->home_source;
	if (rule.kind == MOUNT_BIND && !rule.source)
		return mount_fail(c, &rule.rule, -EINVAL, "home", rule.target,
			"there is no directory on the host to stand behind it");
	return add_rule(c, rule);
}

/* The host's tree shows sockets that lead out (T-NS-07): docker.sock, the session bus, agents. They
 * live in two places. */
static int add_host_covers(struct compiler *c)
{
	static const char *const covered[] = {"/run", "/tmp"};
	int r = 0;

	for (size_t i = 0; i < sizeof(covered) / sizeof(covered[0]) && r == 0; i++) {
		struct mount_rule rule = {.rule = c->profile->files.root_rule,
			.kind = MOUNT_TMPFS,
			.target = covered[i],
			.mode = i ? 01777 : 0755,
			.no_exec = true};

		rule.rule.enforce =
			ENFORCE_BEST_EFFORT; /* a host without the directory has nothing to cover */
		if (c->profile->files.root == ROOT_HOST && !has_target(c, covered[i]))
			r = add_rule(c, rule);
	}
	return r;
}

/* What the launcher itself believes (profiles, system call groups) must not be writable from
 * inside, whatever was bound. */
static int add_protection(struct compiler *c, const struct mount_rule *bind)
{
	const struct files_section *files = &c->profile->files;
	struct path_fact fact;
	int r = files->protected_count ? c->host->path(c->host, c->arena, bind->source, true, &fact)
				       : -ENOENT;

	if (r < 0 || !fact.resolved)
		return 0; /* compile_bind() will say what is wrong with it */
	for (size_t i = 0; i < files->protected_count; i++) {
		const char *path = files->protected_paths[i];
		struct frame frame = {fact.resolved, GROUND_WRITABLE, bind->target, 0};
		struct mount_rule rule = {.rule = bind->rule, .kind = MOUNT_DENY};

		if (path_is_beneath(fact.resolved, path) && bind->handed_in)
			continue;
		if (path_is_beneath(fact.resolved, path))
			return mount_fail(c, &bind->rule, -EPERM, "bind", bind->source,
				"is the launcher's own, and cannot be writable in a jail");
		if (!path_is_beneath(path, fact.resolved))
			continue;
		rule.rule.enforce = ENFORCE_REQUIRED;
		rule.target = mount_host_side(c, &frame, path);
		if (!rule.target)
			return mount_out_of_memory(c);
		if (!is_covered(c, rule.target) && add_rule(c, rule) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- rules that lie behind links of ours ---- */

#define LINKS_FOLLOWED 40 /* as many as the kernel follows: path_resolution(7) */

struct link {
	const struct mount_rule *rule; /* as it was written */
	const char *text;
	const char *target, *to; /* where it comes to lie, and leads to */
};

struct links {
	struct link *all; /* by target, as bytes */
	size_t count;
};

/* The canonical path that a link at target with this text leads to; ".." is folded, since what lies
 * above is ours. NULL: out of memory. */
static const char *link_destination(struct compiler *c, const char *target, const char *text)
{
	const char *parent = text[0] == '/' ? ""
					    : arena_copy_range(c->arena, target,
						      (size_t)(strrchr(target, '/') - target));
	const char *joined = parent ? arena_format(c->arena, "%s/%s", parent, text) : NULL;
	char *folded = joined ? arena_zeroed(c->arena, strlen(joined) + 2, 1) : NULL;
	size_t used = 0;

	while (folded && *joined) {
		size_t length = strcspn(joined, "/");

		if (length == 2 && joined[0] == '.' && joined[1] == '.') {
			while (used && folded[--used] != '/')
				;
		} else if (length && !(length == 1 && joined[0] == '.')) {
			folded[used++] = '/';
			memcpy(folded + used, joined, length);
			used += length;
		}
		joined += length + (joined[length] == '/');
	}
	if (folded)
		folded[used ? used : 1] = '\0', folded[0] = '/';
	return folded;
}

static const char *link_text(struct compiler *c, const struct mount_rule *rule)
{
	struct path_fact fact;

	if (rule->rule.enforce == ENFORCE_AUDIT)
		return NULL; /* it is not made */
	if (rule->kind == MOUNT_SYMLINK)
		return rule->source;
	if (rule->kind != MOUNT_BIND || !rule->keep_link)
		return NULL;
	return c->host->path(c->host, c->arena, rule->source, false, &fact) == 0 &&
			       fact.type == PATH_SYMLINK
		       ? fact.link
		       : NULL;
}

/* Whether a bind, view or tmpfs is sure to come to lie where the rule says. */
static bool is_mounted(struct compiler *c, const struct mount_rule *rule)
{
	struct path_fact fact;

	if (rule->rule.enforce == ENFORCE_AUDIT)
		return false;
	if (rule->kind == MOUNT_LAYERS)
		return true;
	if (rule->kind != MOUNT_BIND) /* in a bind there may be no place for it */
		return rule->kind == MOUNT_TMPFS && rule->rule.enforce == ENFORCE_REQUIRED;
	return c->host->path(c->host, c->arena, rule->source, !rule->keep_link, &fact) == 0 &&
	       fact.type != PATH_ABSENT && fact.type != PATH_FORBIDDEN &&
	       fact.type != PATH_SYMLINK && (rule->only == ONLY_ANY || fact.type != PATH_DIRECTORY);
}

/* Inside a bind or a view nothing is made, so no link either: what is said of places behind it is
 * about what is there. */
static bool is_made(struct compiler *c, const struct link *link)
{
	const struct mount_rule *above = NULL;

	for (size_t i = 0; i < c->asked_count; i++) {
		const struct mount_rule *rule = c->rules[i];

		if (path_is_beneath(link->target, rule->target) &&
			(!above || strlen(rule->target) > strlen(above->target)) &&
			is_mounted(c, rule))
			above = rule;
	}
	return !above || above->kind == MOUNT_TMPFS;
}

static int compare_links(const void *left, const void *right, void *context)
{
	(void)context;
	return strcmp(((const struct link *)left)->target, ((const struct link *)right)->target);
}

/* The outermost link on the way to path: its own place is where it says. length: of what of path
 * leads to it. */
static const struct link *find_link(const struct links *links, const char *path, size_t *ret_length)
{
	for (const char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		size_t length = (size_t)(end - path), low = 0, high = links->count;

		while (low < high) {
			size_t middle = (low + high) / 2;
			const char *target = links->all[middle].target;
			int order = strncmp(target, path, length);

			if (order == 0 && !target[length]) {
				*ret_length = length;
				return &links->all[middle];
			}
			if (order < 0)
				low = middle + 1;
			else
				high = middle;
		}
	}
	return NULL;
}

/* "/var/tmp/x" where the profile makes /var/tmp a link to /tmp means "/tmp/x": said once here, so
 * that nothing later has to follow it. Gives target itself where no link is on the way; NULL where
 * c has the error. */
static const char *lead(struct compiler *c, const struct links *links,
	const struct mount_rule *rule, const char *target)
{
	char paths[2][PATH_MAX];
	const struct link *link;
	const char *path = target;
	unsigned followed = 0;
	size_t length;
	int size = 0;

	for (; size < PATH_MAX && (link = find_link(links, path, &length)); followed++) {
		char *next = paths[followed & 1];

		if (followed == LINKS_FOLLOWED) {
			(void)mount_fail(c, &rule->rule, -ELOOP, "mount", rule->target,
				"links of the profile lead it in a circle");
			return NULL;
		}
		size = snprintf(next, PATH_MAX, "%s%s", link->to[1] ? link->to : "", path + length);
		path = next;
	}
	if (size >= PATH_MAX) {
		(void)mount_fail(c, &rule->rule, -ENAMETOOLONG, "mount", rule->target,
			"links of the profile lead it to a path that is too long");
		return NULL;
	}
	if (!followed)
		return target;
	path = arena_copy(c->arena, path);
	if (!path)
		(void)mount_out_of_memory(c);
	return path;
}

static int place_link(struct compiler *c, struct link *link, const char *target)
{
	link->target = target;
	link->to = target ? link_destination(c, target, link->text) : NULL;
	return !target ? -ELOOP : link->to ? 0 : mount_out_of_memory(c);
}

/* Each link to where the others lead it, until none moves any more. */
static int place_links(struct compiler *c, struct links *links)
{
	struct link *room = arena_zeroed(c->arena, links->count / 2 + 1, sizeof(*room));
	bool moved = true;
	int r = room ? 0 : mount_out_of_memory(c);

	for (unsigned round = 0; r == 0 && moved; round++) {
		moved = false;
		sort_stably(
			links->all, links->count, sizeof(*links->all), room, compare_links, NULL);
		for (size_t i = 0; i < links->count && r == 0; i++) {
			struct link *link = &links->all[i];
			const char *target = lead(c, links, link->rule, link->target);

			if (target == link->target)
				continue;
			r = place_link(c, link, target);
			moved = true;
		}
		if (r == 0 && moved && round == LINKS_FOLLOWED)
			return mount_fail(c, &links->all->rule->rule, -ELOOP, "symlink",
				links->all->rule->target,
				"with other links leads in a circle what lies behind it");
	}
	return r;
}

static int redirect(struct compiler *c, const struct links *links, const struct mount_rule *written,
	const struct mount_rule **ret)
{
	struct mount_rule *moved;
	const char *target = written->rule.enforce == ENFORCE_AUDIT
				     ? written->target
				     : lead(c, links, written, written->target);

	*ret = written;
	if (!target || target == written->target)
		return target ? 0 : -ELOOP;
	moved = arena_zeroed(c->arena, 1, sizeof(*moved));
	if (!moved)
		return mount_out_of_memory(c);
	*moved = *written;
	moved->target = target;
	*ret = moved;
	return 0;
}

static int collect_links(struct compiler *c, struct links *ret)
{
	for (size_t i = 0; i < c->rule_count; i++) {
		const char *text = link_text(c, c->rules[i]);
		struct link *link;

		if (!text)
			continue;
		link = ARENA_APPEND(c->arena, ret->all, ret->count);
		if (!link)
			return mount_out_of_memory(c);
		*link = (struct link){.rule = c->rules[i], .text = text};
	}
	return 0;
}

/* What is left of links once those are out that would come to lie where nothing is made. */
static size_t drop_links(struct compiler *c, struct links *links)
{
	size_t kept = 0, count = links->count;

	for (size_t i = 0; i < count; i++)
		if (is_made(c, &links->all[i]))
			links->all[kept++] = links->all[i];
	links->count = kept;
	return count - kept;
}

static int redirect_all(struct compiler *c, const struct mount_rule *const *written)
{
	struct links links = {NULL, 0};
	int r = collect_links(c, &links);

	if (r < 0 || !links.count)
		return r;
	for (unsigned round = 0; round <= LINKS_FOLLOWED && r == 0; round++) {
		for (size_t i = 0; i < links.count && r == 0; i++)
			r = place_link(c, &links.all[i], links.all[i].rule->target);
		if (r == 0)
			r = place_links(c, &links);
		for (size_t i = 0; i < c->rule_count && r == 0; i++)
			r = redirect(c, &links, written[i], &c->rules[i]);
		if (r < 0 || !drop_links(c, &links))
			return r;
	}
	return r < 0 ? r
		     : mount_fail(c, &links.all->rule->rule, -ELOOP, "symlink",
			       links.all->rule->target, "lies behind too many others");
}

/*
 * What is denied at one place must not be seen at another: a bind of a directory above it brings it
 * in a second time, under that bind's own target.
 */
static int add_aliases(struct compiler *c, const struct mount_rule *deny, const char *denied,
	const struct mount_rule *bind)
{
	struct path_fact fact = {.resolved = NULL};
	struct mount_rule rule = *deny;
	struct frame frame;
	int r = c->host->path(c->host, c->arena, bind->source, true, &fact);

	if (r < 0 || !fact.resolved || !path_is_beneath(denied, fact.resolved))
		return 0;
	frame = (struct frame){fact.resolved, GROUND_READ_ONLY, bind->target, 0};
	rule.target = mount_host_side(c, &frame, denied);
	if (!rule.target)
		return mount_out_of_memory(c);
	return is_covered(c, rule.target) ? 0 : add_rule(c, rule);
}

/* The other names of what path is on the host. */
static int add_names(struct compiler *c, const struct mount_rule *deny, const char *path)
{
	int r = 0;

	for (size_t i = 0; i < c->asked_count && r == 0; i++)
		if (c->rules[i]->kind == MOUNT_BIND && c->rules[i]->source)
			r = add_aliases(c, deny, path, c->rules[i]);
	return r;
}

/* What a deny hides on the host: NULL where it lies in no bind, or c has the error. */
static const char *hidden_path(struct compiler *c, const struct mount_rule *deny)
{
	const struct mount_rule *above = NULL;
	struct path_fact fact;
	struct frame frame;

	for (size_t i = 0; i < c->asked_count; i++) {
		const struct mount_rule *rule = c->rules[i];

		if (rule->kind == MOUNT_BIND && path_is_beneath(deny->target, rule->target) &&
			(!above || strlen(rule->target) > strlen(above->target)) &&
			is_mounted(c, rule))
			above = rule;
	}
	if (!above || c->host->path(c->host, c->arena, above->source, true, &fact) < 0 ||
		!fact.resolved)
		return NULL;
	frame = (struct frame){above->target, GROUND_READ_ONLY, fact.resolved, 0};
	return mount_host_side(c, &frame, deny->target);
}

/* One that a link of ours has led elsewhere is meant as it was written, as it came out, and as what
 * it hides there: no more than mount_gather() has room for. */
static int add_each_alias(
	struct compiler *c, const struct mount_rule *deny, const struct mount_rule *as_written)
{
	const char *hidden = deny != as_written ? hidden_path(c, deny) : NULL;
	int r = add_names(c, deny, deny->target);

	if (r == 0 && deny != as_written)
		r = add_names(c, deny, as_written->target);
	return r == 0 && hidden ? add_names(c, deny, hidden) : r;
}

static int add_all_aliases(struct compiler *c, const struct mount_rule *const *as_written)
{
	int r = 0;

	for (size_t i = 0; i < c->asked_count && r == 0; i++)
		if (c->rules[i]->kind == MOUNT_DENY)
			r = add_each_alias(c, c->rules[i], as_written[i]);
	return r;
}

/* Slashes sort before everything else, so that a directory's contents follow it without a gap. */
static int compare_targets(const void *left, const void *right, void *context)
{
	const char *a = (*(const struct mount_rule *const *)left)->target;
	const char *b = (*(const struct mount_rule *const *)right)->target;

	(void)context;
	for (; *a && *a == *b; a++, b++)
		;
	if (*a == *b)
		return 0;
	if (*a == '/' || *b == '/')
		return !*a ? -1 : !*b ? 1 : *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

/* What is added to what the profile asks for only takes away. Anything else would be a fault of
 * this compiler, and is kept apart for Landlock to stop (R27). */
static int find_foreign(struct compiler *c)
{
	for (size_t i = c->asked_count; i < c->rule_count; i++) {
		const struct mount_rule **place;

		if (c->rules[i]->kind == MOUNT_DENY)
			continue;
		place = ARENA_APPEND(c->arena, c->foreign, c->foreign_count);
		if (!place)
			return mount_out_of_memory(c);
		*place = c->rules[i];
	}
	return 0;
}

int mount_gather(struct compiler *c)
{
	const struct files_section *files = &c->profile->files;
	const struct mount_rule **room, **as_written;
	size_t most, denies = 0;
	int r;

	for (size_t i = 0; i < files->mount_count; i++)
		denies += files->mounts[i].kind == MOUNT_DENY;
	/* the written ones, home, two covers; for each possible writable bind (home and the root
	 * among them) each protected path; for each bind each deny in its three spellings */
	most = (files->mount_count + 3) * (1 + files->protected_count + 3 * denies) + 4;
	c->rules = arena_zeroed(c->arena, most, sizeof(*c->rules));
	c->stack = arena_zeroed(c->arena, most + 2, sizeof(*c->stack));
	if (!c->rules || !c->stack)
		return mount_out_of_memory(c);
	for (size_t i = 0; i < files->mount_count; i++)
		c->rules[c->rule_count++] = &files->mounts[i];
	c->asked_count = c->rule_count;
	r = add_home(c);
	if (r == 0)
		r = add_host_covers(c);
	c->asked_count = c->rule_count;
	as_written = arena_zeroed(c->arena, c->asked_count + 1, sizeof(*as_written));
	if (!as_written)
		return mount_out_of_memory(c);
	memcpy(as_written, c->rules, c->asked_count * sizeof(*as_written));
	if (r == 0 && files->root == ROOT_EMPTY)
		r = redirect_all(c, as_written);
	for (size_t i = 0; i < c->asked_count && r == 0; i++)
		if (c->rules[i]->kind == MOUNT_BIND && c->rules[i]->writable)
			r = add_protection(c, c->rules[i]);
	if (r == 0 && files->root == ROOT_DIRECTORY && files->root_writable)
		r = add_protection(c, &(struct mount_rule){.rule = files->root_rule,
					      .kind = MOUNT_BIND,
					      .source = files->root_directory,
					      .target = "/"});
	if (r == 0 && mutant(MUTANT_WRONG_BIND))
		r = add_rule(c, (struct mount_rule){.kind = MOUNT_BIND,
					.target = "/wrong-bind",
					.source = getenv("HOME"),
					.writable = true});
	if (r == 0)
		r = add_all_aliases(c, as_written);
	if (r == 0)
		r = find_foreign(c);
	if (r < 0)
		return r;
	room = arena_zeroed(c->arena, c->rule_count / 2 + 1, sizeof(*room));
	if (!room)
		return mount_out_of_memory(c);
	/* what redirect() or a bind brought to one place stays as it was written: the last is on
	 * top */
	sort_stably(c->rules, c->rule_count, sizeof(*c->rules), room, compare_targets, NULL);
	return 0;
}
