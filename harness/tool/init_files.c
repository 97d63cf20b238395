/* What `cupel init` writes: the texts. See init.h. */
#include "harness/tool/init.h"

#include "alloc/base/json.h"

#include <string.h>

static const char cmake_lists[] =
    "# Built with: cmake --preset dev && cmake --build --preset dev && ctest --preset dev\n"
    "cmake_minimum_required(VERSION 3.25)\n"
    "project(@NAME@ LANGUAGES C)\n"
    "include(@FOLDER@/cupel.cmake)\n"
    "add_library(@NAME@ STATIC src/@NAME@.c)\n"
    "target_include_directories(@NAME@ PUBLIC src)\n";

static const char source[] = "/* See @NAME@.h. */\n"
                             "#include \"@NAME@.h\"\n"
                             "\n"
                             "#include <stdlib.h>\n"
                             "\n"
                             "char *@NAME@_reversed(const char *text, size_t length) {\n"
                             "    char *reversed = malloc(length + 1);\n"
                             "    if (reversed == NULL) {\n"
                             "        return NULL;\n"
                             "    }\n"
                             "    for (size_t i = 0; i < length; i++) {\n"
                             "        reversed[i] = text[length - 1 - i];\n"
                             "    }\n"
                             "    reversed[length] = '\\0';\n"
                             "    return reversed;\n"
                             "}\n";

static const char header[] = "/* Something to begin with. */\n"
                             "#ifndef @UPPER@_H\n"
                             "#define @UPPER@_H\n"
                             "\n"
                             "#include <stddef.h>\n"
                             "\n"
                             "/* The bytes of the text from its last to its first, from malloc, or NULL. */\n"
                             "char *@NAME@_reversed(const char *text, size_t length);\n"
                             "\n"
                             "#endif\n";

static const char module[] =
    "# Tests with cupel. Included behind project(), so that the flags of a variant (-DCUPEL_VARIANT=asan; see\n"
    "# CMakePresets.json) reach every target. -DBUILD_TESTING=OFF leaves all of it out.\n"
    "option(BUILD_TESTING \"Build the tests\" ON)\n"
    "if(BUILD_TESTING)\n"
    "  find_package(cupel 0.1 REQUIRED COMPONENTS harness)\n"
    "  enable_testing()\n"
    "  cupel_enable_variants()\n"
    "  add_subdirectory(@FOLDER@)\n"
    "endif()\n";

static const char tests_lists[] =
    "# cupel_add_tests(PROGRAM SOURCES tests... LINK what they test): the program bin/tests/PROGRAM and its entries "
    "in\n"
    "# ctest; SWEEP adds one that fails every allocation in turn. Each PROPERTY is also a target of the variants fuzz "
    "and\n"
    "# afl. An LLVMFuzzerTestOneInput that is there already: cupel_add_fuzzers(SOURCES file.c LINK ...).\n"
    "cupel_add_tests(first SOURCES test_first.c@LINK@ SWEEP)\n";

static void write_test(const struct init_project *project, FILE *out) {
    init_fill(project,
              "/* Goal: the first test and the first property; change them to what you test.\n"
              " * Method: reverse a few texts, and any text twice. */\n"
              "#include <cupel/harness/harness.h>\n",
              out);
    init_fill(project, project->has_cmake ? "#include <stdlib.h>\n#include <string.h>\n\n" : "#include <@NAME@.h>\n\n",
              out);
    init_fill(project,
              project->has_cmake ? "static char *reversed(const char *text, size_t length) {\n"
                                   "    char *result = malloc(length + 1);\n"
                                   "    if (result == NULL) {\n"
                                   "        return NULL;\n"
                                   "    }\n"
                                   "    for (size_t i = 0; i < length; i++) {\n"
                                   "        result[i] = text[length - 1 - i];\n"
                                   "    }\n"
                                   "    result[length] = '\\0';\n"
                                   "    return result;\n"
                                   "}\n\n"
                                 : "#include <stdlib.h>\n#include <string.h>\n\n#define reversed @NAME@_reversed\n\n",
              out);
    init_fill(project,
              "TEST(first, reverses) {\n"
              "    char *result = reversed(\"abc\", 3);\n"
              "    STARVED(result == NULL); /* how this code says that it got no memory */\n"
              "    CHECK_STR_EQ(result, \"cba\");\n"
              "    free(result);\n"
              "}\n"
              "\n"
              "/* A test on generated input with shrinking, and the fuzz target first_reverses_twice. */\n"
              "PROPERTY(first, reverses_twice, .longest = 256) {\n"
              "    struct cupel_view input = cupel_draw_rest(bytes, \"text\");\n"
              "    const char *text = input.length == 0 ? \"\" : (const char *)input.data;\n"
              "    char *once = reversed(text, input.length);\n"
              "    STARVED(once == NULL);\n"
              "    char *twice = reversed(once, input.length);\n"
              "    if (twice == NULL) {\n"
              "        free(once);\n"
              "    }\n"
              "    STARVED(twice == NULL);\n"
              "    CHECK_MEM_EQ(twice, text, input.length);\n"
              "    free(once);\n"
              "    free(twice);\n"
              "}\n",
              out);
}

static const char fuzz_readme[] =
    "What fuzzing keeps, by target (SUITE_NAME of a PROPERTY); all of it belongs into version control.\n"
    "\n"
    "corpora/TARGET/        inputs that reach something, one a file; every test run replays them\n"
    "regressions/TARGET/    inputs that once failed; replayed first\n"
    "dictionaries/TARGET.dict    words for the engines\n";

static const char git_ignore[] = "build/\n";

/* The variants: what a preset of each says. */
static const struct {
    const char *name;
    const char *compiler; /* NULL: the project's own */
    const char *cplusplus;
} variants[] = {
    {"dev", NULL, NULL},
    {"asan", "clang", "clang++"},
    {"tsan", "clang", "clang++"},
    {"msan", "", ""},
    {"gcov", "gcc", "g++"},
    {"fuzz", "clang", "clang++"},
    {"afl", "afl-clang-fast", "afl-clang-fast++"},
};
enum { VARIANT_COUNT = sizeof variants / sizeof variants[0] };

static void write_pair(struct cupel_json *json, const char *key, const char *value) {
    cupel_json_key(json, key);
    cupel_json_string(json, value);
}

static void write_variables(const struct init_project *project, struct cupel_json *json, size_t i) {
    cupel_json_key(json, "cacheVariables");
    cupel_json_object_begin(json);
    write_pair(json, "CUPEL_VARIANT", variants[i].name);
    write_pair(json, "CMAKE_BUILD_TYPE", "Debug");
    if (variants[i].compiler != NULL) {
        char cplusplus[32];
        bool is_memory = variants[i].compiler[0] == '\0';
        /* clang-19 has clang++-19 beside it. */
        (void)snprintf(cplusplus, sizeof cplusplus, "clang++%s", project->memory_clang + strlen("clang"));
        write_pair(json, "CMAKE_C_COMPILER", is_memory ? project->memory_clang : variants[i].compiler);
        if (project->has_cplusplus) {
            write_pair(json, "CMAKE_CXX_COMPILER", is_memory ? cplusplus : variants[i].cplusplus);
        }
    }
    cupel_json_object_end(json);
}

static void write_steps(struct cupel_json *json, const char *key, bool are_tests) {
    cupel_json_key(json, key);
    cupel_json_array_begin(json);
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        cupel_json_object_begin(json);
        write_pair(json, "name", variants[i].name);
        write_pair(json, "configurePreset", variants[i].name);
        if (are_tests) {
            cupel_json_key(json, "output");
            cupel_json_object_begin(json);
            cupel_json_key(json, "outputOnFailure");
            cupel_json_bool(json, true);
            cupel_json_object_end(json);
        }
        cupel_json_object_end(json);
    }
    cupel_json_array_end(json);
}

static void write_presets(const struct init_project *project, FILE *out) {
    struct cupel_json json;
    cupel_json_init(&json, out, 2);
    cupel_json_object_begin(&json);
    cupel_json_key(&json, "version");
    cupel_json_uint(&json, 3);
    cupel_json_key(&json, "configurePresets");
    cupel_json_array_begin(&json);
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        cupel_json_object_begin(&json);
        write_pair(&json, "name", variants[i].name);
        write_pair(&json, "binaryDir", "${sourceDir}/build/${presetName}");
        write_variables(project, &json, i);
        cupel_json_object_end(&json);
    }
    cupel_json_array_end(&json);
    write_steps(&json, "buildPresets", false);
    write_steps(&json, "testPresets", true);
    cupel_json_object_end(&json);
    (void)fputc('\n', out);
}

/* The seed's name is its SHA-1, as of every file of a corpus. */
const struct init_file init_files[] = {
    {"src/@NAME@.h", header, NULL, true},
    {"src/@NAME@.c", source, NULL, true},
    {"@FOLDER@/test_first.c", NULL, write_test, false},
    {"@FOLDER@/CMakeLists.txt", tests_lists, NULL, false},
    {"@FOLDER@/cupel.cmake", module, NULL, false},
    {"fuzz/README", fuzz_readme, NULL, false},
    {"fuzz/corpora/first_reverses_twice/a9993e364706816aba3e25717850c26c9cd0d89d", "abc", NULL, false},
    {".gitignore", git_ignore, NULL, false},
    {"CMakePresets.json", NULL, write_presets, false},
    {"CMakeLists.txt", cmake_lists, NULL, true},
    {NULL, NULL, NULL, false},
};

static void put_word(const struct init_project *project, const char *word, size_t length, FILE *out) {
    if (strncmp(word, "NAME", length) == 0) {
        (void)fputs(project->name, out);
    } else if (strncmp(word, "FOLDER", length) == 0) {
        (void)fputs(project->folder, out);
    } else if (strncmp(word, "LINK", length) == 0) {
        (void)fprintf(out, "%s%s", project->library[0] != '\0' ? " LINK " : "", project->library);
    } else {
        for (const char *at = project->name; *at != '\0'; at++) {
            (void)fputc(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at, out);
        }
    }
}

void init_fill(const struct init_project *project, const char *text, FILE *out) {
    while (*text != '\0') {
        size_t length = strcspn(text, "@");
        (void)fwrite(text, 1, length, out);
        text += length;
        const char *end = *text == '@' ? strchr(text + 1, '@') : NULL;
        if (end != NULL) {
            put_word(project, text + 1, (size_t)(end - text - 1), out);
            text = end + 1;
        }
    }
}
