#!/bin/bash
# boot.sh - one machine, from its first instruction to its result disk. Any user may run it; never /dev/kvm, always a time-out.
#
#   boot.sh CACHE SUITE INIT PAYLOAD.tar RESULTS [KERNEL-OPTION...]
#
# SUITE: whose kernel; INIT: plain or systemd. RESULTS (a new folder) gets console, what the tests left, and `done`.
# The disk `scratch` is the tests' own, for limits of I/O. A machine that ends without `done` is started once more, afresh, and that is said. Status: 0 done, 1 not done twice.
# Environment: VM_ARCH=amd64 (or arm64); VM_TIMEOUT=1200 (seconds), VM_BOOT_TIMEOUT=100 (of them until the tests begin), VM_MEMORY=1024 (MiB), VM_CPUS=1
set -euo pipefail
PATH+=:/usr/sbin # mke2fs
[ $# -ge 5 ] || { echo 'usage: boot.sh CACHE SUITE INIT PAYLOAD.tar RESULTS [KERNEL-OPTION...]' >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/config.sh"
cache=$1 suite=$2 init=$3 payload=$4 results=$5
shift 5

# A systemd machine is the one without SELinux: it shows what profiles that ask for a label do on such a host.
modules=landlock,lockdown,yama,integrity,selinux,bpf
if [ "$init" = systemd ] || [ "$VM_ARCH" != amd64 ]; then modules=landlock,lockdown,yama,integrity,bpf; fi

disk() { # SERIAL FILE OPTION
	machine+=(-drive "file=$2,format=raw,if=none,id=$1,cache=unsafe,$3" -device "virtio-blk-pci,drive=$1,serial=$1")
}

# A boot that hangs is ended soon: there is no point in waiting for the tests' own time.
watch_boot() { # PID
	local end=$((SECONDS + ${VM_BOOT_TIMEOUT:-100}))
	while kill -0 "$1" 2> /dev/null && ! grep -aqs 'vm: ready' "$results/console"; do
		[ $SECONDS -lt $end ] || { kill "$1"; return; }
		sleep 0.5
	done
}

running= # the machine, which does not outlive us
trap '[ -z "$running" ] || kill "$running"' EXIT
trap 'exit 130' INT TERM HUP

# norandmaps, below: code that was translated once is found again only at the same address. That alone more than halves what a process costs.
machine_amd64() {
	# cx16=off: kernels from 6.12 on die in kmem_cache_alloc() under the emulation of QEMU 7.2, which gets cmpxchg16b wrong.
	# The others are only slow when emulated: string instructions byte by byte, five levels of page tables, AVX that is saved at every switch.
	machine=(qemu-system-x86_64 -M q35 -accel 'tcg,thread=multi' -cpu 'max,cx16=off,erms=off,la57=off,xsave=off')
	console='console=ttyS0 tsc=reliable'
}

# Everything the emulation has, and so branch protection and 32-bit programs; pointers are signed by a cheaper function.
machine_arm64() {
	machine=(qemu-system-aarch64 -M virt -accel 'tcg,thread=multi' -cpu 'max,pauth-impdef=on')
	console=console=ttyAMA0
}

boot() {
	local machine console status=0
	rm -rf "$results"
	mkdir -p "$results"
	truncate -s 16M "$results/disk"
	truncate -s 64M "$results/scratch"
	mke2fs -q -t ext4 -O ^has_journal -E root_owner=1000:1000,nodiscard "$results/scratch"
	"machine_$VM_ARCH"
	machine+=(-smp "${VM_CPUS:-1}" -m "${VM_MEMORY:-1024}" -nodefaults -no-user-config -display none -no-reboot -serial stdio
		-kernel "$cache/kernel-$suite/vmlinuz" -initrd "$cache/kernel-$suite/initrd"
		-append "$console quiet init_on_alloc=0 rcupdate.rcu_expedited=1 panic=-1 lsm=$modules enforcing=1 mitigations=off nokaslr norandmaps psi=0 nowatchdog random.trust_cpu=on vm.init=$init $*")
	disk root "$cache/userspace/root.ext4" snapshot=on
	disk payload "$payload" readonly=on
	disk result "$results/disk" discard=unmap
	disk scratch "$results/scratch" discard=unmap
	timeout -k 5 "${VM_TIMEOUT:-1200}" "${machine[@]}" < /dev/null > "$results/console" 2>&1 &
	running=$!
	watch_boot "$running"
	wait "$running" || status=$?
	running=
	tar xf "$results/disk" -C "$results" 2> /dev/null || true
	rm -f "$results/disk" "$results/scratch"
	[ -e "$results/done" ] && return
	echo "vm: $suite/$init ended without a result (status $status; 124 is the time-out); its last lines:" >&2
	tail -n 15 "$results/console" >&2
	return 1
}

if ! boot "$@"; then
	mv "$results/console" "$results.first-console"
	echo "vm: $suite/$init is started once more, on a fresh machine" >&2
	boot "$@"
fi
