/*
 * The label: made of the caller's own, the profile's type and a level; and what is said where it
 * cannot be had. The policy here is a function.
 */
#include "isolation/selinux_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "host/host.h"
#include "isolation/child.h"
#include "util/arena.h"
#include "util/cleanup.h"

static int policy_knows(const struct host *host, const char *context)
{
	(void)host;
	return strstr(context, ":immure_t") || strstr(context, ":immure_net_t") ||
			       strstr(context, "u:object_r:immure_file_t") ||
			       strstr(context, "u:object_r:immure_s")
		       ? 0
		       : -EINVAL;
}

static int give_pair(const struct host *host, const char *kept, unsigned *ret_first,
	unsigned *ret_second, int *ret_lock, struct err *reterr)
{
	(void)host;
	(void)reterr;
	*ret_first = kept ? (unsigned)strlen(kept) : 12;
	*ret_second = 900;
	*ret_lock = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return 0;
}

static int give_no_pair(const struct host *host, const char *kept, unsigned *ret_first,
	unsigned *ret_second, int *ret_lock, struct err *reterr)
{
	(void)host;
	(void)kept;
	(void)ret_first;
	(void)ret_second;
	(void)ret_lock;
	return err_set(reterr, -EPERM, NULL, "no place for locks");
}

struct bench {
	struct profile profile;
	struct host host;
	struct arena arena;
	struct receipt receipt;
	struct selinux_plan plan;
	struct err err;
};

static void bench_start(
	struct bench *bench, const char *type, const char *level, enum enforce enforce)
{
	*bench = (struct bench){
		.host = {.selinux_enabled = true,
			.selinux_enforcing = true,
			.selinux_check = policy_knows,
			.mcs_pair = give_pair,
			.selinux_context =
				"unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023"}};
	bench->profile.selinux = (struct selinux_section){
		.rule = {.set = true, .enforce = enforce}, .type = type, .level = level};
	bench->receipt.arena = &bench->arena;
}

static int compile(struct bench *bench)
{
	return selinux_compile(&bench->profile, &bench->host, &bench->arena, &bench->receipt,
		&bench->plan, &bench->err);
}

static void bench_end(struct bench *bench)
{
	if (bench->plan.lock >= 0)
		(void)close(bench->plan.lock);
	arena_free(&bench->arena);
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Of the same user and level as the program's; nothing where the policy has no such type. */
static void check_file_label(const struct bench *bench, const char *label)
{
	const char *level = strstr(label, ":immure_t");
	char want[128];

	(void)snprintf(want, sizeof(want), "%.*s:object_r:immure_file_t%s",
		(int)strcspn(label, ":"), label, level + strlen(":immure_t"));
	check_text(bench->plan.file_context, want, "the label of its tmpfs");
}

static int policy_of_others(const struct host *host, const char *context)
{
	(void)host;
	return strstr(context, ":immure_file_t") ? -EINVAL : 0;
}

static int policy_without_categories(const struct host *host, const char *context)
{
	(void)host;
	return strchr(context, ',') ? -EINVAL : 0;
}

static void test_choices(void)
{
	static const struct {
		const char *type;
		enum network_kind network;
		const char *want;
	} cases[] = {
		{"immure_t", NETWORK_NONE, "u:r:immure_t:s0"},
		{"immure_t", NETWORK_HOST, "u:r:immure_net_t:s0"},
		{"immure_net_t", NETWORK_NONE, "u:r:immure_net_t:s0"},
		{"other_t", NETWORK_HOST, "u:r:other_t:s0"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench bench;

		bench_start(&bench, cases[i].type, "s0", ENFORCE_REQUIRED);
		bench.host.selinux_context = "u:r:t:s0";
		bench.host.selinux_check = policy_of_others;
		bench.profile.network.kind = cases[i].network;
		check_int(compile(&bench), 0, "%s", cases[i].type);
		check_text(bench.plan.context, cases[i].want, "the type for the network");
		check(!bench.plan.file_context, "no label that the policy does not know");
		bench_end(&bench);
	}
}

static void test_labels(void)
{
	static const struct {
		const char *caller, *level, *want;
		enum outcome outcome;
	} cases[] = {
		{"unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023", NULL,
			"unconfined_u:unconfined_r:immure_t:s0:c12,c900", OUTCOME_ENFORCED},
		{"staff_u:staff_r:staff_t:s0", NULL, "staff_u:staff_r:immure_t:s0:c12,c900",
			OUTCOME_ENFORCED},
		{"u:r:t:s3:c1-s5:c1,c2", NULL, "u:r:immure_t:s3:c12,c900", OUTCOME_ENFORCED},
		{"u:r:t:s0", "s0:c1,c2", "u:r:immure_t:s0:c1,c2", OUTCOME_ENFORCED},
		{"u:r:t", "s0", "u:r:immure_t:s0", OUTCOME_ENFORCED},
		{"u:r:t", NULL, "u:r:immure_t", OUTCOME_PARTLY}, /* a policy without levels */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench bench;

		bench_start(&bench, "immure_t", cases[i].level, ENFORCE_BEST_EFFORT);
		bench.host.selinux_context = cases[i].caller;
		check_int(compile(&bench), 0, "from %s", cases[i].caller);
		check_text(bench.plan.context, cases[i].want, "the label");
		check_file_label(&bench, cases[i].want);
		check(bench.receipt.row_count == 1 &&
				bench.receipt.rows[0].outcome == cases[i].outcome,
			"the receipt");
		check((bench.plan.lock >= 0) == (strstr(cases[i].want, "c12,c900") != NULL),
			"the pair is held where there is one");
		bench_end(&bench);
	}
}

enum trouble { NO_SELINUX, PERMISSIVE, UNKNOWN_TYPE, NO_PAIR, NO_CATEGORIES, ODD_CALLER, TROUBLES };

static int compile_in_trouble(struct bench *bench, enum trouble trouble, enum enforce enforce)
{
	bench_start(bench, trouble == UNKNOWN_TYPE ? "other_t" : "immure_t", NULL, enforce);
	if (trouble == NO_SELINUX)
		bench->host.selinux_enabled = false;
	if (trouble == PERMISSIVE)
		bench->host.selinux_enforcing = false;
	if (trouble == NO_PAIR)
		bench->host.mcs_pair = give_no_pair;
	if (trouble == NO_CATEGORIES)
		bench->host.selinux_check = policy_without_categories;
	if (trouble == ODD_CALLER)
		bench->host.selinux_context = "kernel";
	return compile(bench);
}

/* T-LSM-13: required fails, best-effort is reported, and nothing is held on to. */
static void test_trouble(void)
{
	int before = count_descriptors();

	for (int trouble = 0; trouble < TROUBLES; trouble++) {
		struct bench bench;
		bool partly;

		check_int(compile_in_trouble(&bench, (enum trouble)trouble, ENFORCE_REQUIRED),
			-ENOTSUP, "trouble %d, required", trouble);
		check(bench.err.message[0] && !bench.plan.context && bench.plan.lock == -1,
			"an error: %s", bench.err.message);
		bench_end(&bench);
		check_int(compile_in_trouble(&bench, (enum trouble)trouble, ENFORCE_BEST_EFFORT), 0,
			"trouble %d, best effort", trouble);
		check(bench.receipt.row_count == 1 && bench.receipt.rows[0].reason,
			"a row with the reason: %s",
			bench.receipt.row_count ? bench.receipt.rows[0].reason : "none");
		partly = trouble == PERMISSIVE || trouble == NO_PAIR || trouble == NO_CATEGORIES;
		check_int(bench.receipt.rows[0].outcome,
			partly ? OUTCOME_PARTLY : OUTCOME_NOT_ENFORCED, "the outcome");
		check(!bench.plan.context == !partly, "a label only where there can be one");
		if (partly && trouble != PERMISSIVE)
			check(strstr(bench.plan.context, ":immure_t:s0") &&
					!strchr(bench.plan.context, ','),
				"the type without a pair: %s", bench.plan.context);
		bench_end(&bench);
	}
	check_int(count_descriptors(), before, "no descriptor is left open");
}

/* A home that is kept is asked for its pair; one of the host's, or of nobody's, is not. */
static void test_kept_home(void)
{
	static const struct {
		enum home_kind home;
		const char *source, *want;
	} cases[] = {
		{HOME_PRIVATE, "/kept", "u:r:immure_t:s0:c5,c900"},
		{HOME_PRIVATE, NULL, "u:r:immure_t:s0:c12,c900"},
		{HOME_HOST, "/home/somebody", "u:r:immure_t:s0:c12,c900"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench bench;

		bench_start(&bench, "immure_t", NULL, ENFORCE_REQUIRED);
		bench.host.selinux_context = "u:r:t:s0";
		bench.profile.files.home = cases[i].home;
		bench.profile.files.home_source = cases[i].source;
		check_int(compile(&bench), 0, "home %zu", i);
		check_text(bench.plan.context, cases[i].want, "the label");
		bench_end(&bench);
	}
}

/* So is a container that is kept. */
static void test_kept_container(void)
{
	struct layers layers = {.upper = "/kept/upper", .work = "/kept/work"};
	struct bench bench;

	bench_start(&bench, "immure_t", NULL, ENFORCE_REQUIRED);
	bench.host.selinux_context = "u:r:t:s0";
	bench.profile.files.root = ROOT_LAYERS;
	bench.profile.files.layers = &layers;
	check_int(compile(&bench), 0, "a root of layers");
	check_text(bench.plan.context, "u:r:immure_t:s0:c11,c900", "the label");
	bench_end(&bench);
}

/* What is shared, and the storage, have no categories; without a bind that asks there is neither.
 */
static void test_shared_labels(void)
{
	struct mount_rule mounts[] = {{.kind = MOUNT_BIND, .relabel = RELABEL_SHARED},
		{.kind = MOUNT_BIND, .relabel = RELABEL_STORAGE}};
	struct bench bench;

	bench_start(&bench, "immure_t", NULL, ENFORCE_REQUIRED);
	bench.profile.files.mounts = mounts;
	check_int(compile(&bench), 0, "no mounts");
	check(!bench.plan.shared_context && !bench.plan.storage_context, "no label for them");
	bench_end(&bench);
	bench_start(&bench, "immure_t", "s0:c1,c2", ENFORCE_REQUIRED);
	bench.profile.files.mounts = mounts;
	bench.profile.files.mount_count = 2;
	check_int(compile(&bench), 0, "two mounts");
	check_text(bench.plan.shared_context, "unconfined_u:object_r:immure_shared_file_t:s0",
		"what is shared");
	check_text(bench.plan.storage_context, "unconfined_u:object_r:immure_storage_t:s0",
		"the storage");
	bench_end(&bench);
}

/* Without SELinux all of this is as if it were not there. */
static void test_kernel_without(void)
{
	char place[] = "/tmp/selinux-XXXXXX";
	struct mount_rule mount = {.kind = MOUNT_BIND, .source = place};
	struct err err = {0};
	int ends[2] = {-1, -1};

	if (access("/sys/fs/selinux/enforce", F_OK) == 0 || !mkdtemp(place))
		return;
	check_int(selinux_relabel("u:object_r:immure_shared_file_t:s0", &mount, &err), 0,
		"a directory without a label");
	check_int(selinux_socketpair(SOCK_SEQPACKET, ends), 0, "a pair of sockets");
	check(fcntl(ends[0], F_GETFD) == FD_CLOEXEC && fcntl(ends[1], F_GETFD) == FD_CLOEXEC,
		"both are closed at exec");
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)rmdir(place);
}

static void test_not_asked(void)
{
	struct bench bench;

	bench_start(&bench, "immure_t", NULL, ENFORCE_AUDIT);
	check_int(compile(&bench), 0, "audit");
	check(!bench.plan.context && bench.plan.lock == -1 && bench.receipt.row_count == 1 &&
			bench.receipt.rows[0].outcome == OUTCOME_AUDITED,
		"is stated, and sets nothing");
	bench_end(&bench);
	bench_start(&bench, "immure_t", NULL, ENFORCE_REQUIRED);
	bench.profile.selinux.rule.set = false;
	check_int(compile(&bench), 0, "nothing asked");
	check(!bench.plan.context && bench.plan.lock == -1 && !bench.receipt.row_count,
		"nothing done");
	bench_end(&bench);
}

static void test_grammar(void)
{
	static const struct {
		const char *type, *level;
	} bad[] = {{"immure_t:s0", NULL}, {"", NULL}, {"immure t", NULL}, {"immure_t", "s0:c1:c2"},
		{"immure_t", "c1"}, {"immure_t", "s0\n"}, {NULL, NULL}, {"immure_t", "s0:c1024"}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bench bench;

		bench_start(&bench, bad[i].type, bad[i].level, ENFORCE_REQUIRED);
		check_int(compile(&bench), -EINVAL, "no type and level: case %zu", i);
		check(!bench.plan.context, "no label");
		bench_end(&bench);
	}
}

static void test_apply(void)
{
	struct selinux_plan plan = {.context = "u:r:immure_t:s0",
		.file_context = "u:object_r:immure_file_t:s0",
		.devpts_context = "u:object_r:immure_devpts_t:s0",
		.lock = -1};
	struct selinux_plan none = {.lock = -1};
	char path[] = "/tmp/immure-selinux-XXXXXX";
	struct child child = {.label = mkstemp(path)};
	struct err err = {0};
	uint16_t item = 9;

	check(child.label >= 0 && unlink(path) == 0, "a file that is no procfs");
	check_int(selinux_apply(&plan, &child, &item), -EPERM, "does not get the label (T-LSM-12)");
	check_int(lseek(child.label, 0, SEEK_END), 0, "nothing was written");
	(void)close(child.label);
	child.label = -1;
	check_int(selinux_apply(&plan, &child, &item), -EBADF, "no descriptor at all");
	check_int(selinux_apply(&none, &child, &item), 0, "no label, nothing to do");
	check(!child.file_label, "and tmpfs are made as ever");
	check_int(selinux_apply_parent(&none, NULL, 0, NULL, &err), 0,
		"nothing is asked of the policy either");
	child.label = open(
		"/proc/thread-self/comm", O_WRONLY | O_CLOEXEC); /* a procfs file that takes text */
	check_int(selinux_apply(&plan, &child, &item), 0, "a true procfs gets it");
	check_text(child.file_label, plan.file_context, "tmpfs are labelled from now on");
	check_text(child.devpts_label, plan.devpts_context, "so are terminals");
	(void)close(child.label);
	child.label = open("/proc/thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
	if (child.label >= 0 && access("/sys/fs/selinux/enforce", F_OK) != 0)
		check(selinux_apply(&plan, &child, &item) < 0,
			"a kernel without SELinux refuses it");
	if (child.label >= 0)
		(void)close(child.label);
}

int main(void)
{
	test_labels();
	test_choices();
	test_trouble();
	test_kept_home();
	test_kept_container();
	test_shared_labels();
	test_kernel_without();
	test_not_asked();
	test_grammar();
	test_apply();
	return check_done();
}
