#!/bin/bash
# What is written on the command line: odd values, words that contradict each other, reports that cannot be written.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the jail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 2
mkdir shown

# refuses WHAT PATTERN WORDS…: exit 125, our line holds PATTERN, and the program, which would leave a mark, never started
refuses() {
	local what=$1 pattern=$2 output status
	shift 2
	rm -f shown/mark
	output=$(immure "$@" touch /shown/mark 2>&1 < /dev/null); status=$?
	if [ $status != 125 ]; then not_ok "$what" "status $status" "$output"
	elif [ -e shown/mark ]; then not_ok "$what" 'the program ran' "$output"
	elif [[ $output != immure:*$pattern* ]]; then not_ok "$what" "wanted \"$pattern\"" "$output"
	else ok "$what"; fi
}
jail=(jail -v "$work/shown:/shown")

# ---- reports that could not be written are found before the program runs ----
mkdir closed
chmod 555 closed
refuses 'a result in a descriptor that is not open' '@9: ' "${jail[@]}" --result @9
refuses 'a result in one that is open for reading' '@0: ' "${jail[@]}" --result @0
refuses 'a result in a descriptor past any' '@99999999999: ' "${jail[@]}" --result @99999999999
refuses 'a result in a descriptor that is no number' '@x: ' "${jail[@]}" --result @x
refuses 'a result in a directory that is closed' 'closed/result: ' "${jail[@]}" --result closed/result
refuses 'a result without a name' 'expected a file' "${jail[@]}" --result ''
refuses 'a receipt in a directory' 'shown/: ' "${jail[@]}" --receipt shown/
check 'and nothing was made in its place' test ! -e @99999999999 -a ! -e @x

# ---- standard output that cannot be written ----
# full WORDS…: exit 125, and one line says why
full() {
	local output status
	output=$(immure "$@" 2>&1 > /dev/full); status=$?
	if [ $status = 125 ] && [[ $output == 'immure: standard output: cannot be written: '* ]] && [ "$(wc -l <<< "$output")" = 1 ]
	then ok "$* on a full disk"; else not_ok "$* on a full disk" "status $status" "$output"; fi
}
full jail --help
full jail --dry-run
full jail --dry-run --format=json
full profile show dev
full profile list --format=json
full profile explain dev
full profile explain --format=json dev
full doctor
full doctor --format=json
full help
full version

output=$(immure jail --result /dev/full sh -c 'exit 7' 2>&1); status=$?
check 'a result for which there is no room: 125, and how the program ended' test "$status ${output##*$'\n'}" = '125   the program ran, to its end with status 7'

# ---- values ----
refuses 'a path to deny that is empty' '--deny' "${jail[@]}" --deny ''
refuses 'a root that is empty' '--rootfs' "${jail[@]}" --rootfs ''
refuses 'a store that is empty' '--storage' run --storage '' image
refuses 'an id that a profile could not say' '--user' "${jail[@]}" -u 2147483648
refuses 'a tmpfs of less than a page' '4096' "${jail[@]}" --tmpfs /x:size=1
refuses 'a tmpfs of no inodes' '--tmpfs' "${jail[@]}" --tmpfs /x:nr_inodes=0
refuses 'a hard limit that is none' '--ulimit' "${jail[@]}" --ulimit nofile=100:many
refuses 'a hard limit below the soft one' '--ulimit' "${jail[@]}" --ulimit nofile=100:50
refuses 'a privilege by another name' 'no-new-privileges=false' "${jail[@]}" --security-opt no-new-privileges=false
refuses 'one process, which is the jail itself' '--pids-limit' "${jail[@]}" --pids-limit 1
check 'no-new-privileges as docker writes it' immure jail --security-opt no-new-privileges:true true
check 'a program that opens nothing needs three descriptors' immure jail --ulimit nofile=3 /usr/bin/busybox true

# memory and swap together, whichever of the two options stands first
for order in '-m 64M --memory-swap 96M' '--memory-swap 96M -m 64M'; do
	# shellcheck disable=SC2086 # the words of the order
	check "$order: 32 MiB of swap" grep -qE 'memory.swap.max 33554432|swap 32M' <<< "$(immure jail $order true 2>&1; immure jail $order --dry-run 2> /dev/null)"
done
refuses 'less of both than of memory' '--memory-swap' jail -m 64M --memory-swap 32M

# ---- words and their values ----
check 'a value of a letter: joined, after =, apart' test "$(immure jail -eA=1 -e=B=2 -e C=3 sh -c 'echo $A$B$C')" = 123
check 'letters joined, with a value at their end' test "$(immure jail -ieA=4 sh -c 'echo $A')" = 4
check 'a switch that is false is none' test "$(immure jail --tty=false -t=false tty < /dev/null)" = 'not a tty'
check 'a switch that is true is one' test "$(immure jail --tty=true tty < /dev/null)" != 'not a tty'
refuses 'a switch with a value' '--tty takes no value' "${jail[@]}" --tty=1
refuses 'a letter with a value that takes none' '--tty takes no value' "${jail[@]}" -t=1
# told WHAT PATTERN WORDS…: the command says PATTERN, whatever its status
told() {
	local what=$1 pattern=$2 output
	shift 2
	output=$("$@" 2>&1 < /dev/null)
	if [[ $output == *$pattern* ]]; then ok "$what"; else not_ok "$what" "wanted \"$pattern\"" "$output"; fi
}
told 'an option without its value' '--volume needs SRC' immure jail -v
told 'the same of a long one' '--memory needs SIZE' immure jail --memory
told 'a word too many for version' 'no more words' immure version --short
told 'advice for an option is not that for a profile' 'leave the option out' immure jail --device /dev/no-such true
told 'an option after --' 'not found' immure jail -- -v

# ---- the whole host, below a place ----
check 'the root of the host is shown, and not the jail'"'"'s own' immure jail -v /:/host:ro test -d "/host$work/shown" -a ! -e /host/host
check 'writable, too, with what is protected in it' immure jail -v /:/host sh -c 'echo x > "$1" && ! ls "$2/.config/immure"' sh "/host$work/shown/x" "/host$HOME"

# ---- what is said ----
# where no cgroup is delegated
immure jail --cpus 1.5 true > /dev/null 2>&1 || refuses 'a limit in the unit it was written in' 'cpu 1.5' jail --cpus 1.5
refuses 'which name of a variable is wrong' '"1X"' "${jail[@]}" -e 1X=y
refuses 'a profile without a name' '--profile' "${jail[@]}" --profile=
echo '{"version": 1}' > mine.json
refuses 'a file is written with a slash' './mine.json' "${jail[@]}" -p mine.json
refuses 'options come after the verb' 'after the verb' -p dev jail
refuses 'a verb that help does not know' 'lists them' help nothing
check 'a directory is named as what it may be' grep -q 'directory' <<< "$(immure jail /usr 2>&1)"
check 'a script without its first line, too' grep -q '#!/bin/sh' <<< "$(echo echo > script; chmod +x script; immure jail ./script 2>&1)"
check 'the columns of the help are even' test -z "$(immure help jail | sed 1,3d | grep -vE '^  .{33}  [^ ]')"
told 'a root without its mount points, with what to make' "mkdir $work/shown/dev" immure jail --rootfs "$work/shown" true
mkdir gone
told 'a working directory that is gone' 'is gone' env -C gone sh -c "rmdir ../gone; \"$immure\" jail -p dev true"
mkdir -m 0 shut
told 'a configuration that this user cannot read' 'XDG_CONFIG_HOME' env XDG_CONFIG_HOME="$work/shut" "$immure" jail true

told 'a limit that ended a program is told with the option that set it' $'ended by its limit: wall_time 300ms\n  set by --timeout' immure jail --timeout 300ms sleep 9
printf '{"version": 1, "extends": "untrusted",\n "limits": {"wall_time": "200ms"}}' > short.json
told 'or with the line' 'set by ./short.json:2:13: /limits/wall_time' immure jail -p ./short.json sleep 9

# ---- the receipt ----
echo '{"version": 1, "extends": "untrusted", "devices": {"allow": [{"path": "/dev/no-such", "enforce": "best-effort"}, {"path": "/dev/fuse", "enforce": "audit"}]}}' > devices.json
immure jail -p ./devices.json --receipt receipt true
check 'what is not enforced has no layer' jq -e '[.rules[] | select(.outcome == "not enforced")] | length > 0 and all(.layer == null and .reason != null)' receipt
check 'what is only stated needs no reason' jq -e '.rules[] | select(.asked == "/dev/fuse") | .outcome == "audited" and .reason == null' receipt

told 'a limit of the caller that leaves no room for it' 'File too large' bash -c "ulimit -f 0; \"$immure\" jail --receipt none.json true"
# shellcheck disable=SC2016 # for the shell inside
check 'the program meets the signal as ever' [ "$(immure jail --ulimit fsize=0 sh -c 'echo > file; echo alive' 2>&1 | grep -c alive)" = 0 ]

# ---- a profile is looked at as a launch would ----
echo '{"version": 1, "extends": "untrusted", "syscalls": {"deny": ["opne"]}}' > slip.json
told 'check knows the calls' 'did you mean "open"' immure profile check ./slip.json

finish
