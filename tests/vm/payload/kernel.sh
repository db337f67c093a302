#!/bin/bash
# kernel.sh - both generations of Landlock and of the mount calls are met, and each is used for what it is worth.
# place: delegated systemd
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"

case $(uname -r) in
6.1.*) abi=2 mounts=old ;;
*) abi=6 mounts=new ;;
esac
is "Landlock has ABI $abi here" $abi probe landlock
is "the mount calls are the $mounts ones" $mounts probe mounts
works 'a jail starts' immure jail --profile untrusted true
works 'strict starts' immure jail --profile strict true
profile landlocked '"landlock": {"minimum_abi": 4}'
if [ $abi -lt 4 ]; then
	says 'a profile that asks for a newer Landlock is refused' '[Ll]andlock' immure jail --profile landlocked true
	profile landlocked '"landlock": {"minimum_abi": 4, "enforce": "best-effort"}'
	works 'best-effort: it starts on the older one' immure jail --receipt /tmp/receipt --profile landlocked true
	works 'and the receipt says what is missing' grep -qi landlock /tmp/receipt
else
	works 'a profile that asks for a newer Landlock starts' immure jail --profile landlocked true
fi
plan
