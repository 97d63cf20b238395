/* Goal: every draw stays in its range for every input, a spent stream gives the smallest values, and the fault trailer
 * says what was put in. Method: a property over draws whose ranges are themselves drawn, and small exact cases. */
#include "harness/bytes.h"
#include "harness/harness.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {"uint", "int", "size", "bool", "double", "pick", "bytes", "string", "stream"};

static void draw_size_in_range(struct cupel_bytes *bytes) {
    size_t min = (size_t)cupel_draw_uint(bytes, "min", 0, SIZE_MAX);
    size_t max = (size_t)cupel_draw_uint(bytes, "max", min, SIZE_MAX);
    size_t size = cupel_draw_size(bytes, "size", min, max);
    REQUIRE(size >= min);
    REQUIRE(size <= max);
    size_t narrow_max = min + cupel_draw_uint(bytes, "narrow", 0, max - min < 5 ? max - min : 5);
    size_t narrow = cupel_draw_size(bytes, "narrow size", min, narrow_max);
    REQUIRE(narrow >= min);
    REQUIRE(narrow <= narrow_max);
}

static void draw_number_in_range(struct cupel_bytes *bytes, bool is_signed) {
    uint64_t min = cupel_draw_uint(bytes, "min", 0, UINT64_MAX);
    uint64_t max = cupel_draw_uint(bytes, "max", min, UINT64_MAX);
    if (is_signed) {
        int64_t low = (int64_t)(min - (UINT64_C(1) << 63));
        int64_t high = (int64_t)(max - (UINT64_C(1) << 63));
        int64_t value = cupel_draw_int(bytes, "int", low, high);
        REQUIRE(value >= low);
        REQUIRE(value <= high);
    } else {
        uint64_t value = cupel_draw_uint(bytes, "uint", min, max);
        REQUIRE(value >= min);
        REQUIRE(value <= max);
    }
}

static void draw_text(struct cupel_bytes *bytes) {
    char text[40];
    memset(text, 0x7f, sizeof text);
    size_t size = cupel_draw_size(bytes, "room", 1, sizeof text - 1);
    size_t length = cupel_draw_string(bytes, "string", text, size);
    REQUIRE(length < size);
    REQUIRE_INT_EQ(text[length], 0);
    REQUIRE_INT_EQ(text[size], 0x7f);
    for (size_t i = 0; i < length; i++) {
        REQUIRE(text[i] >= ' ' && text[i] <= '~');
    }
}

static void draw_view(struct cupel_bytes *bytes) {
    size_t max = cupel_draw_size(bytes, "max", 0, 100);
    const uint8_t *front = bytes->data + bytes->front;
    struct cupel_view view = cupel_draw_bytes(bytes, "bytes", max);
    REQUIRE(view.length <= max);
    REQUIRE(view.length == 0 || view.data == front);
    REQUIRE(bytes->front <= bytes->back);
    struct cupel_bytes part = cupel_draw_stream(bytes, "stream", 20);
    REQUIRE(part.back <= 20);
    struct cupel_view rest = cupel_draw_rest(&part, "rest");
    REQUIRE(rest.length <= 20);
    REQUIRE(cupel_bytes_are_spent(&part));
}

PROPERTY(bytes, draws_stay_in_range, .longest = 512, .cases = 2000) {
    while (cupel_draw_more(bytes, "draw")) {
        switch (cupel_draw_pick(bytes, "kind", kinds, sizeof kinds / sizeof kinds[0])) {
        case 0:
            draw_number_in_range(bytes, false);
            break;
        case 1:
            draw_number_in_range(bytes, true);
            break;
        case 2:
            draw_size_in_range(bytes);
            break;
        case 4:
            REQUIRE(isfinite(cupel_draw_double(bytes, "double")));
            break;
        case 7:
            draw_text(bytes);
            break;
        default:
            draw_view(bytes);
            break;
        }
    }
}

TEST(bytes, a_spent_stream_gives_the_smallest) {
    struct cupel_bytes bytes;
    char text[8] = "xxxxxxx";
    cupel_bytes_init(&bytes, NULL, 0);
    CHECK(cupel_bytes_are_spent(&bytes));
    CHECK_UINT_EQ(cupel_draw_uint(&bytes, "uint", 5, UINT64_MAX), 5);
    CHECK_INT_EQ(cupel_draw_int(&bytes, "int", INT64_MIN, INT64_MAX), INT64_MIN);
    CHECK_INT_EQ(cupel_draw_int(&bytes, "int", -3, 3), -3);
    CHECK_UINT_EQ(cupel_draw_size(&bytes, "size", 11, 4096), 11);
    CHECK(!cupel_draw_bool(&bytes, "bool"));
    CHECK(cupel_draw_double(&bytes, "double") == 0);
    CHECK_UINT_EQ(cupel_draw_pick(&bytes, "pick", kinds, 9), 0);
    CHECK_UINT_EQ(cupel_draw_bytes(&bytes, "bytes", 100).length, 0);
    CHECK_UINT_EQ(cupel_draw_rest(&bytes, "rest").length, 0);
    CHECK_UINT_EQ(cupel_draw_string(&bytes, "string", text, sizeof text), 0);
    CHECK_STR_EQ(text, "");
    CHECK(!cupel_draw_more(&bytes, "more"));
    struct cupel_bytes part = cupel_draw_stream(&bytes, "stream", 100);
    CHECK(cupel_bytes_are_spent(&part));
}

/* Every first byte (the shape) with every second one, on ranges where the arithmetic is tight. */
TEST(bytes, sizes_stay_in_tight_ranges) {
    static const size_t edges[] = {0, 1, 2, 3, 63, 64, 65, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX - 1, SIZE_MAX};
    size_t edge_count = sizeof edges / sizeof edges[0];
    for (size_t low = 0; low < edge_count; low++) {
        for (size_t high = low; high < edge_count; high++) {
            for (unsigned shape = 0; shape < 256; shape += 5) {
                uint8_t input[10] = {0xff,          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, (uint8_t)(shape * 7),
                                     (uint8_t)shape};
                struct cupel_bytes bytes;
                cupel_bytes_init(&bytes, input, sizeof input);
                size_t size = cupel_draw_size(&bytes, "size", edges[low], edges[high]);
                REQUIRE(size >= edges[low]);
                REQUIRE(size <= edges[high]);
            }
        }
    }
}

TEST(bytes, sizes_lean_to_powers_and_edges, .tags = "slow") {
    unsigned near_power = 0;
    unsigned at_edge = 0;
    unsigned small = 0;
    for (unsigned shape = 0; shape < 256; shape++) {
        for (unsigned second = 0; second < 256; second++) {
            uint8_t input[10] = {0x35, 0x91, 0x27, 0x63, 0x1d, 0x55, 0x99, 0x13, (uint8_t)second, (uint8_t)shape};
            struct cupel_bytes bytes;
            cupel_bytes_init(&bytes, input, sizeof input);
            size_t size = cupel_draw_size(&bytes, "size", 0, 1000000);
            size_t above = size == 0 ? 0 : (size_t)1 << (64 - (unsigned)__builtin_clzll(size));
            near_power += size > 64 && (size == above / 2 || size == above / 2 + 1 || size == above - 1);
            at_edge += size >= 999997;
            small += size <= 64;
        }
    }
    CHECK_UINT_GT(near_power, 256 * 256 / 8);
    CHECK_UINT_GT(at_edge, 256 * 256 / 32);
    CHECK_UINT_GT(small, 256 * 256 / 4);
}

TEST(bytes, scalars_come_from_the_end_and_the_rest_is_untouched) {
    static const char input[] = "a file's bytes\x05";
    struct cupel_bytes bytes;
    cupel_bytes_init(&bytes, input, sizeof input - 1);
    CHECK_UINT_EQ(cupel_draw_uint(&bytes, "last byte", 0, 255), 5);
    struct cupel_view rest = cupel_draw_rest(&bytes, "file");
    CHECK_UINT_EQ(rest.length, sizeof input - 2);
    CHECK_MEM_EQ(rest.data, input, rest.length);
    CHECK_UINT_EQ(cupel_draw_uint(&bytes, "past", 3, 255), 3);
}

static void note_draw(void *user, unsigned depth, const char *label, const char *text) {
    char *story = user;
    size_t used = strlen(story);
    (void)snprintf(story + used, 512 - used, "%u %s=%s;", depth, label, text);
}

TEST(bytes, a_trace_shows_every_draw_with_its_depth) {
    static const uint8_t input[] = {'x', '"', 9, 3, 200, 1};
    char story[512] = "";
    struct cupel_bytes bytes;
    cupel_bytes_init(&bytes, input, sizeof input);
    bytes.trace = note_draw;
    bytes.trace_user = story;
    (void)cupel_draw_more(&bytes, "more");
    (void)cupel_draw_int(&bytes, "int", -100, 155);
    struct cupel_bytes part = cupel_draw_stream(&bytes, "part", 255);
    (void)cupel_draw_uint(&part, "inner", 0, 255);
    (void)cupel_draw_rest(&part, "text");
    CHECK_STR_EQ(story, "0 more=yes;0 int=100;0 part=3 bytes:;1 inner=9;1 text=2 bytes \"x\\042\";");
}

PROPERTY(bytes, fault_trailers_come_back, .longest = 64) {
    static const enum cupel_fault_when whens[] = {CUPEL_FAULT_NTH, CUPEL_FAULT_FROM, CUPEL_FAULT_EVERY};
    uint8_t input[CUPEL_BYTES_FAULT_LENGTH + 5] = {1, 2, 3, 4, 5};
    struct cupel_fault_plan plan = {.count = 1};
    struct cupel_fault_plan back = {.count = 0};
    plan.rules[0].when = whens[cupel_draw_uint(bytes, "when", 0, 2)];
    plan.rules[0].first = cupel_draw_uint(bytes, "number", 1, UINT16_MAX);
    uint8_t trailer[CUPEL_BYTES_FAULT_LENGTH_MAX];
    REQUIRE_UINT_EQ(cupel_bytes_fault_trailer(&plan, trailer), CUPEL_BYTES_FAULT_LENGTH);
    memcpy(input + 5, trailer, CUPEL_BYTES_FAULT_LENGTH);
    struct cupel_bytes stream;
    cupel_bytes_init(&stream, input, sizeof input);
    REQUIRE(cupel_bytes_fault_plan(&stream, &back));
    CHECK_UINT_EQ(back.count, 1);
    CHECK_INT_EQ(back.rules[0].call, CUPEL_FAULT_ALLOC);
    CHECK_INT_EQ(back.rules[0].when, plan.rules[0].when);
    CHECK_UINT_EQ(back.rules[0].first, plan.rules[0].first);
    CHECK_UINT_EQ(cupel_draw_rest(&stream, "rest").length, 5);
    input[sizeof input - 1] ^= 1;
    cupel_bytes_init(&stream, input, sizeof input);
    CHECK(!cupel_bytes_fault_plan(&stream, &back));
    CHECK_UINT_EQ(stream.back, sizeof input);
}

static const char *const long_plans[] = {"alloc:65536",        "alloc:3,7",
                                         "alloc:3#2",          "alloc:3=ENOMEM",
                                         "alloc:3@size=8..16", "read:2=EINTR;write:1+=ENOSPC",
                                         "alloc:5%2..9",       "grow:*/3=move",
                                         "any:>4096",          "alloc:1@cupel_draw_rest"};

TEST(bytes, plans_of_any_kind_stand_behind_an_input, TABLE(long_plans)) {
    const char *words = *(const char *const *)test_row();
    char text[256];
    uint8_t input[3 + CUPEL_BYTES_FAULT_LENGTH_MAX] = {1, 2, 3};
    struct cupel_fault_plan plan;
    struct cupel_fault_plan back = {.count = 0};
    struct cupel_bytes stream;
    REQUIRE(cupel_fault_plan_parse(&plan, words, NULL));
    plan.seed = 17;
    size_t length = cupel_bytes_fault_trailer(&plan, input + 3);
    REQUIRE_UINT_GT(length, CUPEL_BYTES_FAULT_LENGTH);
    cupel_bytes_init(&stream, input, 3 + length);
    REQUIRE(cupel_bytes_fault_plan(&stream, &back));
    (void)cupel_fault_plan_format(&back, text, sizeof text);
    CHECK_STR_EQ(text, words);
    CHECK_UINT_EQ(back.seed, strchr(words, '%') != NULL ? 17 : 0); /* one file, whatever the run's seed was */
    CHECK((back.rules[0].range_count != 0) == (strstr(words, "@cupel_draw_rest") != NULL)); /* several: parts of it */
    CHECK_UINT_EQ(cupel_draw_rest(&stream, "rest").length, 3);
}

/* Behind the length byte that is wrong, in words that say no plan, and without a seed. */
static const char *const no_trailers[] = {"alloc:3 0\x0a"
                                          "CT\xfa\x17",
                                          "alloc:0 0\x09"
                                          "CT\xfa\x17",
                                          " 0\x02"
                                          "CT\xfa\x17",
                                          "alloc:3\x07"
                                          "CT\xfa\x17",
                                          "alloc:3 \x08"
                                          "CT\xfa\x17",
                                          "alloc:3 0x1\x0b"
                                          "CT\xfa\x17",
                                          "alloc:3 0\x09"
                                          "CU\xfa\x17"};

TEST(bytes, what_says_no_plan_is_input, TABLE(no_trailers)) {
    struct cupel_fault_plan plan = {.count = 7};
    struct cupel_bytes stream;
    const char *text = *(const char *const *)test_row();
    cupel_bytes_init(&stream, text, strlen(text));
    CHECK(!cupel_bytes_fault_plan(&stream, &plan));
    CHECK_UINT_EQ(plan.count, 7);
    CHECK_UINT_EQ(cupel_draw_rest(&stream, "rest").length, strlen(text));
}

TEST(bytes, plans_that_a_trailer_cannot_say_are_refused) {
    uint8_t trailer[CUPEL_BYTES_FAULT_LENGTH_MAX];
    struct cupel_fault_plan plan = {.count = 0};
    CHECK_UINT_EQ(cupel_bytes_fault_trailer(&plan, trailer), 0);
    plan.count = CUPEL_FAULT_RULES_MAX;
    for (unsigned i = 0; i < plan.count; i++) {
        plan.rules[i].first = i + 1;
        memset(plan.rules[i].where, 'f', sizeof plan.rules[i].where - 1);
    }
    CHECK_UINT_EQ(cupel_bytes_fault_trailer(&plan, trailer), 0);
    plan.count = 3; /* of which the words have 215 characters */
    CHECK_UINT_EQ(cupel_bytes_fault_trailer(&plan, trailer), 215 + 2 + 5);
}
