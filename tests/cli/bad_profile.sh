#!/bin/bash
# Profiles that are wrong: exit 125, one clear line with the place, nothing changed on disk, no program started.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 2
mkdir p
printf '{"version": 1, "extends": "untrusted", "files": {"mounts": [{"deny": "/usr/share"}]}}' > p/deny.json

# refuses WHAT PATTERN TEXT [OPTION…]: the profile with this text
refuses() {
	local what=$1 pattern=$2 before after output status
	printf '%s' "$3" > p/x.json
	shift 3
	before=$(find p home -printf '%p %s %m %T@\n' | sort)
	output=$(immure jail -p p/x.json "$@" sh -c 'echo started' 2>&1 < /dev/null); status=$?
	after=$(find p home -printf '%p %s %m %T@\n' | sort)
	if [ $status != 125 ]; then not_ok "$what" "status $status" "$output"
	elif [[ $output == *started* ]]; then not_ok "$what" 'the program ran'
	elif [ "$before" != "$after" ]; then not_ok "$what" 'the disk changed'
	elif [[ $output != immure:*$pattern* ]]; then not_ok "$what" "wanted \"$pattern\"" "$output"
	elif [ "$(wc -l <<< "$output")" -gt 2 ]; then not_ok "$what" 'more than a line and its advice' "$output"
	else ok "$what"; fi
}
v='"version": 1'

refuses 'empty' 'x.json:1:1' ''
refuses 'white space only' 'x.json' '   '
refuses 'not an object' 'x.json' '[]'
refuses 'truncated' 'x.json' '{"version": 1, "files": {'
refuses 'text after the end' 'x.json:1' "{$v} {}"
refuses 'a byte order mark' 'x.json:1:1' $'\xef\xbb\xbf{"version": 1}'
refuses 'not UTF-8' 'x.json' $'{"version": 1, "description": "\xff"}'
refuses 'a control character' 'x.json' $'{"version": 1, "description": "a\x01b"}'
refuses 'an escaped NUL' 'x.json' '{"version": 1, "hostname": "a\u0000b"}'
refuses 'no version' 'version' '{}'
refuses 'version 2' 'x.json:1:2: /version' '{"version": 2}'
refuses 'a version that is text' '/version' '{"version": "1"}'
refuses 'a duplicate key' 'x.json' "{$v, \"hostname\": \"a\", \"hostname\": \"b\"}"
refuses 'a duplicate key spelled with an escape' 'x.json' "{$v, \"hostname\": \"a\", \"hostn\\u0061me\": \"b\"}"
refuses 'an unknown key' 'x.json:1:16: /limts' "{$v, \"limts\": {}}"
refuses 'the nearest word as advice' 'limits' "{$v, \"limts\": {}}"
refuses 'a key in the wrong case' '/Limits' "{$v, \"Limits\": {}}"
refuses 'an unknown limit' '/limits/memroy' "{$v, \"limits\": {\"memroy\": 1}}"
refuses 'a real where a whole number is meant' '/limits/pids' "{$v, \"limits\": {\"pids\": 1.5}}"
refuses 'an exponent' '/limits/pids' "{$v, \"limits\": {\"pids\": 1e3}}"
refuses 'a negative limit' '/limits/pids' "{$v, \"limits\": {\"pids\": -1}}"
refuses 'a number past 64 bits' 'x.json' "{$v, \"limits\": {\"pids\": 99999999999999999999}}"
refuses 'true for a number' '/limits/pids' "{$v, \"limits\": {\"pids\": true}}"
refuses 'a relative path' '/files/mounts/0' "{$v, \"files\": {\"mounts\": [{\"bind\": \"usr\"}]}}"
refuses 'a path with ..' '/files/mounts/0' "{$v, \"files\": {\"mounts\": [{\"bind\": \"/usr/../etc\"}]}}"
refuses 'a path that is too long' '/files/mounts/0' "{$v, \"files\": {\"mounts\": [{\"bind\": \"/$(printf 'a%.0s' {1..5000})\"}]}}"
refuses 'a bind that does not exist' '/no/such' "{$v, \"files\": {\"mounts\": [{\"bind\": \"/no/such\"}]}}"
refuses 'two kinds in one mount' '/files/mounts/0' "{$v, \"files\": {\"mounts\": [{\"bind\": \"/usr\", \"tmpfs\": \"/x\"}]}}"
refuses 'a mount of no kind' '/files/mounts/0' "{$v, \"files\": {\"mounts\": [{\"access\": \"rw\"}]}}"
refuses 'an unknown system call' 'no_such_call' "{$v, \"syscalls\": {\"allow\": [\"no_such_call\"]}}"
refuses 'an unknown group' 'no-such@1' "{$v, \"syscalls\": {\"groups\": [\"no-such@1\"]}}"
refuses 'an unknown capability' '/capabilities/keep/0' "{$v, \"capabilities\": {\"keep\": [\"CAP_SYS_NOTHING\"]}}"
refuses 'no pid namespace' 'x.json:1:16: /namespaces' "{$v, \"namespaces\": {\"pid\": false}}"
refuses 'an unknown variable' 'nowhere' "{$v, \"workdir\": \"\${nowhere}\"}"
refuses 'a profile that extends itself' 'x.json' "{$v, \"extends\": \"$work/p/x.json\"}"
refuses 'a profile that extends nothing' 'no-such' "{$v, \"extends\": \"no-such\"}"
refuses 'a required label without SELinux' 'SELinux' "{$v, \"extends\": \"untrusted\", \"selinux\": {\"type\": \"immure_t\", \"enforce\": \"required\"}}"
refuses 'a Landlock that no kernel has' 'ABI' "{$v, \"extends\": \"untrusted\", \"landlock\": {\"minimum_abi\": 99}}"
refuses 'a lifted deny without a reason' 'override' "{$v, \"extends\": \"$work/p/deny.json\", \"files\": {\"mounts\": [{\"bind\": \"/usr/share\"}]}}"
refuses 'a device for reading in a directory for writing' 'directory' \
	"{$v, \"extends\": \"untrusted\", \"devices\": {\"allow\": [\"/dev/pts\", {\"path\": \"/dev/pts/ptmx\", \"access\": \"ro\"}]}}"
immure jail -m 64M true > /dev/null 2>&1 || # where no cgroup is delegated
	refuses 'a required memory limit without a cgroup' 'cgroup' "{$v, \"extends\": \"untrusted\", \"limits\": {\"memory\": \"64M\"}}"

# sizes and depths, made by a program
deep=$(printf '[%.0s' {1..200})
refuses 'too deep' 'x.json:1' "{$v, \"x-a\": $deep"
refuses 'too large' 'x.json' "{$v, \"description\": \"$(head -c 1200000 /dev/zero | tr '\0' a)\"}"
refuses 'too many values' 'x.json' "{$v, \"x-a\": [$(printf '1,%.0s' {1..120000})1]}"

# a file that is not a file
mkfifo p/fifo
output=$(limit=30 immure jail -p p/fifo sh -c 'echo started' 2>&1 < /dev/null)
check 'a FIFO is refused, at once' test $? = 125
chmod 666 p/x.json
printf '{"version": 1}' > p/x.json
output=$(immure jail -p p/x.json sh -c 'echo started' 2>&1 < /dev/null)
check 'a file that others may write is refused' test $? = 125
check 'and it is said' grep -q 'write' <<< "$output"
chmod 600 p/x.json
check 'the smallest profile is a profile' immure profile check p/x.json
check 'a name is never taken from the current folder' bash -c "cd p && ! '$immure' jail -p x true 2> /dev/null < /dev/null"
check 'free keys are free' test "$(printf '{"version": 1, "x-note": {"a": 1}}' > p/y.json; immure profile check p/y.json)" = 'p/y.json: good'
check 'a profile may come by descriptor' test "$(printf '{"version":1,"extends":"untrusted"}' | "$immure" jail -p - echo yes)" = yes
finish
