# The lane of the virtual machines. The top Makefile includes this file.
#
#   make check-vm                  all machines, all tests
#   make check-vm TESTS='mcs bare' only these tests of tests/vm/payload
#   VM_CACHE=build/vm              where the images are kept between runs
#   VM_MACHINES='stable backports systemd'
#   VM_JOBS=3                      how many machines run at a time: one waits often enough for another to use its core
#   VM_TIMEOUT=1200                seconds that one machine may take before it is given up and tried once more
#   VM=0                           leaves the lane out of `make check`, whose last line then says so
#
#   make check-arm64               the launcher on aarch64, cross-built and emulated; TESTS as above. Not part of `make check`: it takes some ten minutes of a core
VM          ?= 1
VM_CACHE    ?= $(BUILD)/vm
VM_MACHINES ?= stable backports systemd
export VM_MACHINES VM_JOBS VM_TIMEOUT

.PHONY: check-vm
check-vm: $(BUILD)/immure $(BUILD)/immure-image $(BUILD)/mutant/immure probes
	tests/vm/lane.sh $(BUILD)/immure $(VM_CACHE) $(TESTS)

# Debian's arm64 packages are unpacked into the tree that the machine boots; it is also what the compiler takes headers and libraries from.
check-arm64: export VM_ARCH := arm64
check-arm64: VM_MACHINES := arm64
check-arm64: ARM64 := aarch64-linux-gnu-gcc --sysroot=$(abspath $(VM_CACHE))/arm64/userspace/root
.PHONY: check-arm64 arm64-built
check-arm64:
	@tests/setup arm64
	@tests/vm/image.sh $(VM_CACHE)/arm64
	@$(MAKE) --no-print-directory -j$$(nproc) CC="$(ARM64)" BUILD=$(BUILD)/arm64 arm64-built
	@CC="$(ARM64)" tests/vm/lane.sh $(BUILD)/arm64/immure $(VM_CACHE)/arm64 $(or $(TESTS),arm64 bare cgroup escape kernel single)

arm64-built: $(BUILD)/immure $(BUILD)/immure-image $(BUILD)/layers $(BUILD)/mutant/immure $(BUILD)/mutant/layers $(BUILD)/nomalloc/immure
arm64-built: $(addprefix $(BUILD)/probes/,$(notdir $(PROBES:.c=)))
# those that ask a kernel, or the architecture
arm64-built: $(addprefix $(BUILD)/unit/,cgroup frozen host idmap layers mount proc seccomp_golden seccomp_kernel syscall_table)
