/* Words of the notation for the enums of profile.h; those that the command line needs too are
 * declared in load.h. */
#ifndef IMMURE_PROFILE_NAMES_H
#define IMMURE_PROFILE_NAMES_H

#include "profile/profile.h"

enum landlock_scope { SCOPE_ABSTRACT, SCOPE_SIGNAL, SCOPE_COUNT };

extern const char *const root_names[ROOT_KIND_COUNT];
extern const char *const home_names[HOME_KIND_COUNT];
extern const char *const proc_names[PROC_KIND_COUNT];
extern const char *const sys_names[SYS_KIND_COUNT];
extern const char *const network_names[NETWORK_KIND_COUNT];
extern const char *const comparison_names[COMPARE_COUNT];
extern const char *const identity_names[IDENTITY_KIND_COUNT];
extern const char *const terminal_names[TERMINAL_KIND_COUNT];
extern const char *const access_names[2]; /* by `writable` */
extern const char *const scope_names[SCOPE_COUNT];

#endif
