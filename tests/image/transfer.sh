#!/bin/bash
# import, commit, diff, export, save and load, in the ways of many ids and of one; image archives that lie (T-TAR-39).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3 unshare
image=${IMMURE_IMAGE:-$build/immure-image}

# run NAME COMMAND…: what transfer.py says, counted on
run() {
	local name=$1 line
	shift
	mkdir "$work/$name"
	while IFS= read -r line; do
		case $line in
		'ok '*) ok "$name: ${line#*- }" ;;
		'not ok '*) not_ok "$name: ${line#*- }" ;;
		'#'*) echo "$line" ;;
		1..*) ended=$((ended + 1)) ;;
		*) not_ok "$name: said something else" "$line" ;;
		esac
	done < <(timeout 300 "$@" python3 "$top/tests/image/transfer.py" "$work/$name" "$image" 2>&1)
}

ended=0 ways=1
run single env
if unshare -r --map-auto true 2> /dev/null; then
	ways=2
	run mapped unshare -r --map-auto --
	unshare -r --map-auto -- rm -rf "$work/mapped"
else
	skip 'the way of many ids' 'this user has no subordinate ids'
fi
check 'every way was gone to its end' [ "$ended" = "$ways" ]
finish
