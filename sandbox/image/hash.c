/* Digests over streams, by OpenSSL: see hash.h. */
#include "image/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

struct hash {
	EVP_MD_CTX *stream;
	const char *algorithm;
};

void hash_free(struct hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->stream);
	free(hash);
}

struct hash *hash_start(const struct digest *like)
{
	bool longer = like && text_starts_with(like->text, "sha512:");
	struct hash *hash = calloc(1, sizeof(*hash));

	if (!hash)
		return NULL;
	hash->algorithm = longer ? "sha512" : "sha256";
	hash->stream = EVP_MD_CTX_new();
	if (hash->stream &&
		EVP_DigestInit_ex(hash->stream, longer ? EVP_sha512() : EVP_sha256(), NULL) == 1)
		return hash;
	hash_free(hash);
	return NULL;
}

int hash_add(struct hash *hash, const void *data, size_t length)
{
	return EVP_DigestUpdate(hash->stream, data, length) == 1 ? 0 : -EIO;
}

int hash_finish(struct hash *hash, struct digest *ret)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	char *at;

	if (EVP_DigestFinal_ex(hash->stream, bytes, &length) != 1 ||
		(size_t)2 * length + sizeof("sha512:") > sizeof(ret->text)) {
		hash_free(hash);
		return -EIO;
	}
	*ret = (struct digest){""};
	at = stpcpy(ret->text, hash->algorithm);
	*at++ = ':';
	for (unsigned i = 0; i < length; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 15];
	}
	*at = '\0';
	hash_free(hash);
	return 0;
}

int hash_memory(const struct digest *like, const void *data, size_t length, struct digest *ret)
{
	struct hash *hash = hash_start(like);
	int r;

	if (!hash)
		return -ENOMEM;
	r = hash_add(hash, data, length);
	if (r < 0) {
		hash_free(hash);
		return r;
	}
	return hash_finish(hash, ret);
}

int hash_chain(const struct digest *parent, const struct digest *diff, struct digest *ret)
{
	char pair[2 * DIGEST_ROOM];
	int length;

	if (!parent) {
		*ret = *diff;
		return 0;
	}
	length = snprintf(pair, sizeof(pair), "%s %s", parent->text, diff->text);
	return hash_memory(NULL, pair, (size_t)length, ret);
}
