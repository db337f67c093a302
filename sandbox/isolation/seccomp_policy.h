/* Clauses to decisions: which chain of tests each system call number of an ABI gets. Between
 * profile.h's policy and the generator. */
#ifndef IMMURE_ISOLATION_SECCOMP_POLICY_H
#define IMMURE_ISOLATION_SECCOMP_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "isolation/seccomp_generate.h"
#include "profile/profile.h"
#include "util/err.h"

struct arena;
struct receipt;

#define SECCOMP_X32_FIRST 0x40000000U /* __X32_SYSCALL_BIT */
#define SECCOMP_X32_END 0x40010000U   /* far past the last of them; beyond, no ABI has calls */

/* All decisions of one filter, each return value once. Zero-initialise, set section and arena. */
struct seccomp_decisions {
	const struct syscalls_section *section;
	struct arena *arena;
	struct seccomp_node **finals; /* one per value */
	size_t final_count;
	unsigned node_count;
};

/* The value the filter returns for an action of this policy: where the whole section (or audit: the
 * clause) is in audit, denials log. */
uint32_t seccomp_return_value(const struct syscalls_section *section, enum syscall_action action,
	uint16_t error, bool audit);

/* The final decision that returns value, or NULL when out of memory. */
const struct seccomp_node *seccomp_final(struct seccomp_decisions *decisions, uint32_t value);

/*
 * Fills ret with the ranges for one ABI. With a receipt, names that nobody knows are judged: pass
 * it for the native ABI only. ret_allowed: how many numbers can be allowed.
 */
int seccomp_decide(struct seccomp_decisions *decisions, uint32_t architecture, bool nested_user,
	struct receipt *receipt, struct seccomp_abi *ret, unsigned *ret_allowed,
	struct err *reterr);

/* Where the allowance of nested user namespaces stands among the clauses: after the last that a
 * group brought. */
size_t seccomp_nested_position(const struct syscalls_section *section);
extern const struct syscall_clause seccomp_nested_clause;

#endif
