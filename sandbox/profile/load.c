/*
 * Loading: a document applies what it extends to the profile, depth first and each document once,
 * and then itself. See load.h for the contract and loader.h for the parts.
 */
#include "profile/load.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "profile/frozen.h"
#include "profile/grammar.h"
#include "profile/loader.h"
#include "profile/sections.h"
#include "util/arena.h"
#include "util/file.h"
#include "util/text.h"

static int document_apply(
	struct loader *loader, const struct cursor *at, const struct profile_document *document);

/* ---- the root of a profile ---- */

static int version_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	(void)into;
	return cursor_version(at);
}

static int schema_read(const struct cursor *at, const struct field *field, void *into)
{
	const char *text;

	(void)field;
	(void)into;
	return cursor_text(at, &text); /* for editors; not looked at */
}

static int read_text(const struct cursor *at, bool (*fits)(const char *text), const char *expected,
	const char **ret)
{
	const char *text = NULL;
	int r = cursor_text(at, &text);

	if (r)
		return r;
	return fits(text) ? cursor_copy(at, text, ret) : cursor_error(at, "expected %s", expected);
}

static int name_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	return read_text(at, grammar_profile_name,
		"a name: 1 to 64 letters, digits and _.+-, beginning with a letter, digit or _",
		into);
}

static bool is_line(const char *text)
{
	return !text_has_control(text);
}

static int description_read(const struct cursor *at, const struct field *field, void *into)
{
	(void)field;
	return read_text(at, is_line, "one line of text", into);
}

static int extended_read(const struct cursor *at, void *into)
{
	const char *name = NULL;
	int r = cursor_text(at, &name);

	(void)into;
	return r ? r : loader_extend(at, name);
}

static int extends_read(const struct cursor *at, const struct field *field, void *into)
{
	struct profile *profile = into;
	int r = 1;

	(void)field;
	if (json_is_string(at->node))
		r = loader_extend_alone(at, json_string_value(at->node));
	if (r > 0)
		r = json_is_string(at->node)
			    ? extended_read(at, profile)
			    : cursor_elements(at, EXTENDS_DEPTH_MAX, extended_read, profile);
	at->reading->inherited_clauses = profile->syscalls.clause_count;
	profile->name = profile->description = NULL; /* theirs, not this one's */
	return r;
}

static int hostname_read(const struct cursor *at, const struct field *field, void *into)
{
	struct profile *profile = into;
	struct cursor value;
	int r = cursor_setting(at, &profile->hostname_rule, &value);

	(void)field;
	return r ? r
		 : read_text(&value, text_is_hostname,
			   "a host name: at most 64 letters, digits, hyphens and dots",
			   &profile->hostname);
}

static int workdir_read(const struct cursor *at, const struct field *field, void *into)
{
	struct profile *profile = into;
	struct cursor value;
	int r = cursor_setting(at, &profile->workdir_rule, &value);

	return r ? r : cursor_path(&value, field, &profile->workdir);
}

static int umask_read(const struct cursor *at, const struct field *field, void *into)
{
	struct profile *profile = into;
	struct cursor value;
	int r = cursor_setting(at, &profile->umask_rule, &value);

	return r ? r : cursor_mode(&value, field, &profile->umask);
}

static const struct field root_fields[] = {
	{.name = "$schema", .read = schema_read},
	{.name = "version", .read = version_read, .mandatory = true},
	{.name = "extends", .read = extends_read},
	FIELD("name", name_read, struct profile, name, ),
	FIELD("description", description_read, struct profile, description, ),
	FIELD("files", files_read, struct profile, files, ),
	FIELD("devices", devices_read, struct profile, devices, ),
	FIELD("network", network_read, struct profile, network, ),
	FIELD("limits", limits_read, struct profile, limits, ),
	FIELD("syscalls", syscalls_read, struct profile, syscalls, ),
	FIELD("capabilities", capabilities_read, struct profile, capabilities, ),
	FIELD("identity", identity_read, struct profile, identity, ),
	FIELD("environment", environment_read, struct profile, environment, ),
	FIELD("terminal", terminal_read, struct profile, terminal, ),
	FIELD("selinux", selinux_read, struct profile, selinux, ),
	FIELD("landlock", landlock_read, struct profile, landlock, ),
	FIELD("namespaces", namespaces_read, struct profile, namespaces, ),
	{.name = "hostname", .read = hostname_read},
	{.name = "workdir", .read = workdir_read},
	{.name = "umask", .read = umask_read, .maximum = 0777},
};

/* ---- documents that documents name ---- */

/* True when document is being applied further out: it would be applied inside itself for ever. */
static bool is_open(const struct loader *loader, const struct profile_document *document)
{
	for (size_t i = 0; i < loader->depth; i++)
		if (loader->chain[i] == document)
			return true;
	return false;
}

static int open_document(
	struct loader *loader, const struct cursor *at, const struct profile_document *document)
{
	size_t same = 0; /* profiles and groups are counted apart */

	if (is_open(loader, document))
		return cursor_error(at, "%s includes itself", document->json.name);
	for (size_t i = 0; i < loader->depth; i++)
		same += loader->chain[i]->kind == document->kind;
	if (same >= EXTENDS_DEPTH_MAX)
		return cursor_error(at, "more than %d documents deep", EXTENDS_DEPTH_MAX);
	loader->chain[loader->depth++] = document;
	return 0;
}

static const struct profile_document *document_of(const struct reading *reading)
{
	return reading->loader
		->chain[reading->loader->depth - 1]; /* the innermost is the one that is read */
}

/* A file of the user's or the administrator's by that name comes before what is built in. */
static bool is_overridden(
	const struct profile_variables *variables, const char *kind, const char *name)
{
	char path[PATH_MAX];

	if (variables->xdg_config) {
		int length = snprintf(path, sizeof(path), "%s/immure/%s/%s.json",
			variables->xdg_config, kind, name);

		if (length < 0 || length >= (int)sizeof(path) || access(path, F_OK) == 0 ||
			errno != ENOENT)
			return true;
	}
	(void)snprintf(path, sizeof(path), "/etc/immure/%s/%s.json", kind, name);
	return access(path, F_OK) == 0 || errno != ENOENT;
}

/* What a built-in document names is built in. */
static bool means_built_in(const struct cursor *at, const char *kind, const char *name)
{
	return document_of(at->reading)->built_in ||
	       !is_overridden(at->reading->variables, kind, name);
}

/* Before the outermost document has said anything but that, the profile is as thawed; what is
 * extended besides, or in its turn, would have to be known by its documents. */
int loader_extend_alone(const struct cursor *at, const char *name)
{
	const struct reading *reading = at->reading;
	const struct frozen_profile *frozen = frozen_find(name);

	if (!frozen || reading->loader->depth != 1 || !means_built_in(at, "profiles", name))
		return 1;
	return frozen_thaw(frozen, reading->arena, reading->profile) ? cursor_memory(at) : 0;
}

int loader_extend(const struct cursor *at, const char *name)
{
	struct loader *loader = at->reading->loader;
	const struct profile_document *document = NULL;
	int r = loader_find(
		loader, at, document_of(at->reading), DOCUMENT_PROFILE, name, &document);

	return r ? r : document_apply(loader, at, document);
}

int loader_group(const struct cursor *at, const char *name)
{
	struct loader *loader = at->reading->loader;
	struct reading reading = *at->reading;
	const struct profile_document *document = NULL;
	int r = loader_find(loader, at, document_of(at->reading), DOCUMENT_GROUP, name, &document);

	for (size_t i = 0; i < loader->group_count && !r; i++)
		if (loader->groups[i] == document && !is_open(loader, document))
			return 0; /* taken in already */
	if (!r && loader->group_count == GROUPS_MAX)
		r = cursor_error(at, "more than %d groups", GROUPS_MAX);
	if (!r)
		r = open_document(loader, at, document);
	if (r)
		return r;
	loader->groups[loader->group_count++] = document;
	reading.document = &document->json;
	reading.enforce = at->enforce;
	reading.group = arena_copy(loader->arena, name);
	r = reading.group ? group_read(&reading) : cursor_memory(at);
	loader->depth--;
	return r;
}

int loader_group_alone(const struct cursor *at, const char *name)
{
	const struct reading *reading = at->reading;
	struct syscalls_section *section = &reading->profile->syscalls;
	const struct frozen_profile *frozen = frozen_find_group(name);

	if (!frozen || section->clause_count || section->rule.set || reading->loader->group_count ||
		reading->override || at->enforce != ENFORCE_REQUIRED ||
		!means_built_in(at, "seccomp", name))
		return 1;
	return frozen_thaw_group(frozen, reading->arena, section) ? cursor_memory(at) : 0;
}

int loader_document(const struct cursor *at, const char *path, const struct json_document **ret)
{
	const struct profile_document *document = NULL;
	int r = loader_find(at->reading->loader, at, document_of(at->reading), DOCUMENT_SECCOMP,
		path, &document);

	if (!r)
		*ret = &document->json;
	return r;
}

static int document_apply(
	struct loader *loader, const struct cursor *at, const struct profile_document *document)
{
	struct reading reading = {
		.document = &document->json,
		.loader = loader,
		.variables = loader->variables,
		.arena = loader->arena,
		.profile = loader->profile,
		.err = loader->err,
		.inherited_clauses = loader->profile->syscalls.clause_count,
	};
	struct cursor root = {.reading = &reading, .node = document->json.root};
	size_t slot = 0;
	int r;

	while (slot < loader->document_count && loader->documents[slot] != document)
		slot++;
	if (loader->applied[slot] && !is_open(loader, document))
		return 0; /* a second way to the same document: what came in between must not be
			     undone */
	r = open_document(loader, at, document);
	if (r)
		return r;
	loader->group_count = 0;
	loader->profile->name = loader->profile->description = NULL;
	r = cursor_fields(&root, root_fields, ARRAY_SIZE(root_fields), loader->profile);
	loader->applied[slot] = true;
	loader->depth--;
	return r;
}

/* ---- the entries ---- */

/* A name that is fit to be part of a path, from whatever the document was called. */
static const char *fit_name(struct arena *arena, const char *name)
{
	char fit[65];
	size_t length = 0;

	for (; length < sizeof(fit) - 1 && name[length]; length++) {
		char c = name[length];
		bool plain =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		fit[length] = '_';
		if (plain || (length && (c == '-' || c == '+')))
			fit[length] = c;
	}
	fit[length] = '\0';
	return length ? arena_copy(arena, fit) : "unnamed";
}

static int load(struct loader *loader, const struct profile_document *document, struct profile *ret)
{
	struct profile *profile = loader->profile;
	int r = document_apply(loader, NULL, document);

	if (r)
		return r;
	if (!profile->name)
		profile->name = grammar_profile_name(document->name)
					? arena_copy(loader->arena, document->name)
					: fit_name(loader->arena, document->name);
	if (!profile->name)
		return err_set(loader->err, -ENOMEM, document->json.name, "out of memory");
	profile->syscalls.unconfined =
		profile->syscalls.default_action == ACTION_ALLOW && !profile->syscalls.clause_count;
	*ret = *profile;
	return 0;
}

int profile_load(const char *name_or_path, const struct profile_variables *variables,
	struct arena *arena, struct profile_library *library, struct profile *ret,
	struct err *reterr)
{
	struct err own = {0};
	struct profile profile;
	struct loader loader = {.variables = variables,
		.arena = arena,
		.library = library,
		.profile = &profile,
		.err = reterr ? reterr : &own};
	const struct frozen_profile *frozen = frozen_find(name_or_path);
	const struct profile_document *document = NULL;
	int r;

	if (frozen && !is_overridden(variables, "profiles", name_or_path))
		return frozen_thaw(frozen, arena, ret)
			       ? err_set(reterr, -ENOMEM, name_or_path, "out of memory")
			       : 0;
	r = loader_find(&loader, NULL, NULL, DOCUMENT_PROFILE, name_or_path, &document);
	profile_defaults(&profile);
	return r ? r : load(&loader, document, ret);
}

int profile_load_text(const char *document_name, char *text, size_t length,
	const struct profile_variables *variables, struct arena *arena,
	struct profile_library *library, struct profile *ret, struct err *reterr)
{
	struct err own = {0};
	struct profile profile;
	struct loader loader = {.variables = variables,
		.arena = arena,
		.library = library,
		.profile = &profile,
		.err = reterr ? reterr : &own};
	const struct profile_document like = {.name = (char *)document_name}, *document;
	int r = loader_take(&loader, &like, document_name, text, length, &document);

	profile_defaults(&profile);
	return r ? r : load(&loader, document, ret);
}
