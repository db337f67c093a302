/* A rule of a profile: where it was written and how binding it is. Every setting that a mechanism enforces carries one. */
#ifndef IMMURE_PROFILE_RULE_H
#define IMMURE_PROFILE_RULE_H

#include <stdbool.h>
#include <stddef.h>

struct json_document;

enum enforce {
	ENFORCE_REQUIRED,    /* the default: enforced, or the program does not start */
	ENFORCE_BEST_EFFORT, /* enforced where it can be; the receipt says where not */
	ENFORCE_AUDIT,	     /* not enforced, only stated (system calls: allowed and logged) */
	ENFORCE_COUNT
};

/* Where a rule was written. Line and column are looked up when they are printed, not when the rule is read. */
struct origin {
	const struct json_document *document; /* NULL: the command line, or the engine's own default */
	const char *pointer;		      /* JSON pointer, or "--flag", or "default" */
};

struct rule {
	struct origin origin;
	enum enforce enforce;
	bool set; /* false: nobody asked; the mechanism's default applies */
};

/* "profiles/a.json:12:5: /limits/memory", "--memory": into buffer, cut to size; returns buffer. */
char *origin_format(const struct origin *origin, char *buffer, size_t size);

#endif
