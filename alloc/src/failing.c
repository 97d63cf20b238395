/* The failing layer: see failing.h. It asks the plan first, and the parent only where the plan lets the request pass.
 */
#include "alloc/failing.h"

#include "alloc/src/fault_words.h"
#include "alloc/src/frames.h"

#include <assert.h>
#include <string.h>

enum { MOVED_FILL = 0xd5 };
enum { CALLS_ALLOC = 1u << CUPEL_FAULT_ALLOC, CALLS_GROW = 1u << CUPEL_FAULT_GROW };

static struct cupel_failing *from_base(struct cupel_allocator *self) {
    return (struct cupel_failing *)self;
}

__attribute__((noinline)) void cupel_fault_break(const void *site) {
    __asm__ volatile("" : : "r"(site)); /* keeps the call from being optimised away */
}

/* Each thread has a number in the process; the layer numbers those that come to it in the order of their first request,
 * so that the same run gives the same numbers again. */
static unsigned thread_number(struct cupel_failing *failing) {
    static unsigned threads;
    static _Thread_local unsigned id;
    if (id == 0) {
        id = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
    }
    unsigned number = 0;
    while (number < failing->thread_count && failing->threads[number] != id) {
        number++;
    }
    if (number == failing->thread_count && number < CUPEL_FAULT_THREADS_MAX) {
        failing->threads[failing->thread_count++] = id;
    }
    return number + 1;
}

unsigned cupel_failing_frames(const void *site, const void *frames[], unsigned max) {
    return cupel__frames_unwind(site, frames, max);
}

static void inject(struct cupel_failing *failing, bool is_benign, const struct cupel_failing_event *event) {
    if (failing->injected + failing->injected_benign == 0) {
        failing->frame_count = cupel__frames_unwind(event->site, failing->frames, CUPEL_FAULT_FRAMES_MAX);
        failing->first = *event;
        if (failing->on_first != NULL) {
            failing->on_first(failing);
        }
    }
    *(is_benign || failing->benign_depth > 0 ? &failing->injected_benign : &failing->injected) += 1;
    cupel_fault_break(event->site);
}

enum fate { GRANTED, MOVED, REFUSED };

static enum fate ask_plan(struct cupel_failing *failing, const struct cupel_failing_event *event) {
    const void *frames[CUPEL_FAULT_FRAMES_MAX];
    struct cupel_fault_request request = {.calls = event->calls,
                                          .size = event->new_size,
                                          .live_bytes = event->live_bytes,
                                          .thread = thread_number(failing),
                                          .frames = frames};
    if (__builtin_expect(failing->wants_frames, 0)) {
        request.frame_count = cupel__frames_unwind(event->site, frames, CUPEL_FAULT_FRAMES_MAX);
    }
    const struct cupel_fault_rule *rule = cupel_fault_plan_next(&failing->plan, &request);
    return rule == NULL ? GRANTED : cupel__fault_moves(rule) ? MOVED : REFUSED;
}

/* What is to come of this request; counts it. Fills in the rest of the event. */
static enum fate decide(struct cupel_failing *failing, struct cupel_failing_event *event) {
    failing->calls += (event->calls & CALLS_ALLOC) != 0;
    failing->grow_calls += (event->calls & CALLS_GROW) != 0;
    event->live_bytes = failing->live_bytes - event->size + event->new_size;
    event->is_armed = failing->is_armed;
    enum fate fate = failing->is_armed && failing->plan.count != 0 ? ask_plan(failing, event) : GRANTED;
    event->is_refused = fate == REFUSED;
    if (__builtin_expect(failing->on_request != NULL, 0)) {
        failing->on_request(failing, event);
    }
    if (fate == REFUSED) {
        inject(failing, event->calls == CALLS_GROW, event);
    }
    return fate;
}

/* Up to which request, not included, the plan lets each acquire and remap pass for certain: where its one rule looks at
 * all of them and only counts. */
static uint64_t sure_until(const struct cupel_fault_plan *plan) {
    const struct cupel_fault_rule *rule = &plan->rules[0];
    bool looks_at_all =
        rule->call == CUPEL_FAULT_ALLOC && rule->thread == 0 && rule->size_max == 0 && rule->where[0] == '\0';
    bool counts = rule->when == CUPEL_FAULT_NTH || rule->when == CUPEL_FAULT_FROM || rule->when == CUPEL_FAULT_PAIR;
    bool has_earlier = rule->when == CUPEL_FAULT_PAIR && rule->second < rule->first;
    if (plan->count == 0) {
        return UINT64_MAX;
    }
    return plan->count == 1 && looks_at_all && counts ? has_earlier ? rule->second : rule->first : 0;
}

/* The short way for most acquires of a sweep: true where this one is sure to be granted; it is counted then. */
static inline bool is_sure(struct cupel_failing *failing) {
    struct cupel_fault_rule *rule = &failing->plan.rules[0];
    if (failing->on_request != NULL || (failing->is_armed && rule->seen + 1 >= failing->sure_until)) {
        return false;
    }
    rule->seen += failing->is_armed;
    failing->calls++;
    return true;
}

/* Code that bears these goes on as if nothing had happened. */
static bool is_borne_silently(const struct cupel_fault_rule *rule) {
    return strcmp(rule->how, "short") == 0 || strcmp(rule->how, "EINTR") == 0 ||
           (rule->call == CUPEL_FAULT_CLOCK && cupel_fault_errno(rule) == 0);
}

const struct cupel_fault_rule *cupel_failing_ask(struct cupel_failing *failing, enum cupel_fault_call call, size_t size,
                                                 bool can_be_short, const void *site) {
    assert(call == CUPEL_FAULT_VM || (call >= CUPEL_FAULT_READ && call <= CUPEL_FAULT_CLOCK));
    failing->asked[call]++;
    failing->asked_short[call] += can_be_short;
    if (!failing->is_armed || failing->plan.count == 0) {
        return NULL;
    }
    const void *frames[CUPEL_FAULT_FRAMES_MAX];
    struct cupel_fault_request request = {.calls = 1u << call,
                                          .size = size,
                                          .can_be_short = can_be_short,
                                          .thread = thread_number(failing),
                                          .frames = frames};
    if (failing->wants_frames) {
        request.frame_count = cupel__frames_unwind(site, frames, CUPEL_FAULT_FRAMES_MAX);
    }
    const struct cupel_fault_rule *rule = cupel_fault_plan_next(&failing->plan, &request);
    if (rule != NULL) {
        struct cupel_failing_event event = {
            .calls = request.calls, .new_size = size, .is_armed = true, .is_refused = true, .site = site};
        inject(failing, is_borne_silently(rule), &event);
    }
    return rule;
}

static void count_ok(struct cupel_failing *failing) {
    *(failing->injected + failing->injected_benign == 0 ? &failing->ok_before : &failing->ok_after) += 1;
}

static void *failing_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags,
                             const void *site) {
    struct cupel_failing *failing = from_base(self);
    if (!is_sure(failing)) {
        struct cupel_failing_event asked = {.calls = CALLS_ALLOC, .new_size = size, .align = align, .site = site};
        if (decide(failing, &asked) == REFUSED) {
            return NULL;
        }
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
    struct cupel_failing_event asked = {
        .calls = CALLS_GROW, .size = size, .new_size = new_size, .align = align, .site = site};
    enum fate fate = decide(failing, &asked);
    if (fate == MOVED) {
        failing->moved++; /* where it cannot stay in place it has to move, and that is for its owner to do */
    }
    if (fate != GRANTED || !failing->parent->ops->resize(failing->parent, block, size, align, new_size, site)) {
        return false;
    }
    failing->live_bytes += (uint64_t)new_size - size;
    return true;
}

/* As a root that never grows a block where it stands. What lies at the old address is spoilt, so that who still reads
 * it sees it, also where no sanitizer looks. */
static void *move(struct cupel_failing *failing, const struct cupel_failing_event *asked, void *block, unsigned flags) {
    const struct cupel_allocator_ops *ops = failing->parent->ops;
    void *moved = ops->acquire(failing->parent, asked->new_size, asked->align, flags, asked->site);
    if (moved != NULL) {
        memcpy(moved, block, asked->size < asked->new_size ? asked->size : asked->new_size);
        memset(block, MOVED_FILL, asked->size);
        ops->release(failing->parent, block, asked->size, asked->align, asked->site);
        failing->moved++;
    }
    return moved;
}

static void *failing_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                           unsigned flags, const void *site) {
    struct cupel_failing *failing = from_base(self);
    struct cupel_failing_event asked = {
        .calls = CALLS_ALLOC | CALLS_GROW, .size = size, .new_size = new_size, .align = align, .site = site};
    enum fate fate = decide(failing, &asked);
    if (fate == REFUSED) {
        return NULL;
    }
    void *moved = fate == MOVED
                      ? move(failing, &asked, block, flags)
                      : failing->parent->ops->remap(failing->parent, block, size, align, new_size, flags, site);
    if (moved != NULL) {
        failing->live_bytes += (uint64_t)new_size - size;
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
    failing->sure_until = sure_until(&failing->plan);
    return &failing->base;
}

void cupel_failing_set(struct cupel_failing *failing, const struct cupel_fault_plan *plan) {
    struct cupel_failing fresh = {.base = failing->base,
                                  .parent = failing->parent,
                                  .live_bytes = failing->live_bytes,
                                  .benign_depth = failing->benign_depth,
                                  .is_armed = true,
                                  .on_first = failing->on_first,
                                  .on_request = failing->on_request};
    if (plan != NULL) {
        fresh.plan = *plan;
    }
    for (unsigned i = 0; i < fresh.plan.count; i++) {
        fresh.plan.rules[i].seen = 0;
    }
    (void)cupel_fault_plan_resolve(&fresh.plan, NULL);
    fresh.wants_frames = cupel_fault_plan_wants_frames(&fresh.plan);
    fresh.sure_until = sure_until(&fresh.plan);
    *failing = fresh;
}

void cupel_failing_benign_begin(struct cupel_failing *failing) {
    failing->benign_depth++;
}

void cupel_failing_benign_end(struct cupel_failing *failing) {
    assert(failing->benign_depth > 0);
    failing->benign_depth--;
}
