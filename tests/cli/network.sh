#!/bin/bash
# The network namespace, which is made beside PID 1: it is another one, it is whole, and whatever goes wrong there ends the launch.
# shellcheck disable=SC2016 # what stands in single quotes is for another shell
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 2
[ -z "${IMMURE_UNDER_ASAN:-}" ] || export ASAN_OPTIONS=detect_leaks=0 # which ptrace(2) forbids

# holds WHAT PATTERN CODE WORDS…: WORDS end with CODE and say something that fits PATTERN
holds() {
	local what=$1 pattern=$2 want=$3 output status
	shift 3
	output=$(guarded "$@" 2>&1 < /dev/null); status=$?
	# shellcheck disable=SC2053 # a pattern
	if [ $status = "$want" ] && [[ $output == $pattern ]]; then ok "$what"; else not_ok "$what" "status $status" "$output"; fi
}

ours=$(readlink /proc/self/ns/net)
there=$(immure jail readlink /proc/self/ns/net < /dev/null)
if [[ $there == net:* && $there != "$ours" ]]; then ok 'the network is not ours'; else not_ok 'the network is not ours' "$ours" "$there"; fi
holds 'the host network is ours' "net:\[${ours//[!0-9]/}\]" 0 "$immure" jail --network host readlink /proc/self/ns/net
"$immure" jail sleep 1000 < /dev/null &
launcher=$!
helpers+=("$launcher")
# shellcheck disable=SC2317 # await() calls it
slept() {
	for init in $(pgrep -P "$launcher"); do ! child_of "$init" sleep > /dev/null || return 0; done
	return 1
}
await slept
there="$(pgrep -P "$init" | wc -l) children, $(find "/proc/$init/task" -mindepth 1 -maxdepth 1 | wc -l) threads"
if [ "$there" = '1 children, 1 threads' ]; then ok 'the maker is gone once the program is there'
else not_ok 'the maker is gone once the program is there' "$there"; fi
kill $launcher
wait $launcher
cat > down.json <<'P'
{"version": 1, "extends": "untrusted", "files": {"proc": "full", "sys": "ro"}}
P
holds 'lo is down, and alone' lo 0 "$immure" jail -p ./down.json sh -c 'ls /sys/class/net; ! grep -q 127.0.0.1 /proc/net/fib_trie'
cat > up.json <<'P'
{"version": 1, "extends": "./down.json", "network": {"mode": "none", "loopback": true}}
P
holds 'lo is up, and alone' lo 0 "$immure" jail -p ./up.json sh -c 'ls /sys/class/net; grep -q 127.0.0.1 /proc/net/fib_trie'

none='echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"'
holds 'no network namespace left' 'immure:*network*max_net_namespaces*' 125 unshare -Ur sh -c "$none" - "$immure" jail sh -c 'echo started'
holds 'no network namespace left, and none asked for' started 0 unshare -Ur sh -c "$none" - "$immure" jail --network host sh -c 'echo started'

# without: what becomes of CALL in the process that makes the namespace
if strace -o /dev/null true 2> /dev/null; then
	for fault in unshare:error=EPERM unshare:signal=KILL setns:error=EPERM; do
		holds "$fault ends the launch" 'immure:*network*' 125 strace -f -qq -o /dev/null -e "trace=${fault%%:*}" -e "inject=$fault" \
			"$immure" jail sh -c 'echo started'
	done
else
	skip 'faults in the making of the namespace' 'strace cannot trace here'
fi
finish
