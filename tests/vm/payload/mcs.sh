#!/bin/bash
# mcs.sh - the label that the launcher gives: the type asked for, and a pair of categories that no other jail has while it lives.
# limit: 200
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
many=200
[[ $(uname -r) == 6.1.* ]] || many=40 # which pair is free does not depend on the kernel
pair='s0:c[0-9]+,c[0-9]+'
profile labelled '"selinux": {"type": "immure_t"}'
profile shared '"selinux": {"type": "immure_t", "level": "s0:c5,c6"}'
profile absent '"selinux": {"type": "immure_absent_t"}'
profile absent-best-effort '"selinux": {"type": "immure_absent_t", "enforce": "best-effort"}'

# labels TYPE: of all the processes that run in it, one per line
labels() { cat /proc/[0-9]*/attr/current 2> /dev/null | tr '\0' '\n' | grep ":$1:"; }
running() { [ "$(labels immure_t | wc -l)" = "$1" ]; }

one() {
	local label
	works 'a labelled jail does its work' immure jail --profile labelled bash -c 'sort /etc/passwd > /tmp/sorted && test -s /tmp/sorted'
	label=$(immure jail --profile labelled bash -c 'tr -d "\0" < /proc/self/attr/current')
	works 'its program has the type and a pair' grep -qE "^unconfined_u:unconfined_r:immure_t:$pair$" <<< "$label"
	label=$(immure jail --profile labelled bash -c 'bash -c "tr -d \"\\0\" < /proc/self/attr/current" && true')
	works 'so have the children of its program' grep -qE ":immure_t:$pair$" <<< "$label"
	is 'the pipe of a user with all categories carries what the jail prints' hello bash -c 'immure jail --profile labelled echo hello | cat'
	is 'and what it reads' hello bash -c 'echo hello | immure jail --profile labelled cat'
	works 'without a label asked for there is none' bash -c 'immure jail --security-opt label=disable cat /proc/self/attr/current | grep -a -q :unconfined_t:'
	# tmpfs and what is made in it carry the jail's own categories
	label=$(immure jail --profile labelled bash -c 'touch /tmp/new && stat -c %C /tmp/new; tr -d "\0" < /proc/self/attr/current')
	works 'a file that it makes has its type and its pair' bash -c '[[ $1 =~ :immure_file_t:(.*)$'"'\n'"'.*:immure_t:(.*)$ ]] && [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]' - "$label"
}

# A jail has terminals of its own, and their label is the jail's: another jail, and the user's, are not opened by any (selinux.sh).
terminals() {
	local label
	label=$(immure jail --profile labelled bash -c 'probe terminal 0; tr -d "\0" < /proc/self/attr/current')
	works "a terminal that it opens has its type and its pair: $label" bash -c \
		'[[ $1 =~ :immure_devpts_t:(.*)$'"'\n'"'.*:immure_t:(.*)$ ]] && [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]' - "$label"
	label=$(script -qec 'immure jail --profile labelled bash -c "test -t 0 && stat -c %C \$(tty) && cat /proc/self/attr/current"' /dev/null | tr -d '\0\r')
	works 'so has the one that stands for its user'"'"'s' bash -c \
		'[[ $1 =~ :immure_devpts_t:(.*)$'"'\n'"'.*:immure_t:(.*)$ ]] && [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]' - "$label"
}

# Whoever may hold or replace the locks on pairs leaves later jails without one.
locks() {
	local mine=$XDG_RUNTIME_DIR
	profile lax '"selinux": {"type": "immure_t", "enforce": "best-effort"}'
	perl -e 'open(F, "+<", "$ENV{XDG_RUNTIME_DIR}/immure/mcs") or die $!; my $all = pack("ssx4qqix4", 1, 0, 0, 0, 0);
		fcntl(F, 37, $all) or die $!; open(G, ">", "/tmp/all"); sleep 60' & # F_OFD_SETLK
	works 'somebody holds every pair' within 5 test -e /tmp/all
	says 'no pair left: refused' 'no pair' immure jail --profile labelled touch /tmp/ran
	is 'best-effort: the type is there all the same' unconfined_u:unconfined_r:immure_t:s0 \
		bash -c 'immure jail --receipt /tmp/receipt --profile lax cat /proc/self/attr/current | tr -d "\0"'
	works '… and the receipt says that there is no pair' grep -q 'no pair' /tmp/receipt
	kill %%
	wait
	is 'nowhere to hold one: the same' unconfined_u:unconfined_r:immure_t:s0 \
		bash -c 'XDG_RUNTIME_DIR=/nonexistent; mv /run/user/1000/immure /run/user/1000/kept; echo > /run/user/1000/immure
			immure jail --profile lax cat /proc/self/attr/current | tr -d "\0"; rm /run/user/1000/immure; mv /run/user/1000/kept /run/user/1000/immure'
	refused 'a jail that is given the directory of the user'"'"'s runtime cannot touch the locks' \
		immure jail --security-opt label=disable -v "$mine:$mine:rw" sh -c "echo > $mine/immure/mcs"
	says '… nor move them away' 'busy|not permitted|denied' immure jail --security-opt label=disable -v "$mine:$mine:rw" mv "$mine/immure" "$mine/moved"
	says '… nor be given them alone' 'own' immure jail --security-opt label=disable -v "$mine/immure:/locks:rw" true
	works 'control: it works on what is beside them' immure jail --security-opt label=disable -v "$mine:$mine:rw" sh -c "echo > $mine/beside && rm $mine/beside"
}

# What the kernel would deny later, or replace by /dev/null without a word, is refused before the program starts.
handed() {
	local root
	mkdir -p ~/own ~/given
	echo word > ~/own/file
	cp ~/own/file ~/given/file
	chcon -R -t immure_file_t ~/given
	says 'a folder of the home that the label may not read: refused, with the remedy' 'chcon -R -t immure_file_t' \
		immure jail -v ~/own:/own --profile labelled touch /tmp/ran
	is 'given to jails, it is read' word immure jail -v ~/given:/given --profile labelled cat /given/file
	works '… and written' immure jail -v ~/given:/given:rw --profile labelled sh -c 'echo more > /given/new'
	is 'with the type for work in a home, the former too' word immure jail --security-opt label=type:immure_dev_t -v ~/own:/own --profile labelled cat /own/file
	echo > ~/kept-out
	chcon -t shadow_t ~/kept-out
	says 'a file on standard output that the label may not use: refused' 'standard output' bash -c 'immure jail --profile labelled echo hello 2>&1 >> ~/kept-out | cat >&2; exit "${PIPESTATUS[0]}"'
	works 'control: without a label it is written' bash -c 'immure jail --security-opt label=disable echo hello >> ~/kept-out && grep -q hello ~/kept-out'
	works 'with the network of the host, the type is the one that has sockets' bash -c \
		'immure jail --network host cat /proc/self/attr/current | grep -aq :immure_net_t:'
	works '… and they work' immure jail --network host probe connect 443
	says 'so is a preserved descriptor' 'descriptor 7' bash -c 'immure jail --preserve-fd 7 --profile labelled true 7>> ~/kept-out'
	works 'one that the label may use is handed in' bash -c 'immure jail --preserve-fd 7 --profile labelled sh -c "echo kept >&7" 7>> ~/given/kept && grep -q kept ~/given/kept'
	mkdir -p ~/root
	says 'a root that the label may not read: refused' 'does not let' immure jail --rootfs ~/root --profile labelled true
	cp /usr/bin/probe ~/given/tool
	chcon -t user_home_t ~/given/tool
	says 'a program that the label may not begin: the label is named' 'SELinux lets no program labelled .*:immure_t:' \
		immure jail -v ~/given:/given --profile labelled /given/tool landlock
	perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un(shift)) && listen(S, 1) or die $!; sleep 60' ~/given/socket &
	within 5 test -S ~/given/socket
	chcon -t immure_file_t ~/given/socket
	refused 'a socket of the user'"'"'s is closed to it, even bound' immure jail -v ~/given:/given --profile labelled \
		perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un("/given/socket")) or die $!'
	works 'control: the user connects' perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un(shift)) or die $!' ~/given/socket
	kill %%
	wait
	for root in / /tmp /dev /dev/shm /home/user; do
		works "$root is of the type of the jail's files" bash -c 'immure jail --profile labelled stat -c %C "$1" | grep -q :immure_file_t:s0' - $root
	done
}

sharing() {
	immure jail --profile shared sleep 20 &
	immure jail --profile shared sleep 20 &
	works 'two jails share a level that their profile names' within 10 running 2
	is 'it is the level that was named' 'unconfined_u:unconfined_r:immure_t:s0:c5,c6' bash -c "$(declare -f labels); labels immure_t | sort -u"
	kill %% %-
	wait
}

concurrent() {
	local i
	for ((i = 0; i < many; i++)); do immure jail --profile labelled sleep 600 & done
	works "$many jails that were started at once run" within 60 running $many || return
	labels immure_t > "$said.labels"
	is 'no two of them have the same pair' $many bash -c "sort -u '$said.labels' | wc -l"
	is 'each has two different categories' $many bash -c "sed 's/.*:s0:c//; s/,c/ /' '$said.labels' | awk '\$1 < \$2' | wc -l"
	# shellcheck disable=SC2046  # one word per job
	kill $(jobs -p)
	wait
	works 'their pairs are free again' within 10 running 0
	works 'and the next jail starts' immure jail --profile labelled true
	rm -f "$said.labels"
}

walls() {
	mkdir -p ~/kept
	immure jail --profile shared sleep 20 &
	works 'another jail is up' within 10 running 1
	local other
	other=$(pgrep -n sleep)
	refused 'a jail of another level may not signal it' setpriv --no-new-privs runcon -t immure_t -l s0:c1,c2 probe signal "$other"
	works 'control: the user may' probe signal "$other"
	kill %%
	wait
}

missing() {
	says 'a type that the policy lacks: the launch is refused' 'immure_absent_t' immure jail --profile absent touch /tmp/ran
	works 'best-effort: it starts' immure jail --receipt "$said.receipt" --profile absent-best-effort true
	works 'and the receipt says that the label is not there' grep -qE 'not.enforced' "$said.receipt"
	works 'while a label that was given is in the receipt' bash -c "immure jail --receipt '$said.receipt' --profile labelled true && grep -q immure_t '$said.receipt'"
	rm -f "$said.receipt"
}

one
terminals
handed
sharing
concurrent
walls
missing
locks
plan
