# place.sh - where a test runs; read by guest/session, which runs it there, and by lane.sh, which expects its result.
#
# A test says in its head where it belongs, as a list of which each machine takes the first that it has:
#   # place: delegated   in a cgroup below one that the user owns (plain machines; the default)
#   # place: bare        in a cgroup that the user does not own (plain machines)
#   # place: systemd     as in a login session: in a cgroup of root's, with a systemd of the user's to ask (systemd machine)
#   # limit: SECONDS     after which it is ended (100)
#   # subordinate: none  without the user's subordinate ids
#   # processors: all   with those that are asleep otherwise
#   # machine: NAME      on this one alone, as it is about nothing in which the others differ
# and, on plain machines:
#   # context: CONTEXT   in an SELinux context other than the one a Debian user logs in with
# shellcheck shell=bash

head_of() { sed -n "1,20s/^# $2: *//p" "$1"; } # TEST WORD

place_of() { # TEST INIT MACHINE: nothing where the machine has no place for it
	local place places only
	only=$(head_of "$1" machine)
	[ "${only:-$3}" = "$3" ] || return 0
	places=$(head_of "$1" place)
	for place in ${places:-delegated}; do
		case $2:$place in plain:delegated | plain:bare | systemd:systemd)
			echo "$place"
			return
			;;
		esac
	done
}
