# lib.sh - what every test of the machines begins with. Lines in the manner of TAP; the plan at the end proves that the test got there.
# shellcheck shell=bash
set -u
test_count=0
said=/tmp/said.$$ # the output of the command under test; a file, for a jail may not write into every pipe
trap 'rm -f "$said"' EXIT

report() { # ok|"not ok" NAME
	test_count=$((test_count + 1))
	echo "$1 $test_count - $2"
	[ "$1" != ok ] || return 0
	[ ! -s "$said" ] || tail -n 12 "$said" | cut -c 1-300 | sed 's/^/#   /'
	return 1
}

# works NAME COMMAND...: the command must succeed
works() {
	local name=$1
	shift
	if "$@" > "$said" 2>&1; then report ok "$name"; else report 'not ok' "$name"; fi
}

# refused NAME COMMAND...: the command must fail, and for lack of permission: a missing file proves nothing
refused() {
	local name=$1
	shift
	if ! "$@" > "$said" 2>&1 && grep -qiE 'permission denied|not permitted' "$said"; then report ok "$name"; else report 'not ok' "$name"; fi
}

# is NAME WANTED COMMAND...: the command must print just that
is() {
	local name=$1 wanted=$2
	shift 2
	"$@" > "$said" 2>&1
	if [ "$(< "$said")" = "$wanted" ]; then report ok "$name"; else report 'not ok' "$name (wanted: $wanted)"; fi
}

# says NAME PATTERN COMMAND...: the command must fail with a message that matches
says() {
	local name=$1 pattern=$2
	shift 2
	if ! "$@" > "$said" 2>&1 && grep -qE "$pattern" "$said"; then report ok "$name"; else report 'not ok' "$name (wanted: /$pattern/)"; fi
}

skip() { # NAME REASON
	test_count=$((test_count + 1))
	echo "ok $test_count - $1 # SKIP $2"
}

# within SECONDS COMMAND...: until the command succeeds. Counted in turns, and not by the clock: while the host does not let the machine take
# one, what is waited for is held up as well
within() {
	local turn turns=$(($1 * 10))
	shift
	for ((turn = 0; turn < turns; turn++)); do
		! "$@" > /dev/null 2>&1 || return 0
		sleep 0.1
	done
	"$@" > /dev/null 2>&1
}

# share LOW HIGH NAME COMMAND...: the command must print a number between them; tried three times, as who else uses the host shows in it
share() {
	local low=$1 high=$2 name=$3 got
	shift 3
	for _ in 1 2 3; do
		got=$("$@")
		[ "${got:-0}" -lt "$low" ] || [ "$got" -gt "$high" ] || break
	done
	works "$name: ${got:-nothing}/1000" test "${got:-0}" -ge "$low" -a "${got:-0}" -le "$high"
}

# make_tree: of busybox, in ~/tree, for an image
make_tree() {
	local program
	mkdir -p ~/tree/{bin,tmp,root,etc,proc,sys,dev}
	cp /bin/busybox ~/tree/bin/
	for program in sh cat touch mkdir rm mknod sleep id mv ln chmod chown test echo sed grep; do ln -sf busybox ~/tree/bin/$program; done
	echo 'root:x:0:0::/root:/bin/sh' > ~/tree/etc/passwd
	echo layer > ~/tree/etc/of-the-layer
}

# profile NAME MEMBERS: a profile of the user's own that extends untrusted by these JSON members
profile() {
	mkdir -p ~/.config/immure/profiles
	printf '{"version": 1, "extends": ["untrusted"], %s}\n' "$2" > ~/.config/immure/profiles/"$1.json"
}

plan() { echo "1..$test_count"; }
