# row.sh - the notation of the escape rows. Source it; then one call a row, and `finish` at the end:
#
#	row T-RT-07 'inherited descriptors are closed' 'keep-fds bwrap' \
#		'jail -- @descriptors 7< /etc/passwd' \
#		'jail --preserve-fd 7 -- @descriptors 7 7< /etc/passwd'
#
# ATTACK must be contained by build/immure, and must get through under every CONTROL: guards that are taken out of the mutant build
# (keep-fds,no-nnp), or a peer (a function peer_NAME below). !GUARD: without it the kernel itself stops the launch. BENIGN, an honest use of the same thing, must succeed in build/immure (a
# family tries the same words once).
# A row is ok only if all three hold. `without=GUARDS row …` takes guards out from the beginning, to try one layer with another one gone.
#
# In ATTACK and BENIGN: `jail OPTIONS -- PROGRAM` runs under whichever launcher is being judged; @NAME is a probe; `under NAME WORDS` runs
# the launcher itself below a probe; $program is the launcher's file; $canary, $secret and $work are those of lib.sh.
#
# ESCAPE_ROWS=REGEX takes only some rows. ESCAPE_KILL=1: says for each row which guard it watches, and whether it sees that guard gone.
# ESCAPE_SECONDS: how long each race lasts (2). ESCAPE_STRIDE: of long series of the like only every Nth (1). ESCAPE_CONTROLS: of the controls of each row only these (in a virtual machine none, as
# they are tried on the host, or the guards of what the host lacks).
# shellcheck shell=bash disable=SC2034,SC2317 # the variables and functions are for rows, which are evaluated

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# Where the tests lie decides nothing: probes are run from below $work.
cp -r "$probes" "$work/probes" || exit 2
probes=$work/probes
seconds=${ESCAPE_SECONDS:-2}
stride=${ESCAPE_STRIDE:-1}
set -o pipefail
exec < /dev/null
export SECRET_TOKEN
canary_make
SECRET_TOKEN=$secret

# ---- the launchers ----

launcher=immure program=$immure under=()

be() { # LAUNCHER: immure, peer, or guards
	launcher=$1
	[ "$1" = immure ] || program=$mutant
	if [ "$1" = immure ] || declare -F "peer_$1" > /dev/null; then unset IMMURE_MUTANT; else export IMMURE_MUTANT=$1; fi
}

under() { under+=("$probes/$1" "${@:2}"); }

jail() { # [OPTION…] -- PROGRAM [ARGUMENT…]
	local options=() command
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	[[ $1 != @* ]] || set -- "$probes/${1#@}" "${@:2}"
	if declare -F "peer_$launcher" > /dev/null; then
		read_options "${options[@]}"
		"peer_$launcher" "$@"
	else
		command=("$program" jail "${options[@]}" -- "$@")
	fi
	guarded "${under[@]}" "${command[@]}"
}

# What peers understand of our options: $binds, $settings, $directory.
read_options() {
	binds=() settings=() directory=() document=
	while [ $# -gt 0 ]; do
		case $1 in
		-v) binds+=(--bind "${2%%:*}" "$(cut -d : -f 2 <<< "$2")") ;;
		-e) [[ $2 != *=* ]] || settings+=("$2") ;;
		-w) directory=("$2") ;;
		-p) document=$2 ;;
		--dry-run | -t | --tty)
			shift
			continue
			;;
		esac
		shift 2
	done
}

peer_plain() { command=(env "${directory[@]/#/--chdir=}" "${settings[@]}" "$@"); }   # no launcher at all
peer_unshare() { command=(/usr/bin/unshare -Urnmpf --mount-proc "$@"); }             # namespaces alone
peer_unshare_auto() { command=(/usr/bin/unshare --map-auto --map-root-user "$@"); } # with all ids of the user
peer_firejail() { command=(firejail --quiet --noprofile --keep-var-tmp -- "$@"); } # a setuid sandbox, as it comes
peer_bwrap() { command=(bwrap --unshare-all --ro-bind / / --dev /dev --proc /proc "${binds[@]}" "$@"); } # the usual recipe
peer_bwrap_net() { command=(bwrap --unshare-all --share-net --ro-bind / / --dev /dev --proc /proc "$@"); }
peer_jq() { # an ordinary JSON reader: what it takes for a document is good enough to start the program
	if jq . "$document" > /dev/null 2>&1; then command=("$@"); else command=(false); fi
}

# ---- the verdict ----

judge() { # LAUNCHER ATTACK: sets $verdict and $output
	local changes
	output=$(be "$1" && eval "$2" 2>&1 < /dev/null)
	changes=$(canary_changes)
	# one plain pattern for each word: bash takes minutes for a list of them in a plan that is long
	if [ -n "$changes" ]; then
		verdict=escaped output+=$'\n'"the canary changed: $changes"
		chmod -R u+rwX "$canary" && rm -rf "$canary" && canary_make
	elif [[ $output == *"$secret"* || $'\n'$output == *$'\nESCAPED: '* || $'\n'$output == *$'\nSURVIVORS: '* ]]; then
		verdict=escaped
	elif [[ $'\n'$output == *$'\nTIMEOUT'* || $'\n'$output == *$'\nUNCLEAR'* || $output == *AddressSanitizer* || $output == *'runtime error: '* ]]; then
		verdict=unclear
	elif [[ $'\n'$output == *$'\nCONTAINED: '* ]]; then
		verdict=contained
	else
		verdict=unclear
	fi
}

# Rows that judge the sanitizer's runtime and not us, where the launcher is the build it watches: it is no static program, its loader reads
# LD_*, it wants terabytes of address space, getrlimit(2), a thread and ptrace(2) to look for leaks.
sanitizer='T-META-(09[ab]|03f)|T-RT-(02|13|14-nproc1|14-as-small|15)|T-CRED-05-(prlimit64|rt_sigprocmask)'

declare -A tried=() # honest uses that have succeeded
row() { # ID WHAT CONTROLS ATTACK BENIGN
	local base=${without:-} control guards
	[[ $1 =~ ${ESCAPE_ROWS:-} ]] || return 0
	[[ -z ${IMMURE_UNDER_ASAN:-} || ! $1 =~ ^($sanitizer)$ ]] || return 0
	for control in $3; do
		[ -z "${ESCAPE_CONTROLS+set}" ] || [[ " $ESCAPE_CONTROLS " == *" $control "* ]] || continue
		guards=${control#!}
		if ! declare -F "peer_$control" > /dev/null; then
			guards=${base:+$base,}$guards
			[ -x "$mutant" ] || { not_ok "$1 $2" "control $control: no $mutant"; return; }
		elif [ -n "${ESCAPE_KILL:-}" ]; then
			continue
		fi
		[ -z "${ESCAPE_KILL:-}" ] || [[ $control != *,* ]] || continue
		judge "$guards" "$4"
		if [ -n "${ESCAPE_KILL:-}" ]; then
			echo "guard ${control#!} $1 $verdict"
		elif [ "$verdict" != escaped ] && [[ $control != !* || $verdict == contained ]]; then
			not_ok "$1 $2" "control $control was $verdict, not escaped: $4" "$output"
			return
		fi
	done
	[ -z "${ESCAPE_KILL:-}" ] || return 0
	judge "${base:-immure}" "$4"
	if [ "$verdict" != contained ]; then
		not_ok "$1 $2" "$verdict: $4" "$output"
	elif [ -z "${tried[$5]:-}" ] && ! output=$(be immure && eval "$5" 2>&1 < /dev/null); then
		not_ok "$1 $2" "benign twin failed: $5" "$output"
	else
		tried[$5]=yes
		ok "$1 $2"
	fi
}

# ---- words for rows ----

# Wants a refusal: status 125, a line of the launcher's own, and the program (@started says so itself) not started. With a program that
# looks at its own walls: one or the other.
refused() {
	local text status
	text=$("$@" 2>&1)
	status=$?
	printf '%s\n' "$text"
	if [[ $status == 125 && $'\n'$text == *$'\n'immure:\ * ]]; then
		echo 'CONTAINED: refused'
	elif [ $status -gt 128 ]; then
		echo "ESCAPED: the launcher died of signal $((status - 128))"
	fi
}

# Wants every VALUE of OPTION refused.
all_refused() { # OPTION VALUE…
	local option=$1 value text
	shift
	for value; do
		text=$(refused jail "$option" "$value" -- @started)
		[[ $text == *CONTAINED:* && $text != *ESCAPED:* ]] || { printf "%s '%s':\n%s\n" "$option" "$value" "$text"; return; }
	done
	echo "CONTAINED: $# values of $option refused"
}

# Wants exactly TEXT from a command that succeeds.
expect() { # TEXT COMMAND…
	local text
	if ! text=$("${@:2}" 2>&1); then
		echo "UNCLEAR: $text"
	elif [ "$text" = "$1" ]; then
		echo "CONTAINED: $text"
	else
		echo "ESCAPED: got \"$text\", not \"$1\""
	fi
}

# Wants nothing secret in the output (judge() looks for that) of something that did run or was refused in an orderly way.
silent() {
	local status
	"$@"
	status=$?
	[ $status -gt 127 ] || echo "CONTAINED: status $status, nothing seen"
}

reaches() { [[ $("$@" 2>&1) == *ESCAPED:* ]]; } # COMMAND…: an honest use of a probe that gets what it wants

profile() { # TEXT: the file it is in
	printf '%s' "$1" > "$work/profile.json"
	echo "$work/profile.json"
}

says() { # TEXT COMMAND…: the command succeeds and prints TEXT
	local text
	if text=$("${@:2}") && [[ $text == *"$1"* ]]; then return 0; fi
	echo "wanted \"$1\", got \"$text\""
	return 1
}

# Runs COMMAND again and again for $seconds; stops at the first ESCAPED, for which a control has all the time that a slow machine needs.
again() {
	local end=$((${EPOCHREALTIME/./} + seconds * $(by_launcher 1 30) * 1000000)) text attempts=0
	while [ ${EPOCHREALTIME/./} -lt $end ]; do
		attempts=$((attempts + 1))
		text=$("$@" 2>&1)
		if [[ $text == *ESCAPED:* || $text == *SURVIVORS:* || $text == *"$secret"* ]]; then
			echo "$text"
			return
		fi
		[ "$launcher" = immure ] || [ -z "$(canary_changes)" ] || break
	done
	echo "$text"
	echo "attempts $attempts"
}

descendants() { # PID: it and all below it
	local list child children
	echo "$1"
	for list in "/proc/$1"/task/*/children; do
		children=''
		read -r children < "$list" || true # it ends without a newline
		for child in $children; do descendants "$child"; done
	done 2> /dev/null
}

by_launcher() { if [ "$launcher" = immure ]; then echo "$1"; else echo "$2"; fi; } # OURS CONTROL'S: one of the two

# ---- a jail in the background: PID is what $! was ----

runs() { # PID NAME: whether it or one below it has a program of this name
	local pid name
	for pid in $(descendants "$1"); do read -r name < "/proc/$pid/comm" && [ "$name" = "$2" ] && return; done 2> /dev/null
	return 1
}

begun() { await runs "$1" "$2" || echo "UNCLEAR: $2 never began"; } # PID NAME: waits until the program runs

launcher_of() { descendants "$1" | sed -n 3p; } # PID: below it is the reaper, and below that the launcher

end() { # PID: it and all below it
	local pid
	for pid in $(descendants "$1"); do
		kill -CONT "$pid"
		kill -9 "$pid"
	done 2> /dev/null
	wait
}

# Looks at PID 1 of a jail from the host: a FIELD of its status must read VALUE (O5). Its own filter comes a moment after the program has begun.
from_outside() { # FIELD VALUE
	local value=''
	jail -- /bin/sleep 1000 &
	begun $! sleep
	turns=$(by_launcher 600 5) await init_reads "$1" "$2" $! || true
	if [ -z "$value" ]; then echo 'UNCLEAR: no PID 1'; elif [ "$value" = "$2" ]; then echo "CONTAINED: $1 of PID 1 is $value"; else
		echo "ESCAPED: $1 of PID 1 is $value, not $2"; fi
	end $!
}
init_reads() { # FIELD VALUE PID: whether the PID 1 below it has that; what it has in $value
	local pid init=''
	for pid in $(descendants "$3"); do
		if grep -Eqs '^NSpid:.*[[:space:]]1$' "/proc/$pid/status"; then init=$pid; fi
	done
	value=$(sed -n "s/^$1:[[:space:]]*//p" "/proc/${init:-none}/status")
	[ "$value" = "$2" ]
}

# A process outside that tells the secret to whoever reaches it; "PORT ABSTRACT SHMKEY QUEUE" is in $work/witness.
start_witness() {
	"$probes/witness" "$work" "$secret" &
	helpers+=($!)
	await test -s "$work/witness"
}
