/* The failing layer: see failing.h. It asks the plan first, and the parent only where the plan lets the request pass.
 */
#include "alloc/failing.h"

#include "alloc/src/frames.h"

#include <assert.h>
#include <string.h>

enum { CALLS_ALLOC = 1u << CUPEL_FAULT_ALLOC, CALLS_GROW = 1u << CUPEL_FAULT_GROW };

static struct cupel_failing *from_base(struct cupel_allocator *self) {
    return (struct cupel_failing *)self;
}

__attribute__((noinline)) void cupel_fault_break(const void *site) {
    __asm__ volatile("" : : "r"(site)); /* keeps the call from being optimised away */
}

/* Threads are numbered as they first come to any failing layer. */
static unsigned thread_number(void) {
    static unsigned threads;
    static _Thread_local unsigned number;
    if (number == 0) {
        number = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
    }
    return number;
}

static void inject(struct cupel_failing *failing, const void *site) {
    if (failing->injected + failing->injected_benign == 0) {
        failing->frame_count = cupel__frames_unwind(site, failing->frames, CUPEL_FAULT_FRAMES_MAX);
        if (failing->on_first != NULL) {
            failing->on_first(failing);
        }
    }
    *(failing->benign_depth > 0 ? &failing->injected_benign : &failing->injected) += 1;
    cupel_fault_break(site);
}

/* True where this request is to fail. */
static bool is_refused(struct cupel_failing *failing, unsigned calls, size_t size, size_t new_size, const void *site) {
    failing->calls += (calls & CALLS_ALLOC) != 0;
    failing->grow_calls += (calls & CALLS_GROW) != 0;
    if (!failing->is_armed || failing->plan.count == 0) {
        return false;
    }
    const void *frames[CUPEL_FAULT_FRAMES_MAX];
    struct cupel_fault_request request = {.calls = calls,
                                          .size = new_size,
                                          .live_bytes = failing->live_bytes - size + new_size,
                                          .thread = thread_number(),
                                          .frames = frames};
    if (__builtin_expect(failing->wants_frames, 0)) {
        request.frame_count = cupel__frames_unwind(site, frames, CUPEL_FAULT_FRAMES_MAX);
    }
    if (cupel_fault_plan_next(&failing->plan, &request) == NULL) {
        return false;
    }
    inject(failing, site);
    return true;
}

static void count_ok(struct cupel_failing *failing) {
    *(failing->injected + failing->injected_benign == 0 ? &failing->ok_before : &failing->ok_after) += 1;
}

static void *failing_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags,
                             const void *site) {
    struct cupel_failing *failing = from_base(self);
    if (is_refused(failing, CALLS_ALLOC, 0, size, site)) {
        return NULL;
    }
    void *block = failing->parent->ops->acquire(failing->parent, size, align, flags, site);
    if (block != NULL) {
        failing->live_bytes += size;
        count_ok(failing);
    }
    return block;
}

static bool failing_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                           const void *site) {
    struct cupel_failing *failing = from_base(self);
    if (is_refused(failing, CALLS_GROW, size, new_size, site) ||
        !failing->parent->ops->resize(failing->parent, block, size, align, new_size, site)) {
        return false;
    }
    failing->live_bytes += new_size - size;
    return true;
}

static void *failing_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                           unsigned flags, const void *site) {
    struct cupel_failing *failing = from_base(self);
    if (is_refused(failing, CALLS_ALLOC | CALLS_GROW, size, new_size, site)) {
        return NULL;
    }
    void *moved = failing->parent->ops->remap(failing->parent, block, size, align, new_size, flags, site);
    if (moved != NULL) {
        failing->live_bytes += new_size - size;
        count_ok(failing);
    }
    return moved;
}

static void failing_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    struct cupel_failing *failing = from_base(self);
    failing->live_bytes -= size;
    failing->parent->ops->release(failing->parent, block, size, align, site);
}

static size_t failing_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    return cupel_usable(from_base(self)->parent, block, size, align);
}

static const struct cupel_allocator_ops failing_ops = {.name = "failing",
                                                       .acquire = failing_acquire,
                                                       .resize = failing_resize,
                                                       .remap = failing_remap,
                                                       .release = failing_release,
                                                       .usable = failing_usable};

struct cupel_allocator *cupel_failing_init(struct cupel_failing *failing, struct cupel_allocator *parent,
                                           const char *plan, struct cupel_error *error) {
    memset(failing, 0, sizeof *failing);
    if (!cupel_fault_plan_parse(&failing->plan, plan, error) || !cupel_fault_plan_resolve(&failing->plan, error)) {
        return NULL;
    }
    failing->base.ops = &failing_ops;
    failing->parent = parent;
    failing->is_armed = true;
    failing->wants_frames = cupel_fault_plan_wants_frames(&failing->plan);
    return &failing->base;
}

void cupel_failing_set(struct cupel_failing *failing, const struct cupel_fault_plan *plan) {
    struct cupel_failing fresh = {.base = failing->base,
                                  .parent = failing->parent,
                                  .live_bytes = failing->live_bytes,
                                  .benign_depth = failing->benign_depth,
                                  .is_armed = true,
                                  .on_first = failing->on_first};
    if (plan != NULL) {
        fresh.plan = *plan;
    }
    for (unsigned i = 0; i < fresh.plan.count; i++) {
        fresh.plan.rules[i].seen = 0;
    }
    (void)cupel_fault_plan_resolve(&fresh.plan, NULL);
    fresh.wants_frames = cupel_fault_plan_wants_frames(&fresh.plan);
    *failing = fresh;
}

void cupel_failing_benign_begin(struct cupel_failing *failing) {
    failing->benign_depth++;
}

void cupel_failing_benign_end(struct cupel_failing *failing) {
    assert(failing->benign_depth > 0);
    failing->benign_depth--;
}
