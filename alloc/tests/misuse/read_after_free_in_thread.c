/* A thread reads what another one freed.
 *
 * expect: misuse: use-after-free: memory of a freed block was touched: read 0x
 * expect: the freed block of 40 bytes
 * expect: read by thread 2 at
 * expect: #0 read_freed
 * expect: freed by thread 1 at
 * expect: #0 free_block
 * status: 139 */
#include "alloc/tests/misuse/misuse.h"

#include <pthread.h>

static struct cupel_allocator *a;

STEP void free_block(void *block) {
    cupel_free(a, block, 40, 8);
    STAY;
}

STEP int read_freed(const char *block) {
    int value = read_byte(block + 4);
    STAY;
    return value;
}

STEP void *read_in_thread(void *block) {
    cupel_free(a, cupel_alloc(a, 3000, 8), 3000, 8);
    return read_freed(block) == 0 ? NULL : block;
}

int main(void) {
    a = misuse_begin("");
    char *block = cupel_alloc(a, 40, 8);
    free_block(block);
    pthread_t thread;
    if (pthread_create(&thread, NULL, read_in_thread, block) != 0) {
        return 2;
    }
    (void)pthread_join(thread, NULL);
    return 0;
}
