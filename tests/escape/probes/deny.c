/*
 * deny CALL[,CALL…] ERRNO COMMAND…: runs a command with system calls that fail, as an old kernel, an outer sandbox or an attacker could
 * make them (fault injection; T-CRED-05, T-CFG-31, T-PATH-04). ERRNO 0 pretends success. `deny fill - COMMAND`: uses up the room for filters.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "verdict.h"

static const struct {
	const char *name;
	unsigned number;
} calls[] = {
	{"capset", SYS_capset}, {"prctl", SYS_prctl}, {"setresuid", SYS_setresuid}, {"setresgid", SYS_setresgid},
	{"setgroups", SYS_setgroups}, {"close_range", SYS_close_range}, {"landlock_create_ruleset", 444},
	{"landlock_add_rule", 445}, {"landlock_restrict_self", 446}, {"seccomp", SYS_seccomp}, {"pivot_root", SYS_pivot_root},
	{"mount_setattr", SYS_mount_setattr}, {"move_mount", SYS_move_mount}, {"open_tree", SYS_open_tree}, {"open_tree_attr", 467}, {"fsopen", SYS_fsopen},
	{"fsconfig", SYS_fsconfig}, {"fsmount", SYS_fsmount}, {"umount2", SYS_umount2}, {"mount", SYS_mount}, {"setsid", SYS_setsid},
	{"sethostname", SYS_sethostname}, {"clone3", SYS_clone3}, {"unshare", SYS_unshare}, {"prlimit64", SYS_prlimit64},
	{"openat2", SYS_openat2}, {"keyctl", SYS_keyctl}, {"chdir", SYS_chdir}, {"fchdir", SYS_fchdir}, {"umask", SYS_umask},
	{"socketpair", SYS_socketpair}, {"memfd_create", SYS_memfd_create}, {"setrlimit", SYS_setrlimit}, {"pipe2", SYS_pipe2},
	{"rt_sigprocmask", SYS_rt_sigprocmask}, {"pidfd_open", SYS_pidfd_open}, {"mkdirat", SYS_mkdirat}, {"symlinkat", SYS_symlinkat},
};

static void load(const struct sock_filter *filter, size_t length)
{
	const struct sock_fprog program = {(unsigned short)length, (struct sock_filter *)filter};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		unclear("seccomp");
}

static void deny(const char *name, unsigned error)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0) {
			const struct sock_filter filter[] = {
				BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
				BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1),
				BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
				BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
			};

			load(filter, 4);
			return;
		}
	errno = EINVAL;
	unclear(name);
}

/* The kernel lets a process have 32768 instructions of filters in all: leave fewer than any policy needs. */
static void fill(void)
{
	static struct sock_filter filter[4000];

	for (size_t i = 0; i < 3999; i++)
		filter[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	filter[3999] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	for (int i = 0; i < 8; i++)
		load(filter, 4000);
	load(filter + 3300, 700);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		unclear("no_new_privs");
	if (strcmp(argv[1], "fill") == 0)
		fill();
	else
		for (char *name = strtok(argv[1], ","); name; name = strtok(NULL, ","))
			deny(name, (unsigned)atoi(argv[2]));
	(void)execvp(argv[3], argv + 3);
	unclear(argv[3]);
}
