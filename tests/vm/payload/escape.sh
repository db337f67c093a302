#!/bin/bash
# escape.sh - the launcher's own escape rows, on this kernel and under this policy: the families in which kernel and policy matter.
# limit: 180
export IMMURE_HAVE_CGROUP=1 IMMURE_HAVE_SELINUX=1 ESCAPE_SECONDS=1
export ESCAPE_CONTROLS= # these are tried on the host
cd /tmp && exec /payload/project/tests/escape/run lsm ns cred info tty
