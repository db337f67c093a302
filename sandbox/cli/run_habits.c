/* What becomes of options of others: see run_habits.h. */
#include "cli/run_habits.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "util/arena.h"

static const struct {
	const char *name, *instead;
} refusals[] = {
	{"privileged", "no container is: --cap-add, --device and --profile give one thing each"},
	{"publish", "there is no network of its own yet: with --network host its ports are the "
		    "host's"},
	{"publish-all", "there is no network of its own yet: with --network host its ports are the "
			"host's"},
	{"ip", "there is no network of its own yet: --network is none or host"},
	{"ip6", "there is no network of its own yet: --network is none or host"},
	{"mac-address", "there is no network of its own yet: --network is none or host"},
	{"network-alias", "there is no network of its own yet: --network is none or host"},
	{"link", "there is no network of its own yet: --network is none or host"},
	{"pod", "there are no pods: each container is alone"},
	{"uidmap", "the map is the user's subordinate ids; --userns keep-id keeps the own one"},
	{"gidmap", "the map is the user's subordinate ids; --userns keep-id keeps the own one"},
	{"subuidname", "the map is the user's subordinate ids; --userns keep-id keeps the own one"},
	{"subgidname", "the map is the user's subordinate ids; --userns keep-id keeps the own one"},
	{"volumes-from", "name each volume: -v NAME:PLACE"},
	{"rmi", "`immure rmi IMAGE` removes it afterwards"},
	{"rootfs", "`immure jail --rootfs DIR` runs in a directory"},
	{"secret", "bind its file: -v FILE:/run/secrets/NAME:ro"},
	{"sysctl", "parameters of the kernel stay as they are"},
	{"gpus", "--device lets each node in"},
	{"cpu-shares", "--cpus limits the time of CPUs"},
	{"cpu-period", "--cpus limits the time of CPUs"},
	{"cpu-quota", "--cpus limits the time of CPUs"},
	{"cpuset-cpus", "--cpus limits the time of CPUs; taskset(1) before immure chooses them"},
	{"memory-reservation", "--memory and --memory-swap limit memory"},
	{"memory-swappiness", "--memory and --memory-swap limit memory"},
	{"oom-kill-disable", "--memory and --memory-swap limit memory"},
	{"oom-score-adj", "choom(1) before immure sets it"},
	{"health-cmd", "nothing watches a container: there is no daemon"},
	{"health-interval", "nothing watches a container: there is no daemon"},
	{"health-retries", "nothing watches a container: there is no daemon"},
	{"health-start-period", "nothing watches a container: there is no daemon"},
	{"health-timeout", "nothing watches a container: there is no daemon"},
	{"network", "there is no network of its own yet: expected none or host"},
	{"cgroups", "limits make a cgroup, and nothing else does"},
	{"cgroup-parent", "a cgroup lies below the caller's own"},
	{"blkio-weight", "ionice(1) before immure sets it"},
	{"device-cgroup-rule", "--device lets each node in"},
	{"label-file", "--label names each"},
	{"pidfile", "the launcher stays: its own pid is the one to signal"},
	{"runtime", "immure is its own runtime"},
	{"unsetenv-all", "--unsetenv names each"},
	{"log-opt", "no log is kept: redirect the output"},
	{"log-driver", "no log is kept: redirect the output"},
	{"sig-proxy", "signals always go on to the program"},
	{"restart",
		"there is no daemon to start it again: a unit of the service manager does, or a "
		"loop"},
	{"ipc", "a container always has one of its own"},
	{"pid", "a container always has one of its own"},
	{"uts", "a container always has one of its own"},
	{"cgroupns", "a container always has one of its own"},
	{"systemd", "PID 1 always is one of ours"},
	{"image-volume", "a volume of the image always is one without a name"},
};

static int refuse(const char *name, const char *value, struct err *reterr)
{
	char flag[64];

	(void)snprintf(flag, sizeof(flag), "--%s", name);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strcmp(refusals[i].name, name) == 0)
			return err_set(reterr, -ENOTSUP, flag, "%s%s%s", value ? value : "",
				value ? ": " : "", refusals[i].instead);
	return err_set(reterr, -ENOTSUP, flag, "is not there");
}

int run_habit_refuse(const char *name, struct err *reterr)
{
	return refuse(name, NULL, reterr);
}

int run_habit_private(const char *name, const char *wanted, const char *value, struct err *reterr)
{
	return strcmp(value, wanted) == 0 ? 0 : refuse(name, value, reterr);
}

int run_habit_network(const char *value, struct err *reterr)
{
	return strcmp(value, "none") == 0 || strcmp(value, "host") == 0
		       ? 0
		       : refuse("network", value, reterr);
}

const char *run_habit_security(const char *value)
{
	return strcmp(value, "no-new-privileges:true") == 0 ||
			       strcmp(value, "no-new-privileges=true") == 0
		       ? "no-new-privileges"
		       : value;
}

const char *run_habit_ulimit(const char *value, struct arena *arena)
{
	const char *equals = strchr(value, '=');

	return equals && (strcmp(equals, "=-1") == 0 || strcmp(equals, "=-1:-1") == 0)
		       ? arena_format(arena, "%.*s=unlimited", (int)(equals - value), value)
		       : value;
}

int run_habit_ports(const char *value, struct err *reterr)
{
	const char *port = strrchr(value, ':') ? strrchr(value, ':') + 1 : value;
	size_t digits = strspn(port, "0123456789-");

	if (!digits || (port[digits] && strcmp(port + digits, "/tcp") != 0 &&
			       strcmp(port + digits, "/udp") != 0))
		return 0;
	return err_set(reterr, -ENOTSUP, "-p",
		"names a profile here (--profile), and ports cannot be published: there is no "
		"network of its own yet; with --network host they are the host's");
}
