/* Loses a block of the global allocator in debug mode: at exit it is told, and the numbers come, as lines of JSON.
 *
 * status: 0
 * expect: {"kind":"leak","severity":"leak",
 * expect: "blocks":1,"bytes":100,"wrapper_frames":0,"traces":[{"role":"allocated","thread":1,"frames":["0x
 * expect: ]}]
 * expect: {"live_blocks":1,"requested_bytes":100,
 * expect: ,"queries_ok":1,
 * expect: "queries_no_map":0} */
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
    (void)setenv("CUPEL_ALLOC", "mode=debug:statistics:report=json", 1);
    if (!cupel_set_alloc_mode_from_environment(&error)) {
        return 2;
    }
    (void)cupel_query((const void *)16, &query);
    lose();
    clear_stack();
    return 0;
}
