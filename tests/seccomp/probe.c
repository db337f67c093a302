/*
 * What becomes of every system call here: "native 0 REACHED", "native 165 EPERM", "x32 0 SIGSYS" …
 * for the numbers 0 to 1023 on each ABI that an x86_64 program can try (elsewhere only its own).
 * Each is made in a process of its own, with all arguments ~0, with which they do nothing that
 * lasts; what blocks is killed after a while. EPERM and ENOSYS may be the kernel's own answer:
 * tests/seccomp/compare takes a run without filter into account. Made static, to run in a jail that
 * has nothing else. Not for a privileged user.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NUMBERS 1024
#define NOTHING 0x7FFFFFFFL /* no call returns it */
#define PATIENCE 400        /* half-milliseconds */

static volatile long *answer; /* shared with the process that makes the call */

/* Calls and leaves in one frame: after vfork, two processes run here on one stack. */
#if defined(__x86_64__)
#define REGISTERS "rcx", "r11", "memory"
__attribute__((noreturn, noinline)) static void make_native(long number)
{
	register long r10 __asm__("r10") = -1, r8 __asm__("r8") = -1, r9 __asm__("r9") = -1;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(-1L), "S"(-1L), "d"(-1L), "r"(r10), "r"(r8), "r"(r9)
			 : REGISTERS);
	*answer = result;
	for (;;)
		__asm__ volatile("syscall"
				 : "=a"(result)
				 : "a"(SYS_exit_group), "D"(0L)
				 : REGISTERS);
}

__attribute__((noreturn, noinline)) static void make_gate(long number)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
			 : "r8", "r9", "r10", "r11", "memory");
	*answer = (int)result;
	for (;;)
		__asm__ volatile("syscall"
				 : "=a"(result)
				 : "a"(SYS_exit_group), "D"(0L)
				 : REGISTERS);
}
#else
__attribute__((noreturn, noinline)) static void make_native(long number)
{
	long result = syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);

	*answer = result < 0 ? -errno : result;
	for (;;)
		syscall(SYS_exit_group, 0);
}
#endif

static void wait_for(pid_t pid, int *ret_status)
{
	struct timespec pause = {0, 500000};

	for (int i = 0; i < PATIENCE; i++) {
		if (waitpid(pid, ret_status, WNOHANG) == pid)
			return;
		if (i > 2 || *answer != NOTHING)
			(void)nanosleep(&pause, NULL);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, ret_status, 0);
}

static const char *try(void (*make)(long), long number)
{
	int status = 0;
	pid_t pid;

	*answer = NOTHING;
	(void)fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("probe: fork");
		exit(1);
	}
	if (pid == 0)
		make(number);
	wait_for(pid, &status);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return "SIGSYS";
	if (*answer == -EPERM)
		return "EPERM";
	return *answer == -ENOSYS ? "ENOSYS" : "REACHED";
}

int main(void)
{
	struct rlimit none = {0, 0};

	answer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answer == MAP_FAILED) {
		perror("probe: mmap");
		return 1;
	}
	(void)setrlimit(RLIMIT_CORE, &none); /* strict refuses; then the kills may leave core files
						where there is room for them */
	for (long n = 0; n < NUMBERS; n++)
		printf("native %ld %s\n", n, try(make_native, n));
#if defined(__x86_64__)
	for (long n = 0; n < NUMBERS; n++)
		printf("x32 %ld %s\n", n, try(make_native, n | 0x40000000));
	for (long n = 0; n < NUMBERS; n++)
		printf("int80 %ld %s\n", n, try(make_gate, n));
#endif
	(void)msgctl(msgget((key_t)-1, 0), IPC_RMID,
		NULL); /* the one thing that such arguments do make */
	return fflush(stdout) ? 1 : 0;
}
