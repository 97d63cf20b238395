/* A whole file in memory. */
#ifndef COVERAGE_SRC_TEXT_H
#define COVERAGE_SRC_TEXT_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"

#include <stdbool.h>
#include <stddef.h>

struct cupel__text {
    struct cupel_allocator *allocator;
    char *data; /* length bytes and a zero */
    size_t length, capacity;
};

/* Reads a file of at most max_bytes. False and a text naming the cause (not the path) on error. */
bool cupel__text_read(struct cupel__text *text, struct cupel_allocator *allocator, const char *path, size_t max_bytes,
                      struct cupel_error *error);
/* Reads a stream to its end, likewise. */
bool cupel__text_read_descriptor(struct cupel__text *text, struct cupel_allocator *allocator, int descriptor,
                                 size_t max_bytes, struct cupel_error *error);
/* A zeroed struct is allowed. */
void cupel__text_free(struct cupel__text *text);

#endif
