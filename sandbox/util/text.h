/* Strings and numbers from outside: strict grammars, bounded buffers, safe printing. */
#ifndef IMMURE_UTIL_TEXT_H
#define IMMURE_UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The one integer parser: decimal digits only (no sign, space, leading zero, or base prefix), at most maximum.
 * 0, -EINVAL (not a number) or -ERANGE.
 */
int text_parse_u64(const char *text, uint64_t maximum, uint64_t *ret);

/* "512M", "1.5G", "64KiB", "1024": bytes, with the binary suffixes K M G T (also KiB …, and lower case, as podman takes). */
int text_parse_size(const char *text, uint64_t *ret);

/* "500ms", "10s", "5m", "2h", "1d", "1m30s", "90" (seconds): to milliseconds, as systemd.time(7) writes them. */
int text_parse_duration(const char *text, uint64_t *ret_milliseconds);

/* "0.5", "2", "1.25": a decimal with at most three places, in thousandths. */
int text_parse_milli(const char *text, uint64_t *ret);

/*
 * The entry of words (count of them) nearest to word by edit distance, or NULL where none is near enough to be meant.
 */
const char *text_nearest(const char *word, const char *const *words, size_t count);

/*
 * Writes text into buffer with everything that could move a terminal or a reader escaped as \xNN: control characters (C0, C1, DEL),
 * bidirectional overrides, invalid UTF-8. Cuts with "…" what does not fit. Returns buffer. T-TTY-05, T-TTY-09.
 */
char *text_escape(const char *text, size_t length, char *buffer, size_t size);

/* Characters, not bytes, of text in UTF-8: for columns. */
size_t text_width(const char *text);

bool text_is_utf8(const char *text, size_t length);

/* Writes a code point, at most 0x10ffff, as UTF-8, without a NUL: how many bytes, one to four. */
size_t text_put_code(char *out, uint32_t code);

/* True when text holds a control character (C0, DEL, C1) or is not UTF-8: such a thing is no path, name or host name to us. */
bool text_has_control(const char *text);

/* ASCII only, whatever the locale. */
char text_lower(char c);
char text_upper(char c);

bool text_starts_with(const char *text, const char *prefix);

/* True for 1 to 64 characters of a host name, RFC 1123 labels joined by dots. */
bool text_is_hostname(const char *text);

#endif
