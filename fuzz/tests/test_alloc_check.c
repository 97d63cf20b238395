/* Goal: cupel alloc check passes sound allocators and finds what is wrong with others. Method: the tool itself over
 * glibc, jemalloc and mimalloc, where they are, and over a library with planted defects. */
#include "fuzz/src/process.h"
#include "harness/harness.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char tool[] = CUPEL_TEST_BINARY_DIR "/bin/cupel-alloc";
static char output[1 << 16];

/* Runs `cupel alloc check` with few runs; what it printed is in `output`. */
static int check(const char *library, const char *more) {
    char path[4096];
    const char *words[] = {tool, "check", "--runs=300", library, more, NULL};
    (void)snprintf(path, sizeof path, "%s/output", test_directory());
    int status = cupel__program_run(words, NULL, path, 300000, NULL);
    FILE *file = fopen(path, "r");
    REQUIRE(file != NULL);
    output[fread(output, 1, sizeof output - 1, file)] = '\0';
    (void)fclose(file);
    cupel_note("%s", output);
    return status;
}

/* A row that failed, other than for its errno, which POSIX asks for and the C standard does not. */
static const char *find_failure_beyond_errno(void) {
    static char row[512];
    for (const char *line = output; *line != '\0'; line += strcspn(line, "\n") + 1) {
        (void)snprintf(row, sizeof row, "%.*s", (int)strcspn(line, "\n"), line);
        if (strstr(row, " FAILED ") != NULL && strstr(row, "errno") == NULL) {
            return row;
        }
        if (line[strcspn(line, "\n")] == '\0') {
            break;
        }
    }
    return NULL;
}

static void skip_where_absent(const char *library) {
    /* ThreadSanitizer does not see how a library that it did not compile orders its threads. */
    if (strcmp(CUPEL_VARIANT_NAME, "tsan") == 0) {
        cupel_test_skip("a foreign malloc reads as racing under ThreadSanitizer");
    }
    char path[256];
    (void)snprintf(path, sizeof path, "/usr/lib/x86_64-linux-gnu/%s", library);
    if (access(path, R_OK) != 0) {
        cupel_test_skip("the library is not installed: ci/bootstrap test");
    }
}

TEST(alloc_check, glibc_keeps_every_promise, .timeout_s = 300, .tags = "slow") {
    CHECK_INT_EQ(check("libc.so.6", "--quiet"), 0);
    CHECK_STR_EQ(output, "libc.so.6: 0 checks failed\n");
}

TEST(alloc_check, jemalloc_fails_in_nothing_but_errno, .timeout_s = 300, .tags = "slow") {
    skip_where_absent("libjemalloc.so.2");
    CHECK_INT_LE(check("libjemalloc.so.2", NULL), 1);
    CHECK_STR_CONTAINS(output, "300 runs");
    const char *row = find_failure_beyond_errno();
    CHECK_STR_EQ(row == NULL ? "" : row, "");
}

/* Release 2.0.9 gives blocks of aligned_alloc(256, 256) at other addresses: found, where that release is installed. */
TEST(alloc_check, mimalloc_runs_to_the_end_of_the_report, .timeout_s = 300, .tags = "slow") {
    skip_where_absent("libmimalloc.so.2");
    int status = check("libmimalloc.so.2", NULL);
    CHECK_INT_LE(status, 1);
    CHECK_STR_CONTAINS(output, "the others fail too");
    const char *row = find_failure_beyond_errno();
    if (access("/usr/lib/x86_64-linux-gnu/libmimalloc.so.2.0", R_OK) == 0) {
        CHECK_STR_CONTAINS(row == NULL ? "" : row, "is not aligned to");
        CHECK_STR_CONTAINS(output, "reproduce  cupel alloc check --seed=");
    } else {
        CHECK_STR_EQ(row == NULL ? "" : row, "");
    }
}

TEST(alloc_check, planted_defects_are_found, .timeout_s = 300, .tags = "slow") {
    CHECK_INT_EQ(check(CUPEL_TEST_BINARY_DIR "/bin/fixtures/bad_malloc.so", NULL), 1);
    CHECK_STR_CONTAINS(output, "calloc(SIZE_MAX / 2 + 1, 2) gave a block");
    CHECK_STR_CONTAINS(output, "a realloc that failed changed byte 0");
    CHECK_STR_CONTAINS(output, "posix_memalign(");
    CHECK_STR_CONTAINS(output, "the library has no aligned_alloc");
    CHECK_STR_CONTAINS(output, "died by signal 11");
    CHECK_STR_CONTAINS(output, "random operations      FAILED");
}

TEST(alloc_check, what_is_no_malloc_is_told, .tags = "slow") {
    CHECK_INT_EQ(check("/nonexistent/lib.so", NULL), 2);
    CHECK_STR_CONTAINS(output, "/nonexistent/lib.so");
    CHECK_INT_EQ(check("libm.so.6", NULL), 2);
    CHECK_STR_CONTAINS(output, "defines no malloc");
    CHECK_INT_EQ(check("libc.so.6", "--runz=3"), 2);
    CHECK_STR_CONTAINS(output, "runz");
}
