/*
 * keys plant SECRET COMMAND…: gives the command a session keyring that holds SECRET.   keys search: looks for it from inside (T-CRED-11).
 * keys hold: makes a key of its own and reads it back (honest).
 */
#include <linux/keyctl.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "verdict.h"

int main(int argc, char **argv)
{
	static const long rings[] = {KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_KEYRING, KEY_SPEC_USER_SESSION_KEYRING, KEY_SPEC_PROCESS_KEYRING};
	char text[256] = "";

	if (argc > 3 && strcmp(argv[1], "plant") == 0) {
		if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "immure-test") < 0 ||
			syscall(SYS_add_key, "user", "immure-canary", argv[2], strlen(argv[2]), KEY_SPEC_SESSION_KEYRING) < 0)
			unclear("keyring");
		(void)execvp(argv[3], argv + 3);
		unclear(argv[3]);
	}
	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
		long key = syscall(SYS_keyctl, KEYCTL_SEARCH, rings[i], "user", "immure-canary", 0);

		if (key >= 0) {
			(void)syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof(text) - 1, 0);
			escaped("keyring %ld holds the caller's key: %s", rings[i], text);
		}
	}
	contained("no key of the caller's");
}
