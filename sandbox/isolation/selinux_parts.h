/* What the files of the label share, and nobody else. */
#ifndef IMMURE_ISOLATION_SELINUX_PARTS_H
#define IMMURE_ISOLATION_SELINUX_PARTS_H

#include "isolation/selinux.h"

#define SELINUX_FILE_TYPE "immure_file_t"
#define SELINUX_SHARED_TYPE "immure_shared_file_t" /* what jails of several levels write */
#define SELINUX_STORAGE_TYPE "immure_storage_t"    /* images and containers, as they lie on disk */
#define SELINUX_DEVPTS_TYPE "immure_devpts_t"
#define SELINUX_ATTRIBUTE "security.selinux"
#define SELINUX_LABEL_MAXIMUM 4096

/*
 * Gives the private home at files->home_source, and all in it, the label plan->file_context, and
 * keeps every jail of another level out of it for as long as *ret_lock (or a copy) is open: see
 * selinux_home.c. -EBUSY where such a jail runs.
 */
int selinux_home_take(const struct selinux_plan *plan, int *ret_lock, struct err *reterr);

/*
 * Gives the source of mount, and all in it that has its type and belongs to the user, the label
 * context; nothing to do where the source itself has it already. -EPERM for a home directory, for
 * the storage (but for what is handed in from there), and for a file among them that belongs to
 * somebody else.
 */
int selinux_relabel(const char *context, const struct mount_rule *mount, struct err *reterr);

#endif
