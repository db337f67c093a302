/*
 * A profile: what somebody wants walled in, in the terms of intent, whatever notation it came from.
 * profile/ makes it from JSON, cli/ from options, oci/ from a config.json; plan/ compiles it. All
 * strings and arrays belong to the arena that the parser was given.
 *
 * Parsing a document applies it to a struct profile that already holds what it extends: the last
 * writer wins, rule by rule. Mount rules are keyed by their target, environment settings by name,
 * limits by kind; clauses of the system call policy are appended.
 */
#ifndef IMMURE_PROFILE_PROFILE_H
#define IMMURE_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "profile/rule.h"

/* ---- files ---- */

enum root_kind {
	ROOT_EMPTY,     /* a fresh tmpfs: nothing is there but what the mount rules put there */
	ROOT_HOST,      /* the host's tree, read-only */
	ROOT_DIRECTORY, /* a directory of the host */
	ROOT_LAYERS,    /* the layers of an image, one over the other; not for documents: set by
			   whoever starts the launch */
	ROOT_KIND_COUNT
};

/*
 * Directories of the host that overlayfs shows as one tree. Each tree is in overlay form: a
 * character device 0:0 is a whiteout, the extended attribute user.overlay.opaque=y hides what lies
 * below. All paths are absolute and canonical. Where something may be written, upper takes it;
 * upper and work (an empty directory, overlayfs's own) lie on one file system, and neither serves
 * two launches at a time.
 */
struct layers {
	const char *const *trees; /* the lowest first */
	size_t count;             /* 1 to OVERLAY_TREES */
	const char *upper, *work; /* both, or both NULL: a view that nothing can be written to */
	bool discard; /* upper is thrown away afterwards: overlayfs need not care for its reaching
			 the disk */
};

enum home_kind {
	HOME_NONE,    /* no directory is made */
	HOME_EMPTY,   /* a tmpfs at the home directory */
	HOME_PRIVATE, /* a directory that is kept between runs: <data>/immure/home/<profile> */
	HOME_HOST,    /* the user's own, writable */
	HOME_KIND_COUNT
};

enum proc_kind {
	PROC_NONE,
	PROC_PID /* subset=pid */,
	PROC_FULL /* with masks */,
	PROC_KIND_COUNT
};
enum sys_kind {
	SYS_NONE,
	SYS_READ_ONLY /* of the own network namespace, with masks */,
	SYS_KIND_COUNT
};

enum mount_kind {
	MOUNT_BIND,      /* source on the host → target */
	MOUNT_TMPFS,     /* empty, of at most size bytes and inodes entries */
	MOUNT_DIRECTORY, /* an empty directory (in a tmpfs of ours only) */
	MOUNT_SYMLINK,   /* target is a link to source (the text of the link) */
	MOUNT_FILE,      /* a small read-only file with content (in a tmpfs of ours only) */
	MOUNT_DENY,      /* whatever is at target cannot be opened, listed, renamed or replaced */
	MOUNT_LAYERS,    /* layers → target; not for documents, as ROOT_LAYERS */
	MOUNT_KIND_COUNT
};

enum mount_only { ONLY_ANY, ONLY_FILE, ONLY_COUNT };

/* What SELinux is to make of what a bind shows; nothing where no label is given. */
enum mount_relabel {
	RELABEL_NONE,
	RELABEL_SHARED,  /* every jail's */
	RELABEL_PRIVATE, /* this jail's, with its categories */
	RELABEL_STORAGE, /* of those who keep images alone */
};

struct mount_rule {
	struct rule rule;
	enum mount_kind kind;
	const char *target; /* canonical absolute path in the jail */
	const char
		*source; /* bind: canonical absolute path on the host; symlink: text; else NULL */
	const char *content; /* file: text; else NULL */
	const char *reason; /* why a deny of a profile that this one extends is lifted; else NULL */
	const struct layers *layers; /* layers: what is mounted; else NULL */
	bool writable;  /* bind: "access": "rw"; layers: there is an upper, and it may be written
			   through this mount; file in a root of layers: not for documents */
	bool no_exec;   /* "exec": false (the default for tmpfs) */
	bool keep_link; /* bind: "follow": false: where source is a symbolic link, make the same
			   link instead of following it */
	bool special_files; /* writable bind: sockets and FIFOs may be made in it */
	bool whiteouts;     /* writable bind: character devices 0:0 and FIFOs may be made in it, as
			       layers have them; not for documents */
	bool handed_in; /* writable bind: a place below a protected path that the launcher itself
			   hands in (a volume); not for documents */
	enum mount_relabel relabel; /* bind: of source and all in it; not for documents */
	enum mount_only only; /* bind: "only": "file": left out where the source is a directory */
	mode_t mode;     /* tmpfs, directory, file; the parser fills the default (0755, 01777 for
			    /tmp-like tmpfs, 0444) */
	uint64_t size;   /* tmpfs: bytes; 0: the default of the mechanism */
	uint64_t inodes; /* tmpfs; 0: the default */
};

struct files_section {
	struct rule root_rule, home_rule, proc_rule, sys_rule;
	enum root_kind root;
	const char *root_directory; /* ROOT_DIRECTORY: canonical absolute path on the host */
	bool root_writable; /* else the root is read-only once everything is mounted; ROOT_LAYERS:
			       writable only with an upper */
	const struct layers *layers; /* ROOT_LAYERS, else NULL; borrowed, as home_source is */
	enum home_kind home;
	const char *home_directory; /* in the jail; canonical absolute path */
	const char *home_source;    /* HOME_PRIVATE, HOME_HOST: the directory of the host; set by
				       whoever starts the launch */
	const char *const *protected_paths; /* of the host, canonical: never writable through any
					       bind (our own configuration, T-HAND-05) */
	size_t protected_count;             /* set by whoever starts the launch */
	enum proc_kind proc;
	enum sys_kind sys;
	struct mount_rule *mounts; /* in the order of writing; at most one per target */
	size_t mount_count;
	struct mount_index *index; /* profile/mounts.c's own: finds a rule by its target */
};

struct devices_section {
	struct rule rule;
	bool standard;     /* null zero full random urandom tty, pts, shm, fd and the std links; the
			      default */
	uint64_t shm_size; /* bytes of /dev/shm, by the command line; 0: the mechanism's own default
			    */
	struct device_rule {
		struct rule rule;
		const char *path; /* canonical, below /dev */
		bool writable;
	} * devices;
	size_t device_count;
};

/* The standard nodes, and what they must be: fixed numbers (Documentation/admin-guide/devices.txt).
 */
struct standard_device {
	const char *path; /* in the jail and on the host: "/dev/null" */
	unsigned major, minor;
};
#define STANDARD_DEVICES 6
extern const struct standard_device standard_devices[STANDARD_DEVICES];

/* ---- network ---- */

enum network_kind { NETWORK_NONE, NETWORK_HOST, NETWORK_KIND_COUNT };

struct network_section {
	struct rule rule;
	enum network_kind kind;
	bool loopback; /* none: bring up lo */
};

/* ---- limits ---- */

enum limit_kind {
	LIMIT_MEMORY,      /* bytes, of the whole tree */
	LIMIT_MEMORY_HIGH, /* bytes */
	LIMIT_SWAP,        /* bytes; 0 is a limit */
	LIMIT_PIDS,        /* processes and threads of the whole tree */
	LIMIT_CPU,         /* quota, thousandths of one CPU */
	LIMIT_CPU_WEIGHT,  /* 1 to 10000 */
	LIMIT_IO_WEIGHT,   /* 1 to 10000 */
	LIMIT_OPEN_FILES,  /* per process, as all below but wall time */
	LIMIT_FILE_SIZE,   /* bytes */
	LIMIT_CPU_TIME,    /* milliseconds, rounded up to seconds */
	LIMIT_WALL_TIME,   /* milliseconds */
	LIMIT_CORE,  /* bytes; 0 becomes 1, the value that also stops a pipe handler (core(5)) */
	LIMIT_STACK, /* bytes */
	LIMIT_ADDRESS_SPACE,   /* bytes */
	LIMIT_LOCKED_MEMORY,   /* bytes */
	LIMIT_PENDING_SIGNALS, /* count */
	LIMIT_MESSAGE_QUEUES,  /* bytes */
	LIMIT_COUNT
};

#define LIMIT_UNLIMITED UINT64_MAX

struct limit_rule {
	struct rule rule; /* .set says whether there is a limit */
	uint64_t value;   /* in the kind's unit; LIMIT_UNLIMITED for "unlimited" */
};

struct io_limit { /* io.max of one block device, found by a path on it */
	struct rule rule;
	const char *path;
	uint64_t read_bytes, write_bytes, read_operations,
		write_operations; /* per second; 0: no limit */
};

struct limits_section {
	struct limit_rule limits[LIMIT_COUNT];
	struct io_limit *io;
	size_t io_count;
	struct rule cpuset_rule;
	const char *cpuset; /* "0-3,7", checked by grammar; NULL: none */
	struct rule oom_rule;
	int oom_score_adjust; /* 0 to 1000 */
	struct rule nice_rule;
	int nice; /* 0 to 19 */
};

/* ---- system calls ---- */

enum syscall_action {
	ACTION_ALLOW,
	ACTION_ERRNO,
	ACTION_KILL /* the process */,
	ACTION_TRAP,
	ACTION_LOG,
	ACTION_COUNT
};

enum syscall_comparison {
	COMPARE_IN, /* (argument & mask) is one of values */
	COMPARE_NOT_IN,
	COMPARE_LESS, /* unsigned, against values[0] */
	COMPARE_LESS_EQUAL,
	COMPARE_GREATER,
	COMPARE_GREATER_EQUAL,
	COMPARE_COUNT
};

struct syscall_argument {
	unsigned index; /* 0 to 5 */
	unsigned width; /* 32 or 64: what the kernel looks at; with 32 the high word is ignored
			   (T-SEC-10) */
	enum syscall_comparison comparison;
	uint64_t mask; /* all ones where none was given */
	const uint64_t *values;
	size_t value_count;
};

/*
 * One clause. Of all the clauses that name a call and whose arguments match, the LAST in order
 * decides; where none matches, the section's default. So a group says "allow ioctl", and a later
 * clause "errno ioctl where argument 1 is TIOCSTI".
 */
struct syscall_clause {
	struct rule rule;
	const char *const *names; /* checked against the table of known names */
	size_t name_count;
	struct syscall_argument *arguments; /* all must match; none: always */
	size_t argument_count;
	enum syscall_action action;
	uint16_t error;     /* ACTION_ERRNO: the positive errno */
	const char *group;  /* "untrusted@1" when it came from a group, else NULL */
	const char *reason; /* why a denial of an extended profile is lifted, else NULL */
};

struct syscalls_section {
	struct rule
		rule; /* of the whole section; best-effort: a kernel without seccomp is accepted */
	bool unconfined; /* "default": "allow" and no clause at all: no filter is loaded */
	enum syscall_action default_action;
	uint16_t default_error; /* positive errno */
	struct syscall_clause *clauses;
	size_t clause_count;
	bool foreign_i386; /* "architectures": ["native", "i386"]: the same policy for the 32-bit
			      ABI instead of a kill */
};

/* ---- the smaller sections ---- */

struct capabilities_section {
	struct rule rule;
	uint64_t keep; /* bit n: capability n, in the jail's user namespace; effective, permitted
			  and bounding */
	bool ambient;  /* also inheritable and ambient, so that an unprivileged uid keeps them over
			  exec */
};

enum identity_kind {
	IDENTITY_AUTO,        /* subordinate where ranges and newuidmap are there, else single */
	IDENTITY_SINGLE,      /* one id, mapped to the caller */
	IDENTITY_SUBORDINATE, /* 0 is the caller, 1… the caller's /etc/subuid range */
	IDENTITY_KIND_COUNT
};

struct identity_section {
	struct rule rule;
	enum identity_kind kind;
	uid_t uid; /* in the jail */
	gid_t gid;
	const gid_t *groups; /* supplementary ones, of an image's user; no profile names them */
	size_t group_count;
	bool pretend_ownership; /* with a single id: the filter answers "done" to a change of owner
				   or id, and does nothing */
};

struct environment_setting {
	struct rule rule;
	const char *name;
	const char *value; /* NULL: passed through from the caller when it is set there */
};

struct environment_section {
	struct environment_setting *settings; /* at most one per name */
	size_t setting_count;
};

enum terminal_kind {
	TERMINAL_AUTO,  /* an own pty where stdin, stdout or stderr is a terminal; else none */
	TERMINAL_PTY,   /* always an own pty */
	TERMINAL_NONE,  /* refuse to hand a terminal in */
	TERMINAL_SHARE, /* the caller's terminal goes in as it is: TIOCSTI is then up to the filter
			 */
	TERMINAL_KIND_COUNT
};

struct terminal_section {
	struct rule rule;
	enum terminal_kind kind;
};

struct selinux_section {
	struct rule rule;  /* .set false: nothing is asked for */
	const char *type;  /* "immure_t" */
	const char *level; /* NULL: automatic MCS pair; else "s0:c1,c2" */
};

struct landlock_section {
	struct rule rule;
	bool enabled;         /* "landlock": false turns it off */
	unsigned minimum_abi; /* refuse (or report) below; 1 by default */
	bool scope_abstract, scope_signal;
	struct rule scope_rule;
	struct landlock_path { /* tightening: only these remain, of what files grants; none: derived
				  from files alone */
		struct rule rule;
		const char *path;
		bool writable, no_exec;
	} * paths;
	size_t path_count;
};

struct namespaces_section {
	struct rule rule;
	bool ipc, uts, cgroup, pid,
		time;     /* user and mount namespaces always are; network: its own section */
	bool nested_user; /* let the program make user namespaces of its own (widens the kernel
			     surface) */
};

struct profile {
	const char *name;
	const char *description;
	struct files_section files;
	struct devices_section devices;
	struct network_section network;
	struct limits_section limits;
	struct syscalls_section syscalls;
	struct capabilities_section capabilities;
	struct identity_section identity;
	struct environment_section environment;
	struct terminal_section terminal;
	struct selinux_section selinux;
	struct landlock_section landlock;
	struct namespaces_section namespaces;
	struct rule hostname_rule;
	const char *hostname;
	struct rule workdir_rule;
	const char *workdir; /* canonical, in the jail; NULL: the home directory */
	struct rule umask_rule;
	mode_t umask;
};

#endif
