/* Goal: cupel_sweep works in any program: verdicts, tokens, summary, options. Method: functions with planted
 * behaviours, swept here; findings are collected. */
#include "harness/harness.h"
#include "harness/sweep.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 70 }; /* over a batch of faults between two runs without one */

/* What the swept function does where its `at`th request is refused. */
enum mishap { NONE, LEAK, CRASH, WRONG, SWALLOW, BREAK, CHANGE };

struct subject {
    enum mishap mishap;
    unsigned at;
    bool is_broken;
    uint64_t state;
};

struct findings {
    unsigned count;
    enum cupel_verdict verdict;
    char token[40];
    char text[512];
};

static void note_finding(void *sink, const struct cupel_sweep_finding *finding) {
    struct findings *findings = sink;
    findings->count++;
    findings->verdict = finding->verdict;
    (void)snprintf(findings->token, sizeof findings->token, "%s", finding->token);
    (void)snprintf(findings->text, sizeof findings->text, "%s", finding->text);
}

static enum cupel_sweep_end take_many(struct cupel_allocator *a, void *user) {
    struct subject *subject = user;
    void *blocks[COUNT];
    unsigned taken = 0;
    while (taken < COUNT && (blocks[taken] = cupel_alloc(a, 16, 16)) != NULL) {
        taken++;
    }
    bool is_hit = taken + 1 == subject->at;
    unsigned lost = is_hit && subject->mishap == LEAK ? 1 : 0;
    for (unsigned i = lost; i < taken; i++) {
        cupel_free(a, blocks[i], 16, 16);
    }
    if (is_hit && subject->mishap == CRASH) {
        (void)raise(SIGSEGV);
    }
    subject->state += is_hit && subject->mishap == CHANGE;
    if (subject->is_broken || (is_hit && subject->mishap == WRONG)) {
        return CUPEL_SWEEP_WRONG;
    }
    subject->is_broken = is_hit && subject->mishap == BREAK;
    return taken == COUNT || (is_hit && subject->mishap == SWALLOW) ? CUPEL_SWEEP_DONE : CUPEL_SWEEP_STARVED;
}

static uint64_t state_of(void *user) {
    return ((struct subject *)user)->state;
}

static struct cupel_sweep_summary sweep(enum mishap mishap, unsigned at, struct findings *findings,
                                        struct cupel_sweep_options options) {
    struct subject subject = {.mishap = mishap, .at = at};
    *findings = (struct findings){.count = 0};
    options.on_finding = note_finding;
    options.sink = findings;
    return cupel_sweep(take_many, &subject, &options);
}

TEST(sweep_function, all_is_well, .tags = "slow") {
    struct findings findings;
    struct cupel_sweep_summary summary = sweep(NONE, 0, &findings, (struct cupel_sweep_options){.in_process = false});
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_OK);
    CHECK_UINT_EQ(summary.allocations, COUNT);
    CHECK_UINT_EQ(summary.stacks, 1);
    CHECK_UINT_EQ(summary.growths, 0);
    CHECK_UINT_EQ(summary.points, 2 * COUNT + 1); /* once, from there on, and the one budget of the one stack */
    CHECK_UINT_EQ(summary.verdicts[CUPEL_VERDICT_OK], 2 * COUNT + 1);
    CHECK_UINT_EQ(findings.count, 0);
}

TEST(sweep_function, each_verdict_is_told_once_with_its_first_fault, .tags = "slow leak") {
    static const struct {
        enum mishap mishap;
        enum cupel_verdict verdict;
    } rows[] = {{LEAK, CUPEL_VERDICT_LEAK},           {CRASH, CUPEL_VERDICT_CRASH},
                {WRONG, CUPEL_VERDICT_WRONG},         {SWALLOW, CUPEL_VERDICT_SWALLOWED},
                {BREAK, CUPEL_VERDICT_NOT_RECOVERED}, {CHANGE, CUPEL_VERDICT_STATE_CHANGED}};
    static const unsigned places[] = {1, 5, 64, 65, 70};
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        for (size_t place = 0; place < sizeof places / sizeof places[0]; place++) {
            struct findings findings;
            unsigned at = places[place] + (rows[row].mishap == LEAK && places[place] == 1); /* one block to lose */
            struct cupel_sweep_options options = {.strong = state_of, .modes = CUPEL_SWEEP_ONCE | CUPEL_SWEEP_FROM};
            struct cupel_sweep_summary summary = sweep(rows[row].mishap, at, &findings, options);
            char token[40];
            (void)snprintf(token, sizeof token, "alloc:%u", at);
            cupel_note("verdict %s at %u: %s", cupel_verdict_name(rows[row].verdict), at, findings.text);
            CHECK_INT_EQ(summary.worst, rows[row].verdict);
            CHECK_UINT_EQ(summary.verdicts[rows[row].verdict], 2);
            CHECK_UINT_EQ(summary.verdicts[CUPEL_VERDICT_OK], 2 * COUNT - 2);
            CHECK_UINT_EQ(summary.points, 2 * COUNT);
            CHECK_UINT_EQ(findings.count, 1);
            CHECK_INT_EQ(findings.verdict, rows[row].verdict);
            CHECK_STR_EQ(findings.token, token);
        }
    }
}

TEST(sweep_function, options_narrow_it, .allow_leak = true, .tags = "slow leak") {
    struct findings findings;
    struct cupel_sweep_options options = {.modes = CUPEL_SWEEP_ONCE, .points_max = 10, .in_process = true};
    struct cupel_sweep_summary summary = sweep(LEAK, 21, &findings, options);
    CHECK_UINT_EQ(summary.points, 10);
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_OK);
    options.points_max = 0;
    summary = sweep(LEAK, 21, &findings, options);
    CHECK_UINT_EQ(summary.points, COUNT);
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_LEAK);
    CHECK_STR_EQ(findings.token, "alloc:21");
}

static enum cupel_sweep_end leak_always(struct cupel_allocator *a, void *user) {
    *(void **)user = cupel_alloc(a, 1, 1);
    return CUPEL_SWEEP_DONE;
}

TEST(sweep_function, a_function_that_fails_by_itself_is_not_swept, .allow_leak = true, .tags = "slow") {
    void *volatile kept = NULL;
    struct cupel_sweep_summary summary = cupel_sweep(leak_always, (void *)&kept, NULL);
    CHECK(summary.is_baseline);
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_LEAK);
    CHECK_UINT_EQ(summary.points, 0);
}

/* Wants one block more after each fault: there is always a next one. */
static enum cupel_sweep_end want_more(struct cupel_allocator *a, void *user) {
    unsigned *wanted = user;
    for (unsigned i = 0; i < *wanted; i++) {
        void *block = cupel_alloc(a, 8, 8);
        if (block == NULL) {
            *wanted += 1;
            return CUPEL_SWEEP_STARVED;
        }
        cupel_free(a, block, 8, 8);
    }
    return CUPEL_SWEEP_DONE;
}

TEST(sweep_function, a_function_without_a_last_allocation_is_given_up, .tags = "slow") {
    unsigned wanted = 1;
    struct cupel_sweep_options options = {.modes = CUPEL_SWEEP_ONCE};
    struct cupel_sweep_summary summary = cupel_sweep(want_more, &wanted, &options);
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_NONDETERMINISTIC);
    CHECK_UINT_GT(summary.points, 1000);
}

/* In one process the function itself sees how often it ran without a fault. */
static enum cupel_sweep_end count_runs(struct cupel_allocator *a, void *user) {
    unsigned *full_runs = user;
    for (unsigned i = 0; i < 200; i++) {
        void *block = cupel_alloc(a, 8, 8);
        if (block == NULL) {
            return CUPEL_SWEEP_STARVED;
        }
        cupel_free(a, block, 8, 8);
    }
    *full_runs += 1;
    return CUPEL_SWEEP_DONE;
}

TEST(sweep_function, a_run_without_a_fault_follows_each_batch, .tags = "slow") {
    unsigned full_runs = 0;
    struct cupel_sweep_options options = {.modes = CUPEL_SWEEP_ONCE, .in_process = true};
    struct cupel_sweep_summary summary = cupel_sweep(count_runs, &full_runs, &options);
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_OK); /* also where this test is swept: that must not reach in here */
    CHECK_UINT_GE(full_runs, 2 + 3 + 2);           /* two at first, one for each whole batch of 64, two at the end */
}

/* Loses a block at its second request, and at its third has this process interrupted while it goes on and on. */
static enum cupel_sweep_end lose_and_interrupt(struct cupel_allocator *a, void *user) {
    (void)user;
    void *first = cupel_alloc(a, 8, 8);
    void *second = first == NULL ? NULL : cupel_alloc(a, 8, 8);
    void *third = second == NULL ? NULL : cupel_alloc(a, 8, 8);
    if (second != NULL && third == NULL) {
        (void)kill(getppid(), SIGINT);
        for (;;) {
            (void)pause();
        }
    }
    if (third != NULL) {
        cupel_free(a, third, 8, 8);
        cupel_free(a, second, 8, 8);
        cupel_free(a, first, 8, 8);
    }
    return third == NULL ? CUPEL_SWEEP_STARVED : CUPEL_SWEEP_DONE;
}

TEST(sweep_function, an_interrupt_ends_the_program_with_what_was_found, .tags = "slow", .expect_signal = SIGINT,
     .expect_stderr = "; cut short: there is more to try\n") {
    (void)cupel_sweep(lose_and_interrupt, NULL, &(struct cupel_sweep_options){.report = stderr});
}

/* Never gets enough: each refusal makes it ask once more. */
static enum cupel_sweep_end insist(struct cupel_allocator *a, void *user) {
    (void)user;
    for (;;) {
        void *block = cupel_alloc(a, 8, 8);
        if (block != NULL) {
            cupel_free(a, block, 8, 8);
            return CUPEL_SWEEP_DONE;
        }
    }
}

TEST(sweep_function, a_function_that_insists_hangs_under_lasting_faults, .tags = "slow") {
    struct cupel_sweep_options options = {.timeout_ms = 3000};
    struct cupel_sweep_summary summary = cupel_sweep(insist, NULL, &options);
    CHECK_UINT_EQ(summary.verdicts[CUPEL_VERDICT_SWALLOWED], 2); /* alloc:1 and alloc:1,2: it went on without a word */
    CHECK_UINT_EQ(summary.verdicts[CUPEL_VERDICT_HANG], 1);      /* alloc:1+ */
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_HANG);
}

/* A sweep of this test sees what is asked for before and behind the sweep in it, and keeps its own count of that. */
TEST(sweep_function, may_stand_in_a_swept_test, .tags = "slow") {
    void *before = cupel_alloc(test_allocator(), 8, 8);
    STARVED(before == NULL);
    unsigned full_runs = 0;
    struct cupel_sweep_options options = {.modes = CUPEL_SWEEP_ONCE, .in_process = true};
    struct cupel_sweep_summary summary = cupel_sweep(count_runs, &full_runs, &options);
    CHECK_INT_EQ(summary.worst, CUPEL_VERDICT_OK);
    CHECK_UINT_EQ(summary.points, 200);
    void *behind = cupel_alloc(test_allocator(), 8, 8);
    cupel_free(test_allocator(), before, 8, 8);
    STARVED(behind == NULL);
    cupel_free(test_allocator(), behind, 8, 8);
}
