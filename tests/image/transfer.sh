#!/bin/bash
# import, commit, diff, export, save and load, in the ways of many ids and of one; image archives that lie (T-TAR-39).
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"
need unshare
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

# ---- an image of as many layers as one can have, from end to end ----

mkdir "$work/more"
base "$work/base"
: > "$work/more/file"
words=(--layer "$work/base")
for _ in $(seq 127); do words+=(--layer "$work/more"); done
make_image -o "$work/many.tar" -n many "${words[@]}"
check '128 layers: load' im load -q -i "$work/many.tar"
check '128 layers: run' im run --name full many sh -c 'test -f /file && echo new > /new'
check '128 layers: export of the container on top' eval 'im export full | tar -tf - ./new new 2> /dev/null | grep -q new'
check '128 layers: cp out of it' im cp full:/new "$work/new"
refused=$(im commit full many:more 2>&1)
check '128 layers: commit says that there is no room' [ "$refused" = 'immure: the image has 128 layers, and 128 are the most that one can have' ]

check 'every way was gone to its end' [ "$ended" = "$ways" ]
finish
