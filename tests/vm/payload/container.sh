#!/bin/bash
# container.sh - what the policy has for containers: an overlay whose context= gives all of it one label of the container's own level.
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
a=s0:c1,c2 b=s0:c3,c4
# mount(8) has a domain of its own, but a launcher mounts in the one of its user
export whole=unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023
mkdir -p ~/o/{layer/etc,upper,work}
echo layer > ~/o/layer/etc/file
cp /usr/bin/probe ~/o/layer/run
chcon -R -t immure_ro_file_t ~/o/layer
chcon -R -t immure_file_t ~/o/upper ~/o/work

# mounted LEVEL SCRIPT: in a user namespace, below an overlay of that level on /mnt
mounted() {
	LEVEL=$1 SCRIPT=$2 unshare -Urm sh -c 'runcon $whole mount -t overlay -o "lowerdir=$HOME/o/layer,upperdir=$HOME/o/upper,workdir=$HOME/o/work,userxattr,context=\"unconfined_u:object_r:immure_file_t:$LEVEL\"" o /mnt && eval "$SCRIPT"'
}
in_container() { printf 'setpriv --no-new-privs runcon -t immure_container_t -l %s sh -c "%s"' "$1" "$2"; } # LEVEL SCRIPT

works 'the user mounts an overlay with a context in a user namespace' mounted $a true
is 'all of it has that label' "unconfined_u:object_r:immure_file_t:$a" mounted $a 'stat -c %C /mnt/etc/file'
works 'the container reads, writes, makes, renames, links and removes' mounted $a \
	"$(in_container $a 'cd /mnt && cat etc/file && echo more >> etc/file && mkdir d && mkfifo d/f && ln -s f d/l && ln etc/file d/h && mv d e && chmod 700 e && rm -r e')"
works 'it runs what lies there, and what it makes' mounted $a "$(in_container $a 'cd /mnt && ./run landlock && cp run mine && ./mine landlock')"
works 'it removes what a layer has' mounted $a "$(in_container $a 'rm /mnt/etc/file && ! test -e /mnt/etc/file')"
refused 'a container of another level reads nothing of it' mounted $a "$(in_container $b 'cat /mnt/etc/file /mnt/run')"
says 'the container cannot mount one itself' 'cannot mount' mounted $a "$(in_container $a 'mount -t tmpfs t /mnt/etc')"
is 'the layer is as it was' layer cat ~/o/layer/etc/file
plan
