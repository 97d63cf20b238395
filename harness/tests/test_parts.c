/* Goal: the small parts of the harness hold at their edges: texts that are too long, bytes that are none, streams that
 * are of something else. Method: each part alone, by its internal header, against what stands beside it here. */
#include "harness/harness.h"
#include "harness/property.h"
#include "harness/src/decode.h"
#include "harness/src/perturb.h"
#include "harness/src/wire.h"
#include "harness/src/xml.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A stream in memory that the C library asks nothing for; what it holds is read when it is closed. */
static char written[16384];

static FILE *begin_writing(void) {
    memset(written, 0, sizeof written);
    FILE *stream = fmemopen(written, sizeof written, "w");
    REQUIRE(stream != NULL);
    return stream;
}

struct escaped {
    const char *text;
    const char *content;
};

#define LOST "\xef\xbf\xbd"
static const struct escaped escapes[] = {
    {"plain", "plain"},
    {"a<b>&\"c\"\tand\n", "a&lt;b&gt;&amp;&quot;c&quot;\tand\n"},
    {"\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"bell \a and \x7f", "bell " LOST " and \x7f"},
    {"no beginning \x80!", "no beginning " LOST "!"},
    {"no end \xc3!", "no end " LOST "!"},
    {"too long \xc0\x80\xe0\x80\x80", "too long " LOST LOST LOST LOST LOST},
    {"\xf0\x80\x80\x80", LOST LOST LOST LOST},
    {"half a pair \xed\xa0\x80", "half a pair " LOST LOST LOST},
    {"beyond \xf4\x90\x80\x80\xf5", "beyond " LOST LOST LOST LOST LOST},
    {"no character \xef\xbf\xbe", "no character " LOST LOST LOST},
};

TEST(xml, has_only_characters_of_xml, TABLE(escapes)) {
    const struct escaped *row = test_row();
    FILE *stream = begin_writing();
    cupel__xml_text(stream, row->text);
    REQUIRE_INT_EQ(fclose(stream), 0);
    CHECK_STR_EQ(written, row->content);
}

TEST(xml, keeps_lines_and_tabs_of_attributes) {
    FILE *stream = begin_writing();
    cupel__xml_attribute(stream, "name", "one\n\ttwo \"three\"");
    REQUIRE_INT_EQ(fclose(stream), 0);
    CHECK_STR_EQ(written, " name=\"one&#x0A;&#x09;two &quot;three&quot;\"");
}

TEST(texts, say_where_they_were_cut) {
    static struct cupel_text text;
    static const char mark[] = "\n[cut here: more than this record holds]\n";
    text = (struct cupel_text){.length = 0};
    while (!text.is_truncated) {
        cupel_text_add(&text, "%01000d", 7);
        REQUIRE_UINT_LT(text.length, sizeof text.data);
    }
    CHECK_STR_EQ(text.data + text.length - strlen(mark), mark);
    CHECK_UINT_EQ(strlen(text.data), text.length);
    uint32_t length = text.length;
    cupel_text_add(&text, "more");
    CHECK_UINT_EQ(text.length, length);
}

TEST(names, are_there_for_every_number) {
    CHECK_STR_EQ(cupel_verdict_name(CUPEL_VERDICT_COUNT), "unknown");
    CHECK_STR_EQ(cupel_evidence_name(CUPEL_EVIDENCE_COUNT), "unknown");
    CHECK_STR_EQ(cupel__dimension_name(CUPEL__DIMENSION_COUNT), "unknown");
    for (unsigned i = 0; i < CUPEL__DIMENSION_COUNT; i++) {
        CHECK_STR_NE(cupel__dimension_name(i), "unknown");
    }
}

/* Draws told by a trace, a line each. */
static char traced[1024];

static void note_draw(void *user, unsigned depth, const char *label, const char *text) {
    size_t used = strlen(traced);
    (void)user;
    (void)snprintf(traced + used, sizeof traced - used, "%u %s = %s\n", depth, label, text);
}

TEST(traces, show_what_was_drawn) {
    static const char *const words[] = {"one", "two", "three"};
    static const uint8_t data[] = {2, 'x', 'y', 1, 2, 'b', 'c', 4, 0, 1};
    struct cupel_bytes bytes;
    char text[8];
    cupel_bytes_init(&bytes, data, sizeof data);
    bytes.trace = note_draw;
    traced[0] = '\0';
    size_t length = cupel_draw_string(&bytes, "string", text, sizeof text);
    struct cupel_view view = cupel_draw_bytes(&bytes, "bytes", 3);
    bool is_set = cupel_draw_bool(&bytes, "bool");
    unsigned index = cupel_draw_pick(&bytes, "pick", words, 3);
    double number = cupel_draw_double(&bytes, "double");
    struct cupel_view rest = cupel_draw_rest(&bytes, "rest");
    char expected[512];
    (void)snprintf(expected, sizeof expected, "0 string = %zu bytes \"%s\"\n", length, text);
    CHECK_STR_CONTAINS(traced, expected);
    (void)snprintf(expected, sizeof expected, "0 bytes = %zu bytes", view.length);
    CHECK_STR_CONTAINS(traced, expected);
    (void)snprintf(expected, sizeof expected, "0 bool = %s\n0 pick = %s\n0 double = %.17g\n0 rest = %zu bytes",
                   is_set ? "true" : "false", words[index], number, rest.length);
    CHECK_STR_CONTAINS(traced, expected);
}

TEST(tests_of_inputs, that_are_long_are_written_as_numbers) {
    static const struct cupel_test property = {.suite = "long", .name = "one"};
    static uint8_t data[1000];
    data[0] = 7;
    data[999] = 9;
    FILE *stream = begin_writing();
    cupel__decode_test(stream, &property, data, sizeof data);
    REQUIRE_INT_EQ(fclose(stream), 0);
    CHECK_STR_CONTAINS(written, "    static const unsigned char input[] = {\n        7, 0, 0,");
    CHECK_STR_CONTAINS(written, " 9,\n    };\n    size_t length = sizeof input;\n");
    CHECK_STR_CONTAINS(written, "    cupel_property_replay(&cupel_property_long_one, input, length);\n}\n");
    unsigned count = 0;
    for (const char *at = strchr(written, '{'); at != NULL; at = strchr(at + 1, ',')) {
        count++;
    }
    CHECK_UINT_GE(count, 1001);
}

/* Two ends of a pipe that do not wait. */
static void make_pipe(int ends[2]) {
    REQUIRE_INT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
}

/* What cannot be read closes both ends. */
static void begin_reading(struct cupel__wire_reader *reader, int end, int other) {
    bool is_ready = cupel__wire_reader_init(reader, end);
    if (!is_ready) {
        (void)close(end);
        (void)close(other);
    }
    STARVED(!is_ready);
}

TEST(wire, tells_another_stream_from_records) {
    static struct cupel_result result;
    static const char junk[4096] = "this is no record";
    struct cupel__wire_reader reader;
    struct cupel_error error = {.text = ""};
    int ends[2];
    make_pipe(ends);
    begin_reading(&reader, ends[0], ends[1]);
    CHECK(!cupel__wire_fill(&reader)); /* a pause, no end */
    CHECK(!reader.is_ended);
    REQUIRE_INT_EQ(write(ends[1], junk, sizeof junk), (ssize_t)sizeof junk);
    CHECK(cupel__wire_fill(&reader));
    CHECK(!cupel__wire_next(&reader, &result, &error));
    CHECK(reader.is_ended);
    CHECK_STR_EQ(error.text, "what came is no stream of result records");
    cupel__wire_reader_deinit(&reader);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

TEST(wire, gives_a_record_when_all_of_it_is_there) {
    static struct cupel_result sent;
    static struct cupel_result got;
    static char raw[65536];
    struct cupel__wire_reader reader;
    struct cupel_error error = {.text = ""};
    int first[2];
    int second[2];
    make_pipe(second);
    begin_reading(&reader, second[0], second[1]);
    make_pipe(first);
    cupel_result_clear(&sent);
    sent.program = "program";
    sent.suite = "suite";
    sent.name = "name";
    sent.file = "file.c";
    sent.line = 77;
    sent.verdict = CUPEL_VERDICT_WRONG;
    cupel_text_add(&sent.messages, "some words\n");
    REQUIRE(cupel__wire_write(first[1], &sent));
    ssize_t length = read(first[0], raw, sizeof raw);
    REQUIRE_INT_GT(length, 20);
    const size_t parts[] = {3, (size_t)length - 10, 7};
    size_t done = 0;
    for (size_t i = 0; i < 3; i++) {
        CHECK(!cupel__wire_next(&reader, &got, &error));
        REQUIRE_INT_EQ(write(second[1], raw + done, parts[i]), (ssize_t)parts[i]);
        done += parts[i];
        REQUIRE(cupel__wire_fill(&reader));
    }
    CHECK(cupel__wire_next(&reader, &got, &error));
    CHECK_STR_EQ(error.text, "");
    CHECK_STR_EQ(got.name, "name");
    CHECK_UINT_EQ(got.line, 77);
    CHECK_STR_EQ(got.messages.data, "some words\n");
    (void)close(second[1]);
    CHECK(!cupel__wire_fill(&reader));
    CHECK(reader.is_ended);
    cupel__wire_reader_deinit(&reader);
    (void)close(second[0]);
    (void)close(first[0]);
    CHECK(!cupel__wire_write(first[0], &sent)); /* nobody has that descriptor */
    (void)close(first[1]);
}

/* Through the gate and the layers to what stands below them. */
TEST(test_allocators, resize_in_place_and_say_what_is_usable) {
    struct cupel_allocator *a = test_allocator();
    char *block = cupel_alloc(a, 100, 8);
    STARVED(block == NULL);
    CHECK_UINT_GE(cupel_usable(a, block, 100, 8), 100);
    size_t size = cupel_resize(a, block, 100, 8, 50) ? 50 : 100; /* where placement varies it may be refused */
    cupel_benign_begin();
    CHECK(!cupel_resize(a, block, size, 8, (size_t)1 << 30));
    cupel_benign_end();
    cupel_free(a, block, size, 8);
}
