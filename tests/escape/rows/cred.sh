#!/bin/bash
# cred.sh - ids, groups, capabilities, keys (T-CRED), and what becomes of a launch when one of its steps fails.
# shellcheck disable=SC2016,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"
none=0000000000000000

set_of() { row "$1" "$2" "$3" "jail -- @status $4 $none" 'jail -- /bin/sh -c "grep -q ^Cap /proc/self/status"'; } # ID WHAT CONTROLS FIELD
without=keep-bounding set_of T-CRED-02 'the inheritable set is empty' 'keep-inheritable' CapInh
without=keep-bounding set_of T-CRED-03 'the ambient set is empty' 'keep-inheritable' CapAmb
set_of T-CRED-04 'the bounding set is empty up to the last capability of this kernel' 'keep-bounding plain' CapBnd
without=keep-bounding set_of T-CRED-05a 'the permitted set is empty' 'keep-inheritable unshare' CapPrm
without=keep-bounding set_of T-CRED-05b 'the effective set is empty' 'keep-inheritable unshare' CapEff
row T-CRED-02b 'capabilities that the launcher was started with do not go in' 'plain' \
	'under=(unshare --map-current-user --keep-caps); refused jail -- @status walls "$canary/secret"' 'jail -- /bin/true'
for level in strict dev; do
	row "T-CRED-02-$level" "no capability and no new privileges in $level" 'keep-inheritable,keep-bounding' \
		"cd \"$work/home\"; jail -p $level -- @status CapPrm $none" "cd \"$work/home\"; jail -p $level -- @status NoNewPrivs 1"
done
without=no-seccomp,keep-bounding,no-landlock row T-CRED-05c 'nothing can be done with a capability that is gone' 'keep-inheritable' \
	'jail -- @reach unmount /tmp /dev/shm' 'jail --cap-add KILL -- /bin/true'
row T-CRED-05d 'PID 1 of the jail has no capability either' 'keep-capabilities unshare' \
	"from_outside CapEff $none" 'jail -- /bin/true'
row T-CRED-04b 'the bounding set of PID 1 is empty' 'keep-bounding unshare' "from_outside CapBnd $none" 'jail -- /bin/true'
without=no-landlock,no-seccomp row T-CRED-18b 'PID 1 has no_new_privs' 'no-nnp unshare' 'from_outside NoNewPrivs 1' 'jail -- /bin/true'
row T-SEC-20b 'PID 1 is under a filter' 'no-seccomp unshare' 'from_outside Seccomp 2' 'jail -- /bin/true'

# ---- ids and groups ----

row T-CRED-06a 'setgroups is denied before the group map is written' '!no-setgroups-deny plain' \
	'expect deny jail -- /bin/cat /proc/self/setgroups' 'jail -- /usr/bin/id -g'
row T-CRED-06b 'groups cannot be dropped to get at what a group is shut out of' 'unshare_auto' \
	'jail -- @become groups' 'jail -- /usr/bin/id'
row T-CRED-07 'no group but the mapped one' 'plain' 'jail -- @status Gid "1000	1000	1000	1000"' 'says user jail -- /usr/bin/id -un'
row T-CRED-14a 'the program is not the mapped root' 'unshare' 'jail -- @status Uid "1000	1000	1000	1000"' 'says 1000 jail -- /usr/bin/id -u'
row T-CRED-14b 'the id map has exactly one id' 'unshare_auto' \
	'expect 1 jail -- /bin/sh -c "cat /proc/self/uid_map | while read -r a b c; do echo \$c; done"' 'jail -- /bin/cat /proc/self/gid_map'
row T-CRED-20 'files are not writable by others, whatever the caller'"'"'s umask' 'bwrap_work' \
	'mkdir -p "$work/u"; rm -f "$work/u/f"; under hostile umask0; jail -v "$work/u:$work/u" -- /bin/sh -c "echo > $work/u/f"
	[ "$(stat -c %a "$work/u/f")" = 644 ] && echo CONTAINED: 644 || echo "ESCAPED: $(stat -c %a "$work/u/f")"' \
	'mkdir -p "$work/u"; jail -v "$work/u:$work/u" -- /bin/sh -c "echo > $work/u/g" && [ -O "$work/u/g" ]'
peer_bwrap_work() { command=(bwrap --ro-bind / / --bind "$work/u" "$work/u" "$@"); }
without=no-seccomp row T-CRED-10a 'the securebits are locked' 'no-securebits plain' 'jail -- @become securebits' 'jail -- /bin/true'
row T-CRED-10b 'uid 0 in the jail gains nothing by changing ids' 'no-securebits,keep-bounding,keep-inheritable,no-seccomp,no-nnp unshare' \
	'jail --user 0 -- @become dance' 'jail --user 0 -- @status Uid "0	0	0	0"'
suid_file() { # a set-user-id file that belongs to another id of the jail, in a writable bind, executed inside
	mkdir -p "$work/s"
	rm -f "$work/s/become"
	cp "$probes/become" "$work/s/become"
	unshare --map-root-user --map-auto sh -c "chown 1:1 '$work/s/become' && chmod 4755 '$work/s/become'" || echo 'UNCLEAR: no subordinate ids'
	jail -p "$(profile '{"version": 1, "extends": "untrusted", "identity": {"map": "subordinate", "uid": 0, "gid": 0}}')" \
		-v "$work/s:$work/s" -- "$work/s/become" changed
	unshare --map-root-user --map-auto rm -f "$work/s/become"
}
without=no-landlock,no-seccomp row T-CRED-01a 'a set-user-id program changes nothing' 'no-nnp,no-nosuid unshare_auto' suid_file \
	'cp "$probes/become" "$work/s/plain"; jail -v "$work/s:$work/s" -- "$work/s/plain" changed'
without=no-nosuid,no-landlock,no-seccomp row T-CRED-01b 'no_new_privs alone stops it' 'no-nnp' suid_file 'jail -- /bin/true'
without=no-nnp,no-landlock,no-seccomp row T-CRED-01c 'the nosuid mount alone stops it' 'no-nosuid' suid_file 'jail -- /bin/true'

# ---- keys ----

without=no-seccomp row T-CRED-11a 'the session keyring of the caller does not go in' 'keep-keyring' \
	'under keys plant "$secret"; jail -- @keys search' 'jail -- /bin/true'
row T-CRED-11b 'keys, filter and all' 'keep-keyring,no-seccomp bwrap' \
	'under keys plant "$secret"; jail -- @keys search' 'under keys plant x; jail -- /bin/true'

# ---- two jails of one user ----

row T-CRED-12 'a jail reaches no process of another one' 'plain' \
	'jail -- /bin/sleep 1000 & begun $! sleep; jail -- /bin/sh -c "for p in /proc/[0-9]*; do read -r n < \$p/comm; [ \$n != sleep ] || echo ESCAPED: \$p; done; echo CONTAINED: none seen"; end $!' \
	'jail -- /bin/sh -c "sleep 5 & kill \$!"'

# ---- every step of the child fails once: then the program must not start, or every wall must stand all the same ----

for call in capset prctl close_range landlock_restrict_self landlock_add_rule pivot_root mount_setattr move_mount open_tree open_tree_attr fsopen fsconfig \
	fsmount umount2 setsid sethostname clone3 prlimit64 setresuid setresgid setgroups openat2 socketpair rt_sigprocmask keyctl chdir fchdir \
	mkdirat symlinkat; do
	row "T-CRED-05-$call" "$call fails: refused, or whole" 'plain' \
		"under deny $call 1"'; refused jail -- @status walls "$canary/secret"' 'jail -- @status walls "$canary/secret"'
done
for call in capset landlock_restrict_self pivot_root mount_setattr open_tree_attr umount2 setsid; do
	row "T-CRED-21-$call" "$call only pretends to work: refused, or whole" 'plain' \
		"under deny $call 0"'; refused jail -- @status walls "$canary/secret"' 'jail -- @status walls "$canary/secret"'
done
finish
