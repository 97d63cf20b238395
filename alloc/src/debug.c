/* The debug allocator's door: requests come in, are checked for who makes them, and go to their block. See debug.h. */
#include "alloc/debug.h"

#include "alloc/src/debug_addresses.h"
#include "alloc/src/debug_block.h"
#include "alloc/src/debug_fault.h"
#include "alloc/src/debug_find.h"
#include "alloc/src/debug_meta.h"
#include "alloc/src/debug_seal.h"
#include "alloc/src/debug_slot.h"
#include "alloc/src/debug_span.h"
#include "alloc/src/debug_statistics.h"
#include "alloc/src/debug_sweep.h"
#include "alloc/src/debug_tell.h"
#include "alloc/src/debug_thread.h"

static struct cupel__debug *state_of(const struct cupel_allocator *self) {
    return ((const struct cupel_debug *)(const void *)self)->state;
}

/* Where the caller of the operation that this stands in calls from. */
__attribute__((always_inline)) static inline cupel_trace_id take_trace(const struct cupel__debug *debug,
                                                                       const void *site) {
    const struct cupel_trace_start start = cupel_trace_start_here();
    unsigned frames = CUPEL_DEBUG_FRAMES_MAX == 0 ? 0 : debug->options.frames;
    return frames == 0 ? 0 : cupel_trace_take(debug->options.traces, &start, site, frames);
}

/* A single-thread instance is used: by its owner? */
static void check_thread(struct cupel__request *request) {
    struct cupel__debug *debug = request->debug;
    unsigned owner = 0;
    if (!__atomic_compare_exchange_n(&debug->owner, &owner, request->thread, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED) &&
        owner != request->thread) {
        struct cupel_finding finding = {
            .kind = CUPEL_FINDING_WRONG_THREAD, .verb = request->verb, .address = request->block};
        cupel__finding_add_trace(&finding, "used", request->trace, request->thread);
        cupel__finding_add_trace(&finding, "used last", __atomic_load_n(&debug->owner_trace, __ATOMIC_RELAXED), owner);
        cupel__finding_tell(debug, &finding);
    } else {
        __atomic_store_n(&debug->owner_trace, request->trace, __ATOMIC_RELAXED);
    }
}

/* False where this thread is inside already: a signal handler that interrupted a request. */
static bool enter(struct cupel__request *request) {
    if (cupel__debug_thread.is_inside) {
        (void)__atomic_fetch_add(&request->debug->reentered, 1, __ATOMIC_RELAXED);
        return false;
    }
    cupel__debug_thread.is_inside = true;
    request->thread = cupel__debug_thread_number();
    if (!cupel__debug_thread.has_altstack && request->debug->options.catches_faults) {
        cupel__debug_thread.has_altstack = true;
        cupel__debug_altstack();
    }
    request->pending->count = 0;
    cupel__debug_unseal(request->debug);
    if (request->debug->options.is_single_thread) {
        check_thread(request);
    }
    return true;
}

static void leave(struct cupel__request *request) {
    if (request->pending->count > 0) {
        cupel__finding_tell_pending(request->debug, request->pending);
    }
    cupel__debug_seal(request->debug);
    cupel__debug_thread.is_inside = false;
}

/* In both of its callers, of which one is the way of nearly all requests. */
__attribute__((always_inline)) static inline void *acquire(struct cupel__request *request, size_t size, size_t align) {
    if (!enter(request)) {
        return NULL;
    }
    void *block = cupel__block_acquire(request, size, align);
    cupel__debug_log(request, size, align, block);
    leave(request);
    return block;
}

static void *debug_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    struct cupel__debug *debug = state_of(self);
    struct cupel__pending pending;
    struct cupel__request request = {
        .debug = debug, .verb = "allocate", .flags = flags, .trace = take_trace(debug, site), .pending = &pending};
    return acquire(&request, size, align);
}

void *cupel_debug_acquire_as(struct cupel_debug *debug, enum cupel_family family, size_t size, size_t align,
                             unsigned flags, const void *site) {
    struct cupel__pending pending;
    struct cupel__request request = {.debug = debug->state,
                                     .verb = "allocate",
                                     .flags = flags,
                                     .family = family,
                                     .trace = take_trace(debug->state, site),
                                     .pending = &pending};
    return acquire(&request, size, align);
}

static void release(struct cupel__request *request) {
    if (enter(request)) {
        struct cupel__target target;
        if (cupel__block_claim(request, false, &target)) {
            cupel__block_release(request, &target);
        }
        cupel__debug_log(request, request->size, request->align, NULL);
        leave(request);
    }
}

static void debug_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct cupel__debug *debug = state_of(self);
    struct cupel__pending pending;
    struct cupel__request request = {.debug = debug,
                                     .verb = "free",
                                     .block = block,
                                     .size = size,
                                     .align = align,
                                     .has_size = true,
                                     .trace = take_trace(debug, site),
                                     .pending = &pending};
    release(&request);
}

void cupel_debug_release(struct cupel_debug *debug, void *block, const void *site) {
    struct cupel__pending pending;
    struct cupel__request request = {.debug = debug->state,
                                     .verb = "free",
                                     .block = block,
                                     .trace = take_trace(debug->state, site),
                                     .pending = &pending};
    release(&request);
}

void cupel_debug_release_as(struct cupel_debug *debug, enum cupel_family family, void *block, size_t size, size_t align,
                            const void *site) {
    struct cupel__pending pending;
    struct cupel__request request = {.debug = debug->state,
                                     .verb = "free",
                                     .block = block,
                                     .family = family,
                                     .trace = take_trace(debug->state, site),
                                     .pending = &pending};
    /* What the caller does not know is as it is. */
    request.has_size =
        (size != SIZE_MAX || align != 0) && cupel_debug_size(debug, block, &request.size, &request.align);
    request.size = size != SIZE_MAX ? size : request.size;
    request.align = align != 0 ? align : request.align;
    release(&request);
}

static bool debug_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         const void *site) {
    struct cupel__debug *debug = state_of(self);
    struct cupel__pending pending;
    struct cupel__target target;
    struct cupel__request request = {.debug = debug,
                                     .verb = "resize",
                                     .block = block,
                                     .size = size,
                                     .align = align,
                                     .has_size = true,
                                     .trace = take_trace(debug, site),
                                     .pending = &pending};
    if (!enter(&request)) {
        return false;
    }
    bool has_resized = false;
    if (cupel__block_claim(&request, true, &target)) {
        has_resized = cupel__block_resize(&request, &target, new_size);
        if (!has_resized) {
            cupel__block_unclaim(&target, size);
        }
    }
    cupel__debug_log(&request, new_size, align, has_resized ? block : NULL);
    leave(&request);
    return has_resized;
}

static void *remap(struct cupel__request *request, size_t new_size) {
    struct cupel__target target;
    if (!enter(request)) {
        return NULL;
    }
    void *moved = NULL;
    if (cupel__block_claim(request, true, &target)) {
        bool has_resized = !request->debug->options.moves_on_remap && cupel__block_resize(request, &target, new_size);
        moved = has_resized ? request->block : cupel__block_move(request, &target, new_size);
        if (moved == NULL) {
            cupel__block_unclaim(&target, cupel__slot_size(target.span, target.word));
        }
    }
    cupel__debug_log(request, new_size, request->align, moved);
    leave(request);
    return moved;
}

static void *debug_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                         unsigned flags, const void *site) {
    struct cupel__debug *debug = state_of(self);
    struct cupel__pending pending;
    struct cupel__request request = {.debug = debug,
                                     .verb = "resize",
                                     .block = block,
                                     .size = size,
                                     .align = align,
                                     .has_size = true,
                                     .flags = flags,
                                     .trace = take_trace(debug, site),
                                     .pending = &pending};
    return remap(&request, new_size);
}

void *cupel_debug_remap(struct cupel_debug *debug, void *block, size_t new_size, const void *site) {
    struct cupel__pending pending;
    struct cupel__request request = {.debug = debug->state,
                                     .verb = "resize",
                                     .block = block,
                                     .trace = take_trace(debug->state, site),
                                     .pending = &pending};
    return remap(&request, new_size);
}

void *cupel_debug_remap_as(struct cupel_debug *debug, enum cupel_family family, void *block, size_t new_size,
                           const void *site) {
    struct cupel__pending pending;
    struct cupel__request request = {.debug = debug->state,
                                     .verb = "resize",
                                     .block = block,
                                     .family = family,
                                     .trace = take_trace(debug->state, site),
                                     .pending = &pending};
    return remap(&request, new_size);
}

static const struct cupel_allocator_ops debug_ops = {
    .name = "debug", .acquire = debug_acquire, .resize = debug_resize, .remap = debug_remap, .release = debug_release};

/* What options may not say; NULL: nothing is wrong. */
static const char *fault_of(const struct cupel_debug_options *options, const struct cupel_allocator *backing) {
    if (options->frames > CUPEL_TRACE_FRAMES_MAX) {
        return "a trace has at most 32 frames";
    }
    if (options->canary_bytes % 16 != 0 || options->canary_bytes > 256) {
        return "canaries are a multiple of 16 bytes, at most 256";
    }
    if ((options->records_in_backing || !CUPEL_DEBUG_SYSTEM) && backing == NULL) {
        return "records in the backing need one that is not the system's pages";
    }
    if (options->sink.kind == CUPEL_SINK_CALL && options->sink.call == NULL) {
        return "a sink that is called needs a function";
    }
    return NULL;
}

static void init_locks(struct cupel__debug *debug) {
    cupel__recursive_mutex_init(&debug->seal_lock);
    for (unsigned i = 0; i < CUPEL__SHARDS; i++) {
        debug->shards[i].credit = CUPEL__CREDIT_MAX;
    }
}

struct cupel_allocator *cupel_debug_init(struct cupel_debug *debug, struct cupel_allocator *backing,
                                         const struct cupel_debug_options *options, struct cupel_error *error) {
    struct cupel_debug_options defaults;
    cupel_debug_defaults(&defaults);
    options = options == NULL ? &defaults : options;
    *debug = (struct cupel_debug){{&debug_ops}, NULL};
    backing = backing == cupel__system_allocator() ? NULL : backing;
    const char *fault = fault_of(options, backing);
    bool are_in_backing = options->records_in_backing || !CUPEL_DEBUG_SYSTEM;
    struct cupel__debug *state =
        fault == NULL ? cupel__meta_begin(&cupel__system, are_in_backing ? backing : NULL) : NULL;
    if (state == NULL) {
        (void)cupel_error_set(error, 0, 0, "debug allocator: %s",
                              fault == NULL ? "there is no memory for its records" : fault);
        return NULL;
    }
    state->handle = debug;
    state->backing = backing;
    state->pages = state->backing == NULL ? &cupel__system : &cupel__backing_system;
    state->options = *options;
    state->options.is_single_thread = options->is_single_thread || !CUPEL_DEBUG_THREADS;
    /* LCOV_EXCL_START(only in builds for fewer frames) */
    if (state->options.frames > CUPEL_DEBUG_FRAMES_MAX) {
        state->options.frames = CUPEL_DEBUG_FRAMES_MAX;
    }
    /* LCOV_EXCL_STOP */
    if (state->options.span_count_max == 0) {
        state->options.span_count_max = cupel__span_count_default();
    }
    if (are_in_backing) {
        state->options.records_in_backing = true;
        state->options.seal = CUPEL_DEBUG_SEAL_NONE;
    }
    init_locks(state);
    state->runs_left = CUPEL__RUNS_MAX;
    debug->state = state;
    cupel__debug_unseal(state);
    cupel__debug_seal(state);
    cupel__debug_register(state);
    return &debug->base;
}

uint64_t cupel_debug_check(struct cupel_debug *debug) {
    cupel__debug_unseal(debug->state);
    uint64_t damaged = cupel__debug_check_all(debug->state);
    cupel__debug_seal(debug->state);
    return damaged;
}

uint64_t cupel_debug_tell_leaks(struct cupel_debug *debug) {
    cupel__debug_clear_stack();
    cupel__debug_unseal(debug->state);
    uint64_t leaked = cupel__debug_tell_leaks(debug->state);
    cupel__debug_seal(debug->state);
    return leaked;
}

uint64_t cupel_debug_findings(const struct cupel_debug *debug) {
    return __atomic_load_n(&debug->state->findings, __ATOMIC_RELAXED);
}

bool cupel_debug_size(const struct cupel_debug *debug, const void *block, size_t *size, size_t *align) {
    struct cupel__target target;
    if (!cupel__slot_locate((uintptr_t)block, &target) || target.slot == NULL || target.span->home != debug->state ||
        cupel__slot_state(target.word) != CUPEL__SLOT_LIVE ||
        cupel__slot_block(target.span, target.index, cupel__slot_align_log(target.word)) != block) {
        return false;
    }
    *size = cupel__slot_size(target.span, target.word);
    *align = (size_t)1 << cupel__slot_align_log(target.word);
    return true;
}

uint64_t cupel_debug_deinit(struct cupel_debug *debug) {
    struct cupel__debug *state = debug->state;
    if (state == NULL) {
        return 0;
    }
    (void)cupel_debug_check(debug);
    (void)cupel_debug_tell_leaks(debug);
    uint64_t findings = cupel_debug_findings(debug);
    if (state->options.prints_statistics) {
        cupel__debug_write_statistics(state);
    }
    cupel__debug_unregister(state);
    cupel__recursive_mutex_destroy(&state->seal_lock);
    cupel__addresses_deinit(state);
    cupel__meta_end(state);
    debug->state = NULL;
    return findings;
}
