/* Every header of a tar archive, looked at before libarchive sees it: see tar_check.h. */
#include "image/tar_check.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/mutant.h"

#define PAX_BYTES ((uint64_t)1024 * 1024) /* of one extended header: R30's xattrs, and names */
#define PAX_KEYS 4096
#define HIGHEST_ID (UINT32_MAX - 1) /* -1 is "do not change" to chown(2) */

enum state { AT_HEADER, AT_BODY, AT_SPARSE, AT_DATA, AT_END };
enum seen { SEEN_PAX = 1, SEEN_NAME = 2, SEEN_LINK = 4, SEEN_PAX_NAME = 8, SEEN_PAX_LINK = 16 };

/* The fields of a header that matter here: offset and size. */
enum field { FIELD_MODE, FIELD_UID, FIELD_GID, FIELD_SIZE, FIELD_MTIME, FIELD_CHECKSUM };
static const struct {
	const char *name;
	size_t offset, size;
	bool may_be_negative;
	uint64_t maximum;
} fields[] = {
	[FIELD_MODE] = {"mode", 100, 8, false, UINT32_MAX},
	[FIELD_UID] = {"owner", 108, 8, false, HIGHEST_ID},
	[FIELD_GID] = {"group", 116, 8, false, HIGHEST_ID},
	[FIELD_SIZE] = {"size", 124, 12, false, INT64_MAX},
	[FIELD_MTIME] = {"time", 136, 12, true, INT64_MAX},
	[FIELD_CHECKSUM] = {"checksum", 148, 8, false, UINT32_MAX},
};
#define NAME_OFFSET 0
#define NAME_SIZE 100
#define TYPE_OFFSET 156
#define MAGIC_OFFSET 257
#define STAR_OFFSET 508
#define SPARSE_MORE 482   /* of an old GNU sparse header: more of its map follows */
#define SPARSE_MORE_2 504 /* the same in a block of nothing but map */

static int refuse(const struct tar_check *check, struct err *reterr, const char *what)
{
	return err_set(reterr, -EBADMSG, NULL, "the archive is refused at byte %llu: %s",
		(unsigned long long)(check->offset), what);
}

/* ---- numbers ---- */

/* Octal digits between spaces, ended by a space, NUL or the field's end; or GNU's base 256. */
static int parse_number(const unsigned char *text, size_t size, bool *ret_negative, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	*ret_negative = false;
	if (text[0] == 0x80 || text[0] == 0xff) {
		*ret_negative = text[0] == 0xff;
		for (i = 1; i < size; i++) {
			if (i + 8 < size && text[i] != (*ret_negative ? 0xff : 0))
				return -ERANGE;
			value = value << 8 | text[i];
		}
		*ret = value;
		return 0;
	}
	while (i < size && text[i] == ' ')
		i++;
	for (; i < size && text[i] >= '0' && text[i] <= '7'; i++) {
		if (value > UINT64_MAX >> 3)
			return -ERANGE;
		value = value << 3 | (uint64_t)(text[i] - '0');
	}
	for (; i < size; i++)
		if (text[i] != ' ' && text[i] != '\0')
			return -EINVAL;
	*ret = value;
	return 0;
}

static int read_field(
	const struct tar_check *check, enum field field, uint64_t *ret, struct err *reterr)
{
	bool negative = false;
	uint64_t value = 0;
	int r = parse_number(
		check->block + fields[field].offset, fields[field].size, &negative, &value);

	if (r == 0 && negative && fields[field].may_be_negative)
		value = 0; /* before 1970: nothing here counts with it */
	else if (r < 0 || negative || (value > fields[field].maximum && !mutant(MUTANT_TAR_OWNER)))
		return err_set(reterr, -EBADMSG, NULL,
			"the archive is refused at byte %llu: a header's %s is not a number in "
			"range",
			(unsigned long long)check->offset, fields[field].name);
	*ret = value;
	return 0;
}

static bool is_zero(const unsigned char *data, size_t length)
{
	return length == 0 || (data[0] == 0 && memcmp(data, data + 1, length - 1) == 0);
}

/* As POSIX has it, or with the bytes taken as signed, as some old writers had. */
static bool checksum_holds(const unsigned char *block, uint64_t wanted)
{
	int64_t plain = 0, shifted = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++) {
		bool own = i >= fields[FIELD_CHECKSUM].offset &&
			   i < fields[FIELD_CHECKSUM].offset + fields[FIELD_CHECKSUM].size;

		plain += own ? ' ' : block[i];
		shifted += own ? 32 : (signed char)block[i];
	}
	return (int64_t)wanted == plain || (int64_t)wanted == shifted;
}

/* ---- pax headers ---- */

static bool is_decimal(const char *text, size_t length, uint64_t maximum, uint64_t *ret)
{
	uint64_t value = 0;

	if (length == 0 || length > 19)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*ret = value;
	return value <= maximum;
}

/* "-12.5": seconds, and however fine a part of one. */
static bool is_time(const char *text, size_t length)
{
	bool point = false;
	size_t digits = 0;

	if (length > 40)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			digits++;
		else if (text[i] == '.' && !point)
			point = true;
		else if (text[i] != '-' || i > 0)
			return false;
	}
	return digits > 0;
}

enum pax_value { VALUE_NAME, VALUE_ID, VALUE_SIZE, VALUE_TIME };
static const struct {
	const char *key;
	enum pax_value value;
	unsigned seen;
} pax_keys[] = {
	{"path", VALUE_NAME, SEEN_PAX_NAME},
	{"linkpath", VALUE_NAME, SEEN_PAX_LINK},
	{"GNU.sparse.name", VALUE_NAME, 0},
	{"uid", VALUE_ID, 0},
	{"gid", VALUE_ID, 0},
	{"size", VALUE_SIZE, 0},
	{"mtime", VALUE_TIME, 0},
	{"atime", VALUE_TIME, 0},
	{"ctime", VALUE_TIME, 0},
};

static int check_value(struct tar_check *check, const char *key, size_t key_length,
	const char *value, size_t length, struct err *reterr)
{
	uint64_t number;

	for (size_t i = 0; i < sizeof(pax_keys) / sizeof(pax_keys[0]); i++) {
		if (strlen(pax_keys[i].key) != key_length ||
			memcmp(pax_keys[i].key, key, key_length) != 0)
			continue;
		check->seen |= pax_keys[i].seen;
		switch (pax_keys[i].value) {
		case VALUE_NAME:
			if (length == 0 || length >= PATH_MAX ||
				(memchr(value, '\0', length) && !mutant(MUTANT_TAR_NUL)))
				return refuse(check, reterr,
					"a name in a pax header is empty, too long, or holds a "
					"NUL");
			break;
		case VALUE_ID:
			if (!is_decimal(value, length, HIGHEST_ID, &number))
				return refuse(check, reterr,
					"an owner in a pax header is not a number in range");
			break;
		case VALUE_SIZE:
			if (!is_decimal(value, length, INT64_MAX, &check->size))
				return refuse(check, reterr,
					"a size in a pax header is not a number in range");
			break;
		case VALUE_TIME:
			if (!is_time(value, length))
				return refuse(
					check, reterr, "a time in a pax header is not a number");
			break;
		}
	}
	return 0;
}

struct pax_record {
	const char *key, *value;
	size_t key_length, length;
};

/* "LENGTH KEY=VALUE\n" at *cursor; false where it is not that. */
static bool next_record(const char **cursor, const char *end, struct pax_record *ret)
{
	const char *start = *cursor, *space = memchr(start, ' ', (size_t)(end - start)), *equals;
	uint64_t length;

	if (!space || !is_decimal(start, (size_t)(space - start), (uint64_t)(end - start), &length))
		return false;
	end = start + length;
	if (space + 1 >= end || end[-1] != '\n')
		return false;
	equals = memchr(space + 1, '=', (size_t)(end - 1 - (space + 1)));
	if (!equals || equals == space + 1 ||
		memchr(space + 1, '\0', (size_t)(equals - (space + 1))))
		return false;
	*ret = (struct pax_record){.key = space + 1,
		.key_length = (size_t)(equals - (space + 1)),
		.value = equals + 1,
		.length = (size_t)(end - 1 - (equals + 1))};
	*cursor = end;
	return true;
}

static bool has_prefix(const struct pax_record *record, const char *prefix)
{
	size_t length = strlen(prefix);

	return record->key_length >= length && memcmp(record->key, prefix, length) == 0;
}

/* GNU's sparse map of version 0.0 is a run of the same two keys. */
static bool may_repeat(const struct pax_record *record)
{
	return has_prefix(record, "GNU.sparse.offset") || has_prefix(record, "GNU.sparse.numbytes");
}

static int compare_records(const void *a, const void *b)
{
	const struct pax_record *first = a, *second = b;
	size_t shorter =
		first->key_length < second->key_length ? first->key_length : second->key_length;
	int order = memcmp(first->key, second->key, shorter);

	if (order == 0)
		order = (first->key_length > second->key_length) -
			(first->key_length < second->key_length);
	return order;
}

static int check_repeats(
	struct tar_check *check, struct pax_record *records, size_t count, struct err *reterr)
{
	qsort(records, count, sizeof(*records), compare_records);
	for (size_t i = 1; i < count; i++)
		if (compare_records(&records[i - 1], &records[i]) == 0 &&
			!mutant(MUTANT_TAR_PAX_TWICE))
			return refuse(check, reterr, "a pax header has the same key twice");
	return 0;
}

static int check_pax(struct tar_check *check, struct err *reterr)
{
	const char *cursor = check->body, *end = check->body + check->filled;
	struct pax_record *records = calloc(PAX_KEYS, sizeof(*records));
	size_t count = 0;
	int r = records ? 0 : -ENOMEM;

	while (r == 0 && cursor < end) {
		struct pax_record record;

		if (!next_record(&cursor, end, &record))
			r = refuse(
				check, reterr, "a pax header is not made of \"LENGTH KEY=VALUE\"");
		else if (check->type == 'g' && !has_prefix(&record, "comment") &&
			 !mutant(MUTANT_TAR_PAX_GLOBAL))
			r = refuse(check, reterr,
				"a pax header would give all following files an attribute");
		else if (check->type == 'x')
			r = check_value(check, record.key, record.key_length, record.value,
				record.length, reterr);
		if (r < 0 || may_repeat(&record))
			continue;
		if (count == PAX_KEYS)
			r = refuse(check, reterr, "a pax header has too many keys");
		else
			records[count++] = record;
	}
	if (r == 0)
		r = check_repeats(check, records, count, reterr);
	free(records);
	return r;
}

/* GNU's long name: text, and NULs to its end. */
static int check_long_name(struct tar_check *check, struct err *reterr)
{
	size_t length = strnlen(check->body, check->filled);

	if (length == 0 || length >= PATH_MAX ||
		!is_zero((unsigned char *)check->body + length, check->filled - length))
		return refuse(
			check, reterr, "a long name is empty, too long, or goes on after a NUL");
	return 0;
}

static int check_body(struct tar_check *check, struct err *reterr)
{
	int r = check->type == 'x' || check->type == 'g' ? check_pax(check, reterr)
							 : check_long_name(check, reterr);

	free(check->body);
	check->body = NULL;
	return r;
}

/* ---- headers ---- */

/* A header about the next one: its body is collected, and looked at when it is whole. */
static int begin_extended(struct tar_check *check, char type, uint64_t size, struct err *reterr)
{
	unsigned flag = type == 'x'   ? SEEN_PAX
			: type == 'L' ? SEEN_NAME
			: type == 'K' ? SEEN_LINK
				      : 0;

	if (check->seen & flag)
		return refuse(check, reterr, "two extended headers for one file");
	if (size > PAX_BYTES || size == 0)
		return refuse(check, reterr, "an extended header is empty or over 1 MiB");
	check->seen |= flag;
	check->type = type;
	check->left = size;
	check->padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	check->body = malloc(size);
	if (!check->body)
		return err_no_memory(reterr);
	check->state = AT_BODY;
	return 0;
}

static int check_magic(const struct tar_check *check, struct err *reterr)
{
	const char *magic = (const char *)check->block + MAGIC_OFFSET;

	if (memcmp(magic, "ustar", 6) != 0 && memcmp(magic, "ustar  ", 8) != 0 &&
		!is_zero(check->block + MAGIC_OFFSET, 8))
		return refuse(check, reterr, "not a tar header");
	if (memcmp(magic, "ustar", 6) == 0 && memcmp(check->block + STAR_OFFSET, "tar", 4) == 0)
		return refuse(check, reterr, "a header of star's own kind");
	return 0;
}

/* Names that end in "/" are directories to some readers, whatever the type says. */
static bool name_ends_in_slash(const struct tar_check *check)
{
	size_t length = strnlen((const char *)check->block + NAME_OFFSET, NAME_SIZE);

	return length > 0 && check->block[NAME_OFFSET + length - 1] == '/';
}

static int check_entry(struct tar_check *check, char type, uint64_t size, struct err *reterr)
{
	bool has_data = type == '0' || type == '\0' || type == '7' || type == 'S';

	/* finds the NUL of the old regular file as well */
	if (!strchr("01234567S", type) && !mutant(MUTANT_TAR_TYPE))
		return refuse(check, reterr, "a type of entry that layers do not have");
	if (check->size != UINT64_MAX && check->size != size && !mutant(MUTANT_TAR_SIZES))
		return refuse(check, reterr, "a file has two sizes");
	if (size > 0 && !has_data)
		return refuse(check, reterr, "data on an entry that is not a file");
	if ((check->seen & (SEEN_NAME | SEEN_PAX_NAME)) == (SEEN_NAME | SEEN_PAX_NAME) ||
		(check->seen & (SEEN_LINK | SEEN_PAX_LINK)) == (SEEN_LINK | SEEN_PAX_LINK))
		return refuse(check, reterr, "a file has two long names");
	if (!(check->seen & (SEEN_NAME | SEEN_PAX_NAME)) && type != '5' &&
		name_ends_in_slash(check) && (type != '\0' || size > 0))
		return refuse(check, reterr, "a name that ends in \"/\" on what is no directory");
	check->entries++;
	check->seen = 0;
	check->size = UINT64_MAX;
	check->left = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	check->state = check->left ? AT_DATA : AT_HEADER;
	if (type == 'S' && check->block[SPARSE_MORE]) {
		check->state = AT_SPARSE;
	}
	return 0;
}

static int check_header(struct tar_check *check, struct err *reterr)
{
	uint64_t values[FIELD_CHECKSUM + 1];
	char type = (char)check->block[TYPE_OFFSET];
	int r;

	if (is_zero(check->block, TAR_BLOCK)) {
		if (check->seen)
			return refuse(check, reterr, "an extended header without its file");
		check->state = AT_END;
		return 0;
	}
	r = check_magic(check, reterr);
	for (int field = 0; r == 0 && field <= FIELD_CHECKSUM; field++)
		r = read_field(check, (enum field)field, &values[field], reterr);
	if (r < 0)
		return r;
	if (!checksum_holds(check->block, values[FIELD_CHECKSUM]) && !mutant(MUTANT_TAR_CHECKSUM))
		return refuse(check, reterr, "a header's checksum is wrong");
	if (type == 'x' || type == 'g' || type == 'L' || type == 'K')
		return begin_extended(check, type, values[FIELD_SIZE], reterr);
	return check_entry(check, type, values[FIELD_SIZE], reterr);
}

/* ---- the stream ---- */

/* Fills the block; true when it is whole. */
static bool fill(struct tar_check *check, const unsigned char **data, size_t *length)
{
	size_t take = TAR_BLOCK - check->filled;

	if (take > *length)
		take = *length;
	memcpy(check->block + check->filled, *data, take);
	check->filled += take;
	*data += take;
	*length -= take;
	return check->filled == TAR_BLOCK;
}

static int feed_block(
	struct tar_check *check, const unsigned char **data, size_t *length, struct err *reterr)
{
	size_t before = *length;
	int r = 0;

	if (!fill(check, data, length)) {
		check->offset += before - *length;
		return 0;
	}
	check->offset -= TAR_BLOCK - (before - *length); /* where the block began, for messages */
	if (check->state == AT_HEADER)
		r = check_header(check, reterr);
	else if (!check->block[SPARSE_MORE_2])
		check->state = check->left ? AT_DATA : AT_HEADER;
	check->offset += TAR_BLOCK;
	check->filled = 0;
	return r;
}

static int feed_body(
	struct tar_check *check, const unsigned char **data, size_t *length, struct err *reterr)
{
	size_t text = check->left < *length ? (size_t)check->left : *length;
	uint64_t rest;
	int r = 0;

	memcpy(check->body + check->filled, *data, text);
	check->filled += text;
	check->left -= text;
	rest = check->padded < *length ? check->padded : *length; /* with what pads it */
	check->padded -= rest;
	*data += rest;
	*length -= (size_t)rest;
	check->offset += rest;
	if (check->padded == 0) {
		r = check_body(check, reterr);
		check->filled = 0;
		check->state = AT_HEADER;
	}
	return r;
}

static void feed_data(struct tar_check *check, const unsigned char **data, size_t *length)
{
	size_t skip = check->left < *length ? (size_t)check->left : *length;

	check->left -= skip;
	check->offset += skip;
	*data += skip;
	*length -= skip;
	if (check->left == 0)
		check->state = AT_HEADER;
}

void tar_check_start(struct tar_check *check)
{
	check->size = UINT64_MAX;
}

int tar_check_feed(struct tar_check *check, const void *data, size_t length, struct err *reterr)
{
	const unsigned char *at = data;
	int r = 0;

	while (r == 0 && length > 0) {
		switch ((enum state)check->state) {
		case AT_HEADER:
		case AT_SPARSE: r = feed_block(check, &at, &length, reterr); break;
		case AT_BODY: r = feed_body(check, &at, &length, reterr); break;
		case AT_DATA: feed_data(check, &at, &length); break;
		case AT_END:
			if (!is_zero(at, length) && !mutant(MUTANT_TAR_AFTER_END))
				return refuse(check, reterr, "data after the end of the archive");
			check->offset += length;
			return 0;
		}
	}
	return r;
}

int tar_check_finish(struct tar_check *check, struct err *reterr)
{
	free(check->body);
	check->body = NULL;
	if (check->state != AT_END && !mutant(MUTANT_TAR_CUT))
		return refuse(check, reterr, "it ends in the middle");
	return 0;
}
