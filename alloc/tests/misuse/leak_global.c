/* Loses a block of the global allocator in debug mode, set by the environment: at exit it is told, and the numbers
 * come.
 *
 * status: 0
 * expect: cupel: leak: blocks were never freed, and nothing points to them
 * expect: 100 bytes in 1 block
 * expect: allocated by thread 1 at
 * expect: #0 lose
 * expect: live_blocks 1
 * expect: requested_bytes 100
 * expect: findings 1
 * expect: queries_ok 1 */
#include "alloc/mode.h"
#include "alloc/query.h"
#include "alloc/tests/misuse/misuse.h"

STEP void lose(void) {
    memset(cupel_global_malloc(100), 1, 100);
    STAY;
}

/* Overwrites what the calls before left on the stack. */
STEP void clear_stack(void) {
    volatile char stack[16384];
    for (size_t i = 0; i < sizeof stack; i++) {
        stack[i] = 0;
    }
    STAY;
}

int main(void) {
    struct cupel_error error;
    struct cupel_query query;
    (void)setenv("CUPEL_ALLOC", "mode=debug:statistics", 1);
    if (!cupel_set_alloc_mode_from_environment(&error)) {
        return 2;
    }
    (void)cupel_query((const void *)16, &query);
    lose();
    clear_stack();
    return 0;
}
