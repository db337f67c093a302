#!/bin/bash
# home.sh - a private home: its files have the label of its jail, the same from run to run, and no other jail reads them.
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
homes=~/.local/share/immure/home
profile kept '"selinux": {"type": "immure_t", "enforce": "required"}, "files": {"home": "private"}'
profile shared '"selinux": {"type": "immure_t", "level": "s0:c5,c6", "enforce": "required"}, "files": {"home": "private"}'
profile other '"selinux": {"type": "immure_t", "level": "s0:c7,c8", "enforce": "required"}, "files": {"mounts": [{"bind": "'"$homes/kept"'", "to": "/kept"}]}'

level_of() { stat -c %C "$1" | cut -d : -f 4-; } # PATH
in_it() { immure jail --profile "$1" bash -c "$2"; } # PROFILE SCRIPT

have_pair() { # c1,c2: locks it as a launcher would (host/mcs.c)
	local first=${1%,*} second=${1#*,}
	exec perl -e 'open(F, "+<", "$ENV{XDG_RUNTIME_DIR}/immure/mcs") or die $!;
		fcntl(F, 37, pack("ssx4qqix4", 1, 0, shift, 1, 0)) or die $!; open(G, ">", "/tmp/had"); sleep 30' \
		$((${first#c} * (2047 - ${first#c}) / 2 + ${second#c} - ${first#c} - 1))
}

kept() {
	local first pid
	works 'the first run writes into its home' in_it kept 'echo one > ~/file && mkdir ~/below && ln -s file ~/link && echo two > ~/below/file'
	first=$(level_of $homes/kept)
	works "the home has the type and a pair: $first" bash -c '[[ $(stat -c %C "$1") =~ :immure_file_t:s0:c[0-9]+,c[0-9]+$ ]]' - $homes/kept
	is 'so has what was made in it' "$first" level_of $homes/kept/below/file
	is 'the same profile reads it again' $'one\ntwo' in_it kept 'cat ~/link ~/below/file'
	is 'under the same pair' "$first" level_of $homes/kept
	says 'another jail cannot have it bound' 'does not let' immure jail --profile other cat /kept/file
	refused 'nor with the domain alone' setpriv --no-new-privs runcon -t immure_t -l s0:c7,c8 cat $homes/kept/file
	works 'control: the user reads it' cat $homes/kept/file
	immure jail --profile kept sleep 20 &
	pid=$!
	works 'a jail runs in it' within 10 pgrep -f '^sleep 20$'
	says 'a second one at the same time is refused, with the remedy' 'in use.*' immure jail --profile kept true
	kill $pid
	wait
	works 'after its end the home is free at once' in_it kept 'test -s ~/file'
}

# Whatever makes the level another one: every file is given the new label, and nothing else is.
relabelled() {
	local first
	first=$(level_of $homes/kept)
	echo mine > ~/outside
	ln ~/outside ~/outside-too
	ln -s ~/outside $homes/kept/leads-out
	ln -s ~ $homes/kept/leads-home
	echo key > $homes/kept/key
	chcon -t ssh_home_t $homes/kept/key
	mkfifo $homes/kept/fifo
	have_pair "${first#s0:}" &
	works 'its pair is had by somebody else meanwhile' within 5 test -e /tmp/had
	works 'then it is relabelled' in_it kept 'test -p ~/fifo && cat ~/file ~/below/file'
	works 'with another pair' test "$(level_of $homes/kept)" != "$first"
	is '… all through' 1 bash -c 'find "$1" ! -name key -printf "%Z\n" | sort -u | wc -l' - $homes/kept
	kill %%
	wait
	chcon -t xdg_data_t -l s0 $homes/kept # as before the policy was loaded
	works 'a home that was made before there were labels' in_it kept 'cat ~/file ~/below/file'
	is '… has one label all through' 1 bash -c 'find "$1" ! -name key -printf "%Z\n" | sort -u | wc -l' - $homes/kept
	works 'links are not followed' bash -c '[[ $(stat -c %C ~/outside) == *:user_home_t:s0 ]]'
	works 'a file with a type of its own keeps it' bash -c '[[ $(stat -c %C "$1") == *:ssh_home_t:* ]]' - $homes/kept/key
	refused '… and stays closed' immure jail --profile kept cat /home/user/key
}

sharing() {
	works 'a level that the profile names' in_it shared 'echo one > ~/file'
	is '… is the level of the home' s0:c5,c6 level_of $homes/shared
	immure jail --profile shared sleep 20 &
	works 'a jail runs in it' within 10 pgrep -f '^sleep 20$'
	is 'its jails share the home' one in_it shared 'cat ~/file'
	sed -i 's/c5,c6/c5,c7/' ~/.config/immure/profiles/shared.json
	says 'not with one of another level' 'in use' immure jail --profile shared true
	kill %%
	wait
	is 'after their end the home follows the profile' one in_it shared 'cat ~/file'
	is '… whole' s0:c5,c7 level_of $homes/shared/file
}

# What would take for ever, or cannot be done, is one line and no launch.
bounds() {
	local deep
	deep=$(printf 'd/%.0s' {1..140})
	mkdir -p "$homes/kept/$deep"
	chcon -t xdg_data_t $homes/kept
	says 'a home as deep as a well' 'cannot be given the label' immure jail --profile kept true
	rm -r $homes/kept/d
	mkdir $homes/kept/shut
	chmod 0 $homes/kept/shut
	says 'a folder that cannot be read' 'cannot be given the label' immure jail --profile kept true
	chmod 700 $homes/kept/shut
	works 'control: without them it starts' immure jail --profile kept true
}

kept
relabelled
sharing
bounds
plan
