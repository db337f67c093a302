/*
 * The text of /proc, parsed strictly: pure functions over memory, so that tests and fuzzers need no
 * kernel. A line that is cut short or has a field too many is refused: half a fact is none.
 * proc(5), Documentation/filesystems/proc.rst.
 */
#ifndef IMMURE_UTIL_PROC_H
#define IMMURE_UTIL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Takes the next line off *cursor (its newline becomes a NUL). 1 with ret_line; 0 at the end;
 * -EBADMSG for a last line without a newline, which a read cut short leaves.
 */
int proc_next_line(char **cursor, char **ret_line);

/*
 * One line of /proc/PID/mountinfo. The strings point into the line; root, target and source have
 * their \ooo escapes undone.
 */
struct proc_mount {
	uint32_t id, parent;
	uint32_t major, minor;
	const char *root;     /* of the mount within its file system */
	const char *target;   /* mount point, relative to the process's root */
	const char *options;  /* of the mount */
	const char *optional; /* "shared:1 master:2", or "" */
	const char *type;
	const char *source;        /* may be empty */
	const char *super_options; /* of the file system */
};
int proc_mount_parse(char *line, struct proc_mount *ret);

/* One line of /proc/PID/cgroup: "0::/user.slice", "4:memory:/a". */
struct proc_cgroup {
	uint32_t hierarchy;
	const char *controllers; /* "" for cgroup v2 */
	const char *path;
};
int proc_cgroup_parse(char *line, struct proc_cgroup *ret);

/* One line of /proc/PID/uid_map or gid_map. */
struct proc_id_map {
	uint32_t inside, outside, count;
};
int proc_id_map_parse(const char *line, struct proc_id_map *ret);

/* The value of "Key:\tvalue\n" in /proc/PID/status. False when there is no such whole line. */
bool proc_status_find(
	const char *text, const char *key, const char **ret_value, size_t *ret_length);
/* The same for a value of one decimal number (Seccomp, NoNewPrivs …). 0 or -errno. */
int proc_status_number(const char *text, const char *key, uint64_t *ret);

/*
 * True when word is one of the words of text, which are separated by separator ("memory" in "cpu io
 * memory").
 */
bool proc_has_word(const char *text, char separator, const char *word);

#endif
