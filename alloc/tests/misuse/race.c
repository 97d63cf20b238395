/* Two threads free one block at once: while the first one's report of an overflow is written, which it found on the
 * way, the second comes, and is told first.
 *
 * expect: misuse: concurrent-operations: two threads were at work on one block at once
 * expect: it is the live block of 21 bytes
 * expect: given by thread 2 at
 * expect: #0 free_too
 * expect: allocated by thread 1 at
 * expect: misuse: overflow:
 * expect: found by thread 1 at
 * expect: #0 free_first */
#include "alloc/tests/misuse/misuse.h"

#include <unistd.h>

static struct cupel_allocator *a;
static char *block;
static bool has_come;

STEP void *free_too(void *unused) {
    (void)unused;
    cupel_free(a, block, 21, 8);
    STAY;
    return NULL;
}

STEP void free_first(void) {
    cupel_free(a, block, 21, 8);
    STAY;
}

static void put(void *user, const char *text, size_t length) {
    (void)user;
    if (!has_come) {
        has_come = true;
        (void)misuse_in_thread(free_too, NULL);
    }
    if (write(STDOUT_FILENO, text, length) != (ssize_t)length) {
        exit(2);
    }
}

int main(void) {
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    options.name = "misuse";
    options.sink.put = put;
    a = cupel_debug_init(&misuse_debug, cupel_pages(), &options, NULL);
    if (a == NULL) {
        return 2;
    }
    block = cupel_alloc(a, 21, 8);
    write_byte(block + 21, 42);
    free_first();
    return misuse_end();
}
