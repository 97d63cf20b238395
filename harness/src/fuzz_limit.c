/* How long an engine may make its inputs, from what the property declares: see fuzz_target.h. */
#include "harness/src/fuzz_target.h"

#include "alloc/base/status.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* libFuzzer has this, and AFL++'s driver, which takes no flags, has not. */
void __libfuzzer_is_present(void) __attribute__((weak)); // NOLINT(bugprone-reserved-identifier)

static size_t longest; /* of what is looked at by take_file; nftw hands nothing through */

static int take_file(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)path;
    (void)place;
    if (kind == FTW_F && S_ISREG(info->st_mode) && (size_t)info->st_size > longest) {
        longest = (size_t)info->st_size;
    }
    return 0;
}

/* libFuzzer cuts inputs to its limit as it reads them: those that are there already are let in whole. */
static void add_limit(const struct cupel_test *property, int *argc, char ***argv) {
    static char word[48];
    longest = property->options.longest;
    for (int i = 1; i < *argc; i++) {
        if (strncmp((*argv)[i], "-max_len=", 9) == 0) {
            return; /* somebody knows better */
        }
        if ((*argv)[i][0] != '-') {
            (void)nftw((*argv)[i], take_file, 16, 0);
        }
    }
    static char **words; /* for as long as the process lives */
    words = malloc((size_t)(*argc + 2) * sizeof *words);
    if (words == NULL) {
        return; /* then the engine chooses */
    }
    (void)snprintf(word, sizeof word, "-max_len=%zu", longest);
    memcpy(words, *argv, (size_t)*argc * sizeof *words);
    words[*argc] = word;
    words[*argc + 1] = NULL;
    *argc += 1;
    *argv = words;
}

void cupel__fuzz_limit(const struct cupel_test *property, int *argc, char ***argv) {
    if (*argc == 2 && strcmp((*argv)[1], "--longest") == 0) {
        printf("longest %zu\n", property->options.longest);
        exit(fflush(stdout) == 0 ? CUPEL_OK : CUPEL_OUTPUT);
    }
    if (__libfuzzer_is_present != NULL && property->options.longest != 0) {
        add_limit(property, argc, argv);
    }
}
