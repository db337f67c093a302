#!/bin/bash
# escape.sh - the launcher's own escape rows, on this kernel and under this policy, where the memory and label rows can hold as well.
export IMMURE_HAVE_CGROUP=1 IMMURE_HAVE_SELINUX=1 ESCAPE_SECONDS=1
cd /tmp && exec /payload/project/tests/escape/run
