/* Goal: each kind of misuse is told with its text and its stacks, and nothing else is told. Method: the programs of
 * alloc/tests/misuse/, one mistake each, are run; what their first comments expect must stand in what they say, in
 * order, and as many findings as they name and no more. */
#include "harness/tests/tool.h"

#include <dirent.h>
#include <stdlib.h>

enum { PROGRAMS = 128, NAME = 64, WORDS = 8192 };

static const char folder[] = CUPEL_TEST_SOURCE_DIR "/alloc/tests/misuse";

/* The value of the next line "WORD: value" of the first comment behind `at`; NULL where there is none. */
static const char *next_line(const char *at, const char *end, const char *word, char value[WORDS]) {
    char form[NAME];
    (void)snprintf(form, sizeof form, " * %s: ", word);
    const char *line = strstr(at, form);
    if (line == NULL || line >= end) {
        return NULL;
    }
    line += strlen(form);
    size_t length = strcspn(line, "\n");
    (void)snprintf(value, WORDS, "%.*s", (int)length, line);
    char *close = strstr(value, " */");
    if (close != NULL) {
        *close = '\0';
    }
    return line + length;
}

static unsigned count_of(const char *text, const char *word) {
    unsigned count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

static void check_program(const char *name) {
    static char source[WORDS];
    static char value[WORDS];
    static char said[sizeof((struct tool_run *)NULL)->output];
    char path[1024];
    cupel_note("%s", name);
    (void)snprintf(path, sizeof path, "%s/%s.c", folder, name);
    tool_read(path, source, sizeof source);
    const char *end = strstr(source, "*/");
    REQUIRE(end != NULL);
    end += 2;
    /* The sanitizers would take faults for themselves. */
    const struct tool_run *run =
        tool("export ASAN_OPTIONS=handle_segv=0:detect_leaks=0 TSAN_OPTIONS=handle_segv=0 MSAN_OPTIONS=handle_segv=0\n"
             "'%smisuse/%s' 2>&1",
             TOOL_BIN, name);
    (void)snprintf(said, sizeof said, "%s", run->output);
    int status = 1;
    if (next_line(source, end, "status", value) != NULL) {
        status = atoi(value);
    }
    CHECK_INT_EQ(run->status, status);
    const char *place = said;
    unsigned findings = 0;
    for (const char *at = source; (at = next_line(at, end, "expect", value)) != NULL;) {
        const char *found = strstr(place, value);
        if (found == NULL) {
            REQUIRE_FAIL("%s: expected `%s` in:\n%s", name, value, place);
        }
        place = found + strlen(value);
        findings += strncmp(value, "misuse: ", 8) == 0;
    }
    CHECK_UINT_EQ(count_of(said, "misuse: "), findings);
}

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

TEST(misuse, programs_are_told_as_they_expect, .no_sweep = true, .tags = "slow crash", .timeout_s = 120) {
    static char names[PROGRAMS][NAME];
    size_t count = 0;
    DIR *directory = opendir(folder);
    REQUIRE(directory != NULL);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length > 2 && length < NAME && strcmp(entry->d_name + length - 2, ".c") == 0) {
            REQUIRE(count < PROGRAMS);
            (void)snprintf(names[count++], NAME, "%.*s", (int)(length - 2), entry->d_name);
        }
    }
    (void)closedir(directory);
    qsort(names, count, NAME, compare);
    CHECK_UINT_GE(count, 20);
    for (size_t i = 0; i < count; i++) {
        check_program(names[i]);
    }
}
