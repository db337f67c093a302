/*
 * Terminal: the caller's never goes in. A pty of the jail's own devpts takes its place, and the
 * supervisor relays; so there is nothing to push characters into or to leave in raw mode (TIOCSTI:
 * CVE-2017-5226, CVE-2016-9016). pty(7), ioctl_tty(2).
 */
#ifndef IMMURE_ISOLATION_TERMINAL_H
#define IMMURE_ISOLATION_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

struct terminal_plan {
	bool pty;
	bool replaced[3]; /* which of stdin, stdout, stderr become the pty's slave */
	const struct rule *rule;
};

/* is_terminal: which of the caller's 0, 1, 2 are terminals. */
int terminal_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, const bool is_terminal[3], struct terminal_plan *ret,
	struct err *reterr);
void terminal_explain(const struct terminal_plan *plan, struct report *out);

/*
 * Opens a pty of the new root's devpts, as large as the caller's terminal, and sends the master
 * over child->control (one message of a single byte with the descriptor). Needs: child->root with
 * dev/pts mounted, the caller's standard descriptors.
 */
int terminal_apply(const struct terminal_plan *plan, struct child *child, uint16_t *reterr_item);

/* In the program's own process, after setsid: the slave becomes the controlling terminal and takes
 * the places of the caller's. */
int terminal_enter(const struct terminal_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
