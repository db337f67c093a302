# The lane of the virtual machines. The top Makefile includes this file.
#
#   make check-vm                  all machines, all tests
#   make check-vm TESTS='mcs bare' only these tests of tests/vm/payload
#   VM_CACHE=build/vm              where the images are kept between runs
#   VM_MACHINES='stable backports systemd'
#   VM_JOBS=3                      how many machines run at a time: one waits often enough for another to use its core
#   VM_TIMEOUT=1200                seconds that one machine may take before it is given up and tried once more
#   VM=0                           leaves the lane out of `make check`, whose last line then says so
VM          ?= 1
VM_CACHE    ?= $(BUILD)/vm
VM_MACHINES ?= stable backports systemd
export VM_MACHINES VM_JOBS VM_TIMEOUT

.PHONY: check-vm
check-vm: $(BUILD)/immure $(BUILD)/immure-image $(BUILD)/mutant/immure probes
	tests/vm/lane.sh $(BUILD)/immure $(VM_CACHE) $(TESTS)
