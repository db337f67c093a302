#!/bin/bash
# res.sh - exhaustion (T-RES). Limits of the whole tree need cgroup v2; there (IMMURE_HAVE_CGROUP=1) they are tried, and without it the
# launcher must say so instead.
# shellcheck disable=SC2016,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"
peer_bwrap_tmp() { command=(bwrap --ro-bind / / --proc /proc --tmpfs /tmp "$@"); }
peer_plain_nice() { command=(/usr/bin/nice -n 0 "$@"); }

row T-RES-01a 'forks stop at the limit' 'no-limits bwrap' 'jail --pids-limit 32 -- @resources forks 60' 'reaches jail --pids-limit 32 -- @resources forks 10'
row T-RES-01b 'threads stop at the limit' 'no-limits bwrap' 'jail --pids-limit 32 -- @resources threads 60' 'reaches jail --pids-limit 32 -- @resources threads 10'
row T-RES-05a 'a tmpfs holds what it was given' 'no-tmpfs-size plain' 'mkdir -p /tmp; jail --tmpfs /tmp:size=4M -- @resources fill 8 /tmp' \
	'reaches jail --tmpfs /tmp:size=4M -- @resources fill 2 /tmp'
bounded() { # every tmpfs of the jail has a size and a count of entries
	jail -- /bin/sh -c 'n=$(grep " - tmpfs " /proc/self/mountinfo | grep -v -e "size=[0-9]*k.*nr_inodes=" | cut -d " " -f 5); [ -z "$n" ] && echo CONTAINED: all || echo ESCAPED: $n'
}
row T-RES-05b 'every tmpfs is bounded' 'no-tmpfs-size bwrap_tmp' bounded 'jail -- /bin/sh -c "echo x > /tmp/x; echo x > /dev/shm/x"'
row T-RES-05c 'the root itself takes nothing' 'plain' 'jail -- @reach create /new /usr/new /etc/new /dev/new /run/new "$canary/new" "$HOME/new"; rm -f "$HOME/new"' \
	'jail -- /bin/sh -c "echo x > ~/x"'
row T-RES-05d 'shared memory is bounded' 'plain' \
	'jail -- @resources fill 300 /dev/shm' 'reaches jail -- @resources fill 1 /dev/shm'
row T-RES-07 'entries run out in /tmp' 'no-tmpfs-size plain' 'jail --tmpfs /tmp:nr_inodes=500 -- @resources files 800 /tmp' \
	'reaches jail --tmpfs /tmp:nr_inodes=500 -- @resources files 100 /tmp'
row T-RES-06 'a file grows to its limit' 'no-limits plain' 'mkdir -p "$work/size"; jail --ulimit fsize=65536 -v "$work/size:$work/size" -- @resources size 100 "$work/size/f"' \
	'reaches jail --ulimit fsize=65536 -v "$work/size:$work/size" -- @resources size 10 "$work/size/f"'
row T-RES-08 'descriptors run out' 'no-limits plain' 'jail --ulimit nofile=64 -- @resources descriptors 100' 'reaches jail --ulimit nofile=64 -- @resources descriptors 20'
row T-RES-09a 'locked memory runs out' 'no-limits plain' 'jail -- @resources locked 128' 'reaches jail -- @resources locked 16'
row T-RES-09b 'message queues are not to be had' 'plain' 'jail -- @resources queues 1' 'jail -- /bin/true'
row T-RES-19 'queued signals run out' 'no-limits plain' 'jail -- @resources signals 400' 'reaches jail -- @resources signals 50'
row T-RES-02a 'memory of one process runs out' 'no-limits plain' \
	'jail -p "$(profile "{\"version\": 1, \"extends\": \"untrusted\", \"limits\": {\"address_space\": \"64M\"}}")" -- @resources memory 80' \
	'reaches jail -- @resources memory 16'
row T-RES-10b 'real time and a better nice are refused' 'plain_nice' \
	'silent jail -- /bin/sh -c "chrt -f 1 true 2> /dev/null && echo ESCAPED: real time; [ \$(nice) -ge 5 ] || echo ESCAPED: nice \$(nice)"' 'jail -- /usr/bin/nice -n 3 /bin/true'
row T-RES-20 'mounts cannot be piled up' 'unshare' 'silent jail -- /bin/sh -c "mount --bind /tmp /tmp && echo ESCAPED: mounted"' 'jail --tmpfs /a --tmpfs /b -- /bin/true'

row T-RES-04 'when memory runs out the jail goes before the rest' 'plain' 'expect 500 jail -- /bin/cat /proc/self/oom_score_adj' 'jail -- /bin/true'

# ---- time ----

row T-RES-22a 'wall time: a program that ignores every signal is killed' 'no-wall-time plain' \
	'limit=$(by_launcher 50 4); text=$(jail --timeout 500ms -- @linger stay); [[ $text == *TIMEOUT* ]] && echo ESCAPED: went on || echo "CONTAINED: ended $text"' \
	'jail --timeout 1m -- /bin/sleep 0.1'
row T-RES-22b 'wall time: a program that stops itself is killed' 'no-wall-time plain' \
	'limit=$(by_launcher 50 4); text=$(jail --timeout 500ms -- @linger stopped); [[ $text == *TIMEOUT* ]] && echo ESCAPED: went on || echo "CONTAINED: ended $text"' \
	'jail --timeout 1m -- /bin/true'
over() { [ -e "$work/late" ] || ! runs "$1" sh; } # PID: it went on, or has ended
outlast() { # it goes on in turns: while the machine stands still, it is no nearer to its end than to that of its time
	rm -f "$work/late" "$work/began"
	jail --timeout 1s -v "$work:$work" -- /bin/sh -c ": > $work/began; for i in \$(seq 20); do sleep 0.1; done; touch $work/late; sleep 1000; true" &
	await test -e "$work/began" || echo 'UNCLEAR: never began'
	kill -STOP "$(launcher_of $!)"
	await over $!
	if [ -e "$work/late" ]; then echo 'ESCAPED: went on'; else echo 'CONTAINED: ended'; fi
	end $!
}
row T-LIFE-22 'wall time holds while the launcher is stopped' 'no-wall-time' outlast 'jail --timeout 1m -- /bin/true'
row T-RES-22c 'CPU time runs out' 'no-limits plain' \
	'limit=$(by_launcher 300 4); text=$(jail --ulimit cpu=1s -- /bin/sh -c "while :; do :; done"); [[ $text == *TIMEOUT* ]] && echo ESCAPED: went on || echo CONTAINED: ended' 'jail --ulimit cpu=5s -- /bin/true'

# ---- cgroups ----

if [ -n "${IMMURE_HAVE_CGROUP:-}" ]; then
	row T-RES-02b 'memory of the whole tree' 'no-cgroup' \
		'jail -m 64M -- /bin/sh -c "for i in 1 2 3; do head -c 30000000 /dev/zero | tail -c 30000000 > /dev/null & done; wait; echo x" > /dev/null; r=$(jail -m 48M -- @resources memory 200); [ -n "$r" ] && echo "$r" || echo CONTAINED: killed' \
		'reaches jail -m 256M -- @resources memory 32'
	row T-RES-01d 'processes of the whole tree' 'no-cgroup' 'jail --pids-limit 32 -- @resources forks 60' 'reaches jail --pids-limit 32 -- @resources forks 10'
	row T-RES-10c 'CPU quota' 'no-cgroup' \
		'jail --cpus 0.2 --ulimit cpu=60s --result "$work/result" --timeout 2s -- /bin/sh -c "while :; do :; done"; used=$(jq ".cpu_user_seconds + .cpu_system_seconds" "$work/result")
		jq -en "$used < 0.9" > /dev/null && echo CONTAINED: $used || echo ESCAPED: $used' 'jail --cpus 1 -- /bin/true'
	row T-RES-15 'the cgroup files are out of reach' 'plain' 'jail -- @reach see /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup' 'jail -m 64M -- /bin/true'
elif [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
	row T-RES-17a 'a CPU quota that no cgroup can hold: refused' 'plain bwrap' 'refused jail --cpus 0.5 -- @started' 'jail -- /bin/true'
	row T-RES-17b 'a limit of memory that no cgroup can hold: refused' 'plain bwrap' 'refused jail -m 64M -- @started' 'jail -- /bin/true'
fi
finish
