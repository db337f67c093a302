#!/bin/bash
# selinux.sh - the policy alone, with no launcher and no other wall: what the domains of jails may and may not do.
# Every refusal has beside it the same attempt by somebody who may.
# machine: backports
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
jails='immure_t immure_net_t immure_dev_t immure_container_t'
a=s0:c1,c2 b=s0:c3,c4

# in_jail TYPE LEVEL COMMAND...: with no_new_privs, as in every real jail
in_jail() { setpriv --no-new-privs runcon -t "$1" -l "$2" "${@:3}"; }

# may SOURCE TARGET CLASS PERMISSION: what the kernel would decide. SOURCE and TARGET: TYPE:LEVEL or a whole context
may() {
	local from=$1 to=$2
	[[ $from == *_u:* ]] || from=unconfined_u:unconfined_r:$from
	[[ $to == *_u:* ]] || to=unconfined_u:$([ "$3" = process ] && echo unconfined_r || echo object_r):$to
	compute_av "$from" "$to" "$3" | grep -qE "^allowed=.* $4 "
}
may_not() { ! may "$@"; }

enter() {
	local type label
	for type in $jails; do
		label="unconfined_u:unconfined_r:$type:$a"
		is "$type: entered under no_new_privs" "$label" in_jail "$type" $a sh -c 'tr -d "\0" < /proc/self/attr/current'
		works "$type: runs programs" in_jail "$type" $a bash -c 'sort /etc/passwd | sed -n 1p && perl -e 1 && date && cat <(echo)'
		refused "$type: cannot choose a label for exec" in_jail "$type" $a probe label exec "unconfined_u:unconfined_r:$type:s0"
		refused "$type: cannot change its label" in_jail "$type" $a probe label current unconfined_u:unconfined_r:unconfined_t:s0
	done
	works 'control: the user may choose a label' probe label exec unconfined_u:unconfined_r:unconfined_t:s0:c5
	works 'entered from a nosuid mount' unshare -Urm sh -c 'mount --rbind / /mnt && mount -o remount,bind,nosuid /mnt &&
		exec chroot /mnt setpriv --no-new-privs runcon -t immure_t -l s0:c1,c2 true'
}

# FILE TYPE: owned by the user, so that only the label can refuse
labelled() { echo secret > "$1" && chcon -t "$2" "$1"; }

files() {
	local type
	mkdir -p ~/.ssh
	labelled ~/notes user_home_t
	labelled ~/.ssh/key ssh_home_t
	labelled ~/shadow shadow_t
	for file in notes .ssh/key shadow; do works "control: the user reads ~/$file" probe read ~/$file; done
	for type in $jails; do
		refused "$type: cannot read shadow_t" in_jail "$type" $a probe read ~/shadow
		refused "$type: cannot read ssh_home_t" in_jail "$type" $a probe read ~/.ssh/key
		refused "$type: cannot read the state of SELinux" in_jail "$type" $a probe read /sys/fs/selinux/enforce
		[ "$type" = immure_dev_t ] || refused "$type: cannot read user_home_t" in_jail "$type" $a probe read ~/notes
		refused "$type: cannot write system files" in_jail "$type" $a probe write /usr/bin/probe
	done
	works 'control: the user reads the state of SELinux' probe read /sys/fs/selinux/enforce
	works 'immure_dev_t: reads and writes the project' in_jail immure_dev_t $a sh -c "probe read ~/notes && probe write ~/notes"
	in_jail immure_t $a sh -c 'echo handed' > ~/notes
	is 'immure_t: writes into a file that it was handed' handed cat ~/notes
}

project() {
	mkdir -p ~/project
	works 'immure_dev_t: builds in the project and runs the outcome' in_jail immure_dev_t $a sh -c \
		'cd ~/project && mkdir -p out && printf "#!/bin/sh\nexit 0\n" > out/made && chmod +x out/made && out/made && ln -sf made out/link'
	is 'what it made belongs to the user, without categories' 'unconfined_u:object_r:user_home_t:s0' stat -c %C ~/project/out/made
	works 'the next jail, with other categories, goes on from there' in_jail immure_dev_t $b sh -c 'cd ~/project && out/made && rm -r out'
}

private_files() {
	mkdir -p ~/a ~/b
	labelled ~/a/file immure_file_t
	labelled ~/b/file immure_file_t
	chcon -R -t immure_file_t -l $a ~/a
	chcon -R -t immure_file_t -l $b ~/b
	works 'control: the user reads the files of either jail' cat ~/a/file ~/b/file
	for type in $jails; do
		works "$type: works on its own files" in_jail "$type" $a sh -c 'cd ~/a && probe read file && probe write file && echo > new && rm new'
		refused "$type: cannot read the other jail's files" in_jail "$type" $a probe read ~/b/file
		refused "$type: cannot write the other jail's files" in_jail "$type" $a probe write ~/b/file
		refused "$type: cannot list the other jail's directory" in_jail "$type" $a ls ~/b
	done
	in_jail immure_t $a touch ~/a/made
	is 'a file that a jail makes has the categories of the jail' "unconfined_u:object_r:immure_file_t:$a" stat -c %C ~/a/made
	works 'sharing is explicit: another jail of the same level reads it' in_jail immure_container_t $a probe read ~/a/made
	labelled ~/layer immure_ro_file_t
	works 'immure_container_t: reads a layer' in_jail immure_container_t $a probe read ~/layer
	refused 'immure_container_t: cannot write a layer' in_jail immure_container_t $a probe write ~/layer
}

processes() {
	local type other
	for type in $jails; do
		setpriv --no-new-privs runcon -t "$type" -l $b probe hold 60 &
		other=$!
		works "$type: the other jail is up" within 5 grep -q "$type:$b" /proc/$other/attr/current
		works "control: the user signals the jail of $type" probe signal $other
		refused "$type: cannot signal the other jail" in_jail "$type" $a probe signal $other
		refused "$type: cannot look into the other jail's process" in_jail "$type" $a probe read /proc/$other/environ
		refused "$type: cannot signal its launcher" in_jail "$type" $a probe signal $$
		refused "$type: cannot ptrace the other jail" in_jail "$type" $a probe ptrace $other
		works "$type: signals its own" in_jail "$type" $b probe signal $other
		kill $other
	done
	works 'immure_dev_t: debugs its own' in_jail immure_dev_t $a sh -c 'probe hold 5 & probe ptrace $!'
	refused 'immure_t: cannot ptrace even its own' in_jail immure_t $a sh -c 'probe hold 5 & probe ptrace $!'
	works 'control: the user can' sh -c 'probe hold 5 & probe ptrace $!'
}

network() {
	refused 'immure_t: has no network' in_jail immure_t $a probe socket
	works 'immure_t: has sockets of its own' in_jail immure_t $a perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0) or die $!'
	works 'immure_net_t: is a client' in_jail immure_net_t $a probe connect 443
	refused 'immure_net_t: is no server' in_jail immure_net_t $a probe listen 8080
	works 'control: the user may serve there' probe listen 8080
	works 'immure_dev_t: serves on high ports' in_jail immure_dev_t $a probe listen 5555
	works 'immure_container_t: serves' in_jail immure_container_t $a probe listen 8080
	works 'immure_t: may compile just in time' in_jail immure_t $a probe jit
}

# What no jail has and a test as the user cannot even try, since ownership would refuse it first.
decisions() {
	local type permission target class
	while read -r target class permission; do
		for type in $jails; do works "$type: no $permission on $class of $target" may_not "$type:$a" "$target" "$class" "$permission"; done
	done <<-END
		system_u:object_r:security_t:s0 security load_policy
		system_u:object_r:security_t:s0 security setenforce
		system_u:object_r:security_t:s0 security setbool
		system_u:system_r:kernel_t:s0 system module_request
		system_u:system_r:kernel_t:s0 system syslog_read
		system_u:system_r:init_t:s0 unix_stream_socket connectto
		system_u:object_r:shadow_t:s0 file read
		immure_credentials_t:s0 file read
		system_u:object_r:fs_t:s0 filesystem mount
		system_u:object_r:fixed_disk_device_t:s0 blk_file read
		unconfined_t:s0 process ptrace
		unconfined_t:s0 process sigkill
		unconfined_t:s0 process transition
		unconfined_t:s0 unix_stream_socket connectto
		unconfined_t:s0 key read
	END
	for type in $jails; do works "$type: no CAP_SYS_ADMIN, in no namespace" may_not "$type:$a" "$type:$a" cap_userns sys_admin; done
	works 'control: these questions are answered: the user may ptrace' may unconfined_t:s0 unconfined_t:s0 process ptrace
	works 'control: what speaks to registries may read credentials' may immure_fetch_t:s0 immure_credentials_t:s0 file read
	works 'control: and load a policy' may unconfined_t:s0 system_u:object_r:security_t:s0 security load_policy
}

enter
files
project
private_files
processes
network
decisions
plan
