/*
 * Decisions to classic BPF. The policy (seccomp_policy.c) has become, per ABI, an ordered list of
 * number ranges, each with the chain of argument tests that decides; this makes instructions of it.
 */
#ifndef IMMURE_ISOLATION_SECCOMP_GENERATE_H
#define IMMURE_ISOLATION_SECCOMP_GENERATE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct syscall_argument;

#define SECCOMP_MAXIMUM_LENGTH 4096 /* BPF_MAXINSNS */
#define SECCOMP_MAXIMUM_CHAIN 512   /* tests that one call may go through */

/* A decision: all of `arguments` hold → returns; else what `next` says. Without next it is final:
 * returns, always. */
struct seccomp_node {
	const struct syscall_argument *arguments;
	size_t argument_count;
	uint32_t returns;
	const struct seccomp_node *next;
	const struct seccomp_node *final; /* the final node that has the same `returns` */
	unsigned index; /* unlike that of any other node; below the node_count of seccomp_generate()
			 */
	unsigned short depth; /* 0 for a final one */
	bool allows;          /* some arguments lead to an allowed call */
};

struct seccomp_range { /* up to the next range's first - 1, the last one up to 0xFFFFFFFF */
	uint32_t first;
	const struct seccomp_node *node;
};

struct seccomp_abi {
	uint32_t architecture;
	struct seccomp_range *ranges; /* the first begins at 0 */
	size_t range_count;
};

/* What a condition is, whatever the argument: SECCOMP_VARIES where it depends on it. */
enum seccomp_constant { SECCOMP_NEVER, SECCOMP_ALWAYS, SECCOMP_VARIES };
enum seccomp_constant seccomp_constant(const struct syscall_argument *argument);

/*
 * The program for the given ABIs, every other getting `foreign` (final). 0, -E2BIG when it would
 * have more than SECCOMP_MAXIMUM_LENGTH instructions, or -ENOMEM. Instructions are in the arena.
 */
int seccomp_generate(const struct seccomp_abi *abis, size_t abi_count,
	const struct seccomp_node *foreign, size_t node_count, struct arena *arena,
	struct sock_filter **ret, unsigned short *ret_length);

#endif
