#!/bin/bash
# path.sh - paths, mounts, /dev, /proc, masks (T-PATH). Where others race, window(1) stops the launch in the chosen call and acts there.
# shellcheck disable=SC2016,SC2034,SC2317 # the strings are evaluated by row()
# shellcheck source=tests/escape/row.sh
. "$(dirname "$0")/../row.sh"

rootfs=$work/rootfs volume=$work/volume
mkdir -p "$rootfs$canary/dir/below" "$rootfs"/{bin,usr,proc,dev,etc,tmp,run,var,home/user,vol/t,in/dir} "$volume/dir/below" "$work/w"
ln -s usr/lib "$rootfs/lib"
ln -s usr/lib64 "$rootfs/lib64"
ln -s /run "$rootfs/var/run"
ln -s "$canary/dev" "$rootfs/out"
ln -s "$canary" "$rootfs/link"
ln -s "../in" "$rootfs/var/inside"
echo honest > "$volume/dir/name"
echo honest > "$volume/file"
cp "$probes/reach" "$probes/status" "$probes/started" "$rootfs/bin"
cat > "$work/on-rootfs.json" << END
{"version": 1, "files": {"root": "$rootfs", "home": "none", "proc": "pid", "mounts": [{"bind": "/usr"}]}, "syscalls": {"groups": ["untrusted@1"]},
	"limits": {"open_files": 1024}, "environment": {"set": {"PATH": "/bin"}}}
END
on_rootfs=(-p "$work/on-rootfs.json")
peer_bwrap_oldroot() { # bubblewrap 0.8.0 makes what it is asked for through a link into the old root (CVE-2026-87766)
	mkdir -p "$work/oldroot/var"
	ln -sfn "/oldroot$canary" "$work/oldroot/link"
	ln -sfn "/oldroot$canary/dev" "$work/oldroot/var/dev"
	command=(bwrap --bind "$work/oldroot" / --dir /link/made --ro-bind /usr /link/usr --dev /var/dev /bin/started)
}
peer_bwrap_root() { command=(bwrap --bind "$rootfs" / "$@"); }

# ---- links in a root that somebody else made ----

inside() { # a mount on a link that is absolute must land where the link leads inside the root, and be seen there
	expect honest jail "${on_rootfs[@]}" -v "$volume/dir:/link/dir" -- /usr/bin/sh -c '/usr/bin/cat /link/dir/name 2> /dev/null || echo elsewhere'
}
without=no-landlock row T-PATH-01a 'a mount on a link that leads out of the new root' 'string-paths bwrap_oldroot' \
	'refused jail "${on_rootfs[@]}" --tmpfs /out/below -- /bin/started' \
	'jail "${on_rootfs[@]}" -v "$volume/dir:/var/inside/dir" -- /bin/reach see /in/dir/nothing'
without=no-landlock row T-PATH-01b 'a link that leads somewhere in the root and somewhere else outside' 'string-paths' inside inside
row T-PATH-01c 'the same with Landlock' 'bwrap_oldroot' inside 'jail "${on_rootfs[@]}" --tmpfs /in/dir -- /bin/status NoNewPrivs 1'
row T-PATH-02 'an absolute link inside the root is followed inside' 'bwrap_oldroot' \
	'jail "${on_rootfs[@]}" --tmpfs /var/run -- /bin/reach see /run/honest' \
	'jail "${on_rootfs[@]}" -v "$volume/dir:/var/run" -- /bin/reach see /run/name; [ $? = 10 ]'
for error in 38 1; do
	without=no-landlock row "T-PATH-04-$error" "openat2 answers errno $error: links are held in the root all the same" 'string-paths' \
		"under deny openat2 $error; inside" "under deny openat2 $error"'; jail "${on_rootfs[@]}" -v "$volume/dir:/var/inside/dir" -- /bin/status Seccomp 2'
done

# window: between looking and mounting, the mount point is swapped for a link that leads out
swap_target() { # CALL
	rm -rf "$rootfs/vol/t" "$rootfs/vol/t.real"
	mkdir -p "$rootfs/vol/t/below"
	under window "$1" "[ -h $rootfs/vol/t ] || { mv $rootfs/vol/t $rootfs/vol/t.real; ln -s $canary/dev $rootfs/vol/t; }"
	jail "${on_rootfs[@]}" -v "$volume/dir:/vol/t/below" -- /bin/started | sed 's/ESCAPED: the program was started/started/' > "$work/text"
	cat "$work/text"
	grep -q 'window: [1-9]' "$work/text" || echo 'UNCLEAR: the window was not hit'
	if grep -q '^started' "$work/text"; then echo 'ESCAPED: mounted through the link'; else echo 'CONTAINED: not mounted'; fi
}
without=no-landlock row T-PATH-07 'a mount point swapped for a link inside the window' 'string-paths' 'swap_target open_tree_attr:1' \
	'jail "${on_rootfs[@]}" -v "$volume/dir:/vol/t.real" -- /bin/status NoNewPrivs 1'
row T-PATH-08 'a missing mount point is not made on the host' 'bwrap_oldroot' \
	'refused jail "${on_rootfs[@]}" -v "$volume/dir:/vol/new/deep" -- /bin/started; [ ! -e "$rootfs/vol/new" ] || echo ESCAPED: made' \
	'jail -v "$volume/dir:/vol/new/deep" -- /bin/cat /vol/new/deep/name'

storm() { # launches while parents of the mount point are swapped as fast as the kernel can (renameat2 EXCHANGE)
	rm -rf "$rootfs/vol/t" "$rootfs/vol/u"
	mkdir -p "$rootfs/vol/t/below"
	ln -s "$canary/dir" "$rootfs/vol/u"
	under exchange "$rootfs/vol/t" "$rootfs/vol/u"
	again jail "${on_rootfs[@]}" -v "$volume/dir:/vol/t/below" -- /bin/reach read "$canary/secret" /vol/t/secret
	rm -f "$rootfs/vol/u"
	echo 'CONTAINED: through the storm'
}
row T-PATH-05 'a storm of renames around the mount point' 'bwrap_oldroot' storm 'jail -v "$volume/dir:/x" -- /bin/cat /x/name'

dev_link() { # LINK: the root's own /dev is not where it seems
	rm -rf "${rootfs:?}/dev"
	ln -s "$1" "$rootfs/dev"
	refused jail "${on_rootfs[@]}" -- /bin/status walls "$canary/secret"
	rm -f "$rootfs/dev"
	mkdir "$rootfs/dev"
}
row T-PATH-09a '/dev of the root is a link to a directory of the host' 'bwrap_oldroot' 'dev_link "$canary/dev"' \
	'jail "${on_rootfs[@]}" -- /bin/status Seccomp 2'
row T-PATH-09b '/dev of the root is a link to its own /etc' 'bwrap_oldroot' 'dev_link etc; ls -A "$rootfs/etc" | sed "s/^/ESCAPED: made /"' \
	'jail "${on_rootfs[@]}" -- /bin/status NoNewPrivs 1'
hostile_nodes() {
	ln -sfn "$canary/file" "$rootfs/dev/null"
	ln -sfn "$canary/secret" "$rootfs/dev/console"
	ln -sfn "$canary/dev" "$rootfs/dev/pts"
	jail "${on_rootfs[@]}" -v "/usr/bin/stat:/bin/vol:ro" "$@" -- /bin/status walls "$canary/secret"
	rm -f "$rootfs"/dev/{null,console,pts}
}
touch "$rootfs/bin/vol"
row T-PATH-10 'links of the root at /dev/null, /dev/console, /dev/pts' 'bwrap_oldroot' 'hostile_nodes' \
	'expect "character special file 1:3" jail -- /usr/bin/stat -c "%F %t:%T" /dev/null | grep CONTAINED'
row T-PATH-10b 'the same with a terminal' 'bwrap_oldroot' 'under pty; hostile_nodes' 'under pty; jail -- @tty whole'
proc_link() { # PATH: a link in place of /proc or /sys
	rm -rf "${rootfs:?}/$1"
	ln -s "$canary/dir" "$rootfs/$1"
	refused jail "${on_rootfs[@]}" -- /bin/started
	rm -f "${rootfs:?}/$1"
	mkdir "$rootfs/$1"
}
row T-PATH-14 '/proc of the root is a link' 'bwrap_oldroot' 'proc_link proc' 'jail "${on_rootfs[@]}" -- /bin/status Uid "1000	1000	1000	1000"'
swap_root() { # the checked root becomes a link to a tree with a secret in it
	local call=open_tree_attr text
	[ "$launcher" = immure ] || call=mount
	mkdir -p "$work/trap"
	cp -a "$rootfs/." "$work/trap"
	cp "$canary/secret" "$work/trap/etc"
	under window "$call:1" "[ -h $rootfs ] || { mv $rootfs $rootfs.real; ln -s trap $rootfs; }"
	text=$(refused jail "${on_rootfs[@]}" -- /bin/reach read /etc/secret 2>&1)
	[ ! -h "$rootfs" ] || { rm "$rootfs" && mv "$rootfs.real" "$rootfs"; }
	echo "$text"
	grep -q 'window: [1-9]' <<< "$text" || echo 'UNCLEAR: the window was not hit'
}
row T-PATH-29 'the root swapped inside the window' 'bwrap_root' swap_root 'jail "${on_rootfs[@]}" -- /bin/status Seccomp 2'

# ---- sources ----

swap_parent() {
	rm -rf "$work/up" "$work/up.real"
	mkdir -p "$work/up/dir"
	echo honest > "$work/up/dir/name"
	under deny openat2 38 # else the kernel itself does not follow
	under window fsopen:1 "[ -h $work/up ] || { mv $work/up $work/up.real; ln -s $canary $work/up; }"
	jail -v "$work/up/dir:/vol:ro" -- /bin/sh -c 'cat /vol/secret; cat /vol/name' > "$work/text" 2>&1
	cat "$work/text"
	grep -q 'window: [1-9]' "$work/text" || echo 'UNCLEAR: the window was not hit'
	echo 'CONTAINED: what was checked, or nothing'
}
row T-PATH-19a 'a parent of the bind source swapped inside the window' 'no-source-check' swap_parent \
	'ln -sfn "$volume/dir" "$work/by-link"; says honest jail -v "$work/by-link:/vol:ro" -- /bin/cat /vol/name'
swap_inode() {
	rm -rf "$work/source" "$work/other"
	cp -r "$volume/dir" "$work/source"
	cp -r "$canary/dir" "$work/other"
	under window fsopen:1 "[ ! -e $work/other ] || { mv $work/source $work/gone; mv $work/other $work/source; }"
	jail -v "$work/source:/vol:ro" -- /bin/sh -c 'cat /vol/secret; cat /vol/name' 2>&1
	rm -rf "$work/gone"
	echo 'CONTAINED: what was checked, or nothing'
}
row T-PATH-19b 'another directory in the place of the checked one' 'no-source-check' swap_inode \
	'says honest jail -v "$volume/dir:/vol:ro" -- /bin/cat /vol/name'
peer_bwrap_try() { command=(bwrap --ro-bind / / --bind-try "$work/allowed/newleaf" /mnt "$@"); }
row T-PATH-20 'a bind source that does not exist is neither made nor passed over' 'bwrap_try' \
	'mkdir -p "$work/allowed"; refused jail -v "$work/allowed/newleaf:/vol" -- @started; [ ! -e "$work/allowed/newleaf" ] || echo ESCAPED: made' \
	'mkdir -p "$work/shut/in"; chmod 0111 "$work/shut"; jail -v "$work/shut/in:/vol" -- /bin/ls /vol; s=$?; chmod 0755 "$work/shut"; [ $s = 0 ]'
private_home() { # the first run leaves a link in its kept home; the second one mounts below it
	local text='{"version": 1, "name": "kept", "extends": "untrusted", "files": {"home": "private"}}'
	rm -rf "$HOME/.local"
	jail -p "$(profile "$text")" -- /bin/sh -c "ln -s $canary/dir /home/user/sub && ln -s $canary/file /home/user/f" || echo "UNCLEAR: first run"
	refused jail -p "$(profile "$text")" -v "$volume/dir:/home/user/sub/below" -- @started
}
row T-PATH-21 'a kept home whose directory became a link between two runs' 'string-paths,no-pin,no-landlock' private_home \
	'jail -p "$(profile "{\"version\": 1, \"name\": \"kept\", \"extends\": \"untrusted\", \"files\": {\"home\": \"private\"}}")" -- /bin/sh -c "echo x > ~/kept" && [ "$(stat -c %a "$HOME/.local/share/immure/home/kept")" = 700 ]'

# ---- targets ----

bad_targets() {
	local target text
	for target in / // . .. relative /.. /../x /a/../b /proc /proc/self /proc/1 /proc/sys /proc/net /proc/self/fd/0 /sys /dev /dev/null /dev/pts /dev/shm/x; do
		text=$(refused jail -v "$volume/dir:$target" -- @started)
		[[ $text == *CONTAINED:* && $text != *ESCAPED:* ]] || { printf '%s:\n%s\n' "$target" "$text"; return; }
	done
	echo 'CONTAINED: every target refused'
}
row T-PATH-15 'mounts on /proc, /sys, /dev, the root, or no absolute path' 'plain' bad_targets 'jail -v "$volume/dir:/a/b/c" -- /bin/true'
row T-PATH-48 'a tmpfs on the root or on no absolute path' 'plain' 'all_refused --tmpfs / // . relative /.. /a/.. /proc/x /dev ""' \
	'jail --tmpfs /a//b/ -- /bin/ls /a/b'
peer_bwrap_stub() { command=(bwrap --ro-bind / / --bind "$work/w" "$work/w" --ro-bind "$volume/file" "$work/w/sub/new" "$@"); }
row T-PATH-30a 'a mount point that is absent in a writable bind leaves no stub behind' 'bwrap_stub' \
	'rm -rf "$work/w/sub"; refused jail -v "$work/w:/w" -v "$volume/file:/w/sub/new" -- /bin/true; [ ! -e "$work/w/sub" ] || echo ESCAPED: a stub' \
	'mkdir -p "$work/w/there"; jail -v "$work/w:/w" -v "$volume/dir:/w/there" -- /bin/cat /w/there/name'
peer_bwrap_deny() { command=(bwrap --ro-bind / / --bind "$work/w" "$work/w" --ro-bind /dev/null "$work/w/.env" "$@"); }
row T-PATH-30b 'a denied path that is absent leaves no stub behind' 'bwrap_deny' \
	'rm -f "$work/w/.env"; refused jail -v "$work/w:$work/w" --deny "$work/w/.env" -- /bin/true; [ ! -e "$work/w/.env" ] || echo ESCAPED: a stub' \
	'jail -v "$work/w:$work/w:ro" --deny "$work/w/.env" -- /bin/true'

# ---- masks and denials ----

mkdir -p "$work/d/secret-dir/below" "$work/d/plain"
echo "$secret" > "$work/d/secret-dir/below/file"
echo "$secret" > "$work/d/file"
echo honest > "$work/d/plain/file"
ln -s secret-dir "$work/d/alias"
ln -s file "$work/d/alias-file"
denied=(-v "$work/d:$work/d" --deny "$work/d/secret-dir" --deny "$work/d/file")
spellings=("file" "./file" "/file" "plain/../file" "alias-file" "secret-dir/below/file" "alias/below/file" "secret-dir/./below//file")
read_spellings() {
	local paths=()
	for name in "${spellings[@]}"; do paths+=("$work/d/$name" "/proc/self/root$work/d/$name" "/proc/self/cwd/../..$work/d/$name"); done
	silent jail "${denied[@]}" -- /bin/cat "${paths[@]}"
}
row T-PATH-16a 'a denied file or directory under twenty-four spellings' 'no-deny bwrap' read_spellings \
	'says honest jail "${denied[@]}" -- /bin/cat "$work/d/plain/file"'
row T-PATH-16b 'the denial itself spelt with slashes, dots and links' 'no-deny bwrap' \
	'silent jail -v "$work/d:$work/d:ro" --deny "$work/d//secret-dir/" --deny "$work/d/alias-file" -- /bin/cat "$work"/d/{secret-dir/below/file,file,alias-file}' \
	'says honest jail "${denied[@]}" -- /bin/cat "$work/d/plain/file"'
row T-HAND-03a 'parents of a denied path cannot be renamed away' 'no-pin' \
	'mkdir -p "$work/p/a/b"; echo "$secret" > "$work/p/a/b/file"
	silent jail -v "$work/p:$work/p" --deny "$work/p/a/b/file" -- /bin/sh -c "mv $work/p/a $work/p/c && echo ESCAPED: renamed"; mv "$work/p/c" "$work/p/a" 2> /dev/null' \
	'jail -v "$work/p:$work/p" --deny "$work/p/a/b/file" -- /bin/sh -c "mkdir $work/p/n && mv $work/p/n $work/p/m && rmdir $work/p/m"'
row T-HAND-08 'a denied file by hard link, by descriptor of a directory, by its loader' 'no-deny bwrap' \
	'silent jail "${denied[@]}" -- /bin/sh -c "ln $work/d/file $work/d/hard && cat $work/d/hard; cd $work/d && cat file < . ; cp -r $work/d/. /tmp/c; cat /tmp/c/file"; rm -f "$work/d/hard"' \
	'jail "${denied[@]}" -- /bin/sh -c "ln $work/d/plain/file $work/d/plain/hard && rm $work/d/plain/hard"'
without=no-seccomp,keep-bounding,no-landlock row T-PATH-17 'masks cannot be taken off, filter or not' 'keep-inheritable' \
	'jail "${denied[@]}" -- @reach unmount "$work/d/file" "$work/d/secret-dir"' 'says honest jail "${denied[@]}" -- /bin/cat "$work/d/plain/file"'
without=no-seccomp,keep-inheritable,keep-bounding,no-landlock row T-PATH-18 'with every cover taken off, the host is still not there' 'keep-old-root' \
	'jail -- @reach uncover "$canary/secret"' 'jail -- /bin/true'
row T-PATH-38 'no way to the old root by mounts, processes, descriptors or dots' 'keep-old-root,no-landlock bwrap' \
	'jail -- @reach search "$canary/secret"' 'jail -v "$canary:$canary:ro" -- @reach search "$canary/secret"; [ $? = 10 ]'
without=no-landlock row T-PATH-38b 'the old root is gone from the mount table' 'keep-old-root' \
	'expect 1 jail -- /bin/sh -c "grep -c \" / / \" /proc/self/mountinfo"' 'jail -- /bin/grep -q " /usr " /proc/self/mountinfo'

# ---- flags and propagation ----

bare=(--security-opt label=disable) # for what a label by itself would forbid, the honest use too

row T-PATH-32a 'read-only reaches the mounts below' 'shallow-readonly,no-landlock' \
	'jail "${bare[@]}" -v /dev:/host-dev:ro -- @reach create "/host-dev/shm/immure-escape-$$" /host-dev/shm/x; rm -f "/dev/shm/immure-escape-$$" /dev/shm/x' \
	'jail "${bare[@]}" -v /dev:/host-dev:ro -- /bin/ls /host-dev/shm'
without=no-landlock row T-PATH-32b 'by the mount alone, without Landlock' 'shallow-readonly' \
	'jail "${bare[@]}" -v /dev:/host-dev:ro -- @reach create /host-dev/shm/x; rm -f /dev/shm/x' 'jail -v /dev:/host-dev:ro -- /bin/ls /host-dev'
row T-PATH-33 'every mount is nosuid, and nodev but for the nodes of /dev' 'no-nosuid bwrap' \
	'jail -v "$volume:$volume" -- /bin/sh -c "grep -v nosuid /proc/self/mountinfo && echo ESCAPED: a mount without nosuid || echo CONTAINED: all nosuid"' \
	'jail -v "$volume:/vol" -- /bin/sh -c "echo x > /vol/written"'
outer() { # runs words in a user and mount namespace of our own, where we may mount, with shared propagation
	unshare --map-current-user --keep-caps --mount --propagation shared bash -c "$1"
}
propagation() { # the host mounts something below a bind while the jail runs: it must not come in
	mkdir -p "$work/shared/sub"
	rm -f "$work/shared"/{up,go}
	export -f jail guarded be read_options outer_jail
	export probes work launcher program
	outer "mount -t tmpfs none $work/shared && mkdir $work/shared/sub && { outer_jail & } && \
		for i in {1..1200}; do [ -e $work/shared/up ] && break; sleep 0.05; done; \
		mount -t tmpfs none $work/shared/sub && touch $work/shared/sub/came $work/shared/go; wait"
}
outer_jail() {
	jail --security-opt label=disable -v "$work/shared:/shared" -- /bin/sh -c 'echo > /shared/up; i=0; while [ ! -e /shared/go ] && [ $i -lt 1200 ]; do sleep 0.05; i=$((i+1)); done
		[ -e /shared/go ] || { echo UNCLEAR: never told; exit; }; [ -e /shared/sub/came ] && echo ESCAPED: the mount came in || echo CONTAINED: it did not'
}
row T-PATH-31 'mounts of the host do not come in while the jail runs' 'no-private' propagation \
	'jail -v "$work/shared:/shared" -- /bin/sh -c "echo x > /shared/x"'
nested() { # below an outer /proc with a mask the kernel gives no /proc of its own away
	local text
	text=$(unshare --map-current-user --keep-caps -mpf --mount-proc bash -c 'mount --bind /dev/null /proc/uptime; sleep 1005.55 & "$1" jail -- /bin/sh -c "cat /proc/*/cmdline" | tr "\\0" " "; kill $!' - "$program" 2>&1)
	echo "$text"
	if [[ $text == *'1005.55'* ]]; then echo 'ESCAPED: the outer processes are seen'; else echo 'CONTAINED: they are not'; fi
}
row T-PATH-52 'below an outer /proc with masks: refused, or a /proc of its own' 'host-pid-proc' nested 'jail -- /bin/cat /proc/self/comm'
peer_logging() { command=(bash -c '"${@:2}"; echo done > "$1"' - "$work/out/sub/result" "$@"); } # a script that writes its log afterwards
written_after() { # the folder that the result goes to lies in a writable bind, and the program swaps it for a link
	rm -rf "$work/out"
	mkdir -p "$work/out/sub"
	jail -v "$work/out:$work/out" --result "$work/out/sub/result" --receipt "$work/out/sub/receipt" -- \
		/bin/sh -c "mv $work/out/sub $work/out/old && ln -s $canary/dir $work/out/sub"
	[ -h "$work/out/sub" ] && echo 'CONTAINED: swapped'
}
row T-PATH-40 'what the launcher writes at the end does not follow links that the program made' 'logging' written_after \
	'mkdir -p "$work/quiet"; jail --result "$work/quiet/result" --receipt "$work/quiet/receipt" -- /bin/true && [ -s "$work/quiet/result" ] && [ -s "$work/quiet/receipt" ]'
row T-CFG-30 'a denied path whose name begins like another denied one' '!prefix-compare bwrap' \
	'echo "$secret" > "$work/d/file2"; jail "${denied[@]}" --deny "$work/d/file2" -- /bin/sh -c "cat $work/d/file2; echo CONTAINED: ran"' \
	'says honest jail "${denied[@]}" -v "$volume/dir:$work/d/plain:ro" -- /bin/cat "$work/d/plain/name"'
finish
