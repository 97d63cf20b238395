/* Goal: each kind of misuse is told with its text and its stacks, and nothing else is told. Method: the programs of
 * alloc/tests/misuse/, one mistake each, are run; what their first comments expect must stand in what they say, in
 * order, and as many findings as they name and no more. */
#include "harness/harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { PROGRAMS = 128, NAME = 64, WORDS = 8192 };

static const char folder[] = CUPEL_TEST_SOURCE_DIR "/alloc/tests/misuse";

/* Reads a stream to its end, cut at `size` - 1 bytes. */
static void read_all(FILE *stream, char *text, size_t size) {
    size_t length = fread(text, 1, size - 1, stream);
    text[length] = '\0';
}

/* Runs a program; what it says on both streams goes to `said`. 128 and the signal's number where it was killed. */
static int run(const char *name, char *said, size_t size) {
    char command[1024];
    /* The sanitizers would take faults for themselves. */
    (void)snprintf(command, sizeof command,
                   "cd '%s' && ASAN_OPTIONS=handle_segv=0:detect_leaks=0 TSAN_OPTIONS=handle_segv=0 "
                   "MSAN_OPTIONS=handle_segv=0 '%s/bin/misuse/%s' 2>&1 </dev/null",
                   test_directory(), CUPEL_TEST_BINARY_DIR, name);
    FILE *stream = popen(command, "re");
    REQUIRE(stream != NULL);
    read_all(stream, said, size);
    int status = pclose(stream);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

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
    static char said[4 * WORDS];
    char path[1024];
    cupel_note("%s", name);
    (void)snprintf(path, sizeof path, "%s/%s.c", folder, name);
    FILE *file = fopen(path, "re");
    REQUIRE(file != NULL);
    read_all(file, source, sizeof source);
    (void)fclose(file);
    const char *end = strstr(source, "*/");
    REQUIRE(end != NULL);
    end += 2;
    int status = 1;
    if (next_line(source, end, "status", value) != NULL) {
        status = atoi(value);
    }
    int ended = run(name, said, sizeof said);
    if (ended != status) {
        REQUIRE_FAIL("%s: ended with %d in place of %d, and said:\n%s", name, ended, status, said);
    }
    const char *place = said;
    unsigned findings = 0;
    for (const char *at = source; (at = next_line(at, end, "expect", value)) != NULL;) {
        const char *found = strstr(place, value);
        if (found == NULL) {
            REQUIRE_FAIL("%s: expected `%s` in:\n%s", name, value, place);
        } else {
            place = found + strlen(value);
        }
        findings += strncmp(value, "misuse: ", 8) == 0;
    }
    CHECK_UINT_EQ(count_of(said, "misuse: "), findings);
}

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

TEST(misuse, programs_are_told_as_they_expect, .no_sweep = "it runs other programs", .tags = "slow crash",
     .timeout_s = 400) {
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
