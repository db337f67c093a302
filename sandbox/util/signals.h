/* Signals of this process: signal(7). */
#ifndef IMMURE_UTIL_SIGNALS_H
#define IMMURE_UTIL_SIGNALS_H

#include <signal.h>
#include <string.h>

/*
 * Blocks every signal that can be blocked; ret_before: what was blocked until then, or NULL. A mask
 * of sigfillset(3) would leave out what the C library uses itself: with musl SIGRTMIN, too.
 */
static inline void signals_block(sigset_t *ret_before)
{
	sigset_t every;

	memset(&every, 0xff, sizeof(every));
	(void)sigprocmask(SIG_SETMASK, &every, ret_before);
}

#endif
