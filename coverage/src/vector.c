/* Growing arrays and copied strings: see vector.h. */
#include "coverage/src/vector.h"

#include <stdint.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

bool cupel__cover_grow(struct cupel_allocator *allocator, void *items, size_t *capacity, size_t count,
                       size_t item_size) {
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    if (wanted > PTRDIFF_MAX / item_size) {
        return false;
    }
    void *old;
    memcpy(&old, items, sizeof old);
    void *grown = cupel_realloc(allocator, old, *capacity * item_size, _Alignof(max_align_t), wanted * item_size);
    if (grown == NULL) {
        return false;
    }
    memcpy(items, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}

char *cupel__cover_copy(struct cupel_allocator *allocator, const char *text, size_t length) {
    char *copy = cupel_alloc(allocator, length + 1, 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

void cupel__cover_free_copy(struct cupel_allocator *allocator, char *text) {
    if (text != NULL) {
        cupel_free(allocator, text, strlen(text) + 1, 1);
    }
}
