/* Our own segments: see segments.h. */
#include "util/segments.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char __executable_start[]; /* of the linker: where our ELF header is mapped */

static const ElfW(Phdr) * segments(size_t *ret_count)
{
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)__executable_start;

	*ret_count = header->e_phnum;
	return (const ElfW(Phdr) *)(const void *)(__executable_start + header->e_phoff);
}

int segments_protect(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	size_t count;
	const ElfW(Phdr) *segment = segments(&count);

	for (; count; segment++, count--) {
		uintptr_t start = (uintptr_t)__executable_start + segment->p_vaddr;
		uintptr_t end = (start + segment->p_memsz) & ~(page - 1);

		start &= ~(page - 1);
		if (segment->p_type == PT_GNU_RELRO && start < end &&
			mprotect((void *)start, end - start, PROT_READ))
			return -errno;
	}
	return 0;
}

void segments_settle(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	size_t count;
	const ElfW(Phdr) *segment = segments(&count);

	for (; count; segment++, count--) {
		uintptr_t start = (uintptr_t)__executable_start + segment->p_vaddr;

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			(void)madvise((void *)(start & ~(page - 1)),
				(start & (page - 1)) + segment->p_filesz,
				MADV_DONTNEED); /* a refusal costs memory only */
	}
}
