#!/bin/bash
# rt.sh - the launcher itself: descriptors, working directory, environment, inherited state (T-RT).
# shellcheck disable=SC2016,SC2034,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"

# ---- descriptors ----

row T-RT-07a 'inherited descriptors are closed' 'keep-fds bwrap' \
	'jail -- @descriptors 7< /etc/passwd 8< / 251<> "$work/x"' \
	'jail --preserve-fd 7 -- @descriptors 7 7< /etc/passwd'
row T-RT-07b 'many and high descriptors are closed' 'keep-fds bwrap' \
	'under hostile fds1000; jail -- @descriptors' \
	'jail --preserve-fds 2 -- @descriptors 3 4 3< /etc/passwd 4< /etc/passwd'
row T-RT-07c 'a host file behind a descriptor cannot be read' 'keep-fds,no-landlock bwrap' \
	'silent jail -- /bin/cat /proc/self/fd/7 7< "$canary/secret"' \
	'says root jail --preserve-fd 7 -- /bin/sh -c "cat <&7" 7< /etc/passwd'
row T-RT-06 'a program path through a leaked descriptor finds nothing' 'keep-fds,no-landlock' \
	'silent jail -- /bin/cat /proc/self/fd/7"$canary"/secret 7< /' \
	'jail -- /bin/cat /etc/passwd'
row T-RT-06b 'a program named through a descriptor of the caller' 'plain' \
	'silent jail -- /proc/self/fd/7/bin/cat /proc/self/fd/7"$canary"/secret 7< /' \
	'jail -- @status NoNewPrivs 1'
row T-RT-04a 'a working directory behind a leaked descriptor' 'no-cwd-check,keep-fds,no-landlock' \
	'silent jail -w /proc/self/fd/7 -- /bin/cat ".$canary/secret" 7< /' \
	'says /usr/lib jail -w /usr/lib -- /bin/pwd'
without=keep-fds,no-landlock row T-RT-04b 'the same where the descriptor did get in' 'no-cwd-check' \
	'silent jail -w /proc/self/fd/7 -- /bin/cat ".$canary/secret" 7< /' \
	'says /tmp jail -w /tmp -- /bin/pwd'
row T-RT-04c 'working directories that are none' 'plain' \
	'all_refused -w .. relative /../tmp "" /nonexistent /etc/passwd /proc/self/exe' \
	'jail -w /home/user -- /bin/true'

standard_fd() { # FD: what it leads to, told through another one
	under hostile "closed$1"
	expect /dev/null jail -- /bin/sh -c "(readlink /proc/self/fd/$1 || echo closed) >&$((1 + ($1 == 1)))"
}
row T-RT-10a 'closed stdin becomes /dev/null' 'plain bwrap' 'standard_fd 0' 'says x jail -- /bin/cat <<< x'
row T-RT-10b 'closed stderr becomes /dev/null' 'plain bwrap' 'standard_fd 2' 'jail -- /bin/sh -c "echo x >&2"'
row T-RT-10c 'all three closed: every wall stands' 'plain' \
	'mkdir -p "$work/out"; under hostile closed0,closed1,closed2
	jail -v "$work/out:$work/out" -v "$probes:$probes:ro" -- /bin/sh -c "$probes/status walls $canary/secret > $work/out/verdict"; cat "$work/out/verdict"' \
	'jail -v "$probes:$probes:ro" -- @status NoNewPrivs 1'
row T-RT-08a 'a directory as stdin is refused' 'plain bwrap' \
	'under hostile dir0; refused jail -- @started' 'jail -- /bin/cat < /etc/passwd'
row T-RT-08b 'an O_PATH descriptor as stdin is refused' 'plain bwrap' \
	'under hostile opath0; refused jail -- @started' 'under hostile socket0; jail --security-opt label=disable -- /bin/true'
row T-RT-08c 'a pidfd as stdin is refused' 'plain bwrap' \
	'under hostile pidfd0; refused jail -- @started' 'true | jail -- /bin/cat'
row T-RT-11 'descriptor numbers that are none are refused' 'plain' \
	'all_refused --preserve-fd -1 0 2 x 0x7 " 7" "7 " 07 7,7 7,, "" 8 99999999999 2147483648 4294967303 7< /etc/passwd' \
	'jail --preserve-fd 7 -- @descriptors 7 7< /etc/passwd'

# ---- inherited state ----

row T-RT-12 'no arguments at all, not even a name' 'plain' 'under hostile argc0; silent jail -- @started' 'jail -- /bin/true'

# A copy that belongs to another user and takes its id on: the kernel marks the process AT_SECURE.
set_id() { # FILE WORDS…
	rm -f "$work/setid"
	cp "$1" "$work/setid"
	unshare --map-root-user --map-auto sh -c "chown 1:1 '$work/setid' && chmod 6755 '$work/setid'" || echo "UNCLEAR: no subordinate ids"
	guarded "$work/setid" "${@:2}"
}
row T-RT-13 'set-user-id: the launcher refuses' 'plain' \
	'if [ "$launcher" = plain ]; then set_id "$probes/started"; else refused set_id "$program" jail -- "$probes/started"; fi' \
	'cp "$program" "$work/copy"; guarded "$work/copy" jail -- /bin/true'

row T-RT-14a 'ignored signals do not go in' 'keep-signals bwrap' \
	'limit=$(by_launcher 60 10); under hostile signals-ignored; jail -- @status SigIgn 0000000000000000' 'jail -- /bin/sh -c "trap : USR1; kill -USR1 \$\$"'
row T-RT-14b 'blocked signals do not go in' 'keep-signals' \
	'under hostile signals-blocked; jail -- @status SigBlk 0000000000000000' 'jail -- /bin/true'
row T-RT-14c 'the umask is the profile'"'"'s, not the caller'"'"'s' 'bwrap' \
	'under hostile umask0; jail -- @status Umask 0022' 'jail -- /bin/sh -c "umask 077"'
row T-RT-14d 'no inherited personality' 'bwrap' \
	'under hostile personality; expect 00000000 jail -- /bin/cat /proc/self/personality' 'jail -- /bin/true'
for state in sigchld-ignored signals-blocked,umask777 nofile8 nofile20 fsize0 nproc1 stack-small as-small; do
	row "T-RT-14-$state" "started with $state: every wall, or none of the program" 'plain' \
		"under hostile $state"'; refused jail -- @status walls "$canary/secret"' \
		'under hostile nice19; jail -- /bin/true'
done

# ---- environment ----

sensitive=(LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT GCONV_PATH LOCPATH BASH_ENV ENV PYTHONPATH PERL5LIB NODE_OPTIONS GIT_SSH_COMMAND
	GIT_CONFIG_GLOBAL SSH_AUTH_SOCK GPG_AGENT_INFO DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR DISPLAY XAUTHORITY GITHUB_TOKEN NPM_TOKEN
	AWS_SECRET_ACCESS_KEY KUBECONFIG http_proxy DOCKER_HOST HISTFILE MAIL TMPDIR IFS CDPATH PROMPT_COMMAND)
leak_environment() {
	local name
	for name in "${sensitive[@]}"; do under+=("$name=$secret"); done
	under=(/usr/bin/env "${under[@]}")
	silent jail -- /usr/bin/env
}
row T-RT-15 'thirty names of secrets stay out' 'keep-environment bwrap' leak_environment \
	'says A=1 jail -e A=1 -- /usr/bin/env'
row T-RT-16 'names that are patterns, or none, are refused' 'plain' \
	'all_refused -e "*" "SECRET*" =x "" "A B=1" "1A=1" $'"'A\nB=1'"' "A*" "A/B=1"' 'jail -e A=a=b -- /bin/true'
row T-RT-17 'a jail does not see the environment of another one' 'plain' \
	'jail -e "OTHER=$secret" -- /bin/sleep 1000 & begun $! sleep
	silent jail -- /bin/sh -c "cat /proc/[0-9]*/environ 2> /dev/null | grep -a OTHER= | grep -av grep; true"; end $!' \
	'jail -e "OTHER=x" -- /bin/true'
row T-RT-18 'the caller'"'"'s secrets are not in /proc/1' 'dumpable' \
	'jail -- @reach read /proc/1/environ /proc/1/mem /proc/1/maps /proc/1/auxv /proc/1/exe' 'jail -- /bin/cat /proc/self/environ'
row T-RT-19 'the descriptors, root and namespaces of PID 1 are out of reach' 'dumpable' \
	'jail -- @reach list /proc/1/fd /proc/1/root /proc/1/cwd /proc/1/ns /proc/1/map_files' 'jail -- /bin/ls /proc/self/fd'
row T-RT-01 'the launcher'"'"'s file cannot be held from inside' 'dumpable,no-landlock' \
	'jail -- @reach read /proc/1/exe' 'jail -- /bin/cat /proc/self/exe'

# ---- what decides which code runs ----

row T-RT-02 'LD_PRELOAD does not reach the launcher' 'plain' \
	'under=(/usr/bin/env LD_PRELOAD=/nonexistent/trojan.so)
	text=$(jail -- /bin/true 2>&1); [[ $text == *trojan* ]] && echo "ESCAPED: $text" || echo "CONTAINED: $text"' \
	'jail -- /bin/true'

trojans() { # programs that a careless launcher would find first in PATH, or in the directory it is started in
	mkdir -p "$work/trojans"
	for name in newuidmap newgidmap sh bash mount ip slirp4netns modprobe getent; do
		printf '#!/bin/sh\necho ran > %s/marker\nexit 1\n' "$work" > "$work/trojans/$name"
	done
	chmod +x "$work"/trojans/*
	rm -f "$work/marker"
	(cd "$work/trojans" && export PATH=".:$work/trojans:$PATH" && jail "$@" -- /bin/true)
	if [ -e "$work/marker" ]; then echo 'ESCAPED: a trojan ran'; else echo 'CONTAINED: no trojan ran'; fi
}
row T-RT-21a 'helpers are not looked for in PATH' 'unshare_auto' \
	'trojans -p "$(profile "{\"version\": 1, \"extends\": \"untrusted\", \"identity\": {\"map\": \"subordinate\", \"uid\": 0, \"gid\": 0}}")"' \
	'jail -p "$(profile "{\"version\": 1, \"extends\": \"untrusted\", \"identity\": {\"map\": \"subordinate\", \"uid\": 0, \"gid\": 0}}")" -- /bin/true'
row T-RT-21b 'the program is not looked for in the caller'"'"'s PATH' 'plain' \
	'mkdir -p "$work/bin"; cp "$probes/started" "$work/bin/uname"; under=(/usr/bin/env "PATH=$work/bin:$PATH"); silent jail -- uname' \
	'jail -- uname'

cores() { # does a launcher that is hit by SIGSEGV leave a core file?
	rm -rf "$work/cores"
	mkdir "$work/cores"
	(
		cd "$work/cores" && ulimit -c unlimited
		jail -- /bin/sleep 1000 &
		begun $! sleep
		pid=$(launcher_of $!)
		kill -SEGV "$pid"
		turns=$(by_launcher 20 600) await eval '! runs $! sleep'
		end $!
	)
	if compgen -G "$work/cores/*" > /dev/null; then echo 'ESCAPED: a core file'; else echo 'CONTAINED: no core file'; fi
}
if [[ $(< /proc/sys/kernel/core_pattern) == [!/\|]* ]]; then
	row T-RT-22 'the launcher leaves no core file' 'plain' cores 'jail -- /bin/true'
else
	skip 'T-RT-22 the launcher leaves no core file' 'the core pattern of this host is no plain file name'
fi
finish
