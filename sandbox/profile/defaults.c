/* A profile in which nobody asked for anything. */
#include <errno.h>

#include "profile/load.h"

void profile_defaults(struct profile *ret)
{
	*ret = (struct profile){
		.files = {.root = ROOT_EMPTY,
			.home = HOME_NONE,
			.home_directory = "/home/user",
			.proc = PROC_NONE,
			.sys = SYS_NONE},
		.devices = {.standard = true},
		.network = {.kind = NETWORK_NONE},
		.syscalls = {.default_action = ACTION_ERRNO, .default_error = ENOSYS},
		.identity = {.kind = IDENTITY_SINGLE, .uid = 1000, .gid = 1000},
		.terminal = {.kind = TERMINAL_AUTO},
		/* the scopes came with ABI 6: a kernel without them still has the rest to offer */
		.landlock = {.enabled = true,
			.minimum_abi = 1,
			.scope_abstract = true,
			.scope_signal = true,
			.scope_rule = {.enforce = ENFORCE_BEST_EFFORT}},
		/* no time namespace: it keeps nothing out, and slows down every look at the
		   monotonic clock */
		.namespaces = {.ipc = true, .uts = true, .cgroup = true, .pid = true},
		.hostname = "jail",
		.umask = 022,
	};
}
