#!/bin/bash
# arm64.sh - on aarch64: what doctor finds, every shipped profile, and all that knows an architecture, tried by a kernel of that one.
# machine: arm64
# place: bare
# limit: 600
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
cd /payload/project || exit 1
probes=$PWD/build/probes

# rows NAME COMMAND...: a test with rows of its own, of which one line is told, and those that fail
rows() {
	local name=$1 status
	shift
	"$@" > "$said.rows" 2>&1
	status=$?
	grep -A6 '^not ok' "$said.rows" > "$said" || tail -n 5 "$said.rows" > "$said"
	if [ $status = 0 ] && [ "$(grep -c '^ok' "$said.rows")" -gt 0 ]; then report ok "$name: $(grep -c '^ok' "$said.rows")"; else report 'not ok' "$name"; fi
	rm -f "$said.rows"
}

works 'doctor finds nothing in the way' immure doctor
for level in untrusted strict dev; do
	works "$level: a static program" immure jail -p "$level" -- /bin/busybox true
	works "$level: a dynamic one" immure jail -p "$level" -- /usr/bin/env true
done
works 'container: a static program, in a root of its own' immure jail -p container --rootfs / -- /bin/busybox true
for level in untrusted dev container; do
	rootfs=()
	[ $level != container ] || rootfs=(--rootfs /)
	is "$level: a shell with processes and a pipe" 3 immure jail -p "$level" "${rootfs[@]}" -- /bin/bash -c 'printf "%s\n" one two three | cat | wc -l'
	is "$level: threads and processes of an interpreter" '[1, 4, 9] 0' immure jail -p "$level" "${rootfs[@]}" -- /usr/bin/python3 -c '
import concurrent.futures as f, subprocess
print(list(f.ThreadPoolExecutor(3).map(lambda x: x * x, [1, 2, 3])), subprocess.call(["/bin/true"]))'
done
works 'an image is imported and run' bash -c "$(declare -f make_tree); make_tree && tar cf ~/tree.tar -C ~/tree . && immure import ~/tree.tar tree && immure run --rm tree cat /etc/of-the-layer"

# what becomes of every number, against the simulation; the unfiltered run tells what the kernel itself refuses
"$probes/probe" > "$HOME/unfiltered"
for level in untrusted strict container; do
	rootfs=()
	[ $level != container ] || rootfs=(--rootfs /)
	immure jail -p "$level" "${rootfs[@]}" -v "$probes:$probes:ro" -- "$probes/probe" > "$HOME/seen"
	works "$level: every call fares as its policy says" bash tests/seccomp/compare "tests/seccomp/golden/$level.aarch64" "$HOME/seen" "$HOME/unfiltered"
done
# with its controls, in which that program must run: else the row would hold without any filter
rows 'a program of 32 bits' env ESCAPE_ROWS=T-SEC-04 tests/escape/run sec
for test in build/unit/*; do [ ! -x "$test" ] || rows "${test#build/}" "$test"; done
for test in tests/cli/*.sh; do rows "$test" bash "$test"; done
plan
