#!/bin/bash
# containers.sh - images and containers under SELinux and cgroup v2: what unpacks and what is unpacked, who may read whose files, what is
# shared when somebody asks for it, and that the limits of `run` are those of `jail`.
# limit: 240
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the container
. "${TESTS:?}/lib.sh"
mine=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service
storage=~/.local/share/immure/storage
result=/tmp/result.json
pair='s0:c[0-9]+,c[0-9]+'
here='unconfined_u:object_r'

# A tree of busybox, what shows labels, and probe; everything root's but one file.
make_layer() {
	local program library
	make_tree
	mkdir -p ~/other/opt
	cp /usr/bin/probe ~/tree/bin/
	for program in ls stat; do
		cp /bin/$program ~/tree/bin/
		while read -r library; do mkdir -p ~/tree"$(dirname "$library")" && cp -L "$library" ~/tree"$library"; done < <(ldd /bin/$program | grep -o '/[^ ]*')
	done
	echo mine > ~/other/opt/mine
	tar cf ~/tree.tar --owner=0 --group=0 -C ~/tree . && tar rf ~/tree.tar --owner=33 --group=33 -C ~/other opt/mine
}

label_of() { stat -c %C "$1"; }
run() { immure run --rm tree "$@"; }
run_with() { local options=(); while [ "$1" != -- ]; do options+=("$1"); shift; done; immure run --rm "${options[@]}" tree "${@:2}"; } # OPTIONS -- COMMAND
containers() { find $storage/containers $storage/transient -mindepth 1 -maxdepth 1 ! -name '.*' 2> /dev/null; }
no_containers() { [ -z "$(containers)" ]; }
cgroups() { find $mine -mindepth 1 -type d -name 'immure*'; }
gone() { [ -z "$(cgroups)" ]; }
process() { pgrep -f "^sleep $1\$"; } # SECONDS, which tell one container from the other
label_of_process() { tr -d '\0' < "/proc/$(process "$1" | head -n1)/attr/current"; }
level_of() { sed -E 's/^[^:]*:[^:]*:[^:]*://'; }
ends_with_limit() { ! "${@:2}" && cat $result && grep -qE "\"limit\": *\"$1\"" $result; } # LIMIT COMMAND...

images() {
	make_layer
	works 'an image is made of a tree, under enforcement' immure import ~/tree.tar tree
	is 'the storage has a type of its own' "$here:immure_storage_t:s0" label_of $storage
	is 'so has what was unpacked' '0' bash -c "find $storage -exec stat -c %C {} + 2> /dev/null | grep -vc ':immure_storage_t:s0$'"
	works 'it is listed' bash -c 'immure images | grep -q tree'
	works 'and verified' immure image verify
	says 'a registry that is not there: the domain for it starts, and connects' 'onnect|refused' immure pull 127.0.0.1:1/none
	is 'a container of it runs' layer run cat /etc/of-the-layer
	is 'with the ids of the image' 33 run /bin/stat -c %u /opt/mine
}

labels() {
	local own
	own=$(run cat /proc/self/attr/current | tr -d '\0')
	works "its domain is that of containers, with a pair: $own" grep -qE "^unconfined_u:unconfined_r:immure_container_t:$pair$" <<< "$own"
	run sh -c 'touch /new; mkdir /dir; cat /proc/self/attr/current; echo; /bin/stat -c %C / /etc/of-the-layer /opt/mine /new /dir /tmp /dev /dev/shm' > /tmp/labels
	own=$(sed -n 1p /tmp/labels | tr -d '\0' | level_of)
	is 'root, files of the layer, new files: all of the type and the pair of the container' "8 $here:immure_file_t:$own" \
		bash -c "sed 1d /tmp/labels | sort | uniq -c | sed 's/^ *//'"
	works 'ls -Z says the same inside' bash -c 'immure run --rm tree /bin/ls -Z /etc/of-the-layer | grep -q ":immure_file_t:s0:c[0-9]*,c[0-9]* "'
	works 'it makes, links, renames, removes; runs what it made' run sh -c \
		'cd /root && mkdir d && mknod d/f p && ln -s f d/l && ln /bin/busybox d/echo && mv d e && chmod 700 e && cp /bin/probe . 2> /dev/null || busybox cp /bin/probe . && ./probe landlock && e/echo && rm -r e'
	works 'it has terminals, with its own pair' bash -c '[[ $(immure run --rm tree sh -c "probe terminal 0; cat /proc/self/attr/current" | tr -d "\0" | sed "s/.*:s0:/s0:/" | sort -u | wc -l) = 1 ]]'
	works '… one in the place of the user'"'"'s' script -qec 'immure run --rm -t tree test -t 0' /dev/null
	says 'it does not even see the state of SELinux' 'No such file|denied' run cat /sys/fs/selinux/enforce
}

# Whiteouts: made by overlayfs in an upper, by the worker in a layer.
whiteouts() {
	immure run --name changed tree rm -r /etc/of-the-layer /opt
	works 'a container that removed what a layer has becomes an image' immure commit changed changed
	immure rm changed > /dev/null
	is 'without it' hidden immure run --rm changed sh -c 'test -e /etc/of-the-layer || test -e /opt || echo hidden'
	works 'it is saved' immure save -o ~/changed.tar changed
	works 'removed' bash -c 'immure rmi changed tree && immure image prune -af'
	works 'and loaded again, whiteouts and all' bash -c 'immure load -i ~/changed.tar && immure load < ~/changed.tar'
	works 'they are devices 0:0 in the storage' bash -c "find $storage/layers -type c | grep -q ."
	is 'with the type of the storage' 1 bash -c "find $storage/layers -type c -exec stat -c %C {} + | sort -u | grep -c '^$here:immure_storage_t:s0$'"
	is 'and hide as before' hidden immure run --rm changed sh -c 'test -e /etc/of-the-layer || test -e /opt || echo hidden'
	immure import ~/tree.tar tree > /dev/null
}

# A registry of one image: the folder of an OCI archive. It lets everybody in who gives a name, whatever it is.
serve() { # FOLDER
	perl -MSocket -e '
		chdir shift or die $!;
		socket(my $s, AF_INET, SOCK_STREAM, 0) or die $!;
		bind($s, sockaddr_in(5000, INADDR_LOOPBACK)) && listen($s, 9) or die $!;
		$SIG{CHLD} = "IGNORE";
		while (accept(my $c, $s)) {
			if (fork) { close $c; next }
			recv($c, my $first, 1, MSG_PEEK);
			exit if $first eq "\x16"; # TLS, which it does not speak; its client would wait for long
			my ($verb, $path) = split " ", <$c>;
			my $named = 0;
			while (<$c>) { last if /^\r?$/; $named = 1 if /^Authorization:/i }
			if ($path eq "/v2/" && !$named) { print $c "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"; exit }
			$path =~ s|.*/||; $path =~ s|^sha256:||;
			my $ok = open(my $f, "<", $path eq "" ? "/dev/null" : "blobs/sha256/$path");
			local $/; my $body = $ok ? <$f> // "" : "";
			my $type = $body =~ /"config"/ ? "vnd.oci.image.manifest.v1+json" : "octet-stream";
			print $c "HTTP/1.1 ", ($ok ? "200 OK" : "404 Not Found"), "\r\nContent-Type: application/$type\r\nContent-Length: ",
				length $body, "\r\nConnection: close\r\n\r\n", ($verb eq "HEAD" ? "" : $body);
			exit;
		}' "$1"
}

# Both workers at once, the layer through a pipe of one to the other, into a storage of the caller's choice.
pulled() {
	local manifest
	mkdir -p ~/registry
	immure save --format oci-archive tree | tar x -C ~/registry
	manifest=$(grep -o 'sha256:[0-9a-f]*' ~/registry/index.json | head -n1)
	cp ~/registry/blobs/sha256/"${manifest#*:}" ~/registry/blobs/sha256/latest
	serve ~/registry &
	works 'an image is pulled' within 10 immure pull --storage ~/pulled --tls-verify=false 127.0.0.1:5000/tree
	is 'and runs' layer immure run --storage ~/pulled --rm 127.0.0.1:5000/tree cat /etc/of-the-layer
	is 'that storage has the type, too' "$here:immure_storage_t:s0" label_of ~/pulled
}

# The file is replaced by the domain that speaks to registries; no other jail is let near it.
credentials() {
	local kept=$XDG_RUNTIME_DIR/containers
	works 'credentials are kept' bash -c 'echo word | immure login --tls-verify=false -u user --password-stdin 127.0.0.1:5000'
	is '… with a type of their own' "$here:immure_credentials_t:s0" label_of "$kept/auth.json"
	is '… and found again' user immure login --get-login 127.0.0.1:5000
	works '… and given up' immure logout 127.0.0.1:5000
	says 'a directory of another type: refused, with the remedy' 'chcon -R -t immure_credentials_t' \
		bash -c 'echo word | REGISTRY_AUTH_FILE=~/login/auth.json immure login --tls-verify=false -u user --password-stdin 127.0.0.1:5000'
	chcon -t immure_credentials_t ~/login
	works '… given the type, it keeps them' bash -c 'echo word | REGISTRY_AUTH_FILE=~/login/auth.json immure login --tls-verify=false -u user --password-stdin 127.0.0.1:5000'
	kill %%
	wait
	says 'no container is shown them' 'SELinux does not let' run_with -v "$kept:/kept" -- cat /kept/auth.json
}

# The pair is drawn for a run; what a container keeps was written under the pair of an earlier one.
again() {
	local first
	immure run --name again tree sh -c 'cp /bin/probe /mine 2> /dev/null || busybox cp /bin/probe /mine; cat /proc/self/attr/current > /first; cat /proc/self/attr/current' > /dev/null
	first=$(find $storage/containers -path '*upper*/first' -exec cat {} + 2> /dev/null | tr -d '\0' | level_of)
	works 'a container is started again, with the same pair' bash -c "immure start -a again 2>&1 | tr -d '\\0' | grep -q ':immure_container_t:$first\$'"
	works 'and removed' immure rm again
	immure run --name program tree sh -c 'if [ -e /mine ]; then exec /mine landlock; else busybox cp /bin/probe /mine; fi'
	works 'a program that a container got in its first run starts in its second' immure start -a program
	immure rm program
}

apart() {
	local one two upper one_level
	immure run --rm -v ~/private:/private:Z tree sh -c 'echo secret > /secret; echo secret > /private/file; exec sleep 501' &
	immure run --rm tree sleep 502 &
	works 'two containers run' within 10 eval 'process 501 && process 502'
	one=$(label_of_process 501) two=$(label_of_process 502)
	one_level=$(level_of <<< "$one")
	works "their pairs differ: $one_level, $(level_of <<< "$two")" bash -c '[[ $1 == *:immure_container_t:* && $2 == *:immure_container_t:* && $1 != "$2" ]]' - "$one" "$two"
	is 'a bind with Z is of the first one alone' "$here:immure_file_t:$one_level" label_of ~/private/file
	upper=$(dirname "$(find $storage -name secret 2> /dev/null)")
	is 'what it writes has its label on the disk, too' "$here:immure_file_t:$one_level" label_of "$upper/secret"
	works 'control: the user reads both' cat "$upper/secret" ~/private/file
	says "the other's upper is bound: refused, in words" 'SELinux does not let' run_with -v "$upper:/theirs:ro" -- cat /theirs/secret
	says '… with z, too' 'is not given to jails' run_with -v "$upper:/theirs:ro,z" -- cat /theirs/secret
	says "the other's directory is bound: refused, in words" 'SELinux does not let' run_with -v ~/private:/theirs -- cat /theirs/file
	refused '… by a directory above it: refused by the kernel' run_with -v ~/above:/above -- cat /above/private/file
	is 'control: what is beside it in there is read' beside run_with -v ~/above:/above -- cat /above/beside
	is 'the kernel by itself lets no other read an upper, even opened by the user' '' bash -c "setpriv --no-new-privs runcon -t immure_container_t -l s0:c1022,c1023 cat < $upper/secret"
	is 'control: the pair of its own does' secret bash -c "setpriv --no-new-privs runcon -t immure_container_t -l $one_level cat < $upper/secret"
	refused '… nor a layer, as it lies there' setpriv --no-new-privs runcon -t immure_container_t -l s0 probe read "$(find $storage/layers -name of-the-layer | head -n1)"
	kill %1 %2
	wait
}

shared() {
	immure run --rm -v ~/both:/both:z tree sh -c 'echo one > /both/of-one; mkdir /both/dir; exec sleep 503' &
	works 'a container with a bind that is shared (z) runs' within 10 eval 'process 503 && test -d ~/both/dir'
	is 'another one reads it and writes it' $'before\none' run_with -v ~/both:/both:z -- sh -c 'cat /both/before /both/of-one && echo two > /both/dir/of-two'
	is 'the first reads what the second wrote' two cat "/proc/$(process 503)/root/both/dir/of-two"
	is 'nothing in there has categories' "5 $here:immure_shared_file_t:s0" bash -c 'find ~/both -exec stat -c %C {} + | sort | uniq -c | sed "s/^ *//"'
	kill %%
	wait
	works 'a volume is written by one container' run_with -v kept:/kept -- sh -c 'echo volume > /kept/file'
	is '… and read by the next' volume run_with -v kept:/kept -- cat /kept/file
	is '… being shared' "$here:immure_shared_file_t:s0" label_of $storage/volumes/kept/data/file
	works 'it outlives a worker' immure image prune -f
	is '… and has its label still' volume run_with -v kept:/kept -- cat /kept/file
	mkdir -p ~/level && echo level > ~/level/file && chcon -R -t immure_file_t -l s0:c1,c2 ~/level
	is 'two containers of one level share a directory of that level' level run_with --security-opt label=level:s0:c1,c2 -v ~/level:/level -- sh -c 'cat /level/file; echo new > /level/new'
	is '… and what they make there' new run_with --security-opt label=level:s0:c1,c2 -v ~/level:/level -- cat /level/new
	says 'which one of another level does not' 'SELinux does not let' run_with -v ~/level:/level -- cat /level/file
	says 'the home itself is given to nobody' 'is not given to jails' run_with -v ~:/home:z -- true
	is '… and keeps its label' user_home_dir_t bash -c 'stat -c %C ~ | cut -d: -f3'
	is 'a key in what is shared keeps its own, and stays closed' ssh_home_t bash -c 'immure run --rm -v ~/keys:/keys:z tree cat /keys/key 2> /dev/null; stat -c %C ~/keys/key | cut -d: -f3'
	says 'control: a directory of the home that nobody shared is refused' 'SELinux does not let' run_with -v ~/other:/other -- ls /other
}

limits() {
	local made
	works 'an allocation beyond --memory dies, and the result says so' ends_with_limit memory run_with --memory 64m --result $result -- probe memory 200
	works '… which leaves no cgroup' within 3 gone
	is 'control: below it lives' touched run_with --memory 256m -- probe memory 100
	made=$(run_with --pids-limit 20 -- probe forks 200)
	works "a fork bomb stops at --pids-limit: ${made:-none} of 200" test "${made:-0}" -gt 5 -a "${made:-200}" -lt 20
	is 'control: below it forks' 100 run_with --pids-limit 200 -- probe forks 100
	share 450 550 '--cpus 0.5 is half a CPU, within 10 %' run_with --cpus 0.5 -- probe spin 2000
	share 801 1001 'control: unlimited it gets a whole one' run probe spin 1000
}

ends() {
	local signal
	works 'nothing is left of all that ran' within 5 no_containers
	for signal in TERM KILL; do
		immure run --rm --memory 64m tree sh -c 'for i in 1 2 3 4 5; do sleep 504 & done; echo x > /written; exec sleep 505' &
		works "a tree is up ($signal)" within 10 eval 'process 505 && [ "$(process 504 | wc -l)" = 5 ]'
		kill -$signal $!
		works "launcher ended by SIG$signal: the tree is dead" within 5 eval '! process 504 && ! process 505'
		works '… the cgroup gone' within 5 gone
		works '… the container gone' within 5 no_containers
	done
	wait
}

mkdir -p ~/private ~/both ~/above/private ~/keys
echo before > ~/both/before
echo beside > ~/above/beside
echo secret > ~/above/private/file
chcon -R -t immure_file_t ~/above
chcon -R -l s0:c1020,c1021 ~/above/private
echo key > ~/keys/key
chcon -t ssh_home_t ~/keys/key
images
labels
whiteouts
pulled
credentials
again
apart
shared
limits
ends
plan
