#!/bin/bash
# single.sh - images and containers of a user without subordinate ids: one id is all that a container has, under enforcement as elsewhere.
# subordinate: none
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the container
. "${TESTS:?}/lib.sh"
storage=~/.local/share/immure/storage

make_tree
tar cf ~/tree.tar --owner=0 --group=0 -C ~/tree .
mkdir -p ~/opt && echo mine > ~/opt/mine
tar rf ~/tree.tar --owner=33 --group=33 -C ~ opt
works 'an image is made of a tree, under enforcement' immure import ~/tree.tar tree
is 'a container of it runs, with one id' '0 0 1000 1' bash -c 'immure run --rm tree sh -c "id -u; cat /proc/self/uid_map" | xargs'
is 'what other ids own in the image belongs to it' mine immure run --rm tree cat /opt/mine
works 'it writes, removes, makes and runs' immure run --name kept tree sh -c \
	'cd /root && mkdir d && mknod d/f p && ln -s f d/l && mv d e && chmod 700 e && cp /bin/busybox echo && ./echo && rm -rf e /opt /etc/of-the-layer'
[ ! -e /sys/fs/selinux ] || is 'what it made has the label of containers' immure_file_t bash -c "stat -c %C $storage/containers/*/upper/root/echo | cut -d: -f3"
works 'it is started again' immure start -a kept
works 'what it changed becomes an image' immure commit kept changed
works 'and goes' immure rm kept
is 'in which what was removed is gone' hidden immure run --rm changed sh -c 'test -e /etc/of-the-layer || test -e /opt || echo hidden'
works 'images are saved, removed and loaded' bash -c 'immure save -o ~/changed.tar changed && immure rmi changed tree && immure image prune -af && immure load -i ~/changed.tar'
is 'whiteouts and all' hidden immure run --rm changed sh -c 'test -e /etc/of-the-layer || test -e /opt || echo hidden'
is 'a volume is written by one container and read by the next' volume bash -c \
	'immure run --rm -v kept:/kept changed sh -c "echo volume > /kept/file" && immure run --rm -v kept:/kept changed cat /kept/file'
is 'what a container made in a bind belongs to the user' 1000 bash -c 'mkdir -p ~/shown && immure run --rm -v ~/shown:/shown:Z changed touch /shown/new && stat -c %u ~/shown/new'
plan
