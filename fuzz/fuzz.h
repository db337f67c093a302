/*
 * What every target has: libFuzzer's entry, and the mark of a property that must hold whatever the
 * input. A header of definitions, included once by each fuzz_*.c.
 */
#ifndef IMMURE_FUZZ_H
#define IMMURE_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                          \
	do {                                                                      \
		if (!(condition)) {                                               \
			(void)fprintf(stderr, "does not hold: %s\n", #condition); \
			abort();                                                  \
		}                                                                 \
	} while (0)

#endif
