/*
 * The checking functions that the launcher's libraries were compiled to call: musl's come from util/fortified.c, glibc's are its own, and
 * both have to pass.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

int __snprintf_chk(char *buffer, size_t size, int flag, size_t room, const char *format, ...);
int __sprintf_chk(char *buffer, int flag, size_t room, const char *format, ...);
int __asprintf_chk(char **ret, int flag, const char *format, ...);
char *__strncpy_chk(char *target, const char *source, size_t size, size_t room);

/* Called by pointers, since the compiler knows these functions, and would see what is wrong with the calls below. */
static int (*volatile snprintf_checked)(char *, size_t, int, size_t, const char *, ...) = __snprintf_chk;
static int (*volatile sprintf_checked)(char *, int, size_t, const char *, ...) = __sprintf_chk;
static int (*volatile asprintf_checked)(char **, int, const char *, ...) = __asprintf_chk;
static char *(*volatile strncpy_checked)(char *, const char *, size_t, size_t) = __strncpy_chk;

static const char text[] = "four and %s";

/* Each of these is wrong about its room. */
static void print_too_much(char *buffer)
{
	(void)sprintf_checked(buffer, 1, 8, "%s", "12345678");
}

static void claim_too_much(char *buffer)
{
	(void)snprintf_checked(buffer, 9, 1, 8, "%s", "1");
}

static void copy_too_much(char *buffer)
{
	(void)strncpy_checked(buffer, "1", 9, 8);
}

static bool is_ended(void (*wrong)(char *buffer))
{
	char buffer[16];
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		(void)close(STDERR_FILENO);
		wrong(buffer);
		_exit(0);
	}
	return waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

int main(void)
{
	char buffer[16] = "", *made = NULL;

	check_int(sprintf_checked(buffer, 1, SIZE_MAX, text, "five"), 13, "a buffer whose room the compiler did not know");
	check_text(buffer, "four and five", "is printed into");
	check_int(sprintf_checked(buffer, 1, 8, "%s", "1234567"), 7, "what just fits");
	check_int(snprintf_checked(buffer, SIZE_MAX, 1, SIZE_MAX, "%d", 12), 2, "a size that nobody knows either");
	check_text(buffer, "12", "is printed into");
	check_int(snprintf_checked(buffer, 4, 1, sizeof(buffer), "%s", "12345678"), 8, "what does not fit is cut, and counted");
	check_text(buffer, "123", "with its end");
	check_int(snprintf_checked(NULL, 0, 1, SIZE_MAX, "%s", "12345678"), 8, "no room at all: only counted");
	check_int(asprintf_checked(&made, 1, text, "six"), 12, "allocated");
	check_text(made, "four and six", "and printed");
	check_text(strncpy_checked(buffer, "12345", 16, 16), "12345", "copied");
#ifndef __SANITIZE_ADDRESS__ /* whose own functions of these names look at shadow memory instead */
	check(is_ended(print_too_much), "a text that goes beyond ends the program");
	check(is_ended(claim_too_much), "so does a size beyond the room");
	check(is_ended(copy_too_much), "so does a copy beyond it");
#else
	(void)is_ended;
	(void)print_too_much;
	(void)claim_too_much;
	(void)copy_too_much;
#endif
	free(made);
	return check_done();
}
