/* See seccomp_foreign.h. */
#include "isolation/seccomp_foreign.h"

#include <string.h>

#include "profile/profile.h"

const struct foreign_form foreign_forms[] = {
	{"arch_prctl", "set_thread_area",
		FOREIGN_APART}, /* how the C library sets the base of thread-local storage */
	{"chown", "chown32", FOREIGN_SAME},
	{"clock_adjtime", "clock_adjtime64", FOREIGN_SAME},
	{"clock_getres", "clock_getres_time64", FOREIGN_SAME},
	{"clock_gettime", "clock_gettime64", FOREIGN_SAME},
	{"clock_nanosleep", "clock_nanosleep_time64", FOREIGN_SAME},
	{"clock_settime", "clock_settime64", FOREIGN_SAME},
	{"fadvise64", "fadvise64_64", FOREIGN_OTHER},
	{"fchown", "fchown32", FOREIGN_SAME},
	{"fcntl", "fcntl64", FOREIGN_SAME},
	{"fstat", "fstat64", FOREIGN_SAME},
	{"fstatfs", "fstatfs64", FOREIGN_OTHER},
	{"ftruncate", "ftruncate64", FOREIGN_OTHER},
	{"futex", "futex_time64", FOREIGN_SAME},
	{"getegid", "getegid32", FOREIGN_SAME},
	{"geteuid", "geteuid32", FOREIGN_SAME},
	{"getgid", "getgid32", FOREIGN_SAME},
	{"getgroups", "getgroups32", FOREIGN_SAME},
	{"getresgid", "getresgid32", FOREIGN_SAME},
	{"getresuid", "getresuid32", FOREIGN_SAME},
	{"getrlimit", "ugetrlimit", FOREIGN_SAME},
	{"getuid", "getuid32", FOREIGN_SAME},
	{"io_pgetevents", "io_pgetevents_time64", FOREIGN_SAME},
	{"lchown", "lchown32", FOREIGN_SAME},
	{"lseek", "_llseek", FOREIGN_OTHER},
	{"lstat", "lstat64", FOREIGN_SAME},
	{"mmap", "mmap2", FOREIGN_SAME}, /* but for the unit of the offset */
	{"mq_timedreceive", "mq_timedreceive_time64", FOREIGN_SAME},
	{"mq_timedsend", "mq_timedsend_time64", FOREIGN_SAME},
	{"newfstatat", "fstatat64", FOREIGN_SAME},
	{"ppoll", "ppoll_time64", FOREIGN_SAME},
	{"pselect6", "pselect6_time64", FOREIGN_SAME},
	{"recvmmsg", "recvmmsg_time64", FOREIGN_SAME},
	{"rt_sigaction", "sigaction", FOREIGN_SAME},
	{"rt_sigpending", "sigpending", FOREIGN_SAME},
	{"rt_sigprocmask", "sigprocmask", FOREIGN_SAME},
	{"rt_sigreturn", "sigreturn", FOREIGN_SAME},
	{"rt_sigsuspend", "sigsuspend", FOREIGN_OTHER},
	{"rt_sigtimedwait", "rt_sigtimedwait_time64", FOREIGN_SAME},
	{"sched_rr_get_interval", "sched_rr_get_interval_time64", FOREIGN_SAME},
	{"select", "_newselect", FOREIGN_SAME},
	{"semtimedop", "semtimedop_time64", FOREIGN_SAME},
	{"sendfile", "sendfile64", FOREIGN_SAME},
	{"setfsgid", "setfsgid32", FOREIGN_SAME},
	{"setfsuid", "setfsuid32", FOREIGN_SAME},
	{"setgid", "setgid32", FOREIGN_SAME},
	{"setgroups", "setgroups32", FOREIGN_SAME},
	{"setregid", "setregid32", FOREIGN_SAME},
	{"setresgid", "setresgid32", FOREIGN_SAME},
	{"setresuid", "setresuid32", FOREIGN_SAME},
	{"setreuid", "setreuid32", FOREIGN_SAME},
	{"setuid", "setuid32", FOREIGN_SAME},
	{"stat", "stat64", FOREIGN_SAME},
	{"statfs", "statfs64", FOREIGN_OTHER},
	{"timer_gettime", "timer_gettime64", FOREIGN_SAME},
	{"timer_settime", "timer_settime64", FOREIGN_SAME},
	{"timerfd_gettime", "timerfd_gettime64", FOREIGN_SAME},
	{"timerfd_settime", "timerfd_settime64", FOREIGN_SAME},
	{"truncate", "truncate64", FOREIGN_OTHER},
	{"umount2", "umount", FOREIGN_OTHER},
	{"uname", "olduname", FOREIGN_OTHER},
	{"utimensat", "utimensat_time64", FOREIGN_SAME},
	{"wait4", "waitpid", FOREIGN_SAME},
};
const size_t foreign_form_count = sizeof(foreign_forms) / sizeof(foreign_forms[0]);

enum { SOCKETCALL, IPC, MMAP, SELECT, POINTER_CALL_COUNT };
const char *const foreign_pointer_calls[] = {
	[SOCKETCALL] = "socketcall",
	[IPC] = "ipc",
	[MMAP] = "mmap",
	[SELECT] = "select",
};
const size_t foreign_pointer_call_count = POINTER_CALL_COUNT;
_Static_assert(
	sizeof(foreign_pointer_calls) / sizeof(foreign_pointer_calls[0]) == POINTER_CALL_COUNT,
	"each has a name");

static const char *const sockets[] = {"accept", "accept4", "bind", "connect", "getpeername",
	"getsockname", "getsockopt", "listen", "recv", "recvfrom", "recvmmsg", "recvmsg", "send",
	"sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socket", "socketcall",
	"socketpair", NULL};
static const char *const ipcs[] = {"ipc", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl",
	"semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt", "shmget", NULL};
static const char *const mmaps[] = {"mmap", NULL};
static const char *const selects[] = {"select", NULL};
static const char *const *const members[POINTER_CALL_COUNT] = {
	[SOCKETCALL] = sockets, [IPC] = ipcs, [MMAP] = mmaps, [SELECT] = selects};

static bool is_one_of(const char *name, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(name, *words) == 0)
			return true;
	return false;
}

bool foreign_is_refused(const struct syscalls_section *policy, const char *pointer_call)
{
	size_t which = 0;

	while (which < POINTER_CALL_COUNT &&
		strcmp(foreign_pointer_calls[which], pointer_call) != 0)
		which++;
	if (which == POINTER_CALL_COUNT)
		return false;
	for (size_t i = 0; i < policy->clause_count; i++) {
		const struct syscall_clause *clause = &policy->clauses[i];

		for (size_t j = 0; clause->argument_count && j < clause->name_count; j++)
			if (is_one_of(clause->names[j], members[which]))
				return true;
	}
	return false;
}
