/* Goal: the debug allocator finds each misuse with no operating system and no C library under it. Method: over a static
 * buffer, with findings on a serial line; debug_bare.sh looks for the lines that are named below, in order.
 *
 * expect: bare: double-free: a block was freed that had been freed already: free 0x
 * expect:   it is the freed block of 24 bytes at 0x
 * expect:   freed again by thread 1 at
 * expect:     #0 0x
 * expect:   freed first by thread 1 at
 * expect:   allocated by thread 1 at
 * expect: bare: overflow: bytes behind a block were written
 * expect:   1 byte written, 0 behind the end: 07
 * expect: bare: underflow: bytes before a block were written
 * expect: bare: wrong-size: a block was given back with a size that is not its own
 * expect: bare: interior-pointer: an address inside a block was given in place of its beginning
 * expect: bare: wild-pointer: an address was given as a block that no allocation ever returned
 * expect: bare: overflow: bytes behind a block were written
 * expect:   it is the live block of 5000 bytes at 0x
 * expect: bare: write-after-free: bytes of a freed block were written
 * expect:   1 byte written, from offset 3: 09
 * expect: bare: addresses-reused: freed memory is handed out again, since there is no room for more
 * expect: bare: leak: blocks were never freed, and nothing points to them
 * expect:   300 bytes in 3 blocks
 * expect: live_blocks 3
 * expect: findings 9 */
#include "alloc/tests/bare/bare.h"

#include "alloc/debug.h"
#include "alloc/fixed.h"

static unsigned char memory[256 << 10];
static unsigned char elsewhere[8];

static void misuse(struct cupel_debug *debug, struct cupel_allocator *a) {
    unsigned char *block = cupel_alloc(a, 24, 8);
    cupel_free(a, block, 24, 8);
    cupel_free(a, block, 24, 8);
    block = cupel_alloc(a, 25, 8);
    block[25] = 7;
    cupel_free(a, block, 25, 8);
    block = cupel_alloc(a, 25, 8);
    block[-1] = 7;
    cupel_free(a, block, 25, 8);
    block = cupel_alloc(a, 30, 8);
    cupel_free(a, block, 31, 8);
    block = cupel_alloc(a, 40, 8);
    cupel_free(a, block + 8, 40, 8);
    cupel_free(a, elsewhere, 8, 8);
    cupel_free(a, block, 40, 8);
    block = cupel_alloc(a, 5000, 64);
    block[5000] = 7;
    cupel_free(a, block, 5000, 64);
    void *pin = cupel_alloc(a, 100, 8);
    block = cupel_alloc(a, 100, 8);
    cupel_free(a, block, 100, 8);
    block[3] = 9;
    (void)cupel_debug_check(debug);
    cupel_free(a, pin, 100, 8);
}

/* Many times what there is: spans come back, oldest first. False where a request failed or overlapped another. */
static int churn(struct cupel_allocator *a) {
    enum { ROUNDS = 20000, LIVE = 16 };
    static unsigned char *blocks[LIVE];
    for (unsigned i = 0; i < ROUNDS + LIVE; i++) {
        unsigned at = i % LIVE;
        if (i >= LIVE) {
            size_t size = 1 + (i - LIVE) * 37U % 900;
            if (blocks[at][0] != (unsigned char)at || blocks[at][size - 1] != (unsigned char)at) {
                return 0;
            }
            cupel_free(a, blocks[at], size, 16);
        }
        if (i < ROUNDS) {
            size_t size = 1 + i * 37U % 900;
            blocks[at] = cupel_alloc(a, size, 16);
            if (blocks[at] == NULL) {
                return 0;
            }
            memset(blocks[at], (int)at, size);
        }
    }
    return 1;
}

int bare_main(void) {
    struct cupel_fixed fixed;
    struct cupel_debug debug;
    struct cupel_debug_options options;
    struct cupel_error error;
    cupel_debug_defaults(&options);
    options.name = "bare";
    options.sink.put = bare_put;
    options.quarantine_bytes =
        SIZE_MAX; /* a buffer takes nothing back: all is held, and handed out again when it must */
    if (cupel_debug_init(&debug, NULL, &options, &error) != NULL || error.text[0] != 'd') {
        return 2;
    }
    struct cupel_allocator *a =
        cupel_debug_init(&debug, cupel_fixed_init(&fixed, memory, sizeof memory), &options, NULL);
    if (a == NULL) {
        return 3;
    }
    misuse(&debug, a);
    if (!churn(a)) {
        return 4;
    }
    for (volatile unsigned i = 0; i < 3; i++) { /* one site, never unrolled */
        (void)cupel_alloc(a, 100, 8);
    }
    (void)cupel_debug_tell_leaks(&debug);
    cupel_debug_print_statistics(&debug, 0, bare_put, NULL);
    return cupel_debug_findings(&debug) == 9 ? 0 : 5;
}
