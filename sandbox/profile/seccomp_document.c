/*
 * See seccomp_document.h. Reading comes first and judges every entry, also those that will not
 * apply here; then the entries that remain are put in the order in which "the last matching clause
 * decides" says what the document says.
 */
#include "profile/seccomp_document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "profile/grammar.h"
#include "util/arena.h"
#include "util/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ERRNO_MAXIMUM 4095

struct outcome_of_call {
	enum syscall_action action;
	uint16_t error;
};

struct entry {
	struct syscall_clause clause;
	bool applies;
};

struct reader {
	const struct seccomp_document_context *context;
	const struct json_document *document;
	struct arena *arena;
	struct err *err;
	struct outcome_of_call otherwise;
	struct entry *entries;
	size_t entry_count;
	size_t name_count; /* of all entries */
};

/* A value and where it stands. */
struct at {
	struct reader *reader;
	const json_t *node;
	char pointer[160];
};

/* ---- errors ---- */

__attribute__((format(printf, 2, 3))) static int refuse(
	const struct at *at, const char *format, ...)
{
	struct origin origin = {at->reader->document, at->pointer};
	char where[sizeof(at->reader->err->where)], message[384];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	(void)err_set(at->reader->err, -EINVAL, origin_format(&origin, where, sizeof(where)), "%s",
		message);
	return -EINVAL;
}

static int refuse_word(const struct at *at, const char *kind, const char *word,
	const char *const *words, size_t count)
{
	const char *nearest = text_nearest(word, words, count);
	char safe[96];
	int r = refuse(
		at, "unknown %s \"%s\"", kind, text_escape(word, strlen(word), safe, sizeof(safe)));

	if (nearest)
		err_hint(at->reader->err, "did you mean \"%s\"?", nearest);
	return r;
}

static int out_of_memory(const struct reader *reader)
{
	(void)err_no_memory(reader->err);
	return -EINVAL;
}

/* ---- walking ---- */

static struct at member(const struct at *at, const char *key)
{
	struct at child = {at->reader, json_object_get(at->node, key), ""};

	if (json_is_null(child.node))
		child.node = NULL; /* what Go writes for a list or pointer that is not there */
	if (!json_pointer_append(child.pointer, sizeof(child.pointer), at->pointer, key))
		(void)snprintf(child.pointer, sizeof(child.pointer), "%s", at->pointer);
	return child;
}

static struct at element(const struct at *at, size_t index)
{
	struct at child = {at->reader, json_array_get(at->node, index), ""};
	char token[24];

	(void)snprintf(token, sizeof(token), "%zu", index);
	(void)json_pointer_append(child.pointer, sizeof(child.pointer), at->pointer, token);
	return child;
}

/* Refuses what is no object, and keys that are not in the list. */
static int check_object(const struct at *at, const char *const *keys, size_t count)
{
	const char *key;
	json_t *value;

	if (!json_is_object(at->node))
		return refuse(at, "expected an object");
	json_object_foreach((json_t *)at->node, key, value)
	{
		bool known = text_starts_with(key, "x-") || strcmp(key, "comment") == 0 ||
			     strcmp(key, "comments") == 0;

		for (size_t i = 0; i < count && !known; i++)
			known = strcmp(key, keys[i]) == 0;
		if (!known) {
			struct at child = member(at, key);

			return refuse_word(&child, "key", key, keys, count);
		}
	}
	return 0;
}

static int check_array(const struct at *at)
{
	return json_is_array(at->node) ? 0 : refuse(at, "expected an array");
}

static int read_text(const struct at *at, const char **ret)
{
	if (!json_is_string(at->node))
		return refuse(at, "expected a string");
	*ret = json_string_value(at->node);
	return 0;
}

static int read_number(const struct at *at, uint64_t maximum, uint64_t *ret)
{
	json_int_t value = json_integer_value(at->node);

	if (!json_is_integer(at->node) || value < 0 || (uint64_t)value > maximum)
		return refuse(
			at, "expected an integer from 0 to %llu", (unsigned long long)maximum);
	*ret = (uint64_t)value;
	return 0;
}

/* The index of a word among words. */
static int read_word(
	const struct at *at, const char *kind, const char *const *words, size_t count, size_t *ret)
{
	const char *word = NULL;
	int r = read_text(at, &word);

	for (size_t i = 0; r == 0 && i < count; i++)
		if (strcmp(word, words[i]) == 0) {
			*ret = i;
			return 0;
		}
	return r < 0 ? r : refuse_word(at, kind, word, words, count);
}

/* An array, absent allowed, of words from a list that are checked and not used. */
static int check_words(
	const struct at *at, const char *kind, const char *const *words, size_t count)
{
	int r = at->node ? check_array(at) : 0;

	for (size_t i = 0; r == 0 && i < json_array_size(at->node); i++) {
		struct at word = element(at, i);
		size_t ignored;

		r = read_word(&word, kind, words, count, &ignored);
	}
	return r;
}

/* ---- actions ---- */

enum { NOTIFY = ACTION_COUNT, TRACE };

static int read_action(const struct at *at, struct outcome_of_call *ret, bool *ret_takes_errno)
{
	static const char *const words[] = {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL",
		"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY",
		"SCMP_ACT_TRACE", "SCMP_ACT_TRAP"};
	static const int actions[] = {ACTION_ALLOW, ACTION_ERRNO, ACTION_KILL, ACTION_KILL,
		ACTION_KILL, ACTION_LOG, NOTIFY, TRACE, ACTION_TRAP};
	_Static_assert(COUNT_OF(words) == COUNT_OF(actions), "each word has an action");
	size_t which = 0;
	int r = read_word(at, "action", words, COUNT_OF(words), &which);

	if (r < 0)
		return r;
	if (actions[which] == NOTIFY) {
		r = refuse(at, "SCMP_ACT_NOTIFY is not supported");
		err_hint(at->reader->err, "what a supervisor reads behind a pointer can change "
					  "before the kernel reads it; allow or deny the call");
		return r;
	}
	*ret_takes_errno = actions[which] == ACTION_ERRNO || actions[which] == TRACE;
	*ret = (struct outcome_of_call){(enum syscall_action)actions[which], EPERM};
	if (actions[which] == TRACE)
		*ret = (struct outcome_of_call){ACTION_ERRNO, ENOSYS};
	return 0;
}

/* "errnoRet": 38 in every dialect, "errno": "ENOSYS" beside or instead of it in Podman's. */
static int read_errno(const struct at *at, const char *number_key, const char *name_key,
	bool takes_errno, struct outcome_of_call *ret)
{
	struct at number = member(at, number_key), name = member(at, name_key);
	const char *word = NULL;
	uint64_t value = 0;
	uint16_t named = 0;
	int r = number.node ? read_number(&number, ERRNO_MAXIMUM, &value) : 0;

	if (r == 0 && name.node)
		r = read_text(&name, &word);
	if (r == 0 && word && *word) {
		named = grammar_errno(word);
		if (!named)
			return refuse(&name, "expected the name of an errno, such as \"EPERM\"");
		if (number.node && value != named)
			return refuse(&name, "\"%s\" says another errno", number_key);
	}
	if (r < 0)
		return r;
	if (!takes_errno && number.node)
		return refuse(&number, "this action takes no errno");
	if (takes_errno && (number.node || named))
		ret->error = named ? named : (uint16_t)value;
	return 0;
}

/* ---- conditions ---- */

static const struct {
	const char *word;
	enum syscall_comparison comparison;
} operators[] = {
	{"SCMP_CMP_NE", COMPARE_NOT_IN}, {"SCMP_CMP_LT", COMPARE_LESS},
	{"SCMP_CMP_LE", COMPARE_LESS_EQUAL}, {"SCMP_CMP_EQ", COMPARE_IN},
	{"SCMP_CMP_GE", COMPARE_GREATER_EQUAL}, {"SCMP_CMP_GT", COMPARE_GREATER},
	{"SCMP_CMP_MASKED_EQ", COMPARE_IN}, /* value is the mask */
};

static int read_operator(const struct at *at, size_t *ret)
{
	const char *words[COUNT_OF(operators)];

	for (size_t i = 0; i < COUNT_OF(operators); i++)
		words[i] = operators[i].word;
	return read_word(at, "operator", words, COUNT_OF(words), ret);
}

static int read_condition(const struct at *at, struct syscall_clause *clause)
{
	static const char *const keys[] = {"index", "value", "valueTwo", "op"};
	struct at index_at = member(at, "index"), value_at = member(at, "value");
	struct at second_at = member(at, "valueTwo"), operator_at = member(at, "op");
	uint64_t index = 0, value = 0, second = 0, *values;
	struct syscall_argument *argument;
	size_t operator= 0;
	int r = check_object(at, keys, COUNT_OF(keys));

	if (r == 0)
		r = read_number(&index_at, 5, &index);
	if (r == 0)
		r = read_number(&value_at, INT64_MAX, &value);
	if (r == 0 && second_at.node)
		r = read_number(&second_at, INT64_MAX, &second);
	if (r == 0)
		r = read_operator(&operator_at, &operator);
	if (r < 0)
		return r;
	values = arena_zeroed(at->reader->arena, 1, sizeof(*values));
	if (!values)
		return out_of_memory(at->reader);
	argument = ARENA_APPEND(at->reader->arena, clause->arguments, clause->argument_count);
	if (!argument)
		return out_of_memory(at->reader);
	*argument = (struct syscall_argument){.index = (unsigned)index, .width = 64, .mask = UINT64_MAX, .values = values,
		.value_count = 1, .comparison = operators[operator].comparison};
	*values = value;
	if (operator== COUNT_OF(operators) - 1) {
		argument->mask = value;
		*values =
			second & value; /* libseccomp, too, passes over bits outside of the mask */
	}
	return 0;
}

static int read_conditions(const struct at *at, struct syscall_clause *clause)
{
	bool permits = clause->action == ACTION_ALLOW || clause->action == ACTION_LOG;
	unsigned seen = 0;
	int r = at->node ? check_array(at) : 0;

	for (size_t i = 0; r == 0 && i < json_array_size(at->node); i++) {
		struct at condition = element(at, i);
		unsigned bit;

		r = read_condition(&condition, clause);
		if (r < 0)
			break;
		bit = 1U << clause->arguments[clause->argument_count - 1].index;
		if (seen & bit && !permits) {
			r = refuse(
				&condition, "a second condition on the same argument in a denial");
			err_hint(at->reader->err, "some runtimes deny when either holds, some when "
						  "both do: write an entry for each");
		}
		seen |= bit;
	}
	return r;
}

/* ---- includes and excludes ---- */

struct matches {
	bool any_capability, all_capabilities, architecture, kernel;
	bool lists_capabilities, lists_architectures, lists_kernel;
};

static int read_capabilities(const struct at *at, struct matches *ret)
{
	int r = at->node ? check_array(at) : 0;

	ret->all_capabilities = true;
	for (size_t i = 0; r == 0 && i < json_array_size(at->node); i++) {
		struct at word_at = element(at, i);
		const char *word = NULL;
		int capability;
		bool held;

		r = read_text(&word_at, &word);
		if (r < 0)
			break;
		capability = text_starts_with(word, "CAP_") ? grammar_capability(word) : -1;
		if (capability < 0 || capability > 63)
			return refuse(&word_at, "expected a capability, such as \"CAP_SYS_ADMIN\"");
		held = at->reader->context->capabilities >> capability & 1;
		ret->lists_capabilities = true;
		ret->any_capability = ret->any_capability || held;
		ret->all_capabilities = ret->all_capabilities && held;
	}
	return r;
}

static int read_architectures(const struct at *at, struct matches *ret)
{
	const char *const *ours = at->reader->context->architectures;
	int r = at->node ? check_array(at) : 0;

	for (size_t i = 0; r == 0 && i < json_array_size(at->node); i++) {
		struct at word_at = element(at, i);
		const char *word = NULL;

		r = read_text(&word_at, &word);
		ret->lists_architectures = true;
		for (size_t j = 0;
			r == 0 && word && j < COUNT_OF(at->reader->context->architectures) && ours[j]; j++)
			ret->architecture = ret->architecture || strcmp(word, ours[j]) == 0;
	}
	return r;
}

static int read_kernel(const struct at *at, struct matches *ret)
{
	const struct seccomp_document_context *context = at->reader->context;
	const char *text = NULL, *dot;
	uint64_t major = 0, minor = 0;
	char first[8];
	int r = at->node ? read_text(at, &text) : 0;

	if (r < 0 || !text || !*text)
		return r;
	dot = strchr(text, '.');
	if (!dot || (size_t)(dot - text) >= sizeof(first))
		return refuse(at, "expected a kernel version, such as \"4.8\"");
	memcpy(first, text, (size_t)(dot - text));
	first[dot - text] = '\0';
	if (text_parse_u64(first, 999, &major) < 0 || text_parse_u64(dot + 1, 9999, &minor) < 0)
		return refuse(at, "expected a kernel version, such as \"4.8\"");
	ret->lists_kernel = true;
	ret->kernel = context->kernel_major > major ||
		      (context->kernel_major == major && context->kernel_minor >= minor);
	return 0;
}

static int read_matches(const struct at *at, struct matches *ret)
{
	static const char *const keys[] = {"arches", "caps", "minKernel"};
	struct at capabilities, architectures, kernel;
	int r = at->node ? check_object(at, keys, COUNT_OF(keys)) : 0;

	if (r < 0 || !at->node)
		return r;
	capabilities = member(at, "caps");
	architectures = member(at, "arches");
	kernel = member(at, "minKernel");
	r = read_capabilities(&capabilities, ret);
	if (r == 0)
		r = read_architectures(&architectures, ret);
	return r == 0 ? read_kernel(&kernel, ret) : r;
}

static int read_applies(const struct at *at, bool *ret)
{
	struct at includes_at = member(at, "includes"), excludes_at = member(at, "excludes");
	struct matches includes = {0}, excludes = {0};
	int r = read_matches(&includes_at, &includes);

	if (r == 0)
		r = read_matches(&excludes_at, &excludes);
	if (r < 0)
		return r;
	*ret = !excludes.any_capability && !excludes.architecture && !excludes.kernel &&
	       (!includes.lists_capabilities || includes.all_capabilities) &&
	       (!includes.lists_architectures || includes.architecture) &&
	       (!includes.lists_kernel || includes.kernel);
	return 0;
}

/* ---- entries ---- */

static int read_name(const struct at *at, const char **ret)
{
	const char *name = NULL;
	int r = read_text(at, &name);

	if (r == 0 && (!name || !*name || strlen(name) > 64))
		r = refuse(at, "expected the name of a system call");
	if (r == 0)
		*ret = arena_copy(at->reader->arena, name);
	return r == 0 && !*ret ? out_of_memory(at->reader) : r;
}

static int read_names(const struct at *at, struct syscall_clause *clause)
{
	struct at one = member(at, "name"), many = member(at, "names");
	size_t count = many.node ? json_array_size(many.node) : 0;
	const char **names;
	int r = many.node ? check_array(&many) : 0;

	if (r < 0)
		return r;
	if (!one.node == !count)
		return refuse(at, count ? "\"name\" beside \"names\"" : "expected \"names\"");
	names = arena_zeroed(at->reader->arena, count ? count : 1, sizeof(*names));
	if (!names)
		return out_of_memory(at->reader);
	clause->names = names;
	clause->name_count = count ? count : 1;
	if (!count)
		return read_name(&one, names);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct at name = element(&many, i);

		r = read_name(&name, &names[i]);
	}
	return r;
}

static int read_entry(const struct at *at)
{
	static const char *const keys[] = {
		"action", "args", "errno", "errnoRet", "excludes", "includes", "name", "names"};
	struct reader *reader = at->reader;
	struct entry *entry = ARENA_APPEND(reader->arena, reader->entries, reader->entry_count);
	struct at action = member(at, "action"), conditions = member(at, "args");
	struct outcome_of_call outcome = {0};
	bool takes_errno = false, permits;
	int r = entry ? check_object(at, keys, COUNT_OF(keys)) : out_of_memory(reader);

	if (r == 0)
		r = read_names(at, &entry->clause);
	if (r == 0)
		r = read_action(&action, &outcome, &takes_errno);
	if (r == 0)
		r = read_errno(at, "errnoRet", "errno", takes_errno, &outcome);
	if (r < 0)
		return r;
	permits =
		reader->otherwise.action == ACTION_ALLOW || reader->otherwise.action == ACTION_LOG;
	entry->clause.action = outcome.action;
	entry->clause.error = outcome.action == ACTION_ERRNO ? outcome.error : 0;
	entry->clause.group = reader->document->name;
	entry->clause.rule = (struct rule){.set = true,
		.enforce = ENFORCE_BEST_EFFORT,
		.origin = {reader->document, arena_copy(reader->arena, at->pointer)}};
	if (permits && outcome.action != ACTION_ALLOW && outcome.action != ACTION_LOG)
		entry->clause.rule.enforce =
			ENFORCE_REQUIRED; /* passing a name over here would let the call through */
	reader->name_count += entry->clause.name_count;
	r = entry->clause.rule.origin.pointer ? read_conditions(&conditions, &entry->clause)
					      : out_of_memory(reader);
	if (r == 0)
		r = read_applies(at, &entry->applies);
	if (outcome.action == reader->otherwise.action &&
		(outcome.action != ACTION_ERRNO || outcome.error == reader->otherwise.error))
		entry->applies = false;
	return r;
}

/* ---- what is checked and passed over ---- */

static const char *const architecture_words[] = {"SCMP_ARCH_X86", "SCMP_ARCH_X86_64",
	"SCMP_ARCH_X32", "SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64",
	"SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
	"SCMP_ARCH_PPC", "SCMP_ARCH_PPC64", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390",
	"SCMP_ARCH_S390X", "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64",
	"SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB"};

static int check_architecture_map(const struct at *at)
{
	static const char *const keys[] = {"architecture", "subArchitectures"};
	int r = at->node ? check_array(at) : 0;

	for (size_t i = 0; r == 0 && i < json_array_size(at->node); i++) {
		struct at entry = element(at, i), main_at, sub_at;
		size_t ignored;

		r = check_object(&entry, keys, COUNT_OF(keys));
		if (r < 0)
			break;
		main_at = member(&entry, "architecture");
		sub_at = member(&entry, "subArchitectures");
		r = read_word(&main_at, "architecture", architecture_words,
			COUNT_OF(architecture_words), &ignored);
		if (r == 0)
			r = check_words(&sub_at, "architecture", architecture_words,
				COUNT_OF(architecture_words));
	}
	return r;
}

static int check_unused(const struct at *root)
{
	static const char *const flags[] = {"SECCOMP_FILTER_FLAG_LOG",
		"SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
		"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"};
	struct at architectures = member(root, "architectures"), map = member(root, "archMap"),
		  flags_at = member(root, "flags");
	struct at listener = member(root, "listenerPath"),
		  metadata = member(root, "listenerMetadata");
	int r = check_words(
		&architectures, "architecture", architecture_words, COUNT_OF(architecture_words));

	if (r == 0)
		r = check_architecture_map(&map);
	if (r == 0)
		r = check_words(&flags_at, "flag", flags, COUNT_OF(flags));
	if (r == 0 && (listener.node || metadata.node))
		r = refuse(listener.node ? &listener : &metadata, "listeners are not supported");
	return r;
}

static int read_document(struct reader *reader)
{
	static const char *const keys[] = {"archMap", "architectures", "defaultAction",
		"defaultErrno", "defaultErrnoRet", "flags", "listenerMetadata", "listenerPath",
		"syscalls"};
	struct at root = {reader, reader->document->root, ""};
	struct at action = member(&root, "defaultAction"), entries = member(&root, "syscalls");
	bool takes_errno = false;
	int r = check_object(&root, keys, COUNT_OF(keys));

	if (r == 0)
		r = read_action(&action, &reader->otherwise, &takes_errno);
	if (r == 0)
		r = read_errno(
			&root, "defaultErrnoRet", "defaultErrno", takes_errno, &reader->otherwise);
	if (r == 0)
		r = check_unused(&root);
	if (r == 0 && entries.node)
		r = check_array(&entries);
	for (size_t i = 0; r == 0 && i < json_array_size(entries.node); i++) {
		struct at entry = element(&entries, i);

		r = read_entry(&entry);
	}
	return r;
}

/* ---- order ---- */

/* Names on which an entry without conditions decides; open addressing, never more than half full.
 */
struct name_set {
	const char **slots;
	size_t mask;
};

/* The slot that holds name, or the free one where it belongs. */
static const char **find_name(const struct name_set *set, const char *name)
{
	size_t h = 14695981039346656037U;

	for (const char *c = name; *c; c++)
		h = (h ^ (unsigned char)*c) * 1099511628211U;
	for (h ^= h >> 32;
		set->slots[h & set->mask] && strcmp(set->slots[h & set->mask], name) != 0; h++)
		;
	return &set->slots[h & set->mask];
}

/* Keeps of a clause the names that nobody decides on yet; with claim, the clause then decides on
 * them. */
static void keep_names(const struct name_set *set, struct syscall_clause *clause, bool claim)
{
	const char **names = (const char **)clause->names;
	size_t kept = 0;

	for (size_t i = 0; i < clause->name_count; i++) {
		const char **slot = find_name(set, names[i]);

		if (*slot)
			continue;
		if (claim)
			*slot = names[i];
		names[kept++] = names[i];
	}
	clause->name_count = kept;
}

static int append(struct reader *reader, struct syscalls_section *section,
	const struct syscall_clause *clause)
{
	struct syscall_clause *added;

	if (!clause->name_count)
		return 0;
	added = ARENA_APPEND(reader->arena, section->clauses, section->clause_count);
	if (!added)
		return out_of_memory(reader);
	*added = *clause;
	return 0;
}

static int order_entries(struct reader *reader, struct syscalls_section *section)
{
	static const enum syscall_action lenient_first[] = {
		ACTION_ALLOW, ACTION_LOG, ACTION_ERRNO, ACTION_TRAP, ACTION_KILL};
	_Static_assert(COUNT_OF(lenient_first) == ACTION_COUNT, "each action has its place");
	struct name_set set = {.mask = 15};
	int r = 0;

	while (set.mask < 2 * reader->name_count)
		set.mask = 2 * set.mask + 1;
	set.slots = arena_zeroed(reader->arena, set.mask + 1, sizeof(*set.slots));
	if (!set.slots)
		return out_of_memory(reader);
	for (size_t i = 0; r == 0 && i < reader->entry_count; i++) {
		struct entry *entry = &reader->entries[i];

		if (!entry->applies || entry->clause.argument_count)
			continue;
		keep_names(&set, &entry->clause, true);
		r = append(reader, section, &entry->clause);
	}
	for (size_t rank = 0; rank < COUNT_OF(lenient_first); rank++)
		for (size_t i = reader->entry_count; r == 0 && i-- > 0;) {
			struct entry *entry = &reader->entries[i];

			if (!entry->applies || !entry->clause.argument_count ||
				entry->clause.action != lenient_first[rank])
				continue;
			keep_names(&set, &entry->clause, false);
			r = append(reader, section, &entry->clause);
		}
	return r;
}

int seccomp_document_import_for(const struct seccomp_document_context *context,
	const struct json_document *document, struct arena *arena, struct syscalls_section *section,
	struct err *reterr)
{
	struct reader reader = {
		.context = context, .document = document, .arena = arena, .err = reterr};
	struct syscalls_section made = *section;
	int r = read_document(&reader);

	if (r == 0)
		r = order_entries(&reader, &made);
	if (r < 0)
		return r;
	made.default_action = reader.otherwise.action;
	made.default_error = reader.otherwise.action == ACTION_ERRNO ? reader.otherwise.error : 0;
	*section = made;
	return 0;
}

int seccomp_document_import(const struct json_document *document, struct arena *arena,
	struct syscalls_section *section, struct err *reterr)
{
#if defined(__aarch64__)
	static const struct seccomp_document_context native = {{"arm64", "aarch64"}, 0, 5, 12};
#else
	static const struct seccomp_document_context native = {{"amd64", "x86_64"}, 0, 5, 12};
#endif

	return seccomp_document_import_for(&native, document, arena, section, reterr);
}
