#!/bin/bash
# Layers of strangers, unpacked: every row T-TAR, in the ways of many ids and of one.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3 zstd unshare
image=${IMMURE_IMAGE:-$build/immure-image}

# In memory where that keeps user xattrs: what is flushed would wait for everybody else's writing.
place=$work
if memory=$(mktemp -d /dev/shm/immure-test.XXXXXX 2> /dev/null); then
	touch "$memory/try"
	if python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.try", b"y")' "$memory/try" 2> /dev/null; then
		place=$memory
	fi
fi

# run NAME COMMAND…: what layers.py says, counted on
run() {
	local name=$1 line
	shift
	mkdir "$place/$name"
	while IFS= read -r line; do
		case $line in
		'ok '*) ok "$name: ${line#*- }" ;;
		'not ok '*) not_ok "$name: ${line#*- }" ;;
		'#'*) echo "$line" ;;
		1..*) ended=$((ended + 1)) ;;
		*) not_ok "$name: said something else" "$line" ;;
		esac
	done < <(timeout 600 "$@" python3 "$top/tests/image/layers.py" "$place/$name" "$image" 2>&1)
}

ended=0 ways=1
run single env
if unshare -r --map-auto true 2> /dev/null; then
	ways=2
	run mapped unshare -r --map-auto --
	unshare -r --map-auto -- rm -rf "$place/mapped"
else
	skip 'the way of many ids' 'this user has no subordinate ids'
fi
rm -rf "$memory"
check 'every way was gone to its end' [ "$ended" = "$ways" ]
finish
