/*
 * Between the program that fetches (network, no archive parser at work) and the one that unpacks
 *(no network): a SOCK_SEQPACKET pair, one packet a message, descriptors by SCM_RIGHTS. Each side
 *checks what the other sends as if it were a stranger: either may have been taken over by what it
 *parses. Second program only.
 *
 *	fetch → unpack   IMAGE count, then per layer, lowest first: LAYER diff compression
 *	unpack → fetch   NEED: one byte a layer, 1 where it is not unpacked yet
 *	fetch → unpack   STREAM index + the reading end of a pipe (or a file): the compressed layer
 *	fetch → unpack   VERIFIED index: size and digest of what went through were right (without it
 *nothing is committed) unpack → fetch   DONE index | FAILED index message fetch → unpack   end of
 *file: nothing more comes
 */
#ifndef IMMURE_IMAGE_CHANNEL_H
#define IMMURE_IMAGE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/record.h"
#include "util/err.h"
#include "util/overlay.h"

enum channel_kind {
	CHANNEL_IMAGE,
	CHANNEL_LAYER,
	CHANNEL_NEED,
	CHANNEL_STREAM,
	CHANNEL_VERIFIED,
	CHANNEL_DONE,
	CHANNEL_FAILED,
	CHANNEL_KIND_COUNT
};

struct channel_message {
	uint32_t kind;
	uint32_t index;       /* IMAGE: how many layers */
	uint32_t compression; /* LAYER */
	struct digest diff;   /* LAYER */
	uint8_t need[OVERLAY_LAYERS];
	char text[512]; /* FAILED */
};

/* fd: a descriptor to send along, or -1. 0 or -errno. */
int channel_send(int channel, const struct channel_message *message, int fd);
/* 1, 0 at the end, or -errno (-EBADMSG: not a message of ours). *ret_fd: the caller's, or -1.
 * Digests and texts have been checked for form. */
int channel_receive(int channel, struct channel_message *ret, int *ret_fd);

#endif
