/* Goal: `cupel init` gives a start or adds the least, overwrites nothing, and says what it did and what it refuses.
 * Method: run it on directories made here, and look at what they hold then. That what it writes builds, passes, sweeps
 * and fuzzes is for ci/tests/install.sh, which has an installed cupel. */
#include "harness/tests/tool.h"

#define INIT TOOL_BIN "cupel-init "

/* What a file of the test's directory holds; good until the next call. */
static const char *text_of(const char *name) {
    static char text[8192];
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", test_directory(), name);
    tool_read(path, text, sizeof text);
    return text;
}

/* A project with this CMakeLists.txt in the folder zoo. */
static void make_project(const char *text) {
    CHECK_INT_EQ(tool("mkdir -p zoo")->status, 0);
    tool_write("zoo/CMakeLists.txt", text);
}

TEST(init, starts_in_a_directory_that_is_not_there, .tags = "slow") {
    const struct tool_run *run = tool(INIT "new/my-zoo2");
    REQUIRE_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "made         tests/test_first.c\n");
    CHECK_STR_CONTAINS(run->output, "made         CMakeLists.txt\n");
    CHECK_STR_CONTAINS(run->output, "Next, in new/my-zoo2:\n  cmake --preset dev");
    CHECK_STR_CONTAINS(text_of("new/my-zoo2/CMakeLists.txt"),
                       "project(my_zoo2 LANGUAGES C)\ninclude(tests/cupel.cmake)\n");
    CHECK_STR_CONTAINS(text_of("new/my-zoo2/src/my_zoo2.h"), "#ifndef MY_ZOO2_H\n");
    CHECK_STR_CONTAINS(text_of("new/my-zoo2/src/my_zoo2.c"), "char *my_zoo2_reversed(");
    CHECK_STR_CONTAINS(text_of("new/my-zoo2/tests/CMakeLists.txt"), "SOURCES test_first.c LINK my_zoo2 SWEEP)\n");
    CHECK_STR_CONTAINS(text_of("new/my-zoo2/CMakePresets.json"), "\"CUPEL_VARIANT\": \"asan\"");
    CHECK_STR_EQ(text_of("new/my-zoo2/.gitignore"), "build/\n");
    run = tool("find new -name '*.tmp' -o -name '*@*'");
    CHECK_STR_EQ(run->output, "");
}

TEST(init, names_a_seed_by_its_hash, .tags = "slow") {
    CHECK_INT_EQ(tool(INIT "new")->status, 0);
    const struct tool_run *run =
        tool("cd new/fuzz/corpora/first_reverses_twice && for f in *; do echo \"$f  $f\"; done | "
             "sha1sum -c --quiet");
    CHECK_INT_EQ(run->status, 0);
}

TEST(init, takes_a_name_and_a_library, .tags = "slow") {
    CHECK_INT_EQ(tool(INIT "--name=lion --link=cat new")->status, 0);
    CHECK_STR_CONTAINS(text_of("new/CMakeLists.txt"), "project(lion ");
    CHECK_STR_CONTAINS(text_of("new/tests/CMakeLists.txt"), "LINK cat SWEEP)\n");
    const struct tool_run *run = tool(INIT "--name=9lives other");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "--name: '9lives' is no identifier of C");
    run = tool(INIT "--name=RUN_TESTS other");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "--name: 'RUN_TESTS' will not do: CMake has that name");
    CHECK_INT_EQ(tool("ls -A other")->status, 0);
    CHECK_STR_EQ(tool("ls -A other")->output, "");
}

/* Directories whose name a project cannot have as it is, and the name that it gets; init_names.sh builds such. */
static const struct {
    const char *directory, *name, *why;
} names[] = {
    {"test", "my_test", "not 'test': CMake has"},
    {"all", "my_all", "not 'all': CMake has"},
    {"clean", "my_clean", "not 'clean': CMake has"},
    {"install", "my_install", "not 'install': CMake has"},
    {"Help", "my_help", "not 'help': CMake has"},
    {"package", "my_package", "not 'package': CMake has"},
    {"edit_cache", "my_edit_cache", "not 'edit_cache': CMake has"},
    {"none", "my_none", "not 'none': CMake has"},
    {"cupel", "my_cupel", "not 'cupel': cupel or what it links has"},
    {"cupel-harness", "my_cupel_harness", "not 'cupel_harness': cupel or what it links has"},
    {"m", "my_m", "not 'm': cupel or what it links has"},
    {"string", "my_string", "not 'string': the system has a header"},
    {"stdarg", "my_stdarg", "not 'stdarg': the system has a header"},
    {"our  zoo (1)", "our_zoo_1", "made of the directory's name"},
    {"1st", "st", "made of the directory's name"},
    {"2026", "start", "made of the directory's name"},
    {"\303\244pfel b\303\244ume", "pfel_b_ume", "made of the directory's name"},
    {"Zoo", "zoo", NULL},
};

TEST(init, makes_names_that_a_project_may_have, TABLE(names), .tags = "slow") {
    const struct tool_run *run = tool(INIT "'%s'", names[test_row_index()].directory);
    char line[128];
    (void)snprintf(line, sizeof line, "project(%s LANGUAGES C)\n", names[test_row_index()].name);
    CHECK_INT_EQ(run->status, 0);
    if (names[test_row_index()].why == NULL) {
        CHECK(strstr(run->output, "named") == NULL);
    } else {
        CHECK_STR_CONTAINS(run->output, "named        ");
        CHECK_STR_CONTAINS(run->output, names[test_row_index()].why);
    }
    CHECK_INT_EQ(tool("mv '%s' project", names[test_row_index()].directory)->status, 0);
    CHECK_STR_CONTAINS(text_of("project/CMakeLists.txt"), line);
}

TEST(init, changes_nothing_the_second_time, .tags = "slow") {
    CHECK_INT_EQ(tool(INIT "new && tar cf once.tar --sort=name new")->status, 0);
    const struct tool_run *run = tool(INIT "new && tar cf twice.tar --sort=name new && cmp once.tar twice.tar");
    CHECK_INT_EQ(run->status, 0);
    CHECK(strstr(run->output, "made") == NULL);
    CHECK_STR_CONTAINS(run->output, "kept         CMakeLists.txt (it includes the tests already)\n");
}

TEST(init, keeps_what_stands_already, .tags = "slow") {
    CHECK_INT_EQ(tool("mkdir new && echo mine >new/.gitignore && echo read >new/README.md")->status, 0);
    const struct tool_run *run = tool(INIT "new");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "kept         .gitignore (it stands already)\n");
    CHECK_STR_EQ(text_of("new/.gitignore"), "mine\n");
    CHECK_STR_CONTAINS(text_of("new/CMakeLists.txt"), "project(new ");
}

static const struct {
    const char *before, *after, *link;
} projects[] = {
    {"cmake_minimum_required(VERSION 3.10)\nproject(zoo C)\nadd_library(cat cat.c)\n",
     "cmake_minimum_required(VERSION 3.10)\nproject(zoo C)\ninclude(tests/cupel.cmake)\nadd_library(cat cat.c)\n",
     "LINK cat SWEEP"},
    /* What looks like project() in a comment or a text is none; the real one may be long. */
    {"# project(no)\n#[[ project(no)\n]] message(\"project(no)\")\nPROJECT(zoo # )\n  VERSION \"1)\"\n  LANGUAGES C) # "
     "end\n"
     "add_library(zoo::cat ALIAS lion)\nadd_library(lion SHARED l.c)\n",
     "# project(no)\n#[[ project(no)\n]] message(\"project(no)\")\nPROJECT(zoo # )\n  VERSION \"1)\"\n  LANGUAGES C) # "
     "end\n"
     "include(tests/cupel.cmake)\nadd_library(zoo::cat ALIAS lion)\nadd_library(lion SHARED l.c)\n",
     "LINK lion SWEEP"},
    {"project(zoo)", "project(zoo)\ninclude(tests/cupel.cmake)\n", "test_first.c SWEEP"},
    {"project(zoo)\r\nadd_library(${dog} d.c)\r\nadd_library(ape UNKNOWN IMPORTED)\r\n",
     "project(zoo)\r\ninclude(tests/cupel.cmake)\r\nadd_library(${dog} d.c)\r\nadd_library(ape UNKNOWN IMPORTED)\r\n",
     "test_first.c SWEEP"},
};

TEST(init, adds_one_line_to_a_project, TABLE(projects), .tags = "slow") {
    make_project(projects[test_row_index()].before);
    const struct tool_run *run = tool(INIT "zoo");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "added        CMakeLists.txt, line ");
    CHECK_STR_EQ(text_of("zoo/CMakeLists.txt"), projects[test_row_index()].after);
    CHECK_STR_CONTAINS(text_of("zoo/tests/CMakeLists.txt"), projects[test_row_index()].link);
    CHECK_INT_EQ(tool("test ! -e zoo/src")->status, 0);
    run = tool(INIT "zoo");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_EQ(text_of("zoo/CMakeLists.txt"), projects[test_row_index()].after);
}

/* A project whose libraries are below: one of others first, then its own, two folders deep. */
static void make_deep_project(void) {
    make_project("project(zoo C)\nadd_subdirectory(third_party)\nadd_subdirectory(${more})\nadd_subdirectory(src)\n");
    CHECK_INT_EQ(tool("mkdir -p zoo/third_party zoo/src/core zoo/src/app && "
                      "echo 'add_library(dog d.c)' >zoo/third_party/CMakeLists.txt && "
                      "printf 'add_subdirectory(app)\\nadd_subdirectory( \"core\" )\\n' >zoo/src/CMakeLists.txt && "
                      "echo 'add_executable(app a.c)' >zoo/src/app/CMakeLists.txt && "
                      "echo 'add_library(cat STATIC c.c)' >zoo/src/core/CMakeLists.txt")
                     ->status,
                 0);
}

TEST(init, finds_a_library_in_folders_below, .tags = "slow") {
    make_deep_project();
    const struct tool_run *run = tool(INIT "zoo");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "linked       cat, which src/core/CMakeLists.txt declares, to the first test\n");
    CHECK_STR_CONTAINS(text_of("zoo/tests/CMakeLists.txt"), "LINK cat SWEEP)\n");
    CHECK(strstr(tool(INIT "zoo")->output, "linked") == NULL); /* nothing was changed */
}

TEST(init, says_what_to_fill_in_where_there_is_no_library, .tags = "slow") {
    make_deep_project();
    CHECK_INT_EQ(tool("rm zoo/src/core/CMakeLists.txt && mkdir zoo/tests")->status, 0);
    const struct tool_run *run = tool(INIT "zoo");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "linked       nothing: no add_library() was found here; write LINK and what you "
                                    "test behind SOURCES test_first.c in tests/cupel/CMakeLists.txt\n");
    CHECK_STR_CONTAINS(text_of("zoo/tests/cupel/CMakeLists.txt"), "(first SOURCES test_first.c SWEEP)\n");
    CHECK(strstr(tool(INIT "--link=cat new")->output, "linked") == NULL); /* who gave it knows it */
}

/* The program as it is installed, in a place with a blank in its name. */
#define INSTALL                                                                                                        \
    "mkdir -p 'the opt/bin' 'the opt/lib/any/cmake/cupel' && cp " TOOL_BIN "cupel-init 'the opt/bin' && "              \
    "touch 'the opt/lib/any/cmake/cupel/cupelConfig.cmake' && "

TEST(init, says_how_cmake_finds_an_installation, .tags = "slow") {
    char words[2048];
    (void)snprintf(words, sizeof words, "  cmake --preset dev '-DCMAKE_PREFIX_PATH=%s/the opt' && cmake --build",
                   test_directory());
    const struct tool_run *run = tool(INSTALL "'the opt/bin/cupel-init' new");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "/the opt, where CMake does not look by itself");
    CHECK_STR_CONTAINS(run->output, words);
    CHECK_STR_CONTAINS(run->output, "\n  cmake --preset fuzz '-DCMAKE_PREFIX_PATH=");
    make_project("project(zoo C)\n");
    run = tool("echo {} >zoo/CMakePresets.json; 'the opt/bin/cupel-init' zoo");
    CHECK_STR_CONTAINS(run->output, "\n  cmake -B build/dev '-DCMAKE_PREFIX_PATH=");
    CHECK_STR_CONTAINS(run->output, " -DCMAKE_C_COMPILER=gcc '-DCMAKE_PREFIX_PATH=");
    /* Where CMake looks there is nothing to be said. */
    run = tool("PATH=\"/nowhere:$PWD/the opt/bin:$PATH\" cupel-init new; echo; "
               "CMAKE_PREFIX_PATH=\"/nowhere:$PWD/./the opt\" 'the opt/bin/cupel-init' new");
    CHECK_INT_EQ(run->status, 0);
    CHECK(strstr(run->output, "PREFIX_PATH") == NULL);
    CHECK(strstr(run->output, "This cupel") == NULL);
}

TEST(init, says_that_it_must_be_installed, .tags = "slow") {
    const struct tool_run *run = tool(INIT "new");
    CHECK_STR_CONTAINS(run->output, "This cupel is not installed. CMake finds it after: cmake --install ");
    CHECK_STR_CONTAINS(run->output, "\n  cmake --preset dev && cmake --build");
    run = tool("mkdir -p copy/bin && cp " TOOL_BIN "cupel-init copy/bin && copy/bin/cupel-init new");
    CHECK_STR_CONTAINS(run->output, "/copy has no package for CMake");
}

TEST(init, asks_for_the_other_compiler_where_there_is_other_code, .tags = "slow") {
    make_project("project(zoo C CXX)\n");
    CHECK_INT_EQ(tool(INIT "zoo")->status, 0);
    CHECK_STR_CONTAINS(text_of("zoo/CMakePresets.json"), "\"CMAKE_CXX_COMPILER\": \"clang++\"");
    make_project("project(zoo LANGUAGES C)\n");
    CHECK_INT_EQ(tool("rm zoo/CMakePresets.json && " INIT "zoo")->status, 0);
    CHECK(strstr(text_of("zoo/CMakePresets.json"), "CXX") == NULL);
}

TEST(init, finds_another_folder_for_its_tests, .tags = "slow") {
    make_project("project(zoo C)\n");
    CHECK_INT_EQ(
        tool("mkdir zoo/tests && echo mine >zoo/tests/CMakeLists.txt && echo {} >zoo/CMakePresets.json")->status, 0);
    const struct tool_run *run = tool(INIT "zoo");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "cmake -B build/fuzz -DCUPEL_VARIANT=fuzz -DCMAKE_C_COMPILER=clang");
    CHECK_STR_EQ(text_of("zoo/tests/CMakeLists.txt"), "mine\n");
    CHECK_STR_CONTAINS(text_of("zoo/CMakeLists.txt"), "include(tests/cupel/cupel.cmake)\n");
    CHECK_STR_CONTAINS(text_of("zoo/tests/cupel/cupel.cmake"), "add_subdirectory(tests/cupel)\n");
    CHECK_INT_EQ(tool("mkdir -p full/tests/cupel full/cupel && echo 'project(full C)' >full/CMakeLists.txt")->status,
                 0);
    run = tool(INIT "full");
    CHECK_INT_EQ(run->status, 2);
    CHECK_STR_CONTAINS(run->errors, "there is no place for its tests");
}

TEST(init, only_says_what_it_would_do, .tags = "slow") {
    make_project("project(zoo C)\n");
    const struct tool_run *run = tool(INIT "--dry-run zoo");
    CHECK_INT_EQ(run->status, 0);
    CHECK_STR_CONTAINS(run->output, "would make   tests/test_first.c\n");
    CHECK_STR_CONTAINS(run->output, "would add    CMakeLists.txt, line 2: include(tests/cupel.cmake)\n");
    CHECK_STR_EQ(text_of("zoo/CMakeLists.txt"), "project(zoo C)\n");
    CHECK_STR_EQ(tool("ls -A zoo")->output, "CMakeLists.txt\n");
    CHECK_INT_EQ(tool(INIT "-n new")->status, 2);
    CHECK_INT_EQ(tool("test ! -e new")->status, 0);
}

static const struct {
    const char *setup, *words, *error;
    int status;
} refusals[] = {
    {"mkdir zoo && touch zoo/Makefile", "zoo", "'Makefile' is here, and no CMakeLists.txt", 2},
    {"touch zoo", "zoo", "'zoo': Not a directory", 2},
    {"touch zoo", "zoo/below", "Not a directory", 6},
    {"mkdir zoo && echo 'add_library(a a.c)' >zoo/CMakeLists.txt", "zoo", "CMakeLists.txt has no project()", 2},
    {"mkdir -p zoo/CMakeLists.txt", "zoo", "CMakeLists.txt: Is a directory", 2},
    {"mkdir zoo && echo 'project(zoo)' >zoo/CMakeLists.txt && touch zoo/tests", "zoo", "'tests': Not a directory", 6},
    /* Nothing can be written, the message neither. */
    {"trap '' XFSZ; ulimit -f 0", "zoo", "", 6},
    {":", "zoo other", "unexpected word 'other'", 2},
    {":", "--nmae=x", "--name", 2},
};

TEST(init, refuses_with_a_reason, TABLE(refusals), .tags = "slow") {
    const struct tool_run *run =
        tool("%s\n" INIT "%s", refusals[test_row_index()].setup, refusals[test_row_index()].words);
    CHECK_INT_EQ(run->status, refusals[test_row_index()].status);
    CHECK_STR_CONTAINS(run->errors, refusals[test_row_index()].error);
    CHECK_INT_EQ(tool("find . -name '*.tmp' | grep .")->status, 1);
}
