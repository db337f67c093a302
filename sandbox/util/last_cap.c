/*
 * libcap-ng's tables of names ask its other half what the last capability is. That half comes with
 * a constructor of a dozen system calls, and with a name service (R11, CVE-2019-14271: modules
 * loaded at run time). The answer stands here instead, so that nothing brings it into a static
 * launcher; what this kernel knows is host/host.c's to ask.
 */
#include <linux/capability.h>

unsigned last_cap = CAP_LAST_CAP;
