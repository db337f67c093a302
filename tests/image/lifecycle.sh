#!/bin/bash
# Kills and crowds: a container of --rm leaves nothing, whoever is killed; many at once do not get in one another's way.
# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the container
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 2
need strace
tiny tiny

started() { await test -e "$1"; } # FILE: waits until a container has made it in its volume

# begin WORDS…: in the background, in a session of its own; its pid in $pid
begin() {
	mkdir -p flags
	rm -f flags/up
	setsid "$immure" run --storage "$storage" -v "$work/flags:/flags" "$@" < /dev/null > begun 2>&1 &
	pid=$!
	helpers+=("$pid")
	started flags/up || cat begun >&2
}
janitor_of() { child_of "$1" immure-janitor; }
# shellcheck disable=SC2317 # await() calls it
listed() { [ "$(im ps -a --format '{{.Names}} {{.State}}')" = "$1" ]; } # LINES

# stop_at CALL:N VERB WORDS…: in the background, in a session of its own, stopped as it makes that call for the Nth time; its pid in $pid. The
# tracer follows none of its children: newuidmap keeps its set-user-id bit.
stop_at() {
	rm -f trace
	setsid strace -D -q -o trace -e "trace=${1%:*}" -e "inject=${1%:*}:signal=SIGSTOP:when=${1#*:}" \
		"$immure" "$2" --storage "$storage" "${@:3}" < /dev/null > begun 2>&1 &
	pid=$!
	helpers+=("$pid")
	await grep -qs 'stopped by SIGSTOP' trace
}
born=clone:2    # the forerunner is there, whose ids newuidmap is to map; the container is not
filling=clone:5 # the container is, and a volume with a name that nobody sees yet
filled=renameat2:1
# shellcheck disable=SC2317 # await() calls it
ended() { ! kill -0 "$@" 2> /dev/null; } # PID…: somebody else's children; our own are waited for

stay='echo up > /flags/up; sleep 1000'
begin --rm -v /anonymous tiny sh -c "mkdir -p /x/y; touch /x/y/z; chmod 700 /x; $stay"
check 'it runs' test "$(im ps --format '{{.State}}')" = running
output=$(im rm "$(im ps -q)" 2>&1)
check 'rm of one that runs is refused' grep -q 'is running' <<< "$output"
kill -KILL -- "-$pid"
check 'after SIGKILL of the whole process group nothing is left in two seconds' gone 2
check 'nor a volume' test -z "$(find "$storage/volumes" -mindepth 1)"

begin --rm tiny sh -c "$stay"
kill -KILL "$pid"
check 'after SIGKILL of the launcher alone, too' gone 2

begin --rm tiny sh -c "$stay"
kill -KILL "$(janitor_of "$pid")"
kill -KILL "$pid"
name=$(im ps -a --format '{{.Names}}')
check 'with the janitor killed first, something is listed as exited' await listed "$name exited"
check 'and left' test -n "$(left)"
run --rm tiny true
check 'the next run sweeps it' test -z "$(left)"

begin --name kept tiny sh -c "echo x > /x; $stay"
kill -KILL "$pid"
check 'a container that is kept survives its launcher' await listed 'kept exited'
check 'with what it wrote' test "$(im cp kept:/x x && cat x)" = x
check 'and can be removed' im rm kept
begin --name kept tiny sh -c "$stay"
check 'rm -f ends one that runs' im rm -f kept
check 'at once' gone 2
begin --rm tiny sh -c "$stay"
check 'one of --rm, too' im rm -f "$(im ps -q)"
check 'and nothing is left' gone 2

begin --rm tiny sh -c "trap 'exit 9' TERM; echo up > /flags/up; while :; do sleep 0.1; done"
kill -TERM "$pid"
wait "$pid"
check 'SIGTERM goes to the program' test $? = 9
check 'and nothing is left' test -z "$(left)"

# a terminal that nobody reads: what copies to it outlives the launcher, and must have nothing of its but that
mkdir -p flags
rm -f flags/up
script -qec "$immure run --storage $storage -v $work/flags:/flags --name held tiny sh -c '$stay'; :" /dev/null < /dev/null > /dev/null 2>&1 &
helpers+=("$!")
# shellcheck disable=SC2317 # await() calls it
copied() {
	for outlet in $(pgrep -x immure-outlet -u "$(id -u)"); do
		pid=$(ps -o ppid= "$outlet") && [[ $(tr '\0' ' ' < "/proc/${pid// /}/cmdline") == *"$storage"* ]] && pid=${pid// /} && return
	done 2> /dev/null
	return 1
}
await copied
started flags/up
kill -STOP "$outlet"
kill -KILL "$pid"
check 'a launcher that was killed at a terminal that stands still runs nothing any more' await listed 'held exited'
check 'and its container can be removed' im rm held
kill -KILL "$outlet"

# ---- the forerunner, which has the ids mapped while the launcher fills a volume ----
base many
(cd many/srv && touch {1..300})
make_image -o many.tar -n many --layer many --volume /srv
im load -q -i many.tar > /dev/null
for who in forerunner launcher terminated; do
	rm -rf flags/*
	place=$filling
	[ $who = launcher ] && place=$born
	stop_at $place run --rm -v "$work/flags:/flags" many touch /flags/ran
	read -r first _ 2> /dev/null < "/proc/$pid/task/$pid/children"
	check 'a forerunner is there' test -n "$first"
	case $who in
	forerunner) kill -KILL "$first" ;;
	launcher) kill -KILL "$pid" ;;
	terminated) kill -STOP "$first" ;; # as good as a newuidmap that does not come back
	esac
	kill -CONT "$pid" 2> /dev/null
	[ $who = terminated ] && await janitor_of "$pid" > /dev/null && kill -TERM "$pid"
	timeout 60 tail --pid "$pid" -f /dev/null
	check "its $who gone, the launch ends" test $? = 0
	kill -KILL "$pid" 2> /dev/null
	wait "$pid"
	check 'as a failure' test $? -ge 125
	check 'and the forerunner with it' await ended "$first"
	check 'no program has run' test ! -e flags/ran
	check 'and nothing is left' gone 2
done

# whatever newuidmap is at when its process goes
for _ in {1..20}; do run --rm -e '1a=x' tiny true; done > refusals 2>&1
check 'a launch that is refused says so in one line' test "$(wc -l < refusals) $(grep -c '^immure: --env' refusals)" = '20 20'

# ---- who sweeps, removes or waits ----
dead=$(printf 'd%.0s' {1..64})
# dead: a container of --rm that nobody has, with 200 files
dead() {
	mkdir -p "$storage/transient/$dead"/{upper,work}
	printf x > "$storage/transient/$dead/container.json"
	touch "$storage/transient/$dead/upper/"{1..200}
}
midway=unlinkat:100
dead
stop_at $midway run --rm tiny echo ran
check 'a run is stopped while it sweeps' test "$(find "$storage/transient/$dead/upper" -type f | wc -l)" -gt 90
strace -D -q -o waits -e trace=flock "$immure" rm --storage "$storage" -f "${dead:0:12}" > removed 2>&1 &
remover=$!
helpers+=("$remover")
await grep -qs EAGAIN waits
check 'what is swept does not run' test "$(im ps -q 2> /dev/null)" = ''
kill -CONT "$pid"
wait "$remover"
check 'rm -f waits for it' test "$? $(cat removed)" = "0 ${dead:0:12}"
wait "$pid"
check 'and kills nobody' test "$? $(cat begun)" = '0 ran'

# /proc/locks names a directory by its number, which a new container may have as soon as this one is gone
dead
rm -r trace "$storage/transient/$dead/upper" # no number is free then but its own
exec 8< "$storage/transient/$dead/container.json"
flock 8
setsid strace -D -q -o trace -P /proc/locks -e trace=openat -e inject=openat:signal=SIGSTOP:when=1 \
	"$immure" rm --storage "$storage" -f "${dead:0:12}" > removed 2>&1 8<&- &
remover=$!
helpers+=("$remover")
await grep -qs 'stopped by SIGSTOP' trace
check 'rm -f is stopped while it asks who runs it' test "$(stat -c %n "$storage/transient/"*)" = "$storage/transient/$dead"
exec 8<&-
begin --rm tiny sh -c "$stay"
check 'another run has removed it' test ! -e "$storage/transient/$dead"
check 'whose number is still taken' grep -q "/$dead (deleted)" <<< "$(readlink "/proc/$remover/fd/"*)"
kill -CONT "$remover"
wait "$remover"
check 'rm -f sees that it is gone' test "$? $(cat removed)" = "0 ${dead:0:12}"
check 'and does not kill the run that came after it' kill -TERM "$pid"
wait "$pid"
check 'which ends as it is told to' test $? = 143

dead
stop_at $midway rm "${dead:0:12}"
output=$(im rm "${dead:0:12}" 2>&1)
check 'two do not remove the same one' grep -q 'by another process' <<< "$output"
check 'a run does not wait for them' test "$(timeout 60 "$immure" run --storage "$storage" --rm tiny echo ran 2>&1 < /dev/null)" = ran
kill -KILL "$pid"
wait "$pid" 2> /dev/null
check 'rm takes up what another one was killed at' im rm "${dead:0:12}"
check 'and nothing is left' test -z "$(left)"
# where the youngest file of a directory is read first, too
if memory=$(mktemp -d /dev/shm/immure-test.XXXXXX 2> /dev/null); then
	plain=$storage storage=$memory
	run --pull never none 2> /dev/null # makes the storage
	mkdir -p "$storage/transient"
	dead
	strace -o order -e trace=unlinkat "$immure" rm --storage "$storage" "${dead:0:12}" > /dev/null
	check 'the record goes after what was written' test "$(grep -n '"container\.json".*= 0' order | cut -d : -f 1)" -gt 200
	check 'and nothing is left' test -z "$(left)"
	rm -rf "$memory"
	storage=$plain
fi
begin --rm tiny sh -c "cd /tmp; i=0; while [ \$i -lt 20000 ]; do i=\$((i+1)); : > \$i; done; $stay"
dead=$(im ps -q --no-trunc)
inode=$(stat -c %i "$storage/transient/$dead")
janitor=$(janitor_of "$pid")
check 'while it runs, one lock is its launcher'"'"'s' grep -q "WRITE $pid .*:$inode 0 EOF" /proc/locks
kill -KILL "$pid"
until ! [ -e "$storage/transient/$dead/upper/tmp/1" ] || ! [ -e "$storage/transient/$dead/upper/tmp/20000" ]; do :; done # it has begun to remove
kill -STOP "$janitor"
check 'once it is killed, none that names a process to kill' test "$(grep -c "WRITE .*:$inode 0 EOF" /proc/locks)" = 0
kill -CONT "$janitor"
check 'and its janitor removes it' gone 20

naps() { # how often a run sleeps, as it does while it waits for a lock
	strace -q -o naps -e trace=nanosleep,clock_nanosleep "$immure" run --storage "$storage" --rm tiny true < /dev/null || echo failed
	grep -c nanosleep naps
}
alone=$(naps)
for i in {1..12}; do setsid "$immure" run --storage "$storage" --rm -v "$work/flags:/flags" tiny sh -c "echo > /flags/up$i; sleep 1000" < /dev/null & helpers+=($!); crew[i]=$!; done
for i in {1..12}; do started "flags/up$i"; done
check 'a run beside a dozen that go on waits for none of them' test "$(naps)" = "$alone"
kill "${crew[@]}"
check 'which leave nothing' gone 20

# ---- volumes that are half made ----
run --rm -v /anonymous tiny true
check 'nothing of a volume whose maker was killed is left by the next run that makes one' test -z "$(find "$storage/volumes" -mindepth 1)"
for who in a b; do mkdir -p "$storage/volumes/.new-$(printf "$who%.0s" {1..64})/data"; done
held=$storage/volumes/.new-$(printf 'b%.0s' {1..64})
exec {lock}< "$held"
flock "$lock"
run --rm -v /anonymous tiny true
check 'but for what somebody is at' test "$(find "$storage/volumes" -mindepth 1 -maxdepth 1)" = "$held"
im volume prune
check 'nor does prune take that' test -d "$held/data"
exec {lock}<&-
im volume prune
check 'which takes it when it is free' test ! -e "$held"
stop_at $filling run --rm many sleep 1000
check 'a volume is half made' compgen -G "$storage/volumes/.new-*"
check 'the record tells of a volume before it is there' jq -e '.volumes | length == 1' "$storage"/transient/*/container.json
read -ra children 2> /dev/null < "/proc/$pid/task/$pid/children"
kill -KILL "$pid"
wait "$pid"
await ended "${children[@]}"
run --rm -v /anonymous tiny true
check 'so that what a killed launcher leaves goes with it' test -z "$(left; find "$storage/volumes" -mindepth 1)"
stop_at $filled run --rm -v early:/srv -v later:/srv/app -v later:/opt many none
check 'the first of three is there' test -d "$storage/volumes/early"
run --rm -v early:/srv tiny sh -c 'echo precious > /srv/kept'
kill -CONT "$pid"
wait "$pid"
check 'a run that comes to nothing takes back the volumes that it made, but for what another run has written' \
	test "$(im volume ls -q; cat "$storage/volumes/early/data/kept")" = $'early\nprecious'
im volume prune
im rmi many > /dev/null

dead 0
rm "$storage/transient/$dead/container.json"
ln -s "$dead" "$storage/names/unborn"
run --rm tiny true
check 'of a launcher that was killed before it wrote its record no name stays' test -z "$(left)"

# ---- a container that is moved while somebody looks whether it is there ----
strace -qq -o looks -e trace=faccessat2 "$immure" run --storage "$storage" --rm tiny true < /dev/null
looks=$(grep -c ^faccessat2 looks) # before the name is asked for
for way in 'transient containers' 'containers transient'; do
	mkdir -p "$storage/${way% *}/$dead"
	ln -s "$dead" "$storage/names/moved"
	exec 9< "$storage/${way% *}/$dead"
	flock 9
	stop_at faccessat2:$((looks + 1)) run --name moved tiny true
	mv "$storage/${way% *}/$dead" "$storage/${way#* }/$dead"
	kill -CONT "$pid"
	await ended "$pid"
	wait "$pid"
	check "from ${way/ / to }: it keeps its name" test $? = 125 -a "$(readlink "$storage/names/moved")" = "$dead"
	exec 9<&-
	rm -rf "$storage"/{transient,containers}/"$dead" "$storage/names/moved"
	im rm moved > /dev/null 2>&1
done

# ---- a damaged record ----
run --name whole tiny true
run --name hurt -v data:/d tiny true
hurt=$(im ps -a --no-trunc --filter name=hurt --format '{{.ID}}')
damage() { # WHAT COMMAND…: the container named hurt, with its record hurt in this way
	local what=$1 said
	shift
	"$@"
	check "$what: the others are listed" test "$(im ps -a --format '{{.Names}}' 2> said)" = whole
	said=$(cat said)
	check 'one line names it, and says what to do' test "$(grep -c . said) ${said%%:*} $(grep -c "hurt.*damaged.*immure rm ${hurt:0:12}" said)" = '1 immure 1'
	im volume prune > /dev/null
	check 'its volume stays' test "$(im volume ls -q)" = data
	said=$(im volume rm data 2>&1)
	check 'and that is told' grep -q "may use it.*damaged" <<< "$said"
	said=$(im start -a hurt 2>&1)
	check 'it cannot be started' grep -q "damaged.*immure rm ${hurt:0:12}" <<< "$said"
}
record=$storage/containers/$hurt/container.json
cp "$record" saved.json
damage 'a record cut short' truncate -s 20 "$record"
damage 'an empty one' truncate -s 0 "$record"
damage 'that of another' cp "$storage/containers/$(im ps -a --no-trunc --filter name=whole --format '{{.ID}}' 2> /dev/null)/container.json" "$record"
damage 'one of --rm' eval 'jq -c ".transient = true" saved.json > "$record"'
damage 'a directory in its place' eval 'rm "$record"; mkdir "$record"'
rmdir "$record"
damage 'none' true
cp saved.json "$record"
check 'mended, it is there again' test "$(im ps -a -q 2>&1 | wc -l)" = 2
truncate -s 0 "$record"
check 'rm removes it by its name' test "$(im rm hurt)" = hurt
check 'name and all' test "$(left | wc -l)" = 2
check 'then its volume can go' im volume rm data
run --name hurt tiny true
hurt=$(im ps -a --no-trunc --filter name=hurt --format '{{.ID}}')
truncate -s 0 "$storage/containers/$hurt/container.json"
check 'rm -f removes one by its id' im rm -f "${hurt:0:12}"
check 'with its name' test "$(left | wc -l)" = 2
run --name hurt tiny true
truncate -s 0 "$storage/containers/$(readlink "$storage/names/hurt")/container.json"
check 'rm --all takes it along' test "$(im rm --all | wc -l)" = 2
check 'and nothing is left' test -z "$(left)"
begin --name kept tiny sh -c "$stay"
truncate -s 0 "$storage/containers/$(readlink "$storage/names/kept")/container.json"
output=$(im rm kept 2>&1)
check 'one that runs stays' grep -q 'is running' <<< "$output"
check 'but for rm -f' im rm -f kept
check 'and nothing is left' gone 2

# ---- many ----
crowd() { # COUNT WORDS…: at once; how many ended well
	local count=$1 i
	shift
	for ((i = 0; i < count; i++)); do
		("$immure" run --storage "$storage" --rm "$@" < /dev/null 2>> errors && echo good) &
	done | grep -c good
}
: > errors
check '64 at once' test "$(crowd 64 tiny true)" = 64
check 'and nothing is left' test -z "$(left)"
check 'hundreds, one after another in crowds' test "$(for _ in 1 2 3 4 5; do crowd 50 tiny sh -c 'echo x > /x'; done | tr '\n' ' ')" = '50 50 50 50 50 '
check 'without a word' test ! -s errors
check 'one name for many is given once' test "$(crowd 16 --name same tiny sleep 0.5)" -ge 1
check 'and freed' test -z "$(left)"

# ---- twins: two versions of one program from shared layers, side by side ----
base twin/base
for version in 5 7; do
	mkdir -p "twin/$version/usr/bin" "twin/$version/usr/lib"
	echo "needs library $version" > "twin/$version/usr/lib/library"
	printf '%s\n' '#!/bin/sh' "[ \"\$(cat /usr/lib/library)\" = 'needs library $version' ] && echo \"program $version\"" 'sleep 0.3' > "twin/$version/usr/bin/program"
	chmod 755 "twin/$version/usr/bin/program"
	make_image -o "twin$version.tar" -n "program:$version" --layer twin/base --layer "twin/$version" --cmd '["program"]'
	im load -q -i "twin$version.tar" > /dev/null
done
for version in 5 7; do run --rm "program:$version" < /dev/null > "twin$version.out" 2>&1 & done
wait
check 'twins with conflicting libraries run side by side' test "$(cat twin5.out twin7.out)" = $'program 5\nprogram 7'
check 'from shared layers' test "$(find "$storage/layers" -mindepth 2 -maxdepth 2 | wc -l)" = 6

# ---- a thousand containers cost one copy ----
before=$(du -s "$storage/layers" 2> /dev/null | cut -f 1)
for ((i = 0; i < 20; i++)); do run --name "c$i" tiny true < /dev/null; done
check 'twenty more containers take no more of the layers' test "$(du -s "$storage/layers" 2> /dev/null | cut -f 1)" = "$before"
check 'rm --all' test "$(im rm --all | wc -l)" = 20
check 'nothing is left' test -z "$(left)"
finish
