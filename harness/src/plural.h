/* Counts in words. */
#ifndef HARNESS_SRC_PLURAL_H
#define HARNESS_SRC_PLURAL_H

#include <stdint.h>

/* What stands behind a noun: "1 fault", "2 faults", "0 faults". */
static inline const char *cupel__s(uint64_t count) {
    return count == 1 ? "" : "s";
}

#endif
