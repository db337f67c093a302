/* registries.conf understood: see mirror.h. */
#include "image/mirror.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/mirror_toml.h"
#include "util/text.h"

/* ---- one file checked ---- */

struct key {
	const char *name;
	json_type type;
};

static const struct key root_keys[] = {{"unqualified-search-registries", JSON_ARRAY},
	{"registry", JSON_ARRAY}, {"aliases", JSON_OBJECT}, {"short-name-mode", JSON_STRING},
	{"credential-helpers", JSON_ARRAY}, {"additional-layer-store-auth-helper", JSON_STRING}};
static const struct key registry_keys[] = {{"prefix", JSON_STRING}, {"location", JSON_STRING},
	{"insecure", JSON_TRUE}, {"blocked", JSON_TRUE}, {"mirror", JSON_ARRAY},
	{"mirror-by-digest-only", JSON_TRUE}};
static const struct key mirror_keys[] = {
	{"location", JSON_STRING}, {"insecure", JSON_TRUE}, {"pull-from-mirror", JSON_STRING}};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct checking {
	const char *name;
	void (*warn)(const char *where, const char *key);
	struct err *err;
};

static int refuse(struct checking *checking, const char *key, const char *message)
{
	char where[512], shown[128];

	(void)snprintf(where, sizeof(where), "%s: %s", checking->name,
		text_escape(key, strlen(key), shown, sizeof(shown)));
	return err_set(checking->err, -EINVAL, where, "%s", message);
}

static bool has_type(const json_t *value, json_type type)
{
	return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

static int check_keys(
	struct checking *checking, json_t *table, const struct key *keys, size_t count)
{
	const char *name;
	json_t *value;

	if (!json_is_object(table))
		return refuse(checking, "registry", "expected tables: [[registry]]");
	json_object_foreach(table, name, value)
	{
		size_t i = 0;

		while (i < count && strcmp(keys[i].name, name) != 0)
			i++;
		if (i == count)
			checking->warn(checking->name, name);
		else if (!has_type(value, keys[i].type))
			return refuse(checking, name, "a value of another type is expected here");
	}
	return 0;
}

/* "quay.io", "quay.io/org", "*.example.com": the grammar of names, so that it can become one. */
static bool is_location(const char *text, bool wildcard)
{
	struct reference reference;
	char whole[600];
	const char *rest = wildcard && text_starts_with(text, "*.") ? text + 2 : text;
	bool only_host = !strchr(rest, '/');

	if (rest != text && !only_host)
		return false;
	/* a host without a dot is a registry here, as it stands */
	(void)snprintf(whole, sizeof(whole), "%s%s", rest, only_host ? "/x" : "");
	if (reference_parse(whole, &reference, NULL) || reference.digest.text[0] ||
		strcmp(reference.tag, "latest") != 0)
		return false;
	return true;
}

static int check_location(struct checking *checking, const json_t *table, const char *key,
	bool wildcard, bool required)
{
	const json_t *value = json_object_get(table, key);

	if (!value)
		return required ? refuse(checking, key, "is missing") : 0;
	return is_location(json_string_value(value), wildcard)
		       ? 0
		       : refuse(checking, key,
				 "not a registry, or a part of one, such as quay.io/organisation");
}

static int check_registry(struct checking *checking, json_t *table)
{
	json_t *mirrors, *mirror;
	size_t index;
	int r = check_keys(checking, table, registry_keys, COUNT(registry_keys));

	if (!r)
		r = check_location(checking, table, "prefix", true, false);
	if (!r)
		r = check_location(
			checking, table, "location", false, !json_object_get(table, "prefix"));
	mirrors = r ? NULL : json_object_get(table, "mirror");
	json_array_foreach(mirrors, index, mirror)
	{
		r = check_keys(checking, mirror, mirror_keys, COUNT(mirror_keys));
		if (!r)
			r = check_location(checking, mirror, "location", false, true);
		if (r)
			break;
	}
	return r;
}

static int check_root(struct checking *checking, json_t *root)
{
	json_t *items, *item;
	size_t index;
	const char *key;
	int r = check_keys(checking, root, root_keys, COUNT(root_keys));

	items = r ? NULL : json_object_get(root, "registry");
	json_array_foreach(items, index, item)
	{
		r = check_registry(checking, item);
		if (r)
			return r;
	}
	items = r ? NULL : json_object_get(root, "unqualified-search-registries");
	json_array_foreach(items, index, item)
	{
		if (!json_is_string(item) || !is_location(json_string_value(item), false))
			return refuse(checking, "unqualified-search-registries",
				"expected names of registries");
	}
	items = r ? NULL : json_object_get(root, "aliases");
	json_object_foreach(items, key, item)
	{
		struct reference reference;

		if (!json_is_string(item) ||
			(json_string_length(item) &&
				reference_parse(json_string_value(item), &reference, NULL)))
			return refuse(checking, key, "an alias stands for the name of an image");
	}
	return r;
}

int mirror_parse(const char *name, const char *text, size_t length,
	void (*warn)(const char *where, const char *key), struct mirror_config *ret,
	struct err *reterr)
{
	struct checking checking = {.name = name, .warn = warn, .err = reterr};
	json_t *root = toml_read(name, text, length, reterr);
	int r;

	if (!root)
		return -EINVAL;
	r = check_root(&checking, root);
	if (!r && !ret->roots)
		ret->roots = json_array();
	if (!r && json_array_append(ret->roots, root))
		r = err_set(reterr, -ENOMEM, name, "out of memory");
	json_decref(root);
	return r;
}

void mirror_config_free(struct mirror_config *config)
{
	json_decref(config->roots);
	config->roots = NULL;
}

/* ---- where to go ---- */

static const char *prefix_of(const json_t *table)
{
	const char *prefix = json_string_value(json_object_get(table, "prefix"));

	return prefix && *prefix ? prefix : json_string_value(json_object_get(table, "location"));
}

/* How much of name ("quay.io/org/app") prefix covers; 0: nothing. */
static size_t covered(const char *name, const char *prefix)
{
	size_t length = strlen(prefix), host = strcspn(name, "/:");

	if (text_starts_with(prefix, "*.")) {
		length--; /* the dot counts: "*.example.com" is not example.com itself */
		if (host <= length || strncmp(name + host - length, prefix + 1, length) != 0)
			return 0;
		return strcspn(name, "/");
	}
	if (strncmp(name, prefix, length) != 0 || (name[length] && name[length] != '/'))
		return 0;
	return length;
}

/* The longest prefix counts; of equal ones, that of the later file. */
static const json_t *find_registry(
	const struct mirror_config *config, const char *name, size_t *ret_length)
{
	const json_t *found = NULL;
	size_t best = 0, i, k;
	json_t *root, *table;

	json_array_foreach(config->roots, i, root)
	{
		json_array_foreach(json_object_get(root, "registry"), k, table)
		{
			const char *prefix = prefix_of(table);
			size_t length = covered(name, prefix), weight = strlen(prefix);

			if (length == 0 || weight < best)
				continue;
			found = table;
			best = weight;
			*ret_length = length;
		}
	}
	return found;
}

/* location in the place of the first length bytes of name. */
static int add_endpoint(struct mirror_endpoints *endpoints, const char *location, const char *name,
	size_t length, bool insecure, struct err *reterr)
{
	struct mirror_endpoint *endpoint = &endpoints->items[endpoints->count];
	struct reference reference;
	char whole[800];

	if (endpoints->count == MIRROR_ENDPOINTS)
		return err_set(
			reterr, -E2BIG, location, "more than %d mirrors", MIRROR_ENDPOINTS - 1);
	(void)snprintf(whole, sizeof(whole), "%s%s", location, name + length);
	if (strcspn(whole, "/") >= sizeof(endpoint->registry) ||
		reference_parse(whole, &reference, NULL))
		return err_set(reterr, -EINVAL, location,
			"with this location the name of the image is none any more");
	/* the first word is the registry, whether it looks like one or not */
	(void)snprintf(endpoint->registry, sizeof(endpoint->registry), "%.*s",
		(int)strcspn(whole, "/"), whole);
	(void)snprintf(endpoint->repository, sizeof(endpoint->repository), "%s",
		whole + strcspn(whole, "/") + 1);
	endpoint->insecure = insecure;
	endpoints->count++;
	return 0;
}

/* Whether a mirror is for such a name: by digest, by tag, or both. */
static bool mirror_serves(const json_t *table, const json_t *mirror, bool by_digest)
{
	const char *from = json_string_value(json_object_get(mirror, "pull-from-mirror"));

	if (json_is_true(json_object_get(table, "mirror-by-digest-only")))
		return by_digest;
	if (from && strcmp(from, "digest-only") == 0)
		return by_digest;
	if (from && strcmp(from, "tag-only") == 0)
		return !by_digest;
	return true;
}

static int add_all(const json_t *table, const char *name, size_t length, bool push, bool by_digest,
	struct mirror_endpoints *endpoints, struct err *reterr)
{
	const char *location = json_string_value(json_object_get(table, "location"));
	json_t *mirror;
	size_t index;
	int r = 0;

	json_array_foreach(json_object_get(table, "mirror"), index, mirror)
	{
		if (push || !mirror_serves(table, mirror, by_digest))
			continue;
		r = add_endpoint(endpoints, json_string_value(json_object_get(mirror, "location")),
			name, length, json_is_true(json_object_get(mirror, "insecure")), reterr);
		if (r)
			return r;
	}
	if (!location || !*location) {
		location = name;
		length = strlen(name);
	}
	return add_endpoint(endpoints, location, name, length,
		json_is_true(json_object_get(table, "insecure")), reterr);
}

int mirror_resolve(const struct mirror_config *config, const struct reference *reference, bool push,
	struct mirror_endpoints *ret, struct err *reterr)
{
	struct mirror_endpoints endpoints = {.count = 0};
	const json_t *table;
	char name[520];
	size_t length = 0;
	int r;

	(void)snprintf(name, sizeof(name), "%s%s%s", reference->registry,
		reference->repository[0] ? "/" : "", reference->repository);
	table = find_registry(config, name, &length);
	if (table && json_is_true(json_object_get(table, "blocked")))
		return err_set(
			reterr, -EACCES, name, "registries.conf blocks %s", prefix_of(table));
	if (!reference->repository[0]) /* the registry itself, to log in to */
		r = add_endpoint(&endpoints, reference->registry, "/x", 0,
			table && json_is_true(json_object_get(table, "insecure")), reterr);
	else if (table)
		r = add_all(
			table, name, length, push, reference->digest.text[0], &endpoints, reterr);
	else
		r = add_endpoint(&endpoints, name, "", 0, false, reterr);
	if (r)
		return r;
	if (!reference->repository[0])
		endpoints.items[0].repository[0] = '\0';
	*ret = endpoints;
	return 0;
}

/* ---- short names ---- */

static const char *find_alias(const struct mirror_config *config, const char *repository)
{
	const char *found = NULL;
	json_t *root;
	size_t i;

	json_array_foreach(config->roots, i, root)
	{
		const json_t *alias = json_object_get(json_object_get(root, "aliases"), repository);

		if (alias) /* an empty one takes back what an earlier file said */
			found = *json_string_value(alias) ? json_string_value(alias) : NULL;
	}
	return found;
}

/* Of the files that say anything of it, the last one counts. */
static json_t *search_list(const struct mirror_config *config)
{
	json_t *root, *found = NULL;
	size_t i;

	json_array_foreach(config->roots, i, root)
	{
		json_t *list = json_object_get(root, "unqualified-search-registries");

		found = list ? list : found;
	}
	return found;
}

static int prepend(struct reference *reference, const char *registry, struct err *reterr)
{
	struct reference whole;
	char name[800];
	int r;

	(void)snprintf(name, sizeof(name), "%s/%s", registry, reference->repository);
	r = reference_parse(name, &whole, reterr);
	if (r)
		return r;
	if (!whole.registry[0]) /* "registry" alone, without a dot: a host all the same */
		return err_set(reterr, -EINVAL, registry, "not a registry with a dot or a port");
	(void)stpcpy(reference->registry, whole.registry);
	(void)stpcpy(reference->repository, whole.repository);
	return 0;
}

int mirror_complete(
	const struct mirror_config *config, struct reference *reference, struct err *reterr)
{
	const char *alias;
	const json_t *list = search_list(config);
	struct reference target;
	char candidates[400] = "";
	size_t index, used = 0;
	json_t *item;
	int r = 0;

	if (reference->registry[0]) {
		reference_complete(reference);
		return 0;
	}
	alias = find_alias(config, reference->repository);
	if (alias && reference_parse(alias, &target, NULL) == 0) {
		(void)stpcpy(reference->registry, target.registry);
		(void)stpcpy(reference->repository, target.repository);
	} else if (json_array_size(list) == 1) {
		r = prepend(reference, json_string_value(json_array_get(list, 0)), reterr);
	} else if (json_array_size(list) > 1) {
		json_array_foreach(list, index, item)
		{
			if (used < sizeof(candidates))
				used += (size_t)snprintf(candidates + used,
					sizeof(candidates) - used, "%s%s/%s", index ? ", " : "",
					json_string_value(item), reference->repository);
		}
		(void)err_set(reterr, -EINVAL, reference->repository,
			"which registry is meant? registries.conf lists several");
		err_hint(reterr, "one of: %s", candidates);
		return -EINVAL;
	}
	if (!r)
		reference_complete(reference);
	return r;
}
