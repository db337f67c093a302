/*
 * From an image and what was asked for to a profile: docker's meaning of an image's configuration,
 * within the walls of the profile. Whatever the image says configures the program in the jail only
 * (R35): it names no path of the host, no mount, no id map, and no variable of the caller's.
 */
#ifndef IMMURE_CONTAINER_COMPOSE_H
#define IMMURE_CONTAINER_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "container/container.h"
#include "container/merged.h"
#include "container/user.h"
#include "image/record.h"
#include "profile/profile.h"
#include "util/err.h"

struct arena;

/*
 * Another root brings a system of its own: what the profile furnished its empty root with (binds of
 * the host's system, links, made files, a home) would lie on top of it. Denies stay, and so do the
 * empty tmpfs.
 */
void compose_forget_system(struct files_section *files);

/*
 * The words to execute: ENTRYPOINT and CMD as docker joins them. entrypoint: NULL where none was
 * given, else the words that were ({NULL}: --entrypoint ""). -EINVAL where nothing is left to run.
 */
int compose_command(const struct image_record *record, const char *const *entrypoint,
	const char *const *arguments, struct arena *arena, const char *const **ret,
	struct err *reterr);

/*
 * What the image says of environment and working directory, under what the profile says; but PATH
 * and HOME, which tell of the image's own tree, are the image's. environment: the caller's, for the
 * settings of the profile that pass one of its variables through.
 */
int compose_image(const struct image_record *record, char *const *environment, struct arena *arena,
	struct profile *profile, struct err *reterr);

/* After compose_image(): takes variables away (NULL-terminated), wherever they came from. */
void compose_unset(const char *const *names, struct profile *profile);

/* After compose_image(): those of environment that nobody has set, and whose names are names. */
int compose_environment(
	char *const *environment, struct arena *arena, struct profile *profile, struct err *reterr);

/* Ids and home. Call it after the options: a HOME that they or the image set stays. */
int compose_user(const struct user *user, bool home_is_set, struct arena *arena,
	struct profile *profile, struct err *reterr);

/* Makes layers the root. discard: what is written need not reach the disk. */
int compose_root(const struct layers *layers, bool read_only, struct profile *profile);

/*
 * A user whom the image does not know, under the caller's name: a line of its /etc/passwd, since
 * ssh, git and others ask who they are. name NULL, or none for such a line: nothing.
 */
int compose_passwd(const struct merged *merged, const struct user *user, const char *name,
	struct arena *arena, struct profile *profile, struct err *reterr);

/*
 * Where there is one id only, programs that check whether a change of id came true have to be told:
 * apt, whose downloads would end.
 */
int compose_single_id(const struct merged *merged, struct arena *arena, struct profile *profile,
	struct err *reterr);

/* Before the options: empty directories in memory where programs write, in a root that nobody can
 * write to. */
int compose_scratch(struct arena *arena, struct profile *profile, struct err *reterr);

/* As they were written: checked by compose_names(). Arrays end with NULL; NULL: none. */
struct names_options {
	const char **hosts;                         /* "NAME:ADDRESS" of --add-host */
	const char **servers, **domains, **options; /* of --dns, --dns-search, --dns-option */
	bool no_hosts;                              /* /etc/hosts stays the image's */
};

/*
 * Host name, /etc/hosts, /etc/hostname and, with the host's network or where something of it is
 * given, /etc/resolv.conf: small files in memory over those of the image, which the container may
 * write, as docker's, until its end.
 */
int compose_names(const char *id, const struct names_options *options, struct arena *arena,
	struct profile *profile, struct err *reterr);

/* The working directory is made where the image lacks it. */
int compose_directory(struct arena *arena, struct profile *profile, struct err *reterr);

#endif
