/* Reads a freed block, and once more where the report of it is written: the first is told, and the second ends the
 * program, which neither waits for ever nor tells of itself.
 *
 * expect: misuse: use-after-free: memory of a freed block was touched: read 0x
 * status: 139 */
#include "alloc/tests/misuse/misuse.h"

#include <unistd.h>

static const char *block;

STEP int read_freed(void) {
    int value = read_byte(block + 4);
    STAY;
    return value;
}

static void put(void *user, const char *text, size_t length) {
    (void)user;
    if (write(STDOUT_FILENO, text, length) != (ssize_t)length || read_freed() == 0) {
        exit(2);
    }
}

int main(void) {
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    options.name = "misuse";
    options.sink.put = put;
    struct cupel_allocator *a = cupel_debug_init(&misuse_debug, cupel_pages(), &options, NULL);
    if (a == NULL) {
        return 2;
    }
    char *only = cupel_alloc(a, 40, 8);
    cupel_free(a, only, 40, 8);
    block = only;
    return read_freed() == 0xdd ? 0 : 2;
}
