/* The seccomp notation of OCI and Docker, as a part of a profile's policy. */
#ifndef IMMURE_PROFILE_SECCOMP_DOCUMENT_H
#define IMMURE_PROFILE_SECCOMP_DOCUMENT_H

#include "profile/profile.h"
#include "util/err.h"

struct arena;
struct json_document;

/* Sets the section's default and appends a clause for each rule of document, which must outlive the profile (origins). */
int seccomp_document_import(const struct json_document *document, struct arena *arena, struct syscalls_section *ret, struct err *reterr);

#endif
