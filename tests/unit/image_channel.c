/* The channel: every kind goes through as it is, and what is no message of ours is refused. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "image/channel.h"

static const char digest[] =
	"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static int ends[2];

/* Descriptors open in this process: none may be left over. */
static int open_count(void)
{
	int count = 0;

	for (int fd = 0; fd < 64; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static struct channel_message sample(enum channel_kind kind)
{
	struct channel_message message = {.kind = kind, .index = 5};

	if (kind == CHANNEL_LAYER) {
		(void)stpcpy(message.diff.text, digest);
		message.compression = 2;
	}
	if (kind == CHANNEL_NEED)
		message.need[127] = 1;
	if (kind == CHANNEL_FAILED)
		(void)stpcpy(message.text, "no space left");
	return message;
}

static void test_good(void)
{
	for (int kind = 0; kind < CHANNEL_KIND_COUNT; kind++) {
		struct channel_message sent = sample((enum channel_kind)kind), got;
		int fd = -1, passed = kind == CHANNEL_STREAM ? STDOUT_FILENO : -1;

		check_int(channel_send(ends[0], &sent, passed), 0, "kind %d is sent", kind);
		check_int(channel_receive(ends[1], &got, &fd), 1, "and received");
		check(memcmp(&sent, &got, sizeof(sent)) == 0, "as it was");
		check((fd >= 0) == (kind == CHANNEL_STREAM), "with its descriptor, or none");
		if (fd >= 0) {
			check(fcntl(fd, F_GETFD) & FD_CLOEXEC, "close-on-exec");
			(void)close(fd);
		}
	}
}

static void refused(const struct channel_message *message, int passed, const char *what)
{
	struct channel_message got;
	int fd = -7, before = open_count();

	check_int(channel_send(ends[0], message, passed), 0, "%s is sent", what);
	check_int(channel_receive(ends[1], &got, &fd), -EBADMSG, "%s is refused", what);
	check(fd == -7 && open_count() == before, "%s: nothing is left open", what);
}

static void test_bad(void)
{
	struct channel_message message = sample(CHANNEL_DONE);

	message.kind = CHANNEL_KIND_COUNT;
	refused(&message, -1, "an unknown kind");
	message.kind = UINT32_MAX;
	refused(&message, -1, "a kind of 2^32-1");
	message = sample(CHANNEL_IMAGE);
	message.index = OVERLAY_LAYERS + 1;
	refused(&message, -1, "more layers than there may be");
	message = sample(CHANNEL_DONE);
	message.index = OVERLAY_LAYERS;
	refused(&message, -1, "an index that is the limit");
	message = sample(CHANNEL_LAYER);
	message.compression = 3;
	refused(&message, -1, "an unknown compression");
	message = sample(CHANNEL_LAYER);
	message.diff.text[70] = 'x';
	refused(&message, -1, "half a digest");
	message.diff.text[0] = '\0';
	refused(&message, -1, "a layer without a digest");
	memset(message.diff.text, 'a', sizeof(message.diff.text));
	refused(&message, -1, "a digest without an end");
	message = sample(CHANNEL_DONE);
	(void)stpcpy(message.diff.text, digest);
	refused(&message, -1, "a digest where none belongs");
	message = sample(CHANNEL_FAILED);
	memset(message.text, 'a', sizeof(message.text));
	refused(&message, -1, "a text without an end");
	message = sample(CHANNEL_NEED);
	message.need[3] = 2;
	refused(&message, -1, "a need of 2");
	message = sample(CHANNEL_STREAM);
	refused(&message, -1, "a stream without a descriptor");
	message = sample(CHANNEL_DONE);
	refused(&message, STDOUT_FILENO, "a descriptor where none belongs");
}

/* What channel_send() cannot be made to send. */
static void test_raw(void)
{
	struct channel_message message = sample(CHANNEL_STREAM), got;
	char larger[sizeof(message) + 1] = {0};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct iovec vector = {.iov_base = &message, .iov_len = sizeof(message)};
	struct msghdr header = {.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room)};
	int fds[2] = {STDOUT_FILENO, STDERR_FILENO}, fd = -7, before = open_count();

	check(send(ends[0], &message, sizeof(message) - 1, 0) > 0, "a byte less");
	check_int(channel_receive(ends[1], &got, &fd), -EBADMSG, "is refused");
	check(send(ends[0], larger, sizeof(larger), 0) > 0, "a byte more");
	check_int(channel_receive(ends[1], &got, &fd), -EBADMSG, "is refused");
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	check(sendmsg(ends[0], &header, 0) > 0, "two descriptors");
	check_int(channel_receive(ends[1], &got, &fd), -EBADMSG, "are refused");
	check_int(open_count(), before, "and none is left open");
	(void)close(ends[0]);
	check_int(channel_receive(ends[1], &got, &fd), 0, "the end");
	message = sample(CHANNEL_DONE);
	check_int(channel_send(ends[1], &message, -1), -EPIPE, "nobody hears: no signal, an error");
}

int main(void)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return 2;
	test_good();
	test_bad();
	test_raw();
	return check_done();
}
