#!/bin/bash
# lane.sh - the launcher on kernels that this machine may lack: three machines, every test of payload/, one line at the end.
#
#   lane.sh IMMURE CACHE [TEST...]
#
#   stable     Debian's kernel, SELinux enforcing, cgroup v2 delegated to uid 1000
#   backports  the same with a newer kernel: newer Landlock, newer mount calls
#   systemd    Debian's kernel under systemd with a session of the user's, without SELinux
#   arm64      with VM_ARCH=arm64, which is about this machine alone: the kernel of backports on aarch64, without SELinux and systemd
#
# TEST... runs only those. IMMURE: the launcher (static); its neighbours probes/ and mutant/immure go in too.
# Status: 0 only if every test ran to its end on each of its machines and none failed. Images that are missing are built (root, or sudo).
# Environment: VM_ARCH; VM_MACHINES='stable backports systemd'; VM_JOBS=3, how many run at a time (1 GiB and a half each); and what boot.sh reads.
set -euo pipefail
[ $# -ge 2 ] || { echo 'usage: lane.sh IMMURE CACHE [TEST...]' >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
immure=$(realpath -m "$1")
mkdir -p "$2"
cache=$(realpath "$2")
shift 2
only=$(IFS=,; echo "$*")
machines=${VM_MACHINES:-stable backports systemd}
passed=0 failed=0 skipped=0

# shellcheck source-path=SCRIPTDIR
. "$here/guest/place.sh"
# shellcheck source-path=SCRIPTDIR
. "$here/config.sh"

die() { printf 'vm: %s\n' "$*" >&2; echo '0 passed, 1 failed, 0 skipped'; exit 1; }

# The second program, with those of its libraries that the machines lack.
pack_worker() { # OVERLAY
	local library
	install -m755 "$(dirname "$immure")/immure-image" "$1/usr/bin/immure-image"
	[ "$VM_ARCH" = amd64 ] || return 0 # it was linked with those in the machine
	while read -r library; do
		[ -e "$cache/userspace/root/$library" ] || install -D -m755 "$library" "$1/usr${library#/usr}"
	done < <(ldd "$(dirname "$immure")/immure-image" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p')
}

# What a machine finds in /payload; `overlay` goes over its root file system.
pack() { # TARBALL
	local stage=$work/payload compiler
	mkdir -p "$stage"/{guest,tests,policy,overlay/usr/bin}
	cp "$here"/guest/{session,place.sh,vm-test.service} "$stage/guest/"
	cp "$here"/payload/*.sh "$stage/tests/"
	[ "$VM_ARCH" != amd64 ] || cp -r "$cache/policy/default/." "$stage/policy/"
	install -m755 "$immure" "$stage/overlay/usr/bin/immure"
	pack_worker "$stage/overlay"
	read -ra compiler <<< "${CC:-cc}"
	"${compiler[@]}" -std=gnu11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -static -o "$stage/overlay/usr/bin/probe" "$here/payload/probe.c"
	# what the escape rows are used to find around them
	mkdir -p "$stage/project/"{tests,build/mutant}
	cp -r "$top/tests/lib.sh" "$top/tests/escape" "$stage/project/tests/"
	mkdir -p "$stage/project/sandbox/util"
	cp "$top/sandbox/util/mutant.h" "$stage/project/sandbox/util/" # where the kill table finds the names of the guards
	chmod 755 "$stage"/project/tests/escape/{run,mutants} "$stage"/project/tests/escape/rows/*.sh
	cp -r "$(dirname "$immure")/probes" "$immure" "$stage/project/build/"
	cp "$(dirname "$immure")/mutant/immure" "$stage/project/build/mutant/"
	cp "$(dirname "$immure")/layers" "$stage/project/build/"
	cp "$(dirname "$immure")/mutant/layers" "$stage/project/build/mutant/"
	[ "$VM_ARCH" = amd64 ] || pack_tests "$stage/project"
	tar cf "$1" -C "$stage" .
}

# What else an architecture that is not the host's is tried with.
pack_tests() { # PROJECT
	cp -r "$top"/{profiles,policies} "$1/"
	cp -r "$top"/tests/{cli,seccomp} "$1/tests/"
	cp -r "$(dirname "$immure")"/{unit,nomalloc} "$1/build/"
}

init_of() { case $1 in stable | backports | arm64) echo plain ;; systemd) echo systemd ;; *) die "no machine named $1" ;; esac; }
suite_of() { case $1 in backports | arm64) echo bookworm-backports ;; *) echo bookworm ;; esac; }

# The tests that a machine owes.
owed() { # MACHINE
	local test name init
	init=$(init_of "$1")
	for test in "$here"/payload/*.sh; do
		name=$(basename "$test" .sh)
		[ "$name" = lib ] || [ -z "$(place_of "$test" "$init" "$1")" ] || { [ -n "$only" ] && [[ ,$only, != *,$name,* ]]; } || echo "$name"
	done
}

count() { # MACHINE TEST: adds to the sums; a test without its plan was cut short, which is a failure of its own
	local file=$results/$1/$2.tap ok bad skip planned
	[ -e "$file" ] || { echo "not ok - $1/$2: never ran"; failed=$((failed + 1)); return; }
	skip=$(grep -cE '^ok [0-9]+ .*# SKIP' "$file" || true)
	ok=$(grep -cE '^ok [0-9]' "$file" || true)
	bad=$(grep -cE '^not ok [0-9]' "$file" || true)
	planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$file")
	passed=$((passed + ok - skip)) skipped=$((skipped + skip)) failed=$((failed + bad))
	sed -n "/^not ok/,/^\(ok\|1\.\.\)/{/^ok\|^1\.\./!p}; /# SKIP/p" "$file" | sed "s|^|$1/$2: |"
	if [ "$planned" != $((ok + bad)) ]; then
		echo "not ok - $1/$2: ended after $((ok + bad)) of ${planned:-an unknown number of} tests"
		tail -n 5 "$file" | sed 's/^/#   /'
		failed=$((failed + 1))
	fi
}

# The second processor is for cpuset alone, and asleep until guest/session wakes it: under emulation, one each is what two cores carry.
# The frequency of the clock is the host's. A kernel that measures it itself while others use the host finds anything, and hurries through its time-outs.
start_machine() { # MACHINE
	local cpus=1 clock=
	[ "$1" != backports ] || cpus=2
	[ "$VM_ARCH" != amd64 ] || clock=tsc_early_khz=$("$work/payload/overlay/usr/bin/probe" clock)
	VM_CPUS=${VM_CPUS:-$cpus} exec "$here/boot.sh" "$cache" "$(suite_of "$1")" "$(init_of "$1")" "$work/payload.tar" "$results/$1" \
		"vm.machine=$1" maxcpus=1 ${clock:+"$clock"} ${only:+"vm.only=$only"}
}

main() {
	local machine test start=$SECONDS
	case $VM_ARCH in
	arm64) command -v qemu-system-aarch64 > /dev/null || die 'needs qemu-system-aarch64 (Debian package: qemu-system-arm)' ;;
	*) command -v qemu-system-x86_64 > /dev/null || die 'needs qemu-system-x86_64 (Debian package: qemu-system-x86)' ;;
	esac
	[ -x "$immure" ] || die "no launcher at $immure: run make first"
	"$here/image.sh" "$cache" || die 'the images could not be made'
	work=$(mktemp -d)
	trap 'kill $(jobs -rp) 2> /dev/null || true; rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	results=$cache/results
	rm -rf "$results"
	mkdir -p "$results"
	pack "$work/payload.tar"
	for machine in $machines; do
		[ "$(jobs -rp | wc -l)" -lt "${VM_JOBS:-3}" ] || wait -n || true
		start_machine "$machine" || true & # whether it finished is read from its results
	done
	wait
	for machine in $machines; do
		if [ -e "$results/$machine/done" ]; then
			for test in $(owed "$machine"); do count "$machine" "$test"; done
		else
			echo "not ok - $machine: the machine did not finish"
			failed=$((failed + 1))
		fi
	done
	echo "vm: $((SECONDS - start)) s; details in $results"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
main
