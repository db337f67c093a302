#!/bin/bash
# mutants.sh - the guards that the host has no kernel for: do the escape rows see it when one is taken out?
# limit: 200
# machine: stable
export IMMURE_HAVE_CGROUP=1 IMMURE_HAVE_SELINUX=1 ESCAPE_SECONDS=1 TMPDIR=/tmp/mutants
mkdir $TMPDIR
chcon -t immure_file_t $TMPDIR
cd /tmp && exec /payload/project/tests/escape/mutants no-cgroup no-label
