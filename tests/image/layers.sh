#!/bin/bash
# Layers of strangers, unpacked: every row T-TAR, in the ways of many ids and of one.
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"
need zstd unshare

# In memory where that keeps user xattrs: what is flushed would wait for everybody else's writing.
place=$work
if memory=$(mktemp -d /dev/shm/immure-test.XXXXXX 2> /dev/null); then
	touch "$memory/try"
	if python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.try", b"y")' "$memory/try" 2> /dev/null; then
		place=$memory
	fi
fi

both_ways 1800 layers.py "$place"
rm -rf "$memory"
finish_parts
