# Tests, analysis, demonstration, benchmarks, installation: what the top Makefile's targets do beside building.

.PHONY: check check-built demo bench analyze install uninstall
check:
	@tests/setup check
	@$(MAKE) --no-print-directory -j$$(nproc) check-built
	@VM=$(VM) BUILD=$(BUILD) tests/check

# everything that the tests run
check-built: $(BUILD)/immure $(BUILD)/immure-image $(BUILD)/asan/immure $(BUILD)/asan/immure-image $(BUILD)/mutant/immure $(BUILD)/mutant/immure-image $(BUILD)/nomalloc/immure units probes fuzzers $(BUILD)/tests/verdict

$(BUILD)/tests/verdict: tests/profiles/verdict.c $(BUILD)/objects/frozen.o $(BUILD)/libimmure.a
	@mkdir -p $(@D)
	@echo "  TEST $@"; $(CC) $(BASE) $(FLAGS_release) $(LINK_release) -o $@ $^ $(LIBS_release)

# the launcher of the rows about layers, beside each build of the product
define layers_driver
$(2)/layers: tests/escape/layers.c $(2)/objects/frozen.o $(2)/libimmure.a
	@echo "  TEST $$@"; $$(CC) $$(BASE) $$(FLAGS_$(1)) $$(LINK_$(1)) -o $$@ $$^ $$(LIBS_$(1))
probes: $(2)/layers
endef
$(eval $(call layers_driver,release,$(BUILD)))
$(eval $(call layers_driver,asan,$(BUILD)/asan))
$(eval $(call layers_driver,mutant,$(BUILD)/mutant))

demo:
	@tests/setup demo
	@$(MAKE) --no-print-directory -j$$(nproc) all > $(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }; rm -f $(BUILD).log
	@tests/demo

bench:
	@tests/setup bench
	@$(MAKE) --no-print-directory -j$$(nproc) all $(BUILD)/bench/floor $(BUILD)/bench/true $(BUILD)/bench/filter
	@tests/bench/run
	@tests/bench/image
	@tests/bench/pull

# sandbox/order.ld anew, by a launch on this machine
.PHONY: order
order: $(BUILD)/immure $(BUILD)/bench/order $(BUILD)/bench/true
	@tests/bench/order $(BUILD) > $(BUILD)/bench/order.ld
	@cp $(BUILD)/bench/order.ld sandbox/order.ld
	@$(MAKE) --no-print-directory $(BUILD)/immure

$(BUILD)/bench/order: tests/bench/order.c
	@mkdir -p $(@D)
	@echo "  BENCH $@"; $(CC) -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o $@ $<

$(BUILD)/bench/true: tests/bench/true.c
	@mkdir -p $(@D)
	@echo "  BENCH $@"; $(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -nostdlib -static -o $@ $<

$(BUILD)/bench/%: tests/bench/%.c $(BUILD)/libimmure.a
	@mkdir -p $(@D)
	@echo "  BENCH $@"; $(CC) $(BASE) $(FLAGS_release) $(LINK_release) -o $@ $< $(BUILD)/libimmure.a $(LIBS_release)

# ---- static analysis: clean, or the build is red ----

TIDY := -*,bugprone-*,cert-*,clang-analyzer-*,misc-redundant-expression,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-cert-dcl37-c,-cert-dcl51-cpp,-bugprone-suspicious-include,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-cert-err33-c,-bugprone-assignment-in-if-condition,-clang-analyzer-valist.Uninitialized,-bugprone-not-null-terminated-result,-bugprone-sizeof-expression,-clang-analyzer-unix.Malloc,-clang-analyzer-optin.performance.Padding
SCRIPTS := $(shell grep -lE '^\#!/bin/(ba)?sh' -r tests fuzz .ci 2>/dev/null)

analyze: analyze-gcc analyze-tidy analyze-cppcheck analyze-shell
.PHONY: analyze-gcc analyze-tidy analyze-cppcheck analyze-shell
# leaks are left to LeakSanitizer: analyzers lose sight of owners that are members of structures, or know nothing of the cleanup attribute
analyze-gcc: $(BUILD)/builtins.c
	@for file in $(SOURCES); do $(CC) $(BASE) -MF /dev/null -O0 -fanalyzer -Wno-analyzer-malloc-leak -c -o /dev/null $$file || exit 1; done
analyze-tidy:
	@printf '%s\n' $(SOURCES) | xargs -P$$(nproc) -n4 sh -c 'clang-tidy --quiet --warnings-as-errors="*" --checks="$(TIDY)" "$$@" -- -std=gnu11 $(filter-out -DIMMURE_VERSION%,$(DEFINES)) -DIMMURE_VERSION=__FILE__ $(INCLUDES) 2> $(BUILD)/tidy.err || { cat $(BUILD)/tidy.err; exit 255; }' tidy
analyze-cppcheck:
	@cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
		--suppress=unmatchedSuppression --std=c11 -D_GNU_SOURCE -D__x86_64__ -D__linux__ $(INCLUDES) -j$$(nproc) sandbox
analyze-shell:
	@shellcheck -x $(SCRIPTS)

# ---- installation ----

MAN := $(wildcard sandbox/cli/man/*)
install: $(BUILD)/immure $(BUILD)/immure-image $(RUNS)/immure
	for program in immure immure-image; do install -D -m 755 $(BUILD)/$$program $(DESTDIR)$(PREFIX)/bin/$$program; done
	for page in $(MAN); do install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done
	install -D -m 644 profiles/schema.json $(DESTDIR)$(PREFIX)/share/immure/schema.json
	mkdir -p $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(RUNS)/immure completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/immure
	$(RUNS)/immure completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_immure
	$(RUNS)/immure completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/immure.fish

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/immure $(DESTDIR)$(PREFIX)/bin/immure-image $(DESTDIR)$(PREFIX)/share/immure/schema.json \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/immure $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_immure \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/immure.fish
	for page in $(MAN); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done
