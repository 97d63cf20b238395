/* Faults in calls that are no requests for memory: read, write, open and clock rules of fault plans. The interposition
 * objects (interpose_io.c, interpose_stdio.c), linked whole into every test program, define the calls; while a body
 * runs whose plan or test is about them, each asks here what shall become of it:
 *
 *     code under test -> read --+-- no body runs, libc or the harness asks for itself --> the real read
 *                               +-- else --> cupel__io_ask --> cupel_failing_ask: counted; fails, is cut short, or goes
 * on
 *
 * Calls that libc makes inside itself, such as those of its streams, are not seen. */
#ifndef HARNESS_SRC_IO_H
#define HARNESS_SRC_IO_H

#include "alloc/failing.h"
#include "harness/harness.h"
#include "harness/src/route.h"

#include <stdbool.h>
#include <stdint.h>

/* Read by the interposition objects. */
struct cupel__io {
    bool is_active; /* the running body's calls are asked about */
    int64_t step_s; /* by which the clocks of the day are wrong; atomic access */
};
extern struct cupel__io cupel__io;
extern _Thread_local unsigned cupel__io_aside; /* depth of cupel_aside_begin */

enum { CUPEL__IO_GO_ON = 0, CUPEL__IO_SHORT = -1 };

/* For run.c, at the beginning of a run: `faults` NULL for none. */
void cupel__io_begin(const struct cupel_test *test, const struct cupel_fault_plan *faults);
/* The calls that a test's .faults names, 1u << CUPEL_FAULT_READ and so on; 0 where it names none. False and a text on a
 * word that is none. */
bool cupel__io_declared(const struct cupel_test *test, unsigned *calls, struct cupel_error *error);

/* For the interposition objects. True where a call from `site` is to be asked about. */
static inline bool cupel__io_is_asked(const void *site) {
    return __builtin_expect(cupel__io.is_active, 0) &&
           __atomic_load_n(&cupel__route.armed, __ATOMIC_RELAXED) == CUPEL__ROUTE_ON &&
           cupel__route_thread.depth == 0 && cupel__io_aside == 0 && !cupel__route_leaves_alone(site);
}
/* CUPEL__IO_GO_ON, CUPEL__IO_SHORT, or the errno value to fail with. A clock's step is in cupel__io before it returns.
 * `can_be_short`: half of `size` bytes can be transferred. */
int cupel__io_ask(enum cupel_fault_call call, size_t size, bool can_be_short, const void *site);

#endif
