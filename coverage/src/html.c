/* Runs genhtml and swaps its result in: see report.h. */
#include "coverage/report.h"

#include "alloc/base/outfile.h"
#include "coverage/src/paths.h"
#include "coverage/src/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 16 };

/* The major version of genhtml; 0 where there is none. "genhtml: LCOV version 1.16". */
static unsigned genhtml_version(const char *genhtml) {
    FILE *output = tmpfile();
    if (output == NULL) {
        return 0;
    }
    char *const arguments[] = {(char *)(uintptr_t)genhtml, (char *)(uintptr_t) "--version", NULL};
    char line[256] = "";
    unsigned major = 0;
    if (cupel__run_program(arguments, fileno(output), fileno(output), NULL)) {
        rewind(output);
        const char *word = fgets(line, sizeof line, output) == NULL ? NULL : strstr(line, "version ");
        major = word == NULL ? 1 : (unsigned)strtoul(word + strlen("version "), NULL, 10);
    }
    (void)fclose(output);
    return major;
}

/* Runs genhtml into a new folder; its words go into the error where it fails. */
static bool run_genhtml(char *const arguments[], struct cupel_error *error) {
    FILE *messages = tmpfile();
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct cupel_error cause = {0};
    bool is_good = messages != NULL && nothing >= 0 && cupel__run_program(arguments, nothing, fileno(messages), &cause);
    if (!is_good) {
        char line[160] = "";
        if (messages != NULL) {
            rewind(messages);
            if (fgets(line, sizeof line, messages) != NULL) {
                line[strcspn(line, "\n")] = '\0';
            }
        }
        (void)cupel_error_set(error, 0, 0, "%.90s: %.150s", cause.text, line);
    }
    if (messages != NULL) {
        (void)fclose(messages);
    }
    if (nothing >= 0) {
        (void)close(nothing);
    }
    return is_good;
}

/* Puts the new folder in the place of the old one, at once where the kernel and file system can exchange. */
static bool swap_in(const char *made, const char *folder) {
    if (rename(made, folder) == 0) {
        return true;
    }
    if (renameat2(AT_FDCWD, made, AT_FDCWD, folder, RENAME_EXCHANGE) == 0) {
        cupel__remove_tree(made);
        return true;
    }
    char old[CUPEL__PATH_MAX];
    int length = snprintf(old, sizeof old, "%s.old", made);
    if (length < 0 || (size_t)length >= sizeof old || rename(folder, old) != 0) {
        return false;
    }
    if (rename(made, folder) != 0) {
        (void)rename(old, folder);
        return false;
    }
    cupel__remove_tree(old);
    return true;
}

static enum cupel_status make(const struct cupel_coverage *coverage, const char *genhtml, unsigned major,
                              const char *tracefile, const char *made, struct cupel_error *error) {
    char *arguments[ARGUMENTS_MAX];
    size_t count = 0;
    const char *const words[] = {genhtml,
                                 "--quiet",
                                 "--branch-coverage",
                                 "--function-coverage",
                                 "--legend",
                                 "--title",
                                 "cupel",
                                 "--output-directory",
                                 made};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        arguments[count++] = (char *)(uintptr_t)words[i];
    }
    if (coverage->root[0] != '\0') {
        arguments[count++] = (char *)(uintptr_t) "--prefix";
        arguments[count++] = (char *)(uintptr_t)coverage->root;
    }
    if (major >= 2) {
        /* 2.x refuses what 1.x never told it, such as where functions end. */
        arguments[count++] = (char *)(uintptr_t) "--ignore-errors";
        arguments[count++] = (char *)(uintptr_t) "inconsistent,range,source,category";
    }
    arguments[count++] = (char *)(uintptr_t)tracefile;
    arguments[count] = NULL;
    return run_genhtml(arguments, error) ? CUPEL_OK : CUPEL_OUTPUT;
}

enum cupel_status cupel_report_html(const struct cupel_coverage *coverage, const char *genhtml, const char *tracefile,
                                    const char *folder, struct cupel_error *error) {
    unsigned major = genhtml_version(genhtml);
    if (major == 0) {
        (void)cupel_error_set(error, 0, 0, "%.120s cannot be run: install lcov, or give --no-html", genhtml);
        return CUPEL_LACKING;
    }
    char made[CUPEL__PATH_MAX];
    int length = snprintf(made, sizeof made, "%s.new-%ld", folder, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof made) {
        (void)cupel_error_set(error, 0, 0, "%.160s: too long a path", folder);
        return CUPEL_USAGE;
    }
    if (!cupel_make_directories(made, error)) {
        return CUPEL_OUTPUT;
    }
    enum cupel_status status = make(coverage, genhtml, major, tracefile, made, error);
    if (status == CUPEL_OK && !swap_in(made, folder)) {
        (void)cupel_error_set(error, 0, 0, "%.160s: cannot be put in place: %s", folder, strerror(errno));
        status = CUPEL_OUTPUT;
    }
    if (status != CUPEL_OK) {
        cupel__remove_tree(made);
    }
    return status;
}
