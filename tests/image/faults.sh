#!/bin/bash
# Images while things go wrong: programs killed at each system call that changes the storage, errors in place of such calls, full and
# read-only disks, several at once, hostile images from a registry. IMMURE_FAULTS=all tries every call with every error, and kills at
# every call there is (an hour); IMMURE_FAULTS_SEED repeats a choice.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3 unshare skopeo docker-registry
image=${IMMURE_IMAGE:-$build/immure-image}
fault=$probes/fault
export PYTHONDONTWRITEBYTECODE=1 IMMURE_PROGRAM=$immure
cd "$work" || exit 2

# ---- a registry with the images ----

start_registry() { # its address is left in $registry
	local port
	for _ in 1 2 3 4 5; do
		port=$((20000 + RANDOM % 12000))
		cat > registry.yml <<- END
			version: 0.1
			log: {level: error, accesslog: {disabled: true}}
			storage: {filesystem: {rootdirectory: $work/registry}}
			http: {addr: 127.0.0.1:$port}
		END
		docker-registry serve registry.yml > registry.log 2>&1 &
		helpers=($!)
		for _ in {1..100}; do
			kill -0 "${helpers[0]}" 2> /dev/null || break
			# shellcheck disable=SC2188 # only whether it can be opened
			(: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null && { registry=127.0.0.1:$port; return; }
			sleep 0.1
		done
	done
	echo "Bail out! docker-registry does not start: $(head -c 300 registry.log)"
	exit 1
}

# shellcheck disable=SC2317 # called by check
push() { skopeo copy -q --dest-tls-verify=false "oci:layout:$1" "docker://$registry/test/$2"; } # IMAGE NAME

# ---- what faults.py says, counted on ----

ended=0 wanted=0

# run NAME MODE COMMAND…: COMMAND leads to the user namespace that it is to run in
run() {
	local name=$1 mode=$2 line
	shift 2
	mkdir "$work/$name"
	wanted=$((wanted + 1))
	[ "$mode" = launches ] || set -- "$@" "$top/tests/image/in-memory" "$work/$name" # launches make namespaces of their own
	while IFS= read -r line; do
		case $line in
		'ok '*) ok "$name: ${line#*- }" ;;
		'not ok '*) not_ok "$name: ${line#*- }" ;;
		'#'*) echo "$line" ;;
		1..*) ended=$((ended + 1)) ;;
		*) not_ok "$name: said something else" "$line" ;;
		esac
	done < <("$@" timeout "${IMMURE_FAULTS_LIMIT:-600}" python3 "$top/tests/image/faults.py" \
		"$mode" "$work/$name" "$image" "$fault" "$registry" 2>&1)
}

start_registry
python3 "$top/tests/image/faults.py" push layout
check 'the registry takes the images' push keep keep:1
check 'and the others' push two two:1
check 'and what one of their names meant before' push old two:old

single=(unshare -rm --) mapped=(unshare -rm --map-auto --)
if "${mapped[@]}" true 2> /dev/null; then
	run mapped-sweep sweep "${mapped[@]}"
	way=("${mapped[@]}")
else
	skip 'the way of many ids' 'this user has no subordinate ids'
	way=("${single[@]}")
fi
run single-sweep sweep "${single[@]}"
for mode in races space hostile; do run "$mode" "$mode" "${way[@]}"; done
run launches launches env
check 'the registry lived to the end' kill -0 "${helpers[0]}"
check 'every part came to its end' [ "$ended" = "$wanted" ]
[ "${way[*]}" = "${single[*]}" ] || "${way[@]}" rm -rf "$work"/mapped-sweep "$work"/races "$work"/space "$work"/hostile
finish
