/* Goal: inputs are found in one order on every machine, and what cannot be read is named. Method: small trees in the
 * test's own directory. */
#include "harness/harness.h"
#include "harness/src/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *under(const char *name) {
    static char path[4][4096];
    static unsigned next;
    char *text = path[next++ % 4];
    (void)snprintf(text, sizeof path[0], "%s/%s", test_directory(), name);
    return text;
}

static void put(const char *name, const char *text) {
    int file = open(under(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    REQUIRE(file >= 0);
    REQUIRE_INT_EQ(write(file, text, strlen(text)), (ssize_t)strlen(text));
    REQUIRE_INT_EQ(close(file), 0);
}

TEST(files, are_found_below_a_directory_in_order_of_their_names) {
    struct cupel__files files = {0};
    struct cupel_error error;
    REQUIRE_INT_EQ(mkdir(under("b"), 0755), 0);
    put("c", "12345");
    put("b/x", "123456789");
    put("a", "");
    put(".hidden", "1");
    bool is_added = cupel__files_add(&files, test_directory(), &error);
    if (is_added) {
        CHECK_UINT_EQ(files.count, 3);
        CHECK_UINT_EQ(files.longest, 9);
        for (size_t i = 0; i < files.count && files.count == 3; i++) {
            static const char *const names[] = {"a", "b/x", "c"};
            CHECK_STR_EQ(files.paths[i], under(names[i]));
        }
    }
    cupel__files_deinit(&files);
    STARVED(!is_added);
}

TEST(files, that_are_not_there_are_named) {
    struct cupel__files files = {0};
    struct cupel_error error;
    CHECK(!cupel__files_add(&files, under("nowhere"), &error));
    CHECK_STR_CONTAINS(error.text, "/nowhere: No such file");
    uint8_t data[8];
    size_t length = 77;
    CHECK(!cupel__file_read(under("nowhere"), data, sizeof data, &length, &error));
    CHECK_STR_CONTAINS(error.text, "/nowhere: No such file");
    CHECK(!cupel__file_read(test_directory(), data, sizeof data, &length, &error));
    CHECK_STR_CONTAINS(error.text, "Is a directory");
    CHECK_UINT_EQ(length, 77);
    cupel__files_deinit(&files);
}

TEST(files, too_deep_is_told) {
    struct cupel__files files = {0};
    struct cupel_error error;
    char path[512];
    (void)snprintf(path, sizeof path, "%s", test_directory());
    for (int depth = 0; depth < 20; depth++) {
        (void)strncat(path, "/d", sizeof path - strlen(path) - 1);
        REQUIRE_INT_EQ(mkdir(path, 0755), 0);
    }
    CHECK(!cupel__files_add(&files, test_directory(), &error));
    CHECK_STR_CONTAINS(error.text, "directories deep");
    cupel__files_deinit(&files);
}

TEST(files, a_longer_file_gives_its_beginning) {
    struct cupel_error error;
    uint8_t data[4];
    size_t length = 0;
    put("long", "abcdefgh");
    REQUIRE(cupel__file_read(under("long"), data, sizeof data, &length, &error));
    CHECK_UINT_EQ(length, 4);
    CHECK_MEM_EQ(data, "abcd", 4);
    put("short", "xy");
    REQUIRE(cupel__file_read(under("short"), data, sizeof data, &length, &error));
    CHECK_UINT_EQ(length, 2);
    CHECK_MEM_EQ(data, "xy", 2);
}
