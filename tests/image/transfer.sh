#!/bin/bash
# import, commit, diff, export, save and load, in the ways of many ids and of one; image archives that lie (T-TAR-39).
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"
need unshare skopeo podman
both_ways 1800 transfer.py "$work"

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
check '128 layers: rm' im rm full

# ---- as skopeo and podman write and read it ----

name=docker.io/library/mine:1
place=$(mktemp -u "${TMPDIR:-/tmp}/immure-forms.XXXXXXXXXX") && place=${place,,} # podman makes a name of a path: no capitals
mkdir -m 700 "$place"
pod() { timeout 100 podman --root "$place/root" --runroot "$place/run" --storage-driver vfs "$@"; }
look() { timeout 60 skopeo inspect --tmpdir "$work" --config "$1" | jq -c .rootfs; }
found() { im images -aq --no-trunc | sed 's/^sha256://' | sort -u; }
base "$work/small"
mkfifo "$work/small/pipe"
make_image -o "$work/mine.tar" -n "$name" --layer "$work/small" --cmd '["true"]'
im load -q -i "$work/mine.tar" > "$work/log"
im save --format oci-archive -o "$place/mine.tar" "$name" # with directories in it, which skopeo needs named
rootfs=$(look "oci-archive:$place/mine.tar:$name")
podman=
if pod load -q -i "$place/mine.tar" > "$work/log" 2>&1; then podman=1; else echo "# podman cannot work here: $(tail -n 1 "$work/log")"; fi
for form in docker-archive oci-archive docker-dir oci-dir; do
	to=$place/to-$form from=$place/from-$form transport=${form/oci-dir/oci}
	transport=${transport/docker-dir/dir}
	suffix=:$name
	[ $form != docker-dir ] || suffix=
	im rmi -fa > "$work/log" 2>&1
	im load -q -i "$place/mine.tar" > "$work/log" 2>&1
	check "$form: saved" im save -q --format $form -o "$to" mine:1
	check "$form: skopeo reads it" [ "$(look "$transport:$to$suffix")" = "$rootfs" ]
	check "$form: skopeo writes one" skopeo copy -q --tmpdir "$work" "oci-archive:$place/mine.tar:$name" "$transport:$from$suffix"
	im rmi -fa > "$work/log" 2>&1
	check "$form: which is loaded" im load -q -i "$from"
	check "$form: as an image of the same layers" [ "$(im inspect --format '{{json .RootFS}}' "$(found)" | jq -c '.Layers')" = "$(jq -c .diff_ids <<< "$rootfs")" ]
	if [ -z "$podman" ]; then skip "$form: podman" 'podman cannot work here'; continue; fi
	check "$form: podman reads it" pod load -q -i "$to"
	check "$form: podman writes one" pod save -q --format $form -o "$place/pod-$form" $name
	im rmi -fa > "$work/log" 2>&1
	check "$form: which is loaded" im load -q -i "$place/pod-$form"
	check "$form: and runs" im run --rm "$(found)" test -f /srv/app/seed -a -p /pipe
done
check 'an archive is loaded from a pipe' im load -q < "$place/to-oci-archive"
check 'what is made belongs to its user, for others to read' [ "$(stat -c %a:%u "$place/to-oci-dir/index.json")" = "644:$(id -u)" ]
pod unshare rm -rf "$place" 2> /dev/null
rm -rf "$place" # podman makes its storage anew to remove it

finish_parts
