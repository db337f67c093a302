/*
 * Answers of a registry, head and body, by libcurl and our own look at each line. The first byte
 * chooses who gets the body and how much of it may come; the rest is what a server on the loopback
 * sends, and then it hangs up. Whatever is kept of a head has one value, no control character and
 * no more than its bound.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "image/transport.h"
#include "image/transport_trust.h"

#define MAXIMUM 2000

static int listening = -1;
static struct url url;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t answer[65536];
static size_t answer_size;

/* ---- the server ---- */

/* One connection after the other. A client that has given up may go on while its answer is still
 * being sent: hence the copy. */
static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		int fd = accept(listening, NULL, NULL);
		static uint8_t copy[sizeof(answer)];
		char request[4096];
		size_t sent = 0, size;

		if (fd < 0)
			continue;
		(void)pthread_mutex_lock(&lock);
		size = answer_size;
		memcpy(copy, answer, size);
		(void)pthread_mutex_unlock(&lock);
		(void)!read(fd, request, sizeof(request));
		while (sent < size) {
			ssize_t put = send(fd, copy + sent, size - sent, MSG_NOSIGNAL);

			if (put <= 0)
				break;
			sent += (size_t)put;
		}
		/* what is unread at close(2) would reset the connection before the answer is read
		 */
		(void)shutdown(fd, SHUT_WR);
		while (read(fd, request, sizeof(request)) > 0)
			;
		(void)close(fd);
	}
	return NULL;
}

static void prepare(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	struct err err = {0};
	pthread_t thread;
	char text[64];

	HOLDS(setenv(TRANSPORT_TIMEOUT, "2", 1) == 0 && unsetenv("http_proxy") == 0);
	listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	HOLDS(bind(listening, (struct sockaddr *)&address, length) == 0 &&
		listen(listening, 16) == 0);
	HOLDS(getsockname(listening, (struct sockaddr *)&address, &length) == 0);
	(void)snprintf(text, sizeof(text), "http://127.0.0.1:%u/v2/x", ntohs(address.sin_port));
	HOLDS(url_parse(text, "server", &url, &err) == 0);
	HOLDS(pthread_create(&thread, NULL, serve, NULL) == 0 && pthread_detach(thread) == 0);
}

/* ---- what comes of it ---- */

struct taken {
	unsigned begun;
	size_t bytes;
};

static void check_head(const struct transport_response *response)
{
	HOLDS(response->status >= 0 && response->status <= 999);
	for (size_t i = 0; i < HEADER_COUNT; i++)
		for (const char *c = response->headers[i] ? response->headers[i] : ""; *c; c++)
			HOLDS((unsigned char)*c >= ' ' || *c == '\t');
	HOLDS(!response->headers[HEADER_LOCATION] ||
		strlen(response->headers[HEADER_LOCATION]) <= URL_BYTES);
	HOLDS(!response->headers[HEADER_WARNING] ||
		strlen(response->headers[HEADER_WARNING]) <= 4096);
	HOLDS(!response->headers[HEADER_LENGTH] || !response->headers[HEADER_TRANSFER]);
	HOLDS(response->length == UINT64_MAX || response->headers[HEADER_LENGTH]);
}

static int begin(void *context, const struct transport_response *response, struct err *reterr)
{
	struct taken *taken = context;

	(void)reterr;
	HOLDS(taken->begun++ == 0 && taken->bytes == 0);
	HOLDS(response->status == 200 || response->status == 206);
	check_head(response);
	return 0;
}

static int take(void *context, const void *data, size_t length, struct err *reterr)
{
	struct taken *taken = context;

	(void)data;
	taken->bytes += length;
	return taken->bytes > MAXIMUM ? err_set(reterr, -ENOSPC, "here", "enough") : 0;
}

static void check_error(int r, const struct err *err)
{
	HOLDS(err->code == r && err->where[0] && err->message[0]);
	for (const char *c = err->message; *c; c++)
		HOLDS((unsigned char)*c >= ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct transport_trust trust;
	static const char *const methods[] = {"GET", "HEAD", "PUT", "POST"};
	struct transport_request request = {
		.url = &url, .body_fd = -1, .maximum = MAXIMUM, .nearest = -1};
	struct transport_response response;
	struct transport *transport;
	struct taken taken = {0};
	struct err err = {0};
	int r;

	if (size < 1 || size > sizeof(answer))
		return 0;
	if (listening < 0)
		prepare();
	request.method = methods[data[0] & 3];
	if (data[0] & 4) {
		request.begin = begin;
		request.data = take;
		request.context = &taken;
	}
	(void)pthread_mutex_lock(&lock);
	answer_size = size - 1;
	memcpy(answer, data + 1, size - 1);
	(void)pthread_mutex_unlock(&lock);
	/* a new one each time: connections that are kept would make one run depend on the one
	 * before */
	HOLDS(transport_open(&trust, NULL, &transport, &err) == 0);
	r = transport_perform(transport, &request, &response, &err);
	if (r == 0) {
		HOLDS(response.status >= 200 || response.status == 101);
		check_head(&response);
		HOLDS(response.body_length <= MAXIMUM);
		HOLDS(!response.body || response.body[response.body_length] == '\0');
	} else {
		check_error(r, &err);
	}
	transport_response_free(&response);
	transport_close(transport);
	return 0;
}
