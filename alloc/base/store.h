/* Directories of inputs: files named by the SHA-1 of what is in them, so that each is there once, under the name that
 * libFuzzer gives it too. */
#ifndef ALLOC_BASE_STORE_H
#define ALLOC_BASE_STORE_H

#include "alloc/base/message.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_SHA1_TEXT = 41 };

/* SHA-1 of `length` bytes of memory as 40 lower-case hexadecimal digits. FIPS 180-4. A name, not a protection. */
void cupel_sha1(const void *data, size_t length, char text[CUPEL_SHA1_TEXT]);

/* Stores the bytes in `directory` under their SHA-1, which goes to `name`; makes the directory. `is_new`: it was not
 * there yet. The file is whole or not there. False and a text that names the file on error. */
bool cupel_store_add(const char *directory, const void *data, size_t length, char name[CUPEL_SHA1_TEXT], bool *is_new,
                     struct cupel_error *error);

#ifdef __cplusplus
}
#endif

#endif
