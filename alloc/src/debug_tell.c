/* Findings on their way out: see debug_tell.h. Those that are the same as one before are counted; those that a rule
 * suppresses are neither told nor counted, and the rules are asked once for all that are the same. What a sink's
 * function asks of an allocator while it is called is served as any request; what that finds is counted and not told.
 */
#include "alloc/src/debug_tell.h"

#include "alloc/src/debug_thread.h"

/* Findings of one kind with the same traces are the same. */
static uint64_t key_of(const struct cupel_finding *finding) {
    uint64_t key = ((uint64_t)finding->kind + 1) << 32; /* traces are small numbers, which must not meet kinds */
    for (unsigned i = 0; i < finding->trace_count; i++) {
        key = (key ^ finding->traces[i].trace) * UINT64_C(0x9E3779B97F4A7C15);
        key ^= key >> 29;
    }
    return key << 1 | 2; /* not 0; the lowest bit is the rules' */
}

enum known { UNKNOWN, TOLD, SILENCED };

/* Whether it is known what becomes of it; if not, `place` becomes where that is kept, or NULL where the table is full:
 * then everything is told. */
static enum known look_up(struct cupel__debug *debug, uint64_t key, uint64_t **place) {
    enum { PROBES = 16 };
    for (unsigned i = 0; i < PROBES; i++) {
        uint64_t old = 0;
        *place = &debug->told[((key >> 1) + i) % CUPEL__TOLD];
        if (__atomic_compare_exchange_n(*place, &old, key, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return UNKNOWN;
        }
        if ((old & ~UINT64_C(1)) == key) {
            return (old & 1) == 0 ? TOLD : SILENCED;
        }
    }
    *place = NULL;
    return UNKNOWN;
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
    uint64_t *place = NULL;
    enum known known = has_traces(finding) ? look_up(debug, key_of(finding), &place) : UNKNOWN;
    if (known == UNKNOWN && cupel__finding_is_suppressed(debug, finding)) {
        known = SILENCED;
        if (place != NULL) {
            __atomic_store_n(place, key_of(finding) | 1, __ATOMIC_RELAXED);
        }
    }
    if (known == SILENCED) {
        (void)__atomic_fetch_add(&debug->silenced, 1, __ATOMIC_RELAXED);
        return;
    }
    finding->serial = is_warning ? 0 : __atomic_add_fetch(&debug->findings, 1, __ATOMIC_RELAXED);
    finding->allocator = debug->options.name;
    if (cupel__debug_thread.is_telling || known == TOLD) {
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
