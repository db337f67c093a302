#!/bin/bash
# selinux.sh - the policy alone, with no launcher and no other wall: what the domains of jails may and may not do.
# Every refusal has beside it the same attempt by somebody who may.
# machine: backports
# shellcheck source-path=SCRIPTDIR
. "${TESTS:?}/lib.sh"
jails='immure_t immure_net_t immure_dev_t immure_container_t'
workers='immure_store_t immure_fetch_t' # of images; they have no categories
a=s0:c1,c2 b=s0:c3,c4

in_jail() { probe as "unconfined_u:unconfined_r:$1:$2" "${@:3}"; } # TYPE LEVEL COMMAND...

level_of() { [[ $workers == *$1* ]] && echo s0 || echo $a; } # TYPE

# may SOURCE TARGET CLASS PERMISSION: what the kernel would decide. SOURCE and TARGET: TYPE:LEVEL or a whole context
may() {
	local from=$1 to=$2
	[[ $from == *_u:* ]] || from=unconfined_u:unconfined_r:$from
	[[ $to == *_u:* ]] || to=unconfined_u:$([ "$3" = process ] && echo unconfined_r || echo object_r):$to
	[[ $(compute_av "$from" "$to" "$3") =~ allowed=[^$'\n']*\ $4\  ]]
}
may_not() { ! may "$@"; }

enter() {
	local type label level what
	echo mine > ~/handed
	for type in $jails $workers; do
		level=$(level_of "$type")
		label="unconfined_u:unconfined_r:$type:$level"
		is "$type: entered under no_new_privs" "$label" in_jail "$type" "$level" sh -c 'tr -d "\0" < /proc/self/attr/current'
		works "$type: runs programs" in_jail "$type" "$level" bash -c 'sort /etc/passwd | sed -n 1p && perl -e 1 && date && cat <(echo)'
		for what in exec fscreate keycreate sockcreate; do
			refused "$type: cannot choose a label ($what)" in_jail "$type" "$level" probe label $what "unconfined_u:unconfined_r:$type:s0"
		done
		refused "$type: cannot change its label" in_jail "$type" "$level" probe label current unconfined_u:unconfined_r:unconfined_t:s0
		refused "$type: cannot relabel what it was handed" in_jail "$type" "$level" setfattr -n security.selinux -v unconfined_u:object_r:immure_file_t:s0 /proc/self/fd/0 < ~/handed
	done
	for what in exec fscreate; do works "control: the user may choose a label ($what)" probe label $what unconfined_u:unconfined_r:unconfined_t:s0:c5; done
	works 'control: and relabel that file' setfattr -n security.selinux -v unconfined_u:object_r:immure_file_t:s0 /proc/self/fd/0 < ~/handed
	works 'entered from a nosuid mount' unshare -Urm sh -c 'mount --rbind / /mnt && mount -o remount,bind,nosuid /mnt &&
		exec chroot /mnt setpriv --no-new-privs runcon -t immure_t -l s0:c1,c2 true'
}

# FILE TYPE: owned by the user, so that only the label can refuse
labelled() { echo secret > "$1" && chcon -t "$2" "$1"; }

files() {
	local type level file
	mkdir -p ~/.ssh
	labelled ~/notes user_home_t
	labelled ~/.ssh/key ssh_home_t
	labelled ~/shadow shadow_t
	for file in notes .ssh/key shadow; do works "control: the user reads ~/$file" probe read ~/$file; done
	for type in $jails $workers; do
		level=$(level_of "$type")
		refused "$type: cannot read shadow_t" in_jail "$type" "$level" probe read ~/shadow
		refused "$type: cannot read ssh_home_t" in_jail "$type" "$level" probe read ~/.ssh/key
		refused "$type: cannot read the state of SELinux" in_jail "$type" "$level" probe read /sys/fs/selinux/enforce
		[[ $type = immure_@(dev|fetch)_t ]] || refused "$type: cannot read user_home_t" in_jail "$type" "$level" probe read ~/notes
		[[ $type = immure_@(dev|fetch)_t ]] || refused "$type: cannot write it" in_jail "$type" "$level" probe write ~/notes
		refused "$type: cannot write system files" in_jail "$type" "$level" probe write /usr/bin/probe
	done
	works 'immure_fetch_t: reads what has no type of its own, as credentials have none' in_jail immure_fetch_t s0 probe read ~/notes
	works 'control: the user reads the state of SELinux' probe read /sys/fs/selinux/enforce
	works 'immure_dev_t: reads and writes the project' in_jail immure_dev_t $a sh -c "probe read ~/notes && probe write ~/notes"
	in_jail immure_t $a sh -c 'echo handed' > ~/notes
	is 'immure_t: writes into a file that it was handed' handed cat ~/notes
	refused '… which it cannot open again by its descriptor' in_jail immure_t $a probe read /proc/self/fd/0 < ~/notes
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
		refused "$type: one category of two is not enough" in_jail "$type" s0:c1,c3 probe read ~/a/file
	done
	works 'immure_store_t: reads what jails of any categories changed' in_jail immure_store_t s0 probe read ~/b/file
	refused 'immure_fetch_t: does not' in_jail immure_fetch_t s0 probe read ~/b/file
	in_jail immure_t $a touch ~/a/made
	is 'a file that a jail makes has the categories of the jail' "unconfined_u:object_r:immure_file_t:$a" stat -c %C ~/a/made
	works 'sharing is explicit: another jail of the same level reads it' in_jail immure_container_t $a probe read ~/a/made
	labelled ~/layer immure_ro_file_t
	works 'immure_container_t: reads a layer' in_jail immure_container_t $a probe read ~/layer
	refused 'immure_container_t: cannot write a layer' in_jail immure_container_t $a probe write ~/layer
	labelled ~/stored immure_storage_t
	for type in $jails; do refused "$type: cannot open what lies in the storage" in_jail "$type" $a probe read ~/stored; done
	for type in $workers; do works "$type: works on the storage" in_jail "$type" s0 sh -c 'probe read ~/stored && probe write ~/stored'; done
}

# The user's own terminals: whoever opens one reads what is typed there.
terminals() {
	local path type
	probe terminal 60 > ~/terminal &
	within 5 test -s ~/terminal
	read -r path _ < ~/terminal
	for type in $jails $workers; do
		refused "$type: cannot open a terminal of the user's" in_jail "$type" "$(level_of "$type")" probe read "$path"
		refused "$type: cannot write to it" in_jail "$type" "$(level_of "$type")" probe write "$path"
	done
	works 'control: the user can' probe write "$path"
	kill %%
	wait
}

processes() {
	local type other worker
	for type in $jails; do
		probe as "unconfined_u:unconfined_r:$type:$b" probe hold 60 &
		other=$!
		works "$type: the other jail is up" within 5 grep -q "$type:$b" /proc/$other/attr/current
		works "control: the user signals the jail of $type" probe signal $other
		refused "$type: cannot signal the other jail" in_jail "$type" $a probe signal $other
		refused "$type: cannot look into the other jail's process" in_jail "$type" $a probe read /proc/$other/environ
		refused "$type: cannot signal its launcher" in_jail "$type" $a probe signal $$
		refused "$type: cannot ptrace the other jail" in_jail "$type" $a probe ptrace $other
		refused "$type: cannot make the other jail wait" in_jail "$type" $a renice -n 19 -p $other
		for worker in $workers; do
			refused "$worker: cannot signal a jail of $type" in_jail "$worker" s0 probe signal $other
			refused "$worker: cannot ptrace it" in_jail "$worker" s0 probe ptrace $other
		done
		works "$type: signals its own" in_jail "$type" $b probe signal $other
		kill $other
	done
	wait
	works 'immure_dev_t: debugs its own' in_jail immure_dev_t $a sh -c 'probe hold 5 & probe ptrace $!'
	refused 'immure_t: cannot ptrace even its own' in_jail immure_t $a sh -c 'probe hold 5 & probe ptrace $!'
	works 'control: the user can' sh -c 'probe hold 5 & probe ptrace $!'
}

# What has no file to carry a label: abstract sockets, System V IPC, keys.
nameless() {
	local listen='socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack("S a*", AF_UNIX, "\0".shift)) && listen(S, 5) or die $!; sleep 60'
	local connect='socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack("S a*", AF_UNIX, "\0".shift)) or die $!'
	local memory='defined shmget(77, 4096, 01600) or die $!' key
	probe as unconfined_u:unconfined_r:immure_net_t:$b perl -MSocket -e "$listen" jail &
	perl -MSocket -e "$listen" user &
	works 'a jail and the user listen on abstract sockets' within 5 eval 'grep -q @jail /proc/net/unix && grep -q @user /proc/net/unix'
	refused "immure_net_t: cannot connect to the other jail's" in_jail immure_net_t $a perl -MSocket -e "$connect" jail
	refused "immure_store_t: nor can it" in_jail immure_store_t s0 perl -MSocket -e "$connect" jail
	refused "immure_net_t: cannot connect to the user's" in_jail immure_net_t $a perl -MSocket -e "$connect" user
	works 'immure_net_t: connects to its own' in_jail immure_net_t $b perl -MSocket -e "$connect" jail
	works 'control: the user connects to both' sh -c 'for name in jail user; do perl -MSocket -e "$1" $name || exit; done' - "$connect"
	kill %1 %2
	wait
	works 'immure_t: has shared memory' in_jail immure_t $b perl -e "$memory"
	refused "immure_t: cannot have the other jail's" in_jail immure_t $a perl -e "$memory"
	refused "immure_dev_t: nor can another domain of the same level" in_jail immure_dev_t $b perl -e "$memory"
	works 'immure_t: has it again' in_jail immure_t $b perl -e "$memory"
	key=$(perl -e 'my ($type, $name, $word) = ("user", "immure", "secret"); print syscall(248, $type, $name, $word, 6, -4)') # KEY_SPEC_USER_KEYRING
	read_key() { perl -e 'my $word = "\0" x 6; syscall(250, 11, shift(@ARGV) + 0, $word, 6) < 0 ? die $! : print $word' "$key"; }
	export -f read_key
	export key
	refused "immure_t: cannot read a key of the user's" in_jail immure_t $a bash -c read_key
	is 'control: the user reads it' secret read_key
}

network() {
	refused 'immure_store_t: has no network' in_jail immure_store_t s0 probe socket
	works 'immure_fetch_t: is a client' in_jail immure_fetch_t s0 probe connect 443
	refused 'immure_fetch_t: is no server' in_jail immure_fetch_t s0 probe listen 8080
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
		for type in $jails $workers; do
			[ "$type $target" = 'immure_fetch_t immure_credentials_t:s0' ] ||
				works "$type: no $permission on $class of $target" may_not "$type:$(level_of "$type")" "$target" "$class" "$permission"
		done
	done <<-END
		system_u:object_r:security_t:s0 security load_policy
		system_u:object_r:security_t:s0 security setenforce
		system_u:object_r:security_t:s0 security setbool
		system_u:system_r:kernel_t:s0 system module_request
		system_u:system_r:kernel_t:s0 system syslog_read
		system_u:system_r:init_t:s0 unix_stream_socket connectto
		system_u:object_r:shadow_t:s0 file read
		immure_credentials_t:s0 file read
		httpd_user_script_exec_t:s0 file write
		system_u:object_r:fs_t:s0 filesystem mount
		system_u:object_r:fixed_disk_device_t:s0 blk_file read
		unconfined_t:s0 process ptrace
		unconfined_t:s0 process sigkill
		unconfined_t:s0 process transition
		unconfined_t:s0 unix_stream_socket connectto
		unconfined_t:s0 key read
	END
	for type in $jails $workers; do works "$type: no CAP_SYS_ADMIN, in no namespace" may_not "$type:$a" "$type:$a" cap_userns sys_admin; done
	works 'immure_fetch_t: reads configuration' may immure_fetch_t:s0 system_u:object_r:xdg_config_t:s0 file open
	works 'immure_fetch_t: writes none, not even what it was handed' may_not immure_fetch_t:s0 system_u:object_r:xdg_config_t:s0 file write
	works 'control: these questions are answered: the user may ptrace' may unconfined_t:s0 unconfined_t:s0 process ptrace
	works 'control: what speaks to registries may read credentials' may immure_fetch_t:s0 immure_credentials_t:s0 file read
	works 'control: and load a policy' may unconfined_t:s0 system_u:object_r:security_t:s0 security load_policy
}

# newuidmap and newgidmap write the maps of a confined user's containers, in a domain with rights that nothing else may use.
mappers() {
	local idmap=staff_u:staff_r:immure_idmap_t:s0 launch=staff_u:staff_r:immure_launch_t:s0 type child
	is 'newuidmap and newgidmap have a type of their own' 'immure_idmap_exec_t immure_idmap_exec_t' bash -c 'stat -c %C /usr/bin/new[ug]idmap | cut -d : -f 3 | xargs'
	works 'immure_idmap_t: begins with them' may $idmap system_u:object_r:immure_idmap_exec_t:s0 file entrypoint
	for type in bin_t shell_exec_t lib_t usr_t ld_so_t user_home_t immure_file_t immure_exec_t; do
		works "immure_idmap_t: not with $type" may_not $idmap "system_u:object_r:$type:s0" file entrypoint
		works "immure_idmap_t: runs no $type" may_not $idmap "system_u:object_r:$type:s0" file execute_no_trans
	done
	works 'immure_launch_t: may enter it' may $launch $idmap process transition
	works 'immure_launch_t: not under no_new_privs, as a jail begins' may_not $launch $idmap process2 nnp_transition
	works 'immure_launch_t: runs them in no other domain' may_not $launch system_u:object_r:immure_idmap_exec_t:s0 file execute_no_trans
	for type in $jails $workers staff_t user_t; do works "$type: may not" may_not "staff_u:staff_r:$type:s0" $idmap process transition; done
	for type in staff_u:staff_r:staff_t system_u:system_r:sshd_t system_u:system_r:crond_t; do
		works "${type##*:}: runs them in its own domain, as any other program" may "$type:s0" system_u:object_r:immure_idmap_exec_t:s0 file execute_no_trans
	done
	unshare -U probe hold 30 &
	child=$!
	works 'a namespace waits for its maps' within 5 eval '[ "$(readlink /proc/$child/ns/user)" != "$(readlink /proc/self/ns/user)" ]'
	works 'they map it for others of the user, as for podman' bash -c 'newuidmap "$1" 0 1000 1 1 100000 65536 && newgidmap "$1" 0 1000 1 1 100000 65536' - $child
	is '… whole' '2 2' bash -c 'for map in uid gid; do grep -c . "/proc/$1/${map}_map"; done | xargs' - $child
	kill $child
}

enter
files
project
private_files
terminals
processes
nameless
network
decisions
mappers
plan
