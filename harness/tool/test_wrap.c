/* --wrap: the words before each program. Those of valgrind are completed with what our programs need under it, and what
 * it reports is kept in files, one a process, from which the programs give it to the tests that it is of. See test.h.
 */
#include "harness/src/checker.h"
#include "harness/src/report.h"
#include "harness/src/settings.h"
#include "harness/tool/test.h"

#include "alloc/base/message.h"
#include "alloc/base/status.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char words_copy[65536];
static char logs[2048]; /* "": valgrind is not the wrapper */
static char log_word[2100];
static char suppressions_word[4200];

/* Splits at blanks; quotes of both kinds hold words together. */
static bool split(struct cupel__test_run *run, const char *text) {
    char *to = words_copy;
    if (strlen(text) >= sizeof words_copy) {
        cupel_message("--wrap: too long");
        return false;
    }
    while (*(text += strspn(text, " \t")) != '\0') {
        if (run->wrap_count == CUPEL__WRAP_MAX) {
            cupel_message("--wrap: more than %d words", CUPEL__WRAP_MAX);
            return false;
        }
        run->wrap[run->wrap_count++] = to;
        for (char quote = '\0'; *text != '\0' && (quote != '\0' || strchr(" \t", *text) == NULL); text++) {
            if (*text == quote) {
                quote = '\0';
            } else if (quote == '\0' && (*text == '\'' || *text == '"')) {
                quote = *text;
            } else {
                *to++ = *text;
            }
        }
        *to++ = '\0';
    }
    return true;
}

static bool has_word(const struct cupel__test_run *run, const char *beginning) {
    for (size_t i = 1; i < run->wrap_count; i++) {
        if (strncmp(run->wrap[i], beginning, strlen(beginning)) == 0) {
            return true;
        }
    }
    return false;
}

/* Behind the wrapper's name and before its own words, so that those go before. */
static void insert(struct cupel__test_run *run, const char *word) {
    memmove(run->wrap + 2, run->wrap + 1, (run->wrap_count - 1) * sizeof run->wrap[0]);
    run->wrap[1] = word;
    run->wrap_count++;
}

/* Installed in share/cupel beside bin, and so in a build tree. */
static bool find_suppressions(void) {
    char path[2048];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (slash == NULL) {
            return false;
        }
        *slash = '\0';
    }
    (void)snprintf(suppressions_word, sizeof suppressions_word, "--suppressions=%s/share/cupel/valgrind.supp", path);
    return access(strchr(suppressions_word, '=') + 1, R_OK) == 0;
}

static bool make_logs(void) {
    const char *base = getenv("TMPDIR");
    (void)snprintf(logs, sizeof logs, "%s/cupel-wrap-XXXXXX", base == NULL || base[0] == '\0' ? "/tmp" : base);
    if (mkdtemp(logs) == NULL) {
        cupel_message("--wrap: %s: %s", logs, strerror(errno));
        logs[0] = '\0';
        return false;
    }
    (void)snprintf(log_word, sizeof log_word, "--log-file=%s/%%p", logs);
    return setenv("CUPEL_CHECKER_LOGS", logs, 1) == 0;
}

bool cupel__test_wrap_begin(struct cupel__test_run *run, const char *text) {
    if (!split(run, text)) {
        return false;
    }
    const char *name = run->wrap_count == 0 ? "" : run->wrap[0];
    const char *slash = strrchr(name, '/');
    if (strcmp(slash == NULL ? name : slash + 1, "valgrind") != 0) {
        return true;
    }
    if (run->wrap_count + 6 > CUPEL__WRAP_MAX) {
        cupel_message("--wrap: too many words");
        return false;
    }
    insert(run, "-q");
    if (!has_word(run, "--soname-synonyms=")) { /* the malloc family of our programs stays in force */
        insert(run, "--soname-synonyms=somalloc=nouserintercepts");
    }
    if (!has_word(run, "--error-exitcode=")) {
        insert(run, "--error-exitcode=99");
    }
    if (find_suppressions()) {
        insert(run, suppressions_word);
    }
    if (!has_word(run, "--log-") && !has_word(run, "--xml")) {
        if (logs[0] == '\0' && !make_logs()) {
            return false;
        }
        insert(run, log_word);
    }
    return true;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

/* Processes whose words no test told: those that tests forked, and the runner itself. */
static void tell_rest(const struct cupel__test_run *run) {
    static struct cupel_result record;
    DIR *directory = opendir(logs);
    for (const struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.' || strchr(entry->d_name, '.') != NULL) {
            continue;
        }
        cupel_result_clear(&record);
        record.program = run->programs->count == 1 ? run->programs->paths[0] : run->wrap[0];
        record.suite = "program";
        record.name = "checker";
        record.file = record.program;
        record.seed = cupel__settings.seed;
        record.failures = 1;
        record.verdict = CUPEL_VERDICT_CRASH;
        cupel_text_add(&record.messages, "the checker said of process %s, which no test's record tells of:\n",
                       entry->d_name);
        if (cupel__checker_tell((pid_t)atoi(entry->d_name), &record.messages)) {
            cupel__reports_take(&record);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
}

void cupel__test_wrap_end(const struct cupel__test_run *run) {
    if (logs[0] == '\0') {
        return;
    }
    cupel__checker_start();
    tell_rest(run);
    (void)nftw(logs, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    logs[0] = '\0';
}
