/* Goal: cupel-symbolise names functions, files and lines, with the calls that were inlined, of whatever compiler and
 * form of debug info; and says what is wrong with its words. Method: modules built from one small source by each
 * compiler, and all the words that it knows. */
#include "alloc/base/status.h"
#include "harness/harness.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOOL    CUPEL_TEST_BINARY_DIR "/bin/cupel-symbolise"
#define MODULES CUPEL_TEST_BINARY_DIR "/bin/tests/fixtures/libsymbolised_"
#define SOURCE  CUPEL_TEST_SOURCE_DIR "/alloc/tests/symbolised.c"

static char printed[16384];

/* Runs the tool with these words; its exit status, and in `printed` what it wrote. */
static int run(const char *words) {
    char command[2048];
    REQUIRE(snprintf(command, sizeof command, "%s %s 2>&1", TOOL, words) < (int)sizeof command);
    FILE *pipe = popen(command, "r");
    REQUIRE(pipe != NULL);
    printed[fread(printed, 1, sizeof printed - 1, pipe)] = '\0';
    int status = pclose(pipe);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The words for the first bytes of a function of a module. */
static const char *words_for(const char *options, const char *module, const char *function) {
    static char words[1800];
    void *opened = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(opened != NULL);
    const char *start = dlsym(opened, function);
    Dl_info info;
    REQUIRE(start != NULL && dladdr(start, &info) != 0);
    size_t length = (size_t)snprintf(words, sizeof words, "%s -e %s", options, module);
    for (unsigned i = 0; i < 48; i++) {
        length += (size_t)snprintf(words + length, sizeof words - length, " %zx",
                                   (size_t)(start - (const char *)info.dli_fbase) + i);
    }
    REQUIRE(length < sizeof words);
    REQUIRE(dlclose(opened) == 0);
    return words;
}

static const char *const modules[] = {MODULES "gcc_4.so", MODULES "gcc_5.so", MODULES "clang_4.so",
                                      MODULES "clang_5.so"};

static void need(const char *module) {
#if !defined(CUPEL_HAVE_LIBDW)
    cupel_test_skip("cupel-symbolise was built without libdw");
#endif
    if (access(module, R_OK) != 0) {
        cupel_test_skip("this compiler is not here");
    }
}

#define SLOWLY .tags = "slow", .no_sweep = "the loader gives up where it is refused memory"

TEST(symbolise, names_inlined_calls, SLOWLY, CUPEL_TABLE(modules)) {
    const char *module = modules[test_row_index()];
    need(module);
    CHECK_INT_EQ(run(words_for("-f -i -C", module, "symbolised")), CUPEL_OK);
    CHECK_STR_CONTAINS(printed, "inner\n" SOURCE ":9\nmiddle\n" SOURCE ":13\nsymbolised\n" SOURCE ":21\n");
    CHECK_STR_CONTAINS(printed, "symbolised\n" SOURCE ":16\n");
}

TEST(symbolise, prints_what_is_asked_for, SLOWLY, CUPEL_TABLE(modules)) {
    const char *module = modules[test_row_index()];
    need(module);
    CHECK_INT_EQ(run(words_for("-f", module, "symbolised")), CUPEL_OK);
    CHECK_STR_CONTAINS(printed, "inner\n" SOURCE ":9\n");
    CHECK(strstr(printed, "middle") == NULL);
    CHECK(strstr(printed, "0x0000") == NULL);
    CHECK_INT_EQ(run(words_for("-a -i", module, "symbolised")), CUPEL_OK);
    CHECK_STR_CONTAINS(printed, "\n" SOURCE ":9\n" SOURCE ":13\n" SOURCE ":21\n0x0000");
    CHECK(strstr(printed, "symbolised\n") == NULL);
    CHECK_INT_EQ(run(words_for("-f", module, "symbolised_renamed")), CUPEL_OK);
    CHECK_STR_CONTAINS(printed, "renamed\n" SOURCE ":2");
}

/* The byte that is asked for lies so far from the end of the frame; the stack pointer is a word below it. */
TEST(symbolise, names_variables, SLOWLY, CUPEL_TABLE(modules)) {
    const char *module = modules[test_row_index()];
    need(module);
    CHECK_INT_EQ(run(words_for("--variable=-12,7=-8", module, "symbolised")), CUPEL_OK);
    CHECK_STR_CONTAINS(printed, "symbolised\ninside\n" SOURCE ":20\n0\n4\n");
    CHECK_STR_CONTAINS(printed, "?\?\n"); /* the function's first bytes are in another block */
    CHECK_INT_EQ(run(words_for("--variable=-9,7=-8", module, "symbolised")), CUPEL_OK);
    CHECK_STR_CONTAINS(printed, "symbolised\ninside\n" SOURCE ":20\n3\n4\n");
    CHECK_INT_EQ(run(words_for("--variable=-8,7=-8", module, "symbolised")), CUPEL_OK);
    CHECK(strstr(printed, "inside") == NULL);
    CHECK_INT_EQ(run(words_for("--variable=-13,7=-8", module, "symbolised")), CUPEL_OK);
    CHECK(strstr(printed, "inside") == NULL);
    CHECK_INT_EQ(run(words_for("--variable=-12,0=5", module, "symbolised")), CUPEL_OK);
    bool needs_pointer = strstr(module, "clang") != NULL; /* clang's frames begin at the stack pointer */
    CHECK_INT_EQ(strstr(printed, "inside") == NULL, needs_pointer);
}

TEST(symbolise, answers_where_nothing_is_known, SLOWLY) {
    char words[600];
    const char *module = modules[1];
    need(module);
    (void)snprintf(words, sizeof words, "-a -f -e %s zz 10q '' ffffffffff", module);
    CHECK_INT_EQ(run(words), CUPEL_OK);
    CHECK_STR_EQ(printed, "0x0000000000000000\n?\?\n?\?:0\n0x0000000000000010\n?\?\n?\?:0\n"
                          "0x0000000000000000\n?\?\n?\?:0\n0x000000ffffffffff\n?\?\n?\?:0\n");
    /* Without debug info there are the symbols still. */
    (void)snprintf(words, sizeof words, "-g %s -o %s/stripped", module, test_directory());
    char command[800];
    (void)snprintf(command, sizeof command, "strip %s 2>/dev/null", words);
    FILE *pipe = popen(command, "r");
    REQUIRE(pipe != NULL);
    if (pclose(pipe) != 0) {
        cupel_test_skip("strip is not here");
    }
    (void)snprintf(command, sizeof command, "%s/stripped", test_directory());
    CHECK_INT_EQ(run(words_for("-f", command, "symbolised")), CUPEL_OK);
    CHECK_STR_CONTAINS(printed, "symbolised\n?\?:0\n");
}

/* Words, how it ends, and what it says. */
static const struct {
    const char *words;
    int status;
    const char *said;
} words_and_ends[] = {
    {"--help", CUPEL_OK, "usage: cupel-symbolise"},
    {"", CUPEL_USAGE, "usage: cupel-symbolise"},
    {"-f 10", CUPEL_USAGE, "usage: cupel-symbolise"},
    {"-e " TOOL, CUPEL_USAGE, "usage: cupel-symbolise"},
    {"-f -e", CUPEL_USAGE, "does not know '-e'"},
    {"-x -e " TOOL " 10", CUPEL_USAGE, "does not know '-x'"},
    {"--variable= -e " TOOL " 10", CUPEL_USAGE, "does not know '--variable='"},
    {"--variable=1x -e " TOOL " 10", CUPEL_USAGE, "does not know '--variable=1x'"},
    {"--variable=1,7 -e " TOOL " 10", CUPEL_USAGE, "does not know '--variable=1,7'"},
    {"--variable=1,=7 -e " TOOL " 10", CUPEL_USAGE, "does not know '--variable=1,=7'"},
    {"--variable=1,7= -e " TOOL " 10", CUPEL_USAGE, "does not know '--variable=1,7='"},
    {"--variable=1,99=7 -e " TOOL " 10", CUPEL_USAGE, "does not know '--variable=1,99=7'"},
    {"--functions -e " TOOL " 10", CUPEL_USAGE, "does not know '--functions'"},
#if defined(CUPEL_HAVE_LIBDW)
    {"-e /nonexistent 10", CUPEL_USAGE, "cannot read '/nonexistent'"},
    {"-e " SOURCE " 10", CUPEL_USAGE, "cannot read '"},
    {"-e " TOOL " 10 >/dev/full", CUPEL_OUTPUT, ""},
    {"--help >/dev/full", CUPEL_OUTPUT, ""},
#endif
};

TEST(symbolise, says_what_is_wrong_with_words, .tags = "slow", .no_sweep = "the tool is not this process",
     CUPEL_TABLE(words_and_ends)) {
    CHECK_INT_EQ(run(words_and_ends[test_row_index()].words), words_and_ends[test_row_index()].status);
    CHECK_STR_CONTAINS(printed, words_and_ends[test_row_index()].said);
}
