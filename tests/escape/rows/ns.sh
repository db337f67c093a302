#!/bin/bash
# ns.sh - namespaces, sockets, network (T-NS). A witness stands outside and tells the secret to whoever reaches it.
# shellcheck disable=SC2016,SC2034,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"

start_witness
read -r port name key queue < "$work/witness"

# ---- user namespaces ----

row T-NS-01a 'no user namespaces to be had: refused, never run without' 'plain' \
	'under=(unshare --map-current-user --keep-caps bash -c "echo 0 > /proc/sys/user/max_user_namespaces && exec \"\$@\"" -); refused jail -- @started' \
	'under=(unshare --map-current-user --keep-caps bash -c "exec \"\$@\"" -); jail -- @status Seccomp 2'
row T-NS-01b 'a kernel that refuses clone with namespaces' 'plain' 'under deny clone3,unshare 1; refused jail -- @started' 'jail -- /bin/true'
without=no-seccomp row T-NS-02a 'no user namespace below, by the limit alone' 'nested-user-namespaces' 'jail -- @nodes nest' 'jail -- /bin/ls /proc/self/ns'
row T-NS-02b 'no user namespace below' 'nested-user-namespaces bwrap' 'jail -- @nodes nest' \
	'reaches jail -p "$(profile "{\"version\": 1, \"files\": {\"root\": \"host\"}, \"namespaces\": {\"nested_user\": true}, \"syscalls\": {\"default\": \"allow\"}}")" -- @nodes nest'

# ---- processes ----

row T-NS-03a 'no process of the host is seen' 'host-pid-proc plain' \
	'sleep 1007.31 & begun $! sleep; jail -- /bin/sh -c "cat /proc/[0-9]*/cmdline | tr \"\0\" \" \" | grep -q \"sleep 1007[.]31\" && echo ESCAPED: seen || echo CONTAINED: not seen"; kill $!' \
	'jail -- /bin/sh -c "sleep 5 & grep -q sleep /proc/\$!/comm; kill \$!"'
row T-NS-03b 'the numbers of processes are the jail'"'"'s own' 'plain' \
	'[ "$(jail -- /bin/sh -c "echo \$\$")" -lt 10 ] && echo CONTAINED: small || echo ESCAPED: large' 'jail -- /bin/sh -c "kill -0 \$\$"'
row T-NS-03c 'a signal to the number of a process of the host' 'plain' \
	'sleep 1000 & jail -- /bin/sh -c "kill -9 $!; true"; kill -TERM $!; wait $!; [ $? = 143 ] && echo CONTAINED: it lived || echo ESCAPED: killed' \
	'sleep 5 & jail -- /bin/sh -c "kill -9 -1" || kill $!'
row T-RES-21 'orphans are collected' 'unshare' 'jail -- @linger orphans 150' 'jail -- /bin/sh -c "(sleep 0.1 &); true"'

# ---- System V, hosts names, cgroups ----

without=no-seccomp row T-NS-04a 'shared memory of the host, by the namespace alone' 'host-ipc' "jail -- @witness reach shm $key" 'jail -- /bin/true'
row T-NS-04b 'shared memory of the host' 'host-ipc,no-seccomp plain' "jail -- @witness reach shm $key" 'jail -- /bin/true'
row T-NS-04c 'message queues of the host' 'host-ipc,no-seccomp,no-landlock plain' "jail -- @witness reach queue $queue" 'jail -- /bin/true'
row T-NS-16a 'the name of the host is not seen' 'host-uts plain' \
	'[ "$(jail -- /bin/uname -n)" = "$(uname -n)" ] && echo ESCAPED: the same || echo CONTAINED: another' 'says other jail --hostname other -- /bin/uname -n'
row T-NS-15 'cgroups seem to begin at the jail' 'plain' \
	'if [ "$(cat /proc/self/cgroup | cut -d : -f 3 | sort -u)" = / ]; then echo UNCLEAR: the caller is at the root; else
	expect / jail -- /bin/sh -c "cut -d : -f 3 /proc/self/cgroup | sort -u"; fi' 'jail -- /bin/cat /proc/self/cgroup'

# ---- network ----

without=no-seccomp,no-landlock row T-NS-05a 'the loopback of the host, by the namespace alone' 'host-network' \
	"jail -- @witness reach tcp $port; jail -- @witness reach tcp6 $port; jail -- @witness reach udp 53" \
	'jail -- /bin/cat /proc/self/net/dev'
row T-NS-05b 'the loopback of the host' 'host-network,no-seccomp,no-landlock plain bwrap_net' "jail -- @witness reach tcp $port" \
	"reaches jail --network host -- @witness reach tcp $port"
row T-NS-05c 'no interface but lo' 'host-network plain' \
	'expect lo jail -- /bin/sh -c "tail -n +3 /proc/self/net/dev | cut -d : -f 1 | tr -d \" \" | sort | head -n 5"' 'jail -- /bin/true'
row T-NS-05d 'no resolver, no route' 'bwrap_net' 'jail -- @reach read /etc/resolv.conf' 'jail -- /bin/cat /etc/hosts'
row T-NS-06 'abstract sockets of the host' 'host-network,no-landlock bwrap_net' "jail -- @witness reach abstract $name" \
	'jail -- @witness reach abstract nothing'
without=host-network row T-NS-06b 'with the network shared by mistake, Landlock alone' 'no-landlock-scope' "jail -- @witness reach abstract $name" 'jail -- /bin/true'
row T-NS-07a 'sockets in folders of the host' 'plain bwrap' "jail -- @witness reach path $work/socket" \
	"reaches jail --security-opt label=disable -v $work/socket:$work/socket:rw -- @witness reach path $work/socket"
row T-NS-07b 'no socket anywhere in the tree' 'plain bwrap' \
	'limit=300; jail -- /bin/sh -c "n=\$(find /run /tmp /var -type s -print -quit 2> /dev/null; find / -xdev -type s -print -quit 2> /dev/null); [ -z \"\$n\" ] && echo CONTAINED: none || echo ESCAPED: \$n"' 'jail -- /bin/ls /run'
row T-NS-07c 'none with the host'"'"'s tree as root either' 'bwrap' \
	'jail -p "$(profile "{\"version\": 1, \"files\": {\"root\": \"host\"}, \"syscalls\": {\"groups\": [\"untrusted@1\"]}}")" -- @reach see /run/dbus/system_bus_socket /run/docker.sock "$work/socket" /tmp/.X11-unix /run/user' \
	'jail -- /bin/true'
row T-NS-13 'namespaces of other processes cannot be joined by path' 'plain' \
	'jail -- @reach list /proc/1/ns; all_refused --network "ns:/proc/$$/ns/net" /proc/1/ns/net' 'jail -- /bin/ls -l /proc/self/ns/'
row T-NS-22 'kernel file systems cannot be mounted' 'unshare' \
	'silent jail -- /bin/sh -c "for t in tmpfs proc sysfs mqueue cgroup2 overlay; do mount -t \$t none /tmp 2> /dev/null && echo ESCAPED: \$t; done; true"' 'jail --tmpfs /m -- /bin/ls /m'
row T-RES-13 'no cgroup hierarchy can be mounted or seen' 'bwrap' \
	'silent jail -- /bin/sh -c "mount -t cgroup -o memory none /tmp && echo ESCAPED: mounted; find / -path /usr -prune -o \( -name release_agent -o -name cgroup.procs \) -print 2> /dev/null | head -n 1 | sed s/^/ESCAPED:\ /"' 'jail -- /bin/true'
finish
