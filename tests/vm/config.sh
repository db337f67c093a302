# config.sh - what the machines are made of. A change here makes the images anew.
# shellcheck shell=bash disable=SC2034  # read by image.sh and boot.sh

VM_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
VM_SUITE=bookworm
# 6.1 has Landlock ABI 2, 6.12 has ABI 6 (network rules, scopes) and new mount calls
VM_KERNELS='bookworm bookworm-backports'
VM_DISK=900M
# overlay and fuse cannot be loaded on demand: the machine has no module tree once it has booted
VM_MODULES='virtio_pci virtio_blk ext4 overlay fuse tun loop'
VM_PACKAGES=mount,procps,kmod,attr,uidmap,passwd,iproute2,busybox-static,systemd,dbus,dbus-user-session,libpam-systemd,policycoreutils
VM_PACKAGES+=,selinux-policy-default,selinux-policy-dev,setools
# the peers and the tools of the escape rows
VM_PACKAGES+=,bubblewrap,firejail,jq,strace,binutils
