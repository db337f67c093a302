# Fuzzing: one libFuzzer binary per fuzz_*.c, under ASan and UBSan; the same sources, linked with a driver that replays files, run in `make check`.
#
#   make fuzz FUZZ_SECONDS=60              each target for so long
#   make fuzz FUZZ_TARGETS=fuzz_profile    one of them
#   make fuzz-coverage                     line coverage of the parsers by the corpora alone

FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(basename $(notdir $(sort $(wildcard fuzz/fuzz_*.c))))
FUZZ_FLAGS   := -std=gnu11 -g -O1 $(DEFINES) $(INCLUDES) -Itests/seccomp -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -Wno-unused-command-line-argument

.PHONY: fuzzers fuzz fuzz-coverage
fuzzers: $(addprefix $(BUILD)/fuzz/,$(FUZZ_TARGETS))
$(addprefix $(BUILD)/fuzz/,$(FUZZ_TARGETS)): fuzz/fuzz.h
$(addprefix $(BUILD)/fuzz/,fuzz_layer fuzz_load fuzz_tar): fuzz/archive.h

$(BUILD)/fuzz/objects/%.o: %.c
	@mkdir -p $(@D)
	@echo "  FUZZ $@"; $(CLANG) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

FUZZ_ENGINE := $(patsubst %.c,$(BUILD)/fuzz/objects/%.o,$(ENGINE) tests/seccomp/simulate.c $(wildcard tests/seccomp/tuples.c))
$(BUILD)/fuzz/objects/builtins.o: $(BUILD)/builtins.c $(BUILTINS)
	@mkdir -p $(@D)
	@echo "  FUZZ $@"; $(CLANG) $(FUZZ_FLAGS) -c -o $@ $<

# an archive: what a target does not reach (the command line, which wants main) is not linked
$(BUILD)/fuzz/libimmure.a: $(FUZZ_ENGINE) $(BUILD)/fuzz/objects/builtins.o
	@rm -f $@
	@ar rcs $@ $^

# Targets of the second program: these link its parts and its libraries instead of the launcher's.
FUZZ_IMAGE := fuzz_manifest fuzz_challenge fuzz_auth fuzz_registries fuzz_layer fuzz_load fuzz_tar fuzz_transport

FUZZ_IMAGE_OBJECTS := $(patsubst %.c,$(BUILD)/fuzz/objects/%.o,$(IMAGE))
$(BUILD)/fuzz/libimmure-image.a: $(FUZZ_IMAGE_OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$(FUZZ_IMAGE:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: fuzz/%.c $(BUILD)/fuzz/libimmure-image.a
	@mkdir -p $(@D)
	@echo "  FUZZ $@"; $(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $(filter-out %.h,$^) $(IMAGE_LIBS)
-include $(FUZZ_IMAGE_OBJECTS:.o=.d)

$(BUILD)/fuzz/%: fuzz/%.c $(BUILD)/fuzz/libimmure.a
	@mkdir -p $(@D)
	@echo "  FUZZ $@"; $(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $(filter-out %.h,$^) $(LIBS)
-include $(FUZZ_ENGINE:.o=.d)

fuzz: fuzzers
	@fuzz/run $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fuzz-coverage:
	@fuzz/coverage $(FUZZ_TARGETS)
