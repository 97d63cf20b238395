/* Runs gcov: see gcov.h. */
#include "coverage/src/gcov.h"

#include "coverage/src/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_A_RUN = 500, VERSION_MAX = 65536 };

/* The version stands at the end of the first line: "gcov (GCC) 12.2.0". */
bool cupel__gcov_version(const char *gcov, struct cupel__compiler *version, struct cupel_error *error) {
    FILE *output = tmpfile();
    if (output == NULL) {
        return cupel_error_set(error, 0, 0, "no temporary file: %s", strerror(errno));
    }
    char *const arguments[] = {(char *)(uintptr_t)gcov, (char *)(uintptr_t) "--version", NULL};
    bool is_good = cupel__run_program(arguments, fileno(output), fileno(output), error);
    char line[256] = "";
    rewind(output);
    if (is_good && fgets(line, sizeof line, output) != NULL) {
        line[strcspn(line, "\n")] = '\0';
    }
    (void)fclose(output);
    const char *last = strrchr(line, ' ');
    if (is_good && (last == NULL || sscanf(last, " %u.%u", &version->major, &version->minor) != 2)) {
        is_good = cupel_error_set(error, 0, 0, "%.120s does not say its version", gcov);
    }
    return is_good;
}

bool cupel__gcov_run(const char *gcov, const struct cupel__paths *paths, FILE *out, FILE *messages,
                     struct cupel_error *error) {
    enum { FIXED = 4 };
    static const char *const fixed[FIXED] = {NULL, "-j", "-t", "-b"};
    char **arguments = calloc(FIXED + FILES_A_RUN + 1, sizeof(char *));
    if (arguments == NULL) {
        return cupel_error_set(error, 0, 0, "out of memory");
    }
    bool is_good = true;
    for (size_t first = 0; first < paths->count && is_good; first += FILES_A_RUN) {
        size_t count = FIXED;
        for (int i = 0; i < FIXED; i++) {
            arguments[i] = (char *)(uintptr_t)(i == 0 ? gcov : fixed[i]);
        }
        for (size_t i = first; i < paths->count && i < first + FILES_A_RUN; i++) {
            arguments[count++] = paths->items[i];
        }
        arguments[count] = NULL;
        is_good = cupel__run_program(arguments, fileno(out), fileno(messages), error);
    }
    free((void *)arguments);
    return is_good;
}
