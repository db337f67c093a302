# lib.sh - what the shell tests share: TAP, a work folder, time-outs and survivors (O7), canaries (O1), secrets (O2).
# Source it. It refuses root: the product is for ordinary users, and root's rights would hide what a guard lets through.
# shellcheck shell=bash

set -u
if [ "$(id -u)" = 0 ]; then
	echo 'tests: these run as an ordinary user, never as root' >&2
	exit 2
fi

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$top/build}
immure=${IMMURE:-$build/immure}
mutant=${IMMURE_MUTANT_BUILD:-$build/mutant/immure}
probes=${PROBES:-$build/probes}

# ---- a folder of our own, gone at the end ----

work=$(mktemp -d "${TMPDIR:-/tmp}/immure-test.XXXXXX") || exit 2
work=$(cd "$work" && pwd -P)
helpers=() # process ids that end with the test

tidy() {
	[ "$BASHPID" = $$ ] || return 0 # a subshell that a signal ends before its exec
	[ ${#helpers[@]} = 0 ] || kill "${helpers[@]}" 2> /dev/null
	chmod -R u+rwX "$work" 2> /dev/null
	rm -rf "$work" 2> /dev/null || unshare --map-root-user --map-auto rm -rf "$work" # with files of subordinate ids
}
trap tidy EXIT
trap 'exit 130' INT TERM HUP

# The caller's own settings must decide nothing: a home, and the folders of XDG, below $work.
export HOME=$work/home LC_ALL=C.UTF-8 TERM=dumb
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME IMMURE_MUTANT CDPATH
mkdir -p "$HOME"
umask 022

# ---- TAP ----

tests=0 failures=0

ok() { echo "ok $((tests += 1)) - $*"; }

not_ok() { # WHAT [DETAIL…]: details may have many lines
	echo "not ok $((tests += 1)) - $1"
	failures=$((failures + 1))
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | head -n 20 | cut -c 1-400 | cat -v | sed 's/^/#   /'
}

skip() { echo "ok $((tests += 1)) - $1 # SKIP $2"; } # WHAT REASON: the reason names what the kernel or the host lacks

check() { # WHAT COMMAND…: ok where the command succeeds
	local what=$1 output
	shift
	if output=$("$@" 2>&1); then ok "$what"; else not_ok "$what" "status $?: $*" "$output"; fi
}

finish() { # the last line of a test file
	echo "1..$tests"
	[ $failures = 0 ] && [ $tests -gt 0 ]
	exit
}

need() { # TOOL…: without them a control would have no peer, and that is a failure, not a skip
	local tool
	for tool; do
		command -v "$tool" > /dev/null || { echo "Bail out! $tool is missing"; exit 1; }
	done
}

# ---- running things ----

# Runs a command for at most $limit seconds, all its orphans gathered; says SURVIVORS when some live two seconds on.
guarded() { "$probes/reaper" "${limit:-60}" "$@"; }

# await COMMAND…: until it succeeds; false where it has not in $turns turns of 0.1 s each. Counted in turns, and not by the clock: while the
# machine is too slow to take one, what is waited for is held up as well.
await() {
	local turn
	for ((turn = 0; turn < ${turns:-600}; turn++)); do
		! "$@" || return 0
		sleep 0.1
	done
	return 1
}

# child_of PID NAME: the pid of its child whose program has this name; false where there is none
child_of() {
	local child children='' name
	read -r children 2> /dev/null < "/proc/$1/task/$1/children" || true # it ends without a newline
	for child in $children; do
		read -r name 2> /dev/null < "/proc/$child/comm" && [ "$name" = "$2" ] && echo "$child" && return
	done
	return 1
}

# few_digits ID: the shortest beginning of it, of three digits at least, that no other of the ids on standard input has
few_digits() {
	local digits ids
	ids=$(sed 's/^sha256://' | sort -u)
	for ((digits = 3; digits < 64; digits++)); do [ "$(grep -c "^${1:0:digits}" <<< "$ids")" -gt 1 ] || break; done
	echo "${1:0:digits}"
}

immure() { guarded "$immure" "$@"; }
mutant() { IMMURE_MUTANT=$1 guarded "$mutant" "${@:2}"; } # GUARDS WORDS…

# ---- canaries and secrets ----

random_word() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# Makes the tree that nothing in a jail may change (O1); $secret in it must never be seen in one (O2).
canary=$work/canary
secret=secret-$(random_word)
canary_make() {
	mkdir -p "$canary/dir/below" "$canary/dev/below"
	echo "$secret" > "$canary/secret"
	echo "$secret" | tee "$canary/dir/secret" "$canary/dir/file" "$canary/file" > "$canary/dev/ptmx"
	chmod 0604 "$canary/file"
	chmod 2755 "$canary/dir"
	mkfifo "$canary/fifo"
	ln -s dir "$canary/link"
	ln "$canary/file" "$canary/hard"
	"$probes/canary" mark "$canary/file"
	canary_before=$("$probes/canary" "$canary")
}

# What changed in the canary tree; nothing when it is whole.
canary_changes() {
	local now
	now=$("$probes/canary" "$canary")
	[ "$now" = "$canary_before" ] || diff <(echo "$canary_before") <(echo "$now") | grep '^[<>]'
}
