/*
 * order FILE PROGRAM WORD…: runs PROGRAM one instruction at a time, with everything that it starts until that executes something else, and
 * writes into FILE which of its addresses were met (counted from where its file is mapped), one to a line: "0 ADDRESS" in the process
 * itself, "1 ADDRESS" in its children. tests/bench/order.py makes sandbox/order.ld of it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (4UL << 20) /* of the largest program */
#define MANY 64

static unsigned char met[2][SIZE];
static struct {
	pid_t pid;
	bool other; /* executes another program by now */
} processes[MANY];
static size_t count;
static unsigned long base;

static size_t find(pid_t pid)
{
	size_t i = 0;

	while (i < count && processes[i].pid != pid)
		i++;
	if (i == MANY) {
		fputs("order: more processes than expected\n", stderr);
		exit(1);
	}
	if (i == count)
		processes[count++].pid = pid;
	return i;
}

static unsigned long find_base(pid_t pid)
{
	char path[64], line[512], program[512];
	unsigned long start = 0;
	ssize_t length;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	length = readlink(path, program, sizeof(program) - 1);
	program[length > 0 ? length : 0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	while (maps && fgets(line, sizeof(line), maps) && !start)
		if (length > 0 && strstr(line, program))
			start = strtoul(line, NULL, 16);
	if (maps)
		fclose(maps);
	return start;
}

static void stopped(pid_t pid, int status)
{
	size_t i = find(pid);
	int event = status >> 16, number = WSTOPSIG(status);
	int signal = event || number == SIGTRAP || number == SIGSTOP ? 0 : number;
	struct user_regs_struct registers;

	if (event == PTRACE_EVENT_EXEC && base)
		processes[i].other = true;
	else if (event == PTRACE_EVENT_EXEC)
		base = find_base(pid);
	if (!processes[i].other && base && ptrace(PTRACE_GETREGS, pid, NULL, &registers) == 0 && registers.rip - base < SIZE)
		met[i > 0][registers.rip - base] = 1;
	ptrace(processes[i].other || !base ? PTRACE_CONT : PTRACE_SINGLESTEP, pid, NULL, (long)signal);
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid = argc > 2 ? fork() : -1;
	FILE *out;

	if (pid < 0)
		return 2;
	if (pid == 0) {
		personality(ADDR_NO_RANDOMIZE);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL,
		(long)(PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL));
	find(pid);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	while ((pid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status))
			stopped(pid, status);
	out = fopen(argv[1], "w");
	for (int who = 0; out && who < 2; who++)
		for (unsigned long i = 0; i < SIZE; i++)
			if (met[who][i])
				fprintf(out, "%d %lx\n", who, i);
	return out && fclose(out) == 0 ? 0 : 1;
}
