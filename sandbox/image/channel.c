/*
 * The channel between fetching and unpacking: see channel.h. What is received is checked for form
 * here, once, so that neither side has to think of half a digest or of a text without an end.
 */
#include "image/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "image/manifest.h"
#include "util/mutant.h"

_Static_assert(
	sizeof(struct channel_message) == 3 * sizeof(uint32_t) + DIGEST_ROOM + OVERLAY_LAYERS + 512,
	"a message has no padding: nothing of our stack goes over the channel");

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int channel_send(int channel, const struct channel_message *message, int fd)
{
	struct iovec vector = {.iov_base = (void *)(uintptr_t)message, .iov_len = sizeof(*message)};
	union control control = {0};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
	ssize_t sent;

	if (fd >= 0) {
		struct cmsghdr *cmsg = &control.header;

		header.msg_control = control.room;
		header.msg_controllen = sizeof(control.room);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	do
		sent = sendmsg(channel, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == sizeof(*message) ? 0 : -EIO;
}

/* The descriptor that came along, or -1. The room is for one: the kernel drops what is beyond and
 * says MSG_CTRUNC. */
static int take_descriptor(struct msghdr *header)
{
	int fd = -1;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
			cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

static bool ended(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool well_formed(const struct channel_message *message, int fd)
{
	if (message->kind >= CHANNEL_KIND_COUNT || message->index > OVERLAY_LAYERS ||
		message->compression > COMPRESSION_ZSTD)
		return false;
	/* a count may be the limit, an index may not */
	if (message->kind != CHANNEL_IMAGE && message->index >= OVERLAY_LAYERS)
		return false;
	if (!ended(message->text, sizeof(message->text)) ||
		!ended(message->diff.text, sizeof(message->diff.text)))
		return false;
	if (message->kind == CHANNEL_LAYER ? !digest_is_valid(message->diff.text)
					   : message->diff.text[0])
		return false;
	for (size_t i = 0; i < sizeof(message->need); i++)
		if (message->need[i] > 1)
			return false;
	return (fd >= 0) == (message->kind == CHANNEL_STREAM);
}

int channel_receive(int channel, struct channel_message *ret, int *ret_fd)
{
	struct channel_message message;
	struct iovec vector = {.iov_base = &message, .iov_len = sizeof(message)};
	union control control = {0};
	struct msghdr header = {.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.room,
		/* not CMSG_SPACE: its padding has room for a second one, which would stay open */
		.msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t got;
	int fd;

	/* ECONNRESET comes once, where the other side went without reading all of ours, and before
	 * what it has said (unix(7) is silent on that order): its last words are still to be read
	 */
	do
		got = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got < 0)
		return -errno;
	fd = take_descriptor(&header);
	if (got == 0 && fd < 0)
		return 0;
	if ((size_t)got != sizeof(message) || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
		(!well_formed(&message, fd) && !mutant(MUTANT_CHANNEL_FORM))) {
		if (fd >= 0)
			(void)close(fd);
		return -EBADMSG;
	}
	*ret = message;
	*ret_fd = fd;
	return 1;
}
