/* Goal: inputs are stored whole, under the right name and once; processes end as they should. Method: known digests,
 * directories of the test's own, and programs of the system. */
#include "fuzz/src/inputs.h"
#include "fuzz/src/process.h"
#include "harness/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct digest {
    size_t length; /* of a text of letters a */
    const char *name;
};

/* From sha1sum; the lengths stand round the block's end. */
static const struct digest digests[] = {
    {0, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},    {1, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"},
    {55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},   {56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
    {64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},   {119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"},
    {1000, "291e9a6c66994949b57ba5e650361e98fc36b1ba"},
};

TEST(inputs, are_named_by_their_sha1, CUPEL_TABLE(digests)) {
    const struct digest *digest = test_row();
    char data[1000];
    char name[CUPEL_SHA1_TEXT];
    memset(data, 'a', sizeof data);
    cupel_sha1(data, digest->length, name);
    CHECK_STR_EQ(name, digest->name);
}

TEST(inputs, are_stored_once_and_whole, .tags = "slow") {
    char directory[CUPEL__PATH_MAX];
    char name[CUPEL_SHA1_TEXT];
    char again[CUPEL_SHA1_TEXT];
    bool is_new = false;
    (void)snprintf(directory, sizeof directory, "%s/corpora/target", test_directory());
    CHECK_INT_EQ(cupel__store_count(directory), 0);
    REQUIRE(cupel_store_add(directory, "ab\0c", 4, name, &is_new, NULL));
    CHECK(is_new);
    REQUIRE(cupel_store_add(directory, "ab\0c", 4, again, &is_new, NULL));
    CHECK(!is_new);
    CHECK_STR_EQ(again, name);
    REQUIRE(cupel_store_add(directory, "", 0, again, &is_new, NULL));
    CHECK_INT_EQ(cupel__store_count(directory), 2);
    char path[CUPEL__PATH_MAX];
    (void)snprintf(path, sizeof path, "%.4000s/%s", directory, name);
    size_t length = 0;
    uint8_t *data = cupel__store_read(path, &length, NULL);
    STARVED(data == NULL);
    CHECK_UINT_EQ(length, 4);
    CHECK_MEM_EQ(data, "ab\0c", 4);
    free(data);
    cupel__remove_tree(directory);
    CHECK_INT_EQ(cupel__store_count(directory), 0);
}

TEST(inputs, say_what_is_no_input, .tags = "slow") {
    char path[CUPEL__PATH_MAX];
    char name[CUPEL_SHA1_TEXT];
    size_t length;
    bool is_new;
    struct cupel_error error;
    CHECK(cupel__store_read(test_directory(), &length, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "not a regular file");
    (void)snprintf(path, sizeof path, "%s/huge", test_directory());
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    CHECK_INT_EQ(ftruncate(fileno(file), CUPEL__INPUT_MAX + 1), 0);
    (void)fclose(file);
    CHECK(cupel__store_read(path, &length, &error) == NULL);
    CHECK_STR_CONTAINS(error.text, "over 16 MiB");
    /* A file stands where the directory should be. */
    CHECK(!cupel_store_add(path, "x", 1, name, &is_new, &error));
    CHECK_STR_CONTAINS(error.text, "huge");
    CHECK_INT_EQ(cupel__store_each(path, NULL, NULL, &error), -1);
}

TEST(process, ends_with_the_programs_status, .tags = "slow") {
    const char *succeeds[] = {"true", NULL};
    const char *fails[] = {"sh", "-c", "exit 7", NULL};
    const char *dies[] = {"sh", "-c", "kill -9 $$", NULL};
    const char *is_missing[] = {"/nonexistent/program", NULL};
    CHECK_INT_EQ(cupel__program_run(succeeds, NULL, NULL, 60000, NULL), 0);
    CHECK_INT_EQ(cupel__program_run(fails, NULL, NULL, 60000, NULL), 7);
    CHECK_INT_EQ(cupel__program_run(dies, NULL, NULL, 60000, NULL), 128 + 9);
    CHECK_INT_EQ(cupel__program_run(is_missing, NULL, NULL, 60000, NULL), 127);
    CHECK(cupel__program_is_there("sh"));
    CHECK(!cupel__program_is_there("no-such-program-of-cupel"));
}

/* The program's own child must go too: it holds the pipe open, so reading to the end would wait for it. */
TEST(process, is_killed_with_its_children_when_it_is_late, .tags = "slow") {
    const char *sleeps[] = {"sh", "-c", "sleep 1000 & sleep 1000", NULL};
    CHECK_INT_EQ(cupel__program_run(sleeps, NULL, NULL, 50, NULL), 124);
}

TEST(process, has_the_words_and_the_environment_it_was_given, .tags = "slow") {
    char path[CUPEL__PATH_MAX];
    char line[64] = "";
    const char *prints[] = {"sh", "-c", "echo \"$1 $CUPEL_TEST_WORD\"", "name", "a b;c", NULL};
    const char *environment[] = {"CUPEL_TEST_WORD=of the test", NULL};
    (void)snprintf(path, sizeof path, "%s/output", test_directory());
    REQUIRE_INT_EQ(cupel__program_run(prints, environment, path, 60000, NULL), 0);
    FILE *file = fopen(path, "r");
    REQUIRE(file != NULL);
    CHECK(fgets(line, sizeof line, file) != NULL);
    (void)fclose(file);
    CHECK_STR_EQ(line, "a b;c of the test\n");
}
