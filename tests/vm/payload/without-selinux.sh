#!/bin/bash
# without-selinux.sh - a host without SELinux: a required label refuses to start, best-effort says so.
# place: systemd
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
profile labelled '"selinux": {"type": "immure_t"}'
profile lax '"selinux": {"type": "immure_t", "enforce": "best-effort"}'

works 'control: there is no SELinux here' test ! -e /sys/fs/selinux/enforce
works 'control: without a label the jail starts' immure jail --profile untrusted true
says 'a required label refuses to start' 'SELinux|selinux' immure jail --profile labelled touch /tmp/ran
works 'best-effort: it starts' immure jail --receipt /tmp/receipt --profile lax true
works '… and the receipt says that there is no label' grep -qE 'not.enforced' /tmp/receipt
works '… and why' grep -qi selinux /tmp/receipt
plan
