/* Taking traces: see trace.h. */
#include "alloc/trace.h"

#include "alloc/src/frames.h"
#include "alloc/src/trace_modules.h"
#include "alloc/src/trace_store.h"

#include <string.h>

static struct cupel__trace_store store;
static _Thread_local bool is_busy;

unsigned cupel_trace_collect(enum cupel_trace_mode mode, const struct cupel_trace_start *start, const void *site,
                             const void *frames[], unsigned max) {
    if (max == 0 || mode == CUPEL_TRACE_NONE) {
        return 0;
    }
    if (site == NULL) {
        site = (const void *)start->ip;
    }
    return mode == CUPEL_TRACE_TABLES ? cupel__frames_unwind(site, frames, max)
                                      : cupel__frames_collect(site, frames, max);
}

cupel_trace_id cupel_trace_take(enum cupel_trace_mode mode, const struct cupel_trace_start *start, const void *site,
                                unsigned max) {
    if (max == 0 || mode == CUPEL_TRACE_NONE || is_busy) {
        return 0;
    }
    is_busy = true;
    const void *frames[CUPEL_TRACE_FRAMES_MAX];
    unsigned count = cupel_trace_collect(mode, start, site, frames,
                                         max < CUPEL_TRACE_FRAMES_MAX ? max : (unsigned)CUPEL_TRACE_FRAMES_MAX);
    is_busy = false;
    return cupel_trace_intern(frames, count);
}

cupel_trace_id cupel_trace_intern(const void *const frames[], unsigned count) {
    if (is_busy) {
        return 0;
    }
    is_busy = true;
    uint32_t indices[CUPEL__TRACE_FRAMES_MAX] = {0};
    unsigned taken = 0;
    while (taken < count && taken < CUPEL__TRACE_FRAMES_MAX) {
        uintptr_t ip = (uintptr_t)frames[taken];
        indices[taken] = cupel__trace_frame_add(&store, ip, cupel__trace_module_of(ip, NULL));
        if (indices[taken] == 0) {
            break;
        }
        taken++;
    }
    cupel_trace_id id = cupel__trace_store_add(&store, indices, taken, cupel__trace_hash_of(indices, taken));
    is_busy = false;
    return id;
}

unsigned cupel_trace_frames(cupel_trace_id id, const void *frames[], unsigned max) {
    uint32_t indices[CUPEL__TRACE_FRAMES_MAX];
    unsigned count = cupel__trace_store_read(&store, id, indices);
    for (unsigned i = 0; i < count && i < max; i++) {
        frames[i] = (const void *)(uintptr_t)cupel__trace_frame_at(&store, indices[i])->ip;
    }
    return count < max ? count : max;
}

void cupel_trace_modules_changed(void) {
}

void cupel_trace_thread_end(void) {
}

void cupel_trace_limit(size_t bytes) {
    enum { LEAST = 64 * 1024 };
    store.limit_bytes = bytes < LEAST ? (size_t)LEAST : bytes;
}

void cupel_trace_count(struct cupel_trace_counters *counters) {
    *counters = (struct cupel_trace_counters){
        .traces = store.traces,
        .frames = store.frame_count > 0 ? store.frame_count - 1 : 0,
        .modules = cupel__trace_module_count(),
        .bytes = cupel__trace_store_bytes(&store),
        .dropped = store.dropped,
    };
}
