/* Goal: a finding says in text and in JSON what it knows, and nothing of what it does not know. Method: findings made
 * by hand, each with one more or one less to say, held against the whole text. */
#include "alloc/report.h"
#include "alloc/src/report_output.h"
#include "alloc/src/text.h"
#include "harness/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char text[8192];

static void put(void *user, const char *part, size_t length) {
    (void)user;
    strncat(text, part, length < sizeof text - 1 - strlen(text) ? length : 0);
}

static const char *printed(const struct cupel_finding *finding) {
    text[0] = '\0';
    cupel_finding_print(finding, true, put, NULL);
    return text;
}

static const char *printed_json(const struct cupel_finding *finding) {
    text[0] = '\0';
    cupel_finding_print_json(finding, put, NULL);
    return text;
}

/* Where the address is from the block of 16 bytes at 0x1000, and how that is said. */
static const struct {
    uintptr_t address;
    bool is_live;
    const char *said;
} places[] = {
    {0x1000, true, "  it is the live block of 16 bytes at 0x1000\n"},
    {0, false, "  it is the freed block of 16 bytes at 0x1000\n"},
    {0xff8, false, "  8 bytes before the freed block of 16 bytes at 0x1000\n"},
    {0x1001, true, "  1 byte into the live block of 16 bytes at 0x1000\n"},
    {0x100f, true, "  15 bytes into the live block of 16 bytes at 0x1000\n"},
    {0x1010, true, "  0 bytes behind the live block of 16 bytes at 0x1000\n"},
    {0x1020, true, "  16 bytes behind the live block of 16 bytes at 0x1000\n"},
};

TEST(report_texts, tell_where_an_address_is, CUPEL_TABLE(places)) {
    size_t row = test_row_index();
    struct cupel_finding finding = {.kind = CUPEL_FINDING_WILD,
                                    .address = (const void *)places[row].address,
                                    .has_block = true,
                                    .is_live = places[row].is_live,
                                    .base = (const void *)0x1000,
                                    .size = 16};
    CHECK_STR_CONTAINS(printed(&finding), places[row].said);
    CHECK_INT_EQ(strstr(text, ": address 0x") != NULL, places[row].address != 0);
    CHECK(strncmp(text, "cupel: ", 7) == 0); /* an allocator without a name */
    finding.verb = "free";
    finding.allocator = "named";
    CHECK_INT_EQ(strstr(printed(&finding), ": free 0x") != NULL, places[row].address != 0);
    CHECK(strncmp(text, "named: ", 7) == 0);
}

TEST(report_texts, tell_traces_and_threads) {
    struct cupel_finding finding = {.kind = CUPEL_FINDING_DOUBLE_FREE,
                                    .owner = "another",
                                    .trace_count = 2,
                                    .traces = {{.role = "freed"}, {.role = "allocated", .thread = 3}}};
    CHECK_STR_CONTAINS(printed(&finding), "\n  it belongs to another\n"
                                          "  freed (no trace was taken)\n"
                                          "  allocated by thread 3 (no trace was taken)\n");
    const void *frames[] = {(const void *)0x20};
    finding.traces[0].trace = cupel_trace_intern(frames, 1);
    CHECK_STR_CONTAINS(printed(&finding), "  freed at\n    #0 0x20\n");
    CHECK_STR_CONTAINS(printed_json(&finding),
                       "\"owner\":\"another\",\"traces\":[{\"role\":\"freed\",\"thread\":0,"
                       "\"frames\":[\"0x20\"]},{\"role\":\"allocated\",\"thread\":3,\"frames\":[]}]}\n");
    CHECK(strstr(text, "\"base\"") == NULL);
    CHECK(strstr(text, "\"address\"") == NULL);
}

TEST(report_texts, numbers_are_of_their_kind_alone) {
    struct cupel_finding finding = {.kind = CUPEL_FINDING_WRONG_ALIGN,
                                    .has_block = true,
                                    .base = (const void *)0x1000,
                                    .size = 16,
                                    .align = 8,
                                    .given_size = 17,
                                    .given_align = 32,
                                    .blocks = 4,
                                    .bytes = 64};
    CHECK_STR_CONTAINS(printed(&finding), "  it was given with an alignment of 32 bytes, and has 8\n");
    CHECK_STR_CONTAINS(printed_json(&finding), "\"base\":\"0x1000\",\"size\":16,\"align\":8,\"is_live\":false,"
                                               "\"given_size\":17,\"given_align\":32");
    CHECK(strstr(text, "\"blocks\"") == NULL);
    finding.kind = CUPEL_FINDING_WRONG_SIZE;
    CHECK_STR_CONTAINS(printed(&finding), "  it was given as a block of 17 bytes\n");
    CHECK_STR_CONTAINS(printed_json(&finding), "\"given_size\":17");
    finding.kind = CUPEL_FINDING_LEAK;
    finding.is_live = true;
    CHECK_STR_CONTAINS(printed(&finding), "  64 bytes in 4 blocks, one at 0x1000\n");
    CHECK_STR_CONTAINS(printed_json(&finding), "\"is_live\":true,\"blocks\":4,\"bytes\":64");
    CHECK(strstr(text, "given_size") == NULL);
    CHECK_PTR_EQ(cupel_finding_row((enum cupel_finding_kind)CUPEL_FINDING_KINDS), cupel_finding_row(0));
}

TEST(report_texts, strings_of_json_are_of_plain_characters) {
    const struct cupel__text out = {put, NULL};
    text[0] = '\0';
    cupel__text_json(&out, "a\"\\\x01\x7f\xc3 ~");
    CHECK_STR_EQ(text, "\"a\\u0022\\u005c\\u0001\\u007f\\u00c3 ~\"");
    text[0] = '\0';
    cupel__text_signed(&out, -3);
    cupel__text_signed(&out, 5);
    cupel__text_signed(&out, INT64_MIN);
    CHECK_STR_EQ(text, "-35-9223372036854775808");
}

TEST(report_texts, what_cannot_be_written_is_lost, .no_sweep = "it asks for no memory") {
    struct cupel_finding finding = {.kind = CUPEL_FINDING_DOUBLE_FREE};
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(full >= 0);
    struct cupel_sink sink = {.kind = CUPEL_SINK_TEXT, .file = full, .is_quick = true};
    cupel_sink_finding(&sink, &finding);
    (void)close(full);
    text[0] = '\0';
    sink = (struct cupel_sink){.kind = CUPEL_SINK_NONE, .put = put};
    cupel_sink_finding(&sink, &finding);
    CHECK_STR_EQ(text, "");
    sink.kind = CUPEL_SINK_TEXT;
    sink.is_quick = true;
    cupel_sink_finding(&sink, &finding);
    CHECK_STR_CONTAINS(text, "cupel: double-free: ");
}
