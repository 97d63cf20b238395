/* Images: the binary form of programs. One program has one image, byte for byte; nothing that is not verified runs
 * (vm_load verifies by itself). Thread-safe: no state but what is passed. */
#ifndef VM_IMAGE_H
#define VM_IMAGE_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the bytes are a sound image: in canonical form, and code that can touch nothing but registers, constants,
 * captures and globals of its own, whatever the values are. Otherwise false, and `error` (may be NULL) says what is
 * wrong and at which byte, or in which word of which function; also where `allocator` gave no memory. Takes about six
 * times the image's size for that time. */
bool vm_verify(struct cupel_allocator *allocator, const void *image, size_t length_bytes, struct cupel_error *error);

#ifdef __cplusplus
}
#endif

#endif
