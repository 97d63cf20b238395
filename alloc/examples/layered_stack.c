/* Example: a stack of layers around a fixed buffer. What the program asks for is counted and logged, the third request
 * fails on purpose, and the buffer is the only memory that it has: nothing here calls malloc.
 *
 * Ends with 0 where everything went as it is told below. */
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/fixed.h"
#include "alloc/logging.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Joins two strings in memory of `a`; NULL when there is none. */
static char *join(struct cupel_allocator *a, const char *first, const char *second, size_t *size) {
    *size = strlen(first) + strlen(second) + 1;
    char *joined = cupel_alloc(a, *size, 1);
    if (joined != NULL) {
        (void)snprintf(joined, *size, "%s%s", first, second);
    }
    return joined;
}

int main(void) {
    static unsigned char memory[4096];
    struct cupel_fixed fixed;
    struct cupel_failing failing;
    struct cupel_logging logging;
    struct cupel_counting counting;
    struct cupel_error error;

    /* Innermost first: each init wraps the one before it. */
    struct cupel_allocator *a = cupel_fixed_init(&fixed, memory, sizeof memory);
    a = cupel_failing_init(&failing, a, "alloc:3", &error);
    if (a == NULL) {
        fprintf(stderr, "layered_stack: %s\n", error.text);
        return 1;
    }
    a = cupel_logging_init(&logging, a, STDOUT_FILENO);
    a = cupel_counting_init(&counting, a);

    char *words[3];
    size_t sizes[3];
    for (unsigned i = 0; i < 3; i++) {
        words[i] = join(a, "number ", i == 0 ? "one" : i == 1 ? "two" : "three", &sizes[i]);
    }
    bool as_told = words[0] != NULL && words[1] != NULL && words[2] == NULL; /* the third failed, as planned */
    for (unsigned i = 3; i-- > 0;) {
        cupel_free(a, words[i], sizes[i], 1);
    }
    as_told = cupel_logging_deinit(&logging) && as_told;
    printf("%" PRIu64 " blocks, at most %" PRIu64 " bytes at once, %" PRIu64
           " refused; %zu bytes of the buffer left taken\n",
           counting.counts.acquired, counting.counts.live_bytes_peak, counting.counts.failed, fixed.used);
    return as_told && cupel_counts_are_balanced(&counting.counts) && fixed.used == 0 ? 0 : 1;
}
