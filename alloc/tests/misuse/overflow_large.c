/* Writes one byte behind a large block, in its last page.
 *
 * expect: misuse: overflow:
 * expect: it is the live block of 100000 bytes
 * expect: 1 byte written, 0 behind the end: 07
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("");
    char *block = cupel_alloc(a, 100000, 16);
    write_byte(block + 100000, 7);
    cupel_free(a, block, 100000, 16);
    return misuse_end();
}
