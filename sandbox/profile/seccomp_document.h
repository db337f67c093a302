/*
 * Seccomp documents in the notation of OCI (runtime-spec, config-linux.md), Docker
 * (profiles/seccomp/default.json) and Podman (containers-common's seccomp.json), turned into
 * clauses.
 *
 * The meaning is what runc gives them by way of libseccomp: an entry with the action and errno of
 * the default says nothing; the first entry that names a call without conditions decides on it
 * alone; else the entries whose conditions all hold do. Where ours differs:
 *  - Entries with conditions and unlike actions that match the same call: the stricter decides
 * (kill, trap, errno, log, allow), and of two errnos the first listed. libseccomp goes by the shape
 * of its tree.
 *  - Several conditions on one argument must all hold, as the specification says; runc takes any. A
 * denial written so is refused, since it would deny less here than there.
 *  - SCMP_ACT_KILL and KILL_THREAD kill the process. SCMP_ACT_TRACE answers ENOSYS, as the kernel
 * does where nobody traces. SCMP_ACT_NOTIFY and listeners are refused: decisions on pointers made
 * outside of the kernel race with the program (T-SEC-23).
 *  - "architectures" and "archMap" are checked and then passed over: foreign ABIs are killed unless
 * the profile says otherwise. So are "flags": the filter binds every thread of the jail, and
 * SPEC_ALLOW would only lower a guard.
 *  - "includes" and "excludes" are judged for the native architecture, the capabilities of the
 * context and its kernel.
 *  - Names that nobody knows are passed over with a row in the receipt, but an error in a denial
 * when the default allows. Unknown keys are refused; "comment", "comments" and keys that begin with
 * "x-" are free.
 */
#ifndef IMMURE_PROFILE_SECCOMP_DOCUMENT_H
#define IMMURE_PROFILE_SECCOMP_DOCUMENT_H

#include <stdint.h>

#include "profile/profile.h"
#include "util/err.h"
#include "util/json.h"

struct arena;

/* What "includes" and "excludes" ask about. */
struct seccomp_document_context {
	const char *architectures[3]; /* the words that mean the native one ("amd64", "x86_64");
					 NULL after the last */
	uint64_t capabilities;        /* that the program has: bit n is capability n */
	unsigned kernel_major, kernel_minor;
};

/*
 * Appends the clauses of document to section, and sets its default. Clauses have document as their
 * group; places point into it. 0, -EINVAL with reterr naming line, pointer, what was expected and
 * the nearest word; -ENOMEM. On failure section is as it was.
 */
int seccomp_document_import_for(const struct seccomp_document_context *context,
	const struct json_document *document, struct arena *arena, struct syscalls_section *section,
	struct err *reterr);

/* For a program without capabilities on this architecture and the oldest kernel the launcher runs
 * on (5.12, for mount_setattr). */
int seccomp_document_import(const struct json_document *document, struct arena *arena,
	struct syscalls_section *section, struct err *reterr);

#endif
