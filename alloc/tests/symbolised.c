/* Code to be found by its lines: a function with a block of its own, into which two others are inlined, and one that
 * the linker knows by another name. Built by its own command, with a relative name and by more than one compiler: see
 * alloc/trace.cmake. */

unsigned symbolised(volatile unsigned *count);
unsigned renamed(volatile unsigned *count) __asm__("symbolised_renamed");

__attribute__((always_inline)) static inline unsigned inner(volatile unsigned *count) {
    return *count; /* line 9 */
}

__attribute__((always_inline)) static inline unsigned middle(volatile unsigned *count) {
    return inner(count); /* line 13 */
}

unsigned symbolised(volatile unsigned *count) {
    unsigned i = 0;
    unsigned sum = 0;
    while (i++ < 3) {
        unsigned volatile inside = 1;
        sum += middle(count) * inside; /* line 21 */
    }
    return sum;
}

unsigned renamed(volatile unsigned *count) {
    return *count;
}
