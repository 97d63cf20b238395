/* See checker.h. What is told of a log is noted beside it, in PID.told: the length up to where it is. */
#include "harness/src/checker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef VALGRIND_COUNT_ERRORS
#define VALGRIND_COUNT_ERRORS 0
#endif

enum { REPORT_MAX = 8192 };

static char logs[2048]; /* "": there are none */
static unsigned long noted;

void cupel__checker_start(void) {
    const char *path = getenv("CUPEL_CHECKER_LOGS");
    (void)snprintf(logs, sizeof logs, "%s", path == NULL ? "" : path);
}

static long told_length(const char *path) {
    char text[32] = "";
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        (void)!fgets(text, sizeof text, file);
        (void)fclose(file);
    }
    return strtol(text, NULL, 10);
}

static void note_told(const char *path, long length) {
    FILE *file = fopen(path, "we");
    if (file != NULL) {
        fprintf(file, "%ld\n", length);
        (void)fclose(file);
    }
}

/* Without valgrind's "==PID== " before each line; what is not so marked are its words about system calls. */
static bool add_report(const char *text, struct cupel_text *messages) {
    bool has_any = false;
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *end = strncmp(line, "==", 2) == 0 ? strstr(line + 2, "== ") : NULL;
        const char *words = end != NULL && end < line + length ? end + 3 : NULL;
        if (words != NULL) {
            has_any = true;
            if (messages != NULL) {
                cupel_text_add(messages, "  %.*s\n", (int)(line + length - words), words);
            }
        }
        line += length + (line[length] == '\n');
    }
    return has_any;
}

bool cupel__checker_tell(pid_t process, struct cupel_text *messages) {
    static char report[REPORT_MAX];
    char path[sizeof logs + 32];
    char told[sizeof logs + 32];
    if (logs[0] == '\0') {
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/%d", logs, (int)process);
    (void)snprintf(told, sizeof told, "%s/%d.told", logs, (int)process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    long from = told_length(told);
    ssize_t length = pread(file, report, sizeof report - 1, from);
    off_t end = lseek(file, 0, SEEK_END);
    (void)close(file);
    report[length > 0 ? length : 0] = '\0';
    note_told(told, (long)end);
    return add_report(report, messages);
}

void cupel__checker_begin(void) {
    unsigned long now = VALGRIND_COUNT_ERRORS;
    if (now != noted) { /* outside of bodies: of a test's second run, that was told by the first */
        (void)cupel__checker_tell(getpid(), NULL);
        noted = now;
    }
}

bool cupel__checker_end(struct cupel_text *messages) {
    unsigned long now = VALGRIND_COUNT_ERRORS;
    if (now == noted) {
        return true;
    }
    if (messages != NULL) {
        cupel_text_add(messages, "the checker around the program reported %lu error%s:\n", now - noted,
                       now - noted == 1 ? "" : "s");
    }
    (void)cupel__checker_tell(getpid(), messages);
    noted = now;
    return false;
}
