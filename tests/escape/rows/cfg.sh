#!/bin/bash
# cfg.sh - profiles and options that are wrong (T-CFG): a line that says where, exit 125, no program started, nothing changed.
# The controls: jq, a reader that takes whatever is JSON; `plain`, a launcher that passes over what it does not understand.
# shellcheck disable=SC2016,SC2034,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"

bad=$work/bad.json good=$work/good.json
refuse_document() { refused jail -p "$bad" -- @started; }
run_document() { jail -p "$good" -- /bin/true; }

# A document that must be refused, the peer that lets it pass, and its honest twin.
document() { # ID WHAT PEER BAD GOOD: \n and the like as printf %b takes them
	printf '%b' "$4" > "$bad"
	printf '%b' "$5" > "$good"
	row "$1" "$2" "$3" refuse_document "run_document # $1"
}

# Members are put into a profile that is fine otherwise.
member() { # ID WHAT PEER BAD-MEMBER GOOD-MEMBER
	document "$1" "$2" "$3" '{"version": 1, "extends": "untrusted", '"$4}" '{"version": 1, "extends": "untrusted", '"$5}"
}
start='{"version": 1, "extends": "untrusted"'

# ---- names ----

member T-CFG-01a 'an unknown section' jq '"netwrok": {"mode": "none"}' '"network": {"mode": "none"}'
member T-CFG-01b 'an unknown key in a section' jq '"limits": {"pidz": 10}' '"limits": {"pids": 100}'
member T-CFG-01c 'an unknown key in a mount' jq '"files": {"mounts": [{"tmpfs": "/x", "sise": "1M"}]}' '"files": {"mounts": [{"tmpfs": "/x", "size": "1M"}]}'
member T-CFG-01d 'an unknown key in a system call clause' jq \
	'"syscalls": {"rules": [{"names": ["getpid"], "action": "allow", "arg": []}]}' '"x-note": "free keys begin with x-"'
member T-CFG-01e 'an unknown key beside a value' jq '"limits": {"pids": {"value": 9, "enforced": "audit"}}' '"limits": {"pids": {"value": 99, "enforce": "best-effort"}}'
member T-CFG-03a 'a known key in another case' jq '"Network": {"mode": "none"}' '"hostname": "jail"'
member T-CFG-03b 'a known value in another case' jq '"network": {"mode": "None"}' '"network": {"mode": "none"}'
document T-CFG-02a 'a duplicate key' jq "$start, \"hostname\": \"a\", \"hostname\": \"b\"}" "$start, \"hostname\": \"a\"}"
document T-CFG-02b 'a duplicate key, spelt with an escape' jq "$start, \"hostname\": \"a\", \"\\\\u0068ostname\": \"b\"}" "$start, \"\\\\u0068ostname\": \"b\"}"
document T-CFG-02c 'a duplicate key deep inside' jq "$start, \"limits\": {\"pids\": 99, \"pids\": 98}}" "$start, \"limits\": {\"pids\": 99}}"
document T-CFG-01f 'no version' jq '{"extends": "untrusted"}' "$start}"
document T-CFG-01g 'a version that is not ours' jq '{"version": 2, "extends": "untrusted"}' "$start}"
document T-CFG-01h 'a version that is text' jq '{"version": "1", "extends": "untrusted"}' "$start}"

# ---- numbers ----

letter=a
for value in 1.0 1e3 -1 -0 1.5 9007199254740993e3 18446744073709551616 '"100x"' true null '[100]' '{}'; do
	member "T-CFG-04$letter" "pids: $value" jq "\"limits\": {\"pids\": $value}" '"limits": {"pids": 100}'
	letter=$(tr a-y b-z <<< "$letter")
done
letter=a
for value in '"12X"' '"-1"' '" 1M"' '"1 M"' '"0x10"' '"1e9"' '"99999999999T"' '""' '"1M "' '"M"'; do
	member "T-CFG-36$letter" "a size: $value" jq "\"limits\": {\"file_size\": $value}" '"limits": {"file_size": "64MiB"}'
	letter=$(tr a-y b-z <<< "$letter")
done
member T-CFG-18a 'a limit that has no such name' jq '"limits": {"rlimit_nofile": 10}' '"limits": {"open_files": 64}'
member T-CFG-18b 'a wall time without sense' jq '"limits": {"wall_time": "10 parsecs"}' '"limits": {"wall_time": "10m"}'
member T-CFG-36y 'an absurd CPU quota' jq '"limits": {"cpu": {"value": "1.23456", "enforce": "best-effort"}}' '"limits": {"cpu": {"value": "1.5", "enforce": "best-effort"}}'
member T-CFG-36z 'a set of CPUs that is none' jq '"limits": {"cpuset": {"value": "0-4294967295,", "enforce": "best-effort"}}' '"x-y": 1'

# ---- text ----

member T-CFG-05a 'NUL in a name' jq '"hostname": "a\\u0000b"' '"hostname": "ab"'
member T-CFG-05b 'a newline in a host name' jq '"hostname": "a\\nb"' '"hostname": "a-b"'
member T-CFG-05c 'a newline in the value of a variable name' jq '"environment": {"set": {"A\\nB": "1"}}' '"environment": {"set": {"AB": "1"}}'
member T-CFG-05d 'a control character in a path' jq '"files": {"mounts": [{"tmpfs": "/a\\u001bb"}]}' '"files": {"mounts": [{"tmpfs": "/ab"}]}'
member T-CFG-05e 'half a surrogate pair' plain '"description": "\\ud800"' '"description": "\\ud83d\\ude00"'
document T-CFG-05f 'bytes that are not UTF-8' jq "$start, \"description\": \"\\xff\\xfe\"}" "$start, \"description\": \"\\xc3\\xa9\"}"
document T-CFG-05g 'overlong UTF-8' jq "$start, \"hostname\": \"\\xc0\\xae\"}" "$start, \"hostname\": \"a.b\"}"
letter=a
for value in 'a/b' '-a' 'a-' 'a..b' '' 'a b' '.' 'höst' "$(printf 'x%.0s' {1..65})"; do
	member "T-CFG-32$letter" "host name: ${value:0:10}" jq "\"hostname\": \"$value\"" '"hostname": "a.b-c"'
	letter=$(tr a-y b-z <<< "$letter")
done
member T-CFG-19a 'a device that is not below /dev' jq '"devices": {"standard": true, "allow": ["/etc/passwd"]}' '"devices": {"standard": true}'
member T-CFG-19b 'a device by way of ..' jq '"devices": {"standard": true, "allow": ["/dev/../etc/passwd"]}' '"devices": {"standard": true}'
member T-CFG-12 'a mount of no known kind' jq '"files": {"mounts": [{"overlay": "/x"}]}' '"files": {"mounts": [{"tmpfs": "/x"}]}'
member T-CFG-12b 'a mount of two kinds at once' jq '"files": {"mounts": [{"tmpfs": "/x", "bind": "/usr"}]}' '"files": {"mounts": [{"bind": "/usr"}]}'
member T-PATH-48-a 'a target with ..' jq '"files": {"mounts": [{"tmpfs": "/x/../y"}]}' '"files": {"mounts": [{"tmpfs": "/x//y/"}]}'
member T-PATH-48-b 'a relative target' jq '"files": {"mounts": [{"tmpfs": "x"}]}' '"files": {"mounts": [{"tmpfs": "/x"}]}'
member T-CFG-20 'a namespace that is none' jq '"namespaces": {"users": false}' '"namespaces": {"ipc": true}'

# ---- capabilities and system calls ----

letter=a
for value in CAP_NONSENSE cap 'NET_ADMIN ' 64 ''; do
	member "T-CFG-17-$letter" "capability: $value" jq "\"capabilities\": {\"keep\": [\"$value\"]}" '"capabilities": {"keep": []}'
	letter=$(tr a-y b-z <<< "$letter")
done
filter() { # ID WHAT BAD GOOD: members of "syscalls" in a profile that inherits nothing
	document "$1" "$2" jq '{"version": 1, "files": {"root": "host"}, "syscalls": {'"$3"'}}' '{"version": 1, "files": {"root": "host"}, "syscalls": {'"$4"'}}'
}
honest='"groups": ["untrusted@1"], "rules": [{"names": ["openat2"], "action": "errno", "errno": "ENOSYS"}]'
filter T-CFG-15a 'a system call that nobody knows' "${honest/openat2/opeat2}" "$honest"
filter T-CFG-15b 'a group that is not there' '"groups": ["untrusted@99"]' "$honest"
filter T-CFG-15c 'a group outside the folder of groups' '"groups": ["../../etc/passwd"]' "$honest"
filter T-CFG-15d 'an action that is none' "${honest/errno\", \"errno/eperm\", \"errno}" "$honest"
filter T-CFG-15e 'an errno that is none' "${honest/ENOSYS/ENONSENSE}" "$honest"
filter T-CFG-16a 'an argument that no call has' "${honest/\"ENOSYS\"/\"ENOSYS\", \"args\": [{\"index\": 6, \"in\": [1]\}]}" "$honest"
filter T-CFG-16b 'a width that no argument has' "${honest/\"ENOSYS\"/\"ENOSYS\", \"args\": [{\"index\": 1, \"width\": 16, \"in\": [1]\}]}" "$honest"
filter T-CFG-16c 'two comparisons at once' "${honest/\"ENOSYS\"/\"ENOSYS\", \"args\": [{\"index\": 1, \"in\": [1], \"not_in\": [2]\}]}" "$honest"

# ---- shape ----

deep() { printf '%s, "x-deep": %s%s}' "$start" "$(printf '[%.0s' $(seq "$1"))" "$(printf ']%.0s' $(seq "$1"))"; }
many() { printf '%s, "x-many": [0%s]}' "$start" "$(printf ',0%.0s' $(seq "$1"))"; }
document T-CFG-22a 'nothing' plain '' "$start}"
document T-CFG-22b 'white space' jq ' \n\n ' " \\n$start}\\n"
document T-CFG-22c 'a second document after the first' jq "$start}$start}" "$start}"
document T-CFG-22d 'rubbish after the document' plain "$start}x" "$start}\\n\\n"
document T-CFG-22e 'a byte order mark' jq "\\xef\\xbb\\xbf$start}" "$start}"
document T-CFG-22f 'UTF-16' plain "\\xff\\xfe{\\x00}\\x00" "$start}"
document T-CFG-22g 'comments' plain "$start /* comment */}" "$start, \"x-comment\": \"comment\"}"
document T-CFG-22h 'a comma too many' plain "$start,}" "$start}"
document T-CFG-22i 'single quotes' plain "{'version': 1}" "$start}"
document T-CFG-22j 'nesting 40 deep' jq "$(deep 40)" "$(deep 8)"
document T-CFG-22k 'nesting 9,000 deep' plain "$(deep 9000)" "$(deep 9)"
document T-CFG-22l '120,000 values' jq "$(many 120000)" "$(many 1000)"
document T-CFG-22m 'an array for a profile' jq '[{"version": 1}]' "$start}"
document T-CFG-22n 'NaN' jq "$start, \"x\": NaN}" "$start}"
huge() {
	{ printf '%s, "x-huge": "' "$start"; head -c 3000000 /dev/zero | tr '\0' x; printf '"}'; } > "$bad"
	refuse_document
}
printf '%s}' "$start" > "$good"
row T-CFG-22o 'three megabytes' jq huge run_document
endless() { refused jail -p /dev/zero -- @started; }
row T-CFG-22p 'a file without end' plain endless run_document
truncations() { # every beginning of a document that is not the whole
	local text length
	text=$("$immure" profile show untrusted 2> /dev/null || cat "$top/profiles/untrusted.json")
	for length in $(seq 0 $((97 * stride)) $((${#text} - 3))); do
		printf '%s' "${text:0:length}" > "$bad"
		text_seen=$(refuse_document)
		[[ $text_seen == *CONTAINED:* && $text_seen != *ESCAPED:* ]] || { printf 'cut at %s:\n%s\n' "$length" "$text_seen"; return; }
	done
	echo 'CONTAINED: each of them refused'
}
row T-CFG-22q 'a document cut short at any place' plain truncations run_document

# ---- inheritance ----

cp "$good" "$work/base.json"
document T-CFG-25a 'a profile that extends itself' plain "{\"version\": 1, \"extends\": \"$bad\"}" "{\"version\": 1, \"extends\": \"untrusted\"}"
cycle() {
	echo "{\"version\": 1, \"extends\": \"$work/b.json\"}" > "$work/a.json"
	echo "{\"version\": 1, \"extends\": \"$work/a.json\"}" > "$work/b.json"
	refused jail -p "$work/a.json" -- @started
}
row T-CFG-25b 'two profiles that extend each other' jq 'cycle' run_document
ladder() { # DEPTH
	echo '{"version": 1, "extends": "untrusted"}' > "$work/r0.json"
	for i in $(seq "$1"); do echo "{\"version\": 1, \"extends\": \"$work/r$((i - 1)).json\"}" > "$work/r$i.json"; done
}
row T-CFG-25c 'inheritance 40 deep' jq 'ladder 40; refused jail -p "$work/r40.json" -- @started' 'ladder 3; jail -p "$work/r3.json" -- /bin/true'
document T-CFG-25d 'a base that is not there' plain '{"version": 1, "extends": "nobody"}' "$start}"
document T-CFG-25e 'a base outside the folders of profiles' plain '{"version": 1, "extends": "../../../etc/passwd"}' "$start}"
document T-CFG-35a 'one bad element at the end of a list' jq "$start, \"capabilities\": {\"keep\": [\"CHOWN\", \"KILL\", \"NONSENSE\"]}}" "$start, \"capabilities\": {\"keep\": []}}"
document T-CFG-35b 'one bad element in the middle of a list' jq "$start, \"environment\": {\"pass\": [\"A\", \"B=C\", \"D\"]}}" "$start, \"environment\": {\"pass\": [\"A\", \"D\"]}}"
document T-CFG-35c 'a denial lifted without a reason' jq \
	"$start, \"files\": {\"mounts\": [{\"deny\": \"/x\"}, {\"tmpfs\": \"/x\", \"override\": \"\"}]}}" "$start, \"files\": {\"mounts\": [{\"tmpfs\": \"/x\"}]}}"

# ---- where profiles come from ----

in_cwd() { # a profile of the right name in the current directory, and one below ./profiles
	mkdir -p "$work/cwd/profiles" "$work/cwd/.immure"
	for place in untrusted.json profiles/untrusted.json .immure/untrusted.json; do
		printf '{"version": 1, "extends": "built-in/untrusted", "environment": {"set": {"TROJAN": "%s"}}}' "$secret" > "$work/cwd/$place"
	done
	(cd "$work/cwd" && silent jail -p untrusted -- /usr/bin/env)
}
row T-CFG-24a 'a profile of that name in the current directory is not taken' 'plain' in_cwd \
	'mkdir -p "$HOME/.config/immure/profiles"; printf "%s}" "$start" > "$HOME/.config/immure/profiles/mine.json"; jail -p mine -- /bin/true'
row T-CFG-24b 'a profile that others may write' 'plain' \
	'chmod 666 "$good"; refused jail -p "$good" -- @started; chmod 644 "$good"' run_document
row T-CFG-24c 'a jail cannot make our folder of profiles' 'wrong-bind,no-landlock' \
	'rm -rf "$HOME/.config/immure"; jail -- /bin/sh -c "mkdir -p /wrong-bind/.config/immure/profiles $HOME/.config/immure/profiles 2> /dev/null; true"
	[ -e "$HOME/.config/immure" ] && echo ESCAPED: made || echo CONTAINED: not made; rm -rf "$HOME/.config"' 'jail -- /bin/mkdir -p /home/user/.config'
row T-CFG-24d 'a writable bind that holds our profiles protects them' 'plain' \
	'mkdir -p "$HOME/.config/immure/profiles"; jail -v "$HOME:$HOME" -- /bin/sh -c "echo x > $HOME/.config/immure/profiles/untrusted.json; mv $HOME/.config $HOME/.other"
	compgen -G "$HOME/.*/immure/profiles/*" > /dev/null && echo ESCAPED: written || { [ -d "$HOME/.config/immure" ] && echo CONTAINED: protected || echo ESCAPED: moved; }; rm -rf "$HOME/.config" "$HOME/.other"' \
	'jail -v "$HOME:$HOME" -- /bin/sh -c "echo x > $HOME/file && rm $HOME/file"'
row T-CFG-23 'files named like a profile inside a root are not read' 'plain' \
	'mkdir -p "$work/cwd"; for name in immure.json box.json config.json .immure.json; do printf "{\"version\": 1, \"environment\": {\"set\": {\"TROJAN\": \"%s\"}}}" "$secret" > "$work/cwd/$name"; done
	(cd "$work/cwd" && silent jail -- /usr/bin/env)' 'jail -- /bin/true'
row T-CFG-33a 'a FIFO for a profile does not hang' 'plain' 'mkfifo "$work/fifo" 2> /dev/null; limit=30; refused jail -p "$work/fifo" -- @started' \
	'jail -p <(printf "%s}" "$start") -- /bin/true || printf "%s}" "$start" | jail -p - -- /bin/true'
row T-CFG-33b 'a directory for a profile' 'plain' 'refused jail -p "$work" -- @started' run_document
row T-CFG-33c 'a profile that is not there' 'plain' 'refused jail -p nothing-of-that-name -- @started' 'jail -p strict -- @status Seccomp 2'

# ---- options ----

peer_permuting() { # a launcher that gathers options from wherever they stand
	command=(bash -c 'eval set -- "$(getopt -o "" -l rootfs:,cap-add: -- "$@")"; while [ "$1" != -- ]; do shift; done; shift; exec "$@"' - "$@")
}
options_after() {
	local words=(/bin/echo --rootfs / --cap-add ALL)
	if [ "$launcher" = permuting ]; then expect "--rootfs / --cap-add ALL" jail -- "${words[@]}"; else
		expect "--rootfs / --cap-add ALL" guarded "$program" jail "${words[@]}"; fi
}
row T-CFG-26a 'options after the program are the program'"'"'s' 'permuting' options_after 'says "-- x" jail -- /bin/echo -- x'
row T-CFG-26b 'unknown options' 'plain' \
	'for option in --privileged --no-sandbox --unconfined --volum=/:/x --pid=host -Z; do all_refused "$option" x; done' 'jail --hostname x -- /bin/true'
peer_shell() { command=(sh -c "$*"); }
row T-CFG-27 'names with the characters of a shell are text' 'shell' \
	'for name in "\$(touch $work/pwned)" "\`touch $work/pwned\`" "; touch $work/pwned" "| touch $work/pwned" "a&touch $work/pwned&"; do
		jail -e "A=$name" --tmpfs "/m/$name" -- /bin/echo "$name" > /dev/null 2>&1; jail -p "$name" -- /bin/true 2> /dev/null; done
	[ -e "$work/pwned" ] && echo ESCAPED: run || echo CONTAINED: text; rm -f "$work/pwned"' \
	'says "\$(id)" jail -- /bin/echo "\$(id)"'
values() { row "$1" "$2 of no sense" plain "all_refused $3" "$4"; }
values T-CFG-09a '--user' '--user -1 +1 01 0x1 1e1 " 1" "1 " 1: 1:1:1 :1 4294967295 4294967296 99999999999999999999 root root: 1:name ""' \
	'jail --user 5:6 -- @status Uid "5	5	5	5"'
values T-CFG-36-m '--memory' '--memory -1x 1Q "" " 1M" 0x10 1e9 99999999999999999999' 'jail -- /bin/true'
values T-CFG-36-c '--cpus' '--cpus -1 x "" 1.2345 0 1e1 " 1"' 'jail -- /bin/true'
values T-CFG-36-p '--pids-limit' '--pids-limit 0 x "" -2 1.5 0x10 99999999999999999999' 'jail --pids-limit 100 -- /bin/true'
values T-CFG-36-t '--timeout' '--timeout x "" -1s 1y "1 s" 5mm 99999999999999999999d' 'jail --timeout 1m -- /bin/true'
values T-CFG-32-h '--hostname' '--hostname "" a/b -a "a b" . "$(printf "x%.0s" {1..65})"' 'says xyz jail --hostname xyz -- /bin/uname -n'
values T-CFG-17-c '--cap-add' '--cap-add NONSENSE "" 1 "NET_ADMIN,NONSENSE"' 'jail --cap-drop all -- /bin/true'
values T-CFG-20-n '--network' '--network bridge "" HOST "host " ns:/proc/1/ns/net container:x' 'jail --network none -- /bin/true'
values T-CFG-12-v '-v options' '-v /usr:/x:suid /usr:/x:dev /usr:/x:rw,shared /usr:/x:ro,data=1 /usr: :/x "" /usr:/x:remount' 'jail -v /usr:/x:ro,nosuid -- /bin/ls /x'
values T-CFG-12-t '--tmpfs options' '--tmpfs /x:size=0 /x:size=-1 /x:uid=0 /x:mode=4777 /x:mode=9 /x:nr_inodes=x /x:suid' 'jail --tmpfs /x:size=1M,mode=0700 -- /bin/ls /x'
values T-CFG-19-d '--device' '--device /etc/passwd /dev/../etc/passwd /dev /dev/null:x /dev/nonexistent' 'jail --device "$(ls -d /dev/fuse /dev/kmsg /dev/rtc0 /dev/mem 2> /dev/null | head -n 1)" -- /bin/true'
if [ ! -e /sys/fs/selinux/enforce ]; then
	row T-CFG-31a 'a label asked for on a host without SELinux' 'plain bwrap' 'refused jail --security-opt label=type:immure_t -- @started' 'jail -- /bin/true'
fi
landlock='"landlock": {"minimum_abi": 1}'
row T-CFG-31b 'Landlock asked for on a kernel without it' 'plain bwrap' \
	'under deny landlock_create_ruleset 38; refused jail -p "$(profile "$start, $landlock}")" -- @started' \
	'under deny landlock_create_ruleset 38; jail -p "$(profile "$start, \"landlock\": {\"enforce\": \"best-effort\", \"scope\": {\"value\": [], \"enforce\": \"best-effort\"}}}")" -- @status Seccomp 2'
row T-CFG-31c 'a Landlock ABI that this kernel does not have' 'plain bwrap' \
	'refused jail -p "$(profile "$start, \"landlock\": {\"minimum_abi\": 99}}")" -- @started' 'jail -p "$(profile "$start, $landlock}")" -- /bin/true'
row T-CFG-11 'a path of 70,000 bytes, a name of 300' 'plain' \
	'long=$(printf "x%.0s" {1..300}); for target in "/$long" "/$(printf "a/%.0s" {1..35000})"; do refused jail --tmpfs "$target" -- @started; done' \
	'jail --tmpfs "/$(printf "a/%.0s" {1..50})" -- /bin/true'
finish
