/* Goal: each pass of a sweep finds what only it can find, with a token that says so, and bounds, samples and shards
 * choose the faults that they promise. Method: functions with one planted defect each, swept here; findings and points
 * are collected. */
#include "alloc/base/progress.h"
#include "harness/harness.h"
#include "harness/sweep.h"

#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 256, STACKS = 4, ROUNDS = 5, BLOCK = 32 };

/* What a sweep told. */
static struct story {
    unsigned findings;
    enum cupel_verdict verdict; /* of the first */
    char token[64];
    char text[2048];
    unsigned points;
    char tokens[POINTS_MAX][32];
    enum cupel_verdict verdicts[POINTS_MAX];
} story;

static void note_finding(void *sink, const struct cupel_sweep_finding *finding) {
    (void)sink;
    if (story.findings++ == 0) {
        story.verdict = finding->verdict;
        (void)snprintf(story.token, sizeof story.token, "%s", finding->token);
        (void)snprintf(story.text, sizeof story.text, "%s", finding->text);
    }
}

static void note_point(void *sink, const struct cupel_sweep_finding *point) {
    (void)sink;
    REQUIRE_UINT_LT(story.points, POINTS_MAX);
    (void)snprintf(story.tokens[story.points], sizeof story.tokens[0], "%s", point->token);
    story.verdicts[story.points++] = point->verdict;
}

static struct cupel_sweep_summary sweep(enum cupel_sweep_end (*function)(struct cupel_allocator *a, void *user),
                                        struct cupel_sweep_options options) {
    memset(&story, 0, sizeof story);
    options.on_finding = note_finding;
    options.on_point = note_point;
    return cupel_sweep(function, NULL, &options);
}

static bool has_point(const char *token) {
    for (unsigned i = 0; i < story.points; i++) {
        if (strcmp(story.tokens[i], token) == 0) {
            return true;
        }
    }
    return false;
}

static void check_only_finding(enum cupel_verdict verdict, const char *token) {
    cupel_note("it told: %s", story.text);
    CHECK_UINT_EQ(story.findings, 1);
    CHECK_INT_EQ(story.verdict, verdict);
    CHECK_STR_EQ(story.token, token);
}

/* A loop that a compiler unrolls or peels has several places that ask. */
#if defined(__clang__)
#define AS_WRITTEN __attribute__((noinline, optnone))
#else
#define AS_WRITTEN __attribute__((noinline))
#endif

/* Called by four functions, so on four call stacks, with five requests each. */
AS_WRITTEN static bool take_round(struct cupel_allocator *a, void *blocks[], unsigned *taken) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        if ((blocks[*taken] = cupel_alloc(a, BLOCK, 8)) == NULL) {
            return false;
        }
        *taken += 1;
    }
    return true;
}

#define TAKE_ROUND(name_)                                                                                              \
    __attribute__((noinline)) static bool name_(struct cupel_allocator *a, void *blocks[], unsigned *taken) {          \
        bool is_done = take_round(a, blocks, taken);                                                                   \
        __asm__ volatile("" : "+r"(is_done)); /* no tail call: it stays on the stack */                                \
        return is_done;                                                                                                \
    }
TAKE_ROUND(take_first)
TAKE_ROUND(take_second)
TAKE_ROUND(take_third)
TAKE_ROUND(take_fourth)

static enum cupel_sweep_end take_all(struct cupel_allocator *a, void *user) {
    void *blocks[STACKS * ROUNDS];
    unsigned taken = 0;
    (void)user;
    bool is_done = take_first(a, blocks, &taken) && take_second(a, blocks, &taken) && take_third(a, blocks, &taken) &&
                   take_fourth(a, blocks, &taken);
    for (unsigned i = 0; i < taken; i++) {
        cupel_free(a, blocks[i], BLOCK, 8);
    }
    return is_done ? CUPEL_SWEEP_DONE : CUPEL_SWEEP_STARVED;
}

TEST(sweep_modes, call_stacks_come_first_and_none_is_lost, .tags = "slow") {
    static const char *const firsts[] = {"alloc:1", "alloc:6", "alloc:11", "alloc:16"};
    struct cupel_sweep_summary summary = sweep(take_all, (struct cupel_sweep_options){.modes = CUPEL_SWEEP_ONCE});
    CHECK_UINT_EQ(summary.stacks, STACKS);
    REQUIRE_UINT_EQ(story.points, STACKS * ROUNDS);
    for (unsigned i = 0; i < STACKS; i++) {
        CHECK_STR_EQ(story.tokens[i], firsts[i]);
    }
    for (unsigned i = 1; i <= STACKS * ROUNDS; i++) {
        char token[32];
        (void)snprintf(token, sizeof token, "alloc:%u", i);
        cupel_note("%s", token);
        CHECK(has_point(token));
    }
}

TEST(sweep_modes, a_number_a_stack_bounds_each_pass, .tags = "slow") {
    struct cupel_sweep_options options = {.modes = CUPEL_SWEEP_ONCE | CUPEL_SWEEP_FROM, .per_stack = 2};
    struct cupel_sweep_summary summary = sweep(take_all, options);
    CHECK_UINT_EQ(story.points, 2 * 2 * STACKS);
    CHECK_UINT_EQ(summary.points, 2 * 2 * STACKS);
    CHECK_UINT_EQ(summary.left_out, 2 * (STACKS * ROUNDS - 2 * STACKS));
    CHECK(has_point("alloc:17+") && !has_point("alloc:18+"));
}

TEST(sweep_modes, a_sample_keeps_each_stack_and_depends_on_the_seed, .tags = "slow") {
    struct cupel_sweep_options options = {.modes = CUPEL_SWEEP_ONCE, .points_max = 8, .seed = 1};
    char before[8][32];
    (void)sweep(take_all, options);
    REQUIRE_UINT_EQ(story.points, 8);
    CHECK(has_point("alloc:1") && has_point("alloc:6") && has_point("alloc:11") && has_point("alloc:16"));
    memcpy(before, story.tokens, sizeof before);
    (void)sweep(take_all, options);
    CHECK_MEM_EQ(story.tokens, before, sizeof before);
    bool is_other = false;
    for (options.seed = 2; options.seed < 12 && !is_other; options.seed++) {
        (void)sweep(take_all, options);
        is_other = memcmp(story.tokens, before, sizeof before) != 0;
    }
    CHECK(is_other);
    options.points_max = 2;
    (void)sweep(take_all, options);
    CHECK_UINT_EQ(story.points, 2);
}

static bool is_set_up;

/* Two call stacks with five requests each, in the first run only. */
static enum cupel_sweep_end set_up_once(struct cupel_allocator *a, void *user) {
    void *blocks[2 * ROUNDS];
    unsigned taken = 0;
    (void)user;
    is_set_up = is_set_up || (take_first(a, blocks, &taken) && take_second(a, blocks, &taken));
    for (unsigned i = 0; i < taken; i++) {
        cupel_free(a, blocks[i], BLOCK, 8);
    }
    return is_set_up ? CUPEL_SWEEP_DONE : CUPEL_SWEEP_STARVED;
}

TEST(sweep_modes, requests_of_the_first_run_are_bounded_as_others, .tags = "slow") {
    struct cupel_sweep_summary summary = sweep(set_up_once, (struct cupel_sweep_options){.per_stack = 0});
    CHECK_UINT_EQ(summary.allocations, 0);
    CHECK_UINT_EQ(summary.first_run, 2 * ROUNDS);
    CHECK_UINT_EQ(summary.first_run_untried, 0);
    CHECK_UINT_EQ(summary.verdicts[CUPEL_VERDICT_OK], 2 * ROUNDS);
    REQUIRE_UINT_EQ(story.points, 2 * ROUNDS);
    CHECK_STR_EQ(story.tokens[0], "alloc:1");
    CHECK_STR_EQ(story.tokens[1], "alloc:6");
    CHECK(has_point("alloc:10") && !has_point("alloc:11"));
    summary = sweep(set_up_once, (struct cupel_sweep_options){.per_stack = 2});
    CHECK_UINT_EQ(summary.points, 4);
    CHECK_UINT_EQ(summary.left_out, 2 * ROUNDS - 4);
    CHECK(has_point("alloc:7") && !has_point("alloc:3"));
    summary = sweep(set_up_once, (struct cupel_sweep_options){.points_max = 3});
    CHECK_UINT_EQ(summary.points, 3);
    CHECK_UINT_EQ(summary.left_out, 2 * ROUNDS - 3);
    summary = sweep(set_up_once, (struct cupel_sweep_options){.shard_index = 1, .shard_count = 3});
    CHECK_UINT_EQ(summary.points, 3);
    summary = sweep(set_up_once, (struct cupel_sweep_options){.modes = CUPEL_SWEEP_ALL & ~CUPEL_SWEEP_FIRST_RUN});
    CHECK_UINT_EQ(summary.points, 0);
    CHECK_UINT_EQ(summary.first_run, 2 * ROUNDS);
    summary = sweep(set_up_once, (struct cupel_sweep_options){.in_process = true});
    CHECK_UINT_EQ(summary.points, 0);
    CHECK_UINT_EQ(summary.first_run_untried, 2 * ROUNDS);
    CHECK_UINT_EQ(summary.left_out, 2 * ROUNDS);
    is_set_up = false;
}

/* Three blocks; where the second is refused, a note of that is written, which takes a block, and without that block the
 * first is lost. */
static enum cupel_sweep_end lose_in_cleanup(struct cupel_allocator *a, void *user) {
    (void)user;
    void *first = cupel_alloc(a, BLOCK, 8);
    if (first == NULL) {
        return CUPEL_SWEEP_STARVED;
    }
    void *second = cupel_alloc(a, BLOCK, 8);
    if (second == NULL) {
        void *note = cupel_alloc(a, BLOCK, 8);
        if (note != NULL) {
            cupel_free(a, note, BLOCK, 8);
            cupel_free(a, first, BLOCK, 8);
        }
        return CUPEL_SWEEP_STARVED;
    }
    cupel_free(a, second, BLOCK, 8);
    cupel_free(a, first, BLOCK, 8);
    return CUPEL_SWEEP_DONE;
}

TEST(sweep_modes, pairs_fail_the_cleanup_too, .tags = "slow leak") {
    (void)sweep(lose_in_cleanup, (struct cupel_sweep_options){.modes = CUPEL_SWEEP_ONCE});
    CHECK_UINT_EQ(story.findings, 0);
    struct cupel_sweep_summary summary =
        sweep(lose_in_cleanup, (struct cupel_sweep_options){.modes = CUPEL_SWEEP_PAIRS});
    check_only_finding(CUPEL_VERDICT_LEAK, "alloc:2,3");
    CHECK_UINT_EQ(summary.points, 2 + 1);
}

/* A block that grows where it stands, or into a new one; where it cannot stay, the old one is lost. */
static enum cupel_sweep_end lose_when_refused_in_place(struct cupel_allocator *a, void *user) {
    (void)user;
    void *block = cupel_alloc(a, 4 * BLOCK, 8);
    if (block == NULL) {
        return CUPEL_SWEEP_STARVED;
    }
    if (!cupel_resize(a, block, 4 * BLOCK, 8, BLOCK)) {
        return CUPEL_SWEEP_STARVED;
    }
    cupel_free(a, block, BLOCK, 8);
    return CUPEL_SWEEP_DONE;
}

/* The same with care, and without a word: growth in place may be refused. */
static enum cupel_sweep_end stay_when_refused_in_place(struct cupel_allocator *a, void *user) {
    (void)user;
    void *block = cupel_alloc(a, 4 * BLOCK, 8);
    if (block == NULL) {
        return CUPEL_SWEEP_STARVED;
    }
    bool is_resized = cupel_resize(a, block, 4 * BLOCK, 8, BLOCK);
    cupel_free(a, block, is_resized ? BLOCK : 4 * BLOCK, 8);
    return CUPEL_SWEEP_DONE;
}

TEST(sweep_modes, growth_in_place_is_refused, .tags = "slow leak") {
    struct cupel_sweep_options options = {.modes = CUPEL_SWEEP_GROW};
    struct cupel_sweep_summary summary = sweep(lose_when_refused_in_place, options);
    check_only_finding(CUPEL_VERDICT_LEAK, "grow:1");
    CHECK_STR_CONTAINS(story.text, "the request that failed (growth in place from 128 to 32 bytes):");
    CHECK_UINT_EQ(summary.growths, 1);
    CHECK_UINT_EQ(summary.points, 1);
    summary = sweep(stay_when_refused_in_place, (struct cupel_sweep_options){.modes = CUPEL_SWEEP_ALL});
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_OK);
    CHECK(has_point("grow:1") && has_point("grow:1+=move"));
}

/* Two texts; the first one grows, and its old address is read afterwards, or only where the second block is
 * refused. Memory that never moves hides both. */
enum { NEVER, ALWAYS, IN_CLEANUP };

static enum cupel_sweep_end read_old_address(struct cupel_allocator *a, int when) {
    char *text = cupel_alloc(a, BLOCK, 1);
    if (text == NULL) {
        return CUPEL_SWEEP_STARVED;
    }
    memcpy(text, "cupel", 6);
    uintptr_t old = (uintptr_t)text;
    char *grown = cupel_realloc(a, text, BLOCK, 1, 2 * BLOCK);
    if (grown == NULL) {
        cupel_free(a, text, BLOCK, 1);
        return CUPEL_SWEEP_STARVED;
    }
    bool has_moved = (uintptr_t)grown != old;
    void *second = cupel_alloc(a, BLOCK, 8);
    bool is_read = when == ALWAYS || (when == IN_CLEANUP && second == NULL);
    cupel_free(a, grown, 2 * BLOCK, 1);
    cupel_free(a, second, BLOCK, 8);
    if (is_read && has_moved) { /* what reading there would come to */
        return CUPEL_SWEEP_WRONG;
    }
    return second == NULL ? CUPEL_SWEEP_STARVED : CUPEL_SWEEP_DONE;
}

static enum cupel_sweep_end read_it_never(struct cupel_allocator *a, void *user) {
    (void)user;
    return read_old_address(a, NEVER);
}

static enum cupel_sweep_end read_it_always(struct cupel_allocator *a, void *user) {
    (void)user;
    return read_old_address(a, ALWAYS);
}

static enum cupel_sweep_end read_it_in_cleanup(struct cupel_allocator *a, void *user) {
    (void)user;
    return read_old_address(a, IN_CLEANUP);
}

/* The root of these: blocks side by side, which grow where they stand. */
struct shelf {
    struct cupel_allocator base;
    unsigned char bytes[8][16 * BLOCK];
    bool is_taken[8];
};

static void *shelf_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    struct shelf *shelf = (struct shelf *)self;
    (void)size, (void)align, (void)flags, (void)site;
    for (unsigned i = 0; i < 8; i++) {
        if (!shelf->is_taken[i]) {
            shelf->is_taken[i] = true;
            return shelf->bytes[i];
        }
    }
    return NULL;
}

static bool shelf_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         const void *site) {
    (void)self, (void)block, (void)size, (void)align, (void)new_size, (void)site;
    return true;
}

static void *shelf_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         unsigned flags, const void *site) {
    (void)self, (void)size, (void)align, (void)new_size, (void)flags, (void)site;
    return block;
}

static void shelf_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct shelf *shelf = (struct shelf *)self;
    (void)size, (void)align, (void)site;
    shelf->is_taken[((unsigned char(*)[16 * BLOCK]) block - shelf->bytes)] = false;
}

TEST(sweep_modes, growth_that_always_moves_finds_old_addresses, .tags = "slow") {
    static const struct cupel_allocator_ops ops = {.name = "shelf",
                                                   .acquire = shelf_acquire,
                                                   .resize = shelf_resize,
                                                   .remap = shelf_remap,
                                                   .release = shelf_release};
    struct shelf shelf = {.base = {&ops}};
    struct cupel_sweep_options options = {.parent = &shelf.base,
                                          .modes = CUPEL_SWEEP_ALL & ~(unsigned)CUPEL_SWEEP_MOVES};
    (void)sweep(read_it_always, options);
    CHECK_UINT_EQ(story.findings, 0);
    options.modes = CUPEL_SWEEP_ALL;
    (void)sweep(read_it_never, options);
    CHECK_UINT_EQ(story.findings, 0);
    (void)sweep(read_it_always, options);
    CHECK_UINT_GE(story.findings, 1);
    CHECK_STR_EQ(story.token, "grow:1+=move");
    CHECK_INT_EQ(story.verdict, CUPEL_VERDICT_WRONG);
    (void)sweep(read_it_in_cleanup, options);
    check_only_finding(CUPEL_VERDICT_WRONG, "alloc:3;grow:1+=move");
}

/* One large block, else two halves; without the second half the first is lost. Once refused, the halves are there; from
 * there on refused, none is. */
static enum cupel_sweep_end lose_a_half(struct cupel_allocator *a, void *user) {
    (void)user;
    void *small = cupel_alloc(a, BLOCK, 8);
    if (small == NULL) {
        return CUPEL_SWEEP_STARVED;
    }
    void *whole = cupel_alloc(a, 4 * BLOCK, 8);
    if (whole != NULL) {
        cupel_free(a, whole, 4 * BLOCK, 8);
        cupel_free(a, small, BLOCK, 8);
        return CUPEL_SWEEP_DONE;
    }
    cupel_free(a, small, BLOCK, 8);
    void *half = cupel_alloc(a, BLOCK, 8);
    void *other = half == NULL ? NULL : cupel_alloc(a, BLOCK, 8);
    if (other != NULL) {
        cupel_free(a, other, BLOCK, 8);
        cupel_free(a, half, BLOCK, 8);
    }
    return CUPEL_SWEEP_STARVED;
}

TEST(sweep_modes, budgets_refuse_what_passes_a_peak, .tags = "slow leak") {
    (void)sweep(lose_a_half, (struct cupel_sweep_options){.modes = CUPEL_SWEEP_ONCE | CUPEL_SWEEP_FROM});
    CHECK_UINT_EQ(story.findings, 0);
    (void)sweep(lose_a_half, (struct cupel_sweep_options){.modes = CUPEL_SWEEP_BUDGETS});
    check_only_finding(CUPEL_VERDICT_LEAK, "alloc:>32");
}

static enum cupel_sweep_end lose_behind_aligned(struct cupel_allocator *a, void *user) {
    (void)user;
    void *first = cupel_alloc(a, BLOCK, 8);
    void *aligned = first == NULL ? NULL : cupel_alloc(a, BLOCK, 256);
    if (aligned == NULL) {
        return CUPEL_SWEEP_STARVED;
    }
    cupel_free(a, aligned, BLOCK, 256);
    cupel_free(a, first, BLOCK, 8);
    return CUPEL_SWEEP_DONE;
}

TEST(sweep_modes, aligned_requests_are_counted_and_told, .tags = "slow leak") {
    struct cupel_sweep_summary summary = sweep(lose_behind_aligned, (struct cupel_sweep_options){.per_stack = 0});
    CHECK_UINT_EQ(summary.aligned, 1);
    CHECK_STR_EQ(story.token, "alloc:2");
    CHECK_STR_CONTAINS(story.text, "the request that failed (32 bytes, aligned to 256):\n    #0 ");
}

/* All that the others do, so that each pass has points. */
static enum cupel_sweep_end do_everything(struct cupel_allocator *a, void *user) {
    static enum cupel_sweep_end (*const all[])(struct cupel_allocator *, void *) = {
        take_all, lose_in_cleanup, read_it_never, stay_when_refused_in_place, lose_a_half};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        enum cupel_sweep_end end = all[i](a, user);
        if (end != CUPEL_SWEEP_DONE) {
            return end;
        }
    }
    return CUPEL_SWEEP_DONE;
}

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

TEST(sweep_modes, shards_together_are_the_whole, .tags = "slow leak") {
    static char whole[POINTS_MAX][32];
    static char parts[POINTS_MAX][32];
    struct cupel_sweep_options options = {.seed = 7};
    for (unsigned round = 0; round < 2; round++) {
        unsigned count = 0;
        options.shard_count = 0;
        options.points_max = round == 0 ? 0 : 9;
        struct cupel_sweep_summary summary = sweep(do_everything, options);
        memcpy(whole, story.tokens, sizeof whole);
        unsigned whole_count = story.points;
        CHECK_UINT_EQ(summary.points, whole_count);
        CHECK(has_point("grow:1+=move") && has_point("alloc:1+"));
        options.shard_count = 3;
        for (options.shard_index = 0; options.shard_index < 3; options.shard_index++) {
            (void)sweep(do_everything, options);
            CHECK_UINT_LT(story.points, whole_count);
            REQUIRE_UINT_LE(count + story.points, POINTS_MAX);
            memcpy(parts[count], story.tokens, story.points * sizeof parts[0]);
            count += story.points;
        }
        qsort(whole, whole_count, sizeof whole[0], compare);
        qsort(parts, count, sizeof parts[0], compare);
        REQUIRE_UINT_EQ(count, whole_count);
        CHECK_MEM_EQ(parts, whole, count * sizeof whole[0]);
    }
}

static enum cupel_sweep_end be_slow(struct cupel_allocator *a, void *user) {
    int64_t start_ns = cupel_clock_ns();
    while (cupel_clock_ns() - start_ns < 2000000) { /* twice the time that the sweep has */
    }
    return take_all(a, user);
}

TEST(sweep_modes, a_sweep_without_time_says_that_it_was_cut, .tags = "slow") {
    struct cupel_sweep_summary summary = sweep(be_slow, (struct cupel_sweep_options){.time_ms = 1});
    CHECK(summary.is_cut);
    CHECK_UINT_LT(summary.points, 2 * STACKS * ROUNDS);
    summary = sweep(be_slow, (struct cupel_sweep_options){.time_ms = 3600000});
    CHECK(!summary.is_cut);
}
