/*
 * What a mechanism says of itself: rows of (action, detail, place), which the command line prints
 * for people or as JSON. One sink for explain, --dry-run and the receipt, so that they cannot tell
 * different stories.
 */
#ifndef IMMURE_UTIL_REPORT_H
#define IMMURE_UTIL_REPORT_H

struct report {
	/* action: one lower-case word or two ("bind", "drop capability"); detail: for people,
	 * escaped by the sink; place may be NULL */
	void (*row)(
		struct report *report, const char *action, const char *detail, const char *place);
};

/* Formats detail (cut at 1 KiB) and hands the row to the sink. place may be NULL. */
void report_row(struct report *report, const char *place, const char *action, const char *format,
	...) __attribute__((format(printf, 4, 5)));

#endif
