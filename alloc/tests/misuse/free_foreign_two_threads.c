/* A thread gives a block of another instance, which a second thread allocated, to this one.
 *
 * expect: misuse: foreign-block:
 * expect: it belongs to other
 * expect: it is the live block of 40 bytes
 * expect: given by thread 2 at
 * expect: #0 free_foreign
 * expect: allocated by thread 1 at
 * expect: #0 allocate */
#include "alloc/tests/misuse/misuse.h"

static struct cupel_allocator *a;

static struct cupel_debug other;

STEP void *allocate(void *unused) {
    (void)unused;
    void *block = cupel_alloc(&other.base, 40, 8);
    STAY;
    return block;
}

STEP void *free_foreign(void *block) {
    cupel_free(a, block, 40, 8);
    STAY;
    return block;
}

int main(void) {
    struct cupel_debug_options options;
    a = misuse_begin("");
    cupel_debug_defaults(&options);
    options.name = "other";
    if (cupel_debug_init(&other, cupel_pages(), &options, NULL) == NULL) {
        return 2;
    }
    cupel_free(&other.base, misuse_in_thread(free_foreign, misuse_in_thread(allocate, NULL)), 40, 8);
    return cupel_debug_deinit(&other) != 0 ? 2 : misuse_end();
}
