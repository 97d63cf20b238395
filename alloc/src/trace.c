/* Taking traces: see trace.h. */
#include "alloc/trace.h"

#include "alloc/src/trace_modules.h"
#include "alloc/src/trace_rules.h"
#include "alloc/src/trace_store.h"
#include "alloc/src/trace_thread.h"

/* Elsewhere there are no rules but the chain of frame pointers: see cupel_trace_lack. */
#if defined(__x86_64__)
enum { HAS_TABLES = true };
#else
enum { HAS_TABLES = false };
#endif

static struct cupel__trace_store store;
const struct cupel__trace_store *const cupel__trace_store_of_all = &store;
static atomic_bool must_forget; /* a module was unloaded, or is being */

/* The loader frees what it knew of a module after it has unmapped it. Rules are forgotten when that is over: before any
 * other module can be loaded there. */
static void look_at_modules(uintptr_t origin) {
    if (cupel__trace_is_loader(origin) && cupel__trace_is_unloading()) {
        atomic_store_explicit(&must_forget, true, memory_order_relaxed);
    } else if (atomic_load_explicit(&must_forget, memory_order_relaxed) && !cupel__trace_is_unloading()) {
        atomic_store_explicit(&must_forget, false, memory_order_relaxed);
        cupel__rules_forget();
    }
}

static inline void look_after_modules(uintptr_t origin) {
    if (atomic_load_explicit(&must_forget, memory_order_relaxed) || cupel__trace_is_loader(origin)) {
        look_at_modules(origin);
    }
}

/* The bounds of the stack that holds sp. */
static inline bool find_stack(struct cupel__trace_thread *thread, uintptr_t sp, struct cupel__stack *stack) {
    if (thread == NULL) {
        return cupel__stack_find(sp, stack);
    }
    if (sp < thread->stack.low || sp >= thread->stack.high) {
        struct cupel__stack found = {0, 0};
        if (!cupel__stack_find(sp, &found)) {
            return false;
        }
        thread->stack = found;
    }
    *stack = thread->stack;
    return true;
}

static inline bool begin(struct cupel__walk *walk, struct cupel__trace_thread *thread, enum cupel_trace_mode mode,
                         const struct cupel_trace_start *start, const void *site, unsigned max) {
    walk->mode = HAS_TABLES ? mode : CUPEL_TRACE_FRAME_POINTERS;
    walk->max = max < CUPEL__TRACE_FRAMES_MAX ? max : (unsigned)CUPEL__TRACE_FRAMES_MAX;
    walk->start = *start;
    walk->site = (uintptr_t)site;
    return start->sp % sizeof(uintptr_t) == 0 && find_stack(thread, start->sp, &walk->stack);
}

/* Walks until no rules were forgotten meanwhile. */
static void run(struct cupel__walk *walk, struct cupel__trace_thread *thread) {
    enum { TRIES = 4 };
    for (unsigned i = 0; i < TRIES; i++) {
        unsigned epoch = atomic_load_explicit(&cupel__rules_epoch, memory_order_acquire);
        cupel__walk_clear(walk);
        if (cupel__walk(walk, &store) == CUPEL__WALK_NEEDS_REGISTERS) {
            cupel__walk_slow(walk, &store);
            if (thread != NULL) {
                thread->slow_walks++;
            }
        }
        atomic_thread_fence(memory_order_acquire);
        /* LCOV_EXCL_BR_START(the epoch changes under a walk in other threads alone) */
        if (epoch % 2 == 0 && epoch == atomic_load_explicit(&cupel__rules_epoch, memory_order_relaxed)) {
            break;
        }
        /* LCOV_EXCL_BR_STOP */
        walk->is_exact = false;
    }
    if (thread != NULL) {
        thread->walks++;
    }
}

/* Where the walk does not meet the site, the site is all that is known. */
static void stand_by_site(struct cupel__walk *walk) {
    if (walk->count == 0 && walk->site != 0) {
        struct cupel__rule rule = cupel__rules_learn(&store, walk->site, true);
        walk->count = rule.index != 0;
        walk->frames[0] = rule.index;
        walk->hash = cupel__trace_hash_of(walk->frames, walk->count);
        walk->is_exact = false;
    }
}

/* Walks, stores, and keeps it in the memo where `entry` is not NULL. */
static cupel_trace_id take_by_walk(struct cupel__trace_thread *thread, struct cupel__memo_leaf *leaf,
                                   struct cupel__memo_entry *entry, struct cupel__walk *walk, uint32_t epoch) {
    run(walk, thread);
    stand_by_site(walk);
    cupel_trace_id id = cupel__trace_store_add(&store, walk->frames, walk->count, walk->hash);
    /* LCOV_EXCL_BR_START(the epoch changes under a walk in other threads alone) */
    if (entry != NULL && id != 0 && walk->is_exact && walk->word_count != 0 &&
        epoch == atomic_load_explicit(&cupel__rules_epoch, memory_order_relaxed) + 1) {
        /* LCOV_EXCL_BR_STOP */
        cupel__memo_put(&thread->memo, leaf, entry, walk, epoch, id);
    }
    return id;
}

static cupel_trace_id take(enum cupel_trace_mode mode, const struct cupel_trace_start *start, const void *site,
                           unsigned max) {
    struct cupel__trace_thread *thread = cupel__trace_thread();
    struct cupel__walk walk;
    look_after_modules(site == NULL ? start->ip : (uintptr_t)site);
    if (!begin(&walk, thread, mode, start, site, max)) {
        cupel__walk_clear(&walk);
        stand_by_site(&walk);
        return cupel__trace_store_add(&store, walk.frames, walk.count, walk.hash);
    }
    uint32_t epoch = atomic_load_explicit(&cupel__rules_epoch, memory_order_acquire) + 1;
    if (thread == NULL || thread->has_no_memo) {
        return take_by_walk(thread, NULL, NULL, &walk, epoch);
    }
    struct cupel__memo_leaf *leaf = cupel__memo_leaf_of(&thread->memo, start->ip);
    struct cupel__memo_entry *entry = cupel__memo_place(&thread->memo, leaf, &walk);
    cupel_trace_id id = cupel__memo_get(&thread->memo, leaf, entry, &walk, epoch);
    if (id == 0) {
        id = cupel__memo_mend(&thread->memo, leaf, entry, &walk, epoch, &store);
    }
    return id != 0 ? id : take_by_walk(thread, leaf, entry, &walk, epoch);
}

cupel_trace_id cupel_trace_take(enum cupel_trace_mode mode, const struct cupel_trace_start *start, const void *site,
                                unsigned max) {
    if (max == 0 || mode == CUPEL_TRACE_NONE || cupel__trace_is_busy) {
        return 0;
    }
    cupel__trace_is_busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    cupel_trace_id id = take(mode, start, site, max);
    atomic_signal_fence(memory_order_seq_cst);
    cupel__trace_is_busy = false;
    return id;
}

static unsigned to_addresses(const uint32_t indices[], unsigned count, const void *frames[], unsigned max) {
    for (unsigned i = 0; i < count && i < max; i++) {
        frames[i] = (const void *)(uintptr_t)cupel__trace_frame_at(&store, indices[i])->ip;
    }
    return count < max ? count : max;
}

unsigned cupel_trace_collect(enum cupel_trace_mode mode, const struct cupel_trace_start *start, const void *site,
                             const void *frames[], unsigned max) {
    if (max == 0 || mode == CUPEL_TRACE_NONE || cupel__trace_is_busy) {
        return 0;
    }
    cupel__trace_is_busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    struct cupel__walk walk;
    cupel__walk_clear(&walk);
    struct cupel__trace_thread *thread = cupel__trace_thread();
    look_after_modules(site == NULL ? start->ip : (uintptr_t)site);
    if (begin(&walk, thread, mode, start, site, max)) {
        run(&walk, thread);
    }
    stand_by_site(&walk);
    unsigned count = to_addresses(walk.frames, walk.count, frames, max);
    atomic_signal_fence(memory_order_seq_cst);
    cupel__trace_is_busy = false;
    return count;
}

cupel_trace_id cupel_trace_intern(const void *const frames[], unsigned count) {
    if (cupel__trace_is_busy) {
        return 0;
    }
    cupel__trace_is_busy = true;
    atomic_signal_fence(memory_order_seq_cst);
    uint32_t indices[CUPEL__TRACE_FRAMES_MAX] = {0};
    unsigned taken = 0;
    while (taken < count && taken < CUPEL__TRACE_FRAMES_MAX) {
        uintptr_t ip = (uintptr_t)frames[taken];
        indices[taken] = cupel__trace_frame_add(&store, ip, cupel__trace_module_of(ip - 1, NULL));
        if (indices[taken] == 0) {
            break;
        }
        taken++;
    }
    cupel_trace_id id = cupel__trace_store_add(&store, indices, taken, cupel__trace_hash_of(indices, taken));
    atomic_signal_fence(memory_order_seq_cst);
    cupel__trace_is_busy = false;
    return id;
}

unsigned cupel_trace_frames(cupel_trace_id id, const void *frames[], unsigned max) {
    uint32_t indices[CUPEL__TRACE_FRAMES_MAX];
    return to_addresses(indices, cupel__trace_store_read(&store, id, indices), frames, max);
}

void cupel_trace_modules_changed(void) {
    atomic_store_explicit(&must_forget, true, memory_order_relaxed);
}

void cupel_trace_thread_end(void) {
    cupel__trace_thread_leave();
}

void cupel_trace_limit(size_t bytes) {
    enum { LEAST = 64 * 1024 };
    atomic_store_explicit(&store.limit_bytes, bytes < LEAST ? (size_t)LEAST : bytes, memory_order_relaxed);
}

void cupel_trace_count(struct cupel_trace_counters *counters) {
    unsigned frames = atomic_load_explicit(&store.frame_count, memory_order_relaxed);
    *counters = (struct cupel_trace_counters){
        .traces = atomic_load_explicit(&store.traces, memory_order_relaxed),
        .frames = frames > 0 ? frames - 1 : 0,
        .rules = cupel__rules_count(),
        .modules = cupel__trace_module_count(),
        .bytes = cupel__trace_store_bytes(&store) + cupel__rules_bytes() + cupel__trace_thread_bytes(),
        .dropped = atomic_load_explicit(&store.dropped, memory_order_relaxed),
    };
    const struct cupel__trace_thread *thread = cupel__trace_own;
    counters->has_no_memo = thread == NULL || thread->has_no_memo;
    if (thread != NULL) {
        counters->hits = thread->memo.hits;
        counters->repairs = thread->memo.repairs;
        counters->walks = thread->walks;
        counters->slow_walks = thread->slow_walks;
    }
}
