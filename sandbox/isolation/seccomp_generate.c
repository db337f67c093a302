/*
 * See seccomp_generate.h.
 *
 * The program is written from its end to its beginning: classic BPF only jumps forward, so by the
 * time a jump is written, what it leads to has its place, and the distance is known. A conditional
 * jump reaches 255 instructions; where its target is farther, a copy of it (of a return) or an
 * unconditional jump to it (its distance has 32 bits) is put right here, and later jumps use that
 * one while it is near.
 *
 * "Position" below counts instructions from the end of the program; 0 means that something has no
 * place yet.
 */
#include "isolation/seccomp_generate.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"
#include "util/arena.h"

#define NEAR 252 /* of the 255, so that a few instructions may still come between */
#define LINEAR 4 /* values compared one after another; above, the list is halved */
#define RUN 3    /* values in a row from which two comparisons with their ends are fewer */
#define SPOTS 3  /* numbers compared one after another within a stretch */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { LOW = 0, HIGH = 4 };
#else
enum { LOW = 4, HIGH = 0 };
#endif

struct generator {
	struct sock_filter code[SECCOMP_MAXIMUM_LENGTH]; /* filled from the end */
	unsigned used;
	bool full;
	struct place *places; /* by the index of the node */
	struct arena *arena;
};

/* Where a decision, or a part of one, can be jumped to. */
struct place {
	unsigned at;
	bool returns;
	uint32_t value;
};

static void push(struct generator *g, uint16_t code, uint32_t k, unsigned jt, unsigned jf)
{
	if (g->used == SECCOMP_MAXIMUM_LENGTH) {
		g->full = true;
		return;
	}
	g->code[SECCOMP_MAXIMUM_LENGTH - ++g->used] =
		(struct sock_filter){code, (uint8_t)jt, (uint8_t)jf, k};
}

/* Gives target a place at most `distance` instructions from the next one to be written. */
static void reach(struct generator *g, struct place *target, unsigned distance)
{
	if (target->at && g->used - target->at <= distance)
		return;
	if (target->returns)
		push(g, BPF_RET | BPF_K, target->value, 0, 0);
	else
		push(g, BPF_JMP | BPF_JA, g->used - target->at, 0, 0);
	target->at = g->used;
}

/* A conditional jump; the result's place. */
static struct place jump(
	struct generator *g, uint16_t test, uint32_t k, struct place *yes, struct place *no)
{
	reach(g, yes, NEAR);
	reach(g, no, NEAR);
	push(g, BPF_JMP | BPF_K | test, k, g->used - yes->at, g->used - no->at);
	return (struct place){.at = g->used};
}

/* The word of an argument, masked, in front of the test that was just written. */
static struct place load(struct generator *g, unsigned index, unsigned half, uint32_t mask)
{
	uint32_t offset = (uint32_t)offsetof(struct seccomp_data, args) + index * 8 + half;

	if (mask != UINT32_MAX)
		push(g, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	push(g, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
	return (struct place){.at = g->used};
}

static uint32_t high(uint64_t value)
{
	return (uint32_t)(value >> 32);
}

static uint64_t effective_mask(const struct syscall_argument *argument)
{
	return argument->width == 32 ? argument->mask & UINT32_MAX : argument->mask;
}

static int compare_values(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

/* The values of a list that (argument & mask) can have, sorted, each once. */
static size_t possible_values(const struct syscall_argument *argument, uint64_t *values)
{
	uint64_t mask = effective_mask(argument);
	size_t count = 0, kept = 0;
	bool sorted = true;

	for (size_t i = 0; i < argument->value_count; i++) {
		if (argument->values[i] & ~mask)
			continue;
		sorted = sorted && (!count || values[count - 1] < argument->values[i]);
		values[count++] = argument->values[i];
	}
	if (sorted)
		return count;
	qsort(values, count, sizeof(*values), compare_values);
	for (size_t i = 0; i < count; i++)
		if (!i || values[i] != values[kept - 1])
			values[kept++] = values[i];
	return kept;
}

/* How many of the sorted values, from the first on, follow upon each other. */
static size_t run_length(const uint64_t *values, size_t count)
{
	size_t length = 1;

	while (length < count && values[length] == values[length - 1] + 1)
		length++;
	return length;
}

/* Where a list is halved, but for a run in the middle, which stays whole. */
static size_t find_middle(const uint64_t *values, size_t count)
{
	size_t middle = count / 2, start = middle;

	middle += run_length(values + middle - 1, count - middle + 1) - 1;
	while (start && values[start] == values[start - 1] + 1)
		start--;
	return middle < count ? middle : start;
}

/* The accumulator is one of values (low words; sorted): yes, else no. The place of the first
 * comparison. */
static struct place in_list(struct generator *g, const uint64_t *values, size_t count,
	struct place *yes, struct place *no)
{
	size_t run = run_length(values, count), middle;
	struct place left, right, rest, here, *next = no;

	if (count > LINEAR && run < count) {
		middle = find_middle(values, count);
		right = in_list(g, values + middle, count - middle, yes, no);
		left = in_list(g, values, middle, yes, no);
		return jump(g, BPF_JGE, (uint32_t)values[middle], &right, &left);
	}
	run = run >= RUN ? run : 1;
	if (run < count) {
		rest = in_list(g, values + run, count - run, yes, no);
		next = &rest;
	}
	if (run == 1)
		return jump(g, BPF_JEQ, (uint32_t)values[0], yes, next);
	here = jump(g, BPF_JGT, (uint32_t)values[run - 1], next, yes);
	return jump(g, BPF_JGE, (uint32_t)values[0], &here, no);
}

/* Low words of values that share a high word. */
static struct place low_list(struct generator *g, const struct syscall_argument *argument,
	const uint64_t *values, size_t count, struct place *yes, struct place *no)
{
	uint32_t mask = (uint32_t)effective_mask(argument);

	if (!mask)
		return *yes; /* the only possible low word is 0, and it is listed */
	(void)in_list(g, values, count, yes, no);
	return load(g, argument->index, LOW, mask);
}

static struct place list_test(struct generator *g, const struct syscall_argument *argument,
	struct place *yes, struct place *no)
{
	uint32_t mask = high(effective_mask(argument));
	uint64_t *values = arena_zeroed(g->arena, argument->value_count, sizeof(*values));
	struct place low, here, *next = no;
	size_t count;

	if (!values) {
		g->full = true;
		return *no;
	}
	count = possible_values(argument, values);
	if (!mask)
		return low_list(g, argument, values, count, yes, no);
	for (size_t start, end = count; end > 0; end = start, next = &here) {
		for (start = end - 1; start && high(values[start - 1]) == high(values[end - 1]);)
			start--;
		low = low_list(g, argument, values + start, end - start, yes, no);
		here = jump(g, BPF_JEQ, high(values[start]), &low, next);
	}
	return load(g, argument->index, HIGH, mask);
}

/* (argument & mask) is at least value, or greater than it: the low word decides only where the high
 * words are equal. */
static struct place order_test(struct generator *g, const struct syscall_argument *argument,
	bool or_equal, struct place *yes, struct place *no)
{
	uint64_t value = argument->values[0], mask = effective_mask(argument);
	struct place low, equal;

	if ((uint32_t)mask) {
		(void)jump(g, or_equal ? BPF_JGE : BPF_JGT, (uint32_t)value, yes, no);
		low = load(g, argument->index, LOW, (uint32_t)mask);
	} else {
		low = or_equal && !(uint32_t)value ? *yes : *no;
	}
	if (!high(mask))
		return low;
	equal = jump(g, BPF_JEQ, high(value), &low, no);
	(void)jump(g, BPF_JGT, high(value), yes, &equal);
	return load(g, argument->index, HIGH, high(mask));
}

static struct place test(struct generator *g, const struct syscall_argument *argument,
	struct place *yes, struct place *no)
{
	switch (seccomp_constant(argument)) {
	case SECCOMP_ALWAYS: return *yes;
	case SECCOMP_NEVER: return *no;
	case SECCOMP_VARIES: break;
	}
	switch (argument->comparison) {
	case COMPARE_IN: return list_test(g, argument, yes, no);
	case COMPARE_NOT_IN: return list_test(g, argument, no, yes);
	case COMPARE_GREATER_EQUAL: return order_test(g, argument, true, yes, no);
	case COMPARE_LESS: return order_test(g, argument, true, no, yes);
	case COMPARE_GREATER: return order_test(g, argument, false, yes, no);
	default: return order_test(g, argument, false, no, yes); /* COMPARE_LESS_EQUAL */
	}
}

enum seccomp_constant seccomp_constant(const struct syscall_argument *argument)
{
	bool negated = argument->comparison == COMPARE_NOT_IN ||
		       argument->comparison == COMPARE_LESS ||
		       argument->comparison == COMPARE_LESS_EQUAL;
	uint64_t mask = effective_mask(argument),
		 value = argument->value_count ? argument->values[0] : 0;
	bool never = false, always = false;

	switch (argument->comparison) {
	case COMPARE_IN:
	case COMPARE_NOT_IN:
		never = true;
		for (size_t i = 0; i < argument->value_count; i++)
			never = never && argument->values[i] & ~mask;
		always = !mask && !never;
		break;
	case COMPARE_LESS:
	case COMPARE_GREATER_EQUAL:
		never = value > mask; /* nothing under the mask is greater than the mask */
		always = value == 0;
		break;
	default: never = value >= mask; break;
	}
	if (never)
		return negated ? SECCOMP_ALWAYS : SECCOMP_NEVER;
	if (always)
		return negated ? SECCOMP_NEVER : SECCOMP_ALWAYS;
	return SECCOMP_VARIES;
}

static struct place *node_place(struct generator *g, const struct seccomp_node *node)
{
	struct place *place = &g->places[node->index], *yes, *no;
	struct place next;

	if (place->at || place->returns)
		return place;
	if (!node->next) {
		*place = (struct place){.returns = true, .value = node->returns};
		return place;
	}
	no = node_place(g, node->next);
	yes = node_place(g, node->final);
	next = *yes;
	for (size_t i = node->argument_count; i-- > 0;) {
		struct place rest = next;

		next = test(
			g, &node->arguments[i], i == node->argument_count - 1 ? yes : &rest, no);
	}
	*place = next;
	return place;
}

/* A part of the number line with one decision but for up to SPOTS single numbers in it, which have
 * their own: each costs one comparison, where the ends of two ranges would cost two. */
struct stretch {
	const struct seccomp_range *ranges;
	size_t spots; /* ranges[1], ranges[3], … */
};

static size_t find_stretches(
	const struct seccomp_range *range, size_t count, struct stretch *ret_stretches)
{
	size_t found = 0;

	while (count) {
		size_t spots = 0;

		while (spots < SPOTS && 2 * spots + 2 < count &&
			range[2 * spots + 1].first + 1 == range[2 * spots + 2].first &&
			range[2 * spots + 2].node == range->node)
			spots++;
		ret_stretches[found++] = (struct stretch){range, spots};
		range += 2 * spots + 1;
		count -= 2 * spots + 1;
	}
	return found;
}

/* Its place is *storage, or that of the one decision. */
static struct place *in_stretch(
	struct generator *g, const struct stretch *stretch, struct place *storage)
{
	const struct seccomp_range *range = stretch->ranges;
	struct place *next = node_place(g, range->node);

	for (size_t i = 0; i < stretch->spots; i++, next = storage)
		*storage = jump(g, BPF_JEQ, range[2 * i + 1].first,
			node_place(g, range[2 * i + 1].node), next);
	return next;
}

/* The search for the number among count stretches. Its place as above. */
static struct place *in_stretches(
	struct generator *g, const struct stretch *stretches, size_t count, struct place *storage)
{
	size_t middle = count / 2;
	struct place right_storage, left_storage, *right, *left;

	if (count == 1 || g->full)
		return in_stretch(g, stretches, storage);
	right = in_stretches(g, stretches + middle, count - middle, &right_storage);
	left = in_stretches(g, stretches, middle, &left_storage);
	*storage = jump(g, BPF_JGE, stretches[middle].ranges->first, right, left);
	return storage;
}

int seccomp_generate(const struct seccomp_abi *abis, size_t abi_count,
	const struct seccomp_node *foreign, size_t node_count, struct arena *arena,
	struct sock_filter **ret, unsigned short *ret_length)
{
	struct generator g = {.arena = arena};
	struct place storage, entry, here, *next;
	struct stretch *stretches;
	struct sock_filter *filter;
	size_t count;

	g.places = arena_zeroed(arena, node_count, sizeof(*g.places));
	if (!g.places)
		return -ENOMEM;
	next = node_place(&g, foreign);
	for (size_t i = abi_count; i-- > 0 && !g.full;) {
		stretches = arena_zeroed(arena, abis[i].range_count, sizeof(*stretches));
		if (!stretches)
			return -ENOMEM;
		count = find_stretches(abis[i].ranges, abis[i].range_count, stretches);
		reach(&g, in_stretches(&g, stretches, count, &storage), 0);
		push(&g, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr), 0,
			0);
		entry = (struct place){.at = g.used};
		here = jump(&g, BPF_JEQ, abis[i].architecture, &entry, next);
		next = &here;
	}
	push(&g, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, arch), 0, 0);
	if (g.full)
		return -E2BIG;
	filter = arena_zeroed(arena, g.used, sizeof(*filter));
	if (!filter)
		return -ENOMEM;
	memcpy(filter, g.code + SECCOMP_MAXIMUM_LENGTH - g.used, g.used * sizeof(*filter));
	*ret = filter;
	*ret_length = (unsigned short)g.used;
	return 0;
}
