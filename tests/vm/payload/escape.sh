#!/bin/bash
# escape.sh - the launcher's own escape rows, on this kernel and under this policy.
# limit: 900
# Left out: controls, which are tried on the host (but for those of mutants.sh). Races and long series are shorter than on the host.
#
# untrusted labels its jails wherever it can, so nearly all of these run with a label. What they bind is given to jails by its type: that a
# label by itself refuses a bind is tried in mcs.sh. Where the label forbids even the honest use, the row takes it off.
export IMMURE_HAVE_CGROUP=1 ESCAPE_SECONDS=1 ESCAPE_STRIDE=15 ESCAPE_CONTROLS='' ESCAPE_JOBS=2
export TMPDIR=/tmp/immure-escape # a name that no row takes for a leftover
mkdir $TMPDIR
if [ -e /sys/fs/selinux ]; then
	export IMMURE_HAVE_SELINUX=1
	chcon -t immure_file_t $TMPDIR
fi
cd /tmp && exec /payload/project/tests/escape/run
