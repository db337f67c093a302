/* The verbs of images and containers, and their options, for help and completion. */
#ifndef IMMURE_CLI_VERBS_H
#define IMMURE_CLI_VERBS_H

#include "cli/cli.h"

int cli_start(int argc, char **argv);
int cli_ps(int argc, char **argv);
int cli_rm(int argc, char **argv);
int cli_commit(int argc, char **argv);
int cli_diff(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_cp(int argc, char **argv);
int cli_image(int argc, char **argv);
int cli_volume(int argc, char **argv);

extern const struct option ps_options_table[], rm_options_table[], start_options_table[],
	commit_options_table[], cp_options_table[], export_options_table[], volume_options_table[],
	run_options_table[];

extern const struct sub_verb image_verbs[], volume_verbs[]; /* end with a NULL name */

#endif
