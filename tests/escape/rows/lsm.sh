#!/bin/bash
# lsm.sh - Landlock as a layer that stands by itself, and SELinux where the host has it (T-LSM).
# shellcheck disable=SC2016,SC2034,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"

echo "$secret" > "$HOME/secret"
mkdir -p "$work/rw/sub"
start_witness
make_nodes() { # COMMAND…: in a fresh folder
	rm -rf "$work/nodes"
	mkdir "$work/nodes"
	jail -v "$work/nodes:/nodes" -v "$probes:/probes:ro" -- "$@"
}
if ! guarded "$probes/deny" pidfd_open 0 "$probes/become" landlock; then
	skip 'T-LSM-01 to 11 Landlock' 'this kernel has no Landlock'
else
without=wrong-bind row T-LSM-01a 'one wrong bind, of the whole home: reading is still denied' 'no-landlock' \
	'jail -- @reach read /wrong-bind/secret' 'jail -v "$work/rw:/rw" -- /bin/ls /rw'
without=wrong-bind row T-LSM-01b 'one wrong bind: writing is still denied' 'no-landlock' \
	'jail -- @reach create /wrong-bind/new; rm -f "$HOME/new"' 'jail -v "$work/rw:/rw" -- @nodes ordinary /rw'
row T-LSM-01c 'with both layers nothing of the home is there' 'wrong-bind,no-landlock' \
	'jail -- @reach read /wrong-bind/secret "$HOME/secret"' 'jail -- /bin/ls /home/user'
without=shallow-readonly row T-LSM-08a 'a submount left writable by mistake is read-only all the same' 'no-landlock' \
	'jail -v /dev:/host-dev:ro -- @reach create /host-dev/shm/immure-lsm; rm -f /dev/shm/immure-lsm' 'jail -v /dev:/host-dev:ro -- /bin/ls /host-dev'
without=no-cwd-check,keep-fds row T-LSM-07 'a leaked descriptor of the host is of no use' 'no-landlock' \
	'silent jail -- /bin/cat "/proc/self/fd/7$canary/secret" 7< /' 'jail -- /bin/true'
without=keep-old-root row T-PATH-38c 'the old root left mounted is out of reach by Landlock' 'no-landlock' \
	'jail -- @reach search "$canary/secret"' 'jail -- /bin/true'
row T-LSM-08b 'no FIFO, socket or device in a writable bind' 'no-landlock' 'make_nodes /probes/nodes /nodes' \
	'make_nodes /probes/nodes ordinary /nodes'
row T-LSM-08c 'running what lies in a tmpfs' 'plain' \
	'mkdir -p "$work/x"; jail --tmpfs "$work/x" -v "$probes:$probes:ro" -- /bin/sh -c "cp $probes/started $work/x && $work/x/started; echo CONTAINED: status \$?"' \
	'jail --tmpfs /x:exec -- /bin/sh -c "cp /bin/true /x && /x/true"'
row T-LSM-08d 'writing to a device that is for reading' 'no-landlock' 'jail --device /dev/zero:r -- @reach write /dev/zero' \
	'jail --device /dev/zero:r -- /bin/dd if=/dev/zero of=/dev/null count=1'
row T-LSM-05 'abstract sockets of the host, with the host'"'"'s network' 'no-landlock-scope no-landlock bwrap_net' \
	'jail --network host -- @witness reach abstract "$(cut -d " " -f 2 "$work/witness")"' \
	'reaches jail --network host -- @witness reach tcp "$(cut -d " " -f 1 "$work/witness")"'
row T-LSM-02 'an ABI that only pretends' 'plain' 'under deny landlock_create_ruleset 0; refused jail -- @status walls "$canary/secret"' 'jail -- /bin/true'
row T-LSM-09 'children of children are in the domain' 'no-landlock' 'make_nodes /bin/sh -c "((/probes/nodes /nodes) | cat)"' 'jail -- /bin/true'
row T-LSM-11 'a file bound read-only and, elsewhere, read-write: the read-only path stays so' 'plain' \
	'echo x > "$work/rw/file"; ln -f "$work/rw/file" "$work/again"; jail -v "$work/rw:$work/rw" -v "$work/rw/file:$work/again:ro" -- @reach write "$work/again"' \
	'jail -v "$work/rw:/w" -- /bin/sh -c "echo y > /w/file"'
fi

if [ -n "${IMMURE_HAVE_SELINUX:-}" ]; then
	labelled='{"version": 1, "extends": "untrusted", "selinux": {"type": "immure_t", "level": "auto", "enforce": "required"}}'
	row T-LSM-12 'the program has the label that was asked for' 'no-label plain' \
		'[[ $(jail -p "$(profile "$labelled")" -- /bin/cat /proc/self/attr/current | tr -d "\0") == *:immure_t:s0:c*,c* ]] && echo CONTAINED: labelled || echo ESCAPED: not labelled' \
		'jail -p "$(profile "$labelled")" -- /bin/true'
	row T-LSM-14 'two jails at a time have different categories' 'plain' \
		'a=$(jail -p "$(profile "$labelled")" -- /bin/sh -c "cat /proc/self/attr/current; sleep 1" | tr "\0" "\n" & sleep 0.3; jail -p "$work/profile.json" -- /bin/cat /proc/self/attr/current | tr "\0" "\n"; wait)
		[ "$(grep -o "s0:.*" <<< "$a" | sort -u | wc -l)" -gt 1 ] && echo CONTAINED: apart || echo "ESCAPED: $a"' 'jail -- /bin/true'
elif [ ! -e /sys/fs/selinux/enforce ]; then
	row T-LSM-13 'a required label on a host without SELinux: refused' 'plain' \
		'refused jail -p "$(profile "{\"version\": 1, \"extends\": \"untrusted\", \"selinux\": {\"type\": \"immure_t\", \"level\": \"auto\", \"enforce\": \"required\"}}")" -- @started' \
		'jail -- /bin/true'
fi
finish
