/* Goal: every process of a run is counted in its class, however it ends, and the capture keeps classes, totals and
 * exclusions apart. Method: a small program is built here together with the harness's evidence.c, its tests end in each
 * way that a process can end, and the model captured from it is read. Needs gcc and gcov. */
#include "alloc/libc.h"
#include "coverage/capture.h"
#include "coverage/store.h"
#include "harness/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_file(const char *folder, const char *name, const char *text) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    (void)fputs(text, file);
    REQUIRE_INT_EQ(fclose(file), 0);
}

/* Runs a shell line in a folder, as printf. */
static int shell(const char *folder, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int shell(const char *folder, const char *format, ...) {
    char line[16384];
    int length = snprintf(line, sizeof line, "cd '%s' && exec 2>>log.txt && ", folder);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line + length, sizeof line - (size_t)length, format, arguments);
    va_end(arguments);
    return system(line);
}

static void need_gcc(void) {
    if (system("command -v gcc >/dev/null && command -v gcov >/dev/null") != 0) {
        cupel_test_skip("no gcc or no gcov");
    }
}

static enum cupel_status capture(struct cupel_coverage *coverage, const char *folder, struct cupel_error *error) {
    char build[4096];
    char evidence[4096];
    (void)snprintf(build, sizeof build, "%s/build", folder);
    (void)snprintf(evidence, sizeof evidence, "%s/evidence", folder);
    struct cupel_capture_options options = {.root = folder, .build = build, .evidence = evidence, .variant = "gcov"};
    cupel_coverage_init(coverage, cupel_libc());
    REQUIRE(cupel_coverage_set_root(coverage, folder));
    enum cupel_status status = cupel_capture(coverage, &options, NULL, error);
    if (status == CUPEL_LACKING) {
        cupel_coverage_deinit(coverage);
        cupel_test_skip("built without jansson");
    }
    return status;
}

static const struct cupel_cover_file *file_named(const struct cupel_coverage *coverage, const char *path) {
    for (size_t i = 0; i < coverage->file_count; i++) {
        if (strcmp(coverage->files[i]->path, path) == 0) {
            return coverage->files[i];
        }
    }
    REQUIRE_FAIL("%s was not captured", path);
    return NULL;
}

static struct cupel_cover_counts counts_at(const struct cupel_cover_file *file, uint32_t line) {
    struct cupel_cover_cursor cursor = {0};
    struct cupel_cover_row row;
    while (cupel_cover_next_row(file, &cursor, &row)) {
        if (row.line == line) {
            return row.counts;
        }
    }
    REQUIRE_FAIL("line %u has no code", (unsigned)line);
    return (struct cupel_cover_counts){0};
}

/* One line a way to end; main.c calls them by number. */
static const char endings[] =
    "#include <signal.h>\n"
    "#include <stdlib.h>\n"
    "#include <sys/wait.h>\n"
    "#include <unistd.h>\n"
    "void plain(int x) { if (x > 2) { x++; } }\n"                                          /* 5 */
    "void aborts(void) { plain(1); abort(); }\n"                                           /* 6 */
    "void leaves(void) { _exit(3); }\n"                                                    /* 7 */
    "void killed(int number) { raise(number); }\n"                                         /* 8 */
    "void crashes(void) { volatile int *place = 0; *place = 1; }\n"                        /* 9 */
    "void forks_exit(void) {\n"                                                            /* 10 */
    "    pid_t child = fork();\n"                                                          /* 11 */
    "    if (child == 0) {\n"                                                              /* 12 */
    "        exit(0);\n"                                                                   /* 13 */
    "    }\n"                                                                              /* 14 */
    "    waitpid(child, NULL, 0);\n"                                                       /* 15 */
    "}\n"                                                                                  /* 16 */
    "void forks_exec(void) {\n"                                                            /* 17 */
    "    pid_t child = fork();\n"                                                          /* 18 */
    "    if (child == 0) {\n"                                                              /* 19 */
    "        plain(1); execl(\"/bin/true\", \"true\", (char *)NULL);\n"                    /* 20 */
    "    }\n"                                                                              /* 21 */
    "    waitpid(child, NULL, 0);\n"                                                       /* 22 */
    "}\n"                                                                                  /* 23 */
    "void never(void) { abort(); }\n"                                                      /* 24 */
    "void shared(void) { int i = 0; again: plain(i); if (++i < 1000) { goto again; } }\n"; /* 25 */

static const char supervisor[] =
    "#include \"harness/src/evidence.h\"\n"
    "#include <signal.h>\n"
    "#include <sys/wait.h>\n"
    "#include <unistd.h>\n"
    "void plain(int x); void aborts(void); void leaves(void); void killed(int number); void crashes(void);\n"
    "void forks_exit(void); void forks_exec(void); void shared(void);\n"
    "const char *cupel_evidence_name(enum cupel_evidence evidence) {\n"
    "    static const char *const names[] = {\"unit\", \"property\", \"fuzz\", \"fault\", \"crash\"};\n"
    "    return names[evidence];\n"
    "}\n"
    "static void run(int number) {\n"
    "    switch (number) {\n"
    "    case 0: plain(1); break;\n"
    "    case 1: aborts(); break;\n"
    "    case 2: leaves(); break;\n"
    "    case 3: killed(SIGTERM); break;\n"
    "    case 4: killed(SIGKILL); break;\n"
    "    case 5: crashes(); break;\n"
    "    case 6: forks_exit(); break;\n"
    "    case 7: forks_exec(); break;\n"
    "    case 8: shared(); break;\n"
    "    }\n"
    "}\n"
    "static pid_t start(int number, enum cupel_evidence evidence) {\n"
    "    pid_t worker = fork();\n"
    "    if (worker == 0) {\n"
    "        cupel__evidence_begin(evidence);\n"
    "        run(number);\n"
    "        cupel__evidence_end();\n"
    "        _exit(0);\n"
    "    }\n"
    "    return worker;\n"
    "}\n"
    "int main(void) {\n"
    "    cupel__evidence_start();\n"
    "    for (int i = 0; i < 8; i++) {\n"
    "        waitpid(start(i, CUPEL_EVIDENCE_PROPERTY), 0, 0);\n"
    "    }\n"
    "    pid_t one = start(8, CUPEL_EVIDENCE_FUZZ);\n"
    "    pid_t other = start(8, CUPEL_EVIDENCE_FAULT);\n"
    "    waitpid(one, 0, 0);\n"
    "    waitpid(other, 0, 0);\n"
    "    for (int i = 0; i < 200; i++) {\n"
    "        waitpid(start(0, CUPEL_EVIDENCE_FAULT), 0, 0);\n"
    "    }\n"
    "    cupel__evidence_begin(CUPEL_EVIDENCE_UNIT);\n"
    "    plain(9);\n"
    "    cupel__evidence_end();\n"
    "    cupel__evidence_finish();\n"
    "    plain(9);\n"
    "    return 0;\n"
    "}\n";

/* Where a child leaves a function by exec, gcov's own arithmetic over that function is off by the child: what the child
 * called before is not. */
static const struct expected_counts {
    uint32_t line;
    uint64_t by_class[CUPEL_COVER_CLASSES]; /* unit, property, fuzz, fault, crash */
} expected[] = {
    {5, {2, 2, 1000, 1200, 1}}, {6, {0, 0, 0, 0, 1}},  {7, {0, 0, 0, 0, 1}},  {8, {0, 0, 0, 0, 2}},
    {9, {0, 0, 0, 0, 1}},       {11, {0, 1, 0, 0, 0}}, {12, {0, 2, 0, 0, 0}}, {13, {0, 1, 0, 0, 0}},
    {15, {0, 1, 0, 0, 0}},      {19, {0, 2, 0, 0, 0}}, {24, {0, 0, 0, 0, 0}}, {25, {0, 0, 1000, 1000, 0}},
};

TEST(cover_capture, counts_every_process_however_it_ends,
     .no_sweep = "jansson, which reads for it, ends the process where it gets no memory", .timeout_s = 120,
     .tags = "slow") {
    need_gcc();
    const char *folder = test_directory();
    char wide[4096];
    REQUIRE(realpath(folder, wide) != NULL);
    write_file(wide, "endings.c", endings);
    write_file(wide, "supervisor.c", supervisor);
    static const char flags[] = "-g -O0 --coverage -fdata-sections -fprofile-update=atomic -D_GNU_SOURCE "
                                "-DCUPEL_WITH_COUNTERS -I" CUPEL_TEST_SOURCE_DIR;
    int built = shell(wide,
                      "mkdir build && cd build && gcc %s -c '%s/endings.c' && gcc %s -c '%s/supervisor.c' && "
                      "gcc %s -c " CUPEL_TEST_SOURCE_DIR "/harness/src/evidence.c && "
                      "gcc endings.o supervisor.o evidence.o -o program --coverage -Wl,-u,__gcov_dump,-u,__gcov_reset "
                      "-Wl,-T," CUPEL_TEST_SOURCE_DIR "/ci/cmake/counters.ld && rm evidence.gcno",
                      flags, wide, flags, wide, flags);
    REQUIRE_INT_EQ(built, 0);
    REQUIRE_INT_EQ(shell(wide, "CUPEL_EVIDENCE=evidence build/program"), 0);
    struct cupel_coverage coverage;
    struct cupel_error error = {0};
    enum cupel_status status = capture(&coverage, wide, &error);
    cupel_note("%s", error.text);
    REQUIRE_INT_EQ(status, CUPEL_OK);
    const struct cupel_cover_file *file = file_named(&coverage, "endings.c");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct cupel_cover_counts counts = counts_at(file, expected[i].line);
        uint64_t sum = 0;
        for (unsigned j = 0; j < CUPEL_COVER_CLASSES; j++) {
            if (counts.by_class[j] != expected[i].by_class[j]) {
                FAIL("line %u, class %s: %llu times, not %llu", (unsigned)expected[i].line, cupel_cover_class_name(j),
                     (unsigned long long)counts.by_class[j], (unsigned long long)expected[i].by_class[j]);
            }
            sum += expected[i].by_class[j];
        }
        CHECK_UINT_EQ(counts.total, sum);
    }
    cupel_coverage_deinit(&coverage);
}

static const char excluding[] = "int f(int x);\n"
                                "int f(int x) {\n"
                                "    if (x == 1) { return 5; } /* "
                                "LCOV_EXCL_"
                                "LINE(for the test) */\n"
                                "    if (x == 2) { x++; } /* "
                                "LCOV_EXCL_"
                                "BR_LINE */\n"
                                "    return x;\n"
                                "}\n"
                                "int main(void) { return f(0); }\n";

static void build_plain(const char *folder, const char *text) {
    write_file(folder, "a.c", text);
    int built = shell(folder,
                      "mkdir build && cd build && gcc -g --coverage -c '%s/a.c' && gcc a.o -o a --coverage && "
                      "GCOV_PREFIX='%s/evidence/unit' GCOV_PREFIX_STRIP=0 ./a",
                      folder, folder);
    REQUIRE_INT_EQ(built, 0);
}

TEST(cover_capture, reads_exclusions_with_their_reasons,
     .no_sweep = "jansson, which reads for it, ends the process where it gets no memory", .timeout_s = 120,
     .tags = "slow") {
    need_gcc();
    char folder[4096];
    REQUIRE(realpath(test_directory(), folder) != NULL);
    build_plain(folder, excluding);
    struct cupel_coverage coverage;
    struct cupel_error error = {0};
    REQUIRE_INT_EQ(capture(&coverage, folder, &error), CUPEL_OK);
    const struct cupel_cover_file *file = file_named(&coverage, "a.c");
    const struct cupel_cover_exclusion *exclusion = cupel_cover_excluded(file, 3, false);
    REQUIRE(exclusion != NULL);
    CHECK_STR_EQ(exclusion->reason, "for the test");
    CHECK(cupel_cover_excluded(file, 4, false) == NULL);
    CHECK(cupel_cover_excluded(file, 4, true) != NULL);
    struct cupel_cover_summary summary = {0};
    cupel_cover_summarise(file, &summary);
    CHECK_UINT_EQ(summary.branches_found, 0);
    CHECK_UINT_EQ(summary.lines_found, 4);
    cupel_coverage_deinit(&coverage);
}

TEST(cover_capture, an_excluded_region_must_stop,
     .no_sweep = "jansson, which reads for it, ends the process where it gets no memory", .timeout_s = 120,
     .tags = "slow") {
    need_gcc();
    char folder[4096];
    REQUIRE(realpath(test_directory(), folder) != NULL);
    build_plain(folder, "int main(void) {\n    return 0; /* "
                        "LCOV_EXCL_"
                        "START */\n}\n");
    struct cupel_coverage coverage;
    struct cupel_error error = {0};
    CHECK_INT_EQ(capture(&coverage, folder, &error), CUPEL_USAGE);
    CHECK_STR_CONTAINS(error.text, "a.c:2: an excluded region starts here and never stops");
    cupel_coverage_deinit(&coverage);
}

static char *stored(const struct cupel_coverage *coverage) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    REQUIRE(out != NULL);
    cupel_store_write(coverage, out);
    (void)fclose(out);
    return text;
}

TEST(cover_capture, what_is_stored_reads_back_equal,
     .no_sweep = "jansson, which reads for it, ends the process where it gets no memory", .timeout_s = 120,
     .tags = "slow") {
    need_gcc();
    char folder[4096];
    REQUIRE(realpath(test_directory(), folder) != NULL);
    build_plain(folder, excluding);
    struct cupel_coverage coverage;
    struct cupel_coverage again;
    struct cupel_error error = {0};
    REQUIRE_INT_EQ(capture(&coverage, folder, &error), CUPEL_OK);
    char *text = stored(&coverage);
    write_file(folder, "cupel.json", text);
    char path[4200];
    (void)snprintf(path, sizeof path, "%s/cupel.json", folder);
    cupel_coverage_init(&again, cupel_libc());
    enum cupel_status status = cupel_store_read(&again, path, &error);
    cupel_note("%s", error.text);
    REQUIRE_INT_EQ(status, CUPEL_OK);
    char *other = stored(&again);
    CHECK_STR_EQ(other, text);
    free(text);
    free(other);
    cupel_coverage_deinit(&coverage);
    cupel_coverage_deinit(&again);
}

static const struct bad_store {
    const char *text;
    const char *words;
} bad_stores[] = {
    {"{\"format\": \"cupel-coverage\", \"version\": 2}", "not cupel-coverage of version 1"},
    {"{\"format\":\n 7", "'}' expected"},
    {"{\"format\": \"cupel-coverage\", \"version\": 1, \"files\": [{}]}", "lacks what it must have"},
    {"{\"format\": \"cupel-coverage\", \"version\": 1, \"files\": [{\"path\": \"a.c\", \"functions\": [], \"lines\": "
     "[{\"line\": -1, \"variant\": \"\", \"count\": 1}], \"branches\": [], \"excluded\": []}]}",
     "lacks what it must have"},
};

TEST(cover_capture, refuses_a_bad_store,
     .no_sweep = "jansson, which reads for it, ends the process where it gets no memory", TABLE(bad_stores),
     .tags = "slow") {
    const struct bad_store *bad = test_row();
    struct cupel_coverage coverage;
    struct cupel_error error = {0};
    char path[4096];
    write_file(test_directory(), "cupel.json", bad->text);
    (void)snprintf(path, sizeof path, "%s/cupel.json", test_directory());
    cupel_coverage_init(&coverage, cupel_libc());
    enum cupel_status status = cupel_store_read(&coverage, path, &error);
    cupel_coverage_deinit(&coverage);
    if (status == CUPEL_LACKING) {
        cupel_test_skip("built without jansson");
    }
    CHECK_INT_EQ(status, CUPEL_USAGE);
    CHECK_STR_CONTAINS(error.text, bad->words);
}
