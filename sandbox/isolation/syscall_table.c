/*
 * Names and numbers of system calls; see syscall_table.h.
 *
 * Every launch resolves several hundred names, and libseccomp looks for each from the top of its
 * list (about 2 microseconds a name), so the calls of the architectures we compile filters for
 * stand in a table of our own, found by hash. The library is asked only for what is not there:
 * other architectures, and names that only those have.
 */
#include "isolation/syscall_table.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>

#include "isolation/syscall_table_names.h"
#include "isolation/syscall_table_slots.h"
#include "util/text.h"

enum column { COLUMN_X86_64, COLUMN_I386, COLUMN_AARCH64, COLUMN_COUNT };

/* Without addresses: each page that holds some has to be written at every start of the program. */
#define NAME(name, x86_64, i386, aarch64) #name,
static const char names[][32] = {SYSCALLS(NAME)};
#undef NAME
#define COUNT (sizeof(names) / sizeof(names[0]))

#define NUMBERS(name, x86_64, i386, aarch64) {x86_64, i386, aarch64},
static const int16_t numbers[COUNT][COLUMN_COUNT] = {SYSCALLS(NUMBERS)};
#undef NUMBERS

_Static_assert(SYSCALL_SLOTS > 2 * COUNT, "short searches");
_Static_assert((SYSCALL_SLOTS & (SYSCALL_SLOTS - 1)) == 0, "the hash is masked");

static enum column column_of(uint32_t audit_architecture)
{
	switch (audit_architecture) {
	case AUDIT_ARCH_X86_64: return COLUMN_X86_64;
	case AUDIT_ARCH_I386: return COLUMN_I386;
	case AUDIT_ARCH_AARCH64: return COLUMN_AARCH64;
	default: return COLUMN_COUNT;
	}
}

/* FNV-1a. */
static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261U;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619U;
	return h ^ h >> 16;
}

/* Index into names, or COUNT. */
static size_t find(const char *name)
{
	uint32_t slot = hash(name) & (SYSCALL_SLOTS - 1);

	for (; slots[slot]; slot = (slot + 1) & (SYSCALL_SLOTS - 1))
		if (strcmp(names[slots[slot] - 1], name) == 0)
			return slots[slot] - 1U;
	return COUNT;
}

static int ask_library(uint32_t audit_architecture, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(audit_architecture, name);

	if (number >= 0)
		return number;
	return number == __NR_SCMP_ERROR
		       ? SYSCALL_UNKNOWN
		       : SYSCALL_ABSENT; /* its other negatives stand for calls elsewhere */
}

int syscall_number(uint32_t audit_architecture, const char *name)
{
	enum column column = column_of(audit_architecture);
	size_t index = find(name);
	int number;

	if (index < COUNT && column < COLUMN_COUNT)
		return numbers[index][column];
	number = ask_library(audit_architecture, name);
	if (number != SYSCALL_UNKNOWN || index == COUNT)
		return number;
	/* Newer than the library. From 424 on, the architectures added calls under common numbers.
	 */
	return numbers[index][COLUMN_AARCH64] >= 424 ? numbers[index][COLUMN_AARCH64]
						     : SYSCALL_ABSENT;
}

const char *syscall_name(uint32_t audit_architecture, int number)
{
	enum column column = column_of(audit_architecture);

	if (number < 0)
		return NULL;
	for (size_t i = 0; i < COUNT; i++)
		if (column < COLUMN_COUNT ? numbers[i][column] == number
					  : syscall_number(audit_architecture, names[i]) == number)
			return names[i];
	return NULL;
}

const char *syscall_nearest(const char *name)
{
	const char *words[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		words[i] = names[i];
	return text_nearest(name, words, COUNT);
}

uint32_t syscall_native_architecture(void)
{
#if defined(__x86_64__) && !defined(__ILP32__)
	return AUDIT_ARCH_X86_64;
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return AUDIT_ARCH_AARCH64;
#else
#error "the filter is made for x86_64 and aarch64"
#endif
}
