/* Workers: see worker.h. */
#include "container/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolation/selinux.h"
#include "launch/launch.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/path.h"

#define PROGRAM "immure-image"
#define MOST 2
#define OWN_ERROR 125

/* Everything of one worker's launch; lives to the end of its process. */
struct launch {
	const struct worker_place *place;
	const struct worker *worker;
	struct arena words, plan_arena;
	struct profile_library library;
	struct profile profile;
	struct host host;
};

/* ---- what it sees ---- */

static int show(
	struct launch *launch, const char *path, bool writable, bool required, struct err *reterr)
{
	struct mount_rule rule = {.kind = MOUNT_BIND,
		.rule = {.origin = {NULL, PROGRAM}, .set = true},
		.source = path,
		.target = path,
		.writable = writable};

	if (!path)
		return err_no_memory(reterr);
	rule.rule.enforce = required ? ENFORCE_REQUIRED : ENFORCE_BEST_EFFORT;
	return profile_set_mount(&launch->profile, &launch->words, &rule, reterr);
}

/* Where it is there: a best-effort bind of what is not would still be told as missing. */
static int bind_if_there(struct launch *launch, const char *path, bool writable, struct err *reterr)
{
	char resolved[PATH_MAX];

	if (!path || path_real(path, resolved) < 0)
		return 0;
	if (strcmp(path, resolved) != 0) /* a link of the user's: what it leads to, at its place */
		return profile_set_mount(&launch->profile, &launch->words,
			&(struct mount_rule){.kind = MOUNT_BIND,
				.rule = {.origin = {NULL, PROGRAM}, .set = true},
				.source = resolved,
				.target = path,
				.writable = writable},
			reterr);
	return show(launch, path, writable, true, reterr);
}

/* Nothing of it is seen. */
static int cover(struct launch *launch, const char *path, struct err *reterr)
{
	struct mount_rule rule = {.kind = MOUNT_TMPFS,
		.rule = {.origin = {NULL, PROGRAM}, .set = true},
		.target = path,
		.no_exec = true,
		.mode = 0700,
		.size = (uint64_t)1024 * 1024};

	return path ? profile_set_mount(&launch->profile, &launch->words, &rule, reterr)
		    : err_no_memory(reterr);
}

/* One mount, whoever it is for: a blob is linked from staging/ to its name, and a link does not
 * cross mounts. */
static int bind_storage(struct launch *launch, struct err *reterr)
{
	static const char *const covered[] = {
		"layers", "containers", "transient", "names", "volumes"};
	struct mount_rule storage = {.kind = MOUNT_BIND,
		.rule = {.origin = {NULL, PROGRAM}, .set = true},
		.source = launch->place->storage,
		.target = launch->place->storage,
		.writable = true,
		.relabel = RELABEL_STORAGE,
		.whiteouts = launch->worker->task == WORKER_STORE};
	int r = profile_set_mount(&launch->profile, &launch->words, &storage, reterr);

	if (launch->worker->task == WORKER_STORE)
		return r;
	for (size_t i = 0; i < sizeof(covered) / sizeof(covered[0]) && r == 0; i++)
		r = cover(launch,
			arena_format(&launch->words, "%s/%s", launch->place->storage, covered[i]),
			reterr);
	return r;
}

/* A variable of the caller's that the worker looks its files up by. */
static int pass(struct launch *launch, const char *name, const char *value, struct err *reterr)
{
	struct environment_setting setting = {
		.rule = {.origin = {NULL, PROGRAM}, .set = true}, .name = name, .value = value};

	return value ? profile_set_environment(&launch->profile, &launch->words, &setting, reterr)
		     : 0;
}

/* The path that text is from here, absolute: the worker has another working directory. */
static const char *path_from_here(struct launch *launch, const char *text)
{
	const char *here = launch->place->variables->cwd, *path = text;
	char resolved[PATH_MAX];

	if (text[0] != '/')
		path = here ? arena_format(&launch->words, "%s/%s", here, text) : NULL;
	path = path ? path_canonical(&launch->words, path) : NULL;
	if (path)
		return path;
	/* with "..", which cannot be folded across links: the kernel's answer */
	return path_real(text, resolved) < 0 ? text : arena_copy(&launch->words, resolved);
}

/* What a variable of the caller's names; NULL where it names nothing. */
static const char *named_path(struct launch *launch, const char *name)
{
	const char *value = getenv(name);

	return value && *value ? path_from_here(launch, value) : NULL;
}

/* The same, bound for reading where it is not seen anyway, and told to the worker. */
static int pass_file(struct launch *launch, const char *name, struct err *reterr)
{
	const char *path = named_path(launch, name);
	int r = path && !plan_shows(&launch->profile, path)
			? bind_if_there(launch, path, false, reterr)
			: 0;

	return r == 0 ? pass(launch, name, path, reterr) : r;
}

/* A list of directories, as OpenSSL has it: "/a:/b". */
static int pass_directories(struct launch *launch, const char *name, struct err *reterr)
{
	const char *value = getenv(name), *list = NULL;
	int r = 0;

	while (r == 0 && value && *value) {
		size_t length = strcspn(value, ":");
		const char *word = arena_copy_range(&launch->words, value, length),
			   *path = word && *word ? path_from_here(launch, word) : NULL;

		if (path && !plan_shows(&launch->profile, path))
			r = bind_if_there(launch, path, false, reterr);
		if (path)
			list = list ? arena_format(&launch->words, "%s:%s", list, path) : path;
		value += length + (value[length] == ':');
	}
	return r == 0 ? pass(launch, name, list, reterr) : r;
}

/* mkdir -p, each of them ours alone. */
static int make_directory(const char *path, struct err *reterr)
{
	char part[PATH_MAX];

	for (size_t end = 1; end < sizeof(part); end++) {
		if (path[end - 1] == '\0')
			return 0;
		if (path[end] != '/' && path[end] != '\0')
			continue;
		memcpy(part, path, end);
		part[end] = '\0';
		if (mkdir(part, 0700) && errno != EEXIST && path[end] == '\0')
			return err_set(reterr, -errno, path, "cannot be made: %s", strerror(errno));
	}
	return err_set(reterr, -ENAMETOOLONG, path, "cannot be made: %s", strerror(ENAMETOOLONG));
}

/* It is bound as a whole, since a file is replaced by a rename: what else lies in it could be
 * written by the program that speaks to strangers. */
static int check_alone(const struct launch *launch, const char *directory, struct err *reterr)
{
	const struct profile_variables *v = launch->place->variables;
	const char *const places[] = {v->home, v->xdg_config, v->xdg_data, v->xdg_runtime,
		launch->place->storage, "/tmp", "/var/tmp"};
	char resolved[PATH_MAX], place[PATH_MAX];

	if (path_real(directory, resolved) < 0)
		return err_set(reterr, -errno, directory, "%s", strerror(errno));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i] || path_real(places[i], place) < 0 ||
			!path_is_beneath(place, resolved))
			continue;
		err_set(reterr, -EPERM, directory,
			"holds %s: the program that speaks to the registry could write there",
			strcmp(place, resolved) == 0 ? "more than credentials" : place);
		err_hint(reterr, "put the file of credentials into a directory of its own");
		return -EPERM;
	}
	return 0;
}

/* The directory of the credentials that are to be written; made where it is missing. */
static int bind_credentials(struct launch *launch, struct err *reterr)
{
	const struct profile_variables *v = launch->place->variables;
	const char *file = named_path(launch, "REGISTRY_AUTH_FILE"), *directory;
	int r;

	if (file)
		directory =
			arena_copy_range(&launch->words, file, (size_t)(strrchr(file, '/') - file));
	else
		directory =
			v->xdg_runtime  ? arena_join(&launch->words, v->xdg_runtime, "/containers")
			: v->xdg_config ? arena_join(&launch->words, v->xdg_config, "/containers")
					: NULL;
	if (!directory || !directory[0])
		return err_set(reterr, -ENOENT, "login",
			"there is no place for credentials: set HOME or REGISTRY_AUTH_FILE");
	r = make_directory(directory, reterr);
	if (r == 0)
		r = check_alone(launch, directory, reterr);
	return r < 0 ? r : bind_if_there(launch, directory, true, reterr);
}

static int bind_configuration(struct launch *launch, struct err *reterr)
{
	static const char *const system[] = {"/etc/containers/registries.conf",
		"/etc/containers/registries.conf.d", "/etc/containers/certs.d",
		"/etc/docker/certs.d"};
	static const char *const of_user[] = {"/containers/registries.conf",
		"/containers/registries.conf.d", "/containers/certs.d"};
	const struct profile_variables *v = launch->place->variables;
	int r = 0;

	for (size_t i = 0; i < sizeof(system) / sizeof(system[0]) && r == 0; i++)
		r = bind_if_there(launch, system[i], false, reterr);
	for (size_t i = 0; i < sizeof(of_user) / sizeof(of_user[0]) && v->xdg_config && r == 0; i++)
		r = bind_if_there(launch, arena_join(&launch->words, v->xdg_config, of_user[i]),
			false, reterr);
	if (r == 0)
		r = pass_file(launch, "CONTAINERS_REGISTRIES_CONF", reterr);
	if (r == 0)
		r = pass_file(launch, "SSL_CERT_FILE", reterr);
	return r == 0 ? pass_directories(launch, "SSL_CERT_DIR", reterr) : r;
}

static int bind_secrets(struct launch *launch, struct err *reterr)
{
	const struct profile_variables *v = launch->place->variables;
	struct arena *words = &launch->words;
	const char *docker = named_path(launch, "DOCKER_CONFIG");
	const char *const files[] = {
		v->xdg_runtime ? arena_join(words, v->xdg_runtime, "/containers/auth.json") : NULL,
		v->xdg_config ? arena_join(words, v->xdg_config, "/containers/auth.json") : NULL,
		v->home ? arena_join(words, v->home, "/.docker/config.json") : NULL,
		docker ? arena_join(words, docker, "/config.json") : NULL,
		named_path(launch, "REGISTRY_AUTH_FILE"),
	};
	int r = launch->worker->task == WORKER_LOGIN ? bind_credentials(launch, reterr) : 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && r == 0; i++)
		if (files[i] && !plan_shows(&launch->profile, files[i]))
			r = bind_if_there(launch, files[i], false, reterr);
	if (r == 0)
		r = pass(launch, "DOCKER_CONFIG", docker, reterr);
	return r == 0 ? pass(launch, "REGISTRY_AUTH_FILE", named_path(launch, "REGISTRY_AUTH_FILE"),
				reterr)
		      : r;
}

static int pass_variables(struct launch *launch, struct err *reterr)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY",
		"HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "all_proxy"};
	const struct profile_variables *v = launch->place->variables;
	int r = pass(launch, "HOME", v->home, reterr);

	if (r == 0)
		r = pass(launch, "XDG_CONFIG_HOME", v->xdg_config, reterr);
	if (r == 0)
		r = pass(launch, "XDG_RUNTIME_DIR", v->xdg_runtime, reterr);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && r == 0; i++)
		r = pass(launch, names[i], getenv(names[i]), reterr);
	return r;
}

/* What to execute: beside the running program, and nowhere else (R11). */
static int find_program(struct arena *arena, const char **ret, struct err *reterr)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (length <= 0)
		return err_set(
			reterr, -ENOENT, "/proc/self/exe", "cannot be read: %s", strerror(errno));
	self[length] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return err_set(reterr, -ENOENT, self, "is no path");
	*slash = '\0';
	*ret = arena_format(arena, "%s/%s", self, PROGRAM);
	if (!*ret)
		return err_no_memory(reterr);
	if (access(*ret, X_OK)) {
		int r = err_set(reterr, -errno, *ret, "cannot be started: %s", strerror(errno));

		err_hint(reterr, "it reads what registries and archives say, and is installed "
				 "beside immure (`make install`)");
		return r;
	}
	return 0;
}

static int show_layers(struct launch *launch, struct err *reterr)
{
	struct mount_rule rule = {.kind = MOUNT_LAYERS,
		.rule = {.origin = {NULL, PROGRAM}, .set = true},
		.target = WORKER_VIEW,
		.layers = launch->worker->view};

	return launch->worker->view
		       ? profile_set_mount(&launch->profile, &launch->words, &rule, reterr)
		       : 0;
}

/* A directory that the caller names: seen at one place, whatever its path. */
static int show_directory(struct launch *launch, struct err *reterr)
{
	struct mount_rule rule = {.kind = MOUNT_BIND,
		.rule = {.origin = {NULL, PROGRAM}, .set = true},
		.source = launch->worker->directory,
		.target = WORKER_DIRECTORY,
		.writable = launch->worker->directory_written};

	return rule.source ? profile_set_mount(&launch->profile, &launch->words, &rule, reterr) : 0;
}

static int make_profile(struct launch *launch, const char *program, struct err *reterr)
{
	bool fetches = launch->worker->task != WORKER_STORE;
	int r = profile_load(fetches ? "image-fetch" : "image-store", launch->place->variables,
		&launch->words, &launch->library, &launch->profile, reterr);

	if (r == 0 && launch->worker->single)
		launch->profile.identity.kind = IDENTITY_SINGLE;
	if (r == 0)
		r = bind_storage(launch, reterr);
	if (r == 0 && !plan_shows(&launch->profile, program))
		r = show(launch, program, false, true, reterr);
	if (r == 0 && fetches)
		r = bind_configuration(launch, reterr);
	if (r == 0 && fetches)
		r = bind_secrets(launch, reterr);
	if (r == 0 && fetches)
		r = pass_variables(launch, reterr);
	if (r == 0)
		r = show_directory(launch, reterr);
	return r == 0 ? show_layers(launch, reterr) : r;
}

/* ---- the launch ---- */

static char **make_arguments(struct launch *launch, const char *program)
{
	size_t count = 0;
	char **words;

	while (launch->worker->arguments[count])
		count++;
	words = arena_zeroed(&launch->words, count + 4, sizeof(*words));
	if (!words)
		return NULL;
	words[0] = arena_copy(&launch->words, program);
	words[1] = arena_copy(&launch->words, "--storage");
	words[2] = arena_copy(&launch->words, launch->place->storage);
	for (size_t i = 0; i < count; i++) {
		words[3 + i] = arena_copy(&launch->words, launch->worker->arguments[i]);
		if (!words[3 + i])
			return NULL;
	}
	return words[0] && words[1] && words[2] ? words : NULL;
}

static int make_plan(struct launch *launch, const char *program, char **arguments, int channel,
	struct plan **ret, struct err *reterr)
{
	struct plan *plan = arena_zeroed(&launch->plan_arena, 1, sizeof(*plan));
	struct plan_request request = {
		.arguments = arguments,
		.executable = program,
		.environment = environ,
		.preserved = &channel,
		.preserved_count = channel >= 0 ? 1 : 0,
	};
	int r;

	if (!plan)
		return err_no_memory(reterr);
	for (int i = 0; i < 3; i++)
		request.is_terminal[i] = isatty(i);
	r = host_probe(plan_host_parts(&launch->profile), &launch->words, &launch->host, reterr);
	if (r == 0)
		r = plan_compile(&launch->profile, &launch->host, &request, &launch->plan_arena,
			plan, reterr);
	*ret = plan;
	return r;
}

static int run(struct launch *launch, int channel, int *ret_exit, struct err *reterr)
{
	struct launch_result result = {0};
	const char *program = NULL;
	struct plan *plan = NULL;
	bool exec_failed;
	char **arguments = NULL;
	int r = find_program(&launch->words, &program, reterr);

	if (r == 0)
		r = make_profile(launch, program, reterr);
	if (r == 0) {
		arguments = make_arguments(launch, program);
		r = arguments ? make_plan(launch, program, arguments, channel, &plan, reterr)
			      : err_no_memory(reterr);
	}
	if (r == 0)
		r = launch_run(plan, &launch->plan_arena, NULL, &result, &exec_failed, reterr);
	if (r < 0)
		return r;
	if (WIFSIGNALED(result.status))
		err_set(reterr, -ECHILD, PROGRAM, "was ended by signal %d (%s)%s%s",
			WTERMSIG(result.status), strsignal(WTERMSIG(result.status)),
			result.limit ? ", by its limit: " : "", result.limit ? result.limit : "");
	*ret_exit = WIFEXITED(result.status) ? WEXITSTATUS(result.status) : OWN_ERROR;
	return 0;
}

/* The end of the pair goes to the one number that the worker is told. */
static int place_channel(int channel)
{
	if (channel < 0 || channel == WORKER_CHANNEL)
		return channel;
	return dup3(channel, WORKER_CHANNEL, O_CLOEXEC) < 0 ? -1 : WORKER_CHANNEL;
}

static int redirect(int number, const char *path, struct err *reterr)
{
	int flags = number == STDIN_FILENO ? O_RDONLY : O_WRONLY;
	_cleanup_close_ int fd = path ? open(path, flags | O_CLOEXEC) : -1;

	if (!path || (fd >= 0 && dup2(fd, number) >= 0))
		return 0;
	return err_set(reterr, -errno, path, "%s", strerror(errno));
}

/* A process of its own, since a launch takes the process that makes it (launch.h). */
_Noreturn static void child(
	const struct worker_place *place, const struct worker *worker, int channel, int other)
{
	static struct launch launch; /* too large for a stack; used once a process */
	struct err err = {0};
	int code = OWN_ERROR, r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (other >= 0)
		(void)close(other); /* or its holder would never see our end close */
	launch = (struct launch){.place = place, .worker = worker};
	r = redirect(STDIN_FILENO, worker->input, &err);
	if (r == 0)
		r = redirect(STDOUT_FILENO, worker->output, &err);
	if (r == 0)
		r = run(&launch, place_channel(channel), &code, &err);
	if (err.code)
		(void)place->print(&err);
	_exit(r < 0 ? OWN_ERROR : code);
}

/* Of a signal, the first alone: where one half of a pull is ended, the other one ends of it. */
static int wait_all(const struct worker_place *place, const pid_t *pids, size_t count)
{
	struct err err = {0};
	int code = 0;

	for (size_t i = 0; i < count; i++) {
		int status = 0, one;

		while (waitpid(pids[i], &status, 0) < 0)
			if (errno != EINTR)
				return OWN_ERROR;
		if (WIFSIGNALED(status) && !err.code) {
			err_set(&err, -ECHILD, PROGRAM, "its launch was ended by signal %d (%s)",
				WTERMSIG(status), strsignal(WTERMSIG(status)));
			(void)place->print(&err);
		}
		one = WIFEXITED(status) ? WEXITSTATUS(status) : OWN_ERROR;
		code = code ? code : one;
	}
	return code;
}

int worker_run(const struct worker_place *place, const struct worker *workers, size_t count,
	int *ret_exit, struct err *reterr)
{
	_cleanup_close_ int one = -1, other = -1;
	int ends[MOST] = {-1, -1};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before[2];
	pid_t pids[MOST];
	size_t started = 0;
	int r;

	if (count == 0 || count > MOST)
		return err_set(reterr, -EINVAL, PROGRAM, "one or two at a time");
	r = count == MOST ? selinux_socketpair(SOCK_SEQPACKET, ends) : 0;
	if (r < 0)
		return err_set(reterr, r, NULL, "socketpair: %s", strerror(-r));
	one = ends[0];
	other = ends[1];
	for (; started < count; started++) {
		pids[started] = fork();
		if (pids[started] == 0)
			child(place, &workers[started], ends[started], ends[MOST - 1 - started]);
		if (pids[started] < 0)
			break;
	}
	if (count == MOST) {
		(void)close(take_fd(&one));
		(void)close(take_fd(&other));
	}
	/* the terminal's ^C is theirs: they end, and say so */
	(void)sigaction(SIGINT, &ignore, &before[0]);
	(void)sigaction(SIGQUIT, &ignore, &before[1]);
	*ret_exit = wait_all(place, pids, started);
	(void)sigaction(SIGINT, &before[0], NULL);
	(void)sigaction(SIGQUIT, &before[1], NULL);
	return started == count ? 0 : err_set(reterr, -EAGAIN, NULL, "fork: %s", strerror(EAGAIN));
}
