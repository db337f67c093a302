/*
 * Guards that the tests can take out. In the mutant build (`make mutant`, IMMURE_MUTANTS defined)
 * the environment variable IMMURE_MUTANT names the guards to leave out, and a test must then fail:
 * one that passes without its guard proves nothing (R40 of the threat catalogue). In every other
 * build mutant() is the constant false, and the compiler removes the branch.
 *
 * Two kill tables read the names here, each from its #define to the next empty line:
 * tests/escape/mutants those of jails, tests/image/mutants those of images and containers.
 */
#ifndef IMMURE_UTIL_MUTANT_H
#define IMMURE_UTIL_MUTANT_H

#include <stdbool.h>

#define MUTANTS_OF_JAILS(X)                                                                        \
	X(KEEP_FDS, "keep-fds")                   /* inherited descriptors stay open */            \
	X(KEEP_ENVIRONMENT, "keep-environment")   /* the caller's environment goes in */           \
	X(NO_NNP, "no-nnp")                       /* no_new_privs is not set */                    \
	X(KEEP_CAPABILITIES, "keep-capabilities") /* effective and permitted sets stay */          \
	X(KEEP_INHERITABLE, "keep-inheritable") /* the inheritable and ambient sets are filled */  \
	X(KEEP_BOUNDING, "keep-bounding")       /* the bounding set stays */                       \
	X(NO_SECUREBITS, "no-securebits")       /* securebits stay unlocked */                     \
	X(NO_SETGROUPS_DENY, "no-setgroups-deny") /* setgroups stays allowed */                    \
	X(NO_SECCOMP, "no-seccomp")               /* no filter */                                  \
	X(NO_BAD_ARCHITECTURE,                                                                     \
		"no-bad-architecture") /* foreign ABIs get the native table's default */           \
	X(COMPARE_64, "compare-64")    /* int arguments are compared with all 64 bits */           \
	X(CLONE3_ALLOWED, "clone3-allowed")                                                        \
	X(IO_URING_ALLOWED, "io-uring-allowed")                                                    \
	X(DEFAULT_EPERM, "default-eperm") /* unknown calls get EPERM, not ENOSYS */                \
	X(NO_LANDLOCK, "no-landlock")                                                              \
	X(NO_LANDLOCK_SCOPE, "no-landlock-scope")                                                  \
	X(WRONG_BIND, "wrong-bind") /* one bind too many: the invoking user's home, writable */    \
	X(NO_PRIVATE, "no-private") /* mounts keep their propagation */                            \
	X(SHALLOW_READONLY, "shallow-readonly") /* read-only without the submounts */              \
	X(NO_NOSUID, "no-nosuid")               /* binds keep suid and device rights */            \
	X(KEEP_OLD_ROOT, "keep-old-root")       /* the old root stays mounted below the new one */ \
	X(STRING_PATHS, "string-paths")         /* mount points are followed as plain paths */     \
	X(PLAIN_BELOW, "plain-below")           /* the same below a tmpfs of ours */               \
	X(NO_SOURCE_CHECK,                                                                         \
		"no-source-check") /* the bind source is not compared with what was checked */     \
	X(NO_SHOWN_CHECK, "no-shown-check") /* a mount may come to hide another */                 \
	X(NO_DENY, "no-deny")               /* deny rules are not mounted */                       \
	X(NO_PIN, "no-pin")                 /* parents of denied paths can be renamed */           \
	X(FULL_PROC, "full-proc")           /* the whole of /proc */                               \
	X(HOST_NETWORK, "host-network")     /* no network namespace */                             \
	X(HOST_IPC, "host-ipc")                                                                    \
	X(HOST_UTS, "host-uts")                                                                    \
	X(HOST_PID, "host-pid-proc") /* the host's /proc is bound instead of an own one */         \
	X(NESTED_USER_NAMESPACES, "nested-user-namespaces")                                        \
	X(SHARE_TTY, "share-tty") /* the caller's terminal goes in */                              \
	X(NO_SETSID, "no-setsid")                                                                  \
	X(NO_PDEATHSIG, "no-pdeathsig")                                                            \
	X(NO_LIVENESS, "no-liveness") /* the launcher's death before PDEATHSIG goes unseen */      \
	X(DUMPABLE, "dumpable")       /* PID 1 stays dumpable */                                   \
	X(NO_LIMITS, "no-limits")     /* rlimits are not set */                                    \
	X(NO_TMPFS_SIZE, "no-tmpfs-size")                                                          \
	X(NO_CGROUP, "no-cgroup") /* the cgroup's limits are not written */                        \
	X(NO_WALL_TIME, "no-wall-time")                                                            \
	X(NO_ESCAPE, "no-escape")           /* messages print outside text raw */                  \
	X(NO_CWD_CHECK, "no-cwd-check")     /* a working directory outside the root is accepted */ \
	X(KEEP_SIGNALS, "keep-signals")     /* ignored and blocked signals go in */                \
	X(KEEP_KEYRING, "keep-keyring")     /* the caller's session keyring goes in */             \
	X(NO_LABEL, "no-label")             /* the SELinux label is not written */                 \
	X(PREFIX_COMPARE, "prefix-compare") /* paths are compared as strings, not by component */

#define MUTANTS_OF_IMAGES(X)                                                                  \
	X(TAR_DOTDOT, "tar-dotdot") /* ".." in names */                                       \
	X(TAR_DEPTH, "tar-depth")                                                             \
	X(TAR_WHITEOUT_NAME, "tar-whiteout-name")     /* a whiteout of "." or ".." */         \
	X(TAR_WHITEOUT_INSIDE, "tar-whiteout-inside") /* entries below a whiteout */          \
	X(TAR_OWNER, "tar-owner")                     /* owners beyond 32 bits */             \
	X(TAR_BYTES, "tar-bytes")                                                             \
	X(TAR_ROOT, "tar-root")       /* a link at the root of a layer */                     \
	X(TAR_DEVICES, "tar-devices") /* a device is made: a raw whiteout */                  \
	X(TAR_RATIO, "tar-ratio")                                                             \
	X(ZSTD_WINDOW, "zstd-window")                                                         \
	X(TAR_CUT, "tar-cut")             /* archives that end in the middle */               \
	X(TAR_AFTER_END, "tar-after-end") /* data after the end */                            \
	X(TAR_CHECKSUM, "tar-checksum")                                                       \
	X(TAR_TYPE, "tar-type")                                                               \
	X(TAR_SIZES, "tar-sizes") /* two sizes of one file */                                 \
	X(TAR_PAX_TWICE, "tar-pax-twice")                                                     \
	X(TAR_PAX_GLOBAL, "tar-pax-global")                                                   \
	X(TAR_NUL, "tar-nul")       /* NUL in a name */                                       \
	X(TAR_XATTRS, "tar-xattrs") /* user.overlay.* and their like */                       \
	X(TAR_SETUID, "tar-setuid") /* where all belongs to one id */                         \
	X(TAR_ENTRIES, "tar-entries")                                                         \
	X(TAR_LINKS, "tar-links")             /* links on the way to an entry */              \
	X(TAR_LINK_TARGET, "tar-link-target") /* and to what a hard link names */             \
	X(TAR_EXCLUSIVE, "tar-exclusive")     /* what is there is written over */             \
	X(TAR_HARD_LINK, "tar-hard-link")     /* to what is no file */                        \
	X(TAR_COPY_UP, "tar-copy-up")         /* the bytes of files that links copy */        \
	X(LAYER_DIFF, "layer-diff")           /* the digest of a layer unpacked */            \
	X(LAYER_FLUSH, "layer-flush")                                                         \
	X(BLOB_SIZE, "blob-size")                                                             \
	X(BLOB_DIGEST, "blob-digest")                                                         \
	X(BLOB_LOCK, "blob-lock")                                                             \
	X(BLOB_FLUSH, "blob-flush")                                                           \
	X(BLOB_VERIFY, "blob-verify") /* `verify` takes the name for the content */           \
	X(FILE_FLUSH, "file-flush")   /* files that take the place of others */               \
	X(MANIFEST_DIGEST, "manifest-digest")                                                 \
	X(SAID_DIGEST, "said-digest") /* Docker-Content-Digest */                             \
	X(DOWNLOAD_SIZE, "download-size")                                                     \
	X(REDIRECT_CREDENTIALS, "redirect-credentials")                                       \
	X(REDIRECT_BODY, "redirect-body") /* of a form with secrets */                        \
	X(REDIRECT_DOWNGRADE, "redirect-downgrade")                                           \
	X(REDIRECT_COUNT, "redirect-count")                                                   \
	X(LOCAL_ADDRESS, "local-address") /* strangers lead into the local network */         \
	X(ANSWER_SIZE, "answer-bytes")                                                        \
	X(HEADER_BYTES, "header-bytes")                                                       \
	X(URL_USER, "url-user")     /* a name and a password in a URL */                      \
	X(REALM_HOST, "realm-host") /* a realm elsewhere */                                   \
	X(REALM_HTTPS, "realm-https")                                                         \
	X(TOKEN_TEXT, "token-text") /* a line end in a token */                               \
	X(AUTH_ENTRY, "auth-entry") /* the credentials of another registry */                 \
	X(AUTH_MODE, "auth-mode")   /* a file of credentials that others read */              \
	X(FILE_MODE, "file-mode")   /* files for nobody else */                               \
	X(DIGEST_GRAMMAR, "digest-grammar")                                                   \
	X(REPOSITORY_GRAMMAR, "repository-grammar")                                           \
	X(TAG_GRAMMAR, "tag-grammar")                                                         \
	X(JSON_DEPTH, "json-depth")                                                           \
	X(JSON_VALUES, "json-values")                                                         \
	X(JSON_STRING, "json-string")                                                         \
	X(JSON_TWICE, "json-twice")               /* a key twice */                           \
	X(MANIFEST_BOTH, "manifest-both")         /* a manifest that is an index too */       \
	X(IMAGE_ENVIRONMENT, "image-environment") /* variables that ask for the host's */     \
	X(IMAGE_USER, "image-user")                                                           \
	X(IMAGE_VOLUME, "image-volume") /* volumes over all of the image */                   \
	X(IMAGE_TEXT, "image-text")     /* control characters */                              \
	X(STORAGE_MODE, "storage-mode") /* a storage that others can write to */              \
	X(STAGING_LOCK, "staging-lock") /* what somebody works on is collected */             \
	X(RECORD_LOCK, "record-lock")   /* an image in use is removed */                      \
	X(CONTAINER_NAME, "container-name")                                                   \
	X(COPY_LINKS, "copy-links")         /* cp by links of the container */                \
	X(TABLE_FILE, "table-file")         /* a FIFO for /etc/passwd */                      \
	X(TABLE_ID, "table-id")             /* numbers beyond 31 bits in it */                \
	X(LAYER_VERIFIED, "layer-verified") /* a layer is kept before its blob was checked */ \
	X(CHANNEL_FORM, "channel-form")     /* messages of the other program that are none */ \
	X(TLS_VERIFY, "tls-verify")                                                           \
	X(PRINT_ESCAPE, "print-escape") /* what the second program prints */                  \
	X(TABLE_ESCAPE, "table-escape") /* and in its tables */

enum mutant {
#define X(name, word) MUTANT_##name,
	MUTANTS_OF_JAILS(X) MUTANTS_OF_IMAGES(X)
#undef X
		MUTANT_COUNT
};

#ifdef IMMURE_MUTANTS
/* Reads IMMURE_MUTANT (names joined by commas) once, at the start of main; an unknown name aborts.
 */
void mutant_start(void);
bool mutant(enum mutant which);
#else
static inline void mutant_start(void)
{
}
#define mutant(which) ((void)(which), false)
#endif

#endif
