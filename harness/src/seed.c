/* Inputs of tests become seeds of a corpus: see harness/property.h. */
#include "harness/property.h"

#include "harness/src/property.h"
#include "harness/src/run.h"
#include "harness/src/select.h"
#include "harness/src/settings.h"

#include "alloc/base/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 4096 };

/* The corpus of a property of this program, or of another one of the project: then its directory is there already, so
 * that a name that was mistyped is found out. */
static bool corpus_of(const char *title, char *path, struct cupel_error *error) {
    const struct cupel_test *property = cupel__property_named(title);
    if (property != NULL) {
        return cupel__inputs_directory(property, "corpora", path, PATH_BYTES_MAX, error);
    }
    const struct cupel__plan_item *item = cupel__run.item;
    const char *root = item != NULL ? item->test->fuzz_root : NULL;
    size_t length = (size_t)snprintf(path, PATH_BYTES_MAX, "%s/corpora/", root != NULL ? root : ".");
    if (length + strlen(title) < PATH_BYTES_MAX) {
        (void)snprintf(path + length, PATH_BYTES_MAX - length, "%s", title);
        char *dot = strchr(path + length, '.');
        if (dot != NULL) {
            *dot = '_';
        }
        if (root != NULL && access(path, F_OK) == 0) {
            return true;
        }
    }
    return cupel_error_set(error, 0, 0, "this program has no property '%.100s', and there is no corpus %.300s", title,
                           path);
}

bool cupel_seed(const char *property, const void *data, size_t length) {
    char directory[PATH_BYTES_MAX];
    char name[CUPEL_SHA1_TEXT];
    bool is_new = false;
    struct cupel_error error;
    if (length > CUPEL_SEED_MAX) {
        cupel_note("a seed of %zu bytes for %s is left out: %d at most", length, property, CUPEL_SEED_MAX);
        return false;
    }
    if (!cupel__settings.write_seeds || cupel__run.is_failing) {
        return true;
    }
    if (!corpus_of(property, directory, &error) || !cupel_store_add(directory, data, length, name, &is_new, &error)) {
        cupel__fail(false, NULL, 0, "the seed could not be stored: %s", error.text);
        return false;
    }
    return true;
}
