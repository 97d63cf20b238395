/* Writes behind a block that is never freed; found at the end.
 *
 * expect: misuse: overflow:
 * expect: 3 bytes written, 2 behind the end: 41 ca 42
 * expect: allocated by thread 1 at
 * expect: #0 main */
#include "alloc/tests/misuse/misuse.h"

int main(void) {
    struct cupel_allocator *a = misuse_begin("leaks=none");
    char *block = cupel_alloc(a, 21, 1);
    write_byte(block + 23, 0x41);
    write_byte(block + 25, 0x42);
    return misuse_end();
}
