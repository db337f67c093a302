#!/bin/bash
# The wall between the parent and the child: a build that aborts when the child allocates runs every kind of launch.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 2
launcher=$build/nomalloc/immure

# quiet WHAT CODE WORDS…: the launch ends with CODE and nobody allocated in the child
quiet() {
	local what=$1 want=$2 output status
	shift 2
	output=$(guarded "$launcher" jail "$@" 2>&1 < /dev/null); status=$?
	if [ $status = "$want" ] && [[ $output != *nomalloc* ]]; then ok "$what"; else not_ok "$what" "status $status" "$output"; fi
}

mkdir -p root/{dev,proc,usr} w/.git/hooks; ln -s usr/lib usr/lib64 root
cat > kept.json <<'P'
{"version": 1, "extends": "untrusted", "files": {"proc": "full"}, "network": {"mode": "none", "loopback": true},
 "landlock": {"paths": [{"path": "/usr"}, {"path": "/dev", "access": "rw"}, {"path": "/proc"}]}}
P
quiet 'the default profile' 0 true
quiet 'strict' 0 -p strict true
quiet 'binds, a tmpfs, a device, a name' 0 -v "$work:/there" --tmpfs /x --device /dev/null --hostname h true
quiet 'a protected directory' 0 -v "$work/w:/w" --deny "$work/w/.git/hooks" true
quiet 'a root of its own' 0 --rootfs "$work/root" -v /usr:/usr:ro /usr/bin/true
quiet 'the host network, capabilities' 0 --network host --cap-add NET_BIND_SERVICE true
quiet 'a full /proc, lo, a tightened Landlock' 0 -p ./kept.json true
quiet 'subordinate ids' 0 -p container --rootfs / true
quiet 'a pty' 0 -t true
quiet 'a program that is not there' 127 no-such-program
quiet 'a directory that is not there' 125 -w /no/such true
quiet 'a signal' 143 sh -c 'kill -TERM $$'
# the control: that build does see an allocation
if guarded unshare --user --map-root-user --pid --fork "$launcher" profile show strict 2>&1 | grep -q nomalloc; then ok 'an allocation would be seen'
else not_ok 'an allocation would be seen'; fi
finish
