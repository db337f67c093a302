#!/bin/bash
# confined-user.sh - a user whom SELinux itself confines (user_t) starts jails: the launcher has a domain of its own then.
# machine: stable
# context: user_u:user_r:user_t:s0
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
# user_u has no categories until an administrator gives it some, so the level is named
profile labelled '"selinux": {"type": "immure_t", "level": "s0"}'
profile automatic '"selinux": {"type": "immure_t"}'

is 'control: the user is confined' user_u:user_r:user_t:s0 bash -c 'tr -d "\0" < /proc/self/attr/current'
refused 'control: alone, the user can do nothing in a user namespace' unshare -Urm true
works 'a jail starts' immure jail --profile untrusted sort /etc/passwd
works 'a labelled jail starts, in the role of the user' bash -c \
	'immure jail --profile labelled cat /proc/self/attr/current | grep -aqE "^user_u:user_r:immure_t:s0"'
says 'without categories for its user, a pair is refused, with the remedy' 'semanage user' immure jail --profile automatic true
is 'best-effort: the type without a pair' user_u:user_r:immure_t:s0 bash -c 'immure jail --profile untrusted cat /proc/self/attr/current | tr -d "\0"'
works 'a jail has terminals of its own' immure jail --profile labelled probe terminal 0
works 'limits are enforced' bash -c 'immure jail --profile untrusted --memory 256M probe memory 100 && ! immure jail --profile untrusted --memory 64M probe memory 200'
make_tree
tar cf ~/tree.tar --owner=0 --group=0 -C ~/tree .
works 'an image is made of a tree' immure import ~/tree.tar tree
is 'a container of it runs, in the domain for containers' user_u:user_r:immure_container_t:s0 bash -c 'immure run --rm tree cat /proc/self/attr/current | tr -d "\0"'
refused 'a domain of jails is not entered but through the launcher' runcon -t immure_t true
plan
