/*
 * become groups      drops the supplementary groups (T-CRED-06)
 * become securebits  are they set and locked, so that no change of ids brings capabilities back (T-CRED-10)?
 * become dance       changes ids back and forth, and looks whether any capability came of it
 * become changed     is the effective id another than the real one (a set-user-id file did its work)?
 */
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "verdict.h"

static bool any_capability(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	return syscall(SYS_capget, &header, data) == 0 && (data[0].permitted || data[1].permitted || data[0].effective);
}

int main(int argc, char **argv)
{
	const int wanted = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;

	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "groups") == 0) {
		if (syscall(SYS_setgroups, 0, NULL) == 0)
			escaped("the groups are dropped");
		contained("setgroups: %s", strerror(errno));
	}
	if (strcmp(argv[1], "securebits") == 0) {
		int bits = prctl(PR_GET_SECUREBITS);

		if (bits < 0)
			unclear("PR_GET_SECUREBITS");
		if ((bits & wanted) != wanted)
			escaped("securebits %x", (unsigned)bits);
		contained("securebits %x", (unsigned)bits);
	}
	if (strcmp(argv[1], "dance") == 0) {
		(void)!setresuid(0, 1000, 0), (void)!setresuid(0, 0, 0), (void)!seteuid(1000), (void)!seteuid(0);
		if (any_capability())
			escaped("capabilities after changing ids");
		contained("no capability");
	}
	if (geteuid() != getuid() || getegid() != getgid())
		escaped("uid %d, effective %d", (int)getuid(), (int)geteuid());
	contained("uid and effective uid %d", (int)getuid());
}
