/* Random inputs for properties: a function of a seed and the case's number, so that any case can be made again. */
#ifndef HARNESS_SRC_GENERATE_H
#define HARNESS_SRC_GENERATE_H

#include <stddef.h>
#include <stdint.h>

/* A seed for one test out of the run's seed, so that a test's cases do not depend on which others run. */
uint64_t cupel__generate_seed(uint64_t run_seed, const char *suite, const char *name);

/* Writes case `index` of `count` into data (room for longest bytes) and returns its length. Lengths grow with the index
 * from nothing to `longest`; the bytes are now uniform, now small, now runs, now edges. The same arguments give the
 * same bytes on every machine. */
size_t cupel__generate_case(uint64_t seed, unsigned index, unsigned count, uint8_t *data, size_t longest);

#endif
