/* Layer: the malloc family over any allocator. C's `free(block)` carries no size; the facade asks the address index for
 * it. What stands on it may replace a program's malloc.
 *
 *     static struct cupel_facade facade;                   zeroed: works at once, out of the boot arena
 *     cupel_facade_init(&facade, cupel_libc());
 *     void *block = cupel_facade_malloc(&facade, 100);
 *     cupel_facade_free(&facade, block);
 *
 * The boot arena is a piece of static memory of CUPEL_FACADE_BOOT_BYTES, one for the whole program. It serves what
 * comes before cupel_facade_init, and what the layers below ask of the facade themselves while they serve one of its
 * calls (a logging layer whose stream wants a buffer). Its blocks are known by their address, whenever and by whichever
 * thread they are freed; room comes back for the newest one, and all of it with the last. When it is full such requests
 * fail.
 *
 * Thread-safe by one lock, held over the call of the layers below, which therefore need no locking of their own. Not
 * for signal handlers. A program with threads that forks must hold the lock over the fork: pass cupel_facade_lock and
 * cupel_facade_unlock to pthread_atfork. Cost beside the layers below: the lock and one insert and removal in the index
 * for each block, about 140 bytes a block. */
#ifndef ALLOC_FACADE_H
#define ALLOC_FACADE_H

#include "alloc/alloc.h"
#include "alloc/index.h"

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUPEL_FACADE_BOOT_BYTES = 256 << 10, CUPEL_FACADE_DEFERRED_MAX = 64 };

enum cupel_facade_kind {
    CUPEL_FACADE_UNKNOWN_BLOCK, /* never allocated here, or freed already */
    CUPEL_FACADE_INTERIOR,      /* an address inside a live block, not its beginning */
    CUPEL_FACADE_BOOT_FREED,    /* a block of the boot arena that was freed already */
    CUPEL_FACADE_DEFERRED_FULL, /* too many blocks freed by layers below during one call: the block is lost */
};

/* What was wrong with a free, realloc or usable_size. The call has no other effect. */
struct cupel_facade_finding {
    enum cupel_facade_kind kind;
    const void *address;      /* as the caller gave it */
    struct cupel_block block; /* CUPEL_FACADE_INTERIOR: the block around it; else all zero */
    const void *site;         /* the caller's return address */
};

struct cupel_facade {
    struct cupel_allocator base;    /* the same blocks through the sized interface */
    struct cupel_allocator *parent; /* NULL: not initialised */
    pthread_mutex_t lock;
    uintptr_t owner; /* the thread that holds the lock, 0: none */
    struct cupel_index index;
    uint64_t serial;
    uint64_t findings;
    /* Called without the lock, by the thread that made the mistake. Not called for mistakes that layers below make
     * while they serve a call: those are counted only. NULL: none. */
    void (*on_finding)(void *user, const struct cupel_facade_finding *finding);
    void *user;
    /* Blocks that layers below freed while they served a call: released when that call is done. */
    unsigned deferred_count;
    struct cupel_facade_deferred {
        void *block;
        size_t size;
        size_t align;
    } deferred[CUPEL_FACADE_DEFERRED_MAX];
};

/* Begins to serve from `parent`, which must outlive the facade. A zeroed facade is served from the boot arena before
 * this. While it runs no other thread may use the facade. Returns the sized interface. */
struct cupel_allocator *cupel_facade_init(struct cupel_facade *facade, struct cupel_allocator *parent);
/* Gives the index's memory back; live blocks stay with the parent. A zeroed facade is allowed. */
void cupel_facade_deinit(struct cupel_facade *facade);

/* As in C17 and POSIX. NULL is out of memory, with errno ENOMEM, and nothing has changed. Size 0 gives a block that
 * must be freed. Blocks are aligned for every type. */
void *cupel_facade_malloc(struct cupel_facade *facade, size_t size);
void *cupel_facade_calloc(struct cupel_facade *facade, size_t count, size_t size);
/* `size` 0 frees the block and gives NULL, as glibc has it; errno is left alone then. A block that is not known gives
 * NULL with errno EINVAL, and a finding. */
void *cupel_facade_realloc(struct cupel_facade *facade, void *block, size_t size);
void *cupel_facade_reallocarray(struct cupel_facade *facade, void *block, size_t count, size_t size);
/* errno is EINVAL where align is no power of two. `size` need not be a multiple of it. */
void *cupel_facade_aligned_alloc(struct cupel_facade *facade, size_t align, size_t size);
/* 0, EINVAL where align is no power of two or no multiple of sizeof(void *), or ENOMEM; *block is written on 0 alone,
 * and errno never. */
int cupel_facade_posix_memalign(struct cupel_facade *facade, void **block, size_t align, size_t size);
/* Leaves errno alone. NULL is allowed. */
void cupel_facade_free(struct cupel_facade *facade, void *block);
/* The size that was asked for: no byte more may be used. 0 for NULL and for a block that is not known (a finding). */
size_t cupel_facade_usable_size(struct cupel_facade *facade, const void *block);

/* Live blocks of this facade, those of the boot arena left out. */
size_t cupel_facade_live_blocks(struct cupel_facade *facade);
/* True for an address in the boot arena. */
bool cupel_facade_is_boot(const void *address);
/* Bytes of the boot arena in use, headers and holes included. */
size_t cupel_facade_boot_bytes(void);

/* For pthread_atfork: before the fork, and after it in parent and child. */
void cupel_facade_lock(struct cupel_facade *facade);
void cupel_facade_unlock(struct cupel_facade *facade);

#ifdef __cplusplus
}
#endif

#endif
