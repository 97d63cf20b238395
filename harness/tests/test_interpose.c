/* Goal: code that never heard of cupel, linked as an archive or as a shared library, in C and C++, is counted, starved
 * and asked for what it leaves behind, and nobody else is. Method: fixture programs over a stranger's library, run as a
 * user would run them; what needs no failing program is looked at in this one's own layers. */
#include "harness/src/route.h"
#include "harness/src/run.h"
#include "harness/sweep.h"
#include "harness/tests/fixtures/stranger/stranger.h"
#include "harness/tests/tool.h"
#include "harness/tests/watched.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>

#define STATIC TOOL_BIN "tests/fixtures/interposed_static"
#define SHARED TOOL_BIN "tests/fixtures/interposed_shared"
static const char *const programs[] = {STATIC, SHARED};

/* What a sweep over a test of the stranger's library comes to. */
static const struct row {
    const char *name;
    const char *holds[2];
} rows[] = {
    {"stranger.ok", {"ok stranger.ok ", " ok; at least 2 allocations"}},
    {"stranger.grows", {"ok stranger.grows ", " ok; at least 6 allocations, 3 growths"}},
    {"stranger.leaks", {"stranger.leaks (leak, fault alloc:2)", "leak: 1 block of malloc, 32 bytes, left behind"}},
    {"stranger.crashes", {"stranger.crashes (crash, fault alloc:2)", "stranger_open_crashing"}},
    {"stranger.swallows", {"stranger.swallows (swallowed, fault alloc:2)", "stranger_open_silently"}},
    {"stranger.is_wrong", {"stranger.is_wrong (wrong, fault alloc:1)", "book != NULL does not hold"}},
    {"kept.the_last_message", {"ok kept.the_last_message ", " ok; at least 1 allocation"}},
    {"kept.a_table_and_more", {"kept.a_table_and_more (leak, fault alloc:2)", "--warm-up"}},
    {"threads.ask_too", {"ok threads.ask_too ", " ok; at least 3 allocations"}},
    {"children.are_left_alone", {"ok children.are_left_alone ", "nothing to starve"}},
    {"c_library.asks_for_itself", {"ok c_library.asks_for_itself ", "nothing to starve"}},
    {"c_library.grows_our_block", {"ok c_library.grows_our_block ", " ok; at least 1 allocation"}},
};

TEST(interpose, sweeps_a_strangers_library, CUPEL_TABLE(rows), .tags = "slow") {
    const struct row *row = test_row();
    bool is_ok = strncmp(row->holds[0], "ok ", 3) == 0;
    for (size_t i = 0; i < 2; i++) {
        cupel_note("%s", programs[i]);
        const struct tool_run *run = tool("%s --sweep --seed=1 --filter='%s'", programs[i], row->name);
        CHECK_INT_EQ(run->status, is_ok ? 0 : 1);
        CHECK_STR_CONTAINS(run->output, row->holds[0]);
        CHECK_STR_CONTAINS(run->output, row->holds[1]);
    }
}

TEST(interpose, starves_each_function_of_the_family, .tags = "slow") {
    const struct tool_run *run = tool(STATIC " --sweep --seed=1 --filter='family.*'");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "10 passed, 0 failed, 0 skipped\n");
    unsigned with_both = 0;
    for (const char *at = run->output; (at = strstr(at, " 2 allocations, 1 growth")) != NULL; at++) {
        with_both++;
    }
    CHECK_UINT_EQ(with_both, 10);
}

TEST(interpose, replays_a_fault_behind_what_is_kept, .tags = "slow") {
    const struct tool_run *run = tool(STATIC " --filter=kept.a_table_and_more --warm-up --fault='alloc:2'");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED kept.a_table_and_more: leak");
    /* In a fresh program the first request is the table's, and the second is borne. */
    run = tool(STATIC " --filter=kept.a_table_and_more --fault='alloc:2'");
    CHECK_INT_EQ(run->status, 0);
}

TEST(interpose, lists_apart_what_is_kept_once, .tags = "slow") {
    const struct tool_run *run = tool(STATIC " -v --filter='kept.a_table:kept.the_last_message'");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "\n  retained once: 1 block, 4000 bytes, first at stranger_table+0x");
    CHECK_STR_CONTAINS(run->output, "\n  retained once: 1 block, 11 bytes, first at ");
    run = tool(STATIC " --style=none --report=json --filter='kept.a_table'");
    CHECK_STR_CONTAINS(run->output, "\"retained\":\"retained once: 1 block, 4000 bytes");
}

TEST(interpose, calls_it_a_leak_where_it_grows, .tags = "slow") {
    const struct tool_run *run = tool(STATIC " --filter='kept.one_block*'");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED kept.one_block_more_each_time: leak");
    CHECK_STR_CONTAINS(run->output, "leak: 1 block of malloc, 33 bytes, left behind, and more by a second run\n");
    CHECK_STR_CONTAINS(run->output, "33 bytes in 1 block, the first is number 1, acquired at\n");
    CHECK_STR_CONTAINS(run->output, "stranger_lose");
    CHECK_STR_CONTAINS(run->output, "1 passed, 1 failed, 0 skipped\n"); /* the other may */
}

TEST(interpose, a_later_test_may_free_what_an_earlier_one_kept, .tags = "slow") {
    const struct tool_run *run = tool(STATIC " --filter='handed_on.*' -v");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "retained once: 1 block, 55 bytes");
    CHECK_STR_CONTAINS(run->output, "2 passed, 0 failed, 0 skipped\n");
}

TEST(interpose, numbers_the_requests_of_threads_by_their_start, .tags = "slow") {
    static const char *const said[] = {"starved: 1 0 0\n", "starved: 0 1 0\n", "starved: 0 0 1\n"};
    for (unsigned thread = 1; thread <= 3; thread++) {
        const struct tool_run *run = tool(
            STATIC " --filter=threads.ask_too --repeat=2 --repeat-slow --jobs=1 --show-output --fault='alloc:1#%u'",
            thread);
        CHECK_INT_EQ(run->status, 0);
        const char *first = strstr(run->output, said[thread - 1]);
        REQUIRE(first != NULL);
        CHECK(strstr(first + 1, said[thread - 1]) != NULL); /* in the second repeat too */
    }
}

TEST(interpose, budgets_count_plain_malloc, .tags = "slow") {
    const struct tool_run *run = tool(STATIC " -v --filter=kept.a_table --fault='alloc:>3999'");
    CHECK_INT_EQ(run->status, 0);
    run = tool(STATIC " --filter=kept.a_table --fault='alloc:>4000'");
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, "FAILED kept.a_table: not-reached");
}

TEST(interpose, starves_the_c_library_where_asked_for, .tags = "slow") {
    /* It bears some of these itself, by a longer way. */
    const struct tool_run *run = tool(STATIC " --libc-faults --sweep --filter=c_library.asks_for_itself");
    CHECK(strstr(run->output, "nothing to starve") == NULL);
    CHECK_STR_CONTAINS(run->output, "; at least ");
}

TEST(interpose, starves_the_operators_of_cplusplus, .tags = "slow") {
    const struct tool_run *run = tool(STATIC " --list --filter='cplusplus.*'");
    if (run->status == 4) {
        cupel_test_skip("no C++ compiler, or none for this variant");
    }
    run = tool(STATIC " --sweep --filter='cplusplus.words:cplusplus.forms'");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, " ok; at least 9 allocations\n");
    CHECK_STR_CONTAINS(run->output, " ok; at least 6 allocations, 3 aligned\n");
}

#if HAS_ASAN
#define FOUND   "overflow"
#define FINDING "heap-buffer-overflow"
#define AT      "24-byte region"
#elif HAS_MSAN
#define FOUND   "uninitialised"
#define FINDING "use-of-uninitialized-value"
#define AT      "cupel__test_detection_uninitialised"
#endif

TEST(interpose, sanitizers_still_see_each_block, .tags = "slow") {
#ifdef FOUND
    const struct tool_run *run = tool(STATIC " --filter=detection." FOUND);
    CHECK_INT_EQ(run->status, 1);
    CHECK_STR_CONTAINS(run->output, FINDING);
    CHECK_STR_CONTAINS(run->output, AT);
#endif
    CHECK_INT_EQ(tool(STATIC " --filter=detection.nothing_in_a_copy")->status, 0);
}

TEST(interpose, a_program_whose_malloc_is_not_seen_does_not_run, .tags = "slow") {
    const struct tool_run *run = tool(TOOL_BIN "tests/fixtures/unseen");
    CHECK_INT_EQ(run->status, 5);
    CHECK_STR_CONTAINS(run->errors, "unseen: this program's malloc cannot be watched");
    CHECK_STR_EQ(run->output, "");
}

TEST(interpose, says_how_valgrind_leaves_malloc_alone, .tags = "slow",
     .skip = HAS_SANITIZER ? "sanitizers do not run under valgrind" : NULL) {
    if (tool("command -v valgrind")->status != 0) {
        cupel_test_skip("valgrind is not installed");
    }
    const struct tool_run *run = tool("valgrind -q " STATIC " --filter=stranger.ok");
    CHECK_INT_EQ(run->status, 5);
    CHECK_STR_CONTAINS(run->errors, "--soname-synonyms=somalloc=nouserintercepts");
    run = tool("valgrind -q --soname-synonyms=somalloc=nouserintercepts " STATIC " --sweep --filter=stranger.ok");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, " ok; at least 2 allocations");
}

static struct cupel_counts counts(void) {
    return cupel__run.counting.counts;
}

/* cupel_sweep over functions that ask malloc, in this program, within a body. */

static enum cupel_sweep_end open_and_close(struct cupel_allocator *a, void *user) {
    struct stranger_book *(*open)(const char *name) = *(struct stranger_book * (**)(const char *)) user;
    (void)a;
    struct stranger_book *book = open("a book");
    if (book == NULL) {
        return CUPEL_SWEEP_STARVED;
    }
    stranger_close(book);
    return CUPEL_SWEEP_DONE;
}

static const struct function {
    struct stranger_book *(*open)(const char *name);
    enum cupel_verdict worst;
} functions[] = {{stranger_open, CUPEL_VERDICT_OK},
                 {stranger_open_leaking, CUPEL_VERDICT_LEAK},
                 {stranger_open_crashing, CUPEL_VERDICT_CRASH},
                 {stranger_open_silently, CUPEL_VERDICT_SWALLOWED}};

TEST(interpose, a_function_of_any_program_is_swept, CUPEL_TABLE(functions), .tags = "slow crash leak") {
    const struct function *function = test_row();
    struct cupel_sweep_summary summary =
        cupel_sweep(open_and_close, (void *)(uintptr_t)&function->open,
                    &(struct cupel_sweep_options){.plain_malloc = true, .modes = CUPEL_SWEEP_ONCE});
    CHECK_INT_EQ(summary.worst, function->worst);
    CHECK_UINT_EQ(summary.allocations, 2);
    CHECK_UINT_EQ(summary.points, 2);
}

static enum cupel_sweep_end look_into_table(struct cupel_allocator *a, void *user) {
    (void)a, (void)user;
    return stranger_table() != NULL ? CUPEL_SWEEP_DONE : CUPEL_SWEEP_STARVED;
}

/* Only the first run asks for the table; a child that knows nothing of it is refused it. */
TEST(interpose, a_function_of_any_program_is_swept_in_its_first_run, .tags = "slow") {
    struct cupel_sweep_summary summary =
        cupel_sweep(look_into_table, NULL, &(struct cupel_sweep_options){.plain_malloc = true});
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_OK);
    CHECK_UINT_EQ(summary.allocations, 0);
    CHECK_UINT_EQ(summary.first_run, 1);
    CHECK_UINT_EQ(summary.points, 1);
}

TEST(interpose, a_sweep_within_a_body_leaves_its_counts_alone, .no_sweep = "it compares exact counts of requests") {
    struct stranger_book *(*open)(const char *name) = stranger_open;
    void *volatile outer = malloc(10);
    struct cupel_counts before = counts();
    struct cupel_sweep_summary summary =
        cupel_sweep(open_and_close, (void *)(uintptr_t)&open,
                    &(struct cupel_sweep_options){.plain_malloc = true, .in_process = true, .modes = CUPEL_SWEEP_ONCE});
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_OK);
    CHECK_UINT_EQ(summary.points, 2);
    CHECK_UINT_EQ(counts().acquired, before.acquired);
    CHECK_UINT_EQ(counts().live_blocks, before.live_blocks);
    free(outer);
    CHECK_UINT_EQ(counts().live_blocks, before.live_blocks - 1);
}

/* In this program's own layers. */

TEST(interpose, counts_exact_sizes_and_gives_all_back, .no_sweep = "it compares exact counts of requests") {
    struct cupel_counts before = counts();
    char *volatile block = malloc(100);
    struct cupel_counts during = counts();
    CHECK_UINT_EQ(during.acquired - before.acquired, 1);
    CHECK_UINT_EQ(during.live_bytes - before.live_bytes, 100);
    block = realloc(block, 300);
    CHECK_UINT_EQ(counts().live_bytes - before.live_bytes, 300);
    CHECK_UINT_EQ(counts().resized - before.resized, 1);
    CHECK_UINT_EQ(cupel__route_counts().live_bytes, 300);
    free(block);
    CHECK_UINT_EQ(counts().live_bytes, before.live_bytes);
    CHECK_UINT_EQ(counts().address_sum, before.address_sum);
}

TEST(interpose, both_allocators_share_one_stack, .no_sweep = "it compares exact counts of requests") {
    struct cupel_allocator *a = test_allocator();
    struct cupel_counts before = counts();
    void *of_test = cupel_alloc(a, 10, 8);
    void *volatile of_malloc = malloc(20);
    CHECK_UINT_EQ(counts().acquired - before.acquired, 2);
    CHECK_UINT_EQ(counts().live_bytes - before.live_bytes, 30);
    CHECK_UINT_EQ(cupel__route_counts().live_bytes, 20);
    free(of_malloc);
    cupel_free(a, of_test, 10, 8);
}

TEST(interpose, what_is_no_request_is_not_counted) {
    struct cupel_counts before = counts();
    void *block = &before;
    size_t volatile odd = 24;
    free(NULL);
    CHECK_INT_EQ(posix_memalign(&block, odd, 8), EINVAL);
    CHECK(block == &before);
    CHECK_UINT_EQ(counts().acquired, before.acquired);
    CHECK_UINT_EQ(counts().failed, before.failed);
}

TEST(interpose, sizes_beyond_all_memory_are_refused, .no_sweep = "it asks for what nobody has") {
    size_t volatile huge = SIZE_MAX / 2 + 2;
    errno = 0;
    CHECK(malloc(huge) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    char *volatile block = malloc(8);
    REQUIRE(block != NULL);
    *block = 'x';
    errno = 0;
    CHECK(realloc(block, huge) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    CHECK_INT_EQ(*block, 'x');
    CHECK(reallocarray(block, huge, 4) == NULL);
    CHECK_INT_EQ(errno, ENOMEM);
    free(block);
}

TEST(interpose, size_0_is_a_block) {
    struct cupel_counts before = counts();
    void *volatile block = malloc(0);
    STARVED(block == NULL);
    CHECK_UINT_EQ(counts().live_blocks - before.live_blocks, 1);
    CHECK(realloc(block, 0) == NULL);
    CHECK_UINT_EQ(counts().live_blocks, before.live_blocks);
}

TEST(interpose, free_leaves_errno_alone) {
    void *volatile block = malloc(8);
    STARVED(block == NULL);
    errno = EDOM;
    free(block);
    CHECK_INT_EQ(errno, EDOM);
}

/* The operators of C++ by their names as the linker knows them: here nothing is C++. */
#if SIZE_MAX > UINT32_MAX
#define S "m"
#else
#define S "j"
#endif
#define ONE(name, symbol)   void *name(size_t size) __asm__(symbol)
#define TWO(name, symbol)   void *name(size_t size, const void *second) __asm__(symbol)
#define WIDE(name, symbol)  void *name(size_t size, size_t align) __asm__(symbol)
#define THREE(name, symbol) void *name(size_t size, size_t align, const void *third) __asm__(symbol)
ONE(new_one, "_Znw" S);
ONE(new_many, "_Zna" S);
TWO(new_one_quietly, "_Znw" S "RKSt9nothrow_t");
TWO(new_many_quietly, "_Zna" S "RKSt9nothrow_t");
WIDE(new_one_wide, "_Znw" S "St11align_val_t");
WIDE(new_many_wide, "_Zna" S "St11align_val_t");
THREE(new_one_wide_quietly, "_Znw" S "St11align_val_tRKSt9nothrow_t");
THREE(new_many_wide_quietly, "_Zna" S "St11align_val_tRKSt9nothrow_t");
void delete_one(void *block) __asm__("_ZdlPv");
void delete_many(void *block) __asm__("_ZdaPv");
void delete_one_sized(void *block, size_t size) __asm__("_ZdlPv" S);
void delete_many_sized(void *block, size_t size) __asm__("_ZdaPv" S);
void delete_one_wide(void *block, size_t align) __asm__("_ZdlPvSt11align_val_t");
void delete_many_wide(void *block, size_t align) __asm__("_ZdaPvSt11align_val_t");
void delete_one_sized_wide(void *block, size_t size, size_t align) __asm__("_ZdlPv" S "St11align_val_t");
void delete_many_sized_wide(void *block, size_t size, size_t align) __asm__("_ZdaPv" S "St11align_val_t");
void delete_one_quietly(void *block, const void *second) __asm__("_ZdlPvRKSt9nothrow_t");
void delete_many_quietly(void *block, const void *second) __asm__("_ZdaPvRKSt9nothrow_t");
void delete_one_wide_quietly(void *block, size_t align,
                             const void *third) __asm__("_ZdlPvSt11align_val_tRKSt9nothrow_t");
void delete_many_wide_quietly(void *block, size_t align,
                              const void *third) __asm__("_ZdaPvSt11align_val_tRKSt9nothrow_t");

enum { FORM_SIZE = 40, FORM_ALIGN = 64, FORMS = 6 };

/* A block by each form that stands beside a delete, in the order of give_back_each. */
static void take_each(void *blocks[2 * FORMS]) {
    blocks[0] = new_one(FORM_SIZE);
    blocks[1] = new_many(FORM_SIZE);
    blocks[2] = new_one(FORM_SIZE);
    blocks[3] = new_many(FORM_SIZE);
    blocks[4] = new_one_wide(FORM_SIZE, FORM_ALIGN);
    blocks[5] = new_many_wide(FORM_SIZE, FORM_ALIGN);
    blocks[6] = new_one_wide(FORM_SIZE, FORM_ALIGN);
    blocks[7] = new_many_wide(FORM_SIZE, FORM_ALIGN);
    blocks[8] = new_one_quietly(FORM_SIZE, NULL);
    blocks[9] = new_many_quietly(FORM_SIZE, NULL);
    blocks[10] = new_one_wide_quietly(FORM_SIZE, FORM_ALIGN, NULL);
    blocks[11] = new_many_wide_quietly(FORM_SIZE, FORM_ALIGN, NULL);
    for (size_t i = 0; i < 2 * FORMS; i++) {
        REQUIRE(blocks[i] != NULL);
        memset(blocks[i], 1, FORM_SIZE);
        bool is_wide = (i >= 4 && i < 8) || i >= 10;
        CHECK(!is_wide || (uintptr_t)blocks[i] % FORM_ALIGN == 0);
    }
}

static void give_back_each(void *blocks[2 * FORMS]) {
    delete_one(blocks[0]);
    delete_many(blocks[1]);
    delete_one_sized(blocks[2], FORM_SIZE);
    delete_many_sized(blocks[3], FORM_SIZE);
    delete_one_wide(blocks[4], FORM_ALIGN);
    delete_many_wide(blocks[5], FORM_ALIGN);
    delete_one_sized_wide(blocks[6], FORM_SIZE, FORM_ALIGN);
    delete_many_sized_wide(blocks[7], FORM_SIZE, FORM_ALIGN);
    delete_one_quietly(blocks[8], NULL);
    delete_many_quietly(blocks[9], NULL);
    delete_one_wide_quietly(blocks[10], FORM_ALIGN, NULL);
    delete_many_wide_quietly(blocks[11], FORM_ALIGN, NULL);
    delete_one(NULL);
}

/* Counted, and left alone where the layers ask for themselves. */
TEST(interpose, serves_every_operator_of_c_plus_plus,
     .no_sweep = "an operator new without memory aborts where nobody can throw") {
    void *blocks[2 * FORMS];
    void *theirs[2 * FORMS];
    struct cupel__routed before = cupel__route_counts();
    take_each(blocks);
    struct cupel__routed now = cupel__route_counts();
    CHECK_UINT_EQ(now.live_blocks - before.live_blocks, 2 * FORMS);
    CHECK_UINT_EQ(now.live_bytes - before.live_bytes, 2 * FORMS * FORM_SIZE);
    cupel__route_thread.depth++;
    take_each(theirs);
    cupel__route_thread.depth--;
    CHECK_UINT_EQ(cupel__route_counts().live_blocks, now.live_blocks);
    give_back_each(theirs); /* with ours beside them */
    CHECK_UINT_EQ(cupel__route_counts().live_blocks, now.live_blocks);
    give_back_each(blocks);
    CHECK_UINT_EQ(cupel__route_counts().live_blocks, before.live_blocks);
}

/* Where no C++ is linked in, nobody can throw. */
TEST(interpose, new_that_cannot_throw_aborts, .expect_signal = SIGABRT, .tags = "crash slow",
     .skip = HAS_SANITIZER ? "a sanitizer has a word of its own for it" : NULL) {
    delete_one(new_one(SIZE_MAX - 64));
}
