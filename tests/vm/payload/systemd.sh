#!/bin/bash
# systemd.sh - with a systemd of the user's, from a login session or from a unit: the cgroup is a transient scope, asked for over D-Bus.
# place: systemd
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
result=/tmp/result.json

scopes() { systemctl --user list-units --type=scope --no-legend --plain 'immure*'; }
scope_there() { [ -n "$(scopes)" ]; }
scope_gone() { ! scope_there; }
scope_cgroup() { systemctl --user show -P ControlGroup "$(scopes | cut -d' ' -f1 | head -n1)"; }
limit_named() { # LIMIT COMMAND...
	! "${@:2}" && cat $result && grep -qE "\"limit\": *\"$1\"" $result
}

works 'control: the user has a systemd' systemctl --user list-units
immure jail --profile untrusted --memory 64M --pids-limit 30 sleep 20 &
works 'a jail is in a transient scope' within 15 scope_there
cgroup=/sys/fs/cgroup$(scope_cgroup)
works 'control: our own cgroup is not the user'"'"'s' bash -c '! mkdir "/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/own" 2> /dev/null'
value() { find "$cgroup" -name "$1" -exec cat {} + | grep -v max | sort -n | head -n1; }
is 'the limit of memory is on it' $((64 << 20)) value memory.max
is 'the limit of processes is on it' 30 value pids.max
kill %%
wait
works 'the scope is gone after the end' within 5 scope_gone
works 'and so is the cgroup' test ! -d "$cgroup"
works 'memory bites, and the result says so' limit_named memory immure jail --result $result --profile untrusted --memory 64M probe memory 200
is 'control: below the limit it lives' touched immure jail --profile untrusted --memory 256M probe memory 100
immure jail --profile untrusted sleep 321 &
works 'another one is up' within 15 scope_there
kill -KILL %%
wait
works 'launcher killed: the program is dead' within 5 bash -c '! pgrep -f "[s]leep 321"'
works '… and the scope gone' within 5 scope_gone
works 'in a service of the user'"'"'s systemd: memory bites as well' limit_named memory \
	systemd-run --user --quiet --pipe --wait --collect immure jail --result $result --profile untrusted --memory 64M probe memory 200
is '… and below the limit it lives' touched \
	systemd-run --user --quiet --pipe --wait --collect immure jail --profile untrusted --memory 256M probe memory 100
systemd-run --user --quiet --unit=outer immure jail --profile untrusted sleep 20
works '… it asks for a scope there, too' within 15 scope_there
works '… and makes nothing behind systemd'"'"'s back' bash -c '! find /sys/fs/cgroup/user.slice -path "*.slice/immure-*" ! -path "*.scope*" | grep .'
works '… of which systemd still thinks well' bash -c 'systemctl --user is-active outer.service'
systemctl --user stop outer.service
works '… and which it can end' within 5 scope_gone
works 'control: a unit that nobody made is not there' bash -c '! systemctl --user is-active immure-nothing.scope'
plan
