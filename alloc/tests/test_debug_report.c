/* Goal: what is told can be read by people and by programs, and what is known of an address is told of any address.
 * Method: findings made by hand and by the allocator, printed and compared; every option's name parsed. */
#include "alloc/src/debug_thread.h"
#include "alloc/tests/debug_seen.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TEST(debug_report, each_kind_has_a_row) {
    for (unsigned i = 0; i < CUPEL_FINDING_KINDS; i++) {
        const struct cupel_finding_row *row = cupel_finding_row((enum cupel_finding_kind)i);
        enum cupel_finding_kind kind;
        CHECK(cupel_finding_kind_of(row->word, strlen(row->word), &kind));
        CHECK_UINT_EQ(kind, i);
        CHECK(strlen(row->sentence) > 20);
        /* The option that silences it is one. */
        struct cupel_debug_options options;
        cupel_debug_defaults(&options);
        struct cupel_error error = {.text = ""};
        (void)cupel_debug_parse(&options, row->option, &error);
        CHECK_STR_EQ(error.text, "");
    }
    enum cupel_finding_kind kind;
    CHECK(!cupel_finding_kind_of("double-fre", 10, &kind));
    CHECK(!cupel_finding_kind_of("leaks", 5, &kind));
}

static const struct cupel_finding overflow = {.kind = CUPEL_FINDING_OVERFLOW,
                                              .serial = 3,
                                              .allocator = "a \"name\"\n",
                                              .verb = "free",
                                              .address = (const void *)0x1000,
                                              .has_block = true,
                                              .is_live = true,
                                              .base = (const void *)0x1000,
                                              .size = 24,
                                              .align = 8,
                                              .damage_offset = 2,
                                              .damage_bytes = 9,
                                              .damage_length = 8,
                                              .damage = {1, 2, 3, 4, 5, 6, 7, 255},
                                              .trace_count = 1,
                                              .traces = {{.role = "found", .thread = 7}}};

TEST(debug_report, text_and_json_say_all) {
    struct seen_text text = {.length = 0};
    cupel_finding_print(&overflow, true, seen_text_put, &text);
    CHECK_STR_EQ(text.text, "a \"name\"\n: overflow: bytes behind a block were written: free 0x1000\n"
                            "  it is the live block of 24 bytes at 0x1000\n"
                            "  9 bytes written, 2 behind the end: 01 02 03 04 05 06 07 ff ...\n"
                            "  found by thread 7 (no trace was taken)\n");
    text.length = 0;
    cupel_finding_print_json(&overflow, seen_text_put, &text);
    CHECK_STR_EQ(text.text,
                 "{\"kind\":\"overflow\",\"severity\":\"error\",\"sentence\":\"bytes behind a block were written\","
                 "\"serial\":3,\"allocator\":\"a \\u0022name\\u0022\\u000a\",\"verb\":\"free\",\"address\":\"0x1000\","
                 "\"base\":\"0x1000\",\"size\":24,\"align\":8,\"is_live\":true,\"damage_offset\":2,"
                 "\"damage_bytes\":9,\"traces\":[{\"role\":\"found\",\"thread\":7,\"frames\":[]}]}\n");
}

/* Where stacks are walked in another way than elsewhere, the first report says so, and no other. */
TEST(debug_report, a_lack_of_tables_is_said_once) {
    struct cupel_finding finding = overflow;
    for (unsigned serial = 1; serial <= 2; serial++) {
        struct seen_text text = {.length = 0};
        bool is_said = serial == 1 && cupel_trace_lack() != NULL;
        finding.serial = serial;
        cupel_finding_print(&finding, true, seen_text_put, &text);
        CHECK((strstr(text.text, "  note: ") != NULL) == is_said);
        text.length = 0;
        cupel_finding_print_json(&finding, seen_text_put, &text);
        CHECK((strstr(text.text, "\"note\":\"") != NULL) == is_said);
    }
}

TEST(debug_report, lines_of_json_carry_frames, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    int ends[2];
    char line[4096];
    REQUIRE_INT_EQ(pipe(ends), 0);
    struct cupel_debug debug;
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    options.catches_faults = false;
    options.sink = (struct cupel_sink){.kind = CUPEL_SINK_JSON, .file = ends[1]};
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 33, 1);
    cupel_free(a, block, 34, 1);
    cupel_free(a, block, 33, 1);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 2);
    ssize_t length = read(ends[0], line, sizeof line - 1);
    REQUIRE(length > 0);
    line[length] = '\0';
    CHECK_STR_CONTAINS(line, "{\"kind\":\"wrong-size\",");
    CHECK_STR_CONTAINS(line, "\"given_size\":34,\"given_align\":1,");
    CHECK_STR_CONTAINS(line, "\"frames\":[\"0x");
    const char *second = strstr(line, "\n{\"kind\":\"double-free\",");
    REQUIRE(second != NULL);
    CHECK_STR_CONTAINS(second, "\"role\":\"freed again\"");
    CHECK_STR_CONTAINS(second, "\"role\":\"freed first\"");
    CHECK_STR_CONTAINS(second, "\"role\":\"allocated\"");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void free_here(struct cupel_allocator *a, void *block) {
    cupel_free(a, block, 33, 1);
}

TEST(debug_report, the_same_is_told_once_and_what_is_ignored_never,
     .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    REQUIRE(cupel_debug_parse(&options, "ignore=wrong-size,wrong-align:ignore=leak", NULL));
    options.sink = (struct cupel_sink){.kind = CUPEL_SINK_CALL, .call = seen_note, .user = &seen};
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 33, 1);
    CHECK(!cupel_resize(a, block, 34, 1, 10));
    CHECK(!cupel_resize(a, block, 33, 2, 10));
    CHECK_UINT_EQ(cupel_debug_findings(&debug), 0);
    for (volatile unsigned i = 0; i < 4; i++) {
        free_here(a, block);
    }
    CHECK_UINT_EQ(seen.count, 1);
    CHECK_UINT_EQ(seen.all[0].serial, 1);
    struct cupel_debug_statistics statistics;
    cupel_debug_statistics(&debug, &statistics);
    CHECK_UINT_EQ(statistics.findings, 3);
    CHECK_UINT_EQ(statistics.suppressed, 2);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 3);
}

TEST(debug_report, a_block_is_found_from_any_address, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    options.name = "heap";
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    char *small = cupel_alloc(a, 40, 8);
    char *large = cupel_alloc(a, 100000, 64);
    struct cupel_debug_block block;
    REQUIRE(cupel_debug_find(small + 7, &block));
    CHECK_PTR_EQ(block.base, small);
    CHECK_STR_EQ(block.allocator, "heap");
    CHECK_UINT_EQ(block.size, 40);
    CHECK_UINT_EQ(block.align, 8);
    CHECK_INT_EQ((int)block.offset, 7);
    CHECK(block.is_live && block.allocated != 0 && block.freed == 0);
    REQUIRE(cupel_debug_find(small - 3, &block));
    CHECK_INT_EQ((int)block.offset, -3);
    REQUIRE(cupel_debug_find(large - 1, &block)); /* in its guard */
    CHECK_PTR_EQ(block.base, large);
    REQUIRE(cupel_debug_find(large + 99999, &block));
    CHECK_UINT_EQ(block.size, 100000);
    CHECK_INT_EQ((int)block.offset, 99999);
    size_t size;
    size_t align;
    CHECK(cupel_debug_size(&debug, large, &size, &align) && size == 100000 && align == 64);
    CHECK(!cupel_debug_size(&debug, large + 1, &size, &align));
    CHECK(cupel_resize(a, large, 100000, 64, 100001));
    CHECK(cupel_debug_find(large, &block) && block.resized != 0 && block.size == 100001);
    cupel_free(a, small, 40, 8);
    REQUIRE(cupel_debug_find(small + 39, &block));
    CHECK(!block.is_live && block.freed != 0);
    CHECK(!cupel_debug_size(&debug, small, &size, &align));
    int variable = 0;
    static const void *const wild[] = {NULL, (const void *)1, (const void *)UINTPTR_MAX, (const void *)0x7fffffffffff};
    for (unsigned i = 0; i < sizeof wild / sizeof wild[0]; i++) {
        CHECK(!cupel_debug_find(wild[i], &block));
    }
    CHECK(!cupel_debug_find(&variable, &block) && !cupel_debug_find(wild, &block));
    cupel_free(a, large, 100001, 64);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    CHECK(!cupel_debug_find(small, &block));
}

TEST(debug_report, statistics_are_printed, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct seen seen;
    struct cupel_debug_options options = seen_options(&seen);
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 50000, 8);
    struct seen_text text = {.length = 0};
    cupel_debug_print_statistics(&debug, false, seen_text_put, &text);
    CHECK_STR_CONTAINS(text.text, "live_blocks 1\nrequested_bytes 50000\n");
    CHECK_STR_CONTAINS(text.text, "mapped_bytes 53248\n");
    text.length = 0;
    cupel_debug_print_statistics(&debug, true, seen_text_put, &text);
    CHECK_STR_CONTAINS(text.text, "{\"live_blocks\":1,\"requested_bytes\":50000,");
    CHECK(text.text[text.length - 2] == '}');
    cupel_free(a, block, 50000, 8);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
}

TEST(debug_report, a_verbose_allocator_writes_a_line_a_request,
     .no_sweep = "its memory is the kernel's, which no sweep fails") {
    int ends[2];
    char lines[1024];
    REQUIRE_INT_EQ(pipe(ends), 0);
    struct cupel_debug debug;
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    options.catches_faults = false;
    options.is_verbose = true;
    options.sink.file = ends[1];
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 33, 4);
    block = cupel_realloc(a, block, 33, 4, 35);
    cupel_free(a, block, 35, 4);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    ssize_t length = read(ends[0], lines, sizeof lines - 1);
    REQUIRE(length > 0);
    lines[length] = '\0';
    CHECK_STR_CONTAINS(lines, "debug: allocate 33 4 -> 0x");
    CHECK_STR_CONTAINS(lines, "\ndebug: resize 0x");
    CHECK_STR_CONTAINS(lines, " 35 4 -> 0x");
    CHECK_STR_CONTAINS(lines, "\ndebug: free 0x");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

TEST(debug_report, numbers_come_at_a_signal_and_at_the_end,
     .no_sweep = "its memory is the kernel's, which no sweep fails") {
    int ends[2];
    char lines[8192];
    REQUIRE_INT_EQ(pipe(ends), 0);
    struct cupel_debug debug;
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    REQUIRE(cupel_debug_parse(&options, "catch-faults=0:statistics:statistics-signal=12", NULL));
    options.sink.file = ends[1];
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    REQUIRE(a != NULL);
    void *block = cupel_alloc(a, 33, 4);
    REQUIRE_INT_EQ(raise(SIGUSR2), 0);
    cupel__debug_thread.is_inside = true; /* as if the signal came in the middle of a request */
    REQUIRE_INT_EQ(raise(SIGUSR2), 0);
    cupel__debug_thread.is_inside = false;
    cupel_free(a, block, 33, 4);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0);
    ssize_t length = read(ends[0], lines, sizeof lines - 1);
    REQUIRE(length > 0);
    lines[length] = '\0';
    CHECK(strncmp(lines, "live_blocks 1\nrequested_bytes 33\n", 33) == 0);
    const char *busy = strstr(lines, "the allocator is at work: ask again\n");
    REQUIRE(busy != NULL);
    CHECK_STR_CONTAINS(busy, "\nlive_blocks 0\nrequested_bytes 0\n");
    struct sigaction action;
    CHECK(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

TEST(debug_report, options_are_read_from_text) {
    struct cupel_debug_options options;
    struct cupel_error error = {.text = ""};
    cupel_debug_defaults(&options);
    CHECK(cupel_debug_parse(&options, "", &error));
    CHECK(cupel_debug_parse(&options,
                            "frames=3:walk=tables:canaries=0:canary=1:fresh=2:freed=3:fill-max=4:guard-every=5:"
                            "quarantine=6:address-space=7:spans=8:memory-limit=9:kept-metadata=inf:seal=always:"
                            "never-unmap:move-on-remap:catch-faults=no:leaks=none:leak-groups=10:verbose:stop:"
                            "single-thread:report=json:file=11:canary-bytes=32",
                            &error));
    CHECK_UINT_EQ(options.frames, 3);
    CHECK_INT_EQ(options.traces, CUPEL_TRACE_TABLES);
    CHECK(!options.has_canaries && options.never_unmaps && options.moves_on_remap && !options.catches_faults);
    CHECK(options.is_verbose && options.is_single_thread);
    CHECK(options.canary == 1 && options.fresh == 2 && options.freed == 3);
    CHECK_UINT_EQ(options.fill_max_bytes, 4);
    CHECK_UINT_EQ(options.guard_every, 5);
    CHECK_UINT_EQ(options.quarantine_bytes, 6);
    CHECK_UINT_EQ(options.address_bytes, 7);
    CHECK_UINT_EQ(options.span_count_max, 8);
    CHECK_UINT_EQ(options.memory_limit_bytes, 9);
    CHECK_UINT_EQ(options.kept_metadata_bytes, SIZE_MAX);
    CHECK_INT_EQ(options.seal, CUPEL_DEBUG_SEAL_ALWAYS);
    CHECK_INT_EQ(options.leaks, CUPEL_DEBUG_LEAKS_NONE);
    CHECK_UINT_EQ(options.leak_groups_max, 10);
    CHECK_INT_EQ(options.react, CUPEL_DEBUG_STOP);
    CHECK_INT_EQ(options.sink.kind, CUPEL_SINK_JSON);
    CHECK_INT_EQ(options.sink.file, 11);
    CHECK_UINT_EQ(options.canary_bytes, 32);
    CHECK(!cupel_debug_parse(&options, "frames=4:frames=33", &error));
    CHECK_STR_CONTAINS(error.text, "within 0 to 32");
    CHECK_UINT_EQ(options.frames, 3); /* nothing has changed */
    CHECK(!cupel_debug_parse(&options, "ignore=leak,nonsense", &error));
    CHECK_STR_EQ(error.text, "ignore: 'nonsense' is no kind of finding");
    CHECK(!cupel_debug_parse(&options, "quarantin=1", &error));
    CHECK_STR_CONTAINS(error.text, "quarantine");
}

TEST(debug_report, the_help_names_each_option) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    STARVED(out == NULL);
    cupel_debug_help(out);
    bool is_closed = fclose(out) == 0;
    STARVED(!is_closed);
    CHECK_STR_CONTAINS(text, "  frames=N                frames of a trace");
    CHECK_STR_CONTAINS(text, "  canaries                canaries around each block");
    CHECK_STR_CONTAINS(text, "  ignore=KIND,...         kinds of findings");
    free(text);
}

TEST(debug_report, options_out_of_range_are_refused, .no_sweep = "its memory is the kernel's, which no sweep fails") {
    struct cupel_debug debug;
    struct cupel_debug_options options;
    struct cupel_error error;
    cupel_debug_defaults(&options);
    options.frames = 33;
    CHECK(cupel_debug_init(&debug, cupel_pages(), &options, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "at most 32 frames");
    options.frames = 1;
    options.canary_bytes = 272;
    CHECK(cupel_debug_init(&debug, cupel_pages(), &options, &error) == NULL);
    options.canary_bytes = 16;
    options.sink.kind = CUPEL_SINK_CALL;
    CHECK(cupel_debug_init(&debug, cupel_pages(), &options, &error) == NULL);
    CHECK_UINT_EQ(cupel_debug_deinit(&debug), 0); /* nothing to give back */
}

static void stop(void) {
    struct cupel_debug debug;
    struct cupel_debug_options options;
    cupel_debug_defaults(&options);
    options.react = CUPEL_DEBUG_STOP;
    struct cupel_allocator *a = cupel_debug_init(&debug, cupel_pages(), &options, NULL);
    cupel_free(a, (void *)8, 8, 8);
}

TEST(debug_report, a_finding_stops_the_program_where_it_shall,
     .no_sweep = "its memory is the kernel's, which no sweep fails", .tags = "slow crash", .expect_signal = 6,
     .expect_stderr = "wild-pointer") {
    stop();
}
