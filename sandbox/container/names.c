/* Names and ids: see names.h. */
#include "container/names.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util/mutant.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const char adjectives[][12] = {"agile", "amber", "ancient", "bold", "brave", "bright",
	"brisk", "calm", "candid", "clever", "cosy", "crisp", "daring", "deft", "dusky", "eager",
	"early", "earnest", "fair", "fearless", "fleet", "fond", "frosty", "gentle", "giddy",
	"glad", "golden", "grand", "hardy", "hasty", "hidden", "honest", "humble", "idle", "jolly",
	"keen", "kind", "lively", "lofty", "loyal", "lucky", "mellow", "merry", "mild", "modest",
	"neat", "nimble", "noble", "patient", "plain", "polite", "proud", "quick", "quiet", "rapid",
	"rustic", "serene", "sharp", "shy", "silent", "steady", "sunny", "tidy", "witty"};
static const char nouns[][12] = {"alder", "aspen", "badger", "beech", "birch", "bittern", "buzzard",
	"cedar", "chaffinch", "cormorant", "curlew", "dormouse", "dunlin", "egret", "elder", "elm",
	"falcon", "fern", "finch", "fox", "gannet", "goshawk", "grebe", "hare", "hazel", "heron",
	"hornbeam", "ibis", "jackdaw", "juniper", "kestrel", "kite", "lapwing", "larch", "linnet",
	"lynx", "magpie", "maple", "marten", "merlin", "newt", "nightjar", "oak", "osprey", "otter",
	"owl", "petrel", "pine", "plover", "poplar", "quail", "raven", "redwing", "robin", "rowan",
	"siskin", "snipe", "sorrel", "stoat", "swift", "teal", "thrush", "vole", "wren"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(adjectives) == 64 && COUNT(nouns) == 64, "six bits of the id choose each");

bool name_is_valid(const char *text)
{
	size_t length = strnlen(text, CONTAINER_NAME_MAX + 1);

	if (mutant(MUTANT_CONTAINER_NAME))
		return true;
	return length >= 1 && length <= CONTAINER_NAME_MAX && text[0] != '_' && text[0] != '.' &&
	       text[0] != '-' && strspn(text, LETTERS DIGITS "_.-") == length;
}

bool id_is_prefix(const char *text)
{
	size_t length = strnlen(text, CONTAINER_ID_ROOM);

	return length >= 1 && length < CONTAINER_ID_ROOM && strspn(text, DIGITS "abcdef") == length;
}

bool id_is_valid(const char *text)
{
	return id_is_prefix(text) && strlen(text) == CONTAINER_ID_ROOM - 1;
}

int id_make(char ret[CONTAINER_ID_ROOM])
{
	static const char digits[] = DIGITS "abcdef";
	uint8_t random[(CONTAINER_ID_ROOM - 1) / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++) {
		ret[2 * i] = digits[random[i] >> 4];
		ret[2 * i + 1] = digits[random[i] & 15];
	}
	ret[CONTAINER_ID_ROOM - 1] = '\0';
	return 0;
}

const char *name_make(const char *id, unsigned attempt, char buffer[64])
{
	char part[9] = "";
	unsigned long bits;

	(void)snprintf(part, sizeof(part), "%.8s", id);
	bits = strtoul(part, NULL, 16) + attempt;
	if (attempt < 8)
		(void)snprintf(buffer, 64, "%s_%s", adjectives[bits / 64 % 64], nouns[bits % 64]);
	else /* a user with thousands of containers */
		(void)snprintf(buffer, 64, "%s_%s_%.8s", adjectives[bits / 64 % 64],
			nouns[bits % 64], id + 8);
	return buffer;
}
