#!/bin/bash
# Ownership that is pretended (identity.pretend_ownership): the kernel's half of what tests/unit/ownership.c tries on paper.
# shellcheck disable=SC2317 # check() calls them
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

document() { # IDENTITY
	cat <<- END
		{"version": 1, "files": {"root": "host", "mounts": [{"tmpfs": "/tmp"}]}, "syscalls": {"groups": ["container@1"]}, "workdir": "/tmp",
			"identity": {"uid": 0, "gid": 0, $1}, "capabilities": {"keep": ["CAP_SETUID", "CAP_SETGID", "CAP_FOWNER"]}, "environment": {"set": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}}}
	END
}
document '"map": "single", "pretend_ownership": true' > "$work/pretend.json"
document '"map": "single"' > "$work/plain.json"

pretending() { immure jail -p "$work/pretend.json" -- /bin/sh -c "$1"; }
prints() { # TEXT COMMAND…
	local text
	text=$("${@:2}" 2>&1)
	[ "$text" = "$1" ] || { echo "wanted \"$1\", got \"$text\""; return 1; }
}

check 'chown to somebody else' pretending 'touch f && chown 5:7 f'
check 'the file stays ours' prints '0 0' pretending 'touch f && chown 5:7 f && stat -c "%u %g" f'
check 'a link, too' pretending 'ln -s f l && chown -h 5:7 l'
check 'tar unpacks what belongs to others' pretending \
	'mkdir in out && touch in/f && tar --owner=5 --group=7 -cf t in && tar --same-owner -C out -xf t && test -f out/in/f'
check 'a change of id' prints 0 pretending 'setpriv --reuid 33 --regid 33 --clear-groups id -u'
check 'a device node' pretending 'mknod d c 1 3 && test ! -e d'
check 'a FIFO is a true one' pretending 'mkfifo p && test -p p'
check 'chmod is the true one' prints 640 pretending 'touch f && chmod 640 f && stat -c %a f'
check 'without it, chown fails' prints 1 immure jail -p "$work/plain.json" -- /bin/sh -c 'touch f; chown 5:7 f 2> /dev/null; echo $?'
check 'the receipt says so' grep -q '"pretended: ' < <(immure jail -p "$work/pretend.json" --receipt - --dry-run 2>&1 ||
	immure jail -p "$work/pretend.json" --dry-run 2>&1)
check 'explain says so' grep -q 'ownership: pretended' < <(immure jail -p "$work/pretend.json" --dry-run)
check 'only where it was asked for' prints 0 grep -c pretended < <(immure jail -p "$work/plain.json" --dry-run)

finish
