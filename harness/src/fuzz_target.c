/* See fuzz_target.h. */
#include "harness/src/fuzz_target.h"

#include "alloc/libc.h"

int cupel__fuzz_initialize(const struct cupel_test *property, int *argc, char ***argv) {
    (void)property;
    (void)argc;
    (void)argv;
    return 0;
}

int cupel__fuzz_one(const struct cupel_test *property, const uint8_t *data, size_t size) {
    struct cupel_bytes bytes;
    cupel_bytes_init(&bytes, data, size);
    property->body(&bytes, cupel_libc());
    return 0;
}
