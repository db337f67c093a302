/*
 * A scope of the user's systemd, for login sessions in which nothing is delegated:
 * StartTransientUnit over the user's D-Bus, with exactly the four messages it takes. libdbus is not
 * used: Debian's static archive of it needs libsystemd, which has no static archive, and a second
 * shared library would cost the static launcher its start-up time. D-Bus Specification;
 * org.freedesktop.systemd1(5).
 *
 * The launcher itself goes into the scope, not a placeholder: a process can be born only in a
 * cgroup whose nearest common ancestor with its maker's is writable (cgroups(7), delegation
 * containment), and between a session's scope and the user's manager that ancestor is root's. It
 * moves on into a child of the scope, since a cgroup with processes of its own cannot hand
 * controllers down. When the launcher and all it started have ended, systemd finds the scope empty
 * and removes it: by whatever way they ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "isolation/cgroup_parts.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/proc.h"

#define WAIT_MILLISECONDS 5000
#define OUT_MAXIMUM ((size_t)2048)
#define IN_MAXIMUM                                                                     \
	((size_t)16 * 1024) /* of one message; the bus sends us only what we asked for \
			     */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_MARK 'l'
#else
#define BYTE_ORDER_MARK 'B'
#endif

enum { MESSAGE_CALL = 1, MESSAGE_RETURN = 2, MESSAGE_ERROR = 3, MESSAGE_SIGNAL = 4 };
enum {
	FIELD_PATH = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_ERROR = 4,
	FIELD_REPLY = 5,
	FIELD_DESTINATION = 6,
	FIELD_SIGNATURE = 8
};
enum { SERIAL_HELLO = 1, SERIAL_MATCH = 2, SERIAL_START = 3 };

/* ---- writing ---- */

struct writer {
	uint8_t bytes[OUT_MAXIMUM];
	size_t used;
	bool full; /* what was put did not fit: checked once, at the end */
};

static void put(struct writer *out, const void *data, size_t size)
{
	if (size > sizeof(out->bytes) - out->used) {
		out->full = true;
		return;
	}
	memcpy(out->bytes + out->used, data, size);
	out->used += size;
}

static void align(struct writer *out, size_t unit)
{
	static const uint8_t zeros[8];

	put(out, zeros, (unit - out->used % unit) % unit);
}

static void put_u8(struct writer *out, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	put(out, &byte, 1);
}

static void put_u32(struct writer *out, size_t value)
{
	uint32_t word = (uint32_t)value;

	align(out, 4);
	put(out, &word, sizeof(word));
}

static void put_string(struct writer *out, const char *text)
{
	put_u32(out, strlen(text));
	put(out, text, strlen(text) + 1);
}

static void put_signature(struct writer *out, const char *signature)
{
	put_u8(out, (unsigned)strlen(signature));
	put(out, signature, strlen(signature) + 1);
}

/* Lengths are known only afterwards: this leaves room for one, end_length() fills it in. */
static size_t begin_length(struct writer *out, size_t element_alignment, size_t *ret_start)
{
	size_t at;

	put_u32(out, 0);
	at = out->used - 4;
	align(out, element_alignment); /* the padding before the first element does not count */
	*ret_start = out->used;
	return at;
}

static void end_length(struct writer *out, size_t at, size_t start)
{
	uint32_t length = (uint32_t)(out->used - start);

	if (!out->full)
		memcpy(out->bytes + at, &length, sizeof(length));
}

static void put_field(struct writer *out, unsigned code, const char *type, const char *value)
{
	align(out, 8);
	put_u8(out, code);
	put_signature(out, type);
	if (*type == 'g')
		put_signature(out, value);
	else
		put_string(out, value);
}

/*
 * A method call with body behind it, put after the messages that out already holds: alignment
 * counts from each one's own start.
 */
static void put_call(struct writer *out, unsigned serial, const char *const address[static 4],
	const char *signature, const struct writer *body)
{
	struct writer message = {.full = body->full};
	size_t at, start;

	put_u8(&message, BYTE_ORDER_MARK);
	put_u8(&message, MESSAGE_CALL);
	put_u8(&message, 0);
	put_u8(&message, 1); /* protocol version */
	put_u32(&message, body->used);
	put_u32(&message, serial);
	at = begin_length(&message, 8, &start);
	put_field(&message, FIELD_PATH, "o", address[0]);
	put_field(&message, FIELD_DESTINATION, "s", address[1]);
	put_field(&message, FIELD_INTERFACE, "s", address[2]);
	put_field(&message, FIELD_MEMBER, "s", address[3]);
	if (*signature)
		put_field(&message, FIELD_SIGNATURE, "g", signature);
	end_length(&message, at, start);
	align(&message, 8);
	put(&message, body->bytes, body->used);
	out->full |= message.full;
	put(out, message.bytes, message.used);
}

static void begin_property(struct writer *out, const char *name, const char *type)
{
	align(out, 8);
	put_string(out, name);
	put_signature(out, type);
}

/* ssa(sv)a(sa(sv)): name, mode, properties, auxiliary units. */
static void put_start(struct writer *body, const char *unit, pid_t pid)
{
	size_t properties, start, pids, pids_start, none;

	put_string(body, unit);
	put_string(body, "fail");
	properties = begin_length(body, 8, &start);
	begin_property(body, "Description", "s");
	put_string(body, "immure: one launch");
	begin_property(body, "Delegate", "b");
	put_u32(body, 1);
	begin_property(body, "CollectMode", "s");
	put_string(body, "inactive-or-failed");
	begin_property(body, "PIDs", "au");
	pids = begin_length(body, 4, &pids_start);
	put_u32(body, (size_t)pid);
	end_length(body, pids, pids_start);
	end_length(body, properties, start);
	none = begin_length(body, 8, &start);
	end_length(body, none, start);
}

/* send(2), since a bus that hangs up must not end us by SIGPIPE. */
static int send_all(int bus, const void *data, size_t length)
{
	const char *rest = data;

	while (length > 0) {
		ssize_t sent = send(bus, rest, length, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return -errno;
		if (sent > 0) {
			rest += sent;
			length -= (size_t)sent;
		}
	}
	return 0;
}

static int send_requests(int bus, const char *unit)
{
	static const char *const hello[] = {
		"/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus", "Hello"};
	static const char *const match[] = {"/org/freedesktop/DBus", "org.freedesktop.DBus",
		"org.freedesktop.DBus", "AddMatch"};
	static const char *const begin[] = {"/org/freedesktop/systemd1", "org.freedesktop.systemd1",
		"org.freedesktop.systemd1.Manager", "StartTransientUnit"};
	struct writer out = {.used = 0}, body = {.used = 0};

	put_call(&out, SERIAL_HELLO, hello, "", &body);
	put_string(&body,
		"type='signal',sender='org.freedesktop.systemd1',path='/org/freedesktop/systemd1',"
		"interface='org.freedesktop.systemd1.Manager',member='JobRemoved'");
	put_call(&out, SERIAL_MATCH, match, "s", &body);
	body.used = 0;
	put_start(&body, unit, getpid());
	put_call(&out, SERIAL_START, begin, "ssa(sv)a(sa(sv))", &body);
	return out.full ? -EMSGSIZE : send_all(bus, out.bytes, out.used);
}

/* ---- reading ---- */

struct reader {
	const uint8_t *bytes;
	size_t size, at;
	bool bad; /* something did not fit: everything read since is zero */
};

static const void *take(struct reader *in, size_t size, size_t alignment)
{
	size_t at = (in->at + alignment - 1) / alignment * alignment;

	if (in->bad || at > in->size || size > in->size - at) {
		in->bad = true;
		return NULL;
	}
	in->at = at + size;
	return in->bytes + at;
}

static uint32_t take_u32(struct reader *in)
{
	const void *bytes = take(in, 4, 4);
	uint32_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return value;
}

static unsigned take_u8(struct reader *in)
{
	const uint8_t *byte = take(in, 1, 1);

	return byte ? *byte : 0;
}

/* Text with its length before it and a NUL, but none within, after it. "" when bad. */
static const char *take_text(struct reader *in, size_t length)
{
	const char *text = length < IN_MAXIMUM ? take(in, length + 1, 1) : NULL;

	if (text && memchr(text, '\0', length + 1) == text + length)
		return text;
	in->bad = true;
	return "";
}

static const char *take_string(struct reader *in)
{
	return take_text(in, take_u32(in));
}

struct message {
	unsigned type;
	uint32_t reply;
	const char *error, *member, *signature;
	struct reader body;
};

/* The fixed 16 bytes: how long the whole message is. */
static int message_size(const uint8_t head[static 16], size_t *ret)
{
	struct reader in = {.bytes = head, .size = 16, .at = 4};
	size_t body = take_u32(&in), fields;

	(void)take_u32(&in); /* its serial */
	fields = take_u32(&in);
	if (head[0] != BYTE_ORDER_MARK || head[3] != 1 || body > IN_MAXIMUM || fields > IN_MAXIMUM)
		return -EBADMSG;
	*ret = 16 + (fields + 7) / 8 * 8 + body;
	return *ret <= IN_MAXIMUM ? 0 : -EBADMSG;
}

static bool take_field(struct reader *in, struct message *message)
{
	const char *type, *value = "";
	unsigned code;

	(void)take(in, 0, 8);
	code = take_u8(in);
	type = take_text(in, take_u8(in));
	if (strcmp(type, "s") == 0 || strcmp(type, "o") == 0)
		value = take_string(in);
	else if (strcmp(type, "g") == 0)
		value = take_text(in, take_u8(in));
	else if (strcmp(type, "u") == 0 && code == FIELD_REPLY)
		message->reply = take_u32(in);
	else if (strcmp(type, "u") ==
		 0) /* UNIX_FDS: we never agreed to take any, so none can come */
		(void)take_u32(in);
	else
		in->bad = true;
	if (code == FIELD_ERROR)
		message->error = value;
	else if (code == FIELD_MEMBER)
		message->member = value;
	else if (code == FIELD_SIGNATURE)
		message->signature = value;
	return !in->bad;
}

static int parse_message(const uint8_t *bytes, size_t size, struct message *ret)
{
	struct reader in = {.bytes = bytes, .size = size, .at = 12};
	struct message message = {.type = bytes[1], .error = "", .member = "", .signature = ""};
	size_t end = take_u32(&in);

	end += in.at;
	if (end > size)
		return -EBADMSG;
	in.size = end;
	while (in.at < end)
		if (!take_field(&in, &message))
			return -EBADMSG;
	end = (end + 7) / 8 * 8;
	message.body = (struct reader){.bytes = bytes + end, .size = size - end};
	*ret = message;
	return 0;
}

/* Exactly size bytes before the deadline. */
static int receive(int bus, void *buffer, size_t size, const struct timespec *deadline)
{
	char *rest = buffer;

	while (size > 0) {
		struct pollfd wait = {.fd = bus, .events = POLLIN};
		struct timespec now;
		int64_t left;
		ssize_t got;

		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		left = ((int64_t)deadline->tv_sec - now.tv_sec) * 1000 +
		       (deadline->tv_nsec - now.tv_nsec) / 1000000;
		if (left <= 0 || poll(&wait, 1, (int)left) == 0)
			return -ETIMEDOUT;
		got = recv(bus, rest, size, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -ECONNRESET;
		rest += got;
		size -= (size_t)got;
	}
	return 0;
}

/* ---- the conversation ---- */

static int connect_bus(const char *path)
{
	_cleanup_close_ int bus = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = WAIT_MILLISECONDS / 1000};
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (bus < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (setsockopt(bus, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
		connect(bus, (const struct sockaddr *)&address, sizeof(address)) ||
		getsockopt(bus, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return -errno;
	if (peer.uid != getuid() && peer.uid != 0)
		return -EACCES; /* somebody else's bus would learn our pid and answer as it likes */
	return take_fd(&bus);
}

/*
 * SASL EXTERNAL: the kernel has told the bus who we are; the uid, as hexadecimal of its decimal
 * digits, only names it.
 */
static int authenticate(int bus, const struct timespec *deadline)
{
	char digits[16], request[64], line[128] = "";
	size_t used = 0;
	int r, length;

	(void)snprintf(digits, sizeof(digits), "%u", getuid());
	length = snprintf(request, sizeof(request), "%cAUTH EXTERNAL ", '\0');
	for (const char *digit = digits; *digit; digit++)
		length += snprintf(request + length, sizeof(request) - (size_t)length, "%02x",
			(unsigned)*digit);
	length += snprintf(request + length, sizeof(request) - (size_t)length, "\r\n");
	r = send_all(bus, request, (size_t)length);
	while (r == 0 && (used == 0 || line[used - 1] != '\n'))
		r = used == sizeof(line) ? -EBADMSG : receive(bus, line + used++, 1, deadline);
	if (r < 0)
		return r;
	return strncmp(line, "OK ", 3) == 0 ? send_all(bus, "BEGIN\r\n", 7) : -EACCES;
}

/* 1 when message ends the wait well, 0 when it is not the one, or an error. */
static int judge(struct message *message, const char *unit, struct err *reterr)
{
	const char *name, *result;

	if (message->type == MESSAGE_ERROR && message->reply >= SERIAL_HELLO &&
		message->reply <= SERIAL_START) {
		result = strcmp(message->signature, "s") == 0 ? take_string(&message->body) : "";
		return err_set(reterr, -EREMOTEIO, unit,
			"the user's systemd refuses a scope: %.200s: %.200s", message->error,
			result);
	}
	if (message->type != MESSAGE_SIGNAL || strcmp(message->member, "JobRemoved") != 0 ||
		strcmp(message->signature, "uoss") != 0)
		return 0;
	(void)take_u32(&message->body);
	(void)take_string(&message->body); /* the job: the unit's name is as unique */
	name = take_string(&message->body);
	result = take_string(&message->body);
	if (message->body.bad || strcmp(name, unit) != 0)
		return 0;
	if (strcmp(result, "done") == 0)
		return 1;
	return err_set(reterr, -EREMOTEIO, unit,
		"the user's systemd could not start a scope: %.100s", result);
}

static int wait_for_job(
	int bus, const char *unit, const struct timespec *deadline, struct err *reterr)
{
	uint8_t bytes[IN_MAXIMUM];
	struct message message;
	int r = 0;

	while (r == 0) {
		size_t size = 16;

		r = receive(bus, bytes, 16, deadline);
		if (r == 0)
			r = message_size(bytes, &size);
		if (r == 0)
			r = receive(bus, bytes + 16, size - 16, deadline);
		if (r == 0)
			r = parse_message(bytes, size, &message);
		if (r == 0)
			r = judge(&message, unit, reterr);
	}
	return r < 0 ? err_set(reterr, r, unit, "no answer from the user's systemd: %s",
			       strerror(-r))
		     : 0;
}

/* Where we are now: the scope's directory, and from it on into a child of it. */
static int settle(
	const char *mount, const char *unit, char *ret_path, size_t size, struct err *reterr)
{
	_cleanup_close_ int scope = -1, child = -1;
	struct proc_cgroup own;
	char text[4096], *line;
	int length, r = file_read_line(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text));

	line = r > 0 ? strstr(text, "0::/") : NULL;
	if (!line)
		return err_set(reterr, r < 0 ? r : -EBADMSG, "/proc/self/cgroup",
			"does not tell our cgroup");
	line[strcspn(line, "\n")] = '\0';
	r = proc_cgroup_parse(line, &own);
	if (r < 0 || !strrchr(own.path, '/') || strcmp(strrchr(own.path, '/') + 1, unit) != 0)
		return err_set(reterr, -EBADMSG, unit,
			"systemd says that the scope is started, but we are not in it");
	length = snprintf(ret_path, size, "%s%s", mount, own.path);
	if (length < 0 || (size_t)length >= size)
		return err_set(reterr, -ENAMETOOLONG, unit, "the scope's path is too long");
	scope = open(ret_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (scope < 0 || mkdirat(scope, "launcher", 0755))
		return err_set(
			reterr, -errno, ret_path, "cannot make the launcher's own cgroup: %m");
	child = openat(scope, "launcher", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = child < 0 ? -errno : file_write_kernel(child, "cgroup.procs", "0", 1);
	return r < 0 ? err_set(reterr, r, ret_path, "cannot move within the scope: %s",
			       strerror(-r))
		     : 0;
}

int cgroup_scope_enter(const char *socket, const char *mount, const char *name, char *ret_path,
	size_t size, struct err *reterr)
{
	_cleanup_close_ int bus = connect_bus(socket);
	struct timespec deadline;
	char unit[80];
	int r;

	if (bus < 0)
		return err_set(
			reterr, bus, socket, "cannot reach the user's bus: %s", strerror(-bus));
	(void)clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += WAIT_MILLISECONDS / 1000;
	(void)snprintf(unit, sizeof(unit), "%s.scope", name);
	r = authenticate(bus, &deadline);
	if (r == 0)
		r = send_requests(bus, unit);
	if (r < 0)
		return err_set(
			reterr, r, socket, "the user's bus does not take us: %s", strerror(-r));
	r = wait_for_job(bus, unit, &deadline, reterr);
	return r < 0 ? r : settle(mount, unit, ret_path, size, reterr);
}
