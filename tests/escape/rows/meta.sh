#!/bin/bash
# meta.sh - the launcher's file itself (T-META): how it was built, and what is in it that an attacker could use.
# shellcheck disable=SC2016,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"
need readelf nm

# Each attack looks at $file: the launcher, or for the control a program that was not built so.
peer_firejail_file() { command=(true); }
peer_probe_file() { command=(true); }
look() {
	case $launcher in
	firejail_file) file=$(command -v firejail) ;;
	probe_file) file=$probes/started ;;
	*) file=$immure ;;
	esac
}
static_pie() {
	look
	if [[ $(readelf -lW "$file") == *INTERP* ]]; then echo 'ESCAPED: an interpreter'; elif [[ $(readelf -hW "$file") =~ Type:\ *DYN ]]; then echo 'CONTAINED: static and position-independent'
	else echo 'ESCAPED: at a fixed place'; fi
}
row T-META-09a 'static, at no fixed place' 'firejail_file probe_file' static_pie 'jail -- /bin/true'
relro() {
	look
	if [[ $(readelf -dW "$file") =~ BIND_NOW|FLAGS_1[^$'\n']*NOW && $(readelf -lW "$file") == *GNU_RELRO* ]]; then echo 'CONTAINED: full RELRO'; else echo 'ESCAPED: no full RELRO'; fi
}
row T-META-09b 'relocations are read-only' 'probe_file' relro 'jail -- /bin/true'
unset_shell() { # names that run a shell, load code or ask the system who somebody is
	look
	if nm -a "$file" "$([ "$file" = "$immure" ] || echo -D)" 2> /dev/null | grep -Ew 'system|popen|wordexp|execlp|execvp|getpwnam'; then echo 'ESCAPED: such a name'; else echo 'CONTAINED: none'; fi
}
row T-META-06 'no system(3), popen(3), execvp(3), getpwnam(3)' 'firejail_file' unset_shell 'jail -- /bin/true'

# ---- where we may be started: whole, or a clean refusal; never less ----

started_in() { # OUTSIDE…: the launcher below something else
	under=("$@")
	refused jail -- @status walls "$canary/secret"
}
row T-META-03a 'started inside bubblewrap' 'plain' 'started_in bwrap --bind / / --dev /dev --proc /proc --unshare-user --unshare-pid' 'jail -- /bin/true'
row T-META-03b 'started without new privileges' 'plain' 'started_in setpriv --no-new-privs' 'under=(setpriv --no-new-privs); jail -- /bin/true'
row T-META-03c 'started in a changed root' 'plain' 'started_in unshare --map-current-user --keep-caps bash -c "exec chroot / \"\$@\"" -' 'jail -- /bin/true'
row T-META-03d 'started as root of a user namespace' 'plain' 'started_in unshare --map-root-user' 'jail -- /bin/true'
row T-META-03f 'started in a jail of our own' 'plain' 'refused jail -- "$program" jail -- "$probes/started"' 'jail -- "$immure" version'
finish
