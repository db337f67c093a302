# config.sh - what the machines are made of. A change here makes the images anew.
# shellcheck shell=bash disable=SC2034  # read by image.sh and boot.sh

VM_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
VM_SUITE=bookworm
# amd64, or arm64: emulated, and made without running anything of it
VM_ARCH=${VM_ARCH:-amd64}
# 6.1 has Landlock ABI 2, 6.12 has ABI 6 (network rules, scopes) and new mount calls
VM_KERNELS='bookworm bookworm-backports'
[ "$VM_ARCH" = amd64 ] || VM_KERNELS=bookworm-backports
VM_DISK=900M
# overlay and fuse cannot be loaded on demand: the machine has no module tree once it has booted
VM_MODULES='virtio_pci virtio_blk ext4 overlay fuse tun loop mq-deadline'
# with the peers and the tools of the escape rows
VM_PACKAGES=mount,procps,kmod,attr,uidmap,passwd,iproute2,busybox-static,bubblewrap,firejail,jq,strace,binutils
case $VM_ARCH in
amd64) VM_PACKAGES+=,systemd,dbus,dbus-user-session,libpam-systemd,policycoreutils,selinux-policy-default,selinux-policy-dev,setools ;;
# what is essential is not unpacked by itself there; and what the launcher for it is linked with
arm64)
	VM_PACKAGES+=,base-files,base-passwd,bash,coreutils,dash,diffutils,findutils,grep,gzip,hostname,libc-bin,mawk,ncurses-base,ncurses-bin,perl-base,python3,sed,tar,util-linux,util-linux-extra
	VM_PACKAGES+=,libc6-dev,musl-dev,libseccomp-dev,libcap-ng-dev,libselinux1-dev,libpcre2-dev,libjansson-dev,libcurl4-openssl-dev,libpsl-dev,libarchive-dev,libssl-dev,libzstd-dev,zlib1g-dev
	;;
*) echo "vm: VM_ARCH is amd64 or arm64, not $VM_ARCH" >&2; exit 2 ;;
esac
