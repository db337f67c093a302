#!/bin/bash
# alone.sh - what a launch leaves behind (T-PATH-45, T-LIFE-28), looked for in places that everybody has in common: with no other row beside.
# shellcheck disable=SC2016,SC2034,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"

left_anywhere() { # while a jail runs: what is new in the folders that programs share
	local new
	touch "$work/stamp"
	sleep 0.05
	jail -- /bin/sleep 1000 &
	begun $! sleep
	new=$(find /run /tmp /var/tmp /dev/shm "$HOME" -newer "$work/stamp" \( -ipath '/run/*jail*' -o -user "$(id -u)" \) -not -path '*/immure-*' -not -path "$HOME" \
		-not -fstype proc 2> /dev/null)
	end $!
	if [ -z "$new" ]; then echo 'CONTAINED: nothing'; else echo "ESCAPED: $new"; fi
}
row T-PATH-45 'a launch leaves nothing in shared folders, not even for a while' 'firejail' left_anywhere 'jail -- /bin/true'

counts() { # mounts, files in the folders that a launcher might use
	echo "$(wc -l < /proc/self/mountinfo) $(find "$HOME" /tmp/*immure-[0-9]* /run/user/"$(id -u)" 2> /dev/null | wc -l)"
}
descriptors() { awk '{ print $1 }' /proc/sys/fs/file-nr; } # of the whole system
few() { [ "$(descriptors)" -lt "$1" ]; }
soak() { # the same after many launches as before
	local before open after i
	before=$(counts) open=$(descriptors)
	for ((i = 0; i < 60; i += stride)); do jail -- /bin/true || echo 'UNCLEAR: a run failed'; done
	after=$(counts)
	await few $((open + 500)) || after+=" and $(descriptors) descriptors after $open" # others, too, may have taken some for a while
	if [ "$before" = "$after" ]; then echo "CONTAINED: $after"; else echo "ESCAPED: $before became $after"; fi
}
peer_typescript() { command=(env "--chdir=$HOME" script -qc true); }
row T-LIFE-28 'many launches leave nothing' 'typescript' soak 'jail -- /bin/true'
finish
