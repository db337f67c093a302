#!/bin/bash
# life.sh - birth and death of a jail (T-LIFE): nothing of it lives two seconds longer than its launcher. The reaper(1) that every launch runs
# under gathers orphans, and says SURVIVORS.
# shellcheck disable=SC2016,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"

died() { # what a killed launcher leaves is told by SURVIVORS; the rest is well
	"$@"
	echo 'CONTAINED: nothing else is left'
}
kill_launcher() {
	jail -- @linger stay &
	begun $! linger
	kill -9 "$(launcher_of $!)"
	wait
	echo 'CONTAINED: nothing else is left'
}
row T-LIFE-01a 'the launcher is killed while the program runs' 'no-pdeathsig bwrap' kill_launcher 'jail -- /bin/sleep 0.1'
stop_and_kill() { # the janitor of the cgroup is outside, where no program of the jail can stop it
	local pid name
	jail -- @linger stay &
	begun $! linger # a jail that is stopped before it is tied to its launcher could not be
	sleep 0.05      # for the whole to come to rest
	for pid in $(descendants $! | tail -n +4); do
		read -r name < "/proc/$pid/comm" && [ "$name" != immure-janitor ] && kill -STOP "$pid"
	done
	kill -9 "$(launcher_of $!)"
	wait
	echo 'CONTAINED: nothing else is left'
}
row T-LIFE-01b 'the launcher is killed while the whole jail is stopped' 'no-pdeathsig' \
	stop_and_kill 'jail -- /bin/true'
killed_in() { # CALL:N: the launcher is killed in that window of the set-up
	under window "$1" kill
	jail -- @linger stay > "$work/text" 2>&1
	cat "$work/text"
	if grep -q 'window: [1-9]' "$work/text"; then echo 'CONTAINED: nothing else is left'; else echo 'UNCLEAR: the window was not hit'; fi
}
row T-LIFE-04a 'the launcher dies before its child asked to die with it' 'no-liveness' 'killed_in pivot_root' 'under window pivot_root true; jail -- /bin/true'
row T-LIFE-04b 'the launcher dies at the first mount' 'no-liveness' 'killed_in fsopen:1' 'under window fsopen:1 true; jail -- /bin/true'
row T-LIFE-02 'the change of ids does not undo the tie' 'no-pdeathsig' 'killed_in landlock' 'jail -- /bin/true'
row T-LIFE-01c 'the launcher dies while the filter is loaded' 'no-pdeathsig' 'killed_in seccomp:2' 'jail -- /bin/true'
row T-LIFE-01d 'the launcher dies in the moment of exec' 'no-pdeathsig' 'killed_in execve:2' 'jail -- /bin/true'
sweep() { # the launcher dies in the Nth system call of the whole launch, for many N
	local n text hits=0 end=$((SECONDS + 3 * seconds))
	for n in $(seq 3 250 | shuf --random-source=<(yes)); do
		[ "$SECONDS" -lt "$end" ] || [ "$hits" -le "$(by_launcher 5 1000)" ] || break # a slow machine takes the time that it needs
		text=$(under window "all:$n" kill; jail -- @linger stay 2>&1)
		[[ $text != *SURVIVORS* ]] || { echo "$text"; return; }
		[[ $text != *'window: 1'* ]] || hits=$((hits + 1))
	done
	echo "hits $hits"
	if [ "$hits" -gt 5 ]; then echo 'CONTAINED: nothing is ever left'; else echo 'UNCLEAR: too few windows'; fi
}
row T-LIFE-01e 'the launcher dies in any call of the launch' 'no-liveness,no-pdeathsig' sweep 'jail -- /bin/true'
row T-LIFE-20a 'no one spies on the child while it is set up' 'dumpable' 'under window mount_setattr:0 spy; jail -- /bin/true' 'jail -- /bin/true'
row T-LIFE-20b 'nor after its change of ids' 'dumpable' 'under window landlock spy; jail -- /bin/true' 'jail -- /bin/true'
row T-LIFE-20c 'nor in the moment before the filter' 'dumpable' 'under window seccomp:2 spy; jail -- /bin/true' 'jail -- /bin/true'
row T-LIFE-05a 'descendants in sessions of their own end with the program' 'plain' 'died jail -- @linger leave' 'jail -- /bin/sh -c "(sleep 0.1 &) ; exit 0"'
signalled() { # SIGNAL: to the launcher, once the program listens
	local turns
	rm -f "$work/text" # what the one before said
	jail -- /bin/sh -c "trap 'echo told; exit 3' $1; echo ready; sleep 1000 & wait" > "$work/text" 2>&1 &
	await grep -qs ready "$work/text" || echo 'UNCLEAR: never began'
	kill -s "$1" "$(launcher_of $!)"
	turns=$(by_launcher 600 20)
	if await grep -qs told "$work/text"; then echo 'CONTAINED: told'; else echo "ESCAPED: not told $(< "$work/text")"; fi
	end $!
}
row T-LIFE-05c 'SIGTERM to the launcher reaches the program' 'unshare' 'signalled TERM' '[[ $(signalled INT) == CONTAINED* ]]'

statuses() { # what the program says is what the launcher says
	local n got
	for n in 0 1 2 3 100 124 125 126 127 128 200 255; do
		jail -- /bin/sh -c "exit $n" > /dev/null 2>&1
		got=$?
		[ "$got" = "$n" ] || { echo "ESCAPED: exit $n became $got"; return; }
	done
	for n in 1 2 3 6 8 9 11 13 14 15 31; do
		jail -- /bin/sh -c "kill -$n \$\$" > /dev/null 2>&1
		got=$?
		[ "$got" = $((128 + n)) ] || { echo "ESCAPED: signal $n became $got"; return; }
	done
	jail -- /nonexistent > /dev/null 2>&1
	got=$?
	[ "$got" = 127 ] || { echo "ESCAPED: no program became $got"; return; }
	jail -- /etc/passwd > /dev/null 2>&1
	got=$?
	[ "$got" = 126 ] || { echo "ESCAPED: no right to run became $got"; return; }
	echo 'CONTAINED: every status is told'
}
peer_script() { command=(script -qc "$(printf '%q ' "$@")" /dev/null); }
row T-LIFE-18 'statuses are told as shells tell them' 'script' statuses 'jail --result "$work/result" -- /bin/true && jq -e . "$work/result" > /dev/null'
in_order() { # PATTERN…: does the trace hold a call of each, the last of each after the one before? None may fit what is done beside PID 1
	local name line last=0
	for name; do
		line=$(grep -nE -- "$name" "$work/trace" | tail -n 1 | cut -d : -f 1)
		[ "${line:-0}" -gt "$last" ] || { echo "ESCAPED: $name is not in its place (line ${line:-none} after $last)"; return; }
		last=$line
	done
	echo 'CONTAINED: each in its place'
}
traced() {
	under=(strace -f -qq -e signal=none -o "$work/trace")
	jail -- /bin/true
}
row T-LIFE-21 'rights are given up in the one order in which each step is still possible' 'bwrap' \
	'traced; in_order CLONE_NEWUSER "pivot_root\(" "umount2\(" "PR_CAPBSET_DROP" "capset\(" "PR_SET_NO_NEW_PRIVS" "landlock_restrict_self\(" "close_range\(3" "execve\("' 'jail -- /bin/true'
last_words() { # what the process that becomes the program does after its filter is loaded
	local pid
	traced
	pid=$(grep -E 'execve\(' "$work/trace" | tail -n 1 | cut -d ' ' -f 1)
	# a call that another process's interrupts has a second line where it is resumed
	if grep "^$pid " "$work/trace" | grep -v ' resumed>' | grep -B 1 'execve(' | head -n 1 | grep -q 'seccomp(SECCOMP_SET_MODE_FILTER'; then
		echo 'CONTAINED: the filter, then exec'
	else
		echo "ESCAPED: $(grep "^$pid " "$work/trace" | grep -B 1 'execve(' | head -n 1)"
	fi
}
row T-SEC-21 'nothing stands between the filter and exec' 'no-seccomp bwrap' last_words 'jail -- /bin/true'
finish
