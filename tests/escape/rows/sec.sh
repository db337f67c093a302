#!/bin/bash
# sec.sh - the system call filter, from inside (T-SEC). That the filter is its policy, number by number, is proven by simulation elsewhere
# (tests/seccomp); here real calls are made.
# shellcheck disable=SC2016,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"

calls() { row "$1" "$2" "$3" "jail -- @calls $4" "$5"; } # ID WHAT CONTROLS SET BENIGN

calls T-SEC-06 'unknown numbers are ENOSYS' default-eperm T-SEC-06 'jail -- /bin/bash -c "echo \$(< /etc/hostname)"'
calls T-SEC-07 'clone with any namespace flag' 'no-seccomp bwrap' T-SEC-07 'jail -- /bin/sh -c "(true) | cat"'
calls T-SEC-08a 'clone3 is ENOSYS, so that libraries fall back' 'clone3-allowed no-seccomp' T-SEC-08 'jail -- @resources threads 1 || [ $? = 10 ]'
calls T-SEC-08b 'the mount API, old and new' 'no-seccomp bwrap' mount-api 'jail -- /bin/cat /proc/self/mountinfo'
calls T-SEC-09 'unshare and setns' 'no-seccomp bwrap' T-SEC-09 'jail -- /bin/ls -l /proc/self/ns'
calls T-SEC-10a 'the terminal ioctls that type for others' 'no-seccomp bwrap' T-SEC-10 'under pty; jail -- /bin/stty -a'
calls T-SEC-10b 'the same with bits that the kernel drops' 'compare-64 no-seccomp' ioctl-high 'under pty; jail -- /bin/stty size'
calls T-SEC-13 'io_uring' 'io-uring-allowed no-seccomp bwrap' T-SEC-13 'jail -- /bin/cat /etc/passwd'
calls T-SEC-14 'userfaultfd' 'no-seccomp bwrap' T-SEC-14 'jail -- /bin/true'
calls T-SEC-15 'perf, keys, fanotify, handles, quota' 'no-seccomp bwrap' T-SEC-15 'jail -- /bin/true'
calls T-SEC-16 'personalities that weaken memory' 'no-seccomp bwrap' T-SEC-16 'expect 00000000 jail -- /bin/cat /proc/self/personality | grep CONTAINED'
calls T-SEC-17 'prctl beyond the allowed options' 'no-seccomp bwrap' T-SEC-17 'jail -- @status Threads 1'
calls T-SEC-18 'ptrace' 'no-seccomp bwrap' T-SEC-18 'jail -- /bin/true'
calls T-SEC-19 'reaching into other processes' 'no-seccomp bwrap' T-SEC-19 'jail -- /bin/sh -c "sleep 5 & kill \$!"'
calls T-SEC-30 'futex requeue-PI' 'no-seccomp bwrap' T-SEC-30 'jail -- @resources threads 1 || [ $? = 10 ]'
calls T-SEC-32 'SIGIO to others' 'no-seccomp bwrap' T-SEC-32 'jail -- /bin/sh -c "exec 5> /dev/null; echo x >&5"'
calls T-SEC-33 'nsfs and pidfd ioctls' 'no-seccomp bwrap' T-SEC-33 'under pty; jail -- @tty whole'
calls T-SEC-34 'splice, tee, vmsplice' 'no-seccomp bwrap' T-SEC-34 'says root jail -- /bin/sh -c "cat /etc/passwd | cat"'
calls T-SEC-36a 'a filter with a listener' 'no-seccomp bwrap' T-SEC-36 'jail -- /bin/true'
calls T-SEC-40 'administrative calls' 'no-seccomp bwrap' T-SEC-40 'jail -- /bin/date'
calls T-LSM-19 'lsm_set_self_attr' 'no-seccomp bwrap' T-LSM-19 'jail -- /bin/true'
calls T-RES-10a 'changing the scheduler' 'no-seccomp bwrap' T-RES-10 'jail -- /usr/bin/nice -n 1 /bin/true'
calls T-PATH-39 'chroot and pivot_root' 'no-seccomp,keep-capabilities plain' T-PATH-39 'jail -- /bin/sh -c "cd /usr && cd .."'

row T-SEC-11a 'no family of sockets but UNIX, INET, INET6 and NETLINK' 'no-seccomp bwrap' 'jail -- @sockets allow 2 10 16' \
	'jail -- @sockets pair'
row T-SEC-11b 'with the host'"'"'s network: UNIX, INET, INET6 and NETLINK_ROUTE' 'no-seccomp plain' \
	'jail --network host -- @sockets netlink' 'jail --network host -- @sockets allow 2 10 16'
row T-SEC-11c 'socketpair of UNIX only' 'no-seccomp bwrap' 'jail -- @sockets pair' 'jail -- /bin/sh -c "true | true"'
row T-NS-18 'packets cannot be made by hand' 'unshare' 'jail -- @sockets raw' 'jail --network host -- @sockets allow 2 10 16'
row T-SEC-12 'netlink protocols' 'no-seccomp bwrap' 'jail -- @sockets netlink' 'jail -- /bin/true'
row T-SEC-31 'socket options that reach deep' 'no-seccomp bwrap' 'jail -- @sockets options' 'jail -- /bin/true'
row T-SEC-11d 'nor with the host'"'"'s network' 'no-seccomp plain' \
	'jail --network host -- @sockets allow 2 10 16' 'jail --network host -- /bin/true'

if [ "$(uname -m)" = x86_64 ]; then
	row T-SEC-02 'the x32 bit kills' 'no-seccomp no-bad-architecture bwrap' 'jail -- @abi x32' 'jail -- /bin/true'
	row T-SEC-03a 'int 0x80 kills' 'no-seccomp no-bad-architecture bwrap' 'jail -- @abi int80' 'jail -- /bin/true'
	row T-SEC-03b 'every number by int 0x80 kills' 'no-bad-architecture' 'jail -- @abi int80-all' 'jail -- /bin/true'
	row T-SEC-37 'a handler of SIGSYS cannot go on' 'no-bad-architecture no-seccomp' 'jail -- @abi handler' 'jail -- /bin/true'
else
	for id in 02 03a 03b 37; do skip "T-SEC-$id" 'a process of this architecture has one door for system calls'; done
fi
row T-SEC-04 'a 32-bit program is killed' 'no-bad-architecture plain' \
	'jail --tmpfs "$work:exec" -- @abi elf32 "$work"' 'jail --tmpfs "$work:exec" -- /bin/sh -c "cp /bin/true $work && $work/true"'
if grep -q vsyscall /proc/self/maps; then
	row T-SEC-35 'the vsyscall page heeds the filter' 'plain' 'jail -p strict -- @abi vsyscall' 'jail -p strict -- /bin/true'
else
	skip 'T-SEC-35 the vsyscall page heeds the filter' 'this kernel has no vsyscall page'
fi
row T-SEC-29 'no room left for the filter: refused' 'plain' 'under deny fill -; refused jail -- @started' 'under deny keyctl 38; jail -- /bin/true'
row T-SEC-41a 'a kernel without seccomp: refused' 'plain' 'under deny seccomp 38; refused jail -- @started' 'jail -- @status Seccomp 2'
row T-SEC-41b 'an outer sandbox that forbids seccomp: refused' 'plain' 'under deny seccomp 1; refused jail -- @started' 'jail -- @status NoNewPrivs 1'
row T-SEC-41c 'seccomp that only pretends' 'plain' \
	'under deny seccomp 0; refused jail -- @status walls "$canary/secret"' 'jail -- @status Seccomp_filters 1'
row T-SEC-20 'every process of the jail is under the filter' 'no-seccomp bwrap' \
	'jail -v "$probes:$probes:ro" -- /bin/sh -c "($probes/status Seccomp 2) | cat"' 'jail -- /bin/sh -c "grep Seccomp: /proc/self/status"'
row T-SEC-36b 'a program may add filters and cannot relax' 'no-seccomp' \
	'jail -v "$probes:$probes:ro" -- "$probes/deny" chdir 1 "$probes/calls" T-SEC-09' \
	'jail -v "$probes:$probes:ro" -- "$probes/deny" chdir 1 /bin/true'
for level in untrusted strict container dev; do
	row "T-SEC-01-$level" "namespaces, keys and io_uring are shut in $level" 'plain' \
		"cd \"$work/home\"; for set in T-SEC-07 T-SEC-13 T-SEC-14 T-SEC-18; do jail -p $level -- @calls \$set; done" \
		"cd \"$work/home\"; jail -p $level -- @status Seccomp 2"
done
finish
