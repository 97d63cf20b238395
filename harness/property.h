/* Running a property on bytes of one's own: what the C tests call that are made from failing inputs. And the way back:
 * inputs of tests become seeds of a property's corpus. */
#ifndef HARNESS_PROPERTY_H
#define HARNESS_PROPERTY_H

#include "harness/harness.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the property's body on `length` bytes of `data` within the running test, with that test's allocator and checks:
 * the test fails where the body does. A fault trailer at the end of the input is obeyed. `data` is borrowed for the
 * call. Only on the test's own thread. */
void cupel_property_replay(const struct cupel_test *property, const void *data, size_t length);

enum { CUPEL_SEED_MAX = 1 << 20 }; /* bytes; AFL++ takes no longer input */

/* In a test: this input is worth beginning from. A run with --write-seeds stores it as corpora/SUITE_NAME/<SHA-1>, once
 * however often it is given; other runs do nothing. `property` is "suite.name" or "suite_name": of this program, or one
 * whose corpus is there already beside those of the test; with --write-seeds the test fails where it is neither, and
 * where the file cannot be written. True, but false where it failed and where the input is longer than CUPEL_SEED_MAX
 * and therefore left out. `data` is borrowed for the call. Thread-safe. Runs under a fault plan store nothing. */
bool cupel_seed(const char *property, const void *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
