/*
 * The verbs of immure-image, one function each. main.c's table gives them their names.
 *
 * A verb prints its result on standard output and its progress on standard error (print.h). It
 * answers 0; a positive number, which becomes the exit code (what `verify` found, say); or -errno
 * with context->err filled, which main prints: exit code 125. Second program only.
 */
#ifndef IMMURE_IMAGE_VERBS_H
#define IMMURE_IMAGE_VERBS_H

#include "image/storage.h"
#include "util/arena.h"
#include "util/err.h"

struct verb_context {
	struct storage storage; /* open, but for the verbs that need none (directory -1) */
	struct arena arena;     /* freed by main */
	struct err err;
};

/* argv[0] is the verb's name, argv[argc] is NULL; options.h takes the options off. */
int verb_commit(struct verb_context *context, int argc, char **argv);
int verb_diff(struct verb_context *context, int argc, char **argv);
int verb_export(struct verb_context *context, int argc, char **argv);
int verb_history(struct verb_context *context, int argc, char **argv);
int verb_import(struct verb_context *context, int argc, char **argv);
int verb_inspect(struct verb_context *context, int argc, char **argv);
int verb_list(struct verb_context *context, int argc, char **argv);
int verb_load(struct verb_context *context, int argc, char **argv);
int verb_login(struct verb_context *context, int argc, char **argv);
int verb_logout(struct verb_context *context, int argc, char **argv);
int verb_prune(struct verb_context *context, int argc, char **argv);
int verb_push(struct verb_context *context, int argc, char **argv);
int verb_rm(struct verb_context *context, int argc, char **argv);
int verb_rollback(struct verb_context *context, int argc, char **argv);
int verb_save(struct verb_context *context, int argc, char **argv);
int verb_tag(struct verb_context *context, int argc, char **argv);
int verb_tree(struct verb_context *context, int argc, char **argv);
int verb_verify(struct verb_context *context, int argc, char **argv);
int verb_pull(struct verb_context *context, int argc, char **argv);
int verb_version(struct verb_context *context, int argc, char **argv);
int verb_unpack(struct verb_context *context, int argc, char **argv);

#endif
