/* See debugger.h. The words are gdb's: breakpoints on cupel_failure_break (check.h) and, with a fault plan, on
 * cupel_fault_break (alloc/failing.h), then run. */
#include "harness/src/debugger.h"
#include "harness/src/settings.h"

#include "alloc/base/message.h"
#include "alloc/base/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMAND_MAX = 4096, WORDS_MAX = 1024, ADDED_MAX = 32 };

struct words {
    const char *words[WORDS_MAX + 1];
    size_t count;
};

static void add(struct words *words, const char *word) {
    if (words->count < WORDS_MAX) {
        words->words[words->count++] = word;
    }
}

/* The debugger's name, what it shall do, its user's own words. */
static void add_debugger(struct words *words, char *command) {
    char *rest = NULL;
    add(words, strtok_r(command, " \t", &rest));
    add(words, "-q");
    add(words, "-ex");
    add(words, "set breakpoint pending on");
    add(words, "-ex");
    add(words, "break cupel_failure_break");
    if (cupel__settings.fault_plan.count != 0) {
        add(words, "-ex");
        add(words, "break cupel_fault_break");
    }
    add(words, "-ex");
    add(words, "run");
    for (const char *word = strtok_r(NULL, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest)) {
        add(words, word);
    }
}

/* This program's arguments but for --debugger itself; the tests run where the debugger sees them, with no time limit.
 */
static void add_program(struct words *words, const char *path, int argc, char **argv) {
    static const char name[] = "--debugger";
    add(words, "--args");
    add(words, path);
    for (int i = 1; i < argc; i++) {
        size_t length = sizeof name - 1;
        if (strncmp(argv[i], name, length) != 0 || (argv[i][length] != '\0' && argv[i][length] != '=')) {
            add(words, argv[i]);
        }
    }
    add(words, "--isolate=none");
    add(words, "--no-capture");
    add(words, "--timeout=0");
}

int cupel__debugger_main(int argc, char **argv) {
    static struct words words;
    static char command[COMMAND_MAX];
    static char path[COMMAND_MAX];
    const char *given = cupel__settings.debugger;
    if (given[0] == '\0') {
        given = getenv("CUPEL_DEBUGGER");
    }
    (void)snprintf(command, sizeof command, "%s", given == NULL || given[strspn(given, " \t")] == '\0' ? "gdb" : given);
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0 || argc > WORDS_MAX - ADDED_MAX) {
        cupel_message("--debugger: %s", length <= 0 ? strerror(errno) : "too many words");
        return CUPEL_USAGE;
    }
    path[length] = '\0';
    add_debugger(&words, command);
    add_program(&words, path, argc, argv);
    words.words[words.count] = NULL;
    (void)execvp(words.words[0], (char *const *)(uintptr_t)words.words);
    cupel_message("--debugger: %s: %s%s", words.words[0], strerror(errno),
                  errno == ENOENT ? "; apt-get install gdb" : "");
    return CUPEL_LACKING;
}
