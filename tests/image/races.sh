#!/bin/bash
# Two at once, one of them stopped between its look and its deed: nobody is told what is not so, and nobody loses what is his.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the container
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 2
need strace
tiny tiny

# stop_at CALL:N[:PATH] VERB WORDS…: in the background, in a session of its own, stopped once it has made that call for the Nth time (on that
# path); its pid in $pid, what it says in said.N, N the number of the stop. The tracer follows none of its children.
stops=0
stop_at() {
	local call number path
	IFS=: read -r call number path <<< "$1"
	said=said.$((stops += 1))
	rm -f trace
	setsid strace -D -q -o trace ${path:+-P "$path"} -e "trace=$call" -e "inject=$call:signal=SIGSTOP:when=$number" \
		"$immure" "$2" --storage "$storage" "${@:3}" < /dev/null > "$said" 2>&1 &
	pid=$!
	helpers+=("$pid")
	await grep -qs 'stopped by SIGSTOP' trace || cat "$said" trace >&2
}
# go_on: until it has ended; its status and what it said in $outcome
go_on() {
	kill -CONT "${1:-$pid}"
	wait "${1:-$pid}"
	outcome="$? $(cat "${2:-$said}")"
}
id_of() { im ps -a --no-trunc --filter "name=^$1\$" --format '{{.ID}}'; } # NAME
volumes() { find "$storage/volumes" -mindepth 1 -maxdepth 1 -printf '%f\n'; }

# ---- one that is gone by the time it is taken ----
for way in '' --ignore --force; do
	run --name a tiny true
	stop_at flock:2 rm ${way:+$way} a
	im rm a > /dev/null
	go_on
	case $way in
	'') expected='125 immure: a: is gone: another process has removed it' ;;
	*) expected='0 ' ;;
	esac
	check "rm $way of one that somebody else removes meanwhile" grep -Eq "^$expected(a)?" <<< "$outcome"
done
run --name a tiny true
run --name b tiny true
stop_at flock:4 rm --all
im rm a > /dev/null
go_on
check 'rm --all does without it' test "${outcome%% *} $(left | wc -l)" = '0 0'

# ---- two that remove the same one ----
dead=$(printf 'd%.0s' {1..64})
for place in 8 12 60 100; do
	mkdir -p "$storage/transient/$dead"/{upper/{1..50}/below/deeper,work}
	printf x > "$storage/transient/$dead/container.json"
	stop_at unlinkat:$place rm "${dead:0:12}"
	rm -f "$storage/transient/$dead/container.json" # whose turn it may be before the rest
	run --rm tiny true
	check 'a sweep ends what another has begun' test ! -e "$storage/transient/$dead"
	go_on
	check 'who then finds nothing left, as it should be' test "$outcome" = "0 ${dead:0:12}"
done

# ---- whom rm -f kills ----
# The lock names who took it, and a child may still have it when he is gone and his number another's: here he is there, but has let go.
mkdir -p "$storage/transient/$dead"/{upper,work}
printf x > "$storage/transient/$dead/container.json"
python3 - "$storage/transient/$dead" << 'END' &
import fcntl, os, sys, time
container = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(container, fcntl.LOCK_EX)
if os.fork() == 0:
    time.sleep(1000)
os.close(container)
open("let-go", "w")
time.sleep(1000)
END
another=$!
await test -e let-go
child=$(child_of $another python3)
helpers+=("$another" "$child")
output=$(im rm -f "${dead:0:12}" 2>&1)
check 'not one who has not the container open' kill -0 "$another"
check 'it says what it could not end' grep -q 'does not end' <<< "$output"
kill "$another" "$child"
wait "$another" 2> /dev/null
check 'and it can when it is free' im rm -f "${dead:0:12}"

# ---- names ----
ln -s "$dead" "$storage/names/free"
stop_at "readlinkat:2:$storage/names" run --name free tiny true
"$immure" run --storage "$storage" --name free tiny true < /dev/null > second 2>&1 &
second=$!
sleep 1 # as much as it needs to take the name from under the other one; or it waits
go_on
wait "$second"
check 'a name that leads nowhere is given to one of two' test "$((${outcome%% *} + $?)) $(im ps -a --format '{{.Names}}')" = '125 free'
check 'and leads to that one' test "$(readlink "$storage/names/free")" = "$(id_of free)"
im rm --all > /dev/null

# ---- run --replace ----
# waits_for PID: for what that one is at, which goes on once the name has been tried for a few times
waits_for() {
	local other=$1 its=$said
	stop_at symlinkat:6 run --replace --name x tiny true
	go_on "$other" "$its"
	go_on
}
run --name x tiny true
stop_at renameat:1 rm x
waits_for "$pid"
check 'run --replace takes the name of one that is being removed' test "$outcome" = '0 '
check 'and has it' test "$(readlink "$storage/names/x")" = "$(id_of x)"
im rm x > /dev/null
for place in renameat:3 renameat:4; do # where it has put the other one aside; where it has the name, and its record does not say so
	run --name x tiny true
	stop_at "$place" run --replace --name x tiny true
	waits_for "$pid"
	check 'or of one that is being replaced' test "$outcome" = '0 '
	check 'and has it' test "$(readlink "$storage/names/x")" = "$(id_of x)"
	im rm x > /dev/null
done
run --name x tiny true
stop_at renameat:5 run --replace --name x tiny true
check 'or of one that has just replaced another' run --replace --name x tiny true
wait "$pid" 2> /dev/null
check 'which is ended' test $? = 137
run --name x tiny true
stop_at symlinkat:3 run --replace --name x tiny true
kill -KILL "$pid" # with the name on its way
wait "$pid" 2> /dev/null
ln -s "$dead" "$storage/names/nobody"
im rm --all --force > /dev/null
check 'nothing is left, not a name' gone 2

# ---- what the record said when it was found, and has said since ----
stop_at renameat:2 run --name late -v /anonymous tiny sleep 1000
runner=$pid
setsid strace -D -q -o trace2 -P /proc/locks -e trace=openat -e inject=openat:signal=SIGSTOP:when=1 \
	"$immure" rm --storage "$storage" -f late > removed 2>&1 &
remover=$!
helpers+=("$remover")
await grep -qs 'stopped by SIGSTOP' trace2
kill -CONT "$runner"
# shellcheck disable=SC2317
has_volume() { compgen -G "$storage/volumes/[0-9a-f]*" > /dev/null; }
await has_volume
kill -CONT "$remover"
wait "$remover"
check 'rm -f takes along a volume that was made since it looked' test "$? $(volumes)" = '0 '
check 'nothing is left' gone 2
im volume prune > /dev/null

# ---- start ----
run --name again tiny echo up
exec 8< "$storage/containers/$(id_of again)"
flock -s 8
stop_at "flock:20:$(readlink /proc/$$/fd/8)" start -a again 8<&-
exec 8<&-
go_on
check 'start waits for one who only asks whether it runs' test "$outcome" = '0 up'
im rm again > /dev/null

# ---- one that is being read ----
run --name read tiny sh -c 'echo > /written'
for way in '' --force; do
	stop_at flock:3 commit -q read copy
	output=$(im rm ${way:+$way} read 2>&1)
	check "rm $way of one that is being committed is refused" test "$? $output" = '125 immure: read: is being read by another process'
	check 'so is what would change it' test "$(im cp tiny.tar read:/x 2>&1)" = 'immure: read: is being read by another process'
	go_on
	check 'and the image is whole' test "${outcome%% *} $(run --rm copy ls /written)" = '0 /written'
done
stop_at flock:3 diff read
check 'two may read it' test "$(im export read | tar -tf - | grep -c written)" = 1
go_on
stop_at flock:5 rm read
output=$(im commit -q read copy 2>&1)
check 'one that is being removed cannot be read' test "$? $output" = '125 immure: read: is being changed or removed by another process'
go_on
run --name read tiny true
stop_at flock:2 commit -q read copy
im rm read > /dev/null
go_on
check 'nor one that is gone' test "$outcome" = '125 immure: read: is gone: another process has removed it'
# shellcheck disable=SC2317
runs() { [ -n "$(im ps -q)" ]; }
for way in 'rm -f passing' kill 'kill at once'; do
	setsid "$immure" run --storage "$storage" --rm --name passing tiny sleep 1000 < /dev/null > /dev/null 2>&1 &
	runner=$!
	helpers+=("$runner")
	await runs
	place=wait4:1 # it has been read
	[ "$way" != 'kill at once' ] || place=flock:3 # it has been found, and its image
	stop_at $place export -o passing.tar passing
	if [ "$way" != 'rm -f passing' ]; then
		kill -TERM "$runner"
		expected='125 immure: passing: was removed meanwhile: what was read of it may not be whole'
	else
		check 'one that runs is ended, and stays until it has been read' test "$(im rm -f passing 2>&1)" = 'immure: passing: is being read by another process'
		expected='0 '
	fi
	wait "$runner"
	go_on
	check "$way: who reads it is told whether it was there to the end" test "${outcome%% *} $(tail -n 1 "$said")" = "$expected"
	im rm -i passing > /dev/null
done
check 'nothing is left' gone 2
im rmi -f copy > /dev/null

# ---- volumes ----
for verb in 'rm --all' prune; do
	im volume create one two > /dev/null
	# shellcheck disable=SC2086
	stop_at renameat:1 volume $verb
	check "volume prune beside volume $verb" im volume prune
	go_on
	check "volume $verb beside volume prune" test "${outcome%% *} $(volumes)" = '0 '
	# shellcheck disable=SC2086
	im volume create one two > /dev/null
	# shellcheck disable=SC2086
	stop_at "openat:1:$storage/volumes" volume $verb
	im volume rm one two > /dev/null
	go_on
	check "volume $verb of what is gone by then" test "${outcome%% *} $(volumes)" = '0 '
	im volume prune > /dev/null
done
# one that a run has just found is put away, while it is asked once more who has it
im volume create kept > /dev/null
echo precious > "$storage/volumes/kept/data/word"
setsid strace -D -q -o trace2 -e trace=flock,renameat -e inject=flock,renameat:signal=SIGSTOP:when=1 \
	"$immure" volume rm --storage "$storage" kept < /dev/null > removing 2>&1 &
remover=$!
helpers+=("$remover")
await grep -qs 'stopped by SIGSTOP' trace2 # it has seen that nobody has it
stop_at "openat,faccessat2:1:$storage/volumes" run --rm -v kept:/v tiny sh -c 'cat /v/word 2> /dev/null || echo new'
kill -CONT "$remover"
await grep -qs '^renameat' trace2 || cat removing
(for _ in 1 2 3; do sleep 0.3; kill -CONT "$remover" "$pid" 2> /dev/null; done) &
go_on
wait "$remover"
check 'a run beside the removal of its volume has the old one or a new one' \
	grep -Eq '^(0 precious immure: kept: .*|0 new kept)$' <<< "$outcome $(head -n 1 removing)"
im volume prune > /dev/null

# ---- names of images ----
alone=$work/alone
alone() { "$image" --storage "$alone" "$@"; }
# stop_image CALL:N[:PATH]:ERROR VERB WORDS…: stopped at that call, which fails and is made again
stop_image() {
	local call number path error
	IFS=: read -r call number path error <<< "$1"
	said=said.$((stops += 1))
	rm -f trace
	setsid strace -D -q -o trace ${path:+-P "$path"} -e "trace=$call" -e "inject=$call:error=$error:signal=SIGSTOP:when=$number" \
		"$image" --storage "$alone" "${@:2}" < /dev/null > "$said" 2>&1 &
	pid=$!
	helpers+=("$pid")
	await grep -qs 'stopped by SIGSTOP' trace || cat "$said" trace >&2
}
base other
make_image -o other.tar -n other --layer other
alone load -q < other.tar
for verb in 'rm -a' 'prune -a'; do
	alone load -q < tiny.tar
	alone tag tiny one
	alone tag tiny two
	place=flock:2::EINTR # once it has the names, and before it takes the first one away
	[ "$verb" = 'rm -a' ] || place=flock:3::EINTR
	# shellcheck disable=SC2086
	stop_image $place $verb
	alone rm one > /dev/null
	alone tag other two
	go_on
	check "$verb beside one who removes a name and gives another one to another image" test "${outcome%% *}" = 0
	check 'which that one keeps' test "$(alone list --format '{{.Repository}}')" = docker.io/library/two
	alone tag two other
	alone rm two > /dev/null
done
alone load -q < tiny.tar
stop_image flock:2::EINTR rm -i tiny
alone rm tiny > /dev/null
go_on
check 'rm --ignore of a name that goes meanwhile' test "${outcome%% *}" = 0
alone load -q < tiny.tar
alone tag tiny one
manifest=$(alone inspect tiny | jq -r '.[0].Digest')
stop_image "openat2:1:images/blobs/sha256/${manifest#sha256:}:EAGAIN" list
alone rm tiny one > /dev/null
go_on
check 'an image that goes while it is listed is not called damaged' test "$(grep -c 'other\|damaged\|tiny\|one' <<< "$outcome") ${outcome%% *}" = '1 0'

# ---- a storage that is just being made ----
for place in 1 3 7 10 13; do
	rm -rf "$work/young"
	strace -q -o /dev/null -e trace=mkdirat -e inject=mkdirat:signal=SIGKILL:when=$place "$immure" ps --storage "$work/young" > /dev/null 2>&1
	check "its maker killed at step $place, it serves all the same" test "$("$immure" volume create --storage "$work/young" v 2>&1)" = v
	check 'for what comes from registries, too' grep -q nowhere.invalid <<< "$("$immure" pull --storage "$work/young" -q nowhere.invalid/x 2>&1)"
	rm -rf "$work/young"
	storage=$work/young stop_at "mkdirat:$place" ps
	check 'its maker at work, too' test "$("$immure" volume create --storage "$work/young" v 2>&1)" = v
	go_on
	check 'who finds it in order' test "${outcome%% *}" = 0
done
finish
