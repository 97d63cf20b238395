/* Example: where does the leak come from? The program keeps a list of names and forgets one of them; tracking prints
 * the call stack that acquired it, with functions' names and addresses that addr2line -e takes.
 *
 * Ends with 0 where exactly the forgotten name was found. */
#include "alloc/libc.h"
#include "alloc/tracking.h"

#include <stdio.h>
#include <string.h>

enum { NAMES = 3 };

static __attribute__((noinline)) char *copy_name(struct cupel_allocator *a, const char *name) {
    char *copy = cupel_alloc(a, strlen(name) + 1, 1);
    if (copy != NULL) {
        memcpy(copy, name, strlen(name) + 1);
    }
    return copy;
}

int main(void) {
    static const char *const names[NAMES] = {"gold", "silver", "lead"};
    struct cupel_tracking tracking;
    struct cupel_allocator *a = cupel_tracking_init(&tracking, cupel_libc());
    char *copies[NAMES];
    for (unsigned i = 0; i < NAMES; i++) {
        copies[i] = copy_name(a, names[i]);
        if (copies[i] == NULL) {
            return 1;
        }
    }
    for (unsigned i = 0; i + 1 < NAMES; i++) { /* the defect: the last one stays behind */
        cupel_free(a, copies[i], strlen(names[i]) + 1, 1);
    }
    uint64_t leaks = cupel_tracking_print(&tracking, stdout);
    const struct cupel_block *leaked = cupel_index_at(&tracking.index, copies[NAMES - 1]);
    bool found = leaks == 1 && leaked != NULL && leaked->size == strlen("lead") + 1 && leaked->serial == NAMES;
    cupel_free(a, copies[NAMES - 1], strlen(names[NAMES - 1]) + 1, 1);
    cupel_tracking_deinit(&tracking);
    return found ? 0 : 1;
}
