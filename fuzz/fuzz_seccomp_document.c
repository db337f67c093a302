/*
 * Seccomp documents of OCI, Docker and Podman. What is refused says where and why and imports
 * nothing; what is taken is refused with an unknown key or action more, compiles (or says why not),
 * and its filter says of every call that is tried what the document says.
 */
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "host/host.h"
#include "isolation/seccomp.h"
#include "isolation/syscall_table.h"
#include "profile/receipt.h"
#include "profile/seccomp_document.h"
#include "simulate.h"
#include "util/arena.h"

#define BUDGET 400 /* calls that are tried of one document */

static const struct seccomp_document_context contexts[] = {
	{{"amd64", "x86_64"}, 0, 5, 12}, {{"amd64", "x86_64"}, ~0ULL, 6, 18}};

static int import_text(const struct seccomp_document_context *context, const char *text,
	size_t size, struct json_document *document, struct arena *arena,
	struct syscalls_section *section, struct err *err)
{
	char *copy = malloc(size + 1);
	int r;

	HOLDS(copy);
	if (size)
		memcpy(copy, text, size);
	copy[size] = '\0';
	r = json_document_parse("input", copy, size, &json_limits_profile, document, err);
	return r < 0 ? r : seccomp_document_import_for(context, document, arena, section, err);
}

/* True where document_says() can be asked: no entry that depends on anything, and errnos as
 * numbers. */
static bool is_plain(const json_t *root)
{
	json_t *entry;
	size_t i;

	if (json_object_get(root, "defaultErrno"))
		return false;
	json_array_foreach(json_object_get(root, "syscalls"), i, entry)
	{
		if (json_object_get(entry, "includes") || json_object_get(entry, "excludes") ||
			json_object_get(entry, "errno"))
			return false;
	}
	return true;
}

static void try_call(
	const json_t *root, const struct seccomp_plan *plan, int number, const uint64_t *arguments)
{
	struct seccomp_data data = {.nr = number, .arch = AUDIT_ARCH_X86_64};

	memcpy(data.args, arguments, sizeof(data.args));
	HOLDS(simulate(plan->filter, plan->length, &data, NULL, NULL) ==
		document_says(root, number, arguments));
}

static void try_calls(
	const json_t *root, const struct profile *profile, const struct seccomp_plan *plan)
{
	static const uint64_t zero[6];
	unsigned left = BUDGET;

	for (int number = 0; number < 472; number += 5)
		try_call(root, plan, number, zero);
	for (size_t c = 0; c < profile->syscalls.clause_count; c++) {
		const struct syscall_clause *clause = &profile->syscalls.clauses[c];

		for (size_t n = 0; n < clause->name_count && left; n++)
			for (size_t a = 0; a <= clause->argument_count && left; a++)
				for (int step = -1; step < 2 && left; step++) {
					int number =
						syscall_number(AUDIT_ARCH_X86_64, clause->names[n]);
					uint64_t arguments[6] = {0};

					for (size_t b = 0; b < clause->argument_count; b++)
						arguments[clause->arguments[b].index] =
							clause->arguments[b].values[0];
					if (a < clause->argument_count)
						arguments[clause->arguments[a].index] +=
							(uint64_t)step;
					left--;
					if (number >= 0)
						try_call(root, plan, number, arguments);
				}
	}
}

/* One unknown key more, or an action misspelt, and it is refused. */
static void check_strict(const struct seccomp_document_context *context, const json_t *root)
{
	json_t *copy = json_deep_copy(root),
	       *entry = json_array_get(json_object_get(copy, "syscalls"), 0);
	struct json_document document = {0};
	struct syscalls_section section = {0};
	struct arena arena = {0};
	struct err err = {0};
	char *text;

	HOLDS(copy);
	if (entry)
		HOLDS(json_object_set_new(entry, "acton", json_string("SCMP_ACT_ALLOW")) == 0);
	else
		HOLDS(json_object_set_new(copy, "defaultAction", json_string("ALLOW")) == 0);
	text = json_dumps(copy, JSON_COMPACT);
	HOLDS(text);
	HOLDS(import_text(context, text, strlen(text), &document, &arena, &section, &err) < 0);
	HOLDS(!section.clause_count && err.where[0] && err.message[0]);
	json_document_free(&document);
	arena_free(&arena);
	json_decref(copy);
	free(text);
}

static void check_taken(const struct seccomp_document_context *context,
	const struct json_document *document, const struct profile *profile)
{
	static const struct host host = {.seccomp = true};
	struct seccomp_plan plan = {0};
	struct arena arena = {0};
	struct receipt receipt = {.arena = &arena};
	struct err err = {0};

	check_strict(context, document->root);
	for (size_t c = 0; c < profile->syscalls.clause_count; c++)
		HOLDS(profile->syscalls.clauses[c].name_count &&
			profile->syscalls.clauses[c].rule.origin.pointer);
	if (seccomp_compile_for(AUDIT_ARCH_X86_64, profile, &host, &arena, &receipt, &plan, &err) <
		0) {
		HOLDS(err.where[0] && err.message[0]);
	} else {
		HOLDS(!simulate_check(plan.filter, plan.length));
		if (is_plain(document->root))
			try_calls(document->root, profile, &plan);
	}
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t c = 0; c < sizeof(contexts) / sizeof(contexts[0]); c++) {
		struct json_document document = {0};
		struct profile profile = {0};
		struct arena arena = {0};
		struct err err = {0};

		if (import_text(&contexts[c], (const char *)data, size, &document, &arena,
			    &profile.syscalls, &err) == 0)
			check_taken(&contexts[c], &document, &profile);
		else
			HOLDS(!profile.syscalls.clause_count && err.code < 0 && err.message[0]);
		json_document_free(&document);
		arena_free(&arena);
	}
	return 0;
}
