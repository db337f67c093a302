/*
 * The verbs login and logout. A password comes from standard input or from a terminal that does not
 * show it; never from an argument, which everybody on the machine could read (T-REG-25).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "image/auth.h"
#include "image/options.h"
#include "image/print.h"
#include "image/registry.h"
#include "image/verbs.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/text.h"

#define SECRET_BYTES ((size_t)64 * 1024)

struct login {
	struct verb_context *context;
	struct registry_options options;
	struct reference place; /* registry, and a part of it where one was named */
	char key[520];          /* of auth.json */
	char *user, *password;  /* owned */
};

static void cleanup_login(struct login *login)
{
	cleanup_secret(&login->password);
	free(login->user);
}

/* "quay.io", "quay.io/organisation", "localhost:5000". */
static int parse_place(const char *text, struct login *login, struct err *reterr)
{
	char whole[600];
	bool alone = !strchr(text, '/');
	int length = snprintf(whole, sizeof(whole), "%s%s", text, alone ? "/x" : "");

	if (length < 0 || (size_t)length >= sizeof(whole) || strpbrk(text, "@"))
		return err_set(reterr, -EINVAL, text, "not the name of a registry");
	if (reference_parse(whole, &login->place, reterr))
		return -EINVAL;
	if (!login->place.registry[0] || strcmp(login->place.tag, "latest") != 0 ||
		login->place.digest.text[0])
		return err_set(reterr, -EINVAL, text,
			"not the name of a registry: a host with a dot or a port, or localhost");
	if (alone)
		login->place.repository[0] = '\0';
	(void)snprintf(login->key, sizeof(login->key), "%s", text);
	return 0;
}

/* ---- asking ---- */

/* One line of standard input. A signal ends it, after the terminal shows what is typed again. */
static int read_line(int signals, char *buffer, size_t size)
{
	struct pollfd fds[] = {
		{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	size_t used = 0;

	while (used + 1 < size) {
		ssize_t got;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return -EINTR;
		if (!fds[0].revents)
			continue;
		got = read(STDIN_FILENO, buffer + used, 1);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0 || (got == 1 && buffer[used] == '\n')) {
			buffer[used] = '\0';
			return used || got ? 0 : -ENODATA;
		}
		used += got == 1;
	}
	return -EFBIG;
}

static int ask_line(const char *question, bool echo, char *buffer, size_t size)
{
	struct termios before, hidden;
	sigset_t ending, old;
	int signals, r;

	(void)sigemptyset(&ending);
	(void)sigaddset(&ending, SIGINT);
	(void)sigaddset(&ending, SIGTERM);
	(void)sigaddset(&ending, SIGHUP);
	(void)sigaddset(&ending, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &ending, &old);
	signals = signalfd(-1, &ending, SFD_CLOEXEC);
	if (signals < 0 || tcgetattr(STDIN_FILENO, &before))
		return -errno;
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	(void)fprintf(stderr, "%s", question);
	if (!echo)
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	r = read_line(signals, buffer, size);
	if (!echo) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		(void)fputc('\n', stderr);
	}
	(void)close(signals);
	/* a signal that is waiting ends us here */
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

static int ask(const char *question, bool echo, char **ret, struct err *reterr)
{
	char buffer[4096] = "";
	int r = ask_line(question, echo, buffer, sizeof(buffer));

	if (!r && !buffer[0])
		r = -ENODATA;
	if (!r) {
		*ret = strdup(buffer);
		r = *ret ? 0 : -ENOMEM;
	}
	explicit_bzero(buffer, sizeof(buffer));
	return r ? err_set(reterr, r, "login", "nothing was given: %s", strerror(-r)) : 0;
}

static int read_password(struct login *login, struct err *reterr)
{
	size_t length;
	int r = file_read_fd(STDIN_FILENO, SECRET_BYTES, &login->password, &length);

	if (r)
		return err_set(reterr, r, "--password-stdin", "cannot read it: %s", strerror(-r));
	while (length &&
		(login->password[length - 1] == '\n' || login->password[length - 1] == '\r'))
		login->password[--length] = '\0';
	if (!length || strlen(login->password) != length)
		return err_set(reterr, -EINVAL, "--password-stdin", "no password came");
	return 0;
}

static int gather(struct login *login, const char *user, bool from_input, struct err *reterr)
{
	int r = 0;

	if (from_input && !user)
		return err_set(reterr, -EINVAL, "--password-stdin", "needs --username as well");
	if (!from_input && !isatty(STDIN_FILENO)) {
		(void)err_set(reterr, -EINVAL, "login", "there is no terminal to ask at");
		err_hint(reterr, "give the password with --password-stdin");
		return -EINVAL;
	}
	if (user) {
		login->user = strdup(user);
		if (!login->user)
			return err_no_memory(reterr);
	} else {
		r = ask("Username: ", true, &login->user, reterr);
	}
	if (r)
		return r;
	if (strchr(login->user, ':') || text_has_control(login->user))
		return err_set(reterr, -EINVAL, "--username", "a user name without : is expected");
	return from_input ? read_password(login, reterr)
			  : ask("Password: ", false, &login->password, reterr);
}

/* ---- the verbs ---- */

static int try_credentials(const struct login *login, struct err *reterr)
{
	struct registry *registry;
	int r = registry_open(&login->place, &login->options, &registry, reterr);

	if (r)
		return r;
	r = registry_login(registry, reterr);
	registry_close(registry);
	return r;
}

static int get_login(struct login *login, struct err *reterr)
{
	struct credentials credentials;
	int r = auth_find(login->options.auth_file, login->place.registry, login->place.repository,
		&credentials, reterr);

	if (r)
		return r;
	if (!credentials.user)
		r = err_set(reterr, -ENOENT, login->key, "nobody is logged in");
	else
		print_text(stdout, credentials.user);
	if (!r && fputc('\n', stdout) == EOF)
		r = err_set(reterr, -EIO, NULL, "cannot write");
	credentials_free(&credentials);
	return r;
}

/* Those that are in the files still do. */
static bool still_good(struct login *login)
{
	struct credentials credentials;
	bool good;

	if (auth_find(login->options.auth_file, login->place.registry, login->place.repository,
		    &credentials, NULL))
		return false;
	good = credentials.user && try_credentials(login, NULL) == 0;
	credentials_free(&credentials);
	return good;
}

static int log_in(struct login *login, const char *user, bool from_input, struct err *reterr)
{
	_cleanup_free_ char *path = NULL;
	const char *file = login->options.auth_file;
	int r;

	if (!user && !from_input && still_good(login))
		return printf("Existing credentials are valid. Already logged in to %s\n",
			       login->key) < 0
			       ? err_set(reterr, -EIO, NULL, "cannot write")
			       : 0;
	r = gather(login, user, from_input, reterr);
	if (r)
		return r;
	login->options.user = login->user;
	login->options.password = login->password;
	login->options.auth_file = NULL;
	r = try_credentials(login, reterr);
	if (!r)
		r = auth_path(file, &path, reterr);
	if (!r)
		r = auth_store(path, login->key, login->user, login->password, reterr);
	if (!r && puts("Login Succeeded!") == EOF)
		r = err_set(reterr, -EIO, NULL, "cannot write");
	return r;
}

int verb_login(struct verb_context *context, int argc, char **argv)
{
	_cleanup_(cleanup_login) struct login login = {
		.context = context, .options = {.tls_verify = -1}};
	const char *user = NULL, *verify = NULL;
	bool from_input = false, get = false;
	const struct option options[] = {{"username", 'u', OPTION_TEXT, &user},
		{"password-stdin", 0, OPTION_FLAG, &from_input},
		{"get-login", 0, OPTION_FLAG, &get},
		{"authfile", 0, OPTION_TEXT, &login.options.auth_file},
		{"registries-conf", 0, OPTION_TEXT, &login.options.registries_file},
		{"tls-verify", 0, OPTION_TEXT, &verify}};
	struct err *err = &context->err;
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 0, 1, err);

	if (!r)
		r = registry_tls_option(verify, &login.options.tls_verify, err);
	if (!r)
		r = parse_place(argc > 1 ? argv[1] : "docker.io", &login, err);
	if (r)
		return r;
	return get ? get_login(&login, err) : log_in(&login, user, from_input, err);
}

/* Other files may still have some: docker's, say. */
static void warn_of_others(const struct login *login, const char *path)
{
	struct credentials credentials;

	if (auth_find(login->options.auth_file, login->place.registry, login->place.repository,
		    &credentials, NULL))
		return;
	if (credentials.user && credentials.file && strcmp(credentials.file, path) != 0)
		print_note("%s: there are other credentials for %s in it, which stay",
			credentials.file, login->key);
	credentials_free(&credentials);
}

int verb_logout(struct verb_context *context, int argc, char **argv)
{
	struct login login = {.context = context};
	_cleanup_free_ char *path = NULL;
	bool all = false;
	const struct option options[] = {{"all", 'a', OPTION_FLAG, &all},
		{"authfile", 0, OPTION_TEXT, &login.options.auth_file}};
	struct err *err = &context->err;
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 0, 1, err);

	if (!r && all && argc > 1)
		r = err_set(err, -EINVAL, "--all", "does not go with the name of a registry");
	if (!r)
		r = parse_place(argc > 1 ? argv[1] : "docker.io", &login, err);
	if (!r)
		r = auth_path(login.options.auth_file, &path, err);
	if (!r)
		r = auth_remove(path, all ? NULL : login.key, err);
	if (r)
		return r;
	if (printf("Removed login credentials for %s\n", all ? "all registries" : login.key) < 0)
		return err_set(err, -EIO, NULL, "cannot write");
	if (!all)
		warn_of_others(&login, path);
	return 0;
}
