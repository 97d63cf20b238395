/* Goal: no sequence of operations breaks an allocator's promises. Method: the operations fuzzer over the run's own
 * allocator. */
#include "fuzz/alloc_ops.h"
#include "harness/harness.h"

PROPERTY(alloc, ops, .longest = 4096) {
    struct cupel_ops_setup setup = {.allocator = a};
    struct cupel_ops_report report;
    enum cupel_ops_verdict verdict = cupel_alloc_ops(bytes, &setup, &report);
    STARVED(verdict == CUPEL_OPS_STARVED);
    if (verdict == CUPEL_OPS_BROKEN) {
        REQUIRE_FAIL("operation %u: %s", report.error.column, report.error.text);
    }
}
