#!/bin/bash
# escape.sh - the launcher's own escape rows, on this kernel and under this policy: the families in which kernel and policy matter.
# limit: 300
# Left out here:
#   T-NS-07a         its honest use is a socket of the user's, bound into the jail: the label forbids that, which mcs.sh tries
#   T-CRED-05-CALL, T-CRED-21-CALL, T-CRED-02-PROFILE
#                    a step of the child that fails, and the other profiles: the same on every kernel
#   T-INFO-12 to 17, T-TTY-05, T-TTY-09
#                    files of our own making and what we print: likewise
#   controls         are tried on the host
export IMMURE_HAVE_CGROUP=1 IMMURE_HAVE_SELINUX=1 ESCAPE_SECONDS=1 ESCAPE_CONTROLS=
export ESCAPE_ROWS='^T-(LSM|PATH|RES|SEC)|^T-INFO-(0|1[018])|^T-TTY-(0[1-4]|1)|^T-CRED-[0-9]+[a-z]?$|^T-NS-(0[^7]|07[^a]|[^0])'
# What these rows bind is given to jails: that a label by itself refuses it is tried in mcs.sh.
export TMPDIR=/tmp/escape
mkdir $TMPDIR
chcon -t immure_file_t $TMPDIR
cd /tmp && exec /payload/project/tests/escape/run lsm ns cred info tty
