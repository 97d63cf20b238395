/* Gives a block back to another allocator than it is from.
 *
 * expect: misuse: foreign-block: a block was given back to an allocator that it is not from: free 0x
 * expect: it belongs to other
 * expect: it is the live block of 16 bytes
 * expect: given by thread 1 at
 * expect: #0 free_elsewhere
 * expect: allocated by thread 1 at
 * expect: #0 allocate_in_other */
#include "alloc/tests/misuse/misuse.h"

STEP void *allocate_in_other(struct cupel_allocator *other) {
    void *block = cupel_alloc(other, 16, 8);
    STAY;
    return block;
}

STEP void free_elsewhere(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 16, 8);
    STAY;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    struct cupel_debug other;
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    options.name = "other";
    struct cupel_allocator *b = cupel_debug_init(&other, cupel_pages(), &options, NULL);
    void *block = allocate_in_other(b);
    free_elsewhere(a, block);
    cupel_free(b, block, 16, 8);
    return misuse_end() + (cupel_debug_deinit(&other) != 0) * 2;
}
