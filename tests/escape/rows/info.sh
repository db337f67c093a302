#!/bin/bash
# info.sh - what a jail learns of the host by /proc, /sys, /dev and files (T-INFO).
# shellcheck disable=SC2016,SC2034,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"
peer_bwrap_dev() { command=(bwrap --ro-bind / / --dev-bind /dev /dev "$@"); }
peer_bwrap_rw() { command=(bwrap --ro-bind / / --bind "$HOME" "$HOME" "$@"); }

telling=(kcore keys key-users latency_stats timer_list sched_debug schedstat interrupts softirqs iomem ioports vmallocinfo slabinfo kallsyms
	modules config.gz kpagecount kpageflags kmsg mtrr swaps diskstats partitions pagetypeinfo buddyinfo zoneinfo crypto dma execdomains
	fb mdstat misc devices sysrq-trigger cmdline meminfo uptime loadavg version stat)
row T-INFO-01 'no file of /proc that tells of the kernel or the host' 'full-proc bwrap' \
	'jail -- @reach read "${telling[@]/#//proc/}"' 'jail -- /bin/cat /proc/self/status /proc/self/maps'
row T-INFO-01b 'no folder of /proc but those of processes' 'full-proc bwrap' \
	'jail -- @reach list /proc/acpi /proc/asound /proc/scsi /proc/bus /proc/driver /proc/fs /proc/irq /proc/tty /proc/sys /proc/pressure' \
	'jail -- /bin/ls /proc/self/task'
row T-INFO-02 'no setting of the kernel can be written' 'unshare' \
	'jail -- /bin/sh -c "n=\$(find /proc/sys /proc/sysrq-trigger -type f -writable 2> /dev/null | wc -l); [ \$n = 0 ] && echo CONTAINED: none || echo ESCAPED: \$n"' \
	'jail -- /bin/sh -c "echo jail > /proc/self/comm"'
row T-INFO-02b 'the settings of the own network are read-only, also for uid 0' 'full-proc,keep-inheritable,keep-bounding unshare' \
	'jail --user 0 -p "$(profile "{\"version\": 1, \"extends\": \"untrusted\", \"files\": {\"proc\": \"full\"}}")" -- @reach write /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/sys/net/ipv4/ip_forward' \
	'jail -p "$(profile "{\"version\": 1, \"extends\": \"untrusted\", \"files\": {\"proc\": \"full\"}}")" -- /bin/cat /proc/uptime'
row T-INFO-01c 'a whole /proc is masked' 'full-proc bwrap' \
	'jail -p "$(profile "{\"version\": 1, \"extends\": \"untrusted\", \"files\": {\"proc\": \"full\"}}")" -- @reach read /proc/{keys,key-users,timer_list,schedstat,interrupts,softirqs,kallsyms,modules,swaps,diskstats,partitions,zoneinfo,execdomains,crypto}' \
	'jail -p "$(profile "{\"version\": 1, \"extends\": \"untrusted\", \"files\": {\"proc\": \"full\"}}")" -- /bin/cat /proc/meminfo'
row T-INFO-03a 'the core limit is exactly 1, which a pipe handler heeds too' 'no-limits bwrap' 'jail -- @resources core 1' 'jail -- /bin/sh -c "ulimit -S -c"'
crash() { # does a crashing program leave a core file where it may write?
	rm -rf "$work/crash"
	mkdir "$work/crash"
	ulimit -c unlimited
	jail -v "$work/crash:$work/crash" -w "$work/crash" -- /bin/sh -c 'kill -SEGV $$'
	if compgen -G "$work/crash/*" > /dev/null; then echo 'ESCAPED: a core file'; else echo 'CONTAINED: no core file'; fi
}
row T-INFO-03b 'a crash leaves no core file' 'no-limits plain' crash 'jail -- /bin/sh -c "kill -SEGV \$\$"; [ $? = 139 ]'
row T-INFO-06a 'PID 1 shows nothing of the launcher' 'dumpable' \
	'jail -- @reach read /proc/1/environ /proc/1/maps /proc/1/smaps /proc/1/stack /proc/1/io /proc/1/auxv' 'jail -- /bin/cat /proc/self/io'
row T-INFO-08 'no kernel log' 'plain' 'jail -- @reach see /dev/kmsg /proc/kmsg /sys/fs/pstore /dev/mem /dev/port' 'jail -- /bin/ls /dev'
row T-INFO-09 'no /sys' 'bwrap' 'jail -- @reach list /sys /sys/class /sys/devices' 'jail -- /bin/ls /'
row T-INFO-10 'no cgroup, tracing, BPF or firmware files' 'bwrap' \
	'jail -- @reach see /sys/fs/cgroup /sys/kernel/debug /sys/kernel/tracing /sys/fs/bpf /sys/firmware /sys/kernel/security' 'jail -- /bin/cat /proc/self/cgroup'
row T-INFO-11a 'exactly the standard nodes in /dev' 'plain bwrap_dev' \
	'expect "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero" jail -- /bin/sh -c "LC_ALL=C ls /dev | tr \"\n\" \" \" | sed \"s/ \\$//\""' \
	'jail -- /bin/sh -c "head -c 8 /dev/urandom > /dev/null && echo x > /dev/null && ! echo x > /dev/full"'
row T-INFO-11b 'no device that is not asked for' 'plain bwrap_dev' \
	'jail -- @reach see /dev/kvm /dev/fuse /dev/net/tun /dev/mem /dev/vda /dev/sda /dev/kmsg /dev/userfaultfd /dev/vsock /dev/console /dev/loop-control' \
	'jail -- /bin/ls /dev'
row T-INFO-11c 'the nodes are what they seem' 'plain' \
	'expect "1:3 1:5 1:7 1:8 1:9 5:0" jail -- /bin/sh -c "stat -L -c %t:%T /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty | tr \"\n\" \" \" | sed \"s/ \\$//\""; [ "$launcher" != plain ] || echo ESCAPED: no launcher' \
	'jail -- /bin/sh -c ": > /dev/null"'
row T-INFO-12 'neither the user'"'"'s home nor the launcher'"'"'s folders show in the mount table' 'wrong-bind bwrap_rw' \
	'jail -- /bin/sh -c "grep -q -e ${work##*/} -e \"$top\" /proc/self/mountinfo && echo ESCAPED: seen || echo CONTAINED: not seen"' \
	'jail -v "$work:/w:ro" -- /bin/grep -q " /w " /proc/self/mountinfo'
for name in machine-id passwd group hostname hosts; do
	row "T-INFO-13-$name" "/etc/$name is not the host's" 'bwrap' \
		'[ -s /etc/'$name' ] && expect different jail -- /bin/sh -c "[ \"\$(cat /etc/'$name')\" = \"'"\$(< /etc/$name)"'\" ] && echo same || echo different"' \
		"jail -- /bin/cat /etc/$name"
done
row T-INFO-13b 'no users or keys of the host in /etc' 'bwrap' \
	'jail -- @reach see /etc/shadow /etc/subuid /etc/sudoers /etc/ssh /etc/fstab /etc/resolv.conf /etc/crontab' 'jail -- /bin/ls /etc'
row T-INFO-13c 'the boot has no identity' 'full-proc bwrap' 'jail -- @reach read /proc/sys/kernel/random/boot_id' 'jail -- /bin/cat /proc/self/stat'
row T-INFO-14 'the free space of the host does not show in the root' 'bwrap' \
	'[ "$(jail -- /bin/stat -f -c "%b" /)" -lt 100000 ] && echo CONTAINED: small || echo ESCAPED: the disk of the host' 'jail -- /bin/df /tmp'
row T-INFO-17 'a failed launch prints nothing of the host inside' 'plain' \
	'mkdir -p "$work/out"; refused jail --receipt "$work/out/receipt" -v "$work/nothing:/x" -- @started; grep -q ESCAPED "$work/out/receipt" 2> /dev/null' \
	'jail -- /bin/true'
row T-INFO-18 'no keys to list' 'full-proc bwrap' 'under keys plant "$secret"; jail -- @reach read /proc/keys /proc/key-users' 'jail -- /bin/true'
finish
