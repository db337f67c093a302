/*
 * Our own program as it lies in memory: the segments of its ELF header. elf(5). System calls only.
 */
#ifndef IMMURE_UTIL_SEGMENTS_H
#define IMMURE_UTIL_SEGMENTS_H

/*
 * Makes read-only what only relocation had to write (PT_GNU_RELRO): tables of pointers, which an
 * overflow must not change. glibc does it before main; musl leaves it out of static programs. 0 or
 * -errno.
 */
int segments_protect(void);

/*
 * Gives back the pages that are as they are on disk: text and constants, but not what relocations
 * changed. They come back when they are touched.
 */
void segments_settle(void);

#endif
