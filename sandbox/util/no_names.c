/*
 * No name service in the launcher (R11, CVE-2019-14271): libcap-ng's capng_change_id(), which
 * nobody here calls, would bring glibc's into a static program, and with it the loading of modules
 * at run time. These stand in for it, and say that there is nobody of that name.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>

struct passwd *getpwuid(uid_t uid)
{
	(void)uid;
	errno = ENOSYS;
	return NULL;
}

int initgroups(const char *user, gid_t group)
{
	(void)user;
	(void)group;
	errno = ENOSYS;
	return -1;
}
