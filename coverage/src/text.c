/* Reads whole files: see text.h. */
#include "coverage/src/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_BYTES = 65536 };

bool cupel__text_read_descriptor(struct cupel__text *text, struct cupel_allocator *allocator, int descriptor,
                                 size_t max_bytes, struct cupel_error *error) {
    *text = (struct cupel__text){.allocator = allocator};
    for (;;) {
        if (text->length + 1 >= text->capacity) {
            size_t wanted = text->capacity == 0 ? FIRST_BYTES : text->capacity * 2;
            char *grown = cupel_realloc(allocator, text->data, text->capacity, 1, wanted);
            if (grown == NULL) {
                cupel__text_free(text);
                return cupel_error_set(error, 0, 0, "out of memory");
            }
            text->data = grown;
            text->capacity = wanted;
        }
        ssize_t got = read(descriptor, text->data + text->length, text->capacity - text->length - 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            int cause = errno;
            cupel__text_free(text);
            return cupel_error_set(error, 0, 0, "cannot be read: %s", strerror(cause));
        }
        if (got == 0) {
            text->data[text->length] = '\0';
            return true;
        }
        text->length += (size_t)got;
        if (text->length > max_bytes) {
            cupel__text_free(text);
            return cupel_error_set(error, 0, 0, "is larger than %zu bytes", max_bytes);
        }
    }
}

bool cupel__text_read(struct cupel__text *text, struct cupel_allocator *allocator, const char *path, size_t max_bytes,
                      struct cupel_error *error) {
    *text = (struct cupel__text){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return cupel_error_set(error, 0, 0, "cannot be opened: %s", strerror(errno));
    }
    bool is_read = cupel__text_read_descriptor(text, allocator, descriptor, max_bytes, error);
    (void)close(descriptor);
    return is_read;
}

void cupel__text_free(struct cupel__text *text) {
    if (text->data != NULL) {
        cupel_free(text->allocator, text->data, text->capacity, 1);
    }
    text->data = NULL;
}
