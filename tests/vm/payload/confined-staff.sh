#!/bin/bash
# confined-staff.sh - staff_t, a confined user who has every category: automatic pairs and private homes from the launcher's own domain.
# machine: stable
# context: staff_u:staff_r:staff_t:s0-s0:c0.c1023
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
profile automatic '"selinux": {"type": "immure_t", "enforce": "required"}'
profile kept '"selinux": {"type": "immure_t", "enforce": "required"}, "files": {"home": "private"}'

is 'control: the user is confined' staff_u:staff_r:staff_t:s0-s0:c0.c1023 bash -c 'tr -d "\0" < /proc/self/attr/current'
refused 'control: alone, the user can do nothing in a user namespace' unshare -Urm true
works 'a jail starts' immure jail --profile untrusted sort /etc/passwd
works 'it has a pair of its own, in the role of the user' bash -c \
	'immure jail --profile automatic cat /proc/self/attr/current | grep -aqE "^staff_u:staff_r:immure_t:s0:c[0-9]+,c[0-9]+"'
works 'a private home is written' immure jail --profile kept bash -c 'echo word > ~/file'
is '… and read again' word immure jail --profile kept bash -c 'cat ~/file'
works '… and has the label of the jail' bash -c '[[ $(stat -c %C ~/.local/share/immure/home/kept/file) =~ ^staff_u:object_r:immure_file_t:s0:c[0-9]+,c[0-9]+$ ]]'
works 'a jail has terminals of its own' immure jail --profile automatic probe terminal 0
works '… and one in the place of its user'"'"'s' script -qec 'immure jail --profile automatic test -t 0' /dev/null
works '… without a label, too' script -qec 'immure jail --security-opt label=disable test -t 0' /dev/null
works 'limits are enforced' bash -c 'immure jail --profile untrusted --memory 256M probe memory 100 && ! immure jail --profile untrusted --memory 64M probe memory 200'
refused 'a domain of jails is not entered but through the launcher' runcon -t immure_t true
immure jail --profile untrusted sleep 60 &
works 'a launcher works' within 10 pgrep -f '^sleep 60$'
refused 'its user cannot take it over' probe ptrace $!
works 'control: his own processes he can' sh -c 'probe hold 5 & probe ptrace $!'
works 'control: and signal the launcher' kill $!
wait
make_tree
tar cf ~/tree.tar --owner=0 --group=0 -C ~/tree .
works 'an image is made of a tree' immure import ~/tree.tar tree
is 'a container of it runs, with the subordinate ids of the user' $'layer\n2' immure run --rm tree sh -c 'cat /etc/of-the-layer && grep -c . /proc/self/uid_map'
mkdir ~/evil && printf '#!/bin/sh\necho > /tmp/evil\n' > ~/evil/newuidmap && chmod +x ~/evil/newuidmap && cp ~/evil/newuidmap ~/evil/newgidmap
works '… whatever his PATH and his loader are told' env PATH=~/evil:"$PATH" LD_PRELOAD=~/evil/newuidmap GCONV_PATH=~/evil immure run --rm tree test -e /etc/of-the-layer
works '… by the two programs of the system alone' test ! -e /tmp/evil
works '… in the role of the user' bash -c 'immure run --rm tree cat /proc/self/attr/current | grep -aqE "^staff_u:staff_r:immure_container_t:s0:c[0-9]+,c[0-9]+"'
works '… and writes' immure run --name kept tree sh -c 'echo word > /root/file && chown 5:5 /root/file && rm /etc/of-the-layer'
works 'what it changed becomes an image' immure commit kept changed
is '… which runs' word immure run --rm changed cat /root/file
works 'the container goes' immure rm kept
is 'a volume outlives a container' volume bash -c \
	'immure run --rm -v kept:/kept tree sh -c "echo volume > /kept/file" && immure run --rm -v kept:/kept tree cat /kept/file'
refused 'the domain of newuidmap is not entered but through the launcher' runcon -t immure_idmap_t newuidmap
says 'newuidmap runs for the user himself as any program does (selinux.sh: in his own domain)' '^usage: newuidmap' newuidmap
says '… in no jail as more than that' 'proc directory' immure jail newuidmap 1 0 1000 1
refused '… and without a label in none' immure jail --security-opt label=disable newuidmap 1 0 1000 1
works 'doctor finds that it works' bash -c 'immure doctor | grep -E "^subordinate-ids[[:space:]]+ok"'
plan
