/* Base64 of RFC 4648: standard alphabet with padding (section 4), and base64url without (section 5, as RFC 7515 uses it). */
#ifndef OBS_BASE_BASE64_H
#define OBS_BASE_BASE64_H

#include "base/text.h"

/* How many characters `size` bytes give (without a NUL). */
size_t obs__base64_size(size_t size);
/* Writes obs__base64_size(size) characters, without a NUL. */
void obs__base64_encode(char *out, const void *data, size_t size);
/* Strict: no blanks, no missing padding, no bits set behind the end. `out` has room for size / 4 * 3 bytes.
 * Returns 1 with *out_size set, or 0. */
int obs__base64_decode(void *out, size_t *out_size, const char *text, size_t size);

/* How many characters of base64url `size` bytes give (without a NUL). */
size_t obs__base64url_size(size_t size);
/* Writes obs__base64url_size(size) characters, without a NUL. */
void obs__base64url_encode(char *out, const void *data, size_t size);
void obs__add_base64url(obs__builder *builder, const void *data, size_t size);
/* Strict: no padding, no blanks, no bits set behind the end, so that each text has one way to be written. `out` has room for
 * size / 4 * 3 + 2 bytes. Returns 1 with *out_size set, or 0. */
int obs__base64url_decode(void *out, size_t *out_size, const char *text, size_t size);

#endif
