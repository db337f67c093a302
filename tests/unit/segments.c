/* What relocation had to write is read-only afterwards, what the program writes is not, and pages given back come again. */
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "util/segments.h"

static const char *const words[] = {"relocated", "to wherever", "we are"};
static const char *word = "of our own";

/* The wait status of a child that writes there. */
static int write_to(const char **place)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		*(const char *volatile *)place = "another";
		_exit(0);
	}
	(void)waitpid(child, &status, 0);
	return status;
}

#ifndef DT_RELR
#define DT_RELRSZ 35
#define DT_RELR 36
#endif

extern ElfW(Dyn) _DYNAMIC[]; /* musl does not declare it */

/* The launcher's own first instructions have unpacked them (util/start.c): a C library that can do it, too, must find none. */
static void test_packed(void)
{
	bool packed = false, left = false;

	for (const ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
		packed |= entry->d_tag == DT_RELR;
		left |= entry->d_tag == DT_RELRSZ && entry->d_un.d_val;
	}
#if !defined __GLIBC__ && defined __x86_64__
	check(packed, "relocations are packed");
#endif
	check(!packed || !left, "none is left to unpack once more");
}

int main(void)
{
	int status;

	test_packed();
	check_int(segments_protect(), 0, "protects");
	status = write_to((const char **)(unsigned long)&words[1]);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a table of constant pointers cannot be written");
	check_int(write_to(&word), 0, "a variable can");
	segments_settle();
	check(strcmp(words[0], "relocated") == 0 && strcmp(word, "of our own") == 0, "all is there after settling");
	return check_done();
}
