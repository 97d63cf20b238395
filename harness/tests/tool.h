/* For tests of tools: runs a built program through the shell, and keeps its status and what it said. */
#ifndef HARNESS_TESTS_TOOL_H
#define HARNESS_TESTS_TOOL_H

#include "harness/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Where the built programs are. */
#define TOOL_BIN CUPEL_TEST_BINARY_DIR "/bin/"

struct tool_run {
    int status; /* 128 + signal where it was killed */
    char output[32768];
    char errors[4096];
};

/* Reads a whole file, cut at `size` - 1 bytes. */
static inline void tool_read(const char *path, char *text, size_t size) {
    FILE *stream = fopen(path, "re");
    size_t length = stream != NULL ? fread(text, 1, size - 1, stream) : 0;
    text[length] = '\0';
    if (stream != NULL) {
        (void)fclose(stream);
    }
}

/* Writes a file in the test's directory, executable: a stand-in for a program, or a setting. */
static inline void tool_write(const char *name, const char *text) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", test_directory(), name);
    FILE *stream = fopen(path, "we");
    REQUIRE(stream != NULL);
    REQUIRE(fputs(text, stream) >= 0);
    REQUIRE_INT_EQ(fclose(stream), 0);
    REQUIRE_INT_EQ(chmod(path, 0755), 0);
}

/* The rest of the first line in `text` that has this word; "" where none has. Good until the next call. */
static inline const char *tool_line_after(const char *text, const char *word) {
    static char line[4096];
    const char *begin = strstr(text, word);
    const char *rest = begin == NULL ? "" : begin + strlen(word);
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(rest, "\n"), rest);
    return line;
}

/* Runs a shell command in the test's directory. The result is good until the next call. */
__attribute__((format(printf, 1, 2))) static inline const struct tool_run *tool(const char *format, ...) {
    static struct tool_run run;
    char command[4096];
    char path[1024];
    char line[6144];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    (void)snprintf(line, sizeof line, "cd '%s' && { %s\n} >output 2>errors </dev/null", test_directory(), command);
    FILE *stream = popen(line, "re");
    REQUIRE(stream != NULL);
    int status = pclose(stream);
    run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    (void)snprintf(path, sizeof path, "%s/output", test_directory());
    tool_read(path, run.output, sizeof run.output);
    (void)snprintf(path, sizeof path, "%s/errors", test_directory());
    tool_read(path, run.errors, sizeof run.errors);
    return &run;
}

#endif
