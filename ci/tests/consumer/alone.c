/* The allocator alone, without the harness. */
#include <cupel/alloc/alloc.h>
#include <cupel/alloc/libc.h>
#include <string.h>

int main(void) {
    struct cupel_allocator *a = cupel_libc();
    char *block = cupel_alloc(a, 16, 16);
    if (block == NULL) {
        return 1;
    }
    memset(block, 1, 16);
    cupel_free(a, block, 16, 16);
    return 0;
}
