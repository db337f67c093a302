/*
 * Mount rules to mount operations: pure over the profile and the facts of the host. The rules are
 * sorted by target, so that one walk with a stack of what lies above knows for each of them whose
 * tree it lands in. See mount.h.
 */
#include "isolation/mount_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "util/arena.h"
#include "util/kernel_calls.h"
#include "util/mutant.h"
#include "util/path.h"

#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define DEFAULT_INODES "65536"
#define DEFAULT_SIZE  \
	((uint64_t)64 \
		<< 20) /* of a tmpfs, where no memory limit says how much a quarter of it is */

/* ---- small helpers ---- */

int mount_fail(struct compiler *c, const struct rule *rule, int code, const char *what,
	const char *path, const char *why)
{
	char where[512];

	return err_set(c->err, code, origin_format(&rule->origin, where, sizeof(where)),
		"%s %s: %s", what, path, why);
}

int mount_out_of_memory(struct compiler *c)
{
	return err_no_memory(c->err);
}

static int add_row(struct compiler *c, const struct mount_rule *rule, enum outcome outcome,
	const char *layer, const char *reason, const char *remedy)
{
	static const char *const verbs[] = {
		"bind ", "tmpfs ", "directory ", "symlink ", "file ", "deny ", "layers "};
	struct receipt_row row = {.rule = &rule->rule,
		.outcome = outcome,
		.layer = layer,
		.reason = reason,
		.remedy = remedy};

	_Static_assert(
		sizeof(verbs) / sizeof(verbs[0]) == MOUNT_KIND_COUNT, "a verb for each kind");
	row.asked = arena_join(c->arena, verbs[rule->kind], rule->target);
	return row.asked ? receipt_add(c->receipt, &row, c->err) : mount_out_of_memory(c);
}

/* How a tmpfs is found again. In a root of ours no link is on the way, and in a bind none is
 * followed; those of a root that is a whole system are. */
static enum child_lookup lookup_base(const struct compiler *c, const struct mount_operation *base)
{
	if (c->profile->files.root == ROOT_EMPTY || base->lookup == LOOKUP_NO_LINKS)
		return LOOKUP_NO_LINKS;
	return base->lookup == LOOKUP_PLAIN && base->base ? base->base_lookup : LOOKUP_IN_ROOT;
}

/* Whether nothing of anybody else's is on the way to a tmpfs. */
static bool is_all_ours(const struct compiler *c, const struct frame *frame)
{
	const struct mount_operation *tmpfs = &c->plan->operations[frame->operation];

	return c->profile->files.root == ROOT_EMPTY && tmpfs->lookup == LOOKUP_PLAIN &&
	       !tmpfs->base;
}

/* Two rules that links of the profile lead to one place: the later one covers the earlier. */
static bool is_on_top(const struct compiler *c, const char *target)
{
	const struct frame *frame = &c->stack[c->depth - 1];

	return frame != c->stack && frame->ground == GROUND_OURS &&
	       strcmp(frame->target, target) == 0;
}

/* In the frame on top of the stack. */
static struct mount_operation *add_operation(
	struct compiler *c, enum mount_operation_kind kind, const char *target)
{
	const struct frame *frame = &c->stack[c->depth - 1];
	struct mount_operation *operation =
		ARENA_APPEND(c->arena, c->plan->operations, c->plan->count);

	if (!operation)
		return NULL;
	operation->kind = kind;
	operation->target = target + 1; /* relative to the root */
	if (is_on_top(c, target)) {
		operation->base = c->plan->operations[frame->operation].base;
		operation->base_lookup = c->plan->operations[frame->operation].base_lookup;
	} else if (frame->ground == GROUND_OURS && frame != c->stack && !is_all_ours(c, frame)) {
		operation->base = frame->target + 1;
		operation->base_lookup = lookup_base(c, &c->plan->operations[frame->operation]);
		c->plan->operations[frame->operation].holds = true;
	}
	return operation;
}

static void push(struct compiler *c, const char *target, enum ground ground, const char *source)
{
	/* the stack is an array whose tail is forgotten by lowering depth: it never outgrows the
	 * number of rules */
	c->stack[c->depth++] = (struct frame){target, ground, source, c->plan->count - 1};
}

const char *mount_host_side(struct compiler *c, const struct frame *frame, const char *target)
{
	const char *below = target + (frame->target[1] ? strlen(frame->target) : 0);

	return arena_join(c->arena, frame->source[1] ? frame->source : "", below);
}

/* ---- what lies between a mount and the one above it ---- */

/* Calls act for each directory strictly between the frame's target and rule's target that the rule
 * before did not bring already. */
static int each_parent(struct compiler *c, const struct frame *frame, const char *target,
	int (*act)(struct compiler *, const char *path))
{
	const char *slash = target + (frame->target[1] ? strlen(frame->target) : 0);

	while (*slash && (slash = strchr(slash + 1, '/'))) { /* it may be the frame's own place */
		char *path = arena_copy_range(c->arena, target, (size_t)(slash - target));
		int r;

		if (!path)
			return mount_out_of_memory(c);
		if (c->previous && path_is_beneath(c->previous, path) &&
			path_is_beneath(c->previous, frame->target))
			continue;
		r = act(c, path);
		if (r < 0)
			return r;
	}
	return 0;
}

/* How a place below frame is looked up: the frame at the bottom is the root itself, which may be a
 * whole system with links of its own. */
static enum child_lookup lookup_below(const struct compiler *c, const struct frame *frame)
{
	if (frame->ground == GROUND_OURS)
		return LOOKUP_PLAIN;
	if (frame->ground == GROUND_LAYERS)
		return LOOKUP_MAKE;
	return frame == c->stack || frame->ground == GROUND_LINK ? LOOKUP_IN_ROOT : LOOKUP_NO_LINKS;
}

static int make_directory(struct compiler *c, const char *path)
{
	struct mount_operation *operation = add_operation(c, OPERATION_DIRECTORY, path);

	if (!operation)
		return mount_out_of_memory(c);
	operation->mode = 0755;
	return 0;
}

static int make_pin(struct compiler *c, const char *path)
{
	struct mount_operation *operation = add_operation(c, OPERATION_PIN, path);

	if (!operation)
		return mount_out_of_memory(c);
	operation->lookup = lookup_below(c, &c->stack[c->depth - 1]);
	return 0;
}

/*
 * Prepares the way to rule's target and says whether the mount point has to be made. A place inside
 * somebody's tree must exist there, for nothing is made on the host; 1 when it does not and the
 * rule is content with that.
 */
static int prepare_place(
	struct compiler *c, const struct mount_rule *rule, enum child_lookup *ret_lookup)
{
	const struct frame *frame = &c->stack[c->depth - 1];
	struct path_fact fact;
	const char *path;
	int r;

	*ret_lookup = lookup_below(c, frame);
	switch (frame->ground) {
	case GROUND_OURS: return each_parent(c, frame, rule->target, make_directory);
	case GROUND_LINK:
	case GROUND_LAYERS: return 0; /* what is there, only the child can see */
	case GROUND_VIEW:
		return mount_fail(c, &rule->rule, -EROFS, rule->target,
			"lies in a view of layers, where nothing is made", frame->target);
	case GROUND_DENIED:
		return mount_fail(c, &rule->rule, -EACCES, rule->target,
			"lies below what is denied", frame->target);
	case GROUND_READ_ONLY:
	case GROUND_WRITABLE: break;
	}
	path = mount_host_side(c, frame, rule->target);
	if (!path)
		return mount_out_of_memory(c);
	r = c->host->path(c->host, c->arena, path, false, &fact);
	if (r < 0)
		return mount_fail(c, &rule->rule, r, "mount point", path, strerror(-r));
	/* in a root that is a directory, a link on the way may mean another place than on the host:
	 * the child's own look-up decides */
	if (fact.type == PATH_ABSENT && c->depth == 1 && c->profile->files.root == ROOT_DIRECTORY &&
		rule->rule.enforce == ENFORCE_REQUIRED)
		return 0;
	if (fact.type == PATH_ABSENT) {
		r = add_row(c, rule, OUTCOME_NOT_ENFORCED, NULL,
			"its mount point does not exist in the bind above it, and nothing is made "
			"on the host",
			"create it on the host, or bind it elsewhere");
		return r < 0 ? r : 1;
	}
	/* whoever may write in a bind could have put a link there, to lead this mount and its
	 * Landlock rule elsewhere (T-PATH-21) */
	if (*ret_lookup == LOOKUP_NO_LINKS && !mutant(MUTANT_STRING_PATHS) &&
		(fact.type == PATH_SYMLINK || !fact.resolved || strcmp(fact.resolved, path) != 0)) {
		r = add_row(c, rule, OUTCOME_NOT_ENFORCED, NULL,
			"a symbolic link leads to its mount point, and none is followed inside a "
			"bind",
			"remove the link, or name what it leads to");
		return r < 0 ? r : 1;
	}
	return frame->ground == GROUND_WRITABLE ? each_parent(c, frame, rule->target, make_pin) : 0;
}

/* ---- one rule of each kind ---- */

/* Inside a bind of an empty root: it is there already, or it is refused. */
static int find_symlink(struct compiler *c, const struct mount_rule *rule, const char *text)
{
	const char *path = mount_host_side(c, &c->stack[c->depth - 1], rule->target);
	struct path_fact fact;

	if (!path)
		return mount_out_of_memory(c);
	if (c->host->path(c->host, c->arena, path, false, &fact) == 0 &&
		fact.type == PATH_SYMLINK && strcmp(fact.link, text) == 0)
		return add_row(c, rule, OUTCOME_ENFORCED, "the bind above it", NULL, NULL);
	return add_row(c, rule, OUTCOME_NOT_ENFORCED, NULL,
		"it lies inside a bind that has no such link, and nothing is made on the host",
		"make the link on the host, or leave it out");
}

static int compile_symlink(struct compiler *c, const struct mount_rule *rule, const char *text)
{
	enum ground above = c->stack[c->depth - 1].ground;
	struct mount_operation *operation;
	enum child_lookup lookup;
	int r;

	if (c->profile->files.root == ROOT_EMPTY &&
		(above == GROUND_READ_ONLY || above == GROUND_WRITABLE))
		return find_symlink(c, rule, text);
	r = prepare_place(c, rule, &lookup);
	if (r)
		return r < 0 ? r : 0;
	if (lookup != LOOKUP_PLAIN && lookup != LOOKUP_MAKE) /* root "host": the link is there
			 already, or something else that we must not replace */
		return add_row(c, rule, OUTCOME_ENFORCED, "the bind above it", NULL, NULL);
	operation = add_operation(c, OPERATION_SYMLINK, rule->target);
	if (!operation)
		return mount_out_of_memory(c);
	operation->source = text;
	operation->lookup = lookup;
	operation->rule = rule;
	push(c, rule->target, lookup == LOOKUP_MAKE ? GROUND_LAYERS : GROUND_LINK, NULL);
	return add_row(c, rule, OUTCOME_ENFORCED, "mount", NULL, NULL);
}

static int compile_made(struct compiler *c, const struct mount_rule *rule)
{
	struct mount_operation *operation;
	enum child_lookup lookup;
	int r = prepare_place(c, rule, &lookup);

	if (r)
		return r < 0 ? r : 0;
	if (lookup != LOOKUP_PLAIN && lookup != LOOKUP_MAKE)
		return mount_fail(c, &rule->rule, -EROFS,
			rule->kind == MOUNT_FILE ? "file" : "directory", rule->target,
			"lies inside a bind, and nothing is made on the host");
	operation = add_operation(
		c, rule->kind == MOUNT_FILE ? OPERATION_FILE : OPERATION_DIRECTORY, rule->target);
	if (!operation)
		return mount_out_of_memory(c);
	operation->mode = rule->mode;
	operation->source = rule->content;
	operation->lookup = lookup;
	operation->attributes = SAFE | MOUNT_ATTR_NOEXEC | (rule->writable ? 0 : MOUNT_ATTR_RDONLY);
	operation->name = arena_format(c->arena, "file-%zu", c->plan->count);
	operation->rule = rule;
	if (!operation->name)
		return mount_out_of_memory(c);
	return add_row(c, rule, OUTCOME_ENFORCED, "mount", NULL, NULL);
}

static int compile_tmpfs(struct compiler *c, const struct mount_rule *rule)
{
	const struct limit_rule *memory = &c->profile->limits.limits[LIMIT_MEMORY];
	bool bounded = memory->rule.set && memory->value != LIMIT_UNLIMITED;
	uint64_t size = rule->size ? rule->size : bounded ? memory->value / 4 : DEFAULT_SIZE;
	struct mount_operation *operation;
	enum child_lookup lookup;
	int r = prepare_place(c, rule, &lookup);

	if (r)
		return r < 0 ? r : 0;
	operation = add_operation(c, OPERATION_TMPFS, rule->target);
	if (!operation)
		return mount_out_of_memory(c);
	operation->lookup = lookup;
	operation->point = lookup != LOOKUP_PLAIN || is_on_top(c, rule->target) ? POINT_EXISTS
										: POINT_DIRECTORY;
	operation->attributes = SAFE | (rule->no_exec ? MOUNT_ATTR_NOEXEC : 0);
	operation->mode_text = arena_format(c->arena, "%04o", (unsigned)rule->mode);
	operation->size = arena_format(c->arena, "%llu", (unsigned long long)size);
	operation->inodes =
		rule->inodes ? arena_format(c->arena, "%llu", (unsigned long long)rule->inodes)
			     : DEFAULT_INODES;
	operation->rule = rule;
	if (!operation->mode_text || !operation->size || !operation->inodes)
		return mount_out_of_memory(c);
	push(c, rule->target, GROUND_OURS, NULL);
	return add_row(c, rule, OUTCOME_ENFORCED, "mount", NULL, NULL);
}

static int compile_view(struct compiler *c, const struct mount_rule *rule)
{
	struct layers_plan *layers = arena_zeroed(c->arena, 1, sizeof(*layers));
	struct mount_operation *operation;
	enum child_lookup lookup;
	int r = layers ? layers_compile(
				 rule->layers, &rule->rule, c->host, c->arena, layers, c->err)
		       : mount_out_of_memory(c);

	if (r < 0)
		return r;
	if (rule->writable && !layers->upper.path)
		return mount_fail(c, &rule->rule, -EINVAL, "layers", rule->target,
			"what can be written to needs an upper directory");
	r = prepare_place(c, rule, &lookup);
	if (r)
		return r < 0 ? r : 0;
	operation = add_operation(c, OPERATION_LAYERS, rule->target);
	if (!operation)
		return mount_out_of_memory(c);
	operation->lookup = lookup;
	operation->point = lookup != LOOKUP_PLAIN || is_on_top(c, rule->target) ? POINT_EXISTS
										: POINT_DIRECTORY;
	operation->attributes = SAFE | (rule->writable ? 0 : MOUNT_ATTR_RDONLY) |
				(rule->no_exec ? MOUNT_ATTR_NOEXEC : 0);
	operation->size = "64k"; /* two directories, where there is no upper */
	operation->inodes = "16";
	operation->layers = layers;
	operation->rule = rule;
	push(c, rule->target, GROUND_VIEW, NULL);
	return add_row(c, rule, OUTCOME_ENFORCED, "overlayfs", NULL, NULL);
}

/* A read-only rule in a writable bind protects; where there is nothing yet, all that can be done is
 * to look again afterwards. */
static int note_absent(struct compiler *c, const struct mount_rule *rule)
{
	const struct frame *frame = &c->stack[c->depth - 1];
	const char **absent;

	if (frame->ground != GROUND_WRITABLE || rule->writable)
		return 0;
	absent = ARENA_APPEND(c->arena, c->plan->absent, c->plan->absent_count);
	if (!absent)
		return -ENOMEM;
	*absent = mount_host_side(c, frame, rule->target);
	return *absent ? 0 : -ENOMEM;
}

static int source_missing(
	struct compiler *c, const struct mount_rule *rule, const struct path_fact *fact)
{
	const char *why = fact->type == PATH_ABSENT
				  ? arena_join(c->arena, rule->source, " does not exist")
				  : arena_join(c->arena, "this user cannot reach ", rule->source);

	if (!why || note_absent(c, rule) < 0)
		return mount_out_of_memory(c);
	return add_row(c, rule, OUTCOME_NOT_ENFORCED, NULL, why,
		rule->rule.origin.document
			? "check the path, or say \"enforce\": \"best-effort\" to go on without it"
			: "check the path");
}

static int compile_bind(struct compiler *c, const struct mount_rule *rule)
{
	struct mount_operation *operation;
	struct path_fact fact;
	enum child_lookup lookup;
	int r = c->host->path(c->host, c->arena, rule->source, !rule->keep_link, &fact);

	if (r < 0)
		return mount_fail(c, &rule->rule, r, "bind", rule->source, strerror(-r));
	if (fact.type == PATH_ABSENT || fact.type == PATH_FORBIDDEN)
		return source_missing(c, rule, &fact);
	if (rule->only == ONLY_FILE && fact.type == PATH_DIRECTORY)
		return 0;
	if (fact.type == PATH_SYMLINK)
		return compile_symlink(c, rule, fact.link);
	r = prepare_place(c, rule, &lookup);
	if (r)
		return r < 0 ? r : 0;
	operation = add_operation(c, OPERATION_BIND, rule->target);
	if (!operation)
		return mount_out_of_memory(c);
	operation->lookup = lookup;
	operation->point = lookup != LOOKUP_PLAIN || is_on_top(c, rule->target) ? POINT_EXISTS
			   : fact.type == PATH_DIRECTORY                        ? POINT_DIRECTORY
										: POINT_FILE;
	operation->attributes = SAFE | (rule->writable ? 0 : MOUNT_ATTR_RDONLY) |
				(rule->no_exec ? MOUNT_ATTR_NOEXEC : 0);
	operation->source = fact.resolved;
	operation->device = fact.device;
	operation->inode = fact.inode;
	operation->rule = rule;
	push(c, rule->target, rule->writable ? GROUND_WRITABLE : GROUND_READ_ONLY, fact.resolved);
	return add_row(c, rule, OUTCOME_ENFORCED, "mount", NULL, NULL);
}

static int deny_existing(struct compiler *c, const struct mount_rule *rule,
	const struct frame *frame, enum path_type type)
{
	struct mount_operation *operation;
	int r = 0;

	if (type == PATH_SYMLINK && frame->ground == GROUND_WRITABLE)
		return add_row(c, rule, OUTCOME_NOT_ENFORCED, NULL,
			"it is a symbolic link in a writable bind, which a mount cannot hold in "
			"place",
			"deny what the link leads to, or bind the directory read-only");
	if (frame->ground == GROUND_WRITABLE)
		r = each_parent(c, frame, rule->target, make_pin);
	if (r < 0)
		return r;
	operation = add_operation(c,
		type == PATH_DIRECTORY ? OPERATION_DENY_DIRECTORY : OPERATION_DENY_FILE,
		rule->target);
	if (!operation)
		return mount_out_of_memory(c);
	operation->lookup = lookup_below(c, frame);
	operation->attributes = SAFE | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC;
	operation->rule = rule;
	push(c, rule->target, GROUND_DENIED, NULL);
	return add_row(c, rule, OUTCOME_ENFORCED, "mount", NULL, NULL);
}

/* What the image has, only the child can see; what it lacks, the program may make: it is its own.
 */
static int deny_found(struct compiler *c, const struct mount_rule *rule)
{
	struct mount_operation *operation = add_operation(c, OPERATION_DENY_FOUND, rule->target);

	if (!operation)
		return mount_out_of_memory(c);
	operation->lookup = LOOKUP_MAKE;
	operation->attributes = SAFE | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC;
	operation->rule = rule;
	push(c, rule->target, GROUND_DENIED, NULL);
	return add_row(c, rule, OUTCOME_ENFORCED, "mount, where the image has it", NULL, NULL);
}

/* A link on the way to what the host does not have may lead to something in the jail. */
static bool has_link_above(struct compiler *c, const char *path)
{
	struct path_fact fact = {.type = PATH_ABSENT};
	const char *parent = path;

	while (fact.type == PATH_ABSENT && parent && parent[1]) {
		const char *slash = strrchr(parent, '/');

		parent = arena_copy_range(
			c->arena, parent, slash > parent ? (size_t)(slash - parent) : 1);
		if (!parent || c->host->path(c->host, c->arena, parent, false, &fact) < 0)
			return true;
	}
	return fact.type == PATH_SYMLINK || !fact.resolved || strcmp(fact.resolved, parent) != 0;
}

static int compile_deny(struct compiler *c, const struct mount_rule *rule)
{
	const struct frame *frame = &c->stack[c->depth - 1];
	struct path_fact fact;
	const char *path;
	int r;

	if (frame->ground == GROUND_OURS || frame->ground == GROUND_DENIED)
		return add_row(c, rule, OUTCOME_ENFORCED, "not mounted at all", NULL, NULL);
	if (frame->ground == GROUND_LINK)
		return mount_fail(c, &rule->rule, -ELOOP, "deny", rule->target,
			"lies behind a symbolic link: name what it leads to");
	if (frame->ground == GROUND_VIEW)
		return mount_fail(c, &rule->rule, -EROFS, "deny", rule->target,
			"lies in a view of layers: leave out what is not to be seen");
	if (frame->ground == GROUND_LAYERS)
		return deny_found(c, rule);
	path = mount_host_side(c, frame, rule->target);
	if (!path)
		return mount_out_of_memory(c);
	r = c->host->path(c->host, c->arena, path, false, &fact);
	if (r < 0)
		return mount_fail(c, &rule->rule, r, "deny", path, strerror(-r));
	if (fact.type == PATH_ABSENT && frame->ground == GROUND_WRITABLE &&
		note_absent(c, rule) < 0)
		return mount_out_of_memory(c);
	if (fact.type == PATH_ABSENT && frame->ground == GROUND_WRITABLE)
		return add_row(c, rule, OUTCOME_NOT_ENFORCED, NULL,
			"it does not exist yet in a writable bind: the program could make it",
			"create it on the host first, bind the directory read-only, or accept it "
			"with \"enforce\": \"best-effort\"");
	if (fact.type == PATH_ABSENT && has_link_above(c, path))
		return add_row(c, rule, OUTCOME_NOT_ENFORCED, NULL,
			"a symbolic link of the bind is on the way to it, which may lead elsewhere "
			"in "
			"the jail",
			"deny what the link leads to");
	if (fact.type == PATH_ABSENT)
		return add_row(
			c, rule, OUTCOME_ENFORCED, "absent, and read-only above", NULL, NULL);
	if (fact.type == PATH_SYMLINK &&
		frame->ground ==
			GROUND_READ_ONLY) /* the link cannot change: cover what it leads to */
		r = c->host->path(c->host, c->arena, path, true, &fact);
	if (r < 0)
		return mount_fail(c, &rule->rule, r, "deny", path, strerror(-r));
	return deny_existing(c, rule, frame, fact.type);
}

static int compile_rule(struct compiler *c, const struct mount_rule *rule)
{
	static const char *const reserved[] = {"/dev", "/proc", "/sys"};

	while (c->depth > 1 && !path_is_beneath(rule->target, c->stack[c->depth - 1].target))
		c->depth--;
	if (rule->rule.enforce == ENFORCE_AUDIT)
		return add_row(
			c, rule, OUTCOME_AUDITED, NULL, "audit: looked at, not mounted", NULL);
	if (!rule->target[1])
		return mount_fail(c, &rule->rule, -EINVAL, "mount", "/",
			"the root is chosen by files.root (--rootfs)");
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (path_is_beneath(rule->target, reserved[i]) && rule->kind != MOUNT_DENY)
			return mount_fail(c, &rule->rule, -EINVAL, "mount", rule->target,
				"/dev, /proc and /sys are made by the engine: see devices, "
				"files.proc and files.sys");
	switch (rule->kind) {
	case MOUNT_BIND: return compile_bind(c, rule);
	case MOUNT_TMPFS: return compile_tmpfs(c, rule);
	case MOUNT_SYMLINK: return compile_symlink(c, rule, rule->source);
	case MOUNT_DIRECTORY:
	case MOUNT_FILE: return compile_made(c, rule);
	case MOUNT_DENY: return compile_deny(c, rule);
	case MOUNT_LAYERS: return compile_view(c, rule);
	case MOUNT_KIND_COUNT: break;
	}
	return -EINVAL;
}

static bool is_foreign(const struct compiler *c, const struct mount_rule *rule)
{
	for (size_t i = 0; i < c->foreign_count; i++)
		if (c->foreign[i] == rule)
			return true;
	return false;
}

/* A link shows nothing of its own, what is denied nothing at all. */
static int list_shown(struct compiler *c)
{
	struct mount_plan *plan = c->plan;

	for (size_t i = 0; i < plan->count; i++) {
		const struct mount_operation *operation = &plan->operations[i];
		const struct mount_rule **place;

		if (!operation->rule || operation->kind == OPERATION_SYMLINK ||
			operation->rule->kind == MOUNT_DENY || is_foreign(c, operation->rule))
			continue;
		place = ARENA_APPEND(c->arena, plan->shown, plan->shown_count);
		if (!place)
			return mount_out_of_memory(c);
		*place = operation->rule;
	}
	return 0;
}

/*
 * In a root of layers a link of the image may lead any rule into a tmpfs of ours: those that lie in
 * the root itself are mounted before everything else.
 */
static int tmpfs_first(struct compiler *c)
{
	struct mount_operation *sorted = arena_zeroed(c->arena, c->plan->count, sizeof(*sorted));
	size_t count = 0;

	if (!sorted)
		return mount_out_of_memory(c);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < c->plan->count; i++) {
			const struct mount_operation *operation = &c->plan->operations[i];

			if ((operation->kind == OPERATION_TMPFS &&
				    operation->lookup == LOOKUP_MAKE) == (round == 0))
				sorted[count++] = *operation;
		}
	c->plan->operations = sorted;
	return 0;
}

int mount_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct mount_plan *ret, struct err *reterr)
{
	struct mount_plan plan = {0};
	struct compiler c = {.profile = profile,
		.host = host,
		.arena = arena,
		.receipt = receipt,
		.err = reterr,
		.plan = &plan};
	const struct files_section *files = &profile->files;
	int r = mount_gather(&c);

	if (r < 0)
		return r;
	if (files->root == ROOT_EMPTY || files->root == ROOT_LAYERS)
		push(&c, "/", files->root == ROOT_EMPTY ? GROUND_OURS : GROUND_LAYERS, NULL);
	else
		push(&c, "/",
			files->root == ROOT_DIRECTORY && files->root_writable ? GROUND_WRITABLE
									      : GROUND_READ_ONLY,
			files->root == ROOT_HOST ? "/" : files->root_directory);
	for (size_t i = 0; i < c.rule_count && r == 0; i++) {
		size_t before = plan.count;

		r = compile_rule(&c, c.rules[i]);
		if (plan.count > before) /* a rule that was left out has not made its parents */
			c.previous = c.rules[i]->target;
	}
	if (r == 0)
		r = list_shown(&c);
	if (r == 0 && files->root == ROOT_LAYERS && plan.count)
		r = tmpfs_first(&c);
	if (r < 0)
		return r;
	if (plan.count > UINT16_MAX)
		return err_set(reterr, -E2BIG, "/files/mounts", "more than %d mount operations",
			UINT16_MAX);
	*ret = plan;
	return 0;
}
