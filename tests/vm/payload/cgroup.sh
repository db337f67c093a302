#!/bin/bash
# cgroup.sh - limits of cgroup v2 are written, and then they bite; and nothing is left of the cgroup after any end.
# processors: all
# limit: 200
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
mine=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service
result=/tmp/result.json

cgroups() { find $mine -mindepth 1 -type d -name 'immure*'; }
one_machine() { [[ $(uname -r) == 6.1.* ]]; } # for what does not depend on the kernel
gone() { [ -z "$(cgroups)" ]; }
there() { ! gone; }
populated() { local d; d=$(cgroups | head -n1) && [ "$(< "$d/pids.current")" -ge "$1" ]; }
ends_with_limit() { # LIMIT COMMAND...: it fails, and the result names the limit
	! "${@:2}" && cat $result && grep -qE "\"limit\": *\"$1\"" $result
}

written() {
	local dir file wanted
	profile limits '"limits": {"memory": "64M", "memory_high": "48M", "swap": "0", "pids": 40, "cpu": 0.5, "cpu_weight": 50, "cpuset": "0",
		"io": [{"device": "/srv", "write_bytes": "1M"}]}'
	immure jail --profile limits sleep 20 &
	works 'a jail with every limit starts' within 10 there
	dir=$(cgroups | head -n1)
	while read -r file wanted; do is "$file is written" "$wanted" cat "$dir/$file"; done <<-END
		memory.max $((64 << 20))
		memory.high $((48 << 20))
		memory.swap.max 0
		pids.max 40
		cpu.max 50000 100000
		cpu.weight 50
		cpuset.cpus 0
	END
	works 'io.max is written' grep -q 'wbps=1048576' "$dir/io.max"
	kill %%
	wait
	works 'its cgroup is gone' within 2 gone
}

memory() {
	works 'an allocation beyond memory.max dies, and the result says so' ends_with_limit memory \
		immure jail --result $result --profile untrusted --memory 64M probe memory 200
	works 'after an OOM kill the cgroup is gone' within 2 gone
	is 'control: below the limit it lives' touched immure jail --profile untrusted --memory 256M probe memory 100
	is 'control: the machine has that much' touched probe memory 200
	one_machine || return 0
	profile swapping '"limits": {"memory": "64M", "swap": "128M"}'
	profile swapping-less '"limits": {"memory": "64M", "swap": "16M"}'
	is 'with memory.swap.max it lives on the disk' touched immure jail --profile swapping probe memory 100
	works '… and dies beyond both' ends_with_limit memory immure jail --result $result --profile swapping-less probe memory 100
	profile high '"limits": {"memory_high": "32M"}'
	immure jail --profile high bash -c 'probe memory 20 && probe memory 60; sleep 20' &
	works 'memory.high slows down what is above it' within 15 eval 'grep -qE "^high [1-9]" "$(cgroups | head -n1)/memory.events"'
	kill %%
	wait
	profile high '"limits": {"memory_high": "128M"}'
	immure jail --profile high bash -c 'probe memory 60; sleep 20' &
	works 'control: nothing is, below it' within 15 eval 'pgrep -f "^sleep 20$" && grep -q "^high 0$" "$(cgroups | head -n1)/memory.events"'
	kill %%
	wait
}

processes() {
	local made
	made=$(immure jail --profile untrusted --pids-limit 20 probe forks 200)
	works "a fork bomb stops at pids.max: ${made:-none} of 200" test "${made:-0}" -gt 5 -a "${made:-200}" -lt 20
	immure jail --profile untrusted --pids-limit 20 bash -c 'while :; do sleep 5 & done' > /dev/null 2>&1 &
	works 'the next bomb is at its limit' within 10 populated 15
	is 'meanwhile the host still forks' 150 probe forks 150
	kill -KILL %% # a shell that cannot fork heeds nothing else for seconds
	wait
	is 'control: below the limit it forks' 100 immure jail --profile untrusted --pids-limit 200 probe forks 100
}

cpu() {
	share 475 525 'half a CPU is half a CPU, within 5 %' immure jail --profile untrusted --cpus 0.5 probe spin 3000
	share 190 210 'a fifth is a fifth, within 5 %' immure jail --profile untrusted --cpus 0.2 probe spin 3000
	share 801 1001 'control: unlimited it gets a whole one' probe spin 1000
	one_machine || return 0
	share 650 850 'weights of 300 and 100 divide a processor by three to one' against_100 300
	share 420 580 'control: equal ones halve it' against_100 100
}

against_100() { # WEIGHT: what a jail of that weight gets of the first processor, while another of the weight 100 wants it, too
	local weight
	for weight in 100 "$1"; do profile "weight-$weight" "\"limits\": {\"cpuset\": \"0\", \"cpu_weight\": $weight}"; done
	immure jail --profile weight-100 probe spin 5000 > /dev/null &
	within 10 pgrep -f '^probe spin 5000' # what starts a jail is not to be measured
	immure jail --profile "weight-$1" probe spin 1500
	kill %%
	wait
}

# A second processor is on one machine only.
cpuset() {
	local name='a set of one processor is shared by two busy loops' sum
	profile one '"limits": {"cpuset": "1"}'
	[ "$(nproc)" -gt 1 ] || { skip "$name" 'one processor here: tried on the other machine'; return; }
	sum=$(immure jail --profile one bash -c 'probe spin 2000 & probe spin 2000; wait' | awk '{ n += $1 } END { print n }')
	works "$name: $sum/1000" test "${sum:-0}" -ge 900 -a "${sum:-0}" -le 1100
	is 'and the loops see no other' 1 immure jail --profile one nproc
	sum=$(immure jail --profile untrusted bash -c 'probe spin 2000 & probe spin 2000; wait' | awk '{ n += $1 } END { print n }')
	works "control: without it each has its own: $sum/1000" test "${sum:-0}" -ge 1500
}

# On a disk of its own with a scheduler and a model of its bandwidth: guest/session.
io() {
	local rate heavy light mount='"files": {"mounts": [{"bind": "/srv", "to": "/disk", "access": "rw"}]}'
	[ ! -e /sys/fs/selinux ] || mount+=', "selinux": {"type": "immure_dev_t"}'
	profile slow "\"limits\": {\"io\": [{\"device\": \"/srv\", \"write_bytes\": \"2M\"}]}, $mount"
	profile heavy "\"limits\": {\"io_weight\": 300}, $mount"
	profile light "\"limits\": {\"io_weight\": 100}, $mount"
	rate=$(immure jail --profile slow probe stream 4000 /disk/slow)
	works "2 MiB a second are 2 MiB a second, within 20 %: $rate KiB" test "${rate:-0}" -ge 1638 -a "${rate:-0}" -le 2458
	rate=$(immure jail --profile heavy probe stream 2000 /disk/slow)
	works "control: without the limit it is the 8 MiB of the disk: $rate KiB" test "${rate:-0}" -ge 5000
	immure jail --profile light probe stream 4000 /disk/light > /tmp/light &
	heavy=$(immure jail --profile heavy probe stream 4000 /disk/heavy)
	wait
	light=$(< /tmp/light)
	works "weights of 300 and 100 divide it by three to one: $heavy and $light KiB" test "${light:-0}" -gt 0 -a $((heavy * 10)) -ge $((light * 20)) -a $((heavy * 10)) -le $((light * 45))
}

# Every way for a jail to end. What it leaves is a tree of processes that ignore what can be ignored.
tree='for i in {1..20}; do (trap "" TERM HUP INT; exec setsid sleep 321) & done; wait'
survivors() { pgrep -f 'sleep 321'; }
none_left() { ! survivors; }

ends() {
	local signal
	works 'a program that ends by itself' immure jail --profile untrusted true
	works '… leaves no cgroup' within 2 gone
	immure jail --profile untrusted sh -c 'exit 7'
	works 'one that fails leaves none' within 2 gone
	immure jail --profile untrusted sh -c 'kill -SEGV $$' 2> /dev/null
	works 'one that crashes leaves none' within 2 gone
	immure jail --profile untrusted bash -c 'for i in {1..20}; do setsid sleep 321 & done'
	works 'daemons that it left die with it' within 2 none_left
	works 'time-out: the result says so' ends_with_limit 'wall_time|timeout|time' immure jail --result $result --profile untrusted --timeout 1s bash -c "$tree"
	works '… and the tree is dead' within 2 none_left
	works '… and the cgroup gone' within 2 gone
	for signal in TERM KILL; do
		immure jail --profile untrusted bash -c "$tree" &
		works "a tree of twenty is up ($signal)" within 10 populated 20
		kill -$signal $!
		works "launcher ended by SIG$signal: it ends" within 5 bash -c "! kill -0 $!"
		works "launcher ended by SIG$signal: the tree is dead" within 2 none_left
		works "… and the cgroup gone" within 2 gone
	done
}

# Kernels that count the uses of cgroup.kill end what is born from such a cgroup into another one, before its first instruction.
spoilt() {
	profile subordinate '"identity": {"map": "subordinate", "uid": 0, "gid": 0}'
	local start=$mine/spoilt
	mkdir $start
	echo 1 > $start/cgroup.kill
	is 'from a cgroup that was killed once, a jail starts' touched in_cgroup $start immure jail --profile untrusted --memory 256M probe memory 100
	works '… within its limits' ends_with_limit memory in_cgroup $start immure jail --result $result --profile untrusted --memory 64M probe memory 200
	is '… at the root of its own view of cgroups' 0::/ in_cgroup $start immure jail --profile untrusted --memory 64M cat /proc/self/cgroup
	is '… with ids that a helper maps' 2 in_cgroup $start immure jail --profile subordinate --memory 64M bash -c 'wc -l < /proc/self/uid_map'
	works '… and leaves no cgroup' within 2 gone
	mkdir $mine/fresh
	echo "# from a cgroup that was killed into a fresh one, $(uname -r): $(in_cgroup $start probe birth $mine/fresh)"
	rmdir $start $mine/fresh
}
in_cgroup() { (echo 0 > "$1/cgroup.procs" && exec "${@:2}"); } # CGROUP COMMAND...

written
memory
processes
cpu
cpuset
io
ends
spoilt
plan
