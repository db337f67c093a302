/*
 * window CALL[:N] ACTION COMMAND…: stops a launch inside a chosen window and acts there, so that a race test hits its window every time
 * instead of hoping (rule 0.2 of the catalogue). By seccomp user notification: the Nth time (default 1; 0: every time) that any process
 * of the command enters CALL (or `all`: any call), ACTION is taken, and the call goes on. ACTION:
 *   kill      SIGKILL to the launcher
 *   stop      SIGSTOP to the process in the window, then SIGKILL to the launcher
 *   spy       opens what a process of the same user must not get of the process in the window (T-LIFE-20)
 *   TEXT      a command for /bin/sh, with PID set
 * Says how often the window was hit; no hit is no result.
 */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "verdict.h"

static const struct {
	const char *name;
	long number;
} calls[] = {
	{"all", -1}, {"prctl", SYS_prctl}, {"seccomp", SYS_seccomp}, {"execve", SYS_execve}, {"capset", SYS_capset},
	{"move_mount", SYS_move_mount}, {"open_tree", SYS_open_tree}, {"open_tree_attr", 467}, {"mount_setattr", SYS_mount_setattr},
	{"pivot_root", SYS_pivot_root}, {"clone3", SYS_clone3}, {"setresuid", SYS_setresuid}, {"setsid", SYS_setsid}, {"openat2", SYS_openat2},
	{"fsopen", SYS_fsopen}, {"landlock", 446}, {"umount2", SYS_umount2}, {"write", SYS_write}, {"chdir", SYS_chdir}, {"newfstatat", SYS_newfstatat},
	{"statx", SYS_statx}, {"mount", SYS_mount}, {"fstat", SYS_fstat}, {"close_range", SYS_close_range},
};

struct window {
	long number;
	long wanted, seen, hits;
	const char *action;
	pid_t launcher;
};

static void parse(const char *text, struct window *window)
{
	char name[64];
	const char *colon = strchr(text, ':');

	(void)snprintf(name, sizeof(name), "%.*s", (int)(colon ? colon - text : (long)strlen(text)), text);
	window->wanted = colon ? atol(colon + 1) : 1;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0) {
			window->number = calls[i].number;
			return;
		}
	errno = EINVAL;
	unclear(name);
}

/* Loads the filter; the listener comes to be in the table of descriptors that we share with our parent. */
static int listen_to(long number)
{
	const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, number < 0 ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {4, (struct sock_filter *)filter};

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static void spy(pid_t pid)
{
	static const char *const files[] = {"mem", "environ", "maps", "auxv", "root", "cwd", "ns/user", "fd/0"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[64], byte;
		int fd;

		(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && (i != 1 || read(fd, &byte, 1) >= 0)) {
			(void)printf("ESCAPED: %s of the child can be opened in the window\n", files[i]);
			(void)fflush(stdout);
		}
		(void)close(fd);
	}
}

static void act(const struct window *window, pid_t pid)
{
	char text[32];
	pid_t shell;

	if (strcmp(window->action, "stop") == 0)
		(void)kill(pid, SIGSTOP);
	if (strcmp(window->action, "stop") == 0 || strcmp(window->action, "kill") == 0) {
		(void)kill(window->launcher, SIGKILL);
		(void)waitpid(window->launcher, NULL, 0);
		return;
	}
	if (strcmp(window->action, "spy") == 0) {
		spy(pid);
		return;
	}
	(void)snprintf(text, sizeof(text), "%d", pid);
	(void)setenv("PID", text, 1);
	shell = fork();
	if (shell == 0) {
		(void)execl("/bin/sh", "sh", "-c", window->action, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(shell, NULL, 0);
}

/* Answers one notification; false where there will be no more. */
static bool serve(int listener, struct window *window)
{
	struct seccomp_notif request;
	struct seccomp_notif_resp answer;

	(void)memset(&request, 0, sizeof(request));
	(void)memset(&answer, 0, sizeof(answer));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		return errno == ENOENT || errno == EINTR;
	/* Of `all`, what the launcher does before it has made anything is of no interest, but counts. */
	if (window->wanted == 0 || ++window->seen == window->wanted) {
		window->hits++;
		act(window, (pid_t)request.pid);
	}
	answer.id = request.id;
	answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	return true;
}

static int listener_of(pid_t pid, long number)
{
	(void)pid;
	(void)number;
	for (int tries = 0; tries < 120000; tries++) {
		char path[64], link[64];

		for (int fd = 3; fd < 16; fd++) {
			ssize_t length;

			(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
			length = readlink(path, link, sizeof(link) - 1);
			link[length > 0 ? length : 0] = '\0';
			if (strstr(link, "seccomp"))
				return fd;
		}
		(void)usleep(500);
	}
	unclear("listener");
}

int main(int argc, char **argv)
{
	struct window window = {0};
	int listener, status = 0;
	struct pollfd polled;

	if (argc < 4)
		return 2;
	parse(argv[1], &window);
	window.action = argv[2];
	window.launcher = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (window.launcher == 0) {
		if (listen_to(window.number) < 0)
			_exit(126);
		(void)execvp(argv[3], argv + 3);
		_exit(127);
	}
	listener = listener_of(window.launcher, window.number);
	polled = (struct pollfd){.fd = listener, .events = POLLIN};
	for (int idle = 0; idle < 60;) {
		int ready = poll(&polled, 1, 50);

		if (ready > 0 && (polled.revents & POLLIN) && serve(listener, &window))
			continue;
		if (ready > 0 && (polled.revents & POLLHUP))
			break;
		if (waitpid(window.launcher, &status, WNOHANG) != 0)
			idle++;
	}
	(void)waitpid(window.launcher, &status, 0);
	(void)printf("window: %ld hits, %ld seen\n", window.hits, window.seen);
	if (window.hits > 0 && strcmp(window.action, "spy") == 0)
		(void)printf("CONTAINED: nothing to see in the window\n");
	(void)fflush(stdout);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
