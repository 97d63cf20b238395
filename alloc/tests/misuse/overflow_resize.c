/* Writes behind a block; found when it is resized, in its place or not.
 *
 * expect: misuse: overflow:
 * expect: it is the live block of 24 bytes
 * expect: 1 byte written, 3 behind the end: 2a
 * expect: found by thread 1 at
 * expect: #0 resize_in_place
 * expect: allocated by thread 1 at
 * expect: misuse: overflow:
 * expect: found by thread 1 at
 * expect: #0 resize_away */
#include "alloc/tests/misuse/misuse.h"

STEP bool resize_in_place(struct cupel_allocator *a, void *block) {
    bool has_resized = cupel_resize(a, block, 24, 8, 20);
    STAY;
    return has_resized;
}

STEP void *resize_away(struct cupel_allocator *a, void *block) {
    void *moved = cupel_realloc(a, block, 20, 8, 50000);
    STAY;
    return moved;
}

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 24, 8);
    write_byte(block + 27, 42);
    if (!resize_in_place(a, block)) {
        return 2;
    }
    write_byte(block + 20, 42);
    cupel_free(a, resize_away(a, block), 50000, 8);
    return misuse_end();
}
