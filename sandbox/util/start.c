/*
 * The first instructions of the launcher, before those of musl: every address in its tables is made
 * good here. musl 1.2.3 reads relative relocations in their long form alone, 120 KiB of them at
 * every launch; the linker packs them into one (DT_RELR: generic ABI, chapter 5; elf.h), and what
 * it did not pack is left to musl.
 *
 * Nothing is there yet: no thread pointer, so no errno and no stack protector, and no table whose
 * addresses could be used.
 */
#ifndef __GLIBC__ /* whose static programs do it themselves */

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef DT_RELR
#define DT_RELRSZ 35
#define DT_RELR 36
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define HIDDEN __attribute__((visibility("hidden")))
#define PAGE ((uintptr_t)4096)
#define WORD_BITS (8 * sizeof(uintptr_t))

extern char __executable_start[] HIDDEN; /* of the linker: where our ELF header is mapped */
extern ElfW(Dyn) _DYNAMIC[] HIDDEN;

void start_relocate(void) HIDDEN __attribute__((used));

#if defined __x86_64__
__asm__(".text\n.globl launcher_start\n.type launcher_start, @function\nlauncher_start:\n"
	"call start_relocate\njmp _start\n");

static void advise(uintptr_t from, size_t size)
{
	long result = SYS_madvise;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(from), "S"(size), "d"((long)MADV_POPULATE_WRITE)
			 : "rcx", "r11", "memory");
}
#elif defined __aarch64__
__asm__(".text\n.globl launcher_start\n.type launcher_start, %function\nlauncher_start:\n"
	"bl start_relocate\nb _start\n");

static void advise(uintptr_t from, size_t size)
{
	register long number __asm__("x8") = SYS_madvise;
	register long first __asm__("x0") = (long)from;
	register long second __asm__("x1") = (long)size;
	register long third __asm__("x2") = MADV_POPULATE_WRITE;

	__asm__ volatile("svc 0" : "+r"(first) : "r"(number), "r"(second), "r"(third) : "memory");
}
#else
#error "the first instructions are written for x86_64 and aarch64: make LIBC=glibc"
#endif

/* The pages that are about to be written, in one call and not one fault each; an older kernel
 * refuses, and they come one by one. */
static void populate(const char *base)
{
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)base;
	const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(const void *)(base + header->e_phoff);

	for (unsigned i = 0; i < header->e_phnum; i++, segment++) {
		uintptr_t from = (uintptr_t)base + segment->p_vaddr;

		if (segment->p_type == PT_GNU_RELRO)
			advise(from & ~(PAGE - 1), (from & (PAGE - 1)) + segment->p_memsz);
	}
}

/* An even entry is the place of an address; an odd one tells by its bits which of the 63 words
 * after the last place hold one, too. The first is even. */
static void unpack(const char *base, const uintptr_t *entry, size_t count)
{
	uintptr_t offset = (uintptr_t)base, *place = (uintptr_t *)offset;

	for (; count; entry++, count--) {
		if (!(*entry & 1)) {
			place = (uintptr_t *)(offset + *entry);
			*place++ += offset;
			continue;
		}
		for (uintptr_t bits = *entry >> 1; bits; bits &= bits - 1)
			place[__builtin_ctzl(bits)] += offset;
		place += WORD_BITS - 1;
	}
}

void start_relocate(void)
{
	const char *base = __executable_start;
	uintptr_t table = 0, size = 0;

	populate(base);
	for (ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_RELR)
			table = entry->d_un.d_ptr;
		if (entry->d_tag == DT_RELRSZ) {
			size = entry->d_un.d_val;
			entry->d_un.d_val = 0; /* musl 1.2.4 would do it once more */
		}
	}
	unpack(base, (const uintptr_t *)(const void *)(base + table), size / sizeof(uintptr_t));
}

#endif
