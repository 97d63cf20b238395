/* The selected tests by suite, suites in the order of their first test: for lists and texts in GoogleTest's form. */
#ifndef HARNESS_SRC_SUITES_H
#define HARNESS_SRC_SUITES_H

#include "harness/src/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cupel__suite {
    const char *name;
    uint32_t first; /* index into `order` */
    uint32_t count;
};

struct cupel__suites {
    struct cupel__suite *all; /* owned */
    uint32_t count;
    uint32_t *order; /* of entries, by suite and then as they were; owned */
};

/* Linear in the number of entries. False when out of memory. Release with cupel__suites_deinit. */
bool cupel__suites_init(struct cupel__suites *suites, const struct cupel__plan_entry *entries, size_t count);
void cupel__suites_deinit(struct cupel__suites *suites);

#endif
