#!/bin/bash
# Two at once, one of them stopped between its look and its deed: nobody is told what is not so, and nobody loses what is his.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the container
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 2
need strace
tiny tiny

# stop_at CALL:N[:PATH] VERB WORDS…: in the background, in a session of its own, stopped once it has made that call for the Nth time (on that
# path); its pid in $pid, what it says in said.N, N the number of the stop. The tracer follows none of its children.
stops=0
stop_at() {
	local call number path
	IFS=: read -r call number path <<< "$1"
	said=said.$((stops += 1))
	rm -f trace
	setsid strace -D -q -o trace ${path:+-P "$path"} -e "trace=$call" -e "inject=$call:signal=SIGSTOP:when=$number" \
		"$immure" "$2" --storage "$storage" "${@:3}" < /dev/null > "$said" 2>&1 &
	pid=$!
	helpers+=("$pid")
	await grep -qs 'stopped by SIGSTOP' trace || cat "$said" trace >&2
}
# go_on: until it has ended; its status and what it said in $outcome
go_on() {
	kill -CONT "${1:-$pid}"
	wait "${1:-$pid}"
	outcome="$? $(cat "${2:-$said}")"
}
id_of() { im ps -a --no-trunc --filter "name=^$1\$" --format '{{.ID}}'; } # NAME
volumes() { find "$storage/volumes" -mindepth 1 -maxdepth 1 -printf '%f\n'; }

# ---- a storage that is just being made ----
for place in 1 3 7 10 13; do
	rm -rf "$work/young"
	strace -q -o /dev/null -e trace=mkdirat -e inject=mkdirat:signal=SIGKILL:when=$place "$immure" ps --storage "$work/young" > /dev/null 2>&1
	check "its maker killed at step $place, it serves all the same" test "$("$immure" volume create --storage "$work/young" v 2>&1)" = v
	check 'for what comes from registries, too' grep -q nowhere.invalid <<< "$("$immure" pull --storage "$work/young" -q nowhere.invalid/x 2>&1)"
	rm -rf "$work/young"
	storage=$work/young stop_at "mkdirat:$place" ps
	check 'its maker at work, too' test "$("$immure" volume create --storage "$work/young" v 2>&1)" = v
	go_on
	check 'who finds it in order' test "${outcome%% *}" = 0
done
finish
