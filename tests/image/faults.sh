#!/bin/bash
# faults.sh [PART…] - images while things go wrong: programs killed before every system call that changes the storage or tells the other
# program of it, errors in place of such calls, full and read-only disks, several at once, hostile images from a registry. PART: only these
# (mapped-sweep single-sweep races space hostile launches); IMMURE_ONLY chooses operations and cases by a pattern. IMMURE_FAULTS=all tries
# every call with every error, and kills at every call there is (an hour); IMMURE_FAULTS_SEED repeats a choice, which is
# otherwise the program's: the same build is always tried in the same places.
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"
need unshare skopeo docker-registry
fault=$probes/fault
export IMMURE_PROGRAM=$immure
only=("$@")
cd "$work" || exit 2

# ---- a registry with the images ----

registry registry "$(printf '%s\n' 'version: 0.1' 'log: {level: error, accesslog: {disabled: true}}' "storage: {filesystem: {rootdirectory: $work/registry}}" \
	'http: {addr: "127.0.0.1:0"}')"

# shellcheck disable=SC2317 # called by check
push() { skopeo copy -q --dest-tls-verify=false "oci:layout:$1" "docker://$address/test/$2"; } # IMAGE NAME

# faults MODE NAME COMMAND…: COMMAND leads to the user namespace that it is to run in
faults() {
	local mode=$1 name=$2
	shift 2
	mkdir "$work/$name"
	[ "$mode" = launches ] || set -- "$@" "$here/in-memory" "$work/$name" # launches make namespaces of their own
	part "$name" "$@" timeout "${IMMURE_FAULTS_LIMIT:-1800}" python3 "$here/faults.py" "$mode" "$work/$name" "$image" "$fault" "$address"
}

python3 "$here/faults.py" push layout
check 'the registry takes the images' push keep keep:1
check 'and the others' push two two:1
check 'and what one of their names meant before' push old two:old

# asked PART: whether it is to run
asked() { [ ${#only[@]} = 0 ] || [[ " ${only[*]} " == *" $1 "* ]]; }

single=(unshare -rm --) mapped=(unshare -rm --map-auto --)
if "${mapped[@]}" true 2> /dev/null; then
	! asked mapped-sweep || faults sweep mapped-sweep "${mapped[@]}"
	way=("${mapped[@]}")
else
	skip 'the way of many ids' 'this user has no subordinate ids'
	way=("${single[@]}")
fi
! asked single-sweep || faults sweep single-sweep "${single[@]}"
for mode in races space hostile; do ! asked "$mode" || faults "$mode" "$mode" "${way[@]}"; done
! asked launches || faults launches launches env
check 'the registry lived to the end' kill -0 "$registry"
[ "${way[*]}" = "${single[*]}" ] || "${way[@]}" rm -rf "$work"/mapped-sweep "$work"/races "$work"/space "$work"/hostile
finish_parts
