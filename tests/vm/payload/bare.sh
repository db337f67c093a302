#!/bin/bash
# bare.sh - a user without any delegated cgroup: limits that are required refuse to start, best-effort ones say so.
# place: bare
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
profile lax '"limits": {"memory": {"value": "64M", "enforce": "best-effort"}, "pids": {"value": 50, "enforce": "best-effort"}}'

works 'control: this cgroup is not the user'"'"'s' bash -c '! mkdir "/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/own" 2> /dev/null'
says 'a memory limit that is required refuses to start' 'cgroup' immure jail --profile untrusted --memory 64M touch /tmp/ran
works 'the program did not run' test ! -e /tmp/ran
works 'best-effort: it starts' immure jail --receipt /tmp/receipt --profile lax true
works '… and the receipt says what is not enforced' grep -qE 'not.enforced|partly' /tmp/receipt
works '… and names the cgroup as the reason' grep -qi cgroup /tmp/receipt
plan
