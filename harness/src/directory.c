/* See directory.h. The path is in the record and so survives the process that made it. */
#include "harness/src/directory.h"
#include "harness/src/run.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *test_directory(void) {
    struct cupel_result *result = cupel__run.result;
    if (result->directory[0] != '\0') {
        return result->directory;
    }
    const char *base = getenv("TMPDIR");
    if (base == NULL || base[0] == '\0') {
        base = "/tmp";
    }
    char path[CUPEL_TEST_PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/cupel-test-XXXXXX", base);
    if ((size_t)length >= sizeof path || mkdtemp(path) == NULL) {
        cupel__fail(true, NULL, 0, "test_directory: cannot make a directory under %s: %s", base, strerror(errno));
    }
    memcpy(result->directory, path, (size_t)length + 1);
    return result->directory;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)place;
    (void)(kind == FTW_DP || kind == FTW_DNR ? rmdir(path) : unlink(path));
    return 0;
}

void cupel__directory_done(struct cupel_result *result, bool keep) {
    if (result->directory[0] == '\0') {
        return;
    }
    if (keep) {
        cupel_text_add(&result->messages, "its directory is kept: %s\n", result->directory);
        return;
    }
    (void)nftw(result->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    result->directory[0] = '\0';
}
