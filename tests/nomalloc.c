/*
 * Linked into a build of its own with --wrap: between clone and exec nobody may allocate. The child is PID 1 of a new pid namespace, PID 2
 * makes the network namespace, and the program's process, until it executes, is PID 3; the launcher itself never has such a number in the tests. See tests/cli/nomalloc.sh.
 */
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *pointer);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *pointer);

static void refuse_in_child(void)
{
	static const char message[] = "nomalloc: the child allocates\n";

	if (syscall(SYS_getpid) > 3)
		return;
	if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
		_exit(99);
	abort();
}

void *__wrap_malloc(size_t size)
{
	refuse_in_child();
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	refuse_in_child();
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	refuse_in_child();
	return __real_realloc(old, size);
}

void __wrap_free(void *pointer)
{
	if (pointer)
		refuse_in_child();
	__real_free(pointer);
}
