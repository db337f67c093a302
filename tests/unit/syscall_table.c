/*
 * The table of system calls against libseccomp's own, against the kernel's header, and against
 * itself. `syscall_table --slots` prints sandbox/isolation/syscall_table_slots.h for the names as
 * they are now.
 */
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "check.h"
#include "isolation/syscall_table.h"
#include "isolation/syscall_table_names.h"

#define NAME(name, x86_64, i386, aarch64) #name,
static const char *const names[] = {SYSCALLS(NAME)};
#define COUNT (sizeof(names) / sizeof(names[0]))
#define SLOTS 1024

static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261U;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619U;
	return h ^ h >> 16;
}

static int print_slots(void)
{
	static unsigned slots[SLOTS];

	for (unsigned i = 0; i < COUNT; i++) {
		uint32_t slot = hash(names[i]) % SLOTS;

		while (slots[slot])
			slot = (slot + 1) % SLOTS;
		slots[slot] = i + 1;
	}
	puts("/* Where each name of syscall_table_names.h is found by its hash (index + 1; 0: "
	     "free). Printed by tests/unit/syscall_table.c. */");
	puts("#ifndef IMMURE_ISOLATION_SYSCALL_TABLE_SLOTS_H\n#define "
	     "IMMURE_ISOLATION_SYSCALL_TABLE_SLOTS_H\n");
	printf("#include <stdint.h>\n\n#define SYSCALL_SLOTS %d\n\n/* clang-format off */\n",
		SLOTS);
	printf("static const uint16_t slots[SYSCALL_SLOTS] = {");
	for (unsigned i = 0; i < SLOTS; i++)
		printf("%s%u,", i % 20 ? " " : "\n\t", slots[i]);
	puts("\n};\n/* clang-format on */\n\n#endif");
	return 0;
}

/* By name, the library gives the calls behind i386's socketcall and ipc numbers of its own; by
 * number it knows the direct ones. */
static bool library_agrees(uint32_t architecture, const char *name, int ours, int theirs)
{
	char *named;
	bool same;

	if (theirs >= 0 || ours < 0)
		return ours == (theirs < 0 ? SYSCALL_ABSENT : theirs);
	named = seccomp_syscall_resolve_num_arch(architecture, ours);
	same = named && strcmp(named, name) == 0;
	free(named);
	return same;
}

static void check_library(uint32_t architecture, const char *word)
{
	unsigned wrong = 0, compared = 0;

	for (size_t i = 0; i < COUNT; i++) {
		int theirs = seccomp_syscall_resolve_name_arch(architecture, names[i]);

		if (theirs == __NR_SCMP_ERROR)
			continue; /* newer than the library */
		compared++;
		if (!library_agrees(architecture, names[i], syscall_number(architecture, names[i]),
			    theirs)) {
			printf("# %s: %d, the library says %d\n", names[i],
				syscall_number(architecture, names[i]), theirs);
			wrong++;
		}
	}
	check(compared > 400 && !wrong, "%s: %u names have the library's numbers", word, compared);

	wrong = compared = 0;
	for (int number = 0; number < 1024; number++) {
		char *theirs = seccomp_syscall_resolve_num_arch(architecture, number);
		const char *ours = syscall_name(architecture, number);

		if (theirs && (!ours || strcmp(ours, theirs) != 0)) {
			printf("# %d: %s, the library says %s\n", number, ours ? ours : "(none)",
				theirs);
			wrong++;
		}
		compared += theirs != NULL;
		free(theirs);
	}
	check(compared > 300 && !wrong, "%s: %u numbers have the library's names", word, compared);
}

static void check_itself(void)
{
	unsigned unsorted = 0, lost = 0;

	for (size_t i = 0; i < COUNT; i++) {
		int number = syscall_number(AUDIT_ARCH_X86_64, names[i]);

		if (i && strcmp(names[i - 1], names[i]) >= 0)
			unsorted++;
		if (number == SYSCALL_UNKNOWN)
			lost++;
		else if (number >= 0 &&
			 strcmp(syscall_name(AUDIT_ARCH_X86_64, number), names[i]) != 0)
			lost++;
	}
	check(!unsorted, "the names are sorted and unlike");
	check(!lost, "each name is found by its hash, and by its number");
}

static void check_newer(void)
{
	static const struct {
		const char *name;
		int number;
	} newer[] = {{"statmount", 457}, {"listmount", 458}, {"lsm_get_self_attr", 459},
		{"lsm_list_modules", 461}, {"mseal", 462}, {"setxattrat", 463}, {"getxattrat", 464},
		{"listxattrat", 465}, {"removexattrat", 466}, {"open_tree_attr", 467},
		{"file_getattr", 468}, {"file_setattr", 469}, {"listns", 470}};

	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++) {
		check_int(syscall_number(AUDIT_ARCH_X86_64, newer[i].name), newer[i].number,
			"x86_64 %s", newer[i].name);
		check_int(syscall_number(AUDIT_ARCH_AARCH64, newer[i].name), newer[i].number,
			"aarch64 %s", newer[i].name);
		check_int(syscall_number(AUDIT_ARCH_RISCV64, newer[i].name), newer[i].number,
			"riscv64 %s", newer[i].name);
	}
	check_int(syscall_number(AUDIT_ARCH_X86_64, "uretprobe"), 335, "x86_64 uretprobe");
	check_int(syscall_number(AUDIT_ARCH_AARCH64, "uretprobe"), SYSCALL_ABSENT,
		"aarch64 has no uretprobe");
	check_int(syscall_number(AUDIT_ARCH_RISCV64, "uretprobe"), SYSCALL_ABSENT,
		"riscv64 has no uretprobe");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--slots") == 0)
		return print_slots();
	check_itself();
	check_library(AUDIT_ARCH_X86_64, "x86_64");
	check_library(AUDIT_ARCH_I386, "i386");
	check_library(AUDIT_ARCH_AARCH64, "aarch64");
	check_newer();
	check_int(syscall_number(AUDIT_ARCH_X86_64, "read"), 0, "read");
	check_int(syscall_number(syscall_native_architecture(), "clone3"), SYS_clone3,
		"clone3 as in the kernel's header");
	check_int(
		syscall_number(AUDIT_ARCH_AARCH64, "open"), SYSCALL_ABSENT, "aarch64 has no open");
	check_int(syscall_number(AUDIT_ARCH_X86_64, "arm_fadvise64_64"), SYSCALL_ABSENT,
		"a name of another architecture is known");
	check_int(syscall_number(AUDIT_ARCH_ARM, "openat"), 322, "arm openat, by the library");
	check_int(syscall_number(AUDIT_ARCH_X86_64, "opneat"), SYSCALL_UNKNOWN,
		"a misspelt name is not");
	check_int(syscall_number(AUDIT_ARCH_X86_64, ""), SYSCALL_UNKNOWN, "nor the empty one");
	check_text(syscall_nearest("opneat"), "openat", "nearest to opneat");
	check_text(syscall_nearest("xyzzyxyzzy"), NULL, "nothing is near to nonsense");
	check_text(syscall_name(AUDIT_ARCH_X86_64, -1), NULL, "no name for -1");
	check_text(syscall_name(AUDIT_ARCH_X86_64, 1023), NULL, "no name for 1023");
	check_text(syscall_name(AUDIT_ARCH_ARM, 322), "openat", "arm 322, by the library");
	return check_done();
}
