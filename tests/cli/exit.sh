#!/bin/bash
# How a launch ends, as its caller sees it: exit codes, the result, the receipt, limits.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the jail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 2

# ends CODE WHAT WORDS…: the launch exits with CODE
ends() {
	local want=$1 what=$2 status
	shift 2
	output=$(immure jail "$@" 2>&1 < /dev/null); status=$?
	if [ $status = "$want" ]; then ok "$what: $want"; else not_ok "$what: $want" "was $status" "$output"; fi
}

# says WHAT PATTERN WORDS…: exit 125, one line of ours that holds PATTERN, and the program never started
says() {
	local what=$1 pattern=$2 output status
	shift 2
	output=$(immure "$@" 2>&1 < /dev/null); status=$?
	if [ $status = 125 ] && [[ $output == immure:*$pattern* ]] && [[ $output != *started* ]]; then ok "$what"
	else not_ok "$what" "status $status, wanted 125 and \"$pattern\"" "$output"; fi
}

ends 0 'a good end' true
ends 7 'the status of the program' sh -c 'exit 7'
ends 255 'the highest status' sh -c 'exit 255'
ends 143 'SIGTERM' sh -c 'kill -TERM $$'
ends 137 'SIGKILL' sh -c 'kill -KILL $$'
ends 139 'SIGSEGV' sh -c 'kill -SEGV $$'
ends 127 'no such program' no-such-program
ends 127 'no such path' /usr/bin/no-such-program
ends 126 'a file that is no program' /etc/passwd
ends 126 'a directory' /usr
if [ "$(uname -m)" = x86_64 ]; then
	sed 's,/lib64/ld-linux-x86-64\.so\.2,/usr/bin/ldd\x00/////////////\x00,' /usr/bin/true > loaderless # a script is no loader
	chmod 755 loaderless
	ends 126 'a program with a loader that is none' -v "$PWD:$PWD:ro,exec" "$PWD/loaderless"
	check 'which has a text' grep -qE 'cannot be run in the jail: (ELIBBAD|Accessing a corrupted shared library)$' <<< "$output"
fi
ends 137 'the wall clock' --timeout 300ms sleep 20
ends 0 'options of the program stay its own' sh -c 'test "$1" = --bind' sh --bind
ends 0 'words after -- are the program' -- sh -c 'exit 0'

output=$(immure completion bash 2>&1 > /dev/full); status=$?
if [ $status = 125 ] && [[ $output == *'standard output'* ]]; then ok 'output that cannot be written'; else not_ok 'output that cannot be written' "status $status" "$output"; fi
says 'no program' 'no program' jail
says 'an unknown option' '--volum' jail --volum x true
says 'the nearest option as advice' 'did you mean --volume' jail --volum x true
says 'an unknown verb' 'jial' jial
says 'an unknown profile' 'no-such' jail -p no-such true
says 'a bad size' '--memory' jail -m 12Q sh -c 'echo started'
says 'a negative count' '--pids-limit' jail --pids-limit -5 sh -c 'echo started'
says 'a bad network' '--network' jail --network bridge sh -c 'echo started'
says 'a bad time' '--timeout' jail --timeout soon sh -c 'echo started'
says 'a bind without a source' 'no/such' jail -v /no/such:/x sh -c 'echo started'
says 'a relative target' '--volume' jail -v /usr:x sh -c 'echo started'
says 'a target above the root' '--volume' jail -v /usr:/../x sh -c 'echo started'
says 'a mount on /proc' '/proc' jail -v /usr:/proc/x sh -c 'echo started'
says 'a mount on the root' 'files.root' jail -v /usr:/ sh -c 'echo started'
says 'a host name with a slash' '--hostname' jail --hostname a/b sh -c 'echo started'
says 'a host name too long' '--hostname' jail --hostname "$(printf 'a%.0s' {1..70})" sh -c 'echo started'
says 'an unknown capability' '--cap-add' jail --cap-add SYS_NOTHING sh -c 'echo started'
says 'a descriptor that is not open' '--preserve-fd' jail --preserve-fd 77 sh -c 'echo started'
says 'a user that is no number' '--user' jail -u nobody sh -c 'echo started'
says 'a user out of range' '--user' jail -u 4294967295 sh -c 'echo started'
says 'a device outside /dev' '--device' jail --device /etc/passwd sh -c 'echo started'
says 'a working directory that is not there' '/no/such' jail -w /no/such sh -c 'echo started'
says 'a variable with a bad name' '--env' jail -e '1X=y' sh -c 'echo started'

# ---- the result ----
immure jail --result "$work/result" sh -c 'exit 3' < /dev/null
check 'the result tells the status' jq -e '.version == 1 and .exit == 3 and .signal == null and .limit == null and .wall_seconds > 0' result
immure jail --result "$work/result" --timeout 200ms sleep 20 < /dev/null 2> /dev/null
check 'the result names the wall clock' jq -e '.exit == null and .signal == "SIGKILL" and .limit == "wall_time"' result
# the launcher is stopped from the first mount until the time is over
guarded "$probes/window" fsopen:1 'launcher=$(cut -d " " -f 1 /proc/$PPID/task/$PPID/children); kill -STOP $launcher; (sleep 3.2; kill -CONT $launcher) &' \
	"$immure" jail --result "$work/result" --timeout 3s sh -c 'exit 3' < /dev/null > window 2>&1
check 'a program that ended in time is not said to have been ended' jq -e '.exit == 3 and .limit == null and .wall_seconds > 3' result
immure jail --result "$work/result" --ulimit cpu=1s sh -c 'while :; do :; done' < /dev/null 2> /dev/null
check 'the result names the CPU time' jq -e '.signal == "SIGXCPU" and .limit == "cpu_time" and .cpu_user_seconds + .cpu_system_seconds > 0.2' result # the limit is counted in whole ticks, the result is not
immure jail --result "$work/result" --ulimit fsize=4096 sh -c 'head -c 100000 /dev/zero > /tmp/x' < /dev/null 2> /dev/null
check 'a file has its size' test "$(jq -r .exit result)" != 0
immure jail --result "$work/result" sh -c 'head -c 50000000 /dev/zero | tail -c 40000000 > /dev/null' < /dev/null
check 'the result tells the peak' jq -e '.memory_peak_bytes > 30000000' result
check 'a result replaces a file as a whole, and is private' test "$(stat -c %a result)" = 600

# ---- the receipt ----
immure jail --receipt "$work/receipt" true < /dev/null
check 'every rule has an outcome' jq -e '[.rules[] | select(.outcome == null or .rule == null or .asked == null)] | length == 0' receipt
check 'what is required is enforced' jq -e '[.rules[] | select(.enforce == "required" and .outcome != "enforced")] | length == 0' receipt
check 'what is not enforced has a reason' jq -e '[.rules[] | select(.outcome != "enforced" and .reason == null)] | length == 0' receipt
check 'the layers are named' jq -e '[.rules[].layer] | index("landlock") and index("network namespace")' receipt

# ---- the plan ----
immure jail --dry-run --format=json true < /dev/null > plan
check 'the plan is JSON' jq -e '.steps | length > 20' plan
check 'nothing stands between the filter and exec' jq -e '[.steps[].step][-2:] == ["system calls", "exec"]' plan
check 'landlock comes after the capabilities' jq -e '[.steps[].step] | index("landlock") > index("capabilities")' plan
mkdir kept; immure jail --dry-run -v "$work:/w:rw" -v "$work/kept:/w/kept:ro" -v "$work/kept:/kept:rw" --tmpfs /etc/own true < /dev/null > grants
check 'one grant for the files that the plan writes' test "$(grep -c 'grant */etc: read$' grants),$(grep -c 'grant */etc/passwd' grants)" = 1,0
check 'none for what a grant above it covers' test "$(grep -cE 'grant */w/kept|grant */run' grants),$(grep -cE 'grant */w: read list execute write$' grants)" = 0,1
check 'its own for what has more' test "$(grep -cE 'grant */etc/own: read list write|grant */etc/ssl: read list execute|grant */kept: read list execute write' grants)" = 3
cat > links.json <<- P
	{"version": 1, "extends": "untrusted", "files": {"mounts": [{"tmpfs": "/var", "exec": true}, {"symlink": "/var/run", "to": "../run"},
	 {"symlink": "/var/tmp", "to": "../tmp"}, {"bind": "$work/kept", "to": "/var/run/c"}, {"symlink": "/l", "to": "/"}, {"file": "/l/x", "content": "x"}]}}
P
echo behind > kept/file
check 'what lies behind a link of the profile has its own' test "$(immure jail -p ./links.json cat /run/c/file < /dev/null)" = behind
check 'and the directory of such a file has none' test "$(immure jail -p ./links.json --dry-run true | grep -cE 'grant */l: read')" = 0
# links that lead to one another, that lie behind another, that are not made
cat > chain.json <<- P
	{"version": 1, "extends": "untrusted", "files": {"mounts": [{"symlink": "/l", "to": "/m"}, {"symlink": "/m", "to": "n/o"}, {"directory": "/n/o"},
	 {"file": "/l/deep", "content": "deep"}, {"symlink": "/l/up", "to": "../p"}, {"file": "/m/up/q", "content": "q"},
	 {"symlink": "/audited", "to": "/elsewhere", "enforce": "audit"}, {"file": "/audited/file", "content": "here"},
	 {"bind": "/nowhere-at-all", "to": "/w", "enforce": "best-effort"}]}}
P
check 'a file behind links of the profile can be read' test "$(immure jail -p ./chain.json cat /n/o/deep /l/deep /n/p/q /l/up/q < /dev/null)" = deepdeepqq
check 'behind one that is only looked at there is nothing else' test "$(immure jail -p ./chain.json cat /audited/file < /dev/null)" = here
cat > circle.json <<- P
	{"version": 1, "extends": "untrusted", "files": {"mounts": [
	 {"symlink": "/a", "to": "/b"},
	 {"symlink": "/b", "to": "/a"}, {"file": "/a/x", "content": "x"}]}}
P
output=$(immure jail -p ./circle.json true 2>&1 < /dev/null)
check 'a circle of links is refused' test $? = 125
check 'at what lies behind them' grep -q '^immure: .*circle.json:3:.*/files/mounts/2: mount /a/x: .*circle' <<< "$output"
# shellcheck disable=SC2317 # check() calls it
fails() { ! immure "$@" > /dev/null 2>&1 < /dev/null; }
# a link that the profile cannot make, since it lies inside a bind, takes no deny and no protection away
mkdir -p hidden/sub "$HOME/.config/immure"; echo secret > hidden/sub/secret
printf '%s\n' "{\"version\": 1, \"extends\": \"untrusted\", \"files\": {\"mounts\": [{\"bind\": \"$work/hidden\", \"to\": \"/h\"}, {\"deny\": \"/h/sub/secret\"}]}}" > deny.json
printf '%s\n' '{"version": 1, "extends": "./deny.json", "files": {"mounts": [{"symlink": "/h/sub", "to": "/other", "enforce": "best-effort"}]}}' > undeny.json
check 'a deny inside a bind holds' fails jail -p ./undeny.json cat /h/sub/secret
check 'and the link is said not to be there' grep -q 'not enforced symlink /h/sub' <<< "$(immure jail -p ./undeny.json --dry-run true)"
check 'where it has to be, nothing starts' test "$(sed 's/, "enforce": "best-effort"//' undeny.json > must.json; immure jail -p ./must.json true 2> /dev/null < /dev/null; echo $?)" = 125
printf '%s\n' "{\"version\": 1, \"extends\": \"untrusted\", \"files\": {\"mounts\": [{\"bind\": \"$HOME\", \"to\": \"/h\", \"access\": \"rw\"}, {\"symlink\": \"/h/.config\", \"to\": \"/other\"," \
	'"enforce": "best-effort"}]}}' > unprotect.json
check "nor can the launcher's own be written to" fails jail -p ./unprotect.json sh -c 'echo x > /h/.config/immure/x'
printf '%s\n' "{\"version\": 1, \"extends\": \"untrusted\", \"files\": {\"mounts\": [{\"bind\": \"$HOME\", \"to\": \"/h\", \"access\": \"rw\"}, {\"bind\": \"/nowhere-at-all\"," \
	'"to": "/h/.config/immure", "enforce": "best-effort"}]}}' > instead.json
check 'not even where something was to lie there that is not to be had' fails jail -p ./instead.json sh -c 'echo x > /h/.config/immure/x'
check 'though what is beside it can' immure jail -p ./unprotect.json sh -c 'echo x > /h/.config/x && rm /h/.config/x'
mkdir -p linked other; ln -sfn /o linked/l; echo secret > other/secret
printf '%s\n' "{\"version\": 1, \"extends\": \"untrusted\", \"files\": {\"mounts\": [{\"bind\": \"$work/linked\", \"to\": \"/d\"}, {\"bind\": \"$work/other\", \"to\": \"/o\"}," \
	'{"deny": "/d/l/secret"}]}}' > behind.json
output=$(immure jail -p ./behind.json cat /o/secret 2>&1 < /dev/null)
check 'a deny behind a link that the bind has is refused' test "$? $(grep -c 'a symbolic link of the bind is on the way' <<< "$output")" = '125 1'
sed 's|/d/l/secret|/o/secret|' behind.json > straight.json
check 'of what it leads to it holds, by both names' test "$(immure jail -p ./straight.json cat /d/l/secret /o/secret 2> /dev/null < /dev/null)" = ''
check 'two binds on one place: the last is seen' test "$(immure jail -v "$work/linked:/tmp/x" -v "$work/other:/tmp/x" cat /tmp/x/secret < /dev/null)" = secret
printf '%s\n' "{\"version\": 1, \"extends\": \"untrusted\", \"files\": {\"mounts\": [{\"bind\": \"$work\", \"to\": \"/r\"}, {\"bind\": \"$work/hidden\", \"to\": \"$work/hidden\"}," \
	"{\"symlink\": \"/l\", \"to\": \"$work/hidden\"}, {\"deny\": \"/l/sub/secret\"}]}}" > alias.json
check 'a deny behind a link hides it under its other names' test "$(immure jail -p ./alias.json sh -c "cat /l/sub/secret $work/hidden/sub/secret /r/hidden/sub/secret" \
	2> /dev/null < /dev/null)" = ''
check 'and nothing else' test "$(immure jail -p ./alias.json sh -c 'ls /r/hidden/sub' < /dev/null)" = secret
printf '%s\n' '{"version": 1, "extends": "untrusted", "files": {"mounts": [{"symlink": "/one", "to": "/same"}, {"tmpfs": "/same", "exec": true}, {"tmpfs": "/one/in"},' \
	'{"tmpfs": "/same/in"}, {"file": "/same/in/file", "content": "last"}]}}' > same.json
check 'of two mounts that come to one place the later is on top' test "$(immure jail -p ./same.json cat /one/in/file < /dev/null)" = last
check 'no grant for what is not there' test "$(immure jail --dry-run -p ./chain.json true | grep -c 'grant */w')" = 0
printf '%s\n' '{"version": 1, "extends": "untrusted", "landlock": {"paths": [{"path": "/usr"},' '{"path": "/etc/passwd/x"}]}}' > odd.json
check 'a rule that Landlock does not take is named' test "$(immure jail -p ./odd.json true 2>&1 < /dev/null | sed 's/.*odd/odd/')" = \
	'odd.json:2:1: /landlock/paths/1: the rule for /etc/passwd/x cannot be set: Not a directory'
check 'a step that has nothing to do says so' grep -q 'not yet: there is no /sys' grants
check 'a dry run runs nothing' test -z "$(immure jail --dry-run sh -c 'echo ran' < /dev/null | grep -x ran)"
immure profile explain untrusted > text
check 'explain tells the same steps' test "$(grep -cE '^ ?[0-9]+\. ' text)" = "$(jq '.steps | length' plan)"
check 'explain names the lines of the profile' grep -q 'built-in untrusted:[0-9]*:[0-9]*: /limits/open_files' text

# ---- handing in ----
check 'standard input goes in' test "$(echo hello | immure jail cat)" = hello
check 'a variable is set' test "$(immure jail -e A=b sh -c 'echo $A' < /dev/null)" = b
check 'a variable is passed' test "$(A=c immure jail -e A sh -c 'echo $A' < /dev/null)" = c
check 'a volume is writable' immure jail -v "$work:/there" sh -c 'echo x > /there/made'
check 'what was written is there' test "$(cat made)" = x
check 'a read-only volume is not' test "$(immure jail -v "$work:/there:ro" sh -c 'echo y > /there/made2 || echo refused' < /dev/null 2> /dev/null)" = refused
check 'a tmpfs has its size' test "$(immure jail --tmpfs /x:size=64k sh -c 'head -c 100000 /dev/zero > /x/y; stat -c %s /x/y' < /dev/null 2> /dev/null)" = 65536
check 'a program of the current folder runs' test "$(cp /bin/echo mine; immure jail ./mine yes < /dev/null)" = yes
check 'and nothing beside it is seen' test -z "$(immure jail ./mine < /dev/null; immure jail ls "$work" < /dev/null 2> /dev/null)"
check 'the host name is set' test "$(immure jail --hostname box hostname < /dev/null)" = box
check 'the working directory is set' test "$(immure jail -w /tmp pwd < /dev/null)" = /tmp
check 'descriptors are handed in by name' test "$(immure jail --preserve-fd 5 sh -c 'cat <&5' 5< made < /dev/null)" = x
check 'ids are chosen' test "$(immure jail -u 12:34 id -u < /dev/null)" = 12
check 'no stub is left on the host' test -z "$(find "$work" -maxdepth 1 -name 'there*')"
finish
