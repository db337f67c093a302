/* Parsers for the text of /proc: see proc.h. */
#include "util/proc.h"

#include <errno.h>
#include <string.h>

/*
 * Decimal without sign, blank or leading zero, up to the character end, which is taken too unless
 * it is the NUL.
 */
static int take_number(const char **cursor, uint64_t maximum, char end, uint64_t *ret)
{
	const char *c = *cursor;
	uint64_t value = 0;

	if (*c < '0' || *c > '9' || (*c == '0' && c[1] >= '0' && c[1] <= '9'))
		return -EINVAL;
	for (; *c >= '0' && *c <= '9'; c++) {
		unsigned digit = (unsigned)(*c - '0');

		if (value > (maximum - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	if (*c != end)
		return -EINVAL;
	*cursor = end ? c + 1 : c;
	*ret = value;
	return 0;
}

static int take_u32(const char **cursor, char end, uint32_t *ret)
{
	uint64_t value;
	int r = take_number(cursor, UINT32_MAX, end, &value);

	if (r == 0)
		*ret = (uint32_t)value;
	return r;
}

int proc_next_line(char **cursor, char **ret_line)
{
	char *end;

	if (!**cursor)
		return 0;
	end = strchr(*cursor, '\n');
	if (!end)
		return -EBADMSG;
	*end = '\0';
	*ret_line = *cursor;
	*cursor = end + 1;
	return 1;
}

/* Cuts the field that ends at the next single space off *cursor; NULL when there is none. */
static char *take_field(char **cursor)
{
	char *field = *cursor, *space = strchr(field, ' ');

	if (!space)
		return NULL;
	*space = '\0';
	*cursor = space + 1;
	return field;
}

/*
 * Undoes in place the escapes that the kernel makes: blank, tab, newline, backslash, and in a
 * source also the hash. Any other escape, and a tab or newline that is none, is not the kernel's
 * writing.
 */
static int unescape(char *text, bool hash)
{
	static const struct {
		char digits[4], character;
	} escapes[] = {{"040", ' '}, {"011", '\t'}, {"012", '\n'}, {"134", '\\'}, {"043", '#'}};
	size_t count = sizeof(escapes) / sizeof(escapes[0]) - !hash;
	char *out = text;

	while (*text) {
		size_t which = 0;

		if (*text == '\t' || *text == '\n')
			return -EINVAL;
		if (*text != '\\') {
			*out++ = *text++;
			continue;
		}
		while (which < count && strncmp(text + 1, escapes[which].digits, 3) != 0)
			which++;
		if (which == count)
			return -EINVAL;
		*out++ = escapes[which].character;
		text += 4;
	}
	*out = '\0';
	return 0;
}

/* "shared:1 master:2 - ": zero or more words, then a lone hyphen. */
static char *take_optional(char **cursor)
{
	char *start = *cursor, *end = start;

	while (strncmp(end, "- ", 2) != 0) {
		end = *end == ' ' ? NULL : strchr(end, ' ');
		if (!end)
			return NULL;
		end++;
	}
	*cursor = end + 2;
	*end = '\0'; /* over the hyphen: for no words at all this is the empty string */
	if (end > start)
		end[-1] = '\0';
	return start;
}

int proc_mount_parse(char *line, struct proc_mount *ret)
{
	struct proc_mount mount;
	const char *numbers = line;
	char *cursor, *root, *target, *source;

	if (take_u32(&numbers, ' ', &mount.id) || take_u32(&numbers, ' ', &mount.parent) ||
		take_u32(&numbers, ':', &mount.major) || take_u32(&numbers, ' ', &mount.minor))
		return -EINVAL;
	cursor = line + (numbers - line);
	root = take_field(&cursor);
	target = root ? take_field(&cursor) : NULL;
	mount.options = target ? take_field(&cursor) : NULL;
	mount.optional = mount.options ? take_optional(&cursor) : NULL;
	mount.type = mount.optional ? take_field(&cursor) : NULL;
	source = mount.type ? take_field(&cursor) : NULL;
	mount.super_options = cursor;
	/*
	 * the type is the only field that may hold neither escape nor be empty; a root of nsfs is
	 * "net:[1]", so it need not be a path
	 */
	if (!source || !*root || target[0] != '/' || !*mount.options || !*mount.type || !*cursor ||
		strchr(cursor, ' '))
		return -EINVAL;
	if (unescape(root, false) || unescape(target, false) || unescape(source, true))
		return -EINVAL;
	mount.root = root;
	mount.target = target;
	mount.source = source;
	*ret = mount;
	return 0;
}

int proc_cgroup_parse(char *line, struct proc_cgroup *ret)
{
	struct proc_cgroup cgroup;
	const char *cursor = line;
	char *colon;

	if (take_u32(&cursor, ':', &cgroup.hierarchy))
		return -EINVAL;
	colon = strchr(cursor, ':');
	if (!colon || colon[1] != '/')
		return -EINVAL;
	*colon = '\0';
	cgroup.controllers = cursor;
	cgroup.path = colon + 1;
	*ret = cgroup;
	return 0;
}

int proc_id_map_parse(const char *line, struct proc_id_map *ret)
{
	struct proc_id_map map = {0};
	uint32_t *const fields[] = {&map.inside, &map.outside, &map.count};

	for (size_t i = 0; i < 3; i++) {
		line += strspn(line, " "); /* the kernel pads to ten columns */
		if (take_u32(&line, i < 2 ? ' ' : '\0', fields[i]))
			return -EINVAL;
	}
	if (map.count == 0 || map.inside > UINT32_MAX - map.count ||
		map.outside > UINT32_MAX - map.count)
		return -EINVAL;
	*ret = map;
	return 0;
}

bool proc_status_find(const char *text, const char *key, const char **ret_value, size_t *ret_length)
{
	size_t length = strlen(key);

	while (*text) {
		const char *end = strchr(text, '\n');

		if (!end)
			return false;
		if (strncmp(text, key, length) == 0 && text[length] == ':') {
			text += length + 1;
			text += strspn(text, " \t");
			*ret_value = text;
			*ret_length = end > text ? (size_t)(end - text) : 0;
			return true;
		}
		text = end + 1;
	}
	return false;
}

int proc_status_number(const char *text, const char *key, uint64_t *ret)
{
	const char *value;
	size_t length;

	if (!proc_status_find(text, key, &value, &length))
		return -ENOENT;
	return take_number(&value, UINT64_MAX, '\n', ret);
}

bool proc_has_word(const char *text, char separator, const char *word)
{
	size_t length = strlen(word);

	for (;;) {
		const char *end = strchrnul(text, separator);

		if ((size_t)(end - text) == length && strncmp(text, word, length) == 0)
			return true;
		if (!*end)
			return false;
		text = end + 1;
	}
}
