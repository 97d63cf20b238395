/* A fuzz target as it stood before its project knew cupel. */
#include "word.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    free(word_twice((const char *)data, size));
    return 0;
}
