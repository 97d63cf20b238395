/* The inputs of a property: see property.h. */
#include "harness/src/property.h"

#include "harness/src/generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { LONGEST_DEFAULT = 4096 };

bool cupel__inputs_directory(const struct cupel_test *property, const char *kind, char *path, size_t size,
                             struct cupel_error *error) {
    if (property->fuzz_root == NULL) {
        return cupel_error_set(error, 0, 0, "%s.%s names no place: compile it with CUPEL_FUZZ_ROOT", property->suite,
                               property->name);
    }
    if (snprintf(path, size, "%s/%s/%s_%s", property->fuzz_root, kind, property->suite, property->name) >= (int)size) {
        return cupel_error_set(error, 0, 0, "%s: the path is too long", property->fuzz_root);
    }
    return true;
}

static bool add_directory(struct cupel__inputs *inputs, const char *kind, struct cupel_error *error) {
    char path[4096];
    struct stat status;
    if (inputs->property->fuzz_root == NULL) {
        return true;
    }
    if (!cupel__inputs_directory(inputs->property, kind, path, sizeof path, error)) {
        return false;
    }
    return stat(path, &status) != 0 || cupel__files_add(&inputs->files, path, error);
}

bool cupel__inputs_init(struct cupel__inputs *inputs, const struct cupel_test *property, uint64_t seed,
                        unsigned random_count, struct cupel_error *error) {
    *inputs = (struct cupel__inputs){.property = property, .seed = seed, .random_count = random_count};
    inputs->longest = property->options.longest != 0 ? property->options.longest : LONGEST_DEFAULT;
    if (!add_directory(inputs, "regressions", error) || !add_directory(inputs, "corpora", error)) {
        return false;
    }
    inputs->size = inputs->files.longest > inputs->longest ? inputs->files.longest : inputs->longest;
    inputs->data = malloc(inputs->size + 1);
    return inputs->data != NULL || cupel_error_set(error, 0, 0, "out of memory for inputs of %zu bytes", inputs->size);
}

void cupel__inputs_deinit(struct cupel__inputs *inputs) {
    cupel__files_deinit(&inputs->files);
    free(inputs->data);
    inputs->data = NULL;
}

size_t cupel__inputs_count(const struct cupel__inputs *inputs) {
    return inputs->files.count + inputs->random_count;
}

bool cupel__inputs_load(struct cupel__inputs *inputs, size_t index, size_t *length, struct cupel_error *error) {
    if (index < inputs->files.count) {
        return cupel__file_read(inputs->files.paths[index], inputs->data, inputs->size, length, error);
    }
    unsigned number = (unsigned)(index - inputs->files.count);
    *length = cupel__generate_case(inputs->seed, number, inputs->random_count, inputs->data, inputs->longest);
    return true;
}

void cupel__inputs_name(const struct cupel__inputs *inputs, size_t index, char *text, size_t size) {
    if (index < inputs->files.count) {
        (void)snprintf(text, size, "%s", inputs->files.paths[index]);
    } else {
        (void)snprintf(text, size, "random case %zu", index - inputs->files.count);
    }
}
