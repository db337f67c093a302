/* The enforcement receipt: see receipt.h. This is where "required" gets its meaning. */
#include "profile/receipt.h"

#include <errno.h>

#include "util/arena.h"
#include "util/text.h"

static const char *const outcome_names[] = {
	[OUTCOME_ENFORCED] = "enforced",
	[OUTCOME_PARTLY] = "partly",
	[OUTCOME_NOT_ENFORCED] = "not enforced",
	[OUTCOME_AUDITED] = "audited",
};
_Static_assert(sizeof(outcome_names) / sizeof(outcome_names[0]) == OUTCOME_COUNT,
	"each outcome has a name");

const char *outcome_name(enum outcome outcome)
{
	return outcome_names[outcome];
}

/* A required rule that is not wholly enforced: the launch ends here (R17). */
static int refuse(const struct receipt_row *row, struct err *reterr)
{
	char where[sizeof(reterr->where)] = "";
	int r;

	if (row->rule)
		(void)origin_format(&row->rule->origin, where, sizeof(where));
	r = err_set(reterr, -ENOTSUP, where, "%s: required, but %s: %s", row->asked,
		row->outcome == OUTCOME_PARTLY ? "only partly enforceable here"
					       : "not enforceable here",
		row->reason ? row->reason : "this system offers nothing for it");
	err_hint(reterr, "%s",
		row->remedy                     ? row->remedy
		: text_starts_with(where, "--") ? "to go without it, leave the option out"
						: "to go without it, give the rule \"enforce\": "
						  "\"best-effort\"");
	return r;
}

int receipt_add(struct receipt *receipt, const struct receipt_row *row, struct err *reterr)
{
	enum enforce enforce = row->rule ? row->rule->enforce : ENFORCE_REQUIRED;
	struct receipt_row *added = ARENA_APPEND(receipt->arena, receipt->rows, receipt->row_count);

	if (!added)
		return err_no_memory(reterr);
	*added = *row;
	if (row->outcome == OUTCOME_NOT_ENFORCED)
		added->layer = NULL;
	if (enforce == ENFORCE_AUDIT)
		added->outcome = OUTCOME_AUDITED;
	else if (enforce == ENFORCE_REQUIRED && row->outcome != OUTCOME_ENFORCED)
		return refuse(row, reterr);
	return 0;
}
