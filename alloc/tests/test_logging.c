/* Goal: the logging layer writes what happened, one line an operation, and never disturbs it. Method: its output
 * through a file is read back and compared; a full device and failing parents stand in for trouble. */
#include "alloc/counting.h"
#include "alloc/failing.h"
#include "alloc/libc.h"
#include "alloc/logging.h"
#include "alloc/tests/contract.h"
#include "harness/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The text of a file in memory, from its start; released by the caller. */
static char *text_of(int file, size_t *length) {
    off_t end = lseek(file, 0, SEEK_END);
    char *text = cupel_alloc_zeroed(cupel_libc(), (size_t)end + 1, 1);
    REQUIRE(end >= 0 && text != NULL && pread(file, text, (size_t)end, 0) == end);
    *length = (size_t)end;
    return text;
}

/* Replaces every address by A, which no test can foretell. */
static void hide_addresses(char *text) {
    char *to = text;
    for (char *from = text; *from != '\0';) {
        if (strncmp(from, "0x", 2) == 0) {
            from += 2 + strspn(from + 2, "0123456789abcdef");
            *to++ = 'A';
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

TEST(logging, writes_a_line_for_each_operation, .no_sweep = "each line of its log is compared") {
    struct cupel_logging logging;
    struct cupel_failing failing;
    int file = memfd_create("log", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    struct cupel_allocator *l =
        cupel_logging_init(&logging, cupel_failing_init(&failing, cupel_libc(), "alloc:2", NULL), file);
    void *block = cupel_alloc(l, 24, 8);
    REQUIRE(block != NULL);
    CHECK(cupel_alloc_zeroed(l, 1, 64) == NULL);
    CHECK(cupel_resize(l, block, 24, 8, 20));
    CHECK(!cupel_resize(l, block, 20, 8, 1 << 20));
    block = cupel_realloc(l, block, 20, 8, 400);
    REQUIRE(block != NULL);
    cupel_free(l, block, 400, 8);
    size_t length;
    char *text = text_of(file, &length);
    CHECK_STR_EQ(text, ""); /* still in the buffer */
    cupel_free(cupel_libc(), text, length + 1, 1);
    CHECK(cupel_logging_deinit(&logging));
    CHECK_UINT_EQ(logging.operations, 6);
    text = text_of(file, &length);
    hide_addresses(text);
    CHECK_STR_EQ(text, "1 acquire 24 8 -> A from A\n"
                       "2 acquire 1 64 zeroed -> failed from A\n"
                       "3 resize A 24 8 to 20 -> ok from A\n"
                       "4 resize A 20 8 to 1048576 -> failed from A\n"
                       "5 remap A 20 8 to 400 -> A from A\n"
                       "6 release A 400 8 from A\n");
    cupel_free(cupel_libc(), text, length + 1, 1);
    (void)close(file);
}

TEST(logging, writes_whole_lines_however_many, .no_sweep = "each line of its log is counted", .tags = "slow") {
    struct cupel_logging logging;
    int file = memfd_create("log", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    struct cupel_allocator *l = cupel_logging_init(&logging, cupel_libc(), file);
    for (unsigned i = 0; i < 1000; i++) {
        logging.is_unbuffered = i % 100 == 99;
        void *block = cupel_alloc(l, i, 8);
        REQUIRE(block != NULL);
        cupel_free(l, block, i, 8);
        if (logging.is_unbuffered) {
            CHECK_UINT_EQ(logging.buffered, 0);
        }
    }
    CHECK(cupel_logging_flush(&logging));
    size_t length;
    char *text = text_of(file, &length);
    unsigned lines = 0;
    for (char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
        REQUIRE(strchr(at, '\n') != NULL);
        CHECK_UINT_EQ(strtoul(at, NULL, 10), ++lines);
    }
    CHECK_UINT_EQ(lines, 2000);
    cupel_free(cupel_libc(), text, length + 1, 1);
    (void)close(file);
}

TEST(logging, survives_a_full_device_and_keeps_errno) {
    struct cupel_logging logging;
    int file = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (file < 0) {
        cupel_test_skip("no /dev/full here");
    }
    struct cupel_counting counting;
    struct cupel_allocator *l = cupel_logging_init(&logging, cupel_counting_init(&counting, cupel_libc()), file);
    logging.is_unbuffered = true;
    errno = 0;
    void *block = cupel_alloc(l, 10, 1);
    int after = errno;
    CHECK_INT_EQ(logging.error, ENOSPC);
    cupel_free(l, block, 10, 1);
    CHECK(!cupel_logging_deinit(&logging));
    CHECK_INT_EQ(logging.error, ENOSPC);
    CHECK(cupel_counts_are_balanced(&counting.counts));
    (void)close(file);
    STARVED(block == NULL);
    CHECK_INT_EQ(after, 0);
    CHECK_UINT_EQ(logging.operations, 2);
}

static int nowhere = -1;

static void close_nowhere(void) {
    (void)close(nowhere);
    nowhere = -1;
}

TEST(logging, keeps_the_contract, .teardown = close_nowhere, .tags = "slow") {
    struct cupel_logging layer;
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    REQUIRE(nowhere >= 0);
    struct cupel_allocator *a = cupel_logging_init(&layer, cupel_libc(), nowhere);
    check_contract(a, (struct contract_limits){1 << 17, 64});
    check_refusals(a);
    CHECK(cupel_logging_deinit(&layer));
}
