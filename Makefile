# immure: `make demo` shows it at work, `make check` runs every test; both install what they need first.
# `make` alone leaves build/immure and needs the -dev packages listed in tests/setup.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG    ?= clang
# A build for another architecture: make CC=aarch64-linux-gnu-gcc. What runs while building is then made beside it, by this compiler.
HOSTCC   ?= gcc
MACHINE  := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
tool      = $(shell $(CC) -print-prog-name=$(1))
AR       := $(call tool,ar)

BUILD    := build
INCLUDES := -Isandbox -I$(BUILD)
DEFINES  := -D_GNU_SOURCE -DIMMURE_VERSION='"$(VERSION)"' -DIMMURE_DATA='"$(PREFIX)/share/immure"'
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Wformat-nonliteral -Wstrict-prototypes \
	    -Wmissing-prototypes -Wpointer-arith -Wvla -Wundef -Werror
# shadow stacks and landing pads, or what the processor has of them
BRANCHES := $(if $(filter x86_64,$(MACHINE)),-fcf-protection,-mbranch-protection=standard)
HARDEN   := -fstack-protector-strong $(BRANCHES) -fno-strict-aliasing -ftrivial-auto-var-init=zero
CFLAGS   ?= -O2 -g
BASE     := -std=gnu11 $(WARNINGS) $(DEFINES) $(INCLUDES) -MMD -MP
# of libcap-ng the tables of names alone: util/last_cap.c
NAMES    := -Wl,-u,last_cap
LIBS     := -lseccomp -lcap-ng -lselinux -ljansson
IMAGE_LIBS := -lcurl -lpsl -larchive -lz -lzstd -lcrypto -ljansson
comma := ,
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# The launcher's C library. A seventh of a launch would go to the start of a static glibc, which asks the processor some fifty times what it
# can do (each question leaves a virtual machine) and relocates twice as much. What the libraries below ask of it is alike in both: tests/libraries.
SYSROOT  := $(patsubst %/,%,$(shell $(CC) -print-sysroot 2> /dev/null))
MUSL     := $(SYSROOT)/usr/lib/$(MACHINE)-linux-musl
LIBC     ?= $(if $(wildcard $(MUSL)/rcrt1.o),musl,glibc)
ifeq ($(LIBC),musl)
HEADERS_release := $(BUILD)/musl
LIBC_FLAGS := -nostdinc -isystem $(SYSROOT)/usr/include/$(MACHINE)-linux-musl -isystem $(shell $(CC) -print-file-name=include) -isystem $(HEADERS_release)
LIBC_START := -nostartfiles -nodefaultlibs $(MUSL)/rcrt1.o $(MUSL)/crti.o $(shell $(CC) -print-file-name=crtbeginS.o) -Wl,-u,__snprintf_chk \
	-Wl,-u,launcher_start,-e,launcher_start$(if $(filter x86_64,$(MACHINE)),$(comma)-z$(comma)pack-relative-relocs)
LIBS_release := -Wl,--start-group $(LIBS) $(MUSL)/libc.a -lgcc -Wl,--end-group $(shell $(CC) -print-file-name=crtendS.o) $(MUSL)/crtn.o
else
LIBC_FLAGS := -D_FORTIFY_SOURCE=3
LIBS_release := $(LIBS)
endif
LIBS_asan   := $(LIBS)
LIBS_mutant := $(LIBS)

# Three builds of the same sources: the product, the one the sanitizers watch, the one whose guards can be taken out.
COMMON_release := $(CFLAGS) $(HARDEN) -fPIE -ffunction-sections -fdata-sections
FLAGS_release := $(COMMON_release) $(LIBC_FLAGS)
FLAGS_asan    := -O1 -g $(SANITIZE)
FLAGS_mutant  := -O1 -g -fPIE -DIMMURE_MUTANTS
LINK_release  := -static-pie -s $(LIBC_START) -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections,--build-id=none $(NAMES)
LINK_asan     := $(SANITIZE)
LINK_mutant   := -static-pie $(NAMES)
# The second program takes its libraries from the system, which keeps them mended.
IMAGE_FLAGS_release := $(COMMON_release) -D_FORTIFY_SOURCE=3
IMAGE_FLAGS_asan    := $(FLAGS_asan)
IMAGE_FLAGS_mutant  := $(FLAGS_mutant)
IMAGE_LINK_release := -pie -s -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections,--as-needed,--build-id=none
IMAGE_LINK_asan    := $(SANITIZE)
IMAGE_LINK_mutant  := -pie

SOURCES   := $(sort $(wildcard sandbox/*/*.c))
# What of image/ the launcher knows too: names and records, nothing that parses what a stranger wrote.
SHARED    := $(wildcard $(addprefix sandbox/image/,digest.c reference.c storage.c record.c record_disk.c short.c tag.c))
ENGINE    := $(filter-out sandbox/cli/main.c sandbox/image/%,$(SOURCES)) $(SHARED)
IMAGE     := $(filter-out sandbox/image/main.c,$(filter sandbox/util/% sandbox/image/%,$(SOURCES)))
BUILTINS  := $(sort $(wildcard profiles/*.json policies/seccomp/*.json))
UNITS     := $(sort $(wildcard tests/unit/*.c))
MUTANT_UNITS := $(filter tests/unit/image_% tests/unit/container% tests/unit/json%,$(UNITS))
# tests/image/fault.c reads and writes the registers of x86_64
PROBES    := $(sort $(wildcard tests/escape/probes/*.c) tests/seccomp/probe.c $(if $(filter x86_64,$(MACHINE)),tests/image/fault.c))

.PHONY: all
all: $(BUILD)/immure $(BUILD)/immure-image

# ---- the two programs, in their three builds ----

# libselinux without its constructor, which would cost each launch some reads whether SELinux is there or not: host/host.c calls it instead.
LATE := $(BUILD)/late
LINK_release += -L$(LATE)
$(LATE)/libselinux.a: Makefile
	@mkdir -p $(@D)
	@$(call tool,objcopy) --redefine-sym init_lib=libselinux_start --globalize-symbol=libselinux_start -R .init_array -R .rela.init_array \
		"$$($(CC) -print-file-name=libselinux.a)" $@.new
	@$(call tool,nm) $@.new 2> /dev/null | grep -q ' T libselinux_start$$' || { echo "$@: libselinux names its constructor otherwise" >&2; exit 1; }
	@mv $@.new $@
$(BUILD)/objects/host/host.o: FLAGS_release += -DIMMURE_LATE_LIBSELINUX
$(BUILD)/objects/util/start.o: FLAGS_release += -fno-stack-protector
$(BUILD)/libimmure.a: | $(LATE)/libselinux.a

# musl's compiler finds no header but musl's: the kernel's, and those of the libraries.
HEADERS := linux/types.h asm/types.h asm-generic/types.h selinux/selinux.h jansson.h jansson_config.h seccomp.h seccomp-syscalls.h cap-ng.h
$(BUILD)/musl: Makefile
	@rm -rf $@ && mkdir -p $@
	@for header in $(HEADERS); do \
	   path=$$(echo "#include <$$header>" | $(CC) -E -M -x c - 2> /dev/null | tr -s ' \\\\' '\n' | grep -m 1 "/$$header$$") || { echo "$@: no <$$header>" >&2; exit 1; }; \
	   case $$header in */*) path=$${path%/*} header=$${header%/*} ;; esac; \
	   ln -s "$$path" $@/$$header || exit 1; done

# $(1): variant, $(2): its folder, $(3): the folder of the second program's objects
define variant
OBJECTS_$(1) := $$(patsubst sandbox/%.c,$(2)/objects/%.o,$$(ENGINE)) $(2)/objects/builtins.o

$(2)/objects/%.o: sandbox/%.c Makefile | $$(HEADERS_$(1))
	@mkdir -p $$(@D)
	@echo "  CC   $$@"; $$(CC) $$(BASE) $$(FLAGS_$(1)) -c -o $$@ $$<

$(2)/objects/builtins.o: $(BUILD)/builtins.c $$(BUILTINS) | $$(HEADERS_$(1))
	@mkdir -p $$(@D)
	@echo "  CC   $$@"; $$(CC) $$(BASE) $$(FLAGS_$(1)) -c -o $$@ $$<

$(2)/objects/frozen.o: $(BUILD)/frozen.c
	@mkdir -p $$(@D)
	@echo "  CC   $$@"; $$(CC) $$(BASE) $$(FLAGS_$(1)) -c -o $$@ $$<

$(2)/libimmure.a: $$(OBJECTS_$(1))
	@rm -f $$@
	@echo "  AR   $$@"; $$(AR) rcs $$@ $$^

# frozen.o is named wherever the library is: its symbols are weak, and nothing would pull it out of an archive
$(2)/immure: $(2)/objects/cli/main.o $(2)/objects/frozen.o $(2)/libimmure.a
	@echo "  LINK $$@"; $$(CC) $$(FLAGS_$(1)) $$(LINK_$(1)) -Wl,-Map=$$@.map -o $$@ $$(filter-out %.ld,$$^) $$(LIBS_$(1))

IMAGE_OBJECTS_$(1) := $$(patsubst sandbox/%.c,$(3)/%.o,$$(IMAGE))
ifneq ($(3),$(2)/objects)
$(3)/%.o: sandbox/%.c Makefile
	@mkdir -p $$(@D)
	@echo "  CC   $$@"; $$(CC) $$(BASE) $$(IMAGE_FLAGS_$(1)) -c -o $$@ $$<
endif

$(2)/libimmure-image.a: $$(IMAGE_OBJECTS_$(1))
	@rm -f $$@
	@echo "  AR   $$@"; $$(AR) rcs $$@ $$^

$(2)/immure-image: $(3)/image/main.o $(2)/libimmure-image.a
	@echo "  LINK $$@"; $$(CC) $$(IMAGE_FLAGS_$(1)) $$(IMAGE_LINK_$(1)) -o $$@ $$^ $$(IMAGE_LIBS)

$(2)/unit/image_%: tests/unit/image_%.c $(2)/libimmure-image.a
	@mkdir -p $$(@D)
	@echo "  TEST $$@"; $$(CC) $$(BASE) -Itests/unit $$(IMAGE_FLAGS_$(1)) $$(IMAGE_LINK_$(1)) -o $$@ $$(filter %.c,$$^) $$(filter %.a,$$^) $$(IMAGE_LIBS)

$(2)/unit/%: tests/unit/%.c $(2)/objects/frozen.o $(2)/libimmure.a $(BUILD)/tests/simulate-$(1).o
	@mkdir -p $$(@D)
	@echo "  TEST $$@"; $$(CC) $$(BASE) -Itests/unit -Itests/seccomp $$(FLAGS_$(1)) $$(LINK_$(1)) -o $$@ $$(filter %.c,$$^) $$(filter %.o,$$^) $$(filter %.a,$$^) $$(LIBS_$(1))

$(BUILD)/tests/simulate-$(1).o: tests/seccomp/simulate.c | $$(HEADERS_$(1))
	@mkdir -p $$(@D)
	@echo "  CC   $$@"; $$(CC) $$(BASE) $$(FLAGS_$(1)) -c -o $$@ $$<
-include $$(sort $$(OBJECTS_$(1):.o=.d) $$(IMAGE_OBJECTS_$(1):.o=.d)) $(2)/objects/cli/main.d $(3)/image/main.d
endef
$(BUILD)/immure: private LINK_release += -Wl,-T,sandbox/order.ld
$(BUILD)/immure: sandbox/order.ld
$(eval $(call variant,release,$(BUILD),$(BUILD)/image))
$(eval $(call variant,asan,$(BUILD)/asan,$(BUILD)/asan/objects))
$(eval $(call variant,mutant,$(BUILD)/mutant,$(BUILD)/mutant/objects))

# Profiles and system call groups travel inside the binary: no file to lose, to find, or to tamper with.
$(BUILD)/builtins.c: Makefile $(BUILTINS)
	@mkdir -p $(@D)
	@{ printf '%s\n' '/* Made by the Makefile from profiles/ and policies/seccomp/. */' '#include "profile/builtin.h"'; \
	   i=0; for f in $(BUILTINS); do \
	     printf '__asm__(".section .rodata; .global builtin_%d; builtin_%d: .incbin \\"%s\\"; .byte 0; .previous");\n' $$i $$i "$(CURDIR)/$$f"; \
	     printf 'extern const char builtin_%d[];\n' $$i; i=$$((i+1)); done; \
	   printf '%s\n' 'const struct builtin_entry builtin_entries[] = {'; \
	   i=0; for f in $(BUILTINS); do \
	     printf '\t{"%s", builtin_%d, %d},\n' "$$f" $$i "$$(wc -c < $$f)"; i=$$((i+1)); done; \
	   printf '%s\n' '};' 'const size_t builtin_count = sizeof(builtin_entries) / sizeof(builtin_entries[0]);'; } > $@

# The built-in profiles that need nothing of a launch's surroundings, read and compiled beforehand.
FROZEN := untrusted strict container
$(BUILD)/freeze: profiles/freeze.c $(BUILD)/libimmure.a
	@echo "  LINK $@"; $(CC) $(BASE) $(FLAGS_release) $(LINK_release) -o $@ $^ $(LIBS_release)

ifeq ($(MACHINE),$(shell uname -m))
RUNS := $(BUILD)
else
RUNS := $(BUILD)/native
$(RUNS)/freeze $(RUNS)/immure &: profiles/freeze.c $(BUILD)/libimmure.a
	@$(MAKE) --no-print-directory CC=$(HOSTCC) CFLAGS=-O2 BUILD=$(RUNS) $(RUNS)/freeze $(RUNS)/immure
endif

$(BUILD)/frozen.c: $(RUNS)/freeze
	@$< $(MACHINE) $(FROZEN) > $@.new && mv $@.new $@

# The product once more, in which nobody may allocate between clone and exec.
$(BUILD)/nomalloc/immure: tests/nomalloc.c $(BUILD)/objects/cli/main.o $(BUILD)/objects/frozen.o $(BUILD)/libimmure.a
	@mkdir -p $(@D)
	@echo "  LINK $@"; $(CC) $(BASE) $(FLAGS_release) $(LINK_release) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free -o $@ $^ $(LIBS_release)

.PHONY: asan mutant units probes
asan: $(BUILD)/asan/immure $(BUILD)/asan/immure-image
mutant: $(BUILD)/mutant/immure $(BUILD)/mutant/immure-image
units: $(UNITS:tests/unit/%.c=$(BUILD)/unit/%) $(UNITS:tests/unit/%.c=$(BUILD)/asan/unit/%)
units: $(MUTANT_UNITS:tests/unit/%.c=$(BUILD)/mutant/unit/%)
probes: $(addprefix $(BUILD)/probes/,$(notdir $(PROBES:.c=)))

$(BUILD)/probes/%: tests/escape/probes/%.c
	@mkdir -p $(@D)
	@echo "  PROBE $@"; $(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -static -o $@ $<

$(BUILD)/probes/%: tests/seccomp/%.c
	@mkdir -p $(@D)
	@echo "  PROBE $@"; $(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -static -o $@ $<

$(BUILD)/probes/%: tests/image/%.c
	@mkdir -p $(@D)
	@echo "  PROBE $@"; $(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -static -o $@ $<

# ---- the walls of the house ----

# Includes point down this list only (sandbox/README of the rooms: the listing of sandbox/ itself).
ROOMS := util profile host isolation plan launch oci image container cli

.PHONY: layers format
layers:
	@tests/layers "$(ROOMS)"

format:
	clang-format -i $(SOURCES) $(wildcard sandbox/*/*.h)

.PHONY: clean
clean:
	rm -rf $(BUILD)

-include $(wildcard tests/vm/vm.mk policies/selinux/policy.mk fuzz/fuzz.mk tests/tests.mk)
