#!/bin/bash
# escape.sh - the launcher's own escape rows, on this kernel and under this policy, where the memory and label rows can hold as well.
# limit: 200
export IMMURE_HAVE_CGROUP=1 IMMURE_HAVE_SELINUX=1 ESCAPE_SECONDS=1
export ESCAPE_CONTROLS= # these are tried on the host
cd /tmp && exec /payload/project/tests/escape/run
