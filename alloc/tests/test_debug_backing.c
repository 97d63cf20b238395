/* Goal: over any allocator, with records from there too, the debug allocator keeps the contract, gives all back, and
 * finds and tells as ever. Method: the contract's checks over a counting layer, leaks that are reachable from known
 * places only, a buffer that is full, and a sink that is a function. */
#include "alloc/counting.h"
#include "alloc/fixed.h"
#include "alloc/libc.h"
#include "alloc/src/debug_state.h"
#include "alloc/tests/contract.h"
#include "alloc/tests/debug_seen.h"

#include <string.h>

#define KERNEL "its memory is the kernel's, which no sweep fails"

TEST(debug_backing, records_from_there_keep_the_contract, .no_sweep = KERNEL, .tags = "slow", .timeout_s = 120) {
    struct cupel_counting counting;
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    REQUIRE(cupel_debug_parse(&options, "records-in-backing:seal=always", NULL));
    struct cupel_allocator *backing = cupel_counting_init(&counting, cupel_libc());
    struct cupel_allocator *a = cupel_debug_init(&debug, backing, &options, NULL);
    REQUIRE(a != NULL);
    CHECK_INT_EQ(debug.state->options.seal, CUPEL_DEBUG_SEAL_NONE); /* there is nothing to seal */
    check_contract(a, (struct contract_limits){1 << 20, 1 << 16});
    check_refusals(a);
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_GT(statistics.overhead_bytes, CUPEL__UNIT); /* more than one piece */
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    CHECK_UINT_EQ(seen.count, 0);
    CHECK(cupel_counts_are_balanced(&counting.counts));
}

TEST(debug_backing, pages_are_no_backing_for_records, .no_sweep = KERNEL) {
    struct cupel_debug debug;
    struct cupel_debug_options options;
    struct cupel_error error;
    cupel_debug_defaults(&options);
    options.records_in_backing = true;
    CHECK(cupel_debug_init(&debug, cupel_pages(), &options, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "records in the backing need one");
    struct cupel_fixed fixed;
    CHECK(cupel_debug_init(&debug, cupel_fixed_init(&fixed, NULL, 0), &options, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "no memory for its records");
}

static void **held; /* a root */

/* In a frame of its own, so that the stack forgets the lost block. */
__attribute__((noinline)) static void lose_blocks(struct cupel_allocator *a, size_t size) {
    held = cupel_alloc_zeroed(a, size, 16);
    void **lost = cupel_alloc_zeroed(a, size, 16);
    void *freed = cupel_alloc_zeroed(a, size, 16);
    REQUIRE(held != NULL && lost != NULL && freed != NULL);
    held[0] = cupel_alloc_zeroed(a, size + 1, 16); /* found through a block that is found */
    memcpy(freed, &lost, sizeof lost);             /* freed memory holds no roots */
    cupel_free(a, freed, size, 16);
}

/* Overwrites what the calls before left on the stack, where no compiler keeps something of its own. */
__attribute__((noinline)) static void clear_stack(void) {
    volatile unsigned char stack[16384];
    for (size_t i = 0; i < sizeof stack; i++) {
        stack[i] = 0;
    }
}

/* Over static memory, which is where roots are looked for. */
static void check_reach(size_t size) {
    static CUPEL_MAX_ALIGNED unsigned char memory[32 * CUPEL__UNIT];
    struct cupel_debug debug;
    struct cupel_fixed fixed;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.records_in_backing = true;
    options.fills_freed = false;
    memset(memory, 0, sizeof memory); /* records from before hold addresses */
    struct cupel_allocator *backing = cupel_fixed_init(&fixed, memory, sizeof memory);
    struct cupel_allocator *a = cupel_debug_init(&debug, backing, &options, NULL);
    REQUIRE(a != NULL);
    lose_blocks(a, size);
    clear_stack();
    CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 3);
    REQUIRE(seen.count == 3);
    CHECK_INT_EQ(seen.all[0].kind, CUPEL_FINDING_LEAK);
    CHECK_UINT_EQ(seen.all[0].bytes, size);
    CHECK_INT_EQ(seen.all[1].kind, CUPEL_FINDING_REACHABLE);
    CHECK_INT_EQ(seen.all[2].kind, CUPEL_FINDING_REACHABLE);
    held = NULL;
    debug.state->options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 3);
}

TEST(debug_backing, what_it_keeps_there_makes_nothing_reachable, .no_sweep = KERNEL, .tags = "slow leak") {
    check_reach(100);
    check_reach(100000);
}

enum { SITES = 20 };

/* A site for each n: equal calls of one place would be one site. */
static void *leak_here(struct cupel_allocator *a, unsigned n) {
    enum { CODE = 16 }; /* as much of it as is read */
    static const char here[SITES * CODE];
    return a->ops->acquire(a, 10, 8, 0, &here[n % SITES * CODE]);
}

TEST(debug_backing, leaks_are_told_where_no_memory_is_left_for_it, .no_sweep = KERNEL, .tags = "leak") {
    static CUPEL_MAX_ALIGNED unsigned char memory[8 * CUPEL__UNIT];
    struct cupel_debug debug;
    struct cupel_fixed fixed;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.records_in_backing = true;
    options.frames = 1;
    options.leaks = CUPEL_DEBUG_LEAKS_ALL;
    struct cupel_allocator *backing = cupel_fixed_init(&fixed, memory, sizeof memory);
    struct cupel_allocator *a = cupel_debug_init(&debug, backing, &options, NULL);
    REQUIRE(a != NULL);
    for (unsigned i = 0; i < 3 * SITES; i++) {
        REQUIRE(leak_here(a, i) != NULL);
    }
    fixed.used = fixed.capacity;
    CHECK_UINT_EQ(cupel_debug_tell_leaks(&debug), 3 * SITES);
    CHECK_UINT_EQ(seen.count, 16);
    for (unsigned i = 0; i < seen.count && i < SEEN; i++) {
        CHECK_UINT_EQ(seen.all[i].blocks, 3);
        CHECK_UINT_EQ(seen.all[i].bytes, 30);
    }
    debug.state->options.leaks = CUPEL_DEBUG_LEAKS_NONE;
    (void)cupel_debug_deinit(&debug);
}

struct line {
    size_t used;
    char text[8192];
};

static void put_line(void *user, const char *text, size_t length) {
    struct line *line = user;
    REQUIRE(length < sizeof line->text - line->used);
    memcpy(line->text + line->used, text, length);
    line->used += length;
    line->text[line->used] = '\0';
}

TEST(debug_backing, a_function_takes_what_a_descriptor_would, .no_sweep = KERNEL, .tags = "slow") {
    static struct line line;
    struct cupel_debug debug;
    struct cupel_debug_options options;
    line.used = 0;
    cupel_debug_defaults(&options);
    options.sink = (struct cupel_sink){.kind = CUPEL_SINK_TEXT, .is_quick = true, .put = put_line, .user = &line};
    options.catches_faults = false;
    options.is_verbose = true;
    options.prints_statistics = true;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 40, 8);
    cupel_free(a, block, 40, 8);
    cupel_free(a, block, 40, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 1);
    CHECK_STR_CONTAINS(line.text, "debug: allocate 40 8 -> 0x");
    CHECK_STR_CONTAINS(line.text, "debug: double-free: a block was freed that had been freed already");
    CHECK_STR_CONTAINS(line.text, "\nacquired 1\n");
}
