/* Goal: the shrinker ends at the smallest failing input where that is known, keeps its bounds, and never returns an
 * input that passes. Method: predicates on bytes with a known least failing input; a property with random ones. */
#include "harness/harness.h"
#include "harness/src/generate.h"
#include "harness/src/shrink.h"

#include <string.h>

struct question {
    uint64_t limit;
    unsigned asked;
};

static size_t shrink(bool (*fails)(void *, const uint8_t *, size_t), struct question *question, uint8_t *data,
                     size_t length) {
    uint8_t scratch[1024];
    struct cupel__shrink shrinker = {.fails = fails, .user = question, .steps_max = 100000};
    size_t shrunk = cupel__shrink_run(&shrinker, data, length, scratch);
    CHECK(!shrinker.was_cut);
    CHECK_UINT_EQ(shrinker.steps, question->asked);
    return shrunk;
}

static bool always(void *user, const uint8_t *data, size_t length) {
    (void)data;
    (void)length;
    ((struct question *)user)->asked++;
    return true;
}

TEST(shrink, what_always_fails_becomes_nothing) {
    uint8_t data[300] = {1, 2, 3};
    struct question question = {0};
    CHECK_UINT_EQ(shrink(always, &question, data, sizeof data), 0);
}

static bool number_is_large(void *user, const uint8_t *data, size_t length) {
    struct question *question = user;
    struct cupel_bytes bytes;
    question->asked++;
    cupel_bytes_init(&bytes, data, length);
    return cupel_draw_uint(&bytes, "number", 0, UINT64_MAX) >= question->limit;
}

TEST(shrink, a_number_falls_to_its_threshold) {
    static const uint64_t limits[] = {1, 2, 100, 256, 1000, 65537, 123456789, UINT64_C(1) << 63};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        uint8_t data[200];
        struct question question = {.limit = limits[i]};
        memset(data, 0xff, sizeof data);
        size_t length = shrink(number_is_large, &question, data, sizeof data);
        struct cupel_bytes bytes;
        cupel_bytes_init(&bytes, data, length);
        CHECK_UINT_EQ(cupel_draw_uint(&bytes, "number", 0, UINT64_MAX), limits[i]);
        CHECK_UINT_LE(length, 8);
    }
}

/* Elements are drawn one by one; fails where the sum of three or more is at least 60. */
static bool sum_is_large(void *user, const uint8_t *data, size_t length) {
    struct cupel_bytes bytes;
    uint64_t sum = 0;
    unsigned count = 0;
    ((struct question *)user)->asked++;
    cupel_bytes_init(&bytes, data, length);
    while (cupel_draw_more(&bytes, "element")) {
        sum += cupel_draw_uint(&bytes, "value", 0, 1000);
        count++;
    }
    return count >= 3 && sum >= 60;
}

TEST(shrink, a_list_keeps_only_what_it_needs, .tags = "slow") {
    uint8_t data[400];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        size_t length = 0;
        struct question question = {0};
        for (unsigned index = 0; length < 30 || !sum_is_large(&question, data, length); index++) {
            length = cupel__generate_case(seed, 50 + index % 50, 100, data, sizeof data);
        }
        question.asked = 0;
        length = shrink(sum_is_large, &question, data, length);
        struct cupel_bytes bytes;
        cupel_bytes_init(&bytes, data, length);
        unsigned count = 0;
        uint64_t sum = 0;
        while (cupel_draw_more(&bytes, "element")) {
            sum += cupel_draw_uint(&bytes, "value", 0, 1000);
            count++;
        }
        CHECK_UINT_EQ(count, 3);
        CHECK_UINT_EQ(sum, 60);
        CHECK_UINT_LE(length, 9);
    }
}

static void draw_three(const uint8_t *data, size_t length, struct cupel__draws *draws, size_t sizes[3]) {
    struct cupel_bytes bytes;
    cupel_bytes_init(&bytes, data, length);
    bytes.trace = draws == NULL ? NULL : cupel__draws_trace;
    bytes.trace_user = draws;
    sizes[0] = cupel_draw_size(&bytes, "first", 0, 4096);
    sizes[1] = cupel_draw_size(&bytes, "second", 5, SIZE_MAX);
    sizes[2] = cupel_draw_size(&bytes, "third", 0, 200);
}

static void log_three(void *user, const uint8_t *data, size_t length, struct cupel__draws *draws) {
    size_t sizes[3];
    ((struct question *)user)->asked++;
    draw_three(data, length, draws, sizes);
}

/* Each above 100, or all of them together. */
static bool sizes_are_large(void *user, const uint8_t *data, size_t length) {
    struct question *question = user;
    size_t sizes[3];
    question->asked++;
    draw_three(data, length, NULL, sizes);
    if (question->limit == 0) {
        return sizes[0] > 100 && sizes[1] > 100 && sizes[2] > 100;
    }
    return sizes[1] > question->limit || sizes[0] + sizes[1] + sizes[2] > question->limit;
}

static void shrink_sizes(uint64_t limit, const uint8_t *data, size_t length, size_t sizes[3]) {
    uint8_t best[128];
    uint8_t scratch[128];
    struct question question = {.limit = limit};
    struct cupel__shrink shrinker = {
        .fails = sizes_are_large, .draws = log_three, .capacity = sizeof best, .user = &question, .steps_max = 20000};
    memcpy(best, data, length);
    size_t shrunk = cupel__shrink_run(&shrinker, best, length, scratch);
    CHECK(!shrinker.was_cut);
    CHECK_UINT_EQ(shrinker.steps, question.asked);
    CHECK_UINT_LE(shrunk, 3 + 2 + 8 + 1);
    draw_three(best, shrunk, NULL, sizes);
}

TEST(shrink, sizes_fall_to_their_thresholds_whatever_form_they_were_drawn_in, .tags = "slow") {
    uint8_t data[100];
    size_t sizes[3];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct question question = {.limit = 0};
        size_t length = 0;
        for (unsigned index = 0; length < 12 || !sizes_are_large(&question, data, length); index++) {
            length = cupel__generate_case(seed, 50 + index, 1000, data, sizeof data);
        }
        shrink_sizes(0, data, length, sizes);
        CHECK_UINT_EQ(sizes[0], 101);
        CHECK_UINT_EQ(sizes[1], 101);
        CHECK_UINT_EQ(sizes[2], 101);
        shrink_sizes(150, data, length, sizes);
        CHECK_UINT_EQ(sizes[0] + sizes[1] + sizes[2], 151);
    }
}

/* A text at the front that holds "(" and a later ")". */
static bool has_brackets(void *user, const uint8_t *data, size_t length) {
    ((struct question *)user)->asked++;
    const uint8_t *open = length == 0 ? NULL : memchr(data, '(', length);
    return open != NULL && memchr(open, ')', length - (size_t)(open - data)) != NULL;
}

TEST(shrink, a_text_keeps_the_two_bytes_that_matter) {
    uint8_t data[] = "int main(int argc, char **argv) { return f(argc); }";
    struct question question = {0};
    CHECK_UINT_EQ(shrink(has_brackets, &question, data, sizeof data - 1), 2);
    CHECK_MEM_EQ(data, "()", 2);
}

/* A length at the end and as many bytes at the front, the first of which is not zero. */
static bool has_counted_block(void *user, const uint8_t *data, size_t length) {
    struct cupel_bytes bytes;
    ((struct question *)user)->asked++;
    cupel_bytes_init(&bytes, data, length);
    uint64_t announced = cupel_draw_uint(&bytes, "announced", 0, 255);
    struct cupel_view rest = cupel_draw_rest(&bytes, "rest");
    return announced >= 2 && rest.length == announced && rest.data[0] != 0;
}

TEST(shrink, an_element_goes_together_with_its_count) {
    uint8_t data[] = "\x05\x06\x07\x08\x09\x05";
    struct question question = {0};
    CHECK_UINT_EQ(shrink(has_counted_block, &question, data, sizeof data - 1), 3);
    CHECK_MEM_EQ(data, "\x01\x00\x02", 3);
}

/* Fails on what a hash chooses: nothing to hold on to. */
static bool hash_says_so(void *user, const uint8_t *data, size_t length) {
    struct question *question = user;
    uint64_t hash = question->limit;
    question->asked++;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ data[i]) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    }
    return hash % 3 == 0;
}

PROPERTY(shrink, the_result_fails_and_bounds_hold, .longest = 256) {
    uint8_t scratch[256];
    uint8_t data[256];
    struct question question = {.limit = cupel_draw_uint(bytes, "salt", 0, UINT64_MAX)};
    unsigned steps_max = (unsigned)cupel_draw_uint(bytes, "steps", 0, 300);
    struct cupel_view rest = cupel_draw_rest(bytes, "input");
    if (rest.length > sizeof data) { /* engines may pass .longest by */
        rest.length = sizeof data;
    }
    if (!hash_says_so(&question, rest.data, rest.length)) {
        return;
    }
    question.asked = 0;
    if (rest.length != 0) {
        memcpy(data, rest.data, rest.length);
    }
    struct cupel__shrink shrinker = {.fails = hash_says_so, .user = &question, .steps_max = steps_max};
    size_t length = cupel__shrink_run(&shrinker, data, rest.length, scratch);
    CHECK_UINT_LE(length, rest.length);
    CHECK_UINT_LE(shrinker.steps, steps_max);
    CHECK_UINT_EQ(shrinker.steps, question.asked);
    CHECK(hash_says_so(&question, data, length));
}

TEST(generate, cases_grow_and_are_reproducible, .tags = "slow") {
    uint8_t first[4096];
    uint8_t again[4096];
    size_t longest_early = 0;
    size_t longest = 0;
    for (unsigned index = 0; index < 100; index++) {
        size_t length = cupel__generate_case(7, index, 100, first, sizeof first);
        REQUIRE_UINT_EQ(cupel__generate_case(7, index, 100, again, sizeof again), length);
        REQUIRE_MEM_EQ(first, again, length);
        longest = length > longest ? length : longest;
        longest_early = index < 10 && length > longest_early ? length : longest_early;
    }
    CHECK_UINT_EQ(cupel__generate_case(7, 0, 100, first, sizeof first), 0);
    CHECK_UINT_LE(longest_early, 410);
    CHECK_UINT_GT(longest, 3000);
    size_t other = cupel__generate_case(8, 60, 100, again, sizeof again);
    size_t length = cupel__generate_case(7, 60, 100, first, sizeof first);
    CHECK(other != length || memcmp(first, again, length) != 0);
    CHECK(cupel__generate_seed(1, "a", "bc") != cupel__generate_seed(1, "ab", "c"));
}

PROPERTY(generate, never_passes_its_bounds, .longest = 64) {
    uint8_t data[600];
    size_t longest = cupel_draw_size(bytes, "longest", 0, 512);
    unsigned count = (unsigned)cupel_draw_uint(bytes, "count", 0, 300);
    unsigned index = (unsigned)cupel_draw_uint(bytes, "index", 0, count);
    memset(data, 0x5a, sizeof data);
    CHECK_UINT_LE(cupel__generate_case(cupel_draw_uint(bytes, "seed", 0, UINT64_MAX), index, count, data, longest),
                  longest);
    for (size_t i = longest; i < sizeof data; i++) {
        REQUIRE_INT_EQ(data[i], 0x5a);
    }
}
