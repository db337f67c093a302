/*
 * Classic BPF as seccomp(2) runs it, for tests: written from the kernel's description
 * (Documentation/userspace-api/seccomp_filter.rst, net/core/filter.c's checks), not from the
 * compiler under test. Both the tests and the fuzzers link it.
 */
#ifndef IMMURE_TESTS_SECCOMP_SIMULATE_H
#define IMMURE_TESTS_SECCOMP_SIMULATE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* The checks of the kernel when a filter is loaded. NULL when it would take it, else why not. */
const char *simulate_check(const struct sock_filter *filter, size_t length);

/*
 * What a checked filter returns for data. covered, when not NULL, has a byte per instruction that
 * becomes 1 where it ran. ret_steps, when not NULL, becomes the count of instructions that ran.
 */
uint32_t simulate(const struct sock_filter *filter, size_t length, const struct seccomp_data *data,
	uint8_t *covered, unsigned *ret_steps);

/*
 * What a seccomp document (OCI, Docker, Podman; well-formed, with no entry that depends on includes
 * or excludes) says of a call of x86_64, read straight off the JSON as
 * sandbox/profile/seccomp_document.h defines it: a value as filters return it.
 */
uint32_t document_says(const json_t *root, int number, const uint64_t *arguments);

#endif
