#!/bin/bash
# import, commit, diff, export, save and load, in the ways of many ids and of one; image archives that lie (T-TAR-39).
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"
need unshare
both_ways 300 transfer.py "$work"

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
finish_parts
