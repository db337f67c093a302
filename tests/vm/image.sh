#!/bin/bash
# image.sh - makes what the machines boot from, out of Debian's packages only, and keeps it between runs. Needs root, or sudo.
#
#   image.sh CACHE
#
# leaves in CACHE, each named after a hash of everything that went into it, with a link without the hash:
#   userspace/root       the tree, for compiling the policy in, or the launcher for another architecture
#   userspace/root.ext4  the same, labelled: Debian stable, systemd, the default SELinux policy; nothing of this project
#   kernel-SUITE/        vmlinuz, initrd
#   policy/              the binary policy and contexts with policies/selinux installed over Debian's (amd64 only)
# A change of the launcher, of a profile, of a test or of guest/session rebuilds nothing here: they come on the payload disk.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/config.sh"
cache=$(realpath -m "${1:?usage: image.sh CACHE}")
export LC_ALL=C.UTF-8

say() { printf 'vm: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The first mirror of Debian that this machine itself uses.
mirror() {
	local found
	found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/$') ||
		die 'no Debian mirror among the sources of apt'
	printf '%s' "${found%/}"
}

source_lines() { # SUITE...
	local suite base
	base=$(mirror)
	for suite; do
		case $suite in
		*-security) printf 'deb [signed-by=%s] %s %s main\n' "$VM_KEYRING" "${base%/debian}/debian-security" "$suite" ;;
		*) printf 'deb [signed-by=%s] %s %s main\n' "$VM_KEYRING" "$base" "$suite" ;;
		esac
	done
}

# cached NAME KEY FUNCTION [ARG...]: FUNCTION makes the folder it is started in, unless NAME-KEY is there already. Made beside and
# renamed, so that an interrupted build is never taken for a whole one.
cached() {
	local name=$1 key=$2 start=$SECONDS work status
	shift 2
	if [ ! -d "$cache/$name.$key" ]; then
		rm -rf "$cache/$name".*
		work=$(mktemp -d "$cache/work.XXXXXX")
		chmod 755 "$work"
		set +e # or the function would not stop at its first failure, as the left side of || does not
		(set -e; cd "$work"; "$@") > "$cache/log/$name" 2>&1
		status=$?
		set -e
		[ "$status" = 0 ] || { tail -n 20 "$cache/log/$name" >&2; rm -rf "$work"; die "making $name failed"; }
		mv "$work" "$cache/$name.$key"
		say "made $name in $((SECONDS - start)) s"
	fi
	ln -sfn "$name.$key" "$cache/$name"
}

hash_of() { cat "$@" | sha256sum | cut -c1-16; }

make_userspace() {
	source_lines "$VM_SUITE" "$VM_SUITE-updates" "$VM_SUITE-security" > sources.list
	"make_tree_$VM_ARCH" --quiet --format=directory --include="$VM_PACKAGES" --aptopt='Acquire::Languages "none"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		"$VM_SUITE" root sources.list
	truncate -s "$VM_DISK" root.ext4
	# -d copies the security.selinux attributes; no journal, as every boot starts from this very image and throws its writes away
	mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1,nodiscard -m 0 -d root root.ext4
}

make_tree_amd64() { # OPTION...
	mmdebstrap --variant=essential "$@"
	useradd -R "$PWD/root" -u 1000 -U -m -s /bin/bash tester
	configure_userspace
	# what would only make the systemd machine slower to boot
	chroot root systemctl mask -q systemd-udevd systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udev-trigger systemd-timesyncd systemd-networkd systemd-resolved \
		systemd-hwdb-update e2scrub_all.timer fstrim.timer getty@tty1
	# setfiles writes through /proc/self/fd: it needs a /proc of its own in there
	unshare -m -p -f --root="$PWD/root" --mount-proc setfiles -F -m -e /proc -e /sys -e /dev \
		/etc/selinux/default/contexts/files/file_contexts / < /dev/null
}

# Unpacked, and not set up: what the packages would have done themselves is done here.
make_tree_arm64() { # OPTION...
	local r=root
	mmdebstrap --variant=extract --architectures=arm64 --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr "$@"
	cp $r/usr/share/base-passwd/passwd.master $r/etc/passwd
	cp $r/usr/share/base-passwd/group.master $r/etc/group
	echo 'tester:x:1000:1000::/home/tester:/bin/bash' >> $r/etc/passwd
	echo 'tester:x:1000:' >> $r/etc/group
	install -d -o 1000 -g 1000 $r/home/tester
	mkdir $r/{mnt,srv}
	ln -sf mawk $r/usr/bin/awk
	ln -sf dash $r/usr/bin/sh
	configure_userspace
}

configure_userspace() {
	local r=root
	mkdir -p $r/etc/selinux
	echo 'tester:100000:65536' | tee $r/etc/subuid > $r/etc/subgid
	printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' > $r/etc/selinux/config
	echo vm > $r/etc/hostname
	echo '127.0.0.1 localhost vm' > $r/etc/hosts
	: > $r/etc/fstab
	: > $r/etc/resolv.conf
	echo 0123456789abcdef0123456789abcdef > $r/etc/machine-id
	mkdir -p $r/payload $r/usr/lib/modules
	rm -rf $r/var/cache/* $r/var/lib/apt/lists/*
}

# The cloud flavour boots fastest. One package up to 6.12; split into several from 7.x on.
make_kernel() { # SUITE
	local tree=$cache/userspace/root version packages options
	mkdir -p apt/lists/partial apt/cache/archives/partial tree
	source_lines "$1" > apt/sources.list
	options=(-o "Dir::Etc::sourcelist=$PWD/apt/sources.list" -o Dir::Etc::sourceparts=/nonexistent -o "Dir::State::lists=$PWD/apt/lists"
		-o "APT::Architecture=$VM_ARCH" -o "APT::Architectures=$VM_ARCH" -o "Dir::Cache=$PWD/apt/cache" -o Dir::State::status=/dev/null -o Acquire::Languages=none -o APT::Sandbox::User=root)
	apt-get "${options[@]}" -qq update
	mapfile -t packages < <(apt-cache "${options[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
		--no-replaces --no-enhances "linux-image-cloud-$VM_ARCH" | grep -E "^linux-(image|binary|modules|base)-[0-9].*-cloud-$VM_ARCH\$" | sort -u)
	[ ${#packages[@]} -gt 0 ] || die "no kernel in $1"
	(cd apt && apt-get "${options[@]}" -qq download "${packages[@]}" && for deb in *.deb; do dpkg-deb -x "$deb" ../tree; done)
	mkdir -p tree/usr/lib
	[ ! -d tree/lib ] || { mv tree/lib/* tree/usr/lib/ && rmdir tree/lib; }
	ln -s usr/lib tree/lib
	version=$(basename tree/usr/lib/modules/*)
	cp tree/boot/vmlinuz-* vmlinuz
	make_initrd "$tree" "$version"
	echo "$version" > version
	rm -rf apt tree
}

make_initrd() { # TREE VERSION: busybox, the few modules, guest/init
	local i=initrd.tree n=10 module
	mkdir -p $i/{bin,m,new,dev,proc,sys}
	cp "$1/bin/busybox" $i/bin/
	install -m755 "$here/guest/init" $i/init
	depmod -b "$PWD/tree" "$2"
	for module in $VM_MODULES; do modprobe -d "$PWD/tree" -S "$2" --show-depends "$module"; done |
		sed -n "s|^insmod $PWD/tree/||p" | awk '!seen[$1]++ { print $1 }' > modules
	while read -r module; do
		case $module in
		*.xz) xz -dc "tree/$module" ;;
		*.zst) zstd -qdc "tree/$module" ;;
		*) cat "tree/$module" ;;
		esac > "$i/m/$((n++))-$(basename "$module" | sed 's/\.ko.*//').ko"
	done < modules
	chown -R 0:0 $i
	(cd $i && find . | cpio --quiet -o -H newc) > initrd
	rm -rf $i
}

# Our module into Debian's policy, by the same targets that an administrator uses; then out again, which must leave no type behind.
# setfiles is restorecon for a system that has no SELinux running, as this one.
make_policy() {
	mkdir upper work merged
	unshare -m bash -euc 'mount -t overlay o -o "lowerdir=$1,upperdir=upper,workdir=work" merged
		cp -r "$2" merged/mnt/selinux; mkdir -p merged/mnt/p/policies; mv merged/mnt/selinux merged/mnt/p/policies/
		in_tree() { chroot merged env HOME=/root PATH=/usr/sbin:/usr/bin "$@"; }
		in_tree mount -t proc proc /proc
		by_target() {
			in_tree make -C /mnt/p -f policies/selinux/policy.mk "$1" RESTORECON="setfiles /etc/selinux/default/contexts/files/file_contexts"
			in_tree sh -c "seinfo /etc/selinux/default/policy/policy.* -t && getfattr -n security.selinux /usr/bin/new[ug]idmap"
		}
		by_target install-policy > installed
		cp -r merged/etc/selinux/default .
		by_target uninstall-policy > removed' - "$cache/userspace/root/" "$top/policies/selinux"
	grep -q ' immure_t$' installed || die 'install-policy left no immure_t in the policy'
	[ "$(grep -c ':immure_idmap_exec_t:' installed)" = 2 ] || die 'install-policy did not label newuidmap and newgidmap'
	! grep -q 'immure_' removed || die 'uninstall-policy left types of immure in the policy, or on newuidmap and newgidmap'
	[ "$(grep -c ':bin_t:' removed)" = 2 ] || die 'uninstall-policy gave newuidmap and newgidmap no label'
	rm -rf upper work merged
}

need() { command -v "$1" > /dev/null || die "needs $1 (Debian package: $2)"; }

main() {
	local suite key
	PATH+=:/usr/sbin:/sbin # modprobe, mke2fs
	[ "$(id -u)" = 0 ] || exec sudo -n env VM_ARCH="$VM_ARCH" "$0" "$cache"
	need mmdebstrap mmdebstrap; need mke2fs e2fsprogs; need xz xz-utils; need unshare util-linux; need modprobe kmod; need cpio cpio
	mkdir -p "$cache/log"
	exec 9> "$cache/lock"
	flock 9
	rm -rf "$cache"/work.*
	key=$(hash_of "$here/config.sh" <(declare -f make_userspace configure_userspace "make_tree_$VM_ARCH"))
	cached userspace "$key" make_userspace
	for suite in $VM_KERNELS; do
		cached "kernel-$suite" "$(hash_of "$here/config.sh" "$here/guest/init" <(declare -f make_kernel make_initrd))" make_kernel "$suite"
	done
	[ "$VM_ARCH" = amd64 ] || return 0
	cached policy "$(hash_of <(echo "$key") <(declare -f make_policy) "$top"/policies/selinux/{immure.te,immure.fc,immure.if,policy.mk})" make_policy
}
main
