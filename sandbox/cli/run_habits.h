/* Options of podman and docker that `run` knows only to say what becomes of them here. */
#ifndef IMMURE_CLI_RUN_HABITS_H
#define IMMURE_CLI_RUN_HABITS_H

#include "util/err.h"

struct arena;

/* Their identifiers: below 0, so that no help tells of them. */
enum { OPTION_REFUSED = -1, OPTION_HABIT = -2, OPTION_NET = -3, OPTION_PRIVATE = -4 };

/* clang-format off */
#define RUN_HABITS \
	{"net", 0, "none|host", "--network", OPTION_NET}, \
	/* of no consequence here */ \
	{"annotation", 0, "NAME=VALUE", NULL, OPTION_HABIT}, \
	{"attach", 'a', "STREAM", NULL, OPTION_HABIT}, \
	{"detach-keys", 0, "KEYS", NULL, OPTION_HABIT}, \
	{"disable-content-trust", 0, NULL, NULL, OPTION_HABIT}, \
	{"expose", 0, "PORT", NULL, OPTION_HABIT}, \
	{"no-healthcheck", 0, NULL, NULL, OPTION_HABIT}, \
	{"stop-timeout", 0, "SECONDS", NULL, OPTION_HABIT}, \
	/* always so: any other value is refused */ \
	{"sig-proxy", 0, "true", NULL, OPTION_PRIVATE}, \
	{"restart", 0, "no", NULL, OPTION_PRIVATE}, \
	{"ipc", 0, "private", NULL, OPTION_PRIVATE}, \
	{"pid", 0, "private", NULL, OPTION_PRIVATE}, \
	{"uts", 0, "private", NULL, OPTION_PRIVATE}, \
	{"cgroupns", 0, "private", NULL, OPTION_PRIVATE}, \
	{"log-driver", 0, "none", NULL, OPTION_PRIVATE}, \
	{"systemd", 0, "false", NULL, OPTION_PRIVATE}, \
	{"image-volume", 0, "bind", NULL, OPTION_PRIVATE}, \
	{"cgroups", 0, "enabled", NULL, OPTION_PRIVATE}, \
	{"health-cmd", 0, "none", NULL, OPTION_PRIVATE}, \
	/* refused */ \
	{"privileged", 0, NULL, NULL, OPTION_REFUSED}, \
	{"publish", 0, "PORTS", NULL, OPTION_REFUSED}, \
	{"publish-all", 'P', NULL, NULL, OPTION_REFUSED}, \
	{"ip", 0, "ADDRESS", NULL, OPTION_REFUSED}, \
	{"ip6", 0, "ADDRESS", NULL, OPTION_REFUSED}, \
	{"mac-address", 0, "ADDRESS", NULL, OPTION_REFUSED}, \
	{"network-alias", 0, "NAME", NULL, OPTION_REFUSED}, \
	{"link", 0, "NAME", NULL, OPTION_REFUSED}, \
	{"pod", 0, "NAME", NULL, OPTION_REFUSED}, \
	{"uidmap", 0, "MAP", NULL, OPTION_REFUSED}, \
	{"gidmap", 0, "MAP", NULL, OPTION_REFUSED}, \
	{"subuidname", 0, "NAME", NULL, OPTION_REFUSED}, \
	{"subgidname", 0, "NAME", NULL, OPTION_REFUSED}, \
	{"volumes-from", 0, "NAME", NULL, OPTION_REFUSED}, \
	{"rmi", 0, NULL, NULL, OPTION_REFUSED}, \
	{"rootfs", 0, NULL, NULL, OPTION_REFUSED}, \
	{"secret", 0, "NAME", NULL, OPTION_REFUSED}, \
	{"sysctl", 0, "NAME=VALUE", NULL, OPTION_REFUSED}, \
	{"gpus", 0, "WHICH", NULL, OPTION_REFUSED}, \
	{"cpu-shares", 'c', "N", NULL, OPTION_REFUSED}, \
	{"cpu-period", 0, "N", NULL, OPTION_REFUSED}, \
	{"cpu-quota", 0, "N", NULL, OPTION_REFUSED}, \
	{"cpuset-cpus", 0, "LIST", NULL, OPTION_REFUSED}, \
	{"memory-reservation", 0, "SIZE", NULL, OPTION_REFUSED}, \
	{"memory-swappiness", 0, "N", NULL, OPTION_REFUSED}, \
	{"oom-kill-disable", 0, NULL, NULL, OPTION_REFUSED}, \
	{"oom-score-adj", 0, "N", NULL, OPTION_REFUSED}, \
	{"health-interval", 0, "TIME", NULL, OPTION_REFUSED}, \
	{"health-retries", 0, "N", NULL, OPTION_REFUSED}, \
	{"health-start-period", 0, "TIME", NULL, OPTION_REFUSED}, \
	{"health-timeout", 0, "TIME", NULL, OPTION_REFUSED}, \
	{"cgroup-parent", 0, "PATH", NULL, OPTION_REFUSED}, \
	{"blkio-weight", 0, "N", NULL, OPTION_REFUSED}, \
	{"device-cgroup-rule", 0, "RULE", NULL, OPTION_REFUSED}, \
	{"label-file", 0, "FILE", NULL, OPTION_REFUSED}, \
	{"pidfile", 0, "FILE", NULL, OPTION_REFUSED}, \
	{"runtime", 0, "PROGRAM", NULL, OPTION_REFUSED}, \
	{"unsetenv-all", 0, NULL, NULL, OPTION_REFUSED}, \
	{"log-opt", 0, "OPTION", NULL, OPTION_REFUSED}
/* clang-format on */

/* -ENOTSUP with reterr: why there is no option --name here, and what does instead. */
int run_habit_refuse(const char *name, struct err *reterr);

/* 0 where value is what is always so; else refuses. wanted: of the table. */
int run_habit_private(const char *name, const char *wanted, const char *value, struct err *reterr);

/* The same for a value of -p that is one of docker's: ports, no profile. 0 where it is none. */
int run_habit_ports(const char *value, struct err *reterr);

/* 0 for a network that there is; else refuses. */
int run_habit_network(const char *value, struct err *reterr);

/* A --security-opt, and a --ulimit whose -1 is no limit, as they are written here (the second may
 * be the arena's; NULL: no memory). */
const char *run_habit_security(const char *value);
const char *run_habit_ulimit(const char *value, struct arena *arena);

#endif
