/* Properties on random inputs only, and no sweep: what stands here until property.c and sweep.c do. */
#include "harness/src/execute.h"
#include "harness/src/run.h"

struct stand_in {
    uint8_t data[256];
    size_t length;
};

static void call_body(void *user) {
    const struct stand_in *input = user;
    struct cupel_bytes bytes;
    cupel_bytes_init(&bytes, input->data, input->length);
    cupel__run.item->test->body(&bytes, cupel__run.allocator);
}

enum cupel__outcome cupel__property_run(const struct cupel_fault_plan *faults) {
    enum cupel__outcome outcome = CUPEL__ENDED;
    for (unsigned i = 0; i < 100 && outcome != CUPEL__STOPPED && cupel__run.failures == 0; i++) {
        struct stand_in input = {.length = i};
        for (size_t j = 0; j < sizeof input.data; j++) {
            input.data[j] = (uint8_t)cupel__mix(cupel__run.item->seed, i * 256 + j);
        }
        cupel__run_layers(faults, false);
        outcome = cupel__run_guarded(call_body, &input);
        if (outcome != CUPEL__STOPPED && !cupel__run_balance()) {
            break;
        }
    }
    return outcome;
}

void cupel__sweep_execute(const struct cupel__plan_item *item, struct cupel_result *result) {
    cupel__execute_once(item, NULL, result);
}
