/*
 * The names of images. What is accepted is a path and a URL as it stands: no character in it means
 * anything to either; it prints back to what reads the same, in both of its forms.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "image/reference.h"

#define WORD "abcdefghijklmnopqrstuvwxyz0123456789"

static bool same(const struct reference *a, const struct reference *b, bool tag)
{
	return strcmp(a->registry, b->registry) == 0 && strcmp(a->repository, b->repository) == 0 &&
	       (!tag || strcmp(a->tag, b->tag) == 0) && digest_equal(&a->digest, &b->digest);
}

/* What a path or a URL is made of must lead nowhere else. */
static void check_parts(const struct reference *name)
{
	const char *part = name->repository;

	HOLDS(strspn(name->registry, WORD ".-:[]") == strlen(name->registry));
	HOLDS(name->registry[0] != '.' && !strstr(name->registry, ".."));
	HOLDS(*part && strspn(part, WORD "._-/") == strlen(part));
	HOLDS(!strstr(part, "..") && !strstr(part, "//") && part[strlen(part) - 1] != '/');
	for (; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
		HOLDS(*part && strchr(WORD, *part));
	HOLDS(!strpbrk(name->tag, "/:@ ") && name->tag[0] != '.' && name->tag[0] != '-');
	HOLDS(name->tag[0] || name->digest.text[0]);
	HOLDS(!name->digest.text[0] || digest_is_valid(name->digest.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), buffer[REFERENCE_ROOM];
	struct reference name, again;
	struct err err = {0};
	const char *digits;

	HOLDS(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	digits = digest_short(text);
	HOLDS(!digits || (*digits && strspn(digits, "0123456789abcdef") == strlen(digits)));
	if (reference_parse(text, &name, &err)) {
		HOLDS(err.code && err.message[0] && err.hint[0]);
	} else {
		check_parts(&name);
		HOLDS(reference_parse(reference_format(&name, buffer), &again, NULL) == 0);
		HOLDS(same(&name, &again, !name.digest.text[0]));
		reference_complete(&name);
		check_parts(&name);
		HOLDS(name.registry[0]);
		HOLDS(reference_parse(reference_format(&name, buffer), &again, NULL) == 0);
		HOLDS(same(&name, &again, !name.digest.text[0]));
		HOLDS(reference_parse(reference_familiar(&name, buffer), &again, NULL) == 0);
		reference_complete(&again);
		HOLDS(same(&name, &again, !name.digest.text[0]));
	}
	free(text);
	return 0;
}
