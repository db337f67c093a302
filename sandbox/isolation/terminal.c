/* Terminal: see terminal.h. */
#include "isolation/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "isolation/child.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/report.h"

int terminal_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, const bool is_terminal[3], struct terminal_plan *ret,
	struct err *reterr)
{
	const struct terminal_section *asked = &profile->terminal;
	bool any = is_terminal[0] || is_terminal[1] || is_terminal[2];
	struct receipt_row row = {.rule = &asked->rule,
		.asked = "the caller's terminal stays out",
		.layer = "pty, setsid"};
	struct terminal_plan plan = {.rule = &asked->rule};
	char where[512];

	(void)host;
	(void)arena;
	if (asked->kind == TERMINAL_SHARE || mutant(MUTANT_SHARE_TTY)) {
		*ret = plan;
		return 0;
	}
	if (asked->kind == TERMINAL_NONE && any) {
		err_set(reterr, -ENOTTY, origin_format(&asked->rule.origin, where, sizeof(where)),
			"a terminal is open on standard input, output or error, and the profile "
			"lets none in");
		err_hint(reterr, "redirect it, or say \"mode\": \"auto\" to put a pty of the "
				 "jail's own in its place");
		return -ENOTTY;
	}
	plan.pty = any || asked->kind == TERMINAL_PTY;
	for (int i = 0; i < 3; i++)
		plan.replaced[i] = is_terminal[i] || asked->kind == TERMINAL_PTY;
	if (plan.pty && !profile->devices.standard)
		return err_set(reterr, -EINVAL,
			origin_format(&asked->rule.origin, where, sizeof(where)),
			"a pty needs devices.standard");
	*ret = plan;
	return receipt_add(receipt, &row, reterr);
}

void terminal_explain(const struct terminal_plan *plan, struct report *out)
{
	if (plan->pty)
		report_row(out, NULL, "terminal", "a pty of the jail's own for%s%s%s",
			plan->replaced[0] ? " stdin" : "", plan->replaced[1] ? " stdout" : "",
			plan->replaced[2] ? " stderr" : "");
	else
		report_row(out, NULL, "terminal", "none");
}

static int send_descriptor(int control, int fd)
{
	char word = 'T';
	struct iovec data = {.iov_base = &word, .iov_len = 1};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} buffer = {0};
	struct msghdr message = {.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = buffer.bytes,
		.msg_controllen = sizeof(buffer.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(control, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* The supervisor sees to later changes; its first turn may come after the program's. */
static void copy_size(const struct terminal_plan *plan, int master)
{
	struct winsize size;

	for (int i = 0; i < 3; i++)
		if (plan->replaced[i] && ioctl(i, TIOCGWINSZ, &size) == 0) {
			(void)ioctl(master, TIOCSWINSZ, &size); /* cosmetic */
			return;
		}
}

int terminal_apply(const struct terminal_plan *plan, struct child *child, uint16_t *reterr_item)
{
	_cleanup_close_ int master = -1;
	int unlock = 0;

	if (!plan->pty)
		return 0;
	*reterr_item = 0;
	master = path_open_no_links(child->root, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0)
		return master;
	*reterr_item = 1;
	if (ioctl(master, TIOCSPTLCK, &unlock))
		return -errno;
	child->terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (child->terminal < 0)
		return -errno;
	copy_size(plan, master);
	*reterr_item = 2;
	return send_descriptor(child->control, master);
}

int terminal_enter(const struct terminal_plan *plan, struct child *child, uint16_t *reterr_item)
{
	if (!plan->pty)
		return 0;
	*reterr_item = 0;
	if (ioctl(child->terminal, TIOCSCTTY, 0))
		return -errno;
	for (int i = 0; i < 3; i++) {
		*reterr_item = (uint16_t)(1 + i);
		if (plan->replaced[i] && dup2(child->terminal, i) < 0)
			return -errno;
	}
	return 0;
}
