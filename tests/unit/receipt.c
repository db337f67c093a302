/* The receipt: a required rule that is not enforced ends the launch; a best-effort one is told of;
 * an audited one is never enforced. */
#include "profile/receipt.h"

#include <errno.h>

#include "check.h"
#include "util/arena.h"

int main(void)
{
	struct arena arena = {0};
	struct receipt receipt = {.arena = &arena};
	const struct rule required = {.set = true, .origin.pointer = "--memory"};
	const struct rule written = {.set = true, .origin.pointer = "/limits/memory"};
	const struct rule best = {.set = true, .enforce = ENFORCE_BEST_EFFORT};
	const struct rule audit = {.set = true, .enforce = ENFORCE_AUDIT};
	struct receipt_row row = {.rule = &required,
		.asked = "memory 1 GiB",
		.outcome = OUTCOME_ENFORCED,
		.layer = "cgroup"};
	struct err err = {0};

	check_int(receipt_add(&receipt, &row, &err), 0, "required and enforced");
	row.outcome = OUTCOME_PARTLY;
	row.reason = "no controller";
	check_int(receipt_add(&receipt, &row, &err), -ENOTSUP, "required and partly enforced");
	check_text(err.where, "--memory", "where it was asked");
	check_text(err.message,
		"memory 1 GiB: required, but only partly enforceable here: no controller",
		"what is missing");
	check(strstr(err.hint, "leave the option out") != NULL, "the way out");
	row.rule = &written;
	err = (struct err){0};
	check_int(receipt_add(&receipt, &row, &err), -ENOTSUP, "the same, in a profile");
	check(strstr(err.hint, "best-effort") != NULL, "the way out there");
	err = (struct err){0};
	row.outcome = OUTCOME_NOT_ENFORCED;
	row.remedy = "delegate a cgroup";
	row.rule = NULL;
	check_int(receipt_add(&receipt, &row, &err), -ENOTSUP, "no rule is a required one");
	check_text(err.hint, "delegate a cgroup", "the remedy");
	err = (struct err){0};
	row.rule = &best;
	check_int(receipt_add(&receipt, &row, &err), 0, "best-effort and not enforced");
	check_int(receipt.rows[4].outcome, OUTCOME_NOT_ENFORCED, "is told");
	row.rule = &audit;
	row.outcome = OUTCOME_ENFORCED;
	check_int(receipt_add(&receipt, &row, &err), 0, "audited");
	check_int(receipt.rows[5].outcome, OUTCOME_AUDITED, "is never enforced");
	check_int((long long)receipt.row_count, 6, "every row is kept, the refused ones too");
	for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++)
		check(outcome_name(outcome)[0], "outcome %d has a name", (int)outcome);
	arena_free(&arena);
	return check_done();
}
