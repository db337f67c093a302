#!/bin/bash
# image.sh - roots of layers, whose content a stranger made (T-PATH, T-TAR): links at mount points, reserved directories, whiteouts, the layers
# below and the upper directory. `box` is what `jail` is elsewhere, with layers(1) of tests/escape/layers.c for a launcher.
# shellcheck disable=SC2016,SC2034,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"
need unshare setfattr

layers=$work/layers volume=$work/volume other=$work/other
mkdir -p "$layers"/1/{bin,etc,opt/opaque,srv} "$layers"/{2/opt/opaque,3} "$volume/dir" "$other"
cp "$probes"/{reach,status,started} "$layers/1/bin"
echo "$secret" | tee "$layers/1/opt/gone" "$layers/1/opt/opaque/hidden" > "$other/name"
echo honest | tee "$layers/1/opt/kept" "$volume/dir/name" > "$volume/file"
unshare -Ur mknod "$layers/2/opt/gone" c 0 0
setfattr -n user.overlay.opaque -v y "$layers/2/opt/opaque"
ln -s "$canary/dev" "$layers/3/out"
ln -s "$canary/dev/made" "$layers/3/etc-hosts"
ln -s /srv "$layers/3/data"

box() { # [OPTION…] -- PROGRAM [ARGUMENT…]
	local given=(--layer "$layers/1" --layer "$layers/2" --layer "$layers/3" --upper "$work/upper" --work "$work/work") command
	chmod -R u+rwX "$work/upper" "$work/work" 2> /dev/null
	rm -rf "$work/upper" "$work/work"
	mkdir -m 755 "$work/upper" "$work/work"
	command=("${program%/*}/layers" "${given[@]}" "$@")
	if declare -F "peer_$launcher" > /dev/null; then
		while [ "$1" != -- ]; do shift; done
		shift
		"peer_$launcher" "$@"
	fi
	guarded "${under[@]}" "${command[@]}"
}
view() { # [OPTION…] -- PROGRAM: without an upper directory
	local command=("${program%/*}/layers" --layer "$layers/1" --layer "$layers/2" "$@")
	if declare -F "peer_$launcher" > /dev/null; then
		while [ "$1" != -- ]; do shift; done
		shift
		"peer_$launcher" "$@"
	fi
	guarded "${under[@]}" "${command[@]}"
}
peer_bwrap_layer() { command=(bwrap --bind "$layers/1" / --bind "$volume/dir" /opt/new/deep "$@"); } # makes what is missing in the layer
peer_chroot() { command=(/usr/bin/unshare -Ur --root="$layers/1" --wd=/ "$@"); } # the layer as it lies there

# ---- links of the image at mount points ----

without=no-landlock row T-PATH-01d 'a link of an image at a mount point that is to be made' 'string-paths' \
	'box --writable -v "$volume/dir:/out/made" -- /bin/reach see /nothing' \
	'reaches box --writable -v "$volume/dir:/out/made" -- /bin/reach see "$canary/dev/made/name"'
without=no-landlock row T-PATH-01e 'the same for a file' 'string-paths' \
	'box --writable --file /etc-hosts=x -- /bin/reach see /nothing' \
	'reaches box --writable --file /etc-hosts=x -- /bin/reach read "$canary/dev/made"'
row T-PATH-08b 'a missing mount point of an image is made in its upper directory, and nowhere else' 'bwrap_layer' \
	'box --writable -v "$volume/dir:/opt/new/deep" -- /bin/reach see /opt/new/deep/x; [ ! -d "$layers/1/opt/new" ] || { echo ESCAPED: made; rm -r "$layers/1/opt/new"; }' \
	'reaches box --writable -v "$volume/dir:/opt/new/deep" -- /bin/reach see /opt/new/deep/name'
aside=$work/aside
mkdir "$aside" && ln -s "$aside" "$layers/3/aside"
led() { # a tmpfs that a link of the image leads to a path of the host, and what is to lie in it
	box --writable --tmpfs /aside --file /aside/file=x -v "$volume/dir:/aside/below" -- /bin/status Seccomp 2 > /dev/null 2>&1
	[ -z "$(ls -A "$aside")" ] || { echo 'ESCAPED: made on the host'; rm -rf "${aside:?}"/*; }
	echo 'CONTAINED: made in the tmpfs'
}
row T-PATH-01f 'what lies in a tmpfs that a link of the image leads elsewhere' 'plain-below' led \
	'reaches box --writable --tmpfs /aside -v "$volume/dir:/aside/below" -- /bin/reach see /aside/below/name'
row T-PATH-21c 'a link of an image leads one mount over another' 'no-shown-check' \
	'refused box --writable -v "$volume/dir:/data/below" -v "$other:/srv" -- /bin/started' \
	'reaches box --writable -v "$volume/dir:/data/below" -v "$other:/opt" -- /bin/reach see /srv/below/name'
contained() { # TEXT COMMAND…: refused, and in these words
	local text
	text=$(refused "${@:2}")
	[[ $text == *CONTAINED:* && $text != *ESCAPED:* && $text == *"$1"* ]] || { echo "$text"; return 1; }
}
own_place() { # NAME TARGET: the image has a link in the place of /dev, /proc or /sys
	local result=0
	ln -s "$2" "$layers/3/$1"
	contained 'only a true directory is mounted on' box --writable -- /bin/started || result=1
	rm "$layers/3/$1"
	return "$result"
}
for name in dev proc sys; do
	for target in / .. etc "$canary/dir"; do
		check "T-TAR-41 /$name of an image is a link to ${target/#$work/…}" own_place $name "$target"
	done
	echo not a directory > "$layers/3/$name"
	check "T-TAR-41 /$name of an image is a file" contained 'only a true directory is mounted on' box --writable -- /bin/started
	rm "$layers/3/$name"
done
astray='a symbolic link of the image leads it'
for target in / .. /dev/shm /proc/self ../proc; do
	ln -s "$target" "$layers/3/trap"
	check "T-PATH-21 a mount point that is a link to $target" \
		contained "$astray" box --writable -v "$volume/dir:/trap" -- /bin/started
	check "T-PATH-21 a mount point below a link to $target" \
		contained "$astray" box --writable -v "$volume/dir:/trap/proc/x" -- /bin/started
	rm "$layers/3/trap"
done
check 'a directory on a file of the image' contained 'the image has a file there' box --writable -v "$volume/dir:/opt/kept" -- /bin/started
check 'a file on a directory of the image' contained 'the image has a directory there' box --writable -v "$volume/file:/opt" -- /bin/started
check 'a tmpfs on a file of the image' contained 'the image has a file there' box --writable --tmpfs /opt/kept -- /bin/started

# ---- what an image ships in the places of the engine ----

mkdir -p "$layers/1"/{dev,proc,sys}
echo "$secret" | tee "$layers/1/dev/shipped" "$layers/1/proc/shipped" > "$layers/1/sys/shipped"
row T-TAR-41 'content of an image in /dev, /proc and /sys' 'chroot' 'box --writable -- /bin/reach read /dev/shipped /proc/shipped /sys/shipped' \
	'box --writable -- /bin/status Seccomp 2'

# ---- whiteouts, layers below, the old root ----

row T-TAR-14b 'what a later layer took away' 'chroot' 'box --writable -- /bin/reach read /opt/gone /opt/opaque/hidden' \
	'reaches box --writable -- /bin/reach read /opt/kept'
row T-TAR-14c 'the same in a view' 'chroot' 'view -- /bin/reach read /opt/gone /opt/opaque/hidden' 'reaches view -- /bin/reach read /opt/kept'
below() { # what the program makes and changes must not reach a layer: here the canary is one
	box --layer "$canary" --writable -- /bin/reach create /dir/new /file 2>&1 | sed 's/ESCAPED:/made:/'
	if [ "$launcher" = chroot ]; then guarded /usr/bin/unshare -Ur --root="$canary" --wd=/ /bin/touch /dir/new || touch "$canary/dir/new"; fi
	[ -e "$work/upper/dir/new" ] || echo 'UNCLEAR: nothing was made'
	echo 'CONTAINED: made elsewhere'
}
row T-TAR-07b 'what is written in a container does not reach the layers' 'chroot' below \
	'reaches box --writable -- /bin/reach create /opt/new; [ -e "$work/upper/opt/new" ] && [ ! -e "$layers/1/opt/new" ]'
row T-PATH-33b 'a root of layers that ends read-only' 'chroot' 'box -- /bin/reach create /opt/made; rm -f "$layers/1/opt/made"' \
	'reaches box --writable -- /bin/reach create /opt/made'
row T-PATH-33c 'a view' 'chroot' 'view -- /bin/reach create /opt/made; rm -f "$layers/1/opt/made"' \
	'view -v "$volume/dir:/new/dir" -- /bin/reach see /new/dir/name; [ $? = 10 ]'
without=no-landlock row T-PATH-31b 'the old root above a root of layers' 'keep-old-root' 'box --writable -- /bin/reach read "/..$canary/secret"' \
	'reaches box --writable -- /bin/reach read /../opt/kept'
nothing_above() {
	local text
	text=$("$@" --file /etc/x=y -- /bin/reach see "/..$canary" /../file-0 /../upper /../work)
	[[ $text == *CONTAINED:* ]] || { echo "$text"; return 1; }
}
for mode in 'box --writable' box view; do
	# shellcheck disable=SC2086 # words
	check "nothing is left above the root: $mode" nothing_above $mode
done
# no setuid helper runs under the window's filter
echo '{"version": 1, "extends": ["container"], "identity": {"map": "single"}}' > "$work/single.json"
swap_layer() { # the checked layer is another directory when it is mounted
	rm -rf "$work/trap" && cp -r "$canary/dir" "$work/trap"
	chmod 755 "$work/trap"
	under window clone3 "[ -d $layers/2.real ] || { mv $layers/2 $layers/2.real; mv $work/trap $layers/2; }"
	box -p "$work/single.json" --writable -- /bin/reach read /secret | sed 's/ESCAPED: the program was started/started/'
	echo 'CONTAINED: not mounted'
	rm -rf "$work/trap" && mv "$layers/2" "$work/trap" && mv "$layers/2.real" "$layers/2"
}
row T-PATH-19c 'a layer is replaced between the check and the mount' 'no-source-check' swap_layer 'reaches box --writable -- /bin/reach read /opt/kept'

# ---- words ----

check 'a missing layer is named' contained "layer $work/none is not a directory" box --layer "$work/none" -- /bin/started
check 'an upper and a work directory on two file systems' contained 'lie on two file systems' box --work /dev/shm -- /bin/started
check 'an upper directory that is missing' contained "layer $work/none is not a directory" box --upper "$work/none" -- /bin/started

finish
