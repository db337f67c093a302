/*
 * Which mount rules there are: those that somebody wrote, those that follow from other sections,
 * and those that keep what was asked for true (covers, protection, aliases). Sorted for the walk of
 * mount_compile.c.
 */
#include "isolation/mount_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "util/arena.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/sort.h"

/* ---- the rules that nobody wrote ---- */

static bool has_target(const struct compiler *c, const char *target)
{
	for (size_t i = 0; i < c->profile->files.mount_count; i++)
		if (strcmp(c->profile->files.mounts[i].target, target) == 0)
			return true;
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
		struct frame frame = {fact.resolved, GROUND_WRITABLE, bind->target};
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
		if (!has_target(c, rule.target) && add_rule(c, rule) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- rules that lie behind links of ours ---- */

#define LINKS_FOLLOWED 40 /* as many as the kernel follows: path_resolution(7) */

struct link {
	size_t position; /* in rules */
	const char *text;
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

static bool is_behind(const struct mount_rule *rule, const struct mount_rule *link)
{
	return path_is_beneath(rule->target, link->target) && rule->target[strlen(link->target)];
}

/* ret_last: the link, where there was something to lead elsewhere. */
static int redirect(struct compiler *c, const struct link *link, const struct link **ret_last)
{
	const struct mount_rule *rule = c->rules[link->position];
	const char *to = link_destination(c, rule->target, link->text);

	for (size_t i = 0; to && i < c->rule_count; i++) {
		struct mount_rule *moved;

		if (!is_behind(c->rules[i], rule))
			continue;
		moved = arena_zeroed(c->arena, 1, sizeof(*moved));
		if (!moved)
			return mount_out_of_memory(c);
		*moved = *c->rules[i];
		moved->target =
			arena_join(c->arena, to[1] ? to : "", moved->target + strlen(rule->target));
		if (!moved->target)
			return mount_out_of_memory(c);
		c->rules[i] = moved;
		*ret_last = link;
	}
	return to ? 0 : mount_out_of_memory(c);
}

/* By the links that have their place: one that lies behind another comes to lie elsewhere first. */
static int redirect_once(
	struct compiler *c, const struct link *links, size_t count, const struct link **ret_last)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		bool waits = false;

		for (size_t j = 0; j < count && !waits; j++)
			waits = is_behind(c->rules[links[i].position], c->rules[links[j].position]);
		if (!waits)
			r = redirect(c, &links[i], ret_last);
	}
	return r;
}

/* "/var/tmp/x" where the profile makes /var/tmp a link to /tmp means "/tmp/x": said once here, so
 * that nothing later has to follow it. */
static int redirect_all(struct compiler *c)
{
	const struct link *last = NULL;
	struct link *links = NULL;
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < c->rule_count; i++) {
		const char *text = link_text(c, c->rules[i]);
		struct link *link;

		if (!text)
			continue;
		link = ARENA_APPEND(c->arena, links, count);
		if (!link)
			return mount_out_of_memory(c);
		*link = (struct link){i, text};
	}
	for (unsigned round = 0; round <= LINKS_FOLLOWED; round++) {
		last = NULL;
		r = redirect_once(c, links, count, &last);
		if (r < 0 || !last)
			return r;
	}
	return mount_fail(c, &c->rules[last->position]->rule, -ELOOP, "symlink",
		c->rules[last->position]->target, "leads what lies behind it in a circle");
}

/*
 * What is denied at one place must not be seen at another: a bind of a directory above it brings it
 * in a second time, under that bind's own target.
 */
static int add_aliases(
	struct compiler *c, const struct mount_rule *deny, const struct mount_rule *bind)
{
	struct path_fact fact = {.resolved = NULL};
	struct mount_rule rule = *deny;
	struct frame frame;
	int r = c->host->path(c->host, c->arena, bind->source, true, &fact);

	if (r < 0 || !fact.resolved || !path_is_beneath(deny->target, fact.resolved))
		return 0;
	frame = (struct frame){fact.resolved, GROUND_READ_ONLY, bind->target};
	rule.target = mount_host_side(c, &frame, deny->target);
	if (!rule.target)
		return mount_out_of_memory(c);
	return has_target(c, rule.target) ? 0 : add_rule(c, rule);
}

static int add_all_aliases(struct compiler *c, size_t written)
{
	int r = 0;

	for (size_t i = 0; i < written; i++)
		for (size_t j = 0; c->rules[i]->kind == MOUNT_DENY && j < written && r == 0; j++)
			if (c->rules[j]->kind == MOUNT_BIND && c->rules[j]->source)
				r = add_aliases(c, c->rules[i], c->rules[j]);
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

int mount_gather(struct compiler *c)
{
	const struct files_section *files = &c->profile->files;
	const struct mount_rule **room;
	size_t written, most, denies = 0;
	int r;

	for (size_t i = 0; i < files->mount_count; i++)
		denies += files->mounts[i].kind == MOUNT_DENY;
	/* the written ones, home, two covers; for each possible writable bind (home and the root
	 * among them) each protected path; for each bind each deny */
	most = (files->mount_count + 3) * (1 + files->protected_count + denies) + 4;
	c->rules = arena_zeroed(c->arena, most, sizeof(*c->rules));
	c->stack = arena_zeroed(c->arena, most + 2, sizeof(*c->stack));
	if (!c->rules || !c->stack)
		return mount_out_of_memory(c);
	for (size_t i = 0; i < files->mount_count; i++)
		c->rules[c->rule_count++] = &files->mounts[i];
	r = add_home(c);
	if (r == 0)
		r = add_host_covers(c);
	written = c->rule_count;
	for (size_t i = 0; i < written && r == 0; i++)
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
		r = add_all_aliases(c, written);
	if (r == 0 && files->root == ROOT_EMPTY)
		r = redirect_all(c);
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
