/* For tests of perturbed repeats: the flakes of the fixture `flaky` that hang on one dimension each. */
#ifndef HARNESS_TESTS_PLANTED_H
#define HARNESS_TESTS_PLANTED_H

#include "harness/tests/tool.h"
#include "harness/tests/watched.h"

struct planted {
    const char *name;    /* of the test */
    const char *follows; /* the dimension's, as a report tells it */
};

/* Rows of an array of them. */
#define PLANTED_BY_ONE                                                                                                 \
    {"address_space", "address-space"}, {"environment_size", "environment-size"}, {"locale", "locale"},                \
        {"time_zone", "time-zone"}, {"descriptors", "descriptors"}, {"thread_start", "thread-start"},                  \
        {"fresh_memory", "fresh-memory"}, {"freed_memory", "freed-memory"}, {"placement", "placement"}, {              \
        "crashes_by_time_zone", "time-zone"                                                                            \
    }

/* In memory that a sanitizer watches, reading what was released or never written is found at once, or hidden. */
static inline void skip_what_is_watched(const struct planted *flake) {
    if (HAS_SANITIZER && (strstr(flake->name, "memory") != NULL || strcmp(flake->name, "address_space") == 0)) {
        cupel_test_skip("this build's own detection is in the way");
    }
}

#endif
