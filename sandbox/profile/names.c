/* Words of the notation for the enums of profile.h: one table each, for the parser, the emitter and
 * the command line. */
#include "profile/names.h"

#include "profile/load.h"

const char *const enforce_names[] = {
	[ENFORCE_REQUIRED] = "required",
	[ENFORCE_BEST_EFFORT] = "best-effort",
	[ENFORCE_AUDIT] = "audit",
};
const char *const root_names[] = {
	[ROOT_EMPTY] = "empty",
	[ROOT_HOST] = "host",
	[ROOT_DIRECTORY] = "/directory",
	[ROOT_LAYERS] = "layers",
};
const char *const home_names[] = {
	[HOME_NONE] = "none",
	[HOME_EMPTY] = "empty",
	[HOME_PRIVATE] = "private",
	[HOME_HOST] = "host",
};
const char *const proc_names[] = {[PROC_NONE] = "none", [PROC_PID] = "pid", [PROC_FULL] = "full"};
const char *const sys_names[] = {[SYS_NONE] = "none", [SYS_READ_ONLY] = "ro"};
const char *const mount_kind_names[] = {
	[MOUNT_BIND] = "bind",
	[MOUNT_TMPFS] = "tmpfs",
	[MOUNT_DIRECTORY] = "directory",
	[MOUNT_SYMLINK] = "symlink",
	[MOUNT_FILE] = "file",
	[MOUNT_DENY] = "deny",
	[MOUNT_LAYERS] = "layers",
};
const char *const network_names[] = {[NETWORK_NONE] = "none", [NETWORK_HOST] = "host"};
const char *const syscall_action_names[] = {
	[ACTION_ALLOW] = "allow",
	[ACTION_ERRNO] = "errno",
	[ACTION_KILL] = "kill",
	[ACTION_TRAP] = "trap",
	[ACTION_LOG] = "log",
};
const char *const comparison_names[] = {
	[COMPARE_IN] = "in",
	[COMPARE_NOT_IN] = "not_in",
	[COMPARE_LESS] = "lt",
	[COMPARE_LESS_EQUAL] = "le",
	[COMPARE_GREATER] = "gt",
	[COMPARE_GREATER_EQUAL] = "ge",
};
const char *const identity_names[] = {
	[IDENTITY_AUTO] = "auto",
	[IDENTITY_SINGLE] = "single",
	[IDENTITY_SUBORDINATE] = "subordinate",
};
const char *const terminal_names[] = {
	[TERMINAL_AUTO] = "auto",
	[TERMINAL_PTY] = "pty",
	[TERMINAL_NONE] = "none",
	[TERMINAL_SHARE] = "share",
};
const char *const access_names[] = {[false] = "ro", [true] = "rw"};
const char *const scope_names[] = {[SCOPE_ABSTRACT] = "abstract-unix", [SCOPE_SIGNAL] = "signal"};

#define HAS_ALL(table, count) \
	_Static_assert(sizeof(table) / sizeof((table)[0]) == (count), #table " names every value")
HAS_ALL(enforce_names, ENFORCE_COUNT);
HAS_ALL(root_names, ROOT_KIND_COUNT);
HAS_ALL(home_names, HOME_KIND_COUNT);
HAS_ALL(proc_names, PROC_KIND_COUNT);
HAS_ALL(sys_names, SYS_KIND_COUNT);
HAS_ALL(mount_kind_names, MOUNT_KIND_COUNT);
HAS_ALL(network_names, NETWORK_KIND_COUNT);
HAS_ALL(syscall_action_names, ACTION_COUNT);
HAS_ALL(comparison_names, COMPARE_COUNT);
HAS_ALL(identity_names, IDENTITY_KIND_COUNT);
HAS_ALL(terminal_names, TERMINAL_KIND_COUNT);
HAS_ALL(scope_names, SCOPE_COUNT);
