/* The options that `jail` and `run` share: the same words, the same meaning, one reader. */
#ifndef IMMURE_CLI_LAUNCH_OPTIONS_H
#define IMMURE_CLI_LAUNCH_OPTIONS_H

#include "cli/cli.h"

/* enum launch_option: what an option of a launch is; a verb's own ones come after the last. */
enum launch_option {
	OPTION_PROFILE,
	OPTION_VOLUME,
	OPTION_MOUNT,
	OPTION_TMPFS,
	OPTION_DENY,
	OPTION_ROOTFS,
	OPTION_DEVICE,
	OPTION_ENVIRONMENT,
	OPTION_DIRECTORY,
	OPTION_USER,
	OPTION_HOSTNAME,
	OPTION_NETWORK,
	OPTION_MEMORY,
	OPTION_SWAP,
	OPTION_CPUS,
	OPTION_PIDS,
	OPTION_ULIMIT,
	OPTION_TIMEOUT,
	OPTION_CAP_ADD,
	OPTION_CAP_DROP,
	OPTION_SECURITY,
	OPTION_INTERACTIVE,
	OPTION_TTY,
	OPTION_PRESERVE_FD,
	OPTION_PRESERVE_FDS,
	OPTION_RECEIPT,
	OPTION_RESULT,
	OPTION_DRY_RUN,
	OPTION_FORMAT,
	LAUNCH_OPTION_COUNT
};

#define LAUNCH_FILE_OPTIONS                                                                   \
	{"mount", 0, "type=bind,...", "bind or tmpfs in key=value form, as podman takes it",  \
		OPTION_MOUNT},                                                                \
		{"tmpfs", 0, "DST[:OPTS]", "an empty tmpfs (size=, mode=, nr_inodes=, exec)", \
			OPTION_TMPFS},                                                        \
	{                                                                                     \
		"deny", 0, "PATH", "what is at PATH cannot be opened", OPTION_DENY            \
	}
#define LAUNCH_PROGRAM_OPTIONS                                                               \
	{"device", 0, "/dev/NODE[:r]", "let a device of the host in", OPTION_DEVICE},        \
		{"env", 'e', "NAME[=VALUE]", "set a variable, or pass the caller's",         \
			OPTION_ENVIRONMENT},                                                 \
	{                                                                                    \
		"workdir", 'w', "DIR", "the working directory in the jail", OPTION_DIRECTORY \
	}
#define LAUNCH_LIMIT_OPTIONS                                                                    \
	{"hostname", 'h', "NAME", "the host name in the jail", OPTION_HOSTNAME},                \
		{"network", 0, "none|host", "no network, or the host's", OPTION_NETWORK},       \
		{"memory", 'm', "SIZE", "memory of the whole tree (cgroup v2)", OPTION_MEMORY}, \
		{"memory-swap", 0, "SIZE", "memory and swap together, as docker counts",        \
			OPTION_SWAP},                                                           \
		{"cpus", 0, "N", "CPU quota in CPUs (cgroup v2)", OPTION_CPUS},                 \
		{"pids-limit", 0, "N", "processes and threads of the whole tree", OPTION_PIDS}, \
		{"ulimit", 0, "NAME=N",                                                         \
			"nofile, fsize, cpu, core, stack, as, memlock, sigpending, msgqueue, "  \
			"nproc",                                                                \
			OPTION_ULIMIT},                                                         \
		{"timeout", 0, "TIME", "wall time (10s, 5m), then SIGKILL", OPTION_TIMEOUT},    \
		{"cap-add", 0, "CAP|all", "keep a capability in the jail's namespace",          \
			OPTION_CAP_ADD},                                                        \
		{"cap-drop", 0, "CAP|all", "drop one", OPTION_CAP_DROP},                        \
	{                                                                                       \
		"security-opt", 0, "OPT", "label=type:T, label=level:L, label=disable",         \
			OPTION_SECURITY                                                         \
	}
#define LAUNCH_REPORT_OPTIONS                                                                   \
	{"preserve-fd", 0, "N[,N…]", "hand in these descriptors", OPTION_PRESERVE_FD},          \
		{"preserve-fds", 0, "N", "hand in descriptors 3 to N+2", OPTION_PRESERVE_FDS},  \
		{"receipt", 0, "FILE", "write what was asked and which layer enforced it",      \
			OPTION_RECEIPT},                                                        \
		{"result", 0, "FILE", "write how the program ended and what it used",           \
			OPTION_RESULT},                                                         \
		{"dry-run", 0, NULL, "print the steps instead of taking them", OPTION_DRY_RUN}, \
	{                                                                                       \
		"format", 0, "text|json", "of --dry-run", OPTION_FORMAT                         \
	}

#endif
