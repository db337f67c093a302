# tests/image/lib.sh - what the tests of images and containers share: a storage of their own, an image made on the spot.
# shellcheck shell=bash
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need busybox python3 jq ss
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
storage=$work/storage
image=${IMMURE_IMAGE:-$build/immure-image}
export PYTHONDONTWRITEBYTECODE=1

# The sanitizer's shadow is more memory than the jails of the second program allow, and its search for leaks needs ptrace(2): under it
# they are made from profiles of this test's user, which differ in that alone.
if [ -n "${IMMURE_UNDER_ASAN:-}" ]; then
	mkdir -p "$HOME/.config/immure/profiles"
	for jail in image-fetch image-store; do
		jq -n --arg name $jail '{version: 1, name: $name, extends: "built-in/\($name)", limits: {memory: {value: "unlimited"}},
			environment: {set: {ASAN_OPTIONS: "detect_leaks=0"}}}' > "$HOME/.config/immure/profiles/$jail.json"
	done
fi

# im VERB WORDS…: in that storage
im() { immure "$1" --storage "$storage" "${@:2}"; }
run() { im run "$@"; }

make_image() { python3 "$here/make_image" "$@"; }

# base DIR: a small system: busybox, users, the usual places
base() {
	local tool
	mkdir -p "$1"/{bin,dev,proc,sys,run,tmp,etc,root,srv/app}
	chmod 1777 "$1/tmp"
	cp "$(command -v busybox)" "$1/bin/busybox"
	for tool in sh cat cp chmod chown echo env false hostname id kill ln ls mkdir mv ps pwd rm sleep stat test touch tr true wc; do
		ln -sf busybox "$1/bin/$tool"
	done
	printf '%s\n' root:x:0:0:root:/root:/bin/sh app:x:33:34:app:/srv/app:/bin/sh 'huge:x:4294967296:0::/:/bin/sh' \
		1000:x:0:0::/root:/bin/sh > "$1/etc/passwd"
	printf '%s\n' root:x:0: app:x:34: staff:x:50:app > "$1/etc/group"
	echo seed > "$1/srv/app/seed"
}

# tiny NAME [OPTION…]: three layers over one another, loaded; the second hides a file of the first
tiny() {
	local name=$1
	shift
	if [ ! -d "$work/layers" ]; then
		base "$work/layers/1"
		mkdir -p "$work/layers/1/opt" "$work/layers/2/opt" "$work/layers/3/opt"
		echo gone > "$work/layers/1/opt/gone"; echo old > "$work/layers/1/opt/version"
		: > "$work/layers/2/opt/.wh.gone"; echo new > "$work/layers/2/opt/version"
		echo third > "$work/layers/3/opt/third"
	fi
	make_image -o "$work/$name.tar" -n "$name" --layer "$work/layers/1" --layer "$work/layers/2" --layer "$work/layers/3" "$@"
	im load -q -i "$work/$name.tar" > "$work/$name.log" 2>&1 || { cat "$work/$name.log" >&2; echo "Bail out! $name cannot be loaded"; exit 1; }
}

# registry NAME CONFIGURATION: docker-registry, whose configuration gives it the port 0; it listens at $address, its pid is in $registry,
# what it says in NAME.log
registry() {
	printf '%s\n' "$2" > "$work/$1.yml"
	docker-registry serve "$work/$1.yml" > "$work/$1.log" 2>&1 &
	registry=$! address=
	helpers+=($!)
	await listens
	[ -n "$address" ] || { echo "Bail out! docker-registry does not start: $(head -c 300 "$work/$1.log")"; exit 1; }
}
# shellcheck disable=SC2317 # await() calls it
listens() {
	address=$(ss -Hltnp | awk -v pid="pid=$registry," 'index($0, pid) { print $4; exit }')
	[ -n "$address" ] || ! kill -0 "$registry" 2> /dev/null
}

# what is left of containers in the storage, a line each
left() { find "$storage"/containers "$storage"/transient "$storage"/names -mindepth 1 -maxdepth 1 2> /dev/null; }

# gone SECONDS: nothing is left of containers within that time
# shellcheck disable=SC2317 # await() calls it
nothing_left() { [ -z "$(left)" ]; }
gone() { turns=$(($1 * 10)) await nothing_left || { left; return 1; }; }

# ---- what programs in Python say, counted on ----

parts=0 ended=0

# part NAME COMMAND…: each line of TAP that COMMAND prints is one of ours, with NAME before it
part() {
	local name=$1 line
	shift
	parts=$((parts + 1))
	while IFS= read -r line; do
		case $line in
		'ok '*) ok "$name: ${line#*- }" ;;
		'not ok '*) not_ok "$name: ${line#*- }" ;;
		'#'*) echo "$line" ;;
		1..*) ended=$((ended + 1)) ;;
		*) not_ok "$name: said something else" "$line" ;;
		esac
	done < <("$@" 2>&1)
}

# both_ways SECONDS PROGRAM PLACE: PROGRAM PLACE/WAY IMMURE-IMAGE as a part, in the ways of one id and of many
both_ways() {
	local way lead=(env)
	for way in single mapped; do
		[ $way = single ] || lead=(unshare -r --map-auto --)
		"${lead[@]}" true 2> /dev/null || { skip 'the way of many ids' 'this user has no subordinate ids'; continue; }
		mkdir "$3/$way"
		part "$way" "${lead[@]}" timeout "$1" python3 "$here/$2" "$3/$way" "$image"
		"${lead[@]}" rm -rf "${3:?}/$way"
	done
}

# Last of all: a part that broke off said fewer lines, and none of them may have been wrong.
finish_parts() {
	check 'every part came to its end' [ "$ended" = "$parts" ]
	finish
}
