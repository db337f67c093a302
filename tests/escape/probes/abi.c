/*
 * abi WAY: system calls through another door than the native one. Held: the process is killed by SIGSYS (a signal no handler sees).
 * On aarch64 a process has the one door only, and WAY is elf32.
 *   x32       every native number with the x32 bit, 0 to 600
 *   int80     getpid and ptrace of the i386 table by int 0x80
 *   int80-all numbers 0 to 512 by int 0x80
 *   handler   int 0x80 with a SIGSYS handler that would go on
 *   vsyscall  time() in the page of old: held where the filter of `strict`, which has no time, is heeded
 *   elf32 DIRECTORY  a whole 32-bit program, written to DIRECTORY and executed
 */
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "verdict.h"

#if defined(__x86_64__)
static long int80(long number)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static long x32(long number)
{
	return syscall(number | 0x40000000, -1L, -1L, -1L, -1L, -1L, -1L);
}

static void in_child(long (*call)(long), long number, const char *what)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_DUMPABLE, 0);
		(void)alarm(2);
		(void)call(number);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		unclear("fork");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		escaped("%s %ld was not killed (status %x)", what, number, (unsigned)status);
}

static void go_on(int signal)
{
	(void)signal;
}

static long with_handler(long number)
{
	(void)signal(SIGSYS, go_on);
	return int80(number);
}

static void vsyscall(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		long (*old_time)(long *) = (long (*)(long *))0xffffffffff600400UL;

		_exit(old_time(NULL) > 1000000000L ? 1 : 0);
	}
	if (waitpid(pid, &status, 0) < 0)
		unclear("waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		escaped("the time was told");
}

static int other_doors(const char *way) /* 0: there is none of that name */
{
	if (strcmp(way, "x32") == 0) {
		for (long number = 0; number < 600; number++)
			if (number != SYS_exit && number != SYS_exit_group)
				in_child(x32, number, "x32 call");
	} else if (strcmp(way, "int80") == 0) {
		in_child(int80, 20, "int 0x80 call");
		in_child(int80, 26, "int 0x80 call");
	} else if (strcmp(way, "int80-all") == 0) {
		for (long number = 2; number < 512; number++)
			in_child(int80, number, "int 0x80 call");
	} else if (strcmp(way, "handler") == 0) {
		in_child(with_handler, 20, "int 0x80 call under a handler");
	} else if (strcmp(way, "vsyscall") == 0) {
		vsyscall();
	} else {
		return 0;
	}
	return 1;
}
#else
static int other_doors(const char *way)
{
	(void)way;
	return 0;
}
#endif

/* exit(42), for a minimal ELF32 file */
#if defined(__x86_64__)
enum { MACHINE32 = EM_386, FLAGS32 = 0 };
static const unsigned char code32[] = {0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80};
#else
enum { MACHINE32 = EM_ARM, FLAGS32 = EF_ARM_EABI_VER5 };
static const unsigned char code32[] = {42, 0, 0xa0, 0xe3, 1, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef}; /* mov r0, 42; mov r7, 1; svc 0 */
#endif

static void elf32(const char *directory)
{
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr segment;
		unsigned char code[sizeof(code32)];
	} __attribute__((packed)) file = {
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT}, .e_type = ET_EXEC, .e_machine = MACHINE32, .e_flags = FLAGS32,
			.e_version = EV_CURRENT, .e_entry = 0x8048000 + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
			.e_phoff = sizeof(Elf32_Ehdr), .e_ehsize = sizeof(Elf32_Ehdr), .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 1},
		.segment = {.p_type = PT_LOAD, .p_vaddr = 0x8048000, .p_paddr = 0x8048000, .p_filesz = sizeof(file), .p_memsz = sizeof(file),
			.p_flags = PF_R | PF_X, .p_align = 0x1000},
	};
	char path[512];
	int fd, status;
	pid_t pid;

	(void)memcpy(file.code, code32, sizeof(code32));
	(void)snprintf(path, sizeof(path), "%s/elf32", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	if (fd < 0 || write(fd, &file, sizeof(file)) != (ssize_t)sizeof(file) || close(fd) < 0)
		unclear(path);
	pid = fork();
	if (pid == 0) {
		(void)execl(path, path, (char *)NULL);
		_exit(errno);
	}
	if (waitpid(pid, &status, 0) < 0)
		unclear("waitpid");
	(void)unlink(path);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		contained("the 32-bit program was killed");
	if (WIFSIGNALED(status) || WEXITSTATUS(status) == 42) /* it went on after a call: to its end, or over it */
		escaped("the 32-bit program ran (status %x)", (unsigned)status);
	errno = WEXITSTATUS(status);
	unclear("execve");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "elf32") == 0 && argc == 3)
		elf32(argv[2]);
	else if (!other_doors(argv[1]))
		return 2;
	contained("%s: stopped every time", argv[1]);
}
