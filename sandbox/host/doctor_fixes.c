/* Causes and cures: which knob of which distribution is in the way. See doctor_parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "host/doctor_parts.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/proc.h"
#include "util/text.h"

static const struct {
	const char *id;
	enum distribution distribution;
} distributions[] = {
	{"debian", DISTRIBUTION_DEBIAN},
	{"raspbian", DISTRIBUTION_DEBIAN},
	{"ubuntu", DISTRIBUTION_UBUNTU},
	{"linuxmint", DISTRIBUTION_UBUNTU},
	{"pop", DISTRIBUTION_UBUNTU},
	{"fedora", DISTRIBUTION_FEDORA},
	{"rhel", DISTRIBUTION_FEDORA},
	{"centos", DISTRIBUTION_FEDORA},
	{"rocky", DISTRIBUTION_FEDORA},
	{"almalinux", DISTRIBUTION_FEDORA},
	{"arch", DISTRIBUTION_ARCH},
	{"manjaro", DISTRIBUTION_ARCH},
	{"alpine", DISTRIBUTION_ALPINE},
	{"opensuse", DISTRIBUTION_SUSE},
	{"opensuse-leap", DISTRIBUTION_SUSE},
	{"opensuse-tumbleweed", DISTRIBUTION_SUSE},
	{"suse", DISTRIBUTION_SUSE},
	{"sles", DISTRIBUTION_SUSE},
};

static enum distribution find_distribution(const char *id)
{
	for (size_t i = 0; i < sizeof(distributions) / sizeof(distributions[0]); i++)
		if (strcmp(distributions[i].id, id) == 0)
			return distributions[i].distribution;
	return DISTRIBUTION_GENERIC;
}

/*
 * The value of KEY=value or KEY="value" in text; only plain identifiers and blanks are taken, since
 * it is printed.
 */
static bool find_value(const char *text, const char *key, char *ret, size_t size)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._- ";
	size_t key_length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		size_t length;

		line += *line == '\n';
		if (strncmp(line, key, key_length) != 0 || line[key_length] != '=')
			continue;
		line += key_length + 1;
		line += *line == '"' || *line == '\'';
		length = strspn(line, allowed);
		if (length == 0 || length >= size ||
			(line[length] && !strchr("\"'\n", line[length])))
			return false;
		memcpy(ret, line, length);
		ret[length] = '\0';
		return true;
	}
	return false;
}

enum distribution distribution_parse(const char *text, char *ret_id, size_t size)
{
	enum distribution found = DISTRIBUTION_GENERIC;
	char like[128], *save = NULL;

	if (!find_value(text, "ID", ret_id, size) || strchr(ret_id, ' ')) {
		memcpy(ret_id, "unknown", sizeof("unknown"));
		return DISTRIBUTION_GENERIC;
	}
	found = find_distribution(ret_id);
	if (found == DISTRIBUTION_GENERIC && find_value(text, "ID_LIKE", like, sizeof(like)))
		for (char *word = strtok_r(like, " ", &save); word && found == DISTRIBUTION_GENERIC;
			word = strtok_r(NULL, " ", &save))
			found = find_distribution(word);
	return found;
}

/* The generic words stand where a distribution has none of its own. */
static const char *const fixes[FIX_COUNT][DISTRIBUTION_COUNT] = {
	[FIX_USERNS_SYSCTL] = {"as root: sysctl -w kernel.unprivileged_userns_clone=1, and the "
			       "same in /etc/sysctl.d/60-immure.conf"},
	[FIX_USERNS_LIMIT] = {"as root: sysctl -w user.max_user_namespaces=28633, and the same in "
			      "/etc/sysctl.d/60-immure.conf"},
	[FIX_USERNS_APPARMOR] = {"as root, write /etc/apparmor.d/immure: abi <abi/4.0>, include "
				 "<tunables/global> profile immure "
				 "/usr/{,local/}bin/immure flags=(unconfined) { userns, } and run: "
				 "apparmor_parser -r /etc/apparmor.d/immure"},
	[FIX_OUTER_FILTER] =
		{"start the outer container with a filter that lets unshare, clone and mount "
		 "through (podman, docker: "
		 "--security-opt seccomp=unconfined --security-opt apparmor=unconfined)"},
	[FIX_KERNEL] = {"run a newer kernel",
		[DISTRIBUTION_DEBIAN] =
			("as root: apt install -t $(. /etc/os-release; echo "
			 "$VERSION_CODENAME)-backports linux-image-amd64, and reboot"),
		[DISTRIBUTION_UBUNTU] = ("as root: apt install linux-generic-hwe-$(. "
					 "/etc/os-release; echo $VERSION_ID), and reboot"),
		[DISTRIBUTION_FEDORA] = "as root: dnf upgrade kernel, and reboot",
		[DISTRIBUTION_ARCH] = "as root: pacman -Syu linux, and reboot",
		[DISTRIBUTION_ALPINE] = "as root: apk upgrade linux-lts, and reboot",
		[DISTRIBUTION_SUSE] = "as root: zypper update kernel-default, and reboot"},
	[FIX_LANDLOCK_BOOT] = {"boot with landlock in front of the list in "
			       "/sys/kernel/security/lsm: lsm=landlock,…",
		[DISTRIBUTION_FEDORA] =
			("as root: grubby --update-kernel=ALL --args=\"lsm=landlock,$(cat "
			 "/sys/kernel/security/lsm)\", and reboot"),
		[DISTRIBUTION_DEBIAN] = ("add lsm=landlock,$(cat /sys/kernel/security/lsm) to "
					 "GRUB_CMDLINE_LINUX in /etc/default/grub; as root: "
					 "update-grub, and reboot"),
		[DISTRIBUTION_UBUNTU] = ("add lsm=landlock,$(cat /sys/kernel/security/lsm) to "
					 "GRUB_CMDLINE_LINUX in /etc/default/grub; as root: "
					 "update-grub, and reboot")},
	[FIX_OVERLAY] = {"as root: modprobe overlay, and overlay in "
			 "/etc/modules-load.d/immure.conf (before Linux 5.11 it is root's alone)"},
	[FIX_PROC] = {"the outer container covers parts of /proc, and then the kernel shows no "
		      "fresh one: start it with podman, docker "
		      "--security-opt systempaths=unconfined (Kubernetes: procMount: Unmasked), or "
		      "use a profile with \"proc\": \"none\""},
	[FIX_PTY] = {"as root: mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "
		     "/dev/pts"},
	[FIX_SELINUX_OFF] = {"optional: a distribution with SELinux adds one more wall",
		[DISTRIBUTION_DEBIAN] =
			("optional; as root: apt install selinux-basics selinux-policy-default "
			 "auditd && selinux-activate, and reboot"),
		[DISTRIBUTION_UBUNTU] = "optional: Ubuntu confines with AppArmor",
		[DISTRIBUTION_FEDORA] =
			("as root: remove selinux=0 (grubby --update-kernel=ALL "
			 "--remove-args=selinux=0), touch /.autorelabel, and reboot"),
		[DISTRIBUTION_SUSE] = ("optional; as root: zypper install patterns-base-selinux, "
				       "boot with security=selinux selinux=1")},
	[FIX_SELINUX_PERMISSIVE] =
		{"as root: setenforce 1, and SELINUX=enforcing in /etc/selinux/config"},
	[FIX_CGROUP_HYBRID] = {"boot with systemd.unified_cgroup_hierarchy=1",
		[DISTRIBUTION_DEBIAN] =
			("add systemd.unified_cgroup_hierarchy=1 to GRUB_CMDLINE_LINUX in "
			 "/etc/default/grub; as root: update-grub, and "
			 "reboot"),
		[DISTRIBUTION_UBUNTU] =
			("add systemd.unified_cgroup_hierarchy=1 to GRUB_CMDLINE_LINUX in "
			 "/etc/default/grub; as root: update-grub, and "
			 "reboot"),
		[DISTRIBUTION_FEDORA] = ("as root: grubby --update-kernel=ALL "
					 "--args=systemd.unified_cgroup_hierarchy=1, and reboot"),
		[DISTRIBUTION_ALPINE] = ("rc_cgroup_mode=\"unified\" in /etc/rc.conf; as root: "
					 "rc-update add cgroups && rc-service cgroups restart")},
	[FIX_CGROUP_DELEGATE] =
		{("as root: systemctl edit user@.service, add [Service] and Delegate=cpu cpuset io "
		  "memory pids; systemctl daemon-reload; log out of all sessions and in again"),
			[DISTRIBUTION_ALPINE] =
				("there is no systemd: as root make a cgroup, enable its "
				 "controllers, chown it (with cgroup.procs and "
				 "cgroup.subtree_control) to the user, and start the user's "
				 "shell in a child of it")},
	[FIX_UIDMAP_PACKAGE] = {"install newuidmap and newgidmap (part of shadow), setuid root",
		[DISTRIBUTION_DEBIAN] = "as root: apt install uidmap",
		[DISTRIBUTION_UBUNTU] = "as root: apt install uidmap",
		[DISTRIBUTION_FEDORA] = "as root: dnf install shadow-utils",
		[DISTRIBUTION_ARCH] = "as root: pacman -S shadow",
		[DISTRIBUTION_ALPINE] = "as root: apk add shadow-uidmap",
		[DISTRIBUTION_SUSE] = "as root: zypper install shadow"},
	[FIX_SUBUID] =
		{"as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER",
			[DISTRIBUTION_ALPINE] =
				"as root: echo USER:100000:65536 | tee -a /etc/subuid /etc/subgid"},
};

const char *fix_text(enum fix fix, enum distribution distribution)
{
	return fixes[fix][distribution] ? fixes[fix][distribution]
					: fixes[fix][DISTRIBUTION_GENERIC];
}

/* The value of a sysctl; -1 where there is none. */
static int64_t read_sysctl(const char *path)
{
	char text[32];
	uint64_t value;

	if (file_read_line(AT_FDCWD, path, text, sizeof(text)) <= 0 ||
		text_parse_u64(text, INT64_MAX, &value))
		return -1;
	return (int64_t)value;
}

enum fix fix_for_user_namespace(void)
{
	_cleanup_free_ char *status = NULL;
	uint64_t filters = 0;
	size_t length;

	if (read_sysctl("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return FIX_USERNS_SYSCTL;
	if (read_sysctl("/proc/sys/user/max_user_namespaces") == 0)
		return FIX_USERNS_LIMIT;
	if (read_sysctl("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
		return FIX_USERNS_APPARMOR;
	if (file_read(AT_FDCWD, "/proc/self/status", 65536, &status, &length) == 0 &&
		proc_status_number(status, "Seccomp", &filters) == 0 && filters == 2)
		return FIX_OUTER_FILTER;
	return FIX_KERNEL;
}
