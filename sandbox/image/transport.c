/*
 * HTTP by libcurl, one request at a time: see transport.h. The head of an answer is read here, line
 * by line, since what libcurl mends or overlooks (folded lines, doubled headers, both a length and
 * chunks) is how one answer is made to mean two things (T-REG-27).
 */
#include "image/transport.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "image/transport_proxy.h"
#include "image/transport_trust.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/text.h"

#define WARNING_BYTES 4096 /* distribution-spec, "Warnings" */
#define SLOWEST 1000L      /* bytes a second */
#define CONNECT_SECONDS 10
#define IDLE_SECONDS 30
#define LONGEST_SECONDS 3600
#define BODY_SECONDS_PER_MIB 64 /* 16 KiB/s: slower than that it is given up in the end */

struct transport {
	CURL *curl;
	const struct transport_trust *trust;
	const atomic_bool *stop;
	long idle; /* seconds */
	char error[CURL_ERROR_SIZE];
};

/* One request under way: what the callbacks share. */
struct exchange {
	struct transport *transport;
	const struct transport_request *request;
	struct transport_response *response;
	struct err *err;
	int r;             /* what ended it from our side, or 0 */
	size_t head_bytes; /* of all heads so far */
	bool head_done;    /* what follows is body or trailers */
	bool begun;        /* begin() has been asked */
	bool proxied;
	size_t capacity; /* of body */
	uint64_t sent;   /* of the request's body */
	long idle;       /* seconds without a byte, at most */
	uint64_t seen_bytes;
	int64_t seen_ms; /* when there were so many for the first time */
};

void transport_response_free(struct transport_response *response)
{
	for (size_t i = 0; i < HEADER_COUNT; i++)
		free(response->headers[i]);
	free(response->body);
	*response = (struct transport_response){0};
}

static int fail(struct exchange *exchange, int code, const char *message)
{
	char shown[URL_SHOWN];

	exchange->r = code;
	return err_set(exchange->err, code, url_show(exchange->request->url, shown), "%s", message);
}

/* ---- the head of an answer ---- */

static const struct {
	const char *name;
	bool list;
	size_t maximum;
} known[HEADER_COUNT] = {
	[HEADER_CHALLENGE] = {"WWW-Authenticate", true, 8192},
	[HEADER_WARNING] = {"Warning", true, WARNING_BYTES},
	[HEADER_TYPE] = {"Content-Type", false, 255},
	[HEADER_LENGTH] = {"Content-Length", false, 20},
	[HEADER_RANGE] = {"Content-Range", false, 80},
	[HEADER_ENCODING] = {"Content-Encoding", false, 255},
	[HEADER_TRANSFER] = {"Transfer-Encoding", false, 255},
	[HEADER_DIGEST] = {"Docker-Content-Digest", false, 255},
	[HEADER_LOCATION] = {"Location", false, URL_BYTES},
	[HEADER_RETRY] = {"Retry-After", false, 80},
};

/* Appends one more value of a header that is a list; what is over its bound is left out. */
static int append_value(struct exchange *exchange, size_t which, const char *value, size_t length)
{
	char **kept = &exchange->response->headers[which], *joined;
	size_t used = strlen(*kept);

	if (used + 2 + length > known[which].maximum)
		return which == HEADER_WARNING
			       ? 0
			       : fail(exchange, -EFBIG, "its headers are larger than is allowed");
	joined = realloc(*kept, used + 2 + length + 1);
	if (!joined)
		return fail(exchange, -ENOMEM, "out of memory");
	memcpy(joined + used, ", ", 2);
	memcpy(joined + used + 2, value, length);
	joined[used + 2 + length] = '\0';
	*kept = joined;
	return 0;
}

static int keep_value(struct exchange *exchange, size_t which, const char *value, size_t length)
{
	char **kept = &exchange->response->headers[which];

	if (*kept && known[which].list)
		return append_value(exchange, which, value, length);
	if (*kept)
		return strlen(*kept) == length && memcmp(*kept, value, length) == 0
			       ? 0
			       : fail(exchange, -EBADMSG,
					 "it sent one header twice, with two meanings");
	if (length > known[which].maximum && which != HEADER_WARNING)
		return fail(exchange, -EFBIG, "one of its headers is longer than is allowed");
	*kept = strndup(value, length < known[which].maximum ? length : known[which].maximum);
	return *kept ? 0 : fail(exchange, -ENOMEM, "out of memory");
}

/* One line "Name: value" without its end. */
static int take_header(struct exchange *exchange, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length);
	size_t name = colon ? (size_t)(colon - line) : 0;

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			return fail(exchange, -EBADMSG, "a control character in its headers");
	if (line[0] == ' ' || line[0] == '\t')
		return fail(exchange, -EBADMSG, "a folded line in its headers");
	if (name == 0 || line[name - 1] == ' ' || line[name - 1] == '\t')
		return fail(exchange, -EBADMSG, "a line in its headers that is none");
	for (size_t i = 0; i < HEADER_COUNT; i++) {
		const char *value = colon + 1, *end = line + length;

		if (strlen(known[i].name) != name || strncasecmp(known[i].name, line, name) != 0)
			continue;
		while (value < end && (*value == ' ' || *value == '\t'))
			value++;
		while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		return keep_value(exchange, i, value, (size_t)(end - value));
	}
	return 0;
}

/* The head is whole: what in it must not be. */
static int judge_head(struct exchange *exchange)
{
	struct transport_response *response = exchange->response;
	char *const *headers = response->headers;

	if (headers[HEADER_LENGTH] && headers[HEADER_TRANSFER])
		return fail(exchange, -EBADMSG, "it sent both a length and a transfer encoding");
	if (headers[HEADER_TRANSFER] && strcasecmp(headers[HEADER_TRANSFER], "chunked") != 0)
		return fail(
			exchange, -EBADMSG, "it sent a transfer encoding that nobody asked for");
	if (headers[HEADER_ENCODING] && strcasecmp(headers[HEADER_ENCODING], "identity") != 0)
		return fail(exchange, -EBADMSG, "it encoded its answer, which nobody asked for");
	response->length = UINT64_MAX;
	if (headers[HEADER_LENGTH] &&
		text_parse_u64(headers[HEADER_LENGTH], INT64_MAX, &response->length))
		return fail(exchange, -EBADMSG, "its Content-Length is not a number");
	return 0;
}

/* "HTTP/1.1 200 OK": a new head begins, and what an interim one said is forgotten. */
static int take_status(struct exchange *exchange, const char *line, size_t length)
{
	const char *space = memchr(line, ' ', length);
	struct transport_response *response = exchange->response;

	if (!space || length - (size_t)(space - line) < 4)
		return fail(exchange, -EBADMSG, "its answer is not HTTP");
	response->status = 0;
	for (int i = 1; i <= 3; i++) {
		if (space[i] < '0' || space[i] > '9')
			return fail(exchange, -EBADMSG, "its answer has no status");
		response->status = response->status * 10 + (space[i] - '0');
	}
	for (size_t i = 0; i < HEADER_COUNT; i++) {
		free(response->headers[i]);
		response->headers[i] = NULL;
	}
	return 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	size_t length = size * count, whole = length;
	int r;

	exchange->response->connected = true;
	exchange->head_bytes += length;
	if (exchange->head_bytes > HEADERS_BYTES && !mutant(MUTANT_HEADER_BYTES)) {
		(void)fail(exchange, -EFBIG, "its headers are larger than is allowed");
		return 0;
	}
	while (length && (data[length - 1] == '\n' || data[length - 1] == '\r'))
		length--;
	if (exchange->head_done) /* trailers: nothing there is of use to us */
		return whole;
	if (length == 0) {
		/* after an interim answer, or a proxy's, another head follows */
		if (exchange->response->status < 200)
			return whole;
		exchange->head_done = true;
		r = judge_head(exchange);
	} else if (length >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		r = take_status(exchange, data, length);
	} else {
		r = take_header(exchange, data, length);
	}
	return r ? 0 : whole;
}

/* ---- bodies ---- */

static int collect(struct exchange *exchange, const char *data, size_t length)
{
	struct transport_response *response = exchange->response;
	size_t used = response->body_length, maximum = exchange->request->maximum;

	if (response->status != 200 && maximum > ANSWER_BYTES)
		maximum = ANSWER_BYTES;
	if ((length > maximum || used > maximum - length) && !mutant(MUTANT_ANSWER_SIZE))
		return fail(exchange, -EFBIG, "its answer is larger than is allowed");
	if (used + length + 1 > exchange->capacity) {
		size_t wanted = exchange->capacity * 2 + length + 1024;
		char *grown = realloc(response->body, wanted);

		if (!grown)
			return fail(exchange, -ENOMEM, "out of memory");
		response->body = grown;
		exchange->capacity = wanted;
	}
	memcpy(response->body + used, data, length);
	response->body[used + length] = '\0';
	response->body_length = used + length;
	return 0;
}

static bool streams(const struct exchange *exchange)
{
	int status = exchange->response->status;

	return exchange->request->data && (status == 200 || status == 206);
}

static int begin(struct exchange *exchange)
{
	if (exchange->begun)
		return 0;
	exchange->begun = true;
	if (exchange->request->begin)
		exchange->r = exchange->request->begin(
			exchange->request->context, exchange->response, exchange->err);
	return exchange->r;
}

static size_t on_data(char *data, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	size_t length = size * count;

	if (!streams(exchange))
		return collect(exchange, data, length) ? 0 : length;
	if (begin(exchange))
		return 0;
	exchange->r =
		exchange->request->data(exchange->request->context, data, length, exchange->err);
	return exchange->r ? 0 : length;
}

static size_t on_send(char *buffer, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	const struct transport_request *request = exchange->request;
	uint64_t left = (request->body_fd >= 0 ? request->body_size : request->body_length) -
			exchange->sent;
	size_t length = size * count;
	ssize_t got;

	if (length > left)
		length = (size_t)left;
	if (request->body_fd < 0) {
		if (length)
			memcpy(buffer, request->body + exchange->sent, length);
		got = (ssize_t)length;
	} else {
		do
			got = pread(request->body_fd, buffer, length, (off_t)exchange->sent);
		while (got < 0 && errno == EINTR);
	}
	if (got < 0 || (got == 0 && length)) {
		(void)fail(exchange, got < 0 ? -errno : -EIO, "what was to be sent cannot be read");
		return CURL_READFUNC_ABORT;
	}
	exchange->sent += (uint64_t)got;
	if (request->progress)
		request->progress(request->context, exchange->sent);
	return (size_t)got;
}

/* libcurl wants to send again from there: a connection that it kept open was dead. */
static int on_seek(void *context, curl_off_t offset, int origin)
{
	struct exchange *exchange = context;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_FAIL;
	exchange->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int64_t now_ms(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* libcurl judges the speed of the last seconds; that nothing comes at all is seen here. */
static bool is_stalled(struct exchange *exchange, uint64_t bytes)
{
	int64_t now = now_ms();

	if (bytes != exchange->seen_bytes || !exchange->seen_ms) {
		exchange->seen_bytes = bytes;
		exchange->seen_ms = now;
	}
	return now - exchange->seen_ms > exchange->idle * 1000;
}

static int on_progress(
	void *context, curl_off_t total, curl_off_t received, curl_off_t to_send, curl_off_t sent)
{
	struct exchange *exchange = context;
	const atomic_bool *stop = exchange->transport->stop;

	(void)total;
	(void)to_send;
	if (stop && atomic_load(stop))
		(void)fail(exchange, -ECANCELED, "given up");
	else if (is_stalled(exchange, (uint64_t)received + (uint64_t)sent))
		(void)fail(exchange, -ETIMEDOUT, "it does not answer in time");
	return exchange->r != 0;
}

static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct exchange *exchange = context;
	int nearest = exchange->request->nearest;
	enum address_class class = address_classify(&address->addr);
	int fd;

	(void)purpose;
	if (!exchange->proxied && nearest >= 0 && class != ADDRESS_PUBLIC &&
		(int)class != nearest && !mutant(MUTANT_LOCAL_ADDRESS)) {
		(void)fail(exchange, -EPERM,
			"this leads to an address of the local network, where its registry is not: "
			"refused");
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* ---- the request ---- */

struct option_number {
	CURLoption option;
	long value;
};

/* What holds for every request. */
static const struct option_number numbers[] = {
	{CURLOPT_NOSIGNAL, 1},
	{CURLOPT_FOLLOWLOCATION, 0},
	{CURLOPT_HTTP09_ALLOWED, 0},
	{CURLOPT_NETRC, CURL_NETRC_IGNORED},
	{CURLOPT_HTTP_VERSION,
		CURL_HTTP_VERSION_1_1}, /* a tenth of HTTP/2's code, and as fast here */
	{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
	{CURLOPT_HEADEROPT, CURLHEADER_SEPARATE}, /* a proxy gets none of our headers */
	{CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
	{CURLOPT_NOPROGRESS, 0},
	{CURLOPT_BUFFERSIZE, 256L * 1024},
	{CURLOPT_LOW_SPEED_LIMIT, SLOWEST},
	{CURLOPT_TCP_KEEPALIVE, 1},
};

static CURLcode set_callbacks(CURL *curl, struct exchange *exchange)
{
	const struct {
		CURLoption option;
		void *value;
	} data[] = {{CURLOPT_HEADERDATA, exchange}, {CURLOPT_WRITEDATA, exchange},
		{CURLOPT_READDATA, exchange}, {CURLOPT_SEEKDATA, exchange},
		{CURLOPT_XFERINFODATA, exchange}, {CURLOPT_OPENSOCKETDATA, exchange},
		{CURLOPT_ERRORBUFFER, exchange->transport->error}};
	CURLcode code = CURLE_OK;

	for (size_t i = 0; !code && i < sizeof(data) / sizeof(data[0]); i++)
		code = curl_easy_setopt(curl, data[i].option, data[i].value);
	for (size_t i = 0; !code && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		code = curl_easy_setopt(curl, numbers[i].option, numbers[i].value);
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_send);
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	return code;
}

static CURLcode set_method(CURL *curl, const struct transport_request *request)
{
	bool file = request->body_fd >= 0;
	curl_off_t size = (curl_off_t)(file ? request->body_size : request->body_length);
	CURLcode code = CURLE_OK;

	if (strcmp(request->method, "HEAD") == 0)
		return curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	if (strcmp(request->method, "PUT") == 0) {
		code = curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		return code ? code : curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, size);
	}
	if (strcmp(request->method, "POST") == 0) {
		code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
		return code ? code : curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, size);
	}
	return curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
}

static CURLcode set_trust(
	CURL *curl, const struct transport_trust *trust, const struct transport_request *request)
{
	struct curl_blob blob = {
		.data = trust->authorities, .len = trust->length, .flags = CURL_BLOB_NOCOPY};
	CURLcode code = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, request->verify ? 1L : 0L);

	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, request->verify ? 2L : 0L);
	if (!code && trust->authorities)
		code = curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
	if (!code && trust->directory)
		code = curl_easy_setopt(curl, CURLOPT_CAPATH, trust->directory);
	if (!code && request->client_identity && trust->certificate) {
		code = curl_easy_setopt(curl, CURLOPT_SSLCERT, trust->certificate);
		if (!code)
			code = curl_easy_setopt(curl, CURLOPT_SSLKEY, trust->key);
	}
	return code;
}

static CURLcode set_destination(CURL *curl, struct exchange *exchange)
{
	const struct transport_request *request = exchange->request;
	/* nothing in this program changes the environment, so that the threads may read it */
	const char *proxy = proxy_choose(request->url->https, request->url->host, getenv);
	CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, request->url->text);

	exchange->proxied = *proxy;
	if (!code)
		code = curl_easy_setopt(
			curl, CURLOPT_PROTOCOLS_STR, request->url->https ? "https" : "http");
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_PROXY, proxy);
	return code ? code : curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
}

static CURLcode set_times(CURL *curl, struct exchange *exchange)
{
	const struct transport *transport = exchange->transport;
	const struct transport_request *request = exchange->request;
	bool upload = request->body_fd >= 0;
	uint64_t body = upload ? request->body_size : request->size;
	/* a registry may think about a large upload for a while before it answers */
	long idle = upload ? transport->idle * 10 : transport->idle;
	long whole = transport->idle * 10 +
		     (long)((body >> 20) * BODY_SECONDS_PER_MIB); /* at most 8 GiB: no overflow */
	CURLcode code = curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, idle);

	exchange->idle = idle;
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_TIMEOUT, whole);
	return code ? code
		    : curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
			      transport->idle < CONNECT_SECONDS ? transport->idle
								: CONNECT_SECONDS);
}

static void cleanup_slist(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static int append_header(struct curl_slist **list, const char *text)
{
	struct curl_slist *grown = curl_slist_append(*list, text);

	if (!grown)
		return -ENOMEM;
	*list = grown;
	return 0;
}

static int make_headers(const struct transport_request *request, struct curl_slist **list)
{
	_cleanup_secret_ char *authorization = NULL;
	int r = append_header(list, "Accept-Encoding: identity");

	/* without this libcurl would ask first, and start over by itself where that is refused */
	if (!r)
		r = append_header(list, "Expect:");
	if (!r)
		r = append_header(list, "User-Agent: immure/" IMMURE_VERSION);
	for (const char *const *header = request->headers; !r && header && *header; header++)
		r = append_header(list, *header);
	if (r || !request->authorization)
		return r;
	if (asprintf(&authorization, "Authorization: %s", request->authorization) < 0) {
		authorization = NULL;
		return -ENOMEM;
	}
	return append_header(list, authorization);
}

/* ---- what went wrong ---- */

static const struct {
	CURLcode code;
	int r;
	const char *message;
} failures[] = {
	{CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH, "no address is known for this host"},
	{CURLE_COULDNT_RESOLVE_PROXY, -EHOSTUNREACH, "no address is known for the proxy"},
	{CURLE_COULDNT_CONNECT, -ECONNREFUSED, "cannot connect"},
	{CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, "it does not answer in time"},
	{CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED, "its certificate is not to be trusted"},
	{CURLE_SSL_CONNECT_ERROR, -EPROTONOSUPPORT, "no TLS connection can be made"},
	{CURLE_SSL_CERTPROBLEM, -EKEYREJECTED, "the client certificate cannot be used"},
	{CURLE_SSL_CACERT_BADFILE, -EKEYREJECTED, "the certificate authorities cannot be read"},
	{CURLE_GOT_NOTHING, -ECONNRESET, "it closed the connection without an answer"},
	{CURLE_PARTIAL_FILE, -ECONNRESET, "the connection ended before the answer did"},
	{CURLE_RECV_ERROR, -ECONNRESET, "the connection broke"},
	{CURLE_SEND_ERROR, -ECONNRESET, "the connection broke"},
	{CURLE_WEIRD_SERVER_REPLY, -EBADMSG, "its answer is not HTTP"},
	{CURLE_UNSUPPORTED_PROTOCOL, -EBADMSG, "its answer is not HTTP as we speak it"},
	{CURLE_OUT_OF_MEMORY, -ENOMEM, "out of memory"},
};

static int explain(struct exchange *exchange, CURLcode code)
{
	const char *detail = exchange->transport->error;
	char shown[URL_SHOWN], escaped[CURL_ERROR_SIZE];
	const char *message = "the request failed";
	int r = -EIO;

	if (exchange->r)
		return exchange->r;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].code == code) {
			r = failures[i].r;
			message = failures[i].message;
		}
	if (!*detail)
		detail = curl_easy_strerror(code);
	(void)err_set(exchange->err, r, url_show(exchange->request->url, shown), "%s (%s)", message,
		text_escape(detail, strlen(detail), escaped, sizeof(escaped)));
	if (code == CURLE_SSL_CONNECT_ERROR)
		err_hint(exchange->err,
			"a registry without TLS has to be named so: insecure = true in "
			"registries.conf, or --tls-verify=false");
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		err_hint(exchange->err, "an authority of your own goes to "
					"~/.config/containers/certs.d/HOST:PORT/ca.crt");
	return r;
}

/* Whom we spoke to, as far as we can know it. */
static enum address_class reached(const struct exchange *exchange)
{
	const struct url *url = exchange->request->url;
	char *address = NULL, bracketed[64];

	if (exchange->proxied ||
		curl_easy_getinfo(exchange->transport->curl, CURLINFO_PRIMARY_IP, &address) ||
		!address || strlen(address) > sizeof(bracketed) - 3)
		return address_classify_host(url->host);
	if (!strchr(address, ':'))
		return address_classify_host(address);
	bracketed[0] = '[';
	(void)stpcpy(stpcpy(bracketed + 1, address), "]");
	return address_classify_host(bracketed);
}

/* A transfer that failed may have kept its buffer, and with one libcurl takes no size of another
 * (CURLOPT_BUFFERSIZE): the next request would fail of that. */
static void renew(struct transport *transport)
{
	CURL *fresh = curl_easy_init();

	if (!fresh)
		return;
	curl_easy_cleanup(transport->curl);
	transport->curl = fresh;
}

static int perform(struct exchange *exchange, struct curl_slist *headers)
{
	CURL *curl = exchange->transport->curl;
	const struct transport_request *request = exchange->request;
	CURLcode code;

	curl_easy_reset(curl);
	exchange->transport->error[0] = '\0';
	code = set_callbacks(curl, exchange);
	if (!code)
		code = set_destination(curl, exchange);
	if (!code)
		code = set_trust(curl, exchange->transport->trust, request);
	if (!code)
		code = set_times(curl, exchange);
	if (!code)
		code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (!code)
		code = set_method(curl, request);
	if (!code)
		code = curl_easy_perform(curl);
	exchange->response->reached = reached(exchange);
	if (code) {
		renew(exchange->transport);
		return explain(exchange, code);
	}
	if (exchange->response->status == 0)
		return fail(exchange, -EBADMSG, "its answer is not HTTP");
	/* libcurl takes what it has for whole where the connection ends in the head */
	if (!exchange->head_done)
		return fail(exchange, -ECONNRESET, "its answer breaks off in its head");
	/* a body of no bytes calls nobody */
	return streams(exchange) && begin(exchange) ? exchange->r : 0;
}

int transport_perform(struct transport *transport, const struct transport_request *request,
	struct transport_response *ret, struct err *reterr)
{
	_cleanup_(cleanup_slist) struct curl_slist *headers = NULL;
	struct err own = {0};
	struct exchange exchange = {.transport = transport,
		.request = request,
		.response = ret,
		.err = reterr ? reterr : &own};
	enum address_class class = address_classify_host(request->url->host);

	*ret = (struct transport_response){.length = UINT64_MAX};
	if (request->nearest >= 0 && class != ADDRESS_PUBLIC && (int)class != request->nearest &&
		!mutant(MUTANT_LOCAL_ADDRESS))
		return fail(&exchange, -EPERM,
			"this leads to an address of the local network, where its registry is not: "
			"refused");
	if (make_headers(request, &headers))
		return fail(&exchange, -ENOMEM, "out of memory");
	return perform(&exchange, headers);
}

/* Seconds without progress: IMMURE_REGISTRY_TIMEOUT, or 30. */
static int idle_seconds(long *ret, struct err *reterr)
{
	const char *text = getenv(TRANSPORT_TIMEOUT);
	uint64_t seconds = IDLE_SECONDS;

	if (text && (text_parse_u64(text, LONGEST_SECONDS, &seconds) || seconds == 0))
		return err_set(reterr, -EINVAL, TRANSPORT_TIMEOUT,
			"not a number of seconds from 1 to %d", LONGEST_SECONDS);
	*ret = (long)seconds;
	return 0;
}

int transport_open(const struct transport_trust *trust, const atomic_bool *stop,
	struct transport **ret, struct err *reterr)
{
	struct transport *transport;
	long idle;
	int r = idle_seconds(&idle, reterr);

	if (r)
		return r;
	transport = calloc(1, sizeof(*transport));
	if (!transport)
		return err_no_memory(reterr);
	transport->curl = curl_easy_init();
	if (!transport->curl) {
		free(transport);
		return err_no_memory(reterr);
	}
	transport->trust = trust;
	transport->stop = stop;
	transport->idle = idle;
	*ret = transport;
	return 0;
}

void transport_close(struct transport *transport)
{
	if (!transport)
		return;
	curl_easy_cleanup(transport->curl);
	free(transport);
}
