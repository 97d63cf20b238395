/* Findings on their way out: see debug_tell.h. What a sink's function asks of an allocator while it is called is served
 * as any request; what that finds is counted and not told. */
#include "alloc/src/debug_tell.h"

#include "alloc/src/debug_thread.h"

/* Findings of one kind with the same traces are the same. */
static uint64_t key_of(const struct cupel_finding *finding) {
    uint64_t key = ((uint64_t)finding->kind + 1) << 32; /* traces are small numbers, which must not meet kinds */
    for (unsigned i = 0; i < finding->trace_count; i++) {
        key = (key ^ finding->traces[i].trace) * UINT64_C(0x9E3779B97F4A7C15);
        key ^= key >> 29;
    }
    return key == 0 ? 1 : key;
}

/* False where it was told before. Where the table is full everything is told. */
static bool is_new(struct cupel__debug *debug, uint64_t key) {
    enum { PROBES = 16 };
    for (unsigned i = 0; i < PROBES; i++) {
        uint64_t *place = &debug->told[(key + i) % CUPEL__TOLD];
        uint64_t old = 0;
        if (__atomic_compare_exchange_n(place, &old, key, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return true;
        }
        if (old == key) {
            return false;
        }
    }
    return true;
}

/* Without traces two findings cannot be told apart by where they come from. */
static bool has_traces(const struct cupel_finding *finding) {
    for (unsigned i = 0; i < finding->trace_count; i++) {
        if (finding->traces[i].trace != 0) {
            return true;
        }
    }
    return false;
}

void cupel__finding_tell(struct cupel__debug *debug, struct cupel_finding *finding) {
    if ((debug->options.ignored >> finding->kind & 1) != 0) {
        return;
    }
    bool is_warning = cupel_finding_row(finding->kind)->severity == CUPEL_SEVERITY_WARNING;
    finding->serial = is_warning ? 0 : __atomic_add_fetch(&debug->findings, 1, __ATOMIC_RELAXED);
    finding->allocator = debug->options.name;
    if (cupel__debug_thread.is_telling || (has_traces(finding) && !is_new(debug, key_of(finding)))) {
        (void)__atomic_fetch_add(&debug->suppressed, 1, __ATOMIC_RELAXED);
        return;
    }
    bool was_inside = cupel__debug_thread.is_inside;
    cupel__debug_thread.is_telling = true;
    cupel__debug_thread.is_inside = cupel__debug_thread.is_sweeping; /* then locks are held, and requests must fail */
    cupel_sink_finding(&debug->options.sink, finding);
    cupel__debug_thread.is_inside = was_inside;
    cupel__debug_thread.is_telling = false;
    if (debug->options.react == CUPEL_DEBUG_STOP && !is_warning) {
        cupel__debug_stop();
    }
}

void cupel__finding_tell_pending(struct cupel__debug *debug, struct cupel__pending *pending) {
    for (unsigned i = 0; i < pending->count; i++) {
        cupel__finding_tell(debug, &pending->all[i]);
    }
    pending->count = 0;
}
