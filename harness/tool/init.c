/* `cupel init`: a working start in an empty directory, or the least that an existing CMake project needs. Nothing that
 * is there is overwritten: a file that stands already is kept, and CMakeLists.txt gets one line, behind project(). What
 * it did is said file by file; done twice, the second time changes nothing. */
#include "harness/tool/init.h"
#include "harness/src/quote.h"

#include "alloc/base/options.h"
#include "alloc/base/outfile.h"
#include "alloc/base/status.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_dry;
static const char *given_name;
static const char *given_library;

static const struct cupel_option options[] = {
    {.name = "dry-run",
     .letter = 'n',
     .kind = CUPEL_OPTION_FLAG,
     .value = &is_dry,
     .sentence = "say what would be done and change nothing"},
    {.name = "name",
     .kind = CUPEL_OPTION_TEXT,
     .value = &given_name,
     .parameter = "NAME",
     .sentence = "the new project's name, an identifier of C (default: that of the directory)"},
    {.name = "link",
     .kind = CUPEL_OPTION_TEXT,
     .value = &given_library,
     .parameter = "TARGET",
     .sentence = "the target that the first test links (default: the first library that the project declares)"},
    {.name = NULL}};

static const struct cupel_program program = {
    .name = "cupel init",
    .synopsis = "[OPTION ...] [DIR]",
    .sentence = "Writes a working start into an empty directory, or adds tests to a CMake project; overwrites nothing.",
    .options = options,
};

/* What CMakeLists.txt gets; `folder` is that of the tests. */
static void make_line(const struct init_project *project, char *line, size_t size) {
    (void)snprintf(line, size, "include(%s/cupel.cmake)", project->folder);
}

/* What init did, or would do. */
static void tell(const char *did, const char *would, const char *what, const char *more) {
    (void)printf("%-12s %s%s\n", is_dry ? would : did, what, more);
}

/* A whole file below the current directory, from malloc; NULL with errno set where it cannot be read. */
static char *read_text(const char *path) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return NULL;
    }
    char *text = NULL;
    size_t size = 0;
    errno = 0;
    ssize_t length = getdelim(&text, &size, '\0', file);
    bool is_read = length >= 0 || !ferror(file);
    if (is_read && length < 0 && text != NULL) {
        text[0] = '\0'; /* an empty file */
    }
    (void)fclose(file);
    if (!is_read) {
        free(text);
        return NULL;
    }
    return text;
}

static bool exists(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

/* True where nothing stands here that a new project would be in the way of: hidden files and documents only. */
static bool is_as_good_as_empty(char *other, size_t size) {
    DIR *directory = opendir(".");
    bool is_empty = true;
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        const char *name = entry->d_name;
        const char *end = strrchr(name, '.');
        bool is_document = strncmp(name, "README", 6) == 0 || strncmp(name, "LICEN", 5) == 0 ||
                           strncmp(name, "COPYING", 7) == 0 || (end != NULL && strcmp(end, ".md") == 0);
        if (name[0] != '.' && !is_document) {
            (void)snprintf(other, size, "%s", name);
            is_empty = false;
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    return is_empty;
}

/* True where the program is in PATH. */
static bool is_in_path(const char *name) {
    const char *directory = getenv("PATH");
    while (directory != NULL && *directory != '\0') {
        size_t length = strcspn(directory, ":");
        char path[PATH_MAX];
        int written = snprintf(path, sizeof path, "%.*s/%s", (int)length, directory, name);
        if (written > 0 && (size_t)written < sizeof path && access(path, X_OK) == 0) {
            return true;
        }
        directory += length + (directory[length] == ':');
    }
    return false;
}

/* The variant msan wants a newer clang than some distributions call clang. */
static const char *find_memory_clang(void) {
    static const char *const names[] = {"clang-22", "clang-21", "clang-20", "clang-19",
                                        "clang-18", "clang-17", "clang-16"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_in_path(names[i])) {
            return names[i];
        }
    }
    return "clang";
}

/* The folder of the tests: one that is ours already, or the first that nobody has. */
static bool choose_folder(struct init_project *project) {
    static const char *const names[] = {"tests", "tests/cupel", "cupel"};
    char path[64];
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            (void)snprintf(path, sizeof path, "%s%s", names[i], pass == 0 ? "/cupel.cmake" : "");
            if (pass == 0 ? exists(path) : !exists(path)) {
                (void)snprintf(project->folder, sizeof project->folder, "%s", names[i]);
                return true;
            }
        }
    }
    cupel_message(
        "tests, tests/cupel and cupel are all there and none is of `cupel init`: there is no place for its tests");
    return false;
}

/* Code of others, and what is no part of the project's own libraries. */
static bool is_foreign(const char *folder) {
    static const char *const names[] = {"third_party", "third-party", "thirdparty", "3rdparty",
                                        "external",    "extern",      "vendor",     "deps",
                                        "subprojects", "tests",       "test",       "examples"};
    const char *slash = strrchr(folder, '/');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(slash != NULL ? slash + 1 : folder, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum { FOLDERS_DEEP_MAX = 4 };

/* The first library that the text of `folder` ("" or with a slash at its end) declares, else one of a folder that it
 * adds. */
static bool find_library(struct init_project *project, const char *folder, const char *text, unsigned depth) {
    char name[128];
    if (init_find_library(text, project->library, sizeof project->library)) {
        (void)snprintf(project->library_place, sizeof project->library_place, "%sCMakeLists.txt", folder);
        return true;
    }
    bool is_found = false;
    for (const char *at = text; !is_found && depth < FOLDERS_DEEP_MAX && init_next_folder(&at, name, sizeof name);) {
        char below[256];
        char path[sizeof below + sizeof "CMakeLists.txt"];
        int length = snprintf(below, sizeof below, "%s%s/", name[0] == '/' ? "" : folder, name);
        (void)snprintf(path, sizeof path, "%sCMakeLists.txt", below);
        char *text_below = is_foreign(name) || length >= (int)sizeof below ? NULL : read_text(path);
        is_found = text_below != NULL && find_library(project, below, text_below, depth + 1);
        free(text_below);
    }
    return is_found;
}

/* What CMakeLists.txt says of the project. */
static enum cupel_status look_at_cmake(struct init_project *project, const char *text) {
    char words[4096];
    if (init_find_project(text, words, sizeof words) == 0) {
        cupel_message("CMakeLists.txt has no project(): give the project's top directory");
        return CUPEL_USAGE;
    }
    project->has_cmake = true;
    /* project(NAME) alone asks for C and C++. */
    bool names_languages = strstr(words, "LANGUAGES") != NULL || strstr(words, " C ") != NULL ||
                           (strlen(words) > 2 && strcmp(words + strlen(words) - 2, " C") == 0);
    project->has_cplusplus = strstr(words, "CXX") != NULL || !names_languages;
    if (given_library == NULL && !find_library(project, "", text, 0)) {
        project->library[0] = '\0';
    }
    return CUPEL_OK;
}

/* The name of a new project: the one that was given, or one made of the directory's, which is said where it differs. */
static bool name(struct init_project *project) {
    struct cupel_error error = {0};
    char path[PATH_MAX];
    if (given_name != NULL) {
        if (!init_check_name(given_name, &error)) {
            cupel_message("--name: %s", error.text);
            return false;
        }
        (void)snprintf(project->name, sizeof project->name, "%s", given_name);
        return true;
    }
    const char *directory = getcwd(path, sizeof path) != NULL ? strrchr(path, '/') + 1 : "";
    const char *why = init_make_name(directory, project->name);
    if (why != NULL) {
        tell("named", "would name", project->name, why);
    }
    return true;
}

static enum cupel_status look(struct init_project *project, const char *text) {
    char other[NAME_MAX + 1];
    *project = (struct init_project){.memory_clang = find_memory_clang()};
    if (given_library != NULL) {
        (void)snprintf(project->library, sizeof project->library, "%s", given_library);
    }
    if (text != NULL) {
        enum cupel_status status = look_at_cmake(project, text);
        return status != CUPEL_OK ? status : choose_folder(project) ? CUPEL_OK : CUPEL_USAGE;
    }
    if (!is_as_good_as_empty(other, sizeof other)) {
        cupel_message(
            "'%s' is here, and no CMakeLists.txt: this is neither an empty directory nor a CMake project. In a "
            "Makefile: CFLAGS += $(shell pkg-config --cflags cupel-test), LDLIBS += $(shell pkg-config --libs "
            "cupel-test)",
            other);
        return CUPEL_USAGE;
    }
    (void)snprintf(project->folder, sizeof project->folder, "tests");
    if (!name(project)) {
        return CUPEL_USAGE;
    }
    if (given_library == NULL) {
        (void)snprintf(project->library, sizeof project->library, "%s", project->name);
    }
    return CUPEL_OK;
}

static void fill_path(const struct init_project *project, const char *pattern, char *path, size_t size) {
    FILE *stream = fmemopen(path, size, "w");
    memset(path, 0, size); /* MemorySanitizer does not see what a stream writes into memory */
    if (stream != NULL) {
        init_fill(project, pattern, stream);
        (void)fclose(stream);
    }
}

static enum cupel_status write_file(const struct init_project *project, const struct init_file *file) {
    char path[PATH_MAX];
    struct cupel_error error = {0};
    struct cupel_outfile out;
    fill_path(project, file->path, path, sizeof path);
    if (exists(path)) {
        tell("kept", "would keep", path, " (it stands already)");
        return CUPEL_OK;
    }
    if (is_dry) {
        tell("made", "would make", path, "");
        return CUPEL_OK;
    }
    if (!cupel_outfile_open(&out, path, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_OUTPUT;
    }
    if (file->text != NULL) {
        init_fill(project, file->text, out.stream);
    } else {
        file->write(project, out.stream);
    }
    if (!cupel_outfile_commit(&out, &error)) {
        cupel_message("%s", error.text);
        return CUPEL_OUTPUT;
    }
    tell("made", "would make", path, "");
    return CUPEL_OK;
}

/* The one line in a CMakeLists.txt that is there, behind project(). */
static enum cupel_status add_line(const struct init_project *project, const char *text) {
    char words[4096];
    char line[64];
    char more[128];
    struct cupel_error error = {0};
    struct cupel_outfile out;
    make_line(project, line, sizeof line);
    if (strstr(text, line) != NULL) {
        tell("kept", "would keep", "CMakeLists.txt", " (it includes the tests already)");
        return CUPEL_OK;
    }
    size_t place = init_find_project(text, words, sizeof words);
    unsigned number = 1;
    for (size_t i = 0; i < place; i++) {
        number += text[i] == '\n';
    }
    bool ends_line = text[place - 1] == '\n';
    const char *end = strstr(text, "\r\n") != NULL ? "\r\n" : "\n";
    (void)snprintf(more, sizeof more, ", line %u: %s", number + !ends_line, line);
    if (!is_dry) {
        if (!cupel_outfile_open(&out, "CMakeLists.txt", &error)) {
            cupel_message("%s", error.text);
            return CUPEL_OUTPUT;
        }
        (void)fwrite(text, 1, place, out.stream);
        (void)fprintf(out.stream, "%s%s%s%s", ends_line ? "" : end, line, end, text + place);
        if (!cupel_outfile_commit(&out, &error)) {
            cupel_message("%s", error.text);
            return CUPEL_OUTPUT;
        }
    }
    tell("added", "would add", "CMakeLists.txt", more);
    return CUPEL_OK;
}

/* What the first test links; where no library was found, what is to be filled in, and where. */
static void tell_link(const struct init_project *project) {
    char more[512];
    if (project->library_place[0] != '\0') {
        (void)snprintf(more, sizeof more, ", which %s declares, to the first test", project->library_place);
        tell("linked", "would link", project->library, more);
    } else if (project->library[0] == '\0') {
        (void)snprintf(more, sizeof more,
                       ": no add_library() was found here; write LINK and what you test behind SOURCES test_first.c in "
                       "%s/CMakeLists.txt",
                       project->folder);
        tell("linked", "would link", "nothing", more);
    }
}

/* Behind "cmake --preset dev": how it finds this cupel, or "". Says what is to be known of that first. */
static const char *tell_place(char *words, size_t size) {
    char prefix[PATH_MAX];
    char word[PATH_MAX + 32];
    char quoted[2 * PATH_MAX];
    words[0] = '\0';
    switch (init_find_prefix(prefix, sizeof prefix)) {
    case INIT_FOUND:
        break;
    case INIT_ELSEWHERE:
        (void)snprintf(word, sizeof word, "-DCMAKE_PREFIX_PATH=%s", prefix);
        (void)snprintf(words, size, " %s", cupel__quote(word, quoted, sizeof quoted));
        (void)printf(
            "\nThis cupel is in %s, where CMake does not look by itself: it is told once for each build tree.\n",
            prefix);
        break;
    case INIT_NOT_INSTALLED:
        (void)snprintf(word, sizeof word, "%s/CMakeCache.txt", prefix);
        if (!exists(word)) {
            (void)printf("\nThis cupel is a copy: %s has no package for CMake.\n", prefix);
            break;
        }
        (void)printf("\nThis cupel is not installed. CMake finds it after: cmake --install %s --prefix DIR, and with\n"
                     "-DCMAKE_PREFIX_PATH=DIR behind each of the first commands below, or DIR/bin in PATH.\n",
                     cupel__quote(prefix, quoted, sizeof quoted));
        break;
    }
    return words;
}

/* Presets that stood already know nothing of the variants, unless they say so. */
static void tell_next(const char *directory) {
    char *presets = is_dry ? NULL : read_text("CMakePresets.json");
    bool has_presets = is_dry || (presets != NULL && strstr(presets, "CUPEL_VARIANT") != NULL);
    free(presets);
    char words[2 * PATH_MAX + 2];
    const char *place = tell_place(words, sizeof words);
    (void)printf("\nNext%s%s%s:\n", directory != NULL ? ", in " : "", directory != NULL ? directory : "",
                 is_in_path("cmake") ? "" : ", once cmake is there (cupel doctor)");
    if (has_presets) {
        (void)printf(
            "  cmake --preset dev%s && cmake --build --preset dev && ctest --preset dev\n"
            "  build/dev/bin/tests/first --sweep                          every allocation failing in turn\n"
            "  cmake --preset fuzz%s && cmake --build --preset fuzz && build/fuzz/bin/fuzz/first_reverses_twice\n"
            "  cmake --preset gcov%s && cmake --build --preset gcov --target cupel_report_coverage\n"
            "                                                             build/coverage/lcov.info\n",
            place, place, place);
    } else {
        (void)printf(
            "  cmake -B build/dev%s && cmake --build build/dev && ctest --test-dir build/dev\n"
            "  build/dev/bin/tests/first --sweep                          every allocation failing in turn\n"
            "  cmake -B build/fuzz -DCUPEL_VARIANT=fuzz -DCMAKE_C_COMPILER=clang%s && cmake --build build/fuzz\n"
            "  cmake -B build/gcov -DCUPEL_VARIANT=gcov -DCMAKE_C_COMPILER=gcc%s\n"
            "  cmake --build build/gcov --target cupel_report_coverage    build/coverage/lcov.info\n",
            place, place, place);
    }
}

static enum cupel_status init_here(const char *directory) {
    struct init_project project;
    char *text = read_text("CMakeLists.txt");
    if (text == NULL && errno != ENOENT) {
        cupel_message("CMakeLists.txt: %s", strerror(errno));
        return CUPEL_USAGE;
    }
    enum cupel_status status = look(&project, text);
    char lists[64];
    (void)snprintf(lists, sizeof lists, "%s/CMakeLists.txt", project.folder);
    bool is_new = status == CUPEL_OK && project.has_cmake && !exists(lists);
    for (const struct init_file *file = init_files; status == CUPEL_OK && file->path != NULL; file++) {
        if (!project.has_cmake || !file->is_for_new_only) {
            status = write_file(&project, file);
        }
    }
    if (status == CUPEL_OK && is_new) {
        tell_link(&project);
    }
    if (status == CUPEL_OK && project.has_cmake) {
        status = add_line(&project, text);
    }
    if (status == CUPEL_OK) {
        tell_next(directory);
        if (fflush(stdout) != 0 || ferror(stdout)) {
            cupel_message("could not write to standard output: %s", strerror(errno));
            status = CUPEL_OUTPUT;
        }
    }
    free(text);
    return status;
}

int main(int argc, char **argv) {
    struct cupel_arguments arguments;
    struct cupel_error error = {0};
    int status = cupel_options_begin(&program, argc, argv, &arguments);
    if (status >= 0) {
        return status;
    }
    if (arguments.count > 1) {
        cupel_message("unexpected word '%.100s'", arguments.words[1]);
        return CUPEL_USAGE;
    }
    const char *directory = arguments.count == 1 ? arguments.words[0] : NULL;
    if (directory != NULL && !exists(directory)) {
        if (is_dry) {
            cupel_message("'%.1000s' is not there; without --dry-run it would be made", directory);
            return CUPEL_USAGE;
        }
        if (!cupel_make_directories(directory, &error)) {
            cupel_message("%s", error.text);
            return CUPEL_OUTPUT;
        }
    }
    if (directory != NULL && chdir(directory) != 0) {
        cupel_message("'%.1000s': %s", directory, strerror(errno));
        return CUPEL_USAGE;
    }
    return (int)init_here(directory);
}
