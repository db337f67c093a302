/* Names of containers and volumes, and the ids of containers: one grammar each (R38). */
#ifndef IMMURE_CONTAINER_NAMES_H
#define IMMURE_CONTAINER_NAMES_H

#include <stdbool.h>

#define CONTAINER_ID_ROOM 65   /* 64 digits and the NUL */
#define CONTAINER_NAME_MAX 128 /* of a container's or volume's name */

/* 1 to 128 of [A-Za-z0-9_.-], the first a letter or digit: what podman and docker take, bounded. It
 * is a name in a directory of ours, so it can neither be hidden nor lead anywhere. */
bool name_is_valid(const char *text);

/* 64 lower-case hexadecimal digits. */
bool id_is_valid(const char *text);
/* 1 to 64 of them: the beginning of an id. */
bool id_is_prefix(const char *text);

/* 32 random bytes as digits. 0 or -errno. */
int id_make(char ret[CONTAINER_ID_ROOM]);

/* "quiet_marten": of a list of our own, by the digits of an id; attempt: another one for the same
 * id. */
const char *name_make(const char *id, unsigned attempt, char buffer[64]);

#endif
