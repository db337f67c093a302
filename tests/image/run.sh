#!/bin/bash
# immure run and what becomes of containers: docker's and podman's habits, and nothing left behind.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the container
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 2
need script

tiny tiny --cmd '["sh", "-c", "echo default"]' --workdir /srv/app --env 'FOO=bar' --env 'MESSAGE=of the image'

# gives WHAT WANTED WORDS…: what a run prints on standard output
gives() {
	local what=$1 wanted=$2 output
	shift 2
	output=$(run --rm "$@" 2> said < /dev/null)
	if [ "$output" = "$wanted" ]; then ok "$what"; else not_ok "$what" "wanted: $wanted" "printed: $output" "$(cat said)"; fi
}

# ends CODE WHAT WORDS…
ends() {
	local want=$1 what=$2 output status
	shift 2
	output=$(run --rm "$@" 2>&1 < /dev/null); status=$?
	if [ $status = "$want" ]; then ok "$what: $want"; else not_ok "$what: $want" "was $status" "$output"; fi
}

# says WHAT PATTERN WORDS…: exit 125, a line of ours that holds PATTERN, nothing started, nothing left
says() {
	local what=$1 pattern=$2 output status
	shift 2
	output=$(run "$@" 2>&1 < /dev/null); status=$?
	if [ $status = 125 ] && [[ $output == immure:*$pattern* ]] && [[ $output != *started* ]] && [ -z "$(left)" ]; then ok "$what"
	else not_ok "$what" "status $status, wanted 125 and \"$pattern\"" "$output" "$(left)"; fi
}

# ---- what runs ----
gives 'CMD of the image' default tiny
gives 'arguments instead of CMD' hello tiny echo hello
gives 'the layers lie one over the other' 'new third' tiny sh -c 'echo $(cat /opt/version /opt/third)'
gives 'a whiteout hides' version tiny sh -c 'cd /opt; ls | grep -v third 2> /dev/null || for f in *; do [ $f = third ] || echo $f; done'
gives 'WorkingDir' /srv/app tiny pwd
gives 'WorkingDir of the caller is made' /new/place -w /new/place tiny pwd
gives 'Env of the image' 'bar of the image' tiny sh -c 'echo $FOO $MESSAGE'
gives '-e over it' 'mine' -e FOO=mine tiny sh -c 'echo $FOO'
gives 'PATH is the image'"'"'s' /usr/local/bin:/usr/bin:/bin tiny sh -c 'echo $PATH'
printf '%s\n' '# comment' 'ONE=1' 'FOO=of the file' 'CALLERS' > env-file
check '--env-file, and a name of the caller'"'"'s' test "$(CALLERS=given run --rm --env-file env-file tiny sh -c 'echo $ONE $FOO $CALLERS' < /dev/null)" = '1 of the file given'
check '-e of names that no shell has' test "$(run --rm -e discovery.type=single-node -e xpack-x=1 tiny env < /dev/null | grep -c -x -e discovery.type=single-node -e xpack-x=1)" = 2
for name in 1a=x +a=1 =x 'a b=1' .a=x ''; do says "-e \"$name\"" 'not the name' -e "$name" tiny echo started; done
printf 'ONE=1\r\n  TWO.x=2 \n\r\nTHREE=3\r' > env-file
check '--env-file with the line ends of another system' test "$(run --rm --env-file env-file tiny env < /dev/null | grep -a -e ONE -e TWO -e THREE)" = $'ONE=1\nTWO.x=2 \nTHREE=3\r'
printf 'ONE=1\nTWO = 2\n' > env-file
says '--env-file with a bad name' 'env-file:2' --env-file env-file tiny echo started
gives 'nothing of the caller'"'"'s environment' '' tiny sh -c 'echo $LOGNAME$LC_ALL'
gives 'the host name is the short id' yes tiny sh -c '[ ${#HOSTNAME} -le 12 ] && [ $(hostname | wc -c) = 13 ] && echo yes'
gives '--hostname' box --hostname box tiny hostname
gives '/etc/hosts knows it' box --hostname box tiny sh -c 'while read a b c; do [ "$a" = 127.0.0.1 ] && echo $c; done < /etc/hosts'
gives 'it can be written, and is no file of the container'"'"'s own' more tiny sh -c 'echo "::2 more" >> /etc/hosts; while read -r a b; do [ "$a" = ::2 ] && echo $b; done < /etc/hosts'
gives '--add-host' 192.0.2.7 --add-host far:192.0.2.7 tiny sh -c 'while read a b; do [ "$b" = far ] && echo $a; done < /etc/hosts'
check 'standard input with -i' test "$(echo in | run --rm -i tiny cat)" = in
check 'none without' test -z "$(echo in | run --rm tiny cat)"
# the sanitizer says at a terminal what elsewhere nobody reads: that it does not know the stack of PID 1
at_terminal() { script -qec "$immure run --storage $storage --rm $*" /dev/null < /dev/null | tr -d '\r\0' | sed 's/^^@//; /WARNING: ASan is ignoring/,+2d'; }
check 'without -t a program sees no terminal, even where the caller has one' test "$(at_terminal "tiny sh -c '[ -t 0 ] || [ -t 1 ] || [ -t 2 ] || echo none; echo error >&2'")" = $'none\nerror'
check 'with -t it has one of its own' test "$(at_terminal "-it tiny sh -c '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo three'")" = three
gives 'a root that can be written' made tiny sh -c 'echo made > /made; cat /made'
gives '--read-only' refused --read-only tiny sh -c 'echo x > /made || echo refused'
gives '--tmpfs in it' kept --read-only --tmpfs /tmp tiny sh -c 'echo kept > /tmp/x; cat /tmp/x'
gives '--tmpfs in the words of podman' 'drwxr-x---' --tmpfs /x:rw,noexec,nosuid,nodev,notmpcopyup,size=1m,mode=750 tiny sh -c 'echo $(ls -ld /x | (read -r m r; echo $m))'
gives 'a bind' shown -v "$(mkdir -p shown; echo shown > shown/it; pwd)/shown:/mnt" tiny cat /mnt/it
check 'a relative bind' test "$(run --rm -v ./shown:/mnt tiny cat /mnt/it < /dev/null)" = shown
gives 'a bind that SELinux is to share' shown -v "$work/shown:/mnt:ro,z" tiny cat /mnt/it
gives 'a bind that SELinux is to give to one' shown -v "$work/shown:/mnt:Z" tiny cat /mnt/it
gives 'a bind read-only' refused -v "$work/shown:/mnt:ro" tiny sh -c 'echo x > /mnt/new || echo refused'

# ---- ENTRYPOINT and CMD, as docker joins them ----
tiny entry --entrypoint '["echo", "entry"]' --cmd '["default"]'
gives 'ENTRYPOINT and CMD' 'entry default' entry
gives 'ENTRYPOINT and arguments' 'entry a b' entry a b
gives '--entrypoint leaves CMD out' '' --entrypoint true entry
gives '--entrypoint and arguments' 'mine' --entrypoint echo entry mine
gives '--entrypoint as an array' 'x y' --entrypoint '["echo", "x"]' entry y
gives '--entrypoint "" and a command' plain --entrypoint '' entry echo plain
says '--entrypoint "" and none' 'no command' --rm --entrypoint '' entry

# ---- users ----
gives 'root by default' '0 0' tiny sh -c 'echo $(id -u) $(id -g)'
gives 'a user by name' '33 34 /srv/app' -u app tiny sh -c 'echo $(id -u) $(id -g) $HOME'
gives 'a user and a group by name' '33 50' -u app:staff tiny sh -c 'echo $(id -u) $(id -g)'
gives 'numbers' '12 34' -u 12:34 tiny sh -c 'echo $(id -u) $(id -g)'
gives 'a number that nobody has' '77 0 /' -u 77 tiny sh -c 'echo $(id -u) $(id -g) $HOME'
gives 'a number is no name, even where one looks like it' 1000 -u 1000 tiny id -u
if [ -n "$(sed -n "s/^$(id -un):.*/x/p" /etc/subgid)" ] && command -v newgidmap > /dev/null; then
	groups='while read -r k v; do [ "$k" = Groups: ] && echo $v; done < /proc/self/status'
	gives 'a user has the groups that list it' '34 50' -u app tiny sh -c "$groups"
	gives 'by its number, too' '34 50' -u 33 tiny sh -c "$groups"
	gives 'and no other where one is named' '50' -u app:staff tiny sh -c "$groups"
	gives 'root has root'"'"'s' '0' tiny sh -c "$groups"
	gives 'one that nobody knows has its own' '0' -u 77 tiny sh -c "$groups"
	gives '--group-add, by name and number' '0 50 1234' --group-add staff --group-add 1234 tiny sh -c "$groups"
	says 'one that the image lacks' 'no group of this name' --rm --group-add nosuch tiny echo started
	says 'one that is none' '--group-add' --rm --group-add 1e0 tiny echo started
	says 'one beyond the subordinate ids' 'outside the subordinate ids' --rm --group-add 2147483647 tiny echo started
	says 'keep-groups' '--group-add' --rm --group-add keep-groups tiny echo started
else
	skip 'groups' 'this user has no subordinate ids'
fi
for user in 1e0 00 4294967296 2147483648 4294967295 -1 ' 0' +0 0x0 'app ' app:: app:1e0 root:nosuch huge $'app\nroot' 'a/b'; do
	says "the user $(printf %q "$user") is refused" 'user' --rm -u "$user" tiny echo started
done
says 'a user that the image lacks' 'no user of this name' --rm -u nosuch tiny echo started
tiny owned --user app
gives 'USER of the image' 33 owned id -u
gives '-u over it' 0 -u 0 owned id -u
tiny odd --user nosuch
says 'USER that the image lacks' 'user of the image' --rm odd echo started
for user in 1e0 4294967296 $'app\nroot'; do
	make_image -o odd.tar -n odd --layer "$work/layers/1" --user "$user"
	output=$(im load -q -i odd.tar 2>&1); status=$?
	check "USER $(printf %q "$user") is refused as soon as the image comes" grep -q '^125 immure: .*config/User' <<< "$status $output"
done

# ---- options that users of podman have in their fingers ----
gives 'a switch may say =true' yes --init=true tiny echo yes
check '--rm=false keeps' test "$(im run --rm=false --name f tiny echo x < /dev/null; im rm f)" = $'x\nf'
gives 'a letter may say it, too' yes -i=false -t=false tiny sh -c '[ -t 0 ] || [ -t 1 ] || echo yes'
gives 'and have a value behind =' 'x y' -e=A=x -e=B=y -w=/tmp tiny sh -c 'echo $A $B'
says 'but no other' 'true or false' -i=yes tiny echo started
gives 'an empty word is none' /srv/app --name '' -w '' --hostname '' --cidfile '' -u '' tiny pwd
says 'a switch says nothing else' 'true or false' --rm=maybe tiny true
gives 'habits change nothing' yes --annotation a=b -a stdout --detach-keys ctrl-x --expose 80 --stop-timeout 3 --sig-proxy=true --restart=no --ipc=private tiny echo yes
gives '--net' '' --net none tiny true
for word in --privileged --publish=8080:80 -P --pod=x --uidmap=0:1:2 --volumes-from=x --secret=x --sysctl=a=b --cpu-shares=5 --restart=always --pid=host --ipc=host --log-driver=json-file --health-cmd=x; do
	output=$(run "$word" tiny echo started 2>&1 < /dev/null); status=$?
	check "$word is refused with one line that says what to do" test "$status $(grep -c . <<< "$output") ${output%%:*}" = '125 1 immure'
	check 'and names itself' grep -qE -- "^immure: ${word%%=*}|^immure: --publish-all" <<< "$output"
done
for value in bridge slirp4netns default container:x; do says "--network $value" 'no network of its own yet' --network "$value" tiny echo started; done
gives '--security-opt no-new-privileges in every spelling' yes --security-opt no-new-privileges:true --security-opt no-new-privileges=true tiny echo yes
gives 'limits of 0 and -1 are none' unlimited --memory 0 --cpus 0 --pids-limit -1 --ulimit core=-1 --ulimit core=-1:-1 tiny sh -c 'ulimit -c'
gives '--health-cmd none' yes --health-cmd none --cgroups enabled tiny echo yes
for word in --health-interval=3s --runtime=runc --unsetenv-all --cgroup-parent=/x --cgroups=disabled --pidfile=x --label-file=x; do
	says "$word" "${word%%=*}: " "$word" tiny echo started
done
for value in 8080:80 127.0.0.1:80:80/tcp 53:53/udp 8080; do
	says "-p $value says that it is no port" 'ports cannot be published' -p "$value" tiny echo started
done
gives '--umask' 0077 --umask 077 tiny sh -c umask
says 'a bad one' '--umask' --umask 9 tiny true
gives '--unsetenv' 'none' --unsetenv FOO tiny sh -c 'echo ${FOO-none}'
check '--env-host under the image' test "$(FOO=host ONLY=here run --rm --env-host tiny sh -c 'echo $FOO $ONLY $HOME' < /dev/null)" = 'bar here /root'
check '--http-proxy' test "$(https_proxy=there run --rm --http-proxy=true tiny sh -c 'echo $https_proxy' < /dev/null)" = there
if [ -e /usr/share/zoneinfo/Europe/Rome ]; then
	gives '--tz' CET-1CEST,M3.5.0,M10.5.0/3 --tz Europe/Rome tiny sh -c 'echo $TZ'
else
	skip '--tz' 'the host has no time zones'
fi
for zone in ../../../etc/passwd Nowhere '' /etc/localtime; do says "the zone \"$zone\"" '--tz' --tz "$zone" tiny echo started; done
gives '--dns without a network' 'nameserver 192.0.2.1 nameserver 2001:db8::1 search a.example b.example options ndots:2' \
	--dns 192.0.2.1 --dns 2001:db8::1 --dns-search a.example --dns-search b.example --dns-option ndots:2 tiny sh -c 'echo $(cat /etc/resolv.conf)'
gives '--dns with the network of the host' 'nameserver 192.0.2.1' --network host --dns 192.0.2.1 tiny sh -c \
	'while read -r k v; do [ "$k" != nameserver ] || echo $k $v; done < /etc/resolv.conf'
gives '--add-host NAME:host-gateway' 127.0.0.1 --add-host host.docker.internal:host-gateway tiny sh -c \
	'while read -r a b; do [ "$b" = host.docker.internal ] && echo $a; done < /etc/hosts'
gives '--add-host in the other spellings' '192.0.2.8 one ::8 two ::9 three' --add-host one=192.0.2.8 --add-host 'two:[::8]' --add-host 'three=[::9]' tiny sh -c \
	'echo $(while read -r a b c; do case $b in one|two|three) echo $a $b; esac; done < /etc/hosts)'
says 'a server that is no address' '--dns' --rm --dns example.org tiny echo started
says 'a domain with a line of its own' '--dns-search' --rm --dns-search $'a\nnameserver 192.0.2.9' tiny echo started
says 'an option with a line of its own' '--dns-option' --rm --dns-option $'a\nb' tiny echo started
gives '--no-hosts' none --no-hosts tiny sh -c '[ -s /etc/hosts ] || echo none'
gives '--read-only has places to write' 'kept kept kept refused' --read-only tiny sh -c \
	'for d in /run /tmp /var/tmp /root; do { echo kept > $d/x && cat $d/x; } 2> /dev/null || echo refused; done | { read a; read b; read c; read d; echo $a $b $c $d; }'
gives '--read-only-tmpfs=false has none' refused --read-only --read-only-tmpfs=false tiny sh -c 'echo x > /tmp/x || echo refused'
gives '--cap-drop of several' 0000000000000000 --cap-drop all tiny sh -c 'while read -r k v; do [ "$k" != CapEff: ] || echo $v; done < /proc/self/status'
gives '--cap-add of several' 0000000000000021 --cap-drop ALL --cap-add chown,KILL tiny sh -c 'while read -r k v; do [ "$k" != CapEff: ] || echo $v; done < /proc/self/status'
gives '--device as docker has it' yes --device /dev/null:/dev/null:rwm tiny sh -c '[ -c /dev/null ] && echo yes'
says 'one for reading where everything may be written' 'read-only' --device /dev/zero:r tiny echo started
gives 'and where that is not so' refused --read-only --device /dev/zero:r tiny sh -c '(echo x > /dev/zero) 2> /dev/null || echo refused'
says 'but no other name' '--device' --device /dev/null:/dev/other tiny echo started
gives '--mount readonly=true' refused --mount "type=bind,src=$work/shown,dst=/mnt,readonly=true,bind-propagation=rprivate" tiny sh -c 'echo x > /mnt/new || echo refused'
gives '-v with a habit of docker'"'"'s' shown -v "$work/shown:/mnt:ro,cached" tiny cat /mnt/it
says 'seccomp=unconfined' 'the profile' --security-opt seccomp=unconfined tiny echo started
gives '--userns=keep-id' "$(id -u) $(id -g)" --userns=keep-id tiny sh -c 'echo $(id -u) $(id -g)'
check 'what it makes is the caller'"'"'s' test "$(run --rm --userns keep-id -v "$work/shown:/mnt" tiny sh -c 'touch /mnt/mine; stat -c %u /mnt/mine' < /dev/null) $(stat -c %u shown/mine)" = "$(id -u) $(id -u)"
gives 'and has the caller'"'"'s name there' "$(id -un)" --userns=keep-id tiny sh -c \
	'while IFS=: read -r n p u r; do [ "$u" = '"$(id -u)"' ] && echo $n; done < /etc/passwd'
run --name kept --userns=keep-id tiny sh -c 'id -u; echo mine >> /home; stat -c %u /home' < /dev/null > /dev/null
check 'start keeps it' test "$(im start -a kept | tr '\n' ' ')" = "$(id -u) $(id -u) "
check 'and commit makes it root'"'"'s' test "$(im diff kept)$(im commit -q kept kept:1 > /dev/null; run --rm kept:1 stat -c %u /home < /dev/null)" = 'A /home0'
im rm kept > /dev/null
gives 'under other numbers' '12 34' --userns keep-id:uid=12,gid=34 tiny sh -c 'echo $(id -u) $(id -g)'
gives 'not the image'"'"'s user' "$(id -u)" --userns keep-id owned id -u
gives '--userns=host' 0 --userns host tiny id -u
for value in nomap auto keep-id:uid=x keep-id:size=3 host:x; do says "--userns=$value" '--userns' --userns "$value" tiny echo started; done
run --name same tiny true < /dev/null
check '--replace' test "$(run --name same --replace tiny echo second < /dev/null)" = second
check 'leaves the new one' test "$(im ps -a --format '{{.Names}} {{.Command}}')" = 'same echo second'
output=$(run --name same --replace --add-host x:y tiny true 2>&1 < /dev/null)
check 'a refusal replaces nothing' test "$(im ps -a --format '{{.Command}}')" = 'echo second'
id=$(im ps -a -q --no-trunc)
for words in 'tiny nosuch' 'tiny /etc/passwd' '-v fresh:/d -w /etc/passwd tiny true' '--receipt /no/such tiny true'; do
	# shellcheck disable=SC2086 # words
	output=$(run --name same --replace $words 2>&1 < /dev/null)
	check "nor does one of the program that was to run: $words" test "$(im ps -a --no-trunc --format '{{.ID}} {{.Names}}'; ls "$storage/names")" = "$id same"$'\n'same
done
check 'the old one starts as before' test "$(im start -a same)" = second
check 'and can be replaced' test "$(run --rm --name same --replace tiny echo third < /dev/null)$(left)" = third
run --name same tiny echo fourth < /dev/null > /dev/null
im rm same > /dev/null
two=("$storage/containers/$(printf 'a%.0s' {1..64})" "$storage/containers/$(printf 'a%.0s' {1..63})b")
mkdir "${two[@]}"
check 'a name that begins the ids of two others is theirs no more' test "$(run --name aa --replace tiny echo named < /dev/null)" = named
rmdir "${two[@]}"
im rm aa > /dev/null
run --name stops --stop-signal SIGINT tiny true < /dev/null
check '--stop-signal is kept' jq -e '.stop_signal == 2' "$storage/containers/$(readlink "$storage/names/stops")/container.json"
im rm stops > /dev/null
for value in RTMIN+3:37 15:15 usr1:10; do
	run --name stops --stop-signal "${value%:*}" tiny true < /dev/null
	check "${value%:*} too" test "$(jq .stop_signal "$storage/containers/$(readlink "$storage/names/stops")/container.json")" = "${value#*:}"
	im rm stops > /dev/null
done
tiny quits --stop-signal SIGQUIT
run --name stops quits true < /dev/null
check 'else that of the image' test "$(jq .stop_signal "$storage/containers/$(readlink "$storage/names/stops")/container.json")" = 3
im rm stops > /dev/null
for value in NOSUCH 0 65 -1 RTMIN+31; do says "the signal $value" '--stop-signal' --stop-signal "$value" tiny echo started; done

# ---- how it ends ----
ends 0 'a good end' tiny true
ends 7 'the status of the program' tiny sh -c 'exit 7'
ends 137 'SIGKILL' tiny sh -c 'kill -KILL $$'
ends 127 'no such program' tiny no-such-program
ends 126 'a file that is no program' tiny /etc/passwd
ends 137 'the wall clock' --timeout 300ms tiny sleep 20
says 'no image' 'no image is named' --rm
says 'an image that is not here' 'not here' --rm --pull never nosuch true
says 'a name that is none' 'UPPER' --rm --pull never UPPER/case true
says 'detached containers' 'not there yet' -d tiny true
says 'an unknown option' '--voluem' --voluem x tiny true
says 'a bad name of a container' '--name' --name ../x tiny true
says 'a bad volume target' '--volume' -v data:relative tiny echo started
says 'a bad host' '--add-host' --rm --add-host x:y tiny echo started
says 'a bad policy' '--pull' --pull sometimes tiny echo started
says 'a bind without a source' '/no/such' --rm -v /no/such:/mnt tiny echo started
check '--cidfile holds the id' test "$(run --rm --cidfile cid tiny true < /dev/null; wc -c < cid)" = 64
says '--cidfile that is there' 'cid' --rm --cidfile cid tiny echo started
check '--rm leaves nothing' test -z "$(left)"
check 'and no volume' test -z "$(find "$storage/volumes" -mindepth 1)"

# ---- the profile ----
gives '--shm-size' 1024 --shm-size 1M tiny sh -c 'busybox df -k /dev/shm | (read -r l; read -r a b c; echo $b)'
says 'a bad size of it' '--shm-size' --rm --shm-size none tiny echo started
gives 'any profile works' 'yes' -p untrusted tiny sh -c '[ -e /usr/bin/env ] || echo yes'
gives 'no network by default' '1' tiny sh -c 'n=0; while read -r l; do n=$((n+1)); done < /proc/net/route; echo $n'
gives 'the capabilities of the profile, and no more' refused tiny sh -c 'busybox mount -t tmpfs x /tmp 2> /dev/null || echo refused'
check '--receipt says that the layers are the root' test "$(run --rm --receipt receipt tiny true < /dev/null; jq -r '[.rules[].layer] | index("overlayfs, pivot_root") != null' receipt)" = true
check '--result tells the status' test "$(run --rm --result result tiny sh -c 'exit 4' < /dev/null; jq .exit result)" = 4
check '--dry-run makes nothing' test "$(run --rm --dry-run tiny echo started < /dev/null | grep -cx started)$(left)" = 0
mkdir -p "$HOME"
canary_make
gives 'a bind of the home shows no storage that can be written' $'refused\nrefused' -v "$work:/mnt" tiny sh -c \
	'for d in tags containers; do (echo x > /mnt/storage/$d/x) 2> /dev/null || echo refused; done'
plain=$storage storage=/$work/../${work##*/}/storage
gives 'nor by another name' $'refused\nrefused' -v "$work:/mnt" tiny sh -c \
	'for d in tags containers; do (echo x > /mnt/storage/$d/x) 2> /dev/null || echo refused; done'
storage=$plain
check 'nothing of the caller'"'"'s changed' test -z "$(canary_changes)"

# ---- what is kept ----
check 'a container is kept' test "$(run --name one tiny sh -c 'echo kept > /kept; exit 3' < /dev/null > /dev/null; echo $?)" = 3
check 'it is listed' test "$(im ps -a --format '{{.Names}} {{.State}} {{.ExitCode}} {{.Image}}')" = 'one exited 3 docker.io/library/tiny:latest'
check 'but not among those that run' test -z "$(im ps -q)"
check 'as JSON' jq -e '.[0].Names == "one"' <(im ps -a --format json)
check 'by a filter' test -n "$(im ps -a -q --filter name=one)"
check 'and not by another' test -z "$(im ps -a -q --filter name=two)"
sleep 1.1 # the record tells seconds
run --name alpha --label one=1 --label two tiny true < /dev/null
check 'ps -l is the newest' test "$(im ps -l --format '{{.Names}} {{.Labels}}')" = 'alpha one=1,two'
check 'ps -n' test "$(im ps -n 2 --format '{{.Names}}' | tr '\n' ' ')" = 'alpha one '
check 'ps -n 0' test -z "$(im ps -n 0 -q)"
check 'ps --sort' test "$(im ps -a --sort image --sort names --format '{{.Names}}' | tr '\n' ' ')" = 'alpha one '
check 'by another key' test "$(im ps -a --sort command --format '{{.Names}}' | tr '\n' ' ')" = 'one alpha '
check 'by a label' test "$(im ps -a --filter label=one=1 --filter label=two --format '{{.Names}}')" = alpha
check 'and not by another' test -z "$(im ps -a -q --filter label=one=2)$(im ps -a -q --filter label=on)$(im ps -a -q --filter label=two=)"
check 'by an exit code' test "$(im ps --filter exited=3 --format '{{.Names}}')" = one
check 'the name is a regular expression' test "$(im ps -a -q --filter 'name=^al.*a$' | wc -l)$(im ps -a -q --filter 'name=^lpha$')" = 1
check 'a state that none is in' test -z "$(im ps -a -q --filter status=paused)"
check 'the time' grep -q '^20[0-9-]* [0-9:]* +0000 UTC$' <(im ps -l --format '{{.CreatedAt}}')
check 'whole ids in columns of their own' test "$(im ps -a -l --no-trunc | tail -n 1 | cut -d ' ' -f 1 | wc -c)" = 65
check 'options after the names' test "$(im commit alpha after:1 -q | wc -l; im rmi after:1 > /dev/null; im export alpha -o after.tar; im rm nosuch -t 3 -f; test -s after.tar && echo exported)" = $'1\nexported'
output=$(im rm -- -f 2>&1)
check 'but behind --' grep -q '^immure: -f: there is no container' <<< "$output"
check 'in columns' test "$(im ps -a --sort names --format 'table {{.Names}}\t{{.ExitCode}}\t{{.State}}')" = $'NAMES  EXITCODE  STATE\nalpha  0         exited\none    3         exited'
check 'without titles' test "$(im ps -a --noheading | wc -l)" = 2
for words in '--sort size' '--last x' '--filter exited=x' '--filter nosuch=x' '--filter status=x' '--filter name=('; do
	# shellcheck disable=SC2086 # two words
	output=$(im ps -a $words 2>&1)
	check "ps $words is refused" grep -q "^immure: ${words%% *}" <<< "$output"
done
check 'rm -i of none' im rm -i nosuch
run --name same --label sorted tiny true < /dev/null
run --name equal --label sorted tiny true < /dev/null
sleep 1.1
run --name youngest --label sorted tiny wc < /dev/null > /dev/null
check 'ps --sort leaves equal ones in their order' test "$(im ps -a --filter label=sorted --sort command --format '{{.Names}}')" = \
	"$(im ps -a --filter label=sorted --format '{{.Names}}' | grep -vx youngest)"$'\nyoungest'
im rm same equal youngest > /dev/null
im rm alpha > /dev/null
output=$(run --name one tiny true 2>&1 < /dev/null)
check 'its name is taken' grep -q 'another container has this name' <<< "$output"
run --name again tiny sh -c 'cat /count 2> /dev/null; echo line >> /count' < /dev/null
check 'start runs it again, in what it left' test "$(im start -a again < /dev/null)" = line
check 'and again' test "$(im start -a again < /dev/null | wc -l)" = 2
output=$(im start again 2>&1)
check 'start without -a says so' grep -q 'not there yet' <<< "$output"
THEN='then' run --name env -e A=1 -e CALLERS -e THEN -w /tmp -u app tiny sh -c 'echo $A $THEN $CALLERS $(pwd) $(id -u)' < /dev/null > /dev/null
check 'start has the options of the first run' test "$(CALLERS=other THEN=other im start -a env < /dev/null)" = '1 then /tmp 33'
id=$(im ps -a --no-trunc --filter name=one --format '{{.ID}}')
check 'an id has 64 digits' test ${#id} = 64
check 'found by the beginning of its id' test "$(im rm "${id:0:10}")" = "${id:0:10}"
check 'rm frees the name' run --name one --rm tiny true
output=$(run --name words tiny echo $(seq 70000) 2>&1 < /dev/null)
check 'more words than can be kept are refused' grep -q 'cannot be kept' <<< "$output"
check 'and nothing stands in the way of the others' im ps -a
check 'twenty thousand are few enough' test "$(run --rm tiny echo $(seq 20000) < /dev/null | wc -w)" = 20000
output=$(im rm nosuch 2>&1)
check 'rm of none' grep -q 'no container' <<< "$output"
check 'rm -f of none' im rm -f nosuch
check 'rm of several' im rm again env
check 'nothing is left' test -z "$(left)"

# ---- images by the beginning of their ids ----
id=$(im images -q --no-trunc tiny)
id=${id#sha256:}
few=$(im images -q --no-trunc | few_digits "$id")
gives 'three digits of an id are enough' ok "$few" echo ok
gives 'with the algorithm before them' ok "sha256:$few" echo ok
says 'two are not' 'not here' --pull never "${id:0:2}" true
python3 - tiny.tar twin.tar << 'END'
import hashlib, io, json, sys, tarfile
# the same configuration under another manifest, and another name
files = {}
with tarfile.open(sys.argv[1]) as source:
    for member in source:
        if member.isfile(): files[member.name.removeprefix('./')] = source.extractfile(member).read()
index = json.loads(files['index.json'])
entry = index['manifests'][0]
manifest = json.loads(files['blobs/sha256/' + entry['digest'][7:]])
manifest['annotations'] = {'org.example.twin': 'yes'}
text = json.dumps(manifest).encode()
entry['digest'], entry['size'] = 'sha256:' + hashlib.sha256(text).hexdigest(), len(text)
entry['annotations'] = {'org.opencontainers.image.ref.name': 'docker.io/library/twin:1'}
files['blobs/sha256/' + entry['digest'][7:]] = text
files['index.json'] = json.dumps(index).encode()
files.pop('manifest.json', None)
with tarfile.open(sys.argv[2], 'w') as out:
    for name, data in files.items():
        info = tarfile.TarInfo(name); info.size = len(data); out.addfile(info, io.BytesIO(data))
END
check 'another manifest of the same configuration comes' im load -q -i twin.tar
check 'with the same id' test "$(im inspect --format '{{.Id}}' twin:1)" = "$(im inspect --format '{{.Id}}' tiny)"
check 'and another digest' test "$(im inspect --format '{{.Digest}}' twin:1)" != "$(im inspect --format '{{.Digest}}' tiny)"
gives 'by the id it is one image' ok "${id:0:12}" echo ok
check 'for other verbs, too' im inspect "${id:0:12}"
im rmi twin:1 > /dev/null

# ---- short names, as registries.conf has them ----
if command -v docker-registry > /dev/null && command -v skopeo > /dev/null; then
	registry registry "$(printf '%s\n' 'version: 0.1' 'log: {level: error}' "storage: {filesystem: {rootdirectory: $work/registry}}" 'http: {addr: "127.0.0.1:0"}')"
	port=${address#*:}
	im save -q -o alias.tar tiny
	skopeo copy -q --dest-tls-verify=false docker-archive:alias.tar "docker://127.0.0.1:$port/org/system:latest" || cat registry.log
	export CONTAINERS_REGISTRIES_CONF=$work/registries.conf
	printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = true\n[aliases]\n"short" = "127.0.0.1:%s/org/system"\n"org/short" = "127.0.0.1:%s/org/system"\n' \
		"$port" "$port" "$port" > registries.conf
	says 'a short name that nobody has pulled' 'not here' --pull never short true
	gives 'run pulls it under the name that pull would give it, and prints nothing of its own' once short echo once
	check 'which is the only one' test "$(im images --format '{{.Repository}}' | grep -c -e short -e org/system)" = 1
	gives 'then it is here' twice --pull never short echo twice
	gives 'and by its long name' long --pull never "127.0.0.1:$port/org/system" echo long
	gives 'with --pull always' again --pull always -q short echo again
	kill "$registry"
	gives 'another short name of what is here needs no registry' third org/short echo third
	check 'other verbs know it' im inspect short
	printf '[aliases]\n"short" = "docker.io/library/tiny"\n' > registries.conf
	check 'a name means what it was pulled as last' test "$(im pull -q --policy missing short && im inspect --format '{{.RepoTags}}' short)" != ''
	check 'and nothing else' im rmi "127.0.0.1:$port/org/system"
	gives 'whatever becomes of that' last --pull never short echo last
	says 'a short name of what is gone' 'not here' --pull never org/short true
	unset CONTAINERS_REGISTRIES_CONF
else
	skip 'short names' 'docker-registry or skopeo is missing'
fi

# ---- the storage ----
mkdir -p house
output=$(unset XDG_DATA_HOME; HOME=$work/house run --rm -v "$work/house:/h" tiny sh -c 'mkdir /h/.local/share/immure/storage/tags && echo made' 2>&1 < /dev/null)
check 'the storage of every day is protected where another is used' grep -q 'Read-only' <<< "$output"

# ---- credentials ----
for file in "$HOME/auth.json" "$work/auth.json" /tmp/auth.json; do
	output=$(im login --authfile "$file" -u me --password-stdin localhost:1 <<< word 2>&1)
	check "credentials do not lie beside other things: $file" grep -q 'directory of its own' <<< "$output"
done
output=$(REGISTRY_AUTH_FILE=/$work/../${work##*/}/auth.json im login -u me --password-stdin localhost:1 <<< word 2>&1)
check 'by whatever name' grep -q 'directory of its own' <<< "$output"
[ -z "${IMMURE_UNDER_ASAN:-}" ] || { mkdir fresh && mkdir -m 700 fresh/.config && cp -r "$HOME/.config/immure" fresh/.config/; } # see lib.sh
output=$(unset XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME; HOME=$work/fresh im login -u me --password-stdin localhost:1 <<< word 2>&1)
check 'the directory of credentials is made' grep -q 'cannot connect' <<< "$output"
check 'for nobody else' test "$(stat -c %a fresh/.config fresh/.config/containers | tr '\n' ' ')" = '700 700 '

# ---- cp ----
run --name files tiny sh -c 'mkdir -p /data/sub; echo content > /data/sub/file; ln -s /etc/passwd /data/link; echo x > /data/run; chmod 755 /data/run' < /dev/null
check 'a file comes out' test "$(im cp files:/data/sub/file out && cat out)" = content
check 'a tree comes out' test "$(im cp files:/data tree && cat tree/sub/file)" = content
check 'a link comes out as one' test "$(readlink tree/link)" = /etc/passwd
check 'a mode is kept' test -x tree/run
check 'into a directory' test "$(mkdir -p into && im cp files:/data into && cat into/data/sub/file)" = content
check 'the content of one' test "$(mkdir -p inner && im cp files:/data/. inner && cat inner/sub/file)" = content
echo back > back
check 'a file goes in' test "$(im cp back files:/data/ && im cp files:/data/back returned && cat returned)" = back
check 'a tree goes in' test "$(im cp into files:/srv && im cp files:/srv/into/data/sub/file returned && cat returned)" = content
output=$(im cp files:/no/such out 2>&1)
check 'what is not there is told' grep -q 'No such file' <<< "$output"
output=$(im cp files:/data/link files:/srv/link 2>&1)
check 'from one container to another nothing goes' grep -q 'the other a path of the host' <<< "$output"
mkdir -p "$(printf 'deep/%.0s' {1..210})"
output=$(im cp deep files:/srv 2>&1)
check 'what is too deep is told' grep -q 'too deep' <<< "$output"
mkdir -p held/sub
echo precious > held/file
echo old > held/sub/file
im cp files:/no/such held/file > /dev/null 2>&1
im cp files:/data/such held/file > /dev/null 2>&1
check 'a copy of nothing takes nothing away' test "$(cat held/file)" = precious
run --name odd tiny sh -c 'busybox mkfifo /fifo /file' < /dev/null
output=$(im cp odd:/fifo held/file 2>&1)
check 'a FIFO cannot be copied' grep -qi 'not supported' <<< "$output"
im cp odd:/file held > /dev/null 2>&1
check 'and what it would have replaced stays' test "$(cat held/file)" = precious
im rm odd > /dev/null
check 'files in a tree are replaced' test "$(im cp files:/data/. held && cat held/sub/file)" = content
check 'whole, and with nothing beside them' test -z "$(find held -name '.immure*')"
run --name holes tiny sh -c 'echo begin > /holes; busybox truncate -s 1024G /holes; echo end >> /holes' < /dev/null
check 'holes stay holes' timeout 20 "$immure" cp --storage "$storage" holes:/holes holes
check 'between what is there' test "$(head -c 5 holes; tail -c 4 holes; stat -c %s holes)" = "$(printf 'beginend\n%d' $(((1 << 40) + 4)))"
rm -f holes
im rm holes > /dev/null
check 'a file of /proc goes in' im cp /proc/self/mounts files:/mounts
check 'with what is in it' test "$(im cp files:/mounts mounts && grep -c . mounts)" -gt 1
run --name trap tiny sh -c "mkdir /t; ln -s $canary /t/out; ln -s / /t/root" < /dev/null
echo evil > evil
im cp evil trap:/t/out/secret > /dev/null 2>&1
im cp evil trap:/t/root/etc/evil > /dev/null 2>&1
im cp trap:/t/out/secret leaked > /dev/null 2>&1
check 'links in a container lead nowhere outside' test -z "$(canary_changes)$(grep -sF "$secret" leaked)"
im rm files trap > /dev/null

# ---- what a launch makes to mount over it is no change of the container's ----
mkdir -p bare/bin single-file
cp "$(command -v busybox)" bare/bin/busybox
ln -s busybox bare/bin/sh
: > single-file/it
make_image -o bare.tar -n bare --layer bare --volume /vol
im load -q -i bare.tar > /dev/null
run --name stubs -v named:/named/place -v "$work/shown:/mnt/x" -v "$work/single-file/it:/etc/it" --tmpfs /scratch bare sh -c ':' < /dev/null
check 'a run that wrote nothing shows no change' test -z "$(im diff stubs)"
check 'nor does a second one' test -z "$(im start -a stubs > /dev/null 2>&1; im diff stubs)"
check 'nor does its image' test "$(im commit -q stubs still:1 > /dev/null; im export stubs | tar -t | grep -c -e etc -e proc -e scratch -e named)" = 0
im rm stubs > /dev/null
im volume rm named > /dev/null
run --name stubs -v "$work/shown:/mnt/x" -v "$work/shown:/srv/x" -v "$work/shown:/opt/x" bare busybox sh -c \
	'busybox mkdir /empty; > /etc/own; > /zero; busybox chmod 700 /mnt; > /srv/beside; busybox rm -f /opt/none' < /dev/null
check 'what it wrote stays, empty or not' test "$(im diff stubs | tr '\n' ' ')" = 'A /empty A /etc A /etc/own A /mnt A /srv A /srv/beside A /zero '
im rm stubs > /dev/null
mkdir -p up
"$immure" run --storage "$storage" --name stubs -v "$work/up:/up" -v named:/named/place -v ./shown:/mnt/x -v "$work/shown:/mnt/y/z" -v "$work/single-file/it:/etc/it" \
	--tmpfs /scratch --mount "type=bind,src=$work/shown,dst=/bound" bare busybox sh -c ': > /etc/own; busybox mkdir /empty; : > /up/flag; exec busybox sleep 1000' < /dev/null &
pid=$!
helpers+=("$pid")
await test -e up/flag
check 'nor does one that runs show them' test "$(cd / && im diff stubs | tr '\n' ' ')" = 'A /empty A /etc A /etc/own '
check 'or have them in its image' test "$(cd / && im commit -q stubs still:1 > /dev/null; run --rm still:1 busybox ls / /etc < /dev/null | grep -c -e mnt -e named -e scratch -e bound -e it)" = 0
kill -KILL "$pid"
wait "$pid" 2> /dev/null
# shellcheck disable=SC2317 # await() calls it
exited() { [ "$(im ps -a --filter "name=$1" --format '{{.State}}')" = exited ]; }
await exited stubs # its jail ends a moment after it
check 'or one whose launcher was killed' test "$(cd / && im diff stubs | tr '\n' ' ')" = 'A /empty A /etc A /etc/own '
im rm stubs > /dev/null
im volume rm named > /dev/null
run --name stubs tiny sh -c ':' < /dev/null
check 'a directory of the image that only held one is as before' test -z "$(im diff stubs)"
im rm stubs > /dev/null
run --name stubs tiny sh -c 'chmod 700 /etc' < /dev/null
check 'one that was changed is not' test "$(im diff stubs)" = 'C /etc'
check 'and keeps that' test "$(im start -a stubs; im commit -q stubs changed:1 > /dev/null; run --rm changed:1 stat -c %a /etc < /dev/null)" = 700
im rm stubs > /dev/null
run --name stubs tiny sh -c 'rm -r /etc 2> /dev/null' < /dev/null
check 'what it removed beside one stays removed' test "$(run --rm "$(im commit -q stubs hidden:1 > /dev/null; echo hidden:1)" sh -c 'ls /etc | wc -l' < /dev/null)" = 2
im rm stubs > /dev/null

# ---- diff, commit, export ----
run --name work tiny sh -c 'echo new > /new; mkdir /made; echo x > /made/x; rm /opt/third; echo changed > /opt/version; chown 33:34 /made/x' < /dev/null
check 'diff shows what changed' test "$(im diff work | grep -E ' /(new|made|made/x|opt/third|opt/version)$' | sort | tr '\n' ';')" = \
	'A /made;A /made/x;A /new;C /opt/version;D /opt/third;'
check 'commit makes an image' im commit -q -m message -a me -c 'ENV ADDED=yes' -c 'CMD ["cat", "/new"]' -c 'WORKDIR /made' -c 'USER app' work worked:1
check 'which runs' test "$(run --rm worked:1 < /dev/null)" = new
check 'with what was changed' test "$(run --rm worked:1 sh -c 'echo $ADDED $(pwd) $(id -u) $(cat /opt/version) $(ls /opt | wc -l) $(stat -c %u /made/x)' < /dev/null)" = 'yes /made 33 changed 1 33'
check 'and is listed' test "$(im images --format '{{.Repository}}:{{.Tag}}' worked)" = docker.io/library/worked:1
check 'its layer holds the difference only' test "$(im history -q worked:1 | wc -l)" = 4
check 'export writes the tree' test "$(im export work | tar -xOf - opt/version new | sort | tr '\n' ' ')" = 'changed new '
check 'export to a file' test "$(im export -o exported.tar work && tar -tf exported.tar | grep -c '^\(./\)\?opt/third$')" = 0
check 'import makes an image of it' test "$(im import -q exported.tar imported:1 > /dev/null; run --rm imported:1 cat /new < /dev/null)" = new
output=$(im commit work UPPER 2>&1)
check 'a bad name of an image' grep -q UPPER <<< "$output"
output=$(im cp work:/new - 2>&1)
check 'cp writes no archive' grep -q 'no archives' <<< "$output"
output=$(im rmi tiny 2>&1)
check 'an image in use stays' grep -q 'was made from this image' <<< "$output"
im rm work > /dev/null

# ---- volumes ----
check 'a volume at /etc takes the names along' test "$(run --rm -v conf:/etc tiny sh -c 'ls -d /etc' < /dev/null)$(im volume rm conf)" = /etcconf
check 'no new privileges: always so' test "$(run --rm --security-opt no-new-privileges tiny echo x < /dev/null)" = x
check 'a new volume has what the image has there' test "$(run --rm -v data:/srv/app tiny cat /srv/app/seed < /dev/null)" = seed
run --rm -v data:/srv/app tiny sh -c 'echo more > /srv/app/more; rm /srv/app/seed' < /dev/null
check 'and keeps what is written' test "$(run --rm -v data:/elsewhere tiny ls /elsewhere < /dev/null)" = more
check 'by --mount, read-only' test "$(run --rm --mount type=volume,src=data,dst=/m,readonly tiny sh -c 'echo x > /m/x || echo refused' < /dev/null 2> /dev/null)" = refused
check 'readonly in front of the type, too' test "$(run --rm --mount readonly,dst=/m,type=volume,src=data tiny sh -c 'echo x > /m/x || echo refused' < /dev/null 2> /dev/null)" = refused
check 'without a type it is a volume' test "$(run --rm --mount src=data,dst=/m tiny ls /m < /dev/null)" = more
check 'but where the source is a path' test "$(run --rm --mount "src=./shown,dst=/m" tiny cat /m/it < /dev/null)" = shown
check 'ro=false is none' test "$(run --rm --mount type=volume,src=data,dst=/m,ro=false tiny sh -c 'echo x > /m/x && rm /m/x && echo written' < /dev/null)" = written
says 'what no volume can be' 'a volume is shared' -v data:/m:Z tiny echo started
check 'it is listed' test "$(im volume ls -q)" = data
check 'inspect says where it lies' test "$(cat "$(im volume inspect data | jq -r '.[0].Mountpoint')/more")" = more
check 'and nothing else, where that is asked for' test "$(cat "$(im volume inspect -f '{{ .Mountpoint }}' data)/more")" = more
check 'of two in one array, of a third an error' test "$(im volume create other; im volume inspect data nosuch other 2> said | jq -r 'map(.Name) | join(" ")'; grep -c nosuch said; im volume rm other)" = $'other\ndata other\n1\nother'
run --name user -v data:/d tiny true < /dev/null
output=$(im volume rm data 2>&1)
check 'one in use stays' grep -q 'in use by the container user' <<< "$output"
im rm user > /dev/null
run --name user --mount 'type=volume,dst=/src=data,src=other' --mount "type=bind,src=$work/shown,dst=/source=data" tiny true < /dev/null
output=$(im volume rm other 2>&1)
check 'by --mount, too' grep -q 'in use by the container user' <<< "$output"
check 'but none is that is only spelt in a path: rm removes it' im volume rm data
im rm user > /dev/null
im volume rm other > /dev/null
check 'and it is gone' test -z "$(im volume ls -q)"
check 'create and prune' test "$(im volume create a b | wc -l)$(im volume prune | wc -l)$(im volume ls -q)" = 22
output=$(im volume create ../x 2>&1)
check 'a bad name' grep -q 'no name of a volume' <<< "$output"
tiny holds --volume /data --volume /srv/app
check 'a volume of the image can be written' test "$(run --rm --read-only holds sh -c 'echo x > /data/x; cat /data/x /srv/app/seed' < /dev/null | tr '\n' ' ')" = 'x seed '
check 'and goes with its container' test -z "$(im volume ls -a -q)"
run --name holds holds sh -c 'echo mine > /data/mine' < /dev/null
check 'but stays as long as it does' test "$(im start -a holds > /dev/null; im volume ls -a -q | wc -l)" = 2
im rm holds > /dev/null
check 'rm takes them along' test -z "$(im volume ls -a -q)"

# nothing WHAT WORDS…: a refusal that leaves neither a volume nor a container nor a file
nothing() {
	local what=$1 output status
	shift
	output=$(run --cidfile fresh-id "$@" 2>&1 < /dev/null); status=$?
	if [ $status = 125 ] && [ -z "$(left)$(find "$storage/volumes" -mindepth 1)" ] && [ ! -e fresh-id ]; then ok "$what leaves nothing"
	else not_ok "$what leaves nothing" "status $status" "$output" "$(find "$storage/volumes" -maxdepth 1)" "$(left)"; fi
}
nothing 'a bad host' -v fresh:/srv/app --add-host x:y tiny true
nothing 'two mounts at one place' -v fresh:/d -v other:/d tiny true
nothing 'a directory that is none' --rm -v fresh:/d -w /etc/passwd tiny true
nothing 'a receipt that cannot be written' -v fresh:/d --receipt /no/such tiny true
im volume create old > /dev/null
output=$(run -v old:/srv/app --add-host x:y tiny true 2>&1 < /dev/null)
check 'a volume that was there before stays' test "$(im volume rm old)" = old

# ---- files of other ids ----
if [ -n "$(sed -n "s/^$(id -un):.*/x/p" /etc/subuid)" ] && command -v newuidmap > /dev/null; then
	run --name ids tiny sh -c '[ -e /x/y/z ] && exit 5; mkdir -p /x/y; touch /x/y/z; chown -R 33:34 /x; chmod 700 /x /x/y' < /dev/null
	check 'start finds them' test "$(im start -a ids > /dev/null 2>&1; echo $?)" = 5
	check 'rm removes what belongs to other ids' im rm ids
	check 'and nothing is left' test -z "$(left)"
	gives 'another user of the image cannot read root'"'"'s' refused tiny sh -c 'echo x > /s; chmod 600 /s; chown 0 /s; busybox su app -c "cat /s" 2> /dev/null || echo refused'
	output=$(unshare -r --map-auto "$immure" run --storage "$storage" --rm tiny true 2>&1 < /dev/null)
	check 'root is told to become somebody' test $? = 125 -a "${output#*for ordinary users}" != "$output"
else
	skip 'files of other ids' 'this user has no subordinate ids'
fi
run --rm tiny sh -c 'i=0; d=/deep; while [ $i -lt 300 ]; do d=$d/d; i=$((i+1)); done; mkdir -p $d; chmod 0 /deep' < /dev/null
check 'a deep tree goes' test -z "$(left)"

# ---- single-id mode ----
echo '{"version": 1, "name": "single", "extends": "container", "identity": {"map": "single", "uid": 0, "gid": 0}}' > single.json
check 'one id is enough' test "$(run --rm -p ./single.json tiny sh -c 'touch /x; chown 33:34 /x && echo owned' < /dev/null)" = owned
check 'a user of one id' test "$(run --rm -p ./single.json -u app tiny id -u < /dev/null)" = 33
check 'a volume of one id' test "$(run --rm -p ./single.json -v one:/srv/app tiny cat /srv/app/seed < /dev/null)" = seed
im volume rm one > /dev/null
says 'further groups with one id' 'no process change its groups' --rm -p ./single.json --group-add staff tiny echo started
check 'nothing is left of it' test -z "$(left)"

# a link of an image may lead a tmpfs anywhere in the root: what lies in that tmpfs is made there, never where the link leads on the host
mkdir -p "$work/links/var" "$work/led" "$work/shown"
echo shown > "$work/shown/file"
ln -s "$work/led" "$work/links/data" && ln -s /tmp "$work/links/var/tmp"
make_image -o "$work/linked.tar" -n linked --layer "$work/layers/1" --layer "$work/links"
im load -q -i "$work/linked.tar" > linked.log 2>&1
below=(--rm --tmpfs /data -v "$work/shown/file:/data/in/file" -v "$work/shown:/data/dir" --tmpfs /data/own)
check 'what lies below a tmpfs behind a link of the image' test "$(run "${below[@]}" linked cat /data/in/file /data/dir/file < /dev/null 2> below.log | tr '\n' ' ')" = \
	'shown shown '
check 'is not made on the host' test -z "$(ls -A "$work/led")"
mutant plain-below run --storage "$storage" "${below[@]}" linked true < /dev/null > mutant.log 2>&1
check 'without the guard it is' test -n "$(ls -A "$work/led")"
output=$(run --rm --read-only -v "$work/shown/file:/var/tmp/x.$$" linked cat "/tmp/x.$$" < /dev/null 2> below.log)
check 'nor where two places for scratch are one' test "$output $(find /tmp -maxdepth 1 -name "x.$$")" = 'shown '
rm -rf "${work:?}/led"/*
mkdir -p "$work/rootfs"/{dev,proc,sys,tmp} && ln -s "$work/led" "$work/rootfs/data"
printf '%s\n' "{\"version\": 1, \"extends\": \"container\", \"files\": {\"mounts\": [{\"tmpfs\": \"/data\"}, {\"file\": \"/data/file\", \"content\": \"x\"}," \
	"{\"symlink\": \"/data/link\", \"to\": \"file\"}, {\"directory\": \"/data/dir\"}]}}" > "$work/below.json"
immure jail -p "$work/below.json" --rootfs "$work/rootfs" /none < /dev/null > rootfs.log 2>&1
check 'nor below one in a directory as root' test -z "$(ls -A "$work/led")"

# a storage on overlayfs, as in a container of somebody else's: nothing but another place helps
mkdir -p "$work"/over/{lower,upper,work,merged}
output=$(unshare -rm sh -c "cd '$work/over' && mount -t overlay overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work merged &&
	'$immure' load -q --storage '$work/over/merged/storage' -i '$work/tiny.tar'" 2>&1)
check 'layers cannot be unpacked on overlayfs' test $? = 125
check 'and it says so' grep -q 'storage on overlayfs.*--storage' <<< "$output"

finish
