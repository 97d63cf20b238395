/* The gate before the layers, the runs, and when requests are routed: see route.h. */
#include "harness/src/route.h"
#include "harness/src/route_state.h"

#include "alloc/libc.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define ENTRY CUPEL__ROUTE_ENTRY

struct cupel__route cupel__route;
_Thread_local struct cupel__route_thread cupel__route_thread;
struct cupel__route_state cupel__route_state = {.run = cupel__route_state.runs};

static_assert((int)CUPEL_PLACEMENT_COUNT <= (int)CUPEL__PLACEMENTS, "each has a number of its own");

static bool is_prepared;
static bool takes_libc;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

ENTRY void cupel__route_enter(void) {
    if (cupel__route_thread.depth++ == 0) {
        (void)pthread_mutex_lock(&lock);
    }
}

ENTRY void cupel__route_leave(void) {
    if (--cupel__route_thread.depth == 0) {
        (void)pthread_mutex_unlock(&lock);
    }
}

/* The gate. */

static void *gate_acquire(struct cupel_allocator *self, size_t size, size_t align, unsigned flags, const void *site) {
    (void)self;
    cupel__route_enter();
    struct cupel_allocator *below = cupel__route_state.run->below;
    void *block = below->ops->acquire(below, size, align, flags, site);
    cupel__route_leave();
    return block;
}

static bool gate_resize(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                        const void *site) {
    (void)self;
    cupel__route_enter();
    struct cupel_allocator *below = cupel__route_state.run->below;
    bool has_resized = below->ops->resize(below, block, size, align, new_size, site);
    cupel__route_leave();
    return has_resized;
}

static void *gate_remap(struct cupel_allocator *self, void *block, size_t size, size_t align, size_t new_size,
                        unsigned flags, const void *site) {
    (void)self;
    cupel__route_enter();
    struct cupel_allocator *below = cupel__route_state.run->below;
    void *moved = below->ops->remap(below, block, size, align, new_size, flags, site);
    cupel__route_leave();
    return moved;
}

static void gate_release(struct cupel_allocator *self, void *block, size_t size, size_t align, const void *site) {
    (void)self;
    cupel__route_enter();
    struct cupel_allocator *below = cupel__route_state.run->below;
    below->ops->release(below, block, size, align, site);
    cupel__route_leave();
}

static size_t gate_usable(struct cupel_allocator *self, const void *block, size_t size, size_t align) {
    (void)self;
    cupel__route_enter();
    struct cupel_allocator *below = cupel__route_state.run->below;
    size_t usable = cupel_usable(below, block, size, align);
    cupel__route_leave();
    return usable;
}

static const struct cupel_allocator_ops gate_ops = {.name = "gate",
                                                    .acquire = gate_acquire,
                                                    .resize = gate_resize,
                                                    .remap = gate_remap,
                                                    .release = gate_release,
                                                    .usable = gate_usable};

/* Runs. */

struct cupel_allocator *cupel__route_begin(struct cupel_allocator *below, enum cupel_placement placement) {
    struct cupel__route_state *state = &cupel__route_state;
    cupel__route_enter();
    if (state->gate.ops == NULL) {
        state->gate.ops = &gate_ops;
        cupel_index_init(&state->blocks);
    }
    state->last_number = (state->last_number / CUPEL__PLACEMENTS + 1) * CUPEL__PLACEMENTS + (uint64_t)placement;
    state->run->below = below;
    state->run->number = state->last_number;
    state->run->counts = (struct cupel__routed){.acquired = 0};
    cupel__route_leave();
    return &state->gate;
}

bool cupel__route_push(void) {
    struct cupel__route_state *state = &cupel__route_state;
    bool has_room = state->run + 1 < state->runs + CUPEL__ROUTE_RUNS_MAX;
    if (has_room) {
        cupel__route_enter();
        state->run->armed = __atomic_exchange_n(&cupel__route.armed, CUPEL__ROUTE_OFF, __ATOMIC_RELAXED);
        state->run++;
        cupel__route_leave();
    }
    return has_room;
}

void cupel__route_pop(void) {
    struct cupel__route_state *state = &cupel__route_state;
    cupel__route_enter();
    state->run--;
    __atomic_store_n(&cupel__route.armed, state->run->armed, __ATOMIC_RELAXED);
    cupel__route_leave();
}

static void after_fork_in_parent(void) {
    cupel__route_leave();
}

static void after_fork_in_child(void) {
    cupel__route_leave();
    __atomic_store_n(&cupel__route.armed, CUPEL__ROUTE_OFF, __ATOMIC_RELAXED);
}

/* What runs when a body leaves by exit is the program's end, not the body. */
static void after_exit(void) {
    __atomic_store_n(&cupel__route.armed, CUPEL__ROUTE_OFF, __ATOMIC_RELAXED);
}

/* Once: by the supervisor, where there is one, and not in the first test of each worker. */
static void prepare(void) {
    if (!is_prepared) {
        is_prepared = true;
        cupel__route_find_callers(takes_libc);
        (void)pthread_atfork(cupel__route_enter, after_fork_in_parent, after_fork_in_child);
        (void)atexit(after_exit);
    }
}

void cupel__route_arm(bool is_on) {
    if (cupel__interpose_check) {
        prepare();
        __atomic_store_n(&cupel__route.armed, is_on ? CUPEL__ROUTE_ON : CUPEL__ROUTE_OFF, __ATOMIC_RELAXED);
    }
}

bool cupel__route_disarm(void) {
    return __atomic_exchange_n(&cupel__route.armed, CUPEL__ROUTE_OFF, __ATOMIC_RELAXED) == CUPEL__ROUTE_ON;
}

struct cupel__routed cupel__route_counts(void) {
    cupel__route_enter();
    struct cupel__routed counts = cupel__route_state.run->counts;
    cupel__route_leave();
    return counts;
}

void cupel__route_take_libc(bool takes) {
    takes_libc = takes;
}

bool cupel__route_check(struct cupel_error *error) {
    if (!cupel__interpose_check) {
        return cupel_error_set(
            error, 0, 0,
            "this program's malloc cannot be watched: the objects that define it (cupel::harness_main, "
            "cupel::interpose) are not linked");
    }
    prepare();
    return cupel__interpose_check(error);
}
