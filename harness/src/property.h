/* The parts of running properties: the inputs of one, and the report of a failure. */
#ifndef HARNESS_SRC_PROPERTY_H
#define HARNESS_SRC_PROPERTY_H

#include "harness/src/case.h"
#include "harness/src/child.h"
#include "harness/src/files.h"

/* The inputs of a property: files first, then random cases. */
struct cupel__inputs {
    const struct cupel_test *property;
    struct cupel__files files;
    unsigned random_count;
    uint64_t seed;
    uint8_t *data; /* room for the longest; owned */
    size_t size;
    size_t longest; /* of random ones */
};

/* Finds regressions and corpus under the property's fuzz_root; a directory that is not there is empty. False and a text
 * on error. Deinit in any case. */
bool cupel__inputs_init(struct cupel__inputs *inputs, const struct cupel_test *property, uint64_t seed,
                        unsigned random_count, struct cupel_error *error);
void cupel__inputs_deinit(struct cupel__inputs *inputs);
size_t cupel__inputs_count(const struct cupel__inputs *inputs);
/* Loads input `index` into inputs->data. */
bool cupel__inputs_load(struct cupel__inputs *inputs, size_t index, size_t *length, struct cupel_error *error);
/* Where it is from: a path, or "random case 12". */
void cupel__inputs_name(const struct cupel__inputs *inputs, size_t index, char *text, size_t size);

/* Where the property's inputs of that kind are, fuzz_root/KIND/SUITE_NAME; there or not. False and a text where the
 * property names no root, or too long a one. */
bool cupel__inputs_directory(const struct cupel_test *property, const char *kind, char *path, size_t size,
                             struct cupel_error *error);

/* A failing input that is to be told. */
struct cupel__failing_input {
    const struct cupel_test *property;
    const uint8_t *data;
    size_t length;
    size_t fault_length; /* of it: the fault trailer that cupel__failing_input_report put there */
    const char *origin;  /* where the input that failed first is from */
    size_t origin_length;
    unsigned steps; /* of shrinking */
    bool was_cut;
};
/* Stores an input under build/reports/failures and writes where into `path`. False and a text where it cannot be. */
bool cupel__failing_input_store(const struct cupel_test *property, const uint8_t *data, size_t length, char *path,
                                size_t size, struct cupel_error *error);
/* Stores the input under build/reports/failures and adds draws, literal, C test and command to the messages of
 * cupel__run.result; keeps it as far as the run was asked to. Under a fault plan of the run all of these have the plan
 * as the input's fault trailer. */
void cupel__failing_input_report(const struct cupel__failing_input *input);

#endif
