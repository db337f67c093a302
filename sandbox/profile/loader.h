/* How the readers of a document get at other documents: profiles it extends, groups it names, a
 * seccomp document it imports. */
#ifndef IMMURE_PROFILE_LOADER_H
#define IMMURE_PROFILE_LOADER_H

#include <sys/types.h>

#include "profile/cursor.h"
#include "profile/load.h"
#include "profile/sections.h"

enum {
	EXTENDS_DEPTH_MAX = 8, /* a chain of profiles; the same for groups that include groups */
	DOCUMENTS_MAX = 64,    /* in all, groups included */
};

enum document_kind { DOCUMENT_PROFILE, DOCUMENT_GROUP, DOCUMENT_SECCOMP };

/* A document that was read, with what makes it the same as another one. */
struct profile_document {
	struct json_document json;
	struct profile_document *next;
	const char *built_in; /* its path there; NULL for a file */
	enum document_kind kind;
	dev_t device; /* of a file; 0 and 0 for text from memory or a pipe */
	ino_t inode;
	char *directory; /* of a file named by its path: what it extends may be relative to it;
			    owned; else NULL */
	char *name;      /* by which it was asked for, fit to be a profile's name; owned */
};

struct loader {
	const struct profile_variables *variables;
	struct arena *arena;
	struct profile_library *library;
	struct profile *profile;
	struct err *err;
	const struct profile_document
		*chain[EXTENDS_DEPTH_MAX * 2]; /* being applied, from the outermost */
	size_t depth;
	const struct profile_document *documents[DOCUMENTS_MAX]; /* all that this load has read */
	bool applied[DOCUMENTS_MAX];
	size_t document_count;
	const struct profile_document
		*groups[GROUPS_MAX]; /* that the section being read has taken in */
	size_t group_count;
};

/* ---- find.c ---- */

/*
 * Reads the document that `name` stands for in a document (at, from) or on the command line (both
 * NULL), or finds it among those that were read already. Errors are placed at `at`, else at the
 * name.
 */
int loader_find(struct loader *loader, const struct cursor *at, const struct profile_document *from,
	enum document_kind kind, const char *name, const struct profile_document **ret);

/* Takes over text as a document of this load (text of a built-in one is borrowed). */
int loader_take(struct loader *loader, const struct profile_document *like,
	const char *document_name, char *text, size_t length, const struct profile_document **ret);

/* ---- load.c ---- */

/* Applies the group to the policy of the profile that at's document belongs to; once for each
 * section that asks for it. */
int loader_group(const struct cursor *at, const char *name);

/* The same for a group that is all a section takes in, where it was read when the program was
 * built: 0, 1 where it was not (nothing is changed), or an error. */
int loader_group_alone(const struct cursor *at, const char *name);

/* Reads a seccomp document; it lives as long as the library. */
int loader_document(const struct cursor *at, const char *path, const struct json_document **ret);

/* Applies the profile that at's document extends. */
int loader_extend(const struct cursor *at, const char *name);
/* As loader_group_alone(): the one profile that the outermost document extends. */
int loader_extend_alone(const struct cursor *at, const char *name);

#endif
