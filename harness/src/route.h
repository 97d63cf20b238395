/* The way of plain malloc into the layers of the running test. The interposition objects (interpose.c), linked whole
 * into every test program, define the malloc family; while a body runs they hand each request to the functions here:
 *
 *     code under test -> malloc --+-- no body runs, libc asks for itself, the layers ask --> the real malloc
 *                                 +-- else --> route -> below: counting -> [tracking] -> [failing] -> root
 *     test_allocator() ----------------> gate ------> below
 *
 * C's free(block) carries no size: an index keeps each routed block with its size, and with the number of the run that
 * acquired it. A block of this run is released through the layers; one that outlived its run goes back to the C library
 * and upsets no count; any other block is none of ours. The layers know one thread at a time: one lock is held
 * over them, by the gate too. What they ask of malloc meanwhile (`depth`) goes to the real one.
 *
 * Programs without the objects (engine targets) have the gate alone. */
#ifndef HARNESS_SRC_ROUTE_H
#define HARNESS_SRC_ROUTE_H

#include "alloc/alloc.h"
#include "alloc/base/message.h"
#include "alloc/counting.h"
#include "alloc/perturbing.h"

#include <stdbool.h>
#include <stdint.h>

enum { CUPEL__CALLERS_MAX = 32, CUPEL__ROUTE_RUNS_MAX = 3 };

/* What plain malloc did since the run began, and what of it is live. Bytes are those asked for. */
struct cupel__routed {
    uint64_t acquired; /* blocks */
    uint64_t live_blocks;
    uint64_t live_bytes;
    uint64_t address_sum; /* of live blocks, modulo 2^64 */
};

/* A block that is live, for words. */
struct cupel__routed_block {
    const void *base; /* NULL: there is none */
    size_t size;
    const void *site;
};

/* Read by the interposition objects before they do anything else. */
struct cupel__route {
    int armed;        /* enum; atomic access */
    size_t live;      /* blocks in the index, of whatever run; atomic access */
    unsigned callers; /* ranges of code whose requests are left alone */
    struct {
        uintptr_t low, high;
    } caller[CUPEL__CALLERS_MAX];
};
enum { CUPEL__ROUTE_OFF, CUPEL__ROUTE_ON, CUPEL__ROUTE_PROBE };
extern struct cupel__route cupel__route;

/* Which of C++'s operators asks, or releases. */
struct cupel__route_operator {
    bool is_array;
    bool is_sized; /* a delete that says the size */
    size_t size;
};

/* Of this thread. */
struct cupel__route_thread {
    unsigned depth;                           /* inside the layers: requests go to the real malloc */
    unsigned probes;                          /* requests seen while probing */
    const struct cupel__route_operator *form; /* of the request that the layers serve; NULL: malloc's family */
};
extern _Thread_local struct cupel__route_thread cupel__route_thread;

/* True where the code at `site` asks for itself, and not for the code under test. */
static inline bool cupel__route_leaves_alone(const void *site) {
    for (unsigned i = 0; i < cupel__route.callers; i++) {
        if ((uintptr_t)site - cupel__route.caller[i].low < cupel__route.caller[i].high - cupel__route.caller[i].low) {
            return true;
        }
    }
    return false;
}

/* For run.c. The lock of the layers, for those who exchange them; it nests. */
void cupel__route_enter(void);
void cupel__route_leave(void);
/* A new run: `below` is the stack from now on, with nothing counted, and a perturbing layer in it, or none, places
 * blocks so. The allocator that stands before it and takes the lock. */
struct cupel_allocator *cupel__route_begin(struct cupel_allocator *below, enum cupel_placement placement);
/* A run within a run: what goes on waits until cupel__route_pop. False where too many wait already. */
bool cupel__route_push(void);
void cupel__route_pop(void);
/* Whether requests of plain malloc are routed now. Children that fork off are never routed. */
void cupel__route_arm(bool is_on);
/* As cupel__route_arm(false), and says whether they were routed until now. */
bool cupel__route_disarm(void);
struct cupel__routed cupel__route_counts(void);
/* What the layers counted, without plain malloc's part. */
struct cupel_counts cupel__routed_apart(const struct cupel_counts *all, const struct cupel__routed *routed);
/* One of the run's live blocks. */
struct cupel__routed_block cupel__route_oldest(void);
/* For the question whether what a run left grows: at its end, remembers which requests left blocks; after the next run,
 * true where one of these left more blocks than were freed of those that it had left before. A request is known by
 * the address that it was made from, so that a run under a fault, which may have lost its place, is not misread. */
void cupel__route_mark_left(void);
bool cupel__route_left_grew(void);
/* What the C library asks for itself is routed too; before the first run. */
void cupel__route_take_libc(bool takes_libc);
/* True where plain malloc of this program does come here; false and a text where it does not. */
bool cupel__route_check(struct cupel_error *error);

/* What stands below the layers: the C library, and for C++'s operators what the interposition objects say. */
struct cupel_allocator *cupel__route_root(void);

/* route_callers.c: fills the ranges of cupel__route. */
void cupel__route_find_callers(bool takes_libc);

/* For the interposition objects. NULL: refused, or out of memory. */
void *cupel__route_acquire(size_t size, size_t align, unsigned flags, const void *site);
/* What realloc does for a block that is not NULL and a size that is not 0. NULL: refused, the block is as it was. */
void *cupel__route_remap(void *block, size_t size, const void *site);
/* The same where the caller is not routed. False where the block is none of ours: nothing was done. */
bool cupel__route_remap_out(void *block, size_t size, const void *site, void **moved);
/* False where the block is none of ours: nothing was done. */
bool cupel__route_release(void *block, const void *site);
/* The same for an operator of C++. */
void *cupel__route_acquire_by(const struct cupel__route_operator *form, size_t size, size_t align, const void *site);
bool cupel__route_release_by(const struct cupel__route_operator *form, void *block, const void *site);
/* Bytes that may be used at a block that stands where the C library did not put it. False for any other. */
bool cupel__route_usable(const void *block, size_t *size);

/* Of the interposition objects; absent where they are not linked. False and a text where the program's malloc is
 * another than theirs. */
bool cupel__interpose_check(struct cupel_error *error) __attribute__((weak));
/* False where the operators have no memory of their own: it is malloc's then. */
bool cupel__interpose_new(const struct cupel__route_operator *form, size_t size, size_t align, void **block)
    __attribute__((weak));
bool cupel__interpose_delete(const struct cupel__route_operator *form, void *block, size_t align) __attribute__((weak));

#endif
