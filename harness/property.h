/* Running a property on bytes of one's own: what the C tests call that are made from failing inputs. */
#ifndef HARNESS_PROPERTY_H
#define HARNESS_PROPERTY_H

#include "harness/harness.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the property's body on `length` bytes of `data` within the running test, with that test's allocator and checks:
 * the test fails where the body does. A fault trailer at the end of the input is obeyed. `data` is borrowed for the
 * call. Only on the test's own thread. */
void cupel_property_replay(const struct cupel_test *property, const void *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
